"""Why this truce, and by how much: its risk against that of a typical one of its age.

The risk of a row is that of the mean training row of its age, and what each group of
columns adds: exact Shapley values over all sets of groups. A group in a set has the
columns of the row, one that is not those of the mean row; all of a group move together
(interventional values: Lundberg and Lee 2017, Janzing et al. 2020, Covert et al. 2021).
They say what the model makes of the columns, and nothing of what causes what.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from forecast.explain.drivers import words
from forecast.explain.groups import AGE, grouped
from forecast.explain.shapley import members, shapley
from forecast.explain.typical import Typical, at, seen
from forecast.ipcw import Array
from forecast.models.horizon import matrix
from forecast.schema import Panel, Reasons
from forecast.threads import one_thread

#: numbers in the rows that a model is given at once, at most: 8 MB
CELLS = 1_000_000


def reasons(
    name: str,
    model: Any,
    typical: Typical,
    panel: dy.DataFrame[Panel],
    X: pl.DataFrame,
    horizons: Sequence[int],
    label: str,
) -> dy.DataFrame[Reasons]:
    """Tell how far each group of columns moves the risk of each truce.

    Parameters
    ----------
    name, model
        Any fitted model, and its name in the frame.
    typical : Typical
        Its mean training rows by age.
    panel : dy.DataFrame[Panel]
        Origins to explain.
    X : pl.DataFrame, shape (n, p)
        Their features.
    horizons : sequence of int
        Days, as the model has them.
    label : str
        Name of the collapse rule.

    Returns
    -------
    dy.DataFrame[Reasons]
        Sorted by key. Groups of which the model sees no column have no row.
    """
    own = X.select(seen(model, X.columns))
    groups = grouped(own.columns)
    groups.pop(AGE, None)
    if not panel.height or not groups:
        return Reasons.create_empty()
    rows = matrix(own)
    points, base, risk = decomposed(
        model, own.columns, rows, _reference(typical, own, rows, panel), groups
    )
    said = words(groups, own, label)
    parts = [
        panel.select(
            pl.col("origin").alias("as_of"),
            "truce_id",
            pl.lit(horizon, pl.Int32).alias("horizon_days"),
            pl.lit(name).alias("model"),
            pl.lit(group).alias("group"),
            said[group].alias("words"),
            pl.Series("points", 100 * points[g, :, h]),
            pl.Series("reference_risk", base[:, h]),
            pl.Series("risk", risk[:, h]),
        )
        for h, horizon in enumerate(horizons)
        for g, group in enumerate(groups)
    ]
    return Reasons.validate(pl.concat(parts).sort(Reasons.primary_key()), cast=True)


def decomposed(
    model: Any,
    columns: Sequence[str],
    rows: Array,
    reference: Array,
    groups: Mapping[str, Sequence[str]],
) -> tuple[Array, Array, Array]:
    """Shapley values of groups of columns in the risks of a model.

    Parameters
    ----------
    model : Model
        Has ``predict_risk``.
    columns : sequence of str, length p
        Names of the columns.
    rows, reference : float array, shape (n, p)
        Rows to explain, and what each is held against; NaN means not known.
    groups : mapping of str to sequence of str
        Columns of each group. Others are those of the row on both sides.

    Returns
    -------
    values : float array, shape (groups, n, horizons)
    base, risk : float array, shape (n, horizons)
        Risks of the reference and of the row; their difference is the sum of the
        values.
    """
    place = {column: i for i, column in enumerate(columns)}
    where = [[place[c] for c in own] for own in groups.values()]
    same = (rows == reference) | (np.isnan(rows) & np.isnan(reference))
    moved = np.column_stack([~same[:, own].all(axis=1) for own in where])
    with one_thread():
        everywhere = np.ones((1, len(columns)), bool)
        risk = _worth(model, columns, rows, rows, everywhere)[0]
        none = _inside(where, len(columns))[:1]
        base = _worth(model, columns, rows, reference, none)[0]
        values = np.zeros((len(where), *risk.shape))
        # who does not differ from the reference in a group has no reason there
        for those, active in _patterns(moved):
            inside = _inside([where[g] for g in active], len(columns))
            for some in _batches(those, inside.size):
                worth = _worth(model, columns, rows[some], reference[some], inside)
                values[np.ix_(active, some)] = shapley(worth)
    return values, base, risk


def _reference(
    typical: Typical, own: pl.DataFrame, rows: Array, panel: pl.DataFrame
) -> Array:
    """What each row is held against; its own where no mean is known, as in age."""
    mean = dict(zip(typical.columns, at(typical, panel["age_days"]).T, strict=True))
    sides = [mean.get(c, rows[:, i]) for i, c in enumerate(own.columns)]
    return np.column_stack(sides)


def _patterns(
    moved: npt.NDArray[np.bool_],
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Rows that differ from their reference in the same groups, and these groups."""
    kinds, kind = np.unique(moved, axis=0, return_inverse=True)
    for number, groups in enumerate(kinds):
        yield np.flatnonzero(kind.ravel() == number), np.flatnonzero(groups)


def _inside(groups: Sequence[Sequence[int]], p: int) -> npt.NDArray[np.bool_]:
    """Which columns each set of groups takes from the row, shape (sets, p)."""
    of_group = np.zeros((len(groups), p), bool)
    for number, own in enumerate(groups):
        of_group[number, own] = True
    # columns of no group are those of the row
    return np.asarray(members(len(groups)) @ of_group | ~of_group.any(axis=0))


def _batches(those: npt.NDArray[np.intp], cells: int) -> Iterator[npt.NDArray[np.intp]]:
    size = max(1, CELLS // cells)
    for start in range(0, len(those), size):
        yield those[start : start + size]


def _worth(
    model: Any,
    columns: Sequence[str],
    rows: Array,
    reference: Array,
    inside: npt.NDArray[np.bool_],
) -> Array:
    """Risks with each set of groups as in the row, shape (sets, n, horizons)."""
    mixed = {
        column: np.where(inside[:, i, None], rows[:, i], reference[:, i]).ravel()
        for i, column in enumerate(columns)
    }
    # what is not known is null to a model, and not a number to an array
    risk = np.asarray(model.predict_risk(pl.DataFrame(mixed).fill_nan(None)))
    return risk.reshape(len(inside), len(rows), -1)
