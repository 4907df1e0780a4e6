"""Whatever one gives it, Davy says what is wrong and ends with the right exit code: 1 no, 2 the input, 3 the surroundings."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require
from mine import TANK_ALARM, set_up, site


def bare(**more):
    """A site that needs nobody."""
    return {"site": {"id": "s"}, "points": [{"id": "p", "every": "1s"}],
            "rules": [{"id": "r", "levels": [{"level": "red", "when": "value > 1"}]}], "store": {"path": "data"}, **more}


def refused(stage, code, says, *words):
    """The call ends with the code, says why in one line or few, and nothing on stdout."""
    out, err = stage.run(*words, expect=code)
    require(says in err, f"davy {' '.join(words)}: says {err!r}, expected {says!r}")
    require("Assertion" not in err and "(null)" not in err, err)
    equal(out, "", f"stdout of davy {' '.join(words)}")


def test_files_that_are_no_site(stage):
    os.mkdir(stage.path("folder"))
    files = {"empty.json": b"", "list.json": b"[]", "open.json": b'{"site": {"id": "s"}', "zero.json": b"{\0}",
             "latin.json": b'{"site": {"id": "\xe9"}}', "deep.json": b"[" * 200000, "bom.json": b"\xff\xfe{\0}\0",
             "noise.json": random.Random(1).randbytes(1 << 20), "twice.json": b'{"site": {"id": "s", "id": "t"}}',
             "huge_number.json": b'{"site": {"id": "s"}, "points": [{"id": "p", "range": [0, 1e999]}]}'}
    for name, content in files.items():
        with open(stage.path(name), "wb") as out:
            out.write(content)
    for command in ("check", "run", "stat", "alarms", "verify"):
        refused(stage, 2, "is not there", command, "none.json")
        refused(stage, 2, "is not a file", command, "folder")
        refused(stage, 2, "list.json", command, "list.json")
    refused(stage, 2, "is not a file", "check", "/dev/null")
    for name in files:
        refused(stage, 2, name, "check", name)


def test_all_mistakes_in_one_run(stage):
    """A mistake in one place hides none in another: not a condition's, not one of a level or a rule that has no place."""
    stage.write("site.json", {
        "site": {"id": "s", "nmae": "x"}, "points": [{"id": "p"}],
        "rules": [{"id": "a", "levels": [{"level": "reed", "when": "value >"}, {"level": "red", "when": "value + 1"}]},
                  {"levels": [{"level": "red", "when": "valu > 1"}]},
                  {"id": "a", "unless": "value", "levels": [{"level": "red", "when": "value > 1", "clear": "!value"}]},
                  {"id": "b", "levels": []}, {"id": "c", "levels": [{"level": "blue"}]}]})
    _, err = stage.run("check", "site.json", expect=2)
    for place in ("site.nmae", "rules[0].levels[0].level", "rules[0].levels[0].when", "rules[0].levels[1].when", "rules[1].id",
                  "rules[1].levels[0].when", "rules[2].id", "rules[2].unless", "rules[2].levels[0].clear", "rules[3].levels",
                  "rules[4].levels[0].when"):
        equal(err.count(f"site.json: {place}: "), 1, f"{place} in\n{err}")
    equal(len(err.splitlines()), 11, err)


def test_a_file_that_may_not_be_read(stage):
    name = "/proc/self/mem" if os.geteuid() == 0 else stage.write("closed.json", bare())
    if os.geteuid() != 0:
        os.chmod(name, 0)
    refused(stage, 3, "cannot be read", "run", name)


def test_store_that_cannot_be_made(stage):
    """Not writable for anybody, root included: a file stands where the folder should be."""
    stage.write("file", "text")
    for path in ("file", "file/data", "/proc/davy"):
        stage.write("site.json", bare(store={"path": path}))
        refused(stage, 3, path, "run", "site.json")
        refused(stage, 2, "no store", "alarms", "site.json")


def test_sink_that_cannot_be_opened(stage):
    os.mkdir(stage.path("folder"))
    stage.write("site.json", bare(sinks={"log": {"type": "file", "path": "folder"}}))
    refused(stage, 3, "sinks.log", "run", "site.json")
    stage.write("site.json", bare(sinks={"log": {"type": "file", "path": "none/events.ndjson"}}))
    refused(stage, 2, "sinks.log", "run", "site.json")


def test_words_of_the_call(stage):
    stage.write("site.json", bare())
    stage.write("trace.csv", "time,point,value\n1000,p,2\n")
    for shards in ("0", "33", "-1", "x", "", "1.5", "99999999999999999999"):
        for command in (("run", "site.json"), ("replay", "site.json", "trace.csv")):
            refused(stage, 2, "--shards", *command, "--shards", shards)
    for words, says in ((["run"], "missing"), (["run", "a", "b"], "too many"), (["run", "site.json", "--bogus"], "--bogus"),
                        (["run", "site.json", "--shards"], "needs a value"),
                        (["run", "site.json", "--drill", "--test"], "exclude"), (["chek", "site.json"], "check"),
                        ([""], "not known"), (["ack", "site.json", "r:p"], "--by"),
                        (["query", "site.json", "p", "--from", "yesterday"], "not a time"),
                        (["query", "site.json", "p", "--every", "0s"], "--every"),
                        (["query", "site.json", "p", "--every", "1m", "--agg", "median"], "median"),
                        (["query", "site.json", "p", "--format", "xml"], "xml")):
        refused(stage, 2, says, *words)


def test_traces_that_are_not_there(stage):
    stage.write("site.json", bare())
    stage.write("trace.csv", "time,point,value\n1000,p,2\n")
    os.mkdir(stage.path("folder"))
    refused(stage, 2, "none.csv", "replay", "site.json", "none.csv")
    stage.run("replay", "site.json", "trace.csv", "none.csv", expect=2)
    refused(stage, 2, "folder", "replay", "site.json", "folder")
    stage.run("replay", "site.json", "trace.csv", "--expect", "none", expect=2)
    stage.run("replay", "site.json", "trace.csv", "--expect", "folder", expect=2)


def test_store_that_is_not_there(stage):
    """Asking makes no store: the folder is as it was."""
    stage.write("site.json", bare())
    for words in (["alarms"], ["alarms", "--history"], ["verify"], ["query", "p"]):
        refused(stage, 2, "no store", words[0], "site.json", *words[1:])
    for words in (["stat"], ["ack", "r:p", "--by", "li"]):
        refused(stage, 1, "no monitor runs", words[0], "site.json", *words[1:])
    equal(os.listdir(stage.folder), ["site.json"], "files")


def test_questions_about_what_is_unknown(stage):
    stage.write("site.json", bare())
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("state=running")
    _, err = stage.run("query", "site.json", "nobody", expect=1)
    require("nobody" in err, err)
    refused(stage, 1, "no such alarm", "ack", "site.json", "nobody:p", "--by", "li")
    refused(stage, 1, "refused", "ack", "site.json", "r:p", "--by", "li")
    equal(monitor.end(), 0, "exit code")
    stage.write("other.json", bare(site={"id": "another"}))
    refused(stage, 2, "belongs to site", "run", "other.json")


def test_a_store_opened_often_keeps_no_leftovers(stage):
    stage.write("site.json", bare())
    for _ in range(3):
        monitor = stage.davy("run", "site.json")
        monitor.wait_line("state=running")
        equal(monitor.end(), 0, "exit code")
        equal([name for name in os.listdir(stage.path("data")) if name.endswith(".dbtmp")], [], "temporary files left")


def test_field_and_receivers_that_are_away_are_no_error(stage):
    """Nobody answers anywhere: the monitor runs, says so once each, and ends at once."""
    stage.write("site.json", site(flow.free_port(), flow.free_port()))
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("state=running")
    for event in ("ING-001", "ING-010", "ALT-020"):
        monitor.wait_line(event)
    equal(monitor.end(seconds=5), 0, "exit code")


def test_broken_messages_are_set_aside(stage):
    """A good value in the midst of rubbish is taken."""
    broker = set_up(stage)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("ING-011 source=gw")
    for text in ("", "{", "[]", "null", "7", '{"values": 7}', '{"values": {"T7.LVL": "high"}}', '{"values": {"X": 1}}',
                 '{"values": {"T7.LVL": {}}}', '{"time": "noon", "values": {"T7.LVL": 1}}', "[[[[[[[[", "\x01\x02"):
        stage.publish(broker.port, "davy/v1/jx-mine/telemetry", text)
    stage.publish(broker.port, "davy/v1/jx-mine/telemetry", '{"values": {"nobody": 1, "T7.LVL": 9.5, "T7.LVL.": "x"}}')
    stage.wait_event(event="raised", alarm=TANK_ALARM)
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
