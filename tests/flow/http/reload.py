"""Over SIGHUP: the socket and the streams stay, a new address takes over, a broken site and a taken address change nothing."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import CH4, CH4_ALARM, Stream, ask, get, send, set_up, wait_value
import flow
from flow import equal, require, wait_until


def reload(stage, monitor, site):
    """Reads the site anew and waits until the next run is there."""
    runs = len([l for l in monitor.err if "APP-001" in l])
    stage.write("site.json", site)
    monitor.send(signal.SIGHUP)
    wait_until(lambda: len([l for l in monitor.err if "APP-001" in l]) > runs, "the next run")


def refused(stage, monitor, text):
    before = len(monitor.err)
    stage.write("site.json", text)
    monitor.send(signal.SIGHUP)
    return wait_until(lambda: next((l for l in monitor.err[before:] if "APP-003" in l), None), "the refusal")


def test_streams_go_on(stage):
    monitor = set_up(stage)
    send(stage, CH4=1.5)
    stage.wait_event(event="raised")
    stream = Stream(stage, "/api/v1/stream?after=0")
    equal(stream.event()["event"], "raised", "event")
    site = {**stage.site, "points": [*stage.site["points"], {"id": "new"}]}
    reload(stage, monitor, site)
    require("new" in [p["id"] for p in get(stage, "/api/v1/points")], "the new point")
    equal(wait_value(stage, CH4, 1.5)["status"], "good", "a value from before")
    send(stage, CH4=0.5)
    equal(stream.event()["event"], "cleared", "the same stream hears of the next run")
    # a rule that goes closes its alarm, which the stream tells
    send(stage, CH4=1.5)
    equal(stream.event()["event"], "raised", "event")
    reload(stage, monitor, {**site, "rules": site["rules"][1:]})
    equal((lambda e: (e["event"], CH4_ALARM in e["data"]))(stream.event()), ("closed", True), "a rule that is gone")
    stream.close()
    equal(monitor.end(), 0, "exit code")
    equal(len([l for l in monitor.err if "CON-001" in l]), 1, "listened once")


def test_health_tells_the_phases(stage):
    """While runs change, every answer is 200 or 503, and the last one 200."""
    monitor = set_up(stage)
    equal(get(stage, "/healthz"), {"status": "ok", "site": "jx-mine", "seq": 0}, "health")
    stage.write("site.json", stage.site)
    monitor.send(signal.SIGHUP)
    seen = set()

    def told():
        answer = ask(stage, "/healthz")
        seen.add((answer.status, answer.json()["status"]))
        return len([l for l in monitor.err if "APP-001" in l]) > 1 and answer.status == 200

    wait_until(told, "the next run")
    require(seen <= {(200, "ok"), (503, "stopping"), (503, "starting")}, seen)
    monitor.send(signal.SIGTERM)
    try:
        while True:
            seen.add((lambda a: (a.status, a.json()["status"]))(ask(stage, "/healthz")))
    except OSError:
        pass  # it has ended
    require(seen <= {(200, "ok"), (503, "stopping"), (503, "starting")}, seen)
    equal(monitor.end(), 0, "exit code")


def test_a_broken_site_changes_nothing(stage):
    monitor = set_up(stage)
    stream = Stream(stage)
    refused(stage, monitor, "{")
    equal(ask(stage, "/healthz").status, 200, "after a broken site")
    send(stage, CH4=1.5)
    equal(stream.event()["event"], "raised", "the stream is still there")
    stream.close()


def test_an_address_that_is_taken_changes_nothing(stage):
    monitor = set_up(stage)
    stream = Stream(stage)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = refused(stage, monitor, {**stage.site, "http": {"listen": "127.0.0.1:%d" % taken.getsockname()[1]}})
        require("another program has it" in line, line)
    equal(ask(stage, "/healthz").status, 200, "after an address that is taken")
    send(stage, CH4=1.5)
    equal(stream.event()["event"], "raised", "the stream is still there")
    stream.close()


def test_a_new_address_takes_over(stage):
    monitor = set_up(stage)
    old, new = stage.http, flow.free_port()
    reload(stage, monitor, {**stage.site, "http": {"listen": f"127.0.0.1:{new}"}})
    stage.http = new
    equal(ask(stage, "/healthz").status, 200, "the new address")
    with socket.socket() as s:
        wait_until(lambda: s.connect_ex(("127.0.0.1", old)) != 0, "the old one to be closed")
    site = dict(stage.site)
    del site["http"]
    reload(stage, monitor, site)
    with socket.socket() as s:
        wait_until(lambda: s.connect_ex(("127.0.0.1", new)) != 0, "no http")
    reload(stage, monitor, stage.site)
    stage.http = old
    equal(ask(stage, "/healthz").status, 200, "and again")
    equal(monitor.end(), 0, "exit code")


def test_bounds_change(stage):
    """Other bounds hold from the next run on, on the same socket; streams that are open stay."""
    monitor = set_up(stage)
    streams = [Stream(stage), Stream(stage)]
    reload(stage, monitor, {**stage.site, "http": {**stage.site["http"], "clients": 4, "streams": 2}})
    equal(ask(stage, "/api/v1/stream").status, 503, "a third stream")
    send(stage, CH4=1.5)
    for stream in streams:
        equal(stream.event()["event"], "raised", "those that were open")
        stream.close()
    equal(len([l for l in monitor.err if "CON-001" in l]), 1, "listened once")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
