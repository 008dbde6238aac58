"""When a truce broke, and its other exits.

A collapse rule is a function ``rule(truces, events, **settings)`` that returns one row
a truce: ``truce_id``, ``level`` (deaths of the dyad in the 90 days before the start,
per 30 days), ``threshold`` and ``collapse`` (the day, null while it holds). Its name
stands in the ``label`` column of everything that is scored by it.

Level and threshold are set by what was known on the morning after the start, so that
no later revision of the time before it can reach back into a forecast.
"""

from datetime import date

import dataframely as dy
import polars as pl

from forecast.schema import LAST_DAY, Events, Truces

EXITS = ("expired", "other")


def resumption(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    *,
    window_days: int = 30,
    share: float = 0.5,
    floor: float = 5,
    before_days: int = 90,
) -> pl.DataFrame:
    """Collapse when killing is back at half the pace from before the truce.

    With ``level`` deaths per ``window_days`` before the start, the truce collapses on
    the first day after its start on which the deaths since the start and within the
    last ``window_days`` days reach ``max(floor, share * level)``.

    Parameters
    ----------
    truces, events : frames
        Truces with a start and a dyad, and the events of their dyads.
    window_days : int
        Length of the trailing window, in days.
    share : float
        Share of the level that counts as a resumption.
    floor : float
        Deaths below which no window counts, however quiet it was before.
    before_days : int
        Days before the start that set the level.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``level``, ``threshold``, ``collapse``.
    """
    levels = _level(truces, events, before_days, window_days).with_columns(
        threshold=pl.max_horizontal(pl.lit(float(floor)), share * pl.col("level"))
    )
    return _first_reached(levels, _daily_deaths(truces, events), window_days)


def first_fatal(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    *,
    before_days: int = 90,
    window_days: int = 30,
) -> pl.DataFrame:
    """Collapse at the first death between the parties after the start.

    The strictest reading of a truce; most break at once under it (Clayton & Sticher
    2021, International Studies Quarterly 65(3), use deaths as failure).

    Parameters
    ----------
    truces, events : frames
        As in :func:`resumption`.
    before_days, window_days : int
        Days before the start that set ``level``, and its unit of time.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``level``, ``threshold`` (one death), ``collapse``.
    """
    levels = _level(truces, events, before_days, window_days).with_columns(
        threshold=pl.lit(1.0)
    )
    return _first_reached(levels, _daily_deaths(truces, events), window_days)


def followed(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    *,
    min_events: int = 5,
    before_days: int = 90,
    exact_start: bool = True,
    whole_zone: bool = True,
) -> tuple[dy.DataFrame[Truces], pl.DataFrame]:
    """Truces that can be followed, and why the others cannot.

    Parameters
    ----------
    truces, events : frames
        All records.
    min_events : int
        Events of the dyad needed in the ``before_days`` before the start: with fewer,
        nothing says that the events would notice a collapse.
    before_days : int
        See ``min_events``.
    exact_start : bool
        Whether the start must be known to the day.
    whole_zone : bool
        Whether partial truces (a town, a road, some weapons) are left out.

    Returns
    -------
    kept : frame
        Truces that pass, in the order given.
    left_out : pl.DataFrame
        ``truce_id``, ``reason``; the first reason that applies.
    """
    counts = (
        _before(truces, events, before_days)
        .group_by("truce_id")
        .agg(n=pl.len())
        .sort("truce_id")
    )
    inexact = pl.col("start").is_null() | (
        (pl.col("start_precision") != "day") & exact_start
    )
    reason = (
        pl.when(inexact.fill_null(True))
        .then(pl.lit("start not known to the day"))
        .when(pl.col("partial").fill_null(False) & whole_zone)
        .then(pl.lit("partial: not the whole conflict zone"))
        .when(pl.col("dyad_id").is_null())
        .then(pl.lit("dyad not known"))
        .when(pl.col("n").fill_null(0) < min_events)
        .then(
            pl.format(
                "fewer than {} events of the dyad in the {} days before the start",
                pl.lit(min_events),
                pl.lit(before_days),
            )
        )
    )
    marked = truces.join(
        counts, on="truce_id", how="left", maintain_order="left"
    ).with_columns(reason=reason)
    kept = marked.filter(pl.col("reason").is_null()).drop("n", "reason")
    left_out = marked.filter(pl.col("reason").is_not_null())
    return Truces.validate(kept), left_out.select("truce_id", "reason")


def follow_up(
    truces: dy.DataFrame[Truces],
    records: dy.DataFrame[Truces],
    covered_through: date,
    whole_zone: bool = True,
) -> pl.DataFrame:
    """How long each truce is followed, and on which day its origins end.

    Follow-up ends with the event data, at an exact recorded exit (a competing event),
    or, as censoring, where the record is unclear. A recorded collapse or renewal does
    not end it, nor does an end before the start. Origins end a day before the dyad's
    next whole-zone truce, or on the day of an exact renewal.

    Parameters
    ----------
    truces : frame
        The truces to follow.
    records : frame
        All records, for the dyad's next truce, which need not be followed itself.
    covered_through : date
        Last day the event data speak for.
    whole_zone : bool
        Whether only whole-zone records count as the next truce.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``until`` (last day of follow-up), ``exit`` (whether it ends by
        a competing event), ``last_origin``.
    """
    end, reason = pl.col("end"), pl.col("end_reason").cast(pl.String)
    exact = pl.col("end_precision") == "day"
    recorded = (end >= pl.col("start")) & (end < covered_through)
    leaves = (recorded & reason.is_in(EXITS) & exact).fill_null(False)
    lost = (recorded & ~reason.is_in(("collapsed", "renewed"))).fill_null(False)
    renewed = pl.when((reason == "renewed") & exact & (end >= pl.col("start"))).then(
        end
    )
    return (
        truces.join(
            _next_start(truces, records, whole_zone),
            on="truce_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            until=pl.when(leaves | lost).then(end).otherwise(covered_through),
            exit=leaves,
        )
        .select(
            "truce_id",
            "until",
            "exit",
            last_origin=pl.min_horizontal(
                "until", pl.col("next_start").dt.offset_by("-1d"), renewed
            ),
        )
    )


def _next_start(
    truces: pl.DataFrame, records: pl.DataFrame, whole_zone: bool
) -> pl.DataFrame:
    dated = records.filter(
        pl.col("dyad_id").is_not_null()
        & (pl.col("start_precision") == "day")
        & ~(pl.col("partial").fill_null(False) & whole_zone)
    ).select("dyad_id", next_start="start")
    return (
        truces.select("truce_id", "dyad_id", "start")
        .join(dated.unique(), on="dyad_id")
        .filter(pl.col("next_start") > pl.col("start"))
        .group_by("truce_id")
        .agg(pl.col("next_start").min())
        .sort("truce_id")
    )


def _before(
    truces: pl.DataFrame, events: pl.DataFrame, before_days: int
) -> pl.DataFrame:
    """Events of each truce's dyad before its start, as known the morning after it."""
    start = pl.col("start")
    morning = start.dt.offset_by("1d")
    return (
        truces.filter(start.is_not_null())
        .select("truce_id", "dyad_id", "start")
        .join(
            events.select(
                "dyad_id", "deaths", "known_from", "known_until", day=LAST_DAY
            ),
            on="dyad_id",
        )
        .filter(
            (pl.col("day") < start)
            & (pl.col("day") >= start.dt.offset_by(f"-{before_days}d"))
            & (pl.col("known_from") <= morning)
            & (pl.col("known_until") > morning).fill_null(True)
        )
    )


def _level(
    truces: pl.DataFrame, events: pl.DataFrame, before_days: int, per_days: int
) -> pl.DataFrame:
    deaths = (
        _before(truces, events, before_days)
        .group_by("truce_id")
        .agg(pl.col("deaths").sum())
    )
    levels = truces.select("truce_id").join(
        deaths, on="truce_id", how="left", maintain_order="left"
    )
    # NumPy divides exactly. Polars multiplies with the inverse, but not where there is
    # one row only: a last bit that decides whether 5 deaths are half of 10
    level = levels["deaths"].fill_null(0).to_numpy() * per_days / before_days
    return levels.select("truce_id", level=pl.Series(level, dtype=pl.Float64))


def _daily_deaths(truces: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Deaths of the dyad, by current versions, on each day that had any."""
    current = events.filter(pl.col("known_until").is_null())
    daily = current.group_by("dyad_id", LAST_DAY.alias("day")).agg(
        pl.col("deaths").sum()
    )
    return (
        truces.select("truce_id", "dyad_id", "start")
        .join(daily.filter(pl.col("deaths") > 0), on="dyad_id")
        .filter(pl.col("day") > pl.col("start"))
        .sort("truce_id", "day")
    )


def _first_reached(
    levels: pl.DataFrame, daily: pl.DataFrame, window_days: int
) -> pl.DataFrame:
    trailing = pl.col("deaths").rolling_sum_by("day", f"{window_days}d")
    first = (
        daily.with_columns(trailing=trailing.over("truce_id"))
        .join(levels, on="truce_id")
        .filter(pl.col("trailing") >= pl.col("threshold"))
        .group_by("truce_id")
        .agg(collapse=pl.col("day").min())
    )
    return levels.join(first, on="truce_id", how="left", maintain_order="left").select(
        "truce_id", "level", "threshold", "collapse"
    )
