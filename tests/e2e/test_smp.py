"""The SMP engine on real PTYs against ferry-sim: two implementations that share
no protocol code check each other, one row a peculiarity."""

import json
import subprocess

import pytest

from ferrytest.simulator import Simulator, make_image

STAGES = ["transfer", "staged", "activate", "restart", "confirm"]
QUICK = "boot_ms=300 return_ms=15000 answer_ms=700 erase_ms=6000 last_ms=3000"


class Bench:
    """One simulated device and the image that it is to get."""

    def __init__(self, build_dir, folder, settings="", size=20000,
                 version="2.0.0"):
        self.build_dir = build_dir
        self.image = folder / "new.bin"
        self.want = make_image(build_dir, self.image, version, size)
        self.sim = Simulator(build_dir, folder,
                             "name=dev" + ("," + settings if settings else ""))
        self.line = folder / "dev"

    def probe(self, options, *job):
        done = subprocess.run(
            [self.build_dir / "bin" / "smp_probe", self.line,
             f"{QUICK} {options}", *job],
            capture_output=True, text=True, timeout=120)
        assert done.returncode in (0, 1, 3), done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def wanted(self):
        return [self.image, self.want["sha256"], self.want["version"],
                self.want["hash"]]

    def update(self, options="", reached=-1):
        return self.probe(options, "update", *self.wanted(), str(reached))

    def update_until(self, stage, options=""):
        return self.probe(options, "update-until", str(STAGES.index(stage)),
                          *self.wanted())

    def counts(self):
        return self.sim.counts("dev")


@pytest.fixture
def bench(build_dir, tmp_path):
    made = []

    def make(*args, **kwargs):
        made.append(Bench(build_dir, tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.sim.kill()


# settings of the device, options of the engine, outcome, code
ROWS = {
    "plain": ("", "", "done", "ok"),
    "small-buffers": ("buf_size=384,buf_count=4", "", "done", "ok"),
    "v1-only": ("switch=v1-only", "", "done", "ok"),
    "v2-ret": ("switch=v2-ret,switch=image-errors=upload.30", "", "failed",
               "smp-image-refused"),
    "no-v1": ("switch=no-v1", "", "done", "ok"),
    "cbor": ("switch=cbor", "", "done", "ok"),
    "no-params": ("switch=no-params", "", "done", "ok"),
    "tiny-buffer-256": ("switch=tiny-buffer", "", "done", "ok"),
    "tiny-buffer-128": ("switch=tiny-buffer=128", "", "done", "ok"),
    "slow-erase": ("switch=slow-erase=2s", "", "done", "ok"),
    "busy": ("switch=busy=3", "", "done", "ok"),
    "loss": ("switch=loss=13", "", "done", "ok"),
    "late": ("switch=late=1500ms/9", "", "done", "ok"),
    "wrong-seq": ("switch=wrong-seq", "", "done", "ok"),
    "window-limit": ("switch=window-limit=2", "", "done", "ok"),
    "rewind": ("switch=rewind", "", "done", "ok"),
    "restart": ("switch=restart", "", "done", "ok"),
    "no-resume": ("switch=resume=off", "", "done", "ok"),
    "foreign-upload": ("switch=foreign-upload", "", "failed",
                       "smp-foreign-upload"),
    "match": ("switch=match", "", "done", "ok"),
    "match-false-once": ("switch=match-false=1:1", "", "done", "ok"),
    "match-false": ("switch=match-false", "", "failed", "smp-match"),
    "recovery": ("switch=recovery", "server=recovery", "done", "ok"),
    "recovery-raw": ("switch=recovery=32,switch=raw-uart",
                     "server=recovery framing=raw", "done", "ok"),
    "image-error-22": ("switch=image-errors=upload.22", "", "failed",
                       "smp-image-refused"),
    "image-error-12": ("switch=image-errors=upload.12", "", "done", "ok"),
    "image-error-30-v1": ("switch=v1-only,switch=image-errors=upload.30", "",
                          "done", "ok"),
    "no-free-slot": ("switch=no-free-slot", "", "failed",
                     "smp-no-free-slot"),
    "no-free-slot-confirm": ("switch=no-free-slot", "confirm_running=yes",
                             "done", "ok"),
    "test-confirm": ("switch=test-confirm=2s", "", "done", "ok"),
    "revert": ("switch=revert", "", "failed", "smp-reverted"),
    "no-revert": ("switch=no-revert", "", "done", "ok"),
    "direct-xip": ("switch=direct-xip", "", "done", "ok"),
    "bad-image": ("switch=bad-image", "", "failed", "smp-boot-refused"),
    "frugal": ("switch=frugal", "", "done", "ok"),
    "two-images": ("switch=two-images", "", "done", "ok"),
    "reset-refused": ("switch=reset-refused", "", "failed",
                      "smp-reset-refused"),
    "reset-forced": ("switch=reset-refused", "force_reset=yes", "done", "ok"),
    "reset-silent": ("switch=reset-silent", "", "done", "ok"),
    "noise": ("switch=noise=2", "", "done", "ok"),
    "line-limits": ("switch=line-limits", "", "done", "ok"),
    "line-limits-slow": ("switch=line-limits=15ms", "line_pause_ms=20",
                         "done", "ok"),
    "crc-flip": ("switch=crc-flip", "", "done", "ok"),
    "short-line": ("switch=short-line", "", "done", "ok"),
    "raw-uart": ("switch=raw-uart", "framing=raw", "done", "ok"),
    "hot-unplug": ("switch=hot-unplug", "", "done", "ok"),
    "no-state": ("switch=no-state", "", "unverified", "smp-no-read-back"),
    "no-bootloader-info": ("switch=no-bootloader-info", "", "done", "ok"),
}


@pytest.mark.parametrize("name", ROWS)
def test_update_ends_as_the_device_allows(bench, name):
    settings, options, outcome, code = ROWS[name]
    b = bench(settings)
    got = b.update(options)
    assert (got["outcome"], got["code"]) == (outcome, code), got
    if outcome == "done":
        assert got["version"] == "2.0.0"
        assert got["hash"] == b.want["hash"]
        assert b.counts()["resets"] == 1


def test_downgrade_is_named_with_both_versions(bench):
    b = bench("version=3.0.0,switch=downgrade", version="2.0.0")
    got = b.update("upgrade_only=yes")
    assert got["code"] == "smp-downgrade"
    assert got["hint"] == "it runs 3.0.0, the image is 2.0.0"


def test_self_revert_before_confirm_is_noticed(bench):
    b = bench("switch=self-revert=2s")
    assert b.update_until("confirm") is None
    b.sim.do("restart dev")
    got = b.update(reached=STAGES.index("restart"))
    assert got["code"] == "smp-reverted"


def test_inventory_writes_nothing(bench):
    b = bench()
    got = b.probe("", "inventory")
    assert got["version"] == "1.0.0" and got["confirmed"] == 1
    assert b.counts()["uploads_started"] == 0
    assert b.counts()["resets"] == 0


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_gateway_goes_on_from_the_device(bench, stage):
    b = bench()
    assert b.update_until(stage) is None
    got = b.update(reached=STAGES.index(stage) - 1)
    assert got["outcome"] == "done", got
    counts = b.counts()
    assert counts["resets"] == 1
    assert counts["reverts"] == 0
    assert counts["payload_repeated"] == 0


@pytest.mark.parametrize("settings,options", [
    ("baud=115200", ""),
    ("baud=115200,buf_size=384", ""),
    ("baud=115200,switch=raw-uart", "framing=raw"),
])
def test_line_at_115200_carries_every_byte_once(bench, settings, options):
    # How fast is a matter of tests/bench, and of unit.sim_engine's virtual
    # clock: a busy machine must not fail here.
    b = bench(settings, size=60000)
    got = b.update(options + " answer_ms=3000")
    assert got["outcome"] == "done", got
    counts = b.counts()
    assert counts["payload_repeated"] == 0
    assert counts["uploads_started"] == 1
