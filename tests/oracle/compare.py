#!/usr/bin/env python3
"""Holds `davy replay` against the oracle, byte by byte.

    compare.py --seeds 0-299 [--shards 4] [--minimise]    random cases, see generate.py
    compare.py --cases [NAME...]                          the hand-written ones in cases/

Without --davy the binary is $DAVY_BIN/davy, started with $DAVY_LAUNCHER.  Exit 0 when all agree, 1 on a difference: the
case is then kept in a folder that is named, with both outputs.  --minimise makes that case as small as it can be while
the two still differ.
"""

import argparse
import copy
import os
import shlex
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

import davy_oracle
import oracle_input
import oracle_language
from generate import case_of, write_case

HERE = Path(__file__).resolve().parent


class Davy:
    """The program under test."""

    def __init__(self, options):
        path = options.davy or os.path.join(os.environ.get("DAVY_BIN", "."), "davy")
        self.command = shlex.split(os.environ.get("DAVY_LAUNCHER", "").replace(";", " ")) + [path, "replay"]
        self.shards = ["--shards", str(options.shards)] if options.shards else []

    def replay(self, site, traces):
        """Lines of events; what went wrong instead when it did not end well."""
        done = subprocess.run(self.command + [str(site), *map(str, traces)] + self.shards, capture_output=True,
                              timeout=60, check=False)
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        if done.returncode != 0:
            lines.append(f"exit {done.returncode}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return lines


def oracle_replay(site, traces):
    return davy_oracle.replay(oracle_input.read_site(site), oracle_input.read_traces(traces))


def show(first, second, names):
    """The first differing lines with two lines before them."""
    for at, (one, two) in enumerate(zip_longest(first, second)):
        if one != two:
            for line in first[max(0, at - 2):at]:
                print(f"  both         {line}")
            print(f"  {names[0]:<12} {one or '(nothing more)'}")
            print(f"  {names[1]:<12} {two or '(nothing more)'}")
            return


# ---------------------------------------------------------------------------------------------------- random cases

def run_case(davy, case, folder):
    """(davy's lines, the oracle's lines) of one case."""
    for old in Path(folder).glob("trace-*"):
        old.unlink()
    site, traces = write_case(case, folder)
    return davy.replay(site, traces), oracle_replay(site, traces)


def failure(davy, case, folder):
    """What kind of difference a case shows: None, 'exit' or 'events'.  A case that is none (it breaks the oracle) is
    no difference."""
    try:
        ours, theirs = run_case(davy, case, folder)
    except (KeyError, ValueError, IndexError):
        return None
    if ours == theirs:
        return None
    return "exit" if ours and ours[-1].startswith("exit ") else "events"


def compare_seeds(davy, seeds, minimise):
    with tempfile.TemporaryDirectory(prefix="davy-oracle-") as folder:
        for seed in seeds:
            case = case_of(seed)
            ours, theirs = run_case(davy, case, folder)
            if ours != theirs:
                report(davy, seed, case, minimise)
                return 1
    print(f"{len(seeds)} seeds agree")
    return 0


def report(davy, seed, case, minimise):
    kept = Path(tempfile.mkdtemp(prefix=f"davy-seed-{seed}-"))
    if minimise:
        case = smallest(davy, case, kept)
    ours, theirs = run_case(davy, case, kept)
    (kept / "davy.ndjson").write_text("\n".join(ours) + "\n", encoding="utf-8")
    (kept / "oracle.ndjson").write_text("\n".join(theirs) + "\n", encoding="utf-8")
    print(f"seed {seed} differs, kept in {kept}")
    show(ours, theirs, ("davy", "oracle"))


# ------------------------------------------------------------------------------------------------------- minimising

def smallest(davy, case, folder):
    """Takes away rows, rules, levels, points and keys for as long as the same kind of difference stays."""
    kind = failure(davy, case, folder)
    shrunk = True
    while shrunk:
        shrunk = False
        for smaller in smaller_cases(case):
            if failure(davy, smaller, folder) == kind:
                case, shrunk = smaller, True
                break
    return case


def smaller_cases(case):
    """Every case with one thing less, the largest things first."""
    yield from without_rows(case)
    for at in range(len(case["site"]["rules"])):
        yield without(case, "rules", at)
    for at in range(len(case["site"]["points"])):
        yield without(case, "points", at)
    for at, rule in enumerate(case["site"]["rules"]):
        if len(rule["levels"]) > 1:
            for level in range(len(rule["levels"])):
                smaller = copy.deepcopy(case)
                del smaller["site"]["rules"][at]["levels"][level]
                yield smaller
        yield from without_keys(case, lambda site, at=at: site["rules"][at], {"id", "levels"})
        yield from simpler(case, lambda site, at=at: site["rules"][at], ["unless"])
        for level in range(len(rule["levels"])):
            place = lambda site, at=at, level=level: site["rules"][at]["levels"][level]
            yield from without_keys(case, place, {"level", "when"})
            yield from simpler(case, place, ["when", "clear"])
    for at in range(len(case["site"]["points"])):
        yield from without_keys(case, lambda site, at=at: site["points"][at], {"id"})


def without_rows(case):
    """Halves of the rows, quarters, … single rows."""
    for number, trace in enumerate(case["traces"]):
        size = len(trace["rows"])
        while size >= 1:
            for start in range(0, len(trace["rows"]), size):
                smaller = copy.deepcopy(case)
                del smaller["traces"][number]["rows"][start:start + size]
                smaller["traces"] = [trace for trace in smaller["traces"] if trace["rows"]]
                if smaller["traces"]:
                    yield smaller
            size //= 2


def without(case, what, at):
    smaller = copy.deepcopy(case)
    gone = smaller["site"][what].pop(at)["id"]
    for rule in smaller["site"]["rules"]:
        if gone in rule.get("suppressed_by", []):
            rule["suppressed_by"].remove(gone)
            if not rule["suppressed_by"]:
                del rule["suppressed_by"]
    for trace in smaller["traces"]:
        trace["rows"] = [row for row in trace["rows"]
                         if row.get("point") != gone and gone not in row.get("alarm", "").split(":")]
    smaller["traces"] = [trace for trace in smaller["traces"] if trace["rows"]]
    return smaller


def without_keys(case, place, needed):
    for key in set(place(case["site"])) - needed:
        smaller = copy.deepcopy(case)
        del place(smaller["site"])[key]
        yield smaller


def simpler(case, place, keys):
    """A condition replaced by one of its own parts."""
    for key in keys:
        for part in oracle_language.conditions_inside(place(case["site"]).get(key, "true")):
            smaller = copy.deepcopy(case)
            place(smaller["site"])[key] = part
            yield smaller


# ---------------------------------------------------------------------------------------------- hand-written cases

def compare_cases(davy, names):
    """Both davy and the oracle against what each case expects."""
    folders = sorted(folder for folder in (HERE / "cases").iterdir() if not names or folder.name in names)
    wrong = 0
    for folder in folders:
        site, traces = folder / "site.json", sorted(folder.glob("trace*"))
        expect = (folder / "expect.ndjson").read_text(encoding="utf-8").splitlines()
        for name, lines in (("davy", davy.replay(site, traces)), ("oracle", oracle_replay(site, traces))):
            if lines != expect:
                wrong += 1
                print(f"{folder.name}: {name} differs; {(folder / 'about.txt').read_text(encoding='utf-8').strip()}")
                show(expect, lines, ("expected", name))
    print(f"{len(folders)} cases, {wrong} differences")
    return 1 if wrong or not folders else 0


def seeds_of(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--davy", help="the davy binary")
    parser.add_argument("--seeds", type=seeds_of, help="a seed, or A-B")
    parser.add_argument("--shards", type=int, help="threads davy judges with")
    parser.add_argument("--minimise", action="store_true", help="shrink the case of a seed that differs")
    parser.add_argument("--cases", nargs="*", metavar="NAME", help="hand-written cases, all without a name")
    options = parser.parse_args()
    davy = Davy(options)
    result = 0
    if options.cases is not None:
        result |= compare_cases(davy, options.cases)
    if options.seeds is not None:
        result |= compare_seeds(davy, options.seeds, options.minimise)
    return result


if __name__ == "__main__":
    sys.exit(main())
