"""davy explain: why an alarm fired, and what it waits for, from the journal and the stored samples of a live run."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
from flow import equal, require, wait_until  # noqa: E402

TANK = "tank-high:tank-7/level"


def site(port):
    def point(name, **more):
        return dict({"id": name, "hazard": "tank", "from": {"source": "gw", "key": name}}, **more)

    return {
        "site": {"id": "plant"}, "hazards": [{"id": "tank"}],
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "topics": ["t"], "format": "davy"}},
        "points": [point("tank-7/level", kind="level", unit="m"), point("tank-7/power"), point("tank-8/t", kind="t"),
                   point("tank-9/t", kind="t")],
        "rules": [
            {"id": "tank-high", "where": {"kind": "level"}, "suppressed_by": ["power-off"],
             "levels": [{"level": "orange", "when": "value > 9", "clear": "value < 8", "on_delay": "10s"},
                        {"level": "red", "when": "value > 11 && max(30s) > 11.5"}]},
            {"id": "power-off", "where": {"id": "tank-7/power"}, "levels": [{"level": "yellow", "when": "value == 0"}]},
            {"id": "hot", "where": {"kind": "t"}, "levels": [{"level": "red", "when": "value >= 80"}]},
        ],
        "store": {"path": "data"},
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}},
    }


class Plant:
    """A running monitor and its broker; samples carry times that begin two hours ago, so nothing waits for real."""

    def __init__(self, stage, change=None):
        self.stage = stage
        self.broker = stage.broker()
        self.site = site(self.broker.port)
        if change:
            change(self.site)
        stage.write("site.json", self.site)
        self.begin = int(time.time()) - 7200
        self.start()

    def start(self):
        self.monitor = self.stage.davy("run", "site.json")
        self.monitor.wait_line(r"ING-011 source=gw .* connected")

    def tell(self, second, point, value, status=None):
        sample = {"point": point, "time": (self.begin + second) * 1000, "value": value}
        if status:
            sample["status"] = status
        self.stage.publish(self.broker.port, "t", [sample])

    def at(self, second):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.begin + second))

    def stored(self, point, count):
        wait_until(lambda: len(self.stage.run("query", "site.json", point, "--from", "now-3h")[0].splitlines()) > count,
                   f"{count} samples of {point} in the store")

    def explain(self, alarm, *more, expect=0):
        out, err = self.stage.run("explain", "site.json", alarm, *more, expect=expect)
        return out if expect == 0 else err


def requires(text, *lines):
    """Each line is there, after the one before."""
    at = 0
    for line in lines:
        found = text.find(line + "\n", at)
        require(found >= 0, f"expected, in this order: {line!r}\nin:\n{text}")
        at = found + len(line)


def test_an_occurrence_from_beginning_to_end(stage):
    plant = Plant(stage)
    for second, level in ((0, 5), (10, 9.5), (15, 7), (20, 9.6), (25, 9.7), (31, 9.7), (40, 11.2), (45, 12), (50, 8.5),
                          (60, 7.5)):
        plant.tell(second, "tank-7/level", level)
    stage.wait_event(event="cleared", alarm=TANK)
    stage.run("ack", "site.json", TANK, "--by", "li", "--comment", "valve shut")
    plant.stored("tank-7/level", 10)
    out = plant.explain(TANK)
    requires(out, TANK, "  orange when `value > 9` for 10s, until `value < 8` for 0s", "", "occurrence 1 of 1",
             f"{plant.at(20)}  orange: `value > 9` holds (tank-7/level = 9.6 m)",
             f"{plant.at(20)}  orange: the on_delay of 10s begins, until {plant.at(30)}",
             f"{plant.at(30)}  orange is entered",
             f"{plant.at(30)}  => raised orange",
             f"{plant.at(45)}  red: `value > 11 && max(30s) > 11.5` holds (tank-7/level = 12 m)",
             f"{plant.at(45)}  red is entered",
             f"{plant.at(45)}  => worsened red",
             f"{plant.at(50)}  red is left",
             f"{plant.at(50)}  => eased orange",
             f"{plant.at(60)}  orange: `value < 8` holds (tank-7/level = 7.5 m)",
             f"{plant.at(60)}  orange is left",
             f"{plant.at(60)}  => cleared orange")
    require(re.search(r"=> acked orange by li: valve shut\n", out), out)
    require("do not lead to this" not in out, out)
    require(plant.at(10) not in out, "what happened before the wait that led to it is left out")
    require(": all well\n" in out, out)
    requires(out, f"  tank-7/level = 7.5 m, good, at {plant.at(60)}",
             "    orange: not entered: `value > 9` does not hold: the value 7.5 is 1.5 below the limit",
             "    red: not entered: `value > 11 && max(30s) > 11.5` does not hold")
    equal(plant.monitor.end(), 0, "exit code")
    stopped = plant.explain(TANK)
    equal(stopped[:stopped.index("\nat ")], out[:out.index("\nat ")], "the same without a monitor")


def test_what_an_alarm_waits_for(stage):
    plant = Plant(stage)
    require("never raised" in plant.explain(TANK) and "tank-7/level: not heard of yet" in plant.explain(TANK), "unheard")
    now = int(time.time())
    plant.begin = now
    plant.site["rules"][0]["levels"][0]["on_delay"] = "1h"
    stage.write("site.json", plant.site)
    equal(plant.monitor.end(), 0, "exit code")
    plant.start()
    plant.tell(0, "tank-7/level", 9.25)
    plant.stored("tank-7/level", 1)
    requires(plant.explain(TANK), "never raised",
             f"    orange: not entered: `value > 9` holds since {plant.at(0)}; is entered at {plant.at(3600)} "
             "if that goes on")
    plant.tell(1, "tank-7/level", 9)
    plant.stored("tank-7/level", 2)
    requires(plant.explain(TANK), "    orange: not entered: `value > 9` does not hold: the value is at the limit")
    equal(plant.monitor.end(), 0, "exit code")


def test_suppressed_and_by_what(stage):
    plant = Plant(stage)
    plant.tell(0, "tank-7/power", 0)
    stage.wait_event(event="raised", alarm="power-off:tank-7/power")
    plant.tell(1, "tank-7/level", 10)
    plant.tell(12, "tank-7/level", 10)
    stage.wait_event(event="suppressed", alarm=TANK)
    plant.tell(13, "tank-7/power", 1)
    stage.wait_event(event="unsuppressed", alarm=TANK)
    stage.run("shelve", "site.json", TANK, "--by", "li", "--for", "1h", "--comment", "known")
    plant.stored("tank-7/level", 2)
    out = plant.explain(TANK)
    requires(out, "  suppressed by power-off", f"{plant.at(11)}  => raised orange",
             f"{plant.at(11)}  => suppressed orange by power-off:tank-7/power", f"{plant.at(13)}  => unsuppressed orange")
    require(re.search(r"=> shelved orange by li: known\n", out), out)
    require(re.search(r"\nat .*: shelved orange, not acknowledged\n", out), out)
    requires(out, "    orange: entered; to be left `value < 8` does not hold: the value 10 is 2 above the limit")
    equal(plant.monitor.end(), 0, "exit code")


def test_several_occurrences_and_a_lost_reading(stage):
    alarm = "hot:tank-8/t"
    plant = Plant(stage)
    for second, value, status in ((0, 20, None), (10, 81, None), (20, 20, None), (30, 85, None), (40, None, "sensor"),
                                  (50, 86, None)):
        plant.tell(second, "tank-8/t", value, status)
    stage.wait_event(event="sighted", alarm=alarm)
    plant.stored("tank-8/t", 6)
    first = plant.explain(alarm, "--occurrence", "1")
    requires(first, "occurrence 1 of 2", f"{plant.at(10)}  => raised red", f"{plant.at(20)}  red: `value >= 80` holds no "
             "longer (tank-8/t = 20)", f"{plant.at(20)}  => cleared red")
    require(plant.at(30) not in first and "\nat " not in first, first)
    last = plant.explain(alarm)
    requires(last, "occurrence 2 of 2", f"{plant.at(30)}  => raised red",
             f"{plant.at(40)}  a reading is lost: conditions keep their last truth (tank-8/t = no value, sensor)",
             f"{plant.at(40)}  => blind red", f"{plant.at(50)}  all readings are back (tank-8/t = 86)",
             f"{plant.at(50)}  => sighted red",
             "    red: entered; to be left `value >= 80` must not hold, which is not so: the value 86 is 6 above the limit")
    require("no occurrence 3" in plant.explain(alarm, "--occurrence", "3", expect=1), "an occurrence that was not")
    require("not in the site" in plant.explain("hot:tank-77/t", expect=1), "an alarm that is not")
    plant.explain(alarm, "--occurrence", "none", expect=2)
    equal(plant.monitor.end(), 0, "exit code")


def test_a_group(stage):
    def vote(change):
        change["rules"][2]["vote"] = {"by": "tags.area", "at_least": 2}
        for point in change["points"][2:]:
            point["tags"] = {"area": "north"}

    plant = Plant(stage, vote)
    for second, tank, value in ((0, 8, 20), (0, 9, 20), (10, 8, 85), (20, 9, 90)):
        plant.tell(second, f"tank-{tank}/t", value)
    stage.wait_event(event="raised", alarm="hot:north")
    plant.stored("tank-9/t", 2)
    requires(plant.explain("hot:north"), f"{plant.at(10)}  tank-8/t: red: `value >= 80` holds (tank-8/t = 85)",
             f"{plant.at(20)}  tank-9/t: red: `value >= 80` holds (tank-9/t = 90)",
             f"{plant.at(20)}  the group of at least 2 is at red", f"{plant.at(20)}  => raised red",
             "  a level of the group holds when at least 2 of 2 points hold it; now: red")
    equal(plant.monitor.end(), 0, "exit code")


def test_a_changed_rule_is_told(stage):
    alarm = "hot:tank-8/t"
    plant = Plant(stage)
    plant.tell(0, "tank-8/t", 20)
    plant.tell(10, "tank-8/t", 81)
    stage.wait_event(event="raised", alarm=alarm)
    plant.stored("tank-8/t", 2)
    equal(plant.monitor.end(), 0, "exit code")
    plant.site["rules"][2]["levels"][0]["when"] = "value >= 90"
    stage.write("site.json", plant.site)
    out = plant.explain(alarm)
    requires(out, "the rule was changed since: then `value >= 80`, now `value >= 90`",
             f"{plant.at(10)}  => raised red [the stored samples, judged by the rule as it is now, do not lead to this]")


def test_no_store(stage):
    stage.write("site.json", {"site": {"id": "plant"}, "points": [{"id": "a"}], "store": {"path": "none"},
                              "rules": [{"id": "r", "levels": [{"level": "red", "when": "value > 1"}]}]})
    _, err = stage.run("explain", "site.json", "r:a", expect=2)
    require("none" in err, err)


if __name__ == "__main__":
    flow.main(globals())
