#!/usr/bin/env python3
"""centre: what the emergency centre's screen shows of the event feed.

Reads events, one JSON object a line, from standard input (a plain
mosquitto_sub) and prints each as one readable line, coloured by level when the
output is a terminal (or with --colour).  Repeats are dropped by (site, seq), as
every receiver of the feed has to.  With --summary it prints at the end how many
of each kind came.
"""

import collections
import datetime
import json
import os
import sys

COLOURS = {"red": "1;37;41", "orange": "1;30;48;5;208", "yellow": "1;30;43", "blue": "1;37;44"}
WORDS = {"red": "红 RED   ", "orange": "橙 ORANGE", "yellow": "黄 YELLOW", "blue": "蓝 BLUE  "}
QUIET = {"cleared": "32", "sighted": "36", "blind": "35", "eased": "33"}
EXTRAS = ("by", "comment", "cause", "measure")


def paint(text, colour, on):
    return f"\x1b[{colour}m{text}\x1b[0m" if on and colour else text


def local_time(text, zone):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.astimezone(zone).strftime("%H:%M:%S.%f")[:-3]


def line_of(event, colour, zone):
    level = event.get("level")
    kind = event["event"]
    badge = paint(f" {WORDS.get(level, '-- none  ')} ", COLOURS.get(level) if kind in ("raised", "worsened") else "90", colour)
    what = paint(f"{kind:<12}", QUIET.get(kind, "1"), colour)
    text = event.get("message") or event["alarm"]
    parts = [local_time(event["time"], zone), f"{event['site']}#{event['seq']:<4}", badge, what, text]
    if event.get("advice") and kind in ("raised", "worsened"):
        parts.append(paint(f"[{event['advice']}]", "1", colour))
    parts += [f"{key}: {event[key]}" for key in EXTRAS if event.get(key)]
    return "  ".join(parts)


def main():
    colour = "--colour" in sys.argv or (sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    seen = set()
    kinds = collections.Counter()
    try:
        for line in sys.stdin:
            try:
                event = json.loads(line)
                name = (event["site"], event["seq"])
                text = line_of(event, colour, None)
            except (ValueError, KeyError, TypeError) as fault:
                print(f"not an event: {line.strip()[:80]} ({fault})", file=sys.stderr)
                continue
            if name not in seen:
                seen.add(name)
                kinds[event["event"]] += 1
                print(text, flush=True)
    except KeyboardInterrupt:
        pass
    if "--summary" in sys.argv:
        print("heard: " + (", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "nothing"), flush=True)


if __name__ == "__main__":
    main()
