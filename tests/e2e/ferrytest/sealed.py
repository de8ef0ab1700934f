"""Encrypted images by another implementation: python3-cryptography and cbor2,
from RFC 9052, 9053, 9459 and draft-ietf-suit-firmware-encryption alone.

    plain = open_image(info, ciphertext, private_key)
    info, ciphertext = seal_image(plain, [public_key], cipher="a128gcm")
"""

import os

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from ferrytest import formats

CIPHERS = {"a128gcm": (1, 16, 12), "a256gcm": (3, 32, 12),
           "a128ctr": (-65534, 16, 16), "a256ctr": (-65532, 32, 16)}
BY_NUMBER = {number: (name, size) for name, (number, size, _)
             in CIPHERS.items()}


def new_pair(folder, name="device"):
    """A key pair on P-256 as two PEM files; the private one, and its path and
    that of the public one."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = folder / f"{name}.pem"
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    public = folder / f"{name}.pub.pem"
    public.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo))
    return key, private, public


def new_kek(folder, size=16, name="kek", kid=None):
    kek = os.urandom(size)
    path = folder / f"{name}.key"
    path.touch(mode=0o600)
    path.write_text(f"{kid}:{kek.hex()}\n" if kid else f"{kek.hex()}\n")
    return kek, path


def _derive(secret, protected, wrap, size):
    context = cbor2.dumps([wrap, [None] * 3, [None] * 3,
                           [size * 8, protected, b"SUIT Payload Encryption"]])
    return HKDF(hashes.SHA256(), size, None, context).derive(secret)


def _public(key):
    return ec.EllipticCurvePublicNumbers(
        int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"),
        ec.SECP256R1()).public_key()


def content_key(recipient, key):
    """The content key of one recipient of a COSE_Encrypt."""
    protected, unprotected, wrapped = recipient
    if not protected:
        assert unprotected[1] == {16: -3, 32: -5}[len(key)]
        return aes_key_unwrap(key, wrapped)
    header = cbor2.loads(protected)
    wrap, size = {-29: (-3, 16), -31: (-5, 32)}[header[1]]
    assert unprotected[4] == formats.thumbprint(key.public_key())
    secret = key.exchange(ec.ECDH(), _public(unprotected[-1]))
    return aes_key_unwrap(_derive(secret, protected, wrap, size), wrapped)


def open_image(info, ciphertext, key, recipient=0):
    """`key` is a private key, or the bytes of a key encryption key."""
    message = cbor2.loads(info)
    assert message.tag == 96
    protected, unprotected, content, recipients = message.value
    assert content is None
    cek = content_key(recipients[recipient], key)
    if protected:
        alg = cbor2.loads(protected)[1]
        assert 1 not in unprotected
    else:
        alg = unprotected[1]
    name, size = BY_NUMBER[alg]
    assert len(cek) == size
    if name.endswith("gcm"):
        aad = cbor2.dumps(["Encrypt", protected, b""])
        return AESGCM(cek).decrypt(unprotected[5], ciphertext, aad)
    decryptor = Cipher(algorithms.AES(cek), modes.CTR(unprotected[5]))
    return decryptor.decryptor().update(ciphertext)


def _recipient(key, cek):
    if isinstance(key, bytes):
        return [b"", {1: {16: -3, 32: -5}[len(key)]}, aes_key_wrap(key, cek)]
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    x, y = formats.point(ephemeral.public_key())
    protected = cbor2.dumps({1: -29})
    kek = _derive(ephemeral.exchange(ec.ECDH(), key), protected, -3, 16)
    return [protected, {-1: {1: 2, -1: 1, -2: x, -3: y},
                        4: formats.thumbprint(key)}, aes_key_wrap(kek, cek)]


def seal_image(plain, keys, cipher="a128gcm"):
    """Encryption-info and ciphertext for public keys and key encryption
    keys."""
    alg, size, iv_size = CIPHERS[cipher]
    cek, iv = os.urandom(size), os.urandom(iv_size)
    recipients = [_recipient(key, cek) for key in keys]
    if cipher.endswith("gcm"):
        protected = cbor2.dumps({1: alg})
        aad = cbor2.dumps(["Encrypt", protected, b""])
        ciphertext = AESGCM(cek).encrypt(iv, plain, aad)
        body = [protected, {5: iv}, None, recipients]
    else:
        encryptor = Cipher(algorithms.AES(cek), modes.CTR(iv)).encryptor()
        ciphertext = encryptor.update(plain)
        body = [b"", {1: alg, 5: iv}, None, recipients]
    return cbor2.dumps(cbor2.CBORTag(96, body)), ciphertext


def parameters(envelope):
    """What an install sequence of ferry-publish sets: of the ciphertext's
    component, and of the image's."""
    install = cbor2.loads(cbor2.loads(envelope.members[3])[20])
    assert install[0:2] == [12, 1] and install[4] == 21
    assert install[8:10] == [12, 0] and install[12] == 22
    assert install[2] == install[10] == 20
    return install[3], install[11]
