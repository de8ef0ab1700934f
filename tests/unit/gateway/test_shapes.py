"""The answers that ferryctl is tested with have the documented shapes, and the
checker itself sees what is wrong."""
import copy
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from openapi_shapes import Shapes  # noqa: E402

SHAPES = Shapes(os.path.join(ROOT, "docs", "openapi.json"))
LISTS = ["vendors", "links", "candidates", "classes", "devices", "offers", "plan", "jobs",
         "images", "history"]


def world():
    with open(os.path.join(HERE, "ctl_world.json"), encoding="utf-8") as file:
        return json.load(file)


def test_lists_have_their_shapes():
    data = world()
    for name in LISTS:
        assert SHAPES.check_answer("GET", "/v1/" + name, data[name]) == []


def test_single_answers_have_their_shapes():
    data = world()
    status = dict(data["status"], role="viewer")
    assert SHAPES.check_answer("GET", "/v1/status", status) == []
    assert SHAPES.check_answer("GET", "/v1/devices/{id}", data["device"]) == []
    assert SHAPES.check_answer("GET", "/v1/jobs/{job}", data["job"]) == []
    assert SHAPES.check_answer("POST", "/v1/check", data["check"]) == []
    assert SHAPES.check_answer("POST", "/v1/update", data["update"]) == []
    assert SHAPES.check_answer("POST", "/v1/update", data["update_refused"]) == []
    assert SHAPES.check_answer("POST", "/v1/backup", data["backup"]) == []
    assert SHAPES.check_answer("POST", "/v1/trust/unlock", data["trust"]) == []


def test_checker_sees_faults():
    job = world()["jobs"]["items"][0]
    for change in ({"state": "flying"}, {"id": "44"}, {"id": True}, {"novel": 1},
                   {"manifest_digest": "abc"}, {"failure": {"code": "x"}}, {"gates": [{}]},
                   {"progress": 3}):
        bad = dict(copy.deepcopy(job), **change)
        assert SHAPES.check("Job", bad) != [], change
    del job["state"]
    assert SHAPES.check("Job", job) == ["Job: lacks state"]
