"""Metrics by a strict little reader of the format, and by promtool where it is there."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import CH4, LEVEL_ALARM, ask, act, run, send, set_up, site, wait_value
import flow
from flow import equal, require

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def read(text):
    """{name: {labels: value}}; every rule of the format that is broken is a failure."""
    require(text.endswith("\n"), "the last line ends")
    families, types, family = {}, {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            require(family not in families, f"{family} stands together, once")
            require(len(line.split(" ", 3)[3]) > 0, f"{family} has no help")
            families[family] = {}
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            require(name == family and kind in ("counter", "gauge") and name not in types, line)
            require((kind == "counter") == name.endswith("_total"), f"{name} is a {kind}")
            types[name] = kind
        else:
            found = SAMPLE.fullmatch(line)
            require(found and found[1] == family and family in types, f"no sample of {family}: {line}")
            labels, rest = [], found[2] or ""
            while rest:
                label = LABEL.match(rest)
                require(label, f"labels: {line}")
                value = label[2].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
                labels.append((label[1], value))
                rest = rest[label.end():]
            key = tuple(sorted(labels))
            require(key not in families[family], f"twice: {line}")
            families[family][key] = float(found[3])
            require(types[family] == "gauge" or families[family][key] >= 0, line)
    return families


def scrape(stage):
    answer = ask(stage, "/metrics")
    equal((answer.status, answer.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"), "metrics")
    return read(answer.body)


def test_everything_is_counted(stage):
    monitor = set_up(stage)
    send(stage, CH4=0.5, LVL=10)
    stage.wait_event(event="raised", alarm=LEVEL_ALARM)
    act(stage, LEVEL_ALARM, "ack", by="li")
    found = scrape(stage)
    out, _ = stage.run("stat", "site.json")
    counters = [line for line in out.splitlines() if re.match(r"\S+\.\S+", line.strip())]
    samples = sum(len(f) for name, f in found.items())
    require(samples >= len(counters) + 30, f"{samples} metrics, {len(counters)} counters")
    gw = (("source", "gw"),)
    equal(found["davy_ingest_samples_total"][gw], 2, "samples of a source")
    equal(found["davy_ingest_connected"][gw], 1, "a source's health")
    equal(found["davy_alarms"][(("level", "orange"), ("state", "active"))], 1, "alarms")
    equal(found["davy_alarms"][(("level", "red"), ("state", "active"))], 0, "no alarms")
    equal(found["davy_alarms_unacknowledged"][(("level", "orange"),)], 0, "acknowledged")
    equal(found["davy_alerting_raised_total"][(("level", "orange"),)], 1, "raised")
    equal(found["davy_points"], {(("status", "good"),): 2, (("status", "flagged"),): 0, (("status", "stale"),): 0,
                                 (("status", "unknown"),): 1}, "points")
    equal(found["davy_journal_last_seq"][()], 2, "journal")
    require(0 <= found["davy_newest_sample_age_seconds"][()] < 60 * flow.SLOW, "age")
    require(found["davy_source_newest_sample_age_seconds"][gw] >= 0, "age by source")
    require(found["davy_queue_capacity_records"][(("queue", "verdict.0"),)] >= 4096, "queues")
    equal(found["davy_queue_records"].keys(), found["davy_queue_capacity_records"].keys(), "queues")
    require(found["davy_store_disk_free_bytes"][()] > 0, "disk")
    equal([dict(k)["site"] for k in found["davy_build_info"]], ["jx-mine"], "build")
    require(found["davy_http_requests_total"][()] >= 1, "requests")
    again = scrape(stage)
    require(again["davy_http_requests_total"][()] > found["davy_http_requests_total"][()], "counters rise")
    equal(set(again), set(found), "the same families each time")
    equal(monitor.end(), 0, "exit code")


def test_labels_are_escaped(stage):
    """Ids may hold any letter; what a label cannot hold is escaped."""
    broker = stage.broker()
    stage.http = flow.free_port()
    stage.mosquitto, stage.sent, stage.clock = broker, 0, 1767571200000
    stage.site = site(broker.port, stage.http)
    stage.site["sources"]["网关.2"] = stage.site["sources"].pop("gw")
    for point in stage.site["points"]:
        point["from"]["source"] = "网关.2"
    stage.write("site.json", stage.site)
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-011 source=网关.2 .* connected")
    send(stage, CH4=0.5)
    wait_value(stage, CH4, 0.5)
    equal(scrape(stage)["davy_ingest_samples_total"], {(("source", "网关.2"),): 1}, "a source with a dot")


def test_promtool_agrees(stage):
    promtool = shutil.which("promtool")
    if promtool is None:
        print("     promtool is not here; the reader above is all that looked")
        return
    set_up(stage)
    done = subprocess.run([promtool, "check", "metrics"], input=ask(stage, "/metrics").body, capture_output=True, text=True,
                          timeout=60, check=False)
    equal(done.returncode, 0, done.stderr or done.stdout)


if __name__ == "__main__":
    flow.main(globals())
