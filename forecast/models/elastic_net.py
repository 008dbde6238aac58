"""Logistic regression that leaves columns out by itself."""

import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from forecast.models.horizon import HorizonClassifier
from forecast.models.logit import spline_logit

Array = npt.NDArray[np.float64]


def elastic_net(
    C: float = 0.01,
    l1_ratio: float = 0.5,
    clip: float = 6.0,
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> HorizonClassifier:
    """Logit with an elastic-net penalty, one for each horizon.

    For many columns of which few matter, where :func:`forecast.models.logit.logit`
    has to shrink what is true as much as what is noise. Columns are prepared as there,
    and enter as straight lines only: the lasso half would pick single bumps of a
    spline, so that a curve would have gaps where nobody chose them. What is left out
    is then a column, which has a name. The ridge half keeps columns that say the same
    together (windows of deaths do) instead of electing one.

    The penalty is declared, not tuned: in all it is that of `logit`, and half of it is
    lasso. A column stays out while its score is below ``l1_ratio / C``, 50 by default.
    A standardised column that says nothing has a score with standard deviation
    ``sqrt(n p (1 - p))``, 20 with 3,000 independent origins of which 17% end in a
    collapse. Weekly origins of one truce share an outcome, so that it is larger and
    some empty columns enter, shrunk: this is a sieve, and no test of what matters. At
    short horizons, where few collapse, it lets less through.

    Parameters
    ----------
    C : float
        Inverse of the penalty.
    l1_ratio : float
        Share of the lasso in it: 0 is ridge alone, 1 lasso alone.
    clip : float
        Standard deviations beyond which a feature counts as no more extreme.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Returns
    -------
    HorizonClassifier

    Examples
    --------
    >>> [name for name, _ in elastic_net().estimator.steps]
    ['impute', 'root', 'scale', 'clip', 'shape', 'logit']
    """
    pipeline = spline_logit(C, 0, clip)
    pipeline.set_params(logit=ElasticNetLogit(C, l1_ratio))
    return HorizonClassifier(pipeline, horizons, random_state)


class ElasticNetLogit(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression of two classes with an elastic-net penalty.

    Minimises ``sum_i w_i log(1 + exp(-s_i (a + x_i b))) + (l1_ratio |b|_1 + (1 -
    l1_ratio) / 2 |b|_2^2) / C``, where ``s_i`` is 1 or -1 and the intercept ``a`` is
    free: the objective of scikit-learn's ``LogisticRegression``. Its one solver for it
    is not used, because it looks at coefficients alone to see whether it is done: where
    all are 0 it stops at once, with an intercept of no use.

    Parameters
    ----------
    C : float
        Inverse of the penalty.
    l1_ratio : float
        Share of the lasso in it.
    tol : float
        Slope per row that counts as none.
    max_iter : int
        Steps at most.

    Attributes
    ----------
    classes_ : array, shape (2,)
        The labels; the probability modelled is that of the second.
    coef_ : float array, shape (p,)
        Slopes, exactly 0 where a column is left out.
    intercept_ : float

    Notes
    -----
    Zou and Hastie (2005), *Journal of the Royal Statistical Society B* 67. The solver
    is L-BFGS-B on the positive and the negative parts of the slopes, which makes a
    smooth problem with bounds of one with corners: Byrd, Lu, Nocedal and Zhu (1995),
    *SIAM Journal on Scientific Computing* 16.

    Examples
    --------
    >>> rows = np.array([[0.0, 1.0], [1.0, -1.0], [2.0, -1.0], [3.0, 1.0]])
    >>> ElasticNetLogit(C=1.0).fit(rows, [0, 0, 1, 1]).coef_.round(2).tolist()
    [0.94, 0.0]
    """

    def __init__(
        self,
        C: float = 0.01,
        l1_ratio: float = 0.5,
        tol: float = 1e-7,
        max_iter: int = 10_000,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.tol = tol
        self.max_iter = max_iter

    def fit(
        self, X: Array, y: npt.ArrayLike, sample_weight: Array | None = None
    ) -> Self:
        """Find the one minimum; warns if ``max_iter`` steps do not reach it."""
        from scipy.optimize import minimize

        self.classes_, second = np.unique(y, return_inverse=True)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        mean = float(weight @ second / weight.sum())
        # the intercept, and the positive and the negative part of each slope
        start = np.append(np.log(mean / (1 - mean)), np.zeros(2 * X.shape[1]))
        found = minimize(
            self._objective,
            start,
            (X, second, weight),
            "L-BFGS-B",
            jac=True,
            bounds=[(None, None)] + [(0, None)] * (len(start) - 1),
            options={
                "maxiter": self.max_iter,
                "maxfun": 2 * self.max_iter,
                "maxcor": 30,
                "ftol": 0,
                "gtol": self.tol,
            },
        )
        if found.status == 1:
            warnings.warn(found.message, ConvergenceWarning, stacklevel=2)
        rise, fall = found.x[1:].reshape(2, -1)
        self.intercept_, self.coef_ = float(found.x[0]), rise - fall
        return self

    def predict_proba(self, X: Array) -> Array:
        """Probability of each class, shape (n, 2)."""
        second = _expit(self.intercept_ + X @ self.coef_)
        return np.column_stack([1 - second, second])

    def _objective(
        self, at: Array, X: Array, second: Array, weight: Array
    ) -> tuple[float, Array]:
        """Objective per unit of weight, and its slopes."""
        rise, fall = at[1:].reshape(2, -1)
        coef, rows = rise - fall, weight.sum()
        lasso = self.l1_ratio / self.C
        ridge = (1 - self.l1_ratio) / self.C
        margin = at[0] + X @ coef
        value = weight @ (np.logaddexp(0, margin) - second * margin)
        value += lasso * at[1:].sum() + ridge / 2 * coef @ coef
        error = weight * (_expit(margin) - second)
        slope = error @ X + ridge * coef
        slopes = np.concatenate([[error.sum()], slope + lasso, lasso - slope])
        return value / rows, slopes / rows


def _expit(margin: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0, -margin)))
