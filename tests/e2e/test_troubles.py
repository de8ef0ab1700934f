"""Troubles of a hub that pass: afterwards nothing is left of them."""

import resource
import shutil
import signal

import pytest

from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def codes(site):
    """Of alarms, without the one about revocation, which these sites have off."""
    return [a["code"] for a in site.get("/v1/status")["alarms"]
            if a["code"] != "revocation-off:acme"]


def test_vendor_that_is_mended_has_no_alarm_any_more(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    root = site.pub / "www" / "root" / "1.cose"
    good = root.read_bytes()
    copy = site.folder / "first.cose"
    copy.write_bytes(b"no root")
    conf = site.etc / "vendors.d" / "acme.conf"
    conf.write_text(conf.read_text().replace(str(root), str(copy)))
    site.start_ferryd()
    wait_for("the alarm", lambda: codes(site) == ["vendor-stopped:acme"])
    copy.write_bytes(good)
    site.ferryd.send_signal(signal.SIGHUP)
    wait_for("a catalog", lambda: site.get("/v1/vendors")["items"] and
             site.get("/v1/vendors")["items"][0]["catalog"]["state"] ==
             "fresh")
    assert codes(site) == []
    site.stop_ferryd()


def test_fetch_goes_on_after_files_could_not_grow(site):
    site.add_class("lamp")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    wait_for("the reading", lambda: site.devices().get("lamp-1", {}).get(
        "version"))
    # Smaller than the image, larger than what the databases need.
    limit = 3 << 20
    pid = site.ferryd.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE,
                     (limit, resource.RLIM_INFINITY))
    site.release("lamp", "2.0.0", size=6 << 20)
    site.post("/v1/check")
    wait_for("the failure", lambda: site.logged("fetch failed"))
    assert site.ferryd.poll() is None
    resource.prlimit(pid, resource.RLIMIT_FSIZE,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_for("the image", lambda: [
        i for i in site.get("/v1/images")["items"]
        if i["kind"] == "payload" and i["state"] == "verified"])
    site.stop_ferryd()
    shutil.rmtree(site.state / "cache")
