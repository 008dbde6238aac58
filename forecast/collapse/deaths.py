"""Collapse by deaths: killing between the parties reaches a threshold."""

import dataframely as dy
import polars as pl

from forecast.collapse.window import before, first_reached, levels, of_dyads
from forecast.schema import LAST_DAY, Events, Truces


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
    found = _level(truces, events, before_days, window_days).with_columns(
        threshold=pl.max_horizontal(pl.lit(float(floor)), share * pl.col("level"))
    )
    return first_reached(found, _daily_deaths(truces, events), window_days)


def threshold(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    *,
    window_days: int = 30,
    deaths: float = 25,
    before_days: int = 90,
) -> pl.DataFrame:
    """Collapse on the first day on which a window holds so many deaths.

    The same number for every war: easy to explain, but a skirmish in one is a
    collapse in another. UCDP's own line between peace and armed conflict is 25 deaths,
    there in a year (Gleditsch et al. 2002, Journal of Peace Research 39(5):615-637).

    Parameters
    ----------
    truces, events : frames
        As in :func:`resumption`.
    window_days : int
        Length of the trailing window, in days.
    deaths : float
        Deaths in it, since the start, that are a collapse.
    before_days : int
        Days before the start that set ``level``.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``level``, ``threshold``, ``collapse``.
    """
    found = _level(truces, events, before_days, window_days).with_columns(
        threshold=pl.lit(float(deaths))
    )
    return first_reached(found, _daily_deaths(truces, events), window_days)


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
    found = _level(truces, events, before_days, window_days).with_columns(
        threshold=pl.lit(1.0)
    )
    return first_reached(found, _daily_deaths(truces, events), window_days)


def _level(
    truces: pl.DataFrame, events: pl.DataFrame, before_days: int, per_days: int
) -> pl.DataFrame:
    earlier = before(of_dyads(truces, events), before_days)
    return levels(truces, earlier, before_days, per_days)


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
