"""The manual's examples, run: every rule passes `davy check`, the site and the rule test of rules.md pass `davy test`."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
import strips  # noqa: E402

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


def test_every_table_along_time_is_true(stage):
    """All cells of all strips of the pages are what davy replay makes of them."""
    cells = {page: sum(strips.prove(stage, strip) for strip in strips.strips(page))
             for page in ("expressions.md", "rules.md")}
    flow.require(cells["expressions.md"] >= 250 and cells["rules.md"] >= 50, f"cells proven: {cells}")


def test_every_word_has_a_table(stage):
    """Each word of the language stands in a row of a strip."""
    rows = {expression for strip in strips.strips("expressions.md") for expression, _, _ in strip.questions()}
    words = ("value age status point pstatus mean min max range stddev count first last delta slope changes ewma zscore "
             "eta_up eta_down unchanged anomaly repeats").split()
    missing = [word for word in words if not any(re.match(rf"{word}\b", row) for row in rows)]
    flow.equal(missing, [], "words without a table of numbers")


def test_the_window_at_one_moment(stage):
    """The readings drawn beside the table of functions, and what the table says they give."""
    text = strips.page_text("expressions.md")
    readings = re.findall(r"10:0(\d)  (\d\.\d+)", text)
    flow.equal(len(readings), 6, "readings drawn")
    table = re.search(r"\| function \| here \|.*?\n\n", text, re.DOTALL).group()
    rows = re.findall(r"^\| (`.*?`) \| ([\d., ]+) \|", table, re.MULTILINE)
    claims = [(call, cell) for calls, cells in rows
              for call, cell in zip(re.findall(r"`(.*?)`", calls), cells.split(", "))]
    flow.require(len(claims) >= 13, f"functions with a number: {claims}")
    claims.append(("eta_up(1.0, 5m) / 1", re.search(r"eta_up\(1.0, 5m\) is .*? = (\d+) s", text).group(1) + ".0"))
    last = len(readings) - 1
    strip = strips.Strip("".join([" time  " + " ".join(f"{minute}m" for minute, _ in readings) + "\n",
                                  " reading  " + " ".join(value for _, value in readings) + "\n"]))
    strip.rows += [(call, [None] * last + [cell]) for call, cell in claims[:-1]]
    flow.equal(strips.prove(stage, strip), len(claims) - 1, "proven")
    strip.rows = strip.rows[:1] + [("eta_up(1.0, 5m) / 1000", [None] * last + [f"{int(claims[-1][1][:-2]) / 1000:.3f}"])]
    flow.equal(strips.prove(stage, strip), 1, "the forecast")


def test_and_or_not(stage):
    """The tables of && || and !, each cell."""
    reading = {"true": "1", "false": "-1", "unknown": "comm"}
    word = {"true": "yes", "false": "no", "unknown": "?"}
    truth = "last('{}', 1h) > 0"
    text = strips.page_text("expressions.md").replace("**", "").replace("\\", "")
    cells = 0
    for sign in ("&&", "||"):
        table = text[text.index(f"| `a {sign} b` |"):]
        lines = re.findall(r"^\| a (\w+) \| (\w+) \| (\w+) \| (\w+) \|$", table, re.MULTILINE)[:3]
        combos = [(a, b, answer) for a, *answers in lines for b, answer in zip(reading, answers)]
        rows = [" ".join(f"{second}s" for second in range(len(combos))), " ".join(reading[a] for a, _, _ in combos),
                " ".join(reading[b] for _, b, _ in combos), " ".join(word[answer] for _, _, answer in combos)]
        labels = ("time", "'a'", "'b'", f"{truth.format('a')} {sign} {truth.format('b')}")
        cells += strips.prove(stage, strips.Strip("\n".join(f" {label}  {row}" for label, row in zip(labels, rows))))
    answers = re.search(r"^\| `!a` \| (\w+) \| (\w+) \| (\w+) \|$", text, re.MULTILINE).groups()
    cells += strips.prove(stage, strips.Strip(
        f" time  0s 1s 2s\n 'a'  {' '.join(reading.values())}\n !({truth.format('a')})  "
        f"{' '.join(word[answer] for answer in answers)}\n"))
    flow.equal(cells, 28, "18 cells and 3, of which 7 are unknown and take two proofs")


def rule_of(section):
    """The first rule that a section of rules.md shows as JSON."""
    text = strips.page_text("rules.md")
    return json.loads(re.search(r"```json\n(\{\"id\".*?)```", text[text.index(f"\n## {section}"):], re.DOTALL).group(1))


def test_which_points(stage):
    """The table of `where`, each cell."""
    names = ["face-501/t1/ch4", "face-501/t2/ch4", "face-502/t1/co"]
    points = [{"id": name, "kind": name.rsplit("/", 1)[1], "tags": {"place": name.split("/")[1].upper()}} for name in names]
    rows = re.findall(r"^\| (left out|`\{.*?\}`) \| (\w+) \| (\w+) \| (\w+) \|$", strips.page_text("rules.md"),
                      re.MULTILINE)
    flow.require(len(rows) >= 7, f"rows: {rows}")
    rules = []
    for number, (where, *_) in enumerate(rows):
        rule = {"id": f"r{number}", "levels": [{"level": "red", "when": "value > 0"}]}
        rules.append(rule if where == "left out" else {**rule, "where": json.loads(where.strip("`"))})
    stage.write("site.json", {"site": {"id": "x"}, "points": points, "rules": rules})
    stage.write("trace.csv", "time,point,value\n" + "".join(f"0,{name},1\n" for name in names))
    out, _ = stage.run("replay", "site.json", "trace.csv")
    raised = {json.loads(line)["alarm"] for line in out.splitlines()}
    told = {f"r{number}:{name}" for number, (_, *cells) in enumerate(rows)
            for name, cell in zip(names, cells) if cell == "yes"}
    flow.equal(raised, told, "alarms")


def test_words_of_a_message(stage):
    """The table of what stands in braces, each row."""
    rows = re.findall(r"^\| `(\{\w+\})` \| .*? \| (.*?) \|$", strips.page_text("rules.md"), re.MULTILINE)
    flow.equal(len(rows), 7, "rows")
    site = {"site": {"id": "x"}, "hazards": [{"id": "face-501"}],
            "points": [{"id": "face-501/t1/ch4", "name": "501 T1", "unit": "%CH4", "hazard": "face-501"}, {"id": "bare"}],
            "rules": [{"id": "ch4-limit", "message": " | ".join(written for written, _ in rows),
                       "levels": [{"level": "yellow", "when": "value > 1 || status('comm')"}]}]}
    stage.write("site.json", site)
    stage.write("trace.csv", "time,point,value,status\n0,face-501/t1/ch4,1.02,\n0,bare,,comm\n")
    out, _ = stage.run("replay", "site.json", "trace.csv")
    messages = [json.loads(line)["message"] for line in out.splitlines()]
    flow.equal(messages[0], " | ".join(here for _, here in rows), "all there")
    flow.equal(messages[1], "bare | – | – | yellow | bare | ch4-limit | –", "nothing there")


def test_two_sites_beside_one_another(stage):
    """The example of --against in replay.md is what comes of the files it shows."""
    site, proposed = blocks("replay.md")
    shown, trace = strips.plain_blocks("replay.md")
    stage.write("site.json", site)
    stage.write("proposed.json", proposed)
    stage.write("march.csv", trace)
    out, _ = stage.run("replay", "site.json", "march.csv", "--against", "proposed.json", expect=1)
    flow.require(shown.endswith("\n…\n"), "what is shown is cut short")
    flow.equal(out[:len(shown) - 2], shown[:-2], "what comes")


def test_the_traces_shown_are_read(stage):
    """Every row of both examples of traces.md."""
    shown = re.findall(r"(?:^    .*\n)+", strips.page_text("traces.md"), re.MULTILINE)
    traces = [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in shown]
    flow.equal([trace[:4] for trace in traces], ["time", '{"ti'], "how the examples begin")
    stage.write("site.json", {"site": {"id": "x"}, "points": [{"id": "face-501/t1/ch4"}], "rules": [
        {"id": "ch4-limit", "levels": [{"level": "yellow", "when": "value >= 1"}]}]})
    for trace, rows in zip(traces, (3, 3)):
        stage.write("trace", trace)
        _, err = stage.run("replay", "site.json", "trace")
        flow.require(f"replayed {rows} rows" in err and "(0 refused), 0 set aside" in err, err)


def strips_with_alarms():
    found = [strips.Strip(block) for block in strips.plain_blocks("rules.md") if re.search(r"^ *time  ", block, re.M)]
    return [strip for strip in found if strip.words]


def test_alarms_of_rules_that_strips_say_themselves(stage):
    """Levels, delays, delays of each level, dead band, a lost reading, latch."""
    own = [strip for strip in strips_with_alarms() if strip.levels]
    for strip in own:
        acts = [(column, {"do": "ack", "alarm": "latched:p", "by": "li"})
                for label, cells in strip.rows if label == "ack" for column, cell in enumerate(cells) if cell == "yes"]
        told = {label: "latched:p" if "latch" in label else strips.P for label in strip.words}
        strips.prove_alarm(stage, strip, strips.own_site(strip), told, acts)
    flow.equal(len(own), 7, "strips with a rule")


def test_alarms_of_rules_in_json(stage):
    """unless, vote, suppressed_by."""
    by_points = {tuple(label for label, _ in strip.series()): strip for strip in strips_with_alarms() if not strip.levels}
    flow.equal(len(by_points), 3, "strips without a rule")

    def site(points, *rules):
        return {"site": {"id": "x"}, "points": [*points, {"id": "clock"}], "rules": list(rules)}

    flow_low = by_points["'pump-3/running'", "'pump-3/flow'"]
    strips.prove_alarm(stage, flow_low, site([{"id": "pump-3/running"}, {"id": "pump-3/flow"}], rule_of("`unless`")),
                       {label: "flow-low:pump-3/flow" for label in flow_low.words})
    areas = by_points["'A'", "'B'", "'C'"]
    points = [{"id": name, "kind": "ch4", "tags": {"area": "north"}} for name in "ABC"]
    strips.prove_alarm(stage, areas, site(points, rule_of("`vote`")), {label: "two-areas:north" for label in areas.words})
    lost = by_points["'substation/volts'", "'sensor'"]
    cause = {"id": "substation-down", "where": {"id": "substation/volts"},
             "levels": [{"level": "red", "when": "value < 100"}]}
    points = [{"id": "substation/volts", "hazard": "h"}, {"id": "sensor", "kind": "ch4", "hazard": "h"}]
    strips.prove_alarm(stage, lost, {**site(points, cause, rule_of("`suppressed_by`")), "hazards": [{"id": "h"}]},
                       {"event, its cause": "substation-down:substation/volts", "event": "lost:sensor"})


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
