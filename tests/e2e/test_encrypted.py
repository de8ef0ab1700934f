"""Encrypted images from ferry-publish to the ledger: opened by the gateway, or
passed sealed; and everything that must not get through."""

import hashlib
import json
import os
import re
import signal
import subprocess

import cbor2
import pytest

from ferrytest import formats, sealed, softhsm
from ferrytest.forge import Forge, encode, header, load_key, signature
from ferrytest.site import Site, wait_for

NO_TOKEN = pytest.mark.skipif(
    softhsm.module() is None and not os.environ.get("CI"),
    reason="softhsm2 and opensc are not installed")


def site_with(tmp_path, build_dir, keys, encrypted="open", extra=""):
    """A vendor with decryption keys, and a class that says what to do."""
    names = ", ".join(f'"{key}"' for key in keys)
    site = Site(tmp_path, build_dir,
                vendor_extra=f"decryption_keys = [{names}];" if keys else "")
    site.extra = f'encrypted = "{encrypted}";\n{extra}'
    return site


def start(site, env=None, release=True, options=()):
    site.add_class("lamp", extra=site.extra)
    site.sim = site.start_sim("name=lamp-1", "lamp")
    if release:
        site.image_path = site.release("lamp", "2.0.0", *options)
    site.start_ferryd(env=env)


def cached(site):
    """SHA-256 of every blob that the cache keeps."""
    return {p.name for p in (site.state / "cache").rglob("*")
            if re.fullmatch(r"[0-9a-f]{64}", p.name)}


PROTECT, CHECK = 2, 5


def checks(site, job):
    """The ledger of the last job of a device: {step: (tier, text)}."""
    rows = site.get(f"/v1/devices/{job['device']}")["ledger"]
    return {row["step"]: (row["tier"], json.dumps(row)) for row in rows}


def refused(site, code, device="lamp-1"):
    """The release is refused with this code, and nothing was sent."""
    def seen():
        return site.logged(f"code={code}")
    wait_for(f"a refusal with {code}: {site.log.read_text()[-3000:]}", seen)
    assert site.sim.counts(device)["payload_received"] == 0


@pytest.mark.parametrize("cipher", ["a128gcm", "a128ctr", "a256gcm"])
def test_opened_image_reaches_the_device(tmp_path, build_dir, cipher):
    _, private, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [private]) as site:
        start(site, options=("--encrypt-to", str(public), "--cipher", cipher))
        job = site.wait_jobs(1, "done")[0]
        steps = checks(site, job)
        assert steps[PROTECT][0] == "+2"
        assert "ECDH-ES" in steps[PROTECT][1]
        assert steps[CHECK][0] == "basic"
        assert "image-digest pass" in steps[CHECK][1]
        assert site.devices()["lamp-1"]["version"].startswith("2.0.0")
        image = site.image_path.read_bytes()
        site.sim.do(f"dump lamp-1 0 {tmp_path}/slot")
        assert (tmp_path / "slot").read_bytes().startswith(image)
        digest = hashlib.sha256(image).hexdigest()
        wait_for("the plaintext to go", lambda: digest not in cached(site))
        site.stop_ferryd()


def test_image_larger_than_many_pieces_is_opened(tmp_path, build_dir):
    kek, path = sealed.new_kek(tmp_path, 32, kid="k")
    with site_with(tmp_path, build_dir, [path]) as site:
        site.add_class("lamp", extra=site.extra)
        site.sim = site.start_sim("name=lamp-1,slot_size=1048576,buf_size=4096",
                                  "lamp")
        site.release("lamp", "2.0.0", "--kek", str(path), size=700001)
        site.start_ferryd()
        job = site.wait_jobs(1, "done", 120)[0]
        assert checks(site, job)[PROTECT][0] == "basic"
        site.stop_ferryd()


def test_restart_in_the_middle_goes_on(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [private]) as site:
        site.add_class("lamp", extra=site.extra)
        site.sim = site.start_sim("name=lamp-1,baud=115200", "lamp")
        site.release("lamp", "2.0.0", "--encrypt-to", str(public), size=60000)
        site.start_ferryd()
        site.wait_progress("lamp-1", 30)
        site.kill_ferryd()
        site.start_ferryd()
        site.wait_jobs(1, "done")
        assert site.sim.counts("lamp-1")["payload_repeated"] < 8192
        site.stop_ferryd()


def test_reload_in_the_middle_leaves_no_plaintext(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [private]) as site:
        site.add_class("lamp", extra=site.extra)
        site.sim = site.start_sim("name=lamp-1,baud=115200", "lamp")
        image = site.release("lamp", "2.0.0", "--encrypt-to", str(public),
                             size=60000).read_bytes()
        digest = hashlib.sha256(image).hexdigest()
        site.start_ferryd()
        site.wait_progress("lamp-1", 30)
        assert digest in cached(site)
        site.ferryd.send_signal(signal.SIGHUP)
        wait_for("the reload", lambda: site.logged("configuration reloaded"))
        site.wait_jobs(1, "done")
        wait_for("the plaintext to go", lambda: digest not in cached(site))
        site.stop_ferryd()


def test_second_release_and_plain_one_go_through_too(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [private]) as site:
        start(site, options=("--encrypt-to", str(public)))
        site.wait_jobs(1, "done")
        site.release("lamp", "3.0.0", "--encrypt-to", str(public), seed=8)
        site.post("/v1/check")
        site.wait_jobs(2, "done")
        site.release("lamp", "4.0.0", seed=9)
        site.post("/v1/check")
        jobs = site.wait_jobs(3, "done")
        newest = max(jobs, key=lambda j: j["id"])
        assert checks(site, newest)[PROTECT][0] == "none"
        site.stop_ferryd()


def test_class_that_says_nothing_refuses(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [private], "refuse") as site:
        start(site, options=("--encrypt-to", str(public)))
        refused(site, "trust-suit-encrypted")
        site.stop_ferryd()


def test_wrong_key_is_refused(tmp_path, build_dir):
    _, _, public = sealed.new_pair(tmp_path)
    _, other, _ = sealed.new_pair(tmp_path, "other")
    with site_with(tmp_path, build_dir, [other]) as site:
        start(site, options=("--encrypt-to", str(public)))
        refused(site, "trust-encrypt-no-key")
        site.stop_ferryd()


def test_one_key_of_several_is_enough(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    _, other, _ = sealed.new_pair(tmp_path, "other")
    absent = tmp_path / "absent.pem"
    with site_with(tmp_path, build_dir, [absent, other, private]) as site:
        start(site, options=("--encrypt-to", str(public)))
        site.wait_jobs(1, "done")
        alarms = json.dumps(site.get("/v1/status"))
        assert "decryption:acme" in alarms and "decryption_keys[0]" in alarms
        site.stop_ferryd()


def test_key_file_for_others_is_refused(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    private.chmod(0o640)
    with site_with(tmp_path, build_dir, [private]) as site:
        start(site, options=("--encrypt-to", str(public)))
        refused(site, "keys-permission")
        assert "decryption:acme" in json.dumps(site.get("/v1/status"))
        site.stop_ferryd()


def test_key_in_a_credential(tmp_path, build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "fw").write_bytes(private.read_bytes())
    (folder / "fw").chmod(0o440)
    with site_with(tmp_path, build_dir, ["credential:fw"]) as site:
        start(site, {"CREDENTIALS_DIRECTORY": str(folder)},
              options=("--encrypt-to", str(public)))
        site.wait_jobs(1, "done")
        site.stop_ferryd()


@NO_TOKEN
@pytest.mark.parametrize("kind", ["fw", "kek"])
def test_key_in_a_token(tmp_path, build_dir, kind):
    token = softhsm.SoftHsm(tmp_path)
    if kind == "fw":
        token.new_pair("fw", "01")
        option = "--encrypt-to", str(token.public("fw", tmp_path / "fw.pem"))
    else:
        kek, path = sealed.new_kek(tmp_path)
        token.add_kek("kek", "02", kek)
        option = "--kek", str(path)
    with site_with(tmp_path, build_dir, [token.uri(kind)]) as site:
        start(site, {**token.env, "LSAN_OPTIONS": "suppressions=/dev/null"},
              options=option)
        site.wait_jobs(1, "done")
        site.stop_ferryd()


@NO_TOKEN
def test_wrong_pin_is_tried_once_and_refused(tmp_path, build_dir):
    token = softhsm.SoftHsm(tmp_path)
    token.new_pair("fw", "01")
    public = token.public("fw", tmp_path / "fw.pem")
    token.pin.write_text("0000\n")
    with site_with(tmp_path, build_dir, [token.uri("fw")]) as site:
        start(site, token.env, options=("--encrypt-to", str(public)))
        refused(site, "keys-pin")
        site.stop_ferryd()


# Sealed: the gateway has no key, the device decrypts


def content_key(site, private):
    """What the recipient of the newest release gets out of it: key and first
    counter block."""
    (envelope,) = (site.pub / "www" / "e").iterdir()
    install = cbor2.loads(cbor2.loads(
        cbor2.loads(envelope.read_bytes()).value[3])[20])
    message = cbor2.loads(install[11][19]).value
    return sealed.content_key(message[3][0], private), message[1][5]


def test_sealed_image_reaches_the_device_as_it_is(tmp_path, build_dir):
    key, _, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [], "sealed") as site:
        site.add_class("lamp", extra=site.extra)
        image = site.release("lamp", "2.0.0", "--encrypt-to", str(public),
                             "--cipher", "a128ctr").read_bytes()
        cek, counter = content_key(site, key)
        site.sim = site.start_sim(
            f"name=lamp-1,sealed={cek.hex()}:{counter.hex()}", "lamp")
        site.start_ferryd()
        job = site.wait_jobs(1, "done")[0]
        steps = checks(site, job)
        assert steps[PROTECT][0] == "+2"
        assert "image-digest off: not checked here: sealed" in steps[CHECK][1]
        assert "sealed-digest pass" in steps[CHECK][1]
        assert steps[CHECK][0] == "basic"
        site.sim.do(f"dump lamp-1 0 {tmp_path}/slot")
        assert (tmp_path / "slot").read_bytes().startswith(image)
        assert hashlib.sha256(image).hexdigest() not in cached(site)
        site.stop_ferryd()


def test_sealed_image_goes_on_after_a_kill(tmp_path, build_dir):
    key, _, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [], "sealed") as site:
        site.add_class("lamp", extra=site.extra)
        site.release("lamp", "2.0.0", "--encrypt-to", str(public), "--cipher",
                     "a128ctr", size=60000)
        cek, counter = content_key(site, key)
        site.sim = site.start_sim(
            f"name=lamp-1,baud=115200,sealed={cek.hex()}:{counter.hex()}",
            "lamp")
        site.start_ferryd()
        site.wait_progress("lamp-1", 30)
        site.kill_ferryd()
        site.start_ferryd()
        site.wait_jobs(1, "done")
        assert site.sim.counts("lamp-1")["payload_repeated"] < 8192
        site.stop_ferryd()


def test_sealed_image_changed_on_the_server_is_refused(tmp_path, build_dir):
    _, _, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [], "sealed") as site:
        site.add_class("lamp", extra=site.extra)
        site.sim = site.start_sim("name=lamp-1", "lamp")
        site.release("lamp", "2.0.0", "--encrypt-to", str(public))
        for payload in (site.pub / "www" / "p").iterdir():
            payload.chmod(0o644)
            payload.write_bytes(flip(payload.read_bytes(), 500))
        site.start_ferryd()
        refused(site, "store-digest")
        site.stop_ferryd()


def test_class_that_demands_protection_refuses_a_plain_image(tmp_path,
                                                             build_dir):
    _, private, _ = sealed.new_pair(tmp_path)
    extra = 'tiers = ( { step = 2; tier = "basic"; } );'
    with site_with(tmp_path, build_dir, [private], extra=extra) as site:
        start(site)
        wait_for("a refusal", lambda: site.logged("job-tier") or
                 "job-tier" in json.dumps(site.jobs()))
        assert site.sim.counts("lamp-1")["payload_received"] == 0
        site.stop_ferryd()


def test_open_class_without_keys_is_no_configuration(tmp_path, build_dir):
    with site_with(tmp_path, build_dir, []) as site:
        site.add_class("lamp", extra=site.extra)
        done = subprocess.run([site.bin / "ferryd", "--config", site.etc,
                               "--check"], capture_output=True, text=True,
                              check=False)
        assert done.returncode and "decryption_keys" in done.stderr


# What a thief of the author's and the catalog's key could try


class Sealer(Forge):
    """Publishes an encrypted release that ferry-publish would never make."""

    def publish(self, site, info, ciphertext, image_digest=None,
                image_len=None):
        """Takes the newest release and puts this in its place."""
        digest = hashlib.sha256(ciphertext).digest()
        self._write(self.www / "p" / digest.hex(), ciphertext)

        def change(catalog):
            entry = catalog[7][-1]
            data = self.envelope(entry[6], info, digest, len(ciphertext),
                                 image_digest, image_len)
            tagged = cbor2.loads(data).value
            entry[5] = hashlib.sha256(cbor2.dumps(tagged[3])).digest()
            entry[6], entry[7] = hashlib.sha256(data).digest(), len(data)
            entry[8] = [[f"p/{digest.hex()}", len(ciphertext), digest]]
            self._write(self.www / "e" / f"{entry[6].hex()}.suit", data)

        self.catalog(change)

    def envelope(self, old, info, digest, length, image_digest, image_len):
        value = cbor2.loads(
            (self.www / "e" / f"{old.hex()}.suit").read_bytes()).value
        manifest = cbor2.loads(value[3])
        install = cbor2.loads(manifest[20])
        install[3].update({3: encode([-16, digest]), 14: length})
        if info:
            install[11][19] = info
        manifest[20] = encode(install)
        common = cbor2.loads(manifest[3])
        shared = cbor2.loads(common[4])
        if image_digest:
            shared[3][3] = encode([-16, image_digest])
        if image_len:
            shared[3][14] = image_len
        common[4] = encode(shared)
        manifest[3] = encode(common)
        value[3] = encode(manifest)
        value[2] = self.wrapper(value)
        return cbor2.dumps(cbor2.CBORTag(107, value))

    def wrapper(self, value):
        key = load_key(self.keys / "author" / "key.pem")
        old = cbor2.loads(cbor2.loads(value[2])[1]).value
        digest = encode([-16, formats.sha256(cbor2.dumps(value[3]))])
        protected = header(key)
        block = cbor2.CBORTag(18, [protected, old[1], None, signature(
            key, "Signature1", [protected, b"", digest])])
        return encode([digest, cbor2.dumps(block)])


def forged(site, tmp_path, change, cipher="a128gcm", keys=()):
    """A release whose encryption another implementation made, changed."""
    key, private, public = site.pair
    image = site.release("lamp", "2.0.0", "--encrypt-to",
                         str(public)).read_bytes()
    info, ciphertext = sealed.seal_image(
        image, [key.public_key(), *keys], cipher)
    Sealer(site).publish(site, *change(info, ciphertext, image))
    return image


def run_forged(tmp_path, build_dir, change, cipher="a128gcm", keys=()):
    pair = sealed.new_pair(tmp_path)
    site = site_with(tmp_path, build_dir, [pair[1]])
    site.pair = pair
    site.__enter__()
    site.add_class("lamp", extra=site.extra)
    site.sim = site.start_sim("name=lamp-1", "lamp")
    forged(site, tmp_path, change, cipher, keys)
    site.start_ferryd()
    return site


@pytest.mark.parametrize("cipher", sealed.CIPHERS)
def test_what_another_implementation_sealed_is_opened(tmp_path, build_dir,
                                                      cipher):
    """Also with a recipient before ours that is somebody else's."""
    if cipher.startswith("a256"):
        keys = ()
    else:
        keys = (os.urandom(16),)
    site = run_forged(tmp_path, build_dir, lambda i, c, _: (i, c), cipher,
                      keys)
    try:
        site.wait_jobs(1, "done")
        site.stop_ferryd()
    finally:
        site.__exit__()


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@pytest.mark.parametrize("name,cipher,code", [
    ("tag", "a128gcm", "trust-encrypt-tag"),
    ("body", "a128gcm", "trust-encrypt-tag"),
    ("body", "a128ctr", "trust-encrypt-plain"),
    ("other-image", "a128gcm", "trust-encrypt-plain"),
    ("longer", "a128ctr", "trust-encrypt-length"),
    ("short", "a128gcm", "trust-encrypt-length"),
    ("wrapped", "a128gcm", "trust-encrypt-unwrap"),
    ("info", "a128gcm", "cbor-truncated"),
    ("cipher", "a128gcm", "trust-encrypt-cipher"),
])
def test_signed_but_wrong_is_refused(tmp_path, build_dir, name, cipher, code):
    """Signed by both keys and still not the image of the manifest: nothing of
    the plaintext is kept, nothing is sent."""
    def change(info, ciphertext, image):
        if name == "tag":
            return info, flip(ciphertext, len(ciphertext) - 1)
        if name == "body":
            return info, flip(ciphertext, 1000)
        if name == "other-image":
            return info, ciphertext, hashlib.sha256(b"other").digest()
        if name == "longer":
            return info, ciphertext + b"x"
        if name == "short":
            return info, ciphertext[:10]
        message = cbor2.loads(info)
        if name == "wrapped":
            message.value[3][0][2] = flip(message.value[3][0][2], 3)
        elif name == "cipher":
            message.value[0] = cbor2.dumps({1: 24})
        data = cbor2.dumps(message)
        return (data[:-1] if name == "info" else data), ciphertext

    site = run_forged(tmp_path, build_dir, change, cipher)
    try:
        refused(site, code)
        payloads = {p.name for p in (site.pub / "www" / "p").iterdir()}
        envelopes = {p.stem for p in (site.pub / "www" / "e").iterdir()}
        assert cached(site) <= payloads | envelopes
        site.stop_ferryd()
    finally:
        site.__exit__()


def test_changed_on_the_server_is_refused_before_it_is_opened(tmp_path,
                                                              build_dir):
    _, private, public = sealed.new_pair(tmp_path)
    with site_with(tmp_path, build_dir, [private]) as site:
        site.add_class("lamp", extra=site.extra)
        site.sim = site.start_sim("name=lamp-1", "lamp")
        site.release("lamp", "2.0.0", "--encrypt-to", str(public))
        for payload in (site.pub / "www" / "p").iterdir():
            payload.chmod(0o644)
            payload.write_bytes(flip(payload.read_bytes(), 500))
        site.start_ferryd()
        refused(site, "store-digest")
        site.stop_ferryd()
