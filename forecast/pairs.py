"""Pairs of an origin and an event that it may use: for what is no sum over a window."""

import numpy as np
import polars as pl

from forecast.spans import GROUP, line_up, rows


def usable(
    origins: pl.DataFrame, events: pl.DataFrame, days: int | None = None
) -> pl.DataFrame:
    """Every event that each origin may use: for what is no sum over a window.

    It costs a row for each pair of an origin and an event of its truce, so sums belong
    to :mod:`forecast.windows`; this is for maxima, orders and fits.

    Parameters
    ----------
    origins : pl.DataFrame
        ``truce_id`` and ``origin``.
    events : pl.DataFrame
        ``truce_id``, ``day``, ``known_from``, ``known_until`` and whatever is wanted.
    days : int, optional
        Days before the origin; all that ``events`` hold without it.

    Returns
    -------
    pl.DataFrame
        ``row`` (of the origin, from 0), ``origin``, ``ago`` (days from the event to
        the origin; 1 is yesterday), and the columns of the events; in the order of
        the origins, and of the events within each.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2020, 1, d) for d in (1, 5, 9)]
    >>> events = pl.DataFrame({"truce_id": "a", "day": days}).with_columns(
    ...     known_from=pl.col("day").dt.offset_by("1d"),
    ...     known_until=pl.lit(None, pl.Date),
    ... )
    >>> origins = pl.DataFrame({"truce_id": "a", "origin": [date(2020, 1, 9)]})
    >>> usable(origins, events)["ago"].to_list()
    [8, 4]
    """
    position = {"_event": pl.int_range(pl.len())}
    mornings, _, order, spans = line_up(origins, events, position)
    first, after = rows(mornings, spans, days)
    served = after - first
    nth = np.arange(served.sum()) - np.repeat(served.cumsum() - served, served)
    row = np.repeat(first, served) + nth
    pairs = pl.DataFrame(
        {
            "row": row if order is None else order[row],
            "event": np.repeat(spans["_event"].to_numpy(), served),
        },
        schema={"row": pl.UInt32, "event": pl.UInt32},
    ).sort("row", "event")
    return pl.concat(
        [
            pairs.select("row"),
            origins.select(GROUP, "origin")[pairs["row"]],
            events.drop(GROUP)[pairs["event"]],
        ],
        how="horizontal",
    ).with_columns(ago=(pl.col("origin") - pl.col("day")).dt.total_days())


def measured(
    origins: pl.DataFrame, pairs: pl.DataFrame, **measures: pl.Expr
) -> pl.DataFrame:
    """Measure the pairs of each origin.

    Parameters
    ----------
    origins : pl.DataFrame
        As the pairs were made of.
    pairs : pl.DataFrame
        With ``row``, the place of the origin; see :func:`usable`.
    **measures : pl.Expr
        Aggregates of the pairs of one origin, by the name of their column.

    Returns
    -------
    pl.DataFrame
        A column a measure, in the order of the origins; null without a pair.

    Examples
    --------
    >>> origins = pl.DataFrame({"truce_id": ["a", "b"]})
    >>> pairs = pl.DataFrame({"row": [1, 1], "ago": [8, 4]}).cast({"row": pl.UInt32})
    >>> measured(origins, pairs, last=pl.col("ago").min())["last"].to_list()
    [None, 4]
    """
    # the pairs of an origin in their own order, so that no order of adding varies
    found = pairs.group_by("row", maintain_order=True).agg(**measures)
    place = pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")
    return (
        origins.select(place)
        .join(found, on="row", how="left", maintain_order="left")
        .select(*measures)
    )
