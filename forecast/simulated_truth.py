"""The true risk of collapse in the built-in world, by living on from each origin.

The hazard of a day is known, but a risk over weeks depends on events still to come and,
where deaths decide, on how many die in them. So the state of the world on the morning
of an origin is copied many times, each copy lives on with chances of its own, and the
share of copies that collapse within a horizon is the risk: as exact as the copies are
many, and without bias at any number.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecast.schema import Events, Panel
from forecast.simulated import world
from forecast.simulated_kinds import begin
from forecast.simulated_legible import Legible
from forecast.simulated_process import (
    CHANNELS,
    REASONS,
    RESTRAINT,
    TRUCE,
    Array,
    Flags,
    Run,
)

#: copies that live at once: memory stays below half a gigabyte
AT_ONCE = 20_000
PARTIES = np.array([c.dyad == "parties" for c in CHANNELS.values()])
MEDIAN = np.array([c.deaths for c in CHANNELS.values()])
LEAVES = [REASONS.index(reason) for reason in ("expired", "other")]


def true_risk(
    panel: dy.DataFrame[Panel],
    *,
    seed: int,
    conflicts: int,
    years: int,
    first: date = date(2000, 1, 1),
    kind: str | None = "default",
    flip: float = 0.5,
    horizons: Sequence[int] = (7, 14, 30, 90),
    window_days: int = 30,
    draws: int = 100,
) -> pl.DataFrame:
    """Probability that each truce reaches its threshold of deaths within each horizon.

    A truce that expires, or ends otherwise, before it collapses has left: a competing
    exit. An end that is recorded as unclear only hides what follows, so in the copies
    no truce ends that way.

    Parameters
    ----------
    panel : dy.DataFrame[Panel]
        Origins of the world of these settings, with the thresholds of a rule that
        counts deaths since the start in a trailing window.
    seed, conflicts, years, first, kind, flip
        Of the world, as in :func:`forecast.simulated.world`.
    horizons : sequence of int
        Days, ascending.
    window_days : int
        Window of the rule.
    draws : int
        Copies of the world at each origin.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``origin``, ``horizon``, ``risk``; sorted. The error of a risk
        ``p`` has the variance ``p (1 - p) / draws``.

    Examples
    --------
    >>> from forecast.collapse import resumption
    >>> from forecast.panel import panel
    >>> settings = {"seed": 3, "conflicts": 2, "years": 3}
    >>> small = world(**settings)
    >>> rows, _ = panel(small.truces, small.events, small.covered_through, resumption)
    >>> found = true_risk(rows, **settings, draws=10)
    >>> found.columns, found.height == 4 * rows.height
    (['truce_id', 'origin', 'horizon', 'risk'], True)
    """
    lived = world(seed, conflicts, years, first, kind, flip)
    rows = panel.sort("truce_id", "origin")
    days = (lived.covered_through - first).days + 1
    whole = begin(kind, np.random.default_rng(seed), days, conflicts, flip)
    states, own = _states(rows, whole, first)
    past = _deaths_before(rows, lived.events, window_days)
    threshold = rows["threshold"].to_numpy()
    rng = np.random.default_rng([seed, draws])
    risk = np.empty((rows.height, len(horizons)))
    for part in _batches(rows.height, draws):
        copies = np.repeat(part, draws)
        run = begin(kind, rng, horizons[-1], len(copies), flip)
        for name, values in states.items():
            setattr(run, name, values[copies])
        day = _lived_on(run, own[copies], past[copies], threshold[copies], rng).reshape(
            len(part), draws
        )
        for i, horizon in enumerate(horizons):
            risk[part, i] = (day < horizon).mean(axis=1)
    return pl.concat(
        rows.select(
            "truce_id",
            "origin",
            pl.lit(horizon, pl.Int32).alias("horizon"),
            pl.Series("risk", risk[:, i]),
        )
        for i, horizon in enumerate(horizons)
    ).sort("truce_id", "origin", "horizon")


def _batches(n: int, draws: int) -> Iterator[NDArray[np.int64]]:
    size = max(1, AT_ONCE // draws)
    for first in range(0, n, size):
        yield np.arange(first, min(first + size, n))


def _states(
    rows: pl.DataFrame, run: Run, first: date
) -> tuple[dict[str, Array], Flags]:
    """State of each row's conflict on its morning, and whether its truce is in force.

    The world is lived through once more in ``run``, to the last morning asked for.
    """
    day = (rows["origin"] - first).dt.total_days().to_numpy()
    ids = rows["truce_id"].str.split("-")
    conflict = ids.list.get(1).cast(pl.Int64).to_numpy() - 1
    number = ids.list.get(2).cast(pl.Int64).to_numpy()
    found = {
        name: np.empty((rows.height, *now.shape[1:]), now.dtype)
        for name, now in ((name, getattr(run, name)) for name in run.state)
    }
    own = np.zeros(rows.height, dtype=bool)
    order = np.argsort(day, kind="stable")
    mornings, starts = np.unique(day[order], return_index=True)
    today = dict(zip(mornings.tolist(), np.split(order, starts[1:]), strict=True))
    for morning in range(int(day.max(initial=-1)) + 1):
        here = today.get(morning)
        if here is not None:
            for name in run.state:
                found[name][here] = getattr(run, name)[conflict[here]]
            # the row's truce is the conflict's latest, and it has not ended yet
            latest = run.number[morning - 1, conflict[here]] == number[here]
            own[here] = (run.phase[conflict[here]] == TRUCE) & latest
        run.step(morning)
    return found, own


def _deaths_before(
    rows: pl.DataFrame, events: dy.DataFrame[Events], window_days: int
) -> Array:
    """Deaths of the dyad since the start on each of the last days, oldest first."""
    daily = events.group_by("dyad_id", day="date").agg(pl.col("deaths").sum())
    # the days of each window, and not all days of each dyad: ten thousands of rows
    # would meet thousands of days
    pairs = (
        rows.select("dyad_id", "start", "origin")
        .with_row_index("row")
        .join(pl.DataFrame({"ago": range(1, window_days)}), how="cross")
        .with_columns(day=pl.col("origin") - pl.duration(days="ago"))
        .filter(pl.col("day") > pl.col("start"))
        .join(daily, on=["dyad_id", "day"])
    )
    past = np.zeros((rows.height, window_days))
    column = window_days - pairs["ago"].to_numpy()
    past[pairs["row"].to_numpy(), column] = pairs["deaths"].to_numpy()
    return past


def _lived_on(
    run: Run, own: Flags, past: Array, threshold: Array, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Day from the origin, from 0, on which each copy collapses; all days if none."""
    copies, days = len(own), run.days
    # the copies keep no records
    run.latest = defaultdict(dict)
    # an end that is unclear hides what follows, and changes nothing
    fate = run.luck[:, :, 1]
    fate[(fate >= 1 / 900) & (fate < 1 / 500)] = 1.0
    window = past.copy()
    fell, left = np.full(copies, days), np.zeros(copies, dtype=bool)
    for day in range(days):
        run.step(day)
        # what falls out of the window makes room for today
        window[:, day % window.shape[1]] = _deaths_today(run, day, rng)
        reached = window.sum(axis=1) >= threshold
        fell[reached & ~left & (fell == days)] = day
        left |= own & np.isin(run.reason, LEAVES)
        own = own & (run.reason == 0)
    return fell


def _deaths_today(run: Run, day: int, rng: np.random.Generator) -> Array:
    """Deaths between the parties, as the world draws them for its events."""
    if isinstance(run, Legible):
        return np.asarray(run.killed[day])
    copy, channel = np.nonzero(run.happened[day] & PARTIES)
    restrained = np.where(run.quiet[day, copy], RESTRAINT, 1.0)
    luck = np.exp(rng.normal(0, 1, len(copy)))
    died = np.floor(np.minimum(500, MEDIAN[channel] * restrained * luck))
    return np.bincount(copy, died, minlength=run.conflicts).astype(np.float64)
