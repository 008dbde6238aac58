"""Which origins an event serves, as a run of neighbours.

Once the origins stand in the order of truce and day, the origins at which a version of
an event may be used are neighbours: the rows from ``first`` up to ``end``. A truce's
rows need no other truce: groups can be computed apart.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

GROUP = "truce_id"
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def line_up(
    origins: pl.DataFrame, events: pl.DataFrame, values: Mapping[str, pl.Expr]
) -> tuple[Integers, int, Integers | None, pl.DataFrame]:
    """Origins as sorted numbers, and events by the mornings on which they serve.

    A morning is numbered ``truce * width + day``, its day counted from the earliest
    origin; ``width - 1`` is later than any, and no two truces share a number.
    """
    truces = pl.Enum(origins[GROUP].unique(maintain_order=True))
    days = origins["origin"].cast(pl.Int64).to_numpy()
    zero = int(days.min()) if days.size else 0
    width = int(np.ptp(days)) + 2 if days.size else 2

    def numbered(truce: pl.Expr) -> pl.Expr:
        return truce.cast(truces, strict=False).to_physical().cast(pl.Int64) * width

    def morning(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.Int64) - zero

    numbers = origins.select(numbered(pl.col(GROUP)) + morning("origin")).to_series()
    order = None if numbers.is_sorted() else numbers.arg_sort().to_numpy()
    spans = (
        events.select(
            numbered(pl.col(GROUP)).alias("_truce"),
            (morning("day") + 1).alias("_next_day"),
            pl.max_horizontal(morning("day") + 1, morning("known_from"))
            .clip(0, width - 1)
            .alias("_from"),
            morning("known_until").fill_null(width).clip(0, width - 1).alias("_until"),
            *(value.alias(name) for name, value in values.items()),
        )
        .filter(pl.col("_truce").is_not_null())
        # neighbours in time are neighbours in memory
        .sort(pl.col("_truce") + pl.col("_from"))
    )
    return (
        numbers.to_numpy() if order is None else numbers.to_numpy()[order],
        width,
        order,
        spans,
    )


def first_served(numbers: Integers, spans: pl.DataFrame) -> Integers:
    """Row of the first origin that each event serves."""
    return numbers.searchsorted((spans["_truce"] + spans["_from"]).to_numpy())


def end_served(numbers: Integers, spans: pl.DataFrame, window: int | None) -> Integers:
    """Row after the last origin that each event serves; the first if it serves none."""
    end = pl.col("_until")
    if window is not None:
        end = pl.min_horizontal(end, pl.col("_next_day") + window)
    end = pl.col("_truce") + pl.max_horizontal(end, "_from")
    return numbers.searchsorted(spans.select(end).to_series().to_numpy())


def as_given(column: Integers | Floats, order: Integers | None) -> pl.Series:
    """From the order of truce and day back to that of the caller."""
    if order is None:
        return pl.Series(column)
    given = np.empty_like(column)
    given[order] = column
    return pl.Series(given)
