"""Worlds whose every cause is in the record: `rich`, and `changing`.

No conflict is fiercer than another by nature, no spell is busy and none quiet, truces
have no term, and ends that are unclear are known to the day. A truce collapses on the
day on which its deaths reach the threshold of :func:`forecast.collapse.resumption`, and
on no other: on a *decisive* day, when one attack kills as many as the threshold asks
for, or because the deaths of other days add up. So the risk on a morning is a function
of the events before it, which a model can learn whole.

In `rich` the chance of a decisive day is :func:`decisive_hazard` of the parties'
strikes, offensives, threats and talks, of attacks by outsiders, of attacks that were
answered, of the deaths in the rule's window, and of age. In `changing` it is the same
up to a day; from then on what the events do is turned round. Deaths and age keep their
part.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from forecast.simulated_process import (
    CALM,
    CAP,
    CHANNELS,
    HALF_LIFE,
    NAMES,
    REASONS,
    RESTRAINT,
    TRUCE,
    WAR,
    Array,
    Channel,
    Counts,
    Flags,
    Run,
)

#: streams of events; truces have more of them than in the default world, and what an
#: event sets off, the same as there, it sets off in a truce as well as in war
STREAMS = CHANNELS | {
    "strike": Channel("parties", 0.038, 0.020, 0.35, 1.2),
    "offensive": Channel("parties", 0.024, 0.008, 0.35, 3.0),
    "clash": Channel("parties", 0.064, 0.008, 0.35, 4.0),
    "violation": Channel("parties", 0.0, 0.024, 0.30, 0.6),
    "threat": Channel("parties", 0.010, 0.020, 0.20, 0.0),
    "talks": Channel("parties", 0.012, 0.020, 0.30, 0.0),
    "outsiders": Channel("outsiders", 0.020, 0.020, 0.35, 1.6),
}
#: log hazard of a decisive day: what each driver adds for each unit above its usual
#: value; counts enter as log(1 + decayed count)
DRIVERS = {
    "strike": (0.9, 0.5),
    "offensive": (0.8, 0.25),
    "outsiders": (1.0, 0.4),
    "threat": (1.0, 0.4),
    "answers": (0.9, 0.6),
    "talks": (-1.2, 0.35),
}
#: the rest of it: a constant, share of the threshold that lies in the rule's window,
#: and log(1 + age / 30)
INTERCEPT, DEATHS, AGE = -5.5, 1.0, -0.4
#: attacks of one side on the other, and days within which one answers another
ATTACKS = ("strike", "offensive", "clash", "violation")
ANSWER_DAYS = 7
#: chance that the second side acts: of the parties, and of outsiders and neighbours
SECOND = {"parties": 0.45, "outsiders": 0.7, "neighbours": 0.7}
#: the rule: days of its window and of the level, its floor, and its share of the level
WINDOW, LEVEL_DAYS, FLOOR, SHARE = 30, 90, 5.0, 0.5
NEVER = 10**6


def decisive_hazard(
    counts: Mapping[str, ArrayLike],
    filled: ArrayLike,
    age_days: ArrayLike,
    flipped: ArrayLike = False,
) -> Array:
    """Probability that today is decisive for a truce, in the world `rich`.

    Parameters
    ----------
    counts : mapping of str to array_like
        By the names of ``DRIVERS``: decayed counts (>= 0), each event before today
        counting ``0.5 ** (days since / 14)``. ``answers`` are days on which a side
        attacked, and the other had within the seven days before.
    filled : array_like
        Deaths since the start and in the 29 days before today, over the threshold.
    age_days : array_like
        Days since the start, from 1.
    flipped : array_like of bool
        In the world `changing`: whether what the events do is turned round today.

    Returns
    -------
    ndarray
        Daily hazard in (0, ``CAP``].

    Examples
    --------
    >>> usual = {name: float(np.expm1(mean)) for name, (_, mean) in DRIVERS.items()}
    >>> states = usual | {"talks": 3.0}, usual, usual | {"threat": 3.0}
    >>> [round(float(decisive_hazard(state, 0.0, 30)), 4) for state in states]
    [0.0009, 0.0031, 0.0083]
    >>> [round(float(decisive_hazard(state, 0.0, 30, True)), 4) for state in states]
    [0.0107, 0.0031, 0.0012]
    """
    events = sum(
        (weight * (np.log1p(counts[name]) - usual))
        for name, (weight, usual) in DRIVERS.items()
    )
    predictor = (
        INTERCEPT
        + np.where(flipped, -1.0, 1.0) * events
        + DEATHS * np.asarray(filled)
        + AGE * np.log1p(np.asarray(age_days) / 30.0)
    )
    return np.asarray(np.minimum(CAP, np.exp(predictor)), dtype=np.float64)


class Legible(Run):
    """A world whose every cause is in the record; the kind `rich`, or `changing`."""

    state = (
        "phase",
        "since",
        "memory",
        "answers",
        "idle",
        "toll",
        "need",
        "until_flip",
    )

    def __init__(
        self, rng: np.random.Generator, days: int, conflicts: int, flip_day: int = NEVER
    ) -> None:
        super().__init__(rng, days, conflicts)
        self.rng = rng
        streams = STREAMS.values()
        self.rates = np.array([[c.war for c in streams], [c.truce for c in streams]])
        self.medians = np.array([c.deaths for c in streams])
        self.parties = np.array([c.dyad == "parties" for c in streams])
        self.second = np.array([SECOND[c.dyad] for c in streams])
        self.attacks = np.isin(NAMES, ATTACKS)
        self.until_flip = np.full(conflicts, flip_day)
        self.idle = np.full((conflicts, 2), NEVER)  # days since each side attacked
        self.answers = np.zeros(conflicts)  # decayed count as of the morning
        self.toll = np.zeros((conflicts, WINDOW))  # deaths in the truce, oldest first
        self.need = np.full(conflicts, FLOOR)  # the rule's threshold
        self.died = np.zeros((days, conflicts, len(NAMES)), dtype=np.int16)
        self.killed = np.zeros((days, conflicts))  # between the parties

    def step(self, day: int) -> None:
        """Live one day: exits and new truces in the morning, then events happen."""
        self.since += 1
        self.number[day] = self.number[day - 1]
        in_force, hazard = self.phase == TRUCE, self._hazard()
        self.hazard[day] = np.where(in_force, hazard, np.nan)
        self._end_truces(day)
        self._begin_truces(day)
        self.quiet[day] = self.phase != WAR
        held = in_force & (self.phase == TRUCE)
        self._act(day)
        self._kill(day, held & (self.luck[day, :, 0] < hazard))
        self._remember(day)
        self._collapse(day, held)
        self.until_flip -= 1

    def _in_window(self) -> Array:
        """Deaths that the rule's window of today holds already."""
        return np.asarray(self.toll[:, 1:].sum(axis=1))

    def _hazard(self) -> Array:
        counts = {n: self.memory[:, NAMES.index(n)] for n in DRIVERS if n in NAMES}
        return decisive_hazard(
            counts | {"answers": self.answers},
            self._in_window() / self.need,
            np.maximum(self.since, 0),
            self.until_flip <= 0,
        )

    def _end_truces(self, day: int) -> None:
        """By another exit, or unclear how; collapses come in the evening."""
        in_force, fate = self.phase == TRUCE, self.luck[day, :, 1]
        left = in_force & (fate < 1 / 900)
        unclear = in_force & ~left & (fate < 1 / 500)
        self.reason = np.where(left, REASONS.index("other"), 0)
        self.reason[unclear] = REASONS.index("unclear")
        self._note_ends(day)
        self.happened[day, left, NAMES.index("deal")] = True
        self._enter(CALM, left)
        self._enter(WAR, unclear)
        self._enter(WAR, (self.phase == CALM) & (self.since > 0) & (fate < 1 / 150))

    def _begin_truces(self, day: int) -> None:
        super()._begin_truces(day)
        begun = (self.phase == TRUCE) & (self.since == 0)
        before = self.killed[max(0, day - LEVEL_DAYS) : day, begun].sum(axis=0)
        level = before * WINDOW / LEVEL_DAYS
        self.need[begun] = np.maximum(FLOOR, SHARE * level)
        self.toll[begun] = 0

    def _terms(self, luck: Array) -> Counts:
        return np.zeros(luck.shape, dtype=np.int64)

    def _act(self, day: int) -> None:
        """Events of the day, as events before it and the phase make them likely."""
        rate = self.rates[np.minimum(self.phase, TRUCE)] + self.memory @ self.spread
        self.happened[day] |= self.chance[day] < -np.expm1(-rate)

    def _kill(self, day: int, decisive: Flags) -> None:
        """Deaths of the day; a decisive attack kills once to twice the threshold."""
        attack = NAMES.index("offensive")
        self.happened[day, decisive, attack] = True
        where, stream = np.nonzero(self.happened[day])
        held_back = (self.phase[where] != WAR) & self.parties[stream]
        median = np.where(held_back, RESTRAINT, 1.0) * self.medians[stream]
        size = median * np.exp(self.rng.normal(0, 1, len(where)))
        self.died[day, where, stream] = np.minimum(500, size)
        excess = self.rng.uniform(1, 2, decisive.sum())
        self.died[day, decisive, attack] = np.ceil(excess * self.need[decisive])

    def _remember(self, day: int) -> None:
        """What this day adds to counts, answers, and deaths in the window."""
        decay = 0.5 ** (1 / HALF_LIFE)
        acts = self.happened[day]
        self.memory = decay * (self.memory + acts)
        second = self.turn[day] < self.second
        struck = acts & self.attacks
        sides = np.column_stack(
            [(struck & ~second).any(axis=1), (struck & second).any(axis=1)]
        )
        self.idle += 1
        answered = sides & (self.idle[:, ::-1] <= ANSWER_DAYS)
        self.answers = decay * (self.answers + answered.sum(axis=1))
        self.idle[sides] = 0
        self.killed[day] = (self.died[day] * self.parties).sum(axis=1)
        self.toll[:, :-1] = self.toll[:, 1:]
        self.toll[:, -1] = self.killed[day] * (self.since > 0)

    def _collapse(self, day: int, held: Flags) -> None:
        """End truces whose window of deaths has reached the threshold."""
        reached = held & (self.toll.sum(axis=1) >= self.need)
        self.reason[reached] = REASONS.index("collapsed")
        self._note_ends(day)
        self._enter(WAR, reached)
