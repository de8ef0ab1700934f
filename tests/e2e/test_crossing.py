"""From the vendor's folder to devices that prove what they run."""

import pytest

from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def ledger_of(site, device):
    return {row["step"]: row for row in
            site.get(f"/v1/devices/{device}")["ledger"]}


def test_update_is_relayed_and_read_back(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-%u,count=2,first=1")
    site.start_ferryd()
    site.wait_jobs(2, "done")
    for device in site.devices().values():
        assert device["version"] == "2.0.0"
        assert device["confirmed"] is True
        assert device["state"] == "current"
    for name in ("lamp-1", "lamp-2"):
        assert sim.state(name)["running"]["version"].startswith("2.0.0")
        assert sim.state(name)["confirmed"] is True
    ledger = ledger_of(site, "lamp-1")
    assert ledger[3]["tier"] == "+1"  # revocation is off
    assert ledger[4]["tier"] == "+2"
    assert ledger[11]["tier"] == "+1" and ledger[11]["outcome"] == "ok"
    assert ledger[8]["outcome"] == "declared"
    site.stop_ferryd()


def test_image_is_fetched_once_for_all_devices(site):
    site.add_class("lamp")
    image = site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-%u,count=4,first=1")
    site.start_ferryd()
    site.wait_jobs(4, "done")
    site.stop_ferryd()
    payloads = [r for r in site.nginx.requests() if " /p/" in str(r)]
    assert len(payloads) == 1, payloads
    assert image.stat().st_size > 30000


def test_kill_in_mid_transfer_resumes_at_the_device_offset(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-%u,count=2,first=1,baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 30)
    site.kill_ferryd()
    site.start_ferryd()
    site.wait_jobs(2, "done")
    for name in ("lamp-1", "lamp-2"):
        counters = sim.counts(name)
        assert counters["uploads_started"] == 1
        assert counters["reverts"] == 0
        # At most one window is sent twice.
        assert counters["payload_repeated"] <= 3 * 1024
    site.stop_ferryd()


def test_kill_while_the_device_restarts_does_not_reset_it_twice(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1,switch=test-confirm=4s")
    site.start_ferryd()
    site.wait_job("lamp-1", "activating")
    wait_for("the reset", lambda: sim.counts("lamp-1")["resets"])
    site.kill_ferryd()
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    counters = sim.counts("lamp-1")
    assert counters["resets"] == 1 and counters["reverts"] == 0
    site.stop_ferryd()


def test_kill_after_the_restart_confirms_without_a_second_transfer(site):
    site.add_class("lamp", extra='confirm = "after_seconds"; '
                   "confirm_after_s = 3;")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the new image", lambda: sim.state("lamp-1")["running"]
             ["version"].startswith("2.0.0"))
    site.kill_ferryd()
    assert sim.state("lamp-1")["confirmed"] is False
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    state = sim.state("lamp-1")
    assert state["confirmed"] is True
    assert state["counts"]["uploads_started"] == 1
    assert state["counts"]["reverts"] == 0
    site.stop_ferryd()


def test_image_that_reverts_ends_failed_and_is_not_tried_again(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1,switch=revert=500ms")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "failed", 90)
    assert job["failure"]["code"] == "smp-reverted", job["failure"]
    assert sim.state("lamp-1")["running"]["version"].startswith("1.0.0")
    status, answer = site.post("/v1/check")
    assert status == 200, answer
    assert len(site.jobs()) == 1
    device = site.devices()["lamp-1"]
    assert device["version"] == "1.0.0" and device["confirmed"] is True
    site.stop_ferryd()


def test_device_that_runs_it_already_gets_no_job(site):
    site.add_class("lamp")
    site.start_sim("name=lamp-1,version=2.0.0,size=30000,seed=7")
    site.release("lamp", "2.0.0")
    site.start_ferryd()
    wait_for("the catalog and the reading", lambda:
             site.devices().get("lamp-1", {}).get("version") == "2.0.0")
    plan = wait_for("the plan", lambda: [
        row for row in site.get("/v1/plan")["items"]
        if row["decision"] == "current"])
    assert plan[0]["reason"]["code"] == "current"
    assert site.jobs() == []
    site.stop_ferryd()


def test_unplugged_device_goes_on_when_it_is_back(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 30)
    sim.do("unplug lamp-1 1s")
    site.wait_job("lamp-1", "done", 120)
    assert sim.counts("lamp-1")["uploads_started"] == 1
    site.stop_ferryd()


def test_power_cut_of_the_device_starts_the_upload_anew(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 30)
    sim.do("power-cut lamp-1 200ms")
    site.wait_job("lamp-1", "done", 120)
    assert sim.state("lamp-1")["running"]["version"].startswith("2.0.0")
    site.stop_ferryd()


def test_device_that_never_comes_back_is_set_apart(tmp_path, build_dir):
    config = "retry = { first_s = 1; max_s = 1; budget = 2; };"
    with Site(tmp_path, build_dir, config=config) as site:
        site.add_class("lamp", options="framing=console return_ms=2000 "
                       "answer_ms=500 boot_ms=500")
        site.release("lamp", "2.0.0")
        # Its new image comes up and is silent for ever.
        sim = site.start_sim("name=lamp-1,switch=revert=0")
        site.start_ferryd()
        job = site.wait_job("lamp-1", "quarantined", 90)
        assert job["failure"]["code"].startswith("smp-"), job["failure"]
        assert "ferryctl retry" in job["failure"]["hint"]
        # Another release does not reach it by itself...
        site.release("lamp", "3.0.0", seed=8)
        assert site.post("/v1/check")[0] == 200
        site.stop_ferryd()
        site.start_ferryd()
        wait_for("the reading to be tried", lambda:
                 site.logged("device could not be read"))
        assert [j["state"] for j in site.jobs()] == ["quarantined"]
        assert site.devices()["lamp-1"]["health"] == "quarantined"
        # ... until somebody has switched it off and on and says so.
        sim.do("power-cut lamp-1 100ms")
        assert site.post(f"/v1/jobs/{job['id']}/retry")[0] == 200
        wait_for("the job to go on", lambda: site.job("lamp-1")["state"] not in
                 ("quarantined", "queued"))
        site.stop_ferryd()
