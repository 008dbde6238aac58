"""What groups outside the truce did to its parties."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.features.recent import CAP_DAYS
from forecast.schema import Panel, Truces
from forecast.windows import days_since_last, trailing


def outsiders(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (7, 30, 60),
) -> pl.DataFrame:
    """Hostile events and deaths between a party and groups outside the truce.

    Spoilers gain from a truce that fails (Stedman 1997, International Security
    22(2):5-53), and a party that is attacked by one answers near the other's lines.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`.
    windows : sequence of int
        Days before the origin.

    Returns
    -------
    pl.DataFrame
        ``outsiders_events_Wd``, ``outsiders_deaths_Wd`` and
        ``outsiders_days_since_last`` (at most 365); never null.
    """
    del truces
    origins = panel.select("truce_id", "origin")
    attacks = events.filter((pl.col("relation") == "outsider") & pl.col("hostile"))
    counts = {
        "outsiders_events": pl.lit(1, pl.Int64),
        "outsiders_deaths": pl.col("deaths").fill_null(0),
    }
    last = days_since_last(origins, attacks, "outsiders_days_since_last", CAP_DAYS)
    return trailing(origins, attacks, counts, list(windows)).hstack(
        last.select("outsiders_days_since_last")
    )
