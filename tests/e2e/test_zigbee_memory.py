"""What is known of a device is there after a restart, before it speaks."""

import pytest

from ferrytest.site import wait_for
from ferrytest.zigbee import ZigbeeSite, group


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


def test_device_that_is_silent_after_a_restart_is_known(site):
    site.add_zigbee_class("bulb", match='model = "TRADFRI*";')
    site.start_radio(group(model="TRADFRI bulb", eui64="00124b0000000001"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")

    def show():
        return site.get(f"/v1/devices/{device}")

    before = wait_for("its attributes", lambda: show() if
                      "file_version" in show()["attributes"] else None)
    site.stop_ferryd()
    site.radio.stop()
    site.start_ferryd()
    after = show()
    kept = {name: value for name, value in before["attributes"].items()
            if name != "joined"}
    assert {name: after["attributes"].get(name) for name in kept} == kept
    assert after["attributes"]["model"] == "TRADFRI bulb"
    assert after["last_heard"]
    site.stop_ferryd()
