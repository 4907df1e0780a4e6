"""fields: sites to read, with what their points must show: played by davy-sim, or by a server of others."""

import flow
import outside
from flow import require, wait_until

WHOLE = {"u16": 16, "i16": 16, "u32": 32, "i32": 32, "u64": 64, "i64": 64}
TABLES = {"holding": "hr", "input": "ir", "coil": "co", "discrete": "di"}


def draw(dice, kind):
    """A value that a double, and so the store, can hold to the last digit."""
    if kind == "f32":
        return dice.randrange(-9999, 9999) / 8
    if kind == "f64":
        return dice.uniform(-1e6, 1e6)
    bits = min(WHOLE[kind], 53)
    return dice.randrange(2 ** bits) if kind[0] == "u" else dice.randrange(-2 ** (bits - 1), 2 ** (bits - 1))


class Field:
    """Points and the words that pymodbus serves for them, side by side."""

    def __init__(self, source):
        self.source, self.points, self.expected = source, [], {}
        self.units, self.next = {}, {}

    def _place(self, unit, table, width):
        first = self.next.get((unit, table), 7)
        self.next[(unit, table)] = first + width + 1  # a hole behind each
        return first

    def add(self, name, unit, table, words, value, **where):
        address = self._place(unit, table, len(words))
        area = self.units.setdefault(str(unit), {}).setdefault(TABLES[table], {})
        for i, word in enumerate(words):
            area[str(address + i)] = word
        self.points.append({"id": f"{self.source}/{name}", "every": "200ms",
                            "from": {"source": self.source, "unit": unit, "table": table, "address": address, **where}})
        self.expected[f"{self.source}/{name}"] = value

    def add_all(self, dice):
        for table in ("holding", "input"):
            for kind in outside.PACKING:
                for order in outside.ORDERS[int(kind[1:]) // 8]:
                    value = draw(dice, kind)
                    more = {"order": order} if order != "AB" else {}
                    self.add(f"{table}/{kind}/{order}", 1, table, outside.registers(kind, order, value), value, type=kind, **more)
            word = dice.randrange(65536)
            self.add(f"{table}/bit", 1, table, [word], word >> 5 & 1, type="bit", bit=5)
            self.add(f"{table}/bits", 1, table, [word], word >> 3 & 0x1ff, type="bits", bits=[3, 11])
            self.add(f"{table}/scaled", 2, table, [1234], 23.4, type="u16", scale=0.1, offset=-100)
            self.add(f"{table}/invalid", 2, table, [32768], None, type="u16", invalid=[32768])
        for table in ("coil", "discrete"):
            for i in range(20):
                bit = dice.randrange(2)
                self.add(f"{table}/{i}", 3, table, [bit], bit)


def all_come(stage, monitor, fields, seconds=20):
    """Waits until the store has the expected value of each point."""
    expected = {name: value for field in fields for name, value in field.expected.items()}

    def differences():
        newest = outside.exported(stage)
        return {name: (value, newest.get(name)) for name, value in expected.items()
                if not matches(value, newest.get(name))}

    left = {"all": "unread"}

    def done():
        nonlocal left
        require(monitor.process.poll() is None, "davy ended")
        left = differences()
        return not left

    try:
        wait_until(done, "", seconds)
    except flow.Failure:
        raise flow.Failure(f"expected, came: {dict(list(left.items())[:6])} and {max(0, len(left) - 6)} more") from None


def matches(value, came):
    if came is None:
        return False
    if value is None:
        return came == ("", "sensor")
    return came[1] == "good" and came[0] != "" and float(came[0]) == float(value)


def site(sources, points):
    return {"site": {"id": "s"}, "sources": sources, "points": points, "store": {"path": "data"}}


def tcp(kind, port):
    return {"type": kind, "host": "127.0.0.1", "port": port, "timeout": "1s", "gap": 0}


def point(name, source, table, address, **more):
    return {"id": name, "every": "1s", "from": {"source": source, "unit": 3, "table": table, "address": address, **more}}


def simulated(stage, points, sources, events=(), values=None):
    stage.write("site.json", {"site": {"id": "s"}, "sources": sources, "points": points})
    stage.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "600s", "points": values,
                                  "events": list(events)})
    simulator = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    simulator.wait_line(r"^ready")
    return simulator
