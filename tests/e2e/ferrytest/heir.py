"""A second vendor beside the one of a Site: with its own keys, web server and
vendor file, for the same vendor-id, so that it can take a class over.

    with Heir(site, "newco", ["lamp"]) as heir:
        forge.root(heir.transfer(["lamp"]))
        heir.release("lamp", "3.0.0", "--sequence", "9")
"""

import hashlib
import subprocess
import uuid
from pathlib import Path

from ferrytest.forge import Forge
from ferrytest.nginx import Nginx
from ferrytest.site import Failure, Identity


class Heir:
    def __init__(self, site, name, classes, heir_of="acme"):
        self.site = site
        self.name = name
        self.classes = classes
        self.heir_of = heir_of
        self.folder = site.folder / name
        self.pub = self.folder / "pub"
        self.nginx = None

    def __enter__(self):
        site, tls = self.site, self.site.folder / "tls"
        self.folder.mkdir()
        self.publish("init", "--vendor", self.name, "--vendor-id",
                     site.vendor_id, str(self.pub))
        for name in self.classes:
            self.publish("class", "add", name, "--dir", str(self.pub),
                         "--class-id", site.classes[name])
        self.nginx = Nginx(self.folder / "nginx", self.pub / "www",
                           Identity(tls / "server.pem",
                                    tls / "server.key.pem"),
                           client_ca=Identity(tls / "ca.pem",
                                              tls / "ca.key.pem"))
        self.nginx.start()
        self.write_config()
        return self

    def __exit__(self, *_):
        if self.nginx:
            self.nginx.stop()

    @property
    def file(self):
        return self.site.etc / "vendors.d" / f"{self.name}.conf"

    @property
    def first_root(self):
        return self.pub / "www" / "root" / "1.cose"

    def write_config(self, root=None, heir_of=None):
        site, tls = self.site, self.site.folder / "tls"
        elder = self.heir_of if heir_of is None else heir_of
        ids = ", ".join(f'"{site.classes[c]}"' for c in self.classes)
        self.file.write_text(
            f'root = "{root or self.first_root}";\n'
            f'vendor_ids = ["{site.vendor_id}"];\nclass_ids = [{ids}];\n'
            + (f'heir_of = "{elder}";\n' if elder else "") +
            f'link = {{ url = "{self.nginx.url}/"; ca = "{tls}/ca.pem";\n'
            f'certificate = "{tls}/gateway-hub-1.pem";\n'
            f'key = "{tls}/gateway-hub-1.key.pem";\n'
            f"interval_s = 3600; retry_first_s = 1; }};\n"
            f'revocation = "off";\n')

    def publish(self, *args):
        done = subprocess.run([self.site.bin / "ferry-publish", *args],
                              capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"ferry-publish {args}: {done.stderr}")
        return done

    def release(self, klass, version, *more, **kinds):
        image = self.site.image(version, **kinds)
        self.publish("release", "--dir", str(self.pub), "--class", klass,
                     "--firmware", str(image), *more)

    @property
    def forge(self):
        return Forge(self)

    @property
    def digest(self):
        return hashlib.sha256(self.first_root.read_bytes()).digest()

    def transfer(self, classes):
        """What a root of the elder says to hand classes to this one."""
        return hand_over(self.site, classes, self.digest)


def hand_over(site, classes, digest):
    ids = [uuid.UUID(site.classes[c]).bytes for c in classes]
    return lambda root: root.update({7: [{1: ids, 2: digest}]})


def elder_digest(site):
    return hashlib.sha256(
        (Path(site.pub) / "www" / "root" / "1.cose").read_bytes()).digest()
