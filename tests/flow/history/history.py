"""What was is kept, and goes out and in again: export, import, backup, restore."""

import csv
import io
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", "whole"))
import flow
from first_light import run_davy, run_field, set_up, words
from flow import equal, require


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_export_replays_to_the_events_of_the_live_run(stage):
    """Live with faults, delays and a device that falls silent; its export, also beside the monitor, replays the same."""
    set_up(stage)
    field = run_field(stage)
    monitor = run_davy(stage)
    stage.wait_event(event="cleared", alarm="ch4-limit:face-501/t1/ch4", seconds=25)
    beside, _ = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h", "--format", "trace")
    equal(monitor.end(), 0, "exit code")
    field.end()
    trace, err = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h")
    require(trace.startswith(beside) or len(rows(beside)) > 50, "the export beside the monitor is a trace too")
    require("samples of 3 points" in err or "samples of 2 points" in err, err)
    seen = [row["seen"] for row in rows(trace)]
    equal(seen, sorted(seen), "rows come in order of receipt")
    stage.write("export.csv", trace)
    out, _ = stage.run("replay", "site.json", "export.csv")
    replayed = [words(json.loads(line)) for line in out.splitlines()]
    live = [words(e) for e in stage.events()]
    equal(replayed, live, "events of the replayed export and of the live run")
    require(len(live) >= 5, "there is something to compare")


if __name__ == "__main__":
    flow.main(globals())
