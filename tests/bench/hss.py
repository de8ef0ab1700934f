#!/usr/bin/python3
"""Verifications of hash-based signatures a second, on one core, by parameters.

Beside them ECDSA on P-256, by the crypto library. 32 messages each, for a
second of processor time."""

import subprocess

from benchlib import arguments, finish, spread, table

# LMS type, LM-OTS type, levels
SETS = (("H5/W8, one level", 5, 4, 1),
        ("H10/W4, one level", 6, 3, 1),
        ("H10/W8, one level", 6, 4, 1),
        ("H10/W4, two levels", 6, 3, 2),
        ("H10/W8, two levels", 6, 4, 2),
        ("H15/W8, three levels", 7, 4, 3),
        ("H25/W8, eight levels", 9, 4, 8),
        ("H25/W1, one level", 9, 1, 1))


def ask(build, *words):
    done = subprocess.run([build / "bin" / "hss-bench", *map(str, words)],
                          stdout=subprocess.PIPE, text=True, check=True,
                          timeout=300)
    rate, size = done.stdout.split()
    return float(rate), int(size)


def main():
    args = arguments(__doc__)
    raw = {}
    rows = []
    for name, *words in [*SETS, ("ECDSA, P-256", "ecdsa")]:
        runs = [ask(args.build, *words) for _ in range(args.runs)]
        raw[name] = [rate for rate, _ in runs]
        rows.append((name, f"{runs[0][1]:,}", spread(raw[name], 0)))
    finish({"hss": table(("", "bytes of a signature", "verified a second"),
                         rows)}, raw)


if __name__ == "__main__":
    main()
