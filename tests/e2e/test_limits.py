"""Time limits of a class: of a transfer, and of a device's return."""

import pytest

from ferrytest.site import Site, wait_for

OPTIONS = "framing=console erase_ms=3000 boot_ms=300"


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir, config="retry = { first_s = 1; max_s = 2; "
              "budget = 20; };") as site:
        yield site


def test_transfer_that_takes_too_long_goes_on_in_the_next_attempt(site):
    site.add_class("lamp", "transfer_limit_s = 2;", options=OPTIONS)
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-1,version=1.0.0,baud=115200")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "done", 90)
    assert job["attempts"] > 1
    assert site.logged("code=job-transfer-limit")
    counts = sim.counts("lamp-1")
    assert counts["uploads_started"] == 1
    assert counts["payload_repeated"] < 4096 * job["attempts"]


def test_transfer_within_its_limit_is_left_alone(site):
    site.add_class("lamp", "transfer_limit_s = 60;", options=OPTIONS)
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1,version=1.0.0")
    site.start_ferryd()
    assert site.wait_job("lamp-1", "done")["attempts"] == 1


def test_device_that_stays_away_is_given_up_by_the_limit_of_its_class(site):
    site.add_class("lamp", "return_limit_s = 3;", options=OPTIONS)
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1,version=1.0.0,switch=revert=0")
    site.start_ferryd()
    wait_for("the end of patience", lambda: site.logged(
        "code=smp-no-return"), 30)
