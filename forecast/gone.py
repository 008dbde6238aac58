"""Which followed truces are in force no more on a morning, and why."""

from datetime import date
from typing import Any

import dataframely as dy
import polars as pl

from forecast.collapse import followed
from forecast.panel import Rule, followed_through
from forecast.schema import Events, Truces


def gone(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    as_of: date,
    rule: Rule,
    label: str,
    **settings: Any,
) -> pl.DataFrame:
    """Say why followed truces that have begun are in force no more.

    Parameters
    ----------
    truces : frame
        All records.
    events : frame
        As known on the morning, see :func:`forecast.panel.known`.
    as_of : date
        The morning.
    rule : callable
        The collapse rule.
    label : str
        Its name.
    **settings
        Of :func:`forecast.panel.panel`, ``max_age_days`` and those that say which
        truces are followed.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``name``, ``start``, ``reason`` and ``why``, the reason with its
        day; latest start first. None that is in force, or too young for an origin.
    """
    oldest, whole_zone = settings["max_age_days"], settings["whole_zone"]
    names = ("min_events", "before_days", "exact_start", "whole_zone")
    kept, _ = followed(truces, events, **{name: settings[name] for name in names})
    spells = followed_through(kept, truces, events, as_of, rule, oldest, whole_zone)
    day = pl.coalesce("collapse", pl.when(pl.col("until") < as_of).then("until"))
    aged = pl.col("start").dt.offset_by(f"{oldest}d") < as_of
    verb = (
        pl.when(pl.col("collapse").is_not_null())
        .then(pl.lit("collapsed"))
        .when(day.is_not_null())
        .then(pl.lit("recorded as ended"))
        .when((pl.col("last_origin") < as_of) & ~aged)
        .then(pl.lit("renewed, or a later truce of the dyad took its place"))
        .otherwise(pl.lit(f"older than {oldest} days"))
    )
    by = pl.when(pl.col("collapse").is_not_null()).then(pl.lit(f" ({label})"))
    on = pl.format(" on {}", day).fill_null("")
    return (
        spells.filter(pl.col("start") < as_of, pl.col("last_origin") < as_of)
        .with_columns(verb=verb, by=by.fill_null(""), on=on)
        .select(
            "truce_id",
            "name",
            "start",
            reason=pl.col("verb") + pl.col("by"),
            why=pl.col("verb") + pl.col("on") + pl.col("by"),
        )
        .sort("start", "truce_id", descending=[True, False])
    )
