"""Certificates for tests, made with the openssl program (3.0 and later).

    ca = Ca.make(folder, "vendor-ca")
    server = ca.issue("server", sans=["DNS:localhost", "IP:127.0.0.1"])
    client = ca.issue("client", usage="clientAuth")

`cert` and `key` of what comes back are paths; keys have mode 0600.
"""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

LOCAL = ("DNS:localhost", "IP:127.0.0.1")

REQUEST_CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = {name}
"""

CA_EXTENSIONS = """
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""

LEAF_EXTENSIONS = """
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {usage}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{sans}
"""


def openssl(*args, data=None):
    """Runs openssl and returns its standard output."""
    done = subprocess.run(["openssl", *map(str, args)], input=data,
                          capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {args}: {done.stderr.decode()}")
    return done.stdout


@dataclass
class Identity:
    """A certificate and its private key."""
    cert: Path
    key: Path

    def der(self):
        return openssl("x509", "-in", self.cert, "-outform", "DER")

    def pin(self):
        """SHA-256 of the public key, hexadecimal."""
        pem = openssl("x509", "-in", self.cert, "-noout", "-pubkey")
        der = openssl("pkey", "-pubin", "-outform", "DER", data=pem)
        return hashlib.sha256(der).hexdigest()


def make_key(path, curve="P-256"):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
            f"ec_paramgen_curve:{curve}", "-out", path)
    os.chmod(path, 0o600)


class Ca(Identity):
    """A root, or an authority below another one."""

    @classmethod
    def make(cls, folder, name, parent=None, days=365):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        ca = cls(folder / f"{name}.pem", folder / f"{name}.key")
        make_key(ca.key)
        ca._sign(name, ca.key, ca.cert, CA_EXTENSIONS, parent, days)
        return ca

    def issue(self, name, sans=LOCAL, usage="serverAuth", days=90,
              curve="P-256"):
        """A leaf; the file holds the leaf only, `chain()` what leads up."""
        folder = self.cert.parent
        leaf = Identity(folder / f"{name}.pem", folder / f"{name}.key")
        make_key(leaf.key, curve)
        extensions = LEAF_EXTENSIONS.format(
            usage=usage,
            sans="subjectAltName = " + ", ".join(sans) if sans else "")
        self._sign(name, leaf.key, leaf.cert, extensions, self, days)
        return leaf

    @staticmethod
    def _sign(name, key, cert, extensions, parent, days):
        config = cert.with_suffix(".cnf")
        config.write_text(REQUEST_CONFIG.format(name=name))
        request = cert.with_suffix(".csr")
        openssl("req", "-new", "-config", config, "-key", key, "-out", request)
        config.write_text(extensions)
        signer = ["-CA", parent.cert, "-CAkey", parent.key] if parent \
            else ["-signkey", key]
        serial = int.from_bytes(os.urandom(8), "big") | 1
        openssl("x509", "-req", "-in", request, *signer, "-sha256",
                "-days", days, "-set_serial", serial, "-extfile", config,
                "-out", cert)
        request.unlink()
        config.unlink()


def chain(path, *identities):
    """Writes a file with the certificates of `identities`, in order."""
    path = Path(path)
    path.write_bytes(b"".join(i.cert.read_bytes() for i in identities))
    return path
