"""A crowd of clients, slow, silent or greedy: alarms are journalled in time and the next client is answered."""

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import CH4, CH4_ALARM, Stream, act, ask, get, quote, send, set_up
import flow
from flow import equal, require, wait_until

IN_TIME = 3.0  # seconds for an event to be in the feed and for a client to be answered, on a busy machine


class Dribblers:
    """Clients that send a byte of a request now and then, and come again when they are cut off."""

    def __init__(self, stage, count):
        self.stage, self.stop = stage, threading.Event()
        self.cut = 0
        self.thread = threading.Thread(target=self.run, args=(count,), daemon=True)
        self.thread.start()

    def run(self, count):
        clients = [self.connect() for _ in range(count)]
        request = b"GET /api/v1/points HTTP/1.1\r\nHost: localhost\r\nX-Drip: "
        sent = [0] * count
        while not self.stop.wait(0.05):
            for i in range(count):
                try:
                    clients[i].send(request[sent[i]:sent[i] + 1] or b"x")
                    sent[i] += 1
                except OSError:
                    self.cut += 1
                    clients[i].close()
                    clients[i], sent[i] = self.connect(), 0
        for client in clients:
            client.close()

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.stage.http), timeout=20 * flow.SLOW)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def end(self):
        self.stop.set()
        self.thread.join(20)


def alarms_in_time(stage, rounds):
    """Raises and clears; each event is in the feed and a client answered in time."""
    for i in range(rounds):
        events = len(stage.events())
        began = time.monotonic()
        send(stage, CH4=1.5 if i % 2 == 0 else 0.5)
        wait_until(lambda: len(stage.events()) > events, "the event", IN_TIME)
        equal(get(stage, "/healthz")["status"], "ok", "a client among them")
        took = time.monotonic() - began
        require(took < IN_TIME * flow.SLOW, f"an alarm and an answer took {took:.1f} s")


def test_a_hundred_slow_clients_hold_up_nobody(stage):
    monitor = set_up(stage)
    crowd = Dribblers(stage, 100)
    try:
        wait_until(lambda: crowd.cut > 0, "the house to be full")
        alarms_in_time(stage, 10)
    finally:
        crowd.end()
    equal(act(stage, CH4_ALARM, "comment", by="li", comment="x").status, 200, "an act")
    equal(monitor.end(), 0, "exit code")


def test_who_drips_is_cut_off(stage):
    """A head and a body that never end, a byte at a time: both end within the bounds, though bytes kept coming."""
    set_up(stage)
    clients = []
    for begin in (b"GET /api/v1/points HTTP/1.1\r\nX-Drip: ", b"POST /api/v1/alarms/x/ack HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"):
        clients.append(socket.create_connection(("127.0.0.1", stage.http), timeout=20 * flow.SLOW))
        clients[-1].sendall(begin)
    began, ended = time.monotonic(), {}

    def drip():
        for i, client in enumerate(clients):
            try:
                client.send(b"x")
            except OSError:
                ended.setdefault(i, time.monotonic() - began)
        time.sleep(0.1)  # the rate at which they drip
        return len(ended) == len(clients)

    wait_until(drip, "both to be cut off", 30)
    require(all(8 < seconds < 25 * flow.SLOW for seconds in ended.values()), f"cut off after {ended} s")
    require("davy_http_timeouts_total 2\n" in ask(stage, "/metrics").body, "both are counted")
    for client in clients:
        client.close()


def test_who_does_not_read_is_not_waited_for(stage):
    """Clients that ask for much and take nothing, streams among them: the rest goes on, and so does the stop."""
    monitor = set_up(stage)
    for i in range(200):
        send(stage, CH4=0.5, LVL=i)
    wait_until(lambda: get(stage, f"/api/v1/points/{quote(CH4)}")["value"] == 0.5, "samples")
    greedy = []
    for i in range(40):
        client = socket.create_connection(("127.0.0.1", stage.http), timeout=20 * flow.SLOW)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        target = "/api/v1/stream?after=0" if i % 2 else f"/api/v1/points/{quote(CH4)}/samples?from=0"
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * (1 if i % 2 else 20))
        greedy.append(client)
    stream = Stream(stage)
    alarms_in_time(stage, 6)
    equal(stream.event()["event"], "raised", "who reads hears")
    for client in greedy:
        client.close()
    stream.close()
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
