#!/usr/bin/env python3
"""The demo's scenarios bring about what their .expect.json promise.

Each scenario is written as a trace twice (same seed, same bytes), judged by the oracle and, when it has been built, by
`davy replay`; both must show the expected events, at their times, in their order.
"""
import datetime
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["DAVY_SOURCE"]
BIN = os.environ["DAVY_BIN"]
LAUNCHER = os.environ.get("DAVY_LAUNCHER", "").replace(";", " ").split()
DEMO = os.path.join(SOURCE, "simulators", "scenarios", "demo")


def run(command):
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.decode()}")
    return done.stdout


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def missing(events, expect, start):
    """The first expected event that does not come in its turn, or None."""
    rest = iter(events)
    for want in expect:
        time = moment(start) + datetime.timedelta(seconds=float(want["at"].rstrip("s")))
        for event in rest:
            if moment(event["time"]) == time and all(
                    event.get(key) == want[key] for key in ("event", "alarm", "level")):
                break
        else:
            return want
    return None


def check(name, folder):
    site, scenario = (os.path.join(DEMO, name + end) for end in (".json", ".scenario.json"))
    sim = LAUNCHER + [os.path.join(BIN, "davy-sim"), "trace", site, scenario]
    trace = os.path.join(folder, name + ".csv")
    run(sim + ["-o", trace])
    with open(trace, "rb") as file:
        if file.read() != run(sim):
            sys.exit(f"{name}: two traces of one scenario differ")
    judges = {"oracle": [sys.executable, os.path.join(SOURCE, "tests", "oracle", "davy_oracle.py"), site, trace]}
    davy = os.path.join(BIN, "davy")
    if os.path.exists(davy):
        judges["davy replay"] = LAUNCHER + [davy, "replay", site, trace]
    with open(os.path.join(DEMO, name + ".expect.json"), encoding="utf-8") as file:
        expect = json.load(file)
    with open(scenario, encoding="utf-8") as file:
        start = json.load(file)["start"]
    for judge, command in judges.items():
        events = [json.loads(line) for line in run(command).decode().splitlines()]
        want = missing(events, expect, start)
        if want is not None:
            came = "\n".join(f"  {e['time']} {e['event']} {e['alarm']} {e.get('level')}" for e in events)
            sys.exit(f"{name}, {judge}: {want} did not come in its turn; what came:\n{came}")
        print(f"{name}: {len(expect)} expected of {len(events)} events, by {judge}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("mine", "chem"):
            check(name, folder)


if __name__ == "__main__":
    main()
