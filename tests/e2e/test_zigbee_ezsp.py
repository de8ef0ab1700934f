"""Driver `zigbee` with stack `ezsp`, beyond what all stacks share
(test_zigbee_links.py): ASH on bad lines, restarts that the stack outlasts by
itself, a real image in the layouts that are not tested there. The server is
zigbee_probe; the devices compare every byte that they are given."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from ferrytest.patience import patience
from ferrytest.simulator import Simulator

IMAGES = Path(os.environ.get("FERRY_SHARED_DIR", "/nonexistent"),
              "images/zigbee")
NODON = "NodOn__128b-0102-030103-700_nodon_sin_4_2_20_fw_power_V030103.zigbee"
SIZE = 8000


@pytest.fixture
def image(build_dir, tmp_path):
    path = tmp_path / "new.ota"
    subprocess.run(
        [Path(build_dir) / "bin/ferry-sim", "mkota", "--manufacturer", "0x1234",
         "--type", "0x0102", "--version", "2", "--size", str(SIZE), path],
        check=True, stdout=subprocess.DEVNULL)
    return path


class Network:
    """A coordinator with `count` devices, and the probe as its host."""

    def __init__(self, build_dir, folder, image, count=4, **settings):
        settings = {"name": "dev-%03u", "count": count, "transport": "ezsp",
                    "image": image, **settings}
        self.count = count
        self.image = image
        self.program = Path(build_dir) / "bin" / "zigbee_probe"
        self.sim = Simulator(build_dir, folder, ",".join(
            f"{k}={v}" for k, v in settings.items()))
        self.probe = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.probe and self.probe.poll() is None:
            self.probe.kill()
            self.probe.wait()
        self.sim.__exit__(*exc)

    def start(self):
        port = self.sim.coordinators["coordinator"]
        self.probe = subprocess.Popen(
            [self.program, self.image, "--ends", str(self.count), "--seconds",
             "110", "--notify", "1000", "stack=ezsp", f"port={port}"],
            stdout=subprocess.PIPE, text=True)

    def finish(self):
        """The probe's last line, after all devices have ended."""
        out, _ = self.probe.communicate(timeout=120)
        assert self.probe.returncode == 0, out
        return json.loads(out.splitlines()[-1])

    def devices(self):
        return [self.sim.state(f"dev-{i:03}") for i in range(self.count)]

    def wait_blocks(self, blocks):
        end = time.monotonic() + patience(60)
        while self.devices()[0]["counts"]["blocks"] < blocks:
            assert time.monotonic() < end, self.devices()
            time.sleep(0.02)

    def assert_updated(self):
        end = time.monotonic() + patience(20)
        while not all(d["counts"]["updates"] for d in self.devices()):
            assert time.monotonic() < end, [
                (d["state"], d["download"], d["counts"])
                for d in self.devices()]
            time.sleep(0.05)
        for d in self.devices():
            assert d["counts"]["bad_bytes"] == 0
            assert d["file_version"] == "0x00000002"


@pytest.fixture
def network(build_dir, tmp_path, image):
    made = []

    def make(**settings):
        made.append(Network(build_dir, tmp_path, image, **settings))
        return made[-1]
    yield make
    for n in made:
        n.__exit__(None, None, None)


@pytest.mark.parametrize("fault", ["line_loss=997", "line_flip=499"])
@pytest.mark.parametrize("version", [13, 14])
def test_line_that_loses_or_damages_bytes_delivers_all(network, version, fault):
    key, value = fault.split("=")
    n = network(options=f"version={version}", **{key: value})
    n.start()
    done = n.finish()
    assert done["ash_damaged"] > 10
    assert done["failed"] == 0
    n.assert_updated()


@pytest.mark.parametrize("version", [13, 14])
def test_reset_of_coprocessor_in_mid_transfer_goes_on(network, version):
    n = network(options=f"version={version}", answer="500ms", backoff="100ms",
                air="radio", delay="2ms")
    n.start()
    for blocks in (30, 70, 110):
        n.wait_blocks(blocks)
        n.sim.do("reset coordinator")
    done = n.finish()
    assert done["ezsp_restarts"] == 3
    assert done["downs"] == 0
    assert done["ash_resets"] == 4
    n.assert_updated()


@pytest.mark.parametrize("version", [8, 13, 19])
def test_real_image_arrives_byte_for_byte(build_dir, tmp_path, version):
    if not (IMAGES / NODON).is_file():
        if os.environ.get("CI"):
            pytest.fail(f"{IMAGES / NODON} is missing")
        pytest.skip(f"{IMAGES / NODON} is missing")
    with Network(build_dir, tmp_path, IMAGES / NODON, count=2,
                 options=f"version={version}", manufacturer="0x128b",
                 image_type="0x0102", file_version=1) as n:
        n.start()
        done = n.finish()
        assert done["failed"] == 0
        for d in n.devices():
            assert d["counts"]["bad_bytes"] == 0
            assert d["counts"]["downloads"] == 1
