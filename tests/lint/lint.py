"""Rules of the tree that no compiler checks. One function a rule.

    python3 tests/lint/lint.py RULE    exit 0 kept, 1 broken, 77 cannot tell

A file counts when git knows it or could add it; without git, all files outside
of build folders count.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SKIPPED = 77

# Which folders a room may include from, besides its own.
MAY_INCLUDE = {
    "base": set(),
    "policy": {"base"},
    "store": {"base"},
    "store/keys": {"base", "policy/trust"},
    "devices": {"base", "ferry"},
    "transports": {"base", "ferry"},
    "gateway": {"base", "policy", "store", "devices", "transports", "ferry"},
    "tools/publish": {"base", "policy", "store/keys", "devices/mcuboot",
                      "devices/zigbee_ota"},
    "tools/sim": {"base", "ferry", "policy/trust",
                  "transports/sim/sim_wire.h"},
    "tools/driver-check": {"base", "transports", "ferry"},
}

# Where a foreign header may stand. Whoever needs a library in one more place
# adds it here, so that it is seen.
FOREIGN = {
    r"sqlite3\.h": {"store/db_table.h", "store/db_vfs.c"},
    r"libserialport\.h": {"transports/serial/ports.c"},
    r"libconfig\.h": {"gateway/config/reader.c", "tools/publish/conf.c",
                      "tools/sim/config.c"},
    r"llhttp\.h": {"gateway/admin/request.c", "gateway/ctl/client.c",
                   "gateway/http/response.c"},
    r"mosquitto\.h": {"gateway/relay/mosquitto_library.h"},
    r"sodium\.h": {"policy/trust/ed25519.c"},
    r"systemd/.*": {"gateway/daemon/service.c"},
    r"dlfcn\.h": {"gateway/relay/mosquitto_library.c",
                   "store/keys/keys_module.c", "transports/driver.c"},
    r"p11-kit/.*": {"store/keys/keys_module.h"},
    r"mbedtls/.*": {"store/keys/keys_file.c", "tools/publish/crl_file.c",
                    "policy/trust/crypto.c", "policy/trust/crypto_shim.c", "policy/trust/der.c", "policy/trust/evidence.c",
                    "policy/trust/ocsp_request.c", "policy/trust/x509.c",
                    "policy/trust/x509_signed.c", "gateway/http/tls.c",
                    "tools/publish/keys.c", "tools/publish/pem.c",
                    "tools/publish/pki.c"},
    r"psa/.*": {"policy/trust/crypto.c", "policy/trust/crypto_secret.c",
                "store/keys/keys_file.c", "gateway/http/tls.c", "store/hash.c",
                "tools/publish/hash.c", "tools/publish/keys.c",
                "tools/sim/sha.h"},
    r"jansson\.h": {"tools/publish/ca.c", "gateway/admin/", "gateway/ctl/", "gateway/daemon/",
                    "gateway/relay/z2m_text.c",
                    "tools/publish/publisher.c", "tools/publish/record.c",
                    "tools/publish/verb_verify.c", "tools/sim/control.c",
                    "tools/sim/control.h", "tools/sim/report.h"},
    r"uv\.h": {"gateway/", "store/cache.h", "store/db.h", "transports/host.h",
               "tools/sim/", "tools/driver-check/"},
}

# Rooms that are pure: no loop, no clock, no disk, no socket.
PURE = {"devices", "policy"}
IMPURE = re.compile(r"(uv|time|fcntl|unistd|dirent|pthread|poll|signal)\.h"
                    r"|sys/(socket|stat|time|mman|wait|ioctl)\.h|netinet/.*")

LINES_MAX = 900

# Hosts that text and code may name: reserved names, loopback, and the pages
# that a reader of the documents needs.
HOSTS = re.compile(
    r"(localhost|127\.0\.0\.1|ferry|[a-zA-Z]|host|user"
    r"|([a-z0-9-]+\.)*(example|invalid|test)(\.(org|com|net))?|([a-z-]+\.)?example"
    r"|www\.(apache|rfc-editor|debian|freedesktop)\.org"
    r"|(datatracker\.)?ietf\.org|keepachangelog\.com|semver\.org)\.?")

# Folders of one particular machine have no place in the tree.
PLACES = re.compile(r"""(?<![\w./@{}$~*-])/(work|home|root|Users|mnt|data)/""")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\b(?i:stub(bed|s)?|for now)\b")

problems = []


def complain(place, text):
    problems.append(f"{place}: {text}")


def files():
    git = subprocess.run(
        ["git", "-c", f"safe.directory={TOP}", "-C", TOP, "ls-files", "-z",
         "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False) if shutil.which("git") else None
    if git and git.returncode == 0:
        names = git.stdout.decode().split("\0")
        return [n for n in sorted(names) if n and (TOP / n).is_file()]
    found = []
    for folder, folders, names in os.walk(TOP):
        folders[:] = [f for f in folders
                      if not f.startswith(("build", ".git", "__pycache__"))]
        found += [os.path.relpath(os.path.join(folder, n), TOP) for n in names]
    return sorted(found)


def text_of(name):
    """The text of a file; None for a binary one."""
    raw = (TOP / name).read_bytes()
    try:
        return None if b"\0" in raw else raw.decode()
    except UnicodeDecodeError:
        return None


def is_test(name):
    return name.startswith(("tests/", "transports/example/"))


def includes_of(name):
    for number, line in enumerate(text_of(name).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match[1] == '"', match[2]


def reaches(header, wanted, seen):
    """Whether including `header` includes `wanted`, at once or further down."""
    if header == wanted or header in seen:
        return header == wanted
    seen.add(header)
    return (TOP / header).is_file() and any(
        reaches(h, wanted, seen) for _, own, h in includes_of(header) if own)


def room_of(name):
    rooms = [r for r in MAY_INCLUDE if name.startswith(r + "/")]
    return max(rooms, key=len, default=None)


def check_own(name, number, header):
    """An include in quotes: a file of this tree, of a room it may know."""
    room = room_of(name)
    place = f"{name}:{number}"
    if not header.startswith("ferry/") and not (TOP / header).is_file():
        complain(place, f'"{header}" is no file; includes count from the top')
    allowed = MAY_INCLUDE[room] | {room}
    if not any(header == a or header.startswith(a + "/") for a in allowed):
        complain(place, f'{room}/ may not know "{header}"')


def check_foreign(name, number, header):
    place = f"{name}:{number}"
    for pattern, where in FOREIGN.items():
        if re.fullmatch(pattern, header) and not any(
                name == w or (w.endswith("/") and name.startswith(w))
                for w in where):
            complain(place, f"<{header}> stands in {', '.join(sorted(where))}"
                            " only")
    if name.split("/")[0] in PURE and IMPURE.fullmatch(header):
        complain(place, f"<{header}>: this room has no loop, clock, disk or"
                        " socket")


def lint_includes():
    for name in files():
        if not name.endswith((".c", ".h")) or is_test(name):
            continue
        if not room_of(name):
            complain(name, "is in no room that the include rules know")
            continue
        for number, own, header in includes_of(name):
            if own or header.startswith("ferry/"):
                check_own(name, number, header)
            else:
                check_foreign(name, number, header)
        own_header = name[:-2] + ".h"
        if name.endswith(".c") and (TOP / own_header).is_file():
            number, _, first = next(includes_of(name), (0, True, ""))
            if not reaches(first, own_header, set()):
                complain(f"{name}:{number}",
                         f'includes its own header "{own_header}" first')


def lint_sizes():
    for name in files():
        if name.endswith((".c", ".h", ".py")):
            lines = text_of(name).count("\n")
            if lines >= LINES_MAX:
                complain(name, f"has {lines} lines; {LINES_MAX} are too many")


def lint_words():
    for name in files():
        text = text_of(name)
        if text is None or "/corpus/" in name or name == "tests/lint/lint.py":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            place = f"{name}:{number}"
            for host in re.findall(r"https?://([A-Za-z0-9.-]+)", line):
                if not HOSTS.fullmatch(host):
                    complain(place, f"names the host {host}")
            if PLACES.search(line):
                complain(place, "names a folder of one machine")
            if UNFINISHED.search(line):
                complain(place, "says that something is not finished")


def lint_text():
    """UTF-8, LF, no blanks at the end of a line, a newline at the end."""
    for name in files():
        if not re.search(r"\.(c|h|py|cmake|txt|md|sh|conf|service|[158])$",
                         name) or "/corpus/" in name or "/golden/" in name:
            continue
        text = text_of(name)
        if text is None:
            complain(name, "is not UTF-8 text")
            continue
        if text and not text.endswith("\n"):
            complain(name, "has no newline at its end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                complain(f"{name}:{number}", "has blanks at its end")


def lint_links():
    """Links between documents lead somewhere."""
    for name in files():
        if not name.endswith(".md"):
            continue
        text = re.sub(r"```.*?```", "", text_of(name), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            if not (TOP / name).parent.joinpath(target).exists():
                complain(name, f"links to {target}, which is not there")


# What verifies a path of certificates, and the one place where it may stand.
PATH_VERIFIER = r"mbedtls_x509_crt_verify\w*"
PATH_FILE = "policy/trust/x509.c"


def functions_of(text):
    """The functions of a C file in our form: {name: body}."""
    found = {}
    for match in re.finditer(r"^(?:[a-z][\w \t*]*[ *])?(\w+)\([^;{}]*\)\n\{\n"
                             r"(.*?)^\}", text, re.M | re.S):
        found[match[1]] = match[2]
    return found


def path_problems(text):
    """What lets a path pass without the judgement of revocation."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    bodies = functions_of(text)
    verifiers = [n for n, body in bodies.items()
                 if re.search(PATH_VERIFIER, body)]
    if len(verifiers) != 1 or len(re.findall(PATH_VERIFIER, text)) != 1:
        return "must call the library's verification at exactly one place"
    callers = [n for n, body in bodies.items()
               if re.search(rf"\b{verifiers[0]}\(", body)]
    if callers != ["x509_chain_verify"]:
        return f"{verifiers[0]}() must be called by x509_chain_verify() alone"
    if "static" not in text.split(f"{verifiers[0]}(")[0].splitlines()[-1]:
        return f"{verifiers[0]}() must be static"
    body = bodies["x509_chain_verify"].split(f"{verifiers[0]}(")[1]
    judged = re.search(r"\n\telse\n\t\terr = judge_revocation\(", body)
    if not judged or re.search(r"\berr\b\s*=[^=]", body[judged.end():]):
        return ("x509_chain_verify() must end with what judge_revocation() "
                "says")
    returns = re.findall(r"\breturn\b([^;]*);", body)
    if [r.strip() for r in returns] != ["err"]:
        return "x509_chain_verify() must return nothing but that"
    if not re.search(r"\n\treturn revocation_judge\([^;]*\);\n$",
                     bodies.get("judge_revocation", "")):
        return "judge_revocation() must return what revocation_judge() says"
    return None


# Changes to that file which the rule has to notice.
PATH_MUTANTS = [
    (r"return revocation_judge\(", "revocation_judge("),
    (r"return revocation_judge\([^;]*\);", "return 0;"),
    (r"err = judge_revocation\([^;]*\);", "err = 0;"),
    (r"err = judge_revocation\(", "(void)judge_revocation("),
    (r"\n\telse\n\t\terr = judge_rev", "\n\telse if (count > 1)\n\t\terr = judge_rev"),
    (r"\n\treturn err;\n\}\n\Z", "\n\treturn 0;\n}\n"),
    (r"\n\treturn err;\n\}\n\Z", "\n\tif (count == 1)\n\t\terr = 0;\n\treturn err;\n}\n"),
    (r"\Z", "\nint quick(void)\n{\n\treturn mbedtls_x509_crt_verify(0);\n}\n"),
    (r"\Z", "\nint quick(void)\n{\n\treturn walk_path(0, 0, 0);\n}\n"),
]


def lint_paths():
    """A path of certificates passes by the judgement of revocation alone."""
    for name in files():
        if name.endswith((".c", ".h")) and name != PATH_FILE and \
                not is_test(name) and re.search(PATH_VERIFIER, text_of(name)):
            complain(name, f"verifies a path; only {PATH_FILE} may")
    text = text_of(PATH_FILE)
    problem = path_problems(text)
    if problem:
        complain(PATH_FILE, problem)
        return
    for number, (pattern, other) in enumerate(PATH_MUTANTS, 1):
        changed, count = re.subn(pattern, lambda _: other, text, count=1)
        if not count or not path_problems(changed):
            complain("tests/lint/lint.py",
                     f"the rule does not notice change {number} of a path")


def lint_errors():
    """Numbers and names are unique, in their room's hundred; page is current."""
    hundreds = {"BASE": [50], "TRUST": [51], "GATES": [52], "STORE": [53],
                "VENDOR": [54], "TRANSPORT": [55], "DEVICES": [56],
                "RELAY": [57], "CONFIG": [58], "ADMIN": [59],
                "REVOCATION": [60], "HSS": [61], "SIGNERS": [62],
                "ENCRYPT": [63], "KEYS": [64], "LASTHOP": [65],
                "ZIGBEE": [66], "DELEGATE": [67]}
    rooms, numbers, names = [], {}, set()
    room = None
    text = text_of("base/err_codes.h")
    for number, line in enumerate(text.splitlines(), 1):
        place = f"base/err_codes.h:{number}"
        block = re.match(r"#define ERR_MAP_([A-Z]+)\(X\)", line)
        row = re.match(r'\tX\((\w+), -(\d+), (\w+), "([^"]+)"\)', line)
        if block:
            room = block[1]
            rooms.append(room)
        elif row:
            name, code = row[1], int(row[2])
            if code in numbers:
                complain(place, f"-{code} is {numbers[code]} already")
            if name in names:
                complain(place, f"{name} stands there twice")
            if code // 100 not in hundreds.get(room, []):
                complain(place, f"-{code} is outside of the hundred of {room}")
            if row[3] not in ("TRANSIENT", "PERMANENT", "SECURITY"):
                complain(place, f"{row[3]} is no class")
            if row[4].endswith("."):
                complain(place, "the text ends with a full stop")
            numbers[code] = name
            names.add(name)
        elif line.startswith("\tX("):
            complain(place, "is not X(NAME, -NUMBER, CLASS, \"text\")")
    for room in rooms:
        if f"ERR_MAP_{room}(X) \\" not in text.split("#define ERR_MAP(X)")[1] \
                and f"ERR_MAP_{room}(X)\n" not in \
                text.split("#define ERR_MAP(X)")[1]:
            complain("base/err_codes.h", f"ERR_MAP lacks ERR_MAP_{room}")
    made = subprocess.run([TOP / "scripts/errors", "--print"], check=True,
                          capture_output=True, text=True).stdout
    if made != text_of("docs/errors.md"):
        complain("docs/errors.md", "is not current: run scripts/errors")


def settings_of(name, pattern):
    return {m for groups in re.findall(pattern, text_of(name))
            for m in ([groups] if isinstance(groups, str) else groups) if m}


def lint_settings():
    """operations.md names every setting, option, parameter and alarm."""
    page = text_of("docs/operations.md")
    told = set(re.findall(r"[a-z0-9_.:-]+", " ".join(
        re.findall(r"`([^`]+)`", page))))
    told |= {part for word in told for part in re.split("[.:]", word)}
    wanted = {
        "gateway/config/schema.c": r'(?:TEXT|INT|BOOL)\(struct \w+, (\w+)'
        r'|(?:TEXTS|PAIRS|GROUPS|GROUP|LINK_TEXT|LINK_INT|MEMBER_INT)\('
        r'(?:struct \w+,\s*)?"(\w+)"|\.name = "(\w+)"',
        "devices/smp/options.c": r'\{"(\w+)", AT',
        "transports/serial/serial.c": r'(?:INSTANCE|LINE_SCOPES), '
        r'FERRY_TYPE_\w+, \w+, 0,\s*"(\w+)"',
        "transports/zigbee/driver.c": r'(?:INSTANCE|CHANNEL), '
        r'FERRY_TYPE_\w+, \w+, 0,\s*"(\w+)"',
    }
    for name, pattern in wanted.items():
        found = settings_of(name, pattern)
        if len(found) < 10:
            complain(name, "the lint finds no settings here any more")
        for setting in sorted(found - told):
            complain("docs/operations.md", f"does not name `{setting}` ({name})")
    for name in files():
        if name.startswith("gateway/daemon/") and name.endswith(".c"):
            for code in sorted(settings_of(
                    name, r'gateway_alarm\(\s*[^,"]+,\s*"([a-z-]+)"'
                    r'|alarm_code\(v, "([a-z-]+)"') - told):
                complain("docs/operations.md", f"does not name the alarm {code}")


def shell_scripts():
    for name in files():
        text = text_of(name)
        if text and re.match(r"#!/bin/(ba)?sh\b", text):
            yield name


def lint_shell():
    shellcheck = shutil.which("shellcheck")
    for name in shell_scripts():
        run(["sh", "-n", TOP / name], name)
        if not os.access(TOP / name, os.X_OK):
            complain(name, "is not executable")
        if shellcheck:
            run([shellcheck, "-S", "warning", "-e", "SC2086,SC2046",
                 TOP / name], name)


def lint_man():
    mandoc, groff = shutil.which("mandoc"), shutil.which("groff")
    if not mandoc and not groff:
        print("neither mandoc nor groff is installed")
        return SKIPPED
    for name in files():
        if not re.fullmatch(r"docs/man/.*\.[1-8]", name):
            continue
        if mandoc:
            run([mandoc, "-T", "lint", "-W", "warning", TOP / name], name)
        else:
            run([groff, "-mandoc", "-T", "utf8", "-ww", "-z", TOP / name],
                name, silent=True)
    return 0


def lint_format():
    """Advice only: tells which files clang-format would write differently."""
    tool = shutil.which("clang-format")
    if not tool:
        print("clang-format is not installed")
        return SKIPPED
    names = [n for n in files() if n.endswith((".c", ".h"))]
    differ = [n for n in names if subprocess.run(
        [tool, "--dry-run", "-Werror", TOP / n], capture_output=True,
        check=False).returncode]
    print(f"advice: clang-format would write {len(differ)} of {len(names)}"
          " files differently")
    print("\n".join(differ))
    return 0


def run(command, name, silent=False):
    result = subprocess.run(command, capture_output=True, text=True,
                            check=False)
    said = (result.stdout + result.stderr).strip()
    if result.returncode or (silent and said):
        complain(name, said or f"exit {result.returncode}")


def main():
    rules = {n[5:]: f for n, f in globals().items() if n.startswith("lint_")}
    if len(sys.argv) != 2 or sys.argv[1] not in rules:
        print(f"usage: lint.py {'|'.join(rules)}", file=sys.stderr)
        return 2
    code = rules[sys.argv[1]]() or 0
    print("\n".join(problems))
    return 1 if problems else code


if __name__ == "__main__":
    sys.exit(main())
