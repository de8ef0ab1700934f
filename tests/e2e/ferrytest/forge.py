"""What a thief of some of the vendor's keys can publish: roots, catalogs and
envelopes that are signed rightly and say something that ferry-publish would
never say.

    forge = Forge(site)
    forge.catalog(lambda c: c[7][0].update({17: True}))
    forge.root(lambda r: r.update({5: 1}))
"""

import hashlib
import os
import time

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature)

from ferrytest import formats

ALGS = {32: (-9, hashes.SHA256, 1), 48: (-51, hashes.SHA384, 2),
        66: (-52, hashes.SHA512, 3)}
DIGESTS = {-16: "sha256", -43: "sha384", -44: "sha512"}


def encode(value):
    return cbor2.dumps(value, canonical=True)


def load_key(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


def cose_key(key):
    x, y = formats.point(key.public_key())
    return encode({1: 2, -1: ALGS[len(x)][2], -2: x, -3: y})


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def signature(key, context, parts):
    size = (key.curve.key_size + 7) // 8
    der = key.sign(cbor2.dumps([context, *parts]), ec.ECDSA(ALGS[size][1]()))
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def header(key):
    size = (key.curve.key_size + 7) // 8
    return encode({1: ALGS[size][0], 4: formats.thumbprint(key.public_key())})


class Forge:
    def __init__(self, site):
        self.www = site.pub / "www"
        self.keys = site.pub / "keys"
        self.touched = 0

    def _write(self, path, data):
        """Each file gets a date of its own: the server's ETag is made of date
        and length."""
        self.touched += 1
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(data)
        date = time.time() + self.touched
        os.utime(path, (date, date))

    def ship(self, files):
        """Puts CRLs where a catalog ships evidence from; its list of them."""
        folder = self.www / "r"
        folder.mkdir(exist_ok=True)
        rows = []
        for data in (path.read_bytes() for path in files):
            digest = hashlib.sha256(data).digest()
            self._write(folder / digest.hex(), data)
            rows.append({1: 1, 2: digest, 3: len(data)})
        return rows

    def catalog(self, change, key=None, chain=()):
        """The present catalog, changed, one sequence higher; signed by `key`
        with the certificates of `chain`, leaf first, if there are any."""
        path = self.www / "catalog.cose"
        payload = cbor2.loads(cbor2.loads(path.read_bytes()).value[2])
        payload[2] += 1
        change(payload)
        key = key or load_key(self.keys / "catalog" / "key.pem")
        protected, content = header(key), encode(payload)
        certs = {33: chain[0] if len(chain) == 1 else list(chain)} \
            if chain else {}
        tag = signature(key, "Signature1",
                        [protected, b"ferry-catalog-1", content])
        self._write(path, cbor2.dumps(
            cbor2.CBORTag(18, [protected, certs, content, tag])))

    def root(self, change):
        """The root that follows the newest one, signed by the root keys."""
        number = max(int(p.stem) for p in (self.www / "root").iterdir())
        path = self.www / "root" / f"{number}.cose"
        payload = cbor2.loads(cbor2.loads(path.read_bytes()).value[2])
        payload[2] += 1
        change(payload)
        content, signers = encode(payload), []
        for pem in sorted((self.keys / "root").glob("*.pem")):
            key = load_key(pem)
            protected = header(key)
            signers.append([protected, {}, signature(
                key, "Signature", [b"", protected, b"ferry-root-1",
                                   content])])
        self._write(self.www / "root" / f"{number + 1}.cose", cbor2.dumps(
            cbor2.CBORTag(98, [b"", {}, content, signers])))

    def envelope_again(self, digest):
        """The envelope with its signature twice: the same release in another
        file. Returns digest and length of that file."""
        path = self.www / "e" / f"{digest.hex()}.suit"
        value = cbor2.loads(path.read_bytes()).value
        wrapper = cbor2.loads(value[2])
        wrapper.append(wrapper[-1])
        data = encode(cbor2.CBORTag(107, {**value, 2: encode(wrapper)}))
        again = hashlib.sha256(data).digest()
        self._write(self.www / "e" / f"{again.hex()}.suit", data)
        return again, len(data)

    def envelope_by(self, key, digest, image, alg):
        """The same release with both digests, of the manifest and of the image,
        in another algorithm, signed by a bare author key. Returns SHA-256 of
        the new manifest, and digest and length of the file."""
        def hashed(data):
            return [alg, hashlib.new(DIGESTS[alg], data).digest()]

        path = self.www / "e" / f"{digest.hex()}.suit"
        value = cbor2.loads(path.read_bytes()).value
        manifest = cbor2.loads(value[3])
        common = cbor2.loads(manifest[3])
        shared = cbor2.loads(common[4])
        shared[shared.index(20) + 1][3] = encode(hashed(image))
        common[4] = encode(shared)
        manifest[3] = encode(common)
        value[3] = encode(manifest)
        signed = encode(hashed(cbor2.dumps(value[3])))
        protected = header(key)
        block = cbor2.CBORTag(18, [protected, {}, None, signature(
            key, "Signature1", [protected, b"", signed])])
        value[2] = encode([signed, cbor2.dumps(block)])
        data = encode(cbor2.CBORTag(107, value))
        again = hashlib.sha256(data).digest()
        self._write(self.www / "e" / f"{again.hex()}.suit", data)
        return (hashlib.sha256(cbor2.dumps(value[3])).digest(), again,
                len(data))
