"""What was is kept, and goes out and in again: export, import, backup, restore."""

import csv
import glob
import io
import json
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, os.path.join(HERE, "..", "whole"))
import flow
from first_light import run_davy, run_field, set_up, words
from flow import equal, require, wait_until


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def quiet_site(stage):
    """A site without sources: samples come from traces only."""
    stage.write("site.json", {
        "site": {"id": "quiet"},
        "points": [{"id": "a/ch4", "kind": "ch4", "unit": "%CH4", "range": [0, 10]}, {"id": "b/level", "kind": "level"}],
        "rules": [{"id": "high", "where": {"kind": "ch4"}, "levels": [{"level": "red", "when": "value >= 3"}]}],
        "store": {"path": "data"}})


def test_export_replays_to_the_events_of_the_live_run(stage):
    """Live with faults, delays and a device that falls silent; its export, also beside the monitor, replays the same."""
    set_up(stage)
    field = run_field(stage)
    monitor = run_davy(stage)
    stage.wait_event(event="cleared", alarm="ch4-limit:face-501/t1/ch4", seconds=25)
    beside, _ = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h", "--format", "trace")
    equal(monitor.end(), 0, "exit code")
    field.end()
    trace, err = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h")
    require(trace.startswith(beside) or len(rows(beside)) > 50, "the export beside the monitor is a trace too")
    require("samples of 3 points" in err or "samples of 2 points" in err, err)
    seen = [row["seen"] for row in rows(trace)]
    equal(seen, sorted(seen), "rows come in order of receipt")
    stage.write("export.csv", trace)
    out, _ = stage.run("replay", "site.json", "export.csv")
    replayed = [words(json.loads(line)) for line in out.splitlines()]
    live = [words(e) for e in stage.events()]
    equal(replayed, live, "events of the replayed export and of the live run")
    require(len(live) >= 5, "there is something to compare")


def test_export_selects_and_sorts(stage):
    quiet_site(stage)
    stage.write("in.csv", "time,point,value,status,seen\n"
                          "3000,b/level,3,,3000\n5000,a/ch4,1,,5000\n4000,a/ch4,2,late,5000\n1000,b/level,,comm,6000\n"
                          "9000,b/level,1,,9000\n")
    stage.run("import", "site.json", "in.csv")
    out, _ = stage.run("export", "site.json", "--from", "0", "--to", "9000", "--format", "csv")
    equal([(r["time"][17:20], r["point"], r["value"], r["status"]) for r in rows(out)],
          [("01.", "b/level", "", "comm"), ("03.", "b/level", "3", "good"), ("04.", "a/ch4", "2", "late"),
           ("05.", "a/ch4", "1", "good")], "csv is sorted by time, to is not included")
    out, _ = stage.run("export", "site.json", "--from", "0", "--to", "9001")
    equal([(r["time"][17:20], r["seen"][17:20]) for r in rows(out)],
          [("03.", "03."), ("05.", "05."), ("04.", "05."), ("01.", "06."), ("09.", "09.")], "order of receipt")
    out, _ = stage.run("export", "site.json", "--points", "a/*")
    equal({r["point"] for r in rows(out)}, {"a/ch4"}, "points by glob")
    stage.run("export", "site.json", "--points", "nothing*", expect=1)
    stage.run("export", "site.json", "--format", "xml", expect=2)
    stage.run("export", "site.json", "--from", "yesterday", expect=2)


TRACE = """time,point,value,status,seen
2026-01-05T00:00:00Z,a/ch4,1.5,,
2026-01-05T00:00:01Z,a/ch4,5,,
2026-01-05T00:00:01Z,nobody,5,,
2026-01-05T00:00:02Z,a/ch4,12,,2026-01-05T00:00:03Z
2026-01-05T00:00:02Z,b/level,high,,
2026-01-05T00:00:04Z,b/level,,comm,
2026-01-05T00:00:09Z,,,,
"""


def in_store(stage, point, *more):
    out, _ = stage.run("query", "site.json", point, "--from", "2026-01-05T00:00:00Z", "--to", "2026-01-06T00:00:00Z", *more)
    return [(r["time"][17:23], r["value"], r["status"]) for r in rows(out)]


A_CH4 = [("00.000", "1.5", "good"), ("01.000", "5", "good"), ("02.000", "12", "range")]


def test_import_without_a_monitor(stage):
    """Samples are there, broken rows are told, nothing is raised, and once more changes nothing."""
    quiet_site(stage)
    stage.write("in.csv", TRACE)
    for _ in range(2):
        _, err = stage.run("import", "site.json", "in.csv")
        require("imported 4 samples; 2 rows set aside, 1 acts" in err, err)
        require("in.csv: line 4: set aside" in err and "in.csv: line 6: set aside" in err, err)
        equal(in_store(stage, "a/ch4"), A_CH4, "samples")
        equal(in_store(stage, "b/level"), [("04.000", "", "comm")], "a reading without value")
    out, _ = stage.run("export", "site.json")
    equal([(r["point"], r["seen"][17:19]) for r in rows(out)],
          [("a/ch4", "00"), ("a/ch4", "01"), ("a/ch4", "03"), ("b/level", "04")], "times of receipt")
    out, _ = stage.run("alarms", "site.json", "--history", "--from", "2020-01-01T00:00:00Z")
    require("raised" not in out, out)
    stage.write("again.ndjson", '{"time":"2026-01-05T00:00:01Z","point":"a/ch4","value":2.5,"status":"manual"}\n')
    stage.run("import", "site.json", "again.ndjson")
    equal(in_store(stage, "a/ch4")[1], ("01.000", "2.5", "manual"), "the last written counts")
    stage.run("verify", "site.json")
    _, err = stage.run("import", "site.json", "missing.csv", expect=2)
    require("missing.csv" in err, err)


def test_query_asks_for_several_points_at_once(stage):
    """By name and by pattern, samples and aggregates; a single point prints as ever."""
    quiet_site(stage)
    stage.write("in.csv", TRACE)
    stage.run("import", "site.json", "in.csv")
    day = ["--from", "2026-01-05T00:00:00Z", "--to", "2026-01-06T00:00:00Z"]
    both = ["time,point,value,status", "2026-01-05T00:00:04.000Z,b/level,,comm", "2026-01-05T00:00:00.000Z,a/ch4,1.5,good",
            "2026-01-05T00:00:01.000Z,a/ch4,5,good", "2026-01-05T00:00:02.000Z,a/ch4,12,range"]
    out, _ = stage.run("query", "site.json", "b/level", "a/ch4", *day)
    equal(out.splitlines(), both, "in the order asked")
    out, _ = stage.run("query", "site.json", "*", *day)
    equal(out.splitlines(), [both[0]] + both[2:] + [both[1]], "a pattern: in the order of the site")
    out, _ = stage.run("query", "site.json", "a*", *day, "--every", "1h", "--agg", "count,mean,status")
    equal(out, "time,point,count,mean,status\n2026-01-05T00:00:00.000Z,a/ch4,3,6.166666666666667,range\n", "aggregates")
    out, _ = stage.run("query", "site.json", "a/ch4", *day, "--every", "1s", "--agg", "last,first", "--format", "ndjson")
    equal(out.splitlines()[2], '{"time":"2026-01-05T00:00:02.000Z","last":12,"first":12}', "one point, as ever")
    out, _ = stage.run("query", "site.json", "*", *day, "--format", "ndjson")
    equal(out.splitlines()[0], '{"time":"2026-01-05T00:00:00.000Z","point":"a/ch4","value":1.5,"status":"good"}', "ndjson")
    stage.run("query", "site.json", "nothing*", *day, expect=1)
    stage.run("query", "site.json", "nobody", *day, expect=1)
    stage.run("query", "site.json", *day, expect=2)
    stage.run("query", "site.json", "*", "--last", "--every", "1m", expect=2)
    _, err = stage.run("query", "site.json", "--last", expect=1)  # history is never the newest reading
    require("nothing was stored" in err, err)


def test_old_samples_go_their_hours_stay(stage):
    """A monitor on a store of three days, kept for one: samples go, hours answer the same, all is whole."""
    quiet_site(stage)
    with open(stage.path("site.json"), encoding="utf-8") as file:
        site = json.load(file)
    site["store"]["keep"] = {"raw": "1d", "classes": [{"where": {"id": "b/*"}, "raw": "10y"}]}
    stage.write("site.json", site)
    start = (int(time.time()) // 3600 - 72) * 3600
    lines = [f"{(start + i * 60) * 1000},{point},{i % 7}," for point in ("a/ch4", "b/level") for i in range(72 * 60)]
    stage.write("past.csv", "time,point,value,status\n" + "\n".join(lines) + "\n")
    stage.run("import", "site.json", "past.csv")
    asked = ["query", "site.json", "*", "--from", str(start * 1000), "--to", "now"]
    hours, _ = stage.run(*asked, "--every", "1h")
    minutes, _ = stage.run(*asked, "--every", "7m", "--agg", "mean,count,status")
    equal(len(hours.splitlines()), 1 + 2 * 72, "hours")
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")

    def removed():
        out, _ = stage.run("stat", "site.json", "--format", "ndjson")
        return any(row["name"] == "store.removed_blocks" and row["value"] > 0
                   for row in map(json.loads, out.splitlines()))
    wait_until(removed, "old samples to be removed")
    equal(stage.run(*asked, "--every", "1h")[0], hours, "hours, with most samples gone")
    equal(stage.run(*asked, "--every", "7m", "--agg", "mean,count,status")[0], minutes, "minutes, with most samples gone")
    left = [r["point"] for r in rows(stage.run(*asked)[0])]
    require(24 * 60 <= left.count("a/ch4") <= 40 * 60, f"{left.count('a/ch4')} samples of a day are left")
    equal(left.count("b/level"), 72 * 60, "a class of its own")
    stage.run("verify", "site.json")
    stage.run("backup", "site.json", "copy")
    equal(monitor.end(), 0, "exit code")
    other_place(stage)
    stage.run("restore", "copy", "other.json")
    asked[1] = "other.json"
    equal(stage.run(*asked, "--every", "1h")[0], hours, "hours of the restored store")


def test_samples_around_an_alarm_stay(stage):
    """Three days come in by MQTT with an alarm on the first; a day is kept: what lies around the alarm is still there."""
    broker = stage.broker()
    site = {"site": {"id": "past"}, "hazards": [{"id": "h"}],
            "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"], "format": "davy"}},
            "points": [{"id": "a", "kind": "x", "hazard": "h", "from": {"source": "gw", "key": "a"}},
                       {"id": "b", "hazard": "h", "from": {"source": "gw", "key": "b"}},
                       {"id": "c", "from": {"source": "gw", "key": "c"}}],
            "rules": [{"id": "high", "where": {"kind": "x"}, "levels": [{"level": "red", "when": "value >= 9"}]}],
            "sinks": {"log": {"type": "file", "path": "events.ndjson"}},
            "store": {"path": "data", "pin": {"before": "20m", "after": "40m"}}}
    stage.write("site.json", site)
    start = (int(time.time()) // 3600 - 72) * 3600000
    alarm = start + 10 * 3600000
    monitor = run_davy(stage)
    for part in range(0, 72 * 60, 720):
        minutes = [start + i * 60000 for i in range(part, part + 720)]
        stage.publish(broker.port, "t", [{"point": p, "time": t, "value": 9.5 if alarm <= t < alarm + 3600000 else 2}
                                         for t in minutes for p in "abc"])
    raised = stage.wait_event(event="raised", alarm="high:a")
    cleared = stage.wait_event(event="cleared", alarm="high:a")
    equal([flow.datetime_ms(e["time"]) - alarm for e in (raised, cleared)], [0, 3600000], "the alarm's own times")
    asked = ["query", "site.json", "*", "--from", str(start), "--to", "now"]
    wait_until(lambda: len(rows(stage.run(*asked)[0])) == 3 * 72 * 60, "everything to be stored")
    hours, _ = stage.run(*asked, "--every", "2h")
    equal(monitor.end(), 0, "exit code")
    site["store"]["keep"] = {"raw": "1d"}
    stage.write("site.json", site)
    monitor = run_davy(stage)
    first_day = [*asked[:3], "--from", str(start), "--to", str(start + 86400000)]
    left = wait_until(lambda: (lambda r: r if len(r) < 2000 else None)(rows(stage.run(*first_day)[0])), "old samples to go")
    times = {p: [flow.datetime_ms(r["time"]) - alarm for r in left if r["point"] == p] for p in "abc"}
    for point in "ab":
        equal((min(times[point]), max(times[point]), len(times[point])), (-20 * 60000, 99 * 60000, 120), point)
    equal(times["c"], [], "another place")
    equal(stage.run(*asked, "--every", "2h")[0], hours, "hours")
    stage.run("verify", "site.json")
    equal(monitor.end(), 0, "exit code")
    broker.end()


def test_import_beside_the_monitor(stage):
    """History goes in while alarms are judged: no event, and what is live goes on as if nothing were."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    now = int(time.time() * 1000)
    topic = "davy/v1/jx-mine/telemetry"
    stage.publish(broker.port, topic, {"time": now, "seq": 1, "values": {"T7.LVL": 5}})
    count = 60000
    past = now - 86400000
    lines = [f"{past + i * 500},tank-7/level,{i % 11}," for i in range(count)]
    ahead = now + 3600000  # newer than anything live: still only history
    stage.write("past.csv", "time,point,value,status\n" + "\n".join(lines) + f"\n{ahead},tank-7/level,11,\n")
    _, err = stage.run("import", "site.json", "past.csv")
    require(f"imported {count + 1} samples; 0 rows set aside" in err, err)
    out, _ = stage.run("query", "site.json", "tank-7/level", "--from", str(past), "--to", str(now - 1))
    equal([r["value"] for r in rows(out)], [str(i % 11) for i in range(count)], "every imported sample")
    stage.publish(broker.port, topic, {"time": now + 1000, "seq": 2, "values": {"T7.LVL": 9.5}})
    raised = stage.wait_event(event="raised", alarm="tank-high:tank-7/level")
    equal((raised["seq"], raised["value"]), (1, 9.5), "the live sample alone raises")
    wait_until(lambda: [(r["value"], r["status"]) for r in rows(stage.run("query", "site.json", "tank-7/level", "--last")[0])]
               == [("9.5", "good")], "the newest reading, live, not imported")
    out, _ = stage.run("query", "site.json", "--last")
    require("tank-7/level,9.5,good" in out and out.startswith("time,point,value,status"), out)
    out, _ = stage.run("stat", "site.json")
    require(str(count + 1) in next(l for l in out.splitlines() if "store.imported" in l), out)
    equal(monitor.end(), 0, "exit code")
    monitor = run_davy(stage)  # what was imported ahead is not taken for the newest after a restart either
    stage.publish(broker.port, topic, {"time": now + 3000, "seq": 3, "values": {"T7.LVL": 3}})
    stage.wait_event(event="cleared", alarm="tank-high:tank-7/level")
    equal([e["event"] for e in stage.events() if e["rule"] == "tank-high"], ["raised", "cleared"], "events")
    equal(monitor.end(), 0, "exit code")
    stage.run("verify", "site.json")


def test_import_stops_with_the_monitor(stage):
    """The monitor is killed in the middle: the import says so; once more, and all is there once."""
    quiet_site(stage)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    os.mkfifo(stage.path("pipe"))
    importing = stage.davy("import", "site.json", "pipe")
    lines = [f"{1767571200000 + i},b/level,{i}," for i in range(50000)]
    with open(stage.path("pipe"), "w", encoding="utf-8") as pipe:
        pipe.write("time,point,value,status\n" + "\n".join(lines) + "\n")
        pipe.flush()
        wait_until(lambda: len(in_store(stage, "b/level")) > 1000, "the import to begin")
        monitor.kill()
    importing.process.wait(30)
    equal(importing.process.returncode, 3, "exit code of an import that was not confirmed")
    stage.write("all.csv", "time,point,value,status\n" + "\n".join(lines) + "\n")
    stage.run("import", "site.json", "all.csv")
    equal([v for _, v, _ in in_store(stage, "b/level")], [str(i) for i in range(50000)], "all, each once")


def other_place(stage, **changes):
    """The same site with its store elsewhere, as on another machine."""
    with open(stage.path("site.json"), encoding="utf-8") as file:
        site = json.load(file)
    site["store"] = {"path": "elsewhere"}
    site["site"].update(changes)
    stage.write("other.json", site)


def test_backup_and_restore_without_a_monitor(stage):
    quiet_site(stage)
    _, err = stage.run("backup", "site.json", "copy", expect=2)
    require("no store" in err, err)
    stage.write("in.csv", TRACE)
    stage.run("import", "site.json", "in.csv")
    os.mkdir(stage.path("copy"))  # an empty folder will do
    stage.run("backup", "site.json", "copy")
    _, err = stage.run("backup", "site.json", "copy", expect=2)
    require("not empty" in err, err)
    _, err = stage.run("restore", "copy", "site.json", expect=2)
    require("not empty" in err, err)
    other_place(stage, id="another")
    _, err = stage.run("restore", "copy", "other.json", expect=2)
    require("quiet" in err and not os.path.exists(stage.path("elsewhere")), err)
    other_place(stage)
    _, err = stage.run("restore", "nothing-here", "other.json", expect=2)
    stage.run("restore", "copy", "other.json")
    stage.run("verify", "other.json")
    equal(stage.run("export", "other.json")[0], stage.run("export", "site.json")[0], "what is in both")


def test_backup_of_a_running_monitor(stage):
    """A copy in the middle of a stream is whole, holds all that was there before, and a monitor goes on from it."""
    broker = set_up(stage)
    monitor = run_davy(stage)
    field = run_field(stage)
    raised = stage.wait_event(event="raised", alarm="ch4-limit:face-501/t1/ch4")
    before, _ = stage.run("export", "site.json", "--from", "now-1h", "--to", "now+1h")
    stage.run("backup", "site.json", "copy")
    _, err = stage.run("backup", "site.json", "copy", expect=2)
    require("not empty" in err, err)
    monitor.wait_line(r"APP-005 .*backup=done")
    stage.wait_event(event="worsened", alarm="ch4-limit:face-501/t1/ch4")  # it goes on
    equal(monitor.end(), 0, "exit code")
    field.end()
    other_place(stage)
    stage.run("restore", "copy", "other.json")
    stage.run("verify", "other.json")
    after, _ = stage.run("export", "other.json", "--from", "now-1h", "--to", "now+1h")
    have = set(after.splitlines())
    equal([line for line in before.splitlines() if line not in have], [], "samples from before the backup")
    journal, _ = stage.run("alarms", "other.json", "--history", "--format", "ndjson")
    equal(json.loads(journal.splitlines()[0])["seq"], raised["seq"], "the journal is there")
    monitor = stage.davy("run", "other.json")
    monitor.wait_line(r"state=running")
    equal(monitor.end(), 0, "exit code")
    broker.end()


def test_a_store_that_cannot_be_opened(stage):
    """Damaged or missing is exit code 1, whatever part it is; no store at all is 2."""
    quiet_site(stage)
    _, err = stage.run("verify", "site.json", expect=2)
    require("there is no store" in err, err)
    with open(stage.path("day.csv"), "w", encoding="utf-8") as out:
        out.write("time,point,value,status\n" + "".join(f"{1767571200000 + i},b/level,{i},\n" for i in range(2000)))
    stage.run("import", "site.json", "day.csv")
    stage.run("verify", "site.json")
    whole = stage.path("data")
    for name in ("CURRENT", "MANIFEST-*", "IDENTITY"):
        shutil.copytree(whole, stage.path("kept"))
        for file in glob.glob(os.path.join(whole, name)):
            os.unlink(file)
        out, err = stage.run("verify", "site.json", expect=0 if name == "IDENTITY" else 1)
        require(name == "IDENTITY" or "data" in err, err)
        shutil.rmtree(whole)
        os.rename(stage.path("kept"), whole)
    manifest = glob.glob(os.path.join(whole, "MANIFEST-*"))[0]
    with open(manifest, "r+b") as file:
        file.seek(20)
        file.write(b"davy")
    _, err = stage.run("verify", "site.json", expect=1)
    require("MANIFEST" in err or "orruption" in err, err)


def test_no_table_is_passed_over(stage):
    """RocksDB shows a reader an older state when a table cannot be opened; verify and restore look for each one."""
    quiet_site(stage)
    other_place(stage)
    stage.write("in.csv", TRACE)
    stage.run("import", "site.json", "in.csv")
    stage.run("backup", "site.json", "copy")
    tables = sorted(glob.glob(stage.path("copy", "store", "*.sst")))
    require(len(tables) > 1, tables)
    for table in tables:
        with open(table, "rb") as file:
            whole = file.read()
        os.remove(table)  # it is a link to the live table
        for content in (None, bytes([*whole[:len(whole) // 3], whole[len(whole) // 3] ^ 0x40, *whole[len(whole) // 3 + 1:]])):
            if content:
                with open(table, "wb") as file:
                    file.write(content)
            stage.run("restore", "copy", "other.json", expect=1)
            require(not os.path.exists(stage.path("elsewhere")), "nothing is put in place")
        with open(table, "wb") as file:
            file.write(whole)
    stage.run("restore", "copy", "other.json")
    stage.run("verify", "other.json")
    os.remove(glob.glob(stage.path("elsewhere", "*.sst"))[-1])
    _, err = stage.run("verify", "other.json", expect=1)
    require("damaged or missing" in err, err)


def test_a_damaged_backup_is_refused(stage):
    quiet_site(stage)
    stage.write("in.csv", TRACE)
    stage.run("import", "site.json", "in.csv")
    stage.run("backup", "site.json", "copy")
    folder = stage.path("copy", "store")
    for name in os.listdir(folder):
        if name.endswith(".sst"):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                content = bytearray(file.read())
            content[10] ^= 0xff
            os.remove(path)  # it is a link to the live table
            with open(path, "wb") as file:
                file.write(content)
    other_place(stage)
    _, err = stage.run("restore", "copy", "other.json", expect=None)
    require("davy restore" in err, err)
    require(not os.path.exists(stage.path("elsewhere")) and not os.path.exists(stage.path("elsewhere.restoring")),
            "nothing is put in place")
    stage.run("verify", "site.json")


if __name__ == "__main__":
    flow.main(globals())
