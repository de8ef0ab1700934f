#!/usr/bin/python3
"""From an accepted catalog to a verified release, by the log's time stamps.

In between: the envelope fetched and judged, the image fetched over TLS 1.3 from
nginx on the loopback, hashed, written with its leaf hashes, synchronised to the
disk, judged. The rate is that of the difference between two sizes."""

from benchlib import arguments, finish, site, spread, table, until

MIB = 1 << 20
SIZES = (1, 12)


def at_ms(log, text):
    line = next(line for line in log.splitlines() if text in line)
    hours, minutes, seconds = line.split()[0].split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000


def measure(build, mib):
    with site(build) as s:
        s.add_class("lamp")
        s.release("lamp", "2.0.0", size=mib * MIB)
        s.start_sim(f"name=lamp-1,slot_size={min(2 * mib, 16) * MIB},baud=115200")
        s.start_ferryd()
        until(lambda: s.logged("release: verified"), "the verdict", 60, 0.02)
        log = s.log.read_text()
        return at_ms(log, "release: verified") - at_ms(log, "new catalog")


def main():
    args = arguments(__doc__)
    took = {mib: [measure(args.build, mib) for _ in range(args.runs)]
            for mib in SIZES}
    low, high = SIZES
    rates = [(high - low) / ((b - a) / 1000)
             for a, b in zip(took[low], took[high])]
    rows = [(f"{mib} MiB: catalog accepted to release verified",
             spread(took[mib], 0, " ms")) for mib in SIZES]
    rows.append(("fetch, hash and store", spread(rates, 0, " MiB/s")))
    finish({"verify": table(("", "took"), rows)}, took)


if __name__ == "__main__":
    main()
