"""A class demands more than an author: nothing is sent until all have signed."""

import os
import subprocess

import pytest

from ferrytest.site import Site, wait_for


@pytest.fixture
def site(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield site


def key_pair(folder, name):
    key, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-out", key], check=True,
                   capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public],
                   check=True, capture_output=True)
    return key, public


def root_add(site, role, public):
    site.publish("root", "add", "--dir", str(site.pub), "--role", role,
                 "--public", str(public), "--root-only")


def countersign(site, role, key):
    """The web server tells files apart by length and second of change, and two
    catalogs of one second may have one length."""
    site.publish("countersign", "--dir", str(site.pub), "--all", "--role",
                 role, "--key", str(key))
    catalog = site.pub / "www" / "catalog.cose"
    changed = catalog.stat().st_mtime + 2
    os.utime(catalog, (changed, changed))
    assert site.post("/v1/check")[0] == 200


def uploads(sim):
    return sim.counts("lamp-1")["uploads_started"]


def refusal(site):
    def look():
        for offer in site.get("/v1/offers")["items"]:
            if offer["state"] == "refused":
                return offer["refusal"]["code"]
        return None

    return wait_for("the refusal", look)


def start(site, extra):
    site.add_class("lamp", extra=extra)
    site.release("lamp", "2.0.0")
    sim = site.start_sim("name=lamp-1")
    site.start_ferryd()
    return sim


def test_release_waits_for_the_operator(site):
    key, public = key_pair(site.folder, "operator")
    root_add(site, "operator", public)
    sim = start(site, 'require_roles = ["operator"];')
    assert refusal(site) == "trust-signers-missing"
    assert uploads(sim) == 0
    classes = site.get("/v1/classes")["items"]
    assert classes[0]["require_roles"] == ["operator"]
    countersign(site, "operator", key)
    # Beside the job that failed.
    site.wait_jobs(1, "done")
    assert uploads(sim) == 1
    site.stop_ferryd()


def test_role_that_the_root_lacks_is_named(site):
    sim = start(site, 'require_roles = ["regulator"];')
    assert refusal(site) == "trust-signers-role"
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_release_waits_for_the_second_algorithm(site):
    key = site.folder / "author.hss.pem"
    site.publish("key", "new", "--kind", "hss:h5/w4", "--out", str(key))
    root_add(site, "author", f"{key}.pub")
    sim = start(site, 'require_signatures = ["es256", "hss"];')
    assert refusal(site) == "trust-signers-alg"
    assert uploads(sim) == 0
    countersign(site, "author", key)
    # Beside the job that failed.
    site.wait_jobs(1, "done")
    site.stop_ferryd()
