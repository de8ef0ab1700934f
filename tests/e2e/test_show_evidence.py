"""ferry-publish show of CRLs and OCSP responses that openssl made."""

import subprocess
from types import SimpleNamespace

import pytest

CONFIG = """
[ca]
default_ca = a
[a]
database = index.txt
crlnumber = number
default_md = sha256
default_crl_days = 30
[delta]
2.5.29.27 = critical, DER:02:01:01
"""
INDEX = ("R\t371231000000Z\t261101000000Z,keyCompromise\t1388\tunknown\t/CN=x\n"
         "R\t371231000000Z\t261102000000Z\t8000\tunknown\t/CN=y\n")


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """A CA with a certificate (serial 1388), a list and an answer about it."""
    folder = tmp_path_factory.mktemp("evidence")

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True,
                       capture_output=True, timeout=60)

    def show(name, check=0):
        done = subprocess.run([build_dir / "bin/ferry-publish", "show",
                               folder / name], capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode == check, done.stderr
        return done.stderr if check else done.stdout

    (folder / "ca.cnf").write_text(CONFIG)
    (folder / "index.txt").write_text(INDEX)
    (folder / "number").write_text("0b0c\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-days", "3650", "-subj", "/O=Acme \\\\ Co/CN=Test CA")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj",
            "/CN=leaf")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-set_serial", "0x1388", "-out", "leaf.pem")
    gencrl = ("ca", "-config", "ca.cnf", "-gencrl", "-keyfile", "ca.key",
              "-cert", "ca.pem", "-crl_lastupdate", "20261101000000Z",
              "-crl_nextupdate", "20261201000000Z")
    openssl(*gencrl, "-out", "crl.pem")
    openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der")
    openssl(*gencrl, "-crlexts", "delta", "-out", "delta.pem")
    openssl("ocsp", "-issuer", "ca.pem", "-sha256", "-cert", "leaf.pem",
            "-reqout", "request.der")
    openssl("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner",
            "ca.pem", "-rkey", "ca.key", "-reqin", "request.der", "-respout",
            "response.der", "-nmin", "60", "-noverify")
    return SimpleNamespace(folder=folder, show=show)


def fields(text):
    """The indented lines, and those that begin with one word and a value."""
    return dict(line.split(None, 1) if line[0] != " " else
                (line[2:20].strip(), line[20:])
                for line in text.splitlines())


@pytest.mark.parametrize("name", ["crl.pem", "crl.der"])
def test_show_list_in_words(made, name):
    text = made.show(name)
    size = (made.folder / "crl.der").stat().st_size
    assert text.startswith(f"CRL, {size} bytes\n")
    shown = fields(text)
    assert shown["issuer"] == "O=Acme \\x5c Co, CN=Test CA"
    assert shown["number"] == "0b0c"
    assert shown["this update"] == "2026-11-01T00:00:00Z"
    assert shown["next update"] == "2026-12-01T00:00:00Z"
    assert shown["entries"] == "2"
    assert text.splitlines()[-2:] == [
        "revoked 1388  2026-11-01T00:00:00Z  keyCompromise",
        "revoked 008000  2026-11-02T00:00:00Z  unspecified"]


def test_show_response_in_words(made):
    text = made.show("response.der")
    shown = fields(text)
    assert text.startswith("OCSP response, ")
    assert shown["responder"] == "O=Acme \\x5c Co, CN=Test CA"
    assert shown["answer"] == "revoked" and shown["serial"] == "1388"
    assert shown["hash"] == "sha-256"
    assert shown["reason"] == "keyCompromise"
    assert len(shown["nonce"]) == 32
    assert "next update" in shown


@pytest.mark.parametrize("name, rule", [
    ("delta.pem", "crl.extensions.deltaCRLIndicator: must not be there"),
    ("cut.der", "crl: must be a SEQUENCE"),
    ("longer.der", "crl: must end with its SEQUENCE"),
    ("broken.pem", "not a well-formed CRL [trust-crl-form]")])
def test_show_says_what_is_wrong_with_a_list(made, name, rule):
    good = (made.folder / "crl.der").read_bytes()
    (made.folder / "longer.der").write_bytes(good + b"\0")
    (made.folder / "cut.der").write_bytes(
        b"-----BEGIN X509 CRL-----\nMDA=\n-----END X509 CRL-----\n")
    (made.folder / "broken.pem").write_bytes(
        b"-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n")
    assert rule in made.show(name, check=1)


def test_show_response_without_an_answer_says_its_status(made):
    (made.folder / "later.der").write_bytes(bytes.fromhex("30030a0103"))
    assert "ocsp.responseStatus: tryLater [trust-ocsp-status]" in made.show(
        "later.der", check=1)
