"""The thirteen steps with evidence: what a person and the vendor get to see."""

import sqlite3

import cbor2
import pytest

from ferrytest import forge as forging
from ferrytest.forge import Forge
from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def ledger(site, device="lamp-1"):
    return {s["step"]: s for s in
            site.get(f"/v1/devices/{device}")["ledger"]}


def report(site):
    """The newest record of the outbox."""
    db = sqlite3.connect(f"file:{site.state}/state.db?mode=ro&immutable=1",
                         uri=True)
    body = db.execute("SELECT body FROM outbox ORDER BY seq DESC"
                      ).fetchone()[0]
    db.close()
    return cbor2.loads(bytes([0xa0 | body[0]]) + b"\x01\x01" + body[1:])


def with_reports(site):
    file = site.etc / "vendors.d" / "acme.conf"
    file.write_text(file.read_text().replace(
        "interval_s", 'reports = "reports"; interval_s'))


def test_every_step_of_a_done_job_has_evidence_and_is_reported(site):
    with_reports(site)
    site.add_class("lamp", extra='device_checks = "signature";\n'
                   'tiers = ( { step = 4; tier = "+2"; }, '
                   '{ step = 8; tier = "+1"; }, '
                   '{ step = 11; tier = "+1"; } );')
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "done")
    steps = ledger(site)
    assert sorted(steps) == list(range(1, 14))
    for row in steps.values():
        assert row["outcome"] in ("ok", "declared"), row
        assert row["evidence"], row
    assert steps[2]["tier"] == "none"
    assert steps[3]["evidence"]["client_certificate"] is True
    assert "1.3" in steps[4]["evidence"]["tls"]
    assert steps[8]["tier"] == "+1" and steps[8]["outcome"] == "declared"
    assert steps[11]["tier"] == "+1"
    story = site.ctl("explain", str(job["id"])).stdout
    for name in ("sign", "protect", "send", "receive", "check", "announce",
                 "distribute", "process", "stage", "apply", "reverify",
                 "activate", "cleanup"):
        assert name in story, story
    shown = site.ctl("device", "show", "lamp-1").stdout
    assert "REQUIRED" in shown and "reverify" in shown
    site.stop_ferryd()
    rows = report(site)[9]
    assert [r[0] for r in rows] == list(range(1, 14))
    assert [8, 1, "declared"] in rows and [2, -1, "ok"] in rows
    assert [11, 1, "ok"] in rows


def test_steps_before_a_restart_are_in_the_report_too(site):
    with_reports(site)
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=100000)
    site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 20)
    site.kill_ferryd()
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()
    assert [r[0] for r in report(site)[9]] == list(range(1, 14))


def test_refused_release_leaves_its_checks_and_skips_the_rest(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    key = forging.new_key()
    Forge(site).root(lambda r: r[6][3].update(
        {2: [{1: forging.cose_key(key)}]}))
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "failed")
    steps = ledger(site)
    assert steps[1]["outcome"] == "failed", steps[1]
    assert any("author-signature fail" in c
               for c in steps[1]["evidence"]["checks"])
    assert {s["outcome"] for n, s in steps.items() if n >= 6} == {"skipped"}
    assert "Did not happen" in site.ctl("explain", str(job["id"])).stdout


def test_jobs_of_a_state_are_found_on_every_page(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-%u,count=3,first=1")
    site.start_ferryd()
    site.wait_jobs(3, "done")
    first = site.get("/v1/jobs?state=done&limit=2")
    assert len(first["items"]) == 2 and first["next"]
    rest = site.get(f"/v1/jobs?state=done&limit=2&before={first['next']}")
    assert len(rest["items"]) == 1 and rest["next"] is None
    assert site.get("/v1/jobs?state=failed&limit=2")["items"] == []
    wait_for("the devices", lambda: len(site.devices()) == 3)
