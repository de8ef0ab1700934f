"""Transfer of authority: a root of the old vendor hands a class to an heir, with
everything that was ever learnt of it, and nothing else does."""

import subprocess

import pytest

from ferrytest import trustdb
from ferrytest.forge import Forge
from ferrytest.heir import Heir, elder_digest, hand_over
from ferrytest.site import Site, wait_for

ASK = 'approval = "ask";'


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def vendor(site, name):
    return next(v for v in site.get("/v1/vendors")["items"]
                if v["name"] == name)


def klass(site, name="lamp"):
    return next(c for c in site.get("/v1/classes")["items"]
                if c["name"] == name)


def check(site, name=None):
    status, answer = site.post("/v1/check", {"vendor": name} if name else {})
    assert status == 200, answer
    return {v["vendor"]: v for v in answer["items"]}


def alarms(site):
    return {a["code"]: a for a in site.get("/v1/status")["alarms"]}


def plan(site, device="lamp-1"):
    return [r for r in site.get("/v1/plan")["items"]
            if r["device"] == device]


def events(site, kind):
    return [h for h in site.get("/v1/history?limit=500")["items"]
            if h["event"] == kind]


def wait_fresh(site, *names):
    for name in names:
        wait_for(f"the catalog of {name}",
                 lambda: vendor(site, name)["catalog"]["state"] == "fresh")


def crossed(site, extra=""):
    """A device that runs 2.0.0, sequence 1, of the old vendor."""
    site.add_class("lamp", extra=extra)
    site.release("lamp", "2.0.0", "--sequence", "5")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    return sim


def reload(site):
    before = site.log.read_text().count("configuration reloaded")
    site.ferryd.send_signal(1)
    wait_for("the reload", lambda: site.log.read_text().count(
        "configuration reloaded") > before)


def test_heir_waits_then_gets_class_devices_and_floors(site):
    sim = crossed(site)
    with Heir(site, "newco", ["lamp"]) as heir:
        heir.release("lamp", "3.0.0", "--sequence", "4")
        reload(site)
        wait_fresh(site, "acme", "newco")
        assert klass(site)["vendor"] == "acme"
        assert vendor(site, "newco")["authority"] == [
            {"class": "lamp", "state": "waiting", "vendor": "acme"}]
        assert len(site.jobs()) == 1
        Forge(site).root(heir.transfer(["lamp"]))
        check(site, "acme")
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco")
        authority = klass(site)["authority"]
        assert (authority["state"], authority["by"]) == ("held", "acme")
        assert site.devices()["lamp-1"]["vendor"] == "newco"
        assert vendor(site, "acme")["authority"][0]["state"] == "gave"
        # What the old vendor reached is the heir's floor.
        row = plan(site)[0]
        assert row["reason"]["code"] == "trust-suit-sequence", row
        assert len(events(site, "class-handed-over")) == 1
        assert events(site, "device-handed-over")[0]["device"] == "lamp-1"
        out = site.ctl("vendors").stdout + site.ctl("history").stdout
        assert "newco" in out and "class-handed-over" in out
        heir.release("lamp", "3.1.0", "--sequence", "9")
        check(site, "newco")
        wait_for("the new job", lambda: site.job("lamp-1")["to_version"]
                 == "3.1.0")
        job = site.wait_job("lamp-1", "done")
        assert job["vendor"] == "newco"
        assert sim.state("lamp-1")["running"]["version"].startswith("3.1.0")
        site.stop_ferryd()
        floors = trustdb.ask(site.state / "trust.db", "SELECT vendor, "
                             "sequence FROM device_floors ORDER BY 1")
        assert [(v, int.from_bytes(s, "big")) for v, s in floors] == [
            ("acme", 5), ("newco", 9)]


def test_floor_lowered_for_the_old_vendor_lowers_none_of_the_heir(site):
    crossed(site)
    site.stop_ferryd()
    trustdb.change(
        site.state / "trust.db",
        ("INSERT INTO device_floors(vendor,device,component,sequence,lowered)"
         " SELECT 'newco',device,component,?1,0 FROM device_floors",
         ((9).to_bytes(8, "big"),)),
        "UPDATE device_floors SET lowered=1 WHERE vendor='acme'")
    with Heir(site, "newco", ["lamp"]) as heir:
        heir.release("lamp", "3.0.0", "--sequence", "7")
        site.start_ferryd()
        wait_fresh(site, "acme", "newco")
        Forge(site).root(heir.transfer(["lamp"]))
        check(site, "acme")
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco" and
                 klass(site)["authority"]["state"] == "held")
        wait_for("the verdict", lambda: plan(site)[0]["decision"] == "refuse")
        assert plan(site)[0]["reason"]["code"] == "trust-suit-sequence"
        assert len(site.jobs()) == 1


def test_old_vendor_is_refused_from_then_on_also_after_a_restart(site):
    crossed(site)
    with Heir(site, "newco", ["lamp"]) as heir:
        heir.release("lamp", "2.0.0", "--sequence", "5")
        reload(site)
        Forge(site).root(heir.transfer(["lamp"]))
        check(site)
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco")
        site.release("lamp", "9.0.0", "--sequence", "99")
        for _ in range(2):
            check(site)
            wait_for("the record to be proved", lambda: klass(site)[
                "authority"]["state"] == "held")
            rows = plan(site)
            assert all(r["vendor"] == "newco" for r in rows), rows
            assert all(r["to_version"] != "9.0.0" for r in rows)
            assert len(site.jobs()) == 1
            site.stop_ferryd()
            site.start_ferryd()
        # A later root of the old vendor cannot take it back.
        Forge(site).root(lambda r: r.pop(7))
        check(site)
        assert klass(site)["vendor"] == "newco"
        wait_for("the record to be proved again", lambda: klass(site)[
            "authority"]["state"] == "held")
        assert klass(site)["vendor"] == "newco"


def test_job_under_way_ends_before_it_is_activated(site):
    site.add_class("lamp")
    site.release("lamp", "2.0.0", size=100000)
    site.start_sim("name=lamp-1,baud=115200")
    with Heir(site, "newco", ["lamp"]) as heir:
        heir.release("lamp", "3.0.0", "--sequence", "9")
        site.start_ferryd()
        site.wait_progress("lamp-1", 10)
        Forge(site).root(heir.transfer(["lamp"]))
        check(site)
        wait_for("the job of the heir", lambda: site.job("lamp-1")[
            "to_version"] == "3.0.0")
        site.wait_job("lamp-1", "done")
        first = site.jobs()[-1]
        assert first["state"] in ("failed", "superseded"), first
        if first["state"] == "failed":
            assert first["failure"]["code"] == "trust-offer-transferred"


def test_heir_without_a_file_leaves_the_class_to_nobody(site):
    crossed(site)
    Forge(site).root(hand_over(site, ["lamp"], b"\x07" * 32))
    site.release("lamp", "2.1.0", "--sequence", "6")
    check(site)
    wait_for("the alarm", lambda: "authority:lamp" in alarms(site))
    assert plan(site)[0]["reason"]["code"] == "authority-heir"
    assert klass(site)["authority"]["code"] == "authority-heir"
    assert len(site.jobs()) == 1
    with Heir(site, "newco", ["lamp"]):
        reload(site)  # its first root is another one
        wait_for("both vendors", lambda: vendor(site, "newco")["root"])
        wait_for("the refusal", lambda: plan(site)[0]["reason"]["code"]
                 == "authority-heir")
        assert klass(site)["vendor"] == "acme"


def test_heir_that_begins_with_another_root_serves_nothing(site):
    crossed(site)
    with Heir(site, "newco", ["lamp"]) as heir:
        reload(site)
        Forge(site).root(heir.transfer(["lamp"]))
        check(site)
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco")
        site.stop_ferryd()
        with Heir(site, "other", ["lamp"]) as other:
            heir.write_config(root=other.first_root)
            other.file.unlink()
            site.start_ferryd()
            wait_for("the alarm", lambda: {"authority:lamp",
                     "vendor-stopped:newco"} & set(alarms(site)))
            assert klass(site)["authority"]["state"] != "held"
            heir.file.unlink()
            reload(site)
            wait_for("the alarm", lambda: "authority:lamp" in alarms(site))
            assert plan(site)[0]["reason"]["code"] == "authority-lost"
            heir.write_config()
            reload(site)
            wait_for("the heir", lambda: klass(site)["authority"]["state"]
                     == "held")


def test_record_that_no_root_bears_out_is_not_believed(site):
    """Somebody writes into trust.db that the waiting heir has the class."""
    crossed(site)
    with Heir(site, "newco", ["lamp"]) as heir:
        heir.release("lamp", "3.0.0", "--sequence", "9")
        site.stop_ferryd()
        ident = bytes.fromhex(site.classes["lamp"].replace("-", ""))
        row = ("INSERT INTO authorities(class_id,place,vendor,first_digest,"
               "by_vendor,by_version,cleared,at_ms) "
               "VALUES(?1,?2,?3,?4,?5,?6,1,1)")
        trustdb.change(
            site.state / "trust.db",
            (row, (ident, bytes(8), "acme", elder_digest(site), "",
                   bytes(8))),
            (row, (ident, (1).to_bytes(8, "big"), "newco", heir.digest,
                   "acme", (1).to_bytes(8, "big"))))
        site.start_ferryd()
        wait_for("the alarm", lambda: "authority:lamp" in alarms(site))
        assert klass(site)["authority"]["code"] == "authority-unproved"
        wait_fresh(site, "newco")
        assert plan(site)[0]["decision"] == "refuse"
        assert len(site.jobs()) == 1


def test_only_the_heir_hands_back_and_the_old_vendor_must_take(site):
    crossed(site)
    with Heir(site, "newco", ["lamp"]) as heir:
        reload(site)
        Forge(site).root(heir.transfer(["lamp"]))
        check(site)
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco")
        heir.forge.root(hand_over(site, ["lamp"], elder_digest(site)))
        check(site, "newco")
        wait_for("the old vendor", lambda: klass(site)["vendor"] == "acme")
        wait_for("the alarm", lambda: "authority:lamp" in alarms(site))
        assert klass(site)["authority"]["code"] == "authority-not-taken"
        Forge(site).root(lambda r: r.pop(7))
        check(site, "acme")
        wait_for("the class", lambda: klass(site)["authority"]["state"]
                 == "held")
        assert "authority:lamp" not in alarms(site)
        # The publisher takes forged roots up one by one.
        site.publish("catalog", "--dir", str(site.pub))
        site.release("lamp", "2.5.0", "--sequence", "20")
        check(site, "acme")
        wait_for("the job", lambda: site.job("lamp-1")["to_version"]
                 == "2.5.0")
        assert site.wait_job("lamp-1", "done")["vendor"] == "acme"
        # And once more: a new root hands it over again.
        Forge(site).root(heir.transfer(["lamp"]))
        heir.forge.root(lambda r: r.pop(7))
        check(site)
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco" and
                 klass(site)["authority"]["state"] == "held")
        site.stop_ferryd()
        site.start_ferryd()
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco" and
                 klass(site)["authority"]["state"] == "held")


def test_two_claims_without_an_heir_are_refused_by_the_check(site):
    site.add_class("lamp")
    with Heir(site, "newco", ["lamp"]) as heir:
        def says():
            done = subprocess.run([site.bin / "ferryd", "--config", site.etc,
                                   "--check"], capture_output=True, text=True)
            return done.returncode, done.stderr

        assert says()[0] == 0
        heir.write_config(heir_of="")
        code, text = says()
        assert code == 1 and "is not its heir" in text, text
        heir.write_config(heir_of="nobody")
        assert "names no file of vendors.d" in says()[1]
        acme = site.etc / "vendors.d" / "acme.conf"
        acme.write_text(acme.read_text() + 'heir_of = "newco";\n')
        heir.write_config()
        assert "in a ring" in says()[1]


@pytest.mark.parametrize("kind", ["sync", "unsync"])
def test_kill_at_any_write_of_the_transfer_converges(site, kind):
    crossed(site)
    with Heir(site, "newco", ["lamp"]) as heir:
        reload(site)
        wait_for("the heir's root", lambda: vendor(site, "newco")["root"])
        site.stop_ferryd()
        Forge(site).root(heir.transfer(["lamp"]))
        heir.release("lamp", "3.1.0", "--sequence", "9")
        preload = str(site.bin.parent / "drivers/kill_at.so")
        for n in range(1, 11):
            site.start_ferryd(wait=False, env={
                "FERRY_KILL_AT": f"{kind}:{n}", "LD_PRELOAD": preload})
            try:
                site.ferryd.wait(3)
                site.ferryd = None
            except subprocess.TimeoutExpired:
                site.kill_ferryd()
        site.start_ferryd()
        wait_for("the heir", lambda: klass(site)["vendor"] == "newco" and
                 klass(site)["authority"]["state"] == "held")
        wait_for("the new job", lambda: site.job("lamp-1")["to_version"]
                 == "3.1.0")
        site.wait_job("lamp-1", "done")
        site.stop_ferryd()
        rows = trustdb.ask(site.state / "trust.db", "SELECT vendor FROM "
                           "authorities ORDER BY place")
        assert rows == [("acme",), ("newco",)]
