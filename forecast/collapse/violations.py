"""Collapse by coded acts: for series that count breaches and not the dead."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.collapse.window import before, first_reached, levels
from forecast.link import link, linked
from forecast.schema import Events, Truces

#: acts that break a truce, whoever dies in them
BREACHES = ("violation", "strike", "offensive", "clash")


def violations(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    *,
    kinds: Sequence[str] = BREACHES,
    window_days: int = 30,
    share: float = 0.5,
    floor: float = 5,
    before_days: int = 90,
) -> pl.DataFrame:
    """Collapse when breaches are back at half the pace of hostilities before.

    :func:`forecast.collapse.resumption` with events of some kinds in the place of
    deaths. Events count that are of a party by :func:`forecast.link.link`, so that
    sources without dyads serve too. A single violation is no collapse: most
    agreements are violated (Wiehler 2021, International Peacekeeping).

    Parameters
    ----------
    truces, events : frames
        Truces with a start, and all events.
    kinds : sequence of str
        Kinds of events that count, see :mod:`forecast.kinds`.
    window_days : int
        Length of the trailing window, in days.
    share : float
        Share of the level that counts as a collapse.
    floor : float
        Events below which no window counts.
    before_days : int
        Days before the start that set the level.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``level`` (events of these kinds before the start, per window),
        ``threshold``, ``collapse``.
    """
    acts = Events.validate(events.filter(pl.col("kind").is_in(kinds)))
    links = link(truces, acts, before_days=before_days, after_days=36_500)
    counted = (
        linked(acts, links)
        .filter(pl.col("relation") == "party")
        .join(truces.select("truce_id", "start"), on="truce_id")
        .with_columns(deaths=pl.lit(1, pl.Int64))
    )
    found = levels(
        truces, before(counted, before_days), before_days, window_days
    ).with_columns(
        threshold=pl.max_horizontal(pl.lit(float(floor)), share * pl.col("level"))
    )
    daily = (
        counted.filter(
            (pl.col("day") > pl.col("start")) & pl.col("known_until").is_null()
        )
        .group_by("truce_id", "day")
        .agg(pl.col("deaths").sum())
        .sort("truce_id", "day")
    )
    return first_reached(found, daily, window_days)
