#!/usr/bin/python3
"""SMP through ferryd on a PTY that is held to 115,200 baud, console and raw.

The share of what the framing allows: the ceiling is the rate of a client that
leaves no gap on the line and fills every request. See docs/benchmarks.md for the
formula."""

import time

from benchlib import Control, arguments, finish, site, spread, table, until

BAUD = 115200
BUF_SIZE = 1024
LINE_RAW = 93  # bytes of a packet in one console line of 127 bytes
PAYLOAD = 100_000


# ---- the ceiling ----

def cbor_head(value):
    return 1 if value < 24 else 2 if value < 1 << 8 else \
        3 if value < 1 << 16 else 5


def message_len(off, data_len):
    """Header 8, map 1, "data" 5, "off" 4, and the two values."""
    return 8 + 1 + 5 + cbor_head(data_len) + data_len + 4 + cbor_head(off)


def wire_len(framing, message):
    if framing == "raw":
        return message
    packet = 2 + message + 2  # length and CRC
    lines, rest = divmod(packet, LINE_RAW)
    wire = lines * (2 + LINE_RAW // 3 * 4 + 1)
    return wire + (2 + -(-rest // 3) * 4 + 1 if rest else 0)


def largest_chunk(framing, off):
    """The console server needs 4 bytes of its buffer for itself."""
    room = BUF_SIZE - (4 if framing == "console" else 0)
    data = room
    while message_len(off, data) > room:
        data -= 1
    return data


def ceiling_bps(framing, start, end):
    """Payload bytes a second from offset to offset."""
    wire = 0
    off = start
    while off < end:
        data = min(largest_chunk(framing, off), end - off)
        wire += wire_len(framing, message_len(off, data))
        off += data
    return (end - start) / (wire * 10 / BAUD)


# ---- the measurement ----

def edge(control, at_least):
    """When the device first had so much, and how much it was then."""
    got = until(lambda: (c := control.counts("lamp-1"))
                ["payload_accepted"] >= at_least and c, "bytes", 120, 0.002)
    return time.monotonic(), got


def measure(build, framing):
    with site(build) as s:
        s.add_class("lamp", options=f"framing={framing}")
        s.release("lamp", "2.0.0", size=PAYLOAD)
        more = ",framing=raw" if framing == "raw" else ""
        sim = s.start_sim(f"name=lamp-1,baud={BAUD},think=2ms,"
                          f"buf_size={BUF_SIZE},buf_count=4{more}")
        s.start_ferryd()
        with Control(sim) as control:
            t0, a = edge(control, PAYLOAD // 20)
            t1, b = edge(control, PAYLOAD * 19 // 20)
        s.wait_jobs(1, "done", 120)
    took = t1 - t0
    start, end = a["payload_accepted"], b["payload_accepted"]
    rate = (end - start) / took
    ceiling = ceiling_bps(framing, start, end)
    return {"rate_bps": rate, "ceiling_bps": ceiling,
            "share": rate / ceiling * 100,
            "busy": (b["bytes_in"] - a["bytes_in"]) * 10 / BAUD / took * 100,
            "repeated": b["payload_repeated"]}


def main():
    args = arguments(__doc__)
    rows, raw = [], {}
    for framing in ("console", "raw"):
        of = raw[framing] = [measure(args.build, framing)
                             for _ in range(args.runs)]
        rows.append((framing, spread([r["ceiling_bps"] for r in of], 0),
                     spread([r["rate_bps"] for r in of], 0),
                     spread([r["share"] for r in of], 1),
                     spread([r["busy"] for r in of], 1),
                     max(r["repeated"] for r in of)))
    finish({"line": table(("framing", "ceiling B/s", "measured B/s",
                           "share %", "line busy %", "bytes repeated"),
                          rows)}, raw)


if __name__ == "__main__":
    main()
