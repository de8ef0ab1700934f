"""The driver zigbee against simulated coordinators: whole updates through each
protocol, on good lines and bad ones. The server is zigbee_probe, which answers
requests and knows nothing else, so what is tested is what lies below an engine."""

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from ferrytest.patience import patience
from ferrytest.simulator import Simulator

MANUFACTURER, IMAGE_TYPE, NEW = "0x1234", "0x0102", "0x00000002"
QUICK = "device=ember,answer=1500ms,backoff=100ms,errors=200,activate=100ms"

STACKS = {
    "znp": ("znp", ""),
    "ezsp-8": ("ezsp", "options=version=8"),
    "ezsp-13": ("ezsp", "options=version=13"),
    "ezsp-14": ("ezsp", "options=version=14"),
    "ezsp-19": ("ezsp", "options=version=19"),
    "deconz": ("deconz", ""),
}
# One of each kind, where versions make no difference.
KINDS = ["znp", "ezsp-14", "deconz"]
# Not a coordinator but a hub's own stack, on a socket that keeps packets.
HUB = "zcl-socket"


class Network:
    """A coordinator with `count` devices, and probes that update them."""

    def __init__(self, build_dir, folder, stack, settings="", count=4,
                 size=2000, image=None, identity=None, tcp=False):
        self.build_dir = build_dir
        self.stack, option = STACKS.get(stack, (stack, ""))
        self.count = count
        self.image = image or self._make_image(folder, size)
        manufacturer, kind, self.version = identity or (
            MANUFACTURER, IMAGE_TYPE, NEW)
        group = [f"name=bulb-%u,count={count},transport={self.stack}",
                 f"manufacturer={manufacturer},image_type={kind}",
                 f"file_version=1,image={self.image}", QUICK]
        group += [s for s in (option, settings) if s]
        if tcp:
            group.append("link_port=tcp")
        self.sim = Simulator(build_dir, folder, ",".join(group))
        self.port = str(folder / "coordinator")
        if self.stack == HUB:
            self.port += ".sock"
        if tcp:
            self.port = (folder / "coordinator.port").read_text().strip()
        self.running = []

    def _make_image(self, folder, size):
        path = folder / "new.ota"
        subprocess.run(
            [self.build_dir / "bin" / "ferry-sim", "mkota", "--manufacturer",
             MANUFACTURER, "--type", IMAGE_TYPE, "--version", NEW, "--size",
             str(size), "--seed", "7", path], check=True, capture_output=True)
        return path

    def probe(self, *options, seconds=patience(110)):
        """A probe that is under way."""
        process = subprocess.Popen(
            [self.build_dir / "bin" / "zigbee_probe", self.image, "--ends",
             str(self.count), "--notify", "1000", "--seconds", str(seconds),
             *options, f"stack={self.stack}", f"port={self.port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.running.append(process)
        return process

    def finish(self, process, code=0):
        """Its last line, and all before."""
        out, err = process.communicate(timeout=patience(120))
        events = [json.loads(line) for line in out.splitlines()]
        assert process.returncode == code, (events[-3:], err)
        assert "Sanitizer" not in err, err
        return events[-1], events[:-1]

    def update(self, *options, **more):
        return self.finish(self.probe(*options, **more))

    def counts(self):
        return self.sim.ask("state coordinator")["counts"]

    def sums(self):
        return self.sim.ask("state coordinator")["sums"]

    def wait_blocks(self, count):
        """Until the devices together have so many blocks."""
        end = time.monotonic() + patience(30)
        while self.sums()["blocks"] < count:
            assert time.monotonic() < end, self.sim.ask("state coordinator")
            time.sleep(0.01)

    def expect_updated(self, devices=None):
        """Each device has restarted with the image, byte for byte."""
        data = self.image.read_bytes()
        start = data.index(b"\x1e\xf1\xee\x0b")
        size = int.from_bytes(data[start + 52:start + 56], "little")
        want = hashlib.sha256(data[start:start + size]).hexdigest()
        end = time.monotonic() + patience(30)
        for i in range(devices or self.count):
            while True:
                state = self.sim.state(f"bulb-{i}")
                if int(state["file_version"], 16) == int(self.version, 16):
                    break
                assert time.monotonic() < end, state
                time.sleep(0.02)
            assert state["sha256"] == want, state
        assert self.sums()["bad_bytes"] == 0

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.sim.kill()


@pytest.fixture
def network(build_dir, tmp_path):
    made = []

    def make(*args, **kwargs):
        made.append(Network(build_dir, tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.parametrize("line", ["pty", "tcp"])
@pytest.mark.parametrize("stack", STACKS)
def test_update_reaches_every_device(network, stack, line):
    net = network(stack, count=8, tcp=line == "tcp")
    done, _ = net.update()
    net.expect_updated()
    assert done["malformed"] == 0
    assert done["failed"] == 0
    assert done["downs"] == 0


def test_update_reaches_every_device_of_a_hub(network):
    net = network(HUB, count=8)
    done, _ = net.update()
    net.expect_updated()
    assert done["failed"] == 0
    assert done["downs"] == 0


@pytest.fixture
def real_image():
    folder = os.environ.get("FERRY_SHARED_DIR")
    name = "NodOn__128b-0102-030103-700_nodon_sin_4_2_20_fw_power_V030103.zigbee"
    if not folder:
        pytest.skip("FERRY_SHARED_DIR is not set")
    return Path(folder) / "images" / "zigbee" / name


@pytest.mark.parametrize("stack", [*KINDS, HUB])
def test_real_image_reaches_devices_byte_for_byte(network, real_image, stack):
    head = real_image.read_bytes()[:56]

    def field(at, size):
        return hex(int.from_bytes(head[at:at + size], "little"))

    net = network(stack, count=2, image=real_image,
                  identity=(field(10, 2), field(12, 2), field(14, 4)))
    net.update("--block", "63")
    net.expect_updated()


# What the channel, the coprocessor or the line does, options of the probe, and
# the counter of the simulator or of the driver that proves that it did.
TROUBLES = {
    "confirm-with-next-request": ("confirms=coalesced", (), None),
    "confirm-after-next-request": ("confirms=late", (), None),
    "full-buffers": ("buffers=1,confirms=late", (), "busy"),
    "loss": ("loss=1/40", ("--ack",), "air_lost"),
    "loss-without-acks": ("loss=1/40", (), "air_lost"),
    "duplicates": ("duplicate=10", (), "air_duplicated"),
    "delay": ("delay=20ms", (), None),
    "damaged-bytes": ("line_flip=1499", (), None),
    "lost-bytes": ("line_loss=1499", (), None),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("stack", [*KINDS, HUB])
def test_update_in_spite_of(network, stack, trouble):
    settings, options, counter = TROUBLES[trouble]
    if stack == HUB and "line_" in settings:
        pytest.skip("no byte of a local socket is damaged")
    net = network(stack, settings)
    done, _ = net.update(*options)
    net.expect_updated()
    # These say how much room they have, so they never have to refuse.
    if counter and (counter != "busy" or stack not in ("deconz", HUB)):
        assert {**net.counts(), **done}[counter] > 0
    assert done["downs"] == 0


def test_damaged_line_of_znp_is_resynchronised(network):
    net = network("znp", "line_flip=997")
    done, _ = net.update()
    net.expect_updated()
    assert done["znp_bad_frames"] > 0
    assert done["znp_overdue"] < done["znp_bad_frames"]


@pytest.mark.parametrize("stack", ["znp", "ezsp-8", "ezsp-14", "deconz"])
def test_coordinator_that_restarts_comes_back(network, stack):
    net = network(stack, size=40000)
    process = net.probe()
    net.wait_blocks(200)
    net.sim.do("reset coordinator")
    net.wait_blocks(600)
    net.sim.do("reset coordinator")
    done, events = net.finish(process)
    net.expect_updated()
    assert done["ups"] >= 1
    assert net.counts()["resets"] == 2
    assert len([e for e in events if e["event"] == "down"]) == done["downs"]


@pytest.mark.parametrize("stack", [*KINDS, HUB])
def test_stick_that_is_pulled_and_put_back_goes_on(network, stack):
    net = network(stack, size=40000)
    process = net.probe()
    net.wait_blocks(200)
    net.sim.do("unplug coordinator 500ms")
    done, _ = net.finish(process)
    net.expect_updated()
    assert done["downs"] >= 1
    assert done["ups"] == 2


@pytest.mark.parametrize("stack", KINDS)
def test_network_coordinator_that_hangs_up_is_called_again(network, stack):
    net = network(stack, size=40000, tcp=True)
    process = net.probe()
    net.wait_blocks(200)
    net.sim.do("drop coordinator")
    done, _ = net.finish(process)
    net.expect_updated()
    assert done["downs"] >= 1
    assert done["ups"] == 2


@pytest.mark.parametrize("stack", [*KINDS, HUB])
def test_server_that_is_killed_and_started_again_finishes(network, stack):
    net = network(stack, size=40000)
    process = net.probe()
    net.wait_blocks(200)
    process.kill()
    process.communicate()
    before = net.sums()["blocks"]
    net.update()
    net.expect_updated()
    # Nobody began again at 0.
    assert before >= 200
    assert net.sums()["blocks"] <= 4 * (40000 // 50) + 4 * 8


@pytest.mark.parametrize("stack", [*KINDS, HUB])
def test_sleeping_devices_are_updated_when_they_poll(network, stack):
    net = network(stack, "poll=200ms,fast_poll=20ms,interval=500ms", count=2,
                  size=1500)
    net.update()
    net.expect_updated()


# A ConBee has the parameters of some network at any time.
@pytest.mark.parametrize("stack", ["znp", "ezsp-8", "ezsp-14"])
def test_coordinator_without_a_network_is_refused(network, stack):
    net = network(stack, "formed=false")
    process = net.probe()
    first = json.loads(process.stdout.readline())
    process.terminate()
    done, _ = net.finish(process)
    assert done["ups"] == 0
    assert first["event"] == "down" and "no network" in first["text"], first
    assert net.sim.ask("state coordinator")["network"]["formed"] is False


@pytest.mark.parametrize("stack", ["znp", "ezsp-8", "ezsp-14"])
def test_coordinator_without_a_network_forms_one_when_told(network, stack):
    net = network(stack, "formed=false")
    process = net.probe("form=yes", "channel=20", "pan=0x4321",
                        seconds=patience(60))
    end = time.monotonic() + patience(50)
    state = {}
    while not state.get("formed"):
        assert time.monotonic() < end, state
        state = net.sim.ask("state coordinator")["network"]
        time.sleep(0.05)
    line = process.stdout.readline()
    process.terminate()
    net.finish(process)
    assert json.loads(line)["event"] == "up"
    assert state["channel"] == 20
    assert int(state["pan"], 16) == 0x4321


def test_many_devices_are_served_at_once(network):
    net = network("znp", count=200, size=1000)
    done, _ = net.update()
    net.expect_updated()
    assert done["dropped"] == 0
    assert done["in_flight_peak"] <= 16
