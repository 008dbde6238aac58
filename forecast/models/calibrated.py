"""Calibrated: a model whose risks are mended where they were too extreme or many."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.validation import check_is_fitted

from forecast.ipcw import Array, Target
from forecast.models.evidence import Evidence
from forecast.models.given import fitted, given, seeded
from forecast.models.horizon import check_target
from forecast.models.inner import settled
from forecast.models.pool import log_odds

METHODS = ("logistic", "isotonic")


class Calibrated(BaseEstimator):  # type: ignore[misc]
    """A model, recalibrated by its inner forecasts, with one map for all horizons.

    The map never falls, and serves every horizon, so that the order of rows and of
    horizons is kept. It is learned from forecasts of rows that the model was not
    fitted on: its own training rows would show it to be right.

    Parameters
    ----------
    model : estimator
        Any model.
    method : str
        ``logistic``: logit r = a + b logit of the model's, b at least 0.
        ``isotonic``: steps, for a model that is wrong in other ways; it takes more
        data.
    spread : float
        Prior standard deviation of a and of b − 1, for ``logistic``. Rows of a truce
        share their outcome, so all rows count as much as there are truces; with few,
        the map stays near to no change.
    quantiles, parts, least
        Of the inner folds, see :class:`forecast.models.inner.Plan`.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed of the model.

    Attributes
    ----------
    map_ : float array, shape (2, k)
        ``logistic``: a and b. ``isotonic``: risks, and what they become.
    model_ : estimator
        The model, fitted on all rows.
    picked_ : str
        The map in words.
    choices_ : list of (what, places, picked, tried)
        See :mod:`forecast.choices`.

    Notes
    -----
    Cox (1958), *Biometrika* 45; Platt (1999); Zadrozny and Elkan (2002).
    """

    def __init__(
        self,
        model: Any,
        method: str = "logistic",
        spread: float = 1.0,
        quantiles: Sequence[float] = (0.4, 0.6, 0.8),
        parts: int = 2,
        least: int = 10,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.model = model
        self.method = method
        self.spread = spread
        self.quantiles = quantiles
        self.parts = parts
        self.least = least
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target, rows: pl.DataFrame | None = None) -> Self:
        """Fit the model, and the map on its inner forecasts.

        Parameters
        ----------
        X, y, rows
            As in :meth:`forecast.models.pool.Pool.fit`.

        Returns
        -------
        Self

        Raises
        ------
        ValueError
            If there is no such method, no collapse, or no ``rows`` to choose by.
        """
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r}; expected {' or '.join(METHODS)}")
        check_target(X, y, self.horizons)
        data = given(X, y, rows)
        self.map_, seen, places = settled(self, data)
        self.model_ = fitted(self.seeded()[0], data)
        self.picked_ = self._words(seen)
        inside = getattr(self.model_, "choices_", ())
        self.choices_ = [
            ("calibration", places, self.picked_, 1),
            *((f"model: {what}", *more) for what, *more in inside),
        ]
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk by horizon, shape (n, n_horizons)."""
        check_is_fitted(self, "model_")
        return self.combine(self.model_.predict_risk(X)[None], self.map_)

    def seeded(self) -> list[Any]:
        """The model alone, unfitted, with the horizons and the seed."""
        return [seeded(self.model, self.horizons, self.random_state)]

    def settle(self, seen: Evidence) -> Array:
        """The map; one that changes nothing where there is too little to learn from."""
        if self.method == "isotonic":
            return steps(seen) if seen.enough else np.array([[0.0, 1.0], [0.0, 1.0]])
        return line(seen, self.spread) if seen.enough else np.array([[0.0], [1.0]])

    def combine(self, risk: Array, settled: Array) -> Array:
        """Risks through the map."""
        if self.method == "isotonic":
            mended = np.interp(risk[0], *settled)
        else:
            (a,), (b,) = settled
            if (a, b) == (0, 1):
                return np.asarray(risk[0])
            mended = expit(a + b * log_odds(risk[0]))
        # rounding alone could break the order of two horizons
        return np.asarray(np.maximum.accumulate(mended, axis=1))

    def _words(self, seen: Evidence) -> str:
        if not seen.enough:
            return f"as it is: {seen.collapsed} truces collapsed to choose by"
        if self.method == "isotonic":
            return f"{self.map_.shape[1]} steps"
        (a,), (b,) = self.map_
        return f"intercept {a:.2f}, slope {b:.2f}"


def line(seen: Evidence, spread: float) -> Array:
    """Intercept and slope on the log odds, near 0 and 1 where little is known.

    Parameters
    ----------
    seen : Evidence
        Inner forecasts of one model.
    spread : float
        Prior standard deviation of both.

    Returns
    -------
    float array, shape (2, 1)
    """
    odds = log_odds(seen.risk[0])
    share = seen.truces / odds.size

    def loss(at: Array) -> tuple[float, Array]:
        risk = expit(at[0] + at[1] * odds)
        wrong = seen.weight * (risk - seen.outcome)
        off = (at - np.array([0.0, 1.0])) / spread
        slope = np.array([wrong.sum(), (wrong * odds).sum()])
        return (
            share * seen.losses(risk).sum() + off @ off / 2,
            share * slope + off / spread,
        )

    bounds = [(None, None), (0, None)]
    found = minimize(loss, [0.0, 1.0], jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[:, None])


def steps(seen: Evidence) -> Array:
    """Risks and what they become: the never falling function with the least error.

    Parameters
    ----------
    seen : Evidence
        Inner forecasts of one model.

    Returns
    -------
    float array, shape (2, k)
        Ascending; linear between. Ends are kept off 0 and 1 as by half a collapse, for
        never yet is not never.
    """
    known = seen.weight > 0
    fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
        seen.risk[0][known], seen.outcome[known], sample_weight=seen.weight[known]
    )
    truces = seen.truces
    off = (fit.y_thresholds_ * truces + 0.5) / (truces + 1)
    return np.stack([fit.X_thresholds_, off])
