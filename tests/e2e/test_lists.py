"""Long lists of the admin socket: whole and right, whoever reads them how.

The devices and jobs are many because rows of the database are copied while
ferryd does not run: only one device was ever there."""

import json
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferrytest import trustdb
from ferrytest.site import Site, unchunk, wait_for
from openapi_shapes import Shapes

DOCS = Path(__file__).parents[2] / "docs"
DEVICES = 1200
JOBS = 1500
FAILED = 700


def copies(path, table, change_of):
    """Statements that add rows like the first one, with what `change_of` yields
    put in its place."""
    names = [row[1] for row in trustdb.ask(path, f"PRAGMA table_info({table})")]
    first = dict(zip(names, trustdb.ask(path, f"SELECT * FROM {table} "
                                        "ORDER BY id LIMIT 1")[0]))
    marks = ",".join("?" * len(names))
    for fields in change_of():
        row = {**first, **fields}
        yield (f"INSERT INTO {table} VALUES({marks})",
               [row[name] for name in names])


def name_of(i):
    return f"lamp-{i:04}"  # as many digits, so that they sort by number


ALL = [name_of(i) for i in range(1, DEVICES + 1)]


def more_devices():
    for name in ALL[1:]:
        yield {"id": name, "key": f"key-{name}", "link": name}


def more_jobs():
    for i in range(2, JOBS + 1):
        yield {"id": i, "state": "failed" if i <= FAILED + 1 else "cancelled",
               "device": name_of(1 + i % 7)}


@pytest.fixture(scope="module")
def site(tmp_path_factory, build_dir):
    with Site(tmp_path_factory.mktemp("lists"), build_dir) as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        sim = site.start_sim("name=lamp-0001,version=1.0.0")
        site.start_ferryd()
        site.wait_job("lamp-0001", "done")
        site.stop_ferryd()
        sim.__exit__()
        path = site.state / "state.db"
        trustdb.change(path, *copies(path, "devices", more_devices),
                       *copies(path, "jobs", more_jobs))
        site.start_ferryd()
        wait_for("all devices", lambda: site.get("/v1/status")["counts"]
                 ["devices"] == DEVICES, 30)
        yield site


@contextmanager
def asking(site, path, version="1.1"):
    """A connection that has asked and read nothing."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        # Small, so that what is not read soon stops ferryd.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(str(site.socket))
        s.sendall(f"GET {path} HTTP/{version}\r\nHost: ferry\r\n"
                  "Connection: close\r\n\r\n".encode())
        yield s


def read_on(s, answer=b"", step=65536, least=None):
    while least is None or len(answer) < least:
        part = s.recv(step)
        if not part:
            break
        answer += part
    return answer


def items_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    if b"chunked" in head.lower():
        assert body.endswith(b"\r\n0\r\n\r\n")
        body = unchunk(body)
    return json.loads(body)["items"]


def memory_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_every_device_is_there_once_and_of_the_promised_shape(site):
    answer = site.get("/v1/devices")
    assert [d["id"] for d in answer["items"]] == ALL
    shapes = Shapes(DOCS / "openapi.json")
    assert not shapes.check_answer("GET", "/v1/devices", answer)


def test_device_of_the_list_is_that_of_its_own(site):
    item = site.get("/v1/devices")["items"][0]
    alone = site.get("/v1/devices/lamp-0001")
    assert alone.pop("last_job")["device"] == "lamp-0001"
    assert len(alone.pop("ledger")) == 13
    assert alone == item


@pytest.mark.parametrize("path", ["/v1/plan", "/v1/links", "/v1/candidates",
                                  "/v1/jobs?limit=1000"])
def test_other_long_lists_have_their_shape(site, path):
    shapes = Shapes(DOCS / "openapi.json")
    assert not shapes.check_answer("GET", path.split("?")[0], site.get(path))


def test_plan_has_a_row_for_every_device(site):
    rows = site.get("/v1/plan")["items"]
    assert [r["device"] for r in rows] == ALL


def test_old_client_gets_the_list_up_to_the_end(site):
    with asking(site, "/v1/devices", "1.0") as s:
        answer = read_on(s)
    assert b"chunked" not in answer.partition(b"\r\n\r\n")[0].lower()
    assert len(items_of(answer)) == DEVICES


def test_slow_reader_gets_a_valid_list_while_devices_go(site):
    gone = [name_of(i) for i in (2, 3, 600, 1100, 1101)]
    with asking(site, "/v1/devices") as s:
        answer = read_on(s, step=2048, least=10_000)
        for device in gone:
            status, _ = site.post(f"/v1/devices/{device}/forget")
            assert status == 200
        answer = read_on(s, answer, step=2048)
    ids = [d["id"] for d in items_of(answer)]
    assert len(ids) == len(set(ids))
    assert set(ids) >= set(ALL) - set(gone)
    assert not set(ids) & set(gone[3:])  # gone before their turn came


def test_readers_that_do_not_read_hold_neither_loop_nor_memory(site):
    site.get("/v1/devices")
    before = memory_kib(site.ferryd.pid)
    stuck = []
    try:
        for _ in range(24):
            context = asking(site, "/v1/devices")
            stuck.append((context, context.__enter__()))
        for _, s in stuck:
            assert s.recv(16)
        assert site.get("/v1/status")["counts"]["links"] == 1
        # Each list is far more than a megabyte.
        assert memory_kib(site.ferryd.pid) - before < 24 * 400
        answers = [read_on(s, b"HTTP/1.1 200 OK\r")[17:] for _, s in stuck]
        assert all(a.endswith(b"\r\n0\r\n\r\n") for a in answers)
    finally:
        for context, _ in stuck:
            context.__exit__(None, None, None)


def test_client_that_leaves_in_the_middle_is_forgotten(site):
    for path in ("/v1/devices", "/v1/jobs?limit=1000", "/v1/plan") * 10:
        with asking(site, path) as s:
            assert s.recv(1)
    # All places are free again, those that were read from too.
    with asking(site, "/v1/devices") as s:
        assert items_of(read_on(s))


def test_many_at_once_get_what_they_asked_for(site):
    wrong = []

    def ask(path):
        rows = site.get(path)["items"]
        if len({str(r.get("id", r.get("device"))) for r in rows}) != len(rows):
            wrong.append(path)

    threads = [threading.Thread(target=ask, args=(path,)) for path in
               ("/v1/devices", "/v1/plan", "/v1/jobs?limit=1000") * 5]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# ---- jobs ----

def test_page_of_jobs_may_have_a_thousand(site):
    page = site.get("/v1/jobs?limit=1000")
    assert [j["id"] for j in page["items"]] == list(range(JOBS, JOBS - 1000,
                                                          -1))
    assert page["next"] == JOBS - 999
    page = site.get(f"/v1/jobs?limit=1000&before={page['next']}")
    assert [j["id"] for j in page["items"]] == list(range(JOBS - 1000, 0, -1))
    assert page["next"] is None


def test_page_that_ends_with_the_last_job_has_no_next(site):
    assert site.get("/v1/jobs?limit=4&before=5")["next"] is None
    assert site.get("/v1/jobs?limit=3&before=5")["next"] == 2


def test_jobs_of_a_state_are_found_behind_many_others(site):
    jobs = site.get("/v1/jobs?state=failed&limit=1000")
    assert [j["id"] for j in jobs["items"]] == list(range(FAILED + 1, 1, -1))
    assert jobs["next"] is None
    done = site.get("/v1/jobs?state=done")
    assert [j["id"] for j in done["items"]] == [1] and done["next"] is None


def test_state_and_device_filter_together(site):
    jobs = site.get("/v1/jobs?state=failed&device=lamp-0003&limit=1000")["items"]
    assert [j["id"] for j in jobs] == [i for i in range(FAILED + 1, 1, -1)
                                       if i % 7 == 2]


def test_states_that_no_job_has_are_empty(site):
    for state in ("open", "waiting", "declined"):
        answer = site.get(f"/v1/jobs?state={state}")
        assert answer == {"items": [], "next": None}


def ctl_json(site, *args):
    done = site.ctl("--json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ferryctl_jobs_of_a_state_are_all_of_them(site):
    answer = ctl_json(site, "jobs", "--state", "cancelled")
    assert len(answer["items"]) == JOBS - FAILED - 1
    assert answer["next"] is None
    answer = ctl_json(site, "jobs", "--state", "failed", "--limit", "600")
    assert len(answer["items"]) == 600
    assert answer["next"] == FAILED + 2 - 600
    assert len(ctl_json(site, "jobs")["items"]) == 100


def test_ferryctl_says_where_older_jobs_are(site):
    text = site.ctl("jobs", "--limit", "2").stdout
    assert text.splitlines()[-1] == f"older ones: --before {JOBS - 1}"
    assert "older" not in site.ctl("jobs", "--state", "done").stdout


def serve_pages(listener, targets):
    """Plays ferryd: jobs 9 to 1 in pages of three, whatever limit is asked."""
    s, _ = listener.accept()
    with s, s.makefile("rb") as file:
        while line := file.readline():
            target = line.split()[1].decode()
            targets.append(target)
            while file.readline().strip():
                pass
            before = 10
            if "before=" in target:
                before = int(target.split("before=")[1].split("&")[0])
            items = [{"id": i, "state": "failed", "device": f"d{i}"}
                     for i in range(before - 1, max(before - 4, 0), -1)]
            last = items[-1]["id"] if items else 1
            body = json.dumps({"items": items,
                               "next": last if last > 1 else None}).encode()
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_ferryctl_reads_page_after_page(tmp_path, build_dir):
    targets = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        thread = threading.Thread(target=serve_pages,
                                  args=(listener, targets))
        thread.start()
        done = subprocess.run(
            [Path(build_dir) / "bin" / "ferryctl", "--socket", tmp_path / "s",
             "--json", "jobs", "--state", "failed"], capture_output=True,
            text=True)
        thread.join()
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [j["id"] for j in answer["items"]] == list(range(9, 0, -1))
    assert answer["next"] is None
    assert [t.split("before=")[-1] for t in targets[1:]] == ["7", "4"]
