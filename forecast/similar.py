"""Past truces that looked like one that is scored, and how they went on.

Two rows are as far apart as their groups of features are on average: within a group,
the root mean square of the differences of its columns in standard deviations, so that
a group of many columns weighs no more than one of few. It is a look at history, not a
forecast: the model need not agree with it.
"""

import dataframely as dy
import numpy as np
import polars as pl

from forecast.backtest import rows
from forecast.explain.groups import grouped
from forecast.explain.typical import mean
from forecast.ipcw import Array
from forecast.models.horizon import matrix
from forecast.panel import CENSORED
from forecast.schema import Panel, Similar, Truces

#: past truces that are shown of each, and standard deviations beyond which none count
SHOWN, FARTHEST = 5, 3.0


def similar(
    in_force: dy.DataFrame[Panel],
    past: dy.DataFrame[Panel],
    features: pl.DataFrame,
    columns: list[str],
    truces: dy.DataFrame[Truces],
    horizon: int,
    shown: int = SHOWN,
) -> dy.DataFrame[Similar]:
    """Find the past truces that were most like each of those in force.

    Parameters
    ----------
    in_force : dy.DataFrame[Panel]
        One origin a truce.
    past : dy.DataFrame[Panel]
        Origins as they stood on that morning. Those of the truces in force are not
        looked at, nor those whose outcome within the horizon is not known by then.
    features : pl.DataFrame
        Keyed features of both.
    columns : list of str
        Those that the model looks at.
    truces : dy.DataFrame[Truces]
        For the names.
    horizon : int
        Days.
    shown : int
        Past truces of each, at most.

    Returns
    -------
    dy.DataFrame[Similar]
        Each past truce once, at the origin on which it was most alike; sorted by key.
    """
    seen = (pl.col("event") != CENSORED) | (pl.col("duration") >= horizon)
    others = past.filter(seen).join(in_force, on="truce_id", how="anti")
    if not in_force.height or not others.height or not columns:
        return Similar.create_empty()
    old, new = (
        matrix(rows(features, part).select(columns)) for part in (others, in_force)
    )
    spread = _spread(old)
    groups = [[columns.index(c) for c in own] for own in grouped(columns).values()]
    found = []
    for number, truce in enumerate(in_force["truce_id"]):
        far = distances(old, new[number], spread, groups)
        best = (
            others.with_columns(distance=far)
            .sort("distance", "origin", "truce_id")
            .unique("truce_id", keep="first", maintain_order=True)
            .head(shown)
        )
        found.append(
            best.with_row_index("rank", offset=1).with_columns(
                pl.col("truce_id").alias("past_id"), pl.lit(truce).alias("truce_id")
            )
        )
    names = truces.select(past_id="truce_id", past="name")
    named = pl.concat(found).join(names, on="past_id", how="left")
    return Similar.validate(
        named.select(Similar.column_names()).sort(Similar.primary_key()), cast=True
    )


def distances(old: Array, new: Array, spread: Array, groups: list[list[int]]) -> Array:
    """How far past rows are from a new one, in standard deviations.

    Parameters
    ----------
    old : float array, shape (n, p)
    new, spread : float array, shape (p,)
        A row, and the standard deviation of each column; NaN means not known.
    groups : list of list of int
        Columns of each group.

    Returns
    -------
    float array, shape (n,)
        Between 0 and 3. A column that one side knows and the other does not is a
        standard deviation apart; one that neither knows, or that never varies, says
        nothing.

    Examples
    --------
    >>> old = np.array([[0.0, 2.0], [4.0, np.nan]])
    >>> distances(old, np.array([0.0, 1.0]), np.ones(2), [[0], [1]]).tolist()
    [0.5, 2.0]
    """
    apart = np.minimum(np.abs(old - new) / np.where(spread > 0, spread, 1), FARTHEST)
    one_sided = np.isnan(old) != np.isnan(new)
    apart = np.where(one_sided, 1.0, np.nan_to_num(apart))
    telling = spread > 0
    means = [
        np.sqrt((apart[:, own] ** 2).mean(axis=1))
        for own in ([c for c in group if telling[c]] for group in groups)
        if own
    ]
    return np.asarray(np.mean(means, axis=0)) if means else np.zeros(len(old))


def _spread(values: Array) -> Array:
    """Standard deviation of the known values of each column; 0 where there is none."""
    return np.nan_to_num(np.sqrt(mean((values - mean(values)) ** 2)))
