"""Values that are of the right type and can never mean anything are refused by
ferryd --check, in one line."""

import subprocess

import pytest

from ferrytest.zigbee import ZigbeeSite

DIGITS = ", each # one of 0-9 and a-f, not "
Z2M = ('delegate = "zigbee2mqtt";\nparams = {{ url = "mqtt://127.0.0.1:{port}"; '
       'hand_over = "url"; {more} }};\n')

MATCH = {
    "manufacturer in capitals": (
        'manufacturer = "0x117C";',
        "match.manufacturer must be written as 0x####" + DIGITS + "'0x117C'"),
    "manufacturer in decimal": (
        'manufacturer = "4476";',
        "match.manufacturer must be written as 0x####" + DIGITS + "'4476'"),
    "address with colons": (
        'eui64 = "00:12:4b:00:00:00:00:01";',
        "match.eui64 must be written as ################" + DIGITS +
        "'00:12:4b:00:00:00:00:01'"),
    "kind that is none": (
        'kind = "end-device";',
        "match.kind must be written as router or sleepy or unknown, not "
        "'end-device'"),
}


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


def check(site):
    """Exit status and what ferryd says, without the folder."""
    done = subprocess.run([site.bin / "ferryd", "--config", site.etc,
                           "--check"], capture_output=True, text=True,
                          timeout=100)
    return done.returncode, done.stderr.replace(f"{site.etc}/", "")


@pytest.mark.parametrize("name", MATCH)
def test_match_that_nothing_can_meet_is_refused(site, name):
    rule, said = MATCH[name]
    site.add_zigbee_class("bulb", match=rule)
    assert check(site) == (1, f"ferryd: classes.d/bulb.conf:3: {said}\n")


def test_match_that_something_can_meet_is_good(site):
    site.add_zigbee_class("bulb", match='manufacturer = "0x117c"; '
                          'eui64 = "00124b*"; kind = "r*"; model = "TRV 4";')
    assert check(site) == (0, "")


def test_zigbee2mqtt_has_one_link(site):
    links = site.etc / "links.d"
    (links / "a.conf").write_text(Z2M.format(port=1883, more=""))
    (links / "b.conf").write_text(Z2M.format(port=1883, more=""))
    assert check(site) == (1, "ferryd: links.d/b.conf:2: url and topic are "
                           "those of link 'a'\n")
    (links / "b.conf").write_text(Z2M.format(port=1883,
                                             more='topic = "attic";'))
    assert check(site) == (0, "")
