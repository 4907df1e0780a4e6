"""davy check: what only the field bus or the run would tell stands where the user wrote it, and is told before the run."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal

PLC = {"type": "modbus-tcp", "host": "127.0.0.1", "port": 1, "max_registers": 3}
FAT = {"source": "plc", "unit": 1, "table": "input", "address": 8, "type": "f64"}
MORE = "takes 4 registers, its source reads at most 3 at once; raise max_registers of the source"


def mistakes(stage, expect=2):
    _, err = stage.run("check", "site.json", expect=expect)
    return err.splitlines()


def test_a_point_is_named_where_it_was_written(stage):
    """In an included file, in tables, behind devices of a list and of a table, with companions."""
    os.mkdir(stage.path("more"))
    stage.write("more/part.json", {
        "points": [{"id": "first", "from": FAT | {"type": "f32"}}, {"id": "included", "from": FAT}],
        "sources": {"other": PLC | {"units": {"9": {}}}}, "points_csv": "part.csv"})
    stage.write("more/part.csv", "id,from.source,from.unit,from.table,from.address,from.type\n\n"
                                 "in-table,plc,1,input,20,f64\n")
    stage.write("devices.csv", "id,template,source,unit\nrow,fat,plc,3\n")
    stage.write("site.json", {
        "site": {"id": "s"}, "include": ["more/part.json"], "sources": {"plc": PLC}, "devices_csv": "devices.csv",
        "templates": {"fat": {"points": [{"id": "{id}/near", "from": {"table": "input", "address": 0, "type": "u16"}},
                                         {"id": "{id}/fat", "from": {"table": "holding", "address": 8, "type": "f64"}}]}},
        "devices": [{"id": "gd", "template": "fat", "source": "plc", "unit": 2}],
        "points": [{"id": "own", "from": FAT | {"unit": 4}},
                   {"id": "guided", "from": {"source": "plc", "unit": 5, "table": "input", "address": 0, "type": "u16",
                                             "order_from": {"address": 8, "type": "u64", "map": {"1": "AB"}}}},
                   {"id": "davy.bus.plc.nothing"}]})
    told = mistakes(stage)
    equal([line for line in told if line.endswith(MORE)],
          [f'{place}: point "{point}" {MORE}' for place, point in (
              ("more/part.json: points[1].from", "included"), ("more/part.csv: line 3: from", "in-table"),
              ("site.json: points[0].from", "own"), ("site.json: points[1].from.order_from", "guided"),
              ("site.json: devices[0].points[1].from", "gd/fat"), ("devices.csv: line 2: points[1].from", "row/fat"))],
          "places of points")
    rest = [line.split(";")[0] for line in told if not line.endswith(MORE)]
    equal(rest, ["more/part.json: sources.other.units.9: no point has this unit",
                 'site.json: points[2].id: "davy.bus.plc.nothing" is no number of the field bus'], "the rest")


def test_what_run_refuses_check_tells(stage):
    """Each site has one thing wrong that lies in the site file; both say so with exit code 2."""
    file = {"type": "file", "path": "events.ndjson"}
    status = {"address": 60000, "map": {"0": "good", "1": "sensor"}}
    point = {"source": "plc", "unit": 1, "table": "input", "type": "u16"}
    wrong = [
        ("sinks: 33 are too many; at most 32", {"sinks": {f"s{i}": file | {"path": f"events-{i}"} for i in range(33)}}),
        ("sinks.log.path: the folder nothing is not there", {"sinks": {"log": file | {"path": "nothing/events.ndjson"}}}),
        ("sinks.cap.path: the folder no/such is not there", {"sinks": {"cap": {"type": "cap", "path": "no/such/cap"}}}),
        ("sinks.cap.path: site.json is a file", {"sinks": {"cap": {"type": "cap", "path": "site.json"}}}),
        ("sinks.hook.url: is 5", {"sinks": {"hook": {"type": "webhook", "url": "http://h/" + 5000 * "x"}}}),
        ("sources.bus.baud: no serial line runs at 12345 baud",
         {"sources": {"bus": {"type": "modbus-rtu", "device": "/dev/null", "baud": 12345}}}),
        ('points[0].from: from "p0" on, 8194 values and companions hang together; at most 8192',
         {"sources": {"plc": PLC}, "points": [{"id": f"p{i}", "from": point | {"address": i, "status": status}}
                                              for i in range(8193)]}),
    ]
    for text, content in wrong:
        stage.write("site.json", {"site": {"id": "s"}} | content)
        told = mistakes(stage)
        equal(len(told), 1, told)
        equal(told[0][:len(text) + 11], f"site.json: {text}", "what check says")
        stage.run("run", "site.json", "--seconds", "1", expect=2)
    stage.write("site.json", {"site": {"id": "s"}, "sinks": {"log": file | {"path": "."}}})
    equal(mistakes(stage), ["site.json: sinks.log.path: . is a folder; name a file"], "a folder")


def test_windows_that_a_restart_shortens_are_noted(stage):
    """By the class of the point, by what stays anyway, by the limit of a day; a note is no mistake."""
    def rule(number, when, **where):
        return {"id": f"r{number}", "where": where, "levels": [{"level": "red", "when": when}]}

    stage.write("site.json", {
        "site": {"id": "s"}, "points": [{"id": "a", "kind": "x"}, {"id": "b", "kind": "x"}, {"id": "c", "kind": "y"}],
        "store": {"keep": {"raw": "6h", "classes": [{"where": {"id": "a"}, "raw": "1y"}, {"where": {"id": "c"}, "raw": "1h"}]},
                  "pin": {"before": "30m"}},
        "rules": [rule(0, "mean(12h) > 1", kind="x"), rule(1, "mean(6h) > 1 || ewma(5h) > 1", kind="x"),
                  rule(2, "max(7d) > 1", id="a"), rule(3, "min('c', 90m) > 1", id="a"), rule(4, "min('c', 2h) > 1", id="a"),
                  rule(5, "zscore(7h) > 1 && stddev(8h) > 1", id="b")]})
    hint = "only, its samples are not kept for longer; let store.keep.raw, or a class of store.keep.classes, be as long as the window"
    noted = mistakes(stage, expect=0)
    equal(noted, [f'note: site.json: rules[0]: after a restart a window of 12h of "b" holds the last 6h {hint}',
                  'note: site.json: rules[2]: after a restart a window of 7d of "a" holds the last 1d only; '
                  'nothing need be done; the rest fills as time goes on',
                  f'note: site.json: rules[4]: after a restart a window of 2h of "c" holds the last 90m {hint}',
                  f'note: site.json: rules[5]: after a restart a window of 8h of "b" holds the last 6h {hint}'], "notes")


if __name__ == "__main__":
    flow.main(globals())
