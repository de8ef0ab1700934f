#!/usr/bin/python3
"""The share of lines that tests reached, by the counters of a build.

    lines.py BUILD ROOM LEAST      exit status 1 below LEAST per cent
"""

import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def counts(build, room):
    """{file: {line: times}} over all objects of the room."""
    files = {}
    notes = sorted((build / room).rglob("*.gcno"))
    if not notes:
        sys.exit(f"no counters below {build / room}")
    for note in notes:
        out = subprocess.run(
            ["gcov", "--json-format", "--stdout", os.fspath(note)], check=True,
            cwd=build, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
        for text in out.splitlines():
            for unit in json.loads(text)["files"]:
                path = (build / unit["file"]).resolve()
                if not path.is_relative_to(SOURCE / room):
                    continue
                lines = files.setdefault(path.relative_to(SOURCE), {})
                for line in unit["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, 0) + line["count"]
    return files


def ranges(numbers):
    parts = []
    for n in numbers:
        if parts and parts[-1][1] == n - 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main():
    build, room, least = Path(sys.argv[1]).resolve(), sys.argv[2], float(sys.argv[3])
    files = counts(build, room)
    total = reached = 0
    for path, lines in sorted(files.items()):
        missed = sorted(n for n, times in lines.items() if not times)
        total += len(lines)
        reached += len(lines) - len(missed)
        share = 100 * (len(lines) - len(missed)) / max(len(lines), 1)
        print(f"{share:6.1f} %  {len(lines):5}  {path}  {ranges(missed)}")
    share = 100 * reached / total
    print(f"{share:6.1f} %  {total:5}  {room}, at least {least:g} wanted")
    return int(share < least)


if __name__ == "__main__":
    sys.exit(main())
