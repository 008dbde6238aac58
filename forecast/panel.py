"""Weekly origins of truces at risk, and the panel as it stood on an earlier morning."""

from collections.abc import Callable
from datetime import date, timedelta

import dataframely as dy
import polars as pl

from forecast.collapse import follow_up, followed
from forecast.raw import InputError
from forecast.schema import LAST_DAY, Events, Panel, Truces

CENSORED, COLLAPSE, EXIT = 0, 1, 2
#: what every collapse rule says of a truce
RULED = ("truce_id", "level", "threshold", "collapse")
Rule = Callable[[dy.DataFrame[Truces], dy.DataFrame[Events]], pl.DataFrame]


def panel(
    truces: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    covered_through: date,
    rule: Rule,
    *,
    step_days: int = 7,
    max_age_days: int = 365,
    min_events: int = 5,
    before_days: int = 90,
    exact_start: bool = True,
    whole_zone: bool = True,
    weekday: int | None = None,
    as_of: date | None = None,
) -> tuple[dy.DataFrame[Panel], pl.DataFrame]:
    """Lay out the origins of every followed truce and what happened after each.

    Origins are ``start + 1``, then every ``step_days`` days, up to ``max_age_days`` of
    age; none after the collapse, the end of follow-up, the day before the dyad's next
    truce, or a renewal. A collapse on the origin's own day counts.

    Parameters
    ----------
    truces, events : frames
        All records.
    covered_through : date
        Last day the events speak for.
    rule : callable
        ``rule(truces, events)``: a collapse rule of :mod:`forecast.collapse`.
    step_days, max_age_days : int
        Days between origins, and the oldest age of an origin.
    min_events, before_days, exact_start, whole_zone
        See :func:`forecast.collapse.followed`.
    weekday : int, optional
        Day of the week of all origins, from 1 for Monday: the first is the first such
        day from ``start + 1`` on. By default each truce keeps the day of its own.
    as_of : date, optional
        One origin a truce, on this morning, instead of the weekly ones: the truces
        that are in force then.

    Returns
    -------
    panel : dy.DataFrame[Panel]
        Sorted by ``truce_id`` and ``origin``.
    left_out : pl.DataFrame
        ``truce_id`` and ``reason`` of truces that are not followed.
    """
    kept, left_out = followed(
        truces,
        events,
        min_events=min_events,
        before_days=before_days,
        exact_start=exact_start,
        whole_zone=whole_zone,
    )
    spells = followed_through(
        kept, truces, events, covered_through, rule, max_age_days, whole_zone
    )
    origins = _origins(spells, step_days, weekday, as_of)
    return Panel.validate(_outcomes(origins), cast=True), left_out


def followed_through(
    kept: dy.DataFrame[Truces],
    records: dy.DataFrame[Truces],
    events: dy.DataFrame[Events],
    covered_through: date,
    rule: Rule,
    max_age_days: int,
    whole_zone: bool,
) -> pl.DataFrame:
    """When each followed truce collapsed or left, and the last day of its origins.

    Parameters
    ----------
    kept : frame
        The followed truces.
    records, events, covered_through, rule, max_age_days, whole_zone
        See :func:`panel`.

    Returns
    -------
    pl.DataFrame
        The columns of ``kept``, those of the rule, and ``until``, ``exit`` and
        ``last_origin``.

    Raises
    ------
    forecast.raw.InputError
        If the rule returns no frame with the columns that a rule has.
    """
    return (
        kept.join(_ruled(rule, kept, events), on="truce_id", maintain_order="left")
        .join(
            follow_up(kept, records, covered_through, whole_zone),
            on="truce_id",
            maintain_order="left",
        )
        .pipe(_until_lost)
        .with_columns(
            # what the rule says after the end of follow-up is not seen
            collapse=pl.when(pl.col("collapse") <= pl.col("until")).then("collapse")
        )
        .with_columns(
            last_origin=pl.min_horizontal(
                "last_origin",
                "collapse",
                pl.col("start").dt.offset_by(f"{max_age_days}d"),
            )
        )
    )


def _ruled(
    rule: Rule, kept: dy.DataFrame[Truces], events: dy.DataFrame[Events]
) -> pl.DataFrame:
    """What a rule says of each truce, if it has the columns of one."""
    found = rule(kept, events)
    if not {*RULED} <= {*found.columns}:
        raise InputError(
            f"the collapse rule returns the columns {', '.join(found.columns)}; "
            f"expected {', '.join(RULED)}, a row a truce"
        )
    return found


def known(events: dy.DataFrame[Events], as_of: date) -> dy.DataFrame[Events]:
    """Events as they were known on a morning.

    Parameters
    ----------
    events : frame
        All versions of all events.
    as_of : date
        The morning.

    Returns
    -------
    dy.DataFrame[Events]
        Versions of past days published by then. Those already replaced are kept with
        the day they were: they say what was known on still earlier mornings. Those
        replaced later are current (``known_until`` is null).
    """
    until = pl.col("known_until")
    return Events.validate(
        events.filter(
            (as_of > LAST_DAY) & (pl.col("known_from") <= as_of)
        ).with_columns(known_until=pl.when(until <= as_of).then(until))
    )


def usable(morning: date) -> pl.Expr:
    """Whether a version of an event may be used on a morning, and holds on it.

    Parameters
    ----------
    morning : date

    Returns
    -------
    pl.Expr
        Of the columns of :class:`~forecast.schema.Events`: the event is past, the
        version is published and not yet replaced.
    """
    until = pl.col("known_until")
    return (
        (pl.lit(morning) > LAST_DAY)
        & (pl.col("known_from") <= morning)
        & (until.is_null() | (until > morning))
    )


def censor(frame: dy.DataFrame[Panel], cutoff: date) -> dy.DataFrame[Panel]:
    """The panel as it stood on the morning of a cutoff.

    Origins before the cutoff, followed through the day before it: what happened on
    or after the cutoff is censored.

    Parameters
    ----------
    frame : dy.DataFrame[Panel]
        A panel, followed at least as far as the cutoff.
    cutoff : date
        The morning.

    Returns
    -------
    dy.DataFrame[Panel]
        No row knows anything of the cutoff or later.
    """
    seen = (pl.lit(cutoff) - pl.col("origin")).dt.total_days()
    late = pl.col("duration") > seen
    return Panel.validate(
        frame.filter(pl.col("origin") < cutoff).with_columns(
            event=pl.when(late).then(CENSORED).otherwise("event"),
            duration=pl.when(late).then(seen).otherwise("duration"),
        ),
        cast=True,
    )


def outcomes(frame: dy.DataFrame[Panel], horizons: tuple[int, ...]) -> pl.DataFrame:
    """Outcome of every origin at every horizon.

    Parameters
    ----------
    frame : dy.DataFrame[Panel]
        The panel.
    horizons : tuple of int
        Days ahead.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``origin``, ``horizon``, ``outcome``: 1 if the truce collapsed
        on one of the ``horizon`` days from the origin on, 0 if it was seen through
        them or left by a competing exit, null if it was censored before.
    """
    horizon = pl.col("horizon")
    within = pl.col("duration") <= horizon
    unseen = (pl.col("event") == CENSORED) & (pl.col("duration") < horizon)
    return (
        frame.select("truce_id", "origin", "event", "duration")
        .join(pl.DataFrame({"horizon": horizons}), how="cross")
        .with_columns(
            pl.col("horizon").cast(pl.Int32),
            outcome=pl.when(~unseen)
            .then(within & (pl.col("event") == COLLAPSE))
            .cast(pl.Int8),
        )
        .select("truce_id", "origin", "horizon", "outcome")
        .sort("truce_id", "origin", "horizon")
    )


def _until_lost(spells: pl.DataFrame) -> pl.DataFrame:
    """Censor where the rule cannot tell any more, if it says so."""
    if "lost" not in spells.columns:
        return spells
    earlier = (pl.col("lost") < pl.col("until")).fill_null(False)
    return spells.with_columns(
        pl.min_horizontal("until", "lost"),
        exit=pl.col("exit") & ~earlier,
        last_origin=pl.min_horizontal("last_origin", "lost"),
    )


def _origins(
    spells: pl.DataFrame, step_days: int, weekday: int | None, as_of: date | None
) -> pl.DataFrame:
    first, last = pl.col("start").dt.offset_by("1d"), pl.col("last_origin")
    if as_of is not None:
        at = pl.lit(as_of)
        return spells.filter(at.is_between(first, last)).with_columns(origin=at)
    if weekday is not None:
        wait = (weekday - first.dt.weekday().cast(pl.Int32)) % 7
        first += pl.duration(days=wait)
    return (
        spells.filter(first <= last)
        .with_columns(
            origin=pl.date_ranges(first, last, timedelta(days=step_days), closed="both")
        )
        .explode("origin")
    )


def _outcomes(origins: pl.DataFrame) -> pl.DataFrame:
    collapsed = pl.col("collapse").is_not_null()
    last = pl.coalesce("collapse", "until")
    return (
        origins.with_columns(
            age_days=(pl.col("origin") - pl.col("start")).dt.total_days(),
            event=pl.when(collapsed)
            .then(COLLAPSE)
            .when("exit")
            .then(EXIT)
            .otherwise(CENSORED),
            duration=(last - pl.col("origin")).dt.total_days() + 1,
        )
        .select(Panel.column_names())
        .sort("truce_id", "origin")
    )
