"""ferry-publish and ZigBee: images in OTA files, and quirks in the catalog."""

import os
import struct
from pathlib import Path

import cbor2
import pytest

from ferrytest import formats
from ferrytest.publish import Publisher

IMAGES = Path(os.environ.get("FERRY_SHARED_DIR", "/nonexistent"),
              "images/zigbee")
ROWS = 'manufacturer=0x1234 : block_max=48 # ours\nmodel="TRV*" : no_end=yes\n'


def ota_file(version=0x0a0b0c0d, elements=((0, b"image"),), cut=0, **header):
    """An OTA file. Header fields by name; `cut` bytes are taken off its end."""
    body = b"".join(struct.pack("<HI", tag, len(data)) + data
                    for tag, data in elements)
    field = {"format": 0x0100, "length": 56, "control": 0, **header}
    return (struct.pack(
        "<IHHHHHIH32sI", 0x0BEEF11E, field["format"], field["length"],
        field["control"], 0x1234, 0x0102, version, 2, b"test",
        56 + len(body)) + body)[:-cut or None]


@pytest.fixture
def publisher(build_dir, tmp_path):
    p = Publisher(build_dir, tmp_path / "pub")
    p.init("Acme")
    p.add_class("bulb")
    return p


@pytest.fixture
def images():
    if not IMAGES.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{IMAGES} is missing")
        pytest.skip(f"{IMAGES} is missing")
    return IMAGES


def refused(p, image, *args):
    path = p.folder.parent / "bad.bin"
    path.write_bytes(image)
    out = p.run("release", "--class", "bulb", "--firmware", path, *args,
                check=1)
    assert str(path) in out.stderr
    assert not list((p.folder / "releases").glob("*.json"))
    return out.stderr


def catalog(p):
    root = formats.Root(p.root().read_bytes())
    return formats.Catalog(p.catalog.read_bytes(), root)


# Images


def test_expect_is_the_version_of_the_header(publisher):
    record = publisher.release("bulb", ota_file())
    assert record["expect_version"] == "0x0a0b0c0d"
    assert record["version"] == "0x0a0b0c0d"
    assert catalog(publisher).entries[0][9] == {1: "0x0a0b0c0d"}


def test_version_for_people_is_another_one(publisher):
    record = publisher.release("bulb", ota_file(), "--version", "2.3.93")
    assert record["version"] == "2.3.93"
    assert record["expect_version"] == "0x0a0b0c0d"


@pytest.mark.parametrize("told, warns", [
    ("0x0a0b0c0d", False), ("168496141", False), ("0x0a0b0c0e", True),
    ("2.3.93", True)])
def test_expected_version_that_differs_warns(publisher, tmp_path, told, warns):
    path = tmp_path / "image"
    path.write_bytes(ota_file())
    out = publisher.run("release", "--class", "bulb", "--firmware", path,
                        "--expect-version", told)
    assert ("--expect-version says" in out.stderr) == warns


def test_container_is_published_whole(publisher):
    container = b"NGIS" + bytes(500) + ota_file() + b"signature"
    record = publisher.release("bulb", container)
    assert record["expect_version"] == "0x0a0b0c0d"
    assert publisher.payload(record).read_bytes() == container


@pytest.mark.parametrize("image, said", [
    (ota_file(cut=1), ("promises 67 bytes", "has 66")),
    (ota_file(format=0x0101), ("header.version",)),
    (ota_file(control=4), ("header.length",)),
    (ota_file(control=0x100), ("header.field_control",)),
    (b"\xa7\xe4\x03\x00" + ota_file(cut=5), ("promises 67", "has 62")),
], ids=["cut", "version", "length", "control", "cut in a container"])
def test_broken_file_is_refused(publisher, image, said):
    text = refused(publisher, image)
    for part in said:
        assert part in text


def test_magic_by_chance_only_warns(publisher, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(b"firmware" + struct.pack("<I", 0x0BEEF11E) + bytes(500))
    out = publisher.run("release", "--class", "bulb", "--firmware", path,
                        "--expect-version", "1")
    assert "taken for no ZigBee OTA file" in out.stderr


@pytest.mark.parametrize("image, said", [
    (ota_file(elements=((0, b"x"), (0xcdef, b"y"))), "0xcdef"),
    (ota_file(elements=((3, bytes(16)),)), "upgrade image"),
    (ota_file() + b"more", "behind"),
    (b"more" + ota_file(), "before"),
    (b"no OTA file", "must be a ZigBee OTA file"),
], ids=["tag", "no image", "behind", "before", "another format"])
def test_strict_refuses_what_is_out_of_the_ordinary(publisher, image, said):
    assert said in refused(publisher, image, "--strict-elements")


def test_strict_takes_what_is_as_specified(publisher):
    publisher.release("bulb", ota_file(
        elements=((0, b"image"), (3, bytes(16)), (0xf001, b""))),
        "--strict-elements")


def test_real_images_are_recognised(publisher, images):
    for name, version in (
            ("NodOn__128b-0102-030103-700_nodon_sin_4_2_20_fw_power_V030103"
             ".zigbee", "0x00030103"),
            ("Legrand__1021-000f-004745ff-NLL.zigbee", "0x004745ff"),
            ("IKEA__10035515-TRADFRI-bulb-cws-2.3.093.ota.ota.signed",
             "0x23093631")):
        record = publisher.release("bulb", images / name)
        assert record["expect_version"] == version


def test_real_truncated_image_is_refused_with_both_sizes(publisher, images):
    path, = images.glob("ONOKOM*")
    out = publisher.run("release", "--class", "bulb", "--firmware", path,
                        check=1)
    assert "278830" in out.stderr and "92222" in out.stderr


def test_show_prints_the_header(publisher, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(b"\xa7\0\0\0" + ota_file(
        elements=((0, b"image"), (0xf001, b"x\n"))) + b"behind")
    shown = publisher.run("show", path).stdout
    for part in ("0x1234", "0x0102", "0x0a0b0c0d", "4 bytes before",
                 "6 behind", "element 0x0000    5 bytes at 62",
                 "element 0xf001    2 bytes at 73"):
        assert part in shown, shown


def test_show_tells_of_a_cut_file(publisher, tmp_path):
    path = tmp_path / "image"
    path.write_bytes(ota_file(cut=2))
    out = publisher.run("show", path, check=1)
    assert "promises 67 bytes, the file has 65" in out.stderr


# Quirks


def test_rows_of_text_become_the_catalogs_quirks(publisher, tmp_path):
    path = tmp_path / "rows"
    path.write_text(ROWS)
    publisher.run("catalog", "--quirks", path)
    assert catalog(publisher).data[9] == cbor2.dumps({"zigbee-ota": ROWS})


def test_map_of_several_engines_is_taken_as_it_is(publisher, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(cbor2.dumps({"other": [1, b"2"], "zigbee-ota": ROWS},
                                 canonical=True))
    publisher.run("catalog", "--quirks", path)
    assert catalog(publisher).data[9] == path.read_bytes()


@pytest.mark.parametrize("content, said", [
    (b"type=1 : pages=no\ntype=2 : blok_max=40\n", "line 2: blok_max"),
    (b"type=1 : block_max=255\n", "line 1: block_max=255: must be 8 to 64"),
    (b"type=1\n", "line 1"),
    (cbor2.dumps({"zigbee-ota": "\n\ntype=1 : x=1"}), "line 3: x"),
    (cbor2.dumps({"zigbee-ota": b"type=1 : pages=no"}), "cbor"),
    (cbor2.dumps({"a": 1}) + b"\0", "cbor-trailing"),
    (b"\xff\xfe", "line 1"),
    (b"", "is empty"),
], ids=["word", "value", "form", "word in a map", "bytes", "trailing", "noise",
        "empty"])
def test_wrong_quirks_are_refused(publisher, tmp_path, content, said):
    before = publisher.catalog.read_bytes() if publisher.catalog.exists() \
        else None
    path = tmp_path / "quirks"
    path.write_bytes(content)
    out = publisher.run("catalog", "--quirks", path, check=1)
    assert said in out.stderr and str(path) in out.stderr
    after = publisher.catalog.read_bytes() if publisher.catalog.exists() \
        else None
    assert after == before
