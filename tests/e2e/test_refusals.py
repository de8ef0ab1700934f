"""Nothing wrong is sent, nothing right is locked out for ever, and the reason is
there to read."""

import shutil
from pathlib import Path

import pytest

from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def uploads(sim, name="lamp-1"):
    return sim.counts(name)["uploads_started"]


def vendor(site):
    return site.get("/v1/vendors")["items"][0]


def wait_vendor_failure(site, code):
    def check():
        failure = vendor(site)["link"]["failure"]
        return failure and failure["code"] == code

    try:
        wait_for(f"the vendor's link to say {code}", check, 20)
    except AssertionError:
        raise AssertionError(vendor(site)) from None


def test_revocation_require_refuses_until_there_is_evidence(tmp_path,
                                                            build_dir):
    with Site(tmp_path, build_dir, revocation="require") as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        # The server's certificates name no source: not even news is asked for.
        wait_vendor_failure(site, "vendor-tls-revocation")
        assert "revocation_tls" in vendor(site)["link"]["failure"]["hint"]
        assert site.nginx.requests() == []
        # Told not to mind, it gets as far as the author's certificate, about
        # which the catalog ships a list that is not there.
        shipped = {path: path.read_bytes()
                   for path in (site.pub / "www" / "r").iterdir()}
        for path in shipped:
            path.unlink()
        conf = site.etc / "vendors.d" / "acme.conf"
        conf.write_text(conf.read_text() + 'revocation_tls = "off";\n')
        site.stop_ferryd()
        site.start_ferryd()
        wait_for("the gate", lambda: site.job("lamp-1") and any(
            "trust-revocation-none" in g["reason"]
            for g in site.job("lamp-1")["gates"]), 20)
        assert uploads(sim) == 0
        for path, data in shipped.items():
            path.write_bytes(data)
        site.post("/v1/check")
        site.wait_job("lamp-1", "done")
        site.stop_ferryd()


def test_wrong_server_certificate_sends_nothing(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    other = site.folder / "other"
    site.publish("pki", "tls", "--out", str(other), "--server", "localhost",
                 "--gateway", "x")
    conf = site.etc / "vendors.d" / "acme.conf"
    conf.write_text(conf.read_text().replace(
        f"{site.folder}/tls/ca.pem", f"{other}/ca.pem"))
    site.start_ferryd()
    wait_for("the refusal", lambda: vendor(site)["link"]["failure"])
    assert "tls" in vendor(site)["link"]["failure"]["code"]
    assert site.nginx.requests() == []
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_wrong_client_certificate_is_named(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    other = site.folder / "other"
    site.publish("pki", "tls", "--out", str(other), "--server", "localhost",
                 "--gateway", "x")
    conf = site.etc / "vendors.d" / "acme.conf"
    conf.write_text(conf.read_text()
                    .replace(f"{site.folder}/tls/gateway-hub-1.pem",
                             f"{other}/gateway-x.pem")
                    .replace(f"{site.folder}/tls/gateway-hub-1.key.pem",
                             f"{other}/gateway-x.key.pem"))
    site.start_ferryd()
    wait_vendor_failure(site, "vendor-tls-client-cert")
    site.stop_ferryd()


def test_older_catalog_is_refused_and_the_newer_one_stays(site):
    site.add_class("lamp", extra='approval = "ask";')
    site.release("lamp", "2.0.0")
    old = (site.pub / "www" / "catalog.cose").read_bytes()
    site.release("lamp", "3.0.0", seed=8)
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the catalog", lambda: vendor(site)["catalog"]["sequence"] == 2)
    (site.pub / "www" / "catalog.cose").write_bytes(old)
    status, answer = site.post("/v1/check")
    assert answer["items"][0]["failure"]["code"] == "trust-catalog-rollback"
    assert vendor(site)["catalog"]["sequence"] == 2
    site.stop_ferryd()
    # The floor survives, and the kept catalog counts again.
    site.start_ferryd()
    wait_for("the kept catalog", lambda:
             vendor(site)["catalog"]["sequence"] == 2)
    site.stop_ferryd()


def test_expired_catalog_starts_no_transfer(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", "--no-catalog")
    site.publish("catalog", "--dir", str(site.pub), "--expires", "2s")
    sim = site.start_sim("name=lamp-1")
    site.config = 'relay = { clock = "synchronised"; };'
    site.write_config()
    site.add_class("lamp", extra='approval = "ask";')
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    wait_for("the catalog gate", lambda: "catalog" in [
        g["gate"] for g in site.job("lamp-1")["gates"]], 20)
    assert vendor(site)["catalog"]["state"] == "expired"
    site.post(f"/v1/jobs/{job['id']}/approve")
    wait_for("the catalog gate alone", lambda: [
        g["gate"] for g in site.job("lamp-1")["gates"]] == ["catalog"])
    assert uploads(sim) == 0
    # A new catalog opens it again.
    site.publish("catalog", "--dir", str(site.pub), "--expires", "24h")
    site.post("/v1/check")
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_withdrawn_release_ends_its_job(site):
    site.add_class("lamp", extra='approval = "ask";')
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "waiting")
    done = site.publish("withdraw", "--help")
    assert done.returncode == 0
    manifest = site.job("lamp-1")["manifest_digest"]
    done = site.publish("withdraw", "--dir", str(site.pub), manifest,
                        check=False)
    assert done.returncode == 0, done.stderr
    site.post("/v1/check")
    site.wait_job("lamp-1", "superseded")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_payload_changed_on_the_server_is_never_sent(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    payload = next((site.pub / "www" / "p").iterdir())
    data = bytearray(payload.read_bytes())
    data[5000] ^= 1
    good = payload.read_bytes()
    payload.chmod(0o644)
    payload.write_bytes(data)
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the digest to be refused", lambda: site.logged("store-digest"))
    assert uploads(sim) == 0
    payload.write_bytes(good)
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_envelope_changed_on_the_server_is_never_used(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    envelope = next((site.pub / "www" / "e").iterdir())
    data = bytearray(envelope.read_bytes())
    data[100] ^= 1
    envelope.chmod(0o644)
    envelope.write_bytes(data)
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the digest to be refused", lambda: site.logged("store-digest"))
    assert uploads(sim) == 0
    site.stop_ferryd()


@pytest.mark.parametrize("what", ["blob", "table"])
def test_bit_that_rots_after_verification_is_never_sent(site, what):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    job = site.wait_progress("lamp-1", 15)
    digest = job["manifest_digest"]
    assert digest
    payload = next((site.pub / "www" / "p").iterdir()).name
    files = list((site.state / "cache").rglob(f"*{payload}*"))
    blob = [f for f in files if f.suffix == ""]
    leaf = [f for f in files if f.suffix != ""]
    path = (blob if what == "blob" else leaf)[0]
    path.chmod(0o600)
    with path.open("r+b") as f:
        f.seek(40000 if what == "blob" else 40)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 1]))
    site.wait_job("lamp-1", "done", 120)
    assert sim.state("lamp-1")["running"]["version"].startswith("2.0.0")
    site.stop_ferryd()


def test_lost_trust_database_locks_until_an_admin_says_so(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()
    for f in site.state.glob("trust.db*"):
        f.unlink()
    site.start_ferryd()
    status = site.get("/v1/status")
    assert status["trust"]["state"] == "locked"
    assert vendor(site)["link"]["state"] == "stopped"
    assert site.post("/v1/trust/unlock")[0] == 200
    wait_for("the vendor", lambda: vendor(site)["catalog"]["state"] ==
             "fresh", 20)
    assert site.get("/v1/status")["trust"]["state"] == "ok"
    site.stop_ferryd()


def test_damaged_state_database_is_never_recreated(site):
    site.add_class("lamp")
    site.start_ferryd()
    site.stop_ferryd()
    db = site.state / "state.db"
    db.write_bytes(b"garbage" * 1000)
    process = site.start_ferryd(wait=False)
    assert process.wait(20) == 1
    site.ferryd = None
    assert db.read_bytes().startswith(b"garbage")
    assert site.logged("state.db")


def test_other_root_in_the_vendor_file_is_refused(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()
    other = site.folder / "other-pub"
    site.publish("init", "--vendor", "Mallory", "--domain", "acme.example",
                 str(other))
    target = site.folder / "first-root.cose"
    shutil.copy(other / "www" / "root" / "1.cose", target)
    conf = site.etc / "vendors.d" / "acme.conf"
    conf.write_text(conf.read_text().replace(
        f"{site.pub}/www/root/1.cose", str(target)))
    site.start_ferryd()
    wait_for("the refusal", lambda: vendor(site)["link"]["state"] ==
             "stopped")
    assert vendor(site)["link"]["failure"]["code"] == "trust-root-behind"
    site.stop_ferryd()


@pytest.mark.parametrize("date", ["1970-01-02", "2099-01-01"])
def test_clock_far_off_locks_nothing_out(site, date):
    library = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert library, "libfaketime is missing (scripts/setup test installs it)"
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.config = 'relay = { clock = "untrusted"; };'
    site.write_config()
    # ASan wants to be the first library and is told not to mind.
    site.start_ferryd(env={
        "LD_PRELOAD": str(library[0]), "FAKETIME": f"@{date} 00:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"})
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()
