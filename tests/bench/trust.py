#!/usr/bin/python3
"""One whole verification of a 1 MiB image beside the same work by openssl.

Root with two of three signatures, catalog, author's chain of three, a CRL with
100,000 entries of the CA that issued the author's certificate, the anchor's CRL, an
OCSP answer at hand. `ferry-publish verify` does all of it, and reads the manifest
too; openssl is called once for each thing that it can check. Processor time of
whole processes; memory is what they need above one that only prints its help."""

import datetime
import subprocess
import tempfile
from pathlib import Path

import cbor2
from benchlib import arguments, finish, spread, table
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

ENTRIES = 100_000
SIZE = 1 << 20


def run(*words, cwd):
    done = subprocess.run([str(w) for w in words], cwd=cwd, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"{words}\n{done.stdout}")
    return done.stdout


def measured(build, folder, *words):
    """Milliseconds of processor time and KiB of one process."""
    done = run(build / "bin" / "crl-bench", "run", *words, cwd=folder)
    ms, kib = done.split()[-2:]
    return float(ms), int(kib)


def long_list(folder, issuing, large):
    """The issuing CA's next CRL, with everything that it ever revoked: as openssl
    ca writes it, short serial numbers and a date, or large ones and reasons."""
    key = serialization.load_pem_private_key(
        (issuing / "key.pem").read_bytes(), None)
    cert = x509.load_pem_x509_certificate((issuing / "cert.pem").read_bytes())
    begin = datetime.datetime.utcnow() - datetime.timedelta(hours=1)
    skid = cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    reason = x509.CRLReason(x509.ReasonFlags.superseded)
    entries = []
    for i in range(ENTRIES):
        entry = (x509.RevokedCertificateBuilder().revocation_date(begin)
                 .serial_number((i + 1) << 80 if large else i + 0x1000))
        entries.append((entry.add_extension(reason, False) if large else entry)
                       .build())
    aki = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
        skid.value)
    crl = x509.CertificateRevocationListBuilder(
        cert.subject, begin, begin + datetime.timedelta(30),
        [x509.Extension(aki.oid, False, aki),
         x509.Extension(x509.CRLNumber.oid, False, x509.CRLNumber(99))],
        entries).sign(key, hashes.SHA256())
    der = crl.public_bytes(serialization.Encoding.DER)
    (folder / "long.crl").write_bytes(der)
    (folder / "long.pem").write_bytes(
        crl.public_bytes(serialization.Encoding.PEM))
    return len(der)


def parts(folder):
    """Leaf, issuing CA and anchor apart, and the author's signature."""
    acme = folder / "acme"
    end = b"-----END CERTIFICATE-----\n"
    texts = (acme / "keys/author/chain.pem").read_bytes().split(end)[:-1]
    certs = [x509.load_pem_x509_certificate(text + end) for text in texts]
    pem = serialization.Encoding.PEM
    (folder / "leaf.pem").write_bytes(certs[0].public_bytes(pem))
    (folder / "issuing.pem").write_bytes(certs[1].public_bytes(pem))
    (folder / "leaf.pub").write_bytes(certs[0].public_key().public_bytes(
        pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    envelope = next((acme / "www/e").glob("*.suit"))
    blocks = cbor2.loads(cbor2.loads(envelope.read_bytes()).value[2])
    protected, _, _, signature = cbor2.loads(blocks[1]).value
    (folder / "tbs").write_bytes(
        cbor2.dumps(["Signature1", protected, b"", blocks[0]]))
    half = len(signature) // 2
    (folder / "signature").write_bytes(encode_dss_signature(
        int.from_bytes(signature[:half], "big"),
        int.from_bytes(signature[half:], "big")))
    return envelope


def world(build, folder):
    publish = build / "bin" / "ferry-publish"
    acme = folder / "acme"
    run(publish, "init", acme, "--vendor", "Acme", "--domain", "acme.example",
        "--intermediate", cwd=folder)
    run(publish, "class", "add", "lamp", cwd=acme)
    run(build / "bin" / "ferry-sim", "mkimage", "--version", "1.0.0", "--size",
        SIZE, "image", cwd=folder)
    run(publish, "release", "--class", "lamp", "--firmware", "../image",
        cwd=acme)
    issuing = acme / "keys" / "author-issuing"
    envelope = parts(folder)
    run(publish, "pki", "ocsp", cwd=acme)
    run("openssl", "ocsp", "-issuer", "issuing.pem", "-sha256", "-cert",
        "leaf.pem", "-no_nonce", "-reqout", "question", cwd=folder)
    responder = issuing / "ocsp"
    run("openssl", "ocsp", "-index", responder / "index.txt", "-CA",
        responder / "ca.pem", "-rsigner", responder / "responder.pem", "-rkey",
        responder / "responder.key.pem", "-rmd", "sha256", "-nmin", "60",
        "-reqin", "question", "-respout", "answer", cwd=folder)
    anchor = x509.load_pem_x509_certificate(
        (acme / "keys/author-ca/cert.pem").read_bytes())
    for crl in (acme / "www" / "crl").glob("*.crl"):
        text = run("openssl", "crl", "-inform", "DER", "-in", crl, cwd=folder)
        issuer = x509.load_pem_x509_crl(text.encode()).issuer
        if issuer == anchor.subject:
            (folder / "anchor.pem").write_text(text)
            (folder / "anchor.crl").write_bytes(crl.read_bytes())
    return issuing, envelope


def with_list(folder, issuing, large):
    size = long_list(folder, issuing, large)
    (folder / "both.pem").write_text((folder / "anchor.pem").read_text() +
                                     (folder / "long.pem").read_text())
    return size


def ours(build, folder, envelope):
    publish = build / "bin" / "ferry-publish"
    config = (folder / "acme/classes/lamp.conf").read_text()
    class_id = config.split('class_id = "')[1].split('"')[0]
    vendor = (folder / "acme/publish.conf").read_text()
    vendor_id = vendor.split('vendor_id = "')[1].split('"')[0]
    words = [publish, "verify", "--root", "acme/www/root/1.cose", "--catalog",
             "acme/www/catalog.cose", "--crl", "long.crl", "--crl",
             "anchor.crl", "--ocsp", "answer", "--vendor-id", vendor_id,
             "--class-id", class_id, "--component", "app", "--floor", "1",
             "--strict", envelope, "image"]
    run(*words, cwd=folder)  # it accepts
    idle = measured(build, folder, publish, "verify", "--help")
    ms, kib = measured(build, folder, *words)
    return ms, kib - idle[1]


def openssl(build, folder):
    idle = measured(build, folder, "openssl", "version")
    signature = ["openssl", "dgst", "-sha256", "-verify", "leaf.pub",
                 "-signature", "signature", "tbs"]
    calls = [
        ["openssl", "dgst", "-sha256", "image"],
        ["openssl", "verify", "-crl_check_all", "-CAfile",
         "acme/keys/author-ca/cert.pem", "-untrusted", "issuing.pem",
         "-CRLfile", "both.pem", "leaf.pem"],
        ["openssl", "ocsp", "-respin", "answer", "-issuer", "issuing.pem",
         "-sha256", "-cert", "leaf.pem", "-no_nonce", "-CAfile",
         "acme/keys/author-ca/cert.pem", "-verify_other", "issuing.pem"],
        signature, signature, signature, signature,
    ]
    for words in calls:
        run(*words, cwd=folder)
    runs = [measured(build, folder, *words) for words in calls]
    return (sum(ms for ms, _ in runs), max(kib for _, kib in runs) - idle[1],
            sum(ms for ms, _ in runs) - len(calls) * idle[0])


def rows_of(pairs, size):
    return [
        (f"**CRL of {size:,} bytes**", "", ""),
        ("`ferry-publish verify`: all of it",
         spread([a[0] for a, _ in pairs], 1),
         spread([a[1] / 1024 for a, _ in pairs], 2)),
        ("openssl: seven processes", spread([b[0] for _, b in pairs], 1),
         spread([b[1] / 1024 for _, b in pairs], 2)),
        ("openssl, without what starting them takes",
         spread([b[2] for _, b in pairs], 1), ""),
        ("ratio, openssl to Ferry",
         spread([b[0] / a[0] for a, b in pairs], 2),
         spread([b[1] / a[1] for a, b in pairs], 1)),
    ]


def main():
    args = arguments(__doc__)
    rows, raw = [], {}
    with tempfile.TemporaryDirectory(prefix="ferry-bench-") as folder:
        folder = Path(folder)
        issuing, envelope = world(args.build, folder)
        for large in (False, True):
            size = with_list(folder, issuing, large)
            raw[size] = [(ours(args.build, folder, envelope),
                          openssl(args.build, folder))
                         for _ in range(args.runs)]
            rows += rows_of(raw[size], size)
    finish({"trust": table(("", "ms of processor", "MiB above idle"), rows)},
           raw)


if __name__ == "__main__":
    main()
