"""Drivers in shared objects: the example of docs/driver-guide.md in a whole
site, and settings of links that are wrong."""

import os
import select
import shutil
import socket
import subprocess
import threading

import pytest

from ferrytest.site import Site, wait_for

ALLOW = 'drivers = {{ allow_shared_objects = true; folder = "{folder}"; }};'


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


class Bridge:
    """A device that is reached by UDP: datagrams to and from the raw line of a
    simulated one. The pieces of a message are put together here."""

    def __init__(self, port):
        host, number = port.removeprefix("tcp://").split(":")
        self.line = socket.create_connection((host, int(number)))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.udp.getsockname()[1]
        self.ending, self.end = os.pipe()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        peer, answer = None, b""
        while True:
            ready = select.select([self.udp, self.line, self.ending], [], [])[0]
            if self.ending in ready:
                return
            if self.udp in ready:
                data, peer = self.udp.recvfrom(2048)
                self.line.sendall(data)
            if self.line in ready:
                answer += self.line.recv(4096)
                while len(answer) >= 8:
                    size = 8 + int.from_bytes(answer[2:4], "big")
                    if len(answer) < size:
                        break
                    for at in range(0, size, 1200):
                        self.udp.sendto(answer[at:min(at + 1200, size)], peer)
                    answer = answer[size:]

    def close(self):
        os.write(self.end, b"x")
        self.thread.join()
        for fd in (self.ending, self.end):
            os.close(fd)
        self.line.close()
        self.udp.close()


@pytest.fixture
def folder(tmp_path, build_dir, as_root):
    """A folder for drivers with the example in it, only root's to change."""
    folder = tmp_path / "drivers"
    folder.mkdir(mode=0o755)
    shutil.copy(build_dir / "drivers" / "example_udp.so", folder)
    (folder / "example_udp.so").chmod(0o644)
    return folder


def put_link(site, name, text):
    (site.etc / "links.d" / f"{name}.conf").write_text(text)


def put_udp(site, address="127.0.0.1:9"):
    put_link(site, "lamp-udp", 'driver = "example_udp"; params = { address = '
             f'"{address}"; }};\n')


def check(site):
    return subprocess.run([site.bin / "ferryd", "--config", site.etc,
                           "--check"], capture_output=True, text=True)


def refused(site, *parts):
    """The one line that an operator reads; it has all of `parts`."""
    done = check(site)
    assert done.returncode == 1, done
    lines = [x for x in done.stderr.splitlines() if x.startswith("ferryd:")]
    assert len(lines) == 1, done.stderr
    for part in parts:
        assert part in lines[0], lines[0]
    return lines[0]


# ---- shared objects ----

def test_shared_object_is_refused_unless_it_is_allowed(site, folder):
    site.config = f'drivers = {{ folder = "{folder}"; }};'
    site.write_config()
    put_udp(site)
    refused(site, "links.d/lamp-udp.conf", "driver", "example_udp",
            "allow_shared_objects")
    started = subprocess.run([site.bin / "ferryd", "--config", site.etc],
                             capture_output=True, text=True, timeout=20)
    assert started.returncode == 1


def test_shared_object_of_root_carries_a_whole_update(site, folder):
    site.config = ALLOW.format(folder=folder)
    site.write_config()
    site.add_class("lamp", options="")
    site.release("lamp", "2.0.0", size=20000)
    sim = site.start_sim("name=dev,transport=tcp,framing=raw")
    (site.etc / "links.d" / "dev.conf").unlink()
    bridge = Bridge(sim.ports["dev"])
    try:
        put_udp(site, bridge.address)
        assert check(site).returncode == 0
        site.start_ferryd()
        site.wait_jobs(1, "done")
        assert sim.state("dev")["running"]["version"].startswith("2.0.0")
        assert sim.state("dev")["confirmed"] is True
        link = site.get("/v1/links")["items"][0]
        assert link["driver"] == "example_udp" and link["state"] == "up"
        site.stop_ferryd()
    finally:
        bridge.close()


@pytest.mark.parametrize("what, mode", [("file", 0o664), ("file", 0o646),
                                        ("folder", 0o775), ("folder", 0o757)])
def test_shared_object_that_others_can_change_is_refused(site, folder, what,
                                                         mode):
    site.config = ALLOW.format(folder=folder)
    site.write_config()
    put_udp(site)
    path = folder / "example_udp.so" if what == "file" else folder
    path.chmod(mode)
    refused(site, "links.d/lamp-udp.conf", str(path),
            "must not be writable by group or others")


def test_shared_object_of_somebody_else_is_refused(site, folder):
    site.config = ALLOW.format(folder=folder)
    site.write_config()
    put_udp(site)
    os.chown(folder / "example_udp.so", 65534, -1)
    refused(site, "links.d/lamp-udp.conf", "must belong to root")


def test_link_to_a_shared_object_elsewhere_is_followed_before_it_is_judged(
        site, folder, tmp_path):
    site.config = ALLOW.format(folder=folder)
    site.write_config()
    put_udp(site)
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.move(folder / "example_udp.so", other / "mine.so")
    (other / "mine.so").chmod(0o666)
    (folder / "example_udp.so").symlink_to(other / "mine.so")
    refused(site, str(other / "mine.so"), "must not be writable")


def test_file_that_is_no_driver_is_named(site, folder):
    site.config = ALLOW.format(folder=folder)
    site.write_config()
    put_udp(site)
    (folder / "example_udp.so").write_text("not a library\n")
    refused(site, "links.d/lamp-udp.conf", str(folder / "example_udp.so"))


@pytest.mark.parametrize("name", ["../example_udp", "/tmp/x"])
def test_driver_is_a_name_and_no_path(site, folder, name):
    site.config = ALLOW.format(folder=folder)
    site.write_config()
    put_link(site, "lamp-udp", f'driver = "{name}";\n')
    refused(site, "links.d/lamp-udp.conf", "not a path")


def test_reload_with_a_forbidden_driver_changes_nothing(site, folder):
    site.add_class("lamp")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the reading", lambda: site.devices().get("lamp-1", {})
             .get("version"))
    put_udp(site)
    site.ferryd.send_signal(1)
    wait_for("the alarm", lambda: "config" in
             [a["code"] for a in site.get("/v1/status")["alarms"]])
    assert [x["name"] for x in site.get("/v1/links")["items"]] == ["lamp-1"]
    site.stop_ferryd()


# ---- settings ----

@pytest.mark.parametrize("text, parts", [
    ('driver = "serial";', ["port"]),
    ('driver = "serial"; params = { port = "/dev/x"; baud = 0; };',
     ["baud", "50..12000000"]),
    ('driver = "serial"; params = { port = "/dev/x"; baud = "fast"; };',
     ["baud"]),
    ('driver = "serial"; params = { port = "/dev/x"; speed = 9600; };',
     ["speed"]),
    ('driver = "serial"; params = { port = "/dev/x"; parity = "mark"; };',
     ["parity", "none"]),
    ('driver = "serial"; params = { port = ""; };', ["port"]),
    ('driver = "sim"; params = { };', ["path"]),
    ('driver = "sim"; params = { path = "/x"; silence = 1; };',
     ["silence", "10..10000"]),
    ('driver = "sim"; params = { path = "/x"; payload = 20; };', ["payload"]),
    ('driver = "pigeon";', ["driver", "pigeon"]),
    ('driver = 7;', ["driver"]),
    ('params = { port = "/dev/x"; };', ["driver"]),
    ('driver = "serial"; params = { port = "/dev/x"; }; prams = { };',
     ["prams"]),
])
def test_wrong_setting_of_a_link_is_named_with_its_file(site, text, parts):
    put_link(site, "bad", "# a comment\n" + text + "\n")
    line = refused(site, "links.d/bad.conf", *parts)
    number = "2:" if "driver =" in text else ""  # what is not there has none
    assert f"bad.conf:{number} " in line, line


def test_good_links_pass_the_check_without_being_opened(site):
    put_link(site, "good", 'driver = "serial"; params = { port = '
             '"/dev/does-not-exist"; baud = 9600; hotplug = false; };\n')
    put_link(site, "hub", 'driver = "sim"; params = { path = "/x"; };\n')
    done = check(site)
    assert done.returncode == 0, done.stderr
    assert "2 links: good" in done.stdout
