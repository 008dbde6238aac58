"""Sums over trailing windows as of an origin: the one engine under the features.

An event of day ``e``, known in ``[known_from, known_until)``, counts for a window of
``w`` days at exactly the origins in ``[max(e + 1, known_from), min(e + 1 + w,
known_until))``: so a sum is that of all events that have begun to count by the origin,
less that of those that have ceased to. Both are running totals, looked up at each
origin. They begin in one order whatever the window, and cease in it too where nothing
was late or revised; else they are put in the order of their ends, and the same holds.

Integers are exact. Floats are added as integers, and come out as near as floats are.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl

from forecast.spans import GROUP, Integers, as_given, ends, line_up, reached, rows

Floats = npt.NDArray[np.float64]
#: bits that a sum of integers may have: all but the sign's and one to round with
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
    mornings, _, order, spans = line_up(origins, events, values)
    whole = [_as_integers(spans[name]) for name in values]
    parts = [part for found, _ in whole for part in found]
    totals = _totals(parts)

    def by_each(sums: Integers, numbers: Integers) -> Integers:
        # no place is out of bounds, and not to look for it saves a third
        at = reached(numbers, mornings, order)
        return sums.take(at, axis=1, mode="clip")

    def inside(window: int | None) -> list[pl.Series]:
        last, ceased = ends(spans, window), totals
        if (last[1:] < last[:-1]).any():
            again = last.argsort()
            last, ceased = last[again], _totals([part[again] for part in parts])
        sums = by_each(ceased, last)
        np.subtract(begun.result(), sums, out=sums)
        row = iter(sums)
        suffix = "ever" if window is None else f"{window}d"
        return [
            pl.Series(f"{name}_{suffix}", _read([next(row) for _ in powers], powers))
            for name, (_, powers) in zip(values, whole, strict=True)
        ]

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        begun = pool.submit(by_each, totals, spans["_begin"].to_numpy())
        columns = list(chain.from_iterable(pool.map(inside, windows)))
    return origins.select(GROUP, "origin").hstack(columns)


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
    mornings, width, order, spans = line_up(origins, events, values)
    # floats are added in one order, whatever the order of the events
    spans = spans.sort(spans.columns)
    first, after = rows(mornings, spans, None)
    serves = first < after
    spans, first, after = spans.filter(serves), first[serves], after[serves]
    next_day = spans["_next"].to_numpy()
    truce = mornings // width
    # at the end of a truce its total ends by itself
    left = np.append(truce, -1)[after] == truce[first]
    gap, fresh = np.diff(mornings, prepend=0), np.diff(truce, prepend=-1) > 0
    sums = {}
    for half_life in half_lives:
        comes = np.exp2((next_day - mornings[first]) / half_life)
        goes = np.exp2((next_day[left] - mornings[after[left]]) / half_life)
        fade = np.where(fresh, 0, np.exp2(gap / -half_life))
        for name in values:
            value = spans[name].cast(pl.Float64).to_numpy()
            change = np.zeros(mornings.size)
            np.add.at(change, first, value * comes)
            np.subtract.at(change, after[left], value[left] * goes)
            # what a revision takes off leaves a rounding error, never less than 0
            total = _fading_total(change, fade).clip(min=0)
            sums[f"{name}_{half_life:g}d"] = pl.Series(as_given(total, order))
    return origins.select(GROUP, "origin").with_columns(**sums)


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
    mornings, _, order, spans = line_up(origins, events, {})
    latest = _latest(
        spans["_next"].to_numpy(), *rows(mornings, spans, None), mornings.size
    )
    since = as_given(np.minimum(mornings - latest + 1, cap), order)
    return origins.select(GROUP, "origin").with_columns(pl.Series(name, since))


def _as_integers(values: pl.Series) -> tuple[list[Integers], list[int]]:
    """Values as integers that add up without error, and powers of two to read them by.

    A float is two integers, its high and its low part, some 120 bits. So neither the
    order of adding shows in a sum, nor a large value that has left the window.
    """
    if not values.dtype.is_float():
        return [values.cast(pl.Int64).to_numpy()], [0]
    exact = values.cast(pl.Float64).to_numpy()
    if not np.isfinite(exact).all():
        raise ValueError(f"{values.name}: a value is not finite")
    room = BITS - exact.size.bit_length()
    shift = room - int(np.frexp(np.abs(exact).max(initial=1))[1])
    scaled = np.ldexp(exact, shift)
    high = np.rint(scaled)
    low = np.rint(np.ldexp(scaled - high, room))
    return [part.astype(np.int64) for part in (high, low)], [-shift, -shift - room]


def _read(parts: list[Integers], powers: list[int]) -> Integers | Floats:
    """Sums of values from the sums of their integers."""
    if len(parts) == 1:
        return parts[0]
    high, low = map(np.ldexp, parts, powers)
    total: Floats = high + low
    return total


def _totals(parts: Sequence[Integers]) -> Integers:
    """Sums of the first 0, 1, 2, … of each; a row each."""
    totals = np.zeros((len(parts), parts[0].size + 1), np.int64)
    for total, part in zip(totals, parts, strict=True):
        part.cumsum(out=total[1:])
    return totals


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
