"""davy run --record, and its recording as a field: what was seen once is seen again."""

import collections
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

END = "high:b/1"  # the alarm that ends a session
ALARMS = {"high:a/1", "high:c", END, "lost:a/2", "lost:b/1"}  # which of a/1 and a/2 meets the garbage is chance


def register(name, source, unit, address, kind="u16", every="200ms"):
    return {"id": name, "every": every, "from": {"source": source, "unit": unit, "table": "input", "address": address,
                                                 "type": kind}}


def site(ports, broker_port):
    return {
        "site": {"id": "s"},
        "sources": {
            "plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": ports[0], "timeout": "100ms"},
            "gate": {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": ports[1], "timeout": "100ms"},
            "gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}", "topics": ["davy/v1/s/telemetry"]}},
        "points": [register("a/1", "plc", 1, 0, "f32"), register("a/2", "plc", 2, 4, every="300ms"),
                   register("b/1", "gate", 7, 0, "i32"), {"id": "c", "every": "100ms", "from": {"source": "gw", "key": "c"}}],
        "rules": [{"id": "high", "levels": [{"level": "yellow", "when": "value >= 500", "clear": "value < 400"}]},
                  {"id": "lost", "where": {"id": ["a/*", "b/*"]}, "levels": [{"level": "blue", "when": "status('comm')"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}}


SCENARIO = {
    "seed": 3, "start": "2026-01-05T00:00:00Z", "length": "60s",
    "points": {"*": {"base": 200, "noise": 90}},
    "events": [{"at": "1500ms", "point": "a/1", "ramp": {"to": 700, "over": "500ms"}},
               {"at": "2s", "source": "plc", "unit": 2, "fault": "exception:4", "for": "800ms"},
               {"at": "2s", "point": "c", "ramp": {"to": 700, "over": "500ms"}},
               {"at": "3s", "source": "gate", "fault": "timeout", "for": "700ms"},
               {"at": "3s", "source": "gw", "fault": "malformed", "for": "500ms"},
               {"at": "3500ms", "source": "plc", "fault": "garbage", "for": "300ms"},
               {"at": "4500ms", "source": "plc", "fault": "duplicate", "for": "500ms"},
               {"at": "5500ms", "point": "b/1", "set": 900}]}


def samples(stage, site_file):
    """(value, status) of each point in order of time."""
    out, _ = stage.run("export", site_file, "--from", "now-1h", "--to", "now+1m", "--format", "csv")
    seen = collections.defaultdict(list)
    for line in out.splitlines()[1:]:
        time, point, value, status = line.split(",")[:4]
        seen[point].append((time if point == "c" else "", value, status))
    return seen


def stories(stage):
    told = collections.defaultdict(list)
    for event in stage.events():
        told[event["alarm"]].append((event["event"], event.get("level")))
    return dict(told)


def levels(story):
    """What an alarm went through, without the moments at which its point could not be seen."""
    return [step for step in story if step[0] not in ("blind", "sighted")][:2]


def record(stage):
    """A live session, recorded; gives what it has seen."""
    broker = stage.the_broker = stage.broker()
    stage.write("site.json", site([flow.free_port(), flow.free_port()], broker.port))
    stage.write("scenario.json", SCENARIO)
    simulator = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    simulator.wait_line(r"^ready")
    monitor = stage.davy("run", "site.json", "--record", "session.wire")
    stage.wait_event(alarm=END, event="raised")
    equal(monitor.end(), 0, "exit code")
    equal(simulator.end(), 0, "exit code")
    seen, told = samples(stage, "site.json"), stories(stage)
    require(ALARMS <= set(told), f"alarms: {sorted(told)}")
    forget(stage)
    return seen, told


def forget(stage):
    """As if nothing had been: what was stored, the events, and what the broker keeps for the monitor's session."""
    shutil.rmtree(stage.path("data"))
    os.remove(stage.path("events.ndjson"))
    stage.the_broker.kill()
    os.remove(stage.path("mosquitto.db"))
    stage.the_broker = stage.broker(stage.the_broker.port)


def replay(stage, *options):
    """The recording, before a monitor that is there first, until the alarm that ended it."""
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("ING-011 source=gw")
    field = stage.davy("davy-sim", "run", "site.json", "--replay-wire", "session.wire", *options)
    field.wait_line(r"^ready")
    stage.wait_event(alarm=END, event="raised")
    equal(monitor.end(), 0, "exit code")
    equal(field.end(), 0, "exit code of the field")


def good(rows):
    return [row for row in rows if row[2] == "good"]


def longest_common(first, second):
    """How many of both stand in the same order."""
    before = [0] * (len(second) + 1)
    for a in first:
        row = [0]
        for j, b in enumerate(second):
            row.append(before[j] + 1 if a == b else max(before[j + 1], row[j]))
        before = row
    return before[-1]


def test_what_was_seen_is_seen_again(stage):
    """Samples and stories of the alarms, from the recording alone; then the same four times as fast."""
    seen, told = record(stage)
    replay(stage)
    again = samples(stage, "site.json")
    messages = min(len(seen["c"]), len(again["c"]))
    require(messages >= 0.8 * len(seen["c"]), f"{messages} of {len(seen['c'])} messages again")
    equal(again["c"][:messages], seen["c"][:messages], "messages, to the last digit")
    for point in ("a/1", "a/2", "b/1"):
        before, after = good(seen[point]), good(again[point])
        common = longest_common(before, after)
        require(len(before) >= 8 and common >= 0.8 * len(before), f"{point}: {common} of {len(before)} values again")
        equal(set(after) - set(before), set(), f"{point}: values that were never there")
    for alarm in ALARMS:
        equal(levels(stories(stage).get(alarm, [])), levels(told[alarm]), f"story of {alarm}")
    forget(stage)
    replay(stage, "--speed", "4")
    require({"high:a/1", "high:c", END} <= set(stories(stage)), f"the alarms again: {stories(stage)}")


def test_a_reload_goes_on_in_the_same_file(stage):
    broker = stage.broker()
    stage.write("site.json", site([flow.free_port(), flow.free_port()], broker.port))
    monitor = stage.davy("run", "site.json", "--record", "session.wire")
    monitor.wait_line("ING-011 source=gw")
    stage.publish(broker.port, "davy/v1/s/telemetry", {"values": {"c": 1}})
    wait_until(lambda: samples(stage, "site.json")["c"], "the first sample")
    monitor.send(flow.signal.SIGHUP)
    wait_until(lambda: sum("APP-001" in line for line in monitor.err) == 2, "the reload")
    stage.publish(broker.port, "davy/v1/s/telemetry", {"values": {"c": 2}})
    wait_until(lambda: len(samples(stage, "site.json")["c"]) == 2, "the second sample")
    equal(monitor.end(), 0, "exit code")
    field = stage.davy("davy-sim", "run", "site.json", "--replay-wire", "session.wire", "--once")
    field.wait_line(r"recording: 0 requests, 2 messages")
    wait_until(lambda: field.process.poll() is not None, "the recording to be over")
    equal(field.process.returncode, 0, "exit code of the field")


def test_what_cannot_be_done_is_said(stage):
    stage.write("site.json", site([flow.free_port(), flow.free_port()], flow.free_port()))
    stage.write("old.wire", "here already")
    for words, code, says in (
            (["run", "site.json", "--record", "old.wire"], 2, "is there already"),
            (["run", "site.json", "--record", "none/new.wire"], 3, "cannot be written"),
            (["davy-sim", "run", "site.json", "--replay-wire", "old.wire"], 2, "is no recording"),
            (["davy-sim", "run", "site.json", "--replay-wire", "none.wire"], 2, "cannot be opened"),
            (["davy-sim", "run", "site.json", "--replay-wire", "old.wire", "--speed", "0"], 2, "--speed"),
            (["davy-sim", "run", "site.json", "scenario.json", "--replay-wire", "old.wire"], 2, "no scenario"),
            (["davy-sim", "trace", "site.json", "--replay-wire", "old.wire"], 2, "davy export")):
        _, err = stage.run(*words, expect=code)
        require(says in err, f"{' '.join(words)}: {err}")


if __name__ == "__main__":
    flow.main(globals())
