#!/usr/bin/python3
"""What an update costs upstream and on disk, and what an idle day writes.

Upstream: the access log of nginx. Disk: write_bytes of /proc/PID/io (what the
process sent to the block layer) and the daemon's own count. Idle: ferryd lives
through hours at 240 times their speed (timelapse.c stands between it and the
clocks), with nothing new upstream."""

import json
import os
import time

from benchlib import (arguments, finish, site, spread, table, until,
                      written_bytes)

PAYLOAD = 60_000
SPEED = 240
HOURS = 6


def update(build, count):
    with site(build) as s:
        s.add_class("lamp")
        image = s.release("lamp", "2.0.0", size=PAYLOAD)
        s.start_sim(f"name=lamp-%u,count={count},first=1,flash=memory")
        s.start_ferryd()
        until(lambda: s.get("/v1/status")["counts"]["jobs_done"] == count,
              "all jobs", 300, 0.1)
        written = written_bytes(s.ferryd.pid)
        store = s.get("/v1/status")["store"]
        s.stop_ferryd()
        lines = [line.split() for line in s.nginx.requests()]
        image_bytes = sum(int(w[3]) for w in lines
                          if w[1].startswith("/p/"))
        return {"image_len": image.stat().st_size,
                "image_bytes": image_bytes,
                "image_requests": sum(w[1].startswith("/p/") for w in lines),
                "all_bytes": sum(int(w[3]) for w in lines),
                "written": written, "store": store["written_bytes"]}


def idle(build, count):
    """Bytes written in HOURS virtual hours after an update has ended."""
    with site(build, interval_s=3600) as s:
        s.add_class("lamp")
        s.release("lamp", "1.0.0", size=32768, seed=1)
        s.start_sim(f"name=lamp-%u,count={count},first=1,flash=memory")
        os.environ["LD_PRELOAD"] = str(build / "bin" / "timelapse.so")
        os.environ["TIMELAPSE"] = str(SPEED)
        try:
            s.start_ferryd()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["TIMELAPSE"]
        time.sleep(2)
        polls = len(s.nginx.requests())
        io = written_bytes(s.ferryd.pid)
        store = s.get("/v1/status")["store"]["written_bytes"]
        time.sleep(HOURS * 3600 / SPEED)
        result = {
            "written": written_bytes(s.ferryd.pid) - io,
            "store": s.get("/v1/status")["store"]["written_bytes"] - store,
            "requests": len(s.nginx.requests()) - polls,
            "log": s.log.read_text().count(" warn ")}
        s.stop_ferryd()
        return result


def main():
    args = arguments(__doc__, counts=("1,8,64", "numbers of devices"))
    rows, disk, raw = [], [], {}
    for n in (int(n) for n in args.counts.split(",")):
        of = raw[n] = [update(args.build, n) for _ in range(args.runs)]
        rows.append((n, of[0]["image_len"],
                     spread([r["image_requests"] for r in of], 0),
                     spread([r["image_bytes"] for r in of], 0),
                     spread([r["all_bytes"] for r in of], 0)))
        disk.append((n, spread([r["written"] / 1024 for r in of], 0),
                     spread([r["store"] / 1024 for r in of], 0),
                     spread([r["written"] / 1024 / n for r in of], 0)))
    raw["idle"] = quiet = idle(args.build, 8)
    day = 24 / HOURS
    finish({
        "upstream": table(("devices", "image bytes", "requests for it",
                           "bytes of it", "all bytes"), rows),
        "disk": table(("devices", "KiB to the block layer",
                       "KiB by the daemon's count",
                       "KiB for each device"), disk),
        "idle": table(("", "in a day"), [
            ("KiB to the block layer", f"{quiet['written'] / 1024 * day:.0f}"),
            ("KiB by the daemon's count",
             f"{quiet['store'] / 1024 * day:.0f}"),
            ("requests upstream", f"{quiet['requests'] * day:.0f}")]),
    }, json.loads(json.dumps(raw)))


if __name__ == "__main__":
    main()
