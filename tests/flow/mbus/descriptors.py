"""Descriptors above 1023 and a soft limit that is too small for the site: sockets, a serial line and a broker all the same."""

import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

TAKEN = 1100  # descriptors that are open before davy begins
SOURCES = 60


def test_descriptors_above_1023(stage):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * TAKEN:
        print("skip: this machine allows too few descriptors")
        sys.exit(77)
    broker = stage.broker()
    port = flow.free_port()
    sources = {f"plc-{i}": {"type": "modbus-tcp", "host": "127.0.0.1", "port": port} for i in range(SOURCES)}
    sources["line"] = {"type": "modbus-rtu", "device": stage.path("line")}
    sources["gw"] = {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"]}
    stage.write("site.json", {
        "site": {"id": "x"}, "sources": sources,
        "points": [{"id": f"p{i}", "every": "500ms", "from": {"source": source, "unit": 1 + i, "table": "input",
                                                              "address": 0}}
                   for i, source in enumerate(sources) if source != "gw"] + [
                       {"id": "m", "every": "500ms", "from": {"source": "gw", "key": "m"}}],
        "rules": [{"id": "there", "where": {"id": ["p0", f"p{SOURCES}", "m"]},
                   "levels": [{"level": "blue", "when": "value > 0"}]}],
        "sinks": {"centre": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}"},
                  "file": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})
    stage.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "10m",
                                  "points": {"*": {"base": 7, "noise": 0}}})
    field = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    field.wait_line(r"^ready")
    centre = stage.subscriber(broker.port, "davy/v1/x/events/#")
    fill = f"for ((i = 0; i < {TAKEN}; i++)); do exec {{fd}}</dev/null; done; ulimit -Sn 64; exec \"$@\""
    monitor = stage.start("davy run", "bash", "-c", fill, "davy", *flow.LAUNCHER, os.path.join(flow.BIN, "davy"), "run",
                          "site.json")
    monitor.wait_line(r"state=running")

    def connected():
        lines = (line.split() for line in stage.run("stat", "site.json")[0].splitlines())
        return sum(int(words[1]) for words in lines if words[0].endswith(".connected"))

    wait_until(lambda: connected() >= SOURCES + 2, "all sources to be connected")
    for alarm in ("there:p0", f"there:p{SOURCES}", "there:m"):
        stage.wait_event(event="raised", alarm=alarm)
    wait_until(lambda: sum(line.startswith("{") for line in centre.out) >= 3, "the centre to hear")
    taken = [int(fd) for fd in os.listdir(f"/proc/{monitor.process.pid}/fd")]
    require(max(taken) > 1023 + SOURCES, "its own descriptors lie above 1023")
    equal(monitor.end(), 0, "exit code")
    field.end()


if __name__ == "__main__":
    flow.main(globals())
