"""The layers of folders whose parts could all know each other.

    python3 tests/lint/layers.py    exit 0 kept, 1 broken

A folder has layers, the lowest first; a layer has sides; a side has modules. A
module is its files NAME.[ch] and NAME_*.[ch], and what is joined to it by "+"
(`line+radio`). A file may include headers

  - of its own module,
  - of every layer below its own,
  - of other modules of its side, as long as no ring comes of it,
  - of other folders, unless OUTSIDE keeps a folder to some modules.

docs/architecture.md, "Inside gateway/daemon", says what the layers are for.
"""

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

LAYERS = {
    "gateway/daemon": [
        # What knows none of the daemon's objects.
        ["backend_rules bundle check drivers floors long_digest match news"
         " opening radio_peers restore service view_text"],
        ["gateway"],
        # Vendors and what comes from them; lines and what is at them.
        ["evidence device_keys vendor+roots authority outbox release support",
         "line+radio+delegated child"],
        ["job+ledger+report"],
        ["inventory plan quirks recall"],
        # What follows for all of these from what one of them tells.
        ["vendors lines schedule"],
        ["view backend"],
        ["daemon main"],
    ],
}

# What is seen by these modules of a folder only: the core does not know the API
# that shows it.
OUTSIDE = {
    "gateway/daemon": {
        "gateway/admin": "backend_rules view_text view backend daemon",
    },
}


def modules_of(layers):
    """{stem: (layer, side, module)}"""
    found = {}
    for height, sides in enumerate(layers):
        for number, side in enumerate(sides):
            for module in side.split():
                for stem in module.split("+"):
                    found[stem] = (height, (height, number), module)
    return found


def place_of(stem, modules):
    """Where a file stands: by its own name, else by what it begins with."""
    names = [m for m in modules if stem == m or stem.startswith(m + "_")]
    return modules[max(names, key=len)] if names else None


def ring_of(edges):
    """Modules that know each other in a ring; empty when there is none."""
    left = {m: set(known) for m, known in edges.items()}
    while True:
        free = {m for m, known in left.items() if not known & set(left)}
        if not free:
            return sorted(left)
        for module in free:
            del left[module]


def problems_of(layers, includes):
    """What is wrong with {stem of a file: stems of the headers}."""
    modules = modules_of(layers)
    problems, edges = [], {}
    places = {stem: place_of(stem, modules) for stem in includes}
    for stem, headers in sorted(includes.items()):
        if not places[stem]:
            problems.append(f"{stem} stands in no layer")
            continue
        height, side, module = places[stem]
        edges.setdefault(module, set())
        for other in sorted(headers):
            there = places.get(other)
            if not there or there[2] == module:
                continue
            if there[0] > height:
                problems.append(f"{stem} may not know {other}, which is "
                                "above it")
            elif there[0] == height and there[1] != side:
                problems.append(f"{stem} may not know {other}, which is on "
                                "another side")
            elif there[0] == height:
                edges[module].add(there[2])
    ring = ring_of(edges)
    if ring:
        problems.append(f"know each other in a ring: {', '.join(ring)}")
    used = {place[2] for place in places.values() if place}
    for module in sorted({m for _, _, m in modules.values()} - used):
        problems.append(f"{module} has no files any more")
    return problems


def includes_of(folder, wanted):
    """{stem of a file of `folder`: stems of the headers of `wanted`}"""
    found = {}
    for path in sorted((TOP / folder).glob("*.[ch]")):
        headers = re.findall(rf'^\s*#\s*include\s*"{wanted}/(\w+)\.h"',
                             path.read_text(), re.M)
        found.setdefault(path.stem, set()).update(headers)
    return found


def strangers_of(layers, includes, allowed):
    """Files that include what only the allowed modules may."""
    modules = modules_of(layers)
    places = {stem: place_of(stem, modules) for stem in includes}
    return [stem for stem, headers in sorted(includes.items())
            if headers and places[stem] and
            places[stem][2] not in allowed.split()]


# A small tree that is in order, and changes that the rule has to notice.
KEPT = {"low": set(), "east": {"low"}, "east_wing": {"east"},
        "barn": {"east"}, "west": {"low"}, "top": {"barn", "west"}}
KEPT_LAYERS = [["low"], ["east barn", "west"], ["top"]]
BROKEN = [
    ("low", {"top"}), ("west", {"east"}), ("east", {"barn"}),
    ("east_wing", {"top"}), ("attic", {"low"}),
]


def self_check():
    if problems_of(KEPT_LAYERS, KEPT):
        return ["the rule complains of a tree that is in order"]
    told = [f"the rule does not notice that {stem} knows {', '.join(headers)}"
            for stem, headers in BROKEN
            if not problems_of(KEPT_LAYERS, {**KEPT, stem: headers})]
    without = {s: h - {"west"} for s, h in KEPT.items() if s != "west"}
    if not problems_of(KEPT_LAYERS, without):
        told.append("the rule does not notice a module without files")
    if strangers_of(KEPT_LAYERS, KEPT, "east barn west top") or \
            strangers_of(KEPT_LAYERS, KEPT, "barn west top") != [
                "east", "east_wing"]:
        told.append("the rule does not notice who knows another folder")
    return told


def main():
    problems = self_check()
    for folder, layers in LAYERS.items():
        found = problems_of(layers, includes_of(folder, folder))
        for other, allowed in OUTSIDE.get(folder, {}).items():
            found += [f"{stem} may not know {other}" for stem in strangers_of(
                layers, includes_of(folder, other), allowed)]
        problems += [f"{folder}: {p}" for p in found]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
