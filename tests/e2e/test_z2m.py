"""zigbee2mqtt as delegate: real programs from the vendor's publisher to simulated
devices behind a simulated Z-Stack coordinator that zigbee2mqtt owns."""

import pytest

from ferrytest.site import Failure, wait_for
from ferrytest.z2m import Z2mSite, group, of_image
from ferrytest.zigbee import IMAGES, sha256, truth, version_text


@pytest.fixture
def site(tmp_path, build_dir):
    with Z2mSite(tmp_path, build_dir) as one:
        yield one


def wait_done(site, name="bulb-1", state="done", limit=150):
    try:
        return site.wait_node_job(name, state, limit)
    except Failure as failure:
        raise Failure(f"{failure}\n{site.z2m_log.read_text()[-6000:]}"
                      f"\n{site.watcher.seen}") from None


def test_real_image_by_url_reaches_the_device_byte_for_byte(site):
    row = truth("NodOn")
    site.add_z2m_class("bulb")
    site.release_ota("bulb", IMAGES / row["file"])
    site.start_all(of_image(row), "url")
    site.start_ferryd()
    job = wait_done(site, limit=400)
    site.check_node("bulb-1", row)
    assert site.devices()[job["device"]]["version"] == version_text(
        row["header"]["file_version"])


def small(site, **more):
    path = site.make_ota(2, size=4000)
    site.add_z2m_class("bulb", **more)
    site.release_ota("bulb", path)
    return path


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
