"""zigbee2mqtt as delegate: real programs from the vendor's publisher to simulated
devices behind a simulated Z-Stack coordinator that zigbee2mqtt owns."""

import subprocess

import pytest

from ferrytest.site import Failure, wait_for
from ferrytest.z2m import Z2mSite
from ferrytest.zigbee import IMAGES, sha256, truth, version_text


@pytest.fixture
def site(tmp_path, build_dir):
    with Z2mSite(tmp_path, build_dir) as one:
        yield one


# A request that comes before zigbee-herdsman has heard that its last answer was
# sent is lost: devices take a while to think, and do not wait long after a loss.
PACE = {"think": "20ms", "answer": "1s", "backoff": "200ms", "errors": 200}


def group(count=1, version=1, **more):
    words = {"name": "bulb-%u", "count": count, "first": 1,
             "transport": "znp", "manufacturer": "0x1234",
             "image_type": "0x0001", "file_version": version, "interval": 0,
             "activate": "200ms", **PACE}
    words.update(more)
    return ",".join(f"{key}={value}" for key, value in words.items())


def wait_done(site, name="bulb-1", state="done", limit=150):
    try:
        return site.wait_node_job(name, state, limit)
    except Failure as failure:
        raise Failure(f"{failure}\n{site.z2m_log.read_text()[-6000:]}"
                      f"\n{site.watcher.seen}") from None


@pytest.mark.parametrize("hand_over", ["file", "url"])
def test_real_image_reaches_the_device_byte_for_byte(site, hand_over):
    row = truth("NodOn")
    header = row["header"]
    site.add_z2m_class("bulb")
    site.release_ota("bulb", IMAGES / row["file"])
    site.start_all(group(manufacturer=hex(header["manufacturer_code"]),
                         image_type=hex(header["image_type"]),
                         version=header["file_version"] - 1), hand_over)
    site.start_ferryd()
    job = wait_done(site, limit=400)
    site.check_node("bulb-1", row)
    device = site.devices()[job["device"]]
    assert device["version"] == version_text(header["file_version"])
    wait_for("the copy to be removed",
             lambda: not list(site.handover.iterdir()), 10)


def small(site, **more):
    path = site.make_ota(2, size=4000)
    site.add_z2m_class("bulb", **more)
    site.release_ota("bulb", path)
    return path


def test_ledger_says_who_did_what(site):
    small(site)
    site.start_all(group())
    site.start_ferryd()
    job = wait_done(site)
    steps = {row["name"]: row for row in
             site.get(f"/v1/jobs/{job['id']}")["ledger"]}
    assert steps["distribute"]["evidence"]["by"] == "zigbee2mqtt"
    assert steps["distribute"]["tier"] == "basic"
    assert any("hand-over by zigbee2mqtt" in line
               for line in steps["check"]["evidence"]["checks"])
    assert steps["reverify"]["evidence"]["version"] == "0x00000002"
    assert steps["activate"]["outcome"] == "ok"


def test_device_that_comes_back_old_is_failed(site):
    small(site, extra="return_limit_s = 15;")
    site.start_all(group(switch="comes-back-old"))
    site.start_ferryd()
    job = wait_done(site, state="failed")
    assert job["failure"]["code"] == "zigbee-old-version"


def test_restart_in_mid_update_follows_and_begins_no_second(site):
    path = site.make_ota(2, size=20000)
    site.add_z2m_class("bulb", "response_delay_ms=20")
    site.release_ota("bulb", path)
    site.start_all(group())
    site.start_ferryd()
    wait_for("the request", lambda: site.watcher.of("request/device/ota_update"
                                                    "/update"), 90)
    wait_for("blocks", lambda: site.node("bulb-1")["counts"]["bytes"] > 2000, 60)
    site.kill_ferryd()
    site.start_ferryd()
    wait_done(site)
    assert site.node("bulb-1")["sha256"] == sha256(path)
    assert len(site.watcher.of("request/device/ota_update/update")) == 1
    assert "update is under way and is followed" in site.log.read_text()
    wait_for("the copy to be removed",
             lambda: not list(site.handover.iterdir()), 10)


def test_zigbee2mqtt_killed_in_mid_update_gets_another_attempt(site):
    path = site.make_ota(2, size=20000)
    site.add_z2m_class("bulb", "response_delay_ms=20")
    site.release_ota("bulb", path)
    site.start_all(group(errors=3))
    site.start_ferryd()
    wait_for("blocks", lambda: site.node("bulb-1")["counts"]["bytes"] > 2000,
             60)
    site.z2m.stop(kill=True)
    wait_for("the link to be down",
             lambda: site.link("z2m")["state"] == "down", 30)
    site.start_z2m()
    wait_done(site, limit=300)
    assert site.node("bulb-1")["sha256"] == sha256(path)


def test_job_waits_for_broker_and_for_zigbee2mqtt(site):
    small(site)
    site.start_all(group())
    site.start_ferryd()
    site.wait_device("bulb-1", 60)
    wait_done(site)
    port = site.broker.port
    site.broker.stop()
    wait_for("the link to be down",
             lambda: site.link("z2m")["state"] == "down", 30)
    site.watcher.stop()
    site.start_broker(port)
    site.watch()
    wait_for("the link to be up", lambda: site.link("z2m")["state"] == "up",
             60)
    site.z2m.stop()
    wait_for("the link to be down",
             lambda: site.link("z2m")["state"] == "down", 30)
    site.release_ota("bulb", site.make_ota(3, size=4000))
    site.ctl("check")
    site.start_z2m()
    wait_for("version 3",
             lambda: site.node("bulb-1")["file_version"] == version_text(3),
             120)


def test_cancelled_job_aborts_the_update(site):
    path = site.make_ota(2, size=40000)
    site.add_z2m_class("bulb", "response_delay_ms=50")
    site.release_ota("bulb", path)
    site.start_all(group())
    site.start_ferryd()
    device = site.wait_device("bulb-1", 60)
    wait_for("blocks", lambda: site.node("bulb-1")["counts"]["bytes"] > 1000, 90)
    site.ctl("cancel", str(site.job(device)["id"]))
    wait_done(site, state="cancelled", limit=60)
    assert site.watcher.of("request/device/ota_update/update/abort")
    assert site.node("bulb-1")["file_version"] == version_text(1)


def test_changed_copy_is_a_security_failure(site):
    path = site.make_ota(2, size=20000)
    site.add_z2m_class("bulb", "response_delay_ms=20")
    site.release_ota("bulb", path)
    site.start_all(group())
    site.start_ferryd()
    wait_for("blocks", lambda: site.node("bulb-1")["counts"]["bytes"] > 1000, 90)
    copy = next(site.handover.glob("*.ota"))
    assert copy.stat().st_mode & 0o777 == 0o440
    assert sha256(copy) == sha256(path)
    raw = bytearray(copy.read_bytes())
    raw[-1] ^= 1
    copy.write_bytes(raw)
    job = wait_done(site, state="failed")
    assert job["failure"]["code"] == "delegate-changed"


def test_garbage_of_others_on_the_broker_harms_nobody(site):
    small(site)
    site.start_all(group())

    def say(topic, payload):
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p",
                        str(site.broker.port), "-t", f"{site.topic}/{topic}",
                        "-s"], input=payload, check=True)

    site.start_ferryd()
    site.wait_device("bulb-1", 60)
    for payload in (b"[", b"[" * 5000, b"\x00\xff", b'{"status":"ok"}',
                    b'[{"ieee_address":"0x1"}]', b"1" * 200000):
        for topic in ("bridge/response/device/ota_update/check",
                      "bridge/response/device/ota_update/update",
                      "room/bulb-1", "bridge/info"):
            say(topic, payload)
    wait_done(site)
