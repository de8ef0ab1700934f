"""ferryd --check, a start and a reload refuse the same for the same reason."""

import signal
import subprocess

import pytest

from ferrytest.site import Site, wait_for

WRONG = {
    "port of a link": (
        "links.d/bad.conf",
        'driver = "zigbee";\nparams = {\n\tstack = "zcl-socket";\n'
        '\tport = "stack.sock";\n};\n',
        "links.d/bad.conf:4: port must be the absolute path of the stack's "
        "socket, at most 107 bytes"),
    "network over a line": (
        "links.d/bad.conf",
        'driver = "serial";\nparams = { port = "/dev/x"; };\n'
        'network = { engine = "zigbee-ota"; };\n',
        "links.d/bad.conf:3: network must be left out: driver serial does not "
        "reach all devices of a radio at once, as engine zigbee-ota needs it"),
    "word of a daemon's setting": (
        "ferryd.conf", "\nretri = { budget = 3; };\n",
        "ferryd.conf:2: retri is not a setting of this file; did you mean "
        "'retry'?"),
}


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def run(site, *options):
    """What ferryd says before it ends, and its exit status."""
    done = subprocess.run([site.bin / "ferryd", "--config", site.etc, *options],
                          capture_output=True, text=True, timeout=100)
    return done.returncode, [line for line in done.stderr.splitlines()
                             if line.startswith("ferryd: ")]


@pytest.mark.parametrize("name", WRONG)
def test_check_start_and_reload_say_the_same(site, name):
    file, text, said = WRONG[name]
    site.start_ferryd()
    (site.etc / file).write_text(text)
    line = f"{site.etc}/{said}"
    assert run(site, "--check") == (1, ["ferryd: " + line])
    assert run(site) == (1, ["ferryd: " + line])
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the alarm", lambda: "config" in
             [a["code"] for a in site.get("/v1/status")["alarms"]])
    alarm = [a for a in site.get("/v1/status")["alarms"]
             if a["code"] == "config"][0]
    assert line in alarm["text"], alarm
    assert site.get("/v1/links")["items"] == []
    site.stop_ferryd()
