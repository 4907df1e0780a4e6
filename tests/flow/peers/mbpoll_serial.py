"""mbpoll reads a simulated serial line."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
import outside
from fields import point, simulated
from flow import equal

try:
    for descriptor in os.openpty():
        os.close(descriptor)
except OSError:
    outside.skip("no pseudo-terminals are mounted on /dev/pts, so no serial line can be played")

from mbpoll_reads import mbpoll  # noqa: E402


def test_a_serial_line(stage):
    line = stage.path("line")
    simulator = simulated(stage, [point("i", "bus", "input", 2, type="u16")], {"bus": {"type": "modbus-rtu", "device": line}},
                      values={"i": {"base": 4711}})
    equal(mbpoll("-m", "rtu", "-b", "9600", "-P", "none", "-a", "3", "-0", "-t", "3", "-r", "2", line)[2], "4711", "a register")
    equal(simulator.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
