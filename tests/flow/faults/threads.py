"""A thread cannot be started: the monitor says which and ends, or goes on with the old site; it never waits for itself."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

OURS = ["sink-log", "alerting", "store", "keeper", "control", "recorder", "shard-0", "shard-1", "shard-2", "bus",
        "sparkplug", "intake", "mqtt-inbox"]


def write_site(stage):
    mqtt = {"type": "mqtt", "url": "mqtt://127.0.0.1:1"}
    stage.write("site.json", {
        "site": {"id": "s"}, "points": [{"id": "a", "kind": "x", "from": {"source": "plc", "unit": 1, "table": "input", "address": 0, "type": "u16"}}],
        "sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": 1},
                    "gw": mqtt | {"topics": ["t"]}, "edge": mqtt | {"format": "sparkplug", "topics": ["spBv1.0/g/#"]}},
        "rules": [{"id": "r", "where": {"kind": "x"}, "levels": [{"level": "red", "when": "value > 1"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})


def run_without(stage, number, *more):
    env = dict(os.environ, LD_PRELOAD=os.environ["DAVY_FEW_THREADS"], DAVY_THREAD_FAILS=str(number))
    return stage.start("davy run", *flow.LAUNCHER, os.path.join(flow.BIN, "davy"), "run", "site.json", "--shards", "3",
                       *more, env=env)


def test_each_thread_in_turn(stage):
    write_site(stage)
    for number, name in enumerate(OURS, 1):
        monitor = run_without(stage, number, "--record", f"wire-{number}")
        try:
            code = monitor.process.wait(20 * flow.SLOW)
        except Exception as fault:
            raise flow.Failure(f"hangs without thread {name}") from fault
        monitor.end()
        equal(code, 3, f"exit code without thread {name}: {monitor.err}")
        require(not os.path.exists(stage.path(f"wire-{number}")), "no recording is left")
        require(f'cannot start thread "{name}"' in monitor.err[-1], monitor.err)
    stage.run("verify", "site.json")
    monitor = run_without(stage, len(OURS) + 1, "--record", "wire")
    monitor.wait_line(r"state=running")
    equal(monitor.end(), 0, "exit code")


def test_a_reload_that_cannot_start(stage):
    """The old site is started again."""
    write_site(stage)
    alive = [name for name in OURS if name != "recorder"]
    monitor = run_without(stage, len(alive) + alive.index("shard-1") + 1)
    monitor.wait_line(r"state=running")
    monitor.send(signal.SIGHUP)
    monitor.wait_line(r'APP-003 .*cannot start thread \"shard-1\".*the old one goes on')
    wait_until(lambda: sum("state=running" in line for line in monitor.err) == 2, "the old site to run again")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
