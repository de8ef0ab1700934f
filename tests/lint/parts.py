"""Configure says in one clear line for each part what is missing.

    python3 tests/lint/parts.py CMAKE SOURCE C_COMPILER
"""

import os
import re
import subprocess
import sys
import tempfile

PARTS = ["mbedtls", "uv", "llhttp", "serialport", "config", "jansson",
         "sqlite", "pkcs11", "check"]


def main():
    cmake, source, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [cmake, "-S", source, "-B", folder + "/build", "-G", "Ninja",
             f"-DCMAKE_C_COMPILER={compiler}"], check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PKG_CONFIG_LIBDIR": folder,
                 "PKG_CONFIG_PATH": ""})
    lines = re.findall(r"^ *missing: (\w+): (.*)$", result.stdout, re.MULTILINE)
    wrong = result.returncode == 0 or [name for name, _ in lines] != PARTS
    for name, text in lines:
        if not re.search(r"\(Debian package \S+", text):
            print(f"{name}: the line names no package: {text}")
            wrong = True
    if wrong:
        print(f"wanted one line for each of {PARTS}\n{result.stdout}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
