"""What the oracle keeps of an alarm: its levels at each point with their delays, its time, and what was told of it.

Deciding when any of it changes is in davy_oracle.py.
"""

import math


class LevelState:
    """One level at one point: the last known truth of both conditions and since when, and whether it is entered."""

    def __init__(self):
        self.entered = False
        self.last_step = -math.inf
        self.when_since = self.clear_since = None       # None: the last known truth is false

    def due(self, level):
        """When the next step is due, or None.  A delay starts no earlier than the level's last step."""
        if not self.entered:
            since, delay = self.when_since, level.on_delay
        else:
            since, delay = self.clear_since, level.off_delay
        return None if since is None else max(since, self.last_step) + delay

    def step(self, time):
        self.entered = not self.entered
        self.last_step = time


class Place:
    """A rule at one point: its levels there, `unless`, and how time goes here.

    judged is the latest judgement; from_time, from_clock the latest sample and when it was taken in."""

    def __init__(self, rule, point):
        self.rule, self.point = rule, point
        self.states = [LevelState() for _ in rule.levels]
        self.held_back = False                           # unless: unknown at first is false
        self.judged = -math.inf
        self.from_time = self.from_clock = None

    def time_at(self, clock):
        """Between samples an alarm's time goes on with the clock, from the time of its latest sample."""
        return clock if self.from_time is None else self.from_time + (clock - self.from_clock)

    def next_due(self):
        """The time here at which the next delay runs out, or None.  What is due already waits for a judgement."""
        dues = [state.due(level) for level, state in zip(self.rule.levels, self.states)]
        return min((due for due in dues if due is not None and due > self.judged), default=None)

    def next_due_clock(self):
        """The same on the clock."""
        due = self.next_due()
        return due if due is None or self.from_time is None else self.from_clock + (due - self.from_time)

    def end_delays(self, due):
        """Steps every level whose delay runs out at that moment."""
        for level, state in zip(self.rule.levels, self.states):
            if state.due(level) == due:
                state.step(due)
        self.judged = due

    def rank_held(self):
        """The highest level entered; 0 for none."""
        return max((level.rank for level, state in zip(self.rule.levels, self.states) if state.entered), default=0)


class Alarm:
    """One alarm: one rule at one point, or at one group of points."""

    def __init__(self, rule, name, points, group=None):
        self.rule, self.points, self.group = rule, points, group
        self.name = f"{rule.id}:{name}"
        self.places = [Place(rule, point) for point in points]
        self.level = 0                                                  # rank; 0 is none
        self.occurrence = self.acked = self.left = self.peak = 0        # left: the level it was cleared from
        self.shelf_end = None
        self.in_service = True
        self.blind = self.suppressed = False                            # as told by events
        self.told = -math.inf                                           # time of its latest event

    def shared(self, key):
        """A point's hazard or kind; for a group only when all its points agree."""
        found = {point.entry.get(key) for point in self.points}
        return found.pop() if len(found) == 1 else None

    def rank_held(self):
        """The highest level held: of its one point, or by as many points as the vote asks for."""
        ranks = sorted((place.rank_held() for place in self.places), reverse=True)
        needed = self.rule.entry["vote"]["at_least"] if self.group is not None else 1
        return ranks[needed - 1] if len(ranks) >= needed else 0


def alarms_of(rule, points):
    """One alarm per point selected; with vote one per group, which stands where its first point stands."""
    selected = [point for point in points if rule.selects(point)]
    if "vote" not in rule.entry:
        return [Alarm(rule, point.id, [point]) for point in selected]
    groups = {}
    for point in selected:
        if rule.group_of(point) is not None:             # points without the tag belong to no group
            groups.setdefault(rule.group_of(point), []).append(point)
    return [Alarm(rule, group, members, group) for group, members in groups.items()]
