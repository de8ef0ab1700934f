"""Installs into a folder and looks at what is there and whether it works.

    python3 tests/lint/install.py CMAKE BUILD_FOLDER
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WANTED = """
sbin/ferryd bin/ferryctl bin/ferry-publish bin/ferry-sim bin/ferry-driver-check
include/ferry/transport.h
lib/systemd/system/ferryd.service lib/sysusers.d/ferry.conf
lib/tmpfiles.d/ferry.conf lib/udev/rules.d/60-ferry.rules
share/man/man8/ferryd.8 share/man/man1/ferryctl.1
share/man/man1/ferry-publish.1 share/man/man1/ferry-sim.1
share/bash-completion/completions/ferryctl
share/bash-completion/completions/ferry-publish
share/doc/ferry/errors.md
share/doc/ferry/operations.md
share/doc/ferry/admin-api.md share/doc/ferry/openapi.json
share/doc/ferry/LICENSE share/doc/ferry/CHANGELOG.md
""".split()
EXAMPLES = ["vendors.d/acme.conf", "classes.d/sensor.conf",
            "links.d/sensor-1.conf"]

failures = []


def check(good, text):
    print(("good: " if good else "WRONG: ") + text)
    if not good:
        failures.append(text)


def run(*command):
    result = subprocess.run(command, check=False, text=True, timeout=60,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode, result.stdout.strip()


def cache_value(build, name):
    text = (Path(build) / "CMakeCache.txt").read_text()
    return re.search(rf"^{name}:\w+=(.*)$", text, re.MULTILINE)[1]


def install(cmake, build, into):
    result = subprocess.run([cmake, "--install", build], check=False, text=True,
                            capture_output=True, timeout=60,
                            env={**os.environ, "DESTDIR": str(into)})
    check(result.returncode == 0, f"cmake --install {result.stderr.strip()}")


def check_files(top, etc):
    for name in WANTED:
        check((top / name).is_file(), f"{name} is installed")
    for name in ["ferryd.conf"] + [e + ".example" for e in EXAMPLES]:
        check((etc / name).is_file(), f"etc/ferry/{name} is installed")
    check((top / "lib/ferry/drivers").is_dir(), "lib/ferry/drivers is there")
    for program in ["ferryctl", "ferry-publish", "ferry-sim"]:
        check(os.access(top / "bin" / program, os.X_OK), f"{program} may run")
    code, said = run(top / "sbin/ferryd", "--version")
    check(code == 0 and said.startswith("ferryd "), f"--version says {said}")


def uncommented(text):
    """The default configuration with every setting in effect."""
    return re.sub(r"^#(?=[\ta-z}])", "", text, flags=re.MULTILINE)


def check_configuration(ferryd, etc):
    code, said = run(ferryd, "--config", etc, "--check")
    check(code == 0, f"the default configuration is accepted: {said}")
    for name in EXAMPLES:
        shutil.copy(etc / (name + ".example"), etc / name)
    code, said = run(ferryd, "--config", etc, "--check")
    check(code == 0, f"the examples are accepted: {said}")
    main = etc / "ferryd.conf"
    whole = uncommented(main.read_text()).replace(
        '["@ferry"]', '["@root"]')
    main.write_text(whole)
    code, said = run(ferryd, "--config", etc, "--check")
    check(code == 0 and "quota_mb" in whole,
          f"the presets that it shows are accepted: {said}")
    for name in EXAMPLES:
        (etc / name).write_text(uncommented((etc / name).read_text()))
    code, said = run(ferryd, "--config", etc, "--check")
    check(code == 0, f"so are those of the examples: {said}")


def check_upgrade(cmake, build, into, etc):
    (etc / "ferryd.conf").write_text("# mine\n")
    install(cmake, build, into)
    check((etc / "ferryd.conf").read_text() == "# mine\n",
          "a second installation leaves ferryd.conf alone")


def check_unit(top, folder, prefix):
    tool = shutil.which("systemd-analyze")
    if not tool:
        print("systemd-analyze is not installed: the unit was not verified")
        return
    unit = (top / "lib/systemd/system/ferryd.service").read_text()
    check(f"{prefix}/sbin/ferryd" in unit, "the unit starts what is installed")
    copy = Path(folder) / "ferryd.service"
    copy.write_text(unit.replace(f"{prefix}/sbin/", f"{top}/sbin/"))
    code, said = run(tool, "verify", "--man=no", copy)
    said = "\n".join(l for l in said.splitlines() if "ferryd" in l)
    check(code == 0 and not said, f"systemd-analyze verify {said}")


def main():
    cmake, build = sys.argv[1:]
    prefix = cache_value(build, "CMAKE_INSTALL_PREFIX")
    config = cache_value(build, "FERRY_CONFIG_DIR")
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "root"
        top, etc = Path(f"{into}{prefix}"), Path(f"{into}{config}")
        install(cmake, build, into)
        check_files(top, etc)
        check_unit(top, folder, prefix)
        check_configuration(top / "sbin/ferryd", etc)
        check_upgrade(cmake, build, into, etc)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
