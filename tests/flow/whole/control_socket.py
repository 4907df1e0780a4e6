"""The control socket takes anything from anybody: the monitor goes on, and operators get their answer."""

import json
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until
from mine import TANK_ALARM, TOPIC, run_davy, set_up

CLIENTS_MAX = 200  # far more than the monitor serves at once


def connect(stage):
    client = socket.socket(socket.AF_UNIX)
    folder = os.open(stage.path("data"), os.O_PATH)  # the path may be longer than a socket's address may be
    try:
        client.connect(f"/proc/self/fd/{folder}/control.sock")  # waits while the queue is full
    finally:
        os.close(folder)
    client.settimeout(20 * flow.SLOW)
    return client


def answer(client):
    """All the monitor says until it closes."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass  # it closed while words of ours were still on the way
    return b"".join(parts).decode()


def ask(stage, request):
    with connect(stage) as client:
        try:
            client.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it had heard enough
        return answer(client)


def started(stage):
    broker = set_up(stage)
    monitor = run_davy(stage)
    stage.publish(broker.port, TOPIC, {"time": int(time.time() * 1000), "seq": 1, "values": {"T7.LVL": 9.5}})
    stage.wait_event(event="raised", alarm=TANK_ALARM)
    return monitor


def still_serves(stage):
    out, _ = stage.run("stat", "site.json")
    require("alerting.acts" in out, out)


def test_garbage_is_answered_or_dropped(stage):
    monitor = started(stage)
    noise = random.Random(4)
    requests = [b"\n", b"{}\n", b"[]\n", b"null\n", b'{"do": 7}\n', b'{"do": "dance"}\n', b'{"do": "ack"}\n',
                b'{"do": "ack", "alarm": 5}\n', b'{"do": "ack", "alarm": "no:such", "by": "x"}\n',
                b'{"do": "stat", "do": "stat"}\n', b"[" * 60000 + b"\n", b"\0\n", b"\xff\xfe\n", b'{"do": "\xff"}\n',
                b'{"do": "ack", "alarm": "' + TANK_ALARM.encode() + b'", "by": "' + b"x" * 500 + b'"}\n',
                b'{"do": "shelve", "alarm": "' + TANK_ALARM.encode() + b'", "by": "x", "for_ms": -5}\n',
                b'{"do": "shelve", "alarm": "' + TANK_ALARM.encode() + b'", "by": "x", "for_ms": 9223372036854775807}\n',
                b'{"do": "shelve", "alarm": "' + TANK_ALARM.encode() + b'", "by": "x", "until_ms": 9223372036854775807}\n',
                b'{"do": "ack", "alarm": "' + TANK_ALARM.encode() + b'", "by": "x", "occurrence": -1}\n',
                b'{"do": "ack", "alarm": "' + TANK_ALARM.encode() + b'", "by": "x", "occurrence": 4294967297}\n']
    requests += [noise.randbytes(noise.randrange(1, 4000)) + b"\n" for _ in range(50)]
    for request in requests:
        said = ask(stage, request)
        require(said, f"no answer to {request[:80]!r}")
        first = json.loads(said.splitlines()[0])
        require(first.get("ok") is False and first["error"], f"{request[:80]!r} was taken: {said[:200]}")
    equal([e["event"] for e in stage.events()], ["raised"], "events")
    still_serves(stage)
    equal(monitor.end(), 0, "exit code")


def test_a_line_without_end_is_refused(stage):
    monitor = started(stage)
    said = ask(stage, b"x" * (8 << 20))
    require(said == "" or "too long" in said, said[:200])
    still_serves(stage)
    equal(monitor.end(), 0, "exit code")


def test_many_clients_wait_their_turn(stage):
    """More at once than are served at once: each gets its answer."""
    monitor = started(stage)
    clients = [connect(stage) for _ in range(60)]
    for client in clients:
        client.sendall(b'{"do":"stat"}\n')
    for client in clients:
        require("alerting.acts" in answer(client), "an answer for each")
        client.close()
    for _ in range(CLIENTS_MAX):
        connect(stage).close()
    still_serves(stage)
    equal(monitor.end(), 0, "exit code")


def test_silent_and_slow_clients_do_not_keep_others_out(stage):
    """Clients that say nothing, half a line, or never read are dropped after their time; then operators are served."""
    monitor = started(stage)
    silent = [connect(stage) for _ in range(60)]
    for i, client in enumerate(silent):
        client.sendall((b"", b'{"do":', b'{"do":"stat"}\n')[i % 3])
    still_serves(stage)
    stage.run("ack", "site.json", TANK_ALARM, "--by", "li")
    for client in silent:
        client.close()
    equal(monitor.end(seconds=5), 0, "exit code")


def test_stop_does_not_wait_for_clients(stage):
    monitor = started(stage)
    clients = [connect(stage) for _ in range(20)]
    clients[0].sendall(b'{"do":')
    equal(monitor.end(seconds=5), 0, "exit code")
    for client in clients:
        client.close()
    require(not os.path.exists(stage.path("data", "control.sock")), "the socket is gone")


def test_acts_of_many_at_once(stage):
    """Each act is answered once; the journal has just those that were taken."""
    monitor = started(stage)
    request = json.dumps({"do": "comment", "alarm": TANK_ALARM, "by": "li", "comment": "c"}).encode() + b"\n"
    clients = [connect(stage) for _ in range(40)]
    for client in clients:
        client.sendall(request)
    said = [json.loads(answer(client)) for client in clients]
    taken = sorted(s["seq"] for s in said if s["ok"])
    require(taken, "some were taken")
    require(all("try again" in s["error"] for s in said if not s["ok"]), "the others are told to try again")
    wait_until(lambda: len(stage.events()) == 1 + len(taken), "the acts in the file")
    equal([e["seq"] for e in stage.events() if e["event"] == "commented"], taken, "seq of the answers and of the journal")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
