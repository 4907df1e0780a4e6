#!/usr/bin/env python3
"""Random small sites and traces from a seed, for tests/oracle/compare.py.

A case is {"site": …, "traces": [{"format": "csv" or "ndjson", "times": "ms", "utc" or "zone", "rows": […]}]}.  The same seed gives the same case on any
machine.  Everything is mixed with everything: levels with delays of their own, votes, latches, suppression, unless,
staleness, whole seconds, acts, late, equal and skewed samples.  Values, times and thresholds lie on coarse grids, so
that comparisons and delays meet exactly; where a function rounds (mean, slope, stddev, zscore, ewma, eta) its
thresholds lie off that grid, so that an error of 1e-9 decides nothing.

Left out on purpose, because the contract does not say what happens: flags in a trace that only Davy itself sets.
"""

import json
import random
import sys
from datetime import datetime, timezone
from pathlib import Path

START = 1767571200000                                   # 2026-01-05T00:00:00Z
DELAYS = ["0s", "0s", "500ms", "1s", "2s", "3s", "5s", "8s"]
WIDTHS = ["1s", "2s", "3s", "5s", "10s", "1500ms", "1m", "10m"]
STATUSES = ["comm", "sensor", "calibrating", "paused", "manual", "merged", "comm+sensor", "stale", "manual+calibrating"]
LEVELS = ["blue", "yellow", "orange", "red"]


class Maker:
    """One case in the making."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.grid = self.dice.choice([0.25, 0.5, 0.1, 1.0])
        self.top = self.dice.choice([4, 8, 16])          # values are 0 … top steps of the grid, some beyond
        self.base = self.dice.choice([0, 0, 0, 0, 100, 100000])
        self.hazards = ["h1", "h2"][:self.dice.randint(1, 2)]

    def chance(self, share):
        return self.dice.random() < share

    def height(self, steps):
        return round(self.base + steps * self.grid, 4)

    def on_grid(self, low=0, high=None):
        """A value points can have."""
        return self.height(self.dice.randint(low, self.top if high is None else high))

    def step(self, low, high):
        """A difference of two values."""
        return round(self.dice.randint(low, high) * self.grid, 4)

    def off_grid(self, low, high):
        return round(round(self.dice.uniform(low, high), 2) + 0.00317, 5)

    # ---------------------------------------------------------------------------------------------------- points

    def point(self, number):
        point = {"id": self.dice.choice(["p", "a/p", "面/p"]) + str(number)}
        if self.chance(0.5):
            point["name"] = f"点 {number}"
        if self.chance(0.7):
            point["kind"] = self.dice.choice(["ch4", "co"])
        if self.chance(0.5):
            point["unit"] = "%CH4"
        if self.chance(0.8):
            point["hazard"] = self.dice.choice(self.hazards)
        if self.chance(0.4):
            point["every"] = self.dice.choice(["1s", "2s", "5s", "10s"])
        if self.chance(0.15):
            point["stale"] = self.dice.choice(["2s", "4s", "2500ms", "10s"])
        if self.chance(0.3):
            point["resolution"] = self.grid
        if self.chance(0.3):
            point["range"] = [self.height(1), self.height(self.top - 1)]
        if self.chance(0.7):
            point["tags"] = {"area": self.dice.choice(["east", "west"])}
        return point

    # ----------------------------------------------------------------------------------------------- expressions

    def condition(self, depth):
        """A truth."""
        if depth > 0 and self.chance(0.45):
            left, right = self.condition(depth - 1), self.condition(depth - 1)
            return self.dice.choice([f"({left} && {right})", f"({left} || {right})", f"!({left})", f"{left} && {right}",
                                     f"{left} || {right}"])
        other = self.dice.choice(self.ids)
        if self.chance(0.15):
            flag = self.dice.choice(["comm", "calibrating", "stale", "sensor", "range", "paused"])
            return f"pstatus('{other}', '{flag}')" if self.chance(0.5) else f"status('{flag}')"
        if self.chance(0.5):
            return f"value {self.sign()} {self.on_grid()}"
        return self.dice.choice([self.exact, self.exact, self.rounded, self.timed, self.mixed])(other)

    def sign(self):
        return self.dice.choice([">=", ">", "<", "<=", ">=", ">", "==", "!="])

    def exact(self, other):
        """Numbers without rounding errors, compared on the grid."""
        first = f"'{other}', " if self.chance(0.25) else ""
        width = self.dice.choice(WIDTHS)
        function = self.dice.choice(["min", "max", "range", "first", "last", "delta", "count", "changes", "repeats", "point", "sum"])
        if function == "point":
            return f"point({self.dice.choice(['', repr(other)])}) {self.sign()} {self.on_grid()}"
        if function == "sum":
            return self.dice.choice([f"value - point('{other}') {self.sign()} {self.step(-2, 2)}",
                                     f"value * 2 - {self.base} {self.sign()} {self.on_grid()}",
                                     f"-value / point('{other}') < {-self.off_grid(0.2, 2)}",
                                     f"value / (value - {self.on_grid()}) > {self.off_grid(-2, 2)}"])
        if function in ("count", "changes", "repeats"):
            return f"{function}({first}{width}) {self.sign()} {self.dice.randint(0, 5)}"
        if function in ("range", "delta"):
            return f"{function}({first}{width}) {self.sign()} {self.step(0 if function == 'range' else -3, self.top // 2)}"
        return f"{function}({first}{width}) {self.sign()} {self.on_grid()}"

    def rounded(self, other):
        """Functions that round: thresholds off the grid."""
        first = f"'{other}', " if self.chance(0.25) else ""
        width, size = self.dice.choice(WIDTHS), self.top * self.grid
        way = self.dice.choice([">", "<", ">=", "<="])
        function = self.dice.choice(["mean", "stddev", "slope", "ewma", "zscore", "eta_up", "eta_down"])
        if function.startswith("eta"):
            limit = self.off_grid(self.base, self.base + size)
            return f"{function}({first}{limit}, {width}) {way} {self.off_grid(0.5, 20)}"
        reach = {"mean": (self.base, self.base + size), "ewma": (self.base, self.base + size), "stddev": (0, size / 2), "slope": (-60 * size, 60 * size),
                 "zscore": (-2, 2)}[function]
        return f"{function}({first}{width}) {way} {self.off_grid(*reach)}"

    def mixed(self, other):
        """Arithmetic of anything with anything, against a threshold off the grid or each other."""
        size = self.base + self.top * self.grid
        left = self.number(2)
        if self.chance(0.3):
            return f"{left} {self.dice.choice(['<', '>'])} {self.number(1)} + {self.off_grid(-self.top, self.top)}"
        return f"{self.off_grid(-size, 2 * size)} {self.dice.choice(['<', '>', '<=', '>='])} {left}"

    def number(self, depth):
        """A number; nothing is divided by what rounds, for 0 and nearly 0 are worlds apart."""
        other, width = self.dice.choice(self.ids), self.dice.choice(WIDTHS)
        plain = ["value", f"point('{other}')", "point()", f"count({width})", "2.5", "(age + 1500ms)", f"last('{other}', {width})"]
        if depth > 0 and self.chance(0.6):
            sign = self.dice.choice("+-*/")
            right = self.dice.choice(plain) if sign == "/" else self.number(depth - 1)
            whole = f"{self.number(depth - 1)} {sign} {right}"
            return self.dice.choice([whole, f"({whole})", f"-({whole})"])
        return self.dice.choice(plain + [f"mean({width})", f"max('{other}', {width})", "-value", "age", "unchanged()",
                                         f"slope({width})", f"stddev('{other}', {width})", f"range({width})",
                                         f"eta_down(point('{other}') + 0.00317, {width})", f"ewma('{other}', {width})"])

    def timed(self, other):
        """What time alone changes."""
        function = self.dice.choice(["age", "unchanged()"])
        way = self.dice.choice([">=", ">", "<"])
        return f"{function} {way} {self.dice.choice(['1', '2', '3s', '4s', '1500ms', '0.5', '6'])}"

    # ----------------------------------------------------------------------------------------------------- rules

    def level(self, name, rank):
        """One level; the simple ones rise with their rank, so that alarms worsen and ease."""
        level = {"level": name}
        step = self.dice.randint(1, self.top)
        if self.chance(0.6):
            step = max(1, self.top * (rank + 1) // 6)
            level["when"] = f"value >= {self.height(step)}"
        else:
            level["when"] = self.condition(2)
        if self.chance(0.3):
            level["clear"] = self.dice.choice([f"value < {self.height(step - 1)}", "true", self.condition(1),
                                               f"value < {self.height(step + 2)}"])
        for key in ("on_delay", "off_delay"):
            if self.chance(0.3):
                level[key] = self.dice.choice(DELAYS)
        return level

    def rule(self, number):
        rule = {"id": f"r{number}", "levels": []}
        names = sorted(self.dice.sample(range(4), self.dice.choice([1, 1, 2, 3])))
        for rank in names:
            rule["levels"].append(self.level(LEVELS[rank], rank))
        where = self.dice.choice([{}, {}, {"kind": "ch4"}, {"id": "*p*"}, {"tags": {"area": ["east", "west"]}},
                                  {"id": [self.dice.choice(self.ids)]}, {"hazard": self.hazards[0]}])
        if where:
            rule["where"] = where
        for key in ("on_delay", "off_delay"):
            if self.chance(0.4):
                rule[key] = self.dice.choice(DELAYS)
        if self.chance(0.25):
            rule["latch"] = True
        if self.chance(0.25):
            rule["vote"] = {"by": "tags.area", "at_least": self.dice.choice([1, 2, 2, 3])}
        if self.chance(0.25):
            rule["unless"] = self.condition(1)
        if self.chance(0.3):
            rule["message"] = "{rule} {level}: {value} {unit} {hazard} {name} {point}"
        if self.chance(0.2):
            rule["advice"] = "停电撤人 \"now\""
        return rule

    def selects_something(self, rule):
        where, points = rule.get("where", {}), self.points
        if "vote" in rule:
            points = [point for point in points if "tags" in point]
        return any((where.get("kind") in (None, point.get("kind"))) and (where.get("hazard") in (None, point.get("hazard")))
                   and ("tags" not in where or "tags" in point) and (not isinstance(where.get("id"), list)
                                                                     or point["id"] in where["id"]) for point in points)

    def site(self):
        self.points = [self.point(number) for number in range(self.dice.randint(1, 4))]
        self.ids = [point["id"] for point in self.points]
        rules = [self.rule(number) for number in range(self.dice.randint(1, 4))]
        for rule in rules:
            if not self.selects_something(rule):
                rule.pop("where", None)
            if not self.selects_something(rule):
                rule.pop("vote")
        self.suppress(rules)
        hazards = [{"id": hazard, "name": hazard.upper()} for hazard in self.hazards]
        if self.chance(0.3):
            hazards[0]["advice"] = "通风"
        return {"site": {"id": "场-1"}, "hazards": hazards, "points": self.points, "rules": rules}

    def suppress(self, rules):
        """Suppression without circles: along a random order of the rules."""
        order = self.dice.sample(rules, len(rules))
        for at, rule in enumerate(order[1:], 1):
            if self.chance(0.3):
                rule["suppressed_by"] = [cause["id"] for cause in self.dice.sample(order[:at], self.dice.randint(1, at))]

    # ---------------------------------------------------------------------------------------------------- traces

    def alarms(self, site):
        """Names acts may use: points and groups of every rule, some of them of no alarm."""
        return [f"{rule['id']}:{place}" for rule in site["rules"]
                for place in (["east", "west"] if "vote" in rule else self.ids)]

    def act(self, time, names):
        what = self.dice.choice(["ack"] * 8 + ["shelve", "shelve", "unshelve", "comment", "close", "out-of-service",
                                               "in-service"])
        row = {"time": time, "do": what, "alarm": self.dice.choice(names), "by": "li"}
        if what == "ack":
            if self.chance(0.2):
                row["occurrence"] = self.dice.randint(1, 3)
            if self.chance(0.2):
                row["level"] = self.dice.choice(LEVELS)
        if what == "shelve":
            if self.chance(0.5):
                row["for"] = self.dice.choice(["2s", "5s", "1500ms"])
            else:
                row["until"] = time + self.dice.choice([1000, 2500, 7000])
        if what == "close":
            row |= {"cause": "漏气", "measure": "换阀"}
        if what == "comment" or self.chance(0.9 if what == "shelve" else 0.3):
            row["comment"] = "好 & \\ ok"
        return row

    def sample(self, time, point):
        row = {"time": time, "point": point}
        state = self.dice.random()
        if state < 0.02:
            row["value"] = None
        elif state < 0.06:
            row |= {"value": None, "status": self.dice.choice(STATUSES)}
        else:
            row["value"] = self.walk(point)
            if state < 0.12:
                row["status"] = self.dice.choice(STATUSES)
            elif state < 0.2:
                row["status"] = "good"
        return row

    def broken(self):
        """A row to be set aside: nobody's sample, or a text for a value."""
        row = {"time": START - 1000, "point": self.dice.choice(["nobody", *self.ids]), "value": "1.0.0"}
        return row | ({"value": 1} if row["point"] == "nobody" else {})

    def walk(self, point):
        """A walk in steps of the grid, with jumps."""
        step = self.heights.get(point, self.top // 2)
        step = self.dice.randint(-1, self.top + 2) if self.chance(0.2) else step + self.dice.choice([-2, -1, 0, 0, 1, 2])
        self.heights[point] = max(-1, min(self.top + 2, step))
        return self.height(self.heights[point])

    def rows(self, site):
        """Rows in order of arrival.  lag: with `seen`, behind or ahead of the clock; jumble: older times without it."""
        self.heights = {}
        names = self.alarms(site)
        acts = self.chance(0.6)
        lag, jumble = self.chance(0.25), self.chance(0.25)
        steps = self.dice.choice([[0, 250, 500], [0, 1000], [500, 1000, 1000], [0, 300, 700, 1000], [1000, 2000, 5000]])
        time, rows = START + self.dice.choice([0, 0, 250, 300]), []
        for _ in range(self.dice.randint(10, 90) if self.chance(0.95) else self.dice.randint(300, 900)):
            time += self.dice.choice(steps) if self.chance(0.95) else self.dice.choice([4000, 8000, 20000])
            kind = self.dice.random()
            if kind < 0.02:
                rows.append(self.broken())
            elif kind < 0.06:
                rows.append({"time": time})
            elif kind < 0.2 and acts:
                rows.append(self.act(time, names))
                if self.chance(0.1):
                    rows[-1]["time"] -= 2000             # taken in later than it says
            else:
                rows.append(self.placed(self.sample(time, self.dice.choice(self.ids)), time, lag, jumble))
        return rows

    def placed(self, row, time, lag, jumble):
        """A sample's own time moved against its arrival."""
        if lag and self.chance(0.8):
            row["seen"] = time if self.chance(0.97) else time - 3000
            row["time"] = time + self.dice.choice([0, -250, -500, -1000, -2000, -3000, -5000, 500, 2000, 60000, 60250, 90000]
                                                  if self.chance(0.3) else [0, -500, -1000])
        elif jumble and self.chance(0.4):
            row["time"] = time - self.dice.choice([0, 250, 500, 1000, 2000, 4000, 10000])
        elif self.chance(0.03):
            row["time"] = time - self.dice.choice([250, 1000])
        return row

    def case(self):
        site = self.site()
        rows = self.rows(site)
        cut = self.dice.randint(1, len(rows)) if self.chance(0.15) else len(rows)
        traces = [{"format": self.format_for(part), "rows": part, "times": self.dice.choice(["ms", "ms", "utc", "zone"])}
                  for part in (rows[:cut], rows[cut:]) if part]
        return {"site": site, "traces": traces}

    def format_for(self, rows):
        return "ndjson" if any("do" in row for row in rows) or self.chance(0.5) else "csv"


def case_of(seed):
    return Maker(seed).case()


# -------------------------------------------------------------------------------------------------- writing a case

def time_text(ms, form):
    """A time as milliseconds or RFC 3339, in UTC or eight hours east, now and then finer than a millisecond."""
    if form == "ms":
        return ms
    hours = 8 if form == "zone" else 0
    whole = datetime.fromtimestamp(ms // 1000 + hours * 3600, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ms % 1000:03d}{'9' if form == 'zone' else ''}{'+08:00' if hours else 'Z'}"


def csv_text(rows, form):
    seen = any("seen" in row for row in rows)
    columns = ["time", "point", "value", "status"] + (["seen"] if seen else [])
    lines = [",".join(columns)]
    for row in rows:
        cells = dict(row)
        for key in ("time", "seen"):
            if key in cells:
                cells[key] = time_text(cells[key], form)
        lines.append(",".join("" if cells.get(column) is None else str(cells[column]) for column in columns))
    return "\n".join(lines) + "\n"


def ndjson_text(rows, form):
    timed = [row | {key: time_text(row[key], form) for key in ("time", "seen", "until") if key in row} for row in rows]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in timed)


def write_case(case, folder):
    """Writes site.json and the traces; returns (site, [traces])."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    site = folder / "site.json"
    site.write_text(json.dumps(case["site"], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    traces = []
    for number, trace in enumerate(case["traces"], 1):
        path = folder / f"trace-{number}.{trace['format']}"
        text = {"csv": csv_text, "ndjson": ndjson_text}[trace["format"]](trace["rows"], trace["times"])
        path.write_text(text, encoding="utf-8")
        traces.append(path)
    return site, traces


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py SEED FOLDER")
    write_case(case_of(int(sys.argv[1])), sys.argv[2])
