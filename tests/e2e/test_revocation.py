"""Revocation with real authorities, lists and responders: what is revoked never
gets to a device, and nothing but current evidence lets anything through."""

import pytest

from ferrytest.forge import Forge
from ferrytest.revocation import RevocationSite
from ferrytest.site import wait_for

ASK = 'approval = "ask";'


def uploads(sim, name="lamp-1"):
    return sim.counts(name)["uploads_started"]


def running(sim, name="lamp-1"):
    return sim.state(name)["running"]["version"]


def offered(site, version="2.0.0", **more):
    """One device, one release, ferryd runs."""
    site.add_class("lamp", **more)
    site.release("lamp", version)
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    return sim


def wait_reason(site, text, device="lamp-1", limit=30):
    def check():
        return any(text in r for r in site.gate_reasons(device).values())

    try:
        wait_for(f"{device} to wait for {text}", check, limit)
    except AssertionError:
        raise AssertionError((site.job(device), site.vendor(),
                              site.log.read_text()[-3000:])) from None


def wait_link_failure(site, code, limit=30):
    def check():
        failure = site.vendor()["link"]["failure"]
        return failure and failure["code"] == code

    try:
        wait_for(f"the link to say {code}", check, limit)
    except AssertionError:
        raise AssertionError(
            (site.vendor(), site.log.read_text()[-3000:])) from None


@pytest.fixture
def site(tmp_path, build_dir):
    with RevocationSite(tmp_path, build_dir) as site:
        yield site


def test_current_lists_let_a_release_through(site):
    site.lists()
    offered(site)
    job = site.wait_job("lamp-1", "done")
    ledger = site.get(f"/v1/jobs/{job['id']}")["ledger"]
    sign = next(row for row in ledger if row["step"] == 1)
    assert sign["tier"] == "+2", sign
    about = {(row["about"], row["certificate"], row["status"])
             for row in site.evidence(kind="crl")}
    assert about == {("signer", "CN=author", "good"),
                     ("signer", "CN=sub", "good"),
                     ("server", "CN=server", "good")}
    site.stop_ferryd()


def test_without_any_list_nothing_is_sent_and_the_reason_is_there(site):
    site.list_of(site.server_ca)
    sim = offered(site)
    wait_reason(site, "trust-revocation-none")
    wait_reason(site, "vendor-http-absent")
    assert uploads(sim) == 0
    # Lists appear: the device is not locked out for ever.
    site.lists()
    site.post("/v1/check")
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_revoked_author_is_refused(site):
    site.sub.revoke(site.author)
    site.lists()
    sim = offered(site)
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "trust-revoked"
    assert uploads(sim) == 0
    assert site.offer()["refusal"]["code"] == "trust-revoked"
    site.stop_ferryd()


def test_revoked_intermediate_is_refused(site):
    site.anchor.revoke(site.sub)
    site.lists()
    sim = offered(site)
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "trust-revoked"
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_one_list_missing_of_two_is_not_enough(site):
    site.list_of(site.server_ca)
    site.list_of(site.sub)
    sim = offered(site)
    wait_reason(site, "trust-revocation-missing: CN=sub")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_stale_list_is_not_evidence(site):
    site.lists()
    site.list_of(site.sub, last="20260101000000Z",
                 following="20260102000000Z")
    site.config = 'relay = { clock = "synchronised"; };'
    site.write_config()
    sim = offered(site)
    wait_reason(site, "trust-revocation-stale")
    # Nor is it fetched again and again, as if it were about to run out.
    row, = site.evidence("CN=author")
    assert row["code"] == "trust-revocation-stale"
    assert uploads(sim) == 0
    site.stop_ferryd()


@pytest.mark.parametrize("extra", [
    "2.5.29.27 = critical, ASN1:INTEGER:1",
    "2.5.29.27 = ASN1:INTEGER:1",
    "issuingDistributionPoint = critical, @part\n[part]\nonlyuser = TRUE",
])
def test_partial_list_is_not_evidence(site, extra):
    site.lists()
    site.list_of(site.sub, extra=extra)
    sim = offered(site)
    wait_reason(site, "trust-crl-partial")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_list_by_another_authority_is_not_evidence(site):
    site.lists()
    (site.www / "sub.crl").write_bytes((site.www / "anchor.crl").read_bytes())
    sim = offered(site)
    wait_reason(site, "trust-revocation-missing")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_lower_list_number_never_undoes_a_higher_one(site):
    site.sub.number(500)
    site.lists()
    sim = offered(site, extra=ASK)
    wait_for("the list", lambda: [r for r in site.evidence("CN=author")
                                  if r["number"] == "01f4"])
    site.stop_ferryd()
    # What is kept is lost, so that only trust.db remembers the number.
    for path in (site.state / "cache" / "objects").glob("evidence.*"):
        path.unlink()
    site.sub.number(499)
    site.list_of(site.sub)
    site.start_ferryd()
    wait_reason(site, "trust-crl-rollback")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_list_longer_than_allowed_is_given_up(site):
    site.lists()
    (site.www / "sub.crl").write_bytes(bytes(9 << 20))
    sim = offered(site)
    wait_reason(site, "vendor-http-large")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_host_that_is_not_listed_is_never_asked(tmp_path, build_dir):
    with RevocationSite(tmp_path, build_dir, listed=False) as site:
        site.lists()
        site.extra_settings = 'revocation_tls = "off";\n'
        site.write_config()
        sim = offered(site)
        wait_reason(site, "vendor-host")
        assert site.web.requests() == []
        assert uploads(sim) == 0
        site.stop_ferryd()


def test_name_that_leads_to_a_private_address_is_not_asked(tmp_path,
                                                           build_dir):
    with RevocationSite(tmp_path, build_dir, listed=False) as site:
        site.lists()
        author = site.sub.issue("elsewhere", crl="http://localhost:"
                                f"{site.web.port}/sub.crl")
        site.use_author(author)
        site.extra_settings = (
            'revocation_tls = "off";\n'
            f'evidence_hosts = ["localhost:{site.web.port}"];\n')
        site.write_config()
        sim = offered(site)
        wait_reason(site, "vendor-address")
        assert site.web.requests() == []
        assert uploads(sim) == 0
        site.stop_ferryd()


def test_redirect_to_another_host_is_not_followed(site):
    author = site.sub.issue("moved", crl=f"{site.web.url}/away/sub.crl")
    site.use_author(author)
    site.lists()
    sim = offered(site)
    wait_reason(site, "vendor-http-redirect")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_revoked_server_gets_no_request(site):
    site.server_ca.revoke(site.server)
    site.lists()
    offered(site)
    wait_link_failure(site, "trust-revoked")
    assert site.nginx.requests() == []
    # Also with its list gone, the policy off, and after a restart.
    site.stop_ferryd()
    (site.www / "server-ca.crl").unlink()
    site.extra_settings = 'revocation_tls = "off";\n'
    site.write_config()
    site.start_ferryd()
    wait_link_failure(site, "trust-revoked")
    assert site.nginx.requests() == []
    site.stop_ferryd()


def test_server_without_evidence_gets_no_request(site):
    site.list_of(site.anchor)
    site.list_of(site.sub)
    offered(site)
    wait_link_failure(site, "trust-revocation-none")
    assert site.nginx.requests() == []
    site.list_of(site.server_ca)
    site.post("/v1/check")
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_revoked_is_never_forgotten(site):
    site.sub.revoke(site.author)
    site.lists()
    sim = offered(site)
    site.wait_job("lamp-1", "failed")
    site.stop_ferryd()
    # The authority takes it back, and nobody asks for evidence any more.
    index = site.sub.folder / "index.txt"
    index.write_text(index.read_text().replace("R\t", "V\t"))
    for path in (site.state / "cache" / "objects").glob("evidence.*"):
        path.unlink()
    site.revocation = "off"
    site.write_config()
    site.start_ferryd()
    job = site.job("lamp-1")
    assert site.post(f"/v1/jobs/{job['id']}/retry")[0] == 200
    wait_for("the second refusal", lambda: [
        o for o in site.get("/v1/offers")["items"] if o["refusal"]])
    site.wait_job("lamp-1", "failed")
    assert site.offer()["refusal"]["code"] == "trust-revoked"
    assert uploads(sim) == 0
    assert any(a["code"] == "revocation-off:acme"
               for a in site.get("/v1/status")["alarms"])
    site.stop_ferryd()


def test_kept_lists_do_when_everything_is_away(site):
    site.lists()
    site.add_class("lamp", extra=ASK)
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the release", lambda: site.get("/v1/offers")["items"] and
             site.offer()["state"] == "verified")
    site.stop_ferryd()
    site.web.stop()
    site.nginx.stop()
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    site.post(f"/v1/jobs/{job['id']}/approve")
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def filling(site):
    """The file that makes the disk of the databases full while it is there,
    and the environment for ferryd in which it does: see kill_at.c."""
    mark = site.folder / "disk-is-full"
    return mark, {"FERRY_KILL_AT": f"full:{mark}",
                  "LD_PRELOAD": str(site.bin.parent / "drivers/kill_at.so")}


def has_alarm(site, code):
    return any(a["code"] == code for a in site.get("/v1/status")["alarms"])


def test_revoked_on_a_full_disk_is_stored_once_there_is_room(site):
    site.lists()
    site.add_class("lamp", extra=ASK)
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    mark, env = filling(site)
    site.start_ferryd(env=env)
    wait_for("the release", lambda: site.get("/v1/offers")["items"] and
             site.offer()["state"] == "verified")
    mark.touch()
    before = (site.www / "sub.crl").read_bytes()
    site.sub.revoke(site.author)
    site.list_of(site.sub)
    site.post("/v1/check")
    wait_for("the refusal", lambda: site.offer()["state"] == "refused")
    assert has_alarm(site, "store")
    mark.unlink()

    def known():
        site.post("/v1/check")
        return [e for e in site.get("/v1/history")["items"]
                if e["event"] == "certificate-revoked"]

    wait_for("room", known, 60)
    site.stop_ferryd()
    # Nothing but trust.db tells of it.
    for path in (site.state / "cache" / "objects").glob("evidence.*"):
        path.unlink()
    (site.www / "sub.crl").write_bytes(before)
    site.start_ferryd()
    wait_for("the second refusal", lambda: [
        o for o in site.get("/v1/offers")["items"] if o["refusal"]])
    assert site.offer()["refusal"]["code"] == "trust-revoked"
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_revoked_while_activation_waits_for_the_disk_is_not_activated(site):
    site.lists()
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    mark, env = filling(site)
    site.start_ferryd(env={**env, "FERRY_FULL_FROM": "state=staged"})
    wait_for("the disk to be full", mark.exists)
    wait_for("activation to wait", lambda: has_alarm(site, "store"))
    site.sub.revoke(site.author)
    site.list_of(site.sub)
    site.post("/v1/check")
    wait_for("the list", lambda: site.offer()["state"] != "verified")
    mark.unlink()
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "trust-revoked"
    assert not running(sim).startswith("2.0.0")
    # Nor would it start it the next time.
    assert sim.state("lamp-1")["next"] == "none"
    site.stop_ferryd()


def test_revoked_in_mid_transfer_stops_before_activation(site):
    site.lists()
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=200000)
    sim = site.start_sim("name=lamp-1,baud=57600")
    site.start_ferryd()
    site.wait_progress("lamp-1", 10)
    site.sub.revoke(site.author)
    site.list_of(site.sub)
    site.post("/v1/check")
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "trust-revoked"
    assert job["progress"] is None or \
        job["progress"]["offset"] < job["progress"]["total"]
    assert not running(sim).startswith("2.0.0")
    site.stop_ferryd()


def test_devices_that_run_what_was_revoked_are_marked(site):
    site.lists()
    offered(site)
    site.wait_job("lamp-1", "done")
    assert site.devices()["lamp-1"]["recalled"] is None
    site.sub.revoke(site.author)
    site.list_of(site.sub)
    site.post("/v1/check")

    def recalled():
        return site.devices()["lamp-1"]["recalled"]

    mark = wait_for("the mark", recalled)
    assert mark["code"] == "trust-revoked"
    assert site.devices()["lamp-1"]["health"] == "recalled"
    assert any(a["code"] == "recalled"
               for a in site.get("/v1/status")["alarms"])
    assert "recalled" in site.ctl("devices").stdout
    assert "revoked" in site.ctl("device", "show", "lamp-1").stdout
    events = [e["event"] for e in
              site.get("/v1/history?device=lamp-1")["items"]]
    assert "device-recalled" in events
    site.stop_ferryd()
    site.start_ferryd()
    assert recalled() == mark
    # Another author signs the next release: the mark goes with the image.
    again = site.sub.issue("second", crl=site.url("sub"))
    site.use_author(again)
    site.release("lamp", "2.1.0")
    site.post("/v1/check")
    site.wait_job("lamp-1", "done")
    wait_for("the mark to go", lambda: not recalled())
    site.stop_ferryd()


def test_devices_that_run_what_was_withdrawn_are_marked(site):
    site.lists()
    offered(site)
    job = site.wait_job("lamp-1", "done")
    site.publish("withdraw", "--dir", str(site.pub), job["manifest_digest"])
    site.post("/v1/check")
    mark = wait_for("the mark", lambda:
                    site.devices()["lamp-1"]["recalled"])
    assert mark["code"] == "trust-offer-withdrawn"
    site.stop_ferryd()


def test_ferryctl_shows_the_evidence(site):
    site.lists()
    offered(site)
    site.wait_job("lamp-1", "done")
    shown = site.ctl("vendor", "show", "acme").stdout
    for text in ("CN=author", "CN=server", "good", "require",
                 site.url("sub")):
        assert text in shown, shown
    assert site.ctl("vendor", "show", "nobody").returncode == 3
    site.stop_ferryd()


def test_list_of_a_hundred_thousand_is_read(site):
    index = site.sub.folder / "index.txt"
    rows = index.read_text()
    rows += "".join(f"R\t361231000000Z\t260101000000Z,superseded\t"
                    f"{0x5000000000 + n:X}\tunknown\t/CN=old\n"
                    for n in range(100000))
    index.write_text(rows)
    site.lists()
    assert (site.www / "sub.crl").stat().st_size > 3 << 20
    offered(site)
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_devices_that_run_what_was_dropped_are_marked(site):
    site.lists()
    offered(site)
    site.wait_job("lamp-1", "done")
    Forge(site).catalog(lambda c: c.update({7: []}))
    site.post("/v1/check")
    mark = wait_for("the mark", lambda:
                    site.devices()["lamp-1"]["recalled"])
    assert mark["code"] == "trust-offer-unlisted"
    site.stop_ferryd()
