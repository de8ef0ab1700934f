"""The HTTP client against a server that follows a script, mostly hostile."""

import socket

import pytest

from ferrytest.nginx import free_port
from ferrytest.probe import Probe
from ferrytest.scripted import Scripted

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def probe(build_dir):
    return Probe(build_dir)


def raw(data, then="close"):
    """A script: read the request, send `data`, then close, hold or cut."""
    def script(peer):
        peer.request()
        peer.send(data)
        if then == "hold":
            peer.hold()
        elif then == "reset":
            peer.reset()
    return script


def fetch(probe, scripts, *args, path="/x"):
    """Events of one fetch and the server that answered it."""
    with Scripted(scripts) as server:
        events = probe.run("--plain", *args, "fetch", server.url, path)
    return events, server


def code(events):
    return [e for e in events if e["event"] == "done"][-1]["code"]


def body(data, length=None, extra=b""):
    length = len(data) if length is None else length
    return OK + extra + b"Content-Length: %d\r\n\r\n" % length + data


HOSTILE = [
    # name, bytes of the server, what it does then, code
    ("garbage", b"\x00\x01\x02 hello\r\n\r\n", "close", "vendor-http-syntax"),
    ("tls instead of http", b"\x16\x03\x03\x00\x02\x02\x28", "close",
     "vendor-http-syntax"),
    ("http 2", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "close",
     "vendor-http-syntax"),
    ("http 0.9", b"hello", "close", "vendor-http-syntax"),
    ("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n", "close",
     "vendor-http-syntax"),
    ("header without colon", OK + b"nonsense\r\n\r\n", "close",
     "vendor-http-syntax"),
    ("control character in a header", OK + b"A: b\x01c\r\n\r\n", "close",
     "vendor-http-syntax"),
    ("bare line feed folding", OK + b"A: b\r\n c\r\n\r\n", "close",
     "vendor-http-syntax"),
    ("one header of 64 KiB", OK + b"A: " + b"b" * 65536 + b"\r\n\r\n", "hold",
     "vendor-http-head"),
    ("65 headers", OK + b"A: b\r\n" * 65 + b"\r\n", "hold",
     "vendor-http-head"),
    ("endless empty lines", b"\r\n" * 40000, "hold", "vendor-http-head"),
    ("endless status", b"HTTP/1.1 200 " + b"K" * 40000, "hold",
     "vendor-http-head"),
    ("location of 3 KiB", b"HTTP/1.1 302 x\r\nLocation: /" + b"a" * 3000 +
     b"\r\nContent-Length: 0\r\n\r\n", "hold", "vendor-http-head"),
    ("endless 1xx", b"HTTP/1.1 103 x\r\n\r\n" * 40, "hold",
     "vendor-http-head"),
    ("protocol switch", b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\n"
     b"Connection: upgrade\r\n\r\n", "hold", "vendor-http-syntax"),
    ("no length", OK + b"\r\nhello", "close", "vendor-http-length"),
    ("length twice", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"
     b"hello", "close", "vendor-http-length"),
    ("length and chunked", OK + b"Content-Length: 5\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "close",
     "vendor-http-coding"),
    ("negative length", OK + b"Content-Length: -5\r\n\r\n", "close",
     "vendor-http-length"),
    ("length above 64 bits", OK + b"Content-Length: 99999999999999999999\r\n"
     b"\r\n", "close", "vendor-http-length"),
    ("length above 63 bits", OK + b"Content-Length: 18446744073709551615\r\n"
     b"\r\n", "close", "vendor-http-length"),
    ("gzip", OK + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
     "close", "vendor-http-coding"),
    ("gzip, chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     "close", "vendor-http-coding"),
    ("chunked twice", OK + b"Transfer-Encoding: chunked\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "close",
     "vendor-http-coding"),
    ("unknown coding", OK + b"Transfer-Encoding: bogus\r\n\r\nhello", "close",
     "vendor-http-coding"),
    ("chunk size of letters", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"zz\r\nhello\r\n", "hold", "vendor-http-syntax"),
    ("chunk size above 64 bits", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"fffffffffffffffff\r\nhello\r\n", "hold", "vendor-http-syntax"),
    ("huge chunk size", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"ffffffffffffffff\r\n" + b"x" * 2000000, "hold", "vendor-http-large"),
    ("negative chunk size", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"-5\r\nhello\r\n", "hold", "vendor-http-syntax"),
    ("chunk without its end", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5\r\nhello6\r\nworld!\r\n0\r\n\r\n", "hold", "vendor-http-syntax"),
    ("chunk extension of 2 KiB", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5;" + b"e" * 2048 + b"\r\nhello\r\n0\r\n\r\n", "hold",
     "vendor-http-syntax"),
    ("endless chunks", OK + b"Transfer-Encoding: chunked\r\n\r\n" +
     (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 400, "hold",
     "vendor-http-large"),
    ("chunks without an end", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5\r\nhello\r\n", "close", "vendor-http-truncated"),
    ("endless trailers", OK + b"Transfer-Encoding: chunked\r\n\r\n"
     b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 100, "hold", "vendor-http-head"),
    ("body larger than the limit", body(b"x" * 10, 1048577), "hold",
     "vendor-http-large"),
    ("body shorter than promised", body(b"hello", 50), "close",
     "vendor-http-truncated"),
    ("body cut by a reset", body(b"hello", 50), "reset", None),
    ("body longer than promised", body(b"hello, world", 5), "hold",
     "vendor-http-surplus"),
    ("two answers", body(b"hello") * 2, "hold", "vendor-http-surplus"),
    ("206 unasked", b"HTTP/1.1 206 x\r\nContent-Length: 5\r\n"
     b"Content-Range: bytes 0-4/5\r\n\r\nhello", "hold", "vendor-http-range"),
    ("nothing", b"", "close", "vendor-closed"),
    ("half a head", OK + b"Content-", "close", "vendor-closed"),
]


@pytest.mark.parametrize("data, then, want", [h[1:] for h in HOSTILE],
                         ids=[h[0] for h in HOSTILE])
def test_hostile_answer_gives_its_error(probe, data, then, want):
    events, server = fetch(probe, [raw(data, then)])
    if want:
        assert code(events) == want
    else:
        assert code(events) in ("ECONNRESET", "vendor-http-truncated")
    assert events[-1] == {"event": "closed"}
    assert server.connections == 1


def content_range(value, data=b"hello", status="206 Partial Content",
                  length=None):
    return (f"HTTP/1.1 {status}\r\nContent-Length: "
            f"{len(data) if length is None else length}\r\n"
            f"Content-Range: {value}\r\n\r\n").encode() + data


RANGES = [
    # name, Content-Range, body, code; the request asks for 10-14
    ("exact", "bytes 10-14/100", b"hello", "ok"),
    ("total unknown", "bytes 10-14/*", b"hello", "ok"),
    ("shorter, still inside", "bytes 10-12/100", b"hel", "ok"),
    ("begins early", "bytes 9-13/100", b"hello", "vendor-http-range"),
    ("begins late", "bytes 11-14/100", b"hell", "vendor-http-range"),
    ("ends late", "bytes 10-15/100", b"hello!", "vendor-http-range"),
    ("whole object", "bytes 0-99/100", b"x" * 100, "vendor-http-range"),
    ("length differs", "bytes 10-14/100", b"hell", "vendor-http-range"),
    ("last before first", "bytes 10-9/100", b"", "vendor-http-range"),
    ("last beyond total", "bytes 10-14/14", b"hello", "vendor-http-range"),
    ("other unit", "lines 10-14/100", b"hello", "vendor-http-range"),
    ("unsatisfied form", "bytes */100", b"hello", "vendor-http-range"),
    ("above 63 bits", "bytes 10-18446744073709551615/*", b"hello",
     "vendor-http-range"),
    ("blank inside", "bytes 10 -14/100", b"hello", "vendor-http-range"),
    ("text behind", "bytes 10-14/100x", b"hello", "vendor-http-range"),
]


@pytest.mark.parametrize("value, data, want", [r[1:] for r in RANGES],
                         ids=[r[0] for r in RANGES])
def test_content_range_must_be_the_one_asked_for(probe, value, data, want):
    events, server = fetch(probe, [raw(content_range(value, data), "hold")],
                           "--from", 10, "--end", 15)
    assert code(events) == want
    assert "Range: bytes=10-14" in server.requests[0]


def test_content_range_chunked_is_held_to_its_length(probe):
    head = (b"HTTP/1.1 206 x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Range: bytes 10-14/100\r\n\r\n")
    for chunk in (b"6\r\nhello!\r\n0\r\n\r\n", b"4\r\nhell\r\n0\r\n\r\n"):
        events, _ = fetch(probe, [raw(head + chunk, "hold")],
                          "--from", 10, "--end", 15)
        assert code(events) == "vendor-http-range"


def test_content_range_twice_is_refused(probe):
    data = content_range("bytes 10-14/100\r\nContent-Range: bytes 10-14/100")
    events, _ = fetch(probe, [raw(data, "hold")], "--from", 10, "--end", 15)
    assert code(events) == "vendor-http-range"


def test_range_ignored_by_server_is_said_by_the_head(probe):
    events, _ = fetch(probe, [raw(body(b"hello"), "hold")], "--from", 2)
    assert code(events) == "ok"
    assert events[0]["status"] == 200 and not events[0]["range"]


def test_chunked_body_arrives_whole(probe, tmp_path):
    data = (OK + b"Transfer-Encoding: chunked\r\n\r\n"
            b"5;a=b\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n")
    events, _ = fetch(probe, [raw(data, "hold")], "--out", tmp_path / "o")
    assert code(events) == "ok"
    assert (tmp_path / "o").read_bytes() == b"hello, world"


def test_bytes_one_by_one_are_the_same_answer(probe, tmp_path):
    data = (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b'ETag: "abc"\r\n'
            b"Content-Length: 12\r\n\r\nhello, world")

    def script(peer):
        peer.request()
        for byte in data:
            peer.send(bytes([byte]))
        peer.hold()
    events, _ = fetch(probe, [script], "--out", tmp_path / "o")
    assert code(events) == "ok"
    assert events[0]["etag"] == '"abc"'
    assert (tmp_path / "o").read_bytes() == b"hello, world"


def test_304_with_a_length_has_no_body(probe):
    data = b'HTTP/1.1 304 x\r\nETag: "a"\r\nContent-Length: 100\r\n\r\n'
    events, server = fetch(probe, [raw(data, "hold")], "--if-none-match",
                           '"a"')
    assert code(events) == "ok" and events[0]["status"] == 304
    assert 'If-None-Match: "a"' in server.requests[0]


@pytest.mark.parametrize("etag, want", [
    ('"abc"', '"abc"'), ('W/"abc"', 'W/"abc"'), ("abc", ""), ('"a"b"', ""),
    ('"' + "a" * 200 + '"', ""), ('"a\tb"', ""),
])
def test_etag_that_is_none_is_dropped(probe, etag, want):
    data = body(b"", extra=b"ETag: " + etag.encode() + b"\r\n")
    events, _ = fetch(probe, [raw(data, "hold")])
    assert code(events) == "ok" and events[0]["etag"] == want


@pytest.mark.parametrize("header, want", [
    (b"Retry-After: 120", 120),
    (b"Retry-After: 99999999", 604800),
    (b"Retry-After: -1", 0),
    (b"Retry-After: soon", 0),
    (b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
     b"Retry-After: Sun, 06 Nov 1994 08:50:37 GMT", 60),
    (b"Retry-After: Sun, 06 Nov 1994 08:50:37 GMT", 0),
    (b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
     b"Retry-After: Sun, 06 Nov 1994 08:48:37 GMT", 0),
])
def test_retry_after_is_read_without_our_clock(probe, header, want):
    data = (b"HTTP/1.1 503 x\r\n" + header +
            b"\r\nContent-Length: 0\r\n\r\n")
    events, _ = fetch(probe, [raw(data, "hold")])
    assert code(events) == "ok"
    assert events[0]["status"] == 503 and events[0]["retry_after"] == want


def redirect(where, status="302 Found"):
    def script(peer):
        peer.request()
        peer.answer(status, b"moved", Location=where)
        peer.hold()
    return script


def test_redirect_within_the_origin_is_followed(probe):
    def script(peer):
        peer.request()
        peer.answer("301 Moved", b"moved", Location="../b?q=1")
        peer.request()
        peer.answer(body=b"there")
        peer.hold()
    events, server = fetch(probe, [script], path="/a/x")
    assert code(events) == "ok"
    assert [e["status"] for e in events if e["event"] == "head"] == [200]
    assert server.requests[1].startswith("GET /b?q=1 HTTP/1.1")
    assert server.connections == 1


@pytest.mark.parametrize("where", [
    "http://example.invalid/", "//example.invalid/", "http://localhost:1/",
    "https://localhost/", "http://user@localhost/", "ftp://localhost/",
    "http://localhost.evil.invalid/", "javascript:alert(1)",
])
def test_redirect_to_another_origin_is_refused(probe, where):
    events, server = fetch(probe, [redirect(where)])
    assert code(events) == "vendor-http-redirect"
    assert server.connections == 1


def test_redirect_loop_ends(probe):
    def script(peer):
        while True:
            peer.request()
            peer.answer("302 x", Location="/x")
    events, server = fetch(probe, [script])
    assert code(events) == "vendor-http-redirects"
    assert len(server.requests) == 4


def test_redirect_of_a_post_is_not_followed(probe):
    events, server = fetch(probe, [redirect("/y", "307 x")], "--post", "hi")
    assert code(events) == "ok" and events[0]["status"] == 307
    assert len(server.requests) == 1


def test_post_carries_its_body(probe):
    def script(peer):
        peer.request()
        peer.answer("204 No Content".replace("No Content", "x"))
        peer.hold()
    events, server = fetch(probe, [script], "--post", "hello")
    assert code(events) == "ok" and events[0]["status"] == 204
    assert server.bodies == [b"hello"]


def test_head_that_drips_runs_out_of_time(probe):
    def script(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nA: ")
        peer.sock.settimeout(0.05)
        for _ in range(200):
            peer.send(b"x")
            try:
                peer.sock.recv(1)
                return
            except TimeoutError:
                pass
    events, _ = fetch(probe, [script], "--head-ms", 300)
    assert code(events) == "vendor-http-head-timeout"


def test_body_that_drips_is_too_slow(probe):
    def script(peer):
        peer.request()
        peer.send(body(b"", 100000))
        peer.sock.settimeout(0.05)
        for _ in range(200):
            peer.send(b"x")
            try:
                peer.sock.recv(1)
                return
            except TimeoutError:
                pass
    events, _ = fetch(probe, [script], "--idle-ms", 300)
    assert code(events) == "vendor-http-slow"


def test_body_that_stops_is_too_slow(probe):
    events, _ = fetch(probe, [raw(body(b"x" * 5000, 100000), "hold")],
                      "--idle-ms", 200)
    assert code(events) == "vendor-http-slow"


def test_silence_runs_out_of_time(probe):
    events, _ = fetch(probe, [raw(b"", "hold")], "--head-ms", 200)
    assert code(events) == "vendor-http-head-timeout"


def test_total_limit_ends_a_request(probe):
    events, _ = fetch(probe, [raw(body(b"x" * 5000, 100000), "hold")],
                      "--total-ms", 200)
    assert code(events) == "vendor-http-timeout"


def test_refused_port_is_named(probe):
    done = probe.done("--plain", "fetch", f"http://localhost:{free_port()}",
                      "/")
    assert done["code"] == "ECONNREFUSED"


def test_unknown_host_is_named(probe):
    done = probe.done("--plain", "fetch", "http://no-such-host.invalid", "/")
    assert done["code"] == "vendor-resolve"


def test_addresses_may_be_refused(probe):
    with Scripted([]) as server:
        done = probe.done("--plain", "--no-loopback", "fetch", server.url, "/")
        assert server.connections == 0
    assert done["code"] == "vendor-address"


def test_plain_http_must_be_allowed(probe):
    done = probe.done("fetch", "http://localhost:1", "/")
    assert done["code"] == "vendor-plain"


@pytest.mark.parametrize("path", ["x", "//host/x", "/a b", "/a\r\nX: y"])
def test_path_that_breaks_the_request_is_refused(probe, path):
    done = probe.done("--plain", "fetch", "http://localhost:1", path)
    assert done == {"event": "refused", "code": "EINVAL"}


def test_connection_is_kept_for_the_next_request(probe):
    def script(peer):
        for _ in range(3):
            peer.request()
            peer.answer(body=b"x")
        peer.hold()
    with Scripted([script]) as server:
        events = probe.run("--plain", "fetch", server.url, "/1", "/2", "/3")
    assert [e["code"] for e in events if e["event"] == "done"] == ["ok"] * 3
    assert server.connections == 1


def test_connection_close_is_obeyed(probe):
    def script(peer):
        peer.request()
        peer.answer(body=b"x", Connection="close")
        peer.hold()
    with Scripted([script, script]) as server:
        events = probe.run("--plain", "fetch", server.url, "/1", "/2")
    assert [e["code"] for e in events if e["event"] == "done"] == ["ok"] * 2
    assert server.connections == 2


def test_kept_connection_that_died_is_tried_once_more(probe):
    def dies(peer):
        peer.request()
        peer.answer(body=b"x")
        peer.request()
    with Scripted([dies, raw(body(b"y"), "hold")]) as server:
        events = probe.run("--plain", "fetch", server.url, "/1", "/2")
    assert [e["code"] for e in events if e["event"] == "done"] == ["ok"] * 2
    assert server.connections == 2


def test_kept_connection_that_dies_always_is_an_error(probe):
    def dies(peer):
        peer.request()
        peer.answer(body=b"x")
        peer.request()

    def closes(peer):
        peer.request()
    with Scripted([dies, closes, closes]) as server:
        events = probe.run("--plain", "fetch", server.url, "/1", "/2")
    assert code(events) == "vendor-closed"
    assert server.connections == 2


def test_surplus_is_not_taken_for_the_next_answer(probe):
    with Scripted([raw(body(b"x") + body(b"evil"), "hold"),
                   raw(body(b"good!"), "hold")]) as server:
        events = probe.run("--plain", "fetch", server.url, "/1", "/2")
    done = [e for e in events if e["event"] == "done"]
    assert [e["code"] for e in done] == ["vendor-http-surplus", "ok"]
    assert done[1]["bytes"] == 5 and server.connections == 2


def test_cancel_before_the_first_turn_ends_the_fetch(probe):
    events, _ = fetch(probe, [], "--cancel")
    assert code(events) == "ECANCELED"


def test_cancel_in_the_body_ends_the_fetch(probe):
    events, _ = fetch(probe, [raw(body(b"x" * 5000, 100000), "hold")],
                      "--cancel-at", 1)
    assert code(events) == "ECANCELED"


def test_error_of_the_consumer_ends_the_fetch(probe):
    events, _ = fetch(probe, [raw(body(b"x" * 100), "hold")], "--body-error")
    assert code(events) == "ENOSPC"


def test_pause_holds_the_server_back(probe):
    data = b"x" * 900000

    def script(peer):
        peer.request()
        peer.answer(body=data)
        peer.hold()
    events, _ = fetch(probe, [script], "--pause-at", 1, "--pause-ms", 300,
                      "--idle-ms", 200)
    resume = [e for e in events if e["event"] == "resume"][0]
    assert resume["bytes_in_pause"] <= 16384
    done = [e for e in events if e["event"] == "done"][-1]
    assert (done["code"], done["bytes"]) == ("ok", len(data))


def endless(peer):
    """Answers whatever comes on this connection."""
    while True:
        peer.answer(body=peer.request().split()[1].encode())


def test_many_fetches_share_two_connections(probe):
    paths = [f"/{i}" for i in range(20)]
    with Scripted([endless] * 20) as server:
        events = probe.run("--plain", "--parallel", "fetch", server.url,
                           *paths)
    assert [e["code"] for e in events if e["event"] == "done"] == ["ok"] * 20
    assert server.connections == 2
    assert sorted(r.split()[1] for r in server.requests) == sorted(paths)


def test_fetches_beyond_the_queue_are_refused(probe):
    with Scripted([endless] * 2) as server:
        events = probe.run("--plain", "--parallel", "fetch", server.url,
                           *["/x"] * 40)
    assert [e["code"] for e in events if e["event"] == "refused"] == [
        "vendor-queue"] * 8
    assert [e["code"] for e in events if e["event"] == "done"] == ["ok"] * 32


CLOSE = [0, 1, 5, 100]


@pytest.mark.parametrize("after", CLOSE)
def test_close_ends_every_fetch_first(probe, after):
    def stuck(peer):
        peer.request()
        peer.send(body(b"x" * 1000, 100000))
        peer.hold()
    with Scripted([stuck, raw(b"HTTP/1.1 2", "hold")]) as server:
        events = probe.run("--plain", "--parallel", "--close-ms", after,
                           "fetch", server.url, *["/x"] * 5)
    ends = [e for e in events if e["event"] in ("done", "closed")]
    assert [e.get("code") for e in ends] == ["ECANCELED"] * 5 + [None]


def test_connect_without_an_answer_runs_out_of_time(probe):
    """A full backlog drops what comes: nobody refuses, nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        done = probe.done("--plain", "--address-ms", 200, "fetch",
                          f"http://127.0.0.1:{port}", "/")
        closed = probe.done("--plain", "--close-ms", 100, "fetch",
                            f"http://127.0.0.1:{port}", "/")
        for filler in fillers:
            filler.close()
    assert done["code"] == "vendor-connect-timeout"
    assert closed["code"] == "ECANCELED"
