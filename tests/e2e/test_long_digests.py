"""SHA-384 and SHA-512 all the way: the digest of the manifest, the digest of the
image, and ECDSA on the curves that go with them."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ferrytest.forge import Forge
from ferrytest.site import Site

CURVES = {-43: ec.SECP384R1, -44: ec.SECP521R1}


def author_of(site, curve):
    """A bare author key that the root lists."""
    key = ec.generate_private_key(curve())
    path = site.folder / "author.pub.pem"
    path.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo))
    site.publish("root", "add", "--dir", str(site.pub), "--role", "author",
                 "--public", str(path), "--root-only")
    return key


def offer(site, alg, image=None):
    """A release whose digests are of this algorithm; `image` is what they are
    of, if not the image."""
    site.add_class("lamp")
    key = author_of(site, CURVES[alg])
    right = site.release("lamp", "2.0.0", size=200_000).read_bytes()
    forge = Forge(site)

    def change(catalog):
        entry = catalog[7][0]
        entry[5], entry[6], entry[7] = forge.envelope_by(
            key, entry[6], image or right, alg)

    forge.catalog(change)


@pytest.mark.parametrize("alg", CURVES)
def test_image_with_long_digests_is_installed(tmp_path, build_dir, alg):
    with Site(tmp_path, build_dir) as site:
        offer(site, alg)
        site.start_sim("name=lamp-1")
        site.start_ferryd()
        site.wait_job("lamp-1", "done")
        site.stop_ferryd()


@pytest.mark.parametrize("alg", CURVES)
def test_image_of_another_long_digest_is_refused(tmp_path, build_dir, alg):
    with Site(tmp_path, build_dir) as site:
        offer(site, alg, image=b"something else")
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        job = site.wait_job("lamp-1", "failed")
        assert job["failure"]["code"] == "trust-offer-payload-digest"
        assert sim.counts("lamp-1")["uploads_started"] == 0
        site.stop_ferryd()
