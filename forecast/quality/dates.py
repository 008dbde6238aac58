"""When: the span of a source, its gaps, and how exact its days are."""

from datetime import date

import dataframely as dy
import polars as pl

from forecast.quality.table import Finding, counted, current, finding, table, tally
from forecast.schema import Events

TOP_GAPS = 10
DASH = "\N{EN DASH}"


def span(events: dy.DataFrame[Events], covered_through: date | None) -> pl.DataFrame:
    """First and last day, and stretches without any event.

    Parameters
    ----------
    events : Events
        Of one source; current versions are used. One that spans days fills them all.
    covered_through : date or None
        Last day the source speaks for; default: the last day of an event.

    Returns
    -------
    pl.DataFrame
        ``first day``, ``last day``, ``covered through`` (in ``detail``), ``days``,
        ``days without an event``, ``longest gap``, ``longest gap of a dyad`` (the ten
        longest, one a dyad, between its own events), ``months``, ``months without an
        event``, ``month without an event`` each, and ``events in month``, by the day
        an event ends. Empty where there is no event.
    """
    now = current(events)
    first, last = now["date"].min(), now["last"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return table([])
    through = max(covered_through or last, last)
    days = (through - first).days + 1
    found = gaps(now, through=through)
    by_month = months(now, first, through)
    empty = by_month.filter(pl.col("touched") == 0)
    return table(
        [
            finding("first day", detail=first),
            finding("last day", detail=last),
            finding("covered through", detail=through),
            finding("days", days),
            finding("days without an event", int(found["days"].sum()), days),
            *_longest("longest gap", found.head(1), ""),
            *_of_dyads(now),
            finding("months", by_month.height),
            finding("months without an event", empty.height, by_month.height),
            *(finding("month without an event", 1, detail=m) for m in empty["month"]),
            *counted("events in month", by_month, "month"),
        ]
    )


def gaps(
    events: pl.DataFrame, by: str | None = None, through: date | None = None
) -> pl.DataFrame:
    """Stretches of days on which no event happens, the longest first.

    Parameters
    ----------
    events : pl.DataFrame
        ``date``, ``last`` and the column of ``by``.
    by : str, optional
        Gaps within each of these; rows where it is null are left aside.
    through : date, optional
        Days after the last event up to this one count as a gap too.

    Returns
    -------
    pl.DataFrame
        ``by`` (if given), ``begins``, ``ends`` (first and last quiet day), ``days``.

    Examples
    --------
    >>> day = lambda d: date(2016, 3, d)
    >>> events = pl.DataFrame({"date": [day(1), day(2), day(9)],
    ...                        "last": [day(5), day(2), day(9)]})
    >>> gaps(events).rows()
    [(datetime.date(2016, 3, 6), datetime.date(2016, 3, 8), 3)]
    """
    keys = [by] if by else []
    spells = events.select(*keys, "date", "last")
    if through is not None:
        tail = pl.DataFrame({"date": [through], "last": [through]})
        spells = pl.concat([spells, tail.select(pl.all().dt.offset_by("1d"))])
    if by:
        spells = spells.filter(pl.col(by).is_not_null())
    spells = spells.sort(*keys, "date", "last")
    reached = pl.col("last").cum_max().shift(1)
    begins = (reached.over(by) if by else reached).dt.offset_by("1d")
    return (
        spells.with_columns(begins=begins, ends=pl.col("date").dt.offset_by("-1d"))
        .filter(pl.col("begins") <= pl.col("ends"))
        .select(
            *keys,
            "begins",
            "ends",
            days=(pl.col("ends") - pl.col("begins")).dt.total_days() + 1,
        )
        .sort("days", "begins", *keys, descending=[True, *[False] * (1 + len(keys))])
    )


def months(events: pl.DataFrame, first: date, through: date) -> pl.DataFrame:
    """Events by month, and whether any touches it.

    Parameters
    ----------
    events : pl.DataFrame
        ``date`` and ``last``.
    first, through : date
        The months of these days and all between.

    Returns
    -------
    pl.DataFrame
        ``month`` (YYYY-MM), ``n`` events that end in it, ``touched``: events of which
        a day lies in it.

    Examples
    --------
    >>> events = pl.DataFrame({"date": [date(2016, 1, 30)], "last": [date(2016, 2, 2)]})
    >>> months(events, date(2016, 1, 30), date(2016, 3, 1)).rows()
    [('2016-01', 0, 1), ('2016-02', 1, 1), ('2016-03', 0, 0)]
    """
    start = pl.date_range(first.replace(day=1), through, "1mo", eager=True)
    begun = events["date"].sort().search_sorted(start.dt.month_end(), "right")
    ended = events["last"].sort().search_sorted(start, "left")
    counts = events.group_by(month=pl.col("last").dt.strftime("%Y-%m")).agg(n=pl.len())
    return (
        pl.DataFrame(
            {"month": start.dt.strftime("%Y-%m"), "begun": begun, "out": ended}
        )
        .join(counts, on="month", how="left", maintain_order="left")
        .select(
            "month",
            pl.col("n").fill_null(0).cast(pl.Int64),
            touched=pl.col("begun").cast(pl.Int64) - pl.col("out").cast(pl.Int64),
        )
    )


def dates(events: dy.DataFrame[Events]) -> pl.DataFrame:
    """How exact the days of events are, and how soon and how often they are known.

    Parameters
    ----------
    events : Events
        Of one source, all versions.

    Returns
    -------
    pl.DataFrame
        Of current versions: ``events``, ``precision`` each, ``imprecise`` (not dated
        to the day), ``multi-day``, ``longest event`` (days). Of all events: ``known
        late`` (first known later than the day after they end), ``median delay`` of
        these (days), ``several versions``, ``versions`` (most of one event) and
        ``withdrawn`` (none is current).
    """
    now = current(events)
    n = now.height
    every = (
        events.with_columns(last=pl.coalesce("date_end", "date"))
        .sort("event_id", "known_from")
        .group_by("event_id")
        .agg(
            pl.col("known_from", "last").first(),
            versions=pl.len(),
            current=pl.col("known_until").is_null().any(),
        )
        .with_columns(delay=(pl.col("known_from") - pl.col("last")).dt.total_days() - 1)
    )
    late = every.filter(pl.col("delay") > 0)
    long = now.select((pl.col("last") - pl.col("date")).dt.total_days() + 1).to_series()
    total = every.height
    return table(
        [
            finding("events", n),
            *counted("precision", tally(now, "date_precision"), "date_precision", n),
            finding("imprecise", int((now["date_precision"] != "day").sum()), n),
            finding("multi-day", int((long > 1).sum()), n),
            finding("longest event", _number(long.max())),
            finding("known late", late.height, total),
            finding("median delay", _number(late["delay"].median())),
            finding("several versions", int((every["versions"] > 1).sum()), total),
            finding("versions", _number(every["versions"].max())),
            finding("withdrawn", int((~every["current"]).sum()), total),
        ]
    )


def _of_dyads(now: pl.DataFrame) -> list[Finding]:
    found = gaps(now, by="dyad_id").unique("dyad_id", keep="first", maintain_order=True)
    names = (
        now.sort("dyad_id", "date", "event_id")
        .group_by("dyad_id")
        .agg(who=pl.concat_str("actor_a", "actor_b", separator=f" {DASH} ").first())
    )
    top = found.head(TOP_GAPS).join(
        names, on="dyad_id", how="left", maintain_order="left"
    )
    who = pl.format(" ({})", "who").fill_null("")
    top = top.with_columns(whose=pl.format("dyad {}{}: ", "dyad_id", who))
    return [
        one
        for row in top.iter_slices(1)
        for one in _longest("longest gap of a dyad", row, row["whose"].item())
    ]


def _longest(item: str, gap: pl.DataFrame, whose: str) -> list[Finding]:
    """The gap, with its days in words."""
    return [
        finding(item, days, detail=f"{whose}{begins} to {ends}")
        for begins, ends, days in gap.select("begins", "ends", "days").iter_rows()
    ]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
