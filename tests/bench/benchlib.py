"""What all benchmarks share: a site, counters of a process, medians, tables.

A benchmark is a script that measures one subject and prints one line of JSON,
{"tables": {name: markdown}, "raw": ...}. `run` calls them all."""

import argparse
import json
import os
import platform
import resource
import socket
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from ferrytest.site import Failure, Site, wait_for  # noqa: E402,F401

FILES_MAX = 16384


def arguments(doc, **more):
    """--build, --runs and what the benchmark adds: name=(default, help)."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True,
                        help="folder of a release build")
    parser.add_argument("--runs", type=int, default=3)
    for name, (default, text) in more.items():
        parser.add_argument(f"--{name}", default=default, help=text,
                            type=type(default))
    return parser.parse_args()


@contextmanager
def site(build, **settings):
    """A Site in a folder of its own, gone afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(FILES_MAX, hard), hard))
    with tempfile.TemporaryDirectory(prefix="ferry-bench-") as folder:
        with Site(Path(folder) / "site", build, **settings) as one:
            try:
                yield one
            except Exception:
                if one.log.exists():
                    print(one.log.read_text()[-3000:], file=sys.stderr)
                raise
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- a process, as /proc shows it ----

def cpu_s(pid):
    """Seconds on a processor of all threads, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


def memory_kib(pid):
    """Rss, Pss and private memory (USS) now; peak is the highest Rss so far."""
    rows = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        rows[name] = int(value.split()[0])
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines()
                if line.startswith("VmHWM"))
    return {"rss": rows["Rss"], "pss": rows["Pss"], "anon": rows["Anonymous"],
            "uss": rows["Private_Clean"] + rows["Private_Dirty"],
            "peak": peak}


def written_bytes(pid):
    """Bytes that the process sent to the block layer."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    raise Failure("no write_bytes")


# ---- ferry-sim ----

class Control:
    """A connection to ferry-sim that stays open, for quick polling."""

    def __init__(self, sim):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(sim.folder / "control"))
        self.file = self.socket.makefile("rw")

    def ask(self, text):
        self.file.write(text + "\n")
        self.file.flush()
        return json.loads(self.file.readline())

    def counts(self, name):
        return self.ask(f"state {name}")["counts"]

    def all_counts(self):
        """name -> counters."""
        return {d["name"]: d["counts"] for d in self.ask("stats")["devices"]}

    def total(self, counter):
        return sum(c[counter] for c in self.all_counts().values())

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- figures ----

def spread(values, digits=1, unit=""):
    """Median and range of some runs as text."""
    values = sorted(values)
    middle = f"{statistics.median(values):,.{digits}f}{unit}"
    if len(values) == 1 or values[0] == values[-1]:
        return middle
    return f"{middle} ({values[0]:,.{digits}f} to {values[-1]:,.{digits}f})"


def percentile(values, share):
    """Nearest rank."""
    values = sorted(values)
    return values[max(0, -(-len(values) * share // 100) - 1)]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |"
              for row in rows]
    return "\n".join(lines)


def machine():
    model = next((line.split(":")[1].strip() for line in
                  Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = next((line.split("=")[1].strip('"') for line in
                   Path("/etc/os-release").read_text().splitlines()
                   if line.startswith("PRETTY_NAME")), "Linux")
    return (f"{os.cpu_count()} x {model}, {memory / 2**30:.0f} GiB, {system}, "
            f"Linux {platform.release().split('-')[0]}, load "
            f"{os.getloadavg()[0]:.1f} at the start")


def finish(tables, raw):
    print(json.dumps({"tables": tables, "raw": raw}))


def until(check, what, limit=60.0, every=0.02):
    end = time.monotonic() + limit
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {limit} s for {what}")
        time.sleep(every)
