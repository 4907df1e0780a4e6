"""From a register and a message to the emergency centre: live, with real sockets and a real broker."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until
from mine import run_davy, run_field, set_up


def words(event):
    return (event["event"], event["alarm"], event.get("level"), event.get("occurrence"))


def test_register_becomes_event(stage):
    """Raised, worsened, blind, sighted, cleared: on MQTT and in the file, in order, the same bytes."""
    broker = set_up(stage)
    centre = stage.subscriber(broker.port, "davy/v1/jx-mine/events/#")
    field = run_field(stage)
    monitor = run_davy(stage)
    stage.wait_event(event="cleared", alarm="ch4-limit:face-501/t1/ch4", seconds=25)
    events = stage.events()
    equal([words(e) for e in events if e["rule"] == "ch4-limit"],
          [("raised", "ch4-limit:face-501/t1/ch4", "yellow", 1), ("worsened", "ch4-limit:face-501/t1/ch4", "orange", 1),
           ("blind", "ch4-limit:face-501/t1/ch4", "orange", 1), ("sighted", "ch4-limit:face-501/t1/ch4", "orange", 1),
           ("cleared", "ch4-limit:face-501/t1/ch4", "orange", 1)], "events of the methane alarm")
    equal([e["seq"] for e in events], list(range(1, len(events) + 1)), "seq without gaps")
    raised = events[0]
    equal((raised["hazard"], raised["unit"], raised["when"], raised["status"], raised["advice"]),
          ("face-501", "%CH4", "value >= 1.0", "actual", "停电撤人"), "texts of an event")
    wait_until(lambda: len([l for l in centre.out if l.startswith("{")]) >= len(events), "the centre to hear all")
    heard = [l for l in centre.out if l.startswith("{")]
    with open(stage.path("events.ndjson"), encoding="utf-8") as lines:
        equal(heard, lines.read().splitlines(), "MQTT and file carry the same bytes")
    equal(monitor.end(), 0, "exit code of davy run")
    equal(field.end(), 0, "exit code of davy-sim run")
    require("samples" in "".join(monitor.err[-3:]), "the summary is printed")


def test_delay_ends_without_a_sample(stage):
    """The tank is over its limit in one single sample; the delay ends on the clock."""
    broker = set_up(stage)
    run_davy(stage)
    now = int(time.time() * 1000)
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", {"time": now, "seq": 1, "values": {"T7.LVL": 9.5}})
    event = stage.wait_event(event="raised", alarm="tank-high:tank-7/level")
    raised = time.mktime(time.strptime(event["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    took = raised * 1000 + int(event["time"][20:23]) - now
    equal(took, 1000, "the delay ends to the millisecond, in ms")


def test_retained_state_and_status(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", {"time": now, "seq": 1, "values": {"T7.LVL": 9.5}})
    stage.wait_event(event="raised", alarm="tank-high:tank-7/level")
    # who comes later finds the state retained
    late = stage.subscriber(broker.port, "davy/v1/jx-mine/alarms/#", "-v")
    line = late.wait_line(r'"alarm":"tank-high:tank-7/level"', lines=late.out)
    state = json.loads(line[line.index("{"):])
    equal((state["state"], state["level"], state["acked"], state["occurrence"]), ("active", "orange", False, 1), "state")
    status = stage.subscriber(broker.port, "davy/v1/jx-mine/status")
    status.wait_line(r'"state":"online"', lines=status.out)
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", {"time": now + 2000, "seq": 2, "values": {"T7.LVL": 5}})
    stage.wait_event(event="cleared", alarm="tank-high:tank-7/level")
    stage.run("ack", "site.json", "tank-high:tank-7/level", "--by", "li", "--comment", "checked")
    wait_until(lambda: any(l.rstrip().endswith("tank-high:tank-7/level (null)") or
                           l.rstrip().endswith("alarms/tank-high:tank-7/level") for l in late.out),
               "the retained state to be removed")
    equal(monitor.end(), 0, "exit code")
    status.wait_line(r'"state":"offline"', lines=status.out)


def test_last_will_tells_of_a_killed_monitor(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    status = stage.subscriber(broker.port, "davy/v1/jx-mine/status")
    status.wait_line(r'"state":"online"', lines=status.out)
    monitor.kill()
    status.wait_line(r'"state":"offline"', lines=status.out)


def test_killed_and_restarted_goes_on(stage):
    """SIGKILL while an alarm is active: after the restart nothing is raised again, nothing is lost, seq goes on."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    topic = "davy/v1/jx-mine/telemetry"
    stage.publish(broker.port, topic, {"time": now, "seq": 1, "values": {"T7.LVL": 9.5}})
    stage.wait_event(event="raised", alarm="tank-high:tank-7/level")
    stage.run("ack", "site.json", "tank-high:tank-7/level", "--by", "li", "--comment", "on the way")
    stage.wait_event(event="acked")
    monitor.kill()
    # what is published meanwhile waits in the broker's session
    for i in range(20):
        stage.publish(broker.port, topic, {"time": now + 2000 + i, "seq": 10 + i, "values": {"T7.LVL": 9.6 + i / 100}})
    monitor = run_davy(stage)
    stage.publish(broker.port, topic, {"time": now + 5000, "seq": 50, "values": {"T7.LVL": 4}})
    stage.wait_event(event="cleared", alarm="tank-high:tank-7/level")
    events = stage.events()
    equal([e["event"] for e in events if e["rule"] == "tank-high"], ["raised", "acked", "cleared"], "events")
    equal([e["seq"] for e in events], list(range(1, len(events) + 1)), "seq without gaps or repeats")
    out, _ = stage.run("query", "site.json", "tank-7/level", "--from", "now-1h", "--to", "now+1h")
    equal(len(out.splitlines()) - 1, 22, "every sample is stored once")
    equal(monitor.end(), 0, "exit code")


def test_pending_delay_survives_a_kill(stage):
    broker = set_up(stage)
    stage.site["rules"][1]["levels"][0]["on_delay"] = "4s"
    stage.write("site.json", stage.site)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", {"time": now, "seq": 1, "values": {"T7.LVL": 9.5}})
    wait_until(lambda: "9.5" in stage.run("query", "site.json", "tank-7/level", "--to", "now+1h")[0], "the sample to be stored")
    monitor.kill()
    monitor = run_davy(stage)
    event = stage.wait_event(event="raised", alarm="tank-high:tank-7/level", seconds=30)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime((now + 4000) / 1000))
    equal(event["time"][:19], stamp, "the delay counts from before the kill")
    equal(monitor.end(), 0, "exit code")


def test_windows_survive_a_kill(stage):
    """A mean over a minute goes on with what was stored before the kill."""
    broker = set_up(stage)
    stage.site["rules"].append({"id": "mean", "where": {"id": "tank-7/level"},
                                "levels": [{"level": "blue", "when": "count(1m) >= 6 && mean(1m) > 3"}]})
    stage.write("site.json", stage.site)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    topic = "davy/v1/jx-mine/telemetry"
    for i in range(5):
        stage.publish(broker.port, topic, {"time": now + i * 100, "seq": i, "values": {"T7.LVL": 4}})
    wait_until(lambda: len(stage.run("query", "site.json", "tank-7/level", "--to", "now+1h")[0].splitlines()) == 6,
               "the samples to be stored")
    monitor.kill()
    monitor = run_davy(stage)
    stage.publish(broker.port, topic, {"time": now + 9000, "seq": 9, "values": {"T7.LVL": 2}})
    stage.wait_event(event="raised", alarm="mean:tank-7/level")
    equal(monitor.end(), 0, "exit code")


def test_broker_away_loses_nothing(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    field = run_field(stage)
    stage.wait_event(event="raised", alarm="ch4-limit:face-501/t1/ch4")
    broker.end()
    stage.wait_event(event="cleared", alarm="ch4-limit:face-501/t1/ch4", seconds=25)
    broker = stage.broker(port=broker.port)
    centre = stage.subscriber(broker.port, "davy/v1/jx-mine/events/#")
    count = len(stage.events())

    def heard():
        return [json.loads(l) for l in centre.out if l.startswith("{")]

    wait_until(lambda: any(e["seq"] == count for e in heard()), "the events of the outage to arrive", 45)
    seqs = [e["seq"] for e in heard()]
    first = seqs[0]
    # repeats are allowed, gaps and disorder among first deliveries are not
    fresh = list(dict.fromkeys(seqs))
    equal(fresh, list(range(first, first + len(fresh))), "no gap, in order")
    require(first <= count - 2, "events of the outage are among them")
    by_seq = {}
    for event in heard():
        require(by_seq.setdefault(event["seq"], event) == event, "a repeat of (site, seq) is the same event")
    equal(monitor.end(), 0, "exit code")
    field.end()


def test_sigterm_loses_nothing_taken_in(stage):
    """Every message the broker saw acknowledged is in the store after a clean stop in the middle of a stream."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    lines = [json.dumps({"time": now + i, "seq": i, "values": {"T7.LVL": i % 8}}) for i in range(3000)]
    stage.write("lines", "\n".join(lines) + "\n")
    with open(stage.path("lines"), "rb") as source:
        publisher = flow.Program("mosquitto_pub", ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-l", "-t",
                                                   "davy/v1/jx-mine/telemetry"], stage.folder, stdin=source)
    wait_until(lambda: len(stage.run("query", "site.json", "tank-7/level", "--to", "now+1h")[0].splitlines()) > 200,
               "the stream to begin")
    equal(monitor.end(), 0, "exit code")
    publisher.end(0, 30)
    monitor = run_davy(stage)
    wait_until(lambda: len(stage.run("query", "site.json", "tank-7/level", "--to", "now+1h")[0].splitlines()) == 3001,
               "all 3000 samples, each once", 40)
    equal(monitor.end(), 0, "exit code")


def test_wire_and_replay_agree(stage):
    """The events of a live scenario and of its trace are the same, times aside."""
    set_up(stage)
    field = run_field(stage)
    monitor = run_davy(stage)
    stage.wait_event(event="cleared", alarm="ch4-limit:face-501/t1/ch4", seconds=25)
    monitor.end()
    field.end()
    trace, _ = stage.run("davy-sim", "trace", "site.json", "scenario.json")
    stage.write("trace.csv", trace)
    out, _ = stage.run("replay", "site.json", "trace.csv")
    replayed = [words(json.loads(line)) for line in out.splitlines()]
    live = [words(e) for e in stage.events()]
    equal(live, replayed[:len(live)], "live and replayed events")
    require(len(live) >= 5, "there is something to compare")
    again, _ = stage.run("replay", "site.json", "trace.csv")
    equal(again, out, "two replays give the same bytes")


def test_operators(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    alarm = "tank-high:tank-7/level"
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", {"time": now, "seq": 1, "values": {"T7.LVL": 9.5}})
    stage.wait_event(event="raised", alarm=alarm)
    _, err = stage.run("ack", "site.json", alarm, "--by", "li", "--occurrence", "7", expect=1)
    require("refused" in err, err)
    stage.run("ack", "site.json", alarm, "--by", "李", "--comment", "收到")
    _, err = stage.run("ack", "site.json", alarm, "--by", "li", expect=1)
    stage.run("shelve", "site.json", alarm, "--by", "li", "--for", "2s", "--comment", "test")
    stage.run("comment", "site.json", alarm, "--by", "li", "--comment", "valve checked")
    stage.run("close", "site.json", alarm, "--by", "li", "--cause", "valve", "--measure", "replaced")
    _, err = stage.run("ack", "site.json", "no:such", "--by", "li", expect=1)
    _, err = stage.run("ack", "site.json", alarm, expect=2)
    require("--by" in err, err)
    stage.wait_event(event="unshelved", alarm=alarm)
    equal([e["event"] for e in stage.events()], ["raised", "acked", "shelved", "commented", "closed", "unshelved"], "events")
    acked = stage.events()[1]
    equal((acked["by"], acked["comment"], acked["level"]), ("李", "收到", "orange"), "who, why, at what level")
    out, _ = stage.run("alarms", "site.json")
    require(alarm in out and "orange" in out, out)
    out, _ = stage.run("alarms", "site.json", "--history")
    equal(len(out.splitlines()), 6, "journal")
    out, _ = stage.run("stat", "site.json")
    require("alerting." in out and "ingest." in out, out)
    equal(monitor.end(), 0, "exit code")
    _, err = stage.run("ack", "site.json", alarm, "--by", "li", expect=1)
    require("no monitor runs" in err, err)
    out, _ = stage.run("verify", "site.json")
    require("whole" in out, out)


def write_unstartable(stage):
    """A site without mistakes that cannot be run: its store is a file."""
    stage.write("taken", "")
    stage.write("site.json", dict(stage.site, store={"path": "taken"}))


def test_reload(stage):
    """SIGHUP: a broken site changes nothing; a changed one is taken over, and a removed rule closes its alarm."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    alarm = "tank-high:tank-7/level"
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", {"time": now, "seq": 1, "values": {"T7.LVL": 9.5}})
    stage.wait_event(event="raised", alarm=alarm)
    stage.write("site.json", "{ broken")
    monitor.send(signal.SIGHUP)
    monitor.wait_line(r"APP-003 .*mistakes")
    before = len([l for l in monitor.err if "state=running" in l])
    write_unstartable(stage)
    monitor.send(signal.SIGHUP)
    wait_until(lambda: len([l for l in monitor.err if "state=running" in l]) > before, "the old site to run again")
    stage.write("site.json", stage.site)  # where who acts finds the store
    stage.run("comment", "site.json", alarm, "--by", "li", "--comment", "still here")
    other = json.loads(json.dumps(stage.site))
    other["site"]["id"] = "other"
    stage.write("site.json", other)
    monitor.send(signal.SIGHUP)
    wait_until(lambda: any("another id" in l for l in monitor.err), "the other id to be refused")
    removed = dict(stage.site, rules=stage.site["rules"][:1])
    stage.write("site.json", removed)
    before = len([l for l in monitor.err if "state=running" in l])
    monitor.send(signal.SIGHUP)
    wait_until(lambda: len([l for l in monitor.err if "state=running" in l]) > before, "the new site to run")
    closed = stage.wait_event(event="closed", alarm=alarm)
    require("tank-high" in closed["comment"], f"the reason is told: {closed}")
    equal(monitor.end(), 0, "exit code")


def test_a_reload_that_finds_nothing_to_go_back_to_tries_again(stage):
    set_up(stage)
    os.mkdir(stage.path("sub"))
    stage.site["sinks"]["log"]["path"] = "sub/events.ndjson"
    stage.write("site.json", stage.site)
    monitor = run_davy(stage)
    os.remove(stage.path("sub", "events.ndjson"))
    os.rmdir(stage.path("sub"))
    write_unstartable(stage)
    before = len([l for l in monitor.err if "state=running" in l])
    monitor.send(signal.SIGHUP)
    monitor.wait_line(r"APP-007")
    os.mkdir(stage.path("sub"))
    wait_until(lambda: len([l for l in monitor.err if "state=running" in l]) > before, "the old site to run again")
    equal(monitor.end(), 0, "exit code")


def test_a_site_without_store_keeps_it_beside_the_file(stage):
    set_up(stage)
    del stage.site["store"]
    stage.write("site.json", stage.site)
    monitor = run_davy(stage)
    require(os.path.isdir(stage.path("data")), "the store is in the site's folder")
    equal(monitor.end(), 0, "exit code")


def test_second_monitor_is_refused(stage):
    set_up(stage)
    run_davy(stage)
    _, err = stage.run("run", "site.json", expect=3)
    require("data" in err, err)


if __name__ == "__main__":
    flow.main(globals())
