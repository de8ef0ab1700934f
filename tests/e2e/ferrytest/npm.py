"""What tests take from npm: folders that scripts/npm has filled."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
NODE_MIN = 22


def _where(name):
    done = subprocess.run([TOP / "scripts/npm", "--where", name],
                          capture_output=True, text=True, check=False)
    return (Path(done.stdout.strip()) if done.returncode == 0 else None,
            done.stderr.strip())


def folder(name):
    """The folder that holds node_modules for tests/npm/NAME. Fails the test
    when it is missing: an oracle that nobody asked proves nothing."""
    path, said = _where(name)
    if not path:
        pytest.fail(said)
    return path


def node():
    """A Node.js that runs all of them: the pinned one, else the system's."""
    path, said = _where("node")
    if path:
        # npm 9 makes no link in .bin for an optional package.
        return next(path.glob("node_modules/node-linux-*/bin/node"))
    system = shutil.which("node")
    if system:
        major = subprocess.run(
            [system, "-p", "process.versions.node.split('.')[0]"],
            capture_output=True, text=True, check=True).stdout
        if int(major) >= NODE_MIN:
            return Path(system)
    pytest.fail(said)


def environment(name):
    """For a program of our own that says require("PACKAGE of NAME")."""
    return {**os.environ, "NODE_PATH": str(folder(name) / "node_modules")}
