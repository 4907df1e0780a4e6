"""What is read and written besides the site: standard streams that are closed or full, files with marks of their editors."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until

SITE = {"site": {"id": "s"}, "points": [{"id": "p", "kind": "x"}, {"id": "-q"}], "store": {"path": "data"},
        "rules": [{"id": "r", "where": {"kind": "x"}, "levels": [{"level": "red", "when": "value > 1"}]}]}
TEST = {"site": "site.json", "cases": [{"name": "one", "input": [{"point": "p", "every": "1s", "values": "0 2"}],
                                        "expect": [{"at": "1s", "event": "raised"}]}]}
TRACE = "time,point,value\n1000,p,1\n2000,p,2\n3000,-q,1\n"
QUESTIONS = (("check", "site.json"), ("replay", "site.json", "trace.csv"), ("test", "rules.test.json"),
             ("query", "site.json", "p", "--from", "0"), ("export", "site.json"), ("alarms", "site.json"),
             ("verify", "site.json"), ("explain", "site.json", "r:p"), ("check", "--help"), ("--version",))


def set_up(stage):
    stage.write("site.json", SITE)
    stage.write("rules.test.json", TEST)
    stage.write("trace.csv", TRACE)
    stage.run("import", "site.json", "trace.csv")


def shell(stage, words, redirection):
    """Runs davy with a redirection of the shell's; gives exit code and stderr."""
    command = " ".join([*flow.LAUNCHER, os.path.join(flow.BIN, "davy"), *words])
    done = subprocess.run(["sh", "-c", f"exec {command} {redirection}"], cwd=stage.folder, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, timeout=60 * flow.SLOW, check=False)
    return done.returncode, done.stderr.decode()


def test_what_cannot_be_printed_is_told(stage):
    """On a full disk, and where stdout was closed: exit code 3 and a word, for every command that has something to say."""
    set_up(stage)
    for words in QUESTIONS:
        for redirection in (">/dev/full", ">&-"):
            code, err = shell(stage, words, redirection)
            equal(code, 3, f"davy {' '.join(words)} {redirection}: {err}")
            require("stdout: " in err, err)
    stage.run("verify", "site.json")


def test_a_monitor_without_standard_streams(stage):
    """None of the store's files gets the number of a closed one: no line of the log is written into the database."""
    stage.write("site.json", SITE | {"sources": {"plc": {"type": "modbus-tcp", "host": "127.0.0.1", "port": 1}}})
    stage.write("trace.csv", TRACE)
    process = subprocess.Popen(["sh", "-c", f"exec {' '.join([*flow.LAUNCHER, os.path.join(flow.BIN, 'davy')])} run site.json "
                                            "<&- >&- 2>&-"], cwd=stage.folder)
    try:
        wait_until(lambda: os.path.exists(stage.path("data", "control.sock")), "the monitor to run")
        targets = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in range(3)]
        stage.run("import", "site.json", "trace.csv")
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20 * flow.SLOW)
    equal(targets, ["/dev/null"] * 3, "standard streams")
    equal(code, 0, "exit code")
    out, _ = stage.run("query", "site.json", "p", "--from", "0")
    equal(len(out.splitlines()), 3, out)
    stage.run("verify", "site.json")


def test_rule_tests_are_read_like_sites(stage):
    """A byte order mark and line ends of other systems are no harm; what is no test says so in the same words."""
    set_up(stage)
    with open(stage.path("rules.test.json"), "rb") as file:
        content = file.read()
    with open(stage.path("marked.json"), "wb") as file:
        file.write(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    out, _ = stage.run("test", "marked.json")
    require("ok   marked.json: one" in out and "1 passed, 0 failed" in out, out)
    os.mkdir(stage.path("folder"))
    stage.write("empty.json", "")
    stage.write("twice.json", '{"site": "site.json", "cases": [{"name": "a", "name": "b", "input": [], "expect": []}]}')
    for name, says in (("none.json", "none.json: is not there; check the name"), ("folder", "folder: this is not a file"),
                       ("empty.json", "empty.json: line 1 column 1: is no JSON"),
                       ("twice.json", "twice.json: cases[0].name: ")):
        _, err = stage.run("test", name, expect=2)
        require(err.startswith(says), err)
    case = TEST["cases"][0]
    for change, says in (({"input": [{"point": "p", "every": "0s", "values": "0 2"}]}, "cases[0].input[0].every: must be more than nothing"),
                         ({"input": [{"point": "p", "every": "200y", "values": "0 1 2"}]}, "cases[0].input[0].every: reaches beyond"),
                         ({"expect": [{"at": "290y", "event": "raised"}]}, "cases[0].expect[0].at: reaches beyond"),
                         ({"do": [{"at": "290y", "ack": "r:p", "by": "li"}]}, "cases[0].do[0].at: reaches beyond")):
        stage.write("wrong.json", TEST | {"cases": [case | change]})
        _, err = stage.run("test", "wrong.json", expect=2)
        require(err.startswith(f"wrong.json: {says}"), err)
    _, err = stage.run("davy-sim", "trace", "site.json", "folder", expect=2)
    require("folder: this is not a file" in err, err)


def test_words_behind_two_dashes(stage):
    """An id, or a file, may begin with a dash."""
    set_up(stage)
    out, _ = stage.run("query", "site.json", "--from", "0", "--", "-q")
    equal(len(out.splitlines()), 2, out)
    _, err = stage.run("query", "site.json", "-q", expect=2)
    require("-- ends them" in err, err)
    _, err = stage.run("query", "site.json", "p", "--from", "now+290y", expect=2)
    require("not a time" in err, err)


def test_nothing_is_replayed_when_a_file_is_missing(stage):
    set_up(stage)
    for words in (("trace.csv", "none.csv"), ("trace.csv", "--expect", "none"), ("trace.csv", "none.csv", "--against", "site.json")):
        out, err = stage.run("replay", "site.json", *words, expect=2)
        equal(out, "", "stdout")
        require("none" in err, err)


def test_acts_are_checked_before_they_are_sent(stage):
    """What could not be journalled as it was meant is told as a wrong call, whether a monitor runs or not."""
    set_up(stage)
    for words, says in ((["ack", "--by", ""], "--by"), (["ack", "--by", b"l\xff"], "--by is not UTF-8"),
                        (["ack", "--by", "l" * 128], "--by has 128 bytes, at most 127"),
                        (["ack", "--by", "li", "--level", "purple"], "purple"),
                        (["comment", "--by", "li", "--comment", b"\xc3"], "--comment is not UTF-8"),
                        (["comment", "--by", "li", "--comment", ""], "--comment"),
                        (["close", "--by", "li", "--cause", "x" * 1024, "--measure", "y"], "--cause has 1024 bytes"),
                        (["shelve", "--by", "li", "--comment", "why", "--for", "0s"], "--for")):
        argv = [*flow.LAUNCHER, os.path.join(flow.BIN, "davy"), words[0], "site.json", "r:p", *words[1:]]
        done = subprocess.run(argv, cwd=stage.folder, capture_output=True, timeout=60, check=False)
        equal(done.returncode, 2, f"{words}: {done.stderr}")
        require(says in done.stderr.decode(), f"{words}: {done.stderr}")


def test_stretches_that_end_before_they_begin(stage):
    set_up(stage)
    for words in (("query", "p"), ("alarms", "--history"), ("export",)):
        _, err = stage.run(words[0], "site.json", *words[1:], "--from", "now", "--to", "now-1h", expect=2)
        require("--from lies after --to" in err, err)


if __name__ == "__main__":
    flow.main(globals())
