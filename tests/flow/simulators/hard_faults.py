"""Peers that vanish without a word, floods and clocks that step: Davy notices what is lost, and goes on."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require


def register(name, source):
    return {"id": name, "every": "100ms", "from": {"source": source, "unit": 1, "table": "input", "address": 0,
                                                   "type": "u16"}}


def set_up(stage, events, length="60s"):
    broker = stage.broker()
    stage.write("site.json", {
        "site": {"id": "s"},
        "sources": {
            "plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": flow.free_port(), "timeout": "100ms"},
            "gate": {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": flow.free_port(), "timeout": "100ms"},
            "gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["davy/v1/s/telemetry"]}},
        "points": [register("a", "plc"), register("b", "gate"),
                   {"id": "c", "every": "200ms", "stale": "60s", "from": {"source": "gw", "key": "c"}}],
        "rules": [{"id": "lost", "levels": [{"level": "red", "when": "status('comm') || status('stale')"}]},
                  {"id": "clock", "where": {"id": "c"}, "levels": [{"level": "blue", "when": "status('skew')"}]},
                  {"id": "end", "levels": [{"level": "yellow", "when": "value >= 50"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})
    stage.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": length,
                                  "points": {"?": {"base": 5}}, "events": events})
    simulator = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    simulator.wait_line(r"^ready")
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("ING-011 source=gw")
    return monitor, simulator


def counter(stage, name):
    out, _ = stage.run("stat", "site.json")
    for line in out.splitlines():
        words = line.split()
        if words and words[0] == name:
            return int(words[1])
    raise flow.Failure(f"no counter {name} in\n{out}")


def test_a_vanished_peer_is_noticed_and_asked_anew(stage):
    """Its old connection stays dead for ever: only a new one brings the device back."""
    monitor, simulator = set_up(stage, [{"at": "3s", "source": source, "fault": "half-open", "for": "1500ms"}
                                        for source in ("plc", "gate")])
    for alarm in ("lost:a", "lost:b"):
        stage.wait_event(alarm=alarm, event="raised")
        stage.wait_event(alarm=alarm, event="cleared")
    require(counter(stage, "ingest.plc.reconnects") >= 1, "plc was connected anew")
    anew = counter(stage, "ingest.gate.reconnects") + counter(stage, "ingest.gate.renewals")
    require(anew >= 1, "gate was connected anew")  # RTU over TCP: at the first time-out
    equal(monitor.end(), 0, "exit code")
    equal(simulator.end(), 0, "exit code")


def test_floods_cost_no_value(stage):
    """Behind each answer 200 strangers, each message 50 times: all points go on, and reach the end in time."""
    events = [{"at": "3s", "source": "plc", "fault": "flood:200"}, {"at": "3s", "source": "gw", "fault": "flood:50"}]
    events += [{"at": "5s", "point": name, "set": 60} for name in ("a", "c")]
    monitor, simulator = set_up(stage, events)
    for alarm in ("end:a", "end:c"):
        stage.wait_event(alarm=alarm, event="raised")
    require(counter(stage, "ingest.plc.late_replies") >= 1000, "strangers were counted")
    equal([event for event in stage.events() if event["alarm"] in ("lost:a", "lost:c")], [], "losses under a flood")
    equal(monitor.end(), 0, "exit code")
    equal(simulator.end(), 0, "exit code")


def test_a_clock_that_steps_is_told(stage):
    """An hour ahead for a second: the samples are kept, marked, and judged at their time of receipt; then all is well."""
    monitor, simulator = set_up(stage, [{"at": "3s", "source": "gw", "fault": "clock:+1h", "for": "1s"},
                                        {"at": "5s", "source": "gw", "fault": "clock:-10m", "for": "1s"},
                                        {"at": "7s", "point": "c", "set": 60}])
    stage.wait_event(alarm="clock:c", event="raised")
    stage.wait_event(alarm="clock:c", event="cleared")
    stage.wait_event(alarm="end:c", event="raised")
    out, _ = stage.run("query", "site.json", "c", "--from", "now-1h", "--to", "now+2h")
    statuses = [line.split(",")[2] for line in out.splitlines()[1:]]
    require(sum("skew" in status for status in statuses) >= 4, f"samples an hour ahead are kept: {statuses}")
    require(sum("late" in status for status in statuses) >= 4, f"samples of the past are kept: {statuses}")
    equal(monitor.end(), 0, "exit code")
    equal(simulator.end(), 0, "exit code")


def test_a_wall_clock_that_steps_in_a_trace(stage):
    """An hour ahead, then back: the same bytes each time and with any number of shards, and no alarm goes back in time."""
    stage.write("site.json", {"site": {"id": "s"}, "points": [{"id": "a", "every": "1s"}, {"id": "b", "every": "1s"}],
                              "rules": [{"id": "high", "levels": [{"level": "red", "when": "value >= 5"}], "on_delay": "2s"},
                                        {"id": "lost", "levels": [{"level": "blue", "when": "status('stale')"}]}]})
    rows, start, hour = ["time,point,value,status,seen"], 1767571200000, 3600000
    for second in range(60):
        step = hour if 20 <= second < 40 else 0  # the clock of the machine; that of the device stands still for b
        seen = start + 1000 * second + step
        rows.append(f"{seen},a,{9 if second % 30 > 10 else 1},good,{seen}")
        rows.append(f"{start + 1000 * second},b,{9 if second % 30 > 10 else 1},good,{seen}")
    stage.write("trace.csv", "\n".join(rows) + "\n")
    told = [stage.run("replay", "site.json", "trace.csv", *more)[0] for more in ((), (), ("--shards", "4"))]
    equal(told[1:], told[:1] * 2, "bytes of the second replay, and of four shards")
    events = [flow.json.loads(line) for line in told[0].splitlines()]
    for alarm in ("high:a", "high:b", "lost:a", "lost:b"):
        times = [event["time"] for event in events if event["alarm"] == alarm]
        require(times and times == sorted(times), f"{alarm} happens, and in order: {times}")


if __name__ == "__main__":
    flow.main(globals())
