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


def value_for(point, i):
    """A value that the point's registers can hold exactly, another one for each point."""
    source = point["from"]
    kind = source.get("type", "u16")
    if "key" in source or kind[0] == "f":
        return 1.5 + i
    if kind == "bit":
        return i % 2
    if kind == "bits":
        low, high = source["bits"]
        return 1 + i % (2 ** (high - low + 1) - 1)
    raw = {0.1: 15 + 10 * i, 0.01: 150 + 100 * i, 0.0001: 15000}.get(source.get("scale", 1), 37 + i)
    return round(raw * source.get("scale", 1) + source.get("offset", 0), 6)


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
    wanted = {point["id"].replace("{id}", f"d{n}"): value_for(point, i + k)
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
