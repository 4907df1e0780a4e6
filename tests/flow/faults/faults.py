"""The store's disk gives I/O errors, turns read-only, or is full: alarms are judged on, and come when it works again."""

import errno
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", "whole"))
import flow
from flow import equal, require, wait_until
from mine import TANK_ALARM, set_up
from trouble import now_ms, rows, stops_promptly, tank


class Disk:
    def __init__(self, stage):
        self.control = stage.path("error")
        os.mkdir(stage.path("data"))
        self.env = dict(os.environ, LD_PRELOAD=os.environ["DAVY_FAULTY_DISK"], DAVY_FAULTY_ERROR=self.control,
                        DAVY_FAULTY_FOLDER=os.path.realpath(stage.path("data")))

    def fail(self, error):
        with open(self.control + ".new", "w", encoding="ascii") as out:
            out.write(str(error))
        os.rename(self.control + ".new", self.control)

    def work(self):
        os.unlink(self.control)


def run_on(stage, disk):
    monitor = stage.start("davy run", *flow.LAUNCHER, os.path.join(flow.BIN, "davy"), "run", "site.json", env=disk.env)
    monitor.wait_line(r"state=running")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    return monitor


def one_failure(stage, error):
    """Raised before, cleared and raised again while the disk fails; all events come, in order, when it works again."""
    broker = set_up(stage)
    disk = Disk(stage)
    monitor = run_on(stage, disk)
    begin = now_ms()
    tank(stage, broker, 1, 9.5, begin)
    tank(stage, broker, 2, 9.6, begin + 1500)
    stage.wait_event(event="raised", alarm=TANK_ALARM)
    before = stage.events()
    disk.fail(error)
    tank(stage, broker, 3, 5.0, begin + 3000)
    tank(stage, broker, 4, 5.1, begin + 4000)
    monitor.wait_line("STO-001|ALT-001", 20)
    require(any(os.strerror(error) in line for line in monitor.err), "the reason is told")
    tank(stage, broker, 5, 9.7, begin + 5000)
    tank(stage, broker, 6, 9.8, begin + 7000)
    samples = rows(stage)
    equal(stage.events(), before, "events while none can be kept")
    require(len(samples) <= 3, "samples that are not on the disk are not shown")
    disk.work()
    wait_until(lambda: [e["event"] for e in stage.events()] == ["raised", "cleared", "raised"], "all three events", 40)
    equal([e["seq"] for e in stage.events()], [1, 2, 3], "seq")
    wait_until(lambda: len(rows(stage)) == 6, "all six samples", 40)
    wait_until(lambda: any("STO-002" in line or "ALT-002" in line for line in monitor.err), "the end is told")
    stops_promptly(monitor)
    require("whole" in stage.run("verify", "site.json")[0], "the store is whole")


def test_io_errors(stage):
    one_failure(stage, errno.EIO)


def test_read_only(stage):
    one_failure(stage, errno.EROFS)


def test_full(stage):
    one_failure(stage, errno.ENOSPC)


def test_stop_while_the_disk_fails(stage):
    """What waits is lost and told, the exit code says so, and the store is whole; without a loss it is 0."""
    broker = set_up(stage)
    disk = Disk(stage)
    monitor = run_on(stage, disk)
    begin = now_ms()
    tank(stage, broker, 1, 5.0, begin)
    wait_until(lambda: len(rows(stage)) == 1, "the first sample")
    disk.fail(errno.EIO)
    tank(stage, broker, 2, 5.1, begin + 1000)
    monitor.wait_line("STO-001", 20)
    stops_promptly(monitor, code=3)
    require(any("STO-003" in line for line in monitor.err), "the loss is told")
    disk.work()
    monitor = run_on(stage, disk)
    wait_until(lambda: len(rows(stage)) == 2, "the second sample, which its broker still had", 40)
    stops_promptly(monitor)
    require("whole" in stage.run("verify", "site.json")[0], "the store is whole")


def test_a_store_that_cannot_be_made(stage):
    """A read-only folder at the start: told, exit code 3."""
    set_up(stage)
    disk = Disk(stage)
    disk.fail(errno.EROFS)
    monitor = stage.start("davy run", *flow.LAUNCHER, os.path.join(flow.BIN, "davy"), "run", "site.json", env=disk.env)
    equal(monitor.process.wait(20), 3, "exit code")
    require(any("Read-only file system" in line for line in monitor.err), "the reason is told")


if __name__ == "__main__":
    flow.main(globals())
