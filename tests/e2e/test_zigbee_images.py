"""Real images from ferry-publish to `done`, byte for byte, through each way to a
ZigBee network."""

import json

import pytest

from ferrytest.site import wait_for
from ferrytest.zigbee import (IMAGES, ZigbeeSite, of_image, truth,
                              version_text)

STACKS = ["znp", "ezsp", "deconz", "zcl-socket"]


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


@pytest.mark.parametrize("stack", STACKS)
def test_real_image_reaches_the_device_byte_for_byte(site, stack):
    row = truth("NodOn")
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", IMAGES / row["file"])
    site.start_radio(of_image(row, stack), stack=stack)
    site.start_ferryd()
    job = site.wait_node_job("bulb-1", "done", 120)
    site.check_node("bulb-1", row)
    device = site.devices()[job["device"]]
    assert device["version"] == version_text(row["header"]["file_version"])


def test_all_real_images_in_one_network(site):
    """Each to a device of its own, as the vendors distribute them; the one that is
    cut off is refused by ferry-publish."""
    rows = json.loads((IMAGES / "ground_truth.json").read_text())
    served = [row for row in rows if row["serve"]]
    groups = []
    for i, row in enumerate(served):
        header = row["header"]
        key = (f'manufacturer = "0x{header["manufacturer_code"]:04x}"; '
               f'image_type = "0x{header["image_type"]:04x}"')
        site.add_zigbee_class(f"make-{i}", match=key)
        site.release_ota(f"make-{i}", IMAGES / row["file"])
        groups.append(of_image(row, "znp", name=f"make-{i}",
                               eui64=f"00124b00000001{i:02x}",
                               hw_version=header["min_hardware_version"] or 0))
    site.start_radio(groups, options="budget=off concurrent=16")
    site.start_ferryd()
    wait_for("all jobs to end", lambda: len([
        j for j in site.jobs() if j["state"] == "done"]) == len(served), 200)
    for i, row in enumerate(served):
        site.check_node(f"make-{i}", row)


def test_cut_image_is_not_published(site):
    row = next(row for row in json.loads(
        (IMAGES / "ground_truth.json").read_text()) if not row["serve"])
    site.add_zigbee_class("bulb")
    done = site.publish("release", "--dir", str(site.pub), "--class", "bulb",
                        "--firmware", str(IMAGES / row["file"]), "--version",
                        "cut", check=False)
    assert done.returncode != 0
    assert str(row["bytes"] - row["ota_offset"]) in done.stderr
    assert str(row["header"]["total_image_size"]) in done.stderr
