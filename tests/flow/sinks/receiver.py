"""What stands at the other end of a webhook or CAP sink: an HTTP server that keeps what it gets and misbehaves on demand,
and a small site whose alarm is raised and cleared by messages."""

import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow

TOPIC = "davy/v1/jx-mine/telemetry"


class Request:
    def __init__(self, path, headers, body, connection):
        self.path, self.headers, self.body, self.connection = path, headers, body, connection

    def json(self):
        return json.loads(self.body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(self.path, self.headers, body, self.client_address)
        with receiver.lock:
            receiver.tries.append(request)
            how = receiver.behave(len(receiver.tries), request) if receiver.behave else "ok"
        getattr(self, "answer_" + how.split(":")[0].replace("-", "_"))(*how.split(":")[1:])
        if how.split(":")[0] in ("ok", "bye", "endless"):
            with receiver.lock:
                receiver.taken.append(request)

    def head(self, status, length, more=()):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()

    def answer_ok(self, status="204"):
        self.head(int(status), 0)

    def answer_bye(self):
        """A good answer, and the connection is closed without a word about it."""
        self.head(204, 0)
        self.close_connection = True

    def answer_status(self, status):
        text = b"no \"thank\" you\n"
        self.head(int(status), len(text))
        self.wfile.write(text)

    def answer_redirect(self):
        self.head(302, 0, [("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")])

    def answer_hang(self):
        self.server.receiver.released.wait(30)
        self.close_connection = True

    def answer_reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True
        self.connection.close()

    def answer_half(self):
        self.head(200, 100)
        self.wfile.write(b"half of it")
        self.close_connection = True

    def answer_drip(self):
        """An answer of 200 that does not come to its end in time."""
        self.head(200, 1000)
        try:
            while not self.server.receiver.released.wait(0.1):
                self.wfile.write(b".")
        except OSError:
            pass
        self.close_connection = True

    def answer_endless(self):
        """A good status and far more than anybody wants to read."""
        self.head(200, 1 << 30)
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass
        self.close_connection = True

    def answer_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.close_connection = True

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


class Receiver:
    """`tries` is everything that came, `taken` what was answered well.  behave(number, request) says how to answer."""

    def __init__(self, behave=None, port=0, tls=None):
        self.behave, self.tls = behave, tls
        self.tries, self.taken = [], []
        self.lock = threading.Lock()
        self.open(port)

    def open(self, port=0):
        self.released = threading.Event()
        self.server = Server(("127.0.0.1", port or getattr(self, "port", 0)), Handler)
        self.server.receiver = self
        self.port = self.server.server_port
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path="/hook"):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def seqs(self):
        return [r.json()["seq"] for r in list(self.taken)]


def server_tls(stage, name, ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stage.path(f"{name}.pem"), stage.path(f"{name}.key"))
    if ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(stage.path(ca))
    return context


def site(broker_port, sinks, **more):
    """One tank, raised red above 5, yellow above 3."""
    return {
        "site": {"id": "jx-mine", "name": "金鑫煤矿"},
        "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker_port}", "topics": [TOPIC], "format": "davy"}},
        "hazards": [{"id": "tank", "name": "7号罐区", "location": {"lat": 37.86, "lon": 112.54}, "contact": "调度室 0351-0000000"}],
        "points": [{"id": "tank-7/level", "name": "7号罐液位", "kind": "level", "unit": "m", "hazard": "tank",
                    "from": {"source": "gw", "key": "T7.LVL"}}],
        "rules": [{"id": "wave", "where": {"kind": "level"},
                   "levels": [{"level": "yellow", "when": "value > 3"}, {"level": "red", "when": "value > 5"}],
                   "message": "{name}: {value} {unit} <&>", "advice": "停泵"}],
        "sinks": dict({"log": {"type": "file", "path": "events.ndjson"}}, **sinks),
        "store": {"path": "data"}, **more}


def set_up(stage, sinks, **more):
    stage.mosquitto = stage.broker(extra="log_type all\n")
    stage.seq = 0
    stage.site = site(stage.mosquitto.port, sinks, **more)
    stage.write("site.json", stage.site)
    return stage.mosquitto


def run_davy(stage, *options):
    monitor = stage.davy("run", *options, "site.json")
    monitor.wait_line(r"APP-001")
    stage.mosquitto.wait_line(r"Sending SUBACK to davy-jx-mine-gw")  # from now on the session misses nothing
    return monitor


def publish(stage, values):
    """Sends these levels one after the other, a millisecond apart."""
    first_ms = int(time.time() * 1000)
    lines = []
    for i, value in enumerate(values):
        stage.seq += 1
        lines.append(json.dumps({"time": first_ms + i, "seq": stage.seq, "values": {"T7.LVL": value}}))
    subprocess.run(["mosquitto_pub", "-p", str(stage.mosquitto.port), "-q", "1", "-l", "-t", TOPIC],
                   input="\n".join(lines) + "\n", text=True, check=True, timeout=60)


def wave(count):
    """Levels that make `count` events: raised, cleared, raised …"""
    return [8 if i % 2 == 0 else 1 for i in range(count)]
