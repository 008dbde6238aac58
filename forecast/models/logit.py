"""Logistic regression on smooth curves of the features, strongly shrunk."""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from forecast.models.horizon import HorizonClassifier

Array = npt.NDArray[np.float64]
Chosen = Callable[[Array], npt.NDArray[np.bool_]]

#: A column with fewer distinct values gets no curve: a line says all it can.
CURVED_FROM = 10
#: With more rows Newton's method is the quicker solver: at 30 thousand it takes two
#: thirds of the time.
MANY = 20_000


def logit(
    C: float = 0.01,
    n_knots: int = 4,
    clip: float = 6.0,
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> HorizonClassifier:
    """Spline logit with an L2 penalty, one for each horizon.

    Parameters
    ----------
    C : float
        Inverse of the penalty. The default is small on purpose: weekly origins of one
        truce share their outcome, so thousands of rows hold the evidence of some
        hundred truces. It is a prior standard deviation of .1 on the log odds for
        each standard deviation of a feature.
    n_knots : int
        Knots of each cubic spline, evenly spaced over the range of its column; 0 for
        straight lines.
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
    >>> [name for name, _ in logit().estimator.steps]
    ['impute', 'root', 'scale', 'clip', 'shape', 'logit']
    """
    return HorizonClassifier(spline_logit(C, n_knots, clip), horizons, random_state)


def spline_logit(
    C: float,
    n_knots: int,
    clip: float,
    *,
    root: bool = True,
    curved: Chosen | None = None,
) -> Pipeline:
    """Build the pipeline behind :func:`logit`.

    Nulls become the median with a column that says so; a signed square root tames
    counts; columns are standardised and clipped; each varying column enters as a line,
    and as a cubic spline too where it has enough distinct values. The penalty is the
    same for all, so that the line takes what a line can and a curve must earn its
    keep. Constant columns and copies are left out, so that adding one changes nothing.

    Parameters
    ----------
    C, n_knots, clip
        As in :func:`logit`.
    root : bool
        Whether to take the signed square root; a model may have done so where it is
        meant.
    curved : callable, optional
        Which standardised columns get a curve; without it, those that vary enough.

    Returns
    -------
    Pipeline
        A classifier whose last step takes weights.

    Notes
    -----
    Eilers and Marx (1996), *Statistical Science* 11, on splines with a penalty.

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [np.nan], [4.0]])
    >>> fitted = spline_logit(1.0, 4, 6.0).fit(rows, [0, 0, 1, 1])
    >>> fitted[:-1].transform(rows).shape
    (4, 2)
    """
    shapes: list[tuple[str, object, Chosen]] = [("line", "passthrough", varying)]
    if n_knots:
        shapes.append(("curve", Curves(n_knots), curved or many_valued))
    imputer = SimpleImputer(
        strategy="median", add_indicator=True, keep_empty_features=True
    )
    roots = [("root", FunctionTransformer(signed_root))] if root else []
    return Pipeline(
        [
            ("impute", imputer),
            *roots,
            ("scale", StandardScaler()),
            ("clip", FunctionTransformer(clipped, kw_args={"limit": clip})),
            ("shape", ColumnTransformer(shapes)),
            ("logit", RidgeLogit(C)),
        ]
    )


class RidgeLogit(LogisticRegression):  # type: ignore[misc]
    """Logistic regression with an L2 penalty, by the solver that suits its size.

    L-BFGS is quick on the few thousand origins that there are of real truces, but each
    of its steps passes over all rows, and the more rows, the less the penalty helps it:
    at 30 thousand it takes three times as many steps as at three. Newton's method takes
    six, each with a matrix of all columns.

    Parameters
    ----------
    C : float
        Inverse of the penalty.

    Examples
    --------
    >>> model = RidgeLogit(1.0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.solver, model.coef_.round(2).tolist()
    ('lbfgs', [[0.96]])
    """

    def __init__(self, C: float = 0.01) -> None:
        super().__init__(C=C, tol=1e-6, max_iter=10_000)

    def fit(self, X: Array, y: Array, sample_weight: Array | None = None) -> Self:
        """Fit, as scikit-learn's does.

        Parameters
        ----------
        X : float array, shape (n, p)
        y : array, shape (n,)
        sample_weight : float array, shape (n,), optional

        Returns
        -------
        Self
        """
        self.solver = "newton-cholesky" if len(X) > MANY else "lbfgs"
        super().fit(X, y, sample_weight)
        return self


class Curves(BaseEstimator, TransformerMixin):  # type: ignore[misc]
    """Cubic B-splines on evenly spaced knots over the range of each column.

    The same curves as scikit-learn's ``SplineTransformer`` with uniform knots, constant
    extrapolation and no bias. Even knots have a closed form, so that a fitted model
    holds two numbers a column where the other holds SciPy objects, whose private types
    a reader of a stored model would have to trust.

    Parameters
    ----------
    n_knots : int
        Knots of each column, at least 2.

    Attributes
    ----------
    low_, high_ : float array, shape (p,)
        Range of each column.

    Examples
    --------
    >>> Curves(2).fit_transform(np.array([[0.0], [1.0]])).round(3).tolist()
    [[0.167, 0.667, 0.167], [0.0, 0.167, 0.667]]
    """

    def __init__(self, n_knots: int = 4) -> None:
        self.n_knots = n_knots

    def fit(self, X: Array, y: object = None) -> Self:  # noqa: ARG002
        """Take the range of each column, which must vary."""
        self.low_, self.high_ = X.min(axis=0), X.max(axis=0)
        return self

    def transform(self, X: Array) -> Array:
        """Values of the curves, shape (n, p · (n_knots + 1))."""
        share = (X - self.low_) / (self.high_ - self.low_)
        place = np.clip(share, 0, 1) * (self.n_knots - 1)
        # Each curve is one bump, centred on a knot or on one step beyond the ends.
        away = np.abs(place[:, :, None] - np.arange(-1, self.n_knots))
        # Products, because powers of an array are several times slower. The two
        # pieces of a bump: (2 - away)^3 / 6 outside, less 2/3 (1 - away)^3 inside.
        outer, inner = np.maximum(2 - away, 0), np.maximum(1 - away, 0)
        bumps = outer * outer * outer / 6 - inner * inner * inner * (2 / 3)
        return np.asarray(bumps.reshape(len(X), X.shape[1] * (self.n_knots + 1)))


def signed_root(values: Array) -> Array:
    """Square root of the size, with the sign kept.

    Parameters
    ----------
    values : float array
        Any values.

    Returns
    -------
    float array, same shape

    Examples
    --------
    >>> signed_root(np.array([-4.0, 9.0])).tolist()
    [-2.0, 3.0]
    """
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def clipped(values: Array, limit: float) -> Array:
    """Hold values within a limit on both sides.

    Parameters
    ----------
    values : float array
        Any values.
    limit : float
        Largest size.

    Returns
    -------
    float array, same shape

    Examples
    --------
    >>> clipped(np.array([-9.0, 2.0]), 6.0).tolist()
    [-6.0, 2.0]
    """
    return np.clip(values, -limit, limit)


def varying(values: Array) -> npt.NDArray[np.bool_]:
    """Which standardised columns say something of their own; the first if none does.

    Parameters
    ----------
    values : float array, shape (n, p)
        Standardised columns.

    Returns
    -------
    bool array, shape (p,)
        False for a constant column, and for a copy of one before it: the penalty is
        meant for each thing that is known, and six features that are unknown together
        would share one among six. Never all false, because a regression needs a
        column; a constant one is zeros once standardised, and harmless.

    Examples
    --------
    >>> varying(np.array([[0.0, 1.0, 1.0], [0.0, -1.0, -1.0]])).tolist()
    [False, True, False]
    """
    # Rounding may leave a constant column some 1e-16 wide; a varying one is near 1.
    found = np.ptp(values, axis=0) > 1e-6
    first: dict[bytes, int] = {}
    for place, column in enumerate(values.T):
        found[place] &= first.setdefault(column.tobytes(), place) == place
    found[0] |= not found.any()
    return np.asarray(found)


def many_valued(values: Array) -> npt.NDArray[np.bool_]:
    """Which standardised columns have enough distinct values for a curve.

    Parameters
    ----------
    values : float array, shape (n, p)
        Standardised columns.

    Returns
    -------
    bool array, shape (p,)

    Examples
    --------
    >>> many_valued(np.column_stack([np.arange(12.0), np.arange(12) % 2])).tolist()
    [True, False]
    """
    distinct = [len(np.unique(column)) for column in values.T]
    return varying(values) & (np.array(distinct) >= CURVED_FROM)
