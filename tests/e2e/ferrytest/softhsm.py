"""A SoftHSM2 token in a folder, set up with its own tools.

    token = SoftHsm(tmp_path)
    token.new_pair("fw", "01")
    token.uri("fw")                        # for --key, decryption_keys
    os.environ.update(token.env)           # for whoever uses it
"""

import os
import shutil
import subprocess
from pathlib import Path

MODULES = ["/usr/lib/softhsm/libsofthsm2.so",
           "/usr/lib64/softhsm/libsofthsm2.so",
           "/usr/local/lib/softhsm/libsofthsm2.so"]
PIN = "4711"


def module():
    """The path of the module, or None where SoftHSM2 is not installed."""
    if not shutil.which("softhsm2-util") or not shutil.which("pkcs11-tool"):
        return None
    return next((m for m in MODULES if Path(m).exists()), None)


class SoftHsm:
    def __init__(self, folder):
        self.folder = Path(folder) / "softhsm"
        (self.folder / "tokens").mkdir(parents=True)
        config = self.folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.folder}/tokens\n"
                          "objectstore.backend = file\nlog.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": str(config)}
        self.pin = self.folder / "pin"
        self.pin.touch(mode=0o600)
        self.pin.write_text(PIN + "\n")
        self._run("softhsm2-util", "--init-token", "--free", "--label",
                  "ferry", "--pin", PIN, "--so-pin", "0815")

    def _run(self, *args):
        done = subprocess.run(args, env={**os.environ, **self.env},
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    def tool(self, *args):
        return self._run("pkcs11-tool", "--module", module(), "--login",
                         "--pin", PIN, "--token-label", "ferry", *args)

    def new_pair(self, label, key_id, curve="prime256v1"):
        self.tool("--keypairgen", "--key-type", f"EC:{curve}", "--id", key_id,
                  "--label", label, "--usage-sign", "--usage-derive")

    def public(self, label, path):
        """The public half as a PEM file."""
        der = self.folder / "public.der"
        self.tool("--read-object", "--type", "pubkey", "--label", label,
                  "--output-file", str(der))
        subprocess.run(["openssl", "pkey", "-pubin", "-inform", "DER", "-in",
                        der, "-out", path], check=True, capture_output=True)
        return path

    def add_kek(self, label, key_id, kek):
        raw = self.folder / "kek"
        raw.write_bytes(kek)
        self.tool("--write-object", str(raw), "--type", "secrkey",
                  "--key-type", f"AES:{len(kek)}", "--id", key_id, "--label",
                  label, "--usage-wrap")

    def uri(self, label):
        return (f"pkcs11:token=ferry;object={label}?module-path={module()}"
                f"&pin-source={self.pin}")
