"""From ferry-publish to a gateway that requires revocation evidence and may ask
nobody for it: everything comes with the catalog."""

import pytest

from ferrytest.site import Site, wait_for


class OfflineSite(Site):
    """Evidence has no source but the catalog; the server's certificate, of a CA
    for trying out, names none and is not asked about."""

    def __init__(self, *args):
        super().__init__(*args, revocation="require",
                         vendor_extra='revocation_tls = "off";')

    def own(self, *args):
        return self.publish(args[0], *args[1:], "--dir", str(self.pub))

    def check(self):
        assert self.post("/v1/check")[0] == 200


@pytest.fixture
def site(tmp_path, build_dir):
    with OfflineSite(tmp_path, build_dir) as site:
        site.add_class("lamp")
        yield site


def releases(site):
    return sorted(path.stem for path in (site.pub / "releases").iterdir())


def test_catalog_brings_the_evidence_along(site):
    site.release("lamp", "2.0.0")
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "done")
    steps = {row["step"]: row for row in
             site.get(f"/v1/jobs/{job['id']}")["ledger"]}
    sign = steps.get("sign") or steps[1]
    assert sign["tier"] in (2, "+2"), sign
    site.stop_ferryd()


def test_author_is_replaced_and_the_release_stays(site):
    """After a theft: revoked, a new key, signed again: the same release."""
    site.release("lamp", "2.0.0")
    before = releases(site)
    site.own("pki", "revoke", str(site.pub / "keys/author/chain.pem"),
             "--reason", "key-compromise")
    site.own("pki", "author", "--new-key")
    site.own("resign", "--all")
    assert releases(site) == before
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    assert sim.counts("lamp-1")["uploads_started"] == 1
    site.stop_ferryd()


def test_running_release_of_a_revoked_author_is_recalled(site):
    """The withdrawn release and the list that revokes its author come with one
    catalog; the successor is by a new key."""
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    old, = releases(site)
    site.own("pki", "revoke", str(site.pub / "keys/author/chain.pem"))
    site.own("pki", "author", "--new-key")
    site.own("withdraw", old, "--no-catalog")
    site.release("lamp", "2.1.0", seed=8)
    site.check()

    def updated():
        job = site.job("lamp-1")
        return job if job["manifest_digest"] != old and job["state"] == "done" \
            else None

    wait_for("the successor", updated)
    assert sim.counts("lamp-1")["uploads_started"] == 2
    site.stop_ferryd()


def test_roots_evidence_and_quirks_reach_the_gateway(site):
    """A gateway that was off follows all roots at once."""
    site.release("lamp", "2.0.0")
    quirks = site.folder / "quirks"
    quirks.write_bytes(b"\xa0")
    site.own("root", "add", "--role", "catalog", "--threshold", "2",
             "--no-catalog")
    site.own("root", "set", "--host", "crl.acme.example", "--offline-grace",
             "1h", "--no-catalog")
    site.own("root", "rotate", "--role", "root", "--replace",
             first_root_key(site), "--no-catalog")
    site.own("root", "renew", "--new-epoch", "--no-catalog")
    site.own("pki", "crl")
    site.own("catalog", "--quirks", str(quirks))
    site.start_sim("name=lamp-1")
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    vendor, = site.get("/v1/vendors")["items"]
    assert vendor["root"]["version"] == 5, vendor["root"]
    site.stop_ferryd()


def first_root_key(site):
    shown = site.publish("show", str(site.pub / "www/root/1.cose")).stdout
    return next(line.split()[1] for line in shown.split("role root")[1]
                .splitlines() if line.strip().startswith("key"))
