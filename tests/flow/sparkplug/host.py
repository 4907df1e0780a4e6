"""Davy as a Sparkplug B host application, with edge nodes that are not ours and a real broker.

Words in brackets are assertions of the specification (tck-id-…).
"""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import flow  # noqa: E402
from edge import BOOLEAN, DOUBLE, FLOAT, INT32, STRING, EdgeNode, Metric, mqtt, now_ms  # noqa: E402
from flow import equal, require, wait_until  # noqa: E402

STATE = "spBv1.0/STATE/davy-mine-gw"


def site(port, **source):
    def point(name, key, **more):
        return {"id": name, "kind": name.split("/")[0], "from": {"source": "gw", "key": key}, **more}

    return {
        "site": {"id": "mine"},
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "format": "sparkplug", "reorder": "300ms",
                           **source}},
        "points": [point("ch4/a", "G/N/ch4"), point("temp/a", "G/N/pump/temp"), point("run/a", "G/N/pump/Inputs/run"),
                   point("ch4/b", "G/M/ch4"), {"id": "davy.ingest.gw.online", "kind": "davy"}],
        "rules": [{"id": "high", "where": {"kind": "ch4"}, "levels": [{"level": "red", "when": "value >= 1.5"}]},
                  {"id": "hot", "where": {"kind": "temp"}, "levels": [{"level": "yellow", "when": "value >= 80"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}},
        "store": {"path": "data"},
    }


def edge_n(port, **how):
    node = EdgeNode(port, "G", "N", **how)
    node.add(None, Metric("ch4", DOUBLE, 0.3, alias=1), Metric("site name", STRING, "mine"))
    node.add("pump", Metric("temp", FLOAT, 41.5, alias=10), Metric("Inputs/run", BOOLEAN, True, alias=11),
             Metric("spare", INT32, 7, alias=12))
    return node


def samples(stage, point):
    out, _ = stage.run("query", "site.json", point, "--from", "now-1h", "--to", "now+1h", "--format", "ndjson")
    return [json.loads(line) for line in out.splitlines()]


def wait_sample(stage, point, text, condition):
    return wait_until(lambda: next((s for s in reversed(samples(stage, point)) if condition(s)), None),
                      f"{point}: {text}")


def newest(stage, point):
    return samples(stage, point)[-1]


def start(stage, port, **source):
    stage.write("site.json", site(port, **source))
    davy = stage.davy("run", "site.json")
    davy.wait_line(r"ING-011 .*connected")
    return davy


def counted(stage, name):
    """A counter of the source, by `davy stat`."""
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    return next(row["value"] for row in map(json.loads, out.splitlines()) if row["name"] == f"ingest.gw.{name}")


def wait_births(stage, times):
    """Waits until node N and its pump were born so often: two births each time."""
    wait_until(lambda: counted(stage, "births") >= 2 * times, f"{times} births")


def test_births_data_and_deaths(stage):
    broker = stage.broker()
    node = edge_n(broker.port)
    davy = start(stage, broker.port)
    wait_births(stage, 1)  # asked for: the node was there first
    command = node.asked[0][1]
    require(command.timestamp > 0 and not command.HasField("seq"), "a request has a time and no seq")
    wait_sample(stage, "ch4/a", "the birth's value", lambda s: s["value"] == 0.3 and s["status"] == "good")
    wait_sample(stage, "temp/a", "the device's", lambda s: s["value"] == 41.5)
    equal(newest(stage, "run/a")["value"], 1)
    wait_sample(stage, "davy.ingest.gw.online", "davy's own", lambda s: s["value"] == 1)
    node.data(None, {"ch4": 1.6})
    raised = stage.wait_event("the alarm", event="raised", alarm="high:ch4/a")
    equal(raised["value"], 1.6)
    node.data("pump", {"temp": 82.25, "Inputs/run": False}, stamp=now_ms() + 5)
    stage.wait_event("the device's alarm", event="raised", alarm="hot:temp/a")
    node.death_of("pump")
    stage.wait_event("the device is lost", event="blind", alarm="hot:temp/a")
    equal(newest(stage, "temp/a")["status"], "comm+stale")
    equal(newest(stage, "ch4/a")["status"], "good")
    node.birth_device("pump")
    stage.wait_event("it is back", event="sighted", alarm="hot:temp/a")
    node.break_off()  # the broker sends the will
    stage.wait_event("the node is lost", event="blind", alarm="high:ch4/a")
    equal(newest(stage, "run/a")["status"], "comm+stale")
    again = edge_n(broker.port, bdseq=1)
    again.metrics[None][0].value = 1.7
    again.birth()
    stage.wait_event("the node is back", event="sighted", alarm="high:ch4/a")
    again.data(None, {"ch4": 0.2})
    stage.wait_event("the end", event="cleared", alarm="high:ch4/a")
    again.leave()
    wait_sample(stage, "ch4/a", "its goodbye", lambda s: s["status"] == "comm+stale" and s["time"] > raised["time"])
    equal(davy.end(), 0)


def test_history_is_kept_and_not_judged(stage):
    broker = stage.broker()
    node = edge_n(broker.port)
    davy = start(stage, broker.port)
    wait_births(stage, 1)
    wait_sample(stage, "ch4/a", "the birth", lambda s: s["value"] == 0.3)
    old = now_ms() - 600000
    node.data(None, {"ch4": 3.5}, stamp=old, historical=True)
    node.data(None, {"ch4": 3.6}, stamp=now_ms() + 3000, historical=True)  # newer than all, and history all the same
    node.data(None, {"ch4": 0.4})
    wait_sample(stage, "ch4/a", "the reading behind them", lambda s: s["value"] == 0.4)
    told = [s for s in samples(stage, "ch4/a") if s["value"] in (3.5, 3.6)]
    equal([s["status"] for s in told], ["late", "late"])
    node.data(None, {"ch4": 1.5}, stamp=now_ms() + 10)
    event = stage.wait_event("what is judged", event="raised", alarm="high:ch4/a")
    equal(event["value"], 1.5)
    equal(davy.end(), 0)
    trace, _ = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h", "--format", "trace")
    stage.write("trace.csv", trace)
    replayed, _ = stage.run("replay", "site.json", "trace.csv")
    equal([(e["event"], e["alarm"], e["time"]) for e in map(json.loads, replayed.splitlines())],
          [(e["event"], e["alarm"], e["time"]) for e in stage.events()], "what was recorded judges as it did")


def test_whatever_is_missing_is_asked_for(stage):
    """[operational-behavior-host-reordering-*]"""
    broker = stage.broker()
    node = edge_n(broker.port)
    davy = start(stage, broker.port)
    wait_births(stage, 1)
    asked = len(node.asked)

    swapped = [node.make(None, {"ch4": value}, stamp=now_ms() + 20 + i) for i, value in enumerate((0.5, 0.6))]
    for payload in swapped:
        payload.seq = node.seq
        node.seq += 1
    for payload in reversed(swapped):
        node.send_raw("NDATA", payload.SerializeToString())
    wait_sample(stage, "ch4/a", "both in order", lambda s: s["value"] == 0.6)
    equal([s["status"] for s in samples(stage, "ch4/a") if s["value"] in (0.5, 0.6)], ["good", "good"])
    equal(len(node.asked), asked, "no reason to ask")

    node.skip()
    node.data(None, {"ch4": 0.7})
    wait_births(stage, 2)
    equal(len(node.asked), asked + 1)
    wait_sample(stage, "ch4/a", "told again by the birth", lambda s: s["value"] == 0.7)
    davy.wait_line(r'ING-042 .*node="G/N".*messages are missing')

    strange = node.make("pump", {"temp": 50.0}, stamp=now_ms())
    strange.metrics[0].alias = 999
    strange.seq = node.seq
    node.seq += 1
    node.send_raw("DDATA", strange.SerializeToString(), "pump")
    davy.wait_line(r"ING-013 .*an alias that was in no birth")
    wait_births(stage, 3)

    aside = counted(stage, "set_aside")
    node.send_raw("NDATA", b"\x0a\xff garbage")
    wait_until(lambda: counted(stage, "set_aside") > aside, "the garbage to be set aside")
    node.data(None, {"ch4": 0.8}, stamp=now_ms() + 40)
    wait_sample(stage, "ch4/a", "the message behind the garbage", lambda s: s["value"] == 0.8)

    unborn = EdgeNode(broker.port, "G", "M", answers=False)  # a node that sends data and never its birth
    unborn.add(None, Metric("ch4", DOUBLE, 0.1))
    unborn.data(None, {"ch4": 0.1})
    wait_until(lambda: len(unborn.asked) >= 2, "the request to be repeated")
    require(unborn.asked[1][0] - unborn.asked[0][0] > 0.5, "but not at once")
    equal([s for s in samples(stage, "ch4/b") if s["status"] != "comm+stale"], [], "of an unborn node")
    equal(davy.end(), 0)


class Watcher:
    """Hears the STATE of the host, as an edge node would."""

    def __init__(self, port):
        self.states = []
        self.client = mqtt.Client("watcher", clean_session=True)
        self.client.on_connect = lambda client, *_: client.subscribe(STATE, qos=1)
        self.client.on_message = lambda _c, _d, m: self.states.append((m.qos, m.retain, json.loads(m.payload)))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def wait(self, online, count=1):
        return wait_until(lambda: [s for s in self.states if s[2]["online"] is online][count - 1:count],
                          f"state online={online} for the {count}. time")[0]

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()


def test_the_state_of_the_host(stage):
    """[host-topic-phid-*, operational-behavior-host-application-*, message-flow-phid-*, message-flow-hid-*,
    payloads-state-*, components-ph-state, intro-sparkplug-host-state, conformance-primary-host]"""
    broker = stage.broker()
    watcher = Watcher(broker.port)
    before = now_ms()
    davy = start(stage, broker.port)
    qos, _, birth = watcher.wait(True)
    equal(qos, 1)
    equal(sorted(birth), ["online", "timestamp"])
    require(before <= birth["timestamp"] <= now_ms(), "the time of the connection")
    late = Watcher(broker.port)  # takes the first one's place: one client id
    require(late.wait(True)[1], "the birth is retained")
    late.client.publish(STATE, json.dumps({"online": False, "timestamp": 5}), qos=1, retain=True)
    equal(late.wait(True, 2)[2], birth, "said again, with the same time")
    davy.kill()
    death = wait_until(lambda: [s for s in late.states if not s[2]["online"] and s[2]["timestamp"] != 5],
                       "the will")[0]
    equal((death[0], death[2]), (1, {"online": False, "timestamp": birth["timestamp"]}))
    davy = start(stage, broker.port)
    second = late.wait(True, 3)[2]
    require(second["timestamp"] > birth["timestamp"], "a new connection has a new time")
    leaving = now_ms()
    equal(davy.end(), 0)
    goodbye = wait_until(lambda: [s for s in late.states if not s[2]["online"] and s[2]["timestamp"] >= leaving],
                         "the goodbye")[0]
    equal(goodbye[0], 1)
    last = Watcher(broker.port)
    equal(last.wait(False)[:2], (1, True))
    for one in (watcher, late, last):
        one.end()


def test_the_births_come_after_the_state(stage):
    """[host-topic-phid-birth-message, message-flow-phid-sparkplug-subscription, -state-publish]: what the host
    publishes, in its order."""
    broker = stage.broker()
    everything = stage.subscriber(broker.port, "spBv1.0/#", "-F", "%t")
    davy = start(stage, broker.port)
    wait_until(lambda: any("NCMD" in line for line in everything.out), "a request")
    equal([line for line in everything.out if line.startswith("spBv1.0/")][:2], [STATE, "spBv1.0/G/NCMD/N"])
    equal(davy.end(), 0)


def test_a_restart_and_a_lost_broker(stage):
    broker = stage.broker()
    node = edge_n(broker.port)
    davy = start(stage, broker.port)
    wait_births(stage, 1)
    node.data(None, {"ch4": 1.9})
    stage.wait_event("the alarm", event="raised", alarm="high:ch4/a")
    asked = len(node.asked)
    davy.kill()
    davy = start(stage, broker.port)
    wait_births(stage, 1)  # aliases are not kept: asked for anew
    equal(len(node.asked), asked + 1)
    node.data(None, {"ch4": 1.95})
    wait_sample(stage, "ch4/a", "data by alias again", lambda s: s["value"] == 1.95)
    broker.kill()
    stage.wait_event("without broker", event="blind", alarm="high:ch4/a")
    equal(newest(stage, "temp/a")["status"], "comm+stale")
    stage.broker(broker.port)
    davy.wait_line(r"ING-011 .*after=")
    stage.wait_event("with it", event="sighted", alarm="high:ch4/a", seconds=40)
    equal(len([e for e in stage.events() if e["event"] == "raised"]), 1, "one alarm, over all of it")
    equal(davy.end(), 0)


def test_a_reload(stage):
    broker = stage.broker()
    node = edge_n(broker.port)
    davy = start(stage, broker.port)
    wait_births(stage, 1)
    node.data(None, {"ch4": 1.9})
    stage.wait_event("the alarm", event="raised", alarm="high:ch4/a")
    asked = len(node.asked)
    davy.send(signal.SIGHUP)  # the same site again: the host says goodbye, comes back and asks anew
    wait_until(lambda: len(node.asked) > asked, "births to be asked for again")

    def told():  # what overtakes the births that were asked for is not taken
        node.data(None, {"ch4": 0.3})
        return any(e["event"] == "cleared" for e in stage.events())

    wait_until(told, "the reading to be taken")
    cleared = stage.wait_event("its end", event="cleared", alarm="high:ch4/a")
    equal([e["event"] for e in stage.events() if e["alarm"] == "high:ch4/a"], ["raised", "cleared"])
    require(cleared["occurrence"] == 1, "the same alarm all along")
    equal(davy.end(), 0)


def test_a_node_that_died_while_davy_was_away(stage):
    broker = stage.broker()
    node = edge_n(broker.port)
    davy = start(stage, broker.port)
    wait_births(stage, 1)
    wait_sample(stage, "ch4/a", "a value", lambda s: s["value"] == 0.3)
    equal(davy.end(), 0)
    node.leave()
    davy = start(stage, broker.port)
    davy.wait_line(r'ING-041 .*node="G/N" reason="no birth has come"', seconds=30)
    wait_sample(stage, "ch4/a", "nobody answers", lambda s: s["status"] == "comm+stale")
    equal(davy.end(), 0)


def test_a_saved_message_is_shown(stage):
    stage.write("site.json", site(1))
    for name, kind, payload in (("birth", "DBIRTH/N/pump", birth_bytes()), ("data", "DDATA/N/pump", data_bytes())):
        with open(stage.path(name), "wb") as file:
            file.write(payload)
        out, _ = stage.run("check", "site.json", "--sample", name, "--source", "gw", "--topic", f"spBv1.0/G/{kind}",
                           expect=0 if name == "birth" else 1)
        require("temp/a" in out, out)
    require("an alias means nothing without its birth" in out, out)
    _, err = stage.run("check", "site.json", "--sample", "data", "--source", "gw", expect=2)
    require("--topic" in err, err)


def birth_bytes():
    from edge import Payload
    payload = Payload(timestamp=now_ms(), seq=1)
    payload.metrics.add(name="temp", datatype=FLOAT, float_value=41.5, alias=10)
    return payload.SerializeToString()


def data_bytes():
    from edge import Payload
    payload = Payload(timestamp=now_ms(), seq=2)
    payload.metrics.add(name="temp", datatype=FLOAT, float_value=42.5)
    payload.metrics.add(alias=10, datatype=FLOAT, float_value=43.5)
    return payload.SerializeToString()


if __name__ == "__main__":
    flow.main(globals())
