"""flow: a small vocabulary for tests of whole programs.

A test is a function that takes a Stage.  The stage has a folder of its own,
starts programs, waits for what they say (never sleeps to wait), and ends each
by its pid.  Binaries come from the folder in DAVY_BIN, started through
DAVY_LAUNCHER if that is set.  Run a file of tests with flow.main(globals()).
"""

import calendar
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SKIPPED = 77
SOURCE = os.environ.get("DAVY_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BIN = os.environ.get("DAVY_BIN", os.path.join(SOURCE, "build", "dev", "bin"))
LAUNCHER = [w for w in re.split(r"[; ]", os.environ.get("DAVY_LAUNCHER", "")) if w]
# Sanitizers slow everything down; deadlines stretch with them.
SLOW = 4.0 if os.environ.get("DAVY_SANITIZE") else 1.0
# What a sanitizer prints when it has found a fault.  A program may say it and still end well.
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|\bruntime error: |DEADLYSIGNAL")
REPORT_LINES = 40


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def equal(came, expected, text=""):
    if came != expected:
        raise Failure(f"{text}: came {came!r}, expected {expected!r}")


def sanitizer_report(lines):
    """The first report among these lines, cut to a page; empty when there is none."""
    for i, line in enumerate(lines):
        if REPORT.search(line):
            return "\n".join(lines[i:i + REPORT_LINES])
    return ""


def free_port():
    """A port the kernel says is free on loopback."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def datetime_ms(text):
    """Unix milliseconds of a time as Davy prints it."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 1000 + int(text[20:23])


def wait_until(condition, text, seconds=20.0):
    """Polls until condition() is true and gives its value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {seconds * SLOW:.0f} s in vain: {text}")
        time.sleep(0.01)


class Program:
    """A started program; its lines (stdout and stderr apart) are collected as they come."""

    def __init__(self, name, argv, cwd, env=None, stdin=None):
        self.name = name
        self.argv = argv
        self.out, self.err = [], []
        self.process = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                                        stdin=stdin or subprocess.DEVNULL)
        self.threads = [threading.Thread(target=self._read, args=(stream, lines), daemon=True)
                        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def wait_line(self, pattern, seconds=20.0, lines=None):
        """Waits for a line of stderr (or the given list) that matches."""
        lines = self.err if lines is None else lines

        def look():
            for line in list(lines):
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None and not any(t.is_alive() for t in self.threads):
                raise Failure(f"{self.name} ended with {self.process.returncode} before it said {pattern!r}: "
                              + " | ".join(self.err[-5:]))
            return None

        return wait_until(look, f"{self.name} to say {pattern!r}", seconds)

    def send(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self, number=signal.SIGTERM, seconds=20.0):
        """Ends it by its pid and gives the exit code."""
        self.send(number)
        try:
            code = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} did not end within {seconds * SLOW:.0f} s") from None
        for thread in self.threads:
            thread.join(5)
        return code

    def kill(self):
        return self.end(signal.SIGKILL)


class Stage:
    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix=f"davy-{name}-")
        self.programs = []
        self.code = None  # exit code of the last run
        self.reports = []  # of programs that ran to their end: (name, what a sanitizer said)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1))
        return self.path(name)

    def start(self, name, *argv, env=None):
        program = Program(name, list(argv), self.folder, env)
        self.programs.append(program)
        return program

    def davy(self, *argv):
        """Starts davy (or, with a first word davy-sim, that)."""
        words = list(argv)
        binary = words.pop(0) if words[0] == "davy-sim" else "davy"
        return self.start(f"{binary} {words[0]}", *LAUNCHER, os.path.join(BIN, binary), *words)

    def run(self, *argv, expect=0, seconds=60.0):
        """Runs davy to its end; gives (stdout, stderr) and requires the exit code (None: any, see self.code)."""
        words = list(argv)
        binary = words.pop(0) if words[0] == "davy-sim" else "davy"
        done = subprocess.run([*LAUNCHER, os.path.join(BIN, binary), *words], cwd=self.folder, capture_output=True,
                              timeout=seconds * SLOW, check=False)
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        self.code = done.returncode
        self.reports.append((f"{binary} {shlex.join(words)}", sanitizer_report(err.splitlines())))
        if expect is not None and done.returncode != expect:
            raise Failure(f"{binary} {shlex.join(words)}: exit code {done.returncode}, expected {expect}: {err or out}")
        return out, err

    def broker(self, port=None, extra="", first=""):
        """Starts mosquitto on a free (or the given) port; sessions persist in the stage's folder.  `first` and `extra` are
        more lines of its settings, before and behind."""
        port = port or free_port()
        conf = self.write(f"mosquitto-{port}.conf",
                          f"{first}listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
                          f"persistence true\npersistence_location {self.folder}/\nautosave_interval 1\n"
                          f"max_queued_messages 0\n{extra}")
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o777)  # mosquitto leaves root's rights behind
        program = self.start("mosquitto", binary, "-c", conf)
        program.port = port

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0

        wait_until(answers, "mosquitto to listen")
        return program

    def subscriber(self, port, topic, *more):
        """A plain mosquitto_sub; its lines are payloads (with -v: topic and payload)."""
        program = self.start("mosquitto_sub", "stdbuf", "-oL", "mosquitto_sub", "-p", str(port), "-q", "1", "-t", topic, "-d", *more)
        program.wait_line(r"received SUBACK", lines=program.out)
        return program

    def publish(self, port, topic, payload, *more):
        subprocess.run(["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-m",
                        payload if isinstance(payload, str) else json.dumps(payload), *more], check=True, timeout=20)

    def events(self, name="events.ndjson"):
        """The whole lines of a file sink so far."""
        try:
            with open(self.path(name), encoding="utf-8") as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def wait_event(self, text=None, seconds=20.0, name="events.ndjson", **keys):
        """Waits for an event with these keys in the file sink."""
        def look():
            for event in self.events(name):
                if all(event.get(key) == value for key, value in keys.items()):
                    return event
            return None

        return wait_until(look, text or f"an event with {keys}", seconds)

    def end_all(self):
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()
            for thread in program.threads:
                thread.join(5)

    def require_no_reports(self):
        """A test that went well fails all the same when a sanitizer had something to say."""
        told = self.reports + [(program.name, sanitizer_report(program.err)) for program in self.programs]
        for name, report in told:
            require(not report, f"{name}: a sanitizer reports\n{report}")

    def close(self, failed):
        self.end_all()
        if failed:
            print(f"  kept: {self.folder}")
            for i, program in enumerate(self.programs):
                self.write(f"{i}-{os.path.basename(program.name.split()[0])}.err", "\n".join(program.err) + "\n")
                for line in program.err[-15:]:
                    print(f"  {program.name}: {line}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def main(names):
    """Runs every function named test_* in the order of the file; a word on the command line selects by part of the name."""
    tests = [(name, value) for name, value in names.items() if name.startswith("test_") and callable(value)]
    wanted = sys.argv[1:]
    failed = 0
    ran = 0
    for name, test in tests:
        if wanted and not any(word in name for word in wanted):
            continue
        ran += 1
        stage = Stage(name)
        began = time.monotonic()
        try:
            test(stage)
            stage.end_all()
            stage.require_no_reports()
            stage.close(False)
            print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception as fault:  # a test may fail in any way
            failed += 1
            print(f"FAIL {name}: {fault}", flush=True)
            if not isinstance(fault, Failure):
                traceback.print_exc()
            stage.close(True)
    print(f"{ran - failed} passed, {failed} failed")
    sys.exit(1 if failed or ran == 0 else 0)
