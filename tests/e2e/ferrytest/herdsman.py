"""zigbee-herdsman as the host of a simulated coordinator (herdsman_host.js)."""

import json
import subprocess
import threading
from pathlib import Path

from ferrytest import npm

PROGRAM = Path(__file__).parents[1] / "herdsman_host.js"
COORDINATOR = "00124b0009d69f77"
ADAPTERS = {"znp": "zstack", "ezsp": "ember", "deconz": "deconz"}


class Herdsman:
    """One process of it, updating `devices` ({"eui64", "nwk"}) with `image`."""

    def __init__(self, folder, transport, port, devices, image, *,
                 manufacturer, delay=0, block=50, tries=1, debug=False):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.log = self.folder / "herdsman.log"
        job = {"adapter": ADAPTERS[transport], "path": port,
               "folder": str(folder), "image": str(image),
               "coordinator": COORDINATOR, "manufacturer": manufacturer,
               "devices": devices, "delay": delay, "block": block,
               "tries": tries, "debug": debug}
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [npm.node(), PROGRAM, json.dumps(job)],
                env=npm.environment("herdsman"), stdout=subprocess.PIPE,
                stderr=log, text=True)
        self.updated = set()
        self.failed = {}
        self.started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "started" in said:
                self.started.set()
            if "updated" in said:
                self.updated.add(said["updated"])
            if "failed" in said:
                self.failed[said["failed"]] = said["why"]

    def wait(self, timeout):
        """True when it has ended by itself in time."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(timeout=10)
        assert code == 0, self.log.read_text()[-3000:]
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()


def devices_of(sim, coordinator="coordinator"):
    """The nodes behind a coordinator, as Herdsman wants them."""
    stats = sim.ask("stats")
    radio = next(r for r in stats["coordinators"] if r["name"] == coordinator)
    return [{"eui64": n["eui64"], "nwk": int(n["nwk"], 16)}
            for n in radio["nodes"]]
