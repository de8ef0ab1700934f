#!/usr/bin/python3
"""A CRL with 100,000 entries, scanned for one certificate.

Beside it the parser of Mbed TLS, which verifies nothing and keeps the list, and
`openssl crl -verify` as a process. The certificate is the last entry."""

import datetime
import subprocess
import tempfile
from pathlib import Path

from benchlib import arguments, finish, spread, table
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ENTRIES = 100_000
SERIAL = 5000


def certificate(key, serial, extensions):
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])
    begin = datetime.datetime(2026, 1, 1)
    builder = (x509.CertificateBuilder().subject_name(who).issuer_name(who)
               .public_key(key.public_key()).serial_number(serial)
               .not_valid_before(begin)
               .not_valid_after(begin + datetime.timedelta(3650)))
    for extension in extensions:
        builder = builder.add_extension(extension, True)
    return builder.sign(key, hashes.SHA256())


def make(folder):
    """list.der, ca.der, ca.pem and leaf.der."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False,
                          False)
    ca = certificate(key, 1, [x509.BasicConstraints(True, None), usage])
    leaf = certificate(key, SERIAL, [])
    begin = datetime.datetime(2026, 1, 1)
    reason = x509.CRLReason(x509.ReasonFlags.superseded)
    entries = [x509.RevokedCertificateBuilder().serial_number(serial)
               .revocation_date(begin).add_extension(reason, False).build()
               for serial in [*((i + 1) << 100 for i in range(ENTRIES - 1)),
                              SERIAL]]
    crl = x509.CertificateRevocationListBuilder(
        ca.subject, begin, begin + datetime.timedelta(30),
        [x509.Extension(x509.CRLNumber.oid, False, x509.CRLNumber(1))],
        entries).sign(key, hashes.SHA256())
    der = serialization.Encoding.DER
    for name, what, encoding in (
            ("list.der", crl, der), ("ca.der", ca, der), ("leaf.der", leaf, der),
            ("ca.pem", ca, serialization.Encoding.PEM)):
        (folder / name).write_bytes(what.public_bytes(encoding))
    return (folder / "list.der").stat().st_size


def bench(build, folder, *words):
    """Milliseconds of processor time, KiB."""
    done = subprocess.run([build / "bin" / "crl-bench", *words], cwd=folder,
                          stdout=subprocess.PIPE, text=True, check=True,
                          timeout=60)
    ms, kib = done.stdout.split()
    return float(ms), int(kib)


def ours(build, folder, verb):
    return bench(build, folder, verb, "list.der", "ca.der", "leaf.der")


def openssl(build, folder):
    """Above a process that does nothing."""
    idle_ms, idle_kib = bench(build, folder, "run", "openssl", "version")
    ms, kib = bench(build, folder, "run", "openssl", "crl", "-inform", "DER",
                    "-in", "list.der", "-noout", "-verify", "-CAfile", "ca.pem")
    return ms - idle_ms, kib - idle_kib


def main():
    args = arguments(__doc__)
    with tempfile.TemporaryDirectory(prefix="ferry-bench-") as folder:
        folder = Path(folder)
        size = make(folder)
        raw = {
            "Ferry: signature, extensions, entries":
                [ours(args.build, folder, "scan") for _ in range(args.runs)],
            "mbedtls_x509_crl_parse_der(): entries only":
                [ours(args.build, folder, "parse") for _ in range(args.runs)],
            "openssl crl -verify: a process":
                [openssl(args.build, folder) for _ in range(args.runs)],
        }
    rows = [(name, spread([ms for ms, _ in runs], 1),
             spread([kib for _, kib in runs], 0))
            for name, runs in raw.items()]
    finish({"crl": table((f"{size:,} bytes", "ms of processor",
                          "KiB above the list"), rows)}, raw)


if __name__ == "__main__":
    main()
