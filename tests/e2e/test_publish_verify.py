"""`ferry-publish verify` with revocation evidence and several signers: each
option with a good and a hostile input. Lists and answers are made by
python3-cryptography with the publisher's own CA keys."""

import datetime
import json
import shutil
import subprocess

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from ferrytest import pki
from ferrytest.publish import Publisher

NOW = datetime.datetime.utcnow().replace(microsecond=0)
DAY = datetime.timedelta(days=1)
DER = serialization.Encoding.DER


class World:
    """A publisher with a chain of three, and hands on its CAs."""

    def __init__(self, p):
        self.p = p
        keys = p.folder / "keys"
        self.anchor = Authority(keys / "author-ca")
        self.issuing = Authority(keys / "author-issuing")
        self.leaf = x509.load_pem_x509_certificate(
            (keys / "author/chain.pem").read_bytes())

    def crls(self):
        """The CRLs that the publisher issued: anchor's, issuing CA's."""
        by = {x509.load_der_x509_crl(path.read_bytes()).issuer: path
              for path in (self.p.www / "crl").iterdir()}
        return by[self.anchor.cert.subject], by[self.issuing.cert.subject]

    def args(self, *crls):
        return [arg for crl in crls or self.crls() for arg in ("--crl", crl)]


class Authority:
    def __init__(self, folder):
        self.cert = x509.load_pem_x509_certificate(
            (folder / "cert.pem").read_bytes())
        self.key = serialization.load_pem_private_key(
            (folder / "key.pem").read_bytes(), None)

    def crl(self, path, revoked=(), number=9, begin=NOW - DAY, end=NOW + DAY,
            key=None, issuer=None, extra=()):
        b = x509.CertificateRevocationListBuilder().issuer_name(
            issuer or self.cert.subject).last_update(begin).next_update(end)
        ski = self.cert.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier).value
        b = b.add_extension(x509.AuthorityKeyIdentifier
                            .from_issuer_subject_key_identifier(ski), False)
        if number is not None:
            b = b.add_extension(x509.CRLNumber(number), False)
        for value, critical in extra:
            b = b.add_extension(value, critical)
        for cert, reason in revoked:
            one = x509.RevokedCertificateBuilder().serial_number(
                cert.serial_number).revocation_date(NOW - DAY)
            if reason:
                one = one.add_extension(x509.CRLReason(reason), False)
            b = b.add_revoked_certificate(one.build())
        path.write_bytes(b.sign(key or self.key, hashes.SHA256())
                         .public_bytes(DER))
        return path

    def ocsp(self, path, about, status=ocsp.OCSPCertStatus.GOOD,
             begin=NOW - DAY / 24, end=NOW + DAY, nonce=None, by=None):
        by = by or self
        revoked = status == ocsp.OCSPCertStatus.REVOKED
        b = ocsp.OCSPResponseBuilder().add_response(
            cert=about, issuer=self.cert, algorithm=hashes.SHA256(),
            cert_status=status, this_update=begin, next_update=end,
            revocation_time=NOW - DAY if revoked else None,
            revocation_reason=None).responder_id(
                ocsp.OCSPResponderEncoding.HASH, by.cert)
        if nonce:
            b = b.add_extension(x509.OCSPNonce(nonce), False)
        path.write_bytes(b.sign(by.key, hashes.SHA256())
                         .public_bytes(DER))
        return path


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    p = Publisher(build_dir, tmp_path_factory.mktemp("verify") / "pub")
    p.init("Acme", "--domain", "acme.example", "--intermediate")
    p.add_class("sensor")
    p.first = p.release("sensor", b"image", "--version", "1")
    return World(p)


@pytest.fixture
def verify(world):
    def run(*args, envelope=None):
        p = world.p
        return p.verify("--root", p.root(), *args,
                        envelope or p.envelope(p.first))
    return run


def rows(answer):
    return {row["name"]: row for row in answer["checks"]}


# CRLs


def test_crls_of_the_publisher_are_enough(world, verify):
    code, answer = verify(*world.args(), "--catalog", world.p.catalog)
    assert code == 0, answer
    checks = rows(answer)
    assert checks["evidence"]["outcome"] == "pass"
    assert checks["revocation"]["outcome"] == "pass"
    assert checks["catalog-revocation"]["outcome"] == "pass"
    assert answer["tiers"]["sign"] == "+2"
    assert [(e["kind"], e["outcome"]) for e in answer["evidence"]] == [
        ("crl", "used"), ("crl", "used")]


def test_what_the_catalog_ships_is_enough(world, verify):
    shipped = sorted((world.p.www / "r").iterdir())
    assert len(shipped) == 2
    code, _ = verify(*world.args(*shipped))
    assert code == 0


def test_crl_as_pem(world, verify, tmp_path):
    anchor, issuing = world.crls()
    pem = tmp_path / "crl.pem"
    pki.openssl("crl", "-inform", "DER", "-in", anchor, "-out", pem)
    code, _ = verify(*world.args(pem, issuing))
    assert code == 0


def test_each_certificate_needs_its_own_evidence(world, verify):
    anchor, issuing = world.crls()
    code, answer = verify("--crl", anchor)
    assert (code, answer["code"]) == (1, "trust-revocation-missing")
    code, answer = verify("--crl", issuing)
    assert (code, answer["code"]) == (1, "trust-revocation-missing")
    code, answer = verify()
    assert (code, answer["code"]) == (1, "trust-revocation-none")


HOSTILE_CRLS = {
    "revoked": (dict(revoked="leaf"), "trust-revoked"),
    "on hold": (dict(revoked="leaf", reason="certificate_hold"),
                "trust-revoked"),
    "stale": (dict(begin=NOW - 3 * DAY, end=NOW - DAY),
              "trust-revocation-stale"),
    "not yet": (dict(begin=NOW + DAY, end=NOW + 2 * DAY),
                "trust-revocation-not-yet"),
    "without a number": (dict(number=None), "trust-crl-number"),
    "by another key": (dict(key="anchor"), "trust-crl-signature"),
    "delta": (dict(extra=[(x509.DeltaCRLIndicator(1), True)]),
              "trust-crl-partial"),
    "delta, not critical": (dict(extra=[(x509.DeltaCRLIndicator(1), False)]),
                            "trust-crl-partial"),
    "partitioned": (dict(extra=[(x509.IssuingDistributionPoint(
        None, None, True, False, None, False, False), True)]),
        "trust-crl-partial"),
}


@pytest.mark.parametrize("name", HOSTILE_CRLS)
def test_hostile_crl_is_refused(world, verify, tmp_path, name):
    how, want = HOSTILE_CRLS[name]
    how = dict(how)
    if how.get("revoked"):
        reason = getattr(x509.ReasonFlags, how.pop("reason", "unspecified"))
        how["revoked"] = [(world.leaf, reason if reason.value !=
                           "unspecified" else None)]
    if how.get("key"):
        how["key"] = world.anchor.key
    path = world.issuing.crl(tmp_path / "crl", **how)
    code, answer = verify(*world.args(world.crls()[0], path))
    assert code == 1 and not answer["accepted"]
    assert answer["code"] == want, answer["checks"][:3]


def test_revoked_intermediate_is_refused(world, verify, tmp_path):
    path = world.anchor.crl(tmp_path / "crl",
                            revoked=[(world.issuing.cert, None)])
    code, answer = verify(*world.args(path, world.crls()[1]))
    assert (code, answer["code"]) == (1, "trust-revoked")


def test_malformed_crl_is_refused_beside_good_ones(world, verify, tmp_path):
    """What cannot be read is a failed check, never an absent list."""
    anchor, issuing = world.crls()
    whole = issuing.read_bytes()
    bad = tmp_path / "bad"
    for data in (whole[:-1], whole + b"\0", whole[:40], b"0\x03\x02\x01\x01"):
        bad.write_bytes(data)
        code, answer = verify(*world.args(anchor, issuing, bad))
        assert code == 1, data
        assert answer["checks"][0]["name"] == "evidence"
        assert answer["code"].startswith("trust-crl-"), answer["code"]
        assert answer["evidence"][2]["outcome"] == "refused"


def test_crl_about_nobody_here_is_passed_over(world, verify, tmp_path,
                                              build_dir):
    other = Publisher(build_dir, tmp_path / "other").init("Other")
    path, = (other.www / "crl").iterdir()
    code, answer = verify(*world.args(), "--crl", path)
    assert code == 0 and answer["evidence"][2]["outcome"] == "unneeded"
    code, answer = verify("--crl", path)
    assert (code, answer["code"]) == (1, "trust-revocation-none")


def test_older_crl_does_not_replace_a_newer_one(world, verify, tmp_path):
    anchor, _ = world.crls()
    newer = world.issuing.crl(tmp_path / "new", number=8,
                              revoked=[(world.leaf, None)])
    older = world.issuing.crl(tmp_path / "old", number=7)
    for order in ((newer, older), (older, newer)):
        code, answer = verify(*world.args(anchor, *order))
        assert (code, answer["code"]) == (1, "trust-revoked")
    newer = world.issuing.crl(tmp_path / "new", number=8)
    code, answer = verify(*world.args(anchor, newer, older))
    assert code == 0
    assert [e["outcome"] for e in answer["evidence"]] == [
        "used", "used", "superseded"]


def test_at_judges_evidence_at_that_time(world, verify, tmp_path):
    anchor, issuing = world.crls()
    later = (NOW + 29 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    code, _ = verify(*world.args(), "--at", later)
    assert code == 0
    later = (NOW + 31 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    code, answer = verify(*world.args(), "--at", later)
    assert (code, answer["code"]) == (1, "trust-revocation-stale")
    old = world.issuing.crl(tmp_path / "old", begin=NOW - 9 * DAY,
                            end=NOW - DAY / 48)
    code, _ = verify(*world.args(anchor, old), "--at",
                     (NOW - DAY / 96).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert code == 1  # the root is younger than that
    assert issuing.exists()


# OCSP


def test_ocsp_for_the_leaf_and_a_crl_for_the_rest(world, verify, tmp_path):
    answer = world.issuing.ocsp(tmp_path / "ocsp", world.leaf)
    code, said = verify("--crl", world.crls()[0], "--ocsp", answer)
    assert code == 0, said
    assert said["evidence"][1] == {"file": str(answer), "kind": "ocsp",
                                   "outcome": "used", "code": None}


def test_ocsp_for_both(world, verify, tmp_path):
    code, _ = verify(
        "--ocsp", world.issuing.ocsp(tmp_path / "1", world.leaf),
        "--ocsp", world.anchor.ocsp(tmp_path / "2", world.issuing.cert))
    assert code == 0


HOSTILE_ANSWERS = {
    "revoked": (dict(status=ocsp.OCSPCertStatus.REVOKED), "trust-revoked"),
    "unknown": (dict(status=ocsp.OCSPCertStatus.UNKNOWN),
                "trust-revocation-unknown"),
    "signed after its end": (dict(begin=NOW - 3 * DAY, end=NOW - 2 * DAY),
                             "trust-ocsp-dates"),
    "without an end": (dict(end=None), "trust-ocsp-next-update"),
    "for too long": (dict(end=NOW + 20 * DAY), "trust-ocsp-validity"),
    "by another CA": (dict(by="anchor"), "trust-revocation-missing"),
    "changed": (dict(flip=True), "trust-ocsp-signature"),
}


@pytest.mark.parametrize("name", HOSTILE_ANSWERS)
def test_hostile_answer_is_refused(world, verify, tmp_path, name):
    how, want = HOSTILE_ANSWERS[name]
    how = dict(how)
    if "by" in how:
        how["by"] = world.anchor
    flip = how.pop("flip", False)
    path = world.issuing.ocsp(tmp_path / "ocsp", world.leaf, **how)
    if flip:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    code, answer = verify("--crl", world.crls()[0], "--ocsp", path)
    assert (code, answer["code"]) == (1, want), answer["checks"][:3]


def test_answer_that_has_run_out_is_refused(world, verify, tmp_path):
    answer = world.issuing.ocsp(tmp_path / "ocsp", world.leaf)
    args = ("--crl", world.crls()[0], "--ocsp", answer, "--at")
    code, _ = verify(*args, (NOW + DAY / 2).strftime("%FT%TZ"))
    assert code == 0
    code, said = verify(*args, (NOW + 2 * DAY).strftime("%FT%TZ"))
    assert (code, said["code"]) == (1, "trust-revocation-stale")


def test_revoked_by_either_is_revoked(world, verify, tmp_path):
    bad = world.issuing.ocsp(tmp_path / "ocsp", world.leaf,
                             status=ocsp.OCSPCertStatus.REVOKED)
    code, answer = verify(*world.args(), "--ocsp", bad)
    assert (code, answer["code"]) == (1, "trust-revoked")


def test_answer_about_another_certificate_does_not_count(world, verify,
                                                         tmp_path):
    path = world.issuing.ocsp(tmp_path / "ocsp", world.issuing.cert)
    code, answer = verify("--crl", world.crls()[0], "--ocsp", path)
    assert (code, answer["code"]) == (1, "trust-revocation-missing")


def test_nonce_must_be_repeated(world, verify, tmp_path):
    nonce = bytes(range(32))
    good = world.issuing.ocsp(tmp_path / "1", world.leaf, nonce=nonce)
    args = ("--crl", world.crls()[0], "--ocsp")
    code, _ = verify(*args, good, "--nonce", nonce.hex())
    assert code == 0
    code, answer = verify(*args, good, "--nonce", bytes(32).hex())
    assert (code, answer["code"]) == (1, "trust-ocsp-nonce")
    without = world.issuing.ocsp(tmp_path / "2", world.leaf)
    code, answer = verify(*args, without, "--nonce", nonce.hex())
    assert (code, answer["code"]) == (1, "trust-ocsp-nonce")


def test_answer_of_the_real_responder(world, verify, tmp_path):
    """What openssl ocsp answers from the folder that `pki ocsp` made."""
    p = Publisher(world.p.program.parent.parent, tmp_path / "pub")
    shutil.copytree(world.p.folder, p.folder, copy_function=shutil.copy2)
    p.run("pki", "ocsp")
    folder = p.folder / "keys/author-issuing/ocsp"
    request, answer = tmp_path / "request", tmp_path / "answer"
    pki.openssl("ocsp", "-sha256", "-issuer", folder / "ca.pem", "-cert",
                p.folder / "keys/author/chain.pem", "-reqout", request)
    out = pki.openssl("ocsp", "-reqin", request, "-text", "-resp_text",
                      "-no_cert_verify")
    nonce = next(line.split()[-1] for line in out.decode().splitlines()
                 if line.strip().startswith("0410"))[4:].lower()
    done = subprocess.run(
        ["openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner",
         "responder.pem", "-rkey", "responder.key.pem", "-rmd", "sha256",
         "-nmin", "60", "-reqin", request, "-respout", answer], cwd=folder,
        capture_output=True, text=True, check=False)
    assert answer.exists(), done.stderr
    code, said = verify("--crl", world.crls()[0], "--ocsp", answer, "--nonce",
                        nonce)
    assert code == 0, said


# Policies


def test_if_reachable_takes_evidence_that_has_run_out(world, verify, tmp_path):
    anchor, _ = world.crls()
    old = world.issuing.crl(tmp_path / "old", begin=NOW - 3 * DAY,
                            end=NOW - DAY)
    args = (*world.args(anchor, old), "--revocation", "require-if-reachable")
    code, answer = verify(*args)
    assert code == 0, answer
    code, answer = verify(*args, "--max-age", "2d")
    assert (code, answer["code"]) == (1, "trust-revocation-stale")
    code, _ = verify(*args, "--max-age", "4d")
    assert code == 0
    code, answer = verify("--revocation", "require-if-reachable")
    assert (code, answer["code"]) == (1, "trust-revocation-none")


def test_off_still_refuses_what_is_known_to_be_revoked(world, verify,
                                                       tmp_path):
    code, answer = verify("--revocation", "off")
    assert code == 0 and rows(answer)["revocation"]["outcome"] == "off"
    assert answer["tiers"]["sign"] != "+2"


def test_bare_anchors_need_a_root_that_says_so(world, verify, build_dir,
                                               tmp_path):
    p = Publisher(build_dir, tmp_path / "pub").init("A")
    p.add_class("x")
    key, public = tmp_path / "key.pem", tmp_path / "pub.pem"
    pki.make_key(key)
    pki.openssl("pkey", "-in", key, "-pubout", "-out", public)
    p.run("root", "rotate", "--role", "author", "--public", public)
    out = p.run("release", "--class", "x", "--firmware", public, "--key", key)
    record = p.record(out.stdout.split()[1])
    assert "root set --root-only" in out.stderr
    envelope = p.envelope(record)
    for args in (["--anchor", public], ["--root", p.root(2)]):
        code, answer = p.verify(*args, envelope)
        assert (code, answer["code"]) == (1, "trust-revocation-anchor")
    p.run("root", "rotate", "--role", "author", "--public", public,
          "--root-only")
    code, answer = p.verify("--root", p.root(3), envelope)
    assert code == 0, answer
    assert answer["tiers"]["sign"] == "+1"


def test_catalog_signers_are_judged_too(build_dir, tmp_path):
    p = Publisher(build_dir, tmp_path / "pub").init("A")
    p.add_class("x")
    p.run("pki", "author", "--out", tmp_path / "cat")
    record = p.release("x", b"image", "--version", "1")
    root = p.root()
    crl, = (p.www / "crl").iterdir()
    code, answer = p.verify("--root", root, "--catalog", p.catalog, "--crl",
                            crl, p.envelope(record))
    assert code == 0, answer
    kid = cbor2.loads(cbor2.loads(cbor2.loads(root.read_bytes()).value[2])[6]
                      [2][2][0][1])
    assert kid[1] == 2
    ident = next(line.split()[1] for line in p.run("show", root).stdout
                 .split("role catalog")[1].splitlines()
                 if line.strip().startswith("key"))
    p.run("root", "set", "--evidence", ident, "--no-catalog")
    out = p.run("catalog")
    assert "refuse the catalog" in out.stderr
    code, answer = p.verify("--root", p.root(2), "--catalog", p.catalog,
                            "--crl", crl, p.envelope(record))
    assert code == 1
    assert rows(answer)["catalog-revocation"]["code"] == \
        "trust-revocation-anchor"


# Issuers, signatures, roles


def test_issuer_brings_the_intermediate(world, tmp_path):
    """An envelope whose block brings the leaf alone."""
    p = Publisher(world.p.program.parent.parent, tmp_path / "pub")
    shutil.copytree(world.p.folder, p.folder, copy_function=shutil.copy2)
    lone = tmp_path / "leaf.pem"
    lone.write_bytes(world.leaf.public_bytes(serialization.Encoding.PEM))
    p.run("resign", "--all", "--chain", lone, "--no-catalog")
    envelope = p.envelope(p.record(world.p.first["manifest_digest"]))
    args = ("--root", p.root(), *world.args())
    code, answer = p.verify(*args, envelope)
    assert (code, answer["code"]) == (1, "trust-cert-chain")
    issuing = p.folder / "keys/author-issuing/cert.pem"
    code, answer = p.verify(*args, "--issuer", issuing, envelope)
    assert code == 0, answer
    # What is brought so is trusted for nothing: no anchor, no way to one.
    code, answer = p.verify("--anchor", lone, "--issuer", issuing, envelope)
    assert code == 1
    other = Publisher(world.p.program.parent.parent, tmp_path / "o").init("O")
    code, answer = p.verify("--root", other.root(), *world.args(), "--issuer",
                            p.folder / "keys/author-ca/cert.pem", "--issuer",
                            issuing, envelope)
    assert (code, answer["code"]) == (1, "trust-cert-chain")


def test_required_signatures_and_roles(world, tmp_path):
    p = Publisher(world.p.program.parent.parent, tmp_path / "pub")
    shutil.copytree(world.p.folder, p.folder, copy_function=shutil.copy2)
    hss, public = tmp_path / "hss", tmp_path / "hss.pub"
    p.run("key", "new", "--kind", "hss:h5/w8", "--out", hss, "--public",
          public)
    operator = tmp_path / "operator.pem"
    pki.make_key(operator)
    pki.openssl("pkey", "-in", operator, "-pubout", "-out",
                tmp_path / "operator.pub")
    p.run("root", "add", "--role", "author", "--public", public,
          "--root-only", "--no-catalog")
    p.run("root", "add", "--role", "operator", "--public",
          tmp_path / "operator.pub", "--root-only", "--no-catalog")

    def ask(*args):
        envelope = p.envelope(p.record(world.p.first["manifest_digest"]))
        return p.verify("--root", p.root(3), *world.args(), *args, envelope)

    code, _ = ask("--require-signatures", "es256")
    assert code == 0
    for demand in ("hss", "es256,hss"):
        code, answer = ask("--require-signatures", demand)
        assert (code, answer["code"]) == (1, "trust-signers-alg")
    code, answer = ask("--require-roles", "operator")
    assert code == 1 and rows(answer)["operator-signature"]["outcome"] == \
        "fail"
    p.run("resign", "--all", "--cosign", hss, "--no-catalog")
    p.run("countersign", "--all", "--role", "operator", "--key", operator)
    code, answer = ask("--require-signatures", "es256,hss", "--require-roles",
                       "operator", "--catalog", p.catalog)
    assert code == 0, answer
    assert answer["tiers"]["sign"] == "+3"
    code, _ = ask("--require-roles", "regulator")
    assert code == 1


USAGE = {
    "nonce that is no hex": ["--nonce", "xyz"],
    "empty nonce": ["--nonce", ""],
    "nonce too long": ["--nonce", "00" * 129],
    "unknown policy": ["--revocation", "perhaps"],
    "max-age without its policy": ["--max-age", "1d"],
    "max-age that is none": ["--revocation", "require-if-reachable",
                             "--max-age", "long"],
    "unknown signature": ["--require-signatures", "es256,rsa"],
    "empty list": ["--require-signatures", ""],
    "unknown role": ["--require-roles", "boss"],
    "catalog role without catalog": ["--require-roles", "catalog"],
    "crl that is not there": ["--crl", "/nonexistent"],
    "issuer that is none": ["--issuer", "/dev/null"],
}


@pytest.mark.parametrize("name", USAGE)
def test_usage_is_refused_with_2(world, name):
    p = world.p
    p.run("verify", "--root", p.root(), *USAGE[name], p.envelope(p.first),
          check=2)


def test_text_says_which_evidence_counted(world):
    p = world.p
    out = p.run("verify", "--root", p.root(), *world.args(),
                p.envelope(p.first)).stdout
    assert "2 objects, 2 about these certificates" in out
    assert "CRL" in out.split("\nrevocation")[1].splitlines()[0]
    assert out.rstrip().endswith("accepted")


def test_answer_is_one_json_document(world):
    p = world.p
    out = p.run("verify", "--json", "--root", p.root(), *world.args(),
                p.envelope(p.first)).stdout
    assert set(json.loads(out)) == {
        "accepted", "code", "release", "sequence", "images", "checks",
        "evidence", "tiers"}
