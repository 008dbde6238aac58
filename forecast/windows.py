"""Sums over trailing windows as of an origin: the one engine under the features.

An event of day ``e``, known in ``[known_from, known_until)``, counts for a window of
``w`` days at exactly the origins in ``[max(e + 1, known_from), min(e + 1 + w,
known_until))``. Where that is not empty, its value is added at the first of these
mornings and taken off at the second; the running total, looked up at an origin, is
the sum. This is exact for revised events too, and costs a sort instead of a join of
every origin with every event.
"""

from collections.abc import Mapping, Sequence

import polars as pl

NEVER = 10**6
GROUP = "truce_id"


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
        What to sum, by name.
    windows : sequence of int or None
        Days; ``None`` is all the time that ``events`` hold.

    Returns
    -------
    pl.DataFrame
        The origins, in their order, and a column ``NAME_Wd`` for each value and
        window (``NAME_ever`` for None). No event is a sum of zero.

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
    slim = events.select(GROUP, "day", "known_from", "known_until", **values)
    sums = origins.select(GROUP, "origin").with_row_index("_i").sort("origin")
    for window in windows:
        suffix = "ever" if window is None else f"{window}d"
        totals = _running_totals(slim, list(values), window)
        found = _look_up(sums, totals).select(
            pl.col(name).fill_null(0).alias(f"{name}_{suffix}") for name in values
        )
        sums = sums.hstack(found)
    return sums.sort("_i").drop("_i")


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
    sums = origins.select(GROUP, "origin").with_row_index("_i").sort("origin")
    # days are counted from the group's own first origin, so that powers stay small
    zero = origins.group_by(GROUP).agg(zero=pl.col("origin").min())
    near = events.join(zero, on=GROUP)
    for half_life in half_lives:
        growth = _power(pl.col("day"), half_life)
        slim = near.select(
            GROUP,
            "day",
            "known_from",
            "known_until",
            **{name: value * growth for name, value in values.items()},
        )
        totals = _running_totals(slim, list(values), None)
        found = _look_up(sums.join(zero, on=GROUP, maintain_order="left"), totals)
        shrink = _power(pl.col("origin").dt.offset_by("-1d"), -half_life)
        sums = sums.hstack(
            found.select(
                # what a revision takes off leaves a rounding error, never less than 0
                (pl.col(name).fill_null(0) * shrink)
                .clip(lower_bound=0)
                .alias(f"{name}_{half_life:g}d")
                for name in values
            )
        )
    return sums.sort("_i").drop("_i")


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
    sums = origins.select(GROUP, "origin").with_row_index("_i").sort("origin")
    usable = events.select(
        GROUP,
        "day",
        "known_until",
        at=pl.max_horizontal(pl.col("day").dt.offset_by("1d"), "known_from"),
    ).filter(pl.col("known_until").is_null() | (pl.col("at") < pl.col("known_until")))
    lasting = (
        usable.filter(pl.col("known_until").is_null())
        .sort(GROUP, "at")
        .select(GROUP, "at", lasting=pl.col("day").cum_max().over(GROUP))
    )
    # versions that were replaced are few: each is tried at each origin it served
    replaced = (
        sums.join(usable.filter(pl.col("known_until").is_not_null()), on=GROUP)
        .filter(pl.col("origin").is_between("at", "known_until", closed="left"))
        .group_by("_i")
        .agg(replaced=pl.col("day").max())
    )
    last = pl.max_horizontal("lasting", "replaced")
    return (
        _look_up(sums, lasting)
        .join(replaced, on="_i", how="left")
        .sort("_i")
        .select(
            GROUP,
            "origin",
            (pl.col("origin") - last)
            .dt.total_days()
            .clip(upper_bound=cap)
            .fill_null(cap)
            .alias(name),
        )
    )


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
    origin, until = pl.col("origin"), pl.col("known_until")
    ago = (origin - pl.col("day")).dt.total_days()
    past = (ago >= 1) & (pl.col("known_from") <= origin)
    if days is not None:
        past &= ago <= days
    return (
        origins.lazy()
        .select(GROUP, "origin")
        .with_row_index("row")
        .join(events.lazy(), on=GROUP, maintain_order="left_right")
        .filter(past & (until.is_null() | (origin < until)))
        .with_columns(ago=ago)
        .collect()
    )


def _running_totals(
    events: pl.DataFrame, names: Sequence[str], window: int | None
) -> pl.DataFrame:
    next_day = pl.col("day").dt.offset_by("1d")
    ends = ["known_until"]
    if window is not None:
        events = events.with_columns(_leaves=next_day.dt.offset_by(f"{window}d"))
        ends.append("_leaves")
    spans = events.with_columns(
        _first=pl.max_horizontal(next_day, "known_from"),
        _end=pl.min_horizontal(ends),
    ).filter(pl.col("_end").is_null() | (pl.col("_first") < pl.col("_end")))
    enters = spans.select(GROUP, pl.col("_first").alias("at"), *names)
    leaves = spans.filter(pl.col("_end").is_not_null()).select(
        GROUP, pl.col("_end").alias("at"), *(-pl.col(name) for name in names)
    )
    return (
        pl.concat([enters, leaves])
        .group_by(GROUP, "at")
        .agg(pl.col(*names).sum())
        .sort(GROUP, "at")
        .with_columns(pl.col(*names).cum_sum().over(GROUP))
    )


def _look_up(origins: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """Latest total at or before each origin; origins are sorted by day."""
    return origins.join_asof(
        totals.sort("at", maintain_order=True),
        left_on="origin",
        right_on="at",
        by=GROUP,
        strategy="backward",
        check_sortedness=False,
    )


def _power(day: pl.Expr, half_life: float) -> pl.Expr:
    # times a number: Polars divides by one differently where there is one row only
    return pl.lit(2.0) ** ((day - pl.col("zero")).dt.total_days() * (1 / half_life))
