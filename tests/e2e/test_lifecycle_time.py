"""Clocks that stand still, jump to 1970 or to 2099, or are not set at all: the
real ferryd under faketime, against the real time of everybody else."""

import datetime
import glob
import time

import pytest

from ferrytest.forge import Forge
from ferrytest.site import Site, wait_for

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or [""])[0]
ASK = 'approval = "ask";'

pytestmark = pytest.mark.skipif(not LIBRARY, reason="needs faketime")


def faked(when):
    """`when`: as FAKETIME of faketime(1); the boot clock goes on as it is."""
    return {"LD_PRELOAD": LIBRARY, "FAKETIME": when,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}


IN_1970 = "@1970-01-01 00:01:00"
IN_2099 = "@2099-01-01 00:00:00"


def stopped_at(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def site_of(tmp_path, build_dir):
    made = []

    def make(clock):
        site = Site(tmp_path, build_dir,
                    config=f'relay = {{ clock = "{clock}"; }};')
        made.append(site)
        return site.__enter__()

    yield make
    for site in made:
        site.__exit__()


def vendor(site):
    return site.get("/v1/vendors")["items"][0]


def check(site):
    status, answer = site.post("/v1/check")
    assert status == 200, answer
    return answer["items"][0]


def code(site):
    failure = check(site)["failure"]
    return failure and failure["code"]


def serve(site, when, extra=""):
    site.add_class("lamp", extra=extra)
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd(env=faked(when))


@pytest.mark.parametrize("when", [IN_1970, IN_2099])
def test_update_goes_through_whatever_an_untrusted_clock_says(site_of, when):
    site = site_of("untrusted")
    serve(site, when)
    site.wait_job("lamp-1", "done")
    bound = vendor(site)["time_bound"]
    assert str(time.gmtime().tm_year) in bound, bound


def test_synchronised_clock_in_2099_starts_nothing_and_leaves_no_trace(
        site_of):
    site = site_of("synchronised")
    serve(site, IN_2099)
    wait_for("the vendor", lambda: vendor(site)["link"]["failure"])
    assert not site.jobs()
    site.stop_ferryd()
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    assert vendor(site)["time_bound"] < "2090"


def test_synchronised_clock_in_1970_accepts_nothing_that_is_to_come(site_of):
    site = site_of("synchronised")
    serve(site, IN_1970)
    wait_for("the refusal", lambda: vendor(site)["link"]["failure"])
    failure = vendor(site)["link"]["failure"]["code"]
    assert failure in ("vendor-tls-not-yet", "trust-root-not-yet",
                       "trust-catalog-not-yet"), failure
    assert not site.jobs()


def test_catalog_expires_by_the_boot_clock_when_the_clock_stands_still(
        site_of):
    site = site_of("untrusted")
    serve(site, stopped_at(time.time()), extra=ASK)
    wait_for("the catalog",
             lambda: vendor(site)["catalog"]["state"] == "fresh")
    now = int(time.time())
    Forge(site).catalog(lambda c: c.update({3: now, 4: now + 6}))
    check(site)
    assert vendor(site)["catalog"]["state"] == "fresh"
    wait_for("the expiry",
             lambda: vendor(site)["catalog"]["state"] == "expired", 30)
    wait_for("the alarm", lambda: check(site) and "catalog-expired:acme" in {
        a["code"] for a in site.get("/v1/status")["alarms"]})


def test_bound_survives_a_restart_without_any_clock(site_of):
    site = site_of("untrusted")
    serve(site, IN_1970, extra=ASK)
    wait_for("the catalog",
             lambda: vendor(site)["catalog"]["state"] == "fresh")
    ahead = int(time.time()) + 5 * 86400
    thief = Forge(site)
    thief.catalog(lambda c: c.update({3: ahead, 4: ahead + 86400}))
    check(site)
    # What was signed is kept; the seconds that the boot clock has counted since
    # are only kept hourly.
    bound = stopped_at(ahead).replace(" ", "T")
    assert vendor(site)["time_bound"] >= bound
    site.stop_ferryd()
    site.start_ferryd(env=faked(IN_1970))
    wait_for("the vendor", lambda: vendor(site)["root"])
    assert vendor(site)["time_bound"] >= bound
    # What was current before that bound is not any more.
    now = int(time.time())
    thief.catalog(lambda c: c.update({3: now, 4: now + 86400}))
    assert check(site)["failure"] is None
    assert vendor(site)["catalog"]["state"] == "expired"


def test_device_past_its_support_says_so_by_trusted_time(site_of):
    site = site_of("untrusted")
    site.add_class("lamp", extra='end_of_support = "2001-01-01";')
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd(env=faked(IN_1970))
    site.wait_job("lamp-1", "done")
    device = site.devices()["lamp-1"]
    assert device["support"] == "ended", device
    assert device["end_of_support"].startswith("2001-01-01")
    check(site)
    alarms = {a["code"]: a["text"] for a in
              site.get("/v1/status")["alarms"]}
    assert "1 devices of class lamp" in alarms["support-ended:lamp"]
    assert "ended" in site.ctl("device", "show", "lamp-1").stdout


def test_end_of_support_of_the_release_counts_when_it_is_earlier(site_of):
    site = site_of("untrusted")
    site.add_class("lamp", extra='end_of_support = "2090-01-01";')
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd(env=faked(IN_1970))
    site.wait_job("lamp-1", "done")
    assert site.devices()["lamp-1"]["support"] == "current"
    Forge(site).catalog(lambda c: c[7][0].update({14: 1000000000}))
    check(site)
    device = site.devices()["lamp-1"]
    assert device["end_of_support"].startswith("2001-09-09")
    assert device["support"] == "ended"
