"""Jobs of ZigBee devices behind a simulated coordinator: loss, sleep, turns, orders
of people, and a ferryd that is killed."""

import subprocess
import time

import pytest

from ferrytest.patience import patience
from ferrytest.site import wait_for
from ferrytest.zigbee import (IMAGES, ZigbeeSite, group, of_image, sha256,
                              truth)


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


# ---- the whole way ----

def test_several_devices_of_one_image(site):
    row = truth("NodOn")
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", IMAGES / row["file"])
    site.start_radio(of_image(row, "znp", count=12))
    site.start_ferryd()
    for i in range(1, 13):
        site.wait_node_job(f"bulb-{i}", "done", 120)
        site.check_node(f"bulb-{i}", row)


def test_loss_on_the_air_is_made_good(site):
    path = site.make_ota(2, size=6000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(count=4, loss="2%"))
    site.start_ferryd()
    for i in range(1, 5):
        site.wait_node_job(f"bulb-{i}", "done", 120)
        assert site.node(f"bulb-{i}")["sha256"] == sha256(path)


def test_ledger_says_what_zigbee_proves(site):
    path = site.make_ota(2)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group())
    site.start_ferryd()
    job = site.wait_node_job("bulb-1", "done")
    steps = {row["name"]: row for row in
             site.get(f"/v1/jobs/{job['id']}")["ledger"]}
    assert steps["apply"]["evidence"]["image_bytes_repeated"] == 0
    assert steps["distribute"]["tier"] == "+1"
    assert steps["distribute"]["evidence"]["security"] == 1
    assert steps["reverify"]["evidence"]["version"] == "0x00000002"
    assert steps["reverify"]["tier"] == "basic"
    assert steps["activate"]["evidence"]["expected"] == "0x00000002"
    assert steps["activate"]["outcome"] == "ok"


# ---- ferryd is killed ----

@pytest.mark.parametrize("percent", [5, 50, 95])
def test_killed_in_mid_transfer_goes_on(site, percent):
    path = site.make_ota(2, size=20000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(count=4, block=32, spacing="20ms"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    site.wait_progress(device, percent)
    site.kill_ferryd()
    site.start_ferryd()
    for i in range(1, 5):
        site.wait_node_job(f"bulb-{i}", "done", 120)
        node = site.node(f"bulb-{i}")
        assert node["sha256"] == sha256(path)
        assert node["counts"]["gave_up"] == 0, node
    assert site.node("bulb-1")["counts"]["downloads"] == 1


def test_reload_in_mid_transfer_goes_on(site):
    path = site.make_ota(2, size=20000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(block=32, spacing="20ms"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    site.wait_progress(device, 30)
    site.ferryd.send_signal(1)
    wait_for("the reload", lambda: site.logged("configuration reloaded"))
    site.wait_node_job("bulb-1", "done", 120)
    node = site.node("bulb-1")
    assert node["sha256"] == sha256(path)
    assert node["counts"]["gave_up"] == 0, node


def test_coordinator_reset_in_mid_transfer_goes_on(site):
    path = site.make_ota(2, size=20000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(block=32, spacing="20ms"))
    site.start_ferryd()
    site.wait_progress(site.wait_device("bulb-1"), 30)
    site.radio.do("reset coordinator")
    site.wait_node_job("bulb-1", "done", 120)
    assert site.node("bulb-1")["sha256"] == sha256(path)


def test_restart_serves_a_block_before_the_device_gives_up(site):
    """It does so when nobody has answered it ten times."""
    path = site.make_ota(2, size=40000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(count=2, block=32, spacing="20ms"))
    site.start_ferryd()
    site.wait_progress(site.wait_device("bulb-1"), 10)
    site.kill_ferryd()
    before = site.node("bulb-1")["counts"]["blocks"]
    begun = time.monotonic()
    site.start_ferryd(wait=False)
    wait_for("a block", lambda:
             site.node("bulb-1")["counts"]["blocks"] > before)
    print(f"first block after {time.monotonic() - begun:.2f} s")
    site.wait_node_job("bulb-1", "done", 120)
    counts = site.node("bulb-1")["counts"]
    assert counts["gave_up"] == 0 and counts["downloads"] == 1, counts


# ---- a person, or the vendor, says stop ----

def in_mid_transfer(site, size=30000, options="budget=off"):
    path = site.make_ota(2, size=size)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(block=32, spacing="20ms"), options=options)
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    job = site.wait_progress(device, 10)
    return path, device, job


def test_paused_job_sends_nothing_and_goes_on(site):
    path, device, job = in_mid_transfer(site)
    assert site.ctl("pause", str(job["id"])).returncode == 0
    site.wait_job(device, "paused")
    blocks = site.node("bulb-1")["counts"]["blocks"]
    assert site.node("bulb-1")["file_version"] == "0x00000001"
    wait_for("its offer to be withdrawn",
             lambda: site.link()["network"]["offers"] == 0)
    assert site.ctl("resume", str(job["id"])).returncode == 0
    site.wait_job(device, "done", 120)
    assert site.node("bulb-1")["sha256"] == sha256(path)
    assert site.node("bulb-1")["counts"]["blocks"] > blocks


def test_cancelled_job_leaves_the_device_as_it_was(site):
    _, device, job = in_mid_transfer(site, options="budget=off grace_s=1")
    assert site.ctl("cancel", str(job["id"])).returncode == 0
    site.wait_job(device, "cancelled")
    wait_for("the device to give up",
             lambda: site.node("bulb-1")["state"] == "idle")
    assert site.node("bulb-1")["file_version"] == "0x00000001"


def test_withdrawn_release_is_stopped_in_mid_transfer(site):
    _, device, job = in_mid_transfer(site, size=60000)
    site.publish("withdraw", "--dir", str(site.pub),
                 job["manifest_digest"])
    site.ctl("check")
    job = site.wait_job(device, ("failed", "superseded"), 60)
    assert site.node("bulb-1")["file_version"] == "0x00000001"


# ---- who may, and when ----

def test_sleepy_device_waits_at_the_gate_wake(site):
    path = site.make_ota(2, size=2000)
    site.add_zigbee_class("bulb")
    # A vendor that has a catalog is not asked again before it is to be.
    site.add_zigbee_class("plug", match='model = "SP120"')
    site.release_ota("plug", path)
    site.start_radio(group(poll="500ms", interval="15s"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    wait_for("its version", lambda: site.devices()[device]["version"])
    site.release_ota("bulb", path)
    # It has just asked, and sleeps for a while.
    asked = site.node("bulb-1")["counts"]["queries"]
    wait_for("a query", lambda: site.node("bulb-1")["counts"]["queries"] >
             asked, 60)
    site.ctl("check")
    wait_for("the gate wake", lambda: [
        j for j in [site.job(device)]
        if j and j["state"] == "connecting" and "wake" in gates(j)])
    said = site.ctl("explain", str(site.job(device)["id"])).stdout
    assert "wake" in said
    site.wait_node_job("bulb-1", "done", 120)
    assert site.node("bulb-1")["sha256"] == sha256(path)


def test_router_that_left_is_what_its_job_waits_for(site):
    path = site.make_ota(2, size=2000)
    site.add_zigbee_class("bulb")
    site.start_radio(group(count=1))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    wait_for("its version", lambda: site.devices()[device]["version"])
    site.radio.do("leave bulb-1")
    site.release_ota("bulb", path)
    site.ctl("check")
    wait_for("the gate wake", lambda: "wake" in gates(site.job(device)), 60)
    said = site.ctl("explain", str(site.job(device)["id"])).stdout
    assert "nothing heard from it" in said
    site.radio.do("join bulb-1")
    site.wait_node_job("bulb-1", "done", 120)
    assert site.node("bulb-1")["sha256"] == sha256(path)


def gates(job):
    return [gate["gate"] for gate in job["gates"]] if job else []


def test_downloads_are_admitted_a_few_at_a_time(site):
    path = site.make_ota(2, size=6000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(count=6, block=32, think="40ms"),
                     options="budget=off concurrent=2")
    site.start_ferryd()
    most = []

    def turns():
        jobs = site.jobs()
        moving = [j for j in jobs if j["state"] == "transferring"]
        most.append(len(moving))
        return [j for j in jobs if "turn" in gates(j)]

    wait_for("the gate turn", turns)
    for i in range(1, 7):
        site.wait_node_job(f"bulb-{i}", "done", 120)
        turns()
    assert max(most) <= 2 * 2  # as many again that are nearly through


def test_offers_hold_no_slot_while_they_wait(site):
    """One transfer at a time, and yet every device has its offer."""
    path = site.make_ota(2, size=4000)
    site.config = "relay = { max_transfers = 1; };"
    site.write_config()
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(count=5))
    site.start_ferryd()
    wait_for("five offers", lambda: len([
        j for j in site.jobs()
        if j["state"] not in ("queued", "waiting")]) == 5)
    for i in range(1, 6):
        site.wait_node_job(f"bulb-{i}", "done", 120)


def test_downgrade_needs_the_order_of_a_person(site):
    path = site.make_ota(1, size=2000)
    site.add_zigbee_class("bulb", options="downgrade=yes")
    site.start_radio(group(version=5))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    site.release_ota("bulb", path)
    site.ctl("check")
    job = site.wait_job(device, "failed")
    assert job["failure"]["code"] == "zigbee-downgrade", job
    assert site.node("bulb-1")["counts"]["blocks"] == 0
    done = site.ctl("update", device, "--allow-downgrade", "--yes")
    assert done.returncode == 0, done.stderr
    site.wait_node_job("bulb-1", "done")
    assert site.devices()[device]["version"] == "0x00000001"


def test_downgrade_may_be_ordered_of_a_job_that_waits(site):
    path = site.make_ota(1, size=2000)
    site.add_zigbee_class("bulb", extra='approval = "ask";')
    site.start_radio(group(version=5))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    site.release_ota("bulb", path)
    site.ctl("check")
    site.wait_job(device, "waiting")
    done = site.ctl("update", device, "--allow-downgrade", "--yes")
    assert done.returncode == 0, done.stderr
    site.wait_node_job("bulb-1", "done")
    assert site.devices()[device]["version"] == "0x00000001"


# ---- what people see ----

def test_candidates_have_what_driver_and_engine_know(site):
    site.add_zigbee_class("bulb", match='model = "LCT*"; '
                          'manufacturer = "0x1234"')
    site.start_radio([group(model="LCT015"),
                      group(name="plug-%u", model="SP120", first=11)])
    site.start_ferryd()
    site.wait_device("bulb-1")
    key = site.node("plug-11")["eui64"]

    def candidate():
        return next((c for c in site.get("/v1/candidates")["items"]
                     if c["key"] == key), None)

    assert wait_for("the candidate", candidate)["classes"] == []
    # What a class could match it by is what people are shown. What its Query
    # says and what it was asked for come in any order.
    known = wait_for("its attributes", lambda: next(
        (a for a in [candidate()["attributes"]]
         if {"model", "manufacturer"} <= a.keys()), None))
    assert known["model"] == "SP120"
    assert known["manufacturer"] == "0x1234"
    assert known["eui64"] == key
    assert site.device_of("plug-11") is None
    assert site.node("plug-11")["counts"]["blocks"] == 0


def test_sleeper_has_its_version_as_soon_as_it_is_enrolled(site):
    """It told before it was a device, and sleeps for long."""
    site.add_zigbee_class("bulb", auto_enrol="false")
    site.start_radio(group(poll="500ms", interval="3600s", version=5))
    site.start_ferryd()
    wait_for("the network", lambda: site.link()["network"]["served"])
    site.radio.do("query bulb-1")
    key = site.node("bulb-1")["eui64"]
    wait_for("its query", lambda: [
        c for c in site.get("/v1/candidates")["items"]
        if c["key"] == key and "file_version" in c["attributes"]])
    done = site.ctl("enrol", key, "bulb")
    assert done.returncode == 0, done.stderr
    assert site.devices()[site.device_of("bulb-1")]["version"] == "0x00000005"


def test_links_show_radio_and_airtime(site):
    path = site.make_ota(2, size=4000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group(count=2), options="budget=35")
    site.start_ferryd()
    # Airtime is that of the last ten seconds.
    row = wait_for("two devices that use airtime", lambda: next(
        (row for row in [site.link()]
         if row["network"] and row["network"]["peers"] == 2 and
         row["airtime"]["used_pct"] > 0), None))
    assert row["network"]["engine"] == "zigbee-ota"
    assert row["airtime"]["budget_pct"] == 35
    assert row["airtime"]["used_pct"] <= 35
    site.wait_node_job("bulb-1", "done", 120)
    said = site.ctl("links").stdout
    assert "AIRTIME" in said and "35.0 %" in said


def test_device_shows_version_and_job(site):
    path = site.make_ota(2, size=2000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    site.start_radio(group())
    site.start_ferryd()
    job = site.wait_node_job("bulb-1", "done")
    said = site.ctl("device", "show", job["device"]).stdout
    assert "0x00000002" in said
    assert site.node("bulb-1")["eui64"] in said


# ---- quirks are data ----

def blocks_of_update(site):
    site.start_ferryd()
    site.wait_node_job("bulb-1", "done", 120)
    return site.node("bulb-1")["counts"]["blocks"]


def test_quirks_of_the_operators_file_count(site):
    path = site.make_ota(2, size=4000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    rows = site.folder / "quirks.txt"
    rows.write_text("manufacturer=0x1234 : block_max=16\n")
    site.start_radio(group(block=50), quirks=rows)
    assert blocks_of_update(site) >= 4000 / 16


def test_quirks_of_the_catalog_win_over_the_file(site):
    path = site.make_ota(2, size=4000)
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", path)
    signed = site.folder / "signed.txt"
    signed.write_text("manufacturer=0x1234 : block_max=40\n")
    site.publish("catalog", "--dir", str(site.pub), "--quirks", str(signed))
    rows = site.folder / "quirks.txt"
    rows.write_text("manufacturer=0x1234 : block_max=16\n")
    site.start_radio(group(block=50), quirks=rows)
    assert 4000 / 40 <= blocks_of_update(site) < 4000 / 16


def test_wrong_quirks_are_refused_with_their_line(site):
    site.add_zigbee_class("bulb")
    rows = site.folder / "quirks.txt"
    rows.write_text("manufacturer=0x1234 : block_most=16\n")
    site.start_radio(group(), quirks=rows)
    done = subprocess.run([site.bin / "ferryd", "--config", site.etc,
                           "--check"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "quirks.txt:1: block_most" in done.stderr
    assert "did you mean 'block_max'" in done.stderr


@pytest.mark.parametrize("revision, state", [(5, "done"), (7, None)])
def test_release_for_a_range_of_hardware(site, revision, state):
    path = site.make_ota(2, size=1000)
    site.add_zigbee_class("bulb", extra='hw_source = "engine";')
    site.release_ota("bulb", path, "--hw", "4..6")
    site.start_radio(group(hw_version=revision))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    if state:
        site.wait_job(device, state)
        return
    wait_for("its hardware", lambda:
             site.devices()[device]["hw_revision"] == "0x0007")
    plan = site.ctl("plan", device).stdout
    assert "outside its range" in plan, plan
    assert site.job(device) is None
