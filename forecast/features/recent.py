"""What the parties did to each other lately."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.schema import Panel, Truces
from forecast.windows import days_since_last, decayed, trailing

CAP_DAYS = 365


def recent(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (3, 7, 14, 30, 60),
    half_lives: Sequence[float] = (14,),
    rule_window_days: int = 30,
) -> pl.DataFrame:
    """Hostile events and deaths of the dyad over windows and since the start.

    Talks and threats are no violence, so they are not counted here. What the parties
    do to each other is the strongest and simplest signal there is, and the deaths
    that already lie in the window of the collapse rule are most of it.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`.
    windows : sequence of int
        Days before the origin; they may reach back beyond the start.
    half_lives : sequence of float
        Days in which the weight of a death halves.
    rule_window_days : int
        Window of the collapse rule.

    Returns
    -------
    pl.DataFrame
        ``recent_events_Wd``, ``recent_deaths_Wd``; ``recent_events_since_start``,
        ``recent_deaths_since_start``; ``recent_days_since_last`` (at most 365);
        ``recent_filled``: deaths of the dyad since the start, in rows of any kind as
        the collapse rule counts them, that are still in its window on the origin's
        own day, over the threshold of collapse;
        ``recent_decayed_Hd``: decayed deaths over the threshold. The last two are
        null where the rule has no threshold.
    """
    del truces
    origins = panel.select("truce_id", "origin")
    party = events.filter((pl.col("relation") == "party") & pl.col("hostile")).join(
        panel.select("truce_id", "start").unique(), on="truce_id"
    )
    since = party.filter(pl.col("day") > pl.col("start"))
    deaths = {"recent_deaths": pl.col("deaths").fill_null(0)}
    counts = deaths | {"recent_events": pl.lit(1, pl.Int64)}
    ruled = _ruled(panel, events)
    in_window = trailing(origins, ruled, deaths, [rule_window_days - 1]).to_series(2)
    fading = decayed(
        origins, party, {"recent_decayed": pl.col("deaths").fill_null(0)}, half_lives
    ).drop("truce_id", "origin")
    ever = trailing(origins, since, counts, [None]).select(
        recent_deaths_since_start="recent_deaths_ever",
        recent_events_since_start="recent_events_ever",
    )
    last = days_since_last(origins, party, "recent_days_since_last", CAP_DAYS)
    return (
        trailing(origins, party, counts, list(windows))
        .hstack(ever)
        .hstack(last.select("recent_days_since_last"))
        .with_columns((in_window / panel["threshold"]).alias("recent_filled"))
        .hstack(fading.select(pl.all() / panel["threshold"]))
    )


def _ruled(panel: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events that the collapse rule counts: all of the dyad, after the start."""
    truces = panel.select("truce_id", "start", dyad="dyad_id").unique()
    return events.join(truces, on="truce_id").filter(
        (pl.col("dyad_id") == pl.col("dyad")) & (pl.col("day") > pl.col("start"))
    )
