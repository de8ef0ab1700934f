"""TLS of the vendor link: who is let in, and what each refusal is called."""

import os

import pytest

from ferrytest import pki
from ferrytest.nginx import Nginx
from ferrytest.probe import Probe
from ferrytest.scripted import Scripted


@pytest.fixture
def probe(build_dir):
    return Probe(build_dir)


@pytest.fixture(scope="module")
def www(tmp_path_factory):
    www = tmp_path_factory.mktemp("www")
    (www / "root").mkdir()
    (www / "root" / "1.cose").write_bytes(b"the root")
    return www


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, www, vendor):
    with Nginx(tmp_path_factory.mktemp("nginx"), www, vendor.server,
               client_ca=vendor.ca) as server:
        yield server


def trust(vendor):
    return ["--ca", vendor.ca.cert, "--cert", vendor.client.cert,
            "--key", vendor.client.key]


def get_root(probe, url, *args):
    return probe.done(*args, "link", url, "root", 1)


def test_mutual_tls_13_lets_us_in(probe, nginx, vendor):
    done = get_root(probe, nginx.url, *trust(vendor))
    assert (done["code"], done["content"]) == ("ok", 8)
    assert done["tls"] == "TLSv1.3"
    assert nginx.logged("SUCCESS TLSv1.3")


def test_address_literal_is_checked_like_a_name(probe, nginx, vendor):
    url = nginx.url.replace("localhost", "127.0.0.1")
    assert get_root(probe, url, *trust(vendor))["code"] == "ok"


def test_no_client_certificate_is_named(probe, nginx, vendor):
    done = get_root(probe, nginx.url, "--ca", vendor.ca.cert)
    assert done["code"] == "vendor-tls-client-cert"


def test_foreign_client_certificate_is_named(probe, nginx, vendor, tmp_path):
    other = pki.Ca.make(tmp_path, "other").issue("c", (), "clientAuth")
    done = get_root(probe, nginx.url, "--ca", vendor.ca.cert, "--cert",
                    other.cert, "--key", other.key)
    assert done["code"] == "vendor-tls-client-cert"


def test_alert_for_the_client_certificate_is_named(probe, vendor):
    def script(peer):
        peer.request()
    with Scripted([script], vendor.server, client_ca=vendor.ca) as server:
        done = get_root(probe, server.url, "--ca", vendor.ca.cert)
        assert server.requests == []
    assert done["code"] == "vendor-tls-client-cert"


def refuse(probe, vendor, server_identity, *args, host="localhost",
           ca=None):
    """The code of a request that must not reach the server."""
    def script(peer):
        peer.request()
        peer.answer(body=b"the root")
    with Scripted([script], server_identity, host=host) as server:
        done = get_root(probe, server.url, "--ca", ca or vendor.ca.cert,
                        "--cert", vendor.client.cert,
                        "--key", vendor.client.key, *args)
        assert server.requests == []
    return done["code"]


def test_unknown_ca_is_refused(probe, vendor, tmp_path):
    other = pki.Ca.make(tmp_path, "other").issue("server")
    assert refuse(probe, vendor, other) == "vendor-tls-untrusted"


def test_self_signed_server_is_refused(probe, vendor, tmp_path):
    assert refuse(probe, vendor, pki.Ca.make(tmp_path, "self")) == \
        "vendor-tls-untrusted"


def test_ca_of_the_same_name_is_refused(probe, vendor, tmp_path):
    twin = pki.Ca.make(tmp_path, "ca").issue("server")
    assert refuse(probe, vendor, twin) == "vendor-tls-untrusted"


@pytest.mark.parametrize("sans", [
    ("DNS:example.org",), ("DNS:localhost.example.org",),
    ("IP:127.0.0.1",), ("DNS:*.localhost",), ("URI:https://localhost",),
], ids=lambda s: s[0])
def test_other_host_name_is_refused(probe, vendor, sans):
    name = "host-" + "".join(c if c.isalnum() else "-" for c in sans[0])
    server = vendor.ca.issue(name, sans=sans)
    assert refuse(probe, vendor, server) == "vendor-tls-name"


def test_other_address_is_refused(probe, vendor):
    server = vendor.ca.issue("address", sans=("DNS:localhost", "IP:127.0.0.2"))
    assert refuse(probe, vendor, server, host="127.0.0.1") == \
        "vendor-tls-name"


def test_expired_certificate_is_refused_by_our_time(probe, vendor):
    assert refuse(probe, vendor, vendor.server, "--now", 4000000000) == \
        "vendor-tls-expired"


def test_certificate_of_tomorrow_is_refused_by_our_time(probe, vendor):
    assert refuse(probe, vendor, vendor.server, "--now", 1000000000) == \
        "vendor-tls-not-yet"


def test_client_certificate_does_not_serve(probe, vendor):
    wrong = vendor.ca.issue("wrong-use", usage="clientAuth")
    assert refuse(probe, vendor, wrong) == "vendor-tls-usage"


def test_leaf_that_signs_is_refused(probe, vendor, tmp_path):
    leaf = vendor.ca.issue("plain-leaf")
    fake = pki.Identity(tmp_path / "fake.pem", tmp_path / "fake.key")
    as_ca = pki.Ca(leaf.cert, leaf.key)
    issued = as_ca.issue("below-leaf")
    fake.cert.write_bytes(issued.cert.read_bytes() + leaf.cert.read_bytes())
    fake.key = issued.key
    assert refuse(probe, vendor, fake) == "vendor-tls-untrusted"


def test_intermediate_is_accepted(probe, vendor, tmp_path, www):
    middle = pki.Ca.make(tmp_path, "middle", parent=vendor.ca)
    leaf = middle.issue("server")
    leaf.cert = pki.chain(tmp_path / "chain.pem", leaf, middle)
    with Nginx(tmp_path / "nginx", www, leaf) as server:
        events = probe.run("--gate", "ok", *trust(vendor), "link", server.url,
                           "root", 1)
    assert events[0]["event"] == "gate" and events[0]["chain"] == 3
    assert events[1]["code"] == "ok"


def test_pin_of_the_server_key_is_accepted(probe, nginx, vendor):
    done = get_root(probe, nginx.url, *trust(vendor), "--pin",
                    vendor.server.pin())
    assert done["code"] == "ok"


def test_other_pin_is_refused(probe, vendor):
    assert refuse(probe, vendor, vendor.server, "--pin",
                  vendor.ca.pin()) == "vendor-tls-pin"


def test_gate_that_refuses_sends_no_request(probe, vendor):
    def script(peer):
        peer.request()
    with Scripted([script], vendor.server) as server:
        events = probe.run("--gate", "refuse", *trust(vendor), "link",
                           server.url, "root", 1)
        assert server.requests == []
    assert [e["event"] for e in events] == ["gate", "done", "closed"]
    assert events[1]["code"] == "EKEYREVOKED"


def test_gate_that_never_answers_runs_out_of_time(probe, vendor):
    def script(peer):
        peer.request()
    with Scripted([script], vendor.server) as server:
        events = probe.run("--gate", "never", "--setup-ms", 500,
                           *trust(vendor), "link", server.url, "root", 1)
        assert server.requests == []
    assert [e["event"] for e in events] == ["gate", "gate-gone", "done",
                                            "closed"]
    assert events[2]["code"] == "vendor-connect-timeout"


def test_close_at_the_gate_takes_it_back(probe, vendor):
    with Scripted([lambda peer: peer.request()], vendor.server) as server:
        events = probe.run("--gate", "never", "--close-ms", 1000,
                           *trust(vendor), "link", server.url, "root", 1)
        assert server.requests == []
    assert [e["event"] for e in events] == ["gate", "gate-gone", "done",
                                            "closed"]
    assert events[2]["code"] == "ECANCELED"


def test_tls_12_is_refused_unless_allowed(probe, vendor, tmp_path, www):
    with Nginx(tmp_path, www, vendor.server, client_ca=vendor.ca,
               protocols="TLSv1.2") as server:
        refused = get_root(probe, server.url, *trust(vendor))
        allowed = get_root(probe, server.url, *trust(vendor), "--tls12")
    assert refused["code"] in ("vendor-tls-refused", "vendor-tls-version")
    assert (allowed["code"], allowed["tls"]) == ("ok", "TLSv1.2")


def test_tls_12_names_a_missing_client_certificate(probe, vendor, tmp_path,
                                                   www):
    with Nginx(tmp_path, www, vendor.server, client_ca=vendor.ca,
               protocols="TLSv1.2") as server:
        done = get_root(probe, server.url, "--ca", vendor.ca.cert, "--tls12")
    assert done["code"] == "vendor-tls-client-cert"


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x03\xff\xff" + b"x" * 100,
    b"\x16\x03\x03\x00\x30" + b"\x02\x00\x00\x2c" + b"\x00" * 44,
    b"\x15\x03\x03\x00\x02\x01\x99", b"\x00" * 70000,
], ids=["http", "long record", "odd hello", "odd alert", "zeros"])
def test_garbage_instead_of_tls_is_named(probe, vendor, data):
    def script(peer):
        peer.sock.recv(4096)
        peer.send(data)
        peer.hold()
    with Scripted([script]) as server:
        url = server.url.replace("http:", "https:")
        done = get_root(probe, url, *trust(vendor), "--setup-ms", 1000)
    assert done["code"] in ("vendor-tls-protocol", "vendor-tls-record",
                            "vendor-tls-version", "vendor-tls-refused",
                            "vendor-connect-timeout")


def test_server_that_never_answers_tls_runs_out_of_time(probe, vendor):
    with Scripted([lambda peer: peer.hold()]) as server:
        url = server.url.replace("http:", "https:")
        done = get_root(probe, url, *trust(vendor), "--setup-ms", 300)
    assert done["code"] == "vendor-connect-timeout"


def test_server_that_closes_in_the_handshake_is_named(probe, vendor):
    with Scripted([lambda peer: peer.sock.recv(100)]) as server:
        url = server.url.replace("http:", "https:")
        done = get_root(probe, url, *trust(vendor))
    assert done["code"] in ("vendor-closed", "ECONNRESET")


def test_flipped_bit_in_a_record_is_named(probe, vendor):
    """A relay between client and server damages the server's last bytes."""
    import socket
    import threading

    def script(peer):
        peer.request()
        peer.answer(body=b"x" * 20000)
        peer.hold()

    with Scripted([script], vendor.server) as server:
        listener = socket.create_server(("127.0.0.1", 0))

        def pump(source, sink, damage):
            seen = 0
            try:
                while data := bytearray(source.recv(65536)):
                    seen += len(data)
                    if damage and seen > 12000:
                        data[-1] ^= 1
                    sink.sendall(data)
            except OSError:
                pass
            for sock in (source, sink):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        def relay():
            client, _ = listener.accept()
            upstream = socket.create_connection(("127.0.0.1", server.port))
            back = threading.Thread(target=pump, args=(upstream, client, True))
            back.start()
            pump(client, upstream, False)
            back.join()
            client.close()
            upstream.close()

        thread = threading.Thread(target=relay)
        thread.start()
        port = listener.getsockname()[1]
        done = probe.done(*trust(vendor), "fetch",
                          f"https://localhost:{port}", "/x")
        thread.join()
        listener.close()
    assert done["code"] == "vendor-tls-record"


def test_end_without_close_notify_is_no_end_of_a_body(probe, vendor):
    def script(peer):
        peer.request()
        peer.answer(body=b"x" * 100, length=200)
        peer.cut()
    with Scripted([script], vendor.server) as server:
        done = probe.done(*trust(vendor), "fetch", server.url, "/x")
    assert done["code"] == "vendor-http-truncated"


FILES = [
    ("key for all to read", "mode", "vendor-tls-key-mode"),
    ("key of another certificate", "pair", "vendor-tls-key-pair"),
    ("key that is none", "garbage", "vendor-tls-file"),
    ("key that is absent", "absent", "vendor-tls-file"),
    ("key that is a folder", "folder", "vendor-tls-file"),
    ("key that is empty", "empty", "vendor-tls-file"),
    ("key of a megabyte", "large", "vendor-tls-file"),
]


@pytest.mark.parametrize("what, want", [f[1:] for f in FILES],
                         ids=[f[0] for f in FILES])
def test_key_file_that_cannot_be_used_is_named(probe, vendor, tmp_path, what,
                                               want):
    key = tmp_path / "key.pem"
    if what == "folder":
        key.mkdir()
    elif what != "absent":
        content = {"mode": vendor.client.key.read_bytes(),
                   "pair": vendor.server.key.read_bytes(),
                   "garbage": b"-----BEGIN nothing\n", "empty": b"",
                   "large": b"x" * 1048576}[what]
        key.write_bytes(content)
        os.chmod(key, 0o640 if what == "mode" else 0o600)
    done = get_root(probe, "https://localhost:1", "--ca", vendor.ca.cert,
                    "--cert", vendor.client.cert, "--key", key)
    assert (done["event"], done["code"]) == ("open", want)
    assert done["field"] == "tls.key" and done["rule"]


def test_credential_of_systemd_may_be_group_readable(probe, vendor, tmp_path,
                                                     monkeypatch):
    key = tmp_path / "key"
    key.write_bytes(vendor.client.key.read_bytes())
    os.chmod(key, 0o440)
    args = ["--ca", vendor.ca.cert, "--cert", vendor.client.cert, "--key", key]
    assert get_root(probe, "https://localhost:1", *args)["code"] == \
        "vendor-tls-key-mode"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert get_root(probe, "https://localhost:1", *args)["code"] == \
        "ECONNREFUSED"


def test_ca_file_that_cannot_be_used_is_named(probe, vendor, tmp_path):
    ca = tmp_path / "ca.pem"
    for content in (b"", b"hello", vendor.ca.cert.read_bytes()[:-80]):
        ca.write_bytes(content)
        done = get_root(probe, "https://localhost:1", "--ca", ca)
        assert (done["event"], done["code"]) == ("open", "vendor-tls-file")


def test_plain_base_url_is_refused(probe, vendor):
    done = get_root(probe, "http://localhost:1", *trust(vendor))
    assert done["code"] == "vendor-plain"
