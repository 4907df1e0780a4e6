"""A broker that hangs, devices that hang, a full disk, a reload in the midst of it: alarms go on, and a stop is prompt."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until
from mine import RUN_OPTIONS, TANK_ALARM, TOPIC, run_davy, run_field, set_up, site

PROMPT = 8.0  # seconds a clean stop may take in any state; sinks are given 5 of them


def now_ms():
    return int(time.time() * 1000)


def tank(stage, broker, seq, level, when=None):
    stage.publish(broker.port, TOPIC, {"time": when or now_ms(), "seq": seq, "values": {"T7.LVL": level}})


def rows(stage, point="tank-7/level", name="site.json"):
    out, _ = stage.run("query", name, point, "--from", "now-1h", "--to", "now+1h", expect=None)
    return out.splitlines()[1:]


def stops_promptly(monitor, code=0):
    began = time.monotonic()
    equal(monitor.end(seconds=30), code, "exit code")
    took = time.monotonic() - began
    require(took < PROMPT * flow.SLOW, f"the stop took {took:.1f} s")


# ---- receivers and devices that hang ----

def test_stopped_broker(stage):
    """The broker hangs with its connections open: alarms of other sources go on; then the centre hears them all."""
    broker = set_up(stage)
    centre = stage.subscriber(broker.port, "davy/v1/jx-mine/events/#")
    monitor = run_davy(stage)
    broker.send(signal.SIGSTOP)
    run_field_of_registers(stage)
    stage.wait_event(event="raised", alarm="ch4-limit:face-501/t1/ch4")
    broker.send(signal.SIGCONT)
    heard = wait_until(lambda: [l for l in centre.out if l.startswith("{")][len(stage.events()) - 1:] and
                       [json.loads(l)["seq"] for l in centre.out if l.startswith("{")], "the centre to hear all", 40)
    equal(list(dict.fromkeys(heard)), list(range(1, max(heard) + 1)), "seq in order, without a gap")
    stops_promptly(monitor)


def run_field_of_registers(stage):
    """The simulator with only the PLC: its MQTT half would wait for the broker."""
    half = dict(stage.site, sources={"plc-1": stage.site["sources"]["plc-1"]}, points=stage.site["points"][:2],
                rules=stage.site["rules"][:1])
    stage.write("half.json", half)
    stage.write("half.scenario.json", {"seed": 7, "start": "2026-01-05T00:00:00Z", "length": "60s",
                                       "points": {"face-501/t1/ch4": {"base": 1.8}, "face-501/t1/co": {"base": 6}}})
    field = stage.davy("davy-sim", "run", "half.json", "half.scenario.json")
    field.wait_line(r"^ready")
    return field


def test_stopped_field(stage):
    """The PLC hangs with its connection open: blind; it wakes up: sighted, nothing else."""
    set_up(stage)
    field = run_field_of_registers(stage)
    monitor = run_davy(stage)
    alarm = "ch4-limit:face-501/t1/ch4"
    stage.wait_event(event="raised", alarm=alarm)
    field.send(signal.SIGSTOP)
    stage.wait_event(event="blind", alarm=alarm)
    field.send(signal.SIGCONT)
    stage.wait_event(event="sighted", alarm=alarm, seconds=40)
    equal([e["event"] for e in stage.events() if e["alarm"] == alarm], ["raised", "blind", "sighted"], "events")
    field.send(signal.SIGSTOP)
    stops_promptly(monitor)
    field.send(signal.SIGCONT)


def test_stop_while_the_broker_hangs(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    tank(stage, broker, 1, 9.5)
    stage.wait_event(event="raised", alarm=TANK_ALARM)
    broker.send(signal.SIGSTOP)
    stops_promptly(monitor)
    broker.send(signal.SIGCONT)


def test_stop_while_the_broker_is_away(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    tank(stage, broker, 1, 9.5)
    stage.wait_event(event="raised", alarm=TANK_ALARM)
    broker.end()
    monitor.wait_line("ING-010")
    stops_promptly(monitor)


def test_stop_at_once_after_the_start(stage):
    set_up(stage)
    for _ in range(5):
        monitor = stage.davy("run", "site.json")
        monitor.wait_line("state=running")
        stops_promptly(monitor)


def test_devices_and_brokers_that_accept_and_say_nothing(stage):
    """Ports that take a connection and then stay silent for ever."""
    with socket.socket() as plc, socket.socket() as broker:
        for listener in (plc, broker):
            listener.bind(("127.0.0.1", 0))
            listener.listen(16)
        stage.write("site.json", site(broker.getsockname()[1], plc.getsockname()[1]))
        monitor = stage.davy("run", "site.json")
        monitor.wait_line("state=running")
        monitor.wait_line("ING-00")
        wait_until(lambda: rows(stage, "face-501/t1/ch4"), "the lost reading in the store")
        stops_promptly(monitor)


# ---- changes while it runs ----

class Stream(threading.Thread):
    """Publishes level readings, all different, until stopped."""

    def __init__(self, port, topic=TOPIC):
        super().__init__(daemon=True)
        self.first_ms, self.count, self.ending = now_ms(), 0, threading.Event()
        self.publisher = subprocess.Popen(["mosquitto_pub", "-p", str(port), "-q", "1", "-l", "-t", topic],
                                          stdin=subprocess.PIPE)

    def run(self):
        while not self.ending.wait(0.001):
            message = {"time": self.first_ms + self.count, "seq": self.count, "values": {"T7.LVL": self.count % 8}}
            self.publisher.stdin.write((json.dumps(message) + "\n").encode())
            self.publisher.stdin.flush()
            self.count += 1

    def stop(self):
        self.ending.set()
        self.join()
        self.publisher.stdin.close()
        equal(self.publisher.wait(30), 0, "exit code of the publisher")


def test_reloads_under_load(stage):
    """The site is read anew again and again, now and then broken, while messages stream in: each is stored once."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    stream = Stream(broker.port)
    stream.start()
    for i in range(6):
        broken = i % 3 == 2
        stage.write("site.json", "{ broken" if broken else
                    dict(stage.site, rules=stage.site["rules"][:1 + i % 2]))
        before = len([l for l in monitor.err if "state=running" in l or "APP-003" in l])
        monitor.send(signal.SIGHUP)
        wait_until(lambda: len([l for l in monitor.err if "state=running" in l or "APP-003" in l]) > before,
                   "the reload to be done")
    stage.write("site.json", stage.site)
    stream.stop()
    wait_until(lambda: len(rows(stage)) >= stream.count, f"{stream.count} samples", 40)
    equal(len(rows(stage)), stream.count, "samples, each once")
    stops_promptly(monitor)


def test_a_reload_that_cannot_start_keeps_the_old_site(stage):
    """The changed site is without mistakes but its file sink cannot be opened: the old one goes on."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    changed = dict(stage.site, sinks=dict(stage.site["sinks"], more={"type": "file", "path": "none/more.ndjson"}))
    stage.write("site.json", changed)
    monitor.send(signal.SIGHUP)
    monitor.wait_line("APP-003")
    tank(stage, broker, 1, 9.5)
    stage.wait_event(event="raised", alarm=TANK_ALARM)
    stops_promptly(monitor)


def test_two_sites_at_once(stage):
    """Two monitors on one broker do not hear each other."""
    broker = set_up(stage)
    other = site(broker.port, flow.free_port())
    other["site"]["id"] = "second"
    other["sources"]["gw"]["topics"] = ["davy/v1/second/telemetry"]
    other["store"]["path"], other["sinks"]["log"]["path"] = "second.data", "second.ndjson"
    stage.write("second.json", other)
    first = run_davy(stage)
    second = stage.davy("run", "second.json")
    second.wait_line("ING-011 source=gw")
    tank(stage, broker, 1, 9.5)
    stage.publish(broker.port, "davy/v1/second/telemetry", {"time": now_ms(), "values": {"T7.LVL": 11}})
    equal(stage.wait_event(event="raised", alarm=TANK_ALARM)["site"], "jx-mine", "site")
    event = stage.wait_event(event="raised", alarm=TANK_ALARM, name="second.ndjson")
    equal((event["site"], event["seq"], event["value"]), ("second", 1, 11), "event of the second site")
    equal(len(rows(stage)), 1, "samples of the first")
    for monitor in (first, second):
        stops_promptly(monitor)


# ---- a full disk ----

class SmallDisk:
    """A disk of a few MiB where the store is; a test without the right to mount is skipped."""

    def __init__(self, stage, megabytes=20):
        self.path = stage.path("disk")
        os.mkdir(self.path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "davy", self.path], capture_output=True,
                              check=False)
        self.mounted = done.returncode == 0
        stage.site["store"]["path"] = "disk/data"
        stage.write("site.json", stage.site)

    def fill(self):
        """Leaves nothing."""
        with open(os.path.join(self.path, "ballast"), "wb", buffering=0) as out:
            try:
                for size in (1 << 16, 1 << 10):
                    while True:
                        if out.write(b"x" * size) < size:
                            break
            except OSError:
                pass

    def free(self):
        os.unlink(os.path.join(self.path, "ballast"))

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=False)


def with_small_disk(stage, story):
    broker = set_up(stage)
    disk = SmallDisk(stage)
    try:
        if not disk.mounted:
            print("  (skipped: no small disk can be mounted here)")
            return
        story(broker, disk)
    finally:
        stage.end_all()
        disk.close()


def test_full_disk_and_recovery(stage):
    """Events wait in memory while the disk is full, and come, all and in order, when there is room again."""
    def story(broker, disk):
        monitor = run_davy(stage)
        tank(stage, broker, 1, 9.5)
        stage.wait_event(event="raised", alarm=TANK_ALARM)
        disk.fill()
        stream = Stream(broker.port)  # all below the limit: the alarm clears in the course of it
        stream.start()
        monitor.wait_line("ALT-001|STO-001", 20)
        disk.free()
        stage.wait_event(event="cleared", alarm=TANK_ALARM, seconds=40)
        stream.stop()
        tank(stage, broker, 3, 9.9, stream.first_ms + stream.count + 5000)
        wait_until(lambda: [e["event"] for e in stage.events()] == ["raised", "cleared", "raised"], "the third event")
        wait_until(lambda: len(rows(stage)) == 2 + stream.count, "all samples")
        stops_promptly(monitor)
        require("whole" in stage.run("verify", "site.json")[0], "the store is whole")
    with_small_disk(stage, story)


def test_full_disk_over_and_over(stage):
    """While the field goes on the disk fills and empties several times."""
    def story(broker, disk):
        monitor = run_davy(stage)
        stream = Stream(broker.port)
        stream.start()
        for _ in range(3):
            disk.fill()
            told = len([l for l in monitor.err if "STO-" in l or "ALT-001" in l])
            wait_until(lambda: len([l for l in monitor.err if "STO-" in l or "ALT-001" in l]) > told, "the failure is told", 20)
            disk.free()
            count = stream.count
            wait_until(lambda: len(rows(stage)) >= count, "the store to catch up", 40)
        stream.stop()
        wait_until(lambda: len(rows(stage)) >= stream.count, f"{stream.count} samples", 40)
        equal(len(rows(stage)), stream.count, "samples, each once")
        stops_promptly(monitor)
        require("whole" in stage.run("verify", "site.json")[0], "the store is whole")
    with_small_disk(stage, story)


FAST_POINTS = 120


def fast_site(stage):
    """So many registers so often that every ring is full soon after the disk is."""
    port = flow.free_port()
    return {"site": {"id": "fast"}, "sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": port}},
            "points": [{"id": f"p{i}", "every": "20ms",
                        "from": {"source": "plc", "unit": 1, "table": "input", "address": i, "type": "u16"}}
                       for i in range(FAST_POINTS)],
            "rules": [{"id": "high", "levels": [{"level": "red", "when": "value > 5"}]}],
            "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}}


def test_stop_while_the_disk_is_full(stage):
    """Whatever waits for the disk, in however many rings, a stop ends; the store is whole and the next run goes on."""
    def story(_, disk):
        stage.site = dict(fast_site(stage), store={"path": "disk/data"})
        stage.write("site.json", stage.site)
        stage.write("scenario.json", {"seed": 1, "start": "2026-01-05T00:00:00Z", "length": "5m",
                                      "points": {"p*": {"sine": {"mean": 5, "amplitude": 4, "period": "2s"}}}})
        run_field(stage)
        monitor = stage.davy("run", "site.json", *RUN_OPTIONS)
        stage.wait_event(event="raised")
        disk.fill()
        monitor.wait_line("STO-001|ALT-001", 20)
        wait_until(lambda: skipped(stage) > 0, "the rings to be full", 60)
        stops_promptly(monitor, code=3)
        require(any("STO-003" in l or "ALT-005" in l for l in monitor.err), "what is lost is told")
        disk.free()
        monitor = stage.davy("run", "site.json", *RUN_OPTIONS)
        monitor.wait_line("state=running")
        before = len(stage.events())
        wait_until(lambda: len(stage.events()) > before, "events after the restart")
        stops_promptly(monitor)
        equal([e["seq"] for e in stage.events()], list(range(1, len(stage.events()) + 1)), "seq")
        require("whole" in stage.run("verify", "site.json")[0], "the store is whole")
    with_small_disk(stage, story)


def skipped(stage):
    """Polls left out because a ring was full."""
    out, _ = stage.run("stat", "site.json", "--format", "ndjson")
    values = [json.loads(line) for line in out.splitlines()]
    return sum(v["value"] for v in values if v["name"].startswith("ingest.") and "skip" in v["name"])


if __name__ == "__main__":
    flow.main(globals())
