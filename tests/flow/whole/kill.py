"""SIGKILL again and again in a stream of messages: each is stored once, each alarm told once, nothing is half written."""

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
from mine import TOPIC, run_davy, set_up

ROUNDS = int(os.environ.get("DAVY_KILLS", "6" if flow.SLOW > 1 else "20"))
HALF_WAVE = 40  # messages below the limit, as many above


class Stream(threading.Thread):
    """Publishes one message after the other with QoS 1 until told to stop; numbers them from 0."""

    def __init__(self, stage, port):
        super().__init__(daemon=True)
        self.first_ms = int(time.time() * 1000)
        self.count = 0
        self.stopping = threading.Event()
        self.publisher = subprocess.Popen(["mosquitto_pub", "-p", str(port), "-q", "1", "-l", "-t", TOPIC], cwd=stage.folder,
                                          stdin=subprocess.PIPE)

    def run(self):
        while not self.stopping.wait(0.001) or self.count % HALF_WAVE != 0:
            message = {"time": self.first_ms + self.count, "seq": self.count, "values": {"T7.LVL": self.value(self.count)}}
            self.publisher.stdin.write((json.dumps(message) + "\n").encode())
            self.publisher.stdin.flush()
            self.count += 1

    @staticmethod
    def value(number):
        return (8 if number // HALF_WAVE % 2 else 2) + number % 7 / 100

    def stop(self):
        self.stopping.set()
        self.join()
        self.publisher.stdin.close()
        equal(self.publisher.wait(30), 0, "exit code of the publisher")


def rows(stage):
    out, _ = stage.run("query", "site.json", "tank-7/level", "--from", "now-1h", "--to", "now+1h", "--format", "ndjson")
    return [json.loads(line) for line in out.splitlines()]


def wave_site(stage):
    stage.site["rules"] = [{"id": "wave", "where": {"kind": "level"},
                            "levels": [{"level": "red", "when": "value > 5"}]}]
    del stage.site["sources"]["plc-1"]
    stage.site["points"] = [p for p in stage.site["points"] if p["from"]["source"] == "gw"]
    stage.write("site.json", stage.site)


def require_told_once(stage, stream):
    """The file has whole lines, seq from 1 without gap or repeat, and just the events of the wave."""
    expected = []
    for number in range(HALF_WAVE, stream.count, HALF_WAVE):
        expected.append(("raised" if number // HALF_WAVE % 2 else "cleared", stream.first_ms + number))
    wait_until(lambda: len(stage.events()) >= len(expected), "all events in the file", 30)
    with open(stage.path("events.ndjson"), "rb") as file:
        content = file.read()
    require(content.endswith(b"\n"), "the file ends with a whole line")
    events = [json.loads(line) for line in content.splitlines()]
    equal([e["seq"] for e in events], list(range(1, len(events) + 1)), "seq in the file")
    equal([(e["event"], flow.datetime_ms(e["time"])) for e in events], expected, "events")
    journal, _ = stage.run("alarms", "site.json", "--history", "--format", "ndjson")
    equal([json.loads(line) for line in journal.splitlines()], events, "journal and file")


def require_stored_once(stage, stream):
    found = rows(stage)
    equal(len(found), stream.count, "rows")
    equal([(flow.datetime_ms(r["time"]), r["value"], r["status"]) for r in found],
          [(stream.first_ms + n, stream.value(n), "good") for n in range(stream.count)], "samples")


def test_kills_in_a_stream_lose_and_repeat_nothing(stage):
    broker = set_up(stage)
    wave_site(stage)
    run_davy(stage).end()  # the broker knows the session from here on
    stream = Stream(stage, broker.port)
    stream.start()
    chance = random.Random(11)
    for _ in range(ROUNDS):
        monitor = stage.davy("run", "site.json")
        if chance.random() < 0.8:  # else it is killed while it starts
            monitor.wait_line("ING-011 source=gw", 30)
        time.sleep(chance.uniform(0, 0.4))  # not to wait for anything: the moment of the kill is to be any
        monitor.kill()
    stream.stop()
    monitor = run_davy(stage)
    wait_until(lambda: len(rows(stage)) >= stream.count, f"{stream.count} samples in the store", 60)
    require_stored_once(stage, stream)
    require_told_once(stage, stream)
    equal(monitor.end(), 0, "exit code")
    out, _ = stage.run("verify", "site.json")
    require("whole" in out, out)


if __name__ == "__main__":
    flow.main(globals())
