"""How it stands with each unit is told: by davy stat, by points davy.bus.*, and by one alarm for a lost unit."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

PROFILE = os.path.join(flow.SOURCE, "profiles", "davy")
DELAYS = {"davy-unit-lost": ("0s", "3s"), "davy-point-lost": ("2s", "1s")}  # in place of the profile's longer ones


def site(stage, shorten):
    with open(os.path.join(PROFILE, "bus.json"), encoding="utf-8") as text:
        pack = json.load(text)
    for rule in pack["rules"] if shorten else []:
        if rule["id"] in DELAYS:
            rule["on_delay"], rule["off_delay"] = DELAYS[rule["id"]]
    stage.write("bus.json", pack)
    stage.write("site.json", {
        "site": {"id": "x"}, "include": ["bus.json"], "hazards": [{"id": f"h{n}"} for n in (1, 2, 3)],
        "sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": flow.free_port(), "timeout": "200ms"}},
        "points": [{"id": f"p{n}/{k}", "every": "300ms" if shorten else "5s", "hazard": f"h{n}", "from": {
            "source": "plc", "unit": n, "table": "holding", "address": 10 * k}} for n in (1, 2, 3) for k in (0, 1)],
        "devices": [{"id": "u{n}", "name": "Substation {n}", "template": os.path.join(PROFILE, "unit.json"), "source": "plc",
                     "unit": n, "number": n, "hazard": f"h{n}"} for n in (1, 2, 3)],
        "sinks": {"file": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})


def stat(stage):
    return {line.split()[0]: int(line.split()[1]) for line in stage.run("stat", "site.json")[0].splitlines()}


def test_a_lost_unit_is_one_alarm(stage):
    site(stage, shorten=True)
    stage.write("scenario.json", {
        "seed": 1, "start": "2026-01-05T00:00:00Z", "length": "10m", "points": {"*": {"base": 7, "noise": 0}},
        "events": [{"at": "3s", "source": "plc", "unit": 2, "fault": "timeout", "for": "8s"},
                   {"at": "3s", "source": "plc", "unit": 3, "fault": "exception:4", "for": "4s"}]})
    field = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    field.wait_line(r"^ready")
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    wait_until(lambda: stat(stage)["bus.plc.2.state"] == 0, "unit 2 to answer")
    stage.wait_event(event="raised", alarm="davy-unit-lost:davy.bus.plc.2.state")
    now = stat(stage)
    equal((now["bus.plc.1.state"], now["bus.plc.2.state"], now["bus.plc.3.state"], now["bus.plc.state"]), (0, 3, 0, 0),
          "states")
    require(now["bus.plc.2.timeouts"] >= 2 and now["bus.plc.1.timeouts"] == 0, "time-outs by unit")
    refused = wait_until(lambda: (lambda s: s if "exception.p3/0" in s else None)(stat(stage)), "the exception of a point")
    equal((refused["exception.p3/0"], refused["exception.p3/1"], refused["bus.plc.3.exception"]), (4, 4, 4), "its code")
    require("exception.p2/0" not in refused, "only points that are refused")
    stage.wait_event(event="suppressed", alarm="davy-point-lost:p2/0")
    stage.wait_event(event="suppressed", alarm="davy-point-lost:p2/1")
    stage.wait_event(event="cleared", alarm="davy-unit-lost:davy.bus.plc.2.state", seconds=40)
    about = [e for e in stage.events() if e["alarm"].startswith("davy-point-lost:p2")]
    require(all(e["event"] in ("raised", "blind", "sighted", "suppressed", "cleared") for e in about),
            f"its points were never announced: {about}")
    require(not any(e["alarm"].startswith("davy-point-lost:p1") for e in stage.events()), "the neighbour is well")
    after = stat(stage)
    require(after["bus.plc.2.state"] == 0 and "exception.p3/0" not in after, "well again")
    monitor.end()
    field.end()


def test_rules_as_they_are_shipped(stage):
    """The delays of the profile: the unit first, its points kept back and never told."""
    site(stage, shorten=False)
    unit = "davy-unit-lost:davy.bus.plc.1.state"
    stage.write("case.test.json", {"site": "site.json", "cases": [{
        "name": "lost unit", "exact": False,
        "input": [{"point": "davy.bus.plc.1.state", "every": "1s", "values": "0x10 3x60 0x60"},
                  {"point": "davy.bus.plc.1.timeouts", "every": "1s", "values": "0x10 20x120"},
                  {"point": "davy.bus.plc.1.exceptions", "every": "1s", "values": "0x10 1x120"},
                  {"point": "p1/0", "every": "1s", "values": "7x10 commx60 7x60"}],
        "expect": [{"at": "10s", "event": "raised", "alarm": "davy-unit-ailing:davy.bus.plc.1.timeouts", "level": "blue"},
                   {"at": "10s", "event": "raised", "alarm": "davy-unit-refuses:davy.bus.plc.1.exceptions"},
                   {"at": "15s", "event": "raised", "alarm": unit, "level": "orange"},
                   {"at": "40s", "event": "raised", "alarm": "davy-point-lost:p1/0", "level": "blue"},
                   {"at": "40s", "event": "suppressed", "alarm": "davy-point-lost:p1/0"},
                   {"at": "100s", "event": "cleared", "alarm": "davy-point-lost:p1/0"},
                   {"at": "110s", "event": "cleared", "alarm": unit}]}]})
    out, _ = stage.run("test", "case.test.json")
    require("1 passed, 0 failed" in out, out)


def test_a_mistyped_number_is_told(stage):
    points = ["davy.bus.plc.1.state", "davy.bus.plc.state", "davy.bus.plc.9.state", "davy.bus.plc.1.stat",
              "davy.bus.plx.1.state", "davy.bus.plc.1x.state", "davy.bus.gw.state"]
    stage.write("site.json", {"site": {"id": "x"}, "sources": {
        "plc": {"type": "modbus-tcp", "host": "h"}, "gw": {"type": "mqtt", "url": "mqtt://h", "topics": ["t"]}},
        "points": [{"id": id} for id in points] + [
            {"id": "p", "from": {"source": "plc", "unit": 1, "table": "input", "address": 0}}]})
    _, err = stage.run("check", "site.json", expect=2)
    told = [line.split(": ")[1] for line in err.splitlines() if "is no number of the field bus" in line]
    equal(told, [f"points[{i}].id" for i in range(2, 7)], "mistakes")


if __name__ == "__main__":
    flow.main(globals())
