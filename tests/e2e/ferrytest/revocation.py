"""A site whose certificates can be revoked: the author signs below an anchor
and an intermediate, the server below an anchor of its own; all of them by the
openssl program, lists served by nginx over plain http, answers by
`openssl ocsp`.

    with RevocationSite(folder, build_dir) as site:
        site.lists()                       # all CRLs, current
        site.sub.revoke(site.author); site.list_of(site.sub)
"""

import shutil

from ferrytest.authority import Authority, Responder
from ferrytest.nginx import Nginx, free_port
from ferrytest.pki import LOCAL, chain
from ferrytest.site import Site


class RevocationSite(Site):
    """`crl`, `ocsp`: where the author's certificate points at. `server_crl`:
    whether the server's does. `listed`: whether ferryd may ask us."""

    def __init__(self, *args, crl=True, ocsp=False, server_crl=True,
                 listed=True, revocation="require", **more):
        super().__init__(*args, revocation=revocation, **more)
        self.has_crl = crl
        self.has_ocsp = ocsp
        self.has_server_crl = server_crl
        self.listed = listed
        self.www = None
        self.web = None
        self.ocsp_port = free_port()
        self.responders = []
        self.moved = False
        self.extra_settings = ""

    def __enter__(self):
        super().__enter__()
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        for responder in self.responders:
            responder.stop()
        if self.web:
            self.web.stop()

    def url(self, name):
        return f"{self.web.url}/{name}.crl"

    @property
    def ocsp_url(self):
        return f"http://127.0.0.1:{self.ocsp_port}"

    def _make(self):
        self.www = self.folder / "lists"
        self.www.mkdir()
        self.web = Nginx(self.folder / "web", self.www, host="127.0.0.1",
                         extra="location /away/ { return 302 "
                         "http://localhost:1/; }").start()
        authorities = self.folder / "authorities"
        self.anchor = Authority.make(authorities, "anchor")
        self.sub = Authority.make(authorities, "sub", parent=self.anchor,
                                  crl=self.url("anchor"))
        self.author = self.sub.issue(
            "author", crl=self.url("sub") if self.has_crl else None,
            ocsp=self.ocsp_url if self.has_ocsp else None)
        self.use_author(self.author)
        self.publish("root", "rotate", "--dir", str(self.pub), "--role",
                     "author", "--anchor", str(self.anchor.cert))
        self.server_ca = Authority.make(authorities, "server-ca")
        self.server = self.server_ca.issue(
            "server", usage="serverAuth",
            crl=self.url("server-ca") if self.has_server_crl else None,
            more=["subjectAltName = " + ", ".join(LOCAL)])
        self.nginx.stop()
        self.nginx.identity = self.server
        self.nginx.start(self.nginx.port)
        self.moved = True
        self.write_config()

    def use_author(self, author):
        keys = self.pub / "keys" / "author"
        shutil.copy(author.key, keys / "key.pem")
        chain(keys / "chain.pem", author, self.sub)

    def write_config(self):
        super().write_config()
        if not self.moved:
            return
        conf = self.etc / "vendors.d" / "acme.conf"
        text = conf.read_text().replace(f"{self.folder}/tls/ca.pem",
                                        str(self.server_ca.cert))
        hosts = f'"127.0.0.1:{self.web.port}", "127.0.0.1:{self.ocsp_port}"'
        if self.listed:
            text += f"evidence_hosts = [{hosts}];\n"
        conf.write_text(text + self.extra_settings)

    # ---- evidence ----

    def list_of(self, authority, **more):
        return authority.crl(self.www / f"{authority.name}.crl", **more)

    def lists(self, **more):
        for authority in (self.anchor, self.sub, self.server_ca):
            self.list_of(authority, **more)

    def responder(self, **more):
        """One that answers for the author's issuer; replaces the last."""
        for old in self.responders:
            old.stop()
        one = Responder(self.sub, self.ocsp_port, **more).start()
        self.responders = [one]
        return one

    # ---- asking ----

    def vendor(self):
        return self.get("/v1/vendors")["items"][0]

    def evidence(self, certificate=None, kind=None):
        return [row for row in self.vendor()["evidence"]
                if certificate in (None, row["certificate"])
                and kind in (None, row["kind"])]

    def gate_reasons(self, device):
        job = self.job(device)
        return {g["gate"]: g["reason"] for g in job["gates"]} if job else {}

    def offer(self):
        return self.get("/v1/offers")["items"][0]
