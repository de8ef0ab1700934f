"""A site whose radio belongs to zigbee2mqtt (npm) behind mosquitto; both are the
real programs, each with a configuration and ports of its own.

    with Z2mSite(tmp_path, build_dir) as site:
        site.start_broker()
        site.start_z2m("name=bulb-%u,count=1,...")
        site.link_z2m()
"""

import json
import os
import shutil
import socket
import subprocess
import threading

import pytest

from ferrytest import npm
from ferrytest.herdsman import COORDINATOR
from ferrytest.simulator import Simulator
from ferrytest.site import wait_for
from ferrytest.zigbee import CLASS, ZigbeeSite

HA, OTA = 260, 25
DELAY_MS = 50  # between blocks: the least that zigbee2mqtt takes

CONFIG = """
version: 5
mqtt:
  base_topic: {topic}
  server: mqtt://127.0.0.1:{mqtt}
serial:
  port: {port}
  adapter: zstack
advanced:
  network_key: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]
  pan_id: 6754
  ext_pan_id: [221, 221, 221, 221, 221, 221, 221, 221]
  channel: 11
  log_output: [console]
  log_level: debug
  log_namespaced_levels:
    zh:zstack: warning
ota:
  disable_automatic_update_check: true
  image_block_response_delay: {delay}
frontend:
  enabled: false
homeassistant:
  enabled: false
devices:
{devices}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def row(number, kind, eui64, nwk, device, inputs, outputs, manufacturer, model):
    """A line of its database: a device that was interviewed long ago."""
    endpoint = {"profId": HA, "epId": 1, "devId": device,
                "inClusterList": inputs, "outClusterList": outputs,
                "clusters": {}, "binds": [], "configuredReportings": [],
                "meta": {}}
    return json.dumps({
        "id": number, "type": kind, "ieeeAddr": "0x" + eui64, "nwkAddr": nwk,
        "manufId": manufacturer, "manufName": "Acme", "modelId": model,
        "powerSource": "Mains (single phase)", "swBuildId": "old",
        "epList": [1], "endpoints": {"1": endpoint},
        "interviewCompleted": True, "interviewState": "SUCCESSFUL",
        "meta": {}})


class Broker:
    """mosquitto on a port of its own."""

    def __init__(self, folder, port=None):
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/sbin")
        if not program:
            pytest.fail("mosquitto is missing; scripts/setup test installs it")
        self.port = port or free_port()
        folder.mkdir(exist_ok=True)
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\n"
                          "allow_anonymous true\nuser root\n"
                          "persistence false\n")
        self._log = open(folder / "mosquitto.log", "a")
        self.process = subprocess.Popen([program, "-c", config, "-v"],
                                        stdout=self._log, stderr=self._log)
        wait_for("the broker", self._is_up)

    def _is_up(self):
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)
        self._log.close()


class Z2m:
    """One run of zigbee2mqtt."""

    def __init__(self, data, log):
        program = (npm.folder("zigbee2mqtt") /
                   "node_modules/zigbee2mqtt/cli.js")
        self._log = open(log, "a")
        self.process = subprocess.Popen(
            [npm.node(), program], cwd=data, stdout=self._log,
            stderr=self._log, env={**os.environ, "ZIGBEE2MQTT_DATA": str(data),
                                   "Z2M_ONBOARD_NO_SERVER": "1"})

    def stop(self, kill=False):
        if self.process.poll() is None:
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
            self.process.wait(timeout=20)
        self._log.close()


class Watcher:
    """What goes over the broker, as mosquitto_sub shows it."""

    def __init__(self, port, topic):
        self.seen = []
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-q", "1", "-h", "127.0.0.1", "-p", str(port), "-v", "-t",
             f"{topic}/bridge/request/#", "-t", f"{topic}/bridge/response/#"],
            stdout=subprocess.PIPE, text=True, errors="replace")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            topic, _, payload = line.rstrip("\n").partition(" ")
            try:
                self.seen.append((topic, json.loads(payload)))
            except (ValueError, RecursionError):
                pass  # garbage of a test

    def of(self, end):
        return [p for topic, p in self.seen if topic.endswith(end)]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


class Z2mSite(ZigbeeSite):
    topic = "z2m/home"

    def __init__(self, folder, build_dir, **more):
        super().__init__(folder, build_dir, **more)
        self.broker = self.z2m = self.watcher = None
        self.data = self.folder / "z2m"
        self.handover = self.folder / "handover"
        self.z2m_log = self.folder / "z2m.log"

    def __exit__(self, *exc):
        self.stop_ferryd(check=False)
        for one in (self.watcher, self.z2m, self.broker):
            if one:
                one.stop()
        super().__exit__(*exc)

    # ---- starting ----

    def start_broker(self, port=None):
        self.broker = Broker(self.folder / "broker", port)
        return self.broker

    def watch(self):
        self.watcher = Watcher(self.broker.port, self.topic)

    def start_nodes(self, groups, name="hub"):
        self.radio = Simulator(self.bin.parent, self.folder / name, groups)
        self.sims.append(self.radio)
        return self.radio

    def write_z2m(self, model="TRADFRI bulb E27 WW 806lm", delay=DELAY_MS):
        self.data.mkdir(exist_ok=True)
        radio = next(r for r in self.radio.ask("stats")["coordinators"]
                     if r["name"] == "coordinator")
        rows = [row(1, "Coordinator", COORDINATOR, 0, 5, [], [], 0, "")]
        named = []
        for i, node in enumerate(radio["nodes"]):
            rows.append(row(i + 2, "Router", node["eui64"],
                            int(node["nwk"], 16), 256, [0], [OTA], 0x1234,
                            model))
            named.append(f"  '0x{node['eui64']}':\n"
                         f"    friendly_name: room/bulb-{i + 1}\n")
        (self.data / "database.db").write_text("\n".join(rows) + "\n")
        (self.data / "configuration.yaml").write_text(CONFIG.format(
            topic=self.topic, mqtt=self.broker.port, delay=delay,
            port=self.radio.coordinators["coordinator"],
            devices="".join(named)))

    def start_z2m(self):
        self.z2m = Z2m(self.data, self.z2m_log)
        return self.z2m

    def link_z2m(self, hand_over="file", name="z2m", port=None, extra=""):
        self.handover.mkdir(exist_ok=True, mode=0o750)
        where = (f'folder = "{self.handover}"; ' if hand_over == "file"
                 else "")
        (self.etc / "links.d" / f"{name}.conf").write_text(
            'delegate = "zigbee2mqtt";\n'
            f'params = {{ url = "mqtt://127.0.0.1:{port or self.broker.port}";'
            f' topic = "{self.topic}"; hand_over = "{hand_over}"; {where}'
            f"{extra} }};\n")

    def add_z2m_class(self, name, options="response_delay_ms=2", extra=""):
        self.publish("class", "add", name, "--dir", str(self.pub))
        self.classes[name] = self._class_id(name)
        text = CLASS.replace("zigbee-ota", "zigbee2mqtt").replace(
            '"zigbee"', '"zigbee2mqtt"')
        (self.etc / "classes.d" / f"{name}.conf").write_text(text.format(
            vendor_id=self.vendor_id, class_id=self.classes[name], match="",
            options=options, extra=extra, auto_enrol="true"))

    def start_all(self, groups, hand_over="file", **z2m):
        self.start_broker()
        self.watch()
        self.start_nodes(groups)
        self.write_z2m(**z2m)
        self.start_z2m()
        self.link_z2m(hand_over)
