"""Which truces are followed, and for how long."""

from datetime import date

import dataframely as dy
import polars as pl

from forecast.collapse.window import before, of_dyads
from forecast.schema import Events, Truces

EXITS = ("expired", "other")


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
        before(of_dyads(truces, events), before_days)
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
