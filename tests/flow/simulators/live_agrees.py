"""A scenario live, over sockets and a broker, causes the same events as its trace.

Times differ (polls have phases, a monitor backs off), so what is compared is each alarm's own story: its events with
their levels, in order.
"""
import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402  (found by the line above)

LENGTH = 30


def tank(number, order):
    return {"id": f"tank-{number}", "kind": "level", "range": [0, 12], "every": "500ms",
            "from": {"source": "plc", "unit": number, "table": "input", "address": 4, "type": "f32", "order": order,
                     "invalid": [-1]}}


def gas(number):
    return {"id": f"gas-{number}", "kind": "h2s", "range": [0, 150], "every": "500ms",
            "from": {"source": "gw", "key": f"G{number}"}}


def site(modbus_port, broker_port):
    return {
        "site": {"id": "s"},
        "sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": modbus_port, "timeout": "300ms"},
                    "gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}", "topics": ["davy/v1/s/+"],
                           "format": "davy"}},
        "points": [tank(1, "ABCD"), tank(2, "CDAB"), gas(1), gas(2)],
        "rules": [
            {"id": "high", "where": {"kind": "level"},
             "levels": [{"level": "yellow", "when": "value >= 8", "clear": "value < 7"},
                        {"level": "orange", "when": "value >= 10", "clear": "value < 9"}]},
            {"id": "toxic", "where": {"kind": "h2s"}, "levels": [{"level": "red", "when": "value >= 10"}]},
            {"id": "lost", "levels": [{"level": "blue", "when": "status('comm') || status('stale')"}],
             "on_delay": "1s", "off_delay": "1s"}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}},
        "store": {"path": "data"},
    }


SCENARIO = {
    "seed": 5, "start": "2026-01-05T00:00:00Z", "length": f"{LENGTH}s",
    "points": {"tank-?": {"base": 5, "noise": 0.05}, "gas-?": {"base": 1, "noise": 0.2, "step": 0.1}},
    "events": [
        {"at": "2s", "point": "tank-1", "ramp": {"to": 9, "over": "2s"}},
        {"at": "3s", "point": "gas-1", "ramp": {"to": 20, "over": "1s"}},
        {"at": "6s", "point": "tank-1", "status": {"flag": "sensor", "for": "3s"}},
        {"at": "8s", "source": "gw", "fault": "disconnect", "for": "5s"},
        {"at": "10s", "source": "plc", "unit": 2, "fault": "timeout", "for": "5s"},
        {"at": "11s", "point": "tank-1", "ramp": {"to": 11, "over": "1s"}},
        {"at": "14s", "source": "gw", "fault": "duplicate", "for": "2s"},
        {"at": "14s", "point": "gas-1", "status": {"flag": "calibrating", "for": "3s"}},
        {"at": "16s", "source": "gw", "fault": "malformed", "for": "2s"},
        {"at": "19s", "point": "gas-1", "release": True},
        {"at": "20s", "point": "tank-1", "release": True}],
}


def stories(events):
    """What each alarm went through."""
    told = collections.defaultdict(list)
    for event in events:
        told[event["alarm"]].append((event["event"], event.get("level")))
    return dict(told)


def test_live_events_are_those_of_the_trace(stage):
    broker = stage.broker()
    site_file = stage.write("site.json", site(flow.free_port(), broker.port))
    scenario = stage.write("scenario.json", SCENARIO)
    stage.run("davy-sim", "trace", site_file, scenario, "-o", "trace.csv")
    replayed, _ = stage.run("replay", site_file, "trace.csv")
    expected = stories(flow.json.loads(line) for line in replayed.splitlines())
    flow.require(len(expected) == 5, f"alarms of the trace: {sorted(expected)}")
    simulator = stage.davy("davy-sim", "run", site_file, scenario)
    simulator.wait_line("^ready$")
    monitor = stage.davy("run", site_file)
    flow.wait_until(lambda: stories(stage.events()) == expected or simulator.process.poll() is not None,
                    "the events of the trace", LENGTH + 15)
    came = stories(stage.events())
    flow.equal(monitor.end(), 0, "exit code of the monitor")
    flow.equal(simulator.end(), 0, "exit code of the simulator")
    flow.equal(came, expected, "stories of the alarms")


if __name__ == "__main__":
    flow.main(globals())
