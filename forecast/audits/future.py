"""The future told beforehand: rows that nobody could know may move no feature."""

from datetime import date, timedelta

import polars as pl

from forecast.audits import FAULT, HELD, Finding, Run
from forecast.audits.aftermath import ended, violent
from forecast.backtest import KEYS
from forecast.schema import Panel

#: origins from here to a morning are each truce in force once
WEEK = timedelta(days=6)


def future(
    run: Run, *, mornings: int = 12, days: int = 120, tolerance: float = 1e-6
) -> list[Finding]:
    """Compute features anew from data that hold a violent future.

    What was known on a morning happens again from that day on, becomes known once more
    a day later, and is revised then, each with ten times the deaths; truces in force
    end, and begin again. No feature at an origin of the week up to the morning may
    differ from the one that the run used: so a stale cache shows as well.

    It sees features only, and only of some weeks. Whether a record was known on the
    day that its source gives is beyond it.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.
    mornings : int
        Mornings that are tried: the one with the most origins in each of so many
        parts of the calendar.
    days : int
        How far back what happened is taken up again.
    tolerance : float
        Difference that rounding may make, relative to values above 1.

    Returns
    -------
    list of Finding
        One, of all features.
    """
    parts, rows, columns = [], 0, set()
    for morning in _mornings(run.panel, mornings):
        week = pl.col("origin").is_between(morning - WEEK, morning)
        origins = Panel.validate(run.panel.filter(week))
        told = run.recompute(
            origins,
            violent(run.events, morning, days),
            ended(run.truces, morning, days),
        )
        rows += origins.height
        for group, frame in told.items():
            columns |= set(frame.columns) - set(KEYS)
            parts.append(moved(frame, run.features[group], tolerance))
    found = pl.concat(parts)
    if found.is_empty():
        said = f"{len(columns)} columns at {rows} origins know nothing of what followed"
        return [Finding("features", HELD, said)]
    names = found["column"].unique().sort().to_list()
    column, truce, origin = found.sort("column", *KEYS).select("column", *KEYS).row(0)
    return [
        Finding(
            "features",
            FAULT,
            f"{len(names)} of {len(columns)} columns change with what nobody could "
            f"know: {', '.join(names[:5])}; first {column} of {truce} on {origin}",
        )
    ]


def moved(told: pl.DataFrame, used: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    """Keys and columns at which two frames of features differ."""
    columns = [name for name in told.columns if name not in KEYS]
    both = told.join(used, on=KEYS, how="left", suffix=" used")

    def differs(name: str) -> pl.Expr:
        a, b = (pl.col(c).cast(pl.Float64) for c in (name, f"{name} used"))
        scale = pl.max_horizontal(b.abs(), pl.lit(1))
        return a.ne_missing(b) & ((a - b).abs() <= tolerance * scale).not_().fill_null(
            True
        )

    return (
        both.select(*KEYS, *(differs(name).alias(name) for name in columns))
        .unpivot(index=KEYS, variable_name="column", value_name="moved")
        .filter("moved")
    )


def _mornings(panel: pl.DataFrame, n: int) -> list[date]:
    """The morning with the most origins in each of so many parts of the calendar."""
    counts = panel.group_by("origin").len().sort("origin")
    part = pl.int_range(pl.len()) * n // pl.len()
    return (
        counts.with_columns(part=part)
        .sort("len", "origin", descending=[True, False])
        .unique("part", keep="first", maintain_order=True)["origin"]
        .sort()
        .to_list()
    )
