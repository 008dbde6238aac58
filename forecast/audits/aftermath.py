"""Data that look the same on a morning, and differ in all that follows."""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from forecast.schema import DEATHS_MAX, LAST_DAY, Events, Truces

MORE = 10
DEATHS = ("deaths", "deaths_low", "deaths_high")


def violent(
    events: dy.DataFrame[Events], morning: date, days: int
) -> dy.DataFrame[Events]:
    """Events that look the same on a morning, and are ten times as deadly after it.

    Parameters
    ----------
    events : dy.DataFrame[Events]
        All versions of all events.
    morning : date
        What is known on it stays as it is.
    days : int
        How far back events are taken from.

    Returns
    -------
    dy.DataFrame[Events]
        Each event of those days comes three times more, with ten times the deaths:
        dated on the morning or later, as if it had been announced; known again a day
        later; and in place of its own version, a day later.
    """
    at, until = pl.lit(morning), pl.col("known_until")
    ago = (at - LAST_DAY).dt.total_days()
    seen = (pl.col("known_from") <= at) & (until.is_null() | (until > at))
    taken = events.filter(seen & ago.is_between(1, days))
    next_day = at + timedelta(days=1)
    worse = taken.with_columns(
        *((pl.col(name) * MORE).clip(upper_bound=DEATHS_MAX) for name in DEATHS),
        known_from=next_day,
        known_until=pl.lit(None, pl.Date),
    )
    # yesterday comes again today, the day before that tomorrow
    again = pl.duration(days=2 * ago - 1)
    dated = worse.with_columns(
        pl.concat_str(pl.lit("dated later:"), "event_id").alias("event_id"),
        # as if announced by then: what is dated later has not happened yet
        known_from=at,
        **{name: pl.col(name) + again for name in ("date", "date_end", "due")},
    )
    late = worse.with_columns(
        pl.concat_str(pl.lit("known later:"), "event_id").alias("event_id")
    )
    is_taken = pl.col("event_id").is_in(taken["event_id"].implode())
    kept = events.filter(~(is_taken & (pl.col("known_from") > at))).with_columns(
        known_until=pl.when(is_taken & seen).then(next_day).otherwise(until)
    )
    return Events.validate(pl.concat([kept, worse, dated, late]))


def ended(
    truces: dy.DataFrame[Truces], morning: date, days: int
) -> dy.DataFrame[Truces]:
    """Truces that look the same on a morning, and end and begin again after it.

    Parameters
    ----------
    truces : dy.DataFrame[Truces]
        All records.
    morning : date
        What had begun or ended before it stays as it is.
    days : int
        How far back truces are taken from that begin again.

    Returns
    -------
    dy.DataFrame[Truces]
        Those in force end three days later, by collapse.
    """
    at, start, end = pl.lit(morning), pl.col("start"), pl.col("end")
    in_force = (start < at) & (end.is_null() | (end >= at))
    changes = {
        "end": at + timedelta(days=3),
        "end_precision": pl.lit("day", truces.schema["end_precision"]),
        "end_reason": pl.lit("collapsed", truces.schema["end_reason"]),
    }
    changed = truces.with_columns(
        pl.when(in_force).then(value).otherwise(name).alias(name)
        for name, value in changes.items()
    )
    recent = truces.filter(start.is_between(at - timedelta(days=days), at, "left"))
    again = recent.with_columns(
        pl.concat_str(pl.lit("begun later:"), "truce_id").alias("truce_id"),
        start=start + pl.duration(days=2 * (at - start).dt.total_days() - 1),
        end=pl.lit(None, pl.Date),
        end_precision=pl.lit(None, truces.schema["end_precision"]),
        end_reason=pl.lit("ongoing", truces.schema["end_reason"]),
    )
    return Truces.validate(pl.concat([changed, again]))
