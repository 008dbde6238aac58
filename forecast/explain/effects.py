"""Partial effects: the mean risk as one column moves and all others stay.

Friedman (2001), *Annals of Statistics* 29. Columns that go together are torn apart: a
row gets thirty days of deaths beside its own seven. Where a model has learnt from no
such row, its mean risk there is an extrapolation.
"""

from collections.abc import Sequence
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from forecast.ipcw import Array
from forecast.schema import Effects

#: points of a grid, and quantiles between which they lie
POINTS, LOW, HIGH = 11, 0.05, 0.95
#: rows that a mean is taken over at most: for an effect, and to pick columns
MOST_ROWS, MOVED_ROWS = 500, 300
#: rows forecast at once, about
BATCH = 5_000


def partial_effects(
    name: str, fitted: Any, X: pl.DataFrame, columns: Sequence[str]
) -> dy.DataFrame[Effects]:
    """Mean risk over rows as each column in turn takes the values of its grid.

    Parameters
    ----------
    name : str
        Of the model, in the frame.
    fitted : Model
        Any fitted model.
    X : pl.DataFrame, shape (n, p)
        Rows to average over; of more than ``MOST_ROWS`` each second, third, … is taken.
    columns : sequence of str
        Columns to move. One without two known values has no effect to show.

    Returns
    -------
    dy.DataFrame[Effects]
        Sorted by key: for each column and horizon, ``risk`` where it is ``at``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from forecast.ipcw import target
    >>> from forecast.models.horizon import HorizonClassifier
    >>> X = pl.DataFrame({"deaths": [0.0, 1.0, 2.0, 9.0, 8.0, 3.0]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> model = HorizonClassifier(LogisticRegression(), horizons=(30,)).fit(X, y)
    >>> partial_effects("mine", model, X, ["deaths"])["risk"].round(2).to_list()
    [0.12, 0.2, 0.31, 0.45, 0.94, 0.97]
    """
    some = sample(X)
    parts: list[pl.DataFrame] = [Effects.create_empty()]
    for column in columns:
        values = grid(X[column])
        if len(values) < 2:
            continue
        moved = pl.concat(
            some.with_columns(pl.lit(value, X.schema[column]).alias(column))
            for value in values
        )
        risk = fitted.predict_risk(moved)
        mean = risk.reshape(len(values), some.height, -1).mean(axis=1)
        parts += [
            _frame(name, horizon, column, values, mean[:, i])
            for i, horizon in enumerate(fitted.horizons)
        ]
    return Effects.validate(pl.concat(parts).sort(Effects.primary_key()))


def _frame(
    name: str, horizon: int, column: str, values: pl.Series, mean: Array
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": name,
            "horizon": horizon,
            "column": column,
            "at": values.cast(pl.Float64),
            # a mean of ones may round to a little more
            "risk": np.clip(mean, 0, 1),
        },
        schema=Effects.create_empty().schema,
    )


def grid(values: pl.Series, points: int = POINTS) -> pl.Series:
    """Known values that a column moves over: all if few, else quantiles that occur.

    Parameters
    ----------
    values : pl.Series
        A column.
    points : int
        At most.

    Returns
    -------
    pl.Series
        Ascending, distinct, of the type of ``values``.

    Examples
    --------
    >>> grid(pl.Series([True, None, False])).to_list()
    [False, True]
    >>> grid(pl.Series(range(1001)), 3).to_list()
    [50, 500, 950]
    """
    known = values.drop_nulls().unique().sort()
    if len(known) <= points:
        return known
    inner = values.drop_nulls().sort()
    shares = np.linspace(LOW, HIGH, points)
    places = np.rint(shares * (len(inner) - 1)).astype(np.int64)
    return inner.gather(places).unique().sort()


def sample(X: pl.DataFrame, most: int = MOST_ROWS) -> pl.DataFrame:
    """At most so many rows, evenly spaced."""
    return X.gather_every(max(1, -(-X.height // most)))


def moves(fitted: Any, X: pl.DataFrame, horizon: int, seed: int = 1) -> pl.DataFrame:
    """How far the risk moves, on average, when a column is shuffled among rows.

    It picks the columns whose partial effects are worth a look. It asks what a model
    makes of a column and not what that is worth, which is asked of families and on
    forecasts out of sample (:func:`forecast.explain.importance`): of six windows of
    deaths each alone is worth next to nothing.

    Parameters
    ----------
    fitted : Model
        Any fitted model.
    X : pl.DataFrame, shape (n, p)
        Rows; of more than ``MOVED_ROWS`` each second, third, … is taken.
    horizon : int
        Days; one of the model's.
    seed : int
        Of the shuffle, which is the same for all columns.

    Returns
    -------
    pl.DataFrame
        ``column`` and ``moved``, the mean absolute change of risk; largest first.
    """
    some, place = sample(X, MOVED_ROWS), list(fitted.horizons).index(horizon)
    order = np.random.default_rng(seed).permutation(some.height)
    before = fitted.predict_risk(some)[:, place]
    moved: list[float] = []
    size = max(1, BATCH // max(1, some.height))
    for start in range(0, some.width, size):
        columns = some.columns[start : start + size]
        stacked = pl.concat(
            some.with_columns(some[name].gather(order)) for name in columns
        )
        risk = fitted.predict_risk(stacked)[:, place].reshape(len(columns), -1)
        moved += np.abs(risk - before).mean(axis=1).tolist()
    return pl.DataFrame({"column": some.columns, "moved": moved}).sort(
        "moved", "column", descending=[True, False]
    )
