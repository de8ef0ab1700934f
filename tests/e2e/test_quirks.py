"""Devices with quirks, through the whole path: smp-level rows are in test_smp.py,
here the daemon must not stumble over what they do to a job."""

import pytest

from ferrytest.site import Failure, Site


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


@pytest.mark.parametrize("group, options", [
    ("framing=raw", "framing=raw"),
    ("switch=v1-only", "framing=console"),
    ("switch=v2-ret", "framing=console"),
    ("switch=cbor", "framing=console"),
    ("switch=no-params", "framing=console"),
    ("switch=tiny-buffer=256", "framing=console"),
    ("switch=busy=5", "framing=console"),
    ("switch=loss=31", "framing=console answer_ms=500"),
    ("switch=late=1500ms/9", "framing=console answer_ms=1000"),
    ("switch=wrong-seq", "framing=console"),
    ("switch=rewind=7", "framing=console"),
    ("switch=restart=9", "framing=console"),
    ("switch=slow-erase=5s", "framing=console"),
    ("switch=noise", "framing=console"),
    ("switch=short-line", "framing=console"),
    ("switch=frugal", "framing=console"),
    ("switch=crc-flip=23", "framing=console answer_ms=500"),
    ("switch=reset-silent", "framing=console"),
    ("switch=match", "framing=console"),
    ("switch=match-false=1:1,switch=match", "framing=console"),
    ("switch=self-revert=20s", "framing=console"),
    ("mode=overwrite-only", "framing=console"),
    ("mode=direct-xip", "framing=console"),
])
def test_quirk_of_a_device_does_not_stop_its_update(site, group, options):
    site.add_class("lamp", options=options)
    site.release("lamp", "2.0.0", size=12000)
    sim = site.start_sim(f"name=lamp-1,{group}")
    site.start_ferryd()
    try:
        site.wait_job("lamp-1", "done", 120)
    except Failure:
        print(site.log.read_text()[-4000:])
        raise
    assert sim.state("lamp-1")["running"]["version"].startswith("2.0.0")
    site.stop_ferryd()


def test_recovery_server_ends_unverified_or_done_but_never_reverts(site):
    site.add_class("lamp", options="framing=console server=recovery")
    site.release("lamp", "2.0.0", size=12000)
    sim = site.start_sim("name=lamp-1,mode=recovery")
    site.start_ferryd()
    site.wait_job("lamp-1", ("done", "unverified"), 120)
    assert sim.counts("lamp-1")["reverts"] == 0
    site.stop_ferryd()
