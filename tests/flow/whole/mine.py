"""A small mine for tests of whole programs: two registers on a PLC, a tank behind a broker, two rules, two sinks."""

import os

import flow

# More words for "davy run": the same stories are told with several shards.
RUN_OPTIONS = os.environ.get("DAVY_RUN_OPTIONS", "").split()
TOPIC = "davy/v1/jx-mine/telemetry"
TANK_ALARM = "tank-high:tank-7/level"


def site(broker_port, bus_port):
    return {
        "site": {"id": "jx-mine", "name": "金鑫煤矿", "timezone": "Asia/Shanghai"},
        "hazards": [{"id": "face-501", "name": "501采煤工作面"}],
        "sources": {
            "plc-1": {"type": "modbus-tcp", "host": "127.0.0.1", "port": bus_port, "timeout": "300ms"},
            "gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}", "topics": ["davy/v1/jx-mine/telemetry"],
                   "format": "davy"},
        },
        "points": [
            {"id": "face-501/t1/ch4", "name": "501面T1甲烷", "kind": "ch4", "unit": "%CH4", "range": [0, 10],
             "every": "200ms", "hazard": "face-501",
             "from": {"source": "plc-1", "unit": 1, "table": "input", "address": 0, "type": "f32", "order": "CDAB"}},
            {"id": "face-501/t1/co", "kind": "co", "unit": "ppm", "every": "200ms", "hazard": "face-501",
             "from": {"source": "plc-1", "unit": 1, "table": "holding", "address": 10, "type": "u16", "scale": 0.1}},
            {"id": "tank-7/level", "kind": "level", "unit": "m", "range": [0, 12],
             "from": {"source": "gw", "key": "T7.LVL"}},
        ],
        "rules": [
            {"id": "ch4-limit", "where": {"kind": "ch4"},
             "levels": [{"level": "yellow", "when": "value >= 1.0", "clear": "value < 1.0"},
                        {"level": "orange", "when": "value >= 1.5", "clear": "value < 1.0"}],
             "message": "{name}: {value} {unit}", "advice": "停电撤人"},
            {"id": "tank-high", "where": {"kind": "level"},
             "levels": [{"level": "orange", "when": "value > 9", "on_delay": "1s", "off_delay": "500ms"}]},
        ],
        "sinks": {"centre": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}"},
                  "log": {"type": "file", "path": "events.ndjson"}},
        "store": {"path": "data"},
    }


SCENARIO = {
    "seed": 7, "start": "2026-01-05T00:00:00Z", "length": "20s",
    "points": {"face-501/t1/ch4": {"base": 0.4}, "face-501/t1/co": {"base": 6}, "tank-7/level": {"base": 5}},
    "events": [{"at": "1500ms", "point": "face-501/t1/ch4", "ramp": {"to": 1.8, "over": "1s"}},
               {"at": "4s", "source": "plc-1", "fault": "timeout", "for": "2s"},
               {"at": "8s", "point": "face-501/t1/ch4", "ramp": {"to": 0.4, "over": "1s"}}],
}


def set_up(stage, scenario=None):
    broker = stage.broker()
    stage.site = site(broker.port, flow.free_port())
    stage.write("site.json", stage.site)
    stage.write("scenario.json", scenario or SCENARIO)
    return broker


def run_davy(stage):
    monitor = stage.davy("run", "site.json", "--summary", *RUN_OPTIONS)
    monitor.wait_line(r"state=running")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    return monitor


def run_field(stage):
    field = stage.davy("davy-sim", "run", "site.json", "scenario.json")
    field.wait_line(r"^ready")
    return field
