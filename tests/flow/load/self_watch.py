"""Davy watched by Davy: the pack profiles/davy/self.json in a live run."""

import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
from flow import equal, require, wait_until  # noqa: E402

PACK = os.path.join(flow.SOURCE, "profiles", "davy", "self.json")
FLOOD = "davy-flood:davy.alerting.raised_10min"


def set_up(stage):
    shutil.copy(PACK, stage.path("self.json"))
    broker = stage.broker()
    names = [f"tank-{n}/level" for n in range(1, 16)]
    stage.write("site.json", {
        "site": {"id": "plant"}, "include": ["self.json"],
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"], "format": "davy"}},
        "points": [{"id": name, "kind": "level", "from": {"source": "gw", "key": name}} for name in names],
        "rules": [{"id": "high", "where": {"kind": "level"}, "levels": [{"level": "yellow", "when": "value > 9"}]}],
        "store": {"path": "data"}, "sinks": {"log": {"type": "file", "path": "events.ndjson"}}})
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    begin = int(time.time() * 1000)

    def tell(number, point, value):
        stage.publish(broker.port, "t", {"time": begin + number, "seq": number, "values": {point: value}})

    return monitor, names, tell


def counters(stage):
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    return {c["name"]: c["value"] for c in map(json.loads, out.splitlines())}


def test_a_flood_raises_one_alarm(stage):
    monitor, names, tell = set_up(stage)
    for number, name in enumerate(names[:10]):
        tell(number, name, 10)
    stage.wait_event(event="raised", alarm=f"high:{names[9]}")
    wait_until(lambda: stage.run("query", "site.json", "davy.alerting.raised_10min")[0].count(",10,good"),
               "the counter to be a sample")
    require(not [e for e in stage.events() if e["rule"] == "davy-flood"], "ten alarms are no flood")
    for number, name in enumerate(names[10:], 10):
        tell(number, name, 10)
    raised = stage.wait_event(event="raised", alarm=FLOOD)
    require(raised["level"] == "orange" and "Alarm flood" in raised["message"], f"{raised}")
    out, _ = stage.run("alarms", "site.json")
    require(FLOOD in out.splitlines()[0], f"the flood stands at the top of the list: {out}")
    equal(counters(stage)["alerting.standing"], 16, "fifteen tanks and the flood")
    equal(monitor.end(), 0, "exit code")
    equal([e["event"] for e in stage.events() if e["alarm"] == FLOOD], ["raised"], "one alarm for the flood")


def test_chattering_is_told(stage):
    monitor, names, tell = set_up(stage)
    for number in range(6):
        tell(number, names[0], 8 if number % 2 else 10)
    stage.wait_event(event="raised", alarm="davy-chattering:davy.alerting.chattering")
    came = counters(stage)
    equal((came["alerting.chattering"], came["alerting.standing"]), (1, 1), "chattering and standing")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
