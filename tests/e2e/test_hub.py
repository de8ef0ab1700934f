"""Many devices behind one radio: SMP in datagrams through the driver `sim`."""

import pytest

from ferrytest.simulator import Simulator
from ferrytest.site import Failure, Site, wait_for

COUNT = 32
GROUP = (f"name=lamp-%02u,count={COUNT},transport=sim,payload=244,"
         "flash=memory,think=0,boot=50ms,swap=50ms,size=4000")
ONE = "name=lamp-1,transport=sim,payload=244,flash=memory"


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def start_hub(site, *groups, name="radio"):
    sim = Simulator(site.bin.parent, site.folder / name, *groups)
    site.sims.append(sim)
    (site.etc / "links.d" / "lamp-hub.conf").write_text(
        f'driver = "sim"; params = {{ path = "{sim.folder}/hub.sock"; }};\n')
    return sim


def done(site, count, limit=60):
    return site.wait_jobs(count, "done", limit)


def name_of(site, peer):
    """The id of the device that the radio knows as `peer`."""
    for device in site.devices().values():
        if device["peer"] == peer:
            return device["id"]
    return None


def check_updated(site, sim, name, uploads=1):
    state = sim.state(name)
    assert state["running"]["version"].startswith("2.0.0")
    assert state["confirmed"] is True
    assert state["counts"]["uploads_started"] == uploads, state
    assert state["counts"]["reverts"] == 0


def link(site):
    return site.get("/v1/links")["items"][0]


def test_every_peer_of_a_hub_is_updated(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=4000)
    sim = start_hub(site, GROUP)
    site.start_ferryd()
    done(site, COUNT, 120)
    devices = site.devices()
    assert len(devices) == COUNT
    for device in devices.values():
        assert device["version"] == "2.0.0" and device["confirmed"] is True
        check_updated(site, sim, device["peer"])
    assert link(site)["peers"] == COUNT
    payloads = [r for r in site.nginx.requests() if " /p/" in r]
    assert len(payloads) == 1
    site.stop_ferryd()


def test_peers_are_candidates_until_a_person_enrols_them(site):
    site.add_class("lamp", auto_enrol="false")
    site.release("lamp", "2.0.0", size=4000)
    sim = start_hub(site, GROUP)
    site.start_ferryd()
    candidates = wait_for("all candidates", lambda: [
        c for c in [site.get("/v1/candidates")["items"]]
        if len(c) == COUNT])[0]
    assert site.devices() == {}
    one = candidates[5]
    assert one["classes"] == ["lamp"] and one["link"] == "lamp-hub"
    answer = site.ctl("enrol", one["key"], "lamp")
    assert answer.returncode == 0, answer.stderr
    done(site, 1)
    check_updated(site, sim, one["peer"])
    assert len(site.get("/v1/candidates")["items"]) == COUNT - 1
    untouched = candidates[6]["peer"]
    assert sim.counts(untouched)["requests"] == 0
    site.stop_ferryd()


@pytest.mark.parametrize("payload", [64, 1024])
def test_payload_that_changes_in_mid_transfer_is_followed(site, payload):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=20000)
    sim = start_hub(site, ONE + ",baud=115200")
    site.start_ferryd()
    wait_for("a part", lambda:
             sim.counts("lamp-1")["payload_accepted"] > 5000)
    sim.do(f"payload lamp-1 {payload}")
    done(site, 1)
    check_updated(site, sim, "lamp-1")
    site.stop_ferryd()


def test_datagrams_that_get_lost_are_sent_again(site):
    site.add_class("lamp", options="answer_ms=500 reassembly=no")
    site.release("lamp", "2.0.0", size=8000)
    sim = start_hub(site, ONE + ",switch=loss=31")
    site.start_ferryd()
    done(site, 1, 120)
    check_updated(site, sim, "lamp-1")
    site.stop_ferryd()


def test_hub_that_restarts_is_found_again(site):
    """The radio and its devices lose their power: uploads begin anew."""
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=20000)
    group = "name=lamp-1,transport=sim,baud=115200"
    sim = start_hub(site, group)
    site.start_ferryd()
    wait_for("a part", lambda:
             sim.counts("lamp-1")["payload_accepted"] > 5000)
    sim.kill()
    wait_for("the loss", lambda: link(site)["state"] != "up")
    sim = start_hub(site, group)
    done(site, 1, 90)
    check_updated(site, sim, "lamp-1")
    site.stop_ferryd()


def test_peer_that_vanishes_and_returns_goes_on(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=20000)
    sim = start_hub(site, ONE + ",baud=115200", "name=lamp-2,transport=sim,"
                    "payload=244,flash=memory")
    site.start_ferryd()
    wait_for("a part", lambda:
             sim.counts("lamp-1")["payload_accepted"] > 5000)
    sim.do("unplug lamp-1 forever")
    device = name_of(site, "lamp-1")
    wait_for("its absence", lambda: not site.devices()[device]["online"])
    # The other one is not held up by it.
    other = name_of(site, "lamp-2")
    site.wait_job(other, "done")
    sim.do("replug lamp-1")
    done(site, 2)
    check_updated(site, sim, "lamp-1")
    check_updated(site, sim, "lamp-2")
    site.stop_ferryd()


def test_kill_while_a_hub_is_busy_converges(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=12000)
    sim = start_hub(site, "name=lamp-%u,count=6,transport=sim,flash=memory,"
                    "baud=115200")
    site.start_ferryd()
    wait_for("a part", lambda:
             sim.counts("lamp-3")["payload_accepted"] > 4000)
    site.kill_ferryd()
    site.start_ferryd()
    done(site, 6)
    for n in range(6):
        check_updated(site, sim, f"lamp-{n}")
        assert sim.counts(f"lamp-{n}")["resets"] == 1
    site.stop_ferryd()


@pytest.mark.parametrize("security, tier", [(0, "basic"), (2, "+1"),
                                            (3, "+1")])
def test_security_of_the_radio_is_the_tier_of_step_7(site, security, tier):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=4000)
    start_hub(site, ONE + f",security={security}")
    site.start_ferryd()
    done(site, 1)
    device = name_of(site, "lamp-1")
    row = {r["step"]: r for r in site.get(f"/v1/devices/{device}")["ledger"]}
    assert row[7]["tier"] == tier, row[7]
    site.stop_ferryd()


def test_class_that_wants_more_security_than_the_radio_has_gets_nothing(site):
    site.add_class("lamp", extra='tiers = ( { step = 7; tier = "+1"; } );')
    site.release("lamp", "2.0.0", size=4000)
    sim = start_hub(site, ONE + ",security=0")
    site.start_ferryd()

    def refused():
        rows = site.get("/v1/plan")["items"]
        job = name_of(site, "lamp-1") and site.job(name_of(site, "lamp-1"))
        return [r for r in rows if r["decision"] == "refuse"] or (
            job and job["state"] in ("failed", "unverified", "done") and job)

    try:
        what = wait_for("a refusal", refused)
    except Failure:
        raise Failure(site.jobs(), site.get("/v1/plan")) from None
    assert sim.counts("lamp-1")["uploads_started"] == 0, what
    site.stop_ferryd()
