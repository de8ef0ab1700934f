"""Reloads, stops and wishes at the worst moment, and what must hold then."""

import signal
import time

import pytest

from ferrytest.patience import patience
from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def change(path, old, new):
    text = path.read_text()
    assert old in text, text
    path.write_text(text.replace(old, new))


def check(site):
    status, answer = site.post("/v1/check")
    assert status == 200, answer
    return answer["items"][0]


def stop_within(site, seconds):
    """By itself: a stop that is cut short at its limit says so in the log."""
    start = time.monotonic()
    site.stop_ferryd()
    assert time.monotonic() - start < patience(seconds)
    assert not site.logged("stopped without waiting"), site.log.read_text()


def test_reports_that_nobody_takes_wait_and_hurt_nothing(site):
    change(site.etc / "vendors.d" / "acme.conf", "interval_s",
           'reports = "reports"; interval_s')
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-%u,count=2,first=1")
    site.start_ferryd()
    site.wait_jobs(2, "done")
    wait_for("a report that failed", lambda: site.logged(
        "reports stay in the outbox"))
    check(site)
    status = site.get("/v1/status")
    assert status["outbox"] == 2, status
    assert len(site.get("/v1/vendors")["items"]) == 1
    stop_within(site, 4)


def test_reloads_in_mid_transfer_end_and_lose_nothing(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-%u,count=3,first=1,baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 10)
    for wait in (0, 0.001, 0.02, 0.15, 0.3):
        site.ferryd.send_signal(signal.SIGHUP)
        time.sleep(wait)
    site.wait_jobs(3, "done", 90)
    assert [a["code"] for a in site.get("/v1/status")["alarms"]] == \
        ["revocation-off:acme"]
    for name in ("lamp-1", "lamp-2", "lamp-3"):
        assert sim.counts(name)["uploads_started"] == 1
        assert site.job(name)["attempts"] == 1
    stop_within(site, 4)


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_reload_and_stop_while_starting(site, delay):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-%u,count=4,first=1")
    site.start_ferryd()
    site.ferryd.send_signal(signal.SIGHUP)
    time.sleep(delay)
    site.ferryd.send_signal(signal.SIGHUP)
    stop_within(site, 4)
    site.start_ferryd(wait=False)
    wait_for("the signal handlers", lambda: site.log.read_text().count(
        "daemon: starting") == 2)
    time.sleep(delay)
    stop_within(site, 4)


def test_stop_in_mid_transfer_is_quick_and_costs_no_attempt(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-%u,count=3,first=1,baud=115200")
    for percent in (5, 30, 60):
        site.start_ferryd()
        site.wait_progress("lamp-1", percent)
        stop_within(site, 4)
    site.start_ferryd()
    site.wait_jobs(3, "done", 90)
    for name in ("lamp-1", "lamp-2", "lamp-3"):
        assert sim.counts(name)["uploads_started"] == 1
        assert site.job(name)["attempts"] == 1
    site.stop_ferryd()


def test_cancel_after_pause_at_once_is_carried_out(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    job = site.wait_progress("lamp-1", 10)
    path = f"/v1/jobs/{job['id']}"
    assert site.post(f"{path}/pause")[0] == 200
    assert site.post(f"{path}/cancel")[0] == 200
    site.wait_job("lamp-1", "cancelled")
    stop_within(site, 4)


def test_tier_that_the_release_cannot_reach_sends_nothing(site):
    site.add_class("lamp", extra='tiers = ( { step = 1; tier = "+3"; } );')
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "job-tier", job
    check(site)
    assert sim.counts("lamp-1")["uploads_started"] == 0
    assert len(site.jobs()) == 1
    plan = site.get("/v1/plan")["items"][0]
    assert plan["decision"] == "refuse"
    assert plan["reason"]["code"] == "job-tier"
    stop_within(site, 4)


def test_tier_that_the_link_cannot_reach_sends_nothing(site):
    site.add_class("lamp", extra='tiers = ( { step = 7; tier = "+1"; } );')
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "job-tier", job
    assert sim.counts("lamp-1")["uploads_started"] == 0
    check(site)
    assert len(site.jobs()) == 1
    stop_within(site, 4)


def test_floor_that_rose_ends_the_older_job(site):
    site.add_class("lamp", extra='approval = "ask";')
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    # Only for a hardware that this one is not known to be: raises the floor of
    # every device of unknown hardware and can be installed on none of them.
    site.release("lamp", "3.0.0", "--hw", "7..8")
    assert check(site)["result"] == "new"
    site.post(f"/v1/jobs/{job['id']}/approve")
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "trust-suit-sequence", job
    assert sim.counts("lamp-1")["uploads_started"] == 0
    stop_within(site, 4)


def test_device_that_was_set_back_stays_there(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", seed=1)
    site.release("lamp", "3.0.0", seed=2)
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "done")
    assert job["to_version"] == "3.0.0"
    status, answer = site.post("/v1/update", {
        "devices": ["lamp-1"], "allow_downgrade": True})
    assert status == 200, answer
    if not answer["jobs"]:
        pytest.skip(f"the catalog keeps no older release: {answer}")
    site.wait_job("lamp-1", "done")
    assert site.devices()["lamp-1"]["version"] == "2.0.0"
    check(site)
    assert len(site.jobs()) == 2
    site.stop_ferryd()
    site.start_ferryd()
    wait_for("the reading", lambda: site.devices()["lamp-1"]["online"])
    check(site)
    assert len(site.jobs()) == 2
    # Until a person wants more.
    status, answer = site.post("/v1/update", {"devices": ["lamp-1"]})
    assert len(answer["jobs"]) == 1, answer
    site.wait_job("lamp-1", "done")
    assert site.devices()["lamp-1"]["version"] == "3.0.0"
    stop_within(site, 4)


def test_key_that_two_links_have_enrols_nobody(site):
    site.add_class("lamp", auto_enrol="false")
    site.start_sim("name=lamp-%u,count=2,first=1")
    site.start_ferryd()
    wait_for("two candidates", lambda: len(
        site.get("/v1/candidates")["items"]) == 2)
    status, answer = site.post("/v1/candidates/port/enrol", {"class": "lamp"})
    assert status in (404, 422), (status, answer)
    assert site.devices() == {}
    key = site.get("/v1/candidates")["items"][0]["key"]
    status, answer = site.post(f"/v1/candidates/{key}/enrol",
                               {"class": "lamp"})
    assert status == 200, answer
    assert len(site.devices()) == 1
    stop_within(site, 4)
