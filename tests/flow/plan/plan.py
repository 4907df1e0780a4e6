"""davy check --plan: what a reload would do is told beforehand, and then happens."""

import copy
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
from flow import equal, require, wait_until  # noqa: E402


def rule(name, kind, limit):
    return {"id": name, "where": {"kind": kind}, "levels": [{"level": "orange", "when": f"value > {limit}"}]}


def set_up(stage):
    broker = stage.broker()
    site = {"site": {"id": "plant"}, "store": {"path": "data"},
            "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"], "format": "davy"}},
            "points": [{"id": name, "kind": kind, "from": {"source": "gw", "key": name}}
                       for name, kind in (("tank-1/level", "level"), ("tank-2/level", "level"), ("tank-1/t", "t"),
                                          ("tank-1/p", "p"))],
            "rules": [rule("high", "level", 9), rule("hot", "t", 80), rule("press", "p", 5)],
            "sinks": {"log": {"type": "file", "path": "events.ndjson"}}}
    stage.write("site.json", site)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    now = int(time.time() * 1000)
    for point, value in (("tank-1/level", 10), ("tank-2/level", 1), ("tank-1/t", 90), ("tank-1/p", 6)):
        stage.publish(broker.port, "t", [{"point": point, "time": now, "value": value}])
    wait_until(lambda: len(stage.events()) == 3, "three alarms")
    wait_until(lambda: all(len(stage.run("query", "site.json", p["id"])[0].splitlines()) == 2 for p in site["points"]),
               "all samples in the store")
    return site, monitor


def test_nothing_changes(stage):
    _, monitor = set_up(stage)
    out, _ = stage.run("check", "site.json", "--plan")
    require("rules: 3 unchanged, 0 changed, 0 of which nothing is kept yet\n" in out, out)
    require("alarms: 0 more of these rules, 0 gone\n" in out and "points: 4 with stored samples, 0 without\n" in out, out)
    equal(monitor.end(), 0, "exit code")
    again, _ = stage.run("check", "site.json", "--plan")
    require("a monitor holds" in out and "no monitor holds" in again, "who holds the store")
    equal(again[again.index("rules:"):], out[out.index("rules:"):], "the same of a store that nobody holds")


def test_what_a_reload_would_do(stage):
    site, monitor = set_up(stage)
    changed = copy.deepcopy(site)
    changed["rules"] = [dict(rule("high", "level", 9), message="a better text"), rule("hot", "t", 95),
                        rule("cold", "t", 99)]
    changed["points"] = changed["points"][:3] + [{"id": "tank-3/level", "kind": "level"}]
    stage.write("site.json", changed)
    out, _ = stage.run("check", "site.json", "--plan")
    require("rules: 1 unchanged, 1 changed, 1 of which nothing is kept yet\n" in out, out)
    require("  changed  hot: 1 alarms are judged anew; delays begin afresh\n"
            "    hot:tank-1/t (active orange, not acknowledged)\n" in out, out)
    require("  new      cold: 1 alarms\n" in out, out)
    require("alarms: 1 more of these rules, 1 gone\n" in out, out)
    require("    press:tank-1/p (active orange, not acknowledged)\n    0 that are all well\n" in out, out)
    require("points of which nothing is stored yet:\n    tank-3/level\npoints: 3 with stored samples, 1 without\n" in out, out)
    monitor.send(signal.SIGHUP)
    stage.wait_event(event="closed", alarm="press:tank-1/p")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    require(not [e for e in stage.events() if e["alarm"] == "high:tank-1/level" and e["event"] != "raised"],
            "what is unchanged goes on")
    equal(monitor.end(), 0, "exit code")


def test_no_store_and_mistakes(stage):
    stage.write("site.json", {"site": {"id": "plant"}, "points": [{"id": "a"}], "rules": [rule("r", "t", 1)]})
    stage.run("check", "site.json", "--plan", expect=2)
    stage.write("site.json", {"site": {"id": "plant"}, "points": [{"id": "a", "kind": "t"}], "rules": [rule("r", "t", 1)]})
    out, _ = stage.run("check", "site.json", "--plan")
    require("all is new" in out, out)


if __name__ == "__main__":
    flow.main(globals())
