#!/usr/bin/python3
"""OTA servers side by side on the same simulated Z-Stack coordinator.

zigbee-herdsman as OTA server, the least that can serve a file (the ceiling of
simulator and line), the driver without an engine, and ferryd. Devices ask for 50
bytes a block, over a PTY or over TCP ("network"). Rates, processor time and
memory stand for the stretch from 10 to 90 % of all blocks; a server that does
not get there in time shows what it did.

Faults: 2 % of all frames are lost; the server is killed in mid-transfer and
started again after a second."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("FERRY_SHARED_DIR", "/nonexistent")

from benchlib import (Control, Failure, arguments, cpu_s, finish,  # noqa: E402
                      memory_kib, spread, table, wait_for)
from ferrytest.herdsman import Herdsman, devices_of  # noqa: E402
from ferrytest.simulator import Simulator  # noqa: E402
from ferrytest.zigbee import ZigbeeSite  # noqa: E402

MANUFACTURER, TYPE, VERSION = 0x1234, 0x0001, 0x00000002
BLOCK = 50
BUFFERS = 16
IDEAL = {"think": "1ms"}
NETWORK = {"think": "1ms", "link_port": "tcp"}
RADIO = {"think": "10ms", "air": "radio", "baud": 115200}
# Bytes of the image by number of devices.
IDEAL_SIZES = {1: 65536, 8: 65536, 64: 65536, 256: 16384}
RADIO_SIZES = {1: 16384, 8: 6144, 64: 2048, 256: 1024}
BUDGET_SIZES = {8: 16384, 64: 4096}
FAULT_SIZE = 32768
FAULT_COUNT = 8
FAULT_LIMIT_S = 240


# ---- servers ----

class Server:
    """What can be started, killed and started again at a port."""

    process = None

    def __init__(self, build, folder, sim, image):
        self.build, self.folder = build, Path(folder)
        self.sim, self.image = sim, image
        self.port = sim.state("coordinator")["port"]

    def run(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()


class Responder(Server):
    name = "empty responder"

    def start(self):
        self.run(self.build / "bin/zigbee-responder", self.port, self.image,
                 str(BUFFERS), "2000")


class Probe(Server):
    name = "driver alone"

    def start(self):
        self.run(self.build / "bin/zigbee_probe", self.image, "--notify",
                 "2000", "--seconds", "3600", "stack=znp", f"port={self.port}")


class Peer(Server):
    name = "zigbee-herdsman"

    def start(self):
        self.host = Herdsman(self.folder / "herdsman", "znp", self.port,
                             devices_of(self.sim), self.image,
                             manufacturer=MANUFACTURER, block=BLOCK)
        self.process = self.host.process


class Ferry(Server):
    """A whole ferryd: vendor, nginx, catalog, jobs."""

    name = "ferryd"
    options = "budget=off concurrent=1024"

    def __init__(self, *args):
        super().__init__(*args)
        self.site = ZigbeeSite(self.folder / "site", self.build,
                               config="")
        self.site.__enter__()
        self.site.add_zigbee_class("bulb")
        self.site.release_ota("bulb", self.image)
        (self.site.etc / "links.d/hub.conf").write_text(
            'driver = "zigbee"; params = { stack = "znp"; '
            f'port = "{self.port}"; }};\n'
            f'network = {{ engine = "zigbee-ota"; '
            f'options = "{self.options}"; }};\n')

    def start(self):
        again = self.site.ferryd is not None or self.process is not None
        self.process = self.site.start_ferryd()
        if not again:
            wait_for("the radio", lambda: self.site.link("hub")["state"]
                     == "up", 30)
            self.sim.do("query *")

    def kill(self):
        self.site.kill_ferryd()

    def close(self):
        self.site.__exit__()


class FerryBudget(Ferry):
    name = "ferryd, budget 35 %"
    options = "budget=35"


class FerryTurns(Ferry):
    """On a real channel it is the channel that limits: four at a time."""

    name = "ferryd"
    options = "budget=off"


# ---- one run ----

def make_image(build, folder, size):
    path = Path(folder) / "new.ota"
    subprocess.run([build / "bin/ferry-sim", "mkota", "--manufacturer",
                    hex(MANUFACTURER), "--type", hex(TYPE), "--version",
                    hex(VERSION), "--size", str(size), path], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def group(count, image, settings):
    words = {"name": "bulb-%03u", "count": count, "first": 1,
             "transport": "znp", "image": image, "flash": "memory",
             "manufacturer": hex(MANUFACTURER), "image_type": hex(TYPE),
             "file_version": 1, "interval": 0, "block": BLOCK,
             "buffers": BUFFERS, "activate": "200ms", **settings}
    return ",".join(f"{key}={value}" for key, value in words.items())


class Run:
    """Simulator, image and server of one measurement."""

    def __init__(self, build, kind, count, size, settings):
        self.temporary = tempfile.TemporaryDirectory(prefix="ferry-bench-")
        folder = Path(self.temporary.name)
        self.count = count
        self.image = make_image(build, folder, size)
        self.blocks = count * -(-self.image.stat().st_size // BLOCK)
        (folder / "sim").mkdir()
        self.sim = Simulator(build, folder / "sim",
                             group(count, self.image, settings))
        self.control = Control(self.sim)
        self.server = kind(build, folder, self.sim, self.image)

    def radio(self):
        return self.control.ask("state coordinator")

    def until(self, check, limit):
        """The coordinator's state when `check` holds, or None."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            state = self.radio()
            if check(state["sums"]):
                return state
            time.sleep(0.01)
        return None

    def close(self):
        self.server.close()
        self.control.close()
        self.sim.__exit__()
        self.temporary.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def finished(self):
        """Devices that run the new version and got exactly its bytes."""
        want = hashlib.sha256(self.image.read_bytes()).hexdigest()
        nodes = self.control.ask("stats")["coordinators"][0]["nodes"]
        return sum(n["sha256"] == want and
                   int(n["file_version"], 16) == VERSION for n in nodes)


def sample(run):
    """Counters of now; None when the server has ended by itself."""
    state = run.radio()
    try:
        return {"t": time.monotonic(), "blocks": state["sums"]["blocks"],
                "busy_us": state["counts"]["air_busy_us"],
                "down_us": state["counts"]["airtime_down_us"],
                "cpu": cpu_s(run.server.pid),
                "memory": memory_kib(run.server.pid)}
    except (FileNotFoundError, ProcessLookupError):
        return None


def between(run, share, end):
    """The last sample before that share of all blocks, the server's end or the
    end of its time."""
    last = None
    while now := sample(run):
        last = now
        if last["blocks"] >= run.blocks * share or last["t"] > end:
            break
        run.until(lambda s: s["blocks"] >= run.blocks * share, 0.5)
    return last


def measure(build, kind, count, size, settings, limit):
    with Run(build, kind, count, size, settings) as run:
        run.server.start()
        end = time.monotonic() + limit
        run.until(lambda s: s["blocks"] >= run.blocks * 0.1, limit)
        a = sample(run)
        b = a and between(run, 0.9, end)
        if not b or b["blocks"] <= a["blocks"]:
            return {"done": run.finished(), "count": count, "late": True}
        run.until(lambda s: s["updates"] >= count,
                  max(1, end - time.monotonic()))
        last = run.radio()
        seconds, blocks = b["t"] - a["t"], b["blocks"] - a["blocks"]
        return {
            "count": count, "done": run.finished(), "seconds": seconds,
            "share": last["sums"]["blocks"] / run.blocks,
            "rate": blocks / seconds,
            "cpu_us": (b["cpu"] - a["cpu"]) / blocks * 1e6,
            "rss_kib": b["memory"]["rss"], "peak_kib": b["memory"]["peak"],
            "channel": (b["busy_us"] - a["busy_us"]) / seconds / 1e6,
            "sent": (b["down_us"] - a["down_us"]) / seconds / 1e6,
            "retries": last["sums"]["retries"],
            "refused": last["counts"]["refused"],
            "bad_bytes": last["sums"]["bad_bytes"]}


def loss(build, kind):
    settings = {"think": "10ms", "loss": "2%"}
    with Run(build, kind, FAULT_COUNT, FAULT_SIZE, settings) as run:
        start = time.monotonic()
        run.server.start()
        run.until(lambda s: s["updates"] >= FAULT_COUNT, FAULT_LIMIT_S)
        return {"done": run.finished(), "seconds": time.monotonic() - start}


def restart(build, kind):
    with Run(build, kind, FAULT_COUNT, FAULT_SIZE, {"think": "10ms"}) as run:
        run.server.start()
        if not run.until(lambda s: s["blocks"] >= run.blocks * 0.5, 120):
            raise Failure(f"{kind.name}: never got to half of the blocks")
        run.server.kill()
        time.sleep(1)
        start = time.monotonic()
        before = run.radio()["sums"]["blocks"]
        run.server.start()
        run.until(lambda s: s["blocks"] > before, FAULT_LIMIT_S)
        first = time.monotonic() - start
        run.until(lambda s: s["updates"] >= FAULT_COUNT,
                  FAULT_LIMIT_S - first)
        return {"done": run.finished(), "first_s": first,
                "seconds": time.monotonic() - start,
                "again": run.radio()["sums"]["blocks"] - run.blocks}


# ---- tables ----

HEAD = ("devices", "server", "blocks/s", "CPU us a block", "RSS MiB",
        "peak RSS MiB", "finished", "requests repeated")


def row(count, kind, runs):
    whole = [r for r in runs if not r.get("late")]
    done = " ".join(sorted({f"{r['done']} of {count}" for r in runs}))
    if not whole:
        return (count, kind.name, "-", "-", "-", "-", done, "-")
    return (count, kind.name, spread([r["rate"] for r in whole], 0),
            spread([r["cpu_us"] for r in whole], 1),
            spread([r["rss_kib"] / 1024 for r in whole], 1),
            spread([r["peak_kib"] / 1024 for r in whole], 1), done,
            spread([r["retries"] for r in whole], 0))


def compare(args, kinds, sizes, settings, limit, raw, note):
    rows = []
    for count in args.counts:
        for kind in kinds:
            runs = []
            for _ in range(args.runs):
                runs.append(measure(args.build, kind, count, sizes[count],
                                    settings, limit))
                print(note, count, kind.name, runs[-1], file=sys.stderr)
            raw[f"{note} {count} {kind.name}"] = runs
            rows.append(row(count, kind, runs))
    return table(HEAD, rows)


def budget(args, raw):
    """Share of the budget that a ferryd uses when there is work."""
    rows = []
    for count in BUDGET_SIZES:
        runs = []
        for _ in range(args.runs):
            runs.append(measure(args.build, FerryBudget, count,
                                BUDGET_SIZES[count], RADIO, 600))
            print("budget", count, runs[-1], file=sys.stderr)
        raw[f"budget {count}"] = runs
        whole = [r for r in runs if not r.get("late")]
        rows.append((count, spread([r["rate"] for r in whole], 1),
                     spread([r["channel"] * 100 for r in whole], 1),
                     spread([r["channel"] / 0.35 * 100 for r in whole], 1),
                     " ".join(sorted({f"{r['done']} of {count}"
                                      for r in runs}))))
    return table(("devices", "blocks/s", "% of the channel",
                  "% of the budget", "finished"), rows)


def faults(args, kinds, raw):
    rows = []
    for kind in kinds:
        lost = loss(args.build, kind)
        killed = restart(args.build, kind)
        print("faults", kind.name, lost, killed, file=sys.stderr)
        raw[f"faults {kind.name}"] = {"loss": lost, "restart": killed}
        rows.append((kind.name, f"{lost['done']} of {FAULT_COUNT}",
                     f"{lost['seconds']:.0f}",
                     f"{killed['done']} of {FAULT_COUNT}",
                     f"{killed['first_s']:.1f}" if killed["done"] else "-",
                     f"{killed['seconds']:.0f}" if killed["done"] else "-"))
    return table(("server", "finished with 2 % loss", "s",
                  "finished after the restart", "s to the first block",
                  "s to the end"), rows)


def main():
    args = arguments(__doc__, counts=("1,8,64,256", "numbers of devices"),
                     only=("ideal,network,radio,budget,faults",
                           "what to measure"),
                     limit=(240, "seconds that a server has"))
    args.counts = [int(n) for n in args.counts.split(",")]
    parts = args.only.split(",")
    raw, tables = {}, {}
    everyone = (Peer, Responder, Probe, Ferry)
    if "ideal" in parts:
        tables["zigbee_ideal"] = compare(
            args, everyone, IDEAL_SIZES, IDEAL, args.limit, raw, "ideal")
    if "network" in parts:
        tables["zigbee_network"] = compare(
            args, everyone, IDEAL_SIZES, NETWORK, args.limit, raw, "network")
    if "radio" in parts:
        tables["zigbee_radio"] = compare(
            args, (Peer, Responder, FerryTurns), RADIO_SIZES, RADIO,
            args.limit, raw, "radio")
    if "budget" in parts:
        tables["zigbee_budget"] = budget(args, raw)
    if "faults" in parts:
        tables["zigbee_faults"] = faults(args, (Peer, Responder, Ferry), raw)
    finish(tables, raw)


if __name__ == "__main__":
    main()
