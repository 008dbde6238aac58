"""Sums over trailing windows as of an origin: the one engine under the features.

An event of day ``e``, known in ``[known_from, known_until)``, counts for a window of
``w`` days at exactly the origins in ``[max(e + 1, known_from), min(e + 1 + w,
known_until))``. Once the origins stand in the order of truce and day, these are
neighbours: it serves the rows from ``first`` up to ``end``. Its value is added at the
one and taken off at the other, and the running total is the sum at every origin. This
is exact for revised events too, and costs a search a window and a pass a column. A
truce's sums need no other truce: groups can be computed apart.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from forecast.spans import (
    GROUP,
    Floats,
    Integers,
    as_given,
    end_served,
    first_served,
    line_up,
)

#: order of events (None: as they stand), and how many of them have passed at each row
Passed = tuple[Integers | None, Integers]
#: bits of a sum of integers, with one left for the sign and one for rounding
BITS = 62


def trailing(
    origins: pl.DataFrame,
    events: pl.DataFrame,
    values: Mapping[str, pl.Expr],
    windows: Sequence[int | None],
) -> pl.DataFrame:
    """Sum values of events over trailing windows, as of each origin.

    Parameters
    ----------
    origins : pl.DataFrame
        ``truce_id`` and ``origin``.
    events : pl.DataFrame
        ``truce_id``, ``day``, ``known_from``, ``known_until`` and what ``values`` use.
    values : mapping of str to pl.Expr
        What to sum, by name: integers, booleans or finite floats; null adds nothing.
    windows : sequence of int or None
        Days; ``None`` is all the time that ``events`` hold.

    Returns
    -------
    pl.DataFrame
        The origins, in their order, and a column ``NAME_Wd`` for each value and
        window (``NAME_ever`` for None), Int64 or, of floats, Float64. No event is a
        sum of zero.

    Raises
    ------
    ValueError
        If a float is not finite.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2020, 1, d) for d in (1, 5, 9)]
    >>> events = pl.DataFrame({"truce_id": "a", "day": days, "deaths": [1, 10, 100]})
    >>> events = events.with_columns(
    ...     known_from=pl.col("day").dt.offset_by("1d"),
    ...     known_until=pl.lit(None, pl.Date),
    ... )
    >>> origins = pl.DataFrame({"truce_id": "a", "origin": [date(2020, 1, 9)]})
    >>> trailing(origins, events, {"deaths": pl.col("deaths")}, [3, 7, 30]).row(0)[2:]
    (0, 10, 11)
    """
    numbers, _, order, spans = line_up(origins, events, values)
    rows = numbers.size
    entered = _passed(first_served(numbers, spans), rows)
    left = [_passed(end_served(numbers, spans, window), rows) for window in windows]
    suffixes = ["ever" if window is None else f"{window}d" for window in windows]
    sums = {
        f"{name}_{suffix}": as_given(total, order)
        for name in values
        for suffix, total in zip(
            suffixes, _totals(spans[name], entered, left), strict=True
        )
    }
    columns = [f"{name}_{suffix}" for suffix in suffixes for name in values]
    return origins.select(GROUP, "origin", *(sums.pop(c).alias(c) for c in columns))


def decayed(
    origins: pl.DataFrame,
    events: pl.DataFrame,
    values: Mapping[str, pl.Expr],
    half_lives: Sequence[float],
) -> pl.DataFrame:
    """Sum values of events with exponential decay, as of each origin.

    An event ``n`` days before the day before the origin counts
    ``2 ** (-n / half_life)``: yesterday's counts whole.

    Parameters
    ----------
    origins, events, values
        As in :func:`trailing`.
    half_lives : sequence of float
        Days.

    Returns
    -------
    pl.DataFrame
        The origins, in their order, and a column ``NAME_Hd`` each.
    """
    numbers, width, order, spans = line_up(origins, events, values)
    # floats are added in one order whatever the order of the events
    spans = spans.sort(spans.columns)
    first, end = first_served(numbers, spans), end_served(numbers, spans, None)
    serves = first < end
    spans, first, end = spans.filter(serves), first[serves], end[serves]
    truce, day = np.divmod(numbers, width)
    # at the end of the truce the total ends by itself
    left = np.append(truce, -1)[end] == truce[first]
    next_day = spans["_next_day"].to_numpy()
    sums = {}
    for half_life in half_lives:
        at_first = np.exp2((next_day - day[first]) / half_life)
        at_end = np.exp2((next_day[left] - day[end[left]]) / half_life)
        fade = np.exp2(np.diff(day, prepend=0) / -half_life)
        fade[np.diff(truce, prepend=-1) > 0] = 0
        for name in values:
            value = spans[name].cast(pl.Float64).to_numpy()
            change = np.zeros(numbers.size)
            np.add.at(change, first, value * at_first)
            np.subtract.at(change, end[left], value[left] * at_end)
            # what a revision takes off leaves a rounding error, never less than 0
            total = _fading_total(change, fade).clip(min=0)
            sums[f"{name}_{half_life:g}d"] = as_given(total, order)
    return origins.select(GROUP, "origin", **sums)


def days_since_last(
    origins: pl.DataFrame, events: pl.DataFrame, name: str, cap: int
) -> pl.DataFrame:
    """Days from the last event known at an origin to it; 1 is yesterday.

    Parameters
    ----------
    origins, events
        As in :func:`trailing`.
    name : str
        Name of the column.
    cap : int
        Days that stand for "this long or never".

    Returns
    -------
    pl.DataFrame
        The origins, in their order, and the column.
    """
    numbers, width, order, spans = line_up(origins, events, {})
    first, end = first_served(numbers, spans), end_served(numbers, spans, None)
    serves = first < end
    latest = _latest(
        spans["_next_day"].to_numpy()[serves], first[serves], end[serves], numbers.size
    )
    since = np.minimum(numbers % max(width, 1) - latest + 1, cap)
    return origins.select(GROUP, "origin", as_given(since, order).alias(name))


def usable(
    origins: pl.DataFrame, events: pl.DataFrame, days: int | None = None
) -> pl.DataFrame:
    """Every event that each origin may use: for what is no sum over a window.

    It costs a row for each pair of an origin and an event of its truce, so sums belong
    to :func:`trailing` and :func:`decayed`; this is for maxima, orders and fits.

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
    numbers, _, order, spans = line_up(origins, events, position)
    first, end = first_served(numbers, spans), end_served(numbers, spans, days)
    served = end - first
    nth = np.arange(served.sum()) - np.repeat(served.cumsum() - served, served)
    row = np.repeat(first, served) + nth
    pairs = pl.DataFrame(
        {
            "row": row if order is None else order[row],
            "event": np.repeat(spans["_event"].to_numpy(), served),
        },
        schema={"row": pl.UInt32, "event": pl.UInt32},
    ).sort("row", "event")
    ago = (pl.col("origin") - pl.col("day")).dt.total_days()
    return pl.concat(
        [
            pairs.select("row"),
            origins.select(GROUP, "origin")[pairs["row"]],
            events.drop(GROUP)[pairs["event"]],
        ],
        how="horizontal",
    ).with_columns(ago=ago)


def _passed(places: Integers, rows: int) -> Passed:
    """Events in the order of their places, and how many of them stand by each row."""
    order = None
    if (places[1:] < places[:-1]).any():
        order = np.argsort(places, kind="stable")
    return order, np.bincount(places, minlength=rows + 1)[:rows].cumsum()


def _totals(
    values: pl.Series, entered: Passed, left: Sequence[Passed]
) -> Iterator[Integers | Floats]:
    """Sum at each origin of the events that have entered and not left."""
    if not values.dtype.is_float():
        whole = values.cast(pl.Int64).fill_null(0).to_numpy()
        yield from _running_totals(whole, entered, left)
        return
    # Floats are added as two integers each, some 120 bits, so that no order of adding
    # and nothing large that has left the window shows in a sum.
    exact = values.cast(pl.Float64).fill_null(0).to_numpy()
    if not np.isfinite(exact).all():
        raise ValueError(f"{values.name}: a value is not finite")
    room = BITS - exact.size.bit_length()
    shift = room - int(np.frexp(np.abs(exact).max(initial=0))[1])
    scaled = np.ldexp(exact, shift)
    high = np.rint(scaled)
    low = np.rint(np.ldexp(scaled - high, room))
    parts = (
        _running_totals(part.astype(np.int64), entered, left) for part in (high, low)
    )
    for above, below in zip(*parts, strict=True):
        yield np.ldexp(above + np.ldexp(below, -room), -shift)


def _running_totals(
    values: Integers, entered: Passed, left: Sequence[Passed]
) -> Iterator[Integers]:
    plain = _sums(values)

    def passed(order: Integers | None, count: Integers) -> Integers:
        sums = plain if order is None else _sums(values[order])
        # no count is out of bounds, and not to look for it saves a third
        return sums.take(count, mode="clip")

    inside = passed(*entered)
    for gone in left:
        total = passed(*gone)
        yield np.subtract(inside, total, out=total)


def _sums(values: Integers) -> Integers:
    """Sum of the first 0, 1, 2, … values."""
    sums = np.zeros(values.size + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _fading_total(change: Floats, fade: Floats) -> Floats:
    """``total[i] = fade[i] * total[i - 1] + change[i]``, by doubling the reach."""
    total, reach = change.copy(), 1
    while fade.any():
        total[reach:] += fade[reach:] * total[:-reach]
        fade = np.append(np.zeros(reach), fade[reach:] * fade[:-reach])
        reach *= 2
    return total


def _latest(days: Integers, first: Integers, end: Integers, rows: int) -> Integers:
    """Latest day among the events that serve each origin.

    Every run is two runs of a power of two that overlap; from the longest down, each
    is handed on as its halves.
    """
    latest = np.full(rows, -(2**BITS))
    level = np.frexp(end - first)[1] - 1
    for power in range(level.max(initial=0), -1, -1):
        same = level == power
        np.maximum.at(latest, first[same], days[same])
        np.maximum.at(latest, end[same] - 2**power, days[same])
        if power:
            half = 2 ** (power - 1)
            latest[half:] = np.maximum(latest[half:], latest[:-half])
    return latest
