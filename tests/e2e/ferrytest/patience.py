"""How long a test waits for other processes before it gives up. A limit says
what is long on an idle machine; one that builds for many has several tests and
other guests on its cores, and is given more. Waits end as soon as they may:
patience costs time only where a test fails."""

import os
import time

FACTOR = 4 if os.environ.get("CI") else 1


class Failure(AssertionError):
    pass


def patience(seconds):
    return seconds * FACTOR


def wait_for(what, check, limit=60.0):
    """Polls until `check` gives something true, and returns that."""
    limit = patience(limit)
    end = time.monotonic() + limit
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {limit:g} s for {what}")
        time.sleep(0.05)
