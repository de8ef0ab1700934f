"""ferryd as a service: what it tells systemd, the descriptors that systemd keeps
for it, ends in time, rights, two of them, new configuration."""

import array
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from ferrytest.patience import patience
from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


class Manager:
    """What systemd does for a service: takes its messages and descriptors."""

    # Puts the kept descriptors from 3 on and runs the rest of its arguments.
    WRAPPER = ("import os, sys\n"
               "fds = [int(n) for n in sys.argv[1].split(',') if n]\n"
               "high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]\n"
               "[os.close(fd) for fd in fds]\n"
               "[os.dup2(fd, 3 + i, inheritable=True)"
               " for i, fd in enumerate(high)]\n"
               "[os.close(fd) for fd in high]\n"
               "os.environ['LISTEN_PID'] = str(os.getpid())\n"
               "os.environ['LISTEN_FDS'] = str(len(fds))\n"
               "os.execv(sys.argv[2], sys.argv[2:])\n")

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.told = []
        self.kept = {}  # name: descriptor

    def take(self):
        while True:
            try:
                data, parts, _, _ = self.socket.recvmsg(
                    65536, socket.CMSG_SPACE(16))
            except BlockingIOError:
                return
            fds = array.array("i")
            for level, kind, content in parts:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(content)
            lines = data.decode().splitlines()
            self.told += lines
            name = [x[7:] for x in lines if x.startswith("FDNAME=")]
            for fd in fds:
                assert "FDSTORE=1" in lines and name
                if name[0] in self.kept:
                    os.close(self.kept[name[0]])
                self.kept[name[0]] = fd

    def wait_told(self, text):
        def check():
            self.take()
            return [line for line in self.told if line.startswith(text)]

        return wait_for(f"ferryd to tell {text}", check, 20)

    def start(self, site):
        self.take()
        fds = list(self.kept.values())
        program = ["/usr/bin/python3", "-c", self.WRAPPER,
                   ",".join(map(str, fds))] if fds else []
        more = {"NOTIFY_SOCKET": self.path}
        if fds:
            more["LISTEN_FDNAMES"] = ":".join(self.kept)
        self.told.clear()
        site.start_ferryd(env=more, before=program, pass_fds=fds)

    def close(self):
        for fd in self.kept.values():
            os.close(fd)
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.close()


# ---- systemd ----

def test_start_reload_and_stop_are_told(site, manager):
    site.add_class("lamp")
    manager.start(site)
    manager.wait_told("READY=1")
    manager.told.clear()
    site.ferryd.send_signal(signal.SIGHUP)
    manager.wait_told("RELOADING=1")
    assert manager.wait_told("MONOTONIC_USEC=")
    manager.wait_told("READY=1")
    ferryd = site.ferryd
    ferryd.send_signal(signal.SIGTERM)
    manager.wait_told("STOPPING=1")
    assert ferryd.wait(10) == 0
    site.ferryd = None


def test_refused_configuration_ends_the_reload_too(site, manager):
    """systemctl reload waits for READY=1, also when nothing was changed."""
    site.add_class("lamp")
    manager.start(site)
    manager.wait_told("READY=1")
    manager.told.clear()
    bad = site.etc / "links.d" / "bad.conf"
    bad.write_text("nonsense = 1;\n")
    site.ferryd.send_signal(signal.SIGHUP)
    manager.wait_told("RELOADING=1")
    manager.wait_told("READY=1")

    def codes():
        return [a["code"] for a in site.get("/v1/status")["alarms"]]

    assert "config" in codes()
    bad.unlink()
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the alarm to go", lambda: "config" not in codes())
    site.stop_ferryd()


def test_port_in_the_descriptor_store_is_not_opened_again(site, manager):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=30000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    manager.start(site)
    site.wait_progress("lamp-1", 20)
    manager.take()
    port = os.path.realpath(sim.links["lamp-1"])
    assert [os.readlink(f"/proc/self/fd/{fd}")
            for fd in manager.kept.values()] == [port]
    site.kill_ferryd()
    # With the port taken from its name, only the kept descriptor is left.
    os.chmod(port, 0)
    target = Path(sim.links["lamp-1"])
    manager.start(site)
    site.wait_jobs(1, "done")
    manager.take()
    assert not [t for t in manager.told if t.startswith("FDSTORE")]
    ports = [os.readlink(f"/proc/{site.ferryd.pid}/fd/{fd}") for fd in
             os.listdir(f"/proc/{site.ferryd.pid}/fd")]
    assert ports.count(port) == 1 and target.is_symlink()
    counts = sim.counts("lamp-1")
    assert counts["uploads_started"] == 1 and counts["resets"] == 1
    site.stop_ferryd()


def test_descriptor_of_a_link_that_is_taken_out_is_kept_no_longer(
        site, manager):
    site.add_class("lamp")
    site.start_sim("name=lamp-1")
    manager.start(site)
    wait_for("the device", lambda: "lamp-1" in site.devices())
    (site.etc / "links.d" / "lamp-1.conf").unlink()
    site.ferryd.send_signal(signal.SIGHUP)
    manager.wait_told("FDSTOREREMOVE=1")
    site.stop_ferryd()


def test_kept_descriptor_of_another_port_is_not_used(site, manager):
    """The name stands for another port now: what was kept is not it."""
    site.add_class("lamp")
    site.start_sim("name=lamp-1")
    manager.start(site)
    wait_for("the reading", lambda: site.devices().get("lamp-1", {})
             .get("version"))
    manager.take()
    assert len(manager.kept) == 1
    site.stop_ferryd()
    site.sims.pop().kill()
    site.release("lamp", "2.0.0", size=12000)
    hold = os.openpty()  # so that the number of the port is not used again
    sim = site.start_sim("name=lamp-1,flash=memory")
    manager.start(site)
    site.wait_jobs(1, "done")
    assert sim.state("lamp-1")["running"]["version"].startswith("2.0.0")
    site.stop_ferryd()
    for fd in hold:
        os.close(fd)


# ---- ends in time ----

def end_in_time(site):
    start = time.monotonic()
    site.ferryd.send_signal(signal.SIGTERM)
    status = site.ferryd.wait(patience(10))
    site.ferryd = None
    assert status == 0, site.log.read_text()[-3000:]
    assert time.monotonic() - start < patience(5)


def test_stop_without_work_ends_in_time(site):
    site.add_class("lamp")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the reading", lambda: site.devices().get("lamp-1", {})
             .get("version"))
    end_in_time(site)


def test_stop_in_a_fetch_from_a_slow_server_ends_in_time(tmp_path, build_dir):
    with Site(tmp_path, build_dir,
              nginx_extra="location /p/ { limit_rate 100; }") as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0", size=60000)
        site.start_sim("name=lamp-1")
        site.start_ferryd()
        wait_for("the fetch", lambda: [o for o in site.get("/v1/offers")
                 ["items"] if o["state"] == "fetching"])
        end_in_time(site)


def test_stop_while_a_server_says_nothing_ends_in_time(site):
    """It accepts, and never begins the handshake."""
    site.add_class("lamp")
    site.nginx.stop()
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", site.nginx.port))
        silent.listen(8)
        site.start_ferryd()
        peer, _ = silent.accept()
        end_in_time(site)
        peer.close()


@pytest.mark.parametrize("state", ["transferring", "activating"])
def test_stop_in_a_job_ends_in_time_and_goes_on_later(site, state):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=20000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    site.wait_job("lamp-1", state)
    end_in_time(site)
    site.start_ferryd()
    site.wait_jobs(1, "done")
    counts = sim.counts("lamp-1")
    assert counts["uploads_started"] == 1 and counts["resets"] == 1
    assert counts["reverts"] == 0
    site.stop_ferryd()


# ---- rights ----

def test_runs_as_a_user_without_rights(build_dir, as_root):
    """With folders of its own, and nothing in /run."""
    user = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(prefix="ferry-"))
    folder.chmod(0o755)
    try:
        with Site(folder / "site", build_dir) as site:
            site.add_class("lamp")
            site.release("lamp", "2.0.0", size=12000)
            sim = site.start_sim("name=lamp-1")
            os.chown(os.path.realpath(sim.links["lamp-1"]), user.pw_uid, -1)
            os.chown(site.state, user.pw_uid, user.pw_gid)
            for key in (site.folder / "tls").glob("gateway*"):
                os.chown(key, user.pw_uid, -1)
            for part in (site.folder, site.folder / "tls", site.pub,
                         site.pub / "www", site.pub / "www/root", sim.folder):
                os.chmod(part, 0o755)
            run = site.folder / "run"
            run.mkdir()
            os.chown(run, user.pw_uid, -1)
            site.socket = run / "admin.sock"
            site.write_config()
            site.start_ferryd(before=[
                "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                "--clear-groups", "--no-new-privs"])
            site.wait_jobs(1, "done")
            uids = [line.split()[1:] for line in Path(
                f"/proc/{site.ferryd.pid}/status").read_text().splitlines()
                if line.startswith("Uid:")]
            assert set(uids[0]) == {str(user.pw_uid)}
            site.stop_ferryd()
    finally:
        shutil.rmtree(folder)


def test_second_ferryd_on_the_same_state_folder_is_refused(site):
    site.add_class("lamp")
    site.start_ferryd()
    other = site.folder / "etc2"
    shutil.copytree(site.etc, other)
    conf = other / "ferryd.conf"
    conf.write_text(conf.read_text().replace("admin.sock", "admin2.sock"))
    second = subprocess.run([site.bin / "ferryd", "--config", other],
                            capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    lines = [x for x in second.stderr.splitlines() if x.startswith("ferryd:")]
    assert lines and str(site.state) in lines[0], second.stderr
    assert "in use by another process" in lines[0]
    assert site.get("/v1/status")
    site.stop_ferryd()


# ---- new configuration while it works ----

def opened_ports(site):
    """The open terminals: {descriptor: path}."""
    folder = f"/proc/{site.ferryd.pid}/fd"
    found = {}
    for fd in os.listdir(folder):
        try:
            path = os.readlink(f"{folder}/{fd}")
        except OSError:
            continue
        if path.startswith("/dev/pts/"):
            found[fd] = path
    return found


def reload(site):
    before = site.log.read_text().count("configuration reloaded")
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the reload", lambda: site.log.read_text().count(
        "configuration reloaded") > before, 20)


@pytest.mark.parametrize("what", ["link", "class", "vendor"])
def test_reload_in_a_transfer_keeps_lines_and_resumes(site, what):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=30000)
    sim = site.start_sim(["name=lamp-1,baud=115200", "name=other"])
    site.start_ferryd()
    site.wait_progress("lamp-1", 20)
    ports = opened_ports(site)
    assert len(ports) == 2
    port = os.path.realpath(sim.links["lamp-1"])
    held = [fd for fd, path in ports.items() if path == port]
    if what == "link":
        conf = site.etc / "links.d" / "other.conf"
        conf.write_text(conf.read_text().replace("115200", "57600"))
    elif what == "class":
        site.add_class("lamp", extra="transfer_limit_s = 500;")
    else:
        site.interval_s = 1800
        site.write_config()
    reload(site)
    site.wait_jobs(1, "done")
    assert [fd for fd, path in opened_ports(site).items()
            if path == port] == held
    counts = sim.counts("lamp-1")
    assert counts["uploads_started"] == 1 and counts["resets"] == 1
    assert counts["payload_repeated"] <= 3 * 1024
    site.stop_ferryd()


def test_reload_that_takes_the_link_away_leaves_the_job_waiting(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=30000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 20)
    conf = site.etc / "links.d" / "lamp-1.conf"
    text = conf.read_text()
    conf.unlink()
    reload(site)
    job = site.wait_job("lamp-1", "waiting")
    gates = wait_for("its gate", lambda: [
        g["gate"] for g in site.job("lamp-1")["gates"]])
    assert "link" in gates, job
    assert opened_ports(site) == {}
    conf.write_text(text)
    reload(site)
    site.wait_jobs(1, "done")
    assert sim.counts("lamp-1")["uploads_started"] == 1
    site.stop_ferryd()
