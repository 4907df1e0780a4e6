"""A store some of whose tables are gone or have changed: nobody is shown an older state for the present one."""

import glob
import os
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import flow
from flow import equal, require

ASKED = (("query", "site.json", "*", "--from", "0", "--to", "now"), ("query", "site.json", "--last"),
         ("alarms", "site.json", "--history", "--from", "2020-01-01T00:00:00Z"), ("export", "site.json"))


def fill(stage):
    """A store of which something stands in tables and something in memory: a restored backup, with samples since."""
    broker = stage.broker()
    site = {"site": {"id": "worn"},
            "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"], "format": "davy"}},
            "points": [{"id": "a", "kind": "x", "from": {"source": "gw", "key": "a"}}, {"id": "b"}],
            "rules": [{"id": "high", "where": {"kind": "x"}, "levels": [{"level": "red", "when": "value >= 3"}]}],
            "sinks": {"log": {"type": "file", "path": "events.ndjson"}}, "store": {"path": "first"}}
    stage.write("site.json", site)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-011 .*connected")
    for value in (5, 1, 4):
        stage.publish(broker.port, "t", {"values": {"a": value}})
        stage.wait_event(event="raised" if value > 3 else "cleared")
    stage.write("past.csv", "time,point,value,status\n" + "".join(f"{1767571200000 + i},b,{i % 7},\n" for i in range(2000)))
    stage.run("import", "site.json", "past.csv")
    stage.run("backup", "site.json", "copy")
    equal(monitor.end(), 0, "exit code")
    stage.write("site.json", site | {"store": {"path": "data"}})
    stage.run("restore", "copy", "site.json")
    stage.write("more.csv", "time,point,value,status\n1767571300000,b,1,\n")
    stage.run("import", "site.json", "more.csv")


def ask(stage):
    """What each command answers; None where it says with exit code 3 that it cannot."""
    answers = []
    for words in ASKED:
        out, err = stage.run(*words, expect=None)
        require(stage.code in (0, 3), f"{words}: exit code {stage.code}: {err}")
        answers.append(out if stage.code == 0 else None)
    return answers


def test_no_command_shows_an_older_state(stage):
    """Each table in turn is missing, is cut off, or has a byte changed in one of five places."""
    fill(stage)
    whole = ask(stage)
    require(None not in whole, "the store is whole")
    tables = sorted(glob.glob(stage.path("data", "*.sst")))
    require(len(tables) > 4, tables)
    for number, table in enumerate(tables):
        with open(table, "rb") as file:
            content = file.read()
        os.remove(table)
        stage.run(*ASKED[number % len(ASKED)], expect=3)
        place = len(content) * (1 + number % 5) // 6
        changed = bytes([content[place] ^ 0x40]) + content[place + 1:]
        with open(table, "wb") as file:
            file.write(content[:place] + (changed if number % 3 else b""))
        for words, came, was in zip(ASKED, ask(stage), whole):
            require(came in (None, was), f"{words}, {os.path.basename(table)} changed at {place}: {came}")
        with open(table, "wb") as file:
            file.write(content)
    equal(ask(stage), whole, "all put back")


def test_nor_beside_a_monitor(stage):
    """The monitor has the table open and goes on; who reads beside it cannot, and says so."""
    fill(stage)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"state=running")
    require(None not in ask(stage), "the store is whole")
    os.remove(sorted(glob.glob(stage.path("data", "*.sst")))[0])
    equal(ask(stage), [None] * len(ASKED), "a table is missing")
    _, err = stage.run("query", "site.json", "--last", expect=3)
    require("damaged or missing" in err and "davy restore" in err, err)
    _, err = stage.run("check", "site.json", "--plan", expect=3)
    require("damaged or missing" in err, err)
    equal(monitor.end(), 0, "exit code")


def test_a_soft_limit_of_files_is_no_damage(stage):
    """A reader opens each table twice; it takes what the system lets it have."""
    fill(stage)
    tables = len(glob.glob(stage.path("data", "*.sst")))
    require(tables > 4, tables)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    argv = [*flow.LAUNCHER, os.path.join(flow.BIN, "davy"), *ASKED[0]]
    done = subprocess.run(argv, cwd=stage.folder, capture_output=True, timeout=60 * flow.SLOW, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (2 * tables, hard)))
    equal(done.returncode, 0, done.stderr)
    done = subprocess.run([*argv[:-len(ASKED[0])], "verify", "site.json"], cwd=stage.folder, capture_output=True,
                          timeout=60 * flow.SLOW, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (2 * tables, 2 * tables)))
    equal(done.returncode, 3, "a limit that cannot be raised is no damage")
    require(b"Too many open files" in done.stderr and b"damaged" not in done.stderr, done.stderr)


if __name__ == "__main__":
    flow.main(globals())
