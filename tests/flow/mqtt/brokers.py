"""What brokers and publishers may do: several at once, restarts, retained, repeated, reordered and unreadable messages."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until


def now_ms():
    return int(time.time() * 1000)


def site(sources, sinks=None):
    """Sources by name with their broker's port; each carries one point of its name."""
    return {"site": {"id": "s"},
            "sources": {name: {"type": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "topics": [f"{name}/#"]}
                        for name, port in sources.items()},
            "points": [{"id": name, "from": {"source": name, "key": "v"}} for name in sources],
            "rules": [{"id": "high", "levels": [{"level": "red", "when": "value > 5"}]}],
            "sinks": dict({"log": {"type": "file", "path": "events.ndjson"}}, **(sinks or {})), "store": {"path": "data"}}


def run(stage, description):
    stage.write("site.json", description)
    monitor = stage.davy("run", "site.json")
    for name in description["sources"]:
        monitor.wait_line(f"ING-011 source={name}")
    return monitor


def own_broker(stage, port):
    """A broker that shares no file of sessions with the others."""
    return stage.broker(port, extra=f"persistence_file sessions-{port}.db\n")


def samples(stage, point):
    out, _ = stage.run("query", "site.json", point, "--from", "now-1d", "--to", "now+1h", "--format", "ndjson")
    return [(flow.datetime_ms(r["time"]), r["value"], r["status"]) for r in map(json.loads, out.splitlines())]


def counters(stage):
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    return {line["name"]: line["value"] for line in map(json.loads, out.splitlines())}


def test_several_brokers_at_once_and_one_of_them_goes(stage):
    """Three brokers; one dies and returns: the others are not disturbed, and what it kept meanwhile arrives."""
    brokers = {name: own_broker(stage, flow.free_port()) for name in ("a", "b", "c")}
    centre = {"centre": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{brokers['b'].port}"}}
    monitor = run(stage, site({name: broker.port for name, broker in brokers.items()}, centre))
    heard = stage.subscriber(brokers["b"].port, "davy/v1/s/events/#")
    for i, name in enumerate(brokers):
        stage.publish(brokers[name].port, f"{name}/x", {"time": now_ms(), "values": {"v": i}})
    for i, name in enumerate(brokers):
        wait_until(lambda n=name: samples(stage, n), f"the sample by broker {name}")
        equal(samples(stage, name)[0][1], i, f"value by broker {name}")
    equal(brokers["a"].end(signal.SIGTERM), 0, "exit code of mosquitto")  # it saves the session
    monitor.wait_line("ING-010 source=a .*connection was lost")
    stage.publish(brokers["c"].port, "c/x", {"time": now_ms(), "values": {"v": 9}})
    stage.wait_event(event="raised", alarm="high:c")
    wait_until(lambda: any('"alarm":"high:c"' in line for line in heard.out), "the event at the centre")
    again = own_broker(stage, brokers["a"].port)
    stage.publish(again.port, "a/x", {"time": now_ms(), "values": {"v": 8}})
    stage.wait_event(event="raised", alarm="high:a", seconds=40)
    monitor.wait_line(r"ING-011 source=a .*session=kept")
    equal(counters(stage)["ingest.a.reconnects"], 1, "connections made anew")
    equal(monitor.end(), 0, "exit code")


def test_a_retained_message_is_taken_once(stage):
    """The broker gives it again with every new subscription; with the same seq and time it is a repeat."""
    broker = stage.broker()
    time_ms = now_ms()
    stage.publish(broker.port, "a/x", {"time": time_ms, "seq": 5, "values": {"v": 1}}, "-r")
    for _ in range(2):
        monitor = run(stage, site({"a": broker.port}))
        wait_until(lambda: sum(counters(stage)[f"ingest.a.{word}"] for word in ("messages", "repeats")), "the message")
        equal(monitor.end(), 0, "exit code")
    equal(samples(stage, "a"), [(time_ms, 1, "good")], "samples")


def test_repeats_go_by_seq_and_time_on_one_topic(stage):
    """The same message again is one; another time, another seq or another topic is not; nor is what has no seq."""
    broker = stage.broker()
    monitor = run(stage, site({"a": broker.port}))
    base = now_ms() - 10_000
    rows = [("a/x", 1, 0, 1), ("a/x", 1, 0, 2), ("a/x", 1, 10, 3), ("a/x", 2, 20, 4), ("a/y", 2, 20, 5)]
    for topic, seq, offset, value in rows:
        stage.publish(broker.port, topic, {"time": base + offset, "seq": seq, "values": {"v": value}})
    for value in (6, 6):
        stage.publish(broker.port, "a/x", {"time": base + 30, "values": {"v": value}})
    wait_until(lambda: counters(stage)["ingest.a.messages"] == 6, "all messages")
    equal(counters(stage)["ingest.a.repeats"], 1, "repeats")
    wait_until(lambda: len(samples(stage, "a")) == 4, "all samples")
    equal([(t - base, v, s) for t, v, s in samples(stage, "a")],
          [(0, 1, "good"), (10, 3, "good"), (20, 5, "good"), (30, 6, "good")], "of one time the last written counts")
    equal(monitor.end(), 0, "exit code")


def test_messages_out_of_order_are_stored_but_not_judged(stage):
    broker = stage.broker()
    monitor = run(stage, site({"a": broker.port}))
    base = now_ms() - 10_000
    for offset, value in ((1000, 1), (3000, 2), (2000, 99), (4000, 3)):
        stage.publish(broker.port, "a/x", {"time": base + offset, "values": {"v": value}})
    wait_until(lambda: len(samples(stage, "a")) == 4, "all samples")
    equal([(t - base, v, s) for t, v, s in samples(stage, "a")],
          [(1000, 1, "good"), (2000, 99, "late"), (3000, 2, "good"), (4000, 3, "good")], "samples by time")
    equal(monitor.end(), 0, "exit code")
    equal(stage.events(), [], "events")


def test_what_cannot_be_read_is_told_with_its_place_and_stops_nothing(stage):
    broker = stage.broker()
    monitor = run(stage, site({"a": broker.port}))
    for text in ("", "no json", '{"time": 1', '{"values": {"v": "text", "w": 1}}', "\x01\x02", "[" * 5000):
        stage.publish(broker.port, "a/bad \"topic\"", text)
    stage.publish(broker.port, "a/x", {"time": now_ms(), "values": {"w": 1, "v": 9}})
    stage.wait_event(event="raised", alarm="high:a")
    line = monitor.wait_line("ING-013")
    require('topic="a/bad ?topic?"' in line and "offset=" in line and "reason=" in line, line)
    require(counters(stage)["ingest.a.set_aside"] >= 7, "all of it is counted")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
