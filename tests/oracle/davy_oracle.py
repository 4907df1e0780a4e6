#!/usr/bin/env python3
"""A plain, slow model of `davy replay SITE TRACE...`, written from the contract alone.

It shares nothing with the C sources, neither code nor structure: everything is recomputed from the kept samples, and
each piece names, in our own words, the sentence of the contract it stands for.  tests/oracle/compare.py holds the two
against each other.  Python's standard library only; sums are exact (math.fsum).  points_csv and include are not read.

Where the contract leaves something open, this model takes what a user would expect:

 1. An alarm's time is that of its latest sample, going on at the clock's pace from when that was taken in: a delay of
    10 s begun by a sample of 12:00:00 that came at 12:00:05 ends when the clock is 12:00:15, and its event says
    12:00:10.  Latest is the one taken in last, of any point the alarm is judged at.
 2. A sample older than what its alarm has already been judged at (a delay ended since, a whole second) is judged at
    that time; mere passing of the clock does not age it.
 3. A sample ahead of the alarm's running time first lets the delays of its alarms end that are due by its own time,
    moment by moment; they come before the events of the row.
 4. An act happens at its own time, a shelf ends at its end; what an alarm tells never carries a time before what it
    told already.  A shelf whose end is over when the act is taken in ends with the next progress of the clock.
 5. A row that is set aside (unknown point or alarm, a text for a value) does not move the clock.  A `seen` before the
    clock counts as the clock.
 6. A sample of the same time as the newest does not put off staleness, and a late one does not either.
 7. In a group each point has its own time (delays run per point), and is judged at its own samples, at those of points
    named all are; the group's events carry the latest time of any of its points.
 8. `unless` of a rule with `vote`: the group is held back while it is true at all of its points.
 9. A level whose delay is 0 steps only when judged; after a step it steps again at the next judgement at the earliest.
10. The whole second at which a replay starts is not judged; alarms without a sample yet are judged at the clock.
11. Several points becoming stale at one moment are one judgement for an alarm that reads them all.
12. A cause's end or begin is told (`suppressed`, `unsuppressed`) at the suppressed alarm's own place in the order when
    that is still to come, otherwise directly after the cause's events; its time is that of its own `raised`, or else
    of the cause's event.
13. status(...) of a point not heard of is false for every flag, and for 'good'.
14. count, changes and all other windows are unknown when empty, eta_* is infinite (fewer than 3 samples).
15. An unknown limit makes eta_* unknown before anything else.
16. `unacked` comes when an alarm goes from a level that is acknowledged to one above; not again while it is
    unacknowledged anyway.
17. An acknowledgement of a returned alarm means, without `level`, the level it had when it was cleared.  An
    acknowledgement may not name a level above the highest of the occurrence.
18. A latched alarm whose condition is gone keeps its last level; if the condition comes back lower, it eases to that.
19. Acts other than `ack` are refused when they would change nothing: `unshelve` unless shelved, `close` of an alarm
    never raised, `out-of-service` twice, `shelve` without an end ahead (its reason is asked for where operators act, not in a
    trace).  Shelving again gives a new end.  Closing changes no state.
20. `when` of eased and cleared is the `clear` of the level the alarm had before.
21. `advice` is the rule's, or else that of the hazard; `message` and `advice` are in every event of the alarm.
22. In a message {hazard} is the hazard's id; every missing thing prints as a dash; {name} of a group is its name.
"""

import math
import re
import sys

import oracle_input
from oracle_alarm import alarms_of
from oracle_input import LEVELS, Sample, number_text, time_text
from oracle_language import Moment, duration_ms, evaluate

SKEW_MS = 60000


class Replay:
    """The whole replay: the clock, the points, the alarms in their order, and the events so far."""

    def __init__(self, site):
        self.site, self.points = site, site.points
        self.clock = None
        self.lines = []
        self.alarms = []
        for rule in site.rules:                          # in the order of the rules, then of the points
            self.alarms += alarms_of(rule, site.points.values())
        self.by_name = {alarm.name: alarm for alarm in self.alarms}

    # ----------------------------------------------------------------------------------------------------- rows

    def take(self, row):
        """One row: first what is due at or before its time, then the row itself."""
        if row.point is not None and row.point not in self.points:
            return                                       # set aside
        if row.act is not None and row.act.get("alarm") not in self.by_name:
            return
        # `seen`, or else the time, moves the clock, which starts at the first row and never goes back.
        received = row.seen if row.seen is not None else row.time
        if self.clock is None:
            self.clock = received
        self.advance(max(self.clock, received))
        if row.act is not None:
            self.act(row.act, row.time)
        elif row.point is not None:
            self.sample(self.points[row.point], row)

    def sample(self, point, row):
        """A sample: completed, then weighed against the newest of its point, then judged."""
        value, flags = row.value, set(row.flags)
        if value is not None and not math.isfinite(value):      # NaN and infinities: no value, flag sensor
            value = None
            flags.add("sensor")
        if value is None and not flags:                          # neither value nor flag
            flags.add("sensor")
        if value is not None and not point.low <= value <= point.high:
            flags.add("range")
        time = row.time
        if time > self.clock + SKEW_MS:                          # evaluated at its time of receipt
            time = self.clock
            flags.add("skew")
        if "late" in flags or point.samples and time <= point.samples[-1].time:
            return                                               # late, or of equal time: not evaluated
        concerned = self.judged_by({point})
        self.let_delays_end([place for _, places in concerned for place in places], time)
        point.samples.append(Sample(time, value, frozenset(flags)))
        point.heard_at, point.stale = self.clock, False
        for _, places in concerned:
            for place in places:
                now = max(time, place.judged)                    # for one alarm, time does not run backwards
                place.from_time, place.from_clock = now, self.clock
                self.judge(place, now)
        self.tell_all(concerned)

    def judged_by(self, changed):
        """The alarms judged when these points change, with the places to judge: all of them when a point is named by
        the rule's expressions, else those of the points that changed."""
        found = []
        for alarm in self.alarms:
            named = any(point.id in alarm.rule.named for point in changed)
            places = [place for place in alarm.places if named or place.point in changed]
            if places:
                found.append((alarm, places))
        return found

    # ---------------------------------------------------------------------------------------------------- the clock

    def advance(self, until):
        """Everything due up to and including `until`, instant by instant.  Within one instant: delays, staleness,
        shelf ends, whole seconds."""
        while True:
            instant = min(self.dues(), default=math.inf)
            if instant > until:
                break
            whole_second = instant == self.next_second()
            self.clock = max(self.clock, instant)
            self.end_delays([place for alarm in self.alarms for place in alarm.places
                             if place.next_due_clock() == instant])
            stale = {point for point in self.points.values() if point.stale_due() == instant}
            for point in stale:
                point.stale = True
            self.judge_now(self.judged_by(stale))
            for alarm in self.alarms:
                if alarm.shelf_end == instant:
                    alarm.shelf_end = None
                    self.tell(alarm, "unshelved", instant, level=alarm.level)
            if whole_second:
                self.judge_now([(alarm, alarm.places) for alarm in self.alarms if alarm.rule.uses_time])
        self.clock = until

    def dues(self):
        """Every coming deadline on the clock."""
        delays = (place.next_due_clock() for alarm in self.alarms for place in alarm.places)
        yield from (due for due in delays if due is not None)
        yield from (due for due in (point.stale_due() for point in self.points.values()) if due is not None)
        yield from (alarm.shelf_end for alarm in self.alarms if alarm.shelf_end is not None)
        if any(rule.uses_time for rule in self.site.rules):
            yield self.next_second()

    def next_second(self):
        """Rules that use age or unchanged() are judged at every whole second of the clock as well."""
        return (self.clock // 1000 + 1) * 1000

    def end_delays(self, places):
        """The delays that end next at these places, all at one instant: those of one alarm are one change."""
        for place in places:
            place.end_delays(place.next_due())
        self.tell_all([(alarm, alarm.places) for alarm in self.alarms if any(place in places for place in alarm.places)])

    def let_delays_end(self, places, until):
        """The delays here that end at or before a sample's time, moment by moment."""
        while True:
            due = min((place.next_due() for place in places if place.next_due() is not None), default=math.inf)
            if due > until:
                return
            self.end_delays([place for place in places if place.next_due() == due])

    # ----------------------------------------------------------------------------------------------------- judging

    def judge_now(self, concerned):
        """A judgement by the clock alone: at the time it is at each place."""
        for _, places in concerned:
            for place in places:
                now = max(place.time_at(self.clock), place.judged)
                if place.from_time is None:
                    place.from_time, place.from_clock = now, self.clock
                self.judge(place, now)
        self.tell_all(concerned)

    def judge(self, place, now):
        """Every level at this place: conditions that are known set their truth, unknown ones keep it and their delays;
        then a level takes at most one step."""
        place.judged = now
        moment = Moment(place.point, self.points, now)
        if place.rule.unless is not None:
            held = evaluate(place.rule.unless, moment)
            place.held_back = place.held_back if held is None else held
        for level, state in zip(place.rule.levels, place.states):
            when = evaluate(level.when, moment)
            if level.clear is not None:
                clear = evaluate(level.clear, moment)
            else:                                                # by default: when is false
                clear = None if when is None else not when
            state.when_since = since(state.when_since, when, now)
            state.clear_since = since(state.clear_since, clear, now)
            due = state.due(level)
            if due is not None and due <= now:
                state.step(now)

    # ------------------------------------------------------------------------------------------------------ telling

    def tell_all(self, judged, at=None):
        """The events of one row or one instant: alarm by alarm in their order; a change of suppression at the place of
        the alarm it concerns, or directly after its cause when that place has passed.  They carry the alarm's time, or
        `at`, an act's."""
        passed, causes = [], []
        judged = [alarm for alarm, _ in judged]
        for alarm in self.alarms:
            if alarm in judged:
                before = alarm.level
                self.tell_levels(alarm, at or max(place.judged for place in alarm.places))
                if (before == 0) != (alarm.level == 0):
                    causes.append(alarm)
            self.tell_suppression(alarm, causes)
            if causes and causes[-1] is alarm:
                for earlier in passed:
                    self.tell_suppression(earlier, causes)
            passed.append(alarm)

    def tell_levels(self, alarm, now):
        """sighted, the level event, unacked, blind: in this order."""
        before = alarm.level
        after = self.level_after(alarm)
        lost = self.input_lost(alarm)
        if before and alarm.blind and not lost:
            alarm.blind = False
            self.tell(alarm, "sighted", now, level=before)
        if after != before:
            self.tell_change(alarm, before, after, now)
        if after and lost and not alarm.blind:
            alarm.blind = True
            self.tell(alarm, "blind", now, level=after)

    def level_after(self, alarm):
        """The alarm's level is the highest entered, but `unless` holds back the step from none to some, and `latch`
        the step to none until the level the alarm has is acknowledged."""
        held = alarm.rank_held()
        if alarm.level == 0:
            return 0 if all(place.held_back for place in alarm.places) else held
        if held == 0 and alarm.rule.latch and alarm.acked < alarm.level:
            return alarm.level
        return held

    def input_lost(self, alarm):
        """Whether a point that when or clear reads by value, unchanged() or a window was heard of and is unknown."""
        watched = set()
        for name in alarm.rule.watched:
            watched |= set(alarm.points) if name is None else {self.points[name]}
        return any(point.samples and point.reading() is None for point in watched)

    def tell_change(self, alarm, before, after, now):
        alarm.level = after
        by_rank = {level.rank: level for level in alarm.rule.levels}
        if after == 0:                                           # cleared while blind: only cleared
            alarm.left, alarm.blind, alarm.suppressed = before, False, False
            self.tell(alarm, "cleared", now, level=before, when=by_rank[before].clear_text)
        elif before == 0:                                        # a new occurrence is unacknowledged
            alarm.occurrence, alarm.acked, alarm.left, alarm.peak = alarm.occurrence + 1, 0, 0, after
            self.tell(alarm, "raised", now, level=after, when=by_rank[after].when_text)
        elif after > before:
            alarm.peak = max(alarm.peak, after)
            self.tell(alarm, "worsened", now, level=after, when=by_rank[after].when_text)
            if before <= alarm.acked < after:
                self.tell(alarm, "unacked", now, level=after)
        else:
            self.tell(alarm, "eased", now, level=after, when=by_rank[before].clear_text)

    def tell_suppression(self, alarm, causes):
        """Suppressed while an alarm of one of the rules named is active for the same hazard; clearing ends it silently."""
        names, hazard = alarm.rule.entry.get("suppressed_by", []), alarm.shared("hazard")
        if not alarm.level or not names or hazard is None:
            return
        by = [cause for cause in self.alarms if cause.rule.id in names and cause.shared("hazard") == hazard]
        active = any(cause.level for cause in by)
        if active != alarm.suppressed:
            alarm.suppressed = active
            # Its own raise, or else the first of this row's causes that began, or the last that ended.
            times = [cause.told for cause in causes if cause in by and bool(cause.level) == active]
            time = alarm.told if causes[-1] is alarm else times[0] if active else times[-1]
            self.tell(alarm, "suppressed" if active else "unsuppressed", time, level=alarm.level)

    def tell(self, alarm, event, time, level, when=None, act=None):
        """One event.  Its time is not before what the alarm told before."""
        alarm.told = max(time, alarm.told)
        point = None if alarm.group is not None else alarm.points[0]
        level_name = LEVELS[level - 1] if level else None
        fields = {"v": 1, "site": self.site.id, "seq": len(self.lines) + 1, "event": event, "alarm": alarm.name,
                  "occurrence": alarm.occurrence or None, "level": level_name, "rule": alarm.rule.id,
                  "hazard": alarm.shared("hazard"), "kind": alarm.shared("kind"), "when": when,
                  "time": time_text(alarm.told), "status": "exercise"}
        if point is not None:
            fields |= {"point": point.id, "value": point.last_good_value(), "unit": point.entry.get("unit")}
        for key in ("by", "comment", "cause", "measure"):
            fields[key] = act.get(key) if act else None
        hazard = self.site.hazards.get(fields["hazard"], {})
        fields["advice"] = alarm.rule.entry.get("advice", hazard.get("advice"))
        if "message" in alarm.rule.entry:
            fields["message"] = message(alarm, point, fields)
        self.lines.append(oracle_input.event_line(fields))

    # --------------------------------------------------------------------------------------------------------- acts

    def act(self, act, time):
        """An operator's act, at its own time; one that is refused, as each is that names another occurrence,
        gives no event."""
        alarm, what = self.by_name[act["alarm"]], act["do"]
        if act.get("occurrence", alarm.occurrence) != alarm.occurrence:
            return
        if what == "ack":
            self.acknowledge(alarm, act, time)
        elif what == "shelve" and shelf_end(act, time) > time:
            alarm.shelf_end = shelf_end(act, time)
            self.tell(alarm, "shelved", time, level=alarm.level, act=act)
        elif what == "unshelve" and alarm.shelf_end is not None:
            alarm.shelf_end = None
            self.tell(alarm, "unshelved", time, level=alarm.level, act=act)
        elif what == "comment":
            self.tell(alarm, "commented", time, level=alarm.level, act=act)
        elif what == "close" and alarm.occurrence:
            self.tell(alarm, "closed", time, level=alarm.level, act=act)
        elif what in ("out-of-service", "in-service") and alarm.in_service == (what == "out-of-service"):
            alarm.in_service = not alarm.in_service
            self.tell(alarm, what.replace("-", "_"), time, level=alarm.level, act=act)

    def acknowledge(self, alarm, act, time):
        """By default the level of that moment.  A level already acknowledged, or never reached, is refused.  A latched
        alarm whose condition is gone is cleared by it."""
        level = LEVELS.index(act["level"]) + 1 if "level" in act else alarm.level or alarm.left
        if not alarm.occurrence or level <= alarm.acked or level > alarm.peak:
            return
        alarm.acked = level
        self.tell(alarm, "acked", time, level=level, act=act)
        self.tell_all([(alarm, alarm.places)], time)


def shelf_end(act, time):
    """A shelf always has an end: `until` a time, or `for` a while."""
    if "until" in act:
        return oracle_input.time_ms(act["until"])
    return time + duration_ms(act["for"]) if "for" in act else -math.inf


def since(before, truth, now):
    """Since when a condition has been true without a break: unknown keeps what was, false ends it."""
    if truth is None:
        return before
    return (now if before is None else before) if truth else None


def message(alarm, point, fields):
    """The rule's message with its places filled; a missing value prints as a dash."""
    given = {"name": (point.entry.get("name") or point.id) if point else alarm.group,
             "value": None if fields.get("value") is None else number_text(fields["value"])}
    given |= {key: fields.get(key) for key in ("unit", "level", "point", "rule", "hazard")}
    return re.sub(r"\{(\w+)\}", lambda place: (given[place.group(1)] or "–") if place.group(1) in given
                  else place.group(0), alarm.rule.entry["message"])


def replay(site, rows):
    """All event lines of a replay."""
    run = Replay(site)
    for row in rows:
        run.take(row)
    return run.lines


def main(arguments):
    if len(arguments) < 2:
        sys.exit("usage: davy_oracle.py SITE TRACE...")
    sys.stdout.reconfigure(encoding="utf-8")
    for line in replay(oracle_input.read_site(arguments[0]), oracle_input.read_traces(arguments[1:])):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
