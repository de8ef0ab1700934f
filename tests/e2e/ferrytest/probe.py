"""Runs bin/http_probe and reads the JSON lines that it writes."""

import json
import subprocess

from ferrytest.patience import patience


class Probe:
    def __init__(self, build_dir):
        self.program = build_dir / "bin" / "http_probe"

    def run(self, *args, timeout=60):
        """All events of one run, in order."""
        done = subprocess.run([self.program, *map(str, args)],
                              capture_output=True, timeout=patience(timeout),
                              check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    def done(self, *args, **kwargs):
        """The last `done` (or `open`, `refused`) event of one run."""
        events = self.run(*args, **kwargs)
        ends = [e for e in events
                if e["event"] in ("done", "open", "refused")]
        return ends[-1]
