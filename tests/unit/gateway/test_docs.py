"""The man pages are well-formed and tell of every command and option."""
import os
import re
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
MAN = os.path.join(ROOT, "docs", "man")
PAGES = sorted(os.listdir(MAN))


def ferryctl_help(*words):
    program = os.path.join(os.environ["FERRY_BIN"], "ferryctl")
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True,
                          text=True).stdout


@pytest.mark.parametrize("page", PAGES)
def test_page_is_well_formed(page):
    path = os.path.join(MAN, page)
    if shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path],
                              capture_output=True, text=True, check=False)
        complaints = done.stdout + done.stderr
    elif shutil.which("groff"):
        done = subprocess.run(["groff", "-ww", "-mandoc", "-Tutf8", "-z", path],
                              capture_output=True, text=True, check=False)
        complaints = done.stderr
    else:
        pytest.skip("neither mandoc nor groff is here")
    assert complaints == ""


def test_ferryctl_page_names_every_command_and_option():
    with open(os.path.join(MAN, "ferryctl.1"), encoding="utf-8") as file:
        page = file.read()
    text = ferryctl_help()
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?) ", text.split("\n\noptions")[0], re.M)
    assert len(commands) > 30
    for command in commands:
        plain = command.removeprefix("device ") if command != "device show" else command
        assert re.search(rf"^\.It Ic {plain}\b", page, re.M), command
        for option in re.findall(r"--([a-z-]+)", ferryctl_help(*command.split())):
            assert f"-{option}" in page, f"{command} --{option}"
