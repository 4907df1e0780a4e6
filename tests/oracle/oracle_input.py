"""What the oracle reads and writes: the site file, trace files, and events as lines of text."""

import csv
import json
import math
import re
from datetime import datetime, timezone

from oracle_language import duration_ms, parse, points_named, points_watched, uses_time

LEVELS = ["blue", "yellow", "orange", "red"]            # low to high
FLAGS = set("comm sensor range calibrating stale late skew manual merged paused".split())
BLINDING = set("comm sensor calibrating paused stale".split())   # these make a reading unknown


# ------------------------------------------------------------------------------------------------------------- the site

class Sample:
    """One evaluated sample: its time (of receipt when skewed), its value or None, its flags."""

    def __init__(self, time, value, flags):
        self.time, self.value, self.flags = time, value, flags


class Point:
    """A point: what the site says of it, all samples that counted so far, and whether it is stale."""

    def __init__(self, entry):
        self.id, self.entry = entry["id"], entry
        self.resolution = float(entry.get("resolution", 0))
        self.low, self.high = [float(end) for end in entry.get("range", (-math.inf, math.inf))]
        # 3 x every, unless the point says otherwise; without both it never becomes stale.
        self.stale_after = None
        if "every" in entry:
            self.stale_after = 3 * duration_ms(entry["every"])
        if "stale" in entry:
            self.stale_after = duration_ms(entry["stale"])
        self.samples = []
        self.heard_at = None                            # on the clock
        self.stale = False

    def is_good(self, sample):
        """A value and no blinding flag; above the range it is judged with its value, below it is unknown."""
        return sample.value is not None and not (sample.flags & BLINDING) and sample.value >= self.low

    def good_samples(self):
        return [(sample.time, sample.value) for sample in self.samples if self.is_good(sample)]

    def reading(self):
        """The newest sample's value; None while it is not good, while the point is stale, or before any sample."""
        if not self.samples or self.stale or not self.is_good(self.samples[-1]):
            return None
        return self.samples[-1].value

    def last_good_value(self):
        good = self.good_samples()
        return good[-1][1] if good else None

    def has_flag(self, flag):
        """Flags of the newest sample, with stale added while the point is stale; a point not heard of has none."""
        flags = set(self.samples[-1].flags) if self.samples else set()
        if self.stale:
            flags.add("stale")
        return (bool(self.samples) and not flags) if flag == "good" else flag in flags

    def stale_due(self):
        """The moment on the clock at which this point becomes stale, or None."""
        if self.stale_after is None or self.heard_at is None or self.stale:
            return None
        return self.heard_at + self.stale_after


class Level:
    """One level of a rule."""

    def __init__(self, entry, rule):
        self.name, self.rank = entry["level"], LEVELS.index(entry["level"]) + 1
        self.when_text, self.clear_text = entry["when"], entry.get("clear")
        self.when = parse(self.when_text)
        self.clear = parse(self.clear_text) if self.clear_text is not None else None
        self.on_delay = duration_ms(entry.get("on_delay", rule.get("on_delay", "0s")))
        self.off_delay = duration_ms(entry.get("off_delay", rule.get("off_delay", "0s")))


class Rule:
    """A rule: its levels from low to high, and everything its expressions read."""

    def __init__(self, entry):
        self.id, self.entry = entry["id"], entry
        self.levels = sorted((Level(one, entry) for one in entry["levels"]), key=lambda level: level.rank)
        self.unless = parse(entry["unless"]) if "unless" in entry else None
        self.latch = entry.get("latch", False)
        conditions = [tree for level in self.levels for tree in (level.when, level.clear) if tree]
        everything = conditions + ([self.unless] if self.unless else [])
        self.named = set().union(*(points_named(tree) for tree in everything))
        self.uses_time = any(uses_time(tree) for tree in everything)
        self.watched = set().union(*(points_watched(tree) for tree in conditions))

    def selects(self, point):
        """where: id by glob, kind, hazard, tags; a list means any of; no where means all points."""
        where = self.entry.get("where", {})
        any_of = lambda wanted: wanted if isinstance(wanted, list) else [wanted]
        if "id" in where and not any(glob(pattern, point.id) for pattern in any_of(where["id"])):
            return False
        for key in ("kind", "hazard"):
            if key in where and point.entry.get(key) not in any_of(where[key]):
                return False
        tags = point.entry.get("tags", {})
        return all(tags.get(tag) in any_of(wanted) for tag, wanted in where.get("tags", {}).items())

    def group_of(self, point):
        """The group a point votes in; None without the tag."""
        return point.entry.get("tags", {}).get(self.entry["vote"]["by"].removeprefix("tags."))


def glob(pattern, text):
    """* is any run of characters, / too; ? is one."""
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), text, re.S) is not None


class Site:
    def __init__(self, entry):
        self.id = entry["site"]["id"]
        self.points = {one["id"]: Point(one) for one in entry.get("points", [])}
        self.rules = [Rule(one) for one in entry.get("rules", [])]
        self.hazards = {one["id"]: one for one in entry.get("hazards", [])}


def read_site(path):
    with open(path, encoding="utf-8") as file:
        return Site(json.load(file))


# ------------------------------------------------------------------------------------------------------------- traces

class Row:
    """One row of a trace: a sample (point is set), an act (act is set), or the clock alone.  seen may be None."""

    def __init__(self, time, seen=None, point=None, value=None, flags=frozenset(), act=None):
        self.time, self.seen, self.point = time, seen, point
        self.value, self.flags, self.act = value, flags, act


def time_ms(given):
    """Unix milliseconds or RFC 3339; what is finer than a millisecond is cut."""
    if isinstance(given, bool):
        raise ValueError("not a time")
    if isinstance(given, (int, float)):
        return math.floor(given)
    if re.fullmatch(r"-?\d+(\.\d*)?", given):
        return int(given.split(".")[0])
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", given)
    if not found:
        raise ValueError("not a time")
    zone = "+00:00" if found.group(4) in "Zz" else found.group(4)
    whole = datetime.fromisoformat(f"{found.group(1)}T{found.group(2)}{zone}")
    return int(whole.timestamp()) * 1000 + int(((found.group(3) or "") + "000")[:3])


def flags_of(text):
    """good, or flags joined by +."""
    flags = frozenset() if text in (None, "", "good") else frozenset(text.split("+"))
    if not flags <= FLAGS:
        raise ValueError("not a status")
    return flags


def number_of(given):
    """A number or None for no value; JSON true and false are 1 and 0; a text is not a value."""
    if given is None or isinstance(given, (bool, int, float)):
        return None if given is None else float(given)
    raise ValueError("a text is not a value")


def csv_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            try:
                seen = time_ms(cells["seen"]) if cells.get("seen") else None
                if cells["point"] is None:
                    continue                            # the row is too short
                value = float(cells["value"]) if cells.get("value") else None
                yield Row(time_ms(cells["time"]), seen, cells["point"] or None, value, flags_of(cells.get("status")))
            except (ValueError, TypeError, KeyError):
                continue                                # a broken row stops nothing


def ndjson_rows(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                entry = json.loads(line)
                seen = time_ms(entry["seen"]) if "seen" in entry else None
                yield Row(time_ms(entry["time"]), seen, entry.get("point"), number_of(entry.get("value")),
                          flags_of(entry.get("status")), entry if "do" in entry else None)
            except (ValueError, TypeError, KeyError):
                continue


def read_traces(paths):
    """Several files are read one after the other, as one."""
    for path in paths:
        yield from csv_rows(path) if str(path).endswith(".csv") else ndjson_rows(path)


# ------------------------------------------------------------------------------------------------------------- events

def number_text(number):
    """As ECMAScript prints a number: the shortest digits that read back the same."""
    if number == 0:
        return "0"
    if number < 0:
        return "-" + number_text(-number)
    mantissa, _, exponent = f"{number!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits, point = whole + part, len(whole) + int(exponent or 0)     # 0.digits x 10^point
    stripped = digits.lstrip("0")
    point, digits = point - (len(digits) - len(stripped)), stripped.rstrip("0")
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def time_text(ms):
    """UTC with three digits of milliseconds and Z."""
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


KEYS = ("v site seq event alarm occurrence level rule point hazard kind value unit when time by comment cause measure "
        "message advice status").split()


def event_line(fields):
    """One JSON object, keys in the fixed order, absent ones left out."""
    parts = []
    for key in KEYS:
        if fields.get(key) is not None:
            given = fields[key]
            text = number_text(given) if isinstance(given, (int, float)) else json.dumps(given, ensure_ascii=False)
            parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"
