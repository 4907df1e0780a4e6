"""CAP documents for tests: read by Python's own reader of XML, and validated by xmllint where the schema is there."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as tree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import require

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
SCHEMA = os.path.join(os.environ.get("DAVY_SHARED", os.path.join(flow.SOURCE, "..", "shared")), "data", "cap", "CAP-v1.2.xsd")


def can_validate():
    return os.path.exists(SCHEMA) and shutil.which("xmllint") is not None


def validate(paths):
    """All of them at once; without the schema nothing is said."""
    if paths and can_validate():
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SCHEMA, *paths], capture_output=True, text=True,
                              check=False, timeout=120)
        require(done.returncode == 0, f"xmllint: {done.stderr[-2000:]}")


class Document:
    def __init__(self, data):
        self.root = tree.fromstring(data)
        self.data = data

    def text(self, name):
        """The first element of that name, wherever it stands."""
        return self.root.findtext(f".//{CAP}{name}") or ""

    def all(self, name):
        return [e.text for e in self.root.iter(CAP + name)]

    def parameter(self, name):
        for parameter in self.root.iter(CAP + "parameter"):
            if parameter.findtext(CAP + "valueName") == name:
                return parameter.findtext(CAP + "value")
        return None

    def reference(self):
        return ",".join(self.text(name) for name in ("sender", "identifier", "sent"))


def in_folder(path):
    """{seq: Document} of the whole documents of a folder."""
    documents = {}
    for name in os.listdir(path) if os.path.isdir(path) else []:
        if name.endswith(".xml"):
            with open(os.path.join(path, name), "rb") as file:
                document = Document(file.read())
            require(document.text("identifier") + ".xml" == name, f"{name} is the document {document.text('identifier')}")
            documents[int(document.parameter("seq"))] = document
    return dict(sorted(documents.items()))


def require_told(events, documents, announced=lambda event: True):
    """Works out for itself from the events which documents there must be, and what each refers to."""
    open_ones = {}
    for event in events:
        kind, alarm, seq = event["event"], (event["alarm"], event.get("occurrence")), event["seq"]
        if kind not in ("raised", "worsened", "eased", "cleared"):
            require(seq not in documents, f"a document for {kind} {seq}")
            continue
        earlier = open_ones.get(alarm, [])
        wanted = announced(event) and (kind != "cleared" or earlier)
        require((seq in documents) == bool(wanted), f"event {seq} {kind}: {'no ' if wanted else 'a '}document")
        if wanted:
            document = documents[seq]
            flow.equal(document.text("msgType"), "Update" if earlier else "Alert", f"msgType of {seq}")
            flow.equal(document.text("references"), " ".join(earlier), f"references of {seq}")
            flow.equal(document.parameter("level"), event["level"], f"level of {seq}")
            open_ones[alarm] = earlier + [document.reference()]
        if kind == "cleared":
            open_ones.pop(alarm, None)
