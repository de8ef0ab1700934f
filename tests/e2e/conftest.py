"""Fixtures for all end-to-end tests."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ferrytest import pki  # noqa: E402


@pytest.fixture(scope="session")
def build_dir():
    """The build folder, from FERRY_BUILD_DIR or `build` beside the sources."""
    default = Path(__file__).parents[2] / "build"
    return Path(os.environ.get("FERRY_BUILD_DIR", default))


class Vendor:
    """The certificates of one vendor: CA, server and client."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.ca = pki.Ca.make(self.folder, "ca")
        self.server = self.ca.issue("server")
        self.client = self.ca.issue("client", sans=(), usage="clientAuth")


@pytest.fixture(scope="session")
def vendor(tmp_path_factory):
    return Vendor(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def as_root():
    """Some things only root can set up: a small file system, files of root. CI is
    root; a person who is not is told what was left out."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI must run as root")
        pytest.skip("needs root")
