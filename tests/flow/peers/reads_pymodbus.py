"""Davy reads a field of pymodbus: all tables, types and byte orders, and what the field refuses."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
import outside
from fields import Field, all_come, site, tcp
from flow import equal, require, wait_until

PYTHON = outside.need_pymodbus()
def start(stage, field, port, framing, broken=()):
    tables = stage.write(f"tables-{framing}.json", {"units": field.units, "broken": list(broken)})
    script = os.path.join(outside.HERE, "pymodbus_field.py")
    server = stage.start(f"pymodbus {framing}", PYTHON, script, str(port), framing, tables)
    wait_until(lambda: outside.listens(port) or server.process.poll() is not None, "pymodbus to listen")
    require(server.process.poll() is None, "pymodbus ended: " + " | ".join(server.err[-3:]))
    return server


def test_all_tables_types_and_orders(stage):
    seed = int(os.environ.get("DAVY_SEED", "1"))
    fields, sources = [], {}
    for framing, kind in (("tcp", "modbus-tcp"), ("rtu", "modbus-rtu-tcp")):
        field = Field(framing)
        field.add_all(random.Random(f"{seed}{framing}"))
        port = flow.free_port()
        start(stage, field, port, framing)
        sources[framing] = tcp(kind, port)
        fields.append(field)
    stage.write("site.json", site(sources, [point for field in fields for point in field.points]))
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("state=running")
    all_come(stage, monitor, fields)
    equal(monitor.end(), 0, "exit code")


def test_what_is_refused_is_comm(stage):
    """Exceptions 2, 4 and 11, and a device that is switched off and on again."""
    field, port = Field("f"), flow.free_port()
    for unit in (1, 2):
        field.add(f"{unit}", unit, "holding", [10 * unit], 10 * unit, type="u16")
    words = field.units["2"]["hr"]
    absent = {"id": "f/absent", "every": "200ms", "from": {"source": "f", "unit": 1, "table": "holding", "address": 4000,
                                                           "type": "u16"}}
    nobody = {"id": "f/nobody", "every": "200ms", "from": {"source": "f", "unit": 77, "table": "holding", "address": 1,
                                                           "type": "u16"}}
    field.expected["f/2"] = None
    stage.write("site.json", site({"f": tcp("modbus-tcp", port)}, field.points + [absent, nobody]))
    server = start(stage, field, port, "tcp", broken=[2])
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("state=running")
    wait_until(lambda: statuses(stage) == {"f/1": "good", "f/2": "comm", "f/absent": "comm", "f/nobody": "comm"},
               "what is refused to be comm")
    server.kill()
    wait_until(lambda: set(statuses(stage).values()) == {"comm"}, "all to be comm")
    field.units["2"]["hr"] = {address: 33 for address in words}  # another device is put in its place
    field.expected = {"f/1": 10, "f/2": 33}
    start(stage, field, port, "tcp")
    all_come(stage, monitor, [field])
    equal(monitor.end(), 0, "exit code")


def statuses(stage):
    return {point: status for point, (_, status) in outside.exported(stage).items()}


if __name__ == "__main__":
    flow.main(globals())
