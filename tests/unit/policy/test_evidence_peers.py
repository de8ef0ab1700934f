"""CRLs and OCSP responses by openssl and by python3-cryptography, read by ours:
the same entries, the same answers, and refusals where the rules say so."""

import datetime
import functools
import hashlib
import os
import random
import subprocess
import time
from types import SimpleNamespace

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import (AuthorityInformationAccessOID,
                                   ExtendedKeyUsageOID, NameOID)

PROBE = os.environ["FERRY_EVIDENCE_PROBE"]
DER = serialization.Encoding.DER
DAY = datetime.timedelta(days=1)
BEGIN = datetime.datetime(2026, 11, 1)
NONCE = "0123456789abcdef0123456789abcdef"


def probe(*args):
    done = subprocess.run([PROBE, *map(str, args)], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def openssl(*args, cwd):
    return subprocess.run(["openssl", *map(str, args)], cwd=cwd, check=True,
                          capture_output=True, text=True, timeout=60)


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
                      x509.NameAttribute(NameOID.COMMON_NAME, common)])


def usage(**which):
    bits = dict.fromkeys(("digital_signature", "content_commitment",
                          "key_encipherment", "data_encipherment",
                          "key_agreement", "key_cert_sign", "crl_sign",
                          "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**{**bits, **which})


def certificate(subject, key, issuer, issuer_key, serial, extensions,
                digest=hashes.SHA256()):
    builder = (x509.CertificateBuilder().subject_name(name(subject))
               .issuer_name(name(issuer)).public_key(key.public_key())
               .serial_number(serial).not_valid_before(BEGIN - DAY)
               .not_valid_after(BEGIN + 300 * DAY))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, digest)


def ca_certificate(key, digest=hashes.SHA256()):
    return certificate("CA", key, "CA", key, 1, [
        (x509.BasicConstraints(True, None), True),
        (usage(key_cert_sign=True, crl_sign=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ], digest)


def save(path, certificate_or_list):
    path.write_bytes(certificate_or_list.public_bytes(DER))
    return path


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A CA with a leaf (serial 5000) and an OCSP responder, as files."""
    folder = tmp_path_factory.mktemp("pki")
    p = SimpleNamespace(folder=folder)
    p.key = ec.generate_private_key(ec.SECP256R1())
    p.ca = ca_certificate(p.key)
    p.leaf_key = ec.generate_private_key(ec.SECP256R1())
    p.leaf = certificate("leaf", p.leaf_key, "CA", p.key, 5000, [])
    p.responder_key = ec.generate_private_key(ec.SECP256R1())
    p.responder = certificate("responder", p.responder_key, "CA", p.key, 77, [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),
        (usage(digital_signature=True), True), (x509.OCSPNoCheck(), False)])
    for what in ("ca", "leaf", "responder"):
        cert = getattr(p, what)
        save(folder / f"{what}.der", cert)
        (folder / f"{what}.pem").write_bytes(
            cert.public_bytes(serialization.Encoding.PEM))
    for what in ("key", "leaf_key", "responder_key"):
        (folder / f"{what}.pem").write_bytes(getattr(p, what).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    p.ca_file, p.leaf_file = folder / "ca.der", folder / "leaf.der"
    return p


# CRLs by python3-cryptography


REASONS = [None, "key_compromise", "ca_compromise", "affiliation_changed",
           "superseded", "cessation_of_operation", "certificate_hold",
           "privilege_withdrawn", "aa_compromise"]
NUMBERS = {"unspecified": 0, "key_compromise": 1, "ca_compromise": 2,
           "affiliation_changed": 3, "superseded": 4,
           "cessation_of_operation": 5, "certificate_hold": 6,
           "privilege_withdrawn": 9, "aa_compromise": 10}


def revoked(serial, rng):
    builder = (x509.RevokedCertificateBuilder().serial_number(serial)
               .revocation_date(BEGIN - rng.randrange(3000) * DAY))
    reason = rng.choice(REASONS)
    if reason:
        builder = builder.add_extension(
            x509.CRLReason(x509.ReasonFlags[reason]), False)
    if rng.random() < 0.1:
        builder = builder.add_extension(
            x509.InvalidityDate(BEGIN - 4000 * DAY), False)
    return builder.build()


def crl(key, entries, number=7, digest=hashes.SHA256(), more=()):
    extensions = [x509.Extension(e.oid, critical, e) for e, critical in [
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
         False), (x509.CRLNumber(number), False), *more]]
    return x509.CertificateRevocationListBuilder(
        name("CA"), BEGIN, BEGIN + 30 * DAY, extensions, entries).sign(
            key, digest)


def expected_listing(der):
    parsed = x509.load_der_x509_crl(der)
    lines = []
    for entry in parsed:
        serial = entry.serial_number
        octets = serial.to_bytes((serial + (serial < 0)).bit_length() // 8 + 1,
                                 "big", signed=True)
        try:
            reason = entry.extensions.get_extension_for_class(
                x509.CRLReason).value.reason.name
        except x509.ExtensionNotFound:
            reason = "unspecified"
        at = entry.revocation_date.replace(tzinfo=datetime.timezone.utc)
        lines.append(f"{octets.hex()} {max(0, int(at.timestamp()))} "
                     f"{NUMBERS[reason]}\n")
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    this, after = (int(t.replace(tzinfo=datetime.timezone.utc).timestamp())
                   for t in (parsed.last_update, parsed.next_update))
    return f"entries {len(lines)} {digest} {this} {after}"


@pytest.mark.parametrize("count", [1, 1000, 100_000])
def test_generated_list_has_the_entries_that_cryptography_reads(
        pki, tmp_path, count):
    rng = random.Random(count)
    entries = [revoked(rng.getrandbits(rng.choice([7, 8, 64, 128, 159])) + 1
                       if count < 2000 else rng.getrandbits(127) + 1, rng)
               for _ in range(count - 1)]
    entries.insert(rng.randrange(count), revoked(5000, rng))
    path = save(tmp_path / "crl.der", crl(pki.key, entries))
    assert probe("entries", path) == [expected_listing(path.read_bytes())]
    (line,) = probe("crl", path, pki.ca_file, pki.leaf_file)
    assert line.startswith("revoked ")
    del entries[next(i for i, e in enumerate(entries)
                     if e.serial_number == 5000)]
    path = save(tmp_path / "crl2.der", crl(pki.key, entries, number=2**159))
    (line,) = probe("crl", path, pki.ca_file, pki.leaf_file)
    assert line.startswith("good ") and line.endswith(f"={2**159:040x}")


def test_changed_list_is_refused_or_reads_the_same(pki, tmp_path):
    """Octets changed at random behind the issuer's name: whatever we still take
    the peer reads too, and the same of it; but older ones take no negative serial
    number, which RFC 5280 section 4.1.2.2 asks readers to bear."""
    rng = random.Random(4)
    good = crl(pki.key, [revoked(5000 + i, rng) for i in range(4)]
               ).public_bytes(DER)
    start = good.index(b"261101000000Z") - 2
    paths, taken = [], 0
    for i in range(400):
        changed = bytearray(good)
        for _ in range(rng.randrange(1, 3)):
            changed[rng.randrange(start, len(changed))] = rng.randrange(256)
        paths.append(tmp_path / str(i))
        paths[-1].write_bytes(changed)
    for path, line in zip(paths, probe("entries", *paths)):
        if not line.startswith("entries "):
            continue
        try:
            assert line == expected_listing(path.read_bytes()), path
            taken += 1
        except ValueError as error:
            assert "user_certificate" in str(error), error
    assert 50 < taken < 399


@functools.cache
def key_of(kind):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(getattr(ec, kind.upper())())


@pytest.mark.parametrize("digest", [hashes.SHA256(), hashes.SHA384(),
                                    hashes.SHA512()], ids=lambda d: d.name)
@pytest.mark.parametrize("kind", ["secp256r1", "secp384r1", "secp521r1",
                                  "rsa3072", "rsa4096"])
def test_signature_of_each_kind_is_verified(tmp_path, kind, digest):
    key = key_of(kind)
    ca = save(tmp_path / "ca.der", ca_certificate(key, digest))
    leaf = save(tmp_path / "leaf.der", certificate(
        "leaf", key, "CA", key, 5000, [], digest))
    path = save(tmp_path / "crl.der", crl(key, [], digest=digest))
    assert probe("crl", path, ca, leaf)[0].startswith("good ")
    spoilt = bytearray(path.read_bytes())
    spoilt[-1] ^= 1
    path.write_bytes(spoilt)
    assert probe("crl", path, ca, leaf)[0].startswith(
        "trust-crl-signature ")


@pytest.mark.parametrize("kind, digest", [
    ("rsa2048", hashes.SHA256()), ("rsa3072", hashes.SHA224())],
    ids=["rsa2048", "sha224"])
def test_weak_signature_is_refused(tmp_path, kind, digest):
    key = key_of(kind)
    ca = save(tmp_path / "ca.der", ca_certificate(key))
    path = save(tmp_path / "crl.der", crl(key, [], digest=digest))
    assert probe("crl", path, ca, ca)[0].startswith("trust-crl-alg ")


# Lists by openssl


CONFIG = """
[ca]
default_ca = a
[a]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 30
[plain]
authorityKeyIdentifier = keyid
[partial]
issuingDistributionPoint = critical, @idp
[partial_quietly]
issuingDistributionPoint = @idp
[idp]
onlyuser = TRUE
[delta]
2.5.29.27 = critical, DER:02:01:01
[unknown]
1.2.3.4 = critical, DER:05:00
"""


@pytest.fixture
def openssl_ca(pki, tmp_path):
    (tmp_path / "ca.cnf").write_text(CONFIG)
    (tmp_path / "number").write_text("0a0b\n")
    (tmp_path / "index.txt").write_text(
        "V\t271231000000Z\t\t0400\tunknown\t/CN=x\n"
        "R\t271231000000Z\t261101000000Z,keyCompromise\t1388\tunknown\t/CN=y\n"
        "R\t271231000000Z\t261102000000Z,certificateHold\t8000\tunknown\t/CN=z"
        "\n")

    def make(*args):
        openssl("ca", "-config", "ca.cnf", "-gencrl", "-keyfile",
                pki.folder / "key.pem", "-cert", pki.folder / "ca.pem",
                "-out", "crl.pem", *args, cwd=tmp_path)
        return tmp_path / "crl.pem"
    return make


def test_list_by_openssl_ca_is_read(pki, openssl_ca):
    path = openssl_ca("-crlexts", "plain", "-crl_lastupdate",
                      "20261101000000Z", "-crl_nextupdate", "20261201000000Z")
    (line,) = probe("crl", path, pki.ca_file, pki.leaf_file)
    assert line == (
        "revoked reason=1 at=1793491200 this=1793491200 next=1796083200 "
        f"number={0xa0b:040x}")
    assert probe("entries", path)[0].startswith("entries 2 ")


@pytest.mark.parametrize("section, code", [
    ("partial", "trust-crl-partial"), ("partial_quietly", "trust-crl-partial"),
    ("delta", "trust-crl-partial"), ("unknown", "trust-crl-critical")])
def test_list_by_openssl_ca_that_is_not_whole_is_refused(
        pki, openssl_ca, section, code):
    path = openssl_ca("-crlexts", section)
    (line,) = probe("crl", path, pki.ca_file, pki.leaf_file)
    assert line.startswith(code + " ")


@pytest.mark.parametrize("salt, digest, code", [
    ("digest", "sha256", "good"), ("max", "sha384", "good"),
    ("digest", "sha1", "trust-crl-alg")])
def test_list_by_openssl_ca_signed_with_pss(
        tmp_path, openssl_ca, salt, digest, code):
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt",
           f"rsa_pss_saltlen:{salt}")
    openssl("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout",
            "r.key", "-out", "r.pem", "-days", "30", "-subj", "/CN=R",
            "-addext", "keyUsage=critical,cRLSign,keyCertSign", *pss,
            cwd=tmp_path)
    openssl("x509", "-in", "r.pem", "-outform", "DER", "-out", "r.der",
            cwd=tmp_path)
    path = openssl_ca("-keyfile", "r.key", "-cert", "r.pem", "-md", digest,
                      *pss)
    (line,) = probe("crl", path, tmp_path / "r.der", tmp_path / "r.der")
    assert line.startswith(code + " ")


# OCSP by openssl


@pytest.fixture
def responder(pki, tmp_path):
    """Answers a request of ours by `openssl ocsp`; status of the leaf: V, R or
    nothing for unknown."""

    def answer(status, *args, nonce=NONCE, signer="responder",
               key="responder_key"):
        (tmp_path / "index.txt").write_text({
            "V": "V\t271231000000Z\t\t1388\tunknown\t/CN=leaf\n",
            "R": "R\t271231000000Z\t261101000000Z,superseded\t1388\tunknown"
                 "\t/CN=leaf\n", "": ""}[status])
        probe("request", pki.leaf_file, pki.ca_file, tmp_path / "request.der",
              *([nonce] if nonce else []))
        openssl("ocsp", "-index", "index.txt", "-CA", pki.folder / "ca.pem",
                "-rsigner", pki.folder / f"{signer}.pem", "-rkey",
                pki.folder / f"{key}.pem", "-reqin", "request.der",
                "-respout", "response.der", "-noverify", *args, cwd=tmp_path)
        return tmp_path / "response.der"
    return answer


def ask(pki, path, nonce=NONCE):
    return probe("ocsp", path, pki.leaf_file, pki.ca_file, int(time.time()),
                 *([nonce] if nonce else []))


@pytest.mark.parametrize("status, word", [("V", "good"), ("R", "revoked"),
                                          ("", "unknown")])
@pytest.mark.parametrize("signer, key", [("responder", "responder_key"),
                                         ("ca", "key")])
@pytest.mark.parametrize("args", [(), ("-resp_key_id",)],
                         ids=["by-name", "by-key"])
def test_answer_by_openssl_ocsp_is_read(
        pki, responder, status, word, signer, key, args):
    path = responder(status, "-nmin", "60", *args, signer=signer, key=key)
    (line,) = ask(pki, path)
    assert line.startswith(word + " ")
    if status == "R":
        assert line.startswith("revoked reason=4 at=1793491200 ")


@pytest.mark.parametrize("args, code", [
    ((), "trust-ocsp-next-update"),
    (("-ndays", "15"), "trust-ocsp-validity"),
    (("-nmin", "60", "-badsig"), "trust-ocsp-signature"),
    (("-nmin", "60", "-resp_no_certs"), "trust-ocsp-responder"),
    (("-nmin", "60", "-rmd", "sha1"), "trust-ocsp-alg")])
def test_answer_by_openssl_ocsp_that_breaks_a_rule_is_refused(
        pki, responder, args, code):
    assert ask(pki, responder("V", *args))[0].startswith(code + " ")


def test_answer_for_another_nonce_is_refused(pki, responder):
    path = responder("V", "-nmin", "60", nonce="another nonce of some length")
    assert ask(pki, path)[0].startswith("trust-ocsp-nonce ")


def test_answer_of_another_certificate_of_the_issuer_is_refused(
        pki, responder):
    path = responder("V", "-nmin", "60", signer="leaf", key="leaf_key")
    assert ask(pki, path)[0].startswith("trust-ocsp-delegate ")


def test_response_without_an_answer_is_refused(pki, tmp_path):
    path = tmp_path / "response.der"
    path.write_bytes(ocsp.OCSPResponseBuilder.build_unsuccessful(
        ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(DER))
    assert ask(pki, path)[0] == (
        "trust-ocsp-status ocsp.responseStatus: tryLater")


# OCSP by python3-cryptography


def built(pki, algorithm=hashes.SHA256(), leaf=None, signer=None, key=None,
          digest=hashes.SHA256()):
    """producedAt is the moment of signing, so the other dates are around it."""
    now = datetime.datetime.utcnow().replace(microsecond=0)
    signer = signer or pki.responder
    return ocsp.OCSPResponseBuilder().add_response(
        leaf or pki.leaf, pki.ca, algorithm, ocsp.OCSPCertStatus.GOOD,
        now - DAY, now + 7 * DAY, None, None).responder_id(
            ocsp.OCSPResponderEncoding.HASH, signer).certificates(
                [signer]).sign(key or pki.responder_key, digest)


@pytest.mark.parametrize("row, expected", [
    ({}, "good "),
    ({"algorithm": hashes.SHA1()}, "trust-ocsp-other "),
    ({"algorithm": hashes.SHA512()}, "trust-ocsp-other "),
    ({"digest": hashes.SHA384()}, "good "),
    ({"digest": hashes.SHA224()}, "trust-ocsp-alg "),
    ({"leaf": "responder"}, "trust-ocsp-other ")],
    ids=["usual", "certid-sha1", "certid-sha512", "sha384", "sha224",
         "another-leaf"])
def test_answer_by_cryptography_row(pki, tmp_path, row, expected):
    row = {k: getattr(pki, v) if isinstance(v, str) else v
           for k, v in row.items()}
    lines = ask(pki, save(tmp_path / "r.der", built(pki, **row)), nonce=None)
    assert lines[0].startswith(expected)


def test_delegate_without_nocheck_needs_evidence(pki, tmp_path):
    key = ec.generate_private_key(ec.SECP384R1())
    cert = certificate("other", key, "CA", pki.key, 78, [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), True),
        (usage(digital_signature=True), True)])
    path = save(tmp_path / "r.der", built(
        pki, key=key, signer=cert, digest=hashes.SHA384()))
    lines = ask(pki, path, nonce=None)
    assert lines[0].startswith("good ")
    assert lines[1:] == ["delegate needs evidence"]


# Requests and URIs


def test_request_is_what_others_read(pki, tmp_path):
    path = tmp_path / "request.der"
    probe("request", pki.leaf_file, pki.ca_file, path, NONCE)
    ours = ocsp.load_der_ocsp_request(path.read_bytes())
    theirs = ocsp.OCSPRequestBuilder().add_certificate(
        pki.leaf, pki.ca, hashes.SHA256()).build()
    assert ours.serial_number == 5000
    assert isinstance(ours.hash_algorithm, hashes.SHA256)
    assert ours.issuer_name_hash == theirs.issuer_name_hash
    assert ours.issuer_key_hash == theirs.issuer_key_hash
    assert ours.extensions.get_extension_for_class(
        x509.OCSPNonce).value.nonce.endswith(NONCE.encode())
    parsed = asn1_ocsp.OCSPRequest.load(path.read_bytes(), strict=True)
    assert parsed.nonce_value.native == NONCE.encode()
    assert len(parsed["tbs_request"]["request_list"]) == 1
    probe("request", pki.leaf_file, pki.ca_file, path)
    assert path.read_bytes() == theirs.public_bytes(DER)


def test_uris_of_a_certificate_are_found(pki, tmp_path):
    uri = x509.UniformResourceIdentifier
    cert = certificate("urls", pki.leaf_key, "CA", pki.key, 9, [
        (x509.CRLDistributionPoints([
            x509.DistributionPoint([uri("http://crl.example/a.crl"),
                                    uri("ldap://crl.example/")],
                                   None, None, None),
            x509.DistributionPoint([uri("http://crl.example/b.crl")], None,
                                   frozenset([x509.ReasonFlags.superseded]),
                                   None),
            x509.DistributionPoint([uri("https://crl.example/c.crl")], None,
                                   None, None)]), False),
        (x509.AuthorityInformationAccess([
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS,
                                   uri("http://ca.example/ca.der")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP,
                                   uri("http://ocsp.example/"))]), False)])
    assert probe("uris", save(tmp_path / "c.der", cert)) == [
        "crl http://crl.example/a.crl", "crl https://crl.example/c.crl",
        "ocsp http://ocsp.example/"]
    assert probe("uris", pki.leaf_file) == []
