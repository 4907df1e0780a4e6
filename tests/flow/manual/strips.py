"""Tables of the manual that run along time, played by davy.

A strip is a block of a page with a row `time`, whose columns all others follow:

     yellow: when value >= 1.0 for 3s, clear value < 0.8      the rule, one line for each level; may be missing
     resolution 0.02                                          of the point; also every 1s, range 0 10

     time          0s     1s     2s
     reading      0.40   comm     –        of the point that is watched; – nothing came
     'x'            60     61    61        of the point x
     value        0.40     ?      ?        an expression: a number, ∞, ? unknown, yes, no
     taken as      yes    yes    yes       the condition in the row above, unknown keeping its last answer
     alarm        none   yellow            the level from there on
     event               raised            in the column below whose time it begins
     waiting             |———|             a drawing: all rows with | or [

Every cell of an expression becomes rules that are raised exactly when it is right.  So that a rule speaks of one column
only, a point `clock` tells the number of the column, after the readings of that column; and since a condition that was
never known is false, a number is known when `… >= -1e300` is true or false: an unknown one raises neither.
"""

import os
import re

import flow

START_MS = 1767571200000
P = "r:p"  # the alarm of a strip that says its own rule
NOTHING = ("–", "-")
STATUS = ("comm", "sensor", "calibrating", "stale", "paused", "manual", "range")
TELLS = ("alarm", "event")  # how labels of rows begin that tell an alarm
PASSED = ("ack",)
LEVEL = re.compile(r" *(?P<level>blue|yellow|orange|red): +when (?P<when>.*?)(?: for (?P<on>\d+[smh]))?"
                   r"(?:, +clear (?P<clear>.*?)(?: for (?P<off>\d+[smh]))?)?")
CAPTION = re.compile(r"^ *(resolution|every|range) +(.*?) *$")


def page_text(page):
    with open(os.path.join(flow.SOURCE, "docs", "manual", page), encoding="utf-8") as text:
        return text.read()


def plain_blocks(page):
    """The blocks between fences that name no language."""
    parts = re.split(r"^```(\w*)\n", page_text(page), flags=re.MULTILINE)  # text, language, block, "", text, …
    return [block for language, block in zip(parts[1::4], parts[2::4]) if language == ""]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def level_of(text):
    """A level as a rule has it, of ` yellow: when … for 3s, clear … for 2s`."""
    parts = LEVEL.fullmatch(text.rstrip())
    level = {"level": parts["level"], "when": parts["when"].strip()}
    for key, name in (("clear", "clear"), ("on", "on_delay"), ("off", "off_delay")):
        if parts[key]:
            level[name] = parts[key].strip()
    return level


class Strip:
    def __init__(self, block):
        self.caption, self.rows, self.times = {}, [], []
        self.starts = []  # of the columns, in characters
        self.words = {}  # of rows that tell an alarm: label -> [(column, word)]
        self.levels = []
        for line in block.splitlines():
            caption = CAPTION.match(line)
            if caption:
                self.caption[caption.group(1)] = caption.group(2)
            elif LEVEL.fullmatch(line.rstrip()):
                self.levels.append(level_of(line))
            elif "[" not in line and "|" not in line.replace("||", ""):
                self._row(line)

    def _row(self, line):
        more = re.fullmatch(r" {4,}([a-z_]+)", line.rstrip())
        if more is not None and self.words:  # a second event below the one of the row above
            self.words[list(self.words)[-1]].append((self._column(more.start(1), line), more.group(1)))
            return
        parted = re.match(r"^ *(\w+\([^()]*\)) +([-\d?∞].*)$", line) or re.match(r"^ *(\S.*?)\s{2,}(\S.*)$", line)
        if parted is None:
            return
        label, cells = parted.group(1), parted.group(2).split()
        if label == "time":
            columns = [word for word in re.finditer(r"\d+[smh]\b", line)]
            self.times = [seconds(word.group()) for word in columns]
            self.starts = [word.start() for word in columns]
        elif label.startswith(TELLS):
            words = [word for word in re.finditer(r"[a-z_]+", line) if word.start() >= parted.start(2)]
            self.words[label] = [(self._column(word.start(), line), word.group()) for word in words]
        else:
            self.rows.append((label, cells[:len(self.times)]))

    def _column(self, start, line):
        flow.require(start in self.starts, f"a word does not begin below a time: {line}")
        return self.starts.index(start)

    def series(self):
        return [(label, cells) for label, cells in self.rows if label == "reading" or label.startswith("'")]

    def questions(self):
        """(expression, column, cell) of all cells that are to be proven; "taken as" is told apart by a leading mark."""
        above = None
        for label, cells in self.rows:
            if label == "reading" or label.startswith("'") or label in PASSED:
                continue
            if label == "taken as":
                yield from (("=" + above, column, cell) for column, cell in enumerate(cells))
                continue
            above = label
            yield from ((label, column, cell) for column, cell in enumerate(cells))


def strips(page):
    """All strips of a page that say what an expression gives."""
    found = [Strip(block) for block in plain_blocks(page) if re.search(r"^ *time  ", block, re.MULTILINE)]
    return [strip for strip in found if strip.times and any(True for _ in strip.questions())]


def trace_rows(strip, start_ms):
    """Readings of a column first, then its number."""
    for column, second in enumerate(strip.times):
        time = start_ms + 1000 * second
        for label, cells in strip.series():
            point, cell = label.strip("'") if label != "reading" else "p", cells[column]
            if cell in NOTHING:
                continue
            yield f"{time},{point},,{cell}" if cell in STATUS else f"{time},{point},{cell},"
        yield f"{time},clock,{column},"


def span(cell):
    """What a printed number stands for: half a unit of its last digit either way; a whole number for itself."""
    value = float(cell)
    decimals = len(cell.partition(".")[2])
    half = 0.5000001 * 10 ** -decimals if decimals else 1e-6
    return value - half, value + half


def rules_for(expression, column, cell):
    """(condition, must it be raised?) of one cell."""
    at = f"point('clock') == {column}"
    if cell in ("yes", "no"):
        return [(f"{at} && {'' if cell == 'yes' else '!'}({expression})", True)]
    if cell == "∞":
        return [(f"{at} && {expression} > 1e300", True)]
    if cell == "?":
        known = expression if re.search(r"[<>=]|status\(", expression) else f"{expression} >= -1e300"
        return [(f"{at} && ({known})", False), (f"{at} && !({known})", False)]
    low, high = span(cell)
    return [(f"{at} && {expression} >= {low!r} && {expression} <= {high!r}", True)]


def points_of(strip):
    point = {"id": "p", "resolution": float(strip.caption.get("resolution", 0))}
    if "every" in strip.caption:
        point["every"] = strip.caption["every"]
    if "range" in strip.caption:
        point["range"] = [float(end) for end in strip.caption["range"].split()]
    others = [{"id": label.strip("'")} for label, _ in strip.series() if label != "reading"]
    return [point, *others, {"id": "clock"}]


def site_of(strip, rules):
    return {"site": {"id": "strip"}, "points": points_of(strip),
            "rules": [{"id": name, "where": {"id": "p"}, "levels": [{"level": "red", "when": when}]}
                      for name, when in rules.items()]}


def raised_at(out):
    """When each rule was raised and cleared: {rule: [(event, ms)]}."""
    lives = {}
    for event in (flow.json.loads(line) for line in out.splitlines()):
        if event["event"] in ("raised", "cleared"):
            lives.setdefault(event["rule"], []).append((event["event"], flow.datetime_ms(event["time"])))
    return lives


def active_at(life, time):
    last = [event for event, at in life if at <= time]
    return bool(last) and last[-1] == "raised"


def own_site(strip):
    rule = {"id": "r", "where": {"id": "p"}, "levels": strip.levels}
    return {"site": {"id": "strip"}, "points": points_of(strip), "rules": [rule, {**rule, "id": "latched", "latch": True}]}


def prove_alarm(stage, strip, site, told, acts=()):
    """Plays the strip on a site and requires what its rows tell of alarms: `told` is {label: alarm}."""
    stage.write("strip.json", site)
    rows = [line.split(",") for line in trace_rows(strip, START_MS)]
    lines = [{"time": int(time), "point": point, **({"value": float(value)} if value else {}),
              **({"status": status} if status else {})} for time, point, value, status in rows]
    lines += [{"time": START_MS + 1000 * strip.times[column], **act} for column, act in acts]
    lines.sort(key=lambda line: line["time"])  # stable: acts come behind the readings of their time
    stage.write("strip.ndjson", "".join(flow.json.dumps(line) + "\n" for line in lines))
    out, err = stage.run("replay", "strip.json", "strip.ndjson")
    flow.require(" 0 set aside" in err and "(0 refused)" in err, err)
    events = [flow.json.loads(line) for line in out.splitlines()]
    for label, alarm in told.items():
        own = [event for event in events if event["alarm"] == alarm]
        if label.startswith("event"):
            came = [(flow.datetime_ms(event["time"]) - START_MS, event["event"]) for event in own]
            told_here = sorted(strip.words[label], key=lambda told: told[0])  # stable: below one another, in that order
            flow.equal(came, [(1000 * strip.times[column], word) for column, word in told_here], label)
        else:
            flow.equal(levels_of(own, strip), levels_told(strip, label), label)


def levels_of(events, strip):
    """The level in each column, by the events that change it."""
    level, levels, events = "none", [], list(events)
    for second in strip.times:
        while events and flow.datetime_ms(events[0]["time"]) <= START_MS + 1000 * second:
            event = events.pop(0)
            if event["event"] in ("raised", "worsened", "eased"):
                level = event["level"]
            elif event["event"] == "cleared":
                level = "none"
        levels.append(level)
    return levels


def levels_told(strip, label):
    words = dict(strip.words[label])
    level, levels = "none", []
    for column in range(len(strip.times)):
        level = words.get(column, level)
        levels.append(level)
    return levels


def prove(stage, strip):
    """Plays the strip and requires every cell; gives how many proofs that took, two for an unknown one."""
    start_ms = START_MS
    rules, wanted, taken = {}, [], {}
    for number, (expression, column, cell) in enumerate(strip.questions()):
        if cell is None:
            continue
        if expression.startswith("="):
            rules.setdefault(f"taken-{expression[1:4].strip()}", expression[1:])
            taken[column] = (f"taken-{expression[1:4].strip()}", cell == "yes", expression)
            continue
        for part, (when, raised) in enumerate(rules_for(expression, column, cell)):
            rules[f"r{number}-{part}"] = when
            wanted.append((f"r{number}-{part}", raised, column, f"{expression} at {strip.times[column]} s is {cell}"))
    stage.write("strip.json", site_of(strip, rules))
    stage.write("strip.csv", "time,point,value,status\n" + "\n".join(trace_rows(strip, start_ms)) + "\n")
    out, err = stage.run("replay", "strip.json", "strip.csv")
    flow.require("0 set aside" in err, err)
    lives = raised_at(out)
    for rule, raised, column, text in wanted:
        # until its next reading comes the clock's number stands, so the moment counts
        came = ("raised", start_ms + 1000 * strip.times[column]) in lives.get(rule, [])
        flow.require(came == raised, f"the manual says {text}; {rules[rule]} was {'' if came else 'not '}raised")
    for column, (rule, active, text) in taken.items():
        came = active_at(lives.get(rule, []), start_ms + 1000 * strip.times[column])
        flow.equal(came, active, f"{text[1:]} taken as, column {column}")
    return len(wanted) + len(taken)
