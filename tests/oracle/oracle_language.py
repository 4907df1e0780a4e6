"""The rule language of the oracle: a parser, what an expression reads, and its value at one moment.

Written for being obviously right, not for speed: an expression is parsed to nested tuples and walked again for each
judgement; a window is cut anew from the point's whole list of samples each time.  Unknown is None, for numbers and for
truths alike.  Times are whole milliseconds, spans inside expressions are seconds.
"""

import math
import re

UNIT_MS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000, "y": 365 * 86400000}
WINDOWS = {"mean", "min", "max", "range", "stddev", "count", "first", "last", "delta", "slope", "changes", "ewma",
           "zscore", "repeats"}
FORECASTS = {"eta_up", "eta_down"}
TOKEN = re.compile(r"""\s*(?:
    (?P<duration>\d+(?:ms|s|m|h|d|y)\b) | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) |
    (?P<name>[A-Za-z_]\w*) | '(?P<string>[^']*)' | (?P<sign><=|>=|==|!=|&&|\|\||[-+*/<>!(),]))""", re.X)
# Precedence as in C, weakest first.
BINARY = [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/"]]


def duration_ms(text):
    """Durations are whole numbers with one of ms s m h d y; a day is 24 h, a year 365 days."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d|y)", text)
    if not found:
        raise ValueError(f"not a duration: {text}")
    return int(found.group(1)) * UNIT_MS[found.group(2)]


# ---------------------------------------------------------------------------------------------------------- parsing

class Parser:
    """A parser by recursive descent over the tokens of one expression."""

    def __init__(self, text):
        self.tokens, at, text = [], 0, text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"cannot read {text[at:]!r} in {text!r}")
            self.tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, None)

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else (None, None)

    def expect(self, sign):
        if self.next() != ("sign", sign):
            raise ValueError(f"expected {sign}")

    def whole(self):
        tree = self.binary(0)
        if self.peek() != (None, None):
            raise ValueError(f"too much: {self.peek()[1]}")
        return tree

    def binary(self, rank):
        if rank == len(BINARY):
            return self.unary()
        left = self.binary(rank + 1)
        while self.peek()[0] == "sign" and self.peek()[1] in BINARY[rank]:
            sign = self.next()[1]
            left = ("binary", sign, left, self.binary(rank + 1))
        return left

    def unary(self):
        if self.peek() in (("sign", "-"), ("sign", "!")):
            return ("unary", self.next()[1], self.unary())
        return self.primary()

    def primary(self):
        what, text = self.next()
        if what == "number":
            return ("constant", float(text))
        if what == "duration":
            return ("constant", duration_ms(text) / 1000.0)
        if what == "string":
            return ("string", text)
        if what == "name" and text in ("true", "false"):
            return ("constant", text == "true")
        if what == "name" and text in ("value", "age"):
            return ("call", text, ())
        if what == "name":
            return ("call", text, self.arguments())
        if (what, text) == ("sign", "("):
            inner = self.binary(0)
            self.expect(")")
            return inner
        raise ValueError(f"unexpected {text!r}")

    def arguments(self):
        self.expect("(")
        found = []
        while self.peek() != ("sign", ")"):
            if found:
                self.expect(",")
            found.append(self.binary(0))
        self.expect(")")
        return tuple(found)


def parse(text):
    return Parser(text).whole()


# ------------------------------------------------------------------------------------------- what an expression reads

def calls(tree):
    """Every call inside a tree, as (name, arguments)."""
    if tree[0] == "call":
        yield tree[1], tree[2]
        for argument in tree[2]:
            yield from calls(argument)
    elif tree[0] in ("unary", "binary"):
        for part in tree[2:]:
            yield from calls(part)


def points_named(tree):
    """The other points whose samples make the rule judged: those named by point, pstatus or a window with an id."""
    return {arguments[0][1] for name, arguments in calls(tree)
            if arguments and arguments[0][0] == "string" and name != "status"}


def uses_time(tree):
    """age and unchanged() change by time alone, so their rules are judged at every whole second as well."""
    return any(name in ("age", "unchanged") for name, _ in calls(tree))


def points_watched(tree):
    """The points whose loss makes an alarm blind: read by value, unchanged() or a window; None is the own point.
    point, status, pstatus and age do not count."""
    watched = set()
    for name, arguments in calls(tree):
        if name in ("value", "unchanged"):
            watched.add(None)
        elif name in WINDOWS or name in FORECASTS:
            watched.add(arguments[0][1] if arguments[0][0] == "string" else None)
    return watched


def text_of(tree):
    """A tree as text again, with a parenthesis around everything."""
    kind = tree[0]
    if kind == "constant":
        return {True: "true", False: "false"}[tree[1]] if isinstance(tree[1], bool) else repr(tree[1])
    if kind == "string":
        return f"'{tree[1]}'"
    if kind == "unary":
        return f"{tree[1]}({text_of(tree[2])})"
    if kind == "binary":
        return f"({text_of(tree[2])} {tree[1]} {text_of(tree[3])})"
    return tree[1] if tree[1] in ("value", "age") else f"{tree[1]}({', '.join(map(text_of, tree[2]))})"


def conditions_inside(text):
    """The smaller conditions a condition is made of."""
    def inside(tree):
        if tree[0] == "unary" and tree[1] == "!" or tree[0] == "binary" and tree[1] in ("&&", "||"):
            for part in tree[2:]:
                yield text_of(part)
                yield from inside(part)
    return list(inside(parse(text)))


# --------------------------------------------------------------------------------------------------------- evaluation

class Moment:
    """One judgement: the own point, all points by id, and the time t of the judgement."""

    def __init__(self, own, points, t):
        self.own, self.points, self.t = own, points, t


def evaluate(tree, moment):
    """The value of a tree: a float, a bool, or None for unknown."""
    kind = tree[0]
    if kind == "constant":
        return tree[1]
    if kind == "unary":
        inner = evaluate(tree[2], moment)
        if inner is None:
            return None
        return (not inner) if tree[1] == "!" else -inner
    if kind == "binary":
        return binary(tree[1], evaluate(tree[2], moment), evaluate(tree[3], moment))
    return known(call(tree[1], tree[2], moment))


def known(number):
    """A NaN is a number that is not there: unknown."""
    return None if isinstance(number, float) and math.isnan(number) else number


def binary(sign, left, right):
    if sign == "&&":                            # false && unknown is false
        if left is False or right is False:
            return False
        return None if left is None or right is None else True
    if sign == "||":                            # true || unknown is true
        if left is True or right is True:
            return True
        return None if left is None or right is None else False
    if left is None or right is None:
        return None
    if sign == "/" and right == 0:              # division by zero is unknown
        return None
    return known({"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
                  "/": lambda: left / right, "<": lambda: left < right, "<=": lambda: left <= right,
                  ">": lambda: left > right, ">=": lambda: left >= right, "==": lambda: left == right,
                  "!=": lambda: left != right}[sign]())


def call(name, arguments, moment):
    own = moment.own
    if name == "value":
        return own.reading()
    if name == "age":
        return age(own, moment.t)
    if name == "status":
        return own.has_flag(arguments[0][1])
    if name == "pstatus":
        return moment.points[arguments[0][1]].has_flag(arguments[1][1])
    if name == "point":                         # without an id: this point's own last good value
        return (moment.points[arguments[0][1]] if arguments else own).last_good_value()
    if name == "unchanged":
        return unchanged(own, moment.t)
    if arguments[0][0] == "string":             # a window of another point
        point, arguments = moment.points[arguments[0][1]], arguments[1:]
    else:
        point = own
    numbers = [evaluate(argument, moment) for argument in arguments]
    if point.reading() is None or None in numbers:
        return None                             # a reading that is unknown makes windows ending there unknown
    if name in FORECASTS:
        return forecast(name, numbers[0], window(point, moment.t, numbers[1]), moment.t)
    if name == "ewma":
        return ewma(point, numbers[0])
    if name == "zscore":
        return zscore(point, numbers[0])
    if name == "repeats":
        return repeats(point, round(numbers[0] * 1000))
    return over_window(name, window(point, moment.t, numbers[0]), point.resolution)


def age(point, t):
    """Seconds since the last good sample; before the first good one since the first sample; before any, unknown."""
    good = point.good_samples()
    if good:
        return (t - good[-1][0]) / 1000.0
    return (t - point.samples[0].time) / 1000.0 if point.samples else None


def unchanged(point, t):
    """Seconds since the value last differed by more than the resolution from where it last had moved to."""
    if point.reading() is None:
        return None
    moved_at = moved_to = None
    for time, value in point.good_samples():
        if moved_at is None or abs(value - moved_to) > point.resolution:
            moved_at, moved_to = time, value
    return (t - moved_at) / 1000.0


def window(point, t, seconds):
    """The good samples in (t - W, t], t the time of the judgement, also for another point's window."""
    width = round(seconds * 1000)
    return [(time, value) for time, value in point.good_samples() if t - width < time <= t]


def mean(values):
    return math.fsum(values) / len(values)


def deviation(values):
    """The population's standard deviation."""
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / len(values))


def over_window(name, samples, resolution):
    if not samples:                             # an empty window is unknown, for count too
        return None
    values = [value for _, value in samples]
    if name == "slope":
        return None if len(samples) < 2 else 60.0 * line(samples, samples[-1][0])[0]
    if name == "changes":                       # neighbouring pairs that differ by more than the resolution
        return float(sum(abs(b - a) > resolution for a, b in zip(values, values[1:])))
    return {"mean": lambda: mean(values), "min": lambda: min(values), "max": lambda: max(values),
            "range": lambda: max(values) - min(values), "stddev": lambda: deviation(values),
            "count": lambda: float(len(values)), "first": lambda: values[0], "last": lambda: values[-1],
            "delta": lambda: values[-1] - values[0]}[name]()


def line(samples, t):
    """Least squares over at least two samples: (slope per second, height of the line at t)."""
    seconds = [(time - t) / 1000.0 for time, _ in samples]
    values = [value for _, value in samples]
    middle_s, middle_v = mean(seconds), mean(values)
    across = math.fsum((s - middle_s) * (v - middle_v) for s, v in zip(seconds, values))
    slope = across / math.fsum((s - middle_s) ** 2 for s in seconds)
    return slope, middle_v - slope * middle_s


def forecast(name, limit, samples, t):
    """In this order: fewer than 3 samples, infinite; already reached, 0; moving the other way, infinite; else the time."""
    if len(samples) < 3:
        return math.inf
    slope, height = line(samples, t)
    up = name == "eta_up"
    if (height >= limit) if up else (height <= limit):
        return 0.0
    if (slope <= 0) if up else (slope >= 0):
        return math.inf
    return (limit - height) / slope


def ewma(point, seconds):
    """y += (1 - exp(-dt / T)) (x - y) at each good sample, starting with the first; bad samples are passed over."""
    y = before = None
    for time, value in point.good_samples():
        y = value if y is None else y + (1.0 - math.exp(-((time - before) / 1000.0) / seconds)) * (value - y)
        before = time
    return y


def repeats(point, width):
    """The greatest n such that the newest n movements equal n others in the same order, each less than W before its
    counterpart (davy compares 1024 movements; no case here has so many)."""
    moves = []
    for time, value in point.good_samples():
        if not moves or abs(value - moves[-1][1]) > point.resolution:
            moves.append((time, value))
    if not moves:
        return None

    def alike(lag):
        n = 0
        while n + lag < len(moves) and moves[-1 - n][1] == moves[-1 - n - lag][1] and \
                moves[-1 - n][0] - moves[-1 - n - lag][0] < width:
            n += 1
        return n

    return float(max((alike(lag) for lag in range(1, len(moves))), default=0))


def zscore(point, seconds):
    """Over the good samples in (s - W, s), s the newest sample's time, without it; fewer than 2 or all equal: unknown."""
    newest = point.samples[-1]
    width = round(seconds * 1000)
    before = [value for time, value in point.good_samples() if newest.time - width < time < newest.time]
    if len(before) < 2 or min(before) == max(before):
        return None
    return (newest.value - mean(before)) / deviation(before)
