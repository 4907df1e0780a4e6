"""Points, samples, alarms, acts and events over HTTP: what davy query, davy alarms and davy ack say, and every refusal."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import CH4, CH4_ALARM, FREE, LEVEL, LEVEL_ALARM, act, ask, get, quote, run, send, set_up, stored, talk, wait_value
import flow
from flow import equal, require, wait_until


def test_points(stage):
    monitor = set_up(stage)
    equal([(p["id"], p["value"], p["status"], p["time"]) for p in get(stage, "/api/v1/points")],
          [(CH4, None, "unknown", None), (LEVEL, None, "unknown", None), (FREE, None, "unknown", None)],
          "points before any sample")
    when = send(stage, CH4=0.5, LVL={"value": 12.25, "status": "manual"})
    point = wait_value(stage, CH4, 0.5)
    equal(list(point), ["id", "name", "value", "unit", "status", "time"], "keys of a point")
    equal((point["name"], point["unit"], point["status"]), ("501面T1甲烷", "%CH4", "good"), "a point")
    equal(flow.datetime_ms(point["time"]), when, "time of a point")
    equal(wait_value(stage, LEVEL, 12.25)["status"], "manual", "status of a point")
    equal([p["id"] for p in get(stage, "/api/v1/points?kind=level")], [LEVEL, FREE], "points of a kind")
    equal([p["id"] for p in get(stage, "/api/v1/points?hazard=face-501")], [CH4], "points of a hazard")
    equal([p["id"] for p in get(stage, f"/api/v1/points?id={quote('井下/*')}")], [LEVEL], "points by pattern")
    equal(get(stage, "/api/v1/points?kind=none"), [], "no points")
    whole = get(stage, f"/api/v1/points/{quote(LEVEL)}")
    equal((whole["id"], whole["value"], whole["source"], whole["alarms"]), (LEVEL, 12.25, "gw", [LEVEL_ALARM]), "one point")
    equal(get(stage, f"/api/v1/points/{quote(CH4)}")["tags"], {"place": "T1"}, "tags")
    equal(monitor.end(), 0, "exit code")


def test_a_lost_sensor_shows(stage):
    """A value with a flag, none with a flag, and staleness: as the point's status."""
    set_up(stage)
    send(stage, CH4={"value": 50, "status": "calibrating"})
    equal(wait_value(stage, CH4, 50)["status"], "range+calibrating", "flags")
    send(stage, CH4=None)
    wait_until(lambda: get(stage, f"/api/v1/points/{quote(CH4)}")["status"] == "sensor", "the sensor's flag")
    equal(get(stage, f"/api/v1/points/{quote(CH4)}")["value"], None, "no value")


def same_rows(stage, target, *words):
    out, _ = stage.run("query", "site.json", *words, "--format", "ndjson")
    expected = [json.loads(line) for line in out.splitlines()]
    require(len(expected) > 0, f"davy query {words} says nothing")
    equal(get(stage, target), expected, target)


def test_samples_are_those_of_davy_query(stage):
    set_up(stage)
    for i in range(40):
        send(stage, CH4=0.1 * i, LVL=i if i % 7 else {"value": i, "status": "comm"})
    stored(stage, CH4, 0.1 * 39)
    for point in (CH4, LEVEL):
        samples = f"/api/v1/points/{quote(point)}/samples"
        same_rows(stage, samples, point)
        same_rows(stage, f"{samples}?from=now-2h&to=now", point, "--from", "now-2h", "--to", "now")
        begin, end = stage.clock - 30000, stage.clock - 10000
        same_rows(stage, f"{samples}?from={begin}&to={end}", point, "--from", str(begin), "--to", str(end))
        for agg in ("mean,max", "status,count,first", "mean,min,max,count,first,last"):
            same_rows(stage, f"{samples}?from={begin}&to={end}&every=7s&agg={agg}", point, "--from", str(begin), "--to",
                      str(end), "--every", "7s", "--agg", agg)
        same_rows(stage, f"{samples}?every=1m", point, "--every", "1m")
    rows = get(stage, f"/api/v1/points/{quote(CH4)}/samples?limit=3")
    equal([r["value"] for r in rows], [0, 0.1, 0.2], "the first three")
    equal(list(rows[0]), ["time", "value", "status"], "keys of a sample")
    equal(get(stage, f"/api/v1/points/{FREE}/samples"), [], "nothing stored yet")
    equal(get(stage, f"/api/v1/points/{quote(CH4)}/samples?from=now&to=now-1h"), [], "an empty stretch")


def test_alarms_and_acts(stage):
    """The list, an alarm's own answer, and each act with the event it gives or the words of davy ack that refuse it."""
    set_up(stage)
    equal(get(stage, "/api/v1/alarms"), [], "no alarms")
    send(stage, CH4=1.5, LVL=10)
    stage.wait_event(event="raised", alarm=LEVEL_ALARM)
    send(stage, CH4=3.5, LVL=10)
    stage.wait_event(event="worsened", alarm=CH4_ALARM)
    equal([(a["alarm"], a["level"], a["state"], a["acked"]) for a in get(stage, "/api/v1/alarms")],
          [(CH4_ALARM, "red", "active", False), (LEVEL_ALARM, "orange", "active", False)], "the worst first")
    out, _ = stage.run("alarms", "site.json", "--format", "ndjson")
    equal(get(stage, "/api/v1/alarms"), [json.loads(line) for line in out.splitlines()], "as davy alarms lists them")
    one = get(stage, f"/api/v1/alarms/{quote(CH4_ALARM)}")
    equal(([e["event"] for e in one["events"]], one["state"]["level"]), (["raised", "worsened"], "red"), "one alarm")
    equal((one["levels"][1]["when"], one["points"], one["hazard"]), ("value >= 3.0", [CH4], "face-501"), "its rule")

    answer = act(stage, CH4_ALARM, "ack", by="li", comment="去看", occurrence=1, level="yellow")
    equal(answer.status, 200, answer.body)
    equal((answer.json()["event"], answer.json()["by"], answer.json()["comment"], answer.json()["level"]),
          ("acked", "li", "去看", "yellow"), "the event of an act")
    equal(stage.wait_event(event="acked", alarm=CH4_ALARM), answer.json(), "the same event in the feed")
    # refused: the same words
    for words, options in (({"level": "yellow"}, ["--level", "yellow"]), ({"occurrence": 7}, ["--occurrence", "7"])):
        answer = act(stage, CH4_ALARM, "ack", by="li", **words)
        _, err = stage.run("ack", "site.json", CH4_ALARM, "--by", "li", *options, expect=1)
        equal(answer.status, 409, answer.body)
        equal(f"davy ack: refused: {answer.json()['error']}", err.strip(), "words of a refusal")

    for kind, words, event in (("shelve", {"comment": "换探头", "for_": "30m"}, "shelved"), ("unshelve", {}, "unshelved"),
                               ("out-of-service", {}, "out_of_service"), ("in-service", {}, "in_service"),
                               ("comment", {"comment": "note"}, "commented"),
                               ("close", {"cause": "粉尘", "measure": "已清理"}, "closed"), ("ack", {}, "acked")):
        answer = act(stage, CH4_ALARM, kind, by="wu", **words)
        equal((answer.status, answer.json().get("event")), (200, event), f"{kind}: {answer.body}")
        announced = [a["alarm"] for a in get(stage, "/api/v1/alarms")]
        quiet = kind in ("shelve", "out-of-service")
        equal(CH4_ALARM in announced, not quiet, f"the list of alarms after {kind}")
        if quiet:
            state = {"shelve": "shelved"}.get(kind, "out_of_service")
            equal([a["alarm"] for a in get(stage, f"/api/v1/alarms?state={state}")], [CH4_ALARM], f"alarms {state}")
            equal(len(get(stage, "/api/v1/alarms?all=1")), 2, "all alarms")
    closed = stage.wait_event(event="closed")
    equal((closed["cause"], closed["measure"]), ("粉尘", "已清理"), "words of closing")
    equal([a["alarm"] for a in get(stage, "/api/v1/alarms?hazard=face-501")], [CH4_ALARM], "alarms of a hazard")
    equal([a["alarm"] for a in get(stage, "/api/v1/alarms?level=orange")], [LEVEL_ALARM], "alarms of a level")

    # the journal, byte for byte, and parts of it
    with open(stage.path("events.ndjson"), encoding="utf-8") as lines:
        journal = lines.read().splitlines()
    equal(ask(stage, "/api/v1/events").body, "[" + ",\n".join(journal) + "]\n", "the journal")
    equal([e["seq"] for e in get(stage, "/api/v1/events?after=3&limit=2")], [4, 5], "a part of the journal")
    equal({e["alarm"] for e in get(stage, f"/api/v1/events?alarm={quote(LEVEL_ALARM)}")}, {LEVEL_ALARM}, "events of one")
    equal(get(stage, f"/api/v1/events?after={len(journal)}"), [], "behind the end")

    # all well again
    send(stage, CH4=0.2, LVL=1)
    stage.wait_event(event="cleared", alarm=CH4_ALARM)
    wait_until(lambda: [a["alarm"] for a in get(stage, "/api/v1/alarms")] == [LEVEL_ALARM], "the other to stay, returned")
    one = get(stage, f"/api/v1/alarms/{quote(CH4_ALARM)}")
    equal((one["state"], one["events"][-1]["event"]), (None, "cleared"), "all well")


def test_a_group_of_any_name(stage):
    """Groups are named by tags, which may hold what no id may: it is listed, shown and acted on all the same."""
    group = '东区 "1"/\\2 & 50%'
    alarm = f"both:{group}"
    monitor = set_up(stage)
    equal(monitor.end(), 0, "exit code")
    for point in stage.site["points"][:2]:
        point["tags"] = {"area": group}
    stage.site["rules"].append({"id": "both", "vote": {"by": "tags.area", "at_least": 1}, "where": {"id": CH4},
                                "levels": [{"level": "red", "when": "value > 5"}]})
    stage.write("site.json", stage.site)
    run(stage)
    send(stage, CH4=6)
    raised = stage.wait_event(event="raised", alarm=alarm)
    equal([a["alarm"] for a in get(stage, "/api/v1/alarms?level=red")].count(alarm), 1, "listed")
    equal(get(stage, f"/api/v1/alarms/{quote(alarm)}")["events"], [raised], "shown")
    equal(act(stage, alarm, "ack", by="li").status, 200, "acted on")
    equal([e["event"] for e in get(stage, f"/api/v1/events?alarm={quote(alarm)}")], ["raised", "acked"], "selected")


def test_refusals(stage):
    """Each with its status, JSON that says why, and a connection or a monitor that goes on."""
    set_up(stage)
    json_type = {"Content-Type": "application/json"}
    ack = f"/api/v1/alarms/{quote(CH4_ALARM)}/ack"
    big = b'{"by":"' + b"x" * 70000 + b'"}'
    cases = [
        ("GET", "/nothing", None, {}, 404, "nothing here"),
        ("GET", "/api/v1/points/none", None, {}, 404, "no point"),
        ("GET", "/api/v1/points/none/samples", None, {}, 404, "no point"),
        ("GET", "/api/v1/points/face-501/t1/ch4", None, {}, 404, "%2F"),
        ("GET", "/api/v1/alarms/none", None, {}, 404, "no alarm"),
        ("POST", "/api/v1/alarms/none/ack", b'{"by":"li"}', json_type, 404, "no alarm"),
        ("POST", f"/api/v1/alarms/{quote(CH4_ALARM)}/dance", b"{}", json_type, 404, "nothing here"),
        ("GET", "/api/v1/points?kinds=x", None, {}, 400, 'did you mean \\"kind\\"'),
        ("GET", f"/api/v1/points/{quote(CH4)}/samples?every=soon", None, {}, 400, "every"),
        ("GET", "/api/v1/points/%zz", None, {}, 400, "percent-encoded"),
        ("POST", ack, b"{", json_type, 400, "body"),
        ("POST", ack, b"{}", json_type, 400, "by: is missing"),
        ("POST", ack, b'{"by":"li","coment":"x"}', json_type, 400, 'did you mean \\"comment\\"'),
        ("POST", ack, b'{"by":"li"}', json_type, 409, "never raised"),
        ("POST", ack, b'{"by":"li"}', {}, 409, "never raised"),  # curl -d
        ("POST", ack, b'{"by":"li"}', {"Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin"}, 415, "application/json"),
        ("POST", ack, b'{"by":"li"}', {**json_type, "Origin": "http://evil.example"}, 403, "elsewhere"),
        ("POST", ack, b'{"by":"li"}', {**json_type, "Sec-Fetch-Site": "cross-site"}, 403, "elsewhere"),
        ("GET", "/api/v1/points", None, {"Host": "evil.example"}, 421, "evil.example"),
        ("POST", ack, big, json_type, 413, "too long"),
        ("GET", "/api/v1/points?id=" + "x" * 5000, None, {}, 414, "too long"),
        ("GET", "/api/v1/points", None, {"X-Long": "x" * 20000}, 431, "too long"),
        ("GET", "/api/v1/stream", None, {"Last-Event-ID": "x"}, 400, "Last-Event-ID"),
    ]
    for method, target, body, headers, status, says in cases:
        answer = ask(stage, target, method, body, headers)
        equal(answer.status, status, f"{method} {target[:80]} {headers}: {answer.body}")
        equal(list(answer.json()), ["error"], f"{method} {target[:80]}")
        require(says in answer.body, f"{method} {target[:80]}: {answer.body} does not say {says}")
        equal((answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]), ("no-store", "nosniff"), target)
    for method, target, allow in (("POST", "/api/v1/points", "GET, HEAD"), ("DELETE", ack, "POST"), ("GET", ack, "POST")):
        answer = ask(stage, target, method)
        equal((answer.status, answer.headers.get("Allow")), (405, allow), f"{method} {target}")
    # a body that does not say how long it is, and never ends within bounds
    endless = talk(stage, b"POST " + ack.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 6
                   + b"0\r\n\r\n")
    require(" 413 " in endless.splitlines()[0], endless[:200])
    for noise in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n",
                  b"GET " + b"/x" * 60000 + b" HTTP/1.1\r\n\r\n", b"POST " + ack.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                  b"Content-Length: -5\r\n\r\n"):
        with_end = noise + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        talk(stage, with_end, 40)
    equal(ask(stage, "/healthz").status, 200, "the monitor goes on")


def test_a_connection_serves_many(stage):
    """Requests one after the other on one connection, refusals among them; HEAD has the headers of GET."""
    import http.client
    set_up(stage)
    connection = http.client.HTTPConnection("127.0.0.1", stage.http, timeout=20 * flow.SLOW)
    for target, status in (("/healthz", 200), ("/nothing", 404), ("/api/v1/points", 200), ("/api/v1/points?x=1", 400)) * 5:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
        equal(response.status, status, target)
        connection.request("HEAD", target)
        head = connection.getresponse()
        equal((head.status, head.getheader("Content-Length"), head.read()), (status, str(len(body)), b""), f"HEAD {target}")
    connection.close()


def test_an_address_in_use(stage):
    monitor = set_up(stage)
    stage.write("second.json", {**stage.site, "store": {"path": "data2"}, "sinks": {}})
    _, err = stage.run("run", "second.json", expect=3)
    require("http.listen" in err and "another program has it" in err, err)
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
