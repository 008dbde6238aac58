"""The random process behind the built-in world, day by day.

Each day, each stream of events arises from a background that comes in quiet and busy
spells and from what happened before (a discrete Hawkes process: Hawkes 1971,
Biometrika 58:83). Truces start more often where violence is high. While one is in
force it collapses each day with the probability :func:`collapse_hazard` gives for what
happened so far; then war returns in a surge.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from forecast.kinds import HOSTILE

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
Record = dict[str, int | bool | None]

#: days after which an event counts half in the hazard and in what it sets off
HALF_LIFE = 14.0
#: log hazard: per log(1 + decayed count), per log(1 + age / 30), or if true
COEFFICIENTS = {
    "intercept": -5.45,
    "strikes": 1.0,
    "offensives": 0.7,
    "outsiders": 0.8,
    "talks": -0.8,
    "age": -0.35,
    "mediated": -0.25,
    "enforcement": -0.4,
}
#: the highest daily hazard there is
CAP = 0.2


class Channel(NamedTuple):
    """One stream of events: daily rates, and how deadly they are."""

    dyad: str
    war: float
    truce: float
    #: events this one sets off within its own stream, in war
    echo: float
    #: median deaths before rounding down; 0: nobody dies
    deaths: float


CHANNELS = {
    "strike": Channel("parties", 0.038, 0.014, 0.35, 1.2),
    "offensive": Channel("parties", 0.024, 0.005, 0.35, 5.0),
    "clash": Channel("parties", 0.064, 0.005, 0.35, 4.0),
    "violation": Channel("parties", 0.0, 0.020, 0.30, 0.6),
    "abuse": Channel("parties", 0.010, 0.002, 0.25, 1.5),
    "threat": Channel("parties", 0.006, 0.008, 0.20, 0.0),
    "rupture": Channel("parties", 0.001, 0.002, 0.10, 0.0),
    "talks": Channel("parties", 0.012, 0.024, 0.30, 0.0),
    "relief": Channel("parties", 0.002, 0.006, 0.10, 0.0),
    "outsiders": Channel("outsiders", 0.022, 0.022, 0.35, 1.6),
    "neighbours": Channel("neighbours", 0.018, 0.018, 0.35, 1.6),
    "deal": Channel("parties", 0.0, 0.0, 0.0, 0.0),
}
NAMES = list(CHANNELS)
#: events of one stream that an event of another sets off, in war
SETS_OFF = {
    ("strike", "clash"): 0.10,
    ("strike", "threat"): 0.10,
    ("strike", "violation"): 0.10,
    ("offensive", "clash"): 0.20,
    ("offensive", "abuse"): 0.10,
    ("clash", "strike"): 0.05,
    ("outsiders", "offensive"): 0.05,
    ("outsiders", "threat"): 0.10,
    ("threat", "rupture"): 0.10,
    ("talks", "relief"): 0.20,
}
WAR, TRUCE, CALM = 0, 1, 2
REASONS = ("ongoing", "collapsed", "expired", "other", "unclear")
#: the streams that drive the hazard, in the order of its arguments
DRIVERS = ("strike", "offensive", "outsiders", "talks")
TERMS = (30, 60, 90, 180)
#: what is known of each truce, in days since the first; ``reason`` points to REASONS
RECORD = {
    "conflict": pl.Int64,
    "number": pl.Int64,
    "start": pl.Int64,
    "end": pl.Int64,
    "reason": pl.Int64,
    "mediated": pl.Boolean,
    "enforcement": pl.Boolean,
    "term": pl.Int64,
}
BUSY, QUIET = 2.8, 0.4  # pace of a stream in its busy and quiet spells
#: while a truce holds, attacks of the parties kill this share of what they do in war
RESTRAINT = 0.4


def collapse_hazard(
    strikes: ArrayLike,
    offensives: ArrayLike,
    outsiders: ArrayLike,
    talks: ArrayLike,
    age_days: ArrayLike,
    mediated: ArrayLike = False,
    enforcement: ArrayLike = False,
) -> Array:
    """Probability that a truce still in force collapses today.

    ``exp`` of a linear predictor with the weights of ``COEFFICIENTS``, at most ``CAP``.

    Parameters
    ----------
    strikes, offensives, outsiders, talks : array_like
        Decayed counts (>= 0) of the parties' strikes, offensives and talks, and of
        the outsiders' fighting: each event before today counts
        ``0.5 ** (days since / 14)``.
    age_days : array_like
        Days since the start of the truce, from 1.
    mediated, enforcement : array_like of bool
        Whether the truce has a mediator, and a body that watches over it.

    Returns
    -------
    ndarray
        Daily hazard in (0, ``CAP``], in the shape to which the inputs broadcast.

    Examples
    --------
    >>> collapse_hazard(0, 0, 0, 0, age_days=[1, 60]).round(4)
    array([0.0042, 0.0029])
    >>> collapse_hazard([0, 3], 0, 0, 0, age_days=60).round(4)
    array([0.0029, 0.0117])
    """
    b = COEFFICIENTS
    predictor = (
        b["intercept"]
        + b["strikes"] * np.log1p(strikes)
        + b["offensives"] * np.log1p(offensives)
        + b["outsiders"] * np.log1p(outsiders)
        + b["talks"] * np.log1p(talks)
        + b["age"] * np.log1p(np.asarray(age_days) / 30.0)
        + b["mediated"] * np.asarray(mediated)
        + b["enforcement"] * np.asarray(enforcement)
    )
    return np.asarray(np.minimum(CAP, np.exp(predictor)), dtype=np.float64)


class Run:
    """The world as it unfolds: one array entry a conflict, and a diary by day."""

    #: what a morning's state consists of
    state: tuple[str, ...] = (
        "base",
        "phase",
        "since",
        "memory",
        "busy",
        "surge",
        "mediated",
        "enforcement",
        "term",
    )

    def __init__(self, rng: np.random.Generator, days: int, conflicts: int) -> None:
        shape = (days, conflicts, len(NAMES))
        self.days, self.conflicts = days, conflicts
        self.chance = rng.random(shape, dtype=np.float32)  # of an event
        self.turn = rng.random(shape, dtype=np.float32)  # of a busy or quiet spell
        self.luck = rng.random((days, conflicts, 6))  # of phases and truces
        size = np.exp(rng.normal(0, 0.35, (conflicts, 1)))
        war, truce = (np.array([c[i] for c in CHANNELS.values()]) for i in (1, 2))
        peak = np.maximum(np.maximum(war, truce), 1e-9)
        self.base = size * peak
        self.level = np.stack([war, truce, truce]) / peak  # by phase, share of base
        self.spread = _spread()
        self.drivers = [NAMES.index(name) for name in DRIVERS]
        self.fierce = np.isin(NAMES, HOSTILE)
        self.phase = np.full(conflicts, WAR)
        self.since = np.full(conflicts, -60)  # days in this phase
        self.memory = np.zeros(shape[1:])  # decayed counts as of the morning
        self.busy = np.zeros(shape[1:], dtype=bool)
        self.surge = np.zeros(conflicts)
        self.mediated = np.zeros(conflicts, dtype=bool)
        self.enforcement = np.zeros(conflicts, dtype=bool)
        self.term = np.zeros(conflicts, dtype=np.int64)  # 0: none
        self.number = np.zeros(shape[:2], dtype=np.int64)  # truces begun so far
        self.hazard = np.full(shape[:2], np.nan)
        self.reason = np.zeros(conflicts, dtype=np.int64)  # of the truce ended today
        self.quiet = np.zeros(shape[:2], dtype=bool)  # truce or calm, by day
        self.happened = np.zeros(shape, dtype=bool)
        self.records: list[Record] = []
        self.latest: dict[int, Record] = {}

    def step(self, day: int) -> None:
        """Live one day: truces end or begin in the morning, then events happen."""
        self.since += 1
        self.number[day] = self.number[day - 1]
        self._end_truces(day)
        self._begin_truces(day)
        self.quiet[day] = self.phase != WAR
        self.busy ^= self.turn[day] < np.where(self.busy, 1 / 40, 1 / 110)
        pace = self.base * np.where(self.busy, BUSY, QUIET) + self.memory @ self.spread
        rate = pace * self.level[self.phase]
        rate *= 1 + self.surge[:, None] * self.fierce
        self.happened[day] |= self.chance[day] < -np.expm1(-rate)
        self.memory = 0.5 ** (1 / HALF_LIFE) * (self.memory + self.happened[day])
        self.surge *= 0.96

    def _end_truces(self, day: int) -> None:
        strikes, offensives, outsiders, talks = self.memory[:, self.drivers].T
        in_force = self.phase == TRUCE
        hazard = collapse_hazard(
            strikes,
            offensives,
            outsiders,
            talks,
            np.maximum(self.since, 0),
            self.mediated,
            self.enforcement,
        )
        self.hazard[day] = np.where(in_force, hazard, np.nan)
        fate = self.luck[day, :, 1]
        ways = [
            self.luck[day, :, 0] < hazard,
            self.since == self.term,
            fate < 1 / 900,
            fate < 1 / 500,
        ]
        reason = np.where(in_force, np.select(ways, [1, 2, 3, 4]), 0)
        self.reason = reason
        self._note_ends(day)
        self.surge[reason == 1] = 2.5
        self.happened[day, reason == 3, NAMES.index("deal")] = True
        self._enter(CALM, reason == 3)
        self._enter(WAR, (reason > 0) & (reason != 3))
        self._enter(WAR, (self.phase == CALM) & (self.since > 0) & (fate < 1 / 150))

    def _note_ends(self, day: int) -> None:
        for i in np.flatnonzero(self.reason):
            self.latest[int(i)] |= {"end": day, "reason": int(self.reason[i])}

    def _begin_truces(self, day: int) -> None:
        # the fiercer the war, the likelier a truce: the followed ones are selected
        violence = self.memory @ self.fierce
        luck, mediator, watch, limit = self.luck[day, :, 2:].T
        begins = (self.phase == WAR) & (self.since >= 30) & (luck < 0.0008 * violence)
        self._enter(TRUCE, begins)
        self.number[day] += begins
        self.happened[day, begins, NAMES.index("deal")] = True
        self.mediated = np.where(begins, mediator < 0.4, self.mediated)
        self.enforcement = np.where(begins, watch < 0.3, self.enforcement)
        self.term = np.where(begins, self._terms(limit), self.term)
        for i in np.flatnonzero(begins).tolist():
            self.latest[i] = {
                "conflict": i,
                "number": int(self.number[day, i]),
                "start": day,
                "end": None,
                "reason": 0,
                "mediated": bool(self.mediated[i]),
                "enforcement": bool(self.enforcement[i]),
                "term": int(self.term[i]) or None,
            }
            self.records.append(self.latest[i])

    def _terms(self, luck: Array) -> Counts:
        terms = np.array([*TERMS, *[0] * 10])
        return np.asarray(terms[(luck * len(terms)).astype(int)])

    def _enter(self, phase: int, where: Flags) -> None:
        self.phase[where] = phase
        self.since[where] = 0


def _spread() -> Array:
    """How many events a day each decayed event sets off, from row to column."""
    spread = np.diag([c.echo for c in CHANNELS.values()])
    for (cause, effect), count in SETS_OFF.items():
        spread[NAMES.index(cause), NAMES.index(effect)] = count
    decay = 0.5 ** (1 / HALF_LIFE)
    # scaled so that the weights of one event add up to 1 over all later days
    return np.asarray(spread * (1 - decay) / decay, dtype=np.float64)
