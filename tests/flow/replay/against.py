"""davy replay --against: what a changed rule set would have done with the same rows."""

import copy
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
from flow import equal, require  # noqa: E402
from replay import HEAD, piped, row  # noqa: E402

SITE = {
    "site": {"id": "plant"},
    "points": [{"id": "tank-1/level", "kind": "level", "unit": "m"}, {"id": "tank-2/level", "kind": "level"}],
    "rules": [{"id": "high", "where": {"kind": "level"}, "levels": [{"level": "orange", "when": "value > 9"}]}],
}


def set_up(stage):
    """Tank 1: a short peak, a long one, a high one.  Tank 2 is known to the old site only, tank 3 to the new one."""
    stage.write("old.json", SITE)
    new = copy.deepcopy(SITE)
    new["points"][1]["id"] = "tank-3/level"
    new["rules"][0]["levels"] = [{"level": "orange", "when": "value > 9", "on_delay": "3s"},
                                 {"level": "red", "when": "value > 11"}]
    stage.write("new.json", new)
    text = HEAD
    for s in range(60):
        level = 10 if 5 <= s < 7 or 20 <= s < 30 else 12 if 40 <= s < 50 else 8
        text += row(s, 1, level) + row(s, 2, 8 + s // 30 * 2) + row(s, 3, 8 + s // 50 * 2)
    stage.write("trace.csv", text)
    return text


def test_the_same_site_does_not_differ(stage):
    set_up(stage)
    out, err = stage.run("replay", "old.json", "trace.csv", "--against", "old.json")
    require("7 the same, 0 lost, 0 added, 0 earlier, 0 later, 0 of another level" in out, out)
    require("60 rows not known to it" not in err and "60 set aside" in err, err)


def test_what_a_changed_rule_changes(stage):
    set_up(stage)
    out, err = stage.run("replay", "old.json", "trace.csv", "--against", "new.json", "--format", "ndjson", expect=1)
    lines = [json.loads(line) for line in out.splitlines()]
    tank_1, tank_2, tank_3 = (f"high:tank-{n}/level" for n in (1, 2, 3))
    came = [(d["difference"], d["event"], d["alarm"], d.get("by_s"), d.get("other_level")) for d in lines[:-2]]
    equal(came, [
        ("lost", "raised", tank_1, None, None), ("lost", "cleared", tank_1, None, None),
        ("later", "raised", tank_1, 3, "orange"),
        ("lost", "raised", tank_2, None, None),
        ("level", "raised", tank_1, 0, "red"),
        ("level", "cleared", tank_1, 0, "red"),
        ("added", "raised", tank_3, None, None),
    ], "differences")
    equal([(f["site"], f["raised"], f["red"], f["standing"]) for f in lines[-2:]],
          [("old.json", 4, 0, 1), ("new.json", 3, 1, 1)], "figures")
    require("old.json: 120 samples" in err and err.count("60 rows not known to it") == 2, err)


def test_the_table_is_readable(stage):
    set_up(stage)
    out, _ = stage.run("replay", "old.json", "trace.csv", "--against", "new.json", expect=1)
    require("1 the same, 3 lost, 1 added, 0 earlier, 1 later, 2 of another level" in out, out)
    require("2026-01-05T00:00:20.000Z  later    by 3s       raised orange  high:tank-1/level #2\n" in out, out)
    require("2026-01-05T00:00:40.000Z  level                raised orange  high:tank-1/level #3, now red\n" in out, out)
    figures = {line[:40].strip(): line[40:].split() for line in out.splitlines() if len(line) > 60}
    equal(figures["alarms raised"], ["4", "3"], "alarms raised")
    equal(figures["in 10 minutes, at worst"], ["4", "3", "<=", "10"], "the worst 10 minutes")


def test_from_a_pipe(stage):
    text = set_up(stage)
    out, _ = stage.run("replay", "old.json", "trace.csv", "--against", "new.json", expect=1)
    came, _ = piped(stage, text, "replay", "old.json", "-", "--against", "new.json", expect=1)
    equal(came, out, "a pipe is a file")
    came, _ = stage.run("replay", "old.json", "trace.csv", "--against", "new.json", "--shards", "3", expect=1)
    equal(came, out, "so it is with shards")


def test_events_agree_with_each_site_alone(stage):
    """Both engines in one pass say what each says alone."""
    text = set_up(stage)
    both, _ = stage.run("replay", "old.json", "trace.csv", "--against", "new.json", "--format", "ndjson", expect=1)
    figures = {f["site"]: f for f in map(json.loads, both.splitlines()[-2:])}
    for name in ("old.json", "new.json"):
        out, _ = piped(stage, text, "replay", name, "-")
        raised = sum(json.loads(line)["event"] == "raised" for line in out.splitlines())
        equal(figures[name]["raised"], raised, f"alarms raised by {name}")


def test_a_broken_other_site(stage):
    set_up(stage)
    stage.write("new.json", "{")
    _, err = stage.run("replay", "old.json", "trace.csv", "--against", "new.json", expect=2)
    require("new.json" in err, err)
    stage.run("replay", "old.json", "none.csv", "--against", "old.json", expect=2)


if __name__ == "__main__":
    flow.main(globals())
