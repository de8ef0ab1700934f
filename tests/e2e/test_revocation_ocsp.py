"""The same with `openssl ocsp` as the responder, and catalogs that are signed
below an anchor."""

import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ferrytest.authority import Authority
from ferrytest.forge import Forge, load_key
from ferrytest.pki import openssl
from ferrytest.revocation import RevocationSite
from ferrytest.site import wait_for
from test_revocation import (ASK, offered, uploads, wait_link_failure,
                             wait_reason)

@pytest.fixture
def site(tmp_path, build_dir):
    """The author's certificate names a responder and no list."""
    with RevocationSite(tmp_path, build_dir, crl=False, ocsp=True) as site:
        yield site


def delegate(site, name="responder", nocheck=True, **more):
    extra = ["noCheck = ignored"] if nocheck else []
    return site.sub.issue(name, usage="OCSPSigning", more=extra, **more)


def test_good_answer_lets_a_release_through(site):
    site.lists()
    site.responder()
    offered(site)
    site.wait_job("lamp-1", "done")
    row, = site.evidence("CN=author")
    assert row["kind"] == "ocsp" and row["status"] == "good"
    assert row["next_update"] and row["code"] == ""
    site.stop_ferryd()


def test_answer_by_a_delegate_with_nocheck_counts(site):
    site.lists()
    site.responder(signer=delegate(site))
    offered(site)
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_answer_by_a_delegate_that_nothing_vouches_for_does_not_count(site):
    site.lists()
    site.responder(signer=delegate(site, nocheck=False))
    sim = offered(site)
    wait_reason(site, "trust-revocation")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_answer_by_a_delegate_that_a_list_vouches_for_counts(tmp_path,
                                                             build_dir):
    with RevocationSite(tmp_path, build_dir, ocsp=True) as site:
        responder = delegate(site, nocheck=False)
        site.lists()
        site.responder(signer=responder)
        offered(site)
        site.wait_job("lamp-1", "done")
        kinds = {r["kind"]: r["status"] for r in site.evidence("CN=author")}
        assert kinds == {"crl": "good", "ocsp": "good"}
        site.stop_ferryd()


def test_answer_by_somebody_else_does_not_count(site):
    site.lists()
    other = site.anchor.issue("stranger", usage="OCSPSigning",
                              more=["noCheck = ignored"])
    site.responder(signer=other)
    sim = offered(site)
    wait_reason(site, "trust-revocation-missing: CN=author")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_revoked_by_the_responder_is_refused(site):
    site.lists()
    site.sub.revoke(site.author)
    site.responder()
    sim = offered(site)
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "trust-revoked"
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_revoked_by_the_responder_though_the_list_is_older(tmp_path,
                                                           build_dir):
    with RevocationSite(tmp_path, build_dir, ocsp=True) as site:
        site.lists()
        site.sub.revoke(site.author)
        site.responder()
        sim = offered(site)
        job = site.wait_job("lamp-1", "failed")
        assert job["failure"]["code"] == "trust-revoked"
        assert uploads(sim) == 0
        site.stop_ferryd()


def test_answer_with_a_damaged_signature_does_not_count(site):
    site.lists()
    site.responder(more=["-badsig"])
    sim = offered(site)
    wait_reason(site, "trust-ocsp-signature")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_unknown_certificate_is_not_good(site):
    site.lists()
    index = site.sub.folder / "index.txt"
    index.write_text("")
    site.responder()
    sim = offered(site)
    wait_reason(site, "trust-revocation-unknown")
    assert uploads(sim) == 0
    site.stop_ferryd()


def test_no_responder_means_no_under_require(site):
    site.lists()
    sim = offered(site)
    wait_reason(site, "trust-revocation")
    assert uploads(sim) == 0
    site.responder()
    site.post("/v1/check")
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()


def test_responder_that_stopped_for_a_while_is_excused_where_allowed(
        tmp_path, build_dir):
    """A short answer runs out while nobody can be reached: it still counts,
    until it is too old."""
    with RevocationSite(tmp_path, build_dir, crl=False, ocsp=True,
                        revocation="require-if-reachable") as site:
        site.lists()
        # Answers of one minute are the shortest that the responder makes.
        responder = site.responder(minutes=1)
        site.extra_settings = "revocation_max_age_s = 100;\n"
        site.config = 'relay = { clock = "synchronised"; };'
        site.write_config()
        sim = offered(site, extra=ASK)
        wait_for("the answer", lambda: [
            r for r in site.evidence("CN=author") if r["status"] == "good"])
        responder.stop()
        answer, = site.evidence("CN=author")
        job = site.wait_job("lamp-1", "waiting")
        wait_for("the answer to run out", lambda:
                 site.evidence("CN=author")[0]["age_s"] > 62, 90)
        assert site.evidence("CN=author")[0]["this_update"] == \
            answer["this_update"]
        # In its grace nothing is missing but approval.
        wait_for("approval alone", lambda:
                 set(site.gate_reasons("lamp-1")) == {"approval"}, 20)
        wait_for("the grace to end", lambda:
                 site.evidence("CN=author")[0]["age_s"] > 102, 60)
        site.post(f"/v1/jobs/{job['id']}/approve")
        wait_reason(site, "trust-revocation-stale")
        assert uploads(sim) == 0
        site.stop_ferryd()


def test_never_reached_is_not_excused(tmp_path, build_dir):
    with RevocationSite(tmp_path, build_dir, crl=False, ocsp=True,
                        revocation="require-if-reachable") as site:
        site.lists()
        sim = offered(site)
        wait_reason(site, "trust-revocation")
        assert uploads(sim) == 0
        site.stop_ferryd()


class Replay:
    """Answers everything with the same bytes, as somebody on the way would."""

    def __init__(self, port, answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_older_answer_is_never_taken_for_a_newer_one(site):
    site.lists()
    responder = site.responder()
    old = site.folder / "old.der"
    # Without a nonce it can be given to anybody.
    openssl("ocsp", "-sha256", "-issuer", site.sub.cert, "-cert",
            site.author.cert, "-url", responder.url, "-no_nonce", "-noverify",
            "-respout", old)
    made = int(time.time())
    wait_for("a later second", lambda: int(time.time()) > made + 1)
    sim = offered(site, extra=ASK)
    wait_for("the answer", lambda: [
        r for r in site.evidence("CN=author") if r["status"] == "good"])
    site.stop_ferryd()
    responder.stop()
    # What is kept is lost, so that only trust.db remembers the time.
    for path in (site.state / "cache" / "objects").glob("evidence.*"):
        path.unlink()
    with Replay(site.ocsp_port, old.read_bytes()):
        site.start_ferryd()
        wait_reason(site, "trust-ocsp-replay")
        assert uploads(sim) == 0
        site.stop_ferryd()


# ---- catalogs that are signed below an anchor ----

def sign_by_chain(site, crl):
    """The root lists an anchor for catalogs; the catalog is signed by a
    certificate below it."""
    ca = Authority.make(site.folder / "authorities", "catalogs")
    signer = ca.issue("catalog", crl=crl)
    forge = Forge(site)
    anchor = ca.der()
    forge.root(lambda r: r[6].update({2: {1: 1, 2: [{2: anchor}]}}))
    forge.catalog(lambda c: None, key=load_key(signer.key),
                  chain=[signer.der()])
    return ca, signer, forge


def test_catalog_signer_needs_evidence_and_gets_it(tmp_path, build_dir):
    with RevocationSite(tmp_path, build_dir) as site:
        site.lists()
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        ca, _, _ = sign_by_chain(site, site.url("catalogs"))
        site.start_sim("name=lamp-1")
        site.start_ferryd()
        wait_link_failure(site, "trust-revocation-none")
        assert site.vendor()["catalog"]["state"] == "none"
        site.list_of(ca)
        site.post("/v1/check")
        site.wait_job("lamp-1", "done")
        site.stop_ferryd()


def test_catalog_counts_on_after_the_list_of_its_signer_was_renewed(
        tmp_path, build_dir):
    with RevocationSite(tmp_path, build_dir) as site:
        site.config = 'relay = { clock = "synchronised"; };'
        site.lists()
        site.add_class("lamp", extra=ASK)
        site.release("lamp", "2.0.0")
        ca, _, _ = sign_by_chain(site, site.url("catalogs"))
        site.list_of(ca, seconds=25)
        first_ends = time.time() + 26
        site.write_config()
        site.start_sim("name=lamp-1")
        site.start_ferryd()
        job = site.wait_job("lamp-1", "waiting")
        site.list_of(ca)
        site.post("/v1/check")
        wait_for("the first list to run out",
                 lambda: time.time() > first_ends, 40)
        assert site.post(f"/v1/jobs/{job['id']}/approve")[0] < 300
        site.wait_job("lamp-1", "done")
        assert site.vendor()["catalog"]["state"] == "fresh"
        site.stop_ferryd()


def test_next_list_with_the_tag_of_the_last_is_fetched(tmp_path, build_dir):
    """nginx makes tags of seconds and bytes: two lists of one second may have
    the same."""
    with RevocationSite(tmp_path, build_dir) as site:
        site.config = 'relay = { clock = "synchronised"; };'
        site.lists()
        site.add_class("lamp", extra=ASK)
        site.release("lamp", "2.0.0")
        ca, _, _ = sign_by_chain(site, site.url("catalogs"))
        site.write_config()
        site.start_sim("name=lamp-1")
        path = site.list_of(ca, seconds=20)
        first = path.stat()
        first_ends = time.time() + 21
        site.start_ferryd()
        job = site.wait_job("lamp-1", "waiting")
        # Signatures differ by a byte or two from one list to the next.
        wait_for("a list of the same size", lambda: (
            site.list_of(ca).stat().st_size == first.st_size))
        os.utime(path, ns=(first.st_atime_ns, first.st_mtime_ns))
        wait_for("the first list to run out",
                 lambda: time.time() > first_ends, 40)
        assert site.post(f"/v1/jobs/{job['id']}/approve")[0] < 300
        site.wait_job("lamp-1", "done")
        site.stop_ferryd()


def test_revoked_catalog_signer_stops_everything(tmp_path, build_dir):
    with RevocationSite(tmp_path, build_dir) as site:
        site.lists()
        site.add_class("lamp", extra=ASK)
        site.release("lamp", "2.0.0")
        ca, signer, _ = sign_by_chain(site, site.url("catalogs"))
        site.list_of(ca)
        sim = site.start_sim("name=lamp-1")
        site.start_ferryd()
        job = site.wait_job("lamp-1", "waiting")
        ca.revoke(signer)
        site.list_of(ca)
        site.post("/v1/check")
        job = site.wait_job("lamp-1", "failed")
        assert job["failure"]["code"] == "trust-revoked"
        wait_for("the catalog to fall",
                 lambda: site.vendor()["catalog"]["state"] == "none")
        assert uploads(sim) == 0
        # The kept catalog does not come back either.
        site.stop_ferryd()
        site.web.stop()
        site.start_ferryd()
        wait_for("the start", lambda: site.get("/v1/status"))
        assert site.vendor()["catalog"]["state"] == "none"
        site.stop_ferryd()


def test_catalog_ships_what_its_own_signer_needs(tmp_path, build_dir):
    """No responder and no server of lists: an isolated hub."""
    with RevocationSite(tmp_path, build_dir) as site:
        site.lists()
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        ca, signer, forge = sign_by_chain(site, None)
        ca.crl(site.folder / "catalogs.crl")
        files = [site.folder / "catalogs.crl", site.www / "sub.crl",
                 site.www / "anchor.crl"]
        forge.catalog(lambda c: c.update({8: forge.ship(files)}),
                      key=load_key(signer.key), chain=[signer.der()])
        for name in ("sub", "anchor"):
            (site.www / f"{name}.crl").unlink()
        site.start_sim("name=lamp-1")
        site.start_ferryd()
        site.wait_job("lamp-1", "done")
        site.stop_ferryd()
