"""What each family of features is worth on forecasts out of sample.

All columns of a family are shuffled together among the test rows of a fold, and the
model of that fold, fitted on rows as they are, forecasts again: Breiman (2001),
*Machine Learning* 45; Fisher, Rudin and Dominici (2019), *Journal of Machine Learning
Research* 20. Within a fold, because each fold has a model of its own and years of its
own. Together, because windows of one family stand in for each other.

Rows are shuffled, not whole truces. A truce's series could be handed to another truce
only where both are as long and as old; and what is judged are forecasts of rows, each
made without a look at its neighbours. The price: a row may get the values of another
week of its own truce, which are much like its own. So importance is a little too small,
by about the share of rows that a truce has of its fold. Shuffled columns may also
stand beside others that they never go with; and what two families share, either can
supply, so that both may look dispensable. ``leave_out``, which fits anew, asks the
other question: can the model do without?
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from forecast import ipcw
from forecast.backtest import KEYS, Model, Training, fitted, rows, target
from forecast.ipcw import Array
from forecast.metrics.proper import squared_errors
from forecast.metrics.weighted import ratio
from forecast.resample import redrawn
from forecast.schema import Importance, Panel, Predictions
from forecast.scored import Rows
from forecast.split import Fold

Orders = npt.NDArray[np.intp]

#: before the name of a family, in columns
LOST = "lost_"
#: rows forecast at once, at most, where a fold is smaller
BATCH = 5_000


def families(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns by what stands before their first underscore: their feature.

    Examples
    --------
    >>> families(["age_log", "recent_share_7d", "recent_filled"])
    {'age': ['age_log'], 'recent': ['recent_share_7d', 'recent_filled']}
    """
    found: dict[str, list[str]] = {}
    for name in columns:
        found.setdefault(name.partition("_")[0], []).append(name)
    return found


def shuffled_losses(
    model: Model,
    features: pl.DataFrame,
    panel: dy.DataFrame[Panel],
    training: Training,
    folds: Sequence[Fold],
    *,
    repeats: int = 10,
    seed: int = 1,
    done: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """What test rows lose in squared error when each family is shuffled.

    Parameters
    ----------
    model, features
        An estimator, and the keyed frame that it sees.
    panel : dy.DataFrame[Panel]
        The origins that were forecast, with their outcomes.
    training : callable
        The panel as it stood on a morning.
    folds : sequence of Fold
        The model is fitted for each of them that has a row in ``panel``.
    repeats : int
        Shuffles of each fold, the same for all families; their losses are averaged.
    seed : int
        Of the shuffles.
    done : callable
        Told of each fold.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``origin``, ``horizon``; ``own``, the squared error of the
        forecast as it is, and ``lost_FAMILY``, by how much shuffling raises it; NaN
        where the outcome is unknown.
    """
    groups = families(features.drop(KEYS).columns)
    parts = []
    for fold in folds:
        test = fold.test(panel)
        if test.height:
            known = fold.train(training(fold.known), test)
            learned = fitted(model, features, known)
            # a fold's shuffles hang on no other fold
            rng = np.random.default_rng([seed, fold.cutoff.toordinal(), fold.part])
            orders = np.array([rng.permutation(test.height) for _ in range(repeats)])
            parts += _losses(learned, rows(features, test), test, groups, orders)
        done(str(fold.cutoff))
    return pl.concat(parts)


def _losses(
    learned: Any,
    X: pl.DataFrame,
    test: pl.DataFrame,
    groups: Mapping[str, Sequence[str]],
    orders: Orders,
) -> list[pl.DataFrame]:
    """Losses of the rows of one fold, a frame for each horizon."""
    y = target(test)
    outcome = np.column_stack([ipcw.weights(y, h)[0] for h in learned.horizons])
    own = squared_errors(outcome, np.asarray(learned.predict_risk(X)))
    lost = {
        name: (
            squared_errors(outcome, shuffled(learned, X, columns, orders)) - own
        ).mean(axis=0)
        for name, columns in groups.items()
    }
    return [
        test.select(
            *KEYS,
            pl.lit(horizon, pl.Int32).alias("horizon"),
            pl.Series("own", own[:, i]),
            *(pl.Series(LOST + name, more[:, i]) for name, more in lost.items()),
        )
        for i, horizon in enumerate(learned.horizons)
    ]


def shuffled(
    learned: Any, X: pl.DataFrame, columns: Sequence[str], orders: Orders
) -> Array:
    """Risks when some columns are taken, together, from other rows.

    Parameters
    ----------
    learned : Model
        A fitted model.
    X : pl.DataFrame, shape (n, p)
        Rows of one fold.
    columns : sequence of str
        Columns to take from elsewhere.
    orders : int array, shape (repeats, n)
        The row that each row takes them from.

    Returns
    -------
    float array, shape (repeats, n, n_horizons)
    """
    own, size = X.select(columns), max(1, BATCH // max(1, X.height))
    risks = []
    for start in range(0, len(orders), size):
        some = orders[start : start + size]
        moved = pl.concat([X] * len(some)).with_columns(own[some.ravel()])
        risks.append(np.asarray(learned.predict_risk(moved)))
    return np.concatenate(risks).reshape(len(orders), X.height, -1)


def importance(
    losses: pl.DataFrame,
    predictions: dy.DataFrame[Predictions],
    name: str,
    baseline: str,
    *,
    draws: int = 2000,
    level: float = 0.9,
    seed: int = 1,
) -> dy.DataFrame[Importance]:
    """Brier skill that is lost when a family is shuffled, with its interval.

    Parameters
    ----------
    losses : pl.DataFrame
        From :func:`shuffled_losses`.
    predictions : dy.DataFrame[Predictions]
        Of the model and of the baseline; they tell weights, outcomes and dyads.
    name, baseline : str
        The model, and what skill is quoted against; they may be the same.
    draws, level, seed
        Of the dyads redrawn, as in :func:`forecast.evaluate.evaluate`. The fits and
        the shuffles are held fixed: intervals speak of the luck of the dyads tested.

    Returns
    -------
    dy.DataFrame[Importance]
        Sorted by key. ``value`` is the skill as it is less that with the family
        shuffled, on rows that both forecast: (shuffled − own) / baseline, of weighted
        Brier scores. Exactly 0 for a family that the model does not use.
    """
    keys = [*KEYS, "horizon"]
    theirs = predictions.filter(pl.col("model") == baseline)
    wide = (
        predictions.filter(pl.col("model") == name)
        .join(theirs.select(*keys, pl.col("risk").alias("named")), on=keys)
        .join(losses, on=keys)
        .sort(keys)
    )
    found: list[pl.DataFrame] = [Importance.create_empty()]
    for (horizon,), at in wide.group_by("horizon", maintain_order=True):
        known = at["outcome"].is_not_null()
        scored = Rows(at, known, redrawn(at["dyad_id"], draws, seed))
        floor = scored.mean(squared_errors, "named") * scored.mass
        for column in losses.select(f"^{LOST}.*$").columns:
            lost = scored.total(scored.part[column].to_numpy())
            cell = scored.row(ratio(lost, floor), level)
            keyed = {
                "model": name,
                "horizon": horizon,
                "family": column.removeprefix(LOST),
            }
            found.append(_row(keyed | cell))
    return Importance.validate(pl.concat(found).sort(Importance.primary_key()))


def _row(cells: Mapping[str, Any]) -> pl.DataFrame:
    schema = Importance.create_empty().schema
    return pl.DataFrame([{name: cells[name] for name in schema}], schema=schema)


def forecast_rows(
    panel: dy.DataFrame[Panel], predictions: dy.DataFrame[Predictions], name: str
) -> dy.DataFrame[Panel]:
    """Rows of a panel that a model has forecast: a fold where it failed has none."""
    own = predictions.filter(pl.col("model") == name).select(KEYS).unique()
    return Panel.validate(panel.join(own, on=KEYS, how="semi"))
