"""Keys over ten years: many roots at once, a chain that somebody cut or forged,
a compromised catalog key, and epochs that repair what was pushed too far."""

import shutil
import subprocess
import time

import pytest

from ferrytest import forge as forging
from ferrytest import trustdb
from ferrytest.forge import Forge
from ferrytest.site import Site, wait_for

ASK = 'approval = "ask";'


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def vendor(site, name="acme"):
    return next(v for v in site.get("/v1/vendors")["items"]
                if v["name"] == name)


def check(site):
    status, answer = site.post("/v1/check")
    assert status == 200, answer
    return answer["items"][0]


def alarms(site):
    return {a["code"]: a for a in site.get("/v1/status")["alarms"]}


def roots(site, count):
    thief = Forge(site)
    for _ in range(count):
        thief.root(lambda r: None)


def serve(site):
    site.add_class("lamp", extra=ASK)
    site.release("lamp", "2.0.0")
    site.start_ferryd()
    wait_for("the catalog",
             lambda: vendor(site)["catalog"]["state"] == "fresh")


def hide_roots(site):
    root = site.pub / "www" / "root"
    hidden = site.folder / f"hidden-{time.monotonic_ns()}"
    shutil.move(root, hidden)
    root.mkdir()
    shutil.copy(hidden / "1.cose", root)  # the vendor file's own
    return lambda: (shutil.rmtree(root), shutil.move(hidden, root))


def restart_with(site, *statements):
    site.stop_ferryd()
    trustdb.change(site.state / "trust.db", *statements)
    site.start_ferryd()


def test_twenty_roots_are_walked_in_one_round(site):
    serve(site)
    roots(site, 20)
    site.release("lamp", "2.1.0")
    assert check(site)["result"] == "new"
    assert vendor(site)["root"]["version"] == 21
    kept = trustdb.ask(site.state / "trust.db",
                       "SELECT count(*) FROM root_chain")
    assert kept == [(21,)]


def test_chain_that_was_kept_needs_no_server_at_the_next_start(site):
    serve(site)
    roots(site, 3)
    check(site)
    site.stop_ferryd()
    hide_roots(site)
    site.start_ferryd()
    wait_for("the root", lambda: (vendor(site)["root"] or {}).get(
        "version") == 4)
    assert "roots-behind:acme" not in alarms(site)


def test_root_that_somebody_wrote_into_the_database_is_not_believed(site):
    """Whoever runs as ferryd's user signs a newest root with keys of their own:
    it is walked to from the vendor's file, and so refused."""
    serve(site)
    roots(site, 1)
    check(site)
    evil = Forge(site)
    own = [forging.new_key() for _ in range(2)]
    name = evil.www / "root" / "3.cose"
    evil.root(lambda r: r[6][1].update(
        {1: 1, 2: [{1: forging.cose_key(k)} for k in own]}))
    forged = bytearray(name.read_bytes())
    name.unlink()
    forged[-1] ^= 1  # signed by nobody whom root 2 lists
    forged[-80] ^= 1
    show = hide_roots(site)
    site.stop_ferryd()
    digest = forging.hashlib.sha256(forged).digest()
    trustdb.change(
        site.state / "trust.db",
        ("UPDATE roots SET version=?1, digest=?2",
         ((3).to_bytes(8, "big"), digest)),
        ("UPDATE root_bytes SET body=?1", (bytes(forged),)),
        ("INSERT INTO root_chain VALUES('acme',?1,?2)",
         ((3).to_bytes(8, "big"), bytes(forged))))
    site.start_ferryd()
    wait_for("the alarm", lambda: "roots-behind:acme" in alarms(site))
    assert vendor(site)["root"]["version"] == 2
    assert vendor(site)["catalog"]["state"] == "none"
    show()
    assert check(site)["failure"]["code"] == "trust-root-behind"


def test_chain_that_was_cut_is_fetched_again(site):
    serve(site)
    roots(site, 5)
    check(site)
    show = hide_roots(site)
    restart_with(site, ("DELETE FROM root_chain WHERE version=?1",
                        ((3).to_bytes(8, "big"),)))
    wait_for("the alarm", lambda: "roots-behind:acme" in alarms(site))
    assert vendor(site)["root"]["version"] == 2
    show()
    assert check(site)["failure"] is None
    assert vendor(site)["root"]["version"] == 6
    assert "roots-behind:acme" not in alarms(site)
    hide_roots(site)
    site.stop_ferryd()
    site.start_ferryd()
    wait_for("the root", lambda: (vendor(site)["root"] or {}).get(
        "version") == 6)


def test_vendor_file_may_name_a_later_root_of_the_chain_and_no_other(site):
    serve(site)
    roots(site, 4)
    check(site)
    www = site.pub / "www" / "root"
    file = site.etc / "vendors.d" / "acme.conf"
    text = file.read_text()
    site.stop_ferryd()
    file.write_text(text.replace("/1.cose", "/3.cose"))
    site.start_ferryd()
    wait_for("the root", lambda: (vendor(site)["root"] or {}).get(
        "version") == 5)
    site.stop_ferryd()
    assert trustdb.ask(site.state / "trust.db", "SELECT count(*) FROM "
                       "root_chain") == [(3,)]
    other = Forge(site)
    other.root(lambda r: r.update({9: 77}))
    fork = site.folder / "fork.cose"
    fork.write_bytes((www / "6.cose").read_bytes())
    (www / "6.cose").unlink()
    file.write_text(text.replace(f"{www}/1.cose", str(fork)))
    site.start_ferryd()
    wait_for("the alarm", lambda: "vendor-stopped:acme" in alarms(site))


def test_compromised_catalog_key_that_a_root_removes_drops_its_catalog(site):
    serve(site)
    thief = Forge(site)
    thief.catalog(lambda c: c[7][0][9].update({1: "9.9.9"}))
    check(site)
    assert vendor(site)["catalog"]["sequence"] == 2
    key = forging.new_key()
    thief.root(lambda r: r[6][2].update({2: [{1: forging.cose_key(key),
                                              4: True}]}))
    answer = check(site)
    assert answer["failure"]["code"] == "trust-catalog-threshold", answer
    assert vendor(site)["catalog"]["state"] == "none"
    assert site.get("/v1/offers")["items"] == []


def test_epoch_repairs_the_highest_sequence_and_a_wrong_time(site):
    serve(site)
    thief = Forge(site)
    ahead = int(time.time()) + 60 * 365 * 86400
    thief.catalog(lambda c: c.update({2: 2**64 - 1, 3: ahead,
                                      4: ahead + 9}))
    check(site)
    assert vendor(site)["time_bound"] > "2080"
    now = int(time.time())
    thief.root(lambda r: r.update({3: now, 4: now + 86400, 5: r[5] + 1}))
    thief.catalog(lambda c: c.update({2: 1, 3: now, 4: now + 86400, 5: 2,
                                      6: c[6] + 1}))
    assert check(site)["failure"] is None
    assert vendor(site)["catalog"]["sequence"] == 1
    site.stop_ferryd()
    site.start_ferryd()
    wait_for("the catalog",
             lambda: vendor(site)["catalog"]["state"] == "fresh")
    assert vendor(site)["time_bound"] < "2080"


def test_restored_backup_brings_its_chain_along(site):
    serve(site)
    site.stop_ferryd()
    old = site.folder / "old-state"
    shutil.copytree(site.state, old)
    site.start_ferryd()
    roots(site, 3)
    check(site)
    backup = site.folder / "backup"
    assert site.ctl("backup", str(backup)).returncode == 0
    site.stop_ferryd()
    shutil.rmtree(site.state)
    shutil.copytree(old, site.state)
    done = subprocess.run([site.bin / "ferryd", "--config", site.etc,
                           "--restore", str(backup)], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    hide_roots(site)
    site.start_ferryd()
    wait_for("the root", lambda: (vendor(site)["root"] or {}).get(
        "version") == 4)
    assert "roots-behind:acme" not in alarms(site)
