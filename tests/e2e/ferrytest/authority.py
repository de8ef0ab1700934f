"""An authority with a database, as the openssl program keeps it: issues,
revokes, makes CRLs, and answers OCSP requests.

    ca = Authority.make(folder, "anchor")
    sub = Authority.make(folder, "sub", parent=ca, crl=url, ocsp=url)
    leaf = sub.issue("author", usage="codeSigning", crl=url, ocsp=url)
    sub.revoke(leaf)
    sub.crl(www / "sub.crl")
    with Responder(sub, port) as responder: ...

Needs no network and nothing but openssl 3.0 or later.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from ferrytest.nginx import free_port
from ferrytest.pki import Identity, make_key, openssl

CONFIG = """
[ca]
default_ca = here
[here]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}/new
serial = {folder}/serial
crlnumber = {folder}/crlnumber
certificate = {cert}
private_key = {key}
default_md = sha256
default_days = 90
default_crl_days = 7
policy = any
unique_subject = no
crl_extensions = crl
[any]
commonName = supplied
[crl]
authorityKeyIdentifier = keyid
{crl_extra}
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
{more}
"""

LEAF_EXTENSIONS = """
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {usage}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{more}
"""


def sources(crl, ocsp):
    lines = []
    if crl:
        lines.append(f"crlDistributionPoints = URI:{crl}")
    if ocsp:
        lines.append(f"authorityInfoAccess = OCSP;URI:{ocsp}")
    return lines


class Authority(Identity):
    """`folder` is its database."""

    folder = None

    @classmethod
    def make(cls, folder, name, parent=None, crl=None, ocsp=None):
        folder = Path(folder) / name
        (folder / "new").mkdir(parents=True)
        ca = cls(folder / "cert.pem", folder / "key.pem")
        ca.folder = folder
        ca.name = name
        make_key(ca.key)
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        (folder / "crlnumber").write_text("01\n")
        ca.write_config()
        request = ca._request(name, ca.key)
        extensions = CA_EXTENSIONS.format(
            more="\n".join(sources(crl, ocsp) +
                           (["authorityKeyIdentifier = keyid"]
                            if parent else [])))
        if parent:
            parent._sign(request, ca.cert, extensions)
        else:
            file = folder / "extensions"
            file.write_text(extensions)
            openssl("x509", "-req", "-in", request, "-signkey", ca.key,
                    "-sha256", "-days", 365, "-extfile", file, "-out",
                    ca.cert)
        return ca

    def write_config(self, crl_extra=""):
        (self.folder / "openssl.cnf").write_text(CONFIG.format(
            folder=self.folder, cert=self.cert, key=self.key, name=self.name,
            crl_extra=crl_extra))

    def _request(self, name, key):
        config = self.folder / "request.cnf"
        config.write_text(f"[req]\ndistinguished_name = dn\nprompt = no\n"
                          f"[dn]\nCN = {name}\n")
        request = self.folder / f"{name}.csr"
        openssl("req", "-new", "-config", config, "-key", key, "-out",
                request)
        return request

    def _ca(self, *args):
        openssl("ca", "-batch", "-config", self.folder / "openssl.cnf", *args)

    def _sign(self, request, cert, extensions, days=90):
        file = self.folder / "extensions"
        file.write_text(extensions)
        self._ca("-in", request, "-out", cert, "-notext", "-extfile", file,
                 "-days", days)

    def issue(self, name, usage="codeSigning", crl=None, ocsp=None, more=()):
        leaf = Identity(self.folder / f"{name}.pem",
                        self.folder / f"{name}.key")
        make_key(leaf.key)
        lines = sources(crl, ocsp) + list(more)
        self._sign(self._request(name, leaf.key), leaf.cert,
                   LEAF_EXTENSIONS.format(usage=usage, more="\n".join(lines)))
        return leaf

    def revoke(self, identity, reason="keyCompromise"):
        self._ca("-revoke", identity.cert, "-crl_reason", reason)

    def number(self, number):
        """The number of the next CRL."""
        text = f"{number:X}"
        (self.folder / "crlnumber").write_text(
            "0" * (len(text) % 2) + text + "\n")

    def crl(self, path, seconds=86400, last=None, following=None, extra=""):
        """A CRL in DER at `path`, put there whole. `last` and `following`
        are times such as 20260101000000Z; `extra` further extensions."""
        if extra:
            self.write_config(extra)
        pem = self.folder / "crl.pem"
        args = ["-gencrl", "-out", pem]
        if last:
            args += ["-crl_lastupdate", last, "-crl_nextupdate", following]
        else:
            args += ["-crlsec", seconds]
        self._ca(*args)
        der = self.folder / "crl.der"
        openssl("crl", "-in", pem, "-outform", "DER", "-out", der)
        os.replace(der, path)
        if extra:
            self.write_config()
        return Path(path)


class Responder:
    """`openssl ocsp` for one authority. `signer` None: the authority itself."""

    def __init__(self, authority, port=None, signer=None, more=(),
                 minutes=60):
        self.authority = authority
        self.port = port or free_port()
        self.signer = signer or authority
        self.more = more
        self.minutes = minutes
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        # It takes one connection at a time and never gives up on one, so
        # that it must not be knocked at to see whether it is there.
        log = self.authority.folder / "ocsp.log"
        log.write_text("")
        self.process = subprocess.Popen(
            ["openssl", "ocsp", "-index", self.authority.folder / "index.txt",
             "-port", str(self.port), "-rsigner", self.signer.cert, "-rkey",
             self.signer.key, "-CA", self.authority.cert, "-nmin",
             str(self.minutes), *self.more],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=log.open("ab"))
        until = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < until:
            if "waiting for" in log.read_text():
                return self
            time.sleep(0.01)
        self.stop()
        raise RuntimeError(log.read_text())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
