"""A site with ZigBee networks: coordinators of ferry-sim, links and classes for
their devices, real images.

    site.start_radio("name=bulb-%u,count=2,transport=znp,manufacturer=0x1234")
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path

from ferrytest.simulator import Simulator
from ferrytest.site import Failure, Site, wait_for

SHARED = Path(os.environ["FERRY_SHARED_DIR"])
IMAGES = SHARED / "images" / "zigbee"

CLASS = """
vendor = "acme"; vendor_id = "{vendor_id}"; class_id = "{class_id}";
match = {{ driver = "zigbee"; {match} }};
auto_enrol = {auto_enrol};
engine = "zigbee-ota"; options = "{options}";
components = ( {{ id = "app"; slot = 0; }} );
can_revert = false; can_resume = true; can_prove = true;
{extra}
"""


def truth(name):
    """What is known of a real image: the row of ground_truth.json."""
    for row in json.loads((IMAGES / "ground_truth.json").read_text()):
        if row["file"].startswith(name):
            return row
    raise Failure(f"no image {name}")


def version_text(version):
    return f"0x{version:08x}"


class ZigbeeSite(Site):
    def __init__(self, folder, build_dir, **more):
        super().__init__(folder, build_dir, **more)
        self.radio = None

    def add_zigbee_class(self, name, match="", options="", extra="",
                         auto_enrol="true"):
        if name not in self.classes:
            self.publish("class", "add", name, "--dir", str(self.pub))
            self.classes[name] = self._class_id(name)
        (self.etc / "classes.d" / f"{name}.conf").write_text(CLASS.format(
            vendor_id=self.vendor_id, class_id=self.classes[name],
            match=match, options=options, extra=extra,
            auto_enrol=auto_enrol))

    def make_ota(self, version, size=8000, manufacturer=0x1234, image_type=1,
                 seed=7):
        path = self.folder / f"fw-{version:08x}-{seed}.ota"
        subprocess.run(
            [self.bin / "ferry-sim", "mkota", "--manufacturer",
             hex(manufacturer), "--type", hex(image_type), "--version",
             hex(version), "--size", str(size), "--seed", str(seed), path],
            check=True, capture_output=True)
        return path

    def release_ota(self, klass, path, *more):
        return self.publish("release", "--dir", str(self.pub), "--class",
                            klass, "--firmware", str(path), "--version",
                            Path(path).stem[:30], *more)

    def start_radio(self, groups, name="hub", stack="znp",
                    options="budget=off", link_extra="", params="", quirks=None):
        groups = [groups] if isinstance(groups, str) else groups
        sim = Simulator(self.bin.parent, self.folder / name, *groups)
        self.sims.append(sim)
        self.radio = sim
        port = sim.coordinators["coordinator"]
        rows = f'quirks = "{quirks}"; ' if quirks else ""
        (self.etc / "links.d" / f"{name}.conf").write_text(
            f'driver = "zigbee"; params = {{ stack = "{stack}"; '
            f'port = "{port}"; {params} }};\n'
            f'network = {{ engine = "zigbee-ota"; options = "{options}"; '
            f'{rows}}};\n'
            f"{link_extra}")
        return sim

    # ---- asking ----

    def node(self, name):
        return self.radio.state(name)

    def device_of(self, name):
        """The id of the device that stands for a simulated node."""
        key = self.node(name)["eui64"]
        for device in self.get("/v1/devices")["items"]:
            if device["peer"] == key:
                return device["id"]
        return None

    def wait_device(self, name, limit=60):
        return wait_for(f"{name} to be a device",
                        lambda: self.device_of(name), limit)

    def wait_node_job(self, name, state, limit=60):
        device = self.wait_device(name, limit)
        try:
            return self.wait_job(device, state, limit)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.node(name)}") from None

    def link(self, name="hub"):
        return next(row for row in self.get("/v1/links")["items"]
                    if row["name"] == name)

    def check_node(self, name, row):
        """The node holds exactly the OTA file of the image."""
        state = self.node(name)
        assert state["sha256"] == row["ota_sha256"], state
        assert state["file_version"] == version_text(
            row["header"]["file_version"]), state


def group(stack="znp", name="bulb-%u", count=1, version=1, **more):
    words = {"name": name, "count": count, "first": 1, "transport": stack,
             "manufacturer": "0x1234", "image_type": "0x0001",
             "file_version": version, "interval": "2s", "activate": "200ms"}
    words.update(more)
    return ",".join(f"{key}={value}" for key, value in words.items())


def of_image(row, stack, **more):
    header = row["header"]
    return group(stack, manufacturer=hex(header["manufacturer_code"]),
                 image_type=hex(header["image_type"]),
                 version=header["file_version"] - 1, **more)


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
