"""Revocation with real authorities, lists and responders: what is revoked never
gets to a device, and nothing but current evidence lets anything through."""

import pytest

from ferrytest.revocation import RevocationSite
from ferrytest.site import wait_for

ASK = 'approval = "ask";'


def uploads(sim, name="lamp-1"):
    return sim.counts(name)["uploads_started"]


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
    site.wait_job("lamp-1", "done")
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
