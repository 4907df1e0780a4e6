"""The files of the page and what it asks first."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from served import ask, set_up
import flow
from flow import equal, require

FILES = {"/": "text/html", "/index.html": "text/html", "/main.js": "text/javascript", "/page.css": "text/css", "/lamp.svg": "image/svg+xml"}


def test_files(stage):
    """Its files, as the server gives them; they load nothing from elsewhere."""
    set_up(stage)
    for target, kind in FILES.items():
        answer = ask(stage, target)
        equal((answer.status, answer.headers["Content-Type"].split(";")[0]), (200, kind), target)
        require("default-src 'self'" in answer.headers["Content-Security-Policy"], f"{target}: what may be loaded")
    equal(ask(stage, "/", headers={"Sec-Fetch-Site": "cross-site"}).status, 200, "a link of elsewhere to the page")
    equal(ask(stage, "/api/v1/site", headers={"Sec-Fetch-Site": "cross-site"}).status, 403, "a page of elsewhere")
    equal(ask(stage, "/page/main.js").status, 404, "no such file")
    equal(ask(stage, "/../main.js").status, 404, "no such path")


def test_site(stage):
    set_up(stage)
    site = ask(stage, "/api/v1/site").json()
    equal(list(site), ["id", "name", "timezone", "status", "version", "seq", "time", "hazards"], "keys of the site")
    equal((site["id"], site["name"], site["status"], site["seq"]), ("jx-mine", "金鑫煤矿", "actual", 0), "the site")
    equal(site["hazards"], [{"id": "face-501", "name": None, "contact": None}], "hazards")


if __name__ == "__main__":
    flow.main(globals())
