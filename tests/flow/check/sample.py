"""davy check --sample: what a message becomes, and what of it would be set aside."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require

SITE = {
    "site": {"id": "s"},
    "sources": {
        "gw": {"type": "mqtt", "url": "mqtt://h", "topics": ["plant/+/up"]},
        "map": {"type": "mqtt", "url": "mqtt://h", "topics": ["x"], "format": "json", "map": {"L": "/data/level"}},
        "plc": {"type": "modbus-tcp", "host": "h"},
    },
    "points": [
        {"id": "level", "from": {"source": "gw", "key": "T7.LVL", "scale": 0.01, "invalid": [-1]}},
        {"id": "temperature", "from": {"source": "gw", "key": "T7.TMP"}},
        {"id": "mapped", "from": {"source": "map", "key": "L"}},
    ],
}


def check(stage, payload, *more, source="gw", expect=0):
    stage.write("site.json", SITE)
    stage.write("message", payload)
    return stage.run("check", "site.json", "--sample", "message", "--source", source, *more, expect=expect)


def rows(out):
    return [line.split() for line in out.splitlines()]


def test_each_sample_is_shown(stage):
    out, _ = check(stage, {"time": 1767571230000, "seq": 1, "values": {
        "T7.LVL": 320, "T7.TMP": {"value": 41.5, "status": "calibrating", "time": 1767571229500}}})
    equal(rows(out), [["level", "3.2", "good", "2026-01-05T00:00:30.000Z"],
                      ["temperature", "41.5", "calibrating", "2026-01-05T00:00:29.500Z"],
                      ["2", "samples,", "0", "parts", "set", "aside"]], "rows")


def test_no_reading_is_shown_as_such(stage):
    out, _ = check(stage, {"time": 1767571230000, "values": {"T7.LVL": -1}})
    equal(rows(out)[0], ["level", "-", "sensor", "2026-01-05T00:00:30.000Z"], "row")


def test_every_part_set_aside_is_told_with_its_place(stage):
    payload = '{"time": 1767571230000, "values": {"T7.LVL": "high", "T7.TMP": 20, "other": 3}}'
    out, err = check(stage, payload, expect=1)
    told = [line for line in out.splitlines() if line.startswith("set aside")]
    equal(len(told), 2, "parts")
    require(f"offset {payload.index(chr(34) + 'high')}:" in told[0], told[0])
    equal([row[0] for row in rows(out) if row[0] != "set"], ["temperature", "1"], "the rest is taken")
    require("2 parts" in err, err)
    out, _ = check(stage, "no json", expect=1)
    require("set aside at offset 0" in out, out)


def test_more_samples_than_one_batch(stage):
    out, _ = check(stage, [{"point": "T7.TMP", "time": 1767571230000 + i, "value": i} for i in range(200)])
    equal([row[1] for row in rows(out)[:-1]], [str(i) for i in range(200)], "values in order")


def test_a_map_is_followed(stage):
    out, _ = check(stage, {"data": {"level": 7}}, source="map")
    equal(rows(out)[0][:3], ["mapped", "7", "good"], "row")


def test_topics(stage):
    payload = {"time": 1767571230000, "values": {"T7.TMP": 1}}
    check(stage, payload, "--topic", "plant/7/up")
    _, err = check(stage, payload, "--topic", "plant/7/down", expect=1)
    require("would not hear of topic" in err, err)


def test_wrong_calls(stage):
    for source, told in (("gv", "not a source"), ("plc", "davy probe")):
        _, err = check(stage, {}, source=source, expect=2)
        require(told in err, err)
    _, err = stage.run("check", "site.json", "--sample", "none", "--source", "gw", expect=2)
    require("none" in err, err)
    for words in (["--sample", "message"], ["--source", "gw"], ["--topic", "t"]):
        _, err = stage.run("check", "site.json", *words, expect=2)
        require("belong together" in err, err)


if __name__ == "__main__":
    flow.main(globals())
