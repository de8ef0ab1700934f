"""A whole site in one folder: a vendor, nginx with mutual TLS, simulated
devices and ferryd, all of them the real programs.

    with Site(folder, build_dir) as site:
        site.add_class("lamp")
        site.release("lamp", "2.0.0")
        site.start_sim("name=lamp-%u,count=2,first=1", "lamp")
        site.start_ferryd()
        site.wait_jobs(2, "done")
"""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

from ferrytest.nginx import Nginx
from ferrytest.patience import Failure, wait_for
from ferrytest.simulator import Simulator

CLASS = """
vendor = "acme"; vendor_id = "{vendor_id}"; class_id = "{class_id}";
match = {{ link = "{name}*"; }};
auto_enrol = {auto_enrol};
engine = "smp"; options = "{options}";
components = ( {{ id = "app"; slot = 0; }} );
can_revert = true; can_resume = true; can_prove = true;
connect_limit_s = 20;
{extra}
"""


class Identity:
    """What ferrytest.nginx needs of a certificate."""

    def __init__(self, cert, key):
        self.cert = str(cert)
        self.key = str(key)


class Site:
    def __init__(self, folder, build_dir, config="", vendor_extra="",
                 revocation="off", interval_s=3600, nginx_extra=""):
        self.folder = Path(folder)
        self.bin = Path(build_dir) / "bin"
        self.etc = self.folder / "etc"
        self.state = self.folder / "state"
        self.pub = self.folder / "pub"
        self.socket = self.folder / "admin.sock"
        self.log = self.folder / "ferryd.log"
        self.config = config
        self.vendor_extra = vendor_extra
        self.revocation = revocation
        self.interval_s = interval_s
        self.nginx_extra = nginx_extra
        self.classes = {}
        self.ferryd = None
        self.nginx = None
        self.sims = []

    # ---- making ----

    def __enter__(self):
        for name in ("vendors.d", "classes.d", "links.d"):
            (self.etc / name).mkdir(parents=True)
        self.state.mkdir(mode=0o700)
        self.publish("init", "--vendor", "Acme", "--domain", "acme.example",
                     str(self.pub))
        self.vendor_id = self._setting(self.pub / "publish.conf", "vendor_id")
        self.publish("pki", "tls", "--out", str(self.folder / "tls"),
                     "--server", "localhost", "--gateway", "hub-1")
        tls = self.folder / "tls"
        self.nginx = Nginx(self.folder / "nginx", self.pub / "www",
                           Identity(tls / "server.pem",
                                    tls / "server.key.pem"),
                           client_ca=Identity(tls / "ca.pem",
                                              tls / "ca.key.pem"),
                           extra=self.nginx_extra)
        self.nginx.start()
        self.write_config()
        return self

    def __exit__(self, *_):
        self.stop_ferryd(check=False)
        for sim in self.sims:
            sim.__exit__()
        if self.nginx:
            self.nginx.stop()

    @staticmethod
    def _setting(path, name):
        for line in path.read_text().splitlines():
            if line.startswith(f"{name} ="):
                return line.split('"')[1]
        raise Failure(f"{path}: no {name}")

    def write_config(self):
        (self.etc / "ferryd.conf").write_text(
            f'state_dir = "{self.state}";\n'
            f'admin = {{ socket = "{self.socket}"; }};\n'
            f"{self.config}\n")
        tls = self.folder / "tls"
        (self.etc / "vendors.d" / "acme.conf").write_text(
            f'root = "{self.pub}/www/root/1.cose";\n'
            f'vendor_ids = ["{self.vendor_id}"];\n'
            f'link = {{ url = "{self.nginx.url}/"; ca = "{tls}/ca.pem";\n'
            f'certificate = "{tls}/gateway-hub-1.pem";\n'
            f'key = "{tls}/gateway-hub-1.key.pem";\n'
            f"interval_s = {self.interval_s}; retry_first_s = 1; }};\n"
            f'revocation = "{self.revocation}";\n{self.vendor_extra}\n')

    def publish(self, *args, check=True):
        done = subprocess.run([self.bin / "ferry-publish", *args],
                              capture_output=True, text=True)
        if check and done.returncode:
            raise Failure(f"ferry-publish {args}: {done.stderr}")
        return done

    def add_class(self, name, extra="", auto_enrol="true",
                  options="framing=console"):
        if name not in self.classes:
            self.publish("class", "add", name, "--dir", str(self.pub))
            self.classes[name] = self._class_id(name)
        (self.etc / "classes.d" / f"{name}.conf").write_text(CLASS.format(
            vendor_id=self.vendor_id, class_id=self.classes[name], name=name,
            extra=extra, auto_enrol=auto_enrol, options=options))

    def _class_id(self, name):
        return self._setting(self.pub / "classes" / f"{name}.conf",
                             "class_id")

    def image(self, version, size=30000, seed=7, *more):
        path = self.folder / f"fw-{version}-{seed}.bin"
        subprocess.run([self.bin / "ferry-sim", "mkimage", "--version",
                        version, "--size", str(size), "--seed", str(seed),
                        *more, path], check=True, capture_output=True)
        return path

    def release(self, klass, version, *more, size=30000, seed=7):
        image = self.image(version, size, seed)
        self.publish("release", "--dir", str(self.pub), "--class", klass,
                     "--firmware", str(image), *more)
        return image

    # ---- running ----

    def start_sim(self, devices, name="sim", link_extra=""):
        groups = [devices] if isinstance(devices, str) else devices
        sim = Simulator(self.bin.parent, self.folder / name, *groups)
        self.sims.append(sim)
        for device, port in sim.links.items():
            (self.etc / "links.d" / f"{device}.conf").write_text(
                f'driver = "serial"; params = {{ port = "{port}"; '
                f"baud = 115200; }};\n{link_extra}")
        return sim

    def start_ferryd(self, wait=True, env=None, before=(), pass_fds=()):
        """`before` is a command that runs ferryd."""
        env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:"
               "verify_asan_link_order=0", **(env or {})}
        self.ferryd = subprocess.Popen(
            [*before, self.bin / "ferryd", "--config", self.etc],
            stderr=self.log.open("ab"), env=env, pass_fds=pass_fds)
        if wait:
            wait_for("ferryd to listen", self._answers, 30)
        return self.ferryd

    def _answers(self):
        if self.ferryd.poll() is not None:
            raise Failure(f"ferryd ended: {self.log.read_text()[-2000:]}")
        try:
            self.get("/v1/status")
            return True
        except OSError:
            return False

    def stop_ferryd(self, check=True):
        if not self.ferryd:
            return
        self.ferryd.send_signal(signal.SIGTERM)
        try:
            status = self.ferryd.wait(10)
        except subprocess.TimeoutExpired:
            self.ferryd.kill()
            self.ferryd.wait()
            status = "no end within 10 s"
        self.ferryd = None
        if check and status:
            raise Failure(f"ferryd: {status}: {self.log.read_text()[-4000:]}")

    def kill_ferryd(self):
        self.ferryd.kill()
        self.ferryd.wait()
        self.ferryd = None

    # ---- asking ----

    def request(self, method, path, body=None):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(str(self.socket))
            data = json.dumps(body).encode() if body is not None else b""
            s.sendall((f"{method} {path} HTTP/1.1\r\nHost: ferry\r\n"
                       "Content-Type: application/json\r\n"
                       f"Content-Length: {len(data)}\r\n"
                       "Connection: close\r\n\r\n").encode() + data)
            answer = b""
            while True:
                part = s.recv(65536)
                if not part:
                    break
                answer += part
        if not answer:
            raise ConnectionResetError("ferryd ended before it answered")
        head, _, content = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if b"chunked" in head.lower():
            content = unchunk(content)
        return status, json.loads(content) if content else None

    def get(self, path):
        status, value = self.request("GET", path)
        if status != 200:
            raise Failure(f"GET {path}: {status} {value}")
        return value

    def post(self, path, body=None):
        return self.request("POST", path, body if body is not None else {})

    def ctl(self, *args):
        return subprocess.run([self.bin / "ferryctl", "--socket", self.socket,
                               *args], capture_output=True, text=True)

    def devices(self):
        return {d["id"]: d for d in self.get("/v1/devices")["items"]}

    def jobs(self):
        return self.get("/v1/jobs")["items"]

    def job(self, device):
        """The newest job of a device, or None."""
        jobs = self.get(f"/v1/jobs?device={device}")["items"]
        return jobs[0] if jobs else None

    def wait_job(self, device, state, limit=60):
        states = (state,) if isinstance(state, str) else state

        def check():
            job = self.job(device)
            if job and job["state"] in states:
                return job
            ended = ("done", "failed", "unverified", "cancelled", "declined",
                     "superseded", "quarantined")
            if job and job["state"] in ended:
                raise Failure(f"job ended otherwise: {job}")
            return None

        try:
            return wait_for(f"job of {device} to be {state}", check, limit)
        except Failure as failure:
            raise Failure(f"{failure}: {self.job(device)}\n"
                          f"{self.log_tail()}") from None

    def wait_jobs(self, count, state, limit=60):
        def check():
            jobs = [j for j in self.jobs() if j["state"] == state]
            return jobs if len(jobs) >= count else None

        try:
            return wait_for(f"{count} jobs {state}", check, limit)
        except Failure:
            raise Failure(f"jobs: {self.jobs()}\n"
                          f"{self.log_tail()}") from None

    def wait_progress(self, device, percent, limit=60):
        """So far, or further: a job that is done shows no progress."""
        def check():
            job = self.job(device)
            if job and job["state"] == "done":
                return job
            progress = job and job["progress"]
            return job if progress and progress["offset"] * 100 >= \
                progress["total"] * percent else None

        return wait_for(f"{percent} % of {device}", check, limit)

    def log_tail(self):
        return self.log.read_text()[-6000:] if self.log.exists() else ""

    def logged(self, text):
        return self.log.exists() and text in self.log.read_text()


def unchunk(data):
    out = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            break
        out += rest[:n]
        data = rest[n + 2:]
    return out
