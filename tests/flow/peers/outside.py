"""outside: programs of others that tests talk to; where one is missing the test says so and is skipped."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys

import flow

HERE = os.path.dirname(os.path.abspath(__file__))
NPM_FOLDER = "npm"  # in the build folder, one for all builds; other packages are kept in a folder of their own
NPM_PACKAGES = {"modbus-serial": "8.0.19", "mqtt": "5.10.1"}
NPM_SECONDS = 90


def skip(why):
    print(f"skipped: {why}")
    sys.exit(flow.SKIPPED)


def need_pymodbus():
    """An interpreter that has pymodbus: Debian's own, whatever python3 is first in the path."""
    for python in ("/usr/bin/python3", sys.executable):
        if shutil.which(python) and subprocess.run([python, "-c", "import pymodbus"], capture_output=True,
                                                   check=False).returncode == 0:
            return python
    return skip("pymodbus is not installed (Debian: python3-pymodbus)")


def need_program(name):
    return shutil.which(name) or skip(f"{name} is not installed")


def npm_path(folder):
    return os.path.join(flow.SOURCE, "build", folder)


def npm_has(folder, package, version):
    try:
        with open(os.path.join(npm_path(folder), "node_modules", package, "package.json"), encoding="utf-8") as text:
            return json.load(text)["version"] == version
    except (FileNotFoundError, ValueError, KeyError):
        return False


def need_npm(packages=None, folder=NPM_FOLDER):
    """node, with the packages in the build folder; they are fetched when they are not there yet."""
    packages = packages or NPM_PACKAGES
    node = need_program("node")
    npm = need_program("npm")
    if all(npm_has(folder, *package) for package in packages.items()):
        return node
    os.makedirs(npm_path(folder), exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in packages.items()]
    try:
        done = subprocess.run([npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix",
                               npm_path(folder), *wanted], capture_output=True, timeout=NPM_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return skip(f"the npm registry did not give {' '.join(wanted)} within {NPM_SECONDS} s")
    if done.returncode != 0 or not all(npm_has(folder, *package) for package in packages.items()):
        return skip(f"npm could not install {' '.join(wanted)}: is the registry reachable?")
    return node


def node_environment(folder=NPM_FOLDER):
    return dict(os.environ, NODE_PATH=os.path.join(npm_path(folder), "node_modules"))


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


# ---- values as registers, by Python's own struct, not by Davy's decoder -----------------------------------------------

PACKING = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q", "f32": ">f", "f64": ">d"}
ORDERS = {2: ("AB", "BA"), 4: ("ABCD", "CDAB", "BADC", "DCBA"), 8: ("ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA")}


def registers(kind, order, value):
    """The registers that hold a value of that type, its bytes travelling in that order."""
    packed = struct.pack(PACKING[kind], value)
    sent = bytes(packed["ABCDEFGH".index(letter)] for letter in order)
    return [sent[i] << 8 | sent[i + 1] for i in range(0, len(sent), 2)]


def exported(stage, site="site.json"):
    """The newest (value, status) of each point in the store."""
    out, _ = stage.run("export", site, "--from", "now-1h", "--to", "now+1m", "--format", "csv")
    newest = {}
    for line in out.splitlines()[1:]:
        _, point, value, status = line.split(",")[:4]
        newest[point] = (value, status)
    return newest
