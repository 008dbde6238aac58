"""Truces: whether events would notice them break, and how well they are dated."""

from datetime import date
from typing import Any

import dataframely as dy
import polars as pl

from forecast.collapse import followed
from forecast.quality.table import Finding, counted, current, finding, table, tally
from forecast.schema import Events, Truces

BEFORE, AFTER = 90, 365
TOP_OVERLAPS = 10


def truces(
    records: dy.DataFrame[Truces],
    events: pl.DataFrame | None,
    covered_through: date | None = None,
    **following: Any,
) -> pl.DataFrame:
    """What can be learned from the truces of one source.

    Parameters
    ----------
    records : Truces
        Of one source.
    events : pl.DataFrame or None
        Of all sources; None: only the records themselves are looked at.
    covered_through : date, optional
        Last day the events speak for.
    **following
        Settings of :func:`forecast.collapse.followed`.

    Returns
    -------
    pl.DataFrame
        ``truces``; ``start`` and ``end`` by precision; ``end recorded`` by reason and
        precision; ``overlap`` by how (see :func:`overlapping`) and ``overlapping
        dyad`` for those with most; with events also ``events`` before and after the
        start (see :func:`witnessed`), ``followed`` and ``not followed`` by reason.
    """
    n = records.height
    pairs = overlapping(records)
    ends = records.select(
        start=pl.col("start_precision").cast(pl.String).fill_null("not known"),
        end=pl.col("end_precision").cast(pl.String).fill_null("not known"),
        both=pl.format(
            "{}, {}",
            pl.col("end_reason").cast(pl.String),
            pl.when(pl.col("end_precision") == "day")
            .then(pl.lit("exact"))
            .when(pl.col("end").is_not_null())
            .then(pl.lit("inexact"))
            .otherwise(pl.lit("no date")),
        ),
    )
    unclear = int((records["end_reason"] == "unclear").sum())
    return table(
        [
            finding("truces", n),
            *_seen(records, events, covered_through, following),
            finding("overlaps", pairs.height, n),
            *counted("overlap", tally(pairs, "how"), "how", n),
            *counted("overlapping dyad", _busiest(pairs, records), "who"),
            *counted("start", tally(ends, "start"), "start", n),
            *counted("end", tally(ends, "end"), "end", n),
            finding("end unclear", unclear, n),
            *counted("end recorded", tally(ends, "both"), "both", n),
        ]
    )


def witnessed(records: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Whether the dyad of a truce has events before its start and after it.

    Parameters
    ----------
    records : pl.DataFrame
        ``truce_id``, ``dyad_id``, ``start``.
    events : pl.DataFrame
        Current versions: ``dyad_id`` and ``last``.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``before`` (events in the 90 days before the start), ``after``
        (in the 365 days after it), and ``seen``: before and after, before only, after
        only, neither, dyad not known, start not known.

    Examples
    --------
    >>> truce = pl.DataFrame({"truce_id": ["a"], "dyad_id": ["1"],
    ...                       "start": [date(2016, 2, 27)]})
    >>> event = pl.DataFrame({"dyad_id": ["1"], "last": [date(2016, 4, 1)]})
    >>> witnessed(truce, event).row(0)
    ('a', 0, 1, 'after only')
    """
    away = (pl.col("last") - pl.col("start")).dt.total_days()
    counts = (
        records.select("truce_id", "dyad_id", "start")
        .drop_nulls()
        .join(events.select("dyad_id", "last"), on="dyad_id")
        .group_by("truce_id")
        .agg(
            before=away.is_between(-BEFORE, -1).sum().cast(pl.Int64),
            after=away.is_between(1, AFTER).sum().cast(pl.Int64),
        )
    )
    before, after = pl.col("before") > 0, pl.col("after") > 0
    seen = (
        pl.when(pl.col("start").is_null())
        .then(pl.lit("start not known"))
        .when(pl.col("dyad_id").is_null())
        .then(pl.lit("dyad not known"))
        .when(before & after)
        .then(pl.lit("before and after"))
        .when(before)
        .then(pl.lit("before only"))
        .when(after)
        .then(pl.lit("after only"))
        .otherwise(pl.lit("neither"))
    )
    return (
        records.join(counts, on="truce_id", how="left", maintain_order="left")
        .with_columns(pl.col("before", "after").fill_null(0))
        .select("truce_id", "before", "after", seen=seen)
    )


def overlapping(records: pl.DataFrame) -> pl.DataFrame:
    """Truces of a dyad whose next one starts before they are over, or soon after.

    Parameters
    ----------
    records : pl.DataFrame
        ``truce_id``, ``dyad_id``, ``start``, ``end``.

    Returns
    -------
    pl.DataFrame
        ``dyad_id``, ``truce_id``, ``next_id``, ``how``: the next starts on the same
        day, before the recorded end, or else within 365 days. Sorted.

    Examples
    --------
    >>> day = lambda year, month: date(year, month, 1)
    >>> records = pl.DataFrame({"truce_id": ["a", "b", "c"], "dyad_id": ["1"] * 3,
    ...     "start": [day(2001, 1), day(2003, 1), day(2005, 1)],
    ...     "end": [day(2003, 2), None, None]})
    >>> overlapping(records).rows()
    [('1', 'a', 'b', 'before the recorded end')]
    """
    ordered = (
        records.filter(pl.col("dyad_id").is_not_null() & pl.col("start").is_not_null())
        .sort("dyad_id", "start", "truce_id")
        .with_columns(
            next_id=pl.col("truce_id").shift(-1).over("dyad_id"),
            later=(pl.col("start").shift(-1).over("dyad_id")),
        )
    )
    later, start = pl.col("later"), pl.col("start")
    how = (
        pl.when(later == start)
        .then(pl.lit("on the same day"))
        .when(later < pl.col("end"))
        .then(pl.lit("before the recorded end"))
        .when((later - start).dt.total_days() <= AFTER)
        .then(pl.lit(f"within {AFTER} days"))
    )
    return (
        ordered.select("dyad_id", "truce_id", "next_id", how=how)
        .drop_nulls()
        .sort("dyad_id", "truce_id")
    )


def _busiest(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Dyads with most overlaps, with the parties of one of their truces."""
    parties = (
        records.sort("truce_id")
        .group_by("dyad_id")
        .agg(who=pl.col("parties").list.join(", ").first())
    )
    top = tally(pairs, "dyad_id").head(TOP_OVERLAPS)
    return top.join(parties, on="dyad_id", how="left", maintain_order="left").select(
        "n", who=pl.format("{} ({})", "dyad_id", "who")
    )


def _seen(
    records: dy.DataFrame[Truces],
    events: pl.DataFrame | None,
    covered_through: date | None,
    following: dict[str, Any],
) -> list[Finding]:
    if events is None:
        return []
    n, now = records.height, current(events)
    seen = witnessed(records, now)
    kept, left_out = followed(records, Events.cast(events), **following)
    return [
        *counted("events", tally(seen, "seen"), "seen", n),
        *_not_covered(records, now, covered_through),
        finding("followed", kept.height, n),
        *counted("not followed", tally(left_out, "reason"), "reason", n),
    ]


def _not_covered(
    records: pl.DataFrame, now: pl.DataFrame, covered_through: date | None
) -> list[Finding]:
    """Truces so early or late that the events do not span the days around the start."""
    if now.is_empty():
        return []
    start, last = pl.col("start"), covered_through or now["last"].max()
    early = start.dt.offset_by(f"-{BEFORE}d") < now["date"].min()
    late = start.dt.offset_by(f"{AFTER}d") > last
    n = records.height
    return [
        finding(
            "not covered", records.filter(early).height, n, f"{BEFORE} days before"
        ),
        finding("not covered", records.filter(late).height, n, f"{AFTER} days after"),
    ]
