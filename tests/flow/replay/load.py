"""The figures of operator load: against a second computation, and from the journal of a live run."""

import json
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
from flow import equal, require, wait_until  # noqa: E402
from replay import HEAD, SITE  # noqa: E402

REFERENCE = os.path.join(flow.SOURCE, "..", "shared", "data", "alarm_kpi.py")
NAMES = {"raised": "activations", "per_day": "per day", "per_hour": "per hour", "per_10min": "per 10 min",
         "busy_hours_percent": "% hours > 30", "over_10_percent": "% 10-min > 10", "worst_10min": "max in 10 min",
         "in_flood_percent": "% time in flood", "top_percent": "top-10 share %", "chattering": "chattering tags",
         "fleeting": "fleeting", "stale": "stale now"}
START = 1767571200


def restless(seed):
    """Two days of nine tanks: calm ones, a chattering one, one that stands for a day and more, and floods."""
    dice = random.Random(seed)
    rows = [(START, 9, 10)]
    for _ in range(dice.randrange(3, 12)):
        at = START + dice.randrange(0, 120000)
        pace = dice.choice((10, 100, 600))
        for _ in range(dice.randrange(2, 120)):
            at += dice.randrange(1, pace)
            rows.append((at, dice.choice((1, 1, 1, 2, 3, 4, 5, 6, 7, 8)), dice.choice((8, 12))))
    rows.append((START + 172799, 8, 8))
    rows.sort()
    return HEAD + "".join(f"{at * 1000},tank-{tank}/level,{level},good\n" for at, tank, level in rows)


def reference(stage, events, span):
    """What alarm_kpi.py says of these events."""
    kinds = {"raised": "ACT", "cleared": "RTN"}
    stage.write("journal.csv", "time,tag,event\n" + "".join(
        f"{e['time']},{e['alarm']},{kinds[e['event']]}\n" for e in events if e["event"] in kinds))
    done = subprocess.run([sys.executable, REFERENCE, "journal.csv", "--start", span["from"], "--end", span["to"]],
                          cwd=stage.folder, capture_output=True, text=True, check=True, timeout=60)
    return {line[:18].strip(): float(line[18:]) for line in done.stdout.splitlines()}


def test_a_second_computation_agrees(stage):
    if not os.path.exists(REFERENCE):
        print("     skipped: alarm_kpi.py is not there")
        return
    floods = 0
    for seed in range(30):
        site = dict(SITE, rules=[dict(SITE["rules"][0], levels=[{"level": "orange", "when": "value > 9"}])])
        stage.write("site.json", site)
        stage.write("trace.csv", restless(seed))
        events, _ = stage.run("replay", "site.json", "trace.csv")
        out, _ = stage.run("replay", "site.json", "trace.csv", "--against", "site.json", "--format", "ndjson")
        figures = json.loads(out.splitlines()[0])
        expected = reference(stage, [json.loads(line) for line in events.splitlines()], figures)
        for ours, theirs in NAMES.items():
            require(abs(figures[ours] - expected[theirs]) <= 0.0051,
                    f"seed {seed}: {ours} is {figures[ours]}, the other computation says {expected[theirs]}")
        floods += figures["floods"]
    require(floods > 5, "there were floods among them")


def test_figures_of_the_journal(stage):
    """Journal and replay of the same samples give the same figures, also while the monitor runs."""
    broker = stage.broker()
    site = dict(SITE, sources={"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"],
                                      "format": "davy"}},
                points=[dict(p, **{"from": {"source": "gw", "key": p["id"]}}) for p in SITE["points"]],
                store={"path": "data"})
    stage.write("site.json", site)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-011 source=gw .* connected")
    begin = int(time.time()) - 7200
    samples = [(begin + i * 10, 1 + i % 9, 12 if i // 9 % 2 else 8) for i in range(90)]
    for at, tank, level in samples:
        stage.publish(broker.port, "t", [{"point": f"tank-{tank}/level", "time": at * 1000, "value": level}])
    stage.write("trace.csv", HEAD + "".join(f"{at * 1000},tank-{tank}/level,{level},\n" for at, tank, level in samples))
    out, _ = stage.run("replay", "site.json", "trace.csv", "--against", "site.json", "--format", "ndjson")
    replayed = json.loads(out.splitlines()[0])
    require(replayed["raised"] == 45 and replayed["floods"] == 1, out)

    def journal(*more):
        text, _ = stage.run("alarms", "site.json", "--kpi", "--format", "ndjson", *more)
        return json.loads(text)

    span = ("--from", replayed["from"], "--to", replayed["to"])
    wait_until(lambda: journal(*span)["standing"] == replayed["standing"] and journal(*span)["raised"] == 45,
               "the journal to hold them all")
    equal(journal(*span), replayed, "figures of journal and replay")
    table, _ = stage.run("alarms", "site.json", "--kpi")
    require("alarms raised" in table and "<= 150, at most 300" in table, table)
    require(journal()["raised"] == 45, "by default all of the journal")
    equal(journal("--from", "now-1m")["raised"], 0, "nothing was raised lately")
    removed = dict(site, rules=[dict(site["rules"][0], id="other")])
    equal(monitor.end(), 0, "exit code")
    stage.write("site.json", removed)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    wait_until(lambda: journal()["standing"] == 0, "alarms of a removed rule to stand no longer")
    equal(monitor.end(), 0, "exit code")


def test_wrong_calls(stage):
    stage.write("site.json", SITE)
    for words, told in ((["--kpi", "--history"], "exclude"), (["--from", "now-1h"], "--kpi"),
                        (["--kpi", "--from", "lately"], "lately"), (["--kpi", "--format", "csv"], "ndjson")):
        _, err = stage.run("alarms", "site.json", *words, expect=2)
        require(told in err, err)


if __name__ == "__main__":
    flow.main(globals())
