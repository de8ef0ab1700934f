"""A second opinion on published files, by python3-cbor2 and
python3-cryptography, from docs/formats.md alone."""

import hashlib

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    encode_dss_signature)
from cryptography.hazmat.primitives.serialization import (
    Encoding, PublicFormat)

from ferrytest import hss

HASHES = {-7: hashes.SHA256, -9: hashes.SHA256, -35: hashes.SHA384,
          -51: hashes.SHA384}
CURVES = {1: (ec.SECP256R1, 32), 2: (ec.SECP384R1, 48)}


def sha256(data):
    return hashlib.sha256(data).digest()


def strict(data):
    """Decodes; fails unless re-encoding gives the same bytes."""
    value = cbor2.loads(data)
    assert cbor2.dumps(value, canonical=True) == data
    return value


def thumbprint(key):
    """An HSS key is its 60 bytes."""
    if isinstance(key, bytes):
        return sha256(cbor2.dumps({1: 5, -1: key}, canonical=True))
    if isinstance(key, ed25519.Ed25519PublicKey):
        x = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return sha256(cbor2.dumps({1: 1, -1: 6, -2: x}, canonical=True))
    x, y = point(key)
    crv = {32: 1, 48: 2, 66: 3}[len(x)]
    return sha256(cbor2.dumps({1: 2, -1: crv, -2: x, -3: y}, canonical=True))


def point(key):
    size = (key.curve.key_size + 7) // 8
    numbers = key.public_numbers()
    return numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")


def cose_key(data):
    value = strict(data)
    if value[1] == 5:
        assert set(value) == {1, -1} and len(value[-1]) == 60
        return value[-1]
    if value[1] == 1:
        assert set(value) == {1, -1, -2} and value[-1] == 6
        return ed25519.Ed25519PublicKey.from_public_bytes(value[-2])
    assert value[1] == 2
    curve, size = CURVES[value[-1]]
    assert len(value[-2]) == len(value[-3]) == size
    return ec.EllipticCurvePublicNumbers(
        int.from_bytes(value[-2], "big"), int.from_bytes(value[-3], "big"),
        curve()).public_key()


def verify(key, alg, structure, signature):
    if isinstance(key, bytes):
        assert alg == -46
        hss.verify(key, cbor2.dumps(structure), signature)
        return
    if isinstance(key, ed25519.Ed25519PublicKey):
        assert alg in (-8, -19)
        key.verify(signature, cbor2.dumps(structure))
        return
    half = len(signature) // 2
    assert half == (key.curve.key_size + 7) // 8
    der = encode_dss_signature(int.from_bytes(signature[:half], "big"),
                               int.from_bytes(signature[half:], "big"))
    key.verify(der, cbor2.dumps(structure), ec.ECDSA(HASHES[alg]()))


class Root:
    """A root whose own threshold has signed."""

    def __init__(self, data):
        message = cbor2.loads(data)
        assert message.tag == 98
        protected, unprotected, payload, signatures = message.value
        assert protected == b"" and unprotected == {}
        self.data = strict(payload)
        self.roles = {}
        for number, role in self.data[6].items():
            keys = []
            for entry in role[2]:
                assert (1 in entry) != (2 in entry)
                keys.append(cose_key(entry[1]) if 1 in entry else
                            x509.load_der_x509_certificate(
                                entry[2]).public_key())
            self.roles[number] = (role[1], keys, role[2])
        self.signers = self._signers(payload, signatures)
        assert len(self.signers) >= self.roles[1][0]

    def _signers(self, payload, signatures):
        by_kid = {thumbprint(key): key for key in self.roles[1][1]}
        good = set()
        for protected, _, signature in signatures:
            header = cbor2.loads(protected)
            assert set(header) == {1, 4}
            if header[4] not in by_kid:
                continue
            verify(by_kid[header[4]], header[1],
                   ["Signature", b"", protected, b"ferry-root-1", payload],
                   signature)
            good.add(header[4])
        return good

    def anchors(self):
        return [x509.load_der_x509_certificate(entry[2])
                for entry in self.roles[3][2] if 2 in entry]


class Catalog:
    """A catalog that the root's catalog role has signed."""

    def __init__(self, data, root):
        message = cbor2.loads(data)
        assert message.tag == 18
        protected, unprotected, payload, signature = message.value
        assert unprotected == {}
        header = cbor2.loads(protected)
        keys = {thumbprint(key): key for key in root.roles[2][1]}
        verify(keys[header[4]], header[1],
               ["Signature1", protected, b"ferry-catalog-1", payload],
               signature)
        self.data = strict(payload)
        self.entries = self.data[7]
        assert self.data[1] == 1
        assert self.data[6] == root.data[5]
        assert self.data[3] < self.data[4]


class Envelope:
    """An envelope that a leaf under one of the anchors has signed."""

    def __init__(self, data, anchors):
        tagged = cbor2.loads(data)
        assert tagged.tag == 107
        self.members = tagged.value
        assert list(self.members)[:2] == [2, 3]
        digest, block = strict(self.members[2])
        self.release = sha256(cbor2.dumps(self.members[3]))
        assert strict(digest) == [-16, self.release]
        message = cbor2.loads(block)
        assert message.tag == 18
        protected, unprotected, payload, signature = message.value
        assert payload is None
        leaf = x509.load_der_x509_certificate(unprotected[33])
        self.leaf = leaf
        header = cbor2.loads(protected)
        assert header[4] == thumbprint(leaf.public_key())
        verify(leaf.public_key(), header[1],
               ["Signature1", protected, b"", digest], signature)
        issuer = [a for a in anchors if a.subject == leaf.issuer]
        issuer[0].public_key().verify(
            leaf.signature, leaf.tbs_certificate_bytes,
            ec.ECDSA(leaf.signature_hash_algorithm))
        self.manifest = strict(self.members[3])
        self.common = strict(self.manifest[3])
        self.shared = strict(self.common[4])
        self.install = strict(self.manifest[20])
        if 23 in self.members:
            assert self.manifest[23] == [
                -16, sha256(cbor2.dumps(self.members[23]))]
            self.text = strict(self.members[23])
