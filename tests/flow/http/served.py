"""A small site behind a broker whose monitor serves HTTP, and the words of a client."""

import http.client
import json
import os
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import require, wait_until

TOPIC = "davy/v1/jx-mine/telemetry"
CH4, LEVEL, FREE = "face-501/t1/ch4", "井下/水位", "spare"
CH4_ALARM = "ch4-limit:face-501/t1/ch4"
LEVEL_ALARM = "level-high:井下/水位"


def quote(text):
    return urllib.parse.quote(text, safe="")


def site(broker_port, http_port):
    return {
        "site": {"id": "jx-mine", "name": "金鑫煤矿"},
        "hazards": [{"id": "face-501"}],
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}", "topics": [TOPIC]}},
        "points": [
            {"id": CH4, "name": "501面T1甲烷", "kind": "ch4", "unit": "%CH4", "range": [0, 10], "hazard": "face-501",
             "tags": {"place": "T1"}, "from": {"source": "gw", "key": "CH4"}},
            {"id": LEVEL, "kind": "level", "unit": "m", "from": {"source": "gw", "key": "LVL"}},
            {"id": FREE, "kind": "level", "from": {"source": "gw", "key": "FREE"}},
        ],
        "rules": [
            {"id": "ch4-limit", "where": {"kind": "ch4"}, "message": "{name}: {value} {unit}",
             "levels": [{"level": "yellow", "when": "value >= 1.0", "clear": "value < 1.0"},
                        {"level": "red", "when": "value >= 3.0", "clear": "value < 1.0"}]},
            {"id": "level-high", "where": {"id": LEVEL}, "levels": [{"level": "orange", "when": "value > 9"}]},
        ],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}},
        "store": {"path": "data"},
        "http": {"listen": f"127.0.0.1:{http_port}"},
    }


def run(stage):
    """The monitor, with its broker connected."""
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    return monitor


def set_up(stage):
    stage.mosquitto = stage.broker()
    stage.http = flow.free_port()
    stage.site = site(stage.mosquitto.port, stage.http)
    stage.write("site.json", stage.site)
    stage.sent = 0
    stage.clock = int(time.time() * 1000) - 600000
    return run(stage)


def send(stage, **values):
    """Publishes one reading of each key, each time a second later on the field's clock; gives its time."""
    stage.sent += 1
    stage.clock += 1000
    stage.publish(stage.mosquitto.port, TOPIC, {"time": stage.clock, "seq": stage.sent, "values": values})
    return stage.clock


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def ask(stage, target, method="GET", body=None, headers=None, port=None):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port or stage.http, timeout=20 * flow.SLOW)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()


def get(stage, target):
    answer = ask(stage, target)
    require(answer.status == 200, f"{target}: {answer.status} {answer.body}")
    return answer.json()


def act(stage, alarm, kind, **words):
    """Hands in an act as a page would."""
    words = {key.rstrip("_"): value for key, value in words.items()}
    return ask(stage, f"/api/v1/alarms/{quote(alarm)}/{kind}", "POST", json.dumps(words).encode(),
               {"Content-Type": "application/json"})


def wait_value(stage, point, value):
    """Until the newest reading of a point is this."""
    return wait_until(lambda: [p for p in get(stage, "/api/v1/points") if p["id"] == point and p["value"] == value],
                      f"{point} to be {value}")[0]


def stored(stage, point, value):
    """Until a reading can be read from the store."""
    wait_until(lambda: [r for r in get(stage, f"/api/v1/points/{quote(point)}/samples") if r["value"] == value],
               f"{value} of {point} to be stored")


def talk(stage, request, seconds=20.0):
    """Sends raw bytes and gives all that comes back until the end of the connection."""
    with socket.create_connection(("127.0.0.1", stage.http), timeout=seconds * flow.SLOW) as client:
        client.sendall(request)
        parts = []
        try:
            while part := client.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass  # it had heard enough
        return b"".join(parts).decode("utf-8", "replace")


class Stream:
    """A client of the stream: frames as they come, each a dict of its fields."""

    def __init__(self, stage, target="/api/v1/stream", last=None):
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self.connection = http.client.HTTPConnection("127.0.0.1", stage.http, timeout=30 * flow.SLOW)
        self.connection.request("GET", target, headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def frame(self):
        """The next frame that is not a remark; None at the end."""
        fields = {}
        while line := self.response.readline().decode().rstrip("\n"):
            if not line.startswith(":"):
                key, _, value = line.partition(": ")
                fields[key] = value
        if fields or not self.response.isclosed():
            return fields
        return None

    def event(self):
        """The next event."""
        while True:
            fields = self.frame()
            require(fields is not None, "the stream ended")
            if "data" in fields:
                return fields

    def close(self):
        self.connection.close()
