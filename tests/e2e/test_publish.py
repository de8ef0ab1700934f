"""ferry-publish from end to end: what it writes, what it refuses, and that
other programs agree."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import cbor2
import pytest
from cryptography import x509

from ferrytest import formats, pki
from ferrytest.nginx import Nginx
from ferrytest.publish import Publisher, mcuboot_image

SHARED = Path(os.environ.get("FERRY_SHARED_DIR", "/nonexistent"))
CHAIN_OFF = ("--revocation", "off")


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """A publisher with one release; tests that change it take `fresh`."""
    p = Publisher(build_dir, tmp_path_factory.mktemp("publish") / "pub")
    p.init("Acme, Inc.", "--domain", "acme.example")
    p.class_id = p.add_class("sensor", "--model", "Sensor 9")
    p.image, p.image_hash = mcuboot_image((1, 2, 3, 0), b"first" * 500)
    p.first = p.release("sensor", p.image, "--notes", "hello")
    return p


@pytest.fixture
def fresh(made, build_dir, tmp_path):
    """A copy of it."""
    shutil.copytree(made.folder, tmp_path / "pub", copy_function=shutil.copy2)
    p = Publisher(build_dir, tmp_path / "pub")
    p.image, p.first, p.class_id = made.image, made.first, made.class_id
    return p


def all_facts(p, record):
    return (*CHAIN_OFF, "--root", p.root(), "--catalog", p.catalog,
            "--vendor-id", record["vendor_id"], "--class-id",
            record["class_id"], "--component", "app", "--floor",
            record["sequence"], "--hw", "1")


# What is written


def test_first_release_takes_three_commands(made):
    assert made.root().exists() and made.catalog.exists()
    assert made.envelope(made.first).exists()
    assert made.payload(made.first).read_bytes() == made.image
    assert {path.name for path in made.www.iterdir()} == {
        "root", "catalog.cose", "e", "p", "r", "crl"}


def test_keys_are_private_and_one_folder_a_role(made):
    keys = made.folder / "keys"
    assert {path.name for path in keys.iterdir()} == {
        "root", "catalog", "author-ca", "author"}
    private = list(keys.glob("*/*key.pem"))
    assert len(private) == 6
    for path in private:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_root_by_another_implementation(made):
    root = formats.Root(made.root().read_bytes())
    assert root.data[1] == 1 and root.data[2] == 1 and root.data[5] == 0
    assert {role: (threshold, len(keys)) for role, (threshold, keys, _)
            in root.roles.items()} == {1: (2, 3), 2: (1, 1), 3: (1, 1)}
    assert len(root.signers) == 3
    scope = root.roles[3][2][0][3]
    assert scope[0][1].hex() == made.first["vendor_id"].replace("-", "")


def test_catalog_by_another_implementation(made):
    root = formats.Root(made.root().read_bytes())
    catalog = formats.Catalog(made.catalog.read_bytes(), root)
    entry, = catalog.entries
    envelope = made.envelope(made.first).read_bytes()
    assert catalog.data[2] == 1 and catalog.data[5] == 1
    assert entry[3] == [b"app"] and entry[4] == 1
    assert entry[6] == formats.sha256(envelope)
    assert entry[7] == len(envelope)
    assert entry[8] == [["p/" + formats.sha256(made.image).hex(),
                         len(made.image), formats.sha256(made.image)]]
    assert entry[9] == {1: "1.2.3", 2: made.image_hash}
    assert entry[10] == "1.2.3" and entry[13] == "hello"


def test_envelope_by_another_implementation(made):
    root = formats.Root(made.root().read_bytes())
    catalog = formats.Catalog(made.catalog.read_bytes(), root)
    envelope = formats.Envelope(made.envelope(made.first).read_bytes(),
                                root.anchors())
    digest = formats.sha256(made.image)
    assert envelope.release == catalog.entries[0][5]
    assert envelope.manifest[1] == 1 and envelope.manifest[2] == 1
    assert envelope.common[2] == [[b"app"]]
    assert envelope.shared == [
        20, {1: catalog.entries[0][1], 2: catalog.entries[0][2],
             3: cbor2.dumps([-16, digest]), 14: len(made.image)},
        1, 15, 2, 15]
    assert envelope.install == [20, {21: f"../p/{digest.hex()}"}, 21, 2, 3, 15]
    assert envelope.text == {"en": {2: "hello", (b"app",): {
        1: "Acme, Inc.", 2: "Sensor 9", 3: "acme.example", 6: "1.2.3"}}}


def test_ids_are_made_from_names(made):
    import uuid
    vendor = uuid.uuid5(uuid.NAMESPACE_DNS, "acme.example")
    assert made.first["vendor_id"] == str(vendor)
    assert made.class_id == str(uuid.uuid5(vendor, "sensor"))


def test_author_chain_by_openssl(made):
    keys = made.folder / "keys"
    out = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile",
         keys / "author-ca" / "cert.pem", keys / "author" / "chain.pem"],
        capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stdout + out.stderr
    leaf = x509.load_pem_x509_certificate(
        (keys / "author" / "chain.pem").read_bytes())
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    eku = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign
    assert [oid.dotted_string for oid in eku] == ["1.3.6.1.5.5.7.3.3"]


def test_p384_with_the_older_algorithm_names(build_dir, tmp_path):
    p = Publisher(build_dir, tmp_path / "pub").init(
        "B", "--curve", "p384", "--root-keys", "1", "--root-threshold", "1")
    conf = p.folder / "publish.conf"
    conf.write_text(conf.read_text().replace("algorithms = false",
                                             "algorithms = true"))
    p.add_class("x", "--component", "net/0x01")
    r = p.release("x", b"data", "--version", "7", "--no-text")
    root = formats.Root(p.root().read_bytes())
    envelope = formats.Envelope(p.envelope(r).read_bytes(), root.anchors())
    assert envelope.common[2] == [[b"net", b"\x01"]]
    assert 23 not in envelope.members and 23 not in envelope.manifest
    block = cbor2.loads(cbor2.loads(envelope.members[2])[1]).value
    assert cbor2.loads(block[0])[1] == -35
    p.verify(*CHAIN_OFF, "--root", p.root(), p.envelope(r), check=0)


# What verify says


def test_verify_accepts_with_every_fact(made):
    code, answer = made.verify(*all_facts(made, made.first), "--strict",
                               made.envelope(made.first),
                               made.payload(made.first))
    assert code == 0 and answer["accepted"] and answer["code"] is None
    assert answer["release"] == made.first["manifest_digest"]
    outcomes = {row["name"]: row["outcome"] for row in answer["checks"]}
    assert outcomes.pop("revocation") == "off"
    assert outcomes.pop("catalog-revocation", "off") == "off"
    assert set(outcomes.values()) == {"pass"}
    assert answer["images"] == [{
        "component": "app", "slot": 0, "length": len(made.image),
        "digest": made.first["payload_digest"]}]


def test_verify_by_default_refuses_without_revocation(made):
    code, answer = made.verify("--root", made.root(),
                               made.envelope(made.first))
    assert code == 1 and answer["code"] == "trust-revocation-none"


def test_verify_without_anchor_or_root_refuses(made):
    code, answer = made.verify(*CHAIN_OFF, made.envelope(made.first))
    assert code == 1 and not answer["accepted"]


def test_verify_lists_missing_facts_and_strict_refuses(made):
    args = (*CHAIN_OFF, "--root", made.root(), made.envelope(made.first))
    code, answer = made.verify(*args)
    outcomes = {row["name"]: row["outcome"] for row in answer["checks"]}
    assert code == 0
    assert outcomes["catalog-entry"] == "not-evaluated"
    assert outcomes["vendor"] == "not-evaluated"
    assert outcomes["sequence-floor"] == "not-evaluated"
    assert outcomes["image-digest"] == "not-evaluated"
    code, answer = made.verify("--strict", *args)
    assert code == 1 and answer["code"] == "strict"


def test_verify_says_loudly_that_revocation_is_off(made):
    out = made.run("verify", *CHAIN_OFF, "--root", made.root(),
                   made.envelope(made.first)).stdout
    assert "WARNING: a check is switched off" in out
    assert out.rstrip().endswith("accepted")


REFUSALS = {
    "wrong vendor": (["--vendor-id", "00000000-0000-0000-0000-000000000001"],
                     "trust-suit-vendor"),
    "wrong class": (["--class-id", "00000000-0000-0000-0000-000000000001"],
                    "trust-suit-class"),
    "rolled back": (["--floor", "2"], "trust-suit-sequence"),
    "root expired": (["--at", "2099-01-01T00:00:00Z"],
                     "trust-root-expired"),
    "before the root": (["--at", "1970-01-02"], "trust-root-not-yet"),
    "no slot": (["--component", "net"], "trust-suit-no-slot"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_verify_refuses(made, name):
    args, want = REFUSALS[name]
    code, answer = made.verify(*CHAIN_OFF, "--root", made.root(), *args,
                               made.envelope(made.first))
    assert code == 1 and answer["code"] == want


def test_verify_refuses_an_expired_catalog(made):
    catalog = cbor2.loads(made.catalog.read_bytes()).value[2]
    at = cbor2.loads(catalog)[4]
    out = subprocess.run(["date", "-u", "-d", f"@{at}", "+%FT%TZ"],
                         capture_output=True, text=True, check=True)
    args = (*CHAIN_OFF, "--root", made.root(), "--catalog", made.catalog,
            made.envelope(made.first))
    code, answer = made.verify("--at", out.stdout.strip(), *args)
    assert code == 1 and answer["code"] == "trust-catalog-expired"


def test_verify_refuses_tampered_files(made, tmp_path):
    args = (*CHAIN_OFF, "--root", made.root())
    whole = made.envelope(made.first).read_bytes()
    bad = tmp_path / "bad.suit"

    for at in range(0, len(whole), 7):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        code, answer = made.verify(*args, "--catalog", made.catalog, bad)
        assert code == 1 and not answer["accepted"], at
    payload = tmp_path / "bad.bin"
    payload.write_bytes(made.image[:-1] + b"\x00")
    code, answer = made.verify(*args, made.envelope(made.first), payload)
    assert code == 1 and answer["code"] == "trust-offer-payload-digest"


def test_verify_refuses_what_the_catalog_does_not_list(made, fresh):
    newer = fresh.release("sensor", mcuboot_image((1, 2, 4, 0))[0])
    code, answer = made.verify(*CHAIN_OFF, "--root", made.root(), "--catalog",
                               made.catalog, fresh.envelope(newer))
    assert code == 1 and answer["code"] == "trust-offer-unlisted"


def test_verify_refuses_a_catalog_of_another_vendor(made, build_dir, tmp_path):
    other = Publisher(build_dir, tmp_path / "pub").init("Other")
    code, answer = made.verify(*CHAIN_OFF, "--root", other.root(), "--catalog",
                               made.catalog, made.envelope(made.first))
    codes = {row["name"]: row["code"] for row in answer["checks"]}
    assert code == 1
    assert codes["catalog-signature"] == "trust-catalog-threshold"
    assert codes["author-signature"] == "trust-cert-chain"


def test_verify_takes_anchors_of_every_form(made, tmp_path):
    keys = made.folder / "keys"
    ca = keys / "author-ca" / "cert.pem"
    leaf = keys / "author" / "chain.pem"
    cert = x509.load_pem_x509_certificate(ca.read_bytes())
    key = x509.load_pem_x509_certificate(leaf.read_bytes()).public_key()
    x, y = formats.point(key)
    forms = {
        "ca.pem": ca.read_bytes(),
        "ca.der": pki.openssl("x509", "-in", ca, "-outform", "DER"),
        "key.raw": b"\x04" + x + y,
        "key.cose": cbor2.dumps({1: 2, -1: 1, -2: x, -3: y}),
        "key.pem": pki.openssl("x509", "-in", leaf, "-noout", "-pubkey"),
    }
    (tmp_path / "key.pem").write_bytes(forms["key.pem"])
    forms["key.der"] = pki.openssl("pkey", "-pubin", "-in",
                                   tmp_path / "key.pem", "-outform", "DER")
    assert cert.subject == cert.issuer
    for name, data in forms.items():
        path = tmp_path / name
        path.write_bytes(data)
        code, answer = made.verify(*CHAIN_OFF, "--anchor", path,
                                   made.envelope(made.first))
        # A bare key does not stand for a chain: the block brings x5chain.
        want = 0 if name.startswith("ca") else 1
        assert code == want, (name, answer["code"])


def test_verify_takes_keys_of_other_kinds_as_anchors(made, tmp_path):
    (tmp_path / "ed.raw").write_bytes(bytes(32))
    (tmp_path / "hss.raw").write_bytes(bytes.fromhex(
        "000000020000000500000004") + bytes(48))
    anchors = [arg for name in ("ed.raw", "hss.raw")
               for arg in ("--anchor", tmp_path / name)]
    code, _ = made.verify(*CHAIN_OFF, *anchors, made.envelope(made.first))
    assert code == 1
    code, _ = made.verify(
        *CHAIN_OFF, *anchors, "--anchor",
        made.folder / "keys" / "author-ca" / "cert.pem",
        made.envelope(made.first))
    assert code == 0


def test_verify_exits_2_for_usage_and_unreadable(made, tmp_path):
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no key")
    envelope = made.envelope(made.first)
    for args in ([], ["--at", "tomorrow", envelope],
                 ["--anchor", garbage, envelope],
                 ["--anchor", tmp_path / "none", envelope],
                 ["--revocation", "maybe", envelope],
                 ["--vendor-id", "x", envelope],
                 [tmp_path / "none"], [envelope, tmp_path / "none"],
                 ["--root", made.root(), "--anchor", garbage, envelope]):
        made.run("verify", *args, check=2)
    made.run("verify", *CHAIN_OFF, "--root", made.root(), garbage, check=1)
    made.run("verify", *CHAIN_OFF, "--root", garbage, envelope, check=1)


# Vectors


def vectors(pattern):
    if not SHARED.is_dir():
        return []
    return sorted((SHARED / "vectors").glob(pattern))


def test_vectors_are_there():
    if not SHARED.is_dir() and not os.environ.get("CI"):
        pytest.skip(f"missing folder of test vectors: {SHARED}")
    assert len(vectors("*/*.suit")) == 41


@pytest.mark.parametrize("path", vectors("*/*.suit"), ids=lambda p: p.name)
def test_show_and_verify_survive_every_vector(made, path):
    shown = made.run("show", path, check=None)
    assert shown.returncode in (0, 1)
    assert "Sanitizer" not in shown.stderr
    code, answer = made.verify(
        *CHAIN_OFF, "--anchor",
        SHARED / "vectors" / "keys" / "trust-anchor-p256.pub.pem", path)
    assert code in (0, 1) and answer["accepted"] == (code == 0)
    if path.parent.name == "derived-invalid" and \
            path.name != "severable-text-tampered.suit":
        assert code == 1


def test_real_envelope_verifies_by_anchor(made):
    if not SHARED.is_dir():
        pytest.skip("no vectors")
    keys = SHARED / "vectors" / "keys"
    envelope = SHARED / "vectors/ietf-manifest-37/example1.signed.suit"
    for name in ("trust-anchor-p256.pub.pem", "trust-anchor-p256.pub.raw65"):
        code, answer = made.verify(*CHAIN_OFF, "--anchor", keys / name,
                                   envelope)
        assert code == 0, answer
    code, answer = made.verify(*CHAIN_OFF, "--anchor",
                               keys / "tam-p256.pub.pem", envelope)
    assert code == 1
    shown = made.run("show", envelope).stdout
    assert "directive-fetch" in shown
    assert "http://example.com/file.bin" in shown


# Going on


def test_expect_comes_from_the_image(made):
    assert made.first["expect_version"] == "1.2.3"
    assert made.first["expect_digest"] == made.image_hash.hex()
    assert made.first["version"] == "1.2.3"


def test_broken_image_is_refused_and_leaves_no_record(fresh):
    image, _ = mcuboot_image((9, 0, 0, 0), b"x" * 100)
    bad = image[:40] + b"\xff" + image[41:]
    path = fresh.folder.parent / "bad.bin"
    path.write_bytes(bad)
    out = fresh.run("release", "--class", "sensor", "--firmware", path,
                    check=1)
    assert str(path) in out.stderr
    assert len(list((fresh.folder / "releases").iterdir())) == 1


def test_unknown_format_warns_that_it_cannot_be_proved(fresh):
    out = fresh.run("release", "--class", "sensor", "--firmware", "/bin/true",
                    "--version", "x")
    assert "will end unverified" in out.stderr


def test_sequence_rises_and_never_falls(fresh):
    image = mcuboot_image((2, 0, 0, 0))[0]
    second = fresh.release("sensor", image)
    assert second["sequence"] == 2
    path = fresh.folder.parent / "firmware.bin"
    for sequence, rule in (("1", "must not fall"), ("2", "is taken")):
        out = fresh.run("release", "--class", "sensor", "--firmware", path,
                        "--sequence", sequence, check=1)
        assert rule in out.stderr
    third = fresh.release("sensor", image, "--sequence", "2", "--hw", "5..7")
    assert third["sequence"] == 2 and third["hardware"] == [5, 7]
    root = formats.Root(fresh.root().read_bytes())
    catalog = formats.Catalog(fresh.catalog.read_bytes(), root)
    assert catalog.data[2] == 3 and len(catalog.entries) == 3


def test_every_option_of_a_release_reaches_the_catalog(fresh):
    precursor = "ab" * 32
    r = fresh.release(
        "sensor", b"delta", "--version", "3", "--sequence", "7", "--security",
        "--hw", "2", "--precursor", precursor, "--set", "spring",
        "--end-of-support", "2040-01-01", "--expires", "2035-01-01T00:00:00Z",
        "--expect-version", "3.0.0", "--expect-digest", "00ff")
    root = formats.Root(fresh.root().read_bytes())
    catalog = formats.Catalog(fresh.catalog.read_bytes(), root)
    entry = [e for e in catalog.entries if e[4] == 7][0]
    assert entry[9] == {1: "3.0.0", 2: b"\x00\xff"}
    assert entry[11] == [2, 2] and entry[12] is True
    assert entry[14] == 2208988800 and entry[15] == "spring"
    assert entry[16] == [bytes.fromhex(precursor)]
    envelope = formats.Envelope(fresh.envelope(r).read_bytes(),
                                root.anchors())
    assert envelope.shared[1][4] == 2051222400
    assert envelope.shared[-2:] == [4, 15]
    args = (*CHAIN_OFF, "--anchor",
            fresh.folder / "keys" / "author-ca" / "cert.pem",
            fresh.envelope(r))
    # The author's certificate ends earlier than the manifest.
    code, answer = fresh.verify("--at", "2035-01-01T00:00:00Z", *args)
    assert code == 1


def test_withdrawn_stays_listed_and_is_refused(fresh):
    fresh.run("withdraw", fresh.first["manifest_digest"][:8])
    root = formats.Root(fresh.root().read_bytes())
    entry, = formats.Catalog(fresh.catalog.read_bytes(), root).entries
    assert entry[17] is True and entry[4] == 1
    code, answer = fresh.verify(*CHAIN_OFF, "--root", fresh.root(),
                                "--catalog", fresh.catalog,
                                fresh.envelope(fresh.first))
    assert code == 1 and answer["code"] == "trust-offer-withdrawn"
    fresh.run("withdraw", "--undo", fresh.first["manifest_digest"][:8])
    fresh.verify(*CHAIN_OFF, "--root", fresh.root(), "--catalog",
                 fresh.catalog, fresh.envelope(fresh.first), check=0)


def test_resign_keeps_the_release_and_renews_the_envelope(fresh):
    fresh.run("pki", "author", "--days", "900")
    fresh.run("resign", "--all")
    after = fresh.record(fresh.first["manifest_digest"])
    assert after["envelope_digest"] != fresh.first["envelope_digest"]
    assert after["signed_until"] > fresh.first["signed_until"]
    root = formats.Root(fresh.root().read_bytes())
    old = formats.Envelope(fresh.envelope(fresh.first).read_bytes(),
                           root.anchors())
    new = formats.Envelope(fresh.envelope(after).read_bytes(), root.anchors())
    assert old.release == new.release and old.text == new.text
    fresh.verify(*all_facts(fresh, after), fresh.envelope(after),
                 fresh.payload(after), check=0)
    code, answer = fresh.verify(*all_facts(fresh, after),
                                fresh.envelope(fresh.first))
    assert code == 1 and answer["code"] == "trust-offer-envelope"


def test_catalog_is_refused_when_a_chain_ends_first(fresh):
    before = fresh.catalog.read_bytes()
    out = fresh.run("catalog", "--expires", "800d", check=1)
    assert "author certificate" in out.stderr and "resign" in out.stderr
    assert fresh.catalog.read_bytes() == before


def test_resign_with_a_key_that_the_root_does_not_know_changes_nothing(
        fresh, tmp_path):
    fresh.run("pki", "author", "--out", tmp_path / "other")
    before = {path: path.read_bytes() for path in
              (fresh.folder / "releases").iterdir()}
    out = fresh.run("resign", "--all", "--key",
                    tmp_path / "other/author/key.pem", "--chain",
                    tmp_path / "other/author/chain.pem", check=1)
    assert "trust-cert-chain" in out.stderr
    assert before == {path: path.read_bytes() for path in
                      (fresh.folder / "releases").iterdir()}
    fresh.run("catalog")


def test_key_and_chain_must_belong_together(fresh, tmp_path):
    fresh.run("pki", "author", "--out", tmp_path / "other")
    out = fresh.run("resign", "--all", "--key",
                    tmp_path / "other/author/key.pem", "--chain",
                    fresh.folder / "keys/author/chain.pem", check=1)
    assert "does not belong to the signing key" in out.stderr


def test_folder_that_went_backwards_is_refused(fresh):
    state = (fresh.folder / "state.json").read_bytes()
    fresh.run("catalog")
    (fresh.folder / "state.json").write_bytes(state)
    out = fresh.run("catalog", check=1)
    assert "went backwards" in out.stderr


def test_clock_that_went_backwards_is_refused(fresh):
    path = fresh.folder / "state.json"
    state = json.loads(path.read_text())
    state["issued"] += 1000000
    path.write_text(json.dumps(state))
    out = fresh.run("catalog", check=1)
    assert "clock" in out.stderr


def test_second_process_is_told_to_wait(fresh):
    with open(fresh.folder / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        out = fresh.run("catalog", check=1)
    assert "another ferry-publish" in out.stderr


def test_open_key_is_refused_with_file_and_rule(fresh):
    key = fresh.folder / "keys" / "catalog" / "key.pem"
    key.chmod(0o644)
    out = fresh.run("catalog", check=2)
    assert f"{key}: mode:" in out.stderr and "600" in out.stderr


def test_pkcs11_says_what_is_missing(fresh):
    out = fresh.run("catalog", "--key", "pkcs11:token=t", check=1)
    assert "object or id" in out.stderr
    out = fresh.run("catalog", "--key", "pkcs11:object=k", check=1)
    assert "PKCS #11 module" in out.stderr


def test_settings_are_refused_with_file_and_line(fresh):
    conf = fresh.folder / "publish.conf"
    conf.write_text(conf.read_text() + "\ncolour = 1;\n")
    out = fresh.run("status", check=1)
    assert f"{conf}: colour: line" in out.stderr


def test_payload_that_vanished_is_noticed(fresh):
    fresh.payload(fresh.first).unlink()
    out = fresh.run("catalog", check=1)
    assert "payload: is missing" in out.stderr


def test_init_never_overwrites(fresh):
    out = fresh.run("init", fresh.folder, "--vendor", "X", check=1)
    assert "must be new or empty" in out.stderr


def test_refused_commands_change_nothing_that_is_served(fresh):
    (fresh.folder / "keys/author/key.pem").chmod(0o644)
    before = {path: path.read_bytes() for path in fresh.www.rglob("*")
              if path.is_file()}
    fresh.run("resign", "--all", check=2)
    fresh.run("catalog", "--expires", "800d", check=1)
    fresh.run("root", "rotate", "--role", "author", check=1)
    assert before == {path: path.read_bytes() for path in
                      fresh.www.rglob("*") if path.is_file()}


def test_killed_at_any_moment_goes_on(fresh):
    """A kill in the middle burns a number at most: the next run succeeds,
    and what is served is always a whole catalog under the root."""
    root = formats.Root(fresh.root().read_bytes())
    sequence = 0
    for delay in range(0, 40, 2):
        process = subprocess.Popen(
            [fresh.program, "catalog", "--dir", fresh.folder],
            stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=delay / 100)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        now = formats.Catalog(fresh.catalog.read_bytes(), root).data[2]
        assert now >= sequence
        sequence = now
    fresh.run("catalog")
    assert formats.Catalog(fresh.catalog.read_bytes(), root).data[2] > sequence


# Roots


def follow(p, *versions):
    """Each root is signed by the threshold of the one before, too."""
    roots = [formats.Root(p.root(v).read_bytes()) for v in versions]
    for old, new in zip(roots, roots[1:]):
        assert new.data[2] == old.data[2] + 1
        message = cbor2.loads(p.root(new.data[2]).read_bytes()).value
        assert len(old._signers(message[2], message[3])) >= old.roles[1][0]
    return roots


def test_root_renew_keeps_the_keys(fresh):
    fresh.run("root", "renew", "--expires", "2d")
    first, second = follow(fresh, 1, 2)
    assert second.data[4] - second.data[3] == 2 * 86400
    assert second.data[6] == first.data[6]
    catalog = formats.Catalog(fresh.catalog.read_bytes(), second)
    assert catalog.data[5] == 2 and catalog.data[2] == 2


def test_new_epoch_reaches_the_catalog(fresh):
    fresh.run("root", "renew", "--new-epoch")
    _, second = follow(fresh, 1, 2)
    catalog = formats.Catalog(fresh.catalog.read_bytes(), second)
    assert second.data[5] == 1 and catalog.data[6] == 1


def test_catalog_key_rotates(fresh):
    old = (fresh.folder / "keys/catalog/key.pem").read_bytes()
    fresh.run("root", "rotate", "--role", "catalog")
    first, second = follow(fresh, 1, 2)
    assert first.roles[2][2] != second.roles[2][2]
    formats.Catalog(fresh.catalog.read_bytes(), second)
    kept = fresh.folder / "keys/catalog/until-root-2.pem"
    assert kept.read_bytes() == old
    out = fresh.run("catalog", "--key", kept, check=1)
    assert "is not in the catalog role" in out.stderr


def test_root_key_rotates_by_its_id(fresh):
    root = formats.Root(fresh.root().read_bytes())
    ident = formats.thumbprint(root.roles[1][1][0]).hex()
    fresh.run("root", "rotate", "--role", "root", "--replace", ident[:12])
    _, second = follow(fresh, 1, 2)
    ids = {formats.thumbprint(key).hex() for key in second.roles[1][1]}
    assert ident not in ids and len(ids) == 3
    assert (fresh.folder / "keys/root/4.key.pem").exists()
    fresh.run("root", "renew")
    follow(fresh, 2, 3)


def test_author_rotates_to_another_ca(fresh, tmp_path):
    fresh.run("pki", "author", "--out", tmp_path / "new")
    fresh.run("root", "rotate", "--role", "author", "--anchor",
              tmp_path / "new/author-ca/cert.pem", "--no-catalog")
    out = fresh.run("catalog", check=1)
    assert "trust-cert-chain" in out.stderr
    for name in ("author", "author-ca"):
        shutil.rmtree(fresh.folder / "keys" / name)
        shutil.copytree(tmp_path / "new" / name,
                        fresh.folder / "keys" / name)
    fresh.run("resign", "--all")
    _, second = follow(fresh, 1, 2)
    after = fresh.record(fresh.first["manifest_digest"])
    formats.Envelope(fresh.envelope(after).read_bytes(), second.anchors())


def test_author_as_a_bare_key(fresh, tmp_path):
    """Without certificates: signed by kid, revoked only by a new root."""
    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    pki.make_key(key)
    pki.openssl("pkey", "-in", key, "-pubout", "-out", public)
    fresh.run("root", "rotate", "--role", "author", "--public", public,
              "--no-catalog")
    fresh.run("resign", "--all", "--key", key)
    after = fresh.record(fresh.first["manifest_digest"])
    assert "signed_until" not in after
    for anchor in (["--root", fresh.root(2)], ["--anchor", public]):
        code, answer = fresh.verify(*CHAIN_OFF, *anchor,
                                    fresh.envelope(after))
        assert code == 0, answer


def test_root_with_keys_elsewhere_collects_signatures(fresh, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    keys = fresh.folder / "keys" / "root"
    for name in ("2.key.pem", "3.key.pem"):
        (keys / name).rename(away / name)
    out = fresh.run("root", "renew", check=1)
    draft = fresh.folder / "root-2.draft.cose"
    assert "needs 1 more signature" in out.stderr and draft.exists()
    assert not fresh.root(2).exists()
    out = fresh.run("root", "sign", draft, "--key", keys / "1.key.pem",
                    check=1)
    assert "have signed already" in out.stderr
    out = fresh.run("root", "sign", draft, "--key",
                    fresh.folder / "keys/catalog/key.pem", check=1)
    assert "is not in the root role" in out.stderr
    fresh.run("root", "sign", draft, "--key", away / "3.key.pem")
    follow(fresh, 1, 2)
    assert not draft.exists()
    assert "version 2" in fresh.run("status").stdout


def test_root_that_a_crash_left_behind_is_adopted(fresh):
    state = (fresh.folder / "state.json").read_bytes()
    fresh.run("root", "renew", "--no-catalog")
    (fresh.folder / "state.json").write_bytes(state)
    fresh.run("root", "renew", "--no-catalog")
    follow(fresh, 1, 2, 3)


# show and pki


def test_show_prints_words(made):
    root = made.run("show", made.root()).stdout
    assert "role root (1), 2 of 3" in root and "own signatures    enough" in root
    catalog = made.run("show", made.catalog).stdout
    assert made.first["manifest_digest"] in catalog
    envelope = made.run("show", made.envelope(made.first)).stdout
    assert "condition-vendor-identifier" in envelope
    assert made.first["class_id"] in envelope
    cert = made.run("show", made.folder / "keys/author/chain.pem").stdout
    assert "signs code        yes" in cert


def test_show_escapes_what_it_prints(fresh):
    r = fresh.release("sensor", b"x", "--version", "1\x1b[31m")
    for path in (fresh.catalog, fresh.envelope(r)):
        out = fresh.run("show", path).stdout
        assert "\x1b" not in out and "\\x1b[31m" in out


def test_show_says_what_a_file_is_not(made, tmp_path):
    junk = tmp_path / "junk"
    for data in (b"", b"junk", b"\xd8\x62\x84", b"\xd8\x6b\xa0"):
        junk.write_bytes(data)
        out = made.run("show", junk, check=1)
        assert str(junk) in out.stderr


def test_pki_tls_serves_mutual_tls(made, tmp_path):
    tls = tmp_path / "tls"
    made.run("pki", "tls", "--out", tls, "--server", "localhost", "--server",
             "127.0.0.1", "--gateway", "hub-1")
    for cert, purpose in (("server", "sslserver"),
                          ("gateway-hub-1", "sslclient")):
        out = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", purpose,
             "-CAfile", tls / "ca.pem", tls / f"{cert}.pem"],
            capture_output=True, text=True, check=False)
        assert out.returncode == 0, out.stdout + out.stderr
    server = pki.Identity(tls / "server.pem", tls / "server.key.pem")
    with Nginx(tmp_path / "nginx", made.www, server,
               client_ca=pki.Identity(tls / "ca.pem", tls / "ca.key.pem")
               ) as nginx:
        def get(*args):
            return subprocess.run(
                ["curl", "-s", "--fail", "--cacert", tls / "ca.pem", *args,
                 f"{nginx.url}/catalog.cose"], capture_output=True,
                check=False)
        client = ("--cert", tls / "gateway-hub-1.pem", "--key",
                  tls / "gateway-hub-1.key.pem")
        assert get(*client).stdout == made.catalog.read_bytes()
        assert get().returncode != 0


def test_pki_tls_adds_gateways_under_the_same_ca(made, tmp_path):
    tls = tmp_path / "tls"
    made.run("pki", "tls", "--out", tls, "--server", "localhost")
    ca = (tls / "ca.pem").read_bytes()
    made.run("pki", "tls", "--out", tls, "--gateway", "hub-2")
    assert (tls / "ca.pem").read_bytes() == ca
    assert pki.openssl("verify", "-CAfile", tls / "ca.pem",
                       tls / "gateway-hub-2.pem")
    made.run("pki", "tls", "--out", tls, "--gateway", "../x", check=1)


def test_help_of_every_verb(made):
    out = made.run("--help").stdout
    verbs = [line[2:16].strip() for line in out.split("Verbs:\n")[1]
             .split("\n\n")[0].splitlines()]
    assert len(verbs) >= 21
    for verb in verbs:
        assert "Usage: ferry-publish " + verb in made.run(
            *verb.split(), "--help").stdout
