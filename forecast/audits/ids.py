"""Identifiers among the features: a column that names its truce or its dyad.

A model that knows who it looks at can learn by heart who collapsed. Not every column
that is the same all through a truce does that: terms and deaths before the start are,
and a number with many decimals differs between any two truces. So values that differ
are not enough. What a measure does, and a name does not:

- it changes between the truces of a dyad. One that does not, and that no two dyads
  share, names the dyad.
- if it is a count, it has ties. By the birthday problem, n truces whose values lie in
  a range of R whole numbers have some n² / 2R pairs that agree; more, if the values
  crowd. Whole numbers with hardly any tie where many are due are codes, and so are
  those that no count reaches.
- if it has decimals, its steps are uneven. Steps all alike are a code that was scaled.
"""

from collections.abc import Iterator

import polars as pl

from forecast.audits import FAULT, HELD, NOT_APPLICABLE, Finding, Run
from forecast.backtest import KEYS
from forecast.schema import DEATHS_MAX

UNITS = ("dyad_id", "conflict_id")


def ids(run: Run, *, share: float = 0.95, least: int = 5) -> list[Finding]:
    """Look for identifiers among the columns of all features.

    It cannot see an identifier that was blurred or spread over several columns, a
    fraction that stands for a truce (a hash between 0 and 1), or one that names a
    group of dyads.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.
    share : float
        Of the dyads, or truces, that a name tells apart at least: hashes collide.
    least : int
        Dyads that must have several truces before anything is said of dyads, and
        pairs that must be due before anything is said of whole numbers.

    Returns
    -------
    list of Finding
        One a column that is an identifier.
    """
    rows = run.panel.select(*KEYS, *UNITS)
    seen: dict[str, str] = {}
    for frame in run.features.values():
        wide = rows.join(frame, on=KEYS, suffix=" of the features")
        for name in set(wide.columns) - set(rows.columns) - set(seen):
            column = wide.select("truce_id", *UNITS, value=name)
            seen[name] = next(_why(name, column, share, least), "")
    faults = [Finding(name, FAULT, why) for name, why in sorted(seen.items()) if why]
    if not seen:
        return [Finding("features", NOT_APPLICABLE, "there are no columns")]
    held = f"none of {len(seen)} columns names the truce or the dyad it stands for"
    return faults or [Finding("features", HELD, held)]


def _why(name: str, column: pl.DataFrame, share: float, least: int) -> Iterator[str]:
    """Reasons to take a column for an identifier."""
    if {"id", "ids"} & set(name.lower().split("_")):
        yield "it is named as an identifier"
    for unit in UNITS:
        groups = _groups(column, unit)
        several = groups.filter(pl.col("truces") > 1).height
        n, values = groups.height, groups["value"].n_unique()
        if several >= least and _constant(groups) and values >= share * n:
            yield (
                f"it has {values} values for {n} values of {unit}, and the same for "
                f"all truces of each of the {several} that have several"
            )
    truces = _groups(column, "truce_id")
    if _constant(truces):
        yield from _codes(truces["value"], share, least)


def _groups(column: pl.DataFrame, unit: str) -> pl.DataFrame:
    """Each unit in which the column is known: its first value, and how many it has."""
    return (
        column.filter(pl.col(unit).is_not_null() & pl.col("value").is_not_null())
        .group_by(unit)
        .agg(
            pl.col("value").first(),
            values=pl.col("value").n_unique(),
            truces=pl.col("truce_id").n_unique(),
        )
    )


def _constant(groups: pl.DataFrame) -> bool:
    return groups.height > 1 and bool((groups["values"] == 1).all())


def _codes(values: pl.Series, share: float, least: int) -> Iterator[str]:
    """Reasons to take one value a truce for a code."""
    n, different = values.len(), values.n_unique()
    if different < share * n:
        return
    said = f"{n:,} truces have {different:,}"
    if not values.dtype.is_numeric():
        yield f"{said} texts"
        return
    numbers = values.cast(pl.Float64).unique().sort()
    spread = float(numbers[-1] - numbers[0]) + 1
    due = n * n / (2 * spread)
    if (numbers == numbers.round()).all():
        if due >= least * max(n - different, 1):
            yield f"{said} whole numbers; had they been counted, {due:.0f} pairs agreed"
        if spread > 10 * DEATHS_MAX:
            yield f"{said} whole numbers, of a size that no count reaches"
    if n >= 4 * least and _alike(numbers.diff().drop_nulls()):
        yield f"{said} values at equal steps, as a code that was scaled has"


def _alike(steps: pl.Series) -> bool:
    low, high = float(steps.min()), float(steps.max())  # type: ignore[arg-type]
    return low > 0 and high - low <= 1e-6 * high
