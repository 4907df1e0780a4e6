"""Davy and the simulator's edge nodes: a scenario live causes the same events as its trace, whatever goes wrong."""

import collections
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402  (found by the line above)

LENGTH = 15


def gas(number):
    return {"id": f"gas-{number}", "kind": "h2s", "range": [0, 150], "every": "500ms", "stale": "1h",
            "from": {"source": "gw", "key": f"G/N{number // 3}/dev-{number}/h2s"}}


def site(broker_port):
    return {
        "site": {"id": "s"},
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}", "format": "sparkplug",
                           "reorder": "200ms"}},
        "points": [gas(1), gas(2), gas(3), {"id": "room", "kind": "temperature", "every": "1s", "stale": "1h",
                                            "from": {"source": "gw", "key": "G/N0/room"}}],
        "rules": [
            {"id": "toxic", "where": {"kind": "h2s"}, "levels": [{"level": "red", "when": "value >= 10"}]},
            {"id": "lost", "where": {"kind": "h2s"},
             "levels": [{"level": "blue", "when": "status('comm') || status('stale')"}],
             "on_delay": "1s", "off_delay": "1s"}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}},
        "store": {"path": "data"},
    }


SCENARIO = {
    "seed": 5, "start": "2026-01-05T00:00:00Z", "length": f"{LENGTH}s",
    "points": {"gas-?": {"base": 1, "noise": 0.2, "step": 0.1}},
    "events": [
        {"at": "2s", "point": "gas-1", "set": 20},
        {"at": "3s", "source": "gw", "fault": "duplicate", "for": "500ms"},
        {"at": "3500ms", "source": "gw", "fault": "malformed", "for": "500ms"},
        {"at": "4s", "source": "gw", "fault": "reorder", "for": "2s"},
        {"at": "4500ms", "point": "gas-2", "set": 30},
        {"at": "6500ms", "source": "gw", "fault": "lost", "for": "500ms"},
        {"at": "6500ms", "point": "gas-2", "release": True},
        {"at": "8500ms", "source": "gw", "fault": "wrong-alias", "for": "500ms"},
        {"at": "8500ms", "point": "gas-3", "set": 40},
        {"at": "10s", "source": "gw", "fault": "disconnect", "for": "2500ms"},
        {"at": "10500ms", "point": "gas-1", "release": True},
        {"at": "10500ms", "point": "gas-2", "set": 99},
        {"at": "11500ms", "point": "gas-2", "release": True}],
}


def stories(events):
    """What each alarm went through."""
    told = collections.defaultdict(list)
    for event in events:
        told[event["alarm"]].append((event["event"], event.get("level")))
    return dict(told)


def counters(stage):
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    return {row["name"].rpartition(".")[2]: row["value"] for row in map(json.loads, out.splitlines())
            if row["name"].startswith("ingest.gw.")}


def test_live_events_are_those_of_the_trace(stage):
    broker = stage.broker()
    site_file = stage.write("site.json", site(broker.port))
    scenario = stage.write("scenario.json", SCENARIO)
    stage.run("davy-sim", "trace", site_file, scenario, "-o", "trace.csv")
    replayed, _ = stage.run("replay", site_file, "trace.csv")
    expected = stories(flow.json.loads(line) for line in replayed.splitlines())
    flow.equal(sorted(expected), ["lost:gas-1", "lost:gas-2", "lost:gas-3", "toxic:gas-1", "toxic:gas-2", "toxic:gas-3"])
    monitor = stage.davy("run", site_file)
    monitor.wait_line("ING-011")
    simulator = stage.davy("davy-sim", "run", site_file, scenario)
    simulator.wait_line("^ready$")
    flow.wait_until(lambda: stories(stage.events()) == expected or simulator.process.poll() is not None,
                    "the events of the trace", LENGTH + 15)
    counts = counters(stage)
    flow.require(counts["repeats"] > 0 and counts["gaps"] > 0 and counts["rebirths"] > 0 and counts["historical"] > 0,
                 f"each fault was met: {counts}")
    flow.require(counts["deaths"] == 2 and counts["online"] == 2, f"both nodes died and came back: {counts}")
    came = stories(stage.events())
    flow.equal(simulator.end(), 0, "exit code of the simulator")
    flow.equal(monitor.end(), 0, "exit code of the monitor")
    flow.equal(came, expected, "stories of the alarms")


def test_a_killed_simulator_is_dead_by_will(stage):
    broker = stage.broker()
    site_file = stage.write("site.json", site(broker.port))
    scenario = stage.write("scenario.json", {**SCENARIO, "events": [{"at": "0s", "point": "gas-1", "set": 20}]})
    monitor = stage.davy("run", site_file)
    simulator = stage.davy("davy-sim", "run", site_file, scenario)
    stage.wait_event("the alarm", event="raised", alarm="toxic:gas-1")
    simulator.end(signal.SIGKILL)
    stage.wait_event("the loss", event="blind", alarm="toxic:gas-1")
    stage.wait_event("told as such", event="raised", alarm="lost:gas-3")
    flow.equal(monitor.end(), 0)


if __name__ == "__main__":
    flow.main(globals())
