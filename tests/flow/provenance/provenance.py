"""Every stored value says where it comes from, also after the site was changed; and who changed what, when."""

import csv
import getpass
import io
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", "whole"))
import flow
from flow import equal, require, wait_until
from mine import TOPIC, run_davy, run_field, set_up

CO = "face-501/t1/co"
SPAN = ("--from", "now-1h", "--to", "now+1h")


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def query(stage, point, *more):
    return table(stage.run("query", "site.json", point, *SPAN, *more)[0])


def changed(stage, monitor, why):
    """The site file as it now is in `stage` is taken over, by SIGHUP or by another start."""
    stage.write("site.json", stage.site)
    if why == "reload":
        before = len([l for l in monitor.err if "state=running" in l])
        monitor.send(signal.SIGHUP)
        wait_until(lambda: len([l for l in monitor.err if "state=running" in l]) > before, "the reload")
        return monitor
    equal(monitor.end(), 0, "exit code")
    return run_davy(stage)


def test_values_keep_the_scaling_they_came_with(stage):
    set_up(stage)
    run_field(stage)
    monitor = run_davy(stage)
    point = next(p for p in stage.site["points"] if p["id"] == CO)
    seen = 0
    for change, (why, scale, offset) in enumerate(
            [("start", 0.1, 0), ("reload", 0.5, -2), ("start", 10, 0), ("reload", 0.1, 0)], 1):
        if change > 1:
            point["from"].update(scale=scale, offset=offset)
            monitor = changed(stage, monitor, why)
        wait_until(lambda: len([r for r in query(stage, CO, "--provenance") if r["value"] and r["change"] == str(change)])
                   >= 2, "samples of the changed site")
    port = str(stage.site["sources"]["plc-1"]["port"])
    scales = {"1": ("0.1", "0"), "2": ("0.5", "-2"), "3": ("10", "0"), "4": ("0.1", "0")}
    rows = query(stage, CO, "--provenance")
    plain = query(stage, CO)
    for row, sample in zip(rows, plain):
        require(row["time"] == sample["time"] and row["value"] == sample["value"], "the same samples as without")
        equal((row["source"], row["over"], row["at"], row["unit_id"], row["table"], row["address"], row["type"],
               row["order"], row["key"]),
              ("plc-1", "modbus-tcp", "127.0.0.1:" + port, "1", "holding", "10", "u16", "AB", ""), "origin")
        equal((row["scale"], row["offset"]), scales[row["change"]], "scaling in force then")
        if row["value"]:
            scale, offset = map(float, scales[row["change"]])
            raw = int(row["raw"])
            require(abs(raw * scale + offset - float(row["value"])) < 1e-9, f"raw of {row}")
            seen += 1
    require(seen >= 8, "samples of all four")
    equal(sorted({row["change"] for row in rows}), ["1", "2", "3", "4"], "changes")
    lines = [json.loads(l) for l in stage.run("query", "site.json", CO, *SPAN, "--provenance", "--format",
                                              "ndjson")[0].splitlines()]
    equal([str(line["change"]) for line in lines][:len(rows)], [row["change"] for row in rows], "changes as NDJSON")
    equal(lines[0]["origin"]["address"], 10, "origin as NDJSON")
    equal(monitor.end(), 0, "exit code")
    require("whole" in stage.run("verify", "site.json")[0], "the store is whole")


def test_changes_of_limits_are_told(stage):
    set_up(stage)
    monitor = run_davy(stage)
    rule = stage.site["rules"][0]
    rule["levels"][0].update(when="value >= 0.8", clear="value < 0.8")
    stage.site["points"] = [p for p in stage.site["points"] if p["id"] != CO]
    monitor = changed(stage, monitor, "reload")
    monitor = changed(stage, monitor, "start")  # the same file: no change
    wait_until(lambda: any(row["change"] == "2" for row in table(stage.run("query", "site.json", "--changes")[0])),
               "the change")
    rows = table(stage.run("query", "site.json", "--changes")[0])
    equal([(r["change"], r["what"], r["kind"], r["id"]) for r in rows],
          [("1", "start", "site", ""), ("1", "start", "point", "face-501/t1/ch4"), ("1", "start", "point", CO),
           ("1", "start", "point", "tank-7/level"), ("1", "start", "rule", "ch4-limit"), ("1", "start", "rule", "tank-high"),
           ("2", "reload", "site", ""), ("2", "reload", "point", CO), ("2", "reload", "rule", "ch4-limit")], "changes")
    equal({r["by"] for r in rows}, {getpass.getuser()}, "by whom")
    equal(rows[7]["now"], "null", "the point that is gone")
    limits = table(stage.run("query", "site.json", "ch4-limit", "--changes")[0])
    equal([json.loads(r["now"])["levels"][0]["when"] for r in limits], ["value >= 1.0", "value >= 0.8"], "limits")
    later = stage.run("query", "site.json", "--changes", "--from", "now+1h", "--format", "ndjson")[0]
    equal(later, "", "changes to come")
    lines = [json.loads(l) for l in stage.run("query", "site.json", "--changes", "--format", "ndjson")[0].splitlines()]
    equal([l["kind"] for l in lines], [r["kind"] for r in rows], "as NDJSON")
    equal([e["seq"] for e in stage.events()], list(range(1, len(stage.events()) + 1)), "the journal has events only")
    equal(monitor.end(), 0, "exit code")
    require("whole" in stage.run("verify", "site.json")[0], "the store is whole")


def test_messages_and_imports(stage):
    """What came by MQTT names its key; what was imported says so."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    stage.publish(broker.port, TOPIC, {"time": now, "seq": 1, "values": {"T7.LVL": 3.25}})
    stage.publish(broker.port, TOPIC, {"time": now - 5000, "seq": 2, "values": {"T7.LVL": 3}})
    with open(stage.path("old.csv"), "w", encoding="utf-8") as out:
        out.write(f"time,point,value,status\n{now - 60000},tank-7/level,2.5,\n{now - 50000},tank-7/level,2.25,late\n")
    stage.run("import", "site.json", "old.csv")
    wait_until(lambda: len(query(stage, "tank-7/level")) == 4, "all samples")
    old, old_late, late, new = query(stage, "tank-7/level", "--provenance")
    equal((old["value"], old["over"], old["source"], old["raw"], old["change"]), ("2.5", "import", "", "", ""), "imported")
    equal((old_late["status"], old_late["over"], old_late["source"]), ("late", "import", ""), "imported as late")
    equal((late["status"], late["over"], late["raw"], late["change"]), ("late", "mqtt", "3", "1"), "received late")
    equal((new["value"], new["over"], new["source"], new["key"], new["raw"]), ("3.25", "mqtt", "gw", "T7.LVL", "3.25"),
          "received")
    require(new["seen"] >= new["time"], "received after it was measured")
    equal(monitor.end(), 0, "exit code")
    rows = query(stage, "tank-7/*", "--provenance")
    equal([(r["point"], r["value"], r["over"]) for r in rows],
          [("tank-7/level", value, over) for value, over in
           (("2.5", "import"), ("2.25", "import"), ("3", "mqtt"), ("3.25", "mqtt"))], "of a pattern")
    line = json.loads(stage.run("query", "site.json", "tank-7/level", CO, *SPAN, "--provenance", "--format",
                                "ndjson")[0].splitlines()[0])
    equal((line["point"], line["imported"]), ("tank-7/level", True), "of several points")
    listed = [(r["kind"], r["id"]) for r in table(stage.run("query", "site.json", "tank-7/*", "ch4-limit", "--changes")[0])]
    require(("point", "tank-7/level") in listed and listed[-1] == ("rule", "ch4-limit"), "changes of a pattern and a rule")
    require(("site", "") not in listed and ("point", CO) not in listed, "and of nothing else")
    for words in (("--provenance", "--every", "1m"), ("--provenance", "--changes"), ("--last", "--provenance")):
        stage.run("query", "site.json", "tank-7/level", *words, expect=2)
    stage.run("query", "site.json", "--provenance", expect=2)


if __name__ == "__main__":
    flow.main(globals())
