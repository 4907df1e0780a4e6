"""A broker that refuses subscriptions, and grants them later: nobody has to connect anew for that."""

import json
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 1, 3, 8, 12
REFUSED = 0x80


class Broker:
    """Just enough of one for one client at a time: answers each subscription with what `grant(topic)` says."""

    def __init__(self, grant):
        self.grant = grant
        self.asked = []  # a list of topics for each subscription
        self.connects = 0
        self.client = None
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.server.accept()
            self.client = client
            try:
                self.talk(client)
            except (OSError, EOFError):
                client.close()

    @staticmethod
    def read(client, n):
        data = b""
        while len(data) < n:
            more = client.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def packet(self, client):
        head = self.read(client, 1)[0]
        length, shift = 0, 0
        while True:
            byte = self.read(client, 1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head, self.read(client, length)

    def talk(self, client):
        while True:
            head, body = self.packet(client)
            if head >> 4 == CONNECT:
                self.connects += 1
                client.sendall(b"\x20\x02\x00\x00")
            elif head >> 4 == SUBSCRIBE:
                topics = self.topics(body[2:])
                self.asked.append(topics)
                client.sendall(bytes([0x90, 2 + len(topics)]) + body[:2] + bytes(self.grant(t) for t in topics))
            elif head >> 4 == PUBLISH and head & 6:
                topic_len = int.from_bytes(body[:2], "big")
                client.sendall(b"\x40\x02" + body[2 + topic_len:4 + topic_len])
            elif head >> 4 == PINGREQ:
                client.sendall(b"\xd0\x00")

    @staticmethod
    def topics(body):
        topics = []
        while body:
            n = int.from_bytes(body[:2], "big")
            topics.append(body[2:2 + n].decode())
            body = body[3 + n:]
        return topics

    def publish(self, topic, payload):
        body = len(topic).to_bytes(2, "big") + topic.encode() + json.dumps(payload).encode()
        require(len(body) < 128, "a short message")
        self.client.sendall(bytes([0x30, len(body)]) + body)


def start(stage, source, key="v"):
    stage.write("site.json", {
        "site": {"id": "s"}, "sources": {"gw": source}, "points": [{"id": "p", "from": {"source": "gw", "key": key}}],
        "rules": [{"id": "r", "levels": [{"level": "red", "when": "value > 5"}]}],
        "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "data"}})
    return stage.davy("run", "site.json")


def test_what_is_refused_is_asked_for_again_alone(stage):
    """Of two topics one is refused, twice; the other's messages come all the while."""
    left = [REFUSED, REFUSED]
    broker = Broker(lambda topic: left.pop() if topic == "b" and left else 1)
    monitor = start(stage, {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["a", "b"]})
    line = monitor.wait_line("ING-012")
    require('topic="b"' in line, line)
    now_ms = int(time.time() * 1000)
    broker.publish("a", {"time": now_ms, "values": {"v": 9}})
    stage.wait_event(event="raised")
    monitor.wait_line("ING-019 source=gw")
    equal(broker.asked, [["a", "b"], ["b"], ["b"]], "what was asked for")
    broker.publish("b", {"time": now_ms + 1, "values": {"v": 1}})
    stage.wait_event(event="cleared")
    equal(broker.connects, 1, "connections")
    equal(monitor.end(), 0, "exit code")


def test_one_topic_that_is_refused(stage):
    """The answer to one topic has a form of its own."""
    left = [REFUSED]
    broker = Broker(lambda topic: left.pop() if left else 1)
    monitor = start(stage, {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["a"]})
    monitor.wait_line('ING-012 source=gw .*topic="a"')
    monitor.wait_line("ING-019 source=gw")
    equal(broker.asked, [["a"], ["a"]], "what was asked for")
    equal(broker.connects, 1, "connections")
    equal(monitor.end(), 0, "exit code")


def test_a_sparkplug_host_that_is_refused_everything_at_first(stage):
    """It goes on asking, and hears its nodes from the moment it may."""
    open_now = threading.Event()
    broker = Broker(lambda topic: 0 if open_now.is_set() else REFUSED)
    monitor = start(stage, {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "format": "sparkplug",
                            "topics": ["spBv1.0/#"]}, "g/n/v")
    monitor.wait_line("ING-012")
    open_now.set()
    monitor.wait_line("ING-019 source=gw")
    require(len(broker.asked) >= 2 and set(broker.asked[1]) == set(broker.asked[0]), f"asked for {broker.asked}")
    equal(broker.connects, 1, "connections")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
