"""What people are told: of a device that does not fit its class, of what is known
of a device, of links that cannot be opened, and of jobs that failed."""

import socket

import pytest

from ferrytest.site import wait_for
from ferrytest.zigbee import ZigbeeSite, group


@pytest.fixture
def site(tmp_path, build_dir):
    with ZigbeeSite(tmp_path, build_dir) as one:
        yield one


def candidate(site, key):
    return next((c for c in site.get("/v1/candidates")["items"]
                 if c["key"] == key), None)


def known_candidate(site, node, name="model"):
    """The key of a candidate that has told an attribute of itself."""
    key = site.node(node)["eui64"]
    wait_for("its attributes", lambda: (
        candidate(site, key) or {"attributes": {}})["attributes"].get(name))
    return key


# ---- a device that does not fit its class ----

def test_class_that_does_not_fit_is_told_everywhere(site):
    site.add_zigbee_class("bulb", match='model = "LCT*"')
    site.release_ota("bulb", site.make_ota(2, size=2000))
    site.start_radio(group(model="SP120"))
    site.start_ferryd()
    key = known_candidate(site, "bulb-1")
    done = site.ctl("enrol", key, "bulb")
    assert done.returncode == 0, done.stderr
    assert "enrolled bulb-1" in done.stdout
    for word in ("warning", "model", "LCT*", "SP120"):
        assert word in done.stderr, done.stderr
    plan = wait_for("a plan to install", lambda: [
        row for row in site.get("/v1/plan")["items"]
        if row["decision"] in ("install", "wait")])
    assert any("LCT*" in text for text in plan[0]["warnings"]), plan
    shown = site.ctl("device", "show", "bulb-1").stdout
    assert "LCT*" in shown, shown


def test_class_that_fits_has_no_warning(site):
    site.add_zigbee_class("bulb", match='model = "LCT*"', auto_enrol="false")
    site.start_radio(group(model="LCT015"))
    site.start_ferryd()
    key = known_candidate(site, "bulb-1")
    done = site.ctl("enrol", key, "bulb")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert site.devices()["bulb-1"]["warnings"] == []


def test_class_given_before_the_device_told_is_not_known_to_fit(site):
    site.add_zigbee_class("bulb", match='hw_version = "0x0007"')
    site.start_radio(group())
    site.start_ferryd()
    key = known_candidate(site, "bulb-1", "manufacturer")
    status, answer = site.post(f"/v1/candidates/{key}/enrol",
                               {"class": "bulb"})
    assert status == 200
    assert "has not told its hw_version" in answer["warnings"][0], answer
    # Nothing speaks against it: it is not repeated.
    assert site.devices()["bulb-1"]["warnings"] == []


def test_classify_warns_too(site):
    site.add_zigbee_class("bulb")
    site.add_zigbee_class("plug", match='model = "SP*"')
    site.start_radio(group(model="LCT015"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    wait_for("its model", lambda:
             site.devices()[device]["attributes"].get("model"))
    done = site.ctl("classify", device, "plug")
    assert done.returncode == 0 and "SP*" in done.stderr, done.stderr


# ---- what is known of a device ----

def test_device_has_what_driver_and_engine_know(site):
    site.add_zigbee_class("bulb")
    site.start_radio(group(model="LCT015"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    wait_for("its model", lambda:
             site.devices()[device]["attributes"].get("model"))
    row = site.get(f"/v1/devices/{device}")
    assert row["attributes"]["manufacturer"] == "0x1234"
    assert row["attributes"]["image_type"] == "0x0001"
    assert row["attributes"]["kind"] == "router"
    assert row["sleepy"] is False
    assert row["last_heard"]
    shown = site.ctl("device", "show", device).stdout
    for word in ("LCT015", "0x1234", "0x0001", "router", "heard"):
        assert word in shown, shown


def test_sleeper_that_was_never_read_waits_to_wake(site):
    site.add_zigbee_class("bulb")
    # The hub's own stack tells of its devices before they speak.
    site.start_radio(group("zcl-socket", poll="60s", interval="3600s"),
                     stack="zcl-socket")
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    row = site.devices()[device]
    assert row["sleepy"] is True
    assert [gate["gate"] for gate in row["waits"]] == ["wake"], row
    assert row["version"] == "" and row["last_heard"] is None
    shown = site.ctl("device", "show", device).stdout
    assert "sleeps" in shown and "wake: has not told yet" in shown, shown


# ---- links ----

def link(site, name):
    return next(row for row in site.get("/v1/links")["items"]
                if row["name"] == name)


def test_links_say_what_is_known_of_their_security(site):
    site.add_zigbee_class("bulb")
    site.add_class("lamp")
    site.start_radio(group())
    site.start_sim("name=lamp-1", "lamps")
    (site.etc / "links.d" / "gone.conf").write_text(
        'driver = "zigbee"; params = { stack = "zcl-socket"; '
        'port = "/nonexistent/stack.sock"; };\n')
    site.start_ferryd()
    wait_for("the radio", lambda:
             link(site, "hub")["security"] == "network")
    lamp = next(row for row in site.get("/v1/links")["items"]
                if row["driver"] == "serial")
    assert lamp["security"] == "none"
    assert link(site, "gone")["security"] is None
    assert "ENCRYPTED" in site.ctl("links").stdout


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_port_that_cannot_be_opened_is_named_with_what_helps(site):
    target = f"tcp://127.0.0.1:{free_port()}"
    rows = {
        "stick": ("zigbee", 'stack = "znp"; port = "/dev/ferry-none"',
                  "/dev/ferry-none", "plugged in"),
        "stack": ("zigbee", 'stack = "zcl-socket"; '
                  'port = "/nonexistent/stack.sock"',
                  "/nonexistent/stack.sock", "stack run"),
        "server": ("zigbee", f'stack = "ezsp"; port = "{target}"',
                   target, "nobody listens"),
        "usb": ("zigbee", 'stack = "znp"; port = "usb:ffff:0001"',
                "usb:ffff:0001", "plugged in"),
    }
    for name, (driver, params, _, _) in rows.items():
        (site.etc / "links.d" / f"{name}.conf").write_text(
            f'driver = "{driver}"; params = {{ {params}; }};\n')
    site.start_ferryd()
    for name, (_, _, place, help_text) in rows.items():
        said = wait_for(f"{name} to fail", lambda: (
            link(site, name)["failure"] or {"hint": ""})["hint"])
        assert place in said and help_text in said, said
        assert place in site.ctl("links").stdout


def test_serial_port_that_is_waited_for_says_so_in_its_address(site):
    (site.etc / "links.d" / "line.conf").write_text(
        'driver = "serial"; params = { port = "/dev/ferry-none"; };\n')
    site.start_ferryd()
    said = wait_for("its address", lambda: link(site, "line")["address"])
    assert said.startswith("/dev/ferry-none: ") and said.endswith("what is")


# ---- jobs that failed ----

def ended(site, device, state="failed"):
    """The last job of a device, whose failure and ledger agree."""
    job = site.wait_job(device, state, 120)
    job = site.get(f"/v1/jobs/{job['id']}")
    steps = {row["step"]: row for row in job["ledger"]}
    step = job["failure"]["step"]
    assert steps[step]["outcome"] == "failed", (step, steps[step])
    others = [row["step"] for row in job["ledger"]
              if row["outcome"] == "failed"]
    assert others == [step], others
    said = site.ctl("explain", str(job["id"])).stdout
    assert f"in step {step} ({steps[step]['name']})" in said, said
    words = " ".join(said.split())
    assert job["failure"]["remedy"] in words, said
    return job, steps, words


def test_wrong_class_is_cured_by_another_class(site):
    site.add_zigbee_class("bulb")
    site.add_zigbee_class("plug", auto_enrol="false")
    site.release_ota("bulb", site.make_ota(2, size=2000, manufacturer=0x4321))
    site.release_ota("plug", site.make_ota(2, size=2000))
    site.start_radio(group())
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    job, steps, said = ended(site, device)
    assert job["failure"]["code"] == "zigbee-not-for", job
    assert job["actions"] == ["classify"]
    assert f"ferryctl classify {device} CLASS" in said, said
    assert "ferryctl retry" not in said, said
    assert steps[5]["outcome"] == "ok" and steps[10]["outcome"] == "skipped"
    assert steps[7]["evidence"] == {
        "code": "zigbee-not-for", "text": job["failure"]["text"],
        "link": "hub", "security": 1}
    done = site.ctl("classify", device, "plug")
    assert done.returncode == 0, done.stderr
    # As was told: no retry is needed.
    assert site.wait_job(device, "done", 120)["class"] == "plug"
    assert site.get(f"/v1/jobs/{job['id']}")["actions"] == []


def test_older_version_is_cured_by_an_order(site):
    site.add_zigbee_class("bulb", options="downgrade=yes")
    site.release_ota("bulb", site.make_ota(1, size=2000))
    site.start_radio(group(version=5))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    job, _, said = ended(site, device)
    assert job["failure"]["code"] == "zigbee-downgrade"
    assert job["actions"] == ["downgrade"]
    command = f"ferryctl update {device} --allow-downgrade"
    assert command in said and "ferryctl retry" not in said, said
    done = site.ctl(*command.split()[1:], "--yes")
    assert done.returncode == 0, done.stderr
    site.wait_job(device, "done", 120)


def test_image_that_the_device_refuses_offers_no_retry(site):
    site.add_zigbee_class("bulb")
    site.release_ota("bulb", site.make_ota(2, size=2000))
    site.start_radio(group(switch="abort=0x96"))
    site.start_ferryd()
    device = site.wait_device("bulb-1")
    job, steps, said = ended(site, device)
    assert job["failure"]["code"] == "zigbee-refused", job
    assert job["actions"] == []
    assert "You can" not in said and "vendor" in said, said
    assert steps[10]["outcome"] == "skipped"


def test_reverted_image_fails_in_the_step_that_reads_it_back(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1,switch=revert=200ms")
    site.start_ferryd()
    job, steps, said = ended(site, "lamp-1")
    assert job["failure"]["code"] == "smp-reverted", job
    assert job["failure"]["step"] == 11
    assert steps[10]["outcome"] == "ok" and steps[12]["outcome"] == "skipped"
    assert steps[11]["evidence"]["version"] == "1.0.0"
    assert job["actions"] == ["retry"]
    assert f"ferryctl retry {job['id']}" in said


def test_missing_tier_fails_in_the_step_that_lacks_it(site):
    site.add_class("lamp", extra='tiers = ( { step = 7; tier = "+1"; } );')
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    job, steps, _ = ended(site, "lamp-1")
    assert job["failure"]["code"] == "job-tier"
    assert job["failure"]["step"] == 7
    assert {steps[n]["outcome"] for n in range(8, 14)} == {"skipped"}


def test_open_jobs_offer_what_is_possible(site):
    site.add_class("lamp", extra='approval = "ask";')
    site.release("lamp", "2.0.0", size=100000)
    site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    wait_for("its gate", lambda: site.job("lamp-1")["gates"])
    assert site.job("lamp-1")["actions"] == ["approve", "decline", "pause",
                                             "cancel"]
    assert site.ctl("approve", str(job["id"])).returncode == 0
    site.wait_progress("lamp-1", 10)
    assert site.job("lamp-1")["actions"] == ["pause", "cancel"]
    assert site.ctl("pause", str(job["id"])).returncode == 0
    site.wait_job("lamp-1", "paused")
    assert site.job("lamp-1")["actions"] == ["resume", "cancel"]
    assert site.ctl("cancel", str(job["id"])).returncode == 0
    job = site.wait_job("lamp-1", "cancelled")
    assert job["actions"] == ["retry"]
    rows = site.get(f"/v1/jobs/{job['id']}")["ledger"]
    assert "failed" not in {row["outcome"] for row in rows}, rows
