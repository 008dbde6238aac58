"""The mean training row of each age: what a truce is held against.

It is kept with a published model, so that a scoring can tell reasons without the data
that the model was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import polars as pl

from forecast.explain.groups import AGE, grouped
from forecast.ipcw import Array
from forecast.models.horizon import matrix

#: bands of age that rows are averaged in, at most, and rows of a band, at least
BANDS, FEWEST = 12, 50


@dataclass(frozen=True)
class Typical:
    """Mean training rows by age; age itself is that of whoever is held against them."""

    #: mean age of each band, ascending
    ages: Array
    columns: tuple[str, ...]
    #: means, a row a band; NaN where the column is not known in most rows
    values: Array


class Means(TypedDict):
    """The same in JSON: means by column, a number a band; null where not known."""

    ages: list[float]
    columns: dict[str, list[float] | None]


def seen(model: Any, columns: Sequence[str]) -> list[str]:
    """Columns that a model looks at: those that it names, or all.

    Parameters
    ----------
    model : Model
        Names them in ``columns_``, if it does not look at all.
    columns : sequence of str
        Those that it is given.

    Examples
    --------
    >>> from forecast.models.baselines import Ewma
    >>> seen(Ewma(), ["age_days", "recent_decayed_14d"])
    ['recent_decayed_14d']
    """
    own = getattr(model, "columns_", None)
    return [name for name in columns if own is None or name in own]


def typical(X: pl.DataFrame, ages: pl.Series) -> Typical:
    """Average training rows by age.

    Rows in the order of age are cut into at most twelve bands of about as many rows
    each, 50 at least; rows of one age stay together.

    Parameters
    ----------
    X : pl.DataFrame, shape (n, p)
        Training rows: numeric or boolean columns; null means not known.
    ages : pl.Series, shape (n,)
        Age of each truce in days.

    Returns
    -------
    Typical
        Of the known values of each column; a column that is null in most rows is so
        at every age. Columns of age are left out.

    Examples
    --------
    >>> X = pl.DataFrame({"recent_filled": [0.2, 0.4, 0.6], "design_days_left": [9]
    ...                   + [None] * 2})
    >>> found = typical(X, pl.Series([1, 8, 15]))
    >>> found.ages.tolist(), found.values.round(9).tolist()
    ([8.0], [[0.4, nan]])
    """
    of_age = grouped(X.columns).get(AGE, [])
    kept = X.drop(of_age)
    # a frame without columns has no rows either
    values = matrix(kept) if kept.width else np.empty((len(ages), 0))
    values[:, np.isnan(values).mean(axis=0) > 0.5] = np.nan
    days = ages.cast(pl.Float64).to_numpy()
    band = _bands(days)
    middle = np.array([days[band == b].mean() for b in range(band.max() + 1)])
    means = np.array([mean(values[band == b]) for b in range(band.max() + 1)])
    # what nobody of a band knows is as in all of them
    means = np.where(np.isnan(means), mean(values), means)
    return Typical(middle, tuple(kept.columns), means)


def at(found: Typical, ages: npt.ArrayLike) -> Array:
    """Mean rows at some ages, on straight lines between those of the bands.

    Parameters
    ----------
    found : Typical
        From :func:`typical`.
    ages : array, shape (n,)
        Days.

    Returns
    -------
    float array, shape (n, p)

    Examples
    --------
    >>> both = Typical(np.array([10.0, 20.0]), ("a",), np.array([[1.0], [3.0]]))
    >>> at(both, [1, 15, 365]).ravel().tolist()
    [1.0, 2.0, 3.0]
    """
    days = np.asarray(ages, np.float64)
    found_at = [np.interp(days, found.ages, column) for column in found.values.T]
    return np.column_stack(found_at) if found_at else np.empty((len(days), 0))


def written(found: Typical) -> Means:
    """Put mean rows into numbers, as they are to the last bit.

    Examples
    --------
    >>> both = Typical(np.array([8.0]), ("a", "b"), np.array([[0.5, np.nan]]))
    >>> written(both)
    {'ages': [8.0], 'columns': {'a': [0.5], 'b': None}}
    """
    columns = {
        name: None if np.isnan(values).any() else values.tolist()
        for name, values in zip(found.columns, found.values.T, strict=True)
    }
    return Means(ages=found.ages.tolist(), columns=columns)


def restored(content: Means) -> Typical:
    """Make mean rows of their numbers.

    Examples
    --------
    >>> restored({"ages": [8], "columns": {"a": [0.5], "b": None}}).values.tolist()
    [[0.5, nan]]
    """
    ages, columns = np.array(content["ages"], np.float64), content["columns"]
    unknown = [np.nan] * len(ages)
    values = np.array([own or unknown for own in columns.values()], np.float64)
    return Typical(ages, tuple(columns), values.reshape(-1, len(ages)).T)


def _bands(days: Array) -> npt.NDArray[np.intp]:
    """Band of each row, from 0."""
    _, row, counts = np.unique(days, return_inverse=True, return_counts=True)
    enough = max(FEWEST, len(days) / BANDS)
    band, inside, bands = 0, 0, []
    for count in counts:
        if inside >= enough:
            band, inside = band + 1, 0
        inside += count
        bands.append(band)
    of_age = np.array(bands, np.intp)
    if band and inside < enough:
        of_age[of_age == band] = band - 1
    return of_age[row.reshape(days.shape)]


def mean(values: Array) -> Array:
    """Mean of the known values of each column; NaN where there is none.

    Examples
    --------
    >>> mean(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
