"""A device that zigbee2mqtt does not have any more, while its job goes on."""

import json
import subprocess

import pytest

from ferrytest.site import wait_for
from ferrytest.z2m import Z2mSite, group


@pytest.fixture
def site(tmp_path, build_dir):
    with Z2mSite(tmp_path, build_dir) as one:
        yield one


def test_job_says_that_its_device_was_removed(site):
    # At its pace this takes minutes.
    site.add_z2m_class("bulb", "response_delay_ms=1000")
    site.release_ota("bulb", site.make_ota(2, size=20000))
    site.start_all(group())
    site.start_ferryd()
    job = site.wait_job(site.wait_device("bulb-1", 90), "transferring", 90)
    # zigbee2mqtt asks the device before it begins, and gives up when it goes.
    wait_for("the first bytes", lambda: site.get(
        f"/v1/jobs/{job['id']}")["progress"], 90)
    subprocess.run(
        ["mosquitto_pub", "-p", str(site.broker.port), "-t",
         f"{site.topic}/bridge/request/device/remove", "-m",
         json.dumps({"id": "0x" + site.node("bulb-1")["eui64"],
                     "force": True})], check=True)
    said = wait_for("the gate link", lambda: [
        gate["reason"] for gate in site.get(f"/v1/jobs/{job['id']}")["gates"]
        if gate["gate"] == "link"], 60)
    assert said == ["zigbee2mqtt does not list the device: was it removed or "
                    "disabled there?"]
