"""Drives ferry-publish, and makes MCUboot images for it.

    p = Publisher(build_dir, tmp_path / "pub")
    p.init("Acme", domain="acme.example")
    p.add_class("sensor")
    release = p.release("sensor", image)   # the release record, a dict
    p.www                                  # what a web server serves
"""

import hashlib
import json
import os
import struct
import subprocess
from pathlib import Path


def mcuboot_image(version=(1, 2, 3, 0), body=b"firmware", signed=True):
    """A plain MCUboot image with SHA-256 and a made-up signature TLV."""
    header_size = 32
    header = struct.pack("<IIHHIIBBHII", 0x96F3B83D, 0, header_size, 0,
                         len(body), 0, *version, 0)
    digest = hashlib.sha256(header + body).digest()
    tlvs = struct.pack("<HH", 0x10, 32) + digest
    if signed:
        tlvs += struct.pack("<HH", 0x22, 8) + b"\x30\x06\x02\x01\x01\x02\x01\x01"
    area = struct.pack("<HH", 0x6907, 4 + len(tlvs)) + tlvs
    return header + body + area, digest


class Publisher:
    def __init__(self, build_dir, folder):
        self.program = Path(build_dir) / "bin" / "ferry-publish"
        self.folder = Path(folder)
        self.www = self.folder / "www"

    def run(self, *args, check=0, env=None):
        """Runs a verb; `check` is the exit code that is asked for, or None."""
        result = subprocess.run(
            [self.program, *map(str, args)], capture_output=True, text=True,
            timeout=120, check=False,
            env={**os.environ, "FERRY_PUBLISH_DIR": str(self.folder),
                 **(env or {})})
        if check is not None:
            assert result.returncode == check, (
                f"{args}: exit {result.returncode}\n{result.stdout}"
                f"{result.stderr}")
        return result

    def init(self, vendor="Acme", *args):
        self.run("init", self.folder, "--vendor", vendor, *args)
        return self

    def add_class(self, name, *args):
        out = self.run("class", "add", name, *args).stdout
        return out.split()[-1]

    def release(self, class_name, firmware, *args):
        """`firmware` is bytes or a path. Returns the record of the release."""
        if isinstance(firmware, bytes):
            path = self.folder.parent / "firmware.bin"
            path.write_bytes(firmware)
            firmware = path
        out = self.run("release", "--class", class_name, "--firmware",
                       firmware, *args).stdout
        return self.record(out.split()[1])

    def record(self, manifest_digest):
        path = self.folder / "releases" / f"{manifest_digest}.json"
        return json.loads(path.read_text())

    def envelope(self, record):
        return self.www / "e" / f"{record['envelope_digest']}.suit"

    def payload(self, record):
        return self.www / "p" / record["payload_digest"]

    @property
    def catalog(self):
        return self.www / "catalog.cose"

    def root(self, version=1):
        return self.www / "root" / f"{version}.cose"

    def verify(self, *args, check=None):
        """Exit code and the JSON answer of verify."""
        result = self.run("verify", "--json", *args, check=check)
        return result.returncode, json.loads(result.stdout)
