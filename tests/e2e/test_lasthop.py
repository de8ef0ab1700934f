"""The last hop: envelopes with a MAC for devices that check no signature."""

import hmac
import json
import shutil
import signal

import cbor2
import pytest

from ferrytest.publish import Publisher, mcuboot_image
from ferrytest.site import Site, wait_for

HUB, EPOCH = "hub-1", 7


def hub_key(device_key, hub=HUB, epoch=EPOCH):
    """By hand from RFC 5869 and docs/formats.md."""
    info = cbor2.dumps(["ferry fw-mac 1", hub, epoch])
    prk = hmac.digest(bytes(32), device_key, "sha256")
    return hmac.digest(prk, info + b"\1", "sha256")


def keys_of(path):
    lines = [line.split() for line in path.read_text().splitlines()]
    return {words[1]: bytes.fromhex(words[2]) for words in lines
            if words[0] == "device"}


def bundle_of(envelope, image, key, hub=HUB, epoch=EPOCH, strip=False):
    """The bundle of docs/formats.md, by another encoder."""
    members = cbor2.loads(envelope).value
    digest, *blocks = cbor2.loads(members[2])
    if strip:
        blocks = [b for b in blocks if cbor2.loads(b).tag not in (18, 98)]
    protected = cbor2.dumps({1: 5, 4: cbor2.dumps([hub, epoch])})
    tag = hmac.digest(key, cbor2.dumps(["MAC0", protected, b"", digest]),
                      "sha256")
    mac = cbor2.dumps(cbor2.CBORTag(17, [protected, {}, None, tag]))
    manifest = cbor2.loads(members[3])
    install = cbor2.loads(manifest[20])
    made = {2: cbor2.dumps([digest, *blocks, mac]), 3: members[3]}
    made.update({k: v for k, v in members.items()
                 if k not in (2, 3, 14, 23)})
    made[install[1][21]] = image
    return cbor2.dumps(cbor2.CBORTag(107, made))


@pytest.fixture(scope="module")
def made(build_dir, tmp_path_factory):
    """A release, two devices' secrets, and the keys of a hub."""
    folder = tmp_path_factory.mktemp("lasthop")
    p = Publisher(build_dir, folder / "pub")
    p.init("Acme", "--domain", "acme.example")
    p.add_class("sensor")
    p.image, _ = mcuboot_image((1, 2, 3, 0), b"first" * 500)
    p.first = p.release("sensor", p.image, "--notes", "hello")
    p.devices = folder / "devices"
    p.run("device-keys", p.devices, "lamp-1", "lamp-2")
    p.hub = folder / "hub"
    p.run("hub-keys", "--device-keys", p.devices, "--hub", HUB, "--epoch",
          EPOCH, "--out", p.hub)
    return p


def make_bundle(p, out, *options, device="lamp-1", hub=None):
    p.run("bundle", p.envelope(p.first), p.payload(p.first), "--hub-keys",
          hub or p.hub, "--device", device, "--out", out, *options)
    return out


def verify(p, path, *options, check=0, keys=None):
    done = p.run("verify", path, "--device-key", keys or p.devices, "--json",
                 *options, check=check)
    answer = json.loads(done.stdout)
    return answer, {c["name"]: c for c in answer["checks"]}


def test_device_keys_are_random_private_and_added_to(made, tmp_path):
    path = tmp_path / "keys"
    made.run("device-keys", path, "a", "b")
    first = keys_of(path)
    made.run("device-keys", path, "c")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(keys_of(path)) == ["a", "b", "c"]
    assert {k: v for k, v in keys_of(path).items() if k != "c"} == first
    assert len(set(keys_of(path).values())) == 3


def test_device_keys_refuses_a_name_twice_and_keeps_the_file(made, tmp_path):
    path = tmp_path / "keys"
    made.run("device-keys", path, "a")
    before = path.read_bytes()
    done = made.run("device-keys", path, "a", check=1)
    assert "stands there twice" in done.stderr
    assert path.read_bytes() == before


def test_hub_keys_by_another_implementation(made):
    secrets, derived = keys_of(made.devices), keys_of(made.hub)
    assert derived == {n: hub_key(k) for n, k in secrets.items()}
    assert made.hub.stat().st_mode & 0o777 == 0o600
    assert f"hub {HUB}\nepoch {EPOCH}\n" in made.hub.read_text()


def test_hub_keys_of_some_devices_only(made, tmp_path):
    out = tmp_path / "hub"
    made.run("hub-keys", "--device-keys", made.devices, "--hub", "x",
             "--epoch", 1, "--device", "lamp-2", "--out", out)
    assert list(keys_of(out)) == ["lamp-2"]


@pytest.mark.parametrize("options, text", [
    (("--hub", "a/b", "--epoch", "1"), "--hub"),
    (("--hub", "x" * 65, "--epoch", "1"), "--hub"),
    (("--hub", "h"), "--epoch"),
    (("--hub", "h", "--epoch", "-1"), "--epoch"),
    (("--hub", "h", "--epoch", "1", "--device", "none"), "none"),
])
def test_hub_keys_bad_arguments_are_refused(made, tmp_path, options, text):
    out = tmp_path / "hub"
    done = made.run("hub-keys", "--device-keys", made.devices, "--out", out,
                    *options, check=None)
    assert done.returncode and text in done.stderr and not out.exists()


def test_keys_that_others_may_read_are_refused(made, tmp_path):
    path = tmp_path / "keys"
    path.write_bytes(made.devices.read_bytes())
    path.chmod(0o640)
    done = made.run("hub-keys", "--device-keys", path, "--hub", "h",
                    "--epoch", 1, "--out", tmp_path / "hub", check=None)
    assert done.returncode == 1 and "0600" in done.stderr


@pytest.mark.parametrize("strip", [False, True])
def test_bundle_byte_for_byte_by_another_encoder(made, tmp_path, strip):
    path = make_bundle(made, tmp_path / "b",
                       *(["--strip-signatures"] if strip else []))
    expected = bundle_of(made.envelope(made.first).read_bytes(), made.image,
                         keys_of(made.hub)["lamp-1"], strip=strip)
    assert path.read_bytes() == expected


def test_verify_device_key_accepts_what_the_device_would(made, tmp_path):
    path = make_bundle(made, tmp_path / "b")
    answer, checks = verify(made, path, "--epoch", EPOCH, "--floor",
                            made.first["sequence"], "--strict")
    assert answer["accepted"]
    assert "lamp-1 by hub hub-1" in checks["last-hop-mac"]["evidence"]
    assert {c["outcome"] for c in checks.values()} == {"pass"}


def test_verify_device_key_with_root_judges_the_author_too(made, tmp_path):
    path = make_bundle(made, tmp_path / "b")
    _, checks = verify(made, path, "--root", made.root(), "--revocation",
                       "off")
    assert checks["author-signature"]["outcome"] == "pass"
    assert checks["last-hop-mac"]["outcome"] == "pass"
    stripped = make_bundle(made, tmp_path / "s", "--strip-signatures")
    _, checks = verify(made, stripped, "--root", made.root(), "--revocation",
                       "off", check=1)
    assert checks["author-signature"]["code"] == "trust-suit-mac-only"
    assert checks["last-hop-mac"]["outcome"] == "pass"


def change(path, at, out):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    out.write_bytes(data)
    return out


def test_verify_device_key_refusals_have_their_codes(made, tmp_path):
    good = make_bundle(made, tmp_path / "b")
    data = good.read_bytes()
    other = tmp_path / "other"
    made.run("device-keys", other, "lamp-1")
    rows = [
        ("last-hop-mac", "trust-cose-mac", good, {"keys": other}, ()),
        ("last-hop-epoch", "lasthop-epoch", good, {},
         ("--epoch", EPOCH + 1)),
        ("last-hop-sequence", "trust-suit-sequence", good, {},
         ("--floor", made.first["sequence"] + 1)),
        ("last-hop-image", "lasthop-image",
         change(good, -1, tmp_path / "image"), {}, ()),
        ("last-hop-form", "lasthop-form",
         change(good, 0, tmp_path / "form"), {}, ()),
        ("last-hop-form", "lasthop-form", made.envelope(made.first), {}, ()),
    ]
    tag = data.index(hmac.digest(
        keys_of(made.hub)["lamp-1"],
        cbor2.dumps(["MAC0", cbor2.dumps({1: 5, 4: cbor2.dumps([HUB, EPOCH])}),
                     b"", cbor2.loads(cbor2.loads(
                         made.envelope(made.first).read_bytes()).value[2])[0]]),
        "sha256"))
    rows.append(("last-hop-mac", "trust-cose-mac",
                 change(good, tag, tmp_path / "tag"), {}, ()))
    for name, code, path, more, options in rows:
        answer, checks = verify(made, path, *options, check=1, **more)
        assert not answer["accepted"]
        assert checks[name]["code"] == code, (name, path)


def test_verify_device_key_without_mac_is_refused(made, tmp_path):
    members = cbor2.loads(made.envelope(made.first).read_bytes()).value
    install = cbor2.loads(cbor2.loads(members[3])[20])
    bare = {2: members[2], 3: members[3], install[1][21]: made.image}
    path = tmp_path / "bare"
    path.write_bytes(cbor2.dumps(cbor2.CBORTag(107, bare)))
    _, checks = verify(made, path, check=1)
    assert checks["last-hop-mac"]["code"] == "lasthop-no-mac"


def test_verify_device_key_takes_no_catalog(made, tmp_path):
    path = make_bundle(made, tmp_path / "b")
    done = made.run("verify", path, "--device-key", made.devices,
                    "--catalog", made.catalog, check=2)
    assert "bundle" in done.stderr


# From the publisher to the ledger


class Hop:
    """A site whose lamps take envelopes with a MAC only."""

    def __init__(self, site, names=("lamp-1", "lamp-2")):
        self.site = site
        self.secrets = site.folder / "devices.keys"
        self.hub = site.folder / "hub.keys"
        site.publish("device-keys", str(self.secrets), *names)
        self.derive()
        site.vendor_extra = f'device_keys = "{self.hub}";'
        site.write_config()

    def derive(self, epoch=EPOCH, *options, secrets=None):
        self.site.publish("hub-keys", "--device-keys",
                          str(secrets or self.secrets), "--hub", HUB,
                          "--epoch", str(epoch), "--out", str(self.hub),
                          *options)

    def add_class(self, more=""):
        self.site.add_class(
            "lamp", 'envelope = "integrated"; ' + more, options="framing="
            "console erase_ms=3000 return_ms=15000 boot_ms=300")

    def start_sim(self, count=2, more="", secrets=None):
        return self.site.start_sim(
            f"name=lamp-%u,count={count},first=1,version=1.0.0,"
            f"device_keys={secrets or self.secrets}{more}")

    def reload(self):
        self.site.ferryd.send_signal(signal.SIGHUP)


@pytest.fixture
def hop(tmp_path, build_dir):
    with Site(tmp_path, build_dir) as site:
        yield Hop(site)


def alarms(site):
    return {a["code"]: a["text"] for a in site.get("/v1/status")["alarms"]}


def step(site, job, number):
    ledger = site.get(f"/v1/jobs/{job['id']}")["ledger"]
    return [row for row in ledger if row["step"] == number][-1]


def test_device_gets_its_mac_and_the_ledger_says_whose(hop):
    site = hop.site
    hop.add_class()
    image = site.release("lamp", "2.0.0")
    sim = hop.start_sim()
    site.start_ferryd()
    for name in ("lamp-1", "lamp-2"):
        job = site.wait_job(name, "done")
        state = sim.state(name)
        assert state["running"]["version"] == "2.0.0"
        assert state["floors"]["epoch"] == EPOCH
        row = step(site, job, 8)
        evidence = row["evidence"]
        assert row["outcome"] == "declared"
        assert (evidence["hub"], evidence["epoch"]) == (HUB, EPOCH)
    assert image.stat().st_size < sim.counts("lamp-1")["payload_accepted"]
    for key in (*keys_of(hop.hub).values(), *keys_of(hop.secrets).values()):
        for path in site.folder.rglob("*"):
            if path.is_file() and path not in (hop.hub, hop.secrets):
                data = path.read_bytes()
                assert key not in data and key.hex().encode() not in data


@pytest.mark.parametrize("strip", [False, True])
def test_what_arrives_is_the_bundle_byte_for_byte(hop, strip):
    site = hop.site
    hop.add_class("strip_signatures = true;" if strip else "")
    image = site.release("lamp", "2.0.0")
    # The bootloader refuses in the end, which leaves nothing; look before.
    sim = hop.start_sim(1, ",swap=20s")
    site.start_ferryd()
    wait_for("the upload", lambda: sim.counts("lamp-1")["uploads_finished"])
    dump = site.folder / "dump"
    sim.do(f"dump lamp-1 1 {dump}")
    envelope = next((site.pub / "www" / "e").iterdir()).read_bytes()
    expected = bundle_of(envelope, image.read_bytes(),
                         keys_of(hop.hub)["lamp-1"], strip=strip)
    assert dump.read_bytes()[:len(expected)] == expected
    bundle = site.folder / "bundle"
    bundle.write_bytes(expected)
    site.publish("verify", str(bundle), "--device-key", str(hop.secrets))


def test_killed_in_mid_transfer_the_upload_goes_on(hop):
    site = hop.site
    hop.add_class()
    site.release("lamp", "2.0.0", size=60000)
    sim = hop.start_sim(1, ",baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 40)
    site.kill_ferryd()
    site.start_ferryd()
    job = site.wait_job("lamp-1", "done")
    counts = sim.counts("lamp-1")
    assert counts["uploads_started"] == 1
    assert counts["payload_repeated"] < 4096
    assert step(site, job, 8)["evidence"]["epoch"] == EPOCH


def test_killed_after_the_restart_the_ledger_still_says_whose(hop):
    site = hop.site
    hop.add_class()
    site.release("lamp", "2.0.0")
    hop.start_sim(1, ",swap=2s")
    site.start_ferryd()
    site.wait_job("lamp-1", "activating")
    wait_for("the restart", lambda: site.sims[0].state("lamp-1")["state"] ==
             "swapping")
    site.kill_ferryd()
    site.start_ferryd()
    job = site.wait_job("lamp-1", "done")
    assert step(site, job, 8)["evidence"]["hub"] == HUB


def test_wrong_key_is_refused_by_the_device(hop):
    site = hop.site
    hop.add_class()
    site.release("lamp", "2.0.0")
    other = site.folder / "other.keys"
    site.publish("device-keys", str(other), "lamp-1")
    sim = hop.start_sim(1, secrets=other)
    site.start_ferryd()
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "smp-boot-refused"
    state = sim.state("lamp-1")
    assert state["running"]["version"] == "1.0.0"
    assert state["counts"]["refused_images"] == 1
    assert state["floors"] == {"sequence": 0, "epoch": 0}


def test_without_an_envelope_the_device_takes_nothing(hop):
    site = hop.site
    site.add_class("lamp")
    site.release("lamp", "2.0.0")
    sim = hop.start_sim(1)
    site.start_ferryd()
    site.wait_job("lamp-1", "failed")
    assert sim.state("lamp-1")["running"]["version"] == "1.0.0"


def test_device_without_key_waits_until_there_is_one(hop):
    site = hop.site
    hop.derive(EPOCH, "--device", "lamp-2")
    hop.add_class()
    site.release("lamp", "2.0.0")
    sim = hop.start_sim()
    site.start_ferryd()
    site.wait_job("lamp-2", "done")
    rows = [r for r in site.get("/v1/plan")["items"]
            if r["device"] == "lamp-1"]
    assert (rows[0]["decision"], rows[0]["reason"]["code"]) == (
        "wait", "lasthop-no-key")
    assert not site.job("lamp-1")
    hop.derive()
    hop.reload()
    site.wait_job("lamp-1", "done")
    assert sim.state("lamp-1")["running"]["version"] == "2.0.0"


def test_job_whose_key_was_taken_away_waits_for_it(hop):
    site = hop.site
    hop.add_class('approval = "ask";')
    site.release("lamp", "2.0.0")
    hop.start_sim(1)
    site.start_ferryd()
    job = site.wait_job("lamp-1", "waiting")
    hop.derive(EPOCH, secrets=None)
    keys = hop.hub.read_text()
    hop.hub.write_text("".join(line + "\n" for line in keys.splitlines()
                               if "lamp-1" not in line))
    hop.reload()
    site.post(f"/v1/jobs/{job['id']}/approve")

    def gates():
        return {g["gate"]: g for g in site.job("lamp-1")["gates"]}

    wait_for("the gate", lambda: "lasthop-no-key" in str(
        gates().get("image")))
    hop.hub.write_text(keys)
    hop.reload()
    site.wait_job("lamp-1", "done")


def test_new_epoch_in_mid_transfer_begins_the_upload_again(hop):
    site = hop.site
    hop.add_class()
    site.release("lamp", "2.0.0", size=60000)
    sim = hop.start_sim(1, ",baud=115200")
    site.start_ferryd()
    site.wait_progress("lamp-1", 30)
    hop.derive(EPOCH + 1)
    hop.reload()
    site.wait_job("lamp-1", "done")
    assert sim.counts("lamp-1")["uploads_started"] == 2
    assert sim.state("lamp-1")["floors"]["epoch"] == EPOCH + 1


def test_lower_epoch_is_refused_after_a_higher_one_also_by_a_new_start(hop):
    site = hop.site
    hop.add_class()
    hop.start_sim(1)
    site.start_ferryd()
    wait_for("the keys", lambda: site.logged("device keys read"))
    site.stop_ferryd()
    hop.derive(EPOCH - 1)
    site.release("lamp", "2.0.0")
    site.start_ferryd()
    assert "lower than one" in alarms(site)["device-keys:acme"]
    assert not site.job("lamp-1")
    hop.derive(EPOCH + 1)
    hop.reload()
    site.wait_job("lamp-1", "done")
    assert "device-keys:acme" not in alarms(site)
    assert site.sims[0].state("lamp-1")["floors"]["epoch"] == EPOCH + 1


def test_device_refuses_a_hub_that_a_later_epoch_cut_off(hop):
    """Another hub was given a higher epoch; ours is the lost one."""
    site = hop.site
    hop.add_class()
    site.release("lamp", "2.0.0")
    sim = hop.start_sim(1)
    site.start_ferryd()
    site.wait_job("lamp-1", "done")
    site.stop_ferryd()
    hop.derive(EPOCH + 5)
    site.release("lamp", "3.0.0")
    site.start_ferryd()
    wait_for("3.0.0", lambda: sim.state("lamp-1")["running"]["version"] ==
             "3.0.0" and site.wait_job("lamp-1", "done"))
    assert sim.state("lamp-1")["floors"]["epoch"] == EPOCH + 5
    site.stop_ferryd()
    # A hub that never saw the higher epoch: a state of its own.
    shutil.rmtree(site.state)
    site.state.mkdir(mode=0o700)
    hop.derive(EPOCH)
    site.release("lamp", "4.0.0")
    site.start_ferryd()
    job = site.wait_job("lamp-1", "failed")
    assert job["failure"]["code"] == "smp-boot-refused"
    assert sim.state("lamp-1")["running"]["version"] == "3.0.0"


@pytest.mark.parametrize("spoil, text", [
    (lambda p: p.chmod(0o644), "0600"),
    (lambda p: p.write_text("ferry-hub-keys 9\n"), "line 1"),
    (lambda p: p.unlink(), "no such file"),
])
def test_bad_file_of_keys_raises_an_alarm_and_stops_only_its_devices(
        hop, spoil, text):
    site = hop.site
    hop.add_class()
    site.add_class("plain")
    site.release("lamp", "2.0.0")
    site.release("plain", "2.0.0")
    spoil(hop.hub)
    site.start_sim(["name=plain-1", "name=lamp-1,version=1.0.0,"
                    f"device_keys={hop.secrets}"])
    site.start_ferryd()
    site.wait_job("plain-1", "done")
    assert text in alarms(site)["device-keys:acme"].lower()
    assert not site.job("lamp-1")
