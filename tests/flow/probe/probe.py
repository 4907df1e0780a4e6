"""davy probe: against simulated devices, against pymodbus, and against things that are no Modbus device."""

import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

SITE = {
    "site": {"id": "s"},
    "sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": 0}},
    "points": [
        {"id": "ch4", "every": "1s", "from": {"source": "plc", "unit": 1, "table": "input", "address": 0, "type": "f32",
                                              "order": "CDAB"}},
        {"id": "co", "every": "1s", "from": {"source": "plc", "unit": 1, "table": "input", "address": 2, "type": "i16"}},
        {"id": "run", "every": "1s", "from": {"source": "plc", "unit": 1, "table": "coil", "address": 3}},
    ],
}

PYMODBUS = """
import sys
import types
for name in ("serial", "serial_asyncio"):  # wanted at import, for serial lines only
    sys.modules.setdefault(name, types.SimpleNamespace(create_serial_connection=None))
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer
words = [0x3F87, 0xAE14, 0x00FA, 0xFFEC]
store = ModbusSlaveContext(hr=ModbusSequentialDataBlock(100, words), co=ModbusSequentialDataBlock(0, [1, 0, 1]),
                           zero_mode=True)
StartTcpServer(context=ModbusServerContext(slaves={5: store}, single=False), address=("127.0.0.1", int(sys.argv[1])))
"""


def device(stage, events=()):
    port = flow.free_port()
    site = dict(SITE, sources={"plc": dict(SITE["sources"]["plc"], port=port)})
    stage.write("site.json", site)
    stage.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "60s",
                                  "points": {"ch4": {"base": 1.06}, "co": {"base": -20}, "run": {"base": 1}},
                                  "events": list(events)})
    field = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    field.wait_line(r"^ready")
    return f"modbus://127.0.0.1:{port}"


def cells(out, address, kind):
    """The cells of a row of the wide blocks: ABCD CDAB BADC DCBA."""
    row = re.search(rf"^ *{address}  {kind} +(.*)$", out, re.M)
    require(row, f"there is a row {address} {kind} in\n{out}")
    return row.group(1).split()


def test_the_order_of_a_float_shows(stage):
    url = device(stage)
    out, _ = stage.run("probe", url, "--unit", "1", "--table", "input", "--address", "0", "--count", "3")
    require("input registers 0 to 2" in out, out)
    equal(cells(out, 0, "f32")[1], "*1.06", "CDAB")
    require("*1.06" not in cells(out, 0, "f32")[0], "ABCD is another number")
    word = re.search(r"^ *2  FFEC  1111 1111 1110 1100 +(\S+) +(\S+)", out, re.M)
    require(word, out)
    equal(word.groups(), ("65516", "*-20"), "u16 and i16")
    require("f64" not in out, "three registers hold no 64-bit value")
    out, _ = stage.run("probe", url, "--table", "coil", "--address", "3", "--count", "1")
    require(out.endswith("      3  1\n"), out)


def test_exceptions_are_told_in_words(stage):
    url = device(stage, [{"at": "0s", "source": "plc", "fault": "exception:2", "for": "60s"}])

    def refused():
        _, err = stage.run("probe", url, expect=None)
        return err if "exception" in err else None

    err = wait_until(refused, "the fault to begin")
    require("exception 2: the device has no such address" in err, err)
    stage.run("probe", url, expect=1)


def test_silence_and_closed_ports_are_the_surroundings(stage):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        _, err = stage.run("probe", f"modbus://127.0.0.1:{port}", "--timeout", "200ms", expect=3)
        require("does not answer in time" in err, err)
    _, err = stage.run("probe", f"modbus://127.0.0.1:{flow.free_port()}", expect=3)
    require("nothing listens on this port" in err, err)
    _, err = stage.run("probe", "modbus://no-such-host.invalid", expect=3)
    require("is not found" in err, err)


def test_what_is_no_modbus_is_told(stage):
    for answer, words in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not Modbus TCP"), (b"", "closes the connection"),
                          (bytes([0, 1, 0, 0, 0, 3, 9, 4, 8]), "does not match")):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()

            def serve():
                client, _ = server.accept()
                with client:
                    client.recv(64)
                    client.sendall(answer)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            _, err = stage.run("probe", f"modbus://127.0.0.1:{server.getsockname()[1]}", expect=3)
            thread.join(5)
            require(words in err, err)


def test_wrong_calls(stage):
    for words, told in ((["http://x"], "modbus://"), (["modbus://x", "--table", "inputs"], "--table"),
                        (["modbus://x", "--count", "126"], "--count"), (["modbus://x", "--unit", "256"], "--unit"),
                        (["modbus://x", "--address", "65535", "--count", "2"], "65535"),
                        (["modbus://x", "--timeout", "0s"], "--timeout"), ([], "usage")):
        _, err = stage.run("probe", *words, expect=2)
        require(told in err, err)


def with_pymodbus():
    """An interpreter that has pymodbus, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", "import pymodbus"], capture_output=True, check=False).returncode == 0:
                return python
        except FileNotFoundError:
            pass
    return None


def test_another_implementation(stage):
    python = with_pymodbus()
    if python is None:
        print("skip: pymodbus is not installed")
        return
    stage.write("server.py", PYMODBUS)
    port = flow.free_port()
    server = stage.start("pymodbus", python, stage.path("server.py"), str(port))

    def answers():
        if server.process.poll() is not None:
            raise flow.Failure("pymodbus ended: " + " | ".join(server.err[-3:]))
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, "pymodbus to listen")
    url = f"modbus://127.0.0.1:{port}"
    out, _ = stage.run("probe", url, "--unit", "5", "--table", "holding", "--address", "100")
    equal(cells(out, 100, "f32")[0], "*1.06", "ABCD")
    require(re.search(r"^ *102  00FA .* \*250 ", out, re.M), out)
    require(re.search(r"^ *103  FFEC .* 65516 +\*-20 ", out, re.M), out)
    out, _ = stage.run("probe", url, "--unit", "5", "--table", "coil", "--count", "3")
    require(out.endswith("      0  1\n      1  0\n      2  1\n"), out)
    _, err = stage.run("probe", url, "--unit", "5", "--table", "holding", "--address", "101", expect=1)
    require("exception 2: the device has no such address" in err, err)


if __name__ == "__main__":
    flow.main(globals())
