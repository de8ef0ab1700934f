"""ferry-sim's ZigBee networks as a process: ports, settings, commands, counters. The host is a few lines of Python that
know docs/zigbee.md (zcl-socket, MT) and nothing else."""

import hashlib
import json
import os
import select
import socket
import struct
import subprocess
import time
import tty
from pathlib import Path

import pytest

from ferrytest.patience import patience
from ferrytest.simulator import Simulator

FIRST = 0x00124b0000000001
PING, PONG = bytes.fromhex("fe00210120"), bytes.fromhex("fe02610159063d")
RESET_IND = bytes.fromhex("fe064180")


def make_ota(build_dir, path, *more, version="0x0a0b0c0d", size=6000):
    out = subprocess.run(
        [build_dir / "bin" / "ferry-sim", "mkota", "--manufacturer", "0x1234", "--type", "0x0102", "--version", version,
         "--size", str(size), *more, path], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


class Hub:
    """Ferry's side of zcl-socket, with a server of one image behind it."""

    def __init__(self, path, image, cap=50):
        self.image, self.cap, self.next_id = image, cap, 0
        self.nodes, self.network, self.confirms, self.frames = {}, None, [], []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.socket.send(b"\x01ZCLS\x01\x01")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def list(self):
        self.socket.send(b"\x02")
        self.until(lambda p: p[0] == 0x83)

    def send(self, eui64, asdu, dst=1, src=1, profile=0x0104, cluster=0x0019, nwk=0xffff, flags=0):
        self.next_id += 1
        self.socket.send(struct.pack("<BIHQHHBBBB", 3, self.next_id, nwk, eui64, profile, cluster, src, dst, flags, 0)
                         + asdu)

    def until(self, done, timeout=30):
        """Serves until a packet of which `done` is true; returns it."""
        end = time.monotonic() + patience(timeout)
        while time.monotonic() < end:
            packet = self.socket.recv(512)
            if not packet:
                raise EOFError
            self.take(packet)
            if done(packet):
                return packet
        raise TimeoutError

    def take(self, packet):
        if packet[0] == 0x81:
            self.network = struct.unpack_from("<BBBBBHQQ", packet, 1)
        elif packet[0] == 0x82:
            eui64, nwk, flags = struct.unpack_from("<QHB", packet, 1)
            self.nodes[eui64] = (nwk, flags)
        elif packet[0] == 0x85:
            self.confirms.append(packet[5])
        elif packet[0] == 0x84:
            self.serve(packet)

    def serve(self, packet):
        _, eui64, profile, cluster, src, dst = struct.unpack_from("<HQHHBB", packet, 1)
        zcl = packet[24:]
        self.frames.append((eui64, cluster, zcl))
        if cluster != 0x0019 or zcl[0] & 3 != 1:
            return
        head, key, size = bytes([0x19, zcl[1]]), self.image[10:18], len(self.image)
        answer = None
        if zcl[2] == 1:
            answer = b"\x02\x00" + key + struct.pack("<I", size)
        elif zcl[2] == 3:
            offset, most = struct.unpack_from("<IB", zcl, 12)
            data = self.image[offset:offset + min(most, self.cap)]
            answer = b"\x05\x00" + key + struct.pack("<IB", offset, len(data)) + data
        elif zcl[2] == 6:
            answer = b"\x07" + key + struct.pack("<II", 0, 0)
        if answer:
            self.send(eui64, head + answer, src, dst, profile)

    def notify(self, eui64):
        self.send(eui64, bytes.fromhex("1942000064"))

    def update(self, eui64):
        """Until the device has announced itself again."""
        self.notify(eui64)
        self.until(lambda p: p[0] == 0x82 and struct.unpack_from("<Q", p, 1)[0] == eui64 and p[11] & 1)


class Serial:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)

    def close(self):
        os.close(self.fd)

    def ask(self, data, least, timeout=10):
        """Writes, and reads until there are so many bytes."""
        os.write(self.fd, data)
        got, end = b"", time.monotonic() + patience(timeout)
        while len(got) < least and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                got += os.read(self.fd, 4096)
        return got


@pytest.fixture
def ota(build_dir, tmp_path):
    about = make_ota(build_dir, tmp_path / "new.ota")
    about["path"] = tmp_path / "new.ota"
    about["image"] = about["path"].read_bytes()
    return about


def hub_group(ota, *more, count=2):
    return ",".join(("name=bulb-%u", f"count={count}", "transport=zcl-socket", "coordinator=hub", f"image={ota['path']}",
                     "interval=0", "activate=0ms", "think=0", "boot=10ms") + more)


def wait_for(condition, timeout=20):
    end = time.monotonic() + patience(timeout)
    while not condition():
        assert time.monotonic() < end, "too late"
        time.sleep(0.02)


def test_mkota_writes_file_that_it_describes(build_dir, tmp_path):
    about = make_ota(build_dir, tmp_path / "a.ota", "--hw", "0x0100-0x0203", "--text", "lamp", size=1000)
    raw = (tmp_path / "a.ota").read_bytes()
    assert len(raw) == about["length"] == 1000
    assert hashlib.sha256(raw).hexdigest() == about["sha256"]
    magic, version, length, control, maker, kind, file_version, stack = struct.unpack_from("<IHHHHHIH", raw)
    assert (magic, version, length, control, stack) == (0x0beef11e, 0x0100, 60, 4, 2)
    assert (maker, kind, file_version) == (0x1234, 0x0102, 0x0a0b0c0d)
    assert raw[20:52] == b"lamp".ljust(32, b"\0")
    assert struct.unpack_from("<IHHHI", raw, 52) == (1000, 0x0100, 0x0203, 0, 1000 - 66)


def test_mkota_refuses_what_makes_no_file(build_dir, tmp_path):
    for args in (["--size", "10"], ["--size", "1000", "--hw", "3"], []):
        run = subprocess.run([build_dir / "bin" / "ferry-sim", "mkota", "--manufacturer", "1", "--type", "1",
                              "--version", "1", *args, tmp_path / "x"], capture_output=True, check=False)
        assert run.returncode == 2
    assert not (tmp_path / "x").exists()


def test_hub_updates_all_its_nodes(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota, count=3)) as sim:
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.list()
            assert sorted(hub.nodes) == [FIRST, FIRST + 1, FIRST + 2]
            for eui64 in list(hub.nodes):
                hub.update(eui64)
        for name in ("bulb-0", "bulb-1", "bulb-2"):
            state = sim.state(name)
            assert (state["file_version"], state["sha256"]) == ("0x0a0b0c0d", ota["sha256"])
            assert state["counts"]["bad_bytes"] == 0
        radio = sim.stop()["coordinators"][0]
        assert radio["sums"]["updates"] == 3
        assert radio["sums"]["bytes"] == 3 * ota["length"]
        assert len(radio["nodes"]) == 3


def real_images():
    folder = Path(os.environ.get("FERRY_SHARED_DIR", "/nonexistent")) / "images" / "zigbee"
    if not folder.is_dir():
        return []
    return [pytest.param(folder / image["file"], image, id=image["file"].split("__")[0])
            for image in json.loads((folder / "ground_truth.json").read_text()) if image["serve"]]


def test_real_images_are_there():
    if not real_images() and not os.environ.get("CI"):
        pytest.skip("missing folder of test vectors: FERRY_SHARED_DIR/images/zigbee")
    assert real_images()


@pytest.mark.parametrize("path,truth", real_images())
def test_real_image_arrives_byte_for_byte(build_dir, tmp_path, path, truth):
    head = truth["header"]
    raw = path.read_bytes()[truth["ota_offset"]:][:head["total_image_size"]]
    group = hub_group({"path": path}, f"manufacturer={head['manufacturer_code']}", f"image_type={head['image_type']}",
                      "block=64", count=1)
    with Simulator(build_dir, tmp_path / "sim", group) as sim:
        with Hub(sim.coordinators["hub"], raw, cap=64) as hub:
            hub.update(FIRST)
        state = sim.state("bulb-0")
    assert state["sha256"] == truth["ota_sha256"]
    assert state["size"] == len(raw)
    assert state["file_version"] == f"0x{head['file_version']:08x}"
    assert state["counts"]["bad_bytes"] == 0


def test_served_bytes_are_compared(build_dir, tmp_path, ota):
    wrong = bytearray(ota["image"])
    wrong[3000] ^= 1
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        with Hub(sim.coordinators["hub"], bytes(wrong)) as hub:
            hub.until(lambda p: p[0] == 0x81)
            hub.notify(FIRST)
            packet = hub.until(lambda p: p[0] == 0x84 and p[26] == 6)
        assert packet[27] == 0x96
        assert sim.counts("bulb-0")["bad_bytes"] == 1
        assert sim.state("bulb-0")["file_version"] == "0x00000001"


def test_version_survives_the_process(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.update(FIRST)
        sim.kill()
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        assert sim.state("bulb-0")["file_version"] == "0x0a0b0c0d"
        assert sim.state("bulb-1")["file_version"] == "0x00000001"


def test_groups_of_one_coordinator_share_its_network(build_dir, tmp_path, ota):
    sensors = "name=sensor,transport=zcl-socket,coordinator=hub,eui64=00124b0000010000,poll=50ms"
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota), sensors) as sim:
        assert sim.do("list")["devices"] == ["hub", "bulb-0", "bulb-1", "sensor"]
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.list()
            assert hub.nodes[0x00124b0000010000][1] & 0x0c == 0x0c
            assert hub.nodes[FIRST][1] & 0x0c == 0x04
        assert sim.state("hub")["node_count"] == 3


def test_commands_move_nodes(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.list()
            old = hub.nodes[FIRST][0]
            sim.do("leave bulb-0")
            assert hub.until(lambda p: p[0] == 0x82)[11] & 2
            assert sim.state("bulb-0")["state"] == "away"
            sim.do("join bulb-0 new")
            assert hub.until(lambda p: p[0] == 0x82)[11] & 1
            assert hub.nodes[FIRST][0] != old
            sim.do("announce bulb-1")
            hub.until(lambda p: p[0] == 0x82)
            assert hub.nodes[FIRST + 1][1] & 1
            sim.do("query bulb-1")
            hub.until(lambda p: p[0] == 0x84 and p[26] == 1)
            sim.do("restart bulb-1")
            hub.until(lambda p: p[0] == 0x82)


def test_switch_acts_on_one_or_all(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        sim.do("switch * ignores-notify")
        sim.do("switch bulb-1 ignores-notify=off")
        assert not sim.ask("switch bulb-1 busy=3")["ok"]
        assert not sim.ask("announce nobody")["ok"]
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.notify(FIRST)
            hub.update(FIRST + 1)
        assert sim.counts("bulb-0")["notifies_ignored"] == 1
        assert sim.counts("bulb-0")["queries"] == 0


def test_set_changes_the_channel(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        sim.do("set hub loss=100%")
        for wrong in ("loss=1", "pan=1", "air"):
            assert not sim.ask(f"set hub {wrong}")["ok"]
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.notify(FIRST)
            hub.until(lambda p: p[0] == 0x85)
            assert sim.counts("bulb-0")["notifies"] == 0
            sim.do("set hub loss=0")
            hub.update(FIRST)


def test_new_connection_takes_the_place_of_the_old(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        with Hub(sim.coordinators["hub"], ota["image"]) as old:
            old.list()
            with Hub(sim.coordinators["hub"], ota["image"]) as new:
                new.update(FIRST)
                with pytest.raises(EOFError):
                    old.until(lambda p: False)


def test_broken_rule_ends_the_connection(build_dir, tmp_path, ota):
    with Simulator(build_dir, tmp_path / "sim", hub_group(ota)) as sim:
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.socket.send(b"\x03\x00")
            with pytest.raises(EOFError):
                hub.until(lambda p: False)
        with Hub(sim.coordinators["hub"], ota["image"]) as hub:
            hub.list()


def test_coordinator_on_pty_is_reset_and_unplugged(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path / "sim", "name=bulb,transport=znp,coordinator=stick") as sim:
        link = sim.coordinators["stick"]
        line = Serial(link)
        assert line.ask(PING, len(PONG)) == PONG
        sim.do("reset stick")
        assert line.ask(b"", 11)[:4] == RESET_IND
        first = os.readlink(link)
        sim.do("unplug stick")
        assert not os.path.lexists(link)
        line.close()
        sim.do("replug stick")
        assert os.path.lexists(link)
        line = Serial(link)
        assert line.ask(b"", 11)[:4] == RESET_IND
        assert line.ask(PING, len(PONG)) == PONG
        line.close()
        counts = sim.counts("stick")
        assert (counts["unplugs"], counts["resets"]) == (1, 2)
        assert first.startswith("/dev/pts/")


def test_coordinator_on_tcp_keeps_its_port(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path / "sim", "name=bulb,transport=znp,coordinator=stick,link_port=tcp") as sim:
        def connect():
            host, port = open(sim.coordinators["stick"], encoding="utf-8").read().strip()[6:].split(":")
            return socket.create_connection((host, int(port)), timeout=20)

        before = open(sim.coordinators["stick"], encoding="utf-8").read()
        with connect() as line:
            line.sendall(PING)
            assert line.recv(64) == PONG
            sim.do("drop stick")
            assert line.recv(64) == b""
        sim.do("unplug stick 50ms")
        wait_for(lambda: sim.state("stick")["plugged"])
        assert open(sim.coordinators["stick"], encoding="utf-8").read() == before
        with connect() as line:
            line.settimeout(20)
            got = b""
            while PONG not in got:
                line.sendall(PING)
                got += line.recv(64)


def test_line_loses_and_damages_bytes(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path / "sim",
                   "name=bulb,transport=znp,coordinator=stick,line_flip=5,line_loss=7") as sim:
        line = Serial(sim.coordinators["stick"])
        got = line.ask(PING, 6)
        line.close()
    damaged = bytearray(PONG)
    damaged[4] ^= 0x10
    del damaged[6]
    assert got == bytes(damaged)


def test_line_has_its_speed(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path / "sim", "name=bulb,transport=znp,coordinator=stick,baud=2400") as sim:
        line = Serial(sim.coordinators["stick"])
        begin = time.monotonic()
        got = line.ask(PING * 20, 20 * len(PONG))
        took = time.monotonic() - begin
        line.close()
    assert got == PONG * 20
    assert took >= 20 * len(PONG) * 10 / 2400 * 0.9


@pytest.mark.parametrize("group,word", [
    ("name=a,transport=znp,loss=2", "loss"),
    ("name=a,transport=znp,device=nokia", "device"),
    ("name=a,transport=znp,eui64=1", "eui64"),
    ("name=a,transport=znp,options=speed=9", "options"),
    ("name=a,transport=znp,image=/nonexistent", "image"),
    ("name=a,switch=no-end", "ZigBee"),
    ("name=coordinator,transport=znp", "twice"),
])
def test_wrong_setting_is_named(build_dir, tmp_path, group, word):
    run = subprocess.run([build_dir / "bin" / "ferry-sim", "--dir", tmp_path / "sim", "--devices", group],
                         capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 1
    assert word in run.stderr
