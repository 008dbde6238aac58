"""The built-in world: simulated conflicts whose true hazard of collapse is known.

Every conflict has a government and rebels (one dyad), outsiders who fight the same
government and sign nothing (a second dyad), and neighbours who fight each other in
the same country (a third, of another conflict). How events and truces come about, and
the hazard itself, stand in :mod:`forecast.simulated_process`. Only the deaths after a
collapse show that it happened, as in the real records.

Three worlds of other kinds stand beside it, see :mod:`forecast.simulated_kinds`: one
in which much besides deaths foretells collapse, one in which nothing does, and one in
which the relations turn round half-way.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import dataframely as dy
import numpy as np
import polars as pl

from forecast.kinds import HOSTILE
from forecast.schema import CLASSES, SIDES, Events, Truces
from forecast.simulated_kinds import begin
from forecast.simulated_legible import Legible
from forecast.simulated_process import (
    CHANNELS,
    COEFFICIENTS,
    NAMES,
    REASONS,
    RECORD,
    RESTRAINT,
    Array,
    Counts,
    Flags,
    Run,
    collapse_hazard,
)

__all__ = ["COEFFICIENTS", "World", "collapse_hazard", "world"]


PURPOSES = ("humanitarian", "talks", "holiday", "withdrawal", "elections")


@dataclass(frozen=True)
class World:
    """What happened in a simulated world, and the truth behind it."""

    events: dy.DataFrame[Events]
    truces: dy.DataFrame[Truces]
    #: ``truce_id``, ``date``, ``hazard``: true daily hazard of collapse, from the day
    #: after the start to the end (its day included) or to the last day of the world;
    #: where the record has the month of the end only, to the end that happened; in
    #: worlds of other kinds than the default, hazard of a decisive day
    hazard: pl.DataFrame
    covered_through: date


def world(
    seed: int = 1,
    conflicts: int = 40,
    years: int = 12,
    first: date = date(2000, 1, 1),
    kind: str | None = "default",
    flip: float = 0.5,
) -> World:
    """Build the world of a seed, or return it if it was built before.

    Parameters
    ----------
    seed : int
        Seed of all randomness; the same settings give the same world.
    conflicts : int
        Number of conflicts, each in a country of its own.
    years : int
        Length in calendar years.
    first : date
        First day.
    kind : str or None
        `default`, or another of :mod:`forecast.simulated_kinds`: `rich`, `changing`,
        `null` (or None, which is how YAML reads that word).
    flip : float
        Share of the days after which the relations of `changing` turn round.

    Returns
    -------
    World
        Events and truces of one world, and the true hazard.

    Raises
    ------
    ValueError
        If there is not at least one conflict and one year, the kind is unknown, or
        the flip no share.

    Examples
    --------
    >>> small = world(seed=3, conflicts=2, years=3)
    >>> small.covered_through
    datetime.date(2002, 12, 31)
    >>> small.truces["name"][0]
    'Truce 1 of conflict 01'
    """
    if conflicts < 1 or years < 1:
        raise ValueError(
            "a simulated world needs at least 1 conflict and 1 year; "
            f"got conflicts={conflicts}, years={years}"
        )
    return _world(seed, conflicts, years, first, kind, flip)


@lru_cache(maxsize=4)
def _world(
    seed: int, conflicts: int, years: int, first: date, kind: str | None, flip: float
) -> World:
    after: date = pl.select(pl.lit(first).dt.offset_by(f"{years}y")).item()
    rng = np.random.default_rng(seed)
    run = begin(kind, rng, (after - first).days, conflicts, flip)
    for today in range(run.days):
        run.step(today)
    day, conflict = np.nonzero(~np.isnan(run.hazard))
    hazard = pl.DataFrame(
        {
            "conflict": conflict,
            "number": run.number[day, conflict],
            "date": _dates(first, day),
            "hazard": run.hazard[day, conflict],
        }
    ).select(_truce_id(), "date", "hazard")
    return World(
        events=_events(run, rng, first),
        truces=_truces(run, rng, first),
        hazard=hazard.sort("truce_id", "date"),
        covered_through=after - timedelta(1),
    )


def _dates(first: date, days: Counts) -> pl.Series:
    return pl.Series("date", np.datetime64(first, "D") + days)


def _two(column: str) -> pl.Expr:
    return (pl.col(column) + 1).cast(pl.String).str.zfill(2)


def _truce_id() -> pl.Expr:
    number = pl.col("number").cast(pl.String).str.zfill(2)
    return pl.format("truce-{}-{}", _two("conflict"), number).alias("truce_id")


def _named(what: str, gap: str = " ") -> pl.Expr:
    return pl.format(what + gap + "{}", _two("conflict"))


def _deaths(rng: np.random.Generator, channel: Counts, restrained: Flags) -> Array:
    """Heavy-tailed counts: rounded down from a log-normal with sigma 1."""
    median = np.array([c.deaths for c in CHANNELS.values()])[channel]
    median = np.where(restrained, RESTRAINT, 1.0) * median
    size = median * np.exp(rng.normal(0, 1, channel.size))
    return np.asarray(np.floor(np.minimum(500, size)))


def _told(best: Array) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "deaths": best,
            "deaths_low": np.floor(0.7 * best),
            "deaths_high": np.ceil(1.5 * best),
        }
    ).cast(pl.Int64)


def _events(run: Run, rng: np.random.Generator, first: date) -> dy.DataFrame[Events]:
    conflict, day, channel = np.nonzero(run.happened.transpose(1, 0, 2))
    stream = np.array(NAMES)[channel]
    centre = rng.uniform([-25, -80], [45, 120], (run.conflicts, 2))
    where = (centre[conflict] + rng.normal(0, 0.8, (day.size, 2))).round(4)
    outside = rng.choice(["strike", "offensive", "clash"], day.size, p=[0.3, 0.2, 0.5])
    strangers = np.isin(stream, ["outsiders", "neighbours"])
    # the second side acts: most fighting with outsiders is their attacks
    turned = rng.random(day.size) < np.where(strangers, 0.7, 0.45)
    deaths = _deaths(rng, channel, run.quiet[day, conflict] & ~strangers)
    if isinstance(run, Legible):
        turned = run.turn[day, conflict, channel] < run.second[channel]
        deaths = run.died[day, conflict, channel].astype(np.float64)
    raw = pl.DataFrame(
        {
            "conflict": conflict,
            "dyad": np.array([c.dyad for c in CHANNELS.values()])[channel],
            "kind": np.where(strangers, outside, stream),
            "date": _dates(first, day),
            "turned": turned,
            "latitude": where[:, 0],
            "longitude": where[:, 1],
        }
    )
    raw = pl.concat([raw, _told(deaths)], how="horizontal")
    nth = (pl.int_range(pl.len()).over("conflict") + 1).cast(pl.String).str.zfill(5)
    frame = raw.with_columns(
        event_id=pl.format("event-{}-{}", _two("conflict"), nth),
        known_from=pl.col("date") + timedelta(1),
        date_precision=pl.lit("day"),
        code=pl.col("kind"),
        system=pl.lit("simulated"),
        hostile=pl.col("kind").is_in(HOSTILE),
        country=_named("Country"),
        source=pl.lit("simulated"),
        **_sides(),
    )
    silent = [c for c in Events.column_names() if c not in frame.columns]
    frame = frame.with_columns(pl.lit(None).alias(c) for c in silent)
    return Events.validate(frame.select(Events.column_names()), cast=True)


def _sides() -> dict[str, pl.Expr]:
    """Who fights whom; neighbours belong to a conflict of their own."""
    dyad, turned = pl.col("dyad"), pl.col("turned")
    near = dyad == "neighbours"
    one = (
        pl.when(near).then(_named("Militia")).otherwise(_named("Government of Country"))
    )
    two = (
        pl.when(near)
        .then(_named("Herders"))
        .when(dyad == "outsiders")
        .then(_named("Outsiders"))
        .otherwise(_named("Rebels"))
    )
    suffered = pl.when(turned).then(one).otherwise(two)
    return {
        "conflict_id": pl.when(near)
        .then(_named("neighbours", "-"))
        .otherwise(_named("conflict", "-")),
        "dyad_id": pl.format("{}-{}", dyad, _two("conflict")),
        "actor_a": pl.when(turned).then(two).otherwise(one),
        "actor_b": pl.when(pl.col("kind") == "abuse")
        .then(_named("Civilians of Country"))
        .otherwise(suffered),
    }


def _truces(run: Run, rng: np.random.Generator, first: date) -> dy.DataFrame[Truces]:
    records = pl.DataFrame(run.records, schema=RECORD)
    start, end = (pl.lit(first) + pl.duration(days=c) for c in ("start", "end"))
    # nobody notes the day on which a truce peters out
    month = end.dt.truncate("1mo")
    vague = (pl.col("reason") == REASONS.index("unclear")) & (month > start)
    vague &= not isinstance(run, Legible)
    precision = pl.when(vague).then(pl.lit("month")).otherwise(pl.lit("day"))
    shut_out = pl.concat_list(_named("Outsiders"))
    frame = pl.concat([records, _drawn(rng, records.height)], how="horizontal")
    frame = frame.with_columns(
        _truce_id(),
        agreement_id=pl.format("agreement-{}-{}", _two("conflict"), "number"),
        name=pl.format("Truce {} of conflict {}", "number", _two("conflict")),
        conflict_id=_named("conflict", "-"),
        dyad_id=_named("parties", "-"),
        country=_named("Country"),
        start=start,
        start_precision=pl.lit("day"),
        end=pl.when(vague).then(month).otherwise(end),
        end_precision=pl.when(end.is_not_null()).then(precision),
        end_reason=pl.col("reason").replace_strict(
            dict(enumerate(REASONS)), return_dtype=pl.String
        ),
        parties=pl.concat_list(_named("Government of Country"), _named("Rebels")),
        excluded=pl.when("names_outsiders")
        .then(shut_out)
        .otherwise(shut_out.list.head(0)),
        term_days=pl.col("term"),
        source=pl.lit("simulated"),
    )
    frame = frame.sort("truce_id").select(Truces.column_names())
    return Truces.validate(frame, cast=True)


def _drawn(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """What a truce's text says, where that has no effect on the hazard."""
    wanted = rng.random((n, len(PURPOSES))) < 0.3
    purposes = [np.array(PURPOSES)[row].tolist() for row in wanted]
    return pl.DataFrame(
        {
            "side": rng.choice(SIDES, n, p=[0.3, 0.6, 0.1]),
            "class": rng.choice(CLASSES, n, p=[0.7, 0.2, 0.1]),
            "written": rng.random(n) < 0.6,
            "partial": rng.random(n) < 0.04,
            "names_outsiders": rng.random(n) < 0.6,
            "purposes": pl.Series(purposes, dtype=pl.List(pl.String)),
        }
    )
