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


class Alarm:
    """One alarm: one rule at one point, or at one group of points."""

    def __init__(self, rule, name, points, group=None):
        self.rule, self.points, self.group = rule, points, group
        self.name = f"{rule.id}:{name}"
        self.states = {point.id: [LevelState() for _ in rule.levels] for point in points}
        self.held_back = {point.id: False for point in points}          # unless: unknown at first is false
        self.level = 0                                                  # rank; 0 is none
        self.occurrence = self.acked = self.left = self.peak = 0        # left: the level it was cleared from
        self.shelf_end = None
        self.blind = self.suppressed = False                            # as told by events
        # The alarm's time: judged is the latest judgement; (from_time, from_clock) the latest sample and when it came.
        self.judged = self.told = -math.inf
        self.from_time = self.from_clock = None

    def shared(self, key):
        """A point's hazard or kind; for a group only when all its points agree."""
        found = {point.entry.get(key) for point in self.points}
        return found.pop() if len(found) == 1 else None

    def time_at(self, clock):
        """Between samples an alarm's time goes on with the clock, from the time of its latest sample."""
        return clock if self.from_time is None else self.from_time + (clock - self.from_clock)

    def next_due(self):
        """The alarm's time at which its next delay runs out, or None.  What is due already waits for a judgement."""
        dues = [state.due(level) for states in self.states.values()
                for level, state in zip(self.rule.levels, states)]
        return min((due for due in dues if due is not None and due > self.judged), default=None)

    def entered_rank(self, point):
        return max((level.rank for level, state in zip(self.rule.levels, self.states[point.id]) if state.entered),
                   default=0)

    def rank_held(self, points):
        """The highest level held: of its one point, or by as many of the points given as the vote asks for."""
        ranks = sorted((self.entered_rank(point) for point in points), reverse=True)
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
