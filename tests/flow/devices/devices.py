"""The templates of profiles/devices: each is played by davy-sim with values of its own and read back from the store, and
their addresses, types and scales are those of the makers' manuals."""

import csv
import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

HOME = os.path.join(flow.SOURCE, "profiles", "devices")
MAPS = os.path.join(flow.SOURCE, "..", "shared", "data", "modbus", "register_maps.csv")
BASE = 40  # the devices stand behind this address

# Which device of the list of manuals a template is for.
OF = {
    "Honeywell Midas": "honeywell-midas", "Pemtech PT2008": "pemtech-pt2008", "Pemtech PT495": "pemtech-pt495",
    "IGD TOC-635 Plus": "igd-toc-635-plus", "New Cosmos PS-7-M": "new-cosmos-ps-7-m",
    "Honeywell Enraf FlexLine": "honeywell-enraf-flexline", "Varec 4000 ATT": "varec-4000-att",
    "Varec 8315 Tank Gate": "varec-8315-tank-gate", "Endress+Hauser NXA20 gauge link": "endress-hauser-nxa20",
    "ABB 266 Modbus": "abb-266-modbus", "Milesight GS101": "milesight-gs101",
    "generic RS-485 pressure transmitter (Lobaro docs)": "generic-rs485-pressure",
}


def template(name):
    with open(os.path.join(HOME, name + ".json"), encoding="utf-8") as text:
        return json.load(text)


def companions(source):
    """The registers that say something about a point."""
    status = source.get("status", [])
    yield from status if isinstance(status, list) else [status]
    yield from (source[key] for key in ("order_from", "scale_from") if key in source)


def well(companion):
    """A raw number of a companion by which the value is good and as its point is written."""
    if "map" in companion:
        return next(int(raw) for raw, means in companion["map"].items() if means in ("good", "ABCD", 1))
    return {"decimals": 2, "divisor": 4}.get(companion.get("as"), 0)


def told(points, source):
    """What stands in a point's register because it is the companion of others; None when it is not."""
    found = None
    for other in points:
        for companion in companions(other["from"]):
            same = companion.get("table", other["from"]["table"]) == source["table"]
            if same and companion["address"] == source["address"]:
                low = companion.get("bits", [companion.get("bit", 0)])[0]
                found = (found or 0) | well(companion) << low
    return found


def value_for(points, point, i):
    """A value that the point's registers can hold exactly, another one for each point."""
    source = point["from"]
    kind = source.get("type", "u16")
    if "values" in source:
        return i % 2
    stands = told(points, source) if "table" in source else None
    if stands is not None:
        low, high = source.get("bits", [source.get("bit", 0)] * 2 if kind == "bit" else [0, 15])
        return stands >> low & (1 << high - low + 1) - 1
    if "key" in source or kind[0] == "f":
        return 1.5 + i
    if kind == "bit":
        return i % 2
    if kind == "bits":
        low, high = source["bits"]
        return 1 + i % (2 ** (high - low + 1) - 1)
    raw = {0.1: 15 + 10 * i, 0.01: 150 + 100 * i, 0.0001: 15000}.get(source.get("scale", 1), 37 + i)
    by = {"decimals": 100, "divisor": 4}.get(source.get("scale_from", {}).get("as"), 1)
    return round((raw * source.get("scale", 1) + source.get("offset", 0)) / by, 6)


def play(stage, name, source, device):
    """Runs two devices of the template and requires that the store holds what they were given."""
    points = template(name)["points"]
    numbered = any("step" in p["from"] for p in points)
    numbers = (3, 4) if numbered else (0, 1)
    device = dict(device, id="d{n}", template=os.path.join(HOME, name + ".json"), source="s", every="200ms",
                  numbers=list(numbers))
    if "unit" in device and not numbered:
        device["unit_step"] = 1
    stage.write("site.json", {"site": {"id": "x"}, "sources": {"s": source}, "devices": [device],
                              "store": {"path": "data"}})
    wanted = {point["id"].replace("{id}", f"d{n}"): value_for(points, point, i + k)
              for k, n in enumerate(numbers) for i, point in enumerate(points)}
    stage.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "10m", "points": {
        id: {"base": value, "noise": 0} for id, value in wanted.items()}})
    stage.run("check", "site.json")
    field = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    field.wait_line(r"^ready")
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    for id, value in wanted.items():
        def stored(id=id):
            rows = stage.run("query", "site.json", id, "--from", "now-1m", "--to", "now+1m")[0].splitlines()[1:]
            return next((row.split(",")[1:] for row in rows if row.split(",")[2] == "good"), None)

        came = wait_until(stored, f"{id} to be stored")
        equal(float(came[0]), float(value), id)
    equal(monitor.end(), 0, "exit code")
    field.end()


def test_modbus(stage):
    for path in sorted(glob.glob(os.path.join(HOME, "*.json"))):
        name = os.path.basename(path)[:-5]
        if any("key" in point["from"] for point in template(name)["points"]):
            continue
        own = flow.Stage(name)
        try:
            play(own, name, {"type": "modbus-tcp", "host": "127.0.0.1", "port": flow.free_port()},
                 {"unit": 7, "base": BASE})
        except BaseException:
            own.close(True)
            raise
        own.close(False)
        print(f"  {name}", flush=True)


def states(name, values, wanted, points=(), events=()):
    """Plays one device and requires that each point's newest reading is (value, status); None: no value."""
    own = flow.Stage(name)
    try:
        own.write("site.json", {
            "site": {"id": "x"}, "sources": {"s": {"type": "modbus-tcp", "host": "127.0.0.1", "port": flow.free_port()}},
            "templates": {"own": {"points": list(points)}},
            "devices": [{"id": "d", "template": "own" if points else os.path.join(HOME, name + ".json"), "source": "s", "unit": 3, "base": 40,
                         "every": "100ms", "number": 5}], "store": {"path": "data"}})
        own.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "10m",
                                    "points": {"d/" + id: {"base": value, "noise": 0} for id, value in values.items()},
                                    "events": list(events)})
        field = own.davy("davy-sim", "run", "site.json", "scenario.json")
        field.wait_line(r"^ready")
        monitor = own.davy("run", "site.json")
        monitor.wait_line(r"state=running")
        for id, (value, status) in wanted.items():
            def newest(id=id):
                rows = own.run("query", "site.json", "d/" + id, "--from", "now-1m", "--to", "now+1m")[0].splitlines()[1:]
                return rows[-1].split(",")[1:] if rows else None

            came = wait_until(newest, f"{name} {id}")
            equal(came[1], status, f"{name} {id}: status")
            equal(float(came[0]) if came[0] else None, value, f"{name} {id}: value")
        equal(monitor.end(), 0, "exit code")
        field.end()
    except BaseException:
        own.close(True)
        raise
    own.close(False)
    print(f"  {name} {values}", flush=True)


def test_states_qualify_readings(stage):
    states("honeywell-midas", {"gas": 60, "state": 8, "fault": 0}, {"gas": (60, "calibrating")})
    states("honeywell-midas", {"gas": 60, "state": 1, "fault": 2}, {"gas": (60, "sensor")})
    states("honeywell-midas", {"gas": 60, "state": 9, "fault": 1}, {"gas": (60, "sensor")})  # no state of the manual
    states("igd-toc-635-plus", {"gas": 12.5, "under-range": 1, "over-range": 0}, {"gas": (12.5, "sensor")})
    states("igd-toc-635-plus", {"gas": 108, "over-range": 1, "comms-fault": 1}, {"gas": (108, "comm+range")})


def test_units_and_scales_are_read_from_the_device(stage):
    states("abb-266-modbus", {"temperature": 100, "temperature-unit": 33}, {"temperature": (100, "good")})
    states("abb-266-modbus", {"temperature": 100, "temperature-unit": 7}, {"temperature": (None, "sensor")})
    states("varec-4000-att", {"set-point-12": 25, "span-number": 400}, {"set-point-12": (25, "good")})
    states("generic-rs485-pressure-b", {"pressure": -1.234, "decimals": 3}, {"pressure": (-1.234, "good")})


def test_a_scenario_shows_states(stage):
    points = [{"id": "{id}/v", "from": {"table": "input", "address": 0, "scale": 0.1, "scale_from": {
                  "address": 1, "map": {"5": 0.1, "6": 1}}, "status": [
                  {"table": "discrete", "address": 9, "map": {"0": "good", "1": "paused"}},
                  {"address": 700, "flags": {"2": "calibrating", "7": "comm"}}]}}]
    for flag, value in (("paused", 0.15), ("calibrating", 0.15), ("comm", 0)):
        event = {"at": "0s", "point": "d/v", "status": {"flag": flag, "for": "1h"}}
        states("scenario", {"v": 0.15}, {"v": (value, flag)}, points, [event])
    stage.write("site.json", {
        "site": {"id": "x"}, "sources": {"s": {"type": "modbus-tcp", "host": "127.0.0.1"}},
        "templates": {"own": {"points": points}}, "devices": [{"id": "d", "template": "own", "source": "s", "unit": 3}]})
    scenario = {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "3s", "points": {"d/v": {"base": 0.15, "noise": 0}},
                "events": [{"at": "1s", "point": "d/v", "status": {"flag": "calibrating", "for": "1s"}}]}
    stage.write("scenario.json", scenario)
    rows = [row.split(",")[2:4] for row in stage.run("davy-sim", "trace", "site.json", "scenario.json")[0].splitlines()[1:]]
    equal(rows[:3], [["0.15", "good"], ["0.15", "calibrating"], ["0.15", "good"]], "the trace says what the wire does")
    scenario["events"][0]["status"]["flag"] = "manual"
    stage.write("scenario.json", scenario)
    _, err = stage.run("davy-sim", "trace", "site.json", "scenario.json", expect=2)
    require("cannot show that status" in err, err)


def test_word_order_is_read_from_the_device(stage):
    points = [{"id": "{id}/v", "from": {"table": "input", "address": 0, "type": "f32", "order_from": {
                  "table": "holding", "address": 700, "map": {"0": "ABCD", "1": "CDAB", "2": "BADC"}}}},
              {"id": "{id}/order", "from": {"table": "holding", "address": 700}}]
    for order in (1, 2):
        states("order", {"v": 20.5, "order": order}, {"v": (20.5, "good")}, points)
    states("order", {"v": 20.5, "order": 3}, {"v": (None, "sensor")}, points)


def test_behind_a_broker(stage):
    broker = stage.broker()
    play(stage, "milesight-gs101", {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["lora/up"]}, {})


def address_of(text):
    """A manual's address and what it grows by with n: 4n+26, n-1, 100+2n, 0x1000, 3."""
    n = re.search(r"(\d*)n", text)
    rest = re.sub(r"\d*n", "", text).strip("+ ") or "0"
    return int(rest, 0), int(n.group(1) or 1) if n else 0


def matches(row, source, first):
    """True when a point is what a row of the manuals says."""
    start, step = address_of(row["pdu_addr"])
    table = {"3": "holding", "4": "input"}[row["fc"]]
    if source["table"] != table or source["address"] != start + first * step or source.get("step", 0) != step:
        return False
    kinds = {"float32": {"f32"}, "float32 x2": {"f32"}, "uint16": {"u16"}, "scaled uint16": {"u16"}, "int32": {"i32"},
             "int16": {"i16"}, "int16 x3": {"i16"}, "bits": {"bit", "bits", "u16"}, "enum": {"u16"}, "char": {"u16"},
             "byte": {"u16"}, "ascii4": {"bits"}}[row["type"]]
    if row["type"] == "scaled uint16":
        by = source.get("scale_from", {})
        return by.get("as") == "divisor" and f"reg {by['address']})" in row["scale"] and source["scale"] == 100
    scale = {"/10000": 0.0001, "100": 100}.get(row["scale"])
    if scale is None:
        scale = float(row["scale"].split()[0]) if re.match(r"0\.", row["scale"]) else 1
    return source["type"] in kinds and source.get("scale", 1) == scale


def test_addresses_are_the_manuals(stage):
    if not os.path.exists(MAPS):
        print("skip: the list of manuals is not there")
        return
    with open(MAPS, encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    equal(sorted(OF), sorted({row["device"] for row in rows}), "every device has a template")
    for row in rows:
        content = template(OF[row["device"]])
        if not row["fc"]:
            continue  # not on Modbus
        first = 1 if row["device"].startswith("IGD") else 0  # its manual counts sensors from 1, the numbers from 0
        found = [p for p in content["points"] if matches(row, p["from"], first)]
        require(found, f"{row['device']}: {row['point']} at {row['pdu_addr']} is in its template")
        require(any(row["source"] in p["origin"] for p in found), f"{row['point']}: origin")


def test_every_point_has_an_origin(stage):
    for name in OF.values():
        content = template(name)
        equal(content["name"], name, "name")
        for point in content["points"]:
            require(point.get("origin"), f"{name}: {point['id']}")


if __name__ == "__main__":
    flow.main(globals())
