"""The https link: objects, payloads that resume, reports, against real nginx
and against servers that misbehave."""

import hashlib

import pytest

from ferrytest.nginx import Nginx
from ferrytest.probe import Probe
from ferrytest.scripted import Scripted

PAYLOAD = bytes(hashlib.sha256(b"%d" % (i // 32)).digest()[i % 32]
                for i in range(300000))
SHA = hashlib.sha256(PAYLOAD).hexdigest()
ENVELOPE = b"an envelope" * 20
ENVELOPE_SHA = hashlib.sha256(ENVELOPE).hexdigest()


@pytest.fixture
def probe(build_dir):
    return Probe(build_dir)


@pytest.fixture
def trust(vendor):
    return ["--ca", vendor.ca.cert, "--cert", vendor.client.cert,
            "--key", vendor.client.key]


@pytest.fixture(scope="module")
def www(tmp_path_factory):
    www = tmp_path_factory.mktemp("www")
    base = www / "v1"
    for folder in ("root", "e", "p"):
        (base / folder).mkdir(parents=True)
    (base / "root" / "1.cose").write_bytes(b"root one")
    (base / "catalog.cose").write_bytes(b"catalog")
    (base / "e" / f"{ENVELOPE_SHA}.suit").write_bytes(ENVELOPE)
    (base / "p" / SHA).write_bytes(PAYLOAD)
    return www


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, www, vendor):
    extra = "location /v1/reports { return 204; }"
    with Nginx(tmp_path_factory.mktemp("nginx"), www, vendor.server,
               client_ca=vendor.ca, extra=extra) as server:
        yield server


@pytest.mark.parametrize("slash", ["", "/"])
def test_root_is_fetched_below_the_base(probe, nginx, trust, slash, tmp_path):
    done = probe.done(*trust, "--out", tmp_path / "o", "link",
                      nginx.url + "/v1" + slash, "root", 1)
    assert done["code"] == "ok"
    assert (tmp_path / "o").read_bytes() == b"root one"


def test_next_root_that_is_absent_is_no_news(probe, nginx, trust):
    done = probe.done(*trust, "link", nginx.url + "/v1", "root", 2)
    assert (done["code"], done["http"]) == ("vendor-http-absent", 404)


def test_catalog_with_its_etag_is_unchanged(probe, nginx, trust):
    first = probe.done(*trust, "link", nginx.url + "/v1", "catalog")
    assert (first["code"], first["content"]) == ("ok", 7)
    again = probe.done(*trust, "link", nginx.url + "/v1", "catalog",
                       first["etag"])
    assert (again["code"], again["unchanged"], again["content"]) == (
        "ok", True, 0)
    assert again["etag"] == first["etag"]


def test_catalog_with_another_etag_is_sent(probe, nginx, trust):
    done = probe.done(*trust, "link", nginx.url + "/v1", "catalog", '"old"')
    assert (done["code"], done["unchanged"], done["content"]) == (
        "ok", False, 7)


def test_envelope_of_the_right_size_arrives(probe, nginx, trust):
    done = probe.done(*trust, "link", nginx.url + "/v1", "envelope",
                      ENVELOPE_SHA, len(ENVELOPE))
    assert (done["code"], done["content"]) == ("ok", len(ENVELOPE))


@pytest.mark.parametrize("size", [1, len(ENVELOPE) - 1, len(ENVELOPE) + 1])
def test_envelope_of_another_size_is_refused(probe, nginx, trust, size):
    done = probe.done(*trust, "link", nginx.url + "/v1", "envelope",
                      ENVELOPE_SHA, size)
    assert (done["code"], done["content"]) == ("vendor-size", 0)


def test_envelope_above_the_limit_is_not_asked_for(probe, trust):
    done = probe.done(*trust, "link", "https://localhost:1", "envelope",
                      ENVELOPE_SHA, 65537)
    assert (done["event"], done["code"]) == ("open", "too-large")


def test_payload_arrives_whole(probe, nginx, trust, tmp_path):
    done = probe.done(*trust, "--out", tmp_path / "o", "link",
                      nginx.url + "/v1", "payload", SHA, len(PAYLOAD))
    assert (done["code"], done["bytes"]) == ("ok", len(PAYLOAD))
    assert (tmp_path / "o").read_bytes() == PAYLOAD


def test_payload_goes_on_from_an_offset(probe, nginx, trust, tmp_path):
    out = tmp_path / "o"
    out.write_bytes(PAYLOAD[:100000])
    etag = probe.done(*trust, "link", nginx.url + "/v1", "payload", SHA,
                      len(PAYLOAD))["etag"]
    events = probe.run(*trust, "--out", out, "--from", 100000, "--etag", etag,
                       "link", nginx.url + "/v1", "payload", SHA,
                       len(PAYLOAD))
    assert events[0]["from"] == 100000
    assert events[1]["code"] == "ok" and out.read_bytes() == PAYLOAD
    assert nginx.logged(" 206 200000 ", "bytes=100000-")


def test_payload_of_another_etag_begins_anew(probe, nginx, trust, tmp_path):
    out = tmp_path / "o"
    out.write_bytes(b"?" * 100000)
    events = probe.run(*trust, "--out", out, "--from", 100000, "--etag",
                       '"old"', "link", nginx.url + "/v1", "payload", SHA,
                       len(PAYLOAD))
    assert events[0]["from"] == 0
    assert events[1]["code"] == "ok" and out.read_bytes() == PAYLOAD


def test_payload_that_is_complete_asks_nothing(probe, trust):
    done = probe.done(*trust, "--from", 10, "link", "https://localhost:1",
                      "payload", SHA, 10)
    assert (done["code"], done["starts"], done["connections"]) == ("ok", 0, 0)


def test_payload_of_another_size_is_refused(probe, nginx, trust):
    for size in (len(PAYLOAD) - 1, len(PAYLOAD) + 1):
        done = probe.done(*trust, "link", nginx.url + "/v1", "payload", SHA,
                          size)
        assert (done["code"], done["starts"]) == ("vendor-size", 0)


def test_payload_uri_is_resolved_inside_the_origin(probe, nginx, trust):
    for uri in (f"p/{SHA}", f"/v1/p/{SHA}", f"{nginx.url}/v1/p/{SHA}"):
        done = probe.done(*trust, "--uri", uri, "link", nginx.url + "/v1",
                          "payload", SHA, len(PAYLOAD))
        assert done["code"] == "ok"


@pytest.mark.parametrize("uri", ["https://example.invalid/x", "//other/x",
                                 "http://localhost/x"])
def test_payload_uri_of_another_origin_is_refused(probe, trust, uri):
    done = probe.done(*trust, "--uri", uri, "link", "https://localhost:1",
                      "payload", SHA, 10)
    assert (done["event"], done["code"]) == ("open", "vendor-http-redirect")


def test_report_is_posted(probe, nginx, trust):
    done = probe.done(*trust, "--reports", "reports", "link",
                      nginx.url + "/v1", "report", "hello")
    assert (done["code"], done["http"]) == ("ok", 204)
    assert nginx.logged("POST /v1/reports 204")


def test_report_without_an_address_stays(probe, trust):
    done = probe.done(*trust, "link", "https://localhost:1", "report", "x")
    assert done["code"] == "vendor-no-reports"


def test_report_arrives_byte_for_byte(probe, trust, vendor):
    def script(peer):
        peer.request()
        peer.answer("200 OK", b"thanks")
        peer.hold()
    text = "r" * 100000
    with Scripted([script], vendor.server, client_ca=vendor.ca) as server:
        done = probe.done(*trust, "--reports", "/in", "link", server.url,
                          "report", text)
    assert done["code"] == "ok"
    assert server.bodies == [text.encode()]
    assert "Content-Type: application/cbor" in server.requests[0]


def serve(probe, trust, vendor, scripts, *args, options=()):
    with Scripted(scripts, vendor.server, client_ca=vendor.ca) as server:
        events = probe.run(*trust, "--resume-ms", 10, *options, "link",
                           server.url, *args)
    return events, server


def done_of(events):
    return [e for e in events if e["event"] == "done"][-1]


STATUSES = [("401 x", "vendor-http-denied"), ("403 x", "vendor-http-denied"),
            ("404 x", "vendor-http-absent"), ("410 x", "vendor-http-absent"),
            ("429 x", "vendor-http-busy"), ("503 x", "vendor-http-busy"),
            ("500 x", "vendor-http-server"), ("502 x", "vendor-http-server"),
            ("400 x", "vendor-http-status"), ("202 x", "vendor-http-status"),
            ("304 x", "vendor-http-status"), ("302 x", "vendor-http-status"),
            ("299 x", "vendor-http-status")]


@pytest.mark.parametrize("status, want", STATUSES, ids=lambda s: s)
def test_status_has_its_own_code(probe, trust, vendor, status, want):
    def script(peer):
        peer.request()
        peer.answer(status, b"" if status == "304 x" else b"a page")
        peer.hold()
    events, _ = serve(probe, trust, vendor, [script], "root", 1)
    assert done_of(events)["code"] == want
    assert done_of(events)["content"] == 0


def test_retry_after_is_handed_on(probe, trust, vendor):
    def script(peer):
        peer.request()
        peer.answer("503 Busy", b"later", Retry_After="77")
        peer.hold()
    events, _ = serve(probe, trust, vendor, [script], "payload", SHA, 10)
    assert done_of(events)["code"] == "vendor-http-busy"
    assert done_of(events)["retry_after"] == 77


def test_catalog_above_its_limit_is_refused(probe, trust, vendor):
    def script(peer):
        peer.request()
        peer.answer(length=4 * 1024 * 1024 + 1)
        peer.hold()
    events, _ = serve(probe, trust, vendor, [script], "catalog")
    assert done_of(events)["code"] == "vendor-http-large"


def part(first, last, etag='"v1"', data=PAYLOAD):
    """Answers with 206 for first..last, whatever was asked."""
    def send(peer, cut_after=None):
        body = data[first:last + 1]
        head = (f"HTTP/1.1 206 x\r\nETag: {etag}\r\nContent-Range: bytes "
                f"{first}-{last}/{len(data)}\r\nContent-Length: {len(body)}"
                "\r\n\r\n").encode()
        peer.send(head + body[:cut_after])
    return send


def cut_at(count):
    """Sends the whole payload but breaks after `count` bytes."""
    def script(peer):
        peer.request()
        peer.send(f'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: '
                  f"{len(PAYLOAD)}\r\n\r\n".encode() + PAYLOAD[:count])
        peer.cut()
    return script


def rest_from(first, etag='"v1"'):
    def script(peer):
        peer.request()
        part(first, len(PAYLOAD) - 1, etag)(peer)
        peer.hold()
    return script


def offset_asked(request):
    line = [x for x in request.split("\r\n") if x.startswith("Range: ")][0]
    return int(line.split("=")[1].rstrip("-"))


def continue_script(cut=None, etag='"v1"'):
    """Serves from the offset that is asked for; breaks after `cut` bytes."""
    def script(peer):
        first = offset_asked(peer.request())
        part(first, len(PAYLOAD) - 1, etag)(peer, cut)
        if cut is None:
            peer.hold()
        peer.cut()
    return script


def test_broken_payload_is_resumed_where_it_broke(probe, trust, vendor,
                                                  tmp_path):
    scripts = [cut_at(100000), continue_script(50000), continue_script()]
    events, server = serve(probe, trust, vendor, scripts, "payload", SHA,
                           len(PAYLOAD), options=["--out", tmp_path / "o"])
    assert done_of(events)["code"] == "ok"
    starts = [e["from"] for e in events if e["event"] == "start"]
    assert starts[0] == 0 and 0 < starts[1] <= 100000
    assert starts[1] < starts[2] <= 150000
    assert 'If-Range: "v1"' in server.requests[1]
    assert (tmp_path / "o").read_bytes() == PAYLOAD


def test_payload_that_changed_begins_anew(probe, trust, vendor, tmp_path):
    def whole(peer):
        peer.request()
        peer.answer(body=PAYLOAD, ETag='"v2"')
        peer.hold()
    events, _ = serve(probe, trust, vendor, [cut_at(100000), whole], "payload",
                      SHA, len(PAYLOAD), options=["--out", tmp_path / "o"])
    starts = [(e["from"], e["etag"]) for e in events if e["event"] == "start"]
    assert starts == [(0, '"v1"'), (0, '"v2"')]
    assert done_of(events)["code"] == "ok"
    assert (tmp_path / "o").read_bytes() == PAYLOAD


def test_range_of_another_version_is_not_joined(probe, trust, vendor,
                                                tmp_path):
    def whole(peer):
        peer.request()
        peer.answer(body=PAYLOAD, ETag='"v2"')
        peer.hold()
    scripts = [cut_at(100000), continue_script(etag='"v2"'), whole]
    events, server = serve(probe, trust, vendor, scripts, "payload", SHA,
                           len(PAYLOAD), options=["--out", tmp_path / "o"])
    assert [e["from"] for e in events if e["event"] == "start"] == [0, 0]
    assert "Range" not in server.requests[2]
    assert done_of(events)["code"] == "ok"
    assert (tmp_path / "o").read_bytes() == PAYLOAD


def test_wrong_range_again_and_again_is_an_error(probe, trust, vendor):
    scripts = [cut_at(1000), rest_from(5), cut_at(1000), rest_from(5)]
    events, _ = serve(probe, trust, vendor, scripts, "payload", SHA,
                      len(PAYLOAD))
    assert done_of(events)["code"] == "vendor-http-range"


def test_range_beyond_the_end_begins_anew(probe, trust, vendor, tmp_path):
    def beyond(peer):
        peer.request()
        peer.answer("416 x", Content_Range="bytes */5")
        peer.request()
        peer.answer(body=PAYLOAD)
        peer.hold()
    events, _ = serve(probe, trust, vendor, [beyond], "payload", SHA,
                      len(PAYLOAD), options=["--from", 1000, "--out",
                                             tmp_path / "o"])
    assert done_of(events)["code"] == "ok"
    assert (tmp_path / "o").read_bytes() == PAYLOAD


def test_payload_that_never_moves_gives_up(probe, trust, vendor):
    scripts = [cut_at(0)] * 20
    events, server = serve(probe, trust, vendor, scripts, "payload", SHA,
                           len(PAYLOAD))
    assert done_of(events)["code"] == "vendor-http-truncated"
    assert server.connections == 6


def test_server_errors_are_tried_again_within_limits(probe, trust, vendor):
    def fails(peer):
        peer.request()
        peer.answer("502 x", b"oops", Connection="close")
    events, server = serve(probe, trust, vendor, [fails, fails, cut_at(70000),
                                                  continue_script()],
                           "payload", SHA, len(PAYLOAD))
    assert done_of(events)["code"] == "ok"
    assert server.connections == 4


def test_payload_longer_than_promised_in_chunks_is_refused(probe, trust,
                                                           vendor):
    def script(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  b"b\r\nhello world\r\n0\r\n\r\n")
        peer.hold()
    events, _ = serve(probe, trust, vendor, [script], "payload", SHA, 10)
    assert done_of(events)["code"] == "vendor-size"


def test_refusal_of_the_store_is_not_tried_again(probe, trust, vendor):
    events, server = serve(probe, trust, vendor, [cut_at(100000)] * 3,
                           "payload", SHA, len(PAYLOAD),
                           options=["--body-error"])
    assert done_of(events)["code"] == "ENOSPC"
    assert server.connections == 1


def test_pause_holds_a_payload_back(probe, nginx, trust, tmp_path):
    events = probe.run(*trust, "--pause-at", 1, "--pause-ms", 200, "--out",
                       tmp_path / "o", "link", nginx.url + "/v1", "payload",
                       SHA, len(PAYLOAD))
    resume = [e for e in events if e["event"] == "resume"][0]
    assert resume["bytes_in_pause"] <= 16384
    assert (tmp_path / "o").read_bytes() == PAYLOAD


@pytest.mark.parametrize("job", [("root", 1), ("payload", SHA, len(PAYLOAD)),
                                 ("payload", SHA, 0)])
def test_cancel_before_the_first_turn(probe, trust, job):
    done = probe.done(*trust, "--cancel", "link", "https://localhost:1", *job)
    assert done["code"] == "ECANCELED"


def test_cancel_of_a_finished_payload(probe, trust):
    done = probe.done(*trust, "--cancel", "--from", 10, "link",
                      "https://localhost:1", "payload", SHA, 10)
    assert done["code"] == "ECANCELED"


def test_cancel_in_the_stream(probe, nginx, trust):
    done = probe.done(*trust, "--cancel-at", 1, "link", nginx.url + "/v1",
                      "payload", SHA, len(PAYLOAD))
    assert done["code"] == "ECANCELED"


@pytest.mark.parametrize("after", [0, 1, 5, 20, 100, 300])
@pytest.mark.parametrize("job", [("root", 1), ("payload", SHA, len(PAYLOAD))])
def test_close_ends_the_request_first(probe, trust, vendor, job, after):
    """Whatever the link is doing: connecting, streaming, waiting to resume."""
    def stuck(peer):
        peer.request()
        size = len(PAYLOAD) if job[0] == "payload" else 60000
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}"
                  "\r\n\r\n".encode() + PAYLOAD[:40000])
        if job[0] == "root":
            peer.hold()
        peer.cut()
    events, _ = serve(probe, trust, vendor, [stuck] * 3, *job,
                      options=["--close-ms", after, "--resume-ms", 10000])
    ends = [e for e in events if e["event"] in ("done", "closed")]
    assert [e.get("code") for e in ends] == ["ECANCELED", None]


def test_cancel_while_waiting_to_resume(probe, trust, vendor):
    events, server = serve(probe, trust, vendor, [cut_at(0)], "payload", SHA,
                           len(PAYLOAD), options=["--cancel-ms", 300,
                                                  "--resume-ms", 10000])
    assert done_of(events)["code"] == "ECANCELED"
    assert server.connections == 1
