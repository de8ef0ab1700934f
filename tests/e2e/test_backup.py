"""Backup and restore of a site by the real programs."""

import shutil
import subprocess

from ferrytest.site import Site, wait_for


def restore(site, backup):
    return subprocess.run([site.bin / "ferryd", "--config", site.etc,
                           "--restore", backup], capture_output=True,
                          text=True, check=False)


def test_restore_brings_devices_back_and_keeps_floors(build_dir, tmp_path):
    with Site(tmp_path, build_dir) as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        site.start_sim("name=lamp-%u,count=1,first=1")
        site.start_ferryd()
        site.wait_jobs(1, "done")
        backup = tmp_path / "backup"
        assert site.ctl("backup", backup).returncode == 0
        assert restore(site, backup).returncode == 1, "ferryd runs"
        site.stop_ferryd()
        (site.state / "state.db").unlink()
        done = restore(site, backup)
        assert done.returncode == 0, done.stderr
        site.start_ferryd()
        assert site.get("/v1/status")["trust"]["state"] == "ok"
        assert list(site.devices()) == ["lamp-1"]
        assert site.job("lamp-1")["state"] == "done"
        site.stop_ferryd()


def test_restore_of_lost_trust_stays_locked(build_dir, tmp_path):
    with Site(tmp_path, build_dir) as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        site.start_ferryd()
        wait_for("a catalog", lambda: site.get(
            "/v1/vendors")["items"][0]["catalog"]["state"] == "fresh")
        backup = tmp_path / "backup"
        assert site.ctl("backup", backup).returncode == 0
        site.stop_ferryd()
        shutil.rmtree(site.state)
        site.state.mkdir(mode=0o700)
        done = restore(site, backup)
        assert done.returncode == 0, done.stderr
        site.start_ferryd()
        assert site.get("/v1/status")["trust"]["state"] == "locked"
        assert site.ctl("trust", "unlock").returncode == 0
        wait_for("trust", lambda: site.get(
            "/v1/status")["trust"]["state"] == "ok")
        site.stop_ferryd()


def test_restore_of_nothing_says_what_is_missing(build_dir, tmp_path):
    with Site(tmp_path, build_dir) as site:
        done = restore(site, tmp_path / "absent")
        assert done.returncode == 1
        assert "is not restored" in done.stderr
