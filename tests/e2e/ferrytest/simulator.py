"""ferry-sim as a fixture: start, commands, counters, end."""

import json
import socket
import subprocess
from pathlib import Path

from ferrytest.patience import patience


class Simulator:
    """One process of ferry-sim in `folder`; ready when the constructor is back."""

    def __init__(self, build_dir, folder, *groups, timeout=20):
        self.folder = Path(folder)
        self.stats_file = self.folder / "stats.json"
        self.program = Path(build_dir) / "bin" / "ferry-sim"
        args = [self.program, "--dir", self.folder, "--control",
                self.folder / "control", "--stats", self.stats_file]
        for group in groups:
            args += ["--devices", group]
        self.ports = {}
        self.links = {}  # names that stay when a port moves
        self.coordinators = {}  # of ZigBee networks: name and port
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
        self._wait_ready()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(patience(timeout))
        self._socket.connect(str(self.folder / "control"))
        self._file = self._socket.makefile("rw")

    def _wait_ready(self):
        for line in self.process.stdout:
            words = line.split()
            if words[0] == "device":
                self.ports[words[1]] = words[2]
                self.links[words[1]] = words[-1]
            if words[0] == "coordinator":
                self.coordinators[words[1]] = words[-1]
            if words[0] == "ready":
                return
        raise RuntimeError(f"ferry-sim ended with {self.process.wait()}")

    def ask(self, command):
        """One command; its JSON answer as it is."""
        self._file.write(command + "\n")
        self._file.flush()
        return json.loads(self._file.readline())

    def do(self, command):
        answer = self.ask(command)
        assert answer.get("ok"), f"{command}: {answer}"
        return answer

    def state(self, name):
        return self.ask(f"state {name}")

    def counts(self, name):
        return self.state(name)["counts"]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self):
        """Ends it by SIGTERM; returns the statistics."""
        self.process.terminate()
        code = self.process.wait(timeout=patience(20))
        self._close()
        assert code == 0, f"ferry-sim ended with {code}"
        return json.loads(self.stats_file.read_text())

    def _close(self):
        self._file.close()
        self._socket.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.kill()


def make_image(build_dir, path, version, size, *more):
    """A MCUboot image file; returns {version, hash, sha256, length}."""
    out = subprocess.run(
        [Path(build_dir) / "bin" / "ferry-sim", "mkimage", "--version", version,
         "--size", str(size), *more, path],
        check=True, capture_output=True, text=True)
    return json.loads(out.stdout)
