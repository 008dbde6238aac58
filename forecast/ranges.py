"""What a model has seen: the range of each column of its training rows.

Beyond it a model does not know, it extends: a line goes on, a tree stays where it was.
Neither is learnt from any truce, and who reads the risk should be told.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from forecast.models.horizon import matrix

#: lowest and highest known value of each column
Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Outside:
    """A value beyond what a model has seen."""

    column: str
    value: float
    #: the end of the range that it lies beyond
    end: float
    #: how far, in widths of the range; infinite where the column never varied
    far: float

    def __str__(self) -> str:
        """In words: the value, and the most or the least that was seen."""
        end = "at most" if self.value > self.end else "at least"
        return f"{self.column} {self.value:.4g} ({end} {self.end:.4g})"


def ranges(X: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Range of the known values of each column.

    Parameters
    ----------
    X : pl.DataFrame
        Training rows, of the columns that a model looks at: numeric or boolean; null
        means not known.

    Returns
    -------
    dict of str to (float, float)
        A column without any known value has no range.

    Examples
    --------
    >>> ranges(pl.DataFrame({"deaths": [3, None, 8], "written": [True] * 3}))
    {'deaths': (3.0, 8.0), 'written': (1.0, 1.0)}
    """
    return {
        name: (float(np.nanmin(column)), float(np.nanmax(column)))
        for name, column in zip(X.columns, matrix(X).T, strict=True)
        if not np.isnan(column).all()
    }


def outside(X: pl.DataFrame, seen: Ranges) -> list[list[Outside]]:
    """Values of each row that lie beyond what a model has seen, farthest first.

    Parameters
    ----------
    X : pl.DataFrame, shape (n, p)
        Rows that are scored.
    seen : mapping
        From :func:`ranges`; a column that has none is not judged.

    Returns
    -------
    list of list of Outside
        One list a row; a value that is not known lies nowhere.

    Examples
    --------
    >>> X = pl.DataFrame({"deaths": [9, 3, None], "age": [1, 2, 90]})
    >>> [[str(v) for v in row] for row in outside(X, {"deaths": (3, 8), "age": (1, 9)})]
    [['deaths 9 (at most 8)'], [], ['age 90 (at most 9)']]
    """
    columns = [name for name in X.columns if name in seen]
    # a selection of no columns has no rows either
    if not columns:
        return [[] for _ in range(X.height)]
    found: list[list[Outside]] = []
    for row in matrix(X.select(columns)):
        beyond = [
            _beyond(name, float(value), *seen[name])
            for name, value in zip(columns, row, strict=True)
            if value < seen[name][0] or value > seen[name][1]
        ]
        found.append(sorted(beyond, key=lambda v: (-v.far, v.column)))
    return found


def _beyond(name: str, value: float, low: float, high: float) -> Outside:
    end = high if value > high else low
    width = high - low
    return Outside(name, value, end, abs(value - end) / width if width else np.inf)
