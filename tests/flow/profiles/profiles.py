"""The rule packs under profiles/: sites that include them pass `davy check`, their rule tests pass `davy test`, no rule
and no level goes without a test or without its origin, and the tables of profiles/README.md say what the files say.

    profiles.py coal | chemical | early-warning     the tests of one pack
    profiles.py tables                              writes the tables into profiles/README.md
"""

import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402

HOME = os.path.join(flow.SOURCE, "profiles")
README = os.path.join(HOME, "README.md")


def read(path):
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def files(pack):
    """The files of a pack that hold rules, by name."""
    found = {os.path.basename(path): read(path) for path in sorted(glob.glob(os.path.join(HOME, pack, "*.json")))}
    return {name: content for name, content in found.items() if "rules" in content}


def rule_tests(pack):
    found = sorted(glob.glob(os.path.join(HOME, pack, "tests", "*.test.json")))
    flow.require(found, f"{pack} has no rule tests")
    return found


def whole_pack_is_accepted(stage, pack):
    stage.run("check", os.path.join(HOME, pack, "tests", "site.json"))


def each_file_stands_alone(stage, pack):
    """A site may include any one file: it names no rule and no tag that only another file brings."""
    points = os.path.join(HOME, pack, "tests", "points.json")
    for name in files(pack):
        stage.write("site.json", {"site": {"id": "alone"}, "include": [points, os.path.join(HOME, pack, name)]})
        stage.run("check", "site.json")


def rule_tests_pass(stage, pack):
    out, _ = stage.run("test", *rule_tests(pack), seconds=100)
    cases = sum(len(read(path)["cases"]) for path in rule_tests(pack))
    flow.require(f"{cases} passed, 0 failed" in out, out)


def every_level_is_entered_in_some_test(_, pack):
    entered, ended = set(), set()
    for path in rule_tests(pack):
        for event in (event for case in read(path)["cases"] for event in case["expect"]):
            rule = event["alarm"].split(":")[0]
            if event["event"] in ("raised", "worsened"):
                entered.add((rule, event["level"]))
            if event["event"] == "cleared":
                ended.add(rule)
    for rule in (rule for content in files(pack).values() for rule in content["rules"]):
        # two levels with the same limit are entered together, as the higher
        limits = [level["when"] for level in rule["levels"]]
        for place, level in enumerate(rule["levels"]):
            hidden = any(value_limit(other) == value_limit(level["when"]) for other in limits[place + 1:])
            flow.require(hidden or (rule["id"], level["level"]) in entered, f"no test enters {rule['id']} {level['level']}")
        flow.require(rule["id"] in ended, f"no test clears {rule['id']}")


def value_limit(when):
    return re.sub(r"\s", "", when)


def every_value_has_its_origin(_, pack):
    for name, content in files(pack).items():
        flow.equal(content.get("profile"), pack, f"{name}: profile")
        for rule in content["rules"]:
            for part in [rule, *rule["levels"]]:
                flow.require(part.get("certainty") in ("S", "P", "D") and part.get("origin"),
                             f"{name}: {rule['id']}: a part without origin or certainty: {part}")


def readme_tells_what_the_files_say(_, pack):
    with open(README, encoding="utf-8") as text:
        page = text.read()
    flow.require(tables(page) == page, f"{README} is behind the packs; run {os.path.relpath(__file__, flow.SOURCE)} tables")


def cell(text):
    return str(text).replace("|", "\\|")


def row(rule):
    levels = "<br>".join(f"{level['level']} ({level['certainty']}): `{cell(level['when'])}`"
                         + (f", clear `{cell(level['clear'])}`" if "clear" in level else "")
                         + (f", on_delay {level['on_delay']}" if "on_delay" in level else "") for level in rule["levels"])
    more = [f"{key} {rule[key]}" for key in ("on_delay", "off_delay") if key in rule]
    more += ["latch"] if rule.get("latch") else []
    more += [f"at least {rule['vote']['at_least']} by `{rule['vote']['by']}`"] if "vote" in rule else []
    more += [f"suppressed by {', '.join(rule['suppressed_by'])}"] if "suppressed_by" in rule else []
    more += [f"unless `{cell(rule['unless'])}`"] if "unless" in rule else []
    origins = "<br>".join(cell(level["origin"]) for level in rule["levels"])
    return f"| `{rule['id']}` | {levels} | {'<br>'.join(more)} ({rule['certainty']}) | {origins}<br>{cell(rule['origin'])} |"


def table(pack):
    lines = []
    for name, content in files(pack).items():
        lines += [f"**[{pack}/{name}]({pack}/{name})** {content['description']}", "",
                  "| rule | levels | besides | origin |", "|---|---|---|---|", *map(row, content["rules"]), ""]
    return "\n".join(lines)


def tables(page):
    """The page with the text between its marks printed anew from the packs."""
    for pack in ("coal", "chemical", "early-warning"):
        begin, end = f"<!-- rules of {pack} -->\n", f"<!-- end of {pack} -->"
        before, rest = page.split(begin)
        page = before + begin + "\n" + table(pack) + "\n" + end + rest.split(end)[1]
    return page


if __name__ == "__main__":
    PACK = sys.argv.pop(1)
    if PACK == "tables":
        with open(README, encoding="utf-8") as old:
            CONTENT = tables(old.read())
        with open(README, "w", encoding="utf-8") as new:
            new.write(CONTENT)
        sys.exit(0)
    flow.main({f"test_{test.__name__}": lambda stage, test=test: test(stage, PACK) for test in (
        whole_pack_is_accepted, each_file_stands_alone, rule_tests_pass, every_level_is_entered_in_some_test,
        every_value_has_its_origin, readme_tells_what_the_files_say)})
