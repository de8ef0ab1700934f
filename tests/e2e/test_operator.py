"""What people ask for, and what they see."""

import json
import signal

import pytest

from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def test_candidate_is_enrolled_by_a_person_and_never_written_before(site):
    site.add_class("lamp", auto_enrol="false")
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    candidate = wait_for("a candidate", lambda:
                         site.get("/v1/candidates")["items"])[0]
    assert candidate["classes"] == ["lamp"]
    assert sim.counts("lamp-1")["requests"] == 0
    done = site.ctl("enrol", candidate["key"], "lamp")
    assert done.returncode == 0, done.stderr
    site.wait_jobs(1, "done")
    site.stop_ferryd()


def test_approval_is_waited_for_and_given(site):
    site.add_class("lamp", extra='approval = "ask";')
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    wait_for("the approval gate alone", lambda: [
        g["gate"] for g in site.job("lamp-1")["gates"]] == ["approval"])
    assert sim.counts("lamp-1")["uploads_started"] == 0
    done = site.ctl("approve", str(job["id"]))
    assert done.returncode == 0, done.stderr
    job = site.wait_job("lamp-1", "done")
    assert job["approval"]["state"] == "approved"
    assert job["approval"]["by"].startswith("uid:")
    site.stop_ferryd()


def test_declined_job_is_not_made_again(site):
    site.add_class("lamp", extra='approval = "ask";')
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    status, answer = site.post(f"/v1/jobs/{job['id']}/decline")
    assert status == 200, answer
    site.wait_job("lamp-1", "declined")
    site.post("/v1/check")
    site.stop_ferryd()
    site.start_ferryd()
    wait_for("the reading", lambda: site.devices()["lamp-1"]["online"])
    assert len(site.jobs()) == 1
    site.stop_ferryd()


def test_window_that_is_shut_keeps_the_job_waiting(site):
    # A window of one minute, half a day away.
    import datetime
    start = datetime.datetime.now(datetime.timezone.utc) + \
        datetime.timedelta(hours=12)
    text = start.strftime("%H:%M-") + (
        start + datetime.timedelta(minutes=1)).strftime("%H:%M")
    site.add_class("lamp", extra=f'window = "{text}";')
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "waiting")
    gate = wait_for("the window gate", lambda: [
        g for g in site.job("lamp-1")["gates"] if g["gate"] == "window"])[0]
    assert gate["until"] is not None
    site.stop_ferryd()


def test_pause_resume_and_cancel_in_mid_transfer(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=60000)
    sim = site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    job = site.wait_progress("lamp-1", 20)
    path = f"/v1/jobs/{job['id']}"
    assert site.post(f"{path}/pause")[0] == 200
    site.wait_job("lamp-1", "paused")
    accepted = sim.counts("lamp-1")["payload_accepted"]
    assert site.post(f"{path}/resume")[0] == 200
    wait_for("more bytes", lambda: sim.counts("lamp-1")
             ["payload_accepted"] > accepted)
    assert sim.counts("lamp-1")["uploads_started"] == 1
    assert site.post(f"{path}/cancel")[0] == 200
    site.wait_job("lamp-1", "cancelled")
    assert sim.state("lamp-1")["running"]["version"].startswith("1.0.0")
    # Only a person begins it again.
    done = site.ctl("retry", str(job["id"]))
    assert done.returncode == 0, done.stderr
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_watchers_see_states_and_progress(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=40000)
    site.start_sim("name=lamp-1,baud=115200")
    site.start_ferryd()
    site.wait_jobs(1, "done")
    history = site.get("/v1/history?device=lamp-1")["items"]
    assert [h["event"] for h in history] == ["job-done", "device-enrolled"]
    assert history[0]["to_version"] == "2.0.0"
    site.stop_ferryd()


def test_reload_takes_new_links_and_refuses_bad_files(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    (site.etc / "classes.d" / "bad.conf").write_text("vendor = 1;\n")
    site.ferryd.send_signal(signal.SIGHUP)

    def alarms():
        return [a for a in site.get("/v1/status")["alarms"]
                if a["code"] == "config"]

    text = wait_for("the alarm", alarms)[0]["text"]
    assert "bad.conf:1: vendor " in text, text
    assert site.logged("bad.conf")
    (site.etc / "classes.d" / "bad.conf").unlink()
    site.start_sim("name=lamp-9", name="sim2")
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the new device", lambda: len(site.devices()) == 2)
    assert alarms() == []
    site.wait_jobs(2, "done")
    site.stop_ferryd()


def test_downgrade_only_by_an_admin_and_only_one_device(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-%u,count=2,first=1")
    site.start_ferryd()
    site.wait_jobs(2, "done")
    status, answer = site.post("/v1/update", {"devices": ["lamp-1"]})
    assert status == 200 and answer["unchanged"] == ["lamp-1"], answer
    done = site.ctl("update", "lamp-1", "--yes")
    assert done.returncode == 2, done
    site.stop_ferryd()


def test_forget_ends_what_is_known_of_a_device(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    (site.etc / "classes.d" / "lamp.conf").write_text(
        (site.etc / "classes.d" / "lamp.conf").read_text().replace(
            "auto_enrol = true", "auto_enrol = false"))
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("the reload", lambda: site.logged("configuration reloaded"))
    assert site.post("/v1/devices/lamp-1/forget")[0] == 200
    assert site.devices() == {}
    assert site.get("/v1/candidates")["items"]
    site.stop_ferryd()
    site.start_ferryd()
    assert site.devices() == {}
    site.stop_ferryd()


def test_json_output_of_ferryctl_is_the_api(site):
    site.add_class("lamp")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the device", lambda: site.devices())
    for verb in ("devices", "jobs", "links", "vendors", "plan", "images",
                 "history", "candidates", "offers"):
        done = site.ctl(verb, "--json")
        assert done.returncode in (0, 2), (verb, done.stderr)
        json.loads(done.stdout)
    assert site.ctl("device", "show", "nobody").returncode == 3
    site.stop_ferryd()


def test_wrong_words_are_answered_with_what_is_right(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_jobs(1, "done")
    job = site.job("lamp-1")
    assert job["by"] == "catalog", "who asked is known after the end too"
    rows = (
        (("jobs", "--state", "nonsense"), 1, "must be open or a state"),
        (("watch", "--types", "bogus"), 1, "must be types of events"),
        (("explain", "99"), 3, "ferryctl jobs lists them"),
        (("cancel", "99"), 3, "ferryctl jobs lists them"),
        (("cancel", str(job["id"])), 1, f"job {job['id']} is done"),
        (("plan", "nobody"), 3, "no such device: nobody"),
        (("update", "nobody", "--yes"), 3, "ferryctl devices lists them"),
        (("update", "lamp-1", "--window", "25:00-1"), 1, "22:00-05:00"),
        (("backup", "/proc/ferry"), 1, "cannot be written by ferryd"),
    )
    for words, code, text in rows:
        done = site.ctl(*words)
        assert (done.returncode, text in done.stderr) == (code, True), \
            (words, done)
    backup = site.folder / "backup"
    status, answer = site.post("/v1/backup", {"dir": str(backup)})
    assert status == 200
    assert answer["bytes"] == sum(f.stat().st_size for f in backup.iterdir())
    site.stop_ferryd()
