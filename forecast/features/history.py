"""The dyad's earlier truces and how they went, as known then."""

import dataframely as dy
import polars as pl

from forecast.schema import Panel, Truces


def history(
    panel: dy.DataFrame[Panel], events: pl.DataFrame, truces: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Count the dyad's earlier truces and their recorded ends before the origin.

    Parties that have dealt with each other before deal better (Lundgren, Svensson &
    Karakuş 2023, Journal of Conflict Resolution 67(7-8):1350-1375); parties whose
    truces failed fail again. An end counts from the day after it, and only if it is
    known to the day.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events are not used.

    Returns
    -------
    pl.DataFrame
        ``history_truces`` (earlier truces of the dyad), ``history_collapsed`` and
        ``history_ended`` (how many of them had collapsed, or ended in any recorded
        way), ``history_held_days`` (mean days that the ended ones held; null without
        one), ``history_days_since`` (days since the last one began; null without
        one).
    """
    del events
    earlier = truces.filter(pl.col("start_precision") == "day").select(
        "dyad_id",
        "end_reason",
        began="start",
        ended=pl.when(pl.col("end_precision") == "day").then("end"),
    )
    ended = pl.col("ended") < pl.col("origin")
    pairs = (
        panel.select("truce_id", "origin", "dyad_id", "start")
        .join(earlier, on="dyad_id")
        .filter(pl.col("began") < pl.col("start"))
    )
    held = (pl.col("ended") - pl.col("began")).dt.total_days()
    counts = pairs.group_by("truce_id", "origin").agg(
        history_truces=pl.len(),
        history_collapsed=(ended & (pl.col("end_reason") == "collapsed")).sum(),
        history_ended=ended.sum(),
        history_held_days=held.filter(ended).mean(),
        history_days_since=(pl.col("origin") - pl.col("began")).dt.total_days().min(),
    )
    return (
        panel.select("truce_id", "origin")
        .join(counts, on=["truce_id", "origin"], how="left", maintain_order="left")
        .with_columns(
            pl.col("history_truces", "history_collapsed", "history_ended")
            .fill_null(0)
            .cast(pl.Int64)
        )
    )
