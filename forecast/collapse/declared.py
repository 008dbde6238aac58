"""Collapse as recorded: somebody wrote down that the truce had ended so."""

import dataframely as dy
import polars as pl

from forecast.collapse.deaths import resumption
from forecast.schema import Events, Truces


def declared(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    *,
    window_days: int = 30,
    share: float = 0.5,
    floor: float = 5,
    before_days: int = 90,
) -> pl.DataFrame:
    """Collapse on the recorded end of a truce whose reason is collapse.

    The record is the coder's judgement, not a count: famous truces are declared dead
    and others fade out. Where the end of a collapse is not known to the day, or the
    truce was renewed and another record carries on, the rule cannot tell after it, and
    follow-up is censored there (an inexact end is dated the first day of its month or
    year).

    Parameters
    ----------
    truces, events : frames
        Truces with a start and a dyad, and the events of their dyads.
    window_days, share, floor, before_days
        As in :func:`forecast.collapse.resumption`: level and threshold do not decide
        here, but features measure deaths against them.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``level``, ``threshold``, ``collapse``, ``lost``.
    """
    counted = resumption(
        truces,
        events,
        window_days=window_days,
        share=share,
        floor=floor,
        before_days=before_days,
    )
    end, reason = pl.col("end"), pl.col("end_reason").cast(pl.String)
    fell = reason == "collapsed"
    seen = fell & (pl.col("end_precision") == "day") & (end > pl.col("start"))
    carried = (reason == "renewed") & (end >= pl.col("start"))
    ends = truces.select(
        "truce_id",
        collapse=pl.when(seen).then("end"),
        lost=pl.when((fell & ~seen) | carried).then("end"),
    )
    return counted.drop("collapse").join(ends, on="truce_id", maintain_order="left")
