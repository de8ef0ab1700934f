"""A house of devices behind one zigbee2mqtt, reached over TLS with certificate,
user and password. What takes long begins together; each test looks at its own
devices."""

import subprocess

import pytest

from ferrytest.site import Failure, wait_for
from ferrytest.z2m import Z2mSite, group, of_image
from ferrytest.zigbee import IMAGES, sha256, truth, version_text

TRANSFERS = 3
MANY = 5

# The prefix of the names and what is special. Those of a name in BEFORE get
# their release before anything starts.
GROUPS = {
    "many": {"count": MANY},
    "old": {"switch": "comes-back-old"},
    "dead": {"switch": "stays-dead"},
    "sleeper": {"poll": "500ms"},
    "down": {"version": 5},
    "plain": {},
    "aborted": {},
    "changed": {},
}
CLASSES = {
    "old": {"extra": "return_limit_s = 15;"},
    "dead": {"extra": "return_limit_s = 10;"},
    "aborted": {"options": "response_delay_ms=50"},
    "changed": {"options": "response_delay_ms=50"},
}
BEFORE = ("old", "dead")


def start(site):
    row = truth("NodOn")
    groups = []
    for i, (name, words) in enumerate(GROUPS.items()):
        groups.append(group(name=f"{name}-%u", eui64=f"00124b00000{i + 1}0000",
                            **words))
    groups.append(of_image(row, name="real-%u", eui64="00124b0000ff0000"))
    site.start_broker(secured=True)
    site.watch()
    site.start_nodes(groups)
    for i, name in enumerate(GROUPS):
        site.add_z2m_class(name, match=f'key = "00124b00000{i + 1}*";',
                           **CLASSES.get(name, {}))
        if name in BEFORE:
            release(site, name, 2)
    site.add_z2m_class("real", match='key = "00124b0000ff*";')
    site.release_ota("real", IMAGES / row["file"])
    site.write_z2m()
    site.start_z2m()
    site.link_z2m(broker=site.broker.params(),
                  extra=f"max_transfers = {TRANSFERS};")
    site.start_ferryd()
    put_to_sleep(site)


def put_to_sleep(site):
    """It has told what it runs; from now on it hears nothing."""
    device = site.wait_device("sleeper-1", 60)
    wait_for("the sleeper to be read",
             lambda: site.devices()[device]["version"] == version_text(1), 120)
    site.radio.do("switch sleeper-1 ignores-notify")
    release(site, "sleeper", 2)
    site.ctl("check")


def release(site, name, version, size=2000):
    path = site.make_ota(version, size=size, seed=len(name))
    site.release_ota(name, path)
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory, build_dir):
    with Z2mSite(tmp_path_factory.mktemp("house"), build_dir) as site:
        start(site)
        yield site


def wait_node(site, name, state, limit=240):
    try:
        return site.wait_node_job(name, state, limit)
    except Failure as failure:
        raise Failure(f"{failure}\n{site.z2m_log.read_text()[-4000:]}") from None


def test_several_devices_find_their_own_answers(house):
    path = release(house, "many", 2, size=6000)
    names = [f"many-{i}" for i in range(1, MANY + 1)]
    for name in names:
        house.wait_device(name, 60)
    house.ctl("check")
    together = set()

    def all_done():
        states = [j["state"] for j in house.jobs()]
        together.add(states.count("transferring"))
        return all(house.node(name)["file_version"] == version_text(2)
                   for name in names)

    wait_for("all to run it", all_done, 200)
    for name in names:
        wait_node(house, name, "done")
        assert house.node(name)["sha256"] == sha256(path)
    assert 2 <= max(together) <= TRANSFERS, together
    orders = [p for p in house.watcher.of("request/device/ota_update/update")
              if p["id"].startswith("0x00124b000001")]
    assert len(orders) == MANY
    assert len({p["transaction"] for p in orders}) == MANY


def test_ledger_says_who_did_what(house):
    release(house, "plain", 2)
    house.ctl("check")
    job = wait_node(house, "plain-1", "done")
    steps = {row["name"]: row for row in
             house.get(f"/v1/jobs/{job['id']}")["ledger"]}
    assert steps["distribute"]["evidence"]["by"] == "zigbee2mqtt"
    assert steps["distribute"]["tier"] == "basic"
    assert any("hand-over by zigbee2mqtt" in line
               for line in steps["check"]["evidence"]["checks"])
    assert steps["reverify"]["evidence"]["version"] == "0x00000002"
    assert steps["activate"]["outcome"] == "ok"


def test_downgrade_needs_the_order_of_a_person(house):
    device = house.wait_device("down-1", 60)
    release(house, "down", 3)
    house.ctl("check")
    job = house.wait_job(device, "failed", 90)
    assert job["failure"]["code"] == "zigbee-downgrade", job
    assert house.node("down-1")["counts"]["blocks"] == 0
    done = house.ctl("update", device, "--allow-downgrade", "--yes")
    assert done.returncode == 0, done.stderr
    wait_node(house, "down-1", "done")
    assert house.node("down-1")["file_version"] == version_text(3)
    key = house.node("down-1")["eui64"]
    orders = house.watcher.of("request/device/ota_update/update/downgrade")
    assert [p["id"] for p in orders] == [f"0x{key}"]
    assert not [p for p in house.watcher.of(
        "request/device/ota_update/update") if p["id"] == f"0x{key}"]


def wait_blocks(site, name, count):
    wait_for("blocks", lambda: site.node(name)["counts"]["bytes"] > count, 90)


def test_cancelled_job_aborts_the_update(house):
    device = house.wait_device("aborted-1", 60)
    release(house, "aborted", 2, size=40000)
    house.ctl("check")
    wait_blocks(house, "aborted-1", 1000)
    house.ctl("cancel", str(house.job(device)["id"]))
    wait_node(house, "aborted-1", "cancelled", 60)
    assert house.watcher.of("request/device/ota_update/update/abort")
    assert house.node("aborted-1")["file_version"] == version_text(1)


def test_changed_copy_is_a_security_failure(house):
    path = release(house, "changed", 2, size=20000)
    house.ctl("check")
    wait_blocks(house, "changed-1", 1000)
    copy = next(c for c in house.handover.glob("*.ota")
                if sha256(c) == sha256(path))
    assert copy.stat().st_mode & 0o777 == 0o440
    raw = bytearray(copy.read_bytes())
    raw[-1] ^= 1
    copy.write_bytes(raw)
    job = wait_node(house, "changed-1", "failed")
    assert job["failure"]["code"] == "delegate-changed"


def test_device_that_comes_back_old_is_failed(house):
    job = wait_node(house, "old-1", "failed")
    assert job["failure"]["code"] == "zigbee-old-version"


def test_real_image_reaches_the_device_byte_for_byte(house):
    row = truth("NodOn")
    job = wait_node(house, "real-1", "done", 400)
    house.check_node("real-1", row)
    assert house.devices()[job["device"]]["version"] == version_text(
        row["header"]["file_version"])


def test_garbage_of_others_on_the_broker_harms_nobody(house):
    for payload in (b"[", b"[" * 5000, b"\x00\xff", b'{"status":"ok"}',
                    b'[{"ieee_address":"0x1"}]', b"1" * 200000):
        for topic in ("bridge/response/device/ota_update/check",
                      "bridge/response/device/ota_update/update",
                      "bridge/response/health_check",
                      "room/plain-1", "bridge/info"):
            subprocess.run(
                ["mosquitto_pub", "-h", "127.0.0.1", "-p",
                 str(house.broker.port), "-t", f"{house.topic}/{topic}", "-s"],
                input=payload, check=True)
    release(house, "plain", 3)
    house.ctl("check")
    wait_for("version 3", lambda: house.node("plain-1")["file_version"] ==
             version_text(3), 120)


def test_sleeper_is_waited_for(house):
    device = house.wait_device("sleeper-1", 60)

    def waits():
        gates = (house.job(device) or {}).get("gates", [])
        return any(g["gate"] == "wake" for g in gates)

    wait_for("the job to wait for it to wake", waits, 120)
    told = house.ctl("explain", str(house.job(device)["id"])).stdout
    assert "zigbee2mqtt carries it out" in told, told
    assert "zigbee2mqtt asks it again" in " ".join(told.split()), told
    shown = house.ctl("device", "show", device).stdout
    assert "wake" in shown and "zigbee2mqtt" in shown, shown
    assert house.devices()[device]["sleepy"]
    house.radio.do("switch sleeper-1 ignores-notify=off")
    wait_node(house, "sleeper-1", "done")
    assert house.node("sleeper-1")["file_version"] == version_text(2)


def test_device_that_stays_silent_is_unverified(house):
    job = wait_node(house, "dead-1", "unverified", 400)
    assert job["failure"]["code"] == "zigbee-gone", job


def test_nothing_is_left_in_the_folder(house):
    wait_for("the copies to be removed",
             lambda: not list(house.handover.glob("*.ota")), 60)
