"""An adversary with some of the vendor's keys, the vendor's web server or an old
copy of everything, against the real ferryd: nothing is installed that two
signers did not name for this device, and nothing stays locked."""

import time

import pytest

from ferrytest import forge as forging
from ferrytest.forge import Forge
from ferrytest.site import Site, wait_for

ASK = 'approval = "ask";'


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def uploads(sim, name="lamp-1"):
    return sim.counts(name)["uploads_started"]


def version(sim, name):
    return sim.state(name)["running"]["version"]


def vendor(site):
    return site.get("/v1/vendors")["items"][0]


def check(site):
    status, answer = site.post("/v1/check")
    assert status == 200, answer
    return answer["items"][0]


def gates(site, device="lamp-1"):
    return [g["gate"] for g in site.job(device)["gates"]]


def wait_only(site, gate, device="lamp-1"):
    wait_for(f"{device} to wait for {gate} alone",
             lambda: gates(site, device) == [gate])


def offered(site):
    """A verified release that waits for a person."""
    site.add_class("lamp", extra=ASK)
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "waiting")
    wait_only(site, "approval")
    return sim


def approve(site):
    status, answer = site.post(
        f"/v1/jobs/{site.job('lamp-1')['id']}/approve")
    assert status == 200, answer


def try_to_approve(site):
    """A person says yes; the job may have ended already."""
    site.post(f"/v1/jobs/{site.job('lamp-1')['id']}/approve")


ENDED = ("failed", "superseded")


def wait_ended(site, device="lamp-1"):
    return site.wait_job(device, ENDED, 30)


def author_is(key):
    def change(root):
        root[6][3][2] = [{1: forging.cose_key(key)}]
    return change


def test_release_of_an_author_that_a_new_root_removed_is_not_installed(site):
    sim = offered(site)
    Forge(site).root(author_is(forging.new_key()))
    check(site)
    assert vendor(site)["root"]["version"] == 2
    try_to_approve(site)
    job = wait_ended(site)
    assert job["failure"]["code"].startswith("trust-")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_same_root_served_as_the_next_one_ends_the_questions(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    root = site.pub / "www" / "root"
    (root / "2.cose").write_bytes((root / "1.cose").read_bytes())
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    asked = [r for r in site.nginx.requests() if "root/2.cose" in str(r)]
    assert len(asked) <= 3
    site.stop_ferryd()


def test_floor_that_rose_after_the_job_was_made_holds(site):
    sim = offered(site)

    def change(catalog):
        newer = dict(catalog[7][0])
        newer.update({4: newer[4] + 1, 5: b"\1" * 32, 17: True})
        catalog[7].append(newer)

    Forge(site).catalog(change)
    check(site)
    try_to_approve(site)
    wait_ended(site)
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_image_that_a_catalog_named_before_is_not_sent_for_the_release(site):
    """The thief of the catalog key names the lock's image for the lamp's
    manifest, withholds the envelope, and then names the right one."""
    site.add_class("lamp")
    site.add_class("lock")
    site.release("lock", "9.0.0", seed=9)
    sim = site.start_sim(["name=lock-1", "name=lamp-1"])
    site.start_ferryd()
    site.wait_job("lock-1", "done")
    site.release("lamp", "2.0.0")
    thief = Forge(site)
    kept = {}

    def of(catalog, name):
        return next(e for e in catalog[7]
                    if e[2].hex() == site.classes[name].replace("-", ""))

    def swap(catalog):
        lamp = of(catalog, "lamp")
        kept.update(payload=lamp[8], envelope=lamp[6])
        lamp[8] = of(catalog, "lock")[8]

    thief.catalog(swap)
    envelope = site.pub / "www" / "e" / f"{kept['envelope'].hex()}.suit"
    hidden = envelope.rename(envelope.with_suffix(".hidden"))
    check(site)
    site.wait_job("lamp-1", "waiting")
    wait_for("the fetch to fail", lambda: site.logged("fetch failed"))
    hidden.rename(envelope)
    again = thief.envelope_again(kept["envelope"])

    def right(catalog):
        lamp = of(catalog, "lamp")
        lamp[8], lamp[6], lamp[7] = kept["payload"], *again

    thief.catalog(right)
    check(site)
    wait_for("the right image", lambda: version(sim, "lamp-1")
             .startswith("2.0.0") and site.job("lamp-1")["state"] == "done")
    assert uploads(sim) == 1
    site.stop_ferryd()


def test_same_manifest_listed_for_another_class_first_changes_nothing(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")

    def change(catalog):
        other = dict(catalog[7][0])
        other[2] = b"\7" * 16
        catalog[7].insert(0, other)

    Forge(site).catalog(change)
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    assert version(sim, "lamp-1").startswith("2.0.0")
    site.stop_ferryd()


def test_entry_withdrawn_for_this_class_alone_ends_its_job(site):
    sim = offered(site)

    def change(catalog):
        other = dict(catalog[7][0])
        other[2] = b"\7" * 16
        catalog[7][0][17] = True
        catalog[7].insert(0, other)

    Forge(site).catalog(change)
    check(site)
    wait_ended(site)
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_signed_time_far_ahead_is_repaired_by_a_higher_epoch(site):
    """The thief of the catalog key pushes the time far ahead: the vendor's
    server certificate must still do to fetch the root that repairs it."""
    site.add_class("lamp", extra=ASK)
    site.release("lamp", "2.0.0")
    site.config = 'relay = { clock = "untrusted"; };'
    site.write_config()
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "waiting")
    ahead = int(time.time()) + 40 * 31536000
    thief = Forge(site)
    thief.catalog(lambda c: c.update({3: ahead, 4: ahead + 86400}))
    assert check(site)["failure"] is None
    now = int(time.time())
    for again in (False, True):
        if again:
            site.stop_ferryd()
            site.start_ferryd()
        failure = check(site)["failure"]
        assert failure["code"] == "trust-root-expired", failure
    thief.root(lambda r: r.update({3: now, 4: now + 86400, 5: r[5] + 1}))
    thief.catalog(lambda c: c.update({3: now, 4: now + 86400, 5: 2,
                                      6: c[6] + 1}))
    assert check(site)["failure"] is None
    assert vendor(site)["catalog"]["state"] == "fresh"
    approve(site)
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_sequence_at_the_end_is_repaired_by_a_higher_epoch(site):
    last = 2 ** 64 - 1
    sim = offered(site)

    def flood(catalog):
        catalog[2] = last
        newer = dict(catalog[7][0])
        newer.update({4: last, 5: b"\1" * 32, 17: True})
        catalog[7].append(newer)

    thief = Forge(site)
    thief.catalog(flood)
    check(site)
    wait_ended(site)
    assert uploads(sim) == 0
    thief.root(lambda r: r.update({5: r[5] + 1}))

    def repaired(catalog):
        catalog.update({2: 1, 5: 2, 6: catalog[6] + 1})
        del catalog[7][1]

    thief.catalog(repaired)
    assert check(site)["failure"] is None
    site.stop_ferryd()
    site.start_ferryd()
    site.wait_job("lamp-1", "waiting")
    wait_only(site, "approval")
    approve(site)
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_version_text_of_a_catalog_does_not_change_the_terms_of_a_job(site):
    site.add_class("lamp", extra=ASK)
    site.release("lamp", "2.0.0")
    Forge(site).catalog(lambda c: c[7][0][9].update(
        {1: "2.0.0 by=x;window=never"}))
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "waiting")
    wait_only(site, "approval")
    site.stop_ferryd()
    site.start_ferryd()
    wait_only(site, "approval")
    assert site.job("lamp-1")["window"] == ""
    approve(site)
    site.wait_job("lamp-1", ("done", "unverified", "failed"))
    assert version(sim, "lamp-1").startswith("2.0.0")
    site.stop_ferryd()
