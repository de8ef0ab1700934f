"""A backup is put back: what was known returns, what was forbidden stays so."""

import os
import shutil
import sqlite3
import subprocess

import pytest

from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def restore(site, folder, *more):
    return subprocess.run([site.bin / "ferryd", "--config", site.etc,
                           "--restore", folder, *more],
                          capture_output=True, text=True)


def floors(site):
    """Class and device floors as they lie on the disk; ferryd is stopped."""
    db = sqlite3.connect(f"file:{site.state}/trust.db?mode=ro", uri=True)
    try:
        return {table: sorted(n for (n,) in db.execute(
            f"SELECT sequence FROM {table}"))
                for table in ("catalog_floors", "class_floors",
                              "device_floors")}
    finally:
        db.close()


def updated_and_backed_up(site):
    """A device with release 2.0.0, a backup of that, then release 3.0.0."""
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    first = site.wait_job("lamp-1", "done")
    backup = site.folder / "backup"
    done = site.ctl("backup", str(backup))
    assert done.returncode == 0, done.stderr
    assert site.ctl("restore", str(backup)).returncode == 1
    site.release("lamp", "3.0.0", seed=8)
    site.post("/v1/check")
    wait_for("3.0.0", lambda: site.job("lamp-1")["to_version"] == "3.0.0"
             and site.job("lamp-1")["state"] == "done")
    return backup, first


def test_restore_brings_jobs_back_and_lowers_no_floor(site):
    backup, first = updated_and_backed_up(site)
    busy = restore(site, backup)
    assert busy.returncode == 1
    assert "systemctl stop ferryd" in busy.stderr
    site.stop_ferryd()
    before = floors(site)
    done = restore(site, backup)
    assert done.returncode == 0, done.stderr
    assert floors(site) == before
    assert not (site.state / "restore").exists()
    site.start_ferryd()
    assert site.get("/v1/status")["trust"]["state"] == "ok"
    assert first["id"] in [j["id"] for j in site.jobs()]
    # What the device really runs is read again.
    wait_for("the reading", lambda: site.devices()["lamp-1"]["version"]
             .startswith("3.0.0"))
    site.stop_ferryd()
    assert floors(site) == before


def test_restore_without_trust_file_stays_locked_until_unlocked(site):
    backup, first = updated_and_backed_up(site)
    site.stop_ferryd()
    shutil.rmtree(site.state)
    site.state.mkdir(mode=0o700)
    done = restore(site, backup)
    assert done.returncode == 0, done.stderr
    assert "is locked" in done.stdout
    site.start_ferryd()
    assert site.get("/v1/status")["trust"]["state"] == "locked"
    assert first["id"] in [j["id"] for j in site.jobs()]
    assert site.ctl("trust", "unlock").returncode == 0
    wait_for("the device", lambda: site.devices()["lamp-1"]["online"])
    assert site.get("/v1/status")["trust"]["state"] == "ok"
    site.stop_ferryd()


def test_restore_of_nothing_changes_nothing(site):
    site.add_class("lamp")
    site.start_ferryd()
    site.stop_ferryd()
    before = (site.state / "state.db").read_bytes()
    empty = site.folder / "empty"
    empty.mkdir()
    done = restore(site, empty)
    assert done.returncode == 1
    assert "state.db" in done.stderr and "hint" in done.stderr
    (empty / "state.db").write_bytes(b"no database")
    (empty / "trust.db").write_bytes(b"no database")
    assert restore(site, empty).returncode == 1
    assert (site.state / "state.db").read_bytes() == before
    assert restore(site, empty, "--check").returncode == 2


def test_root_leaves_files_of_the_owner(site, as_root):
    site.add_class("lamp")
    site.start_ferryd()
    backup = site.folder / "backup"
    assert site.ctl("backup", str(backup)).returncode == 0
    site.stop_ferryd()
    for path in [site.state, backup, *site.state.rglob("*"),
                 *backup.rglob("*")]:
        os.chown(path, 4711, 4711)
    for path in [site.folder, *site.folder.parents]:
        if path.stat().st_mode & 0o001 == 0:
            path.chmod(path.stat().st_mode | 0o001)
        if path.name.startswith("pytest-of"):
            break
    path = dict(os.environ, PATH=f"{site.bin}:{os.environ['PATH']}")
    done = restore(site, backup)
    assert done.returncode == 0, done.stderr
    for name in ("state.db", "trust.db"):
        assert (site.state / name).stat().st_uid == 4711
    # ferryctl finds ferryd by the PATH; this one has no /etc/ferry.
    done = subprocess.run([site.bin / "ferryctl", "--socket", site.socket,
                           "restore", backup], capture_output=True,
                          text=True, env=path)
    assert done.returncode == 1
    assert "ferryd.conf" in done.stderr
