"""The publisher's PKI: chains of three, CRLs and OCSP responders, with
python3-cryptography and the openssl program as second opinions."""

import datetime
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from ferrytest.publish import Publisher

CRL_URL = "http://crl.acme.example/crl"
OCSP_URL = "http://ocsp.acme.example/"


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """A publisher with an intermediate CA and URLs in its certificates."""
    p = Publisher(build_dir, tmp_path_factory.mktemp("pki") / "pub")
    p.init("Acme, Inc.", "--domain", "acme.example", "--intermediate",
           "--crl-url", CRL_URL, "--ocsp-url", OCSP_URL)
    p.add_class("sensor")
    p.first = p.release("sensor", b"image", "--version", "1")
    return p


@pytest.fixture
def fresh(made, build_dir, tmp_path):
    shutil.copytree(made.folder, tmp_path / "pub", copy_function=shutil.copy2)
    p = Publisher(build_dir, tmp_path / "pub")
    p.first = made.first
    return p


class Pki:
    """What lies in a publisher's folder, read by python3-cryptography."""

    def __init__(self, p):
        keys = p.folder / "keys"
        self.anchor = cert(keys / "author-ca/cert.pem")
        self.issuing = cert(keys / "author-issuing/cert.pem")
        self.leaf, *above = certs(keys / "author/chain.pem")
        self.above = above[0] if above else None
        self.crls = {}
        for path in (p.www / "crl").glob("*.crl"):
            crl = x509.load_der_x509_crl(path.read_bytes())
            self.crls[crl.issuer] = (path, crl)

    def crl(self, ca):
        return self.crls[ca.subject][1]

    def crl_path(self, ca):
        return self.crls[ca.subject][0]

    def crl_name(self, ca):
        return self.crl_path(ca).name


def certs(path):
    end = b"-----END CERTIFICATE-----\n"
    return [x509.load_pem_x509_certificate(one + end)
            for one in Path(path).read_bytes().split(end)[:-1]]


def cert(path):
    return certs(path)[0]


def public(of):
    return of.public_key().public_numbers()


def extension(thing, kind):
    return thing.extensions.get_extension_for_class(kind).value


def openssl(*args):
    return subprocess.run(["openssl", *map(str, args)], capture_output=True,
                          text=True, check=False, timeout=60)


# Chains


def test_chain_of_three_by_another_implementation(made):
    pki = Pki(made)
    assert pki.above == pki.issuing
    for child, parent, length in ((pki.leaf, pki.issuing, 0),
                                  (pki.issuing, pki.anchor, 1)):
        parent.public_key().verify(
            child.signature, child.tbs_certificate_bytes,
            ec.ECDSA(child.signature_hash_algorithm))
        assert child.issuer == parent.subject
        assert extension(parent, x509.BasicConstraints).path_length == length
        assert extension(child, x509.AuthorityKeyIdentifier).key_identifier \
            == extension(parent, x509.SubjectKeyIdentifier).digest
        assert extension(parent, x509.KeyUsage).crl_sign


def test_certificates_name_where_evidence_is(made):
    pki = Pki(made)
    for child, ca in ((pki.leaf, pki.issuing), (pki.issuing, pki.anchor)):
        point, = extension(child, x509.CRLDistributionPoints)
        name, = point.full_name
        assert name.value == f"{CRL_URL}/{pki.crl_name(ca)}"
    access, = extension(pki.leaf, x509.AuthorityInformationAccess)
    assert access.access_method.dotted_string == "1.3.6.1.5.5.7.48.1"
    assert access.access_location.value == OCSP_URL
    for lone in (pki.issuing, pki.anchor):
        with pytest.raises(x509.ExtensionNotFound):
            extension(lone, x509.AuthorityInformationAccess)


def test_ocsp_url_with_the_name_of_the_ca(build_dir, tmp_path):
    p = Publisher(build_dir, tmp_path / "pub").init(
        "A", "--intermediate", "--ocsp-url", "http://{ca}.o.example/x")
    pki = Pki(p)
    for child, ca in ((pki.leaf, pki.issuing), (pki.issuing, pki.anchor)):
        access, = extension(child, x509.AuthorityInformationAccess)
        assert access.access_location.value == \
            f"http://{pki.crl_path(ca).stem}.o.example/x"


def test_without_urls_certificates_name_none(build_dir, tmp_path):
    p = Publisher(build_dir, tmp_path / "pub").init("A")
    leaf = cert(p.folder / "keys/author/chain.pem")
    for kind in (x509.CRLDistributionPoints, x509.AuthorityInformationAccess):
        with pytest.raises(x509.ExtensionNotFound):
            extension(leaf, kind)


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http:///x", "x",
                                 "http://a b/", "http://" + 200 * "x"])
def test_url_that_gateways_would_pass_over_is_refused(build_dir, tmp_path, url):
    p = Publisher(build_dir, tmp_path / "pub")
    for option in ("--crl-url", "--ocsp-url"):
        out = p.run("init", p.folder, "--vendor", "A", option, url, check=2)
        assert "must begin with http://" in out.stderr
    assert not p.folder.exists()


def test_release_of_a_chain_of_three_is_accepted(made):
    code, answer = made.verify("--revocation", "off", "--root", made.root(),
                               "--catalog", made.catalog,
                               made.envelope(made.first))
    assert code == 0, answer


def test_every_issued_certificate_is_in_the_record(made):
    pki = Pki(made)
    for folder, child in (("author-ca", pki.issuing),
                          ("author-issuing", pki.leaf)):
        path = made.folder / "keys" / folder / "issued.json"
        record = json.loads(path.read_text())
        one, = record["certificates"]
        assert int(one["serial"], 16) == child.serial_number
        assert one["until"] == child.not_valid_after.replace(
            tzinfo=datetime.timezone.utc).timestamp()
        assert child.serial_number.bit_length() > 120


def test_show_and_status_say_where_and_until_when(fresh):
    shown = fresh.run("show", fresh.folder / "keys/author/chain.pem").stdout
    name = Pki(fresh).crl_name(Pki(fresh).issuing)
    assert f"CRL at            {CRL_URL}/{name}" in shown
    assert f"OCSP at           {OCSP_URL}" in shown
    status = fresh.run("status").stdout
    assert status.count("CRL, until ") == 2
    fresh.run("pki", "crl", "--expires", "3d")
    assert fresh.run("status").stdout.count("(ends within 7 days)") >= 2
    for path in (fresh.www / "crl").iterdir():
        path.unlink()
    assert "evidence  none" in fresh.run("status").stdout


# CRLs


def test_crl_by_another_implementation(made):
    pki = Pki(made)
    for ca in (pki.anchor, pki.issuing):
        crl = pki.crl(ca)
        assert crl.is_signature_valid(ca.public_key())
        assert extension(crl, x509.CRLNumber).crl_number == 1
        assert extension(crl, x509.AuthorityKeyIdentifier).key_identifier == \
            extension(ca, x509.SubjectKeyIdentifier).digest
        assert (crl.next_update - crl.last_update).days == 30
        assert list(crl) == [] and len(crl.extensions) == 2


def test_crl_number_rises_and_dates_are_what_was_asked_for(fresh):
    for number in (2, 3):
        fresh.run("pki", "crl", "--expires", "9d")
        pki = Pki(fresh)
        for ca in (pki.anchor, pki.issuing):
            crl = pki.crl(ca)
            assert extension(crl, x509.CRLNumber).crl_number == number
            assert (crl.next_update - crl.last_update).days == 9


def test_crl_past_2050_uses_generalized_time(fresh):
    fresh.run("pki", "crl", "--expires", "2051-02-03T04:05:06Z")
    pki = Pki(fresh)
    crl = pki.crl(pki.issuing)
    assert crl.next_update == datetime.datetime(2051, 2, 3, 4, 5, 6)
    assert b"\x18\x0f20510203040506Z" in pki.crl_path(pki.issuing).read_bytes()
    assert crl.is_signature_valid(pki.issuing.public_key())


def test_crl_that_would_have_run_out_is_refused(fresh):
    out = fresh.run("pki", "crl", "--expires", "2020-01-01", check=1)
    assert "nextUpdate" in out.stderr


@pytest.mark.parametrize("by", ["file", "serial", "upper"])
def test_revoked_leaf_is_in_the_next_crl(fresh, by):
    pki = Pki(fresh)
    what = {"file": fresh.folder / "keys/author/chain.pem",
            "serial": f"{pki.leaf.serial_number:x}",
            "upper": f"{pki.leaf.serial_number:040X}"}[by]
    out = fresh.run("pki", "revoke", what, "--reason", "key-compromise")
    assert "(key-compromise)" in out.stdout
    pki = Pki(fresh)
    crl = pki.crl(pki.issuing)
    one, = crl
    assert one.serial_number == pki.leaf.serial_number
    assert extension(one, x509.CRLReason).reason == \
        x509.ReasonFlags.key_compromise
    assert one.revocation_date == crl.last_update
    assert extension(crl, x509.CRLNumber).crl_number == 2
    assert list(pki.crl(pki.anchor)) == []


def test_revoked_intermediate_is_in_the_crl_of_the_anchor(fresh):
    fresh.run("pki", "revoke", fresh.folder / "keys/author-issuing/cert.pem",
              "--at", "2026-01-02T03:04:05Z")
    pki = Pki(fresh)
    one, = pki.crl(pki.anchor)
    assert one.serial_number == pki.issuing.serial_number
    assert one.revocation_date == datetime.datetime(2026, 1, 2, 3, 4, 5)
    assert len(one.extensions) == 0  # unspecified is not written
    assert list(pki.crl(pki.issuing)) == []


def test_revocation_stays_in_every_later_crl(fresh):
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem")
    fresh.run("pki", "crl")
    pki = Pki(fresh)
    assert len(pki.crl(pki.issuing)) == 1
    out = fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem",
                    "--reason", "superseded", check=1)
    assert "was revoked at" in out.stderr


REVOKE_REFUSALS = {
    "unknown serial": (["00ff"], "no CA here has issued it", 1),
    "no such reason": (["00ff", "--reason", "certificateHold"],
                       "must be one of", 2),
    "in the future": (["00ff", "--at", "2099-01-01"], "has passed", 2),
}


@pytest.mark.parametrize("name", REVOKE_REFUSALS)
def test_revoke_refuses(fresh, name):
    args, want, code = REVOKE_REFUSALS[name]
    out = fresh.run("pki", "revoke", *args, check=code)
    assert want in out.stderr


def test_revoke_refuses_a_certificate_of_another_ca(fresh, build_dir, tmp_path):
    other = Publisher(build_dir, tmp_path / "other").init("Acme, Inc.")
    out = fresh.run("pki", "revoke", other.folder / "keys/author/chain.pem",
                    check=1)
    assert "no CA here has issued it" in out.stderr


def test_certificate_from_before_the_record_can_be_revoked(fresh):
    for record in fresh.folder.glob("keys/*/issued.json"):
        record.unlink()
    for crl in (fresh.www / "crl").iterdir():
        crl.unlink()
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem")
    pki = Pki(fresh)
    assert [one.serial_number for one in pki.crl(pki.issuing)] == \
        [pki.leaf.serial_number]


def test_without_the_key_of_the_ca_only_the_record_changes(fresh, tmp_path):
    key = fresh.folder / "keys/author-issuing/key.pem"
    before = Pki(fresh).crl_path(Pki(fresh).issuing).read_bytes()
    key.rename(tmp_path / "key.pem")
    out = fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem")
    assert "pki crl where the key" in out.stdout
    pki = Pki(fresh)
    assert pki.crl_path(pki.issuing).read_bytes() == before
    assert "no new CRL" in fresh.run("pki", "crl").stderr
    fresh.run("pki", "crl", "--ca", key.parent, check=2)
    fresh.run("pki", "crl", "--ca", key.parent, "--ca-key",
              tmp_path / "key.pem", "--out", fresh.www / "crl")
    pki = Pki(fresh)
    assert len(pki.crl(pki.issuing)) == 1


def test_openssl_verify_agrees_on_revocation(fresh, tmp_path):
    def check():
        pki = Pki(fresh)
        crls = tmp_path / "crls.pem"
        crls.write_bytes(b"".join(
            crl.public_bytes(serialization.Encoding.PEM)
            for _, crl in pki.crls.values()))
        return openssl("verify", "-x509_strict", "-crl_check_all", "-CAfile",
                       fresh.folder / "keys/author-ca/cert.pem", "-untrusted",
                       fresh.folder / "keys/author-issuing/cert.pem",
                       "-CRLfile", crls,
                       fresh.folder / "keys/author/chain.pem")
    assert check().returncode == 0
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem")
    out = check()
    assert out.returncode != 0 and "certificate revoked" in out.stderr


def test_killed_while_crls_are_issued_goes_on(fresh):
    """A kill burns a number at most; what is served is always whole."""
    number = 0
    for delay in range(0, 30, 2):
        process = subprocess.Popen(
            [fresh.program, "pki", "crl", "--dir", fresh.folder],
            stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=delay / 100)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        pki = Pki(fresh)
        crl = pki.crl(pki.issuing)
        assert crl.is_signature_valid(pki.issuing.public_key())
        now = extension(crl, x509.CRLNumber).crl_number
        assert now >= number
        number = now
    fresh.run("pki", "crl")
    pki = Pki(fresh)
    assert extension(pki.crl(pki.issuing), x509.CRLNumber).crl_number > number


def test_record_that_was_put_back_is_refused(fresh):
    path = fresh.folder / "keys/author-issuing/issued.json"
    before = path.read_bytes()
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem")
    path.write_bytes(before)
    served = Pki(fresh).crl_path(Pki(fresh).issuing).read_bytes()
    out = fresh.run("pki", "crl", check=1)
    assert "went backwards" in out.stderr
    assert Pki(fresh).crl_path(Pki(fresh).issuing).read_bytes() == served


def test_damaged_record_is_refused_and_stays(fresh):
    path = fresh.folder / "keys/author-issuing/issued.json"
    for text in ("{", "[]", '{"certificates": [{"serial": "0g"}]}',
                 '{"certificates": [], "crl_number": -1}'):
        path.write_text(text)
        out = fresh.run("pki", "crl", check=1)
        assert str(path) in out.stderr
        assert path.read_text() == text


def test_new_author_key_after_a_theft(fresh):
    old = Pki(fresh).leaf
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem",
              "--reason", "key-compromise")
    fresh.run("pki", "author", "--new-key")
    new = Pki(fresh).leaf
    assert public(new) != public(old)
    assert (fresh.folder / "keys/author/old-1.pem").exists()
    fresh.run("resign", "--all")
    after = fresh.record(fresh.first["manifest_digest"])
    assert after["envelope_digest"] != fresh.first["envelope_digest"]


# The TLS PKI


def test_tls_pki_has_crls_and_urls(made, tmp_path):
    tls = tmp_path / "tls"
    made.run("pki", "tls", "--out", tls, "--server", "localhost", "--gateway",
             "hub-1", "--crl-url", "http://127.0.0.1:1/crl/", "--ocsp-url",
             "http://127.0.0.1:2")
    made.run("pki", "crl", "--ca", tls, "--out", tmp_path)
    crl_path, = tmp_path.glob("*.crl")
    server = cert(tls / "server.pem")
    point, = extension(server, x509.CRLDistributionPoints)
    assert point.full_name[0].value == \
        f"http://127.0.0.1:1/crl/{crl_path.name}"
    crl = x509.load_der_x509_crl(crl_path.read_bytes())
    assert crl.is_signature_valid(cert(tls / "ca.pem").public_key())
    assert list(crl) == []
    made.run("pki", "revoke", "--ca", tls, tls / "server.pem")
    crl = x509.load_der_x509_crl((tls / crl_path.name).read_bytes())
    assert [one.serial_number for one in crl] == [server.serial_number]
    record = json.loads((tls / "issued.json").read_text())
    assert len(record["certificates"]) == 2


# OCSP


class Responder:
    """Runs the command that `pki ocsp` printed, on a free port."""

    def __init__(self, printed, folder):
        command = printed.strip().splitlines()[-1].split("&&")[1].rstrip(")")
        words = command.split()
        words[words.index("-port") + 1] = "0"
        self.process = subprocess.Popen(
            words, cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.port = None
        for line in self.process.stdout:
            if line.startswith("ACCEPT "):
                self.port = int(line.split()[1].rpartition(":")[2])
            if "waiting" in line:
                break
        assert self.port, "the responder does not listen"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, cert_of, issuer):
        """The answer, checked by python3-cryptography."""
        request = ocsp.OCSPRequestBuilder().add_certificate(
            cert_of, issuer, hashes.SHA256()).build()
        body = request.public_bytes(serialization.Encoding.DER)
        out = subprocess.run(
            ["curl", "-s", "--fail", "-H",
             "Content-Type: application/ocsp-request", "--data-binary", "@-",
             f"http://127.0.0.1:{self.port}/"], input=body,
            capture_output=True, check=True, timeout=30)
        answer = ocsp.load_der_ocsp_response(out.stdout)
        assert answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
        responder, = answer.certificates
        issuer.public_key().verify(
            responder.signature, responder.tbs_certificate_bytes,
            ec.ECDSA(responder.signature_hash_algorithm))
        responder.public_key().verify(
            answer.signature, answer.tbs_response_bytes,
            ec.ECDSA(answer.signature_hash_algorithm))
        return answer


def test_responder_certificate_by_another_implementation(fresh):
    out = fresh.run("pki", "ocsp").stdout
    folder = fresh.folder / "keys/author-issuing/ocsp"
    assert f"(cd {folder} && openssl ocsp " in out
    responder = cert(folder / "responder.pem")
    eku = extension(responder, x509.ExtendedKeyUsage)
    assert [oid.dotted_string for oid in eku] == ["1.3.6.1.5.5.7.3.9"]
    assert extension(responder, x509.OCSPNoCheck) == x509.OCSPNoCheck()
    assert extension(responder, x509.KeyUsage).digital_signature
    assert responder.issuer == Pki(fresh).issuing.subject
    assert (folder / "responder.key.pem").stat().st_mode & 0o777 == 0o600
    assert not (folder / "key.pem").exists()
    unit = (folder / "ferry-ocsp.service").read_text()
    assert f"WorkingDirectory={folder}\n" in unit
    assert f"LoadCredential=key:{folder}/responder.key.pem\n" in unit
    assert "-rkey ${CREDENTIALS_DIRECTORY}/key " in unit


def test_real_responder_says_good_revoked_and_unknown(fresh):
    out = fresh.run("pki", "ocsp", "--answers", "2h").stdout
    folder = fresh.folder / "keys/author-issuing/ocsp"
    pki = Pki(fresh)
    with Responder(out, folder) as responder:
        answer = responder.ask(pki.leaf, pki.issuing)
        assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD
        assert answer.next_update - answer.this_update == \
            datetime.timedelta(hours=2)
        answer = responder.ask(pki.issuing, pki.issuing)
        assert answer.certificate_status == ocsp.OCSPCertStatus.UNKNOWN
    fresh.run("pki", "revoke", fresh.folder / "keys/author/chain.pem",
              "--reason", "superseded")
    with Responder(out, folder) as responder:
        answer = responder.ask(pki.leaf, pki.issuing)
        assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
        assert answer.revocation_reason == x509.ReasonFlags.superseded


def test_responder_is_renewed_with_the_same_key(fresh):
    fresh.run("pki", "ocsp")
    folder = fresh.folder / "keys/author-issuing/ocsp"
    before = cert(folder / "responder.pem")
    fresh.run("pki", "ocsp", "--days", "5")
    after = cert(folder / "responder.pem")
    assert after.serial_number != before.serial_number
    assert public(after) == public(before)
    fresh.run("pki", "ocsp", "--answers", "15d", check=2)
    fresh.run("pki", "ocsp", "--answers", "5s", check=2)


def test_responder_for_the_tls_pki(made, tmp_path):
    tls = tmp_path / "tls"
    made.run("pki", "tls", "--out", tls, "--server", "localhost")
    out = made.run("pki", "ocsp", "--ca", tls, "--out",
                   tmp_path / "answers").stdout
    with Responder(out, tmp_path / "answers") as responder:
        answer = responder.ask(cert(tls / "server.pem"), cert(tls / "ca.pem"))
        assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD
