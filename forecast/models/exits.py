"""Weekly hazards of collapse and of other exits, modelled together."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from forecast.ipcw import Array, Target
from forecast.models.covariates import COLUMNS, CURVED, FADING, WeeklyDesign
from forecast.models.hazard import weekly
from forecast.models.horizon import check_target
from forecast.models.newton import contributions, maximise
from forecast.models.weeks import WEEK, Index, incidence, person_weeks


class Exits(BaseEstimator):  # type: ignore[misc]
    """Multinomial logit of each week: the truce stays, collapses or leaves otherwise.

    As :class:`forecast.models.hazard.Hazard`, but what a truce expires of depends on
    covariates too. A truce that is about to run out can hardly collapse in a month;
    with a constant hazard of exits it is thought to.

    One multinomial model, not two binomial ones: the three probabilities of a week sum
    to 1 whatever the covariates, where two hazards fitted apart may exceed it; and
    coefficients of both ends have one covariance. To stay is the base category.

    Parameters
    ----------
    penalty, columns, fading, curved, half_lives, n_knots, horizons, random_state
        As of :class:`forecast.models.hazard.Hazard`; the penalty is that of either end.

    Attributes
    ----------
    names_, scale_, design_
        As of :class:`forecast.models.hazard.Hazard`.
    coef_ : float array, shape (p, 2)
        Effects on the log odds of collapse, and of another exit, against staying. Where
        no exit was fitted on there is one column only.

    Notes
    -----
    Allison (1982), *Sociological Methodology* 13; Tutz and Schmid (2016), chapter 8.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"age_days": [1] * 6, "recent_filled": [0, 0, 0, 1, 1, 0]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> model = Exits(penalty=1, horizons=(7, 30)).fit(X, y)
    >>> model.predict_risk(X[2:4]).round(2).tolist()
    [[0.14, 0.4], [0.5, 0.86]]
    """

    def __init__(
        self,
        penalty: float = 100.0,
        columns: Sequence[str] | None = COLUMNS,
        fading: Sequence[str] = FADING,
        curved: Sequence[str] = CURVED,
        half_lives: Sequence[float] = (14.0,),
        n_knots: int = 4,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.penalty = penalty
        self.columns = columns
        self.fading = fading
        self.curved = curved
        self.half_lives = half_lives
        self.n_knots = n_knots
        self.horizons = horizons
        self.random_state = random_state

    @property
    def columns_(self) -> list[str]:
        """All that the fitted model looks at."""
        return ["age_days", *self.design_.columns_]

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Maximise the penalised likelihood; see :meth:`Hazard.fit`.

        Raises
        ------
        ValueError
            If there is no ``age_days``, no collapse, or no week that ends nothing.
        """
        check_target(X, y, self.horizons)
        weeks = -(-self.horizons[-1] // WEEK)
        self.design_ = WeeklyDesign(
            self.columns,
            self.fading,
            self.curved,
            self.half_lives,
            self.n_knots,
            weeks,
        ).fit(X)
        self.names_, self.scale_ = self.design_.names_, self.design_.scale_
        with threadpool_limits(1):
            model, _ = self.likelihood(X, y)
            found = maximise(model, self._penalty(int(model.J) - 1))
        self.coef_ = found.reshape(-1, len(self.names_)).T
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Cumulative incidence of collapse; see :meth:`Hazard.predict_risk`."""
        check_is_fitted(self, "coef_")
        rows, back = np.unique(self.design_.transform(X), axis=0, return_inverse=True)
        with threadpool_limits(1):
            ends = weekly(self.design_, rows, self.coef_)
        stay = np.zeros((*ends.shape[:2], 1))
        hazard = softmax(np.concatenate([stay, ends], axis=2), axis=2)
        leave = hazard[:, :, 2] if hazard.shape[2] > 2 else np.zeros(stay.shape[:2])
        return np.asarray(
            incidence(hazard[:, :, 1], leave, self.horizons)[back.ravel()]
        )

    def likelihood(self, X: pl.DataFrame, y: Target) -> tuple[Any, Index]:
        """The statsmodels MNLogit of all person-weeks, and the row of each."""
        from statsmodels.discrete.discrete_model import MNLogit

        row, week, kind = person_weeks(y, self.design_.weeks)
        if not (kind == 0).any():
            raise ValueError("nothing to learn from: no truce outlived its first week")
        values = self.design_.at(self.design_.transform(X)[row], week)
        return MNLogit(kind, values, check_rank=False), row

    def contributions(self, X: pl.DataFrame, y: Target) -> Array:
        """Slope of each row's log-likelihood, shape (n, 2p): collapse, then exit."""
        check_is_fitted(self, "coef_")
        model, row = self.likelihood(X, y)
        return contributions(model, self.coef_.T.ravel(), row, X.height)

    def _penalty(self, ends: int) -> Array:
        return np.tile(self.design_.penalty(self.penalty), ends)
