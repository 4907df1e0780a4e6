"""An EventSource that is not ours: it comes again by itself, over kill -9 and a reload, and has every event once."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from served import CH4_ALARM, act, run, send, set_up
import flow
import outside
from flow import equal, wait_until

NODE = outside.need_npm({"eventsource": "2.0.2"}, "npm-http")


def test_an_event_source_misses_nothing(stage):
    monitor = set_up(stage)
    browser = stage.start("eventsource", NODE, os.path.join(os.path.dirname(os.path.abspath(__file__)), "node_source.js"),
                          f"http://127.0.0.1:{stage.http}/api/v1/stream?after=0", env=outside.node_environment("npm-http"))
    browser.wait_line("open", lines=browser.out)

    def heard(count):
        wait_until(lambda: len([l for l in browser.out if l.startswith("{")]) >= count, f"{count} events", 30)

    send(stage, CH4=1.5)
    heard(1)
    monitor.kill()
    monitor = run(stage)
    equal(act(stage, CH4_ALARM, "ack", by="li", comment="看到").status, 200, "an act")  # perhaps before it is back
    send(stage, CH4=0.5)
    heard(3)
    monitor.send(signal.SIGHUP)
    monitor.wait_line(r"APP-002")
    wait_until(lambda: len([l for l in monitor.err if "APP-001" in l]) > 1, "the next run")
    send(stage, CH4=3.5)
    heard(4)
    told = [json.loads(line) for line in browser.out if line.startswith("{")]
    equal([(t["kind"], t["id"]) for t in told], [("raised", "1"), ("acked", "2"), ("cleared", "3"), ("raised", "4")], "events")
    with open(stage.path("events.ndjson"), encoding="utf-8") as lines:
        equal([t["data"] for t in told], lines.read().splitlines(), "the bytes of the journal")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
