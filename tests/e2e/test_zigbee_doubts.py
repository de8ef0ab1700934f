"""Devices whose short address the coordinator believes to be another's."""

import pytest

from ferrytest.zigbee import ZigbeeSite, group, sha256


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


@pytest.mark.parametrize("stack, options", [
    ("znp", ""), ("ezsp", "version=13"), ("ezsp", "version=14"),
    ("deconz", "")])
def test_tables_of_the_coordinator_are_old(site, stack, options):
    """Both announcements were lost: each would be taken for the other."""
    path = site.make_ota(2)
    site.add_zigbee_class("bulb", match='model = "one";')
    site.release_ota("bulb", path)
    site.start_radio(
        [group(stack, model="one", eui64="00124b0000000001",
               **({"options": options} if options else {})),
         group(stack, name="lamp-%u", model="two",
               eui64="00124b0000001001")], stack=stack)
    site.radio.do("exchange bulb-1 lamp-1")
    site.start_ferryd()
    site.wait_node_job("bulb-1", "done", 120)
    assert site.node("bulb-1")["sha256"] == sha256(path)
    assert site.node("lamp-1")["counts"]["downloads"] == 0
    assert site.device_of("lamp-1") is None
