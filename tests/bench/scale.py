#!/usr/bin/python3
"""Many serial devices at once: processor time per MB, memory, admin latency.

All devices of a run get the same image at 115,200 baud at the same time. From
10 to 50 % of the image nobody else asks ferryd for anything: processor time per
MB relayed. From 55 to 95 % a client of its own process asks 20 times a second,
/v1/status and /v1/devices in turn, a new connection each: latency."""

import json
import socket
import statistics
import subprocess
import sys
import time

from benchlib import (Control, arguments, cpu_s, finish, memory_kib,
                      percentile, site, spread, table, until)

PAYLOAD = 100_000
RATE_HZ = 20
PATHS = ("/v1/status", "/v1/devices")


# ---- the admin client, a process of its own ----

def ask(path, target):
    start = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: ferry\r\n"
                  "Connection: close\r\n\r\n".encode())
        answer = b""
        while part := s.recv(1 << 20):
            answer += part
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:200])
    return (time.perf_counter() - start) * 1000


def client(path):
    """Asks until its standard input ends; prints milliseconds by path."""
    import select
    took = {target: [] for target in PATHS}
    late = []
    due = time.monotonic()
    n = 0
    while not select.select([sys.stdin], [], [],
                            max(0, due - time.monotonic()))[0]:
        late.append((time.monotonic() - due) * 1000)
        target = PATHS[n % len(PATHS)]
        took[target].append(ask(path, target))
        n += 1
        due = max(due + 1 / RATE_HZ, time.monotonic())
    print(json.dumps({**took, "late": late}))


class Client:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--client", str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self):
        out, _ = self.process.communicate()
        return json.loads(out)


# ---- one run ----

def offset(control, name):
    upload = control.counts(name)
    return upload["payload_accepted"]


def measure(build, count):
    with site(build) as s:
        s.add_class("lamp")
        s.release("lamp", "2.0.0", size=PAYLOAD)
        sim = s.start_sim(f"name=lamp-%04u,count={count},first=1,baud=115200,"
                          "slot_size=131072,flash=memory")
        started = time.monotonic()
        s.start_ferryd()
        pid = s.ferryd.pid
        with Control(sim) as control:
            return phases(s, control, pid, count, started)


def at_least(control, count, share):
    """Waits until the devices have that share of the image on average."""
    until(lambda: control.total("payload_accepted") >=
          count * PAYLOAD * share, f"{share:.0%}", 900, 0.3)


def phases(s, control, pid, count, started):
    at_least(control, count, 0.10)
    cpu0, bytes0, t0 = cpu_s(pid), control.total("payload_accepted"), \
        time.monotonic()
    at_least(control, count, 0.50)
    cpu1, bytes1, t1 = cpu_s(pid), control.total("payload_accepted"), \
        time.monotonic()
    memory = memory_kib(pid)
    at_least(control, count, 0.55)
    asking = Client(s.socket)
    at_least(control, count, 0.95)
    took = asking.stop()
    until(lambda: s.get("/v1/status")["counts"]["jobs_done"] == count,
          "all jobs to be done", 600, 0.2)
    return {
        "count": count,
        "cpu_s_per_mb": (cpu1 - cpu0) / ((bytes1 - bytes0) / 1e6),
        "cpu_share": (cpu1 - cpu0) / (t1 - t0),
        "rate_kbps": (bytes1 - bytes0) / (t1 - t0) / 1e3,
        "cpu_s_whole": cpu_s(pid),
        "whole_s": time.monotonic() - started,
        "repeated": control.total("payload_repeated"),
        "memory": memory,
        "peak_kib": memory_kib(pid)["peak"],
        "took": took,
    }


def main():
    if sys.argv[1:2] == ["--client"]:
        return client(sys.argv[2])
    args = arguments(__doc__, counts=("1,8,64,512", "numbers of devices"))
    counts = [int(n) for n in args.counts.split(",")]
    runs = {n: [measure(args.build, n) for _ in range(args.runs)]
            for n in counts}
    rows, latency = [], []
    for n in counts:
        of = runs[n]
        rows.append((
            n, spread([r["rate_kbps"] for r in of], 1),
            spread([r["cpu_s_per_mb"] * 1e3 for r in of], 0),
            spread([r["cpu_share"] * 100 for r in of], 1),
            spread([r["memory"]["rss"] / 1024 for r in of], 1),
            spread([r["memory"]["uss"] / 1024 for r in of], 1),
            spread([r["peak_kib"] / 1024 for r in of], 1)))
        for path in PATHS:
            took = [ms for r in of for ms in r["took"][path]]
            late = [ms for r in of for ms in r["took"]["late"]]
            latency.append((n, path, len(took),
                            f"{percentile(took, 50):.1f}",
                            f"{percentile(took, 99):.1f}",
                            f"{max(took):.1f}",
                            f"{percentile(late, 99):.1f}"))
    tables = {
        "scale": table(("devices", "kB/s relayed", "CPU ms per MB",
                        "% of a core", "RSS MiB", "USS MiB",
                        "peak RSS MiB"), rows),
        "latency": table(("devices", "request", "requests", "p50 ms",
                          "p99 ms", "max ms", "timer p99 ms"), latency),
    }
    big = [n for n in counts if n >= 8]
    if len(big) > 1:
        def median(n, kind):
            return statistics.median(r["memory"][kind] for r in runs[n])
        pairs = list(zip(big, big[1:]))
        if len(big) > 2:
            pairs.append((big[0], big[-1]))
        tables["per_device"] = table(
            ("devices", "KiB RSS for each further one",
             "KiB of its own (anonymous)"),
            [(f"{a} to {b}",) + tuple(
                f"{(median(b, kind) - median(a, kind)) / (b - a):.1f}"
                for kind in ("rss", "anon")) for a, b in pairs])
    finish(tables, runs)


if __name__ == "__main__":
    main()
