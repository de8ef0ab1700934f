"""ferry-sim as a process: ports, control socket, persistence."""

import base64
import binascii
import hashlib
import os
import select
import signal
import socket
import stat
import struct
import subprocess
import time
import tty

import cbor2
import pytest

from ferrytest.patience import patience
from ferrytest.simulator import Simulator, make_image


def message(op, group, command, body, seq=1):
    raw = cbor2.dumps(body)
    return struct.pack(">BBHHBB", 8 | op, 0, len(raw), group, seq, command) + raw


class Line:
    """A small SMP client on a descriptor, console framing, one at a time."""

    def __init__(self, fd):
        self.fd = fd
        self.buffer = b""

    @classmethod
    def open(cls, path):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd)
        return cls(fd)

    def close(self):
        os.close(self.fd)

    def send(self, op, group, command, body):
        raw = message(op, group, command, body)
        packet = (struct.pack(">H", len(raw) + 2) + raw
                  + struct.pack(">H", binascii.crc_hqx(raw, 0)))
        lines = b""
        for at in range(0, len(packet), 93):
            lines += (b"\x04\x14" if at else b"\x06\x09")
            lines += base64.b64encode(packet[at:at + 93]) + b"\n"
        os.write(self.fd, lines)

    def line(self, timeout):
        end = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            self.buffer += os.read(self.fd, 4096)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def receive(self, timeout=10):
        packet = b""
        while (line := self.line(timeout)) is not None:
            assert line[:2] in (b"\x06\x09", b"\x04\x14")
            packet += base64.b64decode(line[2:])
            if len(packet) == 2 + struct.unpack(">H", packet[:2])[0]:
                assert binascii.crc_hqx(packet[2:], 0) == 0
                return cbor2.loads(packet[10:-2])
        return None

    def call(self, op, group, command, body=None):
        self.send(op, group, command, body or {})
        answer = self.receive()
        assert answer is not None, "no answer"
        return answer

    def upload(self, image, until=None):
        off = 0
        while off < (until or len(image)):
            body = {"off": off, "data": image[off:off + 700]}
            if off == 0:
                body.update(len=len(image), sha=hashlib.sha256(image).digest())
            off = self.call(2, 1, 1, body)["off"]
        return off


@pytest.fixture
def image(build_dir, tmp_path):
    facts = make_image(build_dir, tmp_path / "image", "2.0.0", 20000)
    facts["bytes"] = (tmp_path / "image").read_bytes()
    assert hashlib.sha256(facts["bytes"]).hexdigest() == facts["sha256"]
    return facts


def wait_for(sim, name, wanted):
    """Until a fact of the device holds; fails after 10 s."""
    end = time.monotonic() + patience(10)
    while not wanted(state := sim.state(name)):
        assert time.monotonic() < end, state
        time.sleep(0.01)
    return state


def test_pty_update_survives_kill_of_simulator(build_dir, tmp_path, image):
    with Simulator(build_dir, tmp_path, "name=a") as sim:
        line = Line.open(tmp_path / "a")
        line.upload(image["bytes"])
        line.call(2, 1, 0, {"hash": bytes.fromhex(image["hash"]), "confirm": True})
        line.close()
        sim.kill()
    with Simulator(build_dir, tmp_path, "name=a") as sim:
        state = sim.state("a")
        assert state["running"]["version"] == "2.0.0"
        assert state["running"]["hash"] == image["hash"]
        sim.stop()
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "control").exists()
    assert (tmp_path / "a.flash").exists()


def test_unconfirmed_image_reverts_after_power_cut(build_dir, tmp_path, image):
    with Simulator(build_dir, tmp_path, "name=a,boot=10ms,swap=10ms") as sim:
        line = Line.open(tmp_path / "a")
        line.upload(image["bytes"])
        line.call(2, 1, 0, {"hash": bytes.fromhex(image["hash"])})
        assert line.call(2, 0, 5) == {}
        state = wait_for(sim, "a", lambda s: s["state"] == "running"
                         and s["counts"]["boots"] == 2)
        assert state["running"]["version"] == "2.0.0"
        assert not state["confirmed"]
        sim.do("power-cut a 10ms")
        state = wait_for(sim, "a", lambda s: s["state"] == "running"
                         and s["counts"]["boots"] == 3)
        assert state["running"]["version"] == "1.0.0"
        assert state["counts"]["reverts"] == 1
        line.close()
        sim.stop()


def test_hot_unplug_moves_link_and_keeps_upload(build_dir, tmp_path, image):
    group = "name=a,unplug=50ms,switch=hot-unplug=5"
    with Simulator(build_dir, tmp_path, group) as sim:
        link = tmp_path / "a"
        before = os.readlink(link)
        line = Line.open(link)
        off = line.upload(image["bytes"], until=2800)
        line.send(2, 1, 1, {"off": off, "data": image["bytes"][off:off + 700]})
        # The line hangs up: readable, and nothing but an end or an error.
        select.select([line.fd], [], [], 10)
        with pytest.raises(OSError):
            while os.read(line.fd, 100):
                pass
            raise OSError
        wait_for(sim, "a", lambda s: s["plugged"])
        assert os.readlink(link) != before
        line.close()
        line = Line.open(link)
        body = {"off": 0, "data": image["bytes"][:700], "len": len(image["bytes"]),
                "sha": hashlib.sha256(image["bytes"]).digest()}
        assert line.call(2, 1, 1, body)["off"] == off + 700
        line.close()
        assert sim.stop()["devices"][0]["counts"]["unplugs"] == 1


def test_tcp_serves_one_client_after_the_other(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=t,transport=tcp") as sim:
        url = (tmp_path / "t.port").read_text().strip()
        assert url == sim.ports["t"]
        host, port = url.removeprefix("tcp://").split(":")
        for _ in range(2):
            with socket.create_connection((host, int(port)), 10) as client:
                line = Line(client.fileno())
                assert line.call(2, 0, 0, {"d": "hi"}) == {"r": "hi"}
        sim.stop()
        assert not (tmp_path / "t.port").exists()


def test_line_is_held_to_its_baud_rate(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=a,baud=9600,think=0") as sim:
        line = Line.open(tmp_path / "a")
        start = time.monotonic()
        line.call(2, 0, 0, {"d": "x" * 200})
        took = time.monotonic() - start
        counts = sim.counts("a")
        wanted = (counts["bytes_in"] + counts["bytes_out"]) * 10 / 9600
        assert took >= wanted * 0.98
        line.close()
        sim.stop()


def test_many_ptys_in_one_process(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=s-%03u,count=128,slot_size=65536",
                   timeout=60) as sim:
        assert len(sim.ask("list")["devices"]) == 128
        for name in ("s-000", "s-127"):
            assert stat.S_ISCHR(os.stat(tmp_path / name).st_mode)
            line = Line.open(tmp_path / name)
            assert line.call(0, 0, 6) == {"buf_size": 1024, "buf_count": 4}
            line.close()
        assert len(sim.stop()["devices"]) == 128


class Hub:
    """The driver's end of transports/sim/sim_wire.h."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.socket.send(b"\x01\x01")

    def receive(self):
        return self.socket.recv(9000)

    def until(self, kind):
        while (frame := self.receive())[0] != kind:
            pass
        return frame

    def connect(self, link, peer):
        self.socket.send(struct.pack("<BIB", 3, link, 0)
                         + bytes([len(peer)]) + peer.encode())
        return struct.unpack("<BIiHHBB", self.until(0x83))

    def send(self, link, number, data):
        self.socket.send(struct.pack("<BIIBBBB", 5, link, number, 0, 1, 0, 0)
                         + data)


PARAMS = message(0, 0, 6, {})


def test_hub_announces_and_relays(build_dir, tmp_path):
    group = "name=b%u,count=2,transport=sim,payload=20"
    with Simulator(build_dir, tmp_path, group) as sim:
        hub = Hub(tmp_path / "hub.sock")
        assert hub.receive() == b"\x81\x01" + struct.pack("<H", 64)
        names = [hub.receive()[5:8] for _ in range(3)]
        assert [b"all" in n for n in names].count(True) == 1
        _, link, status, payload, window, security, level = hub.connect(7, "b1")
        assert (link, status, payload, security, level) == (7, 0, 20, 0, 3)
        assert window >= 1
        assert hub.connect(8, "nobody")[1:3] == (8, -113)
        hub.send(7, 100, PARAMS)
        assert hub.until(0x85)[1:10] == struct.pack("<IiB", 100, 0, 3)
        got = b""
        while len(got) < 32:
            frame = hub.until(0x86)
            head = 1 + 4 + 1 + 1 + 1 + 4
            assert len(frame) <= head + 3 + 1 + 20
            got += frame[head + 4:]
        assert cbor2.loads(got[8:]) == {"buf_size": 1024, "buf_count": 4}
        hub.send(7, 101, bytes(21))
        assert hub.until(0x85)[1:9] == struct.pack("<Ii", 101, -90)
        sim.do("payload b1 80")
        assert hub.until(0x87)[1:7] == struct.pack("<IH", 7, 80)
        sim.stop()


def test_hub_peer_goes_and_comes(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=b,transport=sim") as sim:
        hub = Hub(tmp_path / "hub.sock")
        hub.connect(1, "b")
        sim.do("unplug b")
        assert hub.until(0x88)[1:9] == struct.pack("<Ii", 1, -113)
        assert hub.until(0x82)[1] & 4
        hub.socket.send(struct.pack("<BIB", 3, 2, 0) + b"\x01b")
        sim.do("replug b")
        assert struct.unpack("<BIi", hub.until(0x83)[:9])[1:] == (2, 0)
        hub.connect(3, "all")
        hub.send(3, 9, PARAMS)
        assert hub.until(0x85)[1:10] == struct.pack("<IiB", 9, 0, 2)
        sim.stop()


def test_hub_closes_on_nonsense(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=b,transport=sim") as sim:
        hub = Hub(tmp_path / "hub.sock")
        hub.receive()
        hub.socket.send(b"\x7f")
        with pytest.raises(OSError):
            while hub.receive():
                pass
            raise OSError
        Hub(tmp_path / "hub.sock").receive()  # and takes the next one
        sim.stop()


def test_hub_takes_the_next_driver_at_once(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=b,transport=sim") as sim:
        hub = Hub(tmp_path / "hub.sock")
        hub.receive()
        for _ in range(5):
            # More than it reads in one turn of its loop, and then the end.
            os.kill(sim.process.pid, signal.SIGSTOP)
            for _ in range(40):
                hub.socket.send(struct.pack("<BI", 4, 9))  # no such link
            hub.socket.close()
            hub = Hub(tmp_path / "hub.sock")
            os.kill(sim.process.pid, signal.SIGCONT)
            assert hub.receive()
        sim.stop()


@pytest.mark.parametrize("driver, setting, peer", [
    ("serial", "port={}/p", "port"), ("sim", "path={}/hub.sock", "b")])
def test_driver_passes_its_checks(build_dir, tmp_path, driver, setting, peer):
    with Simulator(build_dir, tmp_path, "name=b,transport=sim",
                   "name=p") as sim:
        run = subprocess.run(
            [build_dir / "bin" / "ferry-driver-check", "--set",
             setting.format(tmp_path), "--peer", peer, driver],
            capture_output=True, text=True, timeout=120, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        assert " ok " in run.stdout
        sim.stop()


def test_control_refuses_with_reason(build_dir, tmp_path):
    with Simulator(build_dir, tmp_path, "name=a") as sim:
        for command, word in (("dance", "no such command"),
                              ("state b", "no such device"),
                              ("switch a buzy", "is not a switch"),
                              ("switch a direct-xip", "when the device is made"),
                              ("power-cut a soon", "no duration"),
                              ("payload a 80", "no datagram peer")):
            answer = sim.ask(command)
            assert answer["ok"] is False
            assert word in answer["error"], command
        sim.do("switch * busy=1")
        sim.do("dump a 0 " + str(tmp_path / "dump"))
        assert (tmp_path / "dump").read_bytes()[:4] == b"\x3d\xb8\xf3\x96"
        sim.do("quit")
        assert sim.process.wait(timeout=10) == 0


def test_bad_settings_name_place_and_rule(build_dir, tmp_path):
    program = build_dir / "bin" / "ferry-sim"
    config = tmp_path / "sim.conf"
    config.write_text('devices = ( {\n colour = "red"; } );\n')
    for args, word in ((["--config", config], "sim.conf:2: colour is not a"),
                       (["--devices", "slot_size=5000"], "flash"),
                       (["--devices", "buf_size=10"], "buf_size")):
        run = subprocess.run([program, *args], capture_output=True, text=True,
                             timeout=20, check=False)
        assert run.returncode == 1
        assert word in run.stderr
    assert subprocess.run([program], capture_output=True, timeout=20,
                          check=False).returncode == 2
