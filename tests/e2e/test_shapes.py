"""Every answer of the real ferryd has the shape that docs/openapi.json gives,
in whatever situation the gateway is."""

import json
import shutil
from pathlib import Path

import pytest

from ferrytest.site import Site, wait_for
from openapi_shapes import Shapes

SHAPES = Shapes(Path(__file__).resolve().parents[2] / "docs" / "openapi.json")
LISTS = ("status", "vendors", "links", "candidates", "classes", "devices",
         "offers", "plan", "jobs", "images", "history")


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def walk(site):
    """Reads every resource; returns the lists by name."""
    problems = []
    answers = {}
    for name in LISTS:
        answers[name] = site.get(f"/v1/{name}")
        problems += SHAPES.check_answer("GET", f"/v1/{name}", answers[name])
    for device in answers["devices"]["items"]:
        problems += SHAPES.check_answer(
            "GET", "/v1/devices/{id}", site.get(f"/v1/devices/{device['id']}"))
    for job in answers["jobs"]["items"]:
        problems += SHAPES.check_answer(
            "GET", "/v1/jobs/{job}", site.get(f"/v1/jobs/{job['id']}"))
    assert not problems, "\n".join(problems)
    return answers


def act(site, path, document_path, body=None):
    status, answer = site.post(path, body)
    assert status == 200, answer
    problems = SHAPES.check_answer("POST", document_path, answer)
    assert not problems, "\n".join(problems)
    return answer


def problem(site, method, path, status, body=None):
    got, answer = site.request(method, path, body)
    assert got == status, answer
    assert not SHAPES.check("Problem", answer), answer
    return answer


def test_shapes_when_nothing_is_configured(site):
    for path in site.etc.glob("*.d/*.conf"):
        path.unlink()
    site.start_ferryd()
    answers = walk(site)
    assert answers["vendors"]["items"] == []
    act(site, "/v1/check", "/v1/check")
    act(site, "/v1/update", "/v1/update", {"all": True})
    problem(site, "GET", "/v1/devices/nobody", 404)
    problem(site, "GET", "/v1/jobs/1", 404)
    problem(site, "POST", "/v1/jobs/1/cancel", 404, {})
    site.stop_ferryd()


def test_shapes_when_jobs_wait_move_and_end(site):
    site.add_class("lamp", auto_enrol="false")
    site.add_class("door", extra='approval = "ask"; window = "00:00-24:00";')
    site.release("lamp", "2.0.0", "--notes", "Sleeps longer", size=60000)
    site.release("door", "2.0.0", size=60000)
    site.start_sim("name=lamp-1,baud=115200", "lamps")
    site.start_sim("name=door-1,baud=115200", "doors")
    site.start_ferryd()
    site.wait_job("door-1", "waiting")
    answers = walk(site)
    assert len(answers["candidates"]["items"]) == 1
    key = answers["candidates"]["items"][0]["key"]
    device = act(site, f"/v1/candidates/{key.replace(':', '%3A')}/enrol",
                 "/v1/candidates/{key}/enrol", {"class": "lamp"})
    job = site.wait_progress(device["id"], 10)
    walk(site)
    act(site, f"/v1/jobs/{job['id']}/pause", "/v1/jobs/{job}/pause")
    site.wait_job(device["id"], "paused")
    walk(site)
    act(site, f"/v1/jobs/{job['id']}/resume", "/v1/jobs/{job}/resume")
    door = site.job("door-1")
    act(site, f"/v1/jobs/{door['id']}/approve", "/v1/jobs/{job}/approve")
    site.wait_jobs(2, "done")
    walk(site)
    act(site, "/v1/check", "/v1/check")
    act(site, "/v1/update", "/v1/update", {"devices": ["door-1", "nobody"]})
    act(site, "/v1/backup", "/v1/backup", {"dir": str(site.folder / "b")})
    problem(site, "POST", f"/v1/jobs/{door['id']}/pause", 409, {})
    act(site, f"/v1/devices/{device['id']}/forget", "/v1/devices/{id}/forget")
    walk(site)
    site.stop_ferryd()


def test_shapes_when_updates_fail_and_servers_are_gone(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1,switch=revert=200ms")
    (site.etc / "links.d" / "gone.conf").write_text(
        'driver = "serial"; params = { port = "/dev/ferry-none"; };\n')
    site.start_ferryd()
    wait_for("the end", lambda: site.job("lamp-1") and
             site.job("lamp-1")["state"] in ("failed", "unverified"))
    answers = walk(site)
    assert answers["jobs"]["items"][0]["failure"]
    site.nginx.stop()
    site.nginx = None
    assert act(site, "/v1/check", "/v1/check")["items"][0]["result"] == \
        "failed"
    walk(site)
    act(site, f"/v1/jobs/{site.job('lamp-1')['id']}/retry",
        "/v1/jobs/{job}/retry")
    walk(site)
    site.stop_ferryd()


def test_shapes_when_trust_is_locked(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_jobs(1, "done")
    site.stop_ferryd()
    (site.state / "trust.db").unlink()
    shutil.rmtree(site.state / "cache")
    site.start_ferryd()
    answers = walk(site)
    assert answers["status"]["trust"]["state"] == "locked"
    assert "trust-locked" in [a["code"]
                              for a in answers["status"]["alarms"]]
    status, answer = site.post("/v1/backup", {"dir": str(site.folder / "b")})
    assert status != 200 and not SHAPES.check("Problem", answer), answer
    act(site, "/v1/trust/unlock", "/v1/trust/unlock")
    wait_for("a catalog", lambda: site.get("/v1/vendors")["items"][0]
             ["catalog"]["state"] == "fresh")
    walk(site)
    site.stop_ferryd()


def test_release_that_is_refused_has_shapes_and_a_reason(site):
    # Without revocation evidence nothing is accepted: the preset.
    site.revocation = "require"
    site.vendor_extra = 'revocation_tls = "off";'
    site.write_config()
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    for path in (site.pub / "www" / "r").iterdir():
        path.unlink()
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    offer = wait_for("the refusal", lambda: [
        o for o in site.get("/v1/offers")["items"]
        if o["state"] == "refused"])[0]
    assert offer["refusal"]["code"]
    walk(site)
    done = site.ctl("plan", "--json")
    assert json.loads(done.stdout)["items"]
    site.stop_ferryd()
