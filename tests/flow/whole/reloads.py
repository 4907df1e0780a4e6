"""Twenty reloads (four under a sanitizer) while samples come: memory, descriptors and threads stay where they were."""

import glob
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

POINTS = 5000 if flow.SLOW == 1 else 500
HEARD = 200  # of them
RELOADS = 20 if flow.SLOW == 1 else 4


def resident_kb(pid):
    """Memory of its own, in kB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def count(pid, what):
    return len(os.listdir(f"/proc/{pid}/{what}"))


def write_site(stage, port, limit):
    stage.write("site.json", {
        "site": {"id": "again"},
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "topics": ["t"], "format": "davy"}},
        "points": [{"id": f"p{i}", "kind": "x", "every": "1m", "from": {"source": "gw", "key": f"k{i}"}} for i in range(POINTS)],
        "rules": [{"id": "r", "where": {"id": "p0"}, "levels": [{"level": "red", "when": f"value > {limit}"}]},
                  {"id": "m", "where": {"kind": "x"}, "levels": [{"level": "red", "when": f"mean(5m) > {1e9 + limit}"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})


def test_nothing_grows(stage):
    """Each reload changes the rule, so the site is another and the change is recorded."""
    broker = stage.broker()
    write_site(stage, broker.port, 100)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-011 .*connected")  # from then on the broker keeps what comes while there is no connection
    pid = monitor.process.pid
    after = []
    for n in range(RELOADS + 1):
        wait_until(lambda: sum("state=running" in line for line in monitor.err) > n, "the site to run")
        stage.publish(broker.port, "t", {"values": {f"k{i}": n % 7 for i in range(1, HEARD)} | {"k0": 1 if n % 2 else 1e6}})
        wait_until(lambda: len(stage.events()) > n, "its event")
        after.append({"kB": resident_kb(pid), "files": count(pid, "fd"), "threads": count(pid, "task"),
                      "tables": len(glob.glob(stage.path("data", "*.sst")))})
        if n < RELOADS:
            write_site(stage, broker.port, 101 + n)
            monitor.send(signal.SIGHUP)
    print(after[0], *after[1::5], sep="\n")
    equal({now["threads"] for now in after}, {after[0]["threads"]}, "threads")
    beside = [now["files"] - now["tables"] for now in after]  # of the database's there is one or two more now and then
    require(max(beside[1:]) <= beside[0] + 3, f"files beside the tables: {beside}")
    # A sanitizer keeps what was freed for a while, and fills what is new.
    require(flow.SLOW > 1 or after[-1]["kB"] <= 1.3 * after[0]["kB"], f"memory: {after}")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
