"""mbpoll (libmodbus) reads and writes the simulated field: all tables over TCP."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
import outside
from fields import point, simulated
from flow import equal, require

MBPOLL = outside.need_program("mbpoll")


def mbpoll(*words, expect=0):
    """Its readings as {reference: text}; with another exit code what it said."""
    done = subprocess.run([MBPOLL, "-1", "-q", "-o", "1", *words], capture_output=True, text=True, timeout=20, check=False)
    equal(done.returncode, expect, f"mbpoll {' '.join(words)}: {done.stdout} {done.stderr}: exit code")
    if expect != 0:
        return done.stdout + done.stderr
    return {int(at): text for at, text in re.findall(r"^\[(\d+)\]:\s+(\S+)", done.stdout, re.M)}


def test_every_table_over_tcp(stage):
    port = flow.free_port()
    points = [point("i", "plc", "input", 0, type="i16"), point("f", "plc", "input", 1, type="f32", order="CDAB"),
              point("n", "plc", "input", 3, type="i32", order="ABCD"), point("h", "plc", "holding", 9, type="u16", scale=0.1),
              point("c", "plc", "coil", 4), point("d", "plc", "discrete", 5)]
    simulator = simulated(stage, points, {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": port}},
                      values={"i": {"base": -17}, "f": {"base": 1.5}, "n": {"base": -70000}, "h": {"base": 12.3},
                              "c": {"base": 1}, "d": {"base": 1}})
    tcp = ["-m", "tcp", "-p", str(port), "-a", "3", "-0", "127.0.0.1"]
    equal(mbpoll("-t", "3", "-r", "0", *tcp)[0].split("(")[0], "65519", "an i16, shown as u16")
    equal(float(mbpoll("-t", "3:float", "-r", "1", *tcp)[1]), 1.5, "a float")
    equal(mbpoll("-t", "3:int", "-B", "-r", "3", *tcp)[3], "-70000", "an i32")
    equal(mbpoll("-t", "4", "-r", "9", *tcp)[9], "123", "a holding register")
    equal(mbpoll("-t", "0", "-r", "4", *tcp)[4], "1", "a coil")
    equal(mbpoll("-t", "1", "-r", "5", *tcp)[5], "1", "a discrete input")
    mbpoll("-t", "4", "-r", "9", *tcp, "77")
    equal(mbpoll("-t", "4", "-r", "9", *tcp)[9], "77", "what was written")
    require("Illegal data address" in mbpoll("-t", "4", "-r", "4000", *tcp, expect=1), "exception 2 is told")
    equal(simulator.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
