"""What changes under open jobs of a radio: its coordinator goes, its link or class
is another one after a reload, files of the cache are removed by somebody."""

import signal

import pytest

from ferrytest.site import wait_for
from ferrytest.zigbee import ZigbeeSite, group, sha256

# It never asks by itself, and does not hear that it should.
SILENT = {"interval": "0", "switch": "ignores-notify"}


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


def reload(site):
    before = site.log.read_text().count("configuration reloaded")
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the reload", lambda: site.log.read_text().count(
        "configuration reloaded") > before)


def gate(site, job, name):
    """What is said of the gate, None when it is open."""
    for one in site.get(f"/v1/jobs/{job}")["gates"]:
        if one["gate"] == name:
            return one["reason"]
    return None


def open_job(site, path):
    """A job whose device says nothing before it is told to."""
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(**SILENT))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    return device, site.wait_job(device, "connecting")["id"]


def ask_until_done(site, device):
    def is_done():
        site.radio.do("query bulb-1")
        return site.job(device)["state"] in ("done", "failed", "unverified")

    wait_for("the end of the job", is_done, 120)
    assert site.job(device)["state"] == "done", site.job(device)


def test_job_waits_for_the_link_while_the_coordinator_is_gone(site):
    path = site.make_ota(2, size=2000)
    device, job = open_job(site, path)
    assert gate(site, job, "link") is None
    site.radio.do("unplug coordinator")
    said = wait_for("the gate link", lambda: gate(site, job, "link"))
    assert said.startswith("link is down"), said
    assert gate(site, job, "wake") is None
    assert "link is down" in site.ctl("explain", str(job)).stdout
    site.radio.do("replug coordinator")
    wait_for("no gate link", lambda: gate(site, job, "link") is None, 60)
    ask_until_done(site, device)
    assert site.node("bulb-1")["sha256"] == sha256(path)


def test_class_with_another_engine_waits_and_fails_nothing(site):
    path = site.make_ota(2, size=2000)
    device, job = open_job(site, path)
    file = site.etc / "classes.d" / "bulb.conf"
    good = file.read_text()
    file.write_text(good.replace('"zigbee-ota"', '"smp"'))
    reload(site)
    said = wait_for("the gate link", lambda: gate(site, job, "link"))
    assert said == "engine smp of class bulb does not serve link hub"
    assert site.job(device)["state"] == "waiting"
    file.write_text(good)
    reload(site)
    site.wait_job(device, "connecting")
    ask_until_done(site, device)
    assert site.job(device)["id"] == job


def test_link_with_another_name_is_told_of_its_old_devices(site):
    old, job = open_job(site, site.make_ota(2, size=2000))
    (site.etc / "links.d" / "hub.conf").rename(
        site.etc / "links.d" / "radio.conf")
    reload(site)
    assert wait_for("the gate link", lambda: gate(site, job, "link")) == \
        "links.d has no link hub any more"
    new = wait_for("the twin", lambda: [
        d["id"] for d in site.devices().values() if d["link"] == "radio"])[0]
    assert site.devices()[old]["warnings"] == [
        f"link radio has a device of this address as well, {new}: forget "
        "the one that is no longer there"]


def test_candidate_at_another_link_may_take_the_place(site):
    old, job = open_job(site, site.make_ota(2, size=2000))
    site.add_zigbee_class("bulb", auto_enrol="false")
    (site.etc / "links.d" / "hub.conf").rename(
        site.etc / "links.d" / "radio.conf")
    reload(site)
    said = wait_for("the warning",
                    lambda: site.devices()[old]["warnings"])[0]
    command = said.split("ferryctl ")[1].split()
    assert command[:2] == ["replace", old], said
    site.ctl("cancel", str(job))
    wait_for("the end of the job",
             lambda: site.job(old)["state"] == "cancelled")
    done = site.ctl(*command)
    assert done.returncode == 0, done.stderr
    device = site.devices()[old]
    assert (device["link"], device["warnings"]) == ("radio", [])


def test_files_of_the_cache_that_were_removed_are_fetched_once(site):
    path = site.make_ota(2, size=60000)
    device, _ = open_job(site, path)
    for file in (site.state / "cache").rglob("*"):
        if file.is_file():
            file.unlink()
    ask_until_done(site, device)
    assert site.node("bulb-1")["sha256"] == sha256(path)
    envelopes = [line for line in site.nginx.requests() if "GET /e/" in line]
    assert len(envelopes) <= 3, envelopes


def test_job_may_be_named_by_its_device(site):
    device, job = open_job(site, site.make_ota(2, size=2000))
    assert site.ctl("explain", device).stdout == \
        site.ctl("explain", str(job)).stdout
    assert site.ctl("job", device).stdout.startswith("job ")
    unknown = site.ctl("explain", "nobody")
    assert (unknown.returncode, unknown.stdout) == (3, "")
    site.ctl("cancel", str(job))
    site.ctl("forget", device)
    # Without a release for its class it gets no job.
    site.add_zigbee_class("plug")
    (site.etc / "classes.d" / "bulb.conf").unlink()
    reload(site)
    plug = wait_for("the plug", lambda: [
        d["id"] for d in site.devices().values() if d["class"] == "plug"])[0]
    said = site.ctl("explain", plug)
    assert said.returncode == 3
    assert said.stderr == \
        f"ferryctl: {plug} has no job; ferryctl plan {plug} says why\n"
