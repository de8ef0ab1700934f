"""Encrypted releases of ferry-publish, and keys in a token. Another
implementation opens what it makes."""

import hashlib
import os
import shutil

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization

from ferrytest import formats, sealed, softhsm
from ferrytest.publish import Publisher, mcuboot_image

NO_TOKEN = pytest.mark.skipif(
    softhsm.module() is None and not os.environ.get("CI"),
    reason="softhsm2 and opensc are not installed")


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    p = Publisher(build_dir, tmp_path_factory.mktemp("sealing") / "pub")
    p.init("Acme", "--domain", "acme.example")
    p.add_class("sensor")
    return p


@pytest.fixture
def fresh(made, build_dir, tmp_path):
    shutil.copytree(made.folder, tmp_path / "pub", copy_function=shutil.copy2)
    p = Publisher(build_dir, tmp_path / "pub")
    p.image, _ = mcuboot_image((1, 2, 3, 0), os.urandom(70000))
    return p


def envelope_of(p, record):
    root = formats.Root(p.root().read_bytes())
    return formats.Envelope(p.envelope(record).read_bytes(), root.anchors())


def verify(p, record, *more, payload=None):
    return p.verify("--revocation", "off", "--root", p.root(), "--catalog",
                    p.catalog, "--vendor-id", record["vendor_id"],
                    "--class-id", record["class_id"], "--component", "app",
                    "--floor", record["sequence"], "--hw", "1", "--strict",
                    *more, p.envelope(record), payload or p.payload(record))


def row(answer, name):
    return next(c for c in answer["checks"] if c["name"] == name)


@pytest.mark.parametrize("cipher", sealed.CIPHERS)
@pytest.mark.parametrize("kind", ["key", "kek16", "kek32"])
def test_another_implementation_opens_the_image(fresh, tmp_path, cipher,
                                                kind):
    if kind == "key":
        key, private, public = sealed.new_pair(tmp_path)
        option = "--encrypt-to", public
    else:
        key, private = sealed.new_kek(tmp_path, int(kind[3:]), kid="k-1")
        option = "--kek", private
    record = fresh.release("sensor", fresh.image, *option, "--cipher", cipher)
    envelope = envelope_of(fresh, record)
    ciphertext = fresh.payload(record).read_bytes()
    of_sealed, of_image = sealed.parameters(envelope)
    assert cbor2.loads(of_sealed[3]) == [
        -16, hashlib.sha256(ciphertext).digest()]
    assert of_sealed[14] == len(ciphertext)
    assert of_sealed[21] == f"../p/{record['payload_digest']}"
    assert of_image[22] == 1
    assert sealed.open_image(of_image[19], ciphertext, key) == fresh.image
    digest = hashlib.sha256(fresh.image).digest()
    shared = envelope.shared
    assert shared[:2] == [12, 0]
    assert cbor2.loads(shared[3][3]) == [-16, digest]
    assert shared[3][14] == len(fresh.image)
    code, answer = verify(fresh, record, "--decrypt-key", private)
    assert code == 0, answer
    assert row(answer, "image-digest")["outcome"] == "pass"
    assert row(answer, "sealed-digest")["outcome"] == "pass"
    assert answer["tiers"]["protect"] == ("+2" if kind == "key" else "basic")
    assert answer["images"][0]["digest"] == digest.hex()


def test_every_recipient_opens_it_and_nobody_else(fresh, tmp_path):
    pairs = [sealed.new_pair(tmp_path, f"d{i}") for i in range(3)]
    kek, kek_path = sealed.new_kek(tmp_path)
    _, stranger, _ = sealed.new_pair(tmp_path, "stranger")
    options = [x for _, _, public in pairs for x in ("--encrypt-to", public)]
    record = fresh.release("sensor", fresh.image, *options, "--kek", kek_path)
    _, of_image = sealed.parameters(envelope_of(fresh, record))
    ciphertext = fresh.payload(record).read_bytes()
    for i, key in enumerate([*(k for k, _, _ in pairs), kek]):
        assert sealed.open_image(of_image[19], ciphertext, key,
                                 i) == fresh.image
    for path in [*(private for _, private, _ in pairs), kek_path]:
        assert verify(fresh, record, "--decrypt-key", path)[0] == 0
    code, answer = verify(fresh, record, "--decrypt-key", stranger)
    assert code == 1 and answer["code"] == "trust-encrypt-no-key"
    assert row(answer, "decryption")["code"] == "trust-encrypt-no-key"
    assert verify(fresh, record, "--decrypt-key", stranger, "--decrypt-key",
                  pairs[1][1])[0] == 0


def test_without_a_key_the_image_is_not_evaluated(fresh, tmp_path):
    _, _, public = sealed.new_pair(tmp_path)
    record = fresh.release("sensor", fresh.image, "--encrypt-to", public)
    code, answer = verify(fresh, record)
    assert code == 1 and answer["code"] == "strict"
    assert row(answer, "sealed-digest")["outcome"] == "pass"
    assert row(answer, "image-digest")["outcome"] == "not-evaluated"


def test_changed_ciphertext_is_refused(fresh, tmp_path):
    _, private, public = sealed.new_pair(tmp_path)
    record = fresh.release("sensor", fresh.image, "--encrypt-to", public)
    spoiled = tmp_path / "spoiled"
    data = bytearray(fresh.payload(record).read_bytes())
    data[100] ^= 1
    spoiled.write_bytes(data)
    code, answer = verify(fresh, record, "--decrypt-key", private,
                          payload=spoiled)
    assert code == 1 and answer["code"] == "trust-encrypt-sealed"
    assert row(answer, "decryption")["code"] == "trust-encrypt-tag"


def test_every_release_has_a_content_key_of_its_own(fresh, tmp_path):
    key, _, public = sealed.new_pair(tmp_path)
    seen = set()
    for _ in range(2):
        record = fresh.release("sensor", fresh.image, "--encrypt-to", public)
        _, of_image = sealed.parameters(envelope_of(fresh, record))
        message = cbor2.loads(of_image[19]).value
        seen |= {message[1][5], message[3][0][1][-1][-2],
                 record["payload_digest"]}
    assert len(seen) == 6


def test_expectations_come_from_the_plain_image(fresh, tmp_path):
    _, _, public = sealed.new_pair(tmp_path)
    plain = fresh.release("sensor", fresh.image)
    record = fresh.release("sensor", fresh.image, "--encrypt-to", public)
    assert record["expect_digest"] == plain["expect_digest"]
    assert record["payload_length"] == plain["payload_length"] + 16


@pytest.mark.parametrize("name,word", [
    ("p384", "P-256"), ("text", "P-256"), ("private-open", "600"),
    ("kek-short", "16 or 32"), ("twice", "twice"), ("cipher", "a128gcm"),
    ("cipher-alone", "--encrypt-to")])
def test_what_cannot_be_encrypted_for_is_refused(fresh, tmp_path, name, word):
    _, _, public = sealed.new_pair(tmp_path)
    _, kek = sealed.new_kek(tmp_path)
    bad = tmp_path / "bad"
    options = ["--encrypt-to", bad]
    if name == "p384":
        os.system(f"openssl ecparam -name secp384r1 -genkey -noout | "
                  f"openssl ec -pubout -out {bad} 2>/dev/null")
    elif name == "text":
        bad.write_text("no key")
    elif name == "private-open":
        kek.chmod(0o644)
        options = ["--kek", kek]
    elif name == "kek-short":
        bad.touch(mode=0o600)
        bad.write_bytes(b"short")
        options = ["--kek", bad]
    elif name == "twice":
        options = ["--encrypt-to", public, "--encrypt-to", public]
    elif name == "cipher":
        options = ["--encrypt-to", public, "--cipher", "des"]
    else:
        options = ["--cipher", "a128ctr"]
    firmware = tmp_path / "fw"
    firmware.write_bytes(fresh.image)
    out = fresh.run("release", "--class", "sensor", "--firmware", firmware,
                    *options, check=None)
    assert out.returncode in (1, 2) and word in out.stderr
    assert not list((fresh.www / "p").iterdir())


def test_show_names_the_encryption(fresh, tmp_path):
    _, _, public = sealed.new_pair(tmp_path)
    record = fresh.release("sensor", fresh.image, "--encrypt-to", public)
    out = fresh.run("show", fresh.envelope(record)).stdout
    assert "A128GCM, ECDH-ES+A128KW, 1 recipient" in out


# Keys in a token


@NO_TOKEN
def test_token_opens_the_image(fresh, tmp_path):
    token = softhsm.SoftHsm(tmp_path)
    token.new_pair("fw", "01")
    kek, kek_path = sealed.new_kek(tmp_path)
    token.add_kek("kek", "02", kek)
    public = token.public("fw", tmp_path / "fw.pem")
    for label, option in (("fw", ("--encrypt-to", public)),
                          ("kek", ("--kek", kek_path))):
        record = fresh.release("sensor", fresh.image, *option)
        os.environ.update(token.env)
        code, answer = verify(fresh, record, "--decrypt-key",
                              token.uri(label))
        assert code == 0, answer


@NO_TOKEN
def test_token_signs_releases(fresh, tmp_path):
    token = softhsm.SoftHsm(tmp_path)
    os.environ.update(token.env)
    token.new_pair("author", "01")
    public = token.public("author", tmp_path / "author.pem")
    firmware = tmp_path / "fw"
    firmware.write_bytes(fresh.image)
    out = fresh.run("release", "--class", "sensor", "--firmware", firmware,
                    "--key", token.uri("author"), "--no-catalog").stdout
    record = fresh.record(out.split()[1])
    _, answer = fresh.verify("--revocation", "off", "--anchor", public,
                             fresh.envelope(record))
    assert row(answer, "author-signature")["outcome"] == "pass", answer
    assert row(answer, "author-signature")["evidence"].startswith("ESP256")


@NO_TOKEN
def test_token_signs_catalogs_and_roots(fresh, tmp_path):
    """The catalog key and one of the root keys move into a token; another
    implementation verifies what they sign."""
    token = softhsm.SoftHsm(tmp_path)
    os.environ.update(token.env)
    for number, label in ((1, "catalog"), (2, "root")):
        token.new_pair(label, f"0{number}")
        token.public(label, tmp_path / f"{label}.pem")
    fresh.run("root", "rotate", "--role", "catalog", "--public",
              tmp_path / "catalog.pem", "--no-catalog")
    fresh.run("catalog", "--key", token.uri("catalog"))
    first = formats.Root(fresh.root(2).read_bytes())
    formats.Catalog(fresh.catalog.read_bytes(), first)
    (kid, *_) = first.signers
    fresh.run("root", "rotate", "--role", "root", "--public",
              tmp_path / "root.pem", "--replace", kid.hex()[:16], "--key",
              token.uri("root"), "--no-catalog")
    second = formats.Root(fresh.root(3).read_bytes())
    here = formats.thumbprint(serialization.load_pem_public_key(
        (tmp_path / "root.pem").read_bytes()))
    assert here in second.signers
    fresh.run("catalog", "--key", token.uri("catalog"))
    formats.Catalog(fresh.catalog.read_bytes(), second)


@NO_TOKEN
def test_token_with_wrong_pin_says_so(fresh, tmp_path):
    token = softhsm.SoftHsm(tmp_path)
    token.new_pair("author", "01")
    os.environ.update(token.env)
    token.pin.write_text("0000\n")
    out = fresh.run("catalog", "--key", token.uri("author"), check=None)
    assert out.returncode and "[keys-pin]" in out.stderr
    token.pin.chmod(0o644)
    out = fresh.run("catalog", "--key", token.uri("author"), check=None)
    assert out.returncode and "600" in out.stderr
