"""Acknowledged is safe: SIGKILL again and again while messages come faster than they can be judged and journalled."""

import json
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

ROUNDS = int(os.environ.get("DAVY_KILLS", "5" if flow.SLOW > 1 else "15"))
RUN_OPTIONS = os.environ.get("DAVY_RUN_OPTIONS", "").split()
POINTS = 4  # in each message


def site(port):
    return {
        "site": {"id": "s"},
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "topics": ["in"]}},
        "points": [{"id": f"p{i}", "from": {"source": "gw", "key": f"k{i}"}} for i in range(POINTS)],
        # Every message moves an alarm; two points' alarms move at other beats, one by its window.
        "rules": [{"id": "each", "where": {"id": ["p0", "p1"]}, "levels": [{"level": "red", "when": "value > 5"}]},
                  {"id": "mean", "where": {"id": "p2"}, "levels": [{"level": "blue", "when": "mean(8ms) > 5"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"},
    }


def value(point, number):
    beat = (1, 3, 10, 5)[point]
    return (8 if number // beat % 2 else 2) + number % 7 / 100


class Flood(threading.Thread):
    """Publishes as fast as the broker takes, QoS 1, until told to stop."""

    def __init__(self, stage, port):
        super().__init__(daemon=True)
        self.first_ms = int(time.time() * 1000) - 10_000_000
        self.count = 0
        self.stopping = threading.Event()
        self.stage, self.port = stage, port

    def message(self, number):
        return {"time": self.first_ms + number, "seq": number,
                "values": {f"k{i}": value(i, number) for i in range(POINTS)}}

    def run(self):
        """In bursts, so that the flood has an end that can be waited for."""
        while not self.stopping.is_set():
            lines = "".join(json.dumps(self.message(self.count + i)) + "\n" for i in range(400))
            subprocess.run(["mosquitto_pub", "-p", str(self.port), "-q", "1", "-l", "-t", "in"], input=lines.encode(),
                           check=True, timeout=60, cwd=self.stage.folder)
            self.count += 400

    def stop(self):
        self.stopping.set()
        self.join()


def expected_events(stage, flood):
    """What a replay of the same samples says: the same engine, never killed."""
    with open(stage.path("trace.ndjson"), "w", encoding="utf-8") as out:
        for n in range(flood.count):
            for i in range(POINTS):
                out.write(json.dumps({"time": flood.first_ms + n, "point": f"p{i}", "value": value(i, n)}) + "\n")
    replayed, _ = stage.run("replay", "site.json", "trace.ndjson", seconds=120)
    return [key(json.loads(line)) for line in replayed.splitlines()]


def key(event):
    return event["alarm"], event["event"], event["occurrence"], event["time"], event.get("value")


def stored(stage, point):
    out, _ = stage.run("query", "site.json", point, "--from", "now-1d", "--to", "now+1h", "--format", "ndjson")
    return [json.loads(line) for line in out.splitlines()]


def require_all_once(stage, flood):
    for i in range(POINTS):
        rows = stored(stage, f"p{i}")
        equal([(flow.datetime_ms(r["time"]), r["value"], r["status"]) for r in rows],
              [(flood.first_ms + n, value(i, n), "good") for n in range(flood.count)], f"samples of p{i}")
    events = stage.events()
    equal([e["seq"] for e in events], list(range(1, len(events) + 1)), "seq")
    wanted = expected_events(stage, flood)
    for alarm in sorted({w[0] for w in wanted}):
        equal([key(e) for e in events if e["alarm"] == alarm], [w for w in wanted if w[0] == alarm], f"events of {alarm}")


def started(stage):
    monitor = stage.davy("run", "site.json", *RUN_OPTIONS)
    monitor.wait_line("ING-011 source=gw", 30)
    return monitor


def test_kills_in_a_flood(stage):
    """Every sample stored once, every event once: as if nothing had been killed."""
    broker = stage.broker()
    stage.write("site.json", site(broker.port))
    started(stage).end()  # the broker knows the session from here on
    flood = Flood(stage, broker.port)
    flood.start()
    chance = random.Random(3)
    again = 0
    for _ in range(ROUNDS):
        monitor = started(stage) if chance.random() < 0.8 else stage.davy("run", "site.json", *RUN_OPTIONS)
        time.sleep(chance.uniform(0, 0.4))  # not to wait for anything: the moment of the kill is to be any
        monitor.kill()
        again += sum("ING-016" in line for line in monitor.err)
    flood.stop()
    monitor = started(stage)
    wait_until(lambda: len(stored(stage, "p0")) >= flood.count, f"{flood.count} samples in the store", 60)
    equal(monitor.end(), 0, "exit code")
    require(again > 0, "some kill came between acknowledgement and store")
    require_all_once(stage, flood)
    require("whole" in stage.run("verify", "site.json")[0], "the store is whole")


def counter(stage, name):
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    return next(line["value"] for line in map(json.loads, out.splitlines()) if line["name"] == name)


def test_without_the_broker_all_that_was_received_is_there(stage):
    """Received, killed, and the broker gone for good: the spool has what the store has not."""
    broker = stage.broker()
    stage.write("site.json", site(broker.port))
    monitor = started(stage)
    flood = Flood(stage, broker.port)
    flood.start()
    wait_until(lambda: flood.count >= 400, "the first burst")
    flood.stop()
    wait_until(lambda: counter(stage, "ingest.gw.messages") == flood.count, "all messages to be received")
    monitor.kill()
    broker.kill()
    monitor = stage.davy("run", "site.json", *RUN_OPTIONS)
    monitor.wait_line("state=running")
    equal(monitor.end(), 0, "exit code")  # a stop takes all that is in the spool
    require_all_once(stage, flood)


if __name__ == "__main__":
    flow.main(globals())
