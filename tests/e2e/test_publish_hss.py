"""Hash-based and Ed25519 keys of ferry-publish: other programs agree with what
they sign, and no leaf of an HSS key ever signs twice."""

import hashlib
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ferrytest import formats, hss
from ferrytest.patience import patience
from ferrytest.publish import Publisher, mcuboot_image
from ferrytest.site import Site, wait_for

SHARED = Path(os.environ.get("FERRY_SHARED_DIR", "/nonexistent"))
SETS = ("h5/w1", "h5/w2", "h5/w4", "h5/w8", "h5/w4,h5/w2", "h5/w8,h5/w8,h5/w8")
OFF = ("--revocation", "off")


def key_new(p, kind, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    p.run("key", "new", "--kind", kind, "--out", path)
    return path


def has_ed25519(p):
    return p.run("key", "new", "--kind", "ed25519", "--out",
                 p.folder.parent / "probe.pem", check=None).returncode == 0


def cose_public(path):
    return cbor2.loads(Path(f"{path}.pub").read_bytes())[-1]


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """Catalog keys of every set, and an author of one: one root."""
    p = Publisher(build_dir, tmp_path_factory.mktemp("hss") / "pub")
    p.init("Acme", "--domain", "acme.example")
    p.add_class("sensor")
    for number, kind in enumerate(SETS):
        key = key_new(p, f"hss:{kind}", p.folder / "extra" / f"{number}.pem")
        p.run("root", "add", "--role", "catalog", "--public", f"{key}.pub",
              "--no-catalog")
    key = key_new(p, "hss:h5/w4", p.folder / "extra" / "author.pem")
    p.run("root", "add", "--role", "author", "--public", f"{key}.pub",
          "--root-only", "--no-catalog")
    p.version = 2 + len(SETS)
    return p


@pytest.fixture
def fresh(made, build_dir, tmp_path):
    shutil.copytree(made.folder, tmp_path / "pub", copy_function=shutil.copy2)
    p = Publisher(build_dir, tmp_path / "pub")
    p.version = made.version
    p.extra = p.folder / "extra"
    return p


def catalog(p, *args, **kwargs):
    return p.run("catalog", *args, **kwargs)


def leaves(path, public):
    """Verifies a catalog by its one HSS signature."""
    protected, _, payload, signature = cbor2.loads(path.read_bytes()).value
    return hss.verify(public, cbor2.dumps(
        ["Signature1", protected, b"ferry-catalog-1", payload]), signature)


def blocks(p, record):
    digest, *rest = cbor2.loads(cbor2.loads(
        p.envelope(record).read_bytes()).value[2])
    return digest, [cbor2.loads(block).value for block in rest]


@pytest.mark.parametrize("name", ["rfc8554-tc1", "rfc8554-tc2",
                                  "hsssig-sig-01", "hashsig-01"])
def test_our_second_opinion_knows_the_published_vectors(name):
    folder = SHARED / "vectors" / "lms"
    pub, msg, sig = ((folder / f"{name}.{part}").read_bytes()
                     for part in ("pub", "msg", "sig"))
    hss.verify(pub, msg, sig)
    with pytest.raises(hss.Bad):
        hss.verify(pub, msg + b"x", sig)


@pytest.mark.parametrize("number", range(len(SETS)), ids=SETS)
def test_catalog_by_a_key_of_any_set(fresh, number):
    key = fresh.extra / f"{number}.pem"
    root = formats.Root(fresh.root(fresh.version).read_bytes())
    seen = []
    for _ in range(3):
        catalog(fresh, "--key", key)
        formats.Catalog(fresh.catalog.read_bytes(), root)
        seen.append(leaves(fresh.catalog, cose_public(key)))
    levels = SETS[number].count(",") + 1
    assert seen == [[0] * (levels - 1) + [leaf] for leaf in range(3)]
    assert key.stat().st_mode & 0o777 == 0o600


def test_author_beside_ecdsa_and_alone(fresh):
    image, _ = mcuboot_image()
    key = fresh.extra / "author.pem"
    record = fresh.release("sensor", image, "--cosign", key)
    digest, (ecdsa, hashed) = blocks(fresh, record)
    assert cbor2.loads(ecdsa[0])[1] == -9
    assert cbor2.loads(hashed[0]) == {
        1: -46, 4: formats.thumbprint(cose_public(key))}
    assert hss.verify(cose_public(key), cbor2.dumps(
        ["Signature1", hashed[0], b"", digest]), hashed[3]) == [0]
    both = ("--require-signatures", "es256,hss")
    fresh.run("verify", *OFF, "--root", fresh.root(fresh.version), *both,
              "--catalog", fresh.catalog, fresh.envelope(record),
              fresh.payload(record))
    fresh.run("verify", *OFF, "--anchor", f"{key}.pub", fresh.envelope(record))

    alone = fresh.release("sensor", image, "--key", key)
    _, (only,) = blocks(fresh, alone)
    assert cbor2.loads(only[0])[1] == -46
    fresh.run("verify", *OFF, "--root", fresh.root(fresh.version),
              fresh.envelope(alone))
    out = fresh.run("verify", *OFF, "--root", fresh.root(fresh.version), *both,
                    fresh.envelope(alone), check=1)
    assert "trust-signers-alg" in out.stdout
    again = fresh.run("resign", alone["manifest_digest"], "--key", key)
    assert "signed again" in again.stdout
    _, (only,) = blocks(fresh, fresh.record(alone["manifest_digest"]))
    assert hss.verify(cose_public(key), cbor2.dumps(
        ["Signature1", only[0], b"", digest_of(fresh, alone)]), only[3]) == [2]


def digest_of(p, record):
    return blocks(p, p.record(record["manifest_digest"]))[0]


def test_changed_hash_based_signature_is_refused(fresh):
    key = fresh.extra / "author.pem"
    record = fresh.release("sensor", mcuboot_image()[0], "--key", key)
    path = fresh.envelope(record)
    data = path.read_bytes()
    at = data.index(blocks(fresh, record)[1][0][3]) + 300
    bad = fresh.folder / "bad.suit"
    bad.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
    out = fresh.run("verify", *OFF, "--root", fresh.root(fresh.version), bad,
                    check=1)
    assert "trust-hss-signature" in out.stdout


def test_root_keys_of_every_kind(fresh):
    kinds = ["hss:h5/w8"] + (["ed25519"] if has_ed25519(fresh) else [])
    for kind in kinds:
        fresh.run("root", "add", "--role", "root", "--kind", kind,
                  "--no-catalog")
    fresh.run("root", "renew", "--no-catalog")
    version = fresh.version + len(kinds) + 1
    root = formats.Root(fresh.root(version).read_bytes())
    assert len(root.signers) == 3 + len(kinds)
    threshold = str(3 + len(kinds))
    fresh.run("root", "set", "--threshold", f"root={threshold}",
              "--no-catalog")
    fresh.run("root", "renew", "--no-catalog")
    assert formats.Root(fresh.root(version + 2).read_bytes()).roles[1][0] == \
        3 + len(kinds)
    status = fresh.run("status").stdout
    assert "keys/root/4.key.pem  h5/w8  27 of 32 signatures left" in status


def test_catalog_key_rotates_to_hss_with_its_trees(fresh):
    for _ in range(2):
        fresh.run("root", "remove", "--role", "catalog", "--id",
                  formats.thumbprint(cose_public(
                      fresh.extra / f"{_}.pem")).hex(), "--no-catalog")
    old = formats.Root(fresh.root(fresh.version + 2).read_bytes())
    first = formats.thumbprint(old.roles[2][1][0]).hex()
    fresh.run("root", "rotate", "--role", "catalog", "--replace", first,
              "--kind", "hss:h5/w4,h5/w4")
    folder = fresh.folder / "keys" / "catalog"
    assert (folder / "key.pem").read_text().startswith(
        "-----BEGIN FERRY HSS PRIVATE KEY-----")
    assert not list(folder.glob("next*"))
    catalog(fresh)
    protected = cbor2.loads(fresh.catalog.read_bytes()).value[0]
    assert cbor2.loads(protected)[1] == -46
    assert (folder / "key.pem.trees").exists()


# Every leaf signs once


def next_of(path):
    """What the key's file says: the next leaf."""
    import base64
    lines = path.read_text().splitlines()
    body, digest = cbor2.loads(base64.b64decode("".join(lines[1:-1])))
    assert hashlib.sha256(body).digest() == digest
    return cbor2.loads(body)[3]


def start(p, *args):
    return subprocess.Popen(
        [p.program, *map(str, args)], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
        env={**os.environ, "FERRY_PUBLISH_DIR": str(p.folder)})


@pytest.fixture
def slow(fresh):
    """A key that takes a second or more to sign when its trees are gone, which
    is after it has reserved a leaf."""
    key = key_new(fresh, "hss:h10/w4,h10/w4", fresh.extra / "slow.pem")
    fresh.run("root", "add", "--role", "catalog", "--public", f"{key}.pub",
              "--no-catalog")
    return key


def kill_after_reservation(p, key):
    before = next_of(key)
    Path(f"{key}.trees").unlink(missing_ok=True)
    process = start(p, "catalog", "--key", key)
    wait_for("the reservation", lambda: next_of(key) > before, 20)
    process.kill()
    process.communicate()
    assert process.returncode == -9
    assert next_of(key) == before + 1


def test_killed_between_reservation_and_signature_costs_a_leaf(fresh, slow):
    for killed in range(3):
        kill_after_reservation(fresh, slow)
        assert next_of(slow) == killed + 1
    before = fresh.catalog.exists() and fresh.catalog.read_bytes()
    assert before is False
    catalog(fresh, "--key", slow)
    assert leaves(fresh.catalog, cose_public(slow)) == [0, 3]
    catalog(fresh, "--key", slow)
    assert leaves(fresh.catalog, cose_public(slow)) == [0, 4]


def test_old_file_put_back_is_refused(fresh):
    key = fresh.extra / "2.pem"
    catalog(fresh, "--key", key)
    old = key.read_bytes()
    catalog(fresh, "--key", key)
    published = fresh.catalog.read_bytes()
    key.write_bytes(old)
    for _ in range(2):
        out = catalog(fresh, "--key", key, check=1)
        assert "is older than what it has signed" in out.stderr
        assert fresh.catalog.read_bytes() == published
    shutil.copy2(key, fresh.folder / "keys" / "catalog" / "old.pem")
    assert "OLDER than what it signed" in fresh.run("status").stdout


def test_old_folder_put_back_is_refused_by_what_is_published(fresh):
    """Key and record from one backup, the web server's folder newer."""
    key = fresh.extra / "2.pem"
    catalog(fresh, "--key", key)
    kept = fresh.folder.parent / "backup"
    shutil.copytree(fresh.folder, kept, copy_function=shutil.copy2)
    catalog(fresh, "--key", key)
    for name in ("extra", "hss"):
        shutil.rmtree(fresh.folder / name)
        shutil.copytree(kept / name, fresh.folder / name,
                        copy_function=shutil.copy2)
    out = catalog(fresh, "--key", key, check=1)
    assert "is older than what it has signed" in out.stderr


def test_second_process_is_refused_while_one_signs(fresh, slow, build_dir):
    other = Publisher(build_dir, fresh.folder.parent / "other")
    shutil.copytree(fresh.folder, other.folder, copy_function=shutil.copy2)
    Path(f"{slow}.trees").unlink()
    first = start(fresh, "catalog", "--key", slow)
    wait_for("the reservation", lambda: next_of(slow) == 1, 20)
    out = other.run("catalog", "--key", slow, check=1)
    assert "another process signs with it" in out.stderr
    first.communicate()
    assert first.returncode == 0 and next_of(slow) == 1
    other.run("catalog", "--key", slow)
    assert leaves(other.catalog, cose_public(slow)) == [0, 1]


def test_many_processes_never_share_a_leaf(fresh, build_dir):
    """Folders of their own, one key file: whoever is refused asks again."""
    key = fresh.extra / "3.pem"
    folders = []
    for number in range(3):
        p = Publisher(build_dir, fresh.folder.parent / f"p{number}")
        shutil.copytree(fresh.folder, p.folder, copy_function=shutil.copy2)
        folders.append(p)

    def work(p):
        seen = []
        until = time.monotonic() + patience(100)
        while len(seen) < 6 and time.monotonic() < until:
            out = p.run("catalog", "--key", key, check=None)
            if out.returncode == 0:
                seen += leaves(p.catalog, cose_public(key))
            else:
                assert "another process signs with it" in out.stderr
        return seen

    with ThreadPoolExecutor(3) as pool:
        seen = [leaf for some in pool.map(work, folders) for leaf in some]
    assert sorted(seen) == list(range(18))


def test_used_up_key_warns_before_and_stops(fresh):
    key = fresh.extra / "0.pem"
    for leaf in range(32):
        out = catalog(fresh, "--key", key)
        left = 31 - leaf
        assert ("signatures left" in out.stderr) == (left <= 3)
    out = catalog(fresh, "--key", key, check=1)
    assert "is used up: all 32 signatures are made" in out.stderr
    shutil.copy2(key, fresh.folder / "keys" / "catalog" / "old.pem")
    assert "0 of 32 signatures left (USED UP)" in fresh.run("status").stdout


def test_certificates_stay_on_elliptic_curves(fresh):
    out = fresh.run("pki", "crl", "--ca-key", fresh.extra / "0.pem", check=None)
    assert out.returncode != 0


@pytest.mark.parametrize("text", ["hss:", "hss:h5", "hss:h20/w8", "rsa", "hssx"])
def test_key_new_refuses_what_is_no_kind(fresh, text):
    path = fresh.folder / "new.pem"
    fresh.run("key", "new", "--kind", text, "--out", path, check=2)
    assert not path.exists()


def test_key_new_never_replaces_a_file(fresh):
    for number in range(len(SETS)):
        path = fresh.extra / f"{number}.pem"
        before = path.read_bytes()
        fresh.run("key", "new", "--kind", "hss:h5/w8", "--out", path, check=1)
        assert path.read_bytes() == before


# Ed25519


def test_ed25519_signs_and_openssl_agrees(fresh):
    key = fresh.folder / "ed.pem"
    if not has_ed25519(fresh):
        pytest.skip("a build without libsodium")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key],
                   check=True, capture_output=True)
    key.chmod(0o600)
    public = Path(f"{key}.pub")
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public],
                   check=True, capture_output=True)
    for role in ("catalog", "author"):
        other = key_new(fresh, "ed25519", fresh.folder / f"{role}.pem")
        fresh.run("root", "add", "--role", role, "--public",
                  f"{other}.pub" if role == "catalog" else public,
                  "--root-only", "--no-catalog")
    record = fresh.release("sensor", mcuboot_image()[0], "--cosign", key,
                           "--no-catalog")
    catalog(fresh, "--key", fresh.folder / "catalog.pem")
    root = formats.Root(fresh.root(fresh.version + 2).read_bytes())
    formats.Catalog(fresh.catalog.read_bytes(), root)
    digest, (_, block) = blocks(fresh, record)
    assert cbor2.loads(block[0])[1] == -19
    load_pem_public_key(public.read_bytes()).verify(
        block[3], cbor2.dumps(["Signature1", block[0], b"", digest]))
    fresh.run("verify", *OFF, "--root", fresh.root(fresh.version + 2),
              "--catalog", fresh.catalog, fresh.envelope(record))
    fresh.run("verify", *OFF, "--anchor", public, fresh.envelope(record))


# To the device


def test_image_crosses_with_hash_based_root_catalog_and_author(tmp_path,
                                                               build_dir):
    with Site(tmp_path, build_dir) as site:
        folder = ("--dir", str(site.pub))
        key = tmp_path / "author.pem"
        site.publish("key", "new", "--kind", "hss:h5/w8,h5/w8", "--out",
                     str(key))
        site.publish("root", "rotate", *folder, "--role", "root", "--replace",
                     first_root_key(site), "--kind", "hss:h5/w4")
        site.publish("root", "rotate", *folder, "--role", "catalog", "--kind",
                     "hss:h5/w8,h5/w4")
        site.publish("root", "add", *folder, "--role", "author", "--public",
                     f"{key}.pub", "--root-only")
        site.add_class("lamp")
        site.release("lamp", "2.0.0", "--key", str(key))
        site.start_sim("name=lamp-1")
        site.start_ferryd()
        site.wait_job("lamp-1", "done")
        checks = site.ctl("explain", str(site.job("lamp-1")["id"])).stdout
        assert "HSS-LMS" in checks
        site.stop_ferryd()


@pytest.mark.parametrize("both", [True, False])
def test_class_that_demands_both_gets_both_or_nothing(tmp_path, build_dir,
                                                      both):
    with Site(tmp_path, build_dir) as site:
        key = tmp_path / "author.pem"
        site.publish("key", "new", "--kind", "hss:h5/w8", "--out", str(key))
        site.publish("root", "add", "--dir", str(site.pub), "--role", "author",
                     "--public", f"{key}.pub", "--root-only")
        site.add_class("lamp", extra='require_signatures = ["es256", "hss"];')
        site.release("lamp", "2.0.0",
                     *(("--cosign", str(key)) if both else ()))
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        job = site.wait_job("lamp-1", "done" if both else "failed")
        if not both:
            assert job["failure"]["code"] == "trust-signers-alg"
            assert sim.counts("lamp-1")["uploads_started"] == 0
        site.stop_ferryd()


def first_root_key(site):
    root = formats.Root((site.pub / "www" / "root" / "1.cose").read_bytes())
    return formats.thumbprint(root.roles[1][1][0]).hex()
