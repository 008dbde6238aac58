"""Which origins an event serves: a span of neighbours, once origins are in order.

Every morning of every truce has a number, so that origins and events meet in searches
among integers, and no origin is ever joined with every event. A truce's numbers do not
depend on what other truces hold: groups can be computed apart.
"""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

GROUP = "truce_id"
#: what says which origins may use a row of events
VERSION = (GROUP, "day", "known_from", "known_until")
Integers = npt.NDArray[np.int64]
Numbers = TypeVar("Numbers", Integers, npt.NDArray[np.float64])


def line_up(
    origins: pl.DataFrame, events: pl.DataFrame, values: Mapping[str, pl.Expr]
) -> tuple[Integers, int, Integers | None, pl.DataFrame]:
    """Number the mornings of the origins, and those on which events serve.

    Parameters
    ----------
    origins : pl.DataFrame
        ``truce_id`` and ``origin``.
    events : pl.DataFrame
        ``truce_id``, ``day``, ``known_from``, ``known_until`` and what ``values`` use;
        those of truces without an origin are left out.
    values : mapping of str to pl.Expr
        What else is wanted of the events, by name.

    Returns
    -------
    mornings : array of int
        ``truce * width + day`` of each origin, sorted; days count from 1970
        or, where that is earlier, the first of both frames.
    width : int
        Numbers a truce has. Its last is later than all of its origins.
    order : array of int, or None
        How the origins were sorted; None: they were.
    spans : pl.DataFrame
        The events by ``_begin``, the first morning that could use them; ``_next``, the
        morning after their day; ``_until``, the one that could no more; the values,
        a null being 0.
    """
    # most origins stand beside others of their truce
    runs = origins[GROUP].rle().struct.unnest()
    truces = pl.Enum(runs["value"].unique(maintain_order=True))
    origin, day = origins["origin"].to_physical(), events["day"].to_physical()
    zero = min(0, _whole(origin.min()), _whole(day.min()))
    width = max(zero, _whole(origin.max())) - zero + 2

    def base(column: str) -> pl.Expr:
        code = pl.col(column).cast(truces, strict=False).to_physical()
        return code.cast(pl.Int64) * width

    def since(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.Int64) - zero

    spans = (
        events.lazy()
        .select(
            base(GROUP).alias("_base"),
            _next=base(GROUP) + since("day") + 1,
            _begin=base(GROUP)
            + pl.max_horizontal(since("day") + 1, since("known_from")).clip(
                upper_bound=width - 1
            ),
            _until=base(GROUP)
            + since("known_until").fill_null(width).clip(upper_bound=width - 1),
            **{name: value.fill_null(0) for name, value in values.items()},
        )
        .filter(pl.col("_base").is_not_null())
        .drop("_base")
        .collect()
    )
    if not spans["_begin"].is_sorted():
        order = spans["_begin"].to_numpy().argsort()
        # numpy picks rows in half the time
        spans = spans.select(pl.Series(c.name, c.to_numpy()[order]) for c in spans)
    mornings = runs.select(base("value")).to_series().to_numpy().repeat(runs["len"])
    mornings += origins.select(since("origin")).to_series().to_numpy()
    if (mornings[1:] >= mornings[:-1]).all():
        return mornings, width, None, spans
    order = mornings.argsort()
    return mornings[order], width, order, spans


def ends(spans: pl.DataFrame, window: int | None) -> Integers:
    """First morning that each event no longer serves: its first, if it serves none."""
    begin, next_day, until = (
        spans[c].to_numpy() for c in ("_begin", "_next", "_until")
    )
    if window is not None:
        until = np.minimum(next_day + window, until)
    found: Integers = np.maximum(until, begin)
    return found


def rows(
    mornings: Integers, spans: pl.DataFrame, window: int | None
) -> tuple[Integers, Integers]:
    """First row of ``mornings`` that each event serves, and the one after its last."""
    first = mornings.searchsorted(spans["_begin"].to_numpy())
    return first, mornings.searchsorted(ends(spans, window))


def reached(numbers: Integers, mornings: Integers, order: Integers | None) -> Integers:
    """How many of the sorted numbers each origin, as given, has come to.

    The join walks along both, where a search would begin anew for each origin.
    """
    ladder = np.concatenate([[np.iinfo(np.int64).min], numbers])
    found = (
        pl.DataFrame({"at": mornings})
        .join_asof(
            pl.DataFrame({"at": ladder}).with_row_index("n"),
            on="at",
            check_sortedness=False,
        )["n"]
        .to_numpy()
    )
    return as_given(found, order)


def as_given(column: Numbers, order: Integers | None) -> Numbers:
    """From the order of truce and day back to that of the caller."""
    if order is None:
        return column
    given = np.empty_like(column)
    given[order] = column
    return given


def _whole(number: object) -> int:
    return number if isinstance(number, int) else 0
