"""Two times per sample, and what they tell of a source's clock."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

PACK = os.path.join(flow.SOURCE, "profiles", "davy")
WORDS = ("ahead_ms", "behind_ms", "silent_s", "connected")


def set_up(stage):
    broker = stage.broker()
    own = [{"id": f"davy.ingest.{source}.{word}"} for source in ("fast", "slow") for word in WORDS]
    stage.write("site.json", {
        "site": {"id": "s"}, "include": [os.path.join(PACK, "sources.json")],
        "sources": {name: {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": [name]}
                    for name in ("fast", "slow")},
        "points": own + [{"id": name, "from": {"source": name, "key": "v"}} for name in ("fast", "slow")],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})
    monitor = stage.davy("run", "site.json")
    for name in ("fast", "slow"):
        monitor.wait_line(f"ING-011 source={name}")
    return broker, monitor


def counters(stage):
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    return {line["name"]: line["value"] for line in map(json.loads, out.splitlines())}


def latest(stage, point):
    out, _ = stage.run("query", "site.json", point, "--from", "now-1h", "--to", "now+1h", "--format", "ndjson")
    return [json.loads(line) for line in out.splitlines()]


def test_the_clock_of_each_source_is_measured(stage):
    """One source's clock is ahead, the other's behind; both are told, as counters and as points with ready rules."""
    broker, monitor = set_up(stage)

    def told():
        """Speaks for both, and asks what is told."""
        now = int(time.time() * 1000)
        stage.publish(broker.port, "fast", {"time": now + 7000, "values": {"v": 1}})
        stage.publish(broker.port, "slow", {"time": now - 4000, "values": {"v": 2}})
        found = counters(stage)
        return found if found["ingest.fast.ahead_ms"] and found["ingest.slow.behind_ms"] else None

    found = wait_until(told, "both clocks to be told")
    require(6000 < found["ingest.fast.ahead_ms"] <= 7000, f"fast: {found['ingest.fast.ahead_ms']} ms ahead")
    require(4000 <= found["ingest.slow.behind_ms"] < 6000, f"slow: {found['ingest.slow.behind_ms']} ms behind")
    equal((found["ingest.fast.behind_ms"], found["ingest.slow.ahead_ms"]), (0, 0), "the other ways")
    point = wait_until(lambda: [r for r in latest(stage, "davy.ingest.fast.ahead_ms") if r["value"] > 0],
                       "the clock as a point")
    require(6000 < point[-1]["value"] <= 7000, f"the point: {point[-1]}")
    silent = wait_until(lambda: counters(stage)["ingest.fast.silent_s"], "the source to be silent for a second")
    require(silent >= 1, "silence is counted in seconds")
    equal(monitor.end(), 0, "exit code")


def test_both_times_of_a_sample_are_kept(stage):
    """The field's time names the sample; when it was received is in the trace that is exported."""
    broker, monitor = set_up(stage)
    before = int(time.time() * 1000)
    stage.publish(broker.port, "slow", {"time": before - 90_000, "values": {"v": 2}})
    wait_until(lambda: latest(stage, "slow"), "the sample")
    equal(flow.datetime_ms(latest(stage, "slow")[0]["time"]), before - 90_000, "time of the field")
    out, _ = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h", "--points", "slow", "--format", "trace")
    line = out.splitlines()[1].split(",")
    seen = out.splitlines()[0].split(",").index("seen")
    received = int(line[seen]) if line[seen].isdigit() else flow.datetime_ms(line[seen])
    require(before - 1 <= received <= int(time.time() * 1000), f"received: {line[seen]}")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
