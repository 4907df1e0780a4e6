"""The stream of events: from now, from a place, over kill -9, and the exact bytes of the journal."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import CH4_ALARM, Stream, act, ask, get, run, send, set_up
import flow
from flow import equal, require, wait_until


def journal(stage):
    with open(stage.path("events.ndjson"), encoding="utf-8") as lines:
        return lines.read().splitlines()


def toggle(stage, times):
    """Raises and clears the alarm so many times."""
    for _ in range(times):
        send(stage, CH4=1.5)
        send(stage, CH4=0.5)


def test_events_come_as_they_are(stage):
    set_up(stage)
    send(stage, CH4=1.5)
    stage.wait_event(event="raised")
    now = Stream(stage)  # what was is not told
    whole = Stream(stage, "/api/v1/stream?after=0")
    behind = Stream(stage, "/api/v1/stream?after=0", last=1)  # the header counts, as a browser repeats the address
    equal(now.response.getheader("Content-Type"), "text/event-stream", "type")
    equal(whole.event()["id"], "1", "the first event")
    send(stage, CH4=3.5)
    send(stage, CH4=0.5)
    stage.wait_event(event="cleared")
    for stream in (now, whole, behind):
        heard = [stream.event() for _ in range(2)]
        equal([(f["id"], f["event"]) for f in heard], [("2", "worsened"), ("3", "cleared")], "events")
        equal([f["data"] for f in heard], journal(stage)[1:], "the bytes of the journal")
    equal(whole.frame() is not None, True, "the stream stays open")  # a remark within 10 s
    for stream in (now, whole, behind):
        stream.close()


def test_nothing_is_lost_over_a_kill(stage):
    """A client that comes again with the last id it heard has every event once, over two kills."""
    monitor = set_up(stage)
    heard, last = [], 0
    for kill in range(3):
        stream = Stream(stage, last=last)
        toggle(stage, 3)
        while len(heard) < 6 * (kill + 1) - 2:  # leaves some for the next time
            fields = stream.event()
            heard.append(fields["data"])
            last = int(fields["id"])
        wait_until(lambda: len(stage.events()) >= 6 * (kill + 1), "the journal to have them")
        monitor.kill()
        stream.close()
        monitor = run(stage)
    stream = Stream(stage, last=last)
    while len(heard) < 18:
        heard.append(stream.event()["data"])
    equal(heard, journal(stage)[:18], "every event, once, in order")
    equal([json.loads(e)["seq"] for e in heard], list(range(1, 19)), "seq")
    stream.close()
    equal(monitor.end(), 0, "exit code")


def test_a_stop_ends_the_stream_after_the_last_event(stage):
    monitor = set_up(stage)
    send(stage, CH4=1.5)
    stage.wait_event(event="raised")
    stream = Stream(stage, "/api/v1/stream?after=0")
    equal(stream.event()["id"], "1", "event")
    equal(act(stage, CH4_ALARM, "ack", by="li").status, 200, "act")
    monitor.send(15)
    equal(stream.event()["event"], "acked", "event before the stop")
    require(stream.frame() is None, "the stream ends whole")
    equal(monitor.end(), 0, "exit code")


def test_streams_are_bounded(stage):
    set_up(stage)
    streams = [Stream(stage) for _ in range(32)]
    equal({s.status for s in streams}, {200}, "streams")
    answer = ask(stage, "/api/v1/stream")
    equal((answer.status, answer.headers.get("Retry-After")), (503, "1"), answer.body)
    send(stage, CH4=1.5)
    for stream in streams:
        equal(stream.event()["event"], "raised", "each hears it")
    streams.pop().close()
    wait_until(lambda: get_stream(stage), "a place to be free")
    for stream in streams:
        stream.close()


def get_stream(stage):
    stream = Stream(stage)
    stream.close()
    return stream.status == 200


if __name__ == "__main__":
    flow.main(globals())
