"""The page in a real browser (Debian's chromium; without it the test says so and is skipped): it shows what the monitor
knows, and names from the field are text, whatever they contain."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import CH4, CH4_ALARM, ask, run, send, set_up, wait_value
import flow
from flow import equal, require, wait_until

BROWSER = shutil.which("chromium")


def shown(stage):
    """The page as the browser has it after a few seconds of its own time, as HTML."""
    command = [BROWSER, "--headless", "--disable-gpu", "--lang=en", f"--user-data-dir={stage.path('browser')}",
               "--virtual-time-budget=4000", "--dump-dom", f"http://127.0.0.1:{stage.http}/"]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, timeout=60 * flow.SLOW, check=False)
    equal(done.returncode, 0, "exit code of chromium")
    return done.stdout.decode()


def test_in_a_browser(stage):
    set_up(stage)
    send(stage, CH4=3.5)
    wait_value(stage, CH4, 3.5)
    wait_until(lambda: ask(stage, "/api/v1/alarms").json(), "the alarm")
    text = shown(stage)
    require(re.search(r'<h1[^>]*>金鑫煤矿</h1>', text), "the site's name")
    require(re.search(rf'<li class="red unacked" data-alarm="{CH4_ALARM}">', text), f"the alarm: {text[:3000]}")
    require("501面T1甲烷: 3.5 %CH4" in text, "the message")
    require(re.search(rf'data-point="{CH4}".*?3\.5.*?good', text, re.S), "the point")
    require(re.search(r'<li class="red" data-seq="1">', text), "the event")
    require(re.search(r'id="line"[^>]*>live<', text), "that the line is up")


def test_hostile_names(stage):
    evil = "</script><img src=x onerror=\"document.title='owned'\">"
    monitor = set_up(stage)
    equal(monitor.end(), 0, "exit code")
    stage.site["points"][0]["name"] = evil
    stage.site["site"]["name"] = evil
    stage.write("site.json", stage.site)
    run(stage)
    send(stage, CH4=3.5)
    wait_until(lambda: ask(stage, "/api/v1/alarms").json(), "the alarm")
    text = shown(stage)
    require("&lt;img src=x" in text and "<img src=\"x\"" not in text and "<img src=x" not in text, "the name as text")
    require("<title>owned" not in text, "nothing of it runs")


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: chromium is not installed")
        sys.exit(flow.SKIPPED)
    flow.main(globals())
