"""What a link to zigbee2mqtt trusts is judged before anything runs: who else
could have read its secrets, or could change the copies of images."""

import signal
import subprocess

import pytest

from ferrytest.site import Site, wait_for

LINK = 'delegate = "zigbee2mqtt";\nparams = {{\n\turl = "{url}";\n\t{rest}\n}};\n'


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def put(path, mode):
    path.write_text("hub\nopen sesame\n")
    path.chmod(mode)
    return path


def shown_key(site):
    key = put(site.folder / "key.pem", 0o644)
    return ("mqtts://broker", f'hand_over = "url"; cert = "/c.pem"; '
            f'key = "{key}";', "key must not be open to others: mode is 644, "
            "must be 600")


def missing_key(site):
    return ("mqtts://broker", 'hand_over = "url"; cert = "/c.pem"; '
            f'key = "{site.folder}/nothing";', "key cannot be read: No such "
            "file or directory")


def shown_credentials(site):
    shown = put(site.folder / "shown", 0o604)
    return ("mqtt://broker", f'hand_over = "url"; credentials = "{shown}";',
            "credentials must not be open to others: mode is 604, must be 600 "
            "or 640")


def open_above(site):
    above = site.folder / "above"
    folder = above / "copies"
    folder.mkdir(parents=True, mode=0o750)
    above.chmod(0o777)
    return ("mqtt://broker", f'folder = "{folder}";',
            f"folder must not be writable by group or others: {above}")


@pytest.mark.parametrize("wrong", [shown_key, missing_key, shown_credentials,
                                   open_above])
def test_check_start_and_reload_refuse_what_others_can_reach(site, wrong):
    url, rest, said = wrong(site)
    site.start_ferryd()
    file = site.etc / "links.d/bad.conf"
    file.write_text(LINK.format(url=url, rest=rest))
    line = f"{file}:4: {said}"
    for options in (["--check"], []):
        done = subprocess.run([site.bin / "ferryd", "--config", site.etc,
                               *options], capture_output=True, text=True,
                              timeout=100)
        assert done.returncode == 1
        assert f"ferryd: {line}" in done.stderr.splitlines(), done.stderr
        assert "sesame" not in done.stderr
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the alarm", lambda: "config" in
             [a["code"] for a in site.get("/v1/status")["alarms"]])
    site.stop_ferryd()
