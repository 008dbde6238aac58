"""Any scikit-learn classifier as a model of collapse risk by horizon."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, has_fit_parameter
from threadpoolctl import threadpool_limits

from forecast import ipcw
from forecast.ipcw import Array, Target


class HorizonClassifier(BaseEstimator):  # type: ignore[misc]
    """One clone of a classifier for each horizon, weighted for censoring.

    At every horizon the clone learns the outcome of the rows where it is known, with
    the weights of :func:`forecast.ipcw.weights`. Its probability of a collapse is the
    risk. Because the clones know nothing of each other, a longer horizon might come
    out below a shorter one; the running maximum over horizons mends that.

    The risk is the same for all, :func:`constant_risk`, at a horizon that has one
    outcome only, or that no row was followed to: there only rows that ended early are
    known, and a classifier would take them for the whole.

    Parameters
    ----------
    estimator : classifier
        Has ``predict_proba``, and takes ``sample_weight`` when fitted; a pipeline
        whose last step does both will do.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed set on every clone, nested parts too, where it has a ``random_state``.

    Attributes
    ----------
    columns_ : list of str
        Feature columns in the order in which they were fitted.
    fitted_ : list
        For each horizon, a fitted clone or a constant risk.

    Notes
    -----
    Binary regression at fixed horizons with inverse-probability-of-censoring weights:
    Zheng, Cai and Feng (2006), *Biometrics* 62. Competing exits count as no collapse,
    so the risk is a cumulative incidence.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"deaths": [0.0, 1.0, 2.0, 9.0, 8.0, 3.0]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> model = HorizonClassifier(LogisticRegression(), horizons=(7, 30)).fit(X, y)
    >>> model.predict_risk(X.head(2)).round(2).tolist()
    [[0.01, 0.12], [0.02, 0.2]]
    """

    def __init__(
        self,
        estimator: Any,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Fit a clone for each horizon.

        Parameters
        ----------
        X : pl.DataFrame, shape (n, p)
            Numeric or boolean feature columns; null means not known.
        y : structured array, shape (n,)
            ``event`` and ``duration``, as in :func:`forecast.ipcw.weights`.

        Returns
        -------
        Self

        Raises
        ------
        TypeError
            If a column is not numeric, or the estimator cannot weigh rows.
        ValueError
            If there is no row, no column or no collapse, or a value is infinite.
        """
        if not X.width:
            raise ValueError("there is no feature column to fit on")
        check_target(X, y, self.horizons)
        argument = _weight_argument(self.estimator)
        values = matrix(X)
        fitted: list[Any] = []
        for horizon in self.horizons:
            outcome, weight = ipcw.weights(y, horizon)
            known = weight > 0
            followed = ipcw.followed(y, horizon)
            if not followed or len(np.unique(outcome[known])) < 2:
                fitted.append(constant_risk(outcome, weight))
                continue
            part = _seeded(self.estimator, self.random_state)
            labels, inputs = outcome[known].astype(np.int64), values[known]
            # Not every classifier takes a column of which nothing is known.
            inputs[:, np.isnan(inputs).all(axis=0)] = 0
            # One thread: sums in a fixed order give the same bits on any number of
            # cores, and tasks this small only lose time by being divided.
            with threadpool_limits(1):
                part.fit(inputs, labels, **{argument: weight[known]})
            fitted.append(part)
        self.columns_ = X.columns
        self.fitted_ = fitted
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk of collapse within each horizon.

        Parameters
        ----------
        X : pl.DataFrame, shape (n, at least p)
            Has the fitted columns, in any order.

        Returns
        -------
        float array, shape (n, n_horizons)
            In [0, 1], non-decreasing along the horizons.

        Raises
        ------
        TypeError
            If a column is not numeric.
        ValueError
            If a fitted column is missing or a value is infinite.
        """
        check_is_fitted(self, "columns_")
        values = matrix(_select(X, self.columns_))
        if not len(values):
            return np.empty((0, len(self.horizons)))
        rows, back = _distinct(values)
        with threadpool_limits(1):
            risks = [_risk(part, rows) for part in self.fitted_]
        ascending = np.maximum.accumulate(np.column_stack(risks), axis=1)
        return np.asarray(np.clip(ascending, 0, 1)[back])


def matrix(X: pl.DataFrame) -> Array:
    """Turn feature columns into floats, booleans into 0 and 1, nulls into NaN.

    Parameters
    ----------
    X : pl.DataFrame, shape (n, p)
        Numeric or boolean columns.

    Returns
    -------
    float array, shape (n, p)

    Raises
    ------
    TypeError
        If a column is neither numeric nor boolean.
    ValueError
        If a value is infinite.

    Examples
    --------
    >>> matrix(pl.DataFrame({"deaths": [3, None], "written": [True, False]})).tolist()
    [[3.0, 1.0], [nan, 0.0]]
    """
    for name, kind in X.schema.items():
        if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
            raise TypeError(f"feature column {name!r} is {kind}, not a number")
    floats = X.select(pl.all().cast(pl.Float64).fill_null(np.nan))
    values = floats.to_numpy(order="c") if X.width else np.empty((X.height, 0))
    endless = np.isinf(values).any(axis=0)
    if endless.any():
        raise ValueError(f"feature column {X.columns[endless.argmax()]!r} is infinite")
    # Either zero and any NaN become one, so that equal rows have equal bytes.
    return np.where(np.isnan(values), np.nan, values + 0.0)


def check_target(X: pl.DataFrame, y: Target, horizons: Sequence[int]) -> None:
    """Refuse a training set that no model can learn a risk from.

    Parameters
    ----------
    X : pl.DataFrame, shape (n, p)
        Feature columns.
    y : structured array, shape (n,)
        ``event`` and ``duration``.
    horizons : sequence of int
        Horizons in days.

    Raises
    ------
    ValueError
        If lengths differ, horizons do not ascend from one day up, or there is no
        collapse within the longest horizon.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> check_target(pl.DataFrame({"a": [1]}), target([1], [40]), (7, 30))
    Traceback (most recent call last):
    ...
    ValueError: nothing to learn from: no collapse within 30 days in 1 rows
    """
    if X.height != len(y):
        raise ValueError(f"{X.height} rows of features, but {len(y)} of outcomes")
    steps = np.diff([0, *horizons])
    if not len(horizons) or (steps < 1).any():
        raise ValueError(f"horizons must be days that ascend, not {list(horizons)}")
    longest = horizons[-1]
    if not ((y["event"] == 1) & (y["duration"] <= longest)).any():
        raise ValueError(
            f"nothing to learn from: no collapse within {longest} days in {len(y)} rows"
        )


def constant_risk(outcome: Array, weight: Array) -> float:
    """Share of rows that collapsed, censoring allowed for, kept off 0 and 1.

    Parameters
    ----------
    outcome, weight : float array, shape (n,)
        From :func:`forecast.ipcw.weights`.

    Returns
    -------
    float
        Weighted collapses over rows; beyond the last day of follow-up that is the
        share by then. A share of 0 or 1 becomes (collapses + ½) / (rows + 1), for
        never yet is not never.

    Notes
    -----
    Aalen–Johansen's estimate; at its ends the mean under Jeffreys' prior, Beta(½, ½).

    Examples
    --------
    >>> constant_risk(np.zeros(9), np.ones(9))
    0.05
    """
    rows, collapses = len(outcome), float(weight @ np.nan_to_num(outcome))
    if 0 < collapses < rows:
        return collapses / rows
    return (collapses + 0.5) / (rows + 1)


def _select(X: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    missing = [name for name in columns if name not in X.columns]
    if missing:
        names = ", ".join(map(repr, missing))
        raise ValueError(f"the model needs columns that are not there: {names}")
    return X.select(columns)


def _seeded(estimator: Any, seed: int) -> Any:
    copy = clone(estimator)
    names = [n for n in copy.get_params() if n.split("__")[-1] == "random_state"]
    return copy.set_params(**dict.fromkeys(names, seed))


def _weight_argument(estimator: Any) -> str:
    """Name under which ``fit`` takes weights: in a pipeline, those of its last step."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{_weight_argument(last)}"
    if not has_fit_parameter(estimator, "sample_weight"):
        raise TypeError(
            f"{type(estimator).__name__} cannot weigh rows: its fit takes no "
            "sample_weight, so censored rows would bias its risks upward"
        )
    return "sample_weight"


def _distinct(values: Array) -> tuple[Array, npt.NDArray[np.intp]]:
    """Distinct rows in an order of their own, and where each row went.

    Linear algebra libraries work in blocks, and the last bit of a product may depend
    on where in a block the row lies. Predicting each distinct row once, sorted by its
    bytes, makes risks exactly the same however the rows are ordered or repeated.
    """
    values = np.ascontiguousarray(values)
    packed = values.view(np.dtype((np.void, values.shape[1] * values.itemsize))).ravel()
    _, first, back = np.unique(packed, return_index=True, return_inverse=True)
    return values[first], back


def _risk(part: Any, rows: Array) -> Array:
    if isinstance(part, float):
        return np.full(len(rows), part)
    return np.asarray(part.predict_proba(rows)[:, list(part.classes_).index(1)])
