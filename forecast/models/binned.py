"""Columns cut into few steps, as trees want them."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from forecast.ipcw import Array


class Binned(BaseEstimator, TransformerMixin):  # type: ignore[misc]
    """Number of the step that each value lies in; unknown values stay unknown.

    Trees on binned columns cut theirs by quantiles of weighted rows, which takes nine
    tenths of a fit of thousands of rows. Quantiles of the rows as they are serve as
    well, and trees that are given no more values than they have bins take them as they
    come. Steps keep the order of values, so that signs hold.

    Parameters
    ----------
    steps : int
        At most; a column with fewer distinct values keeps each of them.

    Attributes
    ----------
    cuts_ : list of float array
        Values between steps, by column.

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [np.nan], [9.0]])
    >>> Binned().fit(rows).transform(rows).ravel().tolist()
    [0.0, 1.0, nan, 2.0]
    """

    def __init__(self, steps: int = 62) -> None:
        self.steps = steps

    def fit(self, X: Array, y: Any = None) -> Self:
        """Find the cuts of each column."""
        del y
        self.cuts_ = [_cuts(column[~np.isnan(column)], self.steps) for column in X.T]
        return self

    def transform(self, X: Array) -> Array:
        """Steps of values, shape of X."""
        check_is_fitted(self, "cuts_")
        steps = np.empty(X.shape)
        for i, cuts in enumerate(self.cuts_):
            known = np.searchsorted(cuts, X[:, i])
            steps[:, i] = np.where(np.isnan(X[:, i]), np.nan, known)
        return steps


def boosted(max_bins: int, **settings: Any) -> Pipeline:
    """Gradient-boosted trees on binned columns.

    Parameters
    ----------
    max_bins : int
        Steps of a column, and one for what is unknown.
    **settings
        Of scikit-learn's ``HistGradientBoostingClassifier``.

    Returns
    -------
    Pipeline
        A classifier that takes weights.

    Notes
    -----
    Ke et al. (2017), *NeurIPS* 30.

    Examples
    --------
    >>> boosted(63, max_iter=5).steps[0][1].steps
    62
    """
    trees = HistGradientBoostingClassifier(
        max_bins=max_bins, early_stopping=False, **settings
    )
    return Pipeline([("bin", Binned(max_bins - 1)), ("trees", trees)])


def _cuts(known: Array, steps: int) -> Array:
    distinct = np.unique(known)
    if len(distinct) > steps:
        shares = np.linspace(0, 1, steps + 1)[1:-1]
        return np.unique(np.quantile(known, shares, method="midpoint"))
    return np.asarray((distinct[1:] + distinct[:-1]) / 2)
