"""edge: a Sparkplug B edge node that shares nothing with Davy: Debian's paho and protobuf for Python.

Its payloads are made by google.protobuf from the format's description (DAVY_SPARKPLUG_DESC, written by the build).
Where Debian's packages are missing the tests that use it are skipped.
"""

import os
import sys
import threading
import time

try:
    import paho.mqtt.client as mqtt
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError as missing:
    print(f"skipped: {missing}; python3-paho-mqtt and python3-protobuf are needed")
    sys.exit(77)

NAMESPACE = "spBv1.0"
INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 3, 4, 9, 10, 11, 12
FIELDS = {INT32: "int_value", INT64: "long_value", FLOAT: "float_value", DOUBLE: "double_value",
          BOOLEAN: "boolean_value", STRING: "string_value"}


def load_payload():
    description = descriptor_pb2.FileDescriptorSet()
    with open(os.environ["DAVY_SPARKPLUG_DESC"], "rb") as file:
        description.ParseFromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for one in description.file:
        pool.Add(one)
    name = pool.FindMessageTypeByName("davy.sparkplug.Payload")
    return message_factory.MessageFactory(pool).GetPrototype(name)


Payload = load_payload()


def now_ms():
    return int(time.time() * 1000)


class Metric:
    """What a node knows of one of its metrics."""

    def __init__(self, name, datatype, value, alias=None):
        self.name, self.datatype, self.value, self.alias = name, datatype, value, alias


class EdgeNode:
    """One node with its devices, on one connection.  Births when it is told to, and whenever it is asked."""

    def __init__(self, port, group, node, bdseq=0, qos=0, answers=True):
        self.group, self.node, self.bdseq, self.qos, self.answers = group, node, bdseq, qos, answers
        self.seq = 0
        self.metrics = {}   # device or None -> [Metric]
        self.asked = []     # times of requests for a rebirth
        self.lock = threading.RLock()
        self.client = mqtt.Client(f"edge-{group}-{node}-{bdseq}", clean_session=True)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.ready = threading.Event()
        self.client.will_set(self._topic("NDEATH"), self._bdseq_payload(), qos=1, retain=False)
        self.client.connect("127.0.0.1", port, keepalive=5)
        self.client.loop_start()
        if not self.ready.wait(20):
            raise RuntimeError("the edge node cannot connect")

    def add(self, device, *metrics):
        self.metrics.setdefault(device, []).extend(metrics)

    # ---- its connection ----

    def _on_connect(self, client, _data, _flags, _code):
        client.subscribe(self._topic("NCMD"), qos=1)

    def _on_subscribe(self, _client, _data, _mid, _granted):
        self.ready.set()

    def _on_message(self, _client, _data, message):
        command = Payload()
        command.ParseFromString(message.payload)
        for metric in command.metrics:
            if metric.name == "Node Control/Rebirth" and metric.boolean_value:
                self.asked.append((time.monotonic(), command))
                if self.answers:
                    self.birth()

    def _topic(self, kind, device=None):
        return "/".join([NAMESPACE, self.group, kind, self.node] + ([device] if device else []))

    def _bdseq_payload(self):
        payload = Payload(timestamp=now_ms())
        payload.metrics.add(name="bdSeq", datatype=INT64, long_value=self.bdseq)
        return payload.SerializeToString()

    def _publish(self, kind, payload, device=None, numbered=True):
        if numbered:
            payload.seq = self.seq
            self.seq = (self.seq + 1) % 256
        return self.client.publish(self._topic(kind, device), payload.SerializeToString(), qos=self.qos)

    def send_raw(self, kind, content, device=None):
        return self.client.publish(self._topic(kind, device), content, qos=self.qos)

    # ---- its messages ----

    def _born(self, payload, metrics, stamp):
        for metric in metrics:
            told = payload.metrics.add(name=metric.name, datatype=metric.datatype, timestamp=stamp)
            if metric.alias is not None:
                told.alias = metric.alias
            if metric.value is None:
                told.is_null = True
            else:
                setattr(told, FIELDS[metric.datatype], metric.value)

    def birth(self, stamp=None):
        with self.lock:
            self.seq = 0
            payload = Payload(timestamp=now_ms())
            payload.metrics.add(name="bdSeq", datatype=INT64, long_value=self.bdseq)
            payload.metrics.add(name="Node Control/Rebirth", datatype=BOOLEAN, boolean_value=False)
            self._born(payload, self.metrics.get(None, []), stamp or now_ms())
            self._publish("NBIRTH", payload)
            for device in [name for name in self.metrics if name]:
                self.birth_device(device, stamp)

    def birth_device(self, device, stamp=None):
        with self.lock:
            payload = Payload(timestamp=now_ms())
            self._born(payload, self.metrics[device], stamp or now_ms())
            self._publish("DBIRTH", payload, device)

    def make(self, device, values, stamp=None, historical=False, by_alias=True):
        """The payload of data: {name: value}."""
        payload = Payload(timestamp=now_ms())
        for metric in self.metrics[device]:
            if metric.name not in values:
                continue
            told = payload.metrics.add(timestamp=stamp or now_ms())
            if metric.alias is not None and by_alias:
                told.alias = metric.alias
            else:
                told.name = metric.name
            if historical:
                told.is_historical = True
            else:
                metric.value = values[metric.name]
            setattr(told, FIELDS[metric.datatype], values[metric.name])
        return payload

    def data(self, device, values, **how):
        with self.lock:
            return self._publish("DDATA" if device else "NDATA", self.make(device, values, **how), device)

    def skip(self, count=1):
        """As if so many messages were lost on the way."""
        with self.lock:
            self.seq = (self.seq + count) % 256

    def death_of(self, device):
        with self.lock:
            self._publish("DDEATH", Payload(timestamp=now_ms()), device)

    def leave(self):
        """Says that it dies, then disconnects."""
        self.client.publish(self._topic("NDEATH"), self._bdseq_payload(), qos=1).wait_for_publish()
        self.client.disconnect()
        self.client.loop_stop()

    def break_off(self):
        """The connection ends without a word: the broker sends the will."""
        sock = self.client.socket()
        self.client.on_disconnect = None
        self.client.loop_stop(force=False) if sock is None else sock.shutdown(2)
        self.client.disconnect()
        self.client.loop_stop()
