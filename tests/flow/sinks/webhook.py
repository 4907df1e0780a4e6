"""The webhook sink: every event, in order, signed, whatever the receiver does and however often the monitor dies."""

import hashlib
import hmac
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mqtt"))
import flow
from flow import equal, require, wait_until
from receiver import Receiver, publish, run_davy, server_tls, set_up, wave
from tls import Authority

SECRET = "geheim 秘密"


def hook(receiver, **more):
    return dict({"type": "webhook", "url": receiver.url()}, **more)


def hears(receiver, count, seconds=30):
    wait_until(lambda: len(set(receiver.seqs())) >= count, f"the receiver to have {count} events", seconds)
    return receiver.seqs()


def in_order(seqs, count):
    """Each at least once; a repeat only of what was the last."""
    equal(list(dict.fromkeys(seqs)), list(range(1, count + 1)), "seqs, repeats dropped")


def lines(stage):
    with open(stage.path("events.ndjson"), "rb") as file:
        return file.read().splitlines()


def test_events_come_in_order_and_signed(stage):
    receiver = Receiver()
    set_up(stage, {"hook": hook(receiver, secret=SECRET)})
    monitor = run_davy(stage)
    publish(stage, wave(200))
    equal(hears(receiver, 200), list(range(1, 201)), "seqs")
    equal(monitor.end(), 0, "exit code")
    equal([r.body for r in receiver.taken], lines(stage), "bodies, beside the event file")
    for request in receiver.taken:
        mac = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        equal(request.headers["X-Davy-Signature"], "sha256=" + mac, "signature")
        equal(request.headers["X-Davy-Event"], f"jx-mine/{request.json()['seq']}", "event header")
        equal(request.headers["Content-Type"], "application/json; charset=utf-8", "content type")
        require("Expect" not in request.headers, "no Expect")
    equal(len({r.connection for r in receiver.taken}), 1, "connections for all of them")
    receiver.close()


def test_a_receiver_in_every_trouble(stage):
    """Each answer that is not a whole 2xx is tried again, with its reason in the log, before anything newer goes out."""
    troubles = {"status:500": "status 500: no  thank  you", "status:404": "status 404", "redirect": "status 302",
                "hang": "timed out", "reset": "reset|closed|Recv failure|Empty reply", "half": "outstanding read data|bytes",
                "drip": "timed out", "garbage": "HTTP/0.9|Unsupported|Weird"}
    order = list(troubles)

    def behave(number, request):
        at = (number - 1) // 2
        return order[at] if number % 2 == 1 and at < len(order) else "endless" if number == 2 else "ok:201"

    receiver = Receiver(behave)
    set_up(stage, {"hook": hook(receiver, timeout=f"{int(1000 * flow.SLOW)}ms")})
    monitor = run_davy(stage)
    publish(stage, wave(len(order) + 2))
    equal(hears(receiver, len(order) + 2, 60), list(range(1, len(order) + 3)), "seqs")
    tried = [r.json()["seq"] for r in receiver.tries]
    equal(tried, sorted(list(range(1, len(order) + 3)) + list(range(1, len(order) + 1))), "tries")
    require(not any(r.path == "/elsewhere" for r in receiver.tries), "no redirection is followed")
    require(not any("X-Davy-Signature" in r.headers for r in receiver.tries), "no secret, no signature")
    monitor.wait_line(r"ALT-031 sink=hook .*delivers again")
    failures = stage.run("stat", "site.json")[0]
    require(f"sink.hook.failures" in failures, "the counter of failures")
    receiver.close()
    equal(monitor.end(), 0, "exit code")
    told = [line for line in monitor.err if "ALT-030" in line]
    require(told and "status 500: no  thank  you" in told[0] and "events wait in the journal" in told[0], f"the log: {told}")


def test_the_reason_of_each_trouble_is_told(stage):
    """The first line about a sink says why, in words."""
    set_up(stage, {})
    for how, words in (("hang", "timed out"), ("redirect", "status 302, elsewhere"), ("status:401", "status 401")):
        receiver = Receiver(lambda number, request: how)
        stage.site["sinks"] = {"hook": hook(receiver, timeout="200ms")}
        stage.write("site.json", stage.site)
        monitor = run_davy(stage)
        publish(stage, wave(1) + [1])
        monitor.wait_line(rf"ALT-030 sink=hook to={receiver.url()} reason=\"[^\"]*{words}")
        monitor.kill()
        receiver.close()


def test_a_receiver_that_closes_each_connection(stage):
    """A connection kept by us and closed by the receiver is no failure: each event comes once."""
    receiver = Receiver(lambda number, request: "bye")
    set_up(stage, {"hook": hook(receiver)})
    monitor = run_davy(stage)
    publish(stage, wave(200))
    equal(hears(receiver, 200), list(range(1, 201)), "seqs")
    equal(monitor.end(), 0, "exit code")
    require(len({r.connection for r in receiver.taken}) > 1, "connections")
    equal([line for line in monitor.err if "ALT-03" in line], [], "the log")
    receiver.close()


def test_names_are_looked_up(stage):
    """A host by name, beside one that there is not (RFC 6761): told, and a stop does not wait for the look-up."""
    receiver = Receiver()
    set_up(stage, {"named": hook(receiver, url=f"http://localhost:{receiver.port}/hook"),
                   "nowhere": hook(receiver, url="http://davy-test.invalid/hook")})
    monitor = run_davy(stage)
    publish(stage, wave(3))
    equal(hears(receiver, 3), [1, 2, 3], "seqs")
    monitor.wait_line(r"ALT-030 sink=nowhere to=http://davy-test.invalid/hook reason=\"[^\"]*(resolve|timed out)")
    equal(monitor.end(), 0, "exit code")
    receiver.close()


def test_kills(stage):
    """SIGKILL while events are on their way: nothing is missing, nothing out of order."""
    receiver = Receiver()
    set_up(stage, {"hook": hook(receiver)})
    rounds, each = 4, 60
    for number in range(rounds):
        monitor = run_davy(stage)
        publish(stage, wave(each))
        hears(receiver, number * each + each // 2)
        monitor.kill()
    monitor = run_davy(stage)
    last = stage.wait_event(seq=rounds * each)["seq"]
    hears(receiver, last)
    monitor.end()
    in_order(receiver.seqs(), last)
    receiver.close()


def test_a_receiver_that_is_away(stage):
    """Nothing listens for a while; then all comes, in order.  A second sink, and the stop, do not wait for it."""
    away, here = Receiver(), Receiver()
    away.close()
    set_up(stage, {"away": hook(away), "here": hook(here)})
    monitor = run_davy(stage)
    publish(stage, wave(40))
    hears(here, 40, 10)
    equal(away.tries, [], "what the dead one got")
    monitor.wait_line(r"ALT-030 sink=away to=http://127.0.0.1:\d+/hook reason=\"[^\"]+\" seq=0")
    began = time.monotonic()
    equal(monitor.end(), 0, "exit code")
    require(time.monotonic() - began < 3 * flow.SLOW, "a stop does not wait for one that is away")
    monitor = run_davy(stage)
    away.open()
    equal(hears(away, 40, 60), list(range(1, 41)), "seqs after it came back")
    equal(monitor.end(), 0, "exit code")
    equal(here.seqs(), list(range(1, 41)), "the other got nothing twice")
    away.close()
    here.close()


def test_a_stop_while_a_post_hangs(stage):
    """A stop is over within its few seconds though the receiver says nothing; afterwards the event comes again."""
    receiver = Receiver(lambda number, request: "hang")
    set_up(stage, {"hook": hook(receiver, timeout="5m")})
    monitor = run_davy(stage)
    publish(stage, wave(1))
    wait_until(lambda: receiver.tries, "the POST to have begun")
    began = time.monotonic()
    equal(monitor.end(), 0, "exit code")
    require(time.monotonic() - began < 8 * flow.SLOW, f"the stop took {time.monotonic() - began:.1f} s")
    receiver.behave = None
    monitor = run_davy(stage)
    equal(hears(receiver, 1), [1], "seqs")
    monitor.end()
    receiver.close()


def test_encrypted(stage):
    """An authority of one's own, a client certificate, a password; and nothing for those who cannot prove who they are."""
    ours = Authority(stage, "ours")
    Authority(stage, "theirs")
    ours.sign("server")
    ours.sign("davy", "DNS:davy")
    ours.sign("elsewhere", "DNS:elsewhere.example")
    trusted = Receiver(tls=server_tls(stage, "server"))
    wants = Receiver(tls=server_tls(stage, "server", ca="ours.pem"))
    elsewhere = Receiver(tls=server_tls(stage, "elsewhere"))
    set_up(stage, {"trusted": hook(trusted, ca="ours.pem", user="davy", password="pass:word"),
                   "wants": hook(wants, ca="ours.pem", cert="davy.pem", key="davy.key"),
                   "nocert": hook(wants, ca="ours.pem"), "nobody": hook(trusted, ca="theirs.pem"),
                   "other": hook(elsewhere, ca="ours.pem")})
    monitor = run_davy(stage)
    publish(stage, wave(5))
    hears(trusted, 5)
    hears(wants, 5)
    equal(trusted.taken[0].headers["Authorization"], "Basic ZGF2eTpwYXNzOndvcmQ=", "password")
    monitor.wait_line(r"ALT-030 sink=nobody .*certificate")
    monitor.wait_line(r"ALT-030 sink=other .*(certificate|match)")
    monitor.wait_line(r"ALT-030 sink=nocert ")
    equal(elsewhere.tries, [], "what the wrong host got")
    equal(monitor.end(), 0, "exit code")
    for receiver in (trusted, wants, elsewhere):
        receiver.close()


if __name__ == "__main__":
    flow.main(globals())
