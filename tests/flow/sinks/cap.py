"""The CAP sink: documents in a folder and by POST, each naming all before it, whatever dies in between."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from documents import in_folder, require_told, validate
from flow import equal, require, wait_until
from receiver import Receiver, publish, run_davy, set_up

ALARM = "wave:tank-7/level"
LIFE = [4, 8, 4, 8, 4, 1]  # raised, worsened, eased, worsened, eased, cleared


def wait_documents(stage, count, folder="cap", seconds=30):
    return wait_until(lambda: (lambda d: d if len(d) >= count else None)(in_folder(stage.path(folder))),
                      f"{count} documents in {folder}", seconds)


def files(stage, folder="cap"):
    return [stage.path(folder, name) for name in sorted(os.listdir(stage.path(folder)))]


def act(stage, what, *words):
    stage.run(what, "site.json", ALARM, "--by", "li", "--comment", "why", *words)


def test_folder_and_post(stage):
    """A life of an alarm: the same documents by both ways, valid, in order."""
    receiver = Receiver()
    set_up(stage, {"cap": {"type": "cap", "path": "cap", "url": receiver.url("/cap")}})
    monitor = run_davy(stage)
    publish(stage, LIFE * 2)
    documents = wait_documents(stage, 12)
    wait_until(lambda: len(receiver.taken) >= 12, "12 documents by POST")
    equal(monitor.end(), 0, "exit code")
    require_told(stage.events(), documents)
    validate(files(stage))
    equal([r.body for r in receiver.taken], [d.data for d in documents.values()], "POST and folder")
    equal(receiver.taken[0].headers["Content-Type"], "application/cap+xml", "content type")
    equal(receiver.taken[0].headers["X-Davy-Event"], "jx-mine/1", "event header")
    first, last = documents[1], documents[6]
    equal(first.text("headline"), "黄色报警：7号罐液位: 4 m <&>", "headline")
    equal((last.text("responseType"), last.text("urgency")), ("AllClear", "Past"), "the clear")
    equal(first.text("areaDesc"), "金鑫煤矿 7号罐区", "area")
    require(first.text("sent").endswith("-00:00"), "without a zone times are UTC")
    receiver.close()


def test_kills(stage):
    """SIGKILL again and again: at the end every document is there, each was the same bytes at all times, by both ways."""
    receiver = Receiver()
    set_up(stage, {"cap": {"type": "cap", "path": "cap", "url": receiver.url("/cap")}})
    seen = {}

    def look():
        for name in os.listdir(stage.path("cap")):
            if name.endswith(".xml"):
                with open(stage.path("cap", name), "rb") as file:
                    data = file.read()
                equal(data, seen.setdefault(name, data), name)

    rounds, each = 5, 30
    for number in range(rounds):
        monitor = run_davy(stage)
        publish(stage, (LIFE * 5)[:each])
        wait_until(lambda: len(in_folder(stage.path("cap"))) >= number * each + each // 3, "some documents")
        monitor.kill()
        look()
    monitor = run_davy(stage)
    stage.wait_event(seq=rounds * each)
    wait_documents(stage, rounds * each)
    wait_until(lambda: len({r.body for r in list(receiver.taken)}) >= rounds * each, "all documents by POST")
    equal(monitor.end(), 0, "exit code")
    look()
    documents = in_folder(stage.path("cap"))
    require_told(stage.events(), documents)
    equal(list(dict.fromkeys(r.body for r in receiver.taken)), [d.data for d in documents.values()], "POST, repeats dropped")
    equal([f for f in files(stage) if not f.endswith(".xml")], [], "nothing half written is left")
    validate(files(stage))
    receiver.close()


def test_a_slow_server_does_not_hold_the_folder_back(stage):
    """The server is away, then slow; the folder has everything at once, and the server later, in order."""
    receiver = Receiver()
    receiver.close()
    set_up(stage, {"cap": {"type": "cap", "path": "cap", "url": receiver.url("/cap"), "timeout": "1s"}})
    monitor = run_davy(stage)
    publish(stage, LIFE)
    wait_documents(stage, 6, seconds=10)
    monitor.wait_line(r"ALT-030 sink=cap to=http://127.0.0.1:\d+/cap reason=")
    receiver.behave = lambda number, request: "hang" if number == 1 else "ok:202"
    receiver.open()
    wait_until(lambda: len({r.body for r in list(receiver.taken)}) >= 6, "all by POST", 40)
    equal(list(dict.fromkeys(r.body for r in receiver.taken)), [d.data for d in in_folder(stage.path("cap")).values()],
          "POST, in order")
    monitor.wait_line(r"ALT-031 sink=cap ")
    equal(monitor.end(), 0, "exit code")
    receiver.close()


def test_only_what_is_announced(stage):
    """Shelved, out of service, suppressed: events go on, documents do not."""
    set_up(stage, {"cap": {"type": "cap", "path": "cap", "language": "en", "addresses": ["centre@example.org"]}})
    stage.site["points"].append({"id": "tank-7/power", "kind": "feed", "hazard": "tank",
                                 "from": {"source": "gw", "key": "T7.PWR"}})
    stage.site["rules"][0]["suppressed_by"] = ["power"]
    stage.site["rules"].append({"id": "power", "where": {"kind": "feed"}, "levels": [{"level": "orange", "when": "value < 1"}]})
    stage.write("site.json", stage.site)
    monitor = run_davy(stage)
    steps = [lambda: act(stage, "shelve", "--for", "1h"), lambda: publish(stage, [4]), lambda: act(stage, "unshelve"),
             lambda: publish(stage, [8]), lambda: publish(stage, [1]),               # 4 worsened: an Alert; 5 cleared
             lambda: publish(stage, [4]), lambda: act(stage, "out-of-service"),      # 6 raised
             lambda: publish(stage, [8]), lambda: act(stage, "in-service"), lambda: publish(stage, [1])]  # 8 silent, 10 clear
    for number, step in enumerate(steps, 1):
        step()
        stage.wait_event(seq=number)
    stage.publish(stage.mosquitto.port, "davy/v1/jx-mine/telemetry", {"time": int(time.time() * 1000), "values": {"T7.PWR": 0}})
    stage.wait_event(seq=11)
    publish(stage, [4])  # 12 raised, 13 suppressed
    stage.wait_event(seq=13)
    publish(stage, [1])  # 14 cleared
    stage.wait_event(seq=14)
    documents = wait_documents(stage, 5)
    equal(monitor.end(), 0, "exit code")
    documents = in_folder(stage.path("cap"))
    equal(list(documents), [4, 5, 6, 10, 11], "documents")
    equal([d.text("msgType") for d in documents.values()], ["Alert", "Update", "Alert", "Update", "Alert"], "msgType")
    equal(documents[10].text("references"), documents[6].reference(), "references skip what was not announced")
    equal(documents[4].text("headline"), "Red alarm, worsened: 7号罐液位: 8 m <&>", "headline")
    equal((documents[4].text("scope"), documents[4].text("addresses")), ("Private", "centre@example.org"), "scope")
    validate(files(stage))


def test_exercise_and_test(stage):
    set_up(stage, {"cap": {"type": "cap", "path": "cap"}})
    for option, status in (("--drill", "Exercise"), ("--test", "Test")):
        monitor = run_davy(stage, option)
        publish(stage, [8, 1])
        wait_until(lambda: [d for d in in_folder(stage.path("cap")).values() if d.text("status") == status][1:], status)
        equal(monitor.end(), 0, "exit code")
    validate(files(stage))


def test_a_disk_that_does_not_take_it(stage):
    """The folder becomes a file while the monitor runs, is put right, and nothing is missing."""
    set_up(stage, {"cap": {"type": "cap", "path": "cap"}})
    monitor = run_davy(stage)
    publish(stage, LIFE[:2])
    wait_documents(stage, 2)
    os.rename(stage.path("cap"), stage.path("moved"))
    stage.write("cap", "in the way")
    publish(stage, LIFE[2:])
    monitor.wait_line(r"ALT-030 sink=cap to=\S*cap reason=\"Not a directory\" seq=2 events wait in the journal")
    os.remove(stage.path("cap"))
    os.rename(stage.path("moved"), stage.path("cap"))
    documents = wait_documents(stage, 6)
    monitor.wait_line(r"ALT-031 sink=cap ")
    equal(monitor.end(), 0, "exit code")
    require_told(stage.events(), documents)


def test_a_reload_adds_it(stage):
    """SIGHUP with a sink that was not there: it gets what the journal has, and what comes."""
    receiver = Receiver()
    set_up(stage, {})
    monitor = run_davy(stage)
    publish(stage, LIFE)
    stage.wait_event(seq=6)
    stage.site["sinks"]["cap"] = {"type": "cap", "path": "cap"}
    stage.site["sinks"]["hook"] = {"type": "webhook", "url": receiver.url()}
    stage.write("site.json", stage.site)
    monitor.send(signal.SIGHUP)
    wait_documents(stage, 6)
    publish(stage, [8])
    documents = wait_documents(stage, 7)
    wait_until(lambda: len(receiver.taken) >= 7, "all events at the webhook")
    equal(monitor.end(), 0, "exit code")
    require_told(stage.events(), documents)
    equal(receiver.seqs(), list(range(1, 8)), "seqs at the webhook")
    receiver.close()


def test_replay_writes_none(stage):
    set_up(stage, {"cap": {"type": "cap", "path": "cap", "url": "http://127.0.0.1:9/cap"}})
    stage.write("trace.csv", "time,point,value\n2026-01-05T00:00:00Z,tank-7/level,8\n2026-01-05T00:00:10Z,tank-7/level,1\n")
    out, _ = stage.run("replay", "site.json", "trace.csv")
    equal(len(out.splitlines()), 2, "events")
    require(not os.path.exists(stage.path("cap")), "no folder, no document")


def test_zones(stage):
    """Local time in documents; a zone that this machine does not know is a mistake of the site."""
    set_up(stage, {"cap": {"type": "cap", "path": "cap"}})
    stage.site["site"]["timezone"] = "Asia/Shanghai"
    stage.write("site.json", stage.site)
    if not os.path.exists("/usr/share/zoneinfo/Asia/Shanghai"):
        print("  without zone data on this machine only the mistakes are tested")
    else:
        monitor = run_davy(stage)
        publish(stage, [8])
        require(wait_documents(stage, 1)[1].text("sent").endswith("+08:00"), "the offset of the zone")
        monitor.end()
    if os.path.isdir("/usr/share/zoneinfo"):
        stage.site["site"]["timezone"] = "Asia/Shanghia"
        stage.write("site.json", stage.site)
        _, err = stage.run("check", "site.json", expect=2)
        require('site.timezone: "Asia/Shanghia" is not a time zone of this machine' in err, err)


if __name__ == "__main__":
    flow.main(globals())
