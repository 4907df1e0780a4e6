"""The points of a hazard are read faster while it is in alarm, and as ever when it is well again."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import datetime_ms, require, wait_until


def point(id, address, **more):
    return {"id": id, "every": "1500ms", "from": {"source": "plc", "unit": 1, "table": "holding", "address": address,
                                                  "type": "f32"}, **more}


def times(stage, id, after_ms):
    rows = stage.run("query", "site.json", id, "--from", "now-1h", "--to", "now+1h")[0].splitlines()[1:]
    return [at for at in (datetime_ms(row.split(",")[0]) for row in rows) if at > after_ms]


def gap(stage, id, after_ms, count):
    """The mean time between the first `count` readings behind that moment."""
    came = wait_until(lambda: len(times(stage, id, after_ms)) >= count and times(stage, id, after_ms)[:count],
                      f"{count} readings of {id}", 30)
    return (came[-1] - came[0]) / (count - 1)


def test_faster_in_alarm(stage):
    stage.write("site.json", {
        "site": {"id": "x"}, "hazards": [{"id": "face", "every_in_alarm": "100ms"}, {"id": "tank"}],
        "sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": flow.free_port()}},
        "points": [point("face/ch4", 0, hazard="face"), point("face/co", 2, hazard="face", every_in_alarm="200ms"),
                   point("tank/level", 4, hazard="tank"), point("free", 6)],
        "rules": [{"id": "high", "where": {"id": "face/ch4"}, "levels": [{"level": "red", "when": "value > 3"}]}],
        "sinks": {"file": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})
    stage.write("scenario.json", {
        "seed": 1, "start": "2026-01-05T00:00:00Z", "length": "10m",
        "points": {"*": {"base": 1, "noise": 0}},
        "events": [{"at": "3s", "point": "face/ch4", "set": 5}, {"at": "9s", "point": "face/ch4", "release": True}]})
    field = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    field.wait_line(r"^ready")
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    raised = datetime_ms(stage.wait_event(event="raised")["time"])
    require(70 <= gap(stage, "face/ch4", raised + 300, 12) <= 200, "the hazard's every_in_alarm")
    require(150 <= gap(stage, "face/co", raised + 300, 8) <= 400, "the point's own")
    require(gap(stage, "tank/level", raised + 300, 3) >= 1200, "another hazard goes on as ever")
    require(gap(stage, "free", raised + 300, 3) >= 1200, "a point without hazard too")
    cleared = datetime_ms(stage.wait_event(event="cleared", seconds=30)["time"])
    require(gap(stage, "face/ch4", cleared + 400, 3) >= 1200, "as ever when the hazard is well again")
    require(gap(stage, "face/co", cleared + 400, 3) >= 1200, "the point's own too")
    stat = stage.run("stat", "site.json")[0]
    require(any(line.split()[:2] == ["ingest.plc.faster", "0"] for line in stat.splitlines()), "the counter is back at 0")
    monitor.end()
    field.end()


if __name__ == "__main__":
    flow.main(globals())
