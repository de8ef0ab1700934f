"""Our ZCL codec, frame by frame, against two that share no code with it:
zigbee-herdsman's and Wireshark's. Values are drawn with a fixed seed, limits
always among them."""

import json
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from ferrytest import npm

ROUNDS = 60
TYPE_LAST = 0xffbf  # of a manufacturer's images; files of devices are above
HERE = Path(__file__).parent
OTA = "zbee_zcl_general.ota."


class Draw:
    """Values of n bits: the limits first, then any."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def bits(self, n):
        return self.random.choice(
            [0, 1, (1 << n) - 1, 1 << (n - 1), self.random.getrandbits(n),
             self.random.getrandbits(n), self.random.getrandbits(n)])

    def key(self, first_type=0, last_type=TYPE_LAST):
        """herdsman holds image types to what the specification lists."""
        image_type = min(max(self.bits(16), first_type), last_type)
        return (self.bits(16), image_type, self.bits(32))


def key_fields(key):
    return dict(zip(("manufacturerCode", "imageType", "fileVersion"), key))


@pytest.fixture(scope="module")
def probe(build_dir):
    def run(lines):
        done = subprocess.run(
            [build_dir / "bin/zcl_probe"], input="\n".join(lines) + "\n",
            capture_output=True, text=True, check=True, timeout=60)
        answers = [dict(part.partition("=")[::2] for part in line.split())
                   for line in done.stdout.splitlines()]
        assert len(answers) == len(lines), done.stderr
        return answers
    return run


@pytest.fixture(scope="module")
def herdsman():
    def run(questions):
        done = subprocess.run(
            [npm.node(), HERE / "herdsman_zcl.js"],
            input="\n".join(map(json.dumps, questions)) + "\n",
            env=npm.environment("herdsman"), capture_output=True, text=True,
            check=True, timeout=120)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(questions), done.stderr
        for question, answer in zip(questions, answers):
            assert "error" not in answer, (question, answer)
        return answers
    return run


def fill(got, want):
    """herdsman reads a number of all ones as no number: puts it back where just
    that is wanted."""
    if isinstance(got, dict) and isinstance(want, dict):
        return {k: fill(v, want.get(k)) for k, v in got.items()}
    ones = got is None and want in (0xff, 0xffff, 0xffffffff)
    return want if ones else got


# What a server sends


def server_frames():
    """(line for the probe, cluster, name at herdsman, payload)."""
    draw = Draw(25)
    frames = []
    for i in range(ROUNDS):
        tsn = draw.bits(8)
        key, size, offset = draw.key(), draw.bits(32), draw.bits(32)
        start = f"{tsn} {key[0]} {key[1]} {key[2]}"
        kind, jitter = i % 4, draw.random.randint(1, 100)
        told = dict(list(key_fields(key).items())[:kind])
        frames.append((f"write notify {start} {kind} {jitter}", tsn,
                       "genOta", "imageNotify",
                       {"payloadType": kind, "queryJitter": jitter, **told}))
        frames.append((f"write query {start} 0 {size}", tsn, "genOta",
                       "queryNextImageResponse",
                       {"status": 0, **key_fields(key), "imageSize": size}))
        status = draw.random.choice([0x7e, 0x95, 0x98])
        frames.append((f"write query {start} {status} {size}", tsn, "genOta",
                       "queryNextImageResponse", {"status": status}))
        data = draw.random.randbytes(1 + i % 64)
        frames.append((f"block {start} {offset} {data.hex()}", tsn, "genOta",
                       "imageBlockResponse",
                       {"status": 0, **key_fields(key), "fileOffset": offset,
                        "dataSize": len(data), "data": f"hex:{data.hex()}"}))
        period = draw.bits(16)
        wait = {"status": 0x97, "currentTime": size, "requestTime": offset}
        frames.append((f"write wait {tsn} {size} {offset} 1 {period}", tsn,
                       "genOta", "imageBlockResponse",
                       {**wait, "minimumBlockPeriod": period}))
        frames.append((f"write status {tsn} {0x95}", tsn, "genOta",
                       "imageBlockResponse", {"status": 0x95}))
        frames.append((f"write end {start} {size} {offset}", tsn, "genOta",
                       "upgradeEndResponse",
                       {**key_fields(key), "currentTime": size,
                        "upgradeTime": offset}))
        frames.append((f"write specific {tsn} {0x98}", tsn, "genOta",
                       "queryDeviceSpecificFileResponse", {"status": 0x98}))
    return frames


def other_frames():
    """(line, cluster, name, from a server, specific, payload, tsn)."""
    draw = Draw(32)
    frames = []
    for i in range(ROUNDS):
        tsn, ids = draw.bits(8), [draw.bits(16) for _ in range(1 + i % 8)]
        to_client, start = i % 2, i % 3 > 0
        frames.append((
            f"write read {tsn} {to_client} {' '.join(map(str, ids))}",
            "genOta" if to_client else "genBasic", "read", bool(to_client),
            False, [{"attrId": n} for n in ids], tsn))
        command, status = draw.bits(8), draw.bits(8)
        frames.append((f"write default {tsn} {to_client} {command} {status}",
                       "genOta", "defaultRsp", bool(to_client), False,
                       {"cmdId": command, "statusCode": status}, tsn))
        time = draw.bits(16)
        frames.append((f"write check-in {tsn} {int(start)} {time}",
                       "genPollCtrl", "checkinRsp", False, True,
                       {"startFastPolling": int(start),
                        "fastPollTimeout": time if start else 0}, tsn))
        frames.append((f"write stop {tsn}", "genPollCtrl", "fastPollStop",
                       False, True, {}, tsn))
    return frames


def test_herdsman_reads_what_we_write(probe, herdsman):
    frames = server_frames()
    written = [a["frame"] for a in probe([f[0] for f in frames])]
    read = herdsman([{"read": w, "cluster": f[2]}
                     for w, f in zip(written, frames)])
    for (line, tsn, _, name, payload), answer in zip(frames, read):
        want = {"name": name, "specific": True, "server": True, "ddr": True,
                "manufacturer": False, "tsn": tsn, "payload": payload}
        assert fill(answer, want) == want, line


def test_herdsman_reads_our_other_frames(probe, herdsman):
    frames = other_frames()
    written = [a["frame"] for a in probe([f[0] for f in frames])]
    read = herdsman([{"read": w, "cluster": f[1]}
                     for w, f in zip(written, frames)])
    for frame, answer in zip(frames, read):
        line, _, name, server, specific, payload, tsn = frame
        want = {"name": name, "specific": specific, "server": server,
                "ddr": True, "manufacturer": False, "tsn": tsn,
                "payload": payload}
        assert fill(answer, want) == want, line


def test_herdsman_writes_the_same_bytes(probe, herdsman):
    """Byte for byte, where the other side can write the frame at all."""
    frames = server_frames()
    ours = [a["frame"] for a in probe([f[0] for f in frames])]
    theirs = herdsman([
        {"write": name, "cluster": cluster, "specific": True, "server": True,
         "ddr": True, "tsn": tsn, "payload": payload}
        for _, tsn, cluster, name, payload in frames])
    for frame, our, their in zip(frames, ours, theirs):
        assert our == their["frame"], frame[0]


# What a device sends


def requests():
    """(name, payload, what else it says)."""
    draw = Draw(19)
    for i in range(ROUNDS):
        key = key_fields(draw.key())
        hw = {"hardwareVersion": draw.bits(16)} if i % 2 else {}
        yield ("queryNextImageRequest",
               {"fieldControl": int(bool(hw)), **key, **hw}, 1)
        eui = draw.random.randbytes(8)
        ieee = {"requestNodeIeeeAddress": f"0x{eui.hex()}"} if i % 2 else {}
        period = {"minimumBlockPeriod": draw.bits(16)} if i % 3 else {}
        place = {**key, "fileOffset": draw.bits(32),
                 "maximumDataSize": draw.bits(8) or 1}
        yield ("imageBlockRequest",
               {"fieldControl": len(ieee) | len(period) << 1, **place,
                **ieee, **period}, 3)
        yield ("imagePageRequest",
               {"fieldControl": len(ieee), **place,
                "pageSize": draw.bits(16) or 1,
                "responseSpacing": draw.bits(16), **ieee}, 4)
        yield ("upgradeEndRequest",
               {"status": draw.random.choice([0, 0x95, 0x96, 0x99]), **key},
               6)
        yield ("queryDeviceSpecificFileRequest",
               {"eui64": f"0x{eui.hex()}",
                **key_fields(draw.key(TYPE_LAST + 1, 0xfffe)),
                "zigbeeStackVersion": draw.bits(16)}, 8)


def expected(payload):
    want = {k: str(v) for k, v in payload.items() if k != "fieldControl"}
    for name in ("eui64", "requestNodeIeeeAddress"):
        if name in want:
            turned = bytes.fromhex(want.pop(name)[2:])[::-1]
            want["eui64"] = turned.hex()
    return want


def test_we_read_what_herdsman_writes(probe, herdsman):
    asked = list(requests())
    written = herdsman([
        {"write": name, "cluster": "genOta", "specific": True,
         "server": False, "ddr": bool(i % 2), "tsn": i % 256, "payload": p}
        for i, (name, p, _) in enumerate(asked)])
    read = probe([f"read {w['frame']}" for w in written])
    for i, ((name, payload, command), got) in enumerate(zip(asked, read)):
        want = {**expected(payload), "specific": "1", "server": "0",
                "ddr": str(i % 2), "tsn": str(i % 256),
                "command": str(command)}
        assert {k: got.get(k) for k in want} == want, name
        assert "error" not in got
        for optional in ("hardwareVersion", "minimumBlockPeriod"):
            assert (optional in got) == (optional in want), (name, optional)


def test_we_refuse_what_herdsman_writes_without_data(probe, herdsman):
    name, payload, _ = next(r for r in requests()
                            if r[0] == "imageBlockRequest")
    written, = herdsman([{
        "write": name, "cluster": "genOta", "specific": True,
        "server": False, "ddr": False, "tsn": 0,
        "payload": {**payload, "maximumDataSize": 0}}])
    got, = probe([f"read {written['frame']}"])
    assert (got["error"], got["field"]) == ("zcl-field", "max_data")


# Read responses: type at herdsman, value, what we make of it.
VALUES = [
    (0x20, 3, "number=3"),
    (0x21, 0x117c, f"number={0x117c}"),
    (0x22, 0x010203, f"number={0x010203}"),
    (0x23, 0x0a0b0c0d, f"number={0x0a0b0c0d}"),
    (0x18, 0x80, "number=128"),
    (0x19, 0x8001, f"number={0x8001}"),
    (0x30, 6, "number=6"),
    (0x31, 0x0203, f"number={0x0203}"),
    (0x42, "TRADFRI bulb", f"data={b'TRADFRI bulb'.hex()}"),
    (0x42, "", "data="),
    (0x10, 1, "data=01"),
    (0x28, -1, "data=ff"),
    (0x2b, -2, "data=feffffff"),
    (0x39, 1.5, "data=0000c03f"),
    (0xf0, "0x00124b0011223344", "data=44332211004b1200"),
    (0xe2, 0x01020304, "data=04030201"),
]


@pytest.mark.parametrize("kind, value, want", VALUES)
def test_we_read_records_that_herdsman_writes(probe, herdsman, kind, value,
                                              want):
    written, = herdsman([{
        "write": "readRsp", "cluster": "genBasic", "specific": False,
        "server": True, "ddr": True, "tsn": 9,
        "payload": [{"attrId": 0xfffe, "status": 0x86},
                    {"attrId": 5, "status": 0, "dataType": kind,
                     "attrData": value},
                    {"attrId": 6, "status": 0, "dataType": 0x20,
                     "attrData": 77}]}])
    got, = probe([f"read {written['frame']}"])
    assert got["65534:status"] == "134" and "error" not in got
    assert got["5:status"] == "0" and got["6:number"] == "77"
    name, _, text = want.partition("=")
    assert got[f"5:{name}" if name == "number" else name] == text


# tshark


def packet(zcl, from_device=False):
    """An 802.15.4 frame without FCS around it, coordinator to 0x1000 or back."""
    source, to = (0x1000, 0) if from_device else (0, 0x1000)
    return (struct.pack("<HBHHH", 0x8861, 0, 0x1a62, to, source) +
            struct.pack("<HHHBB", 0x0008, to, source, 0x1e, 0) +
            struct.pack("<BBHHBB", 0, 1, 0x0019, 0x0104, 1, 0) + zcl)


def program():
    found = shutil.which("tshark")
    if not found:
        pytest.fail("tshark is missing; scripts/setup test installs it")
    return found


def tshark(tmp_path, frames, fields, from_device=False):
    """The fields of each frame, and what it complains of."""
    path = tmp_path / "frames.pcap"
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 230))
        for zcl in frames:
            raw = packet(zcl, from_device)
            out.write(struct.pack("<IIII", 0, 0, len(raw), len(raw)) + raw)
    names = ["_ws.malformed", "_ws.expert.message", *fields]
    done = subprocess.run(
        [program(), "-r", path, "-T", "fields", "-E", "separator=|",
         *(a for name in names for a in ("-e", name))],
        capture_output=True, text=True, check=True, timeout=120)
    rows = [dict(zip(names, line.split("|")))
            for line in done.stdout.splitlines()]
    assert len(rows) == len(frames), done.stderr
    return rows


def known(fields):
    """Those of the fields that this release of tshark has."""
    listed = subprocess.run([program(), "-G", "fields"], capture_output=True,
                            text=True, check=True, timeout=120).stdout
    names = {line.split("\t")[2] for line in listed.splitlines()
             if line.startswith("F\t")}
    return {name: field for name, field in fields.items() if field in names}


def number(text):
    """tshark prints numbers in decimal or behind 0x, times in seconds."""
    return int(text, 0) if text else None


FIELDS = {
    "payloadType": OTA + "payload.type",
    "queryJitter": OTA + "query_jitter",
    "manufacturerCode": OTA + "manufacturer_code",
    "imageType": OTA + "image.type",
    "fileVersion": OTA + "file.version",
    "imageSize": OTA + "image.size",
    "status": OTA + "status",
    "fileOffset": OTA + "file.offset",
    "dataSize": OTA + "data_size",
    "currentTime": OTA + "current_time",
    "requestTime": OTA + "request_time",
    "upgradeTime": OTA + "upgrade_time",
}
# From 4.4 on tshark calls a time that counts from 2000, not from now, by a name
# of its own.
UTC_TIMES = {"upgradeTime": OTA + "upgrade_time_utc"}
COMMANDS = {"imageNotify": 0, "queryNextImageResponse": 2,
            "imageBlockResponse": 5, "upgradeEndResponse": 7,
            "queryDeviceSpecificFileResponse": 9}


def test_tshark_reads_what_we_write(probe, tmp_path):
    frames = server_frames()
    written = [bytes.fromhex(a["frame"])
               for a in probe([f[0] for f in frames])]
    utc = known(UTC_TIMES)
    rows = tshark(tmp_path, written, [
        "zbee_zcl.type", "zbee_zcl.dir", "zbee_zcl.ddr", "zbee_zcl.cmd.tsn",
        OTA + "cmd.srv_tx.id", OTA + "image.data", *FIELDS.values(),
        *utc.values()])
    for (line, tsn, _, name, payload), row in zip(frames, rows):
        assert not row["_ws.malformed"] and not row["_ws.expert.message"], \
            (line, row)
        assert number(row["zbee_zcl.type"]) == 1, line
        assert row["zbee_zcl.dir"] in ("1", "True"), line
        assert row["zbee_zcl.ddr"] in ("1", "True"), line
        assert number(row["zbee_zcl.cmd.tsn"]) == tsn, line
        assert number(row[OTA + "cmd.srv_tx.id"]) == COMMANDS[name], line
        data = row[OTA + "image.data"].replace(":", "")
        assert data == payload.get("data", "hex:")[4:], line
        for field, theirs in FIELDS.items():
            shown = row[theirs] or row.get(utc.get(field), "")
            assert number(shown) == payload.get(field), (line, field)


def test_tshark_finds_a_wrong_length(probe, tmp_path):
    """That it says nothing of our frames means something."""
    block, = probe(["block 1 2 3 4 5 00112233"])
    row, = tshark(tmp_path, [bytes.fromhex(block["frame"])[:-1]], [])
    assert row["_ws.malformed"] or row["_ws.expert.message"]
