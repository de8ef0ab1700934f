"""ferryd is killed (SIGKILL) at every moment that matters, is started again and
converges: every device updated once, nothing done twice that must not be."""

import random
import signal
import subprocess

import pytest

from ferrytest.site import Failure, Site, wait_for

WINDOW = 3 * 1024  # what may be under way to a device, and so be sent twice


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def deadly(site, moment):
    """The environment in which ferryd is killed at `moment`: see kill_at.c."""
    return {"FERRY_KILL_AT": moment,
            "LD_PRELOAD": str(site.bin.parent / "drivers/kill_at.so")}


def start_to_die(site, moment, limit=60):
    """Runs ferryd until it is killed at `moment`."""
    site.start_ferryd(wait=False, env=deadly(site, moment))
    try:
        status = site.ferryd.wait(limit)
    except subprocess.TimeoutExpired:
        raise Failure(f"{moment} never came: "
                      f"{site.log.read_text()[-3000:]}") from None
    site.ferryd = None
    assert status == -signal.SIGKILL, site.log.read_text()[-3000:]


def start_to_die_or_end(site, moment, count):
    """As above; False when all jobs were done before the moment came."""
    site.start_ferryd(wait=False, env=deadly(site, moment))

    def check():
        if site.ferryd.poll() is not None:
            return "died"
        try:
            done = [j for j in site.jobs() if j["state"] == "done"]
        except OSError:
            return None
        return "done" if len(done) >= count else None

    try:
        if wait_for(f"death at {moment} or the end", check, 60) == "done":
            return False
        status = site.ferryd.poll()
    except OSError:
        status = site.ferryd.wait(10)
    assert status == -signal.SIGKILL, site.log.read_text()[-3000:]
    site.ferryd = None
    return True


def payload_requests(site):
    return [line for line in site.nginx.requests() if " /p/" in line]


def part_bytes(site):
    """How much of an image stands in the cache that is not whole yet."""
    return max((path.stat().st_size for path in
                (site.state / "cache").rglob("*.part")), default=0)


def history(site, kind):
    return [h["device"] for h in site.get("/v1/history?limit=500")["items"]
            if h["event"] == kind]


def check_converged(site, sim, names, version, before=None, kills=1):
    """Everything that must hold after any number of kills."""
    devices = site.devices()
    for name in names:
        device = devices[name]
        assert device["version"] == version and device["confirmed"] is True
        state = sim.state(name)
        counts = dict(state["counts"])
        for key in counts:
            counts[key] -= (before or {}).get(name, {}).get(key, 0)
        assert state["running"]["version"].startswith(version)
        assert state["confirmed"] is True
        assert counts["uploads_started"] == 1, counts
        assert counts["resets"] == 1, counts
        assert counts["reverts"] == 0, counts
        assert counts["payload_repeated"] <= kills * WINDOW, counts
        jobs = [j for j in site.get(f"/v1/jobs?device={name}")["items"]
                if j["to_version"] == version]
        assert [j["state"] for j in jobs] == ["done"], jobs
    done = history(site, "job-done")
    for name in names:
        assert done.count(name) == len(site.get(
            f"/v1/jobs?device={name}")["items"]), done


# ---- at each state of the job ----

STATES = ("queued", "waiting", "connecting", "transferring", "verifying",
          "staged", "activating", "confirming")


@pytest.mark.parametrize("state", STATES)
def test_kill_when_a_state_was_entered_converges(site, state):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=12000)
    sim = site.start_sim("name=lamp-1,baud=460800")
    start_to_die(site, f"log: state={state}")
    site.start_ferryd()
    site.wait_jobs(1, "done")
    check_converged(site, sim, ["lamp-1"], "2.0.0")
    assert len(payload_requests(site)) <= 1 + (state in STATES[:2])
    site.stop_ferryd()


def test_kill_when_the_job_has_ended_makes_no_second_one(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=12000)
    sim = site.start_sim("name=lamp-1,baud=460800")
    start_to_die(site, "log: state=done")
    site.start_ferryd()
    wait_for("the reading", lambda: site.devices()["lamp-1"]["version"] ==
             "2.0.0")
    site.post("/v1/check")
    site.wait_jobs(1, "done")
    check_converged(site, sim, ["lamp-1"], "2.0.0")
    site.stop_ferryd()


@pytest.mark.parametrize("share", [0, 50, 90])
def test_kill_in_the_transfer_goes_on_at_the_device_offset(site, share):
    site.add_class("lamp")
    image = site.release("lamp", "2.0.0", size=16000)
    sim = site.start_sim("name=lamp-1,baud=57600")
    total = image.stat().st_size
    site.start_ferryd()
    wait_for(f"{share} %", lambda: sim.counts("lamp-1")["payload_accepted"] >
             total * share / 100)
    assert sim.counts("lamp-1")["uploads_finished"] == 0
    site.kill_ferryd()
    site.start_ferryd()
    site.wait_jobs(1, "done")
    check_converged(site, sim, ["lamp-1"], "2.0.0")
    assert sim.counts("lamp-1")["payload_received"] <= total + WINDOW
    assert len(payload_requests(site)) == 1
    site.stop_ferryd()


# ---- at random moments ----

@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_durable_writes_of_one_update_converge(site, seed):
    """After (or just before) the n-th fsync of a run, again and again."""
    dice = random.Random(seed)
    names = ["lamp-1", "lamp-2"]
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=20000)
    sim = site.start_sim("name=lamp-%u,count=2,first=1,baud=230400")
    kills = 0
    for _ in range(12):
        moment = f"{dice.choice(['sync', 'unsync'])}:{dice.randint(1, 9)}"
        if not start_to_die_or_end(site, moment, 2):
            break
        kills += 1
    if site.ferryd:
        site.kill_ferryd()  # its moment may still be to come
    site.start_ferryd()
    site.wait_jobs(2, "done")
    assert kills >= 3
    check_converged(site, sim, names, "2.0.0", kills=kills)
    site.stop_ferryd()


def test_kills_at_random_bytes_on_the_lines_converge(site):
    dice = random.Random(3)
    names = ["lamp-1", "lamp-2"]
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=30000)
    sim = site.start_sim("name=lamp-%u,count=2,first=1,baud=230400")
    kills = 0
    for _ in range(15):
        if not start_to_die_or_end(site, f"tty:{dice.randint(1, 16000)}", 2):
            break
        kills += 1
    if site.ferryd:
        site.kill_ferryd()  # its moment may still be to come
    site.start_ferryd()
    site.wait_jobs(2, "done")
    assert kills >= 6
    check_converged(site, sim, names, "2.0.0", kills=kills)
    site.stop_ferryd()


# ---- while it asks the vendor ----

def test_kill_in_the_fetch_resumes_by_range(tmp_path, build_dir):
    extra = "location /p/ { limit_rate 40k; }"
    with Site(tmp_path, build_dir, nginx_extra=extra) as site:
        site.add_class("lamp")
        image = site.release("lamp", "2.0.0", size=120000)
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        wait_for("a part of the image", lambda: part_bytes(site) > 40000, 20)
        site.kill_ferryd()
        site.start_ferryd()
        site.wait_jobs(1, "done")
        check_converged(site, sim, ["lamp-1"], "2.0.0")
        lines = payload_requests(site)
        assert " 206 " in lines[-1], lines
        again = int(lines[-1].split()[3])
        assert 0 < again < image.stat().st_size - 30000, lines
        site.stop_ferryd()


def test_server_that_goes_and_comes_in_the_fetch_is_asked_for_the_rest(
        tmp_path, build_dir):
    extra = "location /p/ { limit_rate 40k; }"
    with Site(tmp_path, build_dir, nginx_extra=extra) as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0", size=120000)
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        wait_for("a part of the image", lambda: part_bytes(site) > 40000, 20)
        port = site.nginx.port
        site.nginx.stop()
        site.nginx.start(port)
        site.wait_jobs(1, "done")
        check_converged(site, sim, ["lamp-1"], "2.0.0")
        assert " 206 " in payload_requests(site)[-1]
        site.stop_ferryd()


def test_kill_at_each_durable_write_of_the_first_rounds_converges(site):
    """Root, second root and catalog, before any device is there."""
    site.add_class("lamp")
    site.publish("root", "renew", "--dir", str(site.pub))
    site.release("lamp", "2.0.0", size=12000)

    def known():
        row = site.get("/v1/vendors")["items"][0]
        return row["catalog"] and row["root"]["version"] == 2

    for n in range(1, 9):
        site.start_ferryd(wait=False, env=deadly(site, f"sync:{n}"))

        def over():
            if site.ferryd.poll() is not None:
                return True
            try:
                return known()
            except OSError:
                return False

        wait_for("death or the catalog", over, 30)
        if site.ferryd.poll() is None:
            site.kill_ferryd()
        else:
            assert site.ferryd.poll() == -signal.SIGKILL
            site.ferryd = None
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_jobs(1, "done")
    assert known()
    check_converged(site, sim, ["lamp-1"], "2.0.0")
    site.stop_ferryd()


# ---- no room on the disk ----

class SmallDisk:
    """A tmpfs of a few megabytes in place of the state folder."""

    def __init__(self, site, size):
        self.path = site.state
        self.filler = site.state / "filler"
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        f"size={size},mode=700", "none", self.path],
                       check=True)

    def fill(self):
        with self.filler.open("wb", buffering=0) as f:
            for size in (65536, 4096, 512):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def make_room(self):
        self.filler.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)


def alarms(site):
    return [a["code"] for a in site.get("/v1/status")["alarms"]]


def test_full_disk_before_a_job_raises_an_alarm_and_loses_nothing(site, as_root):
    with SmallDisk(site, "4m") as disk:
        site.add_class("lamp")
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        wait_for("the reading", lambda: site.devices().get("lamp-1", {})
                 .get("version"))
        disk.fill()
        site.release("lamp", "2.0.0", size=30000)
        site.post("/v1/check")
        wait_for("the alarm", lambda: "store" in alarms(site))
        assert sim.counts("lamp-1")["uploads_started"] == 0
        disk.make_room()
        site.post("/v1/check")
        site.wait_jobs(1, "done")
        assert "store" not in alarms(site)
        check_converged(site, sim, ["lamp-1"], "2.0.0")
        site.stop_ferryd()


def test_full_disk_in_the_transfer_holds_the_job_until_there_is_room(site,
                                                              as_root):
    with SmallDisk(site, "4m") as disk:
        site.add_class("lamp")
        site.release("lamp", "2.0.0", size=20000)
        sim = site.start_sim("name=lamp-1,baud=115200")
        site.start_ferryd()
        site.wait_progress("lamp-1", 20)
        disk.fill()
        wait_for("the alarm", lambda: "store" in alarms(site))
        assert sim.counts("lamp-1")["resets"] == 0
        disk.make_room()
        site.wait_jobs(1, "done")
        assert "store" not in alarms(site)
        check_converged(site, sim, ["lamp-1"], "2.0.0")
        site.stop_ferryd()


def test_full_disk_in_the_fetch_goes_on_when_there_is_room(tmp_path, build_dir,
                                                           as_root):
    extra = "location /p/ { limit_rate 60k; }"
    with Site(tmp_path, build_dir, nginx_extra=extra) as site, \
            SmallDisk(site, "4m") as disk:
        site.add_class("lamp")
        site.release("lamp", "2.0.0", size=150000)
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        wait_for("a part of the image", lambda: part_bytes(site) > 60000, 20)
        disk.fill()
        wait_for("the alarm", lambda: "cache" in alarms(site))
        assert sim.counts("lamp-1")["uploads_started"] == 0
        disk.make_room()
        site.wait_jobs(1, "done")
        assert "cache" not in alarms(site)
        check_converged(site, sim, ["lamp-1"], "2.0.0")
        site.stop_ferryd()
