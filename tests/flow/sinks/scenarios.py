"""The scenarios of the demonstration as CAP documents: all told, all valid against the schema."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from documents import can_validate, in_folder, require_told, validate
from flow import equal, require

DEMO = os.path.join(flow.SOURCE, "simulators", "scenarios", "demo")


def documents_of(stage, name):
    """A scenario through trace, replay and the documents' writer; gives events and documents."""
    site, scenario = os.path.join(DEMO, f"{name}.json"), os.path.join(DEMO, f"{name}.scenario.json")
    stage.run("davy-sim", "trace", site, scenario, "-o", f"{name}.csv")
    out, _ = stage.run("replay", site, f"{name}.csv")
    done = subprocess.run([*flow.LAUNCHER, os.path.join(flow.BIN, "cap_of_events"), site, stage.path(name)],
                          input=out.encode(), capture_output=True, check=False, timeout=120)
    equal(done.returncode, 0, done.stderr.decode())
    return [json.loads(line) for line in out.splitlines()], in_folder(stage.path(name))


def test_demo_scenarios(stage):
    for name in ("mine", "chem"):
        events, documents = documents_of(stage, name)
        require(len(documents) > 5, f"{name} has documents")
        require_told(events, documents)
        equal({d.text("status") for d in documents.values()}, {"Exercise"}, "a replay is an exercise")
        validate([stage.path(name, f) for f in sorted(os.listdir(stage.path(name)))])
        print(f"  {name}: {len(documents)} documents of {len(events)} events")


def test_the_example_of_the_manual(stage):
    """docs/manual/cap.md shows what the program writes for the site and the event it shows."""
    with open(os.path.join(flow.SOURCE, "docs", "manual", "cap.md"), encoding="utf-8") as page:
        text = page.read()
    _, site, event = re.findall(r"```json\n(.*?)```", text, re.S)
    stage.write("site.json", site)
    done = subprocess.run([*flow.LAUNCHER, os.path.join(flow.BIN, "cap_of_events"), stage.path("site.json"), stage.path("cap")],
                          input=event.encode(), capture_output=True, check=False, timeout=60)
    equal(done.returncode, 0, done.stderr.decode())
    with open(stage.path("cap", "jx-mine-42.xml"), encoding="utf-8") as file:
        equal(re.findall(r"```xml\n(.*?)```", text, re.S), [file.read()], "the example")
    validate([stage.path("cap", "jx-mine-42.xml")])


if __name__ == "__main__":
    if not can_validate():
        print("without ../shared/data/cap or xmllint documents are read, but not validated")
    flow.main(globals())
