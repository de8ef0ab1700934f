"""The last hop: envelopes with a MAC for devices that check no signature."""

import hashlib
import hmac
import json

import cbor2
import pytest

from ferrytest.publish import Publisher, mcuboot_image

HUB, EPOCH = "hub-1", 7


def hub_key(device_key, hub=HUB, epoch=EPOCH):
    """By hand from RFC 5869 and docs/formats.md."""
    info = cbor2.dumps(["ferry fw-mac 1", hub, epoch])
    prk = hmac.digest(bytes(32), device_key, "sha256")
    return hmac.digest(prk, info + b"\1", "sha256")


def keys_of(path):
    lines = [line.split() for line in path.read_text().splitlines()]
    return {words[1]: bytes.fromhex(words[2]) for words in lines
            if words[0] == "device"}


def bundle_of(envelope, image, key, hub=HUB, epoch=EPOCH, strip=False):
    """The bundle of docs/formats.md, by another encoder."""
    members = cbor2.loads(envelope).value
    digest, *blocks = cbor2.loads(members[2])
    if strip:
        blocks = [b for b in blocks if cbor2.loads(b).tag not in (18, 98)]
    protected = cbor2.dumps({1: 5, 4: cbor2.dumps([hub, epoch])})
    tag = hmac.digest(key, cbor2.dumps(["MAC0", protected, b"", digest]),
                      "sha256")
    mac = cbor2.dumps(cbor2.CBORTag(17, [protected, {}, None, tag]))
    manifest = cbor2.loads(members[3])
    install = cbor2.loads(manifest[20])
    made = {2: cbor2.dumps([digest, *blocks, mac]), 3: members[3]}
    made.update({k: v for k, v in members.items()
                 if k not in (2, 3, 14, 23)})
    made[install[1][21]] = image
    return cbor2.dumps(cbor2.CBORTag(107, made))


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """A release, two devices' secrets, and the keys of a hub."""
    folder = tmp_path_factory.mktemp("lasthop")
    p = Publisher(build_dir, folder / "pub")
    p.init("Acme", "--domain", "acme.example")
    p.add_class("sensor")
    p.image, _ = mcuboot_image((1, 2, 3, 0), b"first" * 500)
    p.first = p.release("sensor", p.image, "--notes", "hello")
    p.devices = folder / "devices"
    p.run("device-keys", p.devices, "lamp-1", "lamp-2")
    p.hub = folder / "hub"
    p.run("hub-keys", "--device-keys", p.devices, "--hub", HUB, "--epoch",
          EPOCH, "--out", p.hub)
    return p


def make_bundle(p, out, *options, device="lamp-1", hub=None):
    p.run("bundle", p.envelope(p.first), p.payload(p.first), "--hub-keys",
          hub or p.hub, "--device", device, "--out", out, *options)
    return out


def verify(p, path, *options, check=0, keys=None):
    done = p.run("verify", path, "--device-key", keys or p.devices, "--json",
                 *options, check=check)
    answer = json.loads(done.stdout)
    return answer, {c["name"]: c for c in answer["checks"]}


def test_device_keys_are_random_private_and_added_to(made, tmp_path):
    path = tmp_path / "keys"
    made.run("device-keys", path, "a", "b")
    first = keys_of(path)
    made.run("device-keys", path, "c")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(keys_of(path)) == ["a", "b", "c"]
    assert {k: v for k, v in keys_of(path).items() if k != "c"} == first
    assert len(set(keys_of(path).values())) == 3


def test_device_keys_refuses_a_name_twice_and_keeps_the_file(made, tmp_path):
    path = tmp_path / "keys"
    made.run("device-keys", path, "a")
    before = path.read_bytes()
    done = made.run("device-keys", path, "a", check=1)
    assert "stands there twice" in done.stderr
    assert path.read_bytes() == before


def test_hub_keys_by_another_implementation(made):
    secrets, derived = keys_of(made.devices), keys_of(made.hub)
    assert derived == {n: hub_key(k) for n, k in secrets.items()}
    assert made.hub.stat().st_mode & 0o777 == 0o600
    assert f"hub {HUB}\nepoch {EPOCH}\n" in made.hub.read_text()


def test_hub_keys_of_some_devices_only(made, tmp_path):
    out = tmp_path / "hub"
    made.run("hub-keys", "--device-keys", made.devices, "--hub", "x",
             "--epoch", 1, "--device", "lamp-2", "--out", out)
    assert list(keys_of(out)) == ["lamp-2"]


@pytest.mark.parametrize("options, text", [
    (("--hub", "a/b", "--epoch", "1"), "--hub"),
    (("--hub", "x" * 65, "--epoch", "1"), "--hub"),
    (("--hub", "h"), "--epoch"),
    (("--hub", "h", "--epoch", "-1"), "--epoch"),
    (("--hub", "h", "--epoch", "1", "--device", "none"), "none"),
])
def test_hub_keys_bad_arguments_are_refused(made, tmp_path, options, text):
    out = tmp_path / "hub"
    done = made.run("hub-keys", "--device-keys", made.devices, "--out", out,
                    *options, check=None)
    assert done.returncode and text in done.stderr and not out.exists()


def test_keys_that_others_may_read_are_refused(made, tmp_path):
    path = tmp_path / "keys"
    path.write_bytes(made.devices.read_bytes())
    path.chmod(0o640)
    done = made.run("hub-keys", "--device-keys", path, "--hub", "h",
                    "--epoch", 1, "--out", tmp_path / "hub", check=None)
    assert done.returncode == 1 and "0600" in done.stderr


@pytest.mark.parametrize("strip", [False, True])
def test_bundle_byte_for_byte_by_another_encoder(made, tmp_path, strip):
    path = make_bundle(made, tmp_path / "b",
                       *(["--strip-signatures"] if strip else []))
    expected = bundle_of(made.envelope(made.first).read_bytes(), made.image,
                         keys_of(made.hub)["lamp-1"], strip=strip)
    assert path.read_bytes() == expected


def test_verify_device_key_accepts_what_the_device_would(made, tmp_path):
    path = make_bundle(made, tmp_path / "b")
    answer, checks = verify(made, path, "--epoch", EPOCH, "--floor",
                            made.first["sequence"], "--strict")
    assert answer["accepted"]
    assert "lamp-1 by hub hub-1" in checks["last-hop-mac"]["evidence"]
    assert {c["outcome"] for c in checks.values()} == {"pass"}


def test_verify_device_key_with_root_judges_the_author_too(made, tmp_path):
    path = make_bundle(made, tmp_path / "b")
    _, checks = verify(made, path, "--root", made.root(), "--revocation",
                       "off")
    assert checks["author-signature"]["outcome"] == "pass"
    assert checks["last-hop-mac"]["outcome"] == "pass"
    stripped = make_bundle(made, tmp_path / "s", "--strip-signatures")
    _, checks = verify(made, stripped, "--root", made.root(), "--revocation",
                       "off", check=1)
    assert checks["author-signature"]["code"] == "trust-suit-mac-only"
    assert checks["last-hop-mac"]["outcome"] == "pass"


def change(path, at, out):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    out.write_bytes(data)
    return out


def test_verify_device_key_refusals_have_their_codes(made, tmp_path):
    good = make_bundle(made, tmp_path / "b")
    data = good.read_bytes()
    other = tmp_path / "other"
    made.run("device-keys", other, "lamp-1")
    rows = [
        ("last-hop-mac", "trust-cose-mac", good, {"keys": other}, ()),
        ("last-hop-epoch", "lasthop-epoch", good, {},
         ("--epoch", EPOCH + 1)),
        ("last-hop-sequence", "trust-suit-sequence", good, {},
         ("--floor", made.first["sequence"] + 1)),
        ("last-hop-image", "lasthop-image",
         change(good, -1, tmp_path / "image"), {}, ()),
        ("last-hop-form", "lasthop-form",
         change(good, 0, tmp_path / "form"), {}, ()),
        ("last-hop-form", "lasthop-form", made.envelope(made.first), {}, ()),
    ]
    tag = data.index(hmac.digest(
        keys_of(made.hub)["lamp-1"],
        cbor2.dumps(["MAC0", cbor2.dumps({1: 5, 4: cbor2.dumps([HUB, EPOCH])}),
                     b"", cbor2.loads(cbor2.loads(
                         made.envelope(made.first).read_bytes()).value[2])[0]]),
        "sha256"))
    rows.append(("last-hop-mac", "trust-cose-mac",
                 change(good, tag, tmp_path / "tag"), {}, ()))
    for name, code, path, more, options in rows:
        answer, checks = verify(made, path, *options, check=1, **more)
        assert not answer["accepted"]
        assert checks[name]["code"] == code, (name, path)


def test_verify_device_key_without_mac_is_refused(made, tmp_path):
    members = cbor2.loads(made.envelope(made.first).read_bytes()).value
    install = cbor2.loads(cbor2.loads(members[3])[20])
    bare = {2: members[2], 3: members[3], install[1][21]: made.image}
    path = tmp_path / "bare"
    path.write_bytes(cbor2.dumps(cbor2.CBORTag(107, bare)))
    _, checks = verify(made, path, check=1)
    assert checks["last-hop-mac"]["code"] == "lasthop-no-mac"


def test_verify_device_key_takes_no_catalog(made, tmp_path):
    path = make_bundle(made, tmp_path / "b")
    done = made.run("verify", path, "--device-key", made.devices,
                    "--catalog", made.catalog, check=2)
    assert "bundle" in done.stderr
