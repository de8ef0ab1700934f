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
from ferrytest.pki import Ca
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


def row(number, kind, eui64, nwk, device, inputs, outputs, manufacturer, model,
        power="Mains (single phase)"):
    """A line of its database: a device that was interviewed long ago."""
    endpoint = {"profId": HA, "epId": 1, "devId": device,
                "inClusterList": inputs, "outClusterList": outputs,
                "clusters": {}, "binds": [], "configuredReportings": [],
                "meta": {}}
    return json.dumps({
        "id": number, "type": kind, "ieeeAddr": "0x" + eui64, "nwkAddr": nwk,
        "manufId": manufacturer, "manufName": "Acme", "modelId": model,
        "powerSource": power, "swBuildId": "old",
        "epList": [1], "endpoints": {"1": endpoint},
        "interviewCompleted": True, "interviewState": "SUCCESSFUL",
        "meta": {}})


# A request that comes before zigbee-herdsman has heard that its last answer was
# sent is lost: devices take a while to think, and do not wait long after a loss.
PACE = {"think": "20ms", "answer": "1s", "backoff": "200ms", "errors": 200}


def group(count=1, version=1, **more):
    words = {"name": "bulb-%u", "count": count, "first": 1,
             "transport": "znp", "manufacturer": "0x1234",
             "image_type": "0x0001", "file_version": version, "interval": 0,
             "activate": "200ms", **PACE}
    words.update(more)
    return ",".join(f"{key}={value}" for key, value in words.items())


def of_image(row, **more):
    header = row["header"]
    return group(manufacturer=hex(header["manufacturer_code"]),
                 image_type=hex(header["image_type"]),
                 version=header["file_version"] - 1, **more)


class Broker:
    """mosquitto on a port of its own; `secured` is a second listener, on which
    nobody is let in without a certificate of its authority, user and password."""

    def __init__(self, folder, port=None, secured=False):
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/sbin")
        if not program:
            pytest.fail("mosquitto is missing; scripts/setup test installs it")
        self.port = port or free_port()
        self.folder = folder
        folder.mkdir(exist_ok=True)
        config = folder / "mosquitto.conf"
        config.write_text("per_listener_settings true\nuser root\n"
                          f"listener {self.port} 127.0.0.1\n"
                          "allow_anonymous true\npersistence false\n"
                          + (self._secure() if secured else ""))
        self._log = open(folder / "mosquitto.log", "a")
        self.process = subprocess.Popen([program, "-c", config, "-v"],
                                        stdout=self._log, stderr=self._log)
        wait_for("the broker", self._is_up)

    def _secure(self):
        self.tls_port = free_port()
        self.ca = Ca.make(self.folder / "tls", "broker-ca")
        server = self.ca.issue("broker", sans=["DNS:localhost"])
        self.client = self.ca.issue("hub", sans=None, usage="clientAuth")
        passwords = self.folder / "passwords"
        passwords.touch(mode=0o600)
        subprocess.run(["mosquitto_passwd", "-b", passwords, "hub",
                        "open sesame"], check=True, capture_output=True)
        self.credentials = self.folder / "credentials"
        self.tell_credentials("open sesame")
        return (f"listener {self.tls_port} 127.0.0.1\n"
                f"cafile {self.ca.cert}\ncertfile {server.cert}\n"
                f"keyfile {server.key}\nrequire_certificate true\n"
                f"allow_anonymous false\npassword_file {passwords}\n")

    def tell_credentials(self, password, mode=0o600):
        """What the hub says of itself."""
        self.credentials.write_text(f"hub\n{password}\n")
        self.credentials.chmod(mode)

    def params(self, ca=None, certificate=True):
        """Of a link to the second listener."""
        return (f'url = "mqtts://localhost:{self.tls_port}"; '
                f'ca = "{ca or self.ca.cert}"; '
                f'credentials = "{self.credentials}"; '
                + (f'cert = "{self.client.cert}"; key = "{self.client.key}"; '
                   if certificate else ""))

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

    def start_broker(self, port=None, secured=False):
        self.broker = Broker(self.folder / "broker", port, secured)
        return self.broker

    def watch(self):
        self.watcher = Watcher(self.broker.port, self.topic)

    def start_nodes(self, groups, name="hub"):
        groups = [groups] if isinstance(groups, str) else groups
        self.radio = Simulator(self.bin.parent, self.folder / name, *groups)
        self.sims.append(self.radio)
        return self.radio

    def write_z2m(self, model="TRADFRI bulb E27 WW 806lm", delay=DELAY_MS):
        """What it knows of the nodes: those of a name with `sleeper` in it run
        on a battery."""
        self.data.mkdir(exist_ok=True)
        radio = next(r for r in self.radio.ask("stats")["coordinators"]
                     if r["name"] == "coordinator")
        rows = [row(1, "Coordinator", COORDINATOR, 0, 5, [], [], 0, "")]
        named = []
        for i, node in enumerate(radio["nodes"]):
            kind = (("EndDevice", "Battery") if "sleeper" in node["name"] else
                    ("Router", "Mains (single phase)"))
            rows.append(row(i + 2, kind[0], node["eui64"],
                            int(node["nwk"], 16), 256, [0], [OTA], 0x1234,
                            model, kind[1]))
            named.append(f"  '0x{node['eui64']}':\n"
                         f"    friendly_name: room/{node['name']}\n")
        (self.data / "database.db").write_text("\n".join(rows) + "\n")
        (self.data / "configuration.yaml").write_text(CONFIG.format(
            topic=self.topic, mqtt=self.broker.port, delay=delay,
            port=self.radio.coordinators["coordinator"],
            devices="".join(named)))

    def start_z2m(self):
        self.z2m = Z2m(self.data, self.z2m_log)
        return self.z2m

    def link_z2m(self, hand_over="file", broker=None, extra=""):
        """`broker` are the parameters that lead to it."""
        self.handover.mkdir(exist_ok=True, mode=0o750)
        broker = broker or f'url = "mqtt://127.0.0.1:{self.broker.port}"; '
        where = (f'folder = "{self.handover}"; ' if hand_over == "file"
                 else "")
        (self.etc / "links.d" / "z2m.conf").write_text(
            f'delegate = "zigbee2mqtt";\nparams = {{ {broker}'
            f'topic = "{self.topic}"; hand_over = "{hand_over}"; {where}'
            f"}};\n{extra}\n")

    def add_z2m_class(self, name, options="response_delay_ms=2", extra="",
                      match=""):
        self.publish("class", "add", name, "--dir", str(self.pub))
        self.classes[name] = self._class_id(name)
        text = CLASS.replace("zigbee-ota", "zigbee2mqtt").replace(
            '"zigbee"', '"zigbee2mqtt"')
        (self.etc / "classes.d" / f"{name}.conf").write_text(text.format(
            vendor_id=self.vendor_id, class_id=self.classes[name], match=match,
            options=options, extra=extra, auto_enrol="true"))

    def start_all(self, groups, hand_over="file", **z2m):
        self.start_broker()
        self.watch()
        self.start_nodes(groups)
        self.write_z2m(**z2m)
        self.start_z2m()
        self.link_z2m(hand_over)
