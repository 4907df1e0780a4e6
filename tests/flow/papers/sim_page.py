"""docs/man/davy-sim.1 says what davy-sim --help says; with --write it is made anew."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow


def page():
    done = subprocess.run([*flow.LAUNCHER, os.path.join(flow.BIN, "davy-sim"), "--help"], capture_output=True, check=True)
    text = done.stdout.decode("utf-8").replace("\\", "\\e").replace("-", "\\-")
    return ('.\\" Made from the text of "davy-sim --help"; do not edit.\n'
            '.TH DAVY-SIM 1 "" "" "Davy"\n.SH NAME\ndavy\\-sim \\- plays the field of a site, live or as a trace\n'
            f".SH SYNOPSIS\n.nf\n{text}.fi\n.SH SEE ALSO\n.BR davy (1)\n")


if __name__ == "__main__":
    path = os.path.join(flow.SOURCE, "docs", "man", "davy-sim.1")
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as out:
            out.write(page())
    with open(path, encoding="utf-8") as came:
        same = came.read() == page()
    print("same" if same else f"{path} is not what --help says; run this with --write")
    sys.exit(0 if same else 1)
