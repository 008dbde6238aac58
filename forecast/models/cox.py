"""Cox regression from each origin on, as the literature on truces has it."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from forecast.ipcw import Array, Target
from forecast.models.covariates import COLUMNS, CURVED, WeeklyDesign
from forecast.models.horizon import check_target
from forecast.models.newton import maximise


class Cox(BaseEstimator):  # type: ignore[misc]
    """Proportional hazards in the days since the origin, fitted by landmarks.

    Every origin is a landmark: time runs in days from it, its covariates are what was
    known on its morning, and a spline of the truce's age is among them. Follow-up is
    cut at the last horizon. Effects are proportional, so what was known yesterday
    weighs as much on day 90 as on day 1; `hazard` lets it fade. It is here because
    Fortna (2003) and her successors use it.

    Exits censor the hazard of collapse. The risk is a cumulative incidence none the
    less: from a row's cumulative hazard of collapse (Breslow) and that of exits
    (Nelson–Aalen, the same for all), day by day as Aalen and Johansen add them up. Not
    one minus survival, which would let truces that have left collapse.

    Parameters
    ----------
    penalty : float
        As of :class:`forecast.models.hazard.Hazard`; 0 for none.
    columns, curved, n_knots
        As of :class:`forecast.models.covariates.WeeklyDesign`.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Attributes
    ----------
    names_ : list of str
        Names of coefficients.
    coef_ : float array, shape (p,)
        Log hazard ratios of a standard deviation of the signed root of a covariate;
        over ``scale_``, of one unit of the root.
    scale_ : float array, shape (p,)
        See :class:`forecast.models.covariates.WeeklyDesign`.
    baseline_, leave_ : float array, shape (last horizon,)
        Hazard of collapse on each day where all columns of the design are 0, and of
        another exit.
    design_ : WeeklyDesign
        What the covariates become.

    Notes
    -----
    Breslow's way with ties; Breslow (1974), *Biometrics* 30; van Houwelingen (2007),
    *Scandinavian Journal of Statistics* 34, on landmarks.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"age_days": [1] * 6, "recent_filled": [0, 0, 0, 1, 1, 0]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> model = Cox(penalty=1, horizons=(7, 30)).fit(X, y)
    >>> model.predict_risk(X[2:4]).round(2).tolist()
    [[0.23, 0.4], [0.5, 0.74]]
    """

    def __init__(
        self,
        penalty: float = 100.0,
        columns: Sequence[str] | None = COLUMNS,
        curved: Sequence[str] = CURVED,
        n_knots: int = 4,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.penalty = penalty
        self.columns = columns
        self.curved = curved
        self.n_knots = n_knots
        self.horizons = horizons
        self.random_state = random_state

    @property
    def columns_(self) -> list[str]:
        """All that the fitted model looks at."""
        return ["age_days", *self.design_.columns_]

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Maximise the penalised partial likelihood of all origins.

        Parameters
        ----------
        X : pl.DataFrame, shape (n, p)
            ``age_days`` and numeric or boolean covariates; null means not known.
        y : structured array, shape (n,)
            ``event`` and ``duration``, as in :func:`forecast.ipcw.weights`.

        Returns
        -------
        Self

        Raises
        ------
        ValueError
            If there is no ``age_days`` or no collapse.
        """
        check_target(X, y, self.horizons)
        # every week of an origin is its first: nothing fades, and age is that of then
        self.design_ = WeeklyDesign(
            self.columns, (), self.curved, (), self.n_knots, 1
        ).fit(X)
        self.names_, self.scale_ = self.design_.names_[1:], self.design_.scale_[1:]
        last = self.horizons[-1]
        kind = np.where(y["duration"] <= last, y["event"], 0)
        days = np.minimum(y["duration"], last).astype(np.int64)
        values = self._values(self.design_.transform(X))
        with threadpool_limits(1):
            model = self._likelihood(values, kind, days)
            self.coef_ = maximise(model, self.design_.penalty(self.penalty)[1:])
            relative = np.exp(values @ self.coef_)
        at_risk, weight = (_still(days, w, last) for w in (np.ones(len(y)), relative))
        ends = [np.bincount(days[kind == k], minlength=last + 1)[1:] for k in (1, 2)]
        # a day on which nobody is left has no ends either
        self.baseline_ = ends[0] / np.where(weight > 0, weight, 1)
        self.leave_ = ends[1] / np.maximum(at_risk, 1)
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Cumulative incidence of collapse.

        Parameters
        ----------
        X : pl.DataFrame
            Has ``age_days`` and the covariates that were fitted, in any order.

        Returns
        -------
        float array, shape (n, n_horizons)

        Raises
        ------
        ValueError
            If a column is missing.
        """
        check_is_fitted(self, "coef_")
        # a product's last bit may depend on where a row lies, so each is taken once
        rows, back = np.unique(self.design_.transform(X), axis=0, return_inverse=True)
        with threadpool_limits(1):
            relative = np.exp(np.minimum(self._values(rows) @ self.coef_, 300))
        collapse = relative[:, None] * self.baseline_
        ends = collapse + self.leave_
        alive = np.exp(-np.cumsum(ends, axis=1) + ends)
        share = np.divide(collapse, ends, out=np.zeros_like(ends), where=ends > 0)
        reached = np.cumsum(alive * -np.expm1(-ends) * share, axis=1)
        risk = np.clip(reached, 0, 1)[:, np.asarray(self.horizons) - 1]
        return np.asarray(risk[back.ravel()])

    def _values(self, origins: Array) -> Array:
        """Columns of the design but its intercept, which the baseline stands for."""
        return self.design_.at(origins, np.zeros(len(origins), dtype=np.intp))[:, 1:]

    def _likelihood(self, values: Array, kind: Array, days: Array) -> Any:
        from statsmodels.duration.hazard_regression import PHReg

        return PHReg(days, values, status=(kind == 1).astype(int), ties="breslow")


def _still(days: Array, weight: Array, last: int) -> Array:
    """Weight of those whose follow-up reaches each day 1 … last."""
    ended = np.bincount(days, weight, minlength=last + 1)[1:]
    return np.asarray(ended[::-1].cumsum()[::-1])
