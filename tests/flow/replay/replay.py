"""davy replay as a user calls it: files, pipes, --expect, broken rows, shards, exit codes."""

import json
import os
import select
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow  # noqa: E402
from flow import equal, require  # noqa: E402

SITE = {
    "site": {"id": "plant"},
    "points": [{"id": f"tank-{n}/level", "kind": "level", "unit": "m"} for n in range(1, 10)],
    "rules": [{"id": "high", "where": {"kind": "level"},
               "levels": [{"level": "orange", "when": "value > 9", "on_delay": "2s"},
                          {"level": "red", "when": "value > 11"}]}],
}
HEAD = "time,point,value,status\n"


def row(second, point, value, status="good"):
    return f"{1767571200000 + second * 1000},tank-{point}/level,{value},{status}\n"


def rows(first, last):
    """Every tank rises and falls, each a little later than the one before."""
    return "".join(row(s, n, 8 + (s + n) % 5) for s in range(first, last) for n in range(1, 10))


def set_up(stage):
    stage.write("site.json", SITE)
    stage.write("trace.csv", HEAD + rows(0, 60))
    out, _ = stage.run("replay", "site.json", "trace.csv")
    require(len(out.splitlines()) > 20, "the trace raises alarms")
    return out


def piped(stage, text, *argv, expect=0):
    """Runs davy with text on its standard input, written in pieces that end anywhere."""
    process = subprocess.Popen([*flow.LAUNCHER, os.path.join(flow.BIN, "davy"), *argv], cwd=stage.folder,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(text.encode(), timeout=60 * flow.SLOW)
    equal(process.returncode, expect, f"exit code, with {err.decode()}")
    return out.decode(), err.decode()


def test_a_pipe_is_a_file(stage):
    out = set_up(stage)
    came, err = piped(stage, HEAD + rows(0, 60), "replay", "site.json", "-")
    equal(came, out, "events from a pipe")
    require("replayed 540 rows over 59s: 540 samples" in err, err)


def test_a_slow_pipe_is_answered_row_by_row(stage):
    """Events come, as whole lines, before the pipe has ended; /dev/stdin is as good as "-"."""
    set_up(stage)
    process = subprocess.Popen([*flow.LAUNCHER, os.path.join(flow.BIN, "davy"), "replay", "site.json", "/dev/stdin"],
                               cwd=stage.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for text, event in ((HEAD + row(0, 1, 12), "raised"), (row(1, 1, 3), "cleared")):
            process.stdin.write(text.encode())
            process.stdin.flush()
            came, _, _ = select.select([process.stdout], [], [], 60 * flow.SLOW)
            require(came, f"{event} comes while the pipe is open")
            line = os.read(process.stdout.fileno(), 65536).decode()
            require(line.endswith("}\n"), line)
            equal(json.loads(line)["event"], event, "event")
        process.stdin.close()
        equal(process.wait(timeout=60 * flow.SLOW), 0, "exit code")
    finally:
        process.kill()
        process.wait()


def test_memory_does_not_grow_with_a_pipe(stage):
    """60 MB of rows go through a program that stays below 40 MB."""
    set_up(stage)
    lines = rows(0, 200).encode()
    process = subprocess.Popen([*flow.LAUNCHER, os.path.join(flow.BIN, "davy"), "replay", "site.json", "-"],
                               cwd=stage.folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(HEAD.encode())
    for _ in range(60 * 1000 * 1000 // len(lines)):
        process.stdin.write(lines)  # late from the second time on: read, counted, not judged
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    equal(process.returncode, 0, "exit code")
    require(usage.ru_maxrss < 40 * 1024 or flow.SLOW > 1, f"most memory at once: {usage.ru_maxrss} KB")


def test_several_files_are_one(stage):
    out = set_up(stage)
    stage.write("one.csv", HEAD + rows(0, 17))
    stage.write("two.csv", HEAD + rows(17, 40))
    came, _ = piped(stage, HEAD + rows(40, 60), "replay", "site.json", "one.csv", "two.csv", "-")
    equal(came, out, "events of three pieces")


def test_expect_the_same(stage):
    stage.write("expect.ndjson", set_up(stage))
    out, err = stage.run("replay", "site.json", "trace.csv", "--expect", "expect.ndjson")
    require("differ" not in err and len(out) > 0, err)
    piped(stage, HEAD + rows(0, 60), "replay", "site.json", "-", "--expect", "expect.ndjson")


def test_expect_a_difference(stage):
    lines = set_up(stage).splitlines()
    missing = lines.pop(3)
    stage.write("expect.ndjson", "\n".join(lines) + "\n")
    _, err = stage.run("replay", "site.json", "trace.csv", "--expect", "expect.ndjson", expect=1)
    require(f"\n+ {missing}\n" in err, f"the event that was not expected is shown: {err}")
    require("\n- " not in err, "and it is the only one")
    require("the events are not those of expect.ndjson" in err, err)


def test_expect_a_missing_file(stage):
    set_up(stage)
    _, err = stage.run("replay", "site.json", "trace.csv", "--expect", "none.ndjson", expect=2)
    require("none.ndjson" in err, err)


def test_broken_rows_are_set_aside(stage):
    out = set_up(stage)
    broken = ("yesterday,tank-1/level,3,good\n", "1767571200000,tank-77/level,3,good\n",
              "1767571200000,tank-1/level,high,good\n", "1767571200000,tank-1/level,3,fine\n", "\x01\x02\x03\n")
    stage.write("broken.csv", HEAD + rows(0, 30) + "".join(broken) + rows(30, 60))
    came, err = stage.run("replay", "site.json", "broken.csv")
    equal(came, out, "the broken rows change nothing")
    told = [line for line in err.splitlines() if line.startswith("broken.csv: line ")]
    equal(len(told), len(broken), "each is told with its line")
    require(told[0].startswith("broken.csv: line 272: set aside: "), told[0])
    require("5 set aside" in err.splitlines()[-1], err)


def test_shards_give_the_same_bytes(stage):
    out = set_up(stage)
    for shards in ("2", "3", "8", "32"):
        came, _ = stage.run("replay", "site.json", "trace.csv", "--shards", shards)
        equal(came, out, f"events with {shards} shards")


def test_a_refused_act_is_told(stage):
    set_up(stage)
    alarm = "high:tank-1/level"
    acts = [{"time": 1767571200000, "point": "tank-1/level", "value": 12},
            {"time": 1767571201000, "do": "ack", "alarm": alarm, "by": "li", "occurrence": 7},
            {"time": 1767571202000, "do": "ack", "alarm": alarm, "by": "li"},
            {"time": 1767571203000, "do": "ack", "alarm": alarm, "by": "li"}]
    stage.write("acts.ndjson", "".join(json.dumps(act) + "\n" for act in acts))
    out, err = stage.run("replay", "site.json", "acts.ndjson")
    equal([json.loads(line)["event"] for line in out.splitlines()], ["raised", "acked"], "events")
    refused = [line for line in err.splitlines() if "refused: " in line]
    equal(len(refused), 2, "refused acts that are told")
    require(refused[0].startswith("acts.ndjson: act ack at 2026-01-05T00:00:01.000Z refused: "), refused[0])
    require("3 acts (2 refused)" in err, err)


def test_wrong_calls(stage):
    set_up(stage)
    for words, told in ((["site.json"], "usage:"), (["none.json", "trace.csv"], "none.json"),
                        (["site.json", "none.csv"], "none.csv"), (["site.json", "trace.csv", "--shards", "0"], "--shards"),
                        (["site.json", "trace.csv", "--shards", "many"], "--shards"),
                        (["site.json", "trace.csv", "--expct", "x"], "--expect"),
                        (["site.json", "trace.csv", "--format", "table"], "--against"),
                        (["site.json", "trace.csv", "--expect", "a", "--against", "b"], "exclude")):
        _, err = stage.run("replay", *words, expect=2)
        require(told in err, err)


if __name__ == "__main__":
    flow.main(globals())
