"""The manual's examples, run: every rule passes `davy check`, the site and the rule test of rules.md pass `davy test`."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402

POINTS = [
    {"id": "face-501/t1/ch4", "kind": "ch4", "tags": {"place": "T1", "area": "north"}},
    {"id": "face-501/t2/ch4", "kind": "ch4", "tags": {"place": "T2", "area": "north"}},
    {"id": "tank-7/level", "kind": "level"},
    {"id": "tank-7/temp", "kind": "temperature"},
    {"id": "tank-7/heater"},
    {"id": "plant/test-run"},
    {"id": "pump-3/flow"},
    {"id": "pump-3/running"},
]
# rules that an example names without showing them
NAMED = [{"id": "substation-down", "where": {"kind": "ch4"}, "levels": [{"level": "yellow", "when": "value < 0"}]}]


def blocks(page):
    """The JSON blocks of a page of the manual."""
    with open(os.path.join(flow.SOURCE, "docs", "manual", page), encoding="utf-8") as text:
        return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text.read(), re.DOTALL)]


def test_every_rule_is_accepted(stage):
    for page, least in (("expressions.md", 10), ("rules.md", 4)):
        rules = [block for block in blocks(page) if "levels" in block]
        flow.require(len(rules) >= least, f"{page} has {len(rules)} rules, expected at least {least}")
        stage.write("site.json", {"site": {"id": "manual"}, "points": POINTS, "rules": NAMED + rules})
        stage.run("check", "site.json")


def test_the_rule_test_passes(stage):
    site, cases = [block for block in blocks("rules.md") if "site" in block]
    stage.write("site.json", site)
    stage.write("test.json", cases)
    out, _ = stage.run("test", "test.json")
    flow.require(f"{len(cases['cases'])} passed, 0 failed" in out, out)


def test_the_rule_test_can_fail(stage):
    """A case that expects one second too early is told, with what came."""
    site, cases = [block for block in blocks("rules.md") if "site" in block]
    wanted = next(case for case in cases["cases"] if case["name"].startswith("limit"))
    wanted["expect"][0]["at"] = "6s"
    stage.write("site.json", site)
    stage.write("test.json", {"site": "site.json", "cases": [wanted]})
    out, err = stage.run("test", "test.json", expect=1)
    flow.require("0 passed, 1 failed" in out and "raised" in err, out + err)


def test_a_failed_rule_test_prints_numbers_as_written(stage):
    site, cases = [block for block in blocks("rules.md") if "site" in block]
    case = {"name": "nothing comes", "input": [{"point": "face-501/t1/ch4", "values": "0.2"}],
            "expect": [{"at": "3s", "event": "raised", "value": 0.3}]}
    stage.write("site.json", site)
    stage.write("test.json", {"site": "site.json", "cases": [case]})
    _, err = stage.run("test", "test.json", expect=1)
    flow.require('! expected  {"at":"3s","event":"raised","value":0.3}' in err, err)


if __name__ == "__main__":
    flow.main(globals())
