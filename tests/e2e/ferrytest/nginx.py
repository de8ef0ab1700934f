"""A real nginx on a free loopback port, as any user, serving one folder.

    with Nginx(folder, www, server, client_ca=ca) as nginx:
        ... nginx.url, nginx.requests() ...
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from ferrytest.patience import patience

CONFIG = """
{user}
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    log_format line '$request_method $request_uri $status $body_bytes_sent '
        '"$http_range" "$http_if_range" "$http_if_none_match" '
        '$connection $ssl_client_verify $ssl_protocol';
    access_log {folder}/access.log line;
    client_body_temp_path {folder}/tmp-body;
    proxy_temp_path {folder}/tmp-proxy;
    fastcgi_temp_path {folder}/tmp-fastcgi;
    uwsgi_temp_path {folder}/tmp-uwsgi;
    scgi_temp_path {folder}/tmp-scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port} {ssl};
        root {www};
        {tls}
        {extra}
    }}
}}
"""

TLS = """
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols {protocols};
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """`extra` goes into the server block."""

    def __init__(self, folder, www, identity=None, client_ca=None,
                 protocols="TLSv1.3", extra="", host="localhost"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.www = www
        self.identity = identity
        self.client_ca = client_ca
        self.protocols = protocols
        self.extra = extra
        self.host = host
        self.process = None
        self.port = None

    @property
    def url(self):
        scheme = "https" if self.identity else "http"
        return f"{scheme}://{self.host}:{self.port}"

    def _config(self):
        tls = ""
        if self.identity:
            tls = TLS.format(cert=self.identity.cert, key=self.identity.key,
                             protocols=self.protocols)
        if self.client_ca:
            tls += (f"ssl_client_certificate {self.client_ca.cert};"
                    "ssl_verify_client on; ssl_verify_depth 3;")
        return CONFIG.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=self.folder, port=self.port, www=self.www,
            ssl="ssl" if self.identity else "", tls=tls, extra=self.extra)

    def _is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self, port=None):
        """Takes another port when somebody else was faster; `port` is that
        of an earlier start, to come back under the same URL."""
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        for _ in range(5):
            self.port = port or free_port()
            config = self.folder / "nginx.conf"
            config.write_text(self._config())
            self.process = subprocess.Popen(
                [program, "-p", self.folder, "-c", config,
                 "-e", self.folder / "error.log"],
                stdin=subprocess.DEVNULL)
            until = time.monotonic() + 10
            while self.process.poll() is None and time.monotonic() < until:
                if self._is_listening():
                    return self
                time.sleep(0.01)
            self.stop()
        raise RuntimeError((self.folder / "error.log").read_text())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def requests(self):
        """The lines of the access log so far."""
        path = self.folder / "access.log"
        return path.read_text().splitlines() if path.exists() else []

    def logged(self, *parts, seconds=10):
        """True once a line of the log has all of `parts`. nginx writes the
        line after the answer, so it may come a little later than that."""
        until = time.monotonic() + patience(seconds)
        while time.monotonic() < until:
            if any(all(p in line for p in parts) for line in self.requests()):
                return True
            time.sleep(0.01)
        return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
