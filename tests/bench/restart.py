#!/usr/bin/python3
"""SIGKILL in mid-transfer: time to the first relayed byte, bytes sent twice.

Time: ferryd is killed, what is still in the lines drains (so that it cannot be
taken for news), then ferryd is started; from there to the first byte of image
that a device, and that every device, gets. What a supervisor waits before it
starts a service again is not in it. Bytes sent twice: ferryd is started at once
after the kill, with full lines."""

import time

from benchlib import (Control, arguments, finish, site, spread, table, until)

PAYLOAD = 100_000
WINDOW = 2 * 1024


def begin(s, count):
    s.add_class("lamp")
    s.release("lamp", "2.0.0", size=PAYLOAD)
    sim = s.start_sim(f"name=lamp-%u,count={count},first=1,baud=115200")
    s.start_ferryd()
    return Control(sim)


def kill_at(s, control, count, share):
    until(lambda: control.total("payload_accepted") >=
          count * PAYLOAD * share, "the middle", 300, 0.05)
    s.kill_ferryd()


def settle(control):
    """Until nothing has arrived for half a second."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        now = control.total("bytes_in")
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.05)


def time_to_byte(build, count):
    with site(build) as s, begin(s, count) as control:
        kill_at(s, control, count, 0.4)
        settle(control)
        before = {n: c["payload_received"]
                  for n, c in control.all_counts().items()}
        start = time.monotonic()
        s.start_ferryd(wait=False)
        seen = {}
        while len(seen) < count:
            for name, c in control.all_counts().items():
                if c["payload_received"] > before[name]:
                    seen.setdefault(name, time.monotonic() - start)
            if time.monotonic() - start > 60:
                raise RuntimeError(f"only {len(seen)} devices went on")
            time.sleep(0.005)
        until(lambda: s.get("/v1/status")["counts"]["jobs_done"] == count,
              "the end", 120, 0.1)
        return {"first_s": min(seen.values()), "all_s": max(seen.values())}


def repeated(build, count):
    with site(build) as s, begin(s, count) as control:
        kill_at(s, control, count, 0.4)
        s.start_ferryd()
        until(lambda: s.get("/v1/status")["counts"]["jobs_done"] == count,
              "the end", 120, 0.1)
        counts = control.all_counts().values()
        return {"repeated": [c["payload_repeated"] for c in counts],
                "uploads": max(c["uploads_started"] for c in counts)}


def main():
    args = arguments(__doc__, counts=("1,8,64", "numbers of devices"))
    rows, raw = [], {}
    for n in (int(n) for n in args.counts.split(",")):
        times = [time_to_byte(args.build, n) for _ in range(args.runs)]
        twice = [repeated(args.build, n) for _ in range(args.runs)]
        raw[n] = {"times": times, "twice": twice}
        every = [b for r in twice for b in r["repeated"]]
        rows.append((n, spread([r["first_s"] for r in times], 2),
                     spread([r["all_s"] for r in times], 2),
                     spread(every, 0), max(r["uploads"] for r in twice)))
    finish({"restart": table(
        ("devices", "first byte s", "every device s",
         "bytes sent twice, each device", "uploads begun"), rows)}, raw)


if __name__ == "__main__":
    main()
