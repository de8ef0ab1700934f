"""Simulated coordinators under a host that shares no code with them:
zigbee-herdsman completes whole updates through each, every byte compared."""

import hashlib
import subprocess

import pytest

from ferrytest.herdsman import Herdsman, devices_of
from ferrytest.simulator import Simulator
from ferrytest.zigbee import IMAGES, truth

MANUFACTURER = 0x1234
TYPE = 0x0102
VERSION = 0x02000000
COUNT = 3
TRANSPORTS = ("znp", "ezsp", "deconz")


@pytest.fixture(scope="module")
def small_image(build_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("ota") / "small.ota"
    subprocess.run(
        [build_dir / "bin/ferry-sim", "mkota", "--manufacturer",
         str(MANUFACTURER), "--type", str(TYPE), "--version", str(VERSION),
         "--size", "2500", path], check=True, stdout=subprocess.DEVNULL)
    return path


class World:
    """A coordinator with nodes, and the files of a herdsman."""

    def __init__(self, build_dir, folder, transport, image, *,
                 manufacturer=MANUFACTURER, image_type=TYPE, count=COUNT,
                 **settings):
        self.folder, self.transport, self.image = folder, transport, image
        self.manufacturer = manufacturer
        words = {"transport": transport, "name": "bulb-%02u",
                 "count": count, "first": 1, "flash": "memory",
                 "image": image, "manufacturer": manufacturer,
                 "image_type": image_type, "file_version": 1, "think": "1ms",
                 "interval": 0, **settings}
        self.sim = Simulator(build_dir, folder / "sim", ",".join(
            f"{key}={value}" for key, value in words.items()))

    def herdsman(self, **options):
        return Herdsman(self.folder / "herdsman", self.transport,
                        self.state()["port"], devices_of(self.sim), self.image,
                        manufacturer=self.manufacturer, **options)

    def state(self):
        return self.sim.state("coordinator")

    def nodes(self):
        stats = self.sim.ask("stats")
        return stats["coordinators"][0]["nodes"]

    def update_all(self, limit=150, **options):
        with self.herdsman(**options) as host:
            assert host.wait(limit), host.log.read_text()[-3000:]
            assert not host.failed
            return host.updated

    def assert_all_have(self, sha256, size, version):
        for node in self.nodes():
            assert node["sha256"] == sha256, node
            assert node["size"] == size, node
            assert int(node["file_version"], 16) == version, node
            assert node["counts"]["bad_bytes"] == 0, node
            assert node["counts"]["too_long"] == 0, node

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sim.__exit__(*exc)


@pytest.fixture
def world(build_dir, tmp_path):
    made = []

    def make(transport, image, **settings):
        (tmp_path / "sim").mkdir()
        made.append(World(build_dir, tmp_path, transport, image, **settings))
        return made[-1]
    yield make
    for one in made:
        one.__exit__()


@pytest.mark.parametrize("port", ("pty", "tcp"))
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_real_image_arrives_byte_for_byte(world, transport, port):
    smallest = truth("NodOn")
    header = smallest["header"]
    w = world(transport, IMAGES / smallest["file"], link_port=port,
              manufacturer=header["manufacturer_code"],
              image_type=header["image_type"])

    assert len(w.update_all()) == COUNT
    w.assert_all_have(smallest["ota_sha256"], header["total_image_size"],
                      header["file_version"])
    assert w.state()["counts"]["in_flight_peak"] <= 8


def assert_small(w, image):
    data = image.read_bytes()
    w.assert_all_have(hashlib.sha256(data).hexdigest(), len(data), VERSION)


# herdsman knows 13 to 19; below 14 the narrow layout, from there the wide one.
@pytest.mark.parametrize("version", (13, 14, 16))
def test_older_ezsp_updates(world, small_image, version):
    w = world("ezsp", small_image, options=f"version={version}")
    assert len(w.update_all()) == COUNT
    assert_small(w, small_image)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_lost_frames_are_sent_again(world, small_image, transport):
    w = world(transport, small_image, loss="1/23", retry="50ms",
              answer="500ms")
    assert len(w.update_all()) == COUNT
    assert_small(w, small_image)
    assert w.state()["counts"]["air_lost"] > 0


@pytest.mark.parametrize("confirms", ("coalesced", "late"))
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_confirms_with_or_behind_the_next_request(world, small_image,
                                                  transport, confirms):
    w = world(transport, small_image, confirms=confirms)
    assert len(w.update_all()) == COUNT
    assert_small(w, small_image)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_radio_air_takes_its_time(world, small_image, transport):
    w = world(transport, small_image, air="radio", count=2)
    assert len(w.update_all()) == 2
    assert_small(w, small_image)
    # 50 blocks twice, at no more than 65 a second.
    assert w.state()["counts"]["air_busy_us"] > 100 / 65 * 1e6


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_more_devices_than_buffers(world, small_image, transport):
    w = world(transport, small_image, count=16, buffers=4)
    assert len(w.update_all(tries=2)) == 16
    assert_small(w, small_image)
    assert w.state()["counts"]["in_flight_peak"] <= 4


@pytest.mark.parametrize("transport", ("ezsp", "deconz"))
def test_host_forms_its_own_network(world, small_image, transport):
    w = world(transport, small_image, pan=0x1111, count=1)
    with w.herdsman() as host:
        assert host.started.wait(60), host.log.read_text()[-3000:]
        network = w.state()["network"]
        host.kill()
    assert network["pan"] == "0x1a62"
    assert network["formed"]
    # Its key is new to the device, which has not joined.
    assert w.nodes()[0]["state"] == "away"
