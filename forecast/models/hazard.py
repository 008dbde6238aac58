"""Discrete-time hazard of collapse in weekly steps ahead of an origin."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from forecast.ipcw import Array, Target
from forecast.models.covariates import COLUMNS, CURVED, FADING, WeeklyDesign
from forecast.models.horizon import check_target
from forecast.models.newton import contributions, maximise
from forecast.models.weeks import WEEK, Index, incidence, person_weeks


class Hazard(BaseEstimator):  # type: ignore[misc]
    """Binomial regression of weekly collapse on age, and on what was known and fades.

    One curve for all horizons, where `logit` fits each by itself: a short horizon
    learns from long ones, and a risk has a shape that can be read. Each origin gives
    an observation for each week until collapse, exit or censoring, up to the last
    horizon (:mod:`forecast.models.weeks`). In week k the hazard of collapse is

        link(h) = a + s(age + 7k) + c · 2^(−7k/14) + x · (b + d · 2^(−7k/14)),

    with a spline s, and splines of x where it is said to bend. The risk is the sum of
    S(k − 1) h(k). A truce leaves by another exit with a constant weekly hazard: what
    exits depend on is left to `exits`.

    Parameters
    ----------
    link : {"cloglog", "logit"}
        Complementary log-log, of which exponentiated coefficients are hazard ratios of
        a proportional hazard in continuous time; or logit, of odds ratios.
    penalty : float
        Weight of each squared coefficient of a standardised covariate, halved; 0 for
        none. As counted, the default is a prior standard deviation of .1, that of
        `logit`; but a collapse is counted from up to thirteen origins, so that on
        collapses counted once it is about .36, which is light.
    columns, fading, curved, half_lives, n_knots
        As of :class:`forecast.models.covariates.WeeklyDesign`. Half-lives of 14 days:
        the excitation that violence leaves lasts two to six weeks (Lewis et al. 2012).
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Attributes
    ----------
    names_ : list of str
        Names of coefficients.
    coef_ : float array, shape (p,)
        Effects on the scale of the link, of a standard deviation of the signed root of
        a covariate; over ``scale_``, of one unit of the root.
    scale_ : float array, shape (p,)
        See :class:`forecast.models.covariates.WeeklyDesign`.
    exit_ : float
        Weekly hazard of other exits.
    design_ : WeeklyDesign
        What the covariates become.

    Notes
    -----
    Prentice and Gloeckler (1978), *Biometrics* 34, on the link. No weights for
    censoring are needed: a censored origin has its weeks until then.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"age_days": [1] * 6, "recent_filled": [0, 0, 0, 1, 1, 0]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> model = Hazard(penalty=1, horizons=(7, 30)).fit(X, y)
    >>> model.predict_risk(X[2:4]).round(2).tolist()
    [[0.14, 0.4], [0.67, 0.94]]
    """

    def __init__(
        self,
        link: str = "cloglog",
        penalty: float = 100.0,
        columns: Sequence[str] | None = COLUMNS,
        fading: Sequence[str] = FADING,
        curved: Sequence[str] = CURVED,
        half_lives: Sequence[float] = (14.0,),
        n_knots: int = 4,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.link = link
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
        """Maximise the penalised likelihood of all person-weeks.

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
            If there is no ``age_days`` or no collapse, or the link is unknown.
        """
        check_target(X, y, self.horizons)
        if self.link not in ("cloglog", "logit"):
            raise ValueError(f"link must be cloglog or logit, not {self.link!r}")
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
        self.exit_ = float((person_weeks(y, weeks)[2] == 2).mean())
        with threadpool_limits(1):
            model, _ = self.likelihood(X, y)
            self.coef_ = maximise(model, self.design_.penalty(self.penalty))
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
            collapse = weekly(self.design_, rows, self.coef_[:, None])[:, :, 0]
        hazard = inverse(self.link, collapse)
        leave = np.minimum(self.exit_, 1 - hazard)
        return np.asarray(incidence(hazard, leave, self.horizons)[back.ravel()])

    def likelihood(self, X: pl.DataFrame, y: Target) -> tuple[Any, Index]:
        """The statsmodels GLM of all person-weeks, and the row of each."""
        from statsmodels.genmod.families import Binomial, links
        from statsmodels.genmod.generalized_linear_model import GLM

        row, week, kind = person_weeks(y, self.design_.weeks)
        values = self.design_.at(self.design_.transform(X)[row], week)
        link = links.CLogLog() if self.link == "cloglog" else links.Logit()
        return GLM((kind == 1).astype(float), values, family=Binomial(link)), row

    def contributions(self, X: pl.DataFrame, y: Target) -> Array:
        """Slope of each row's log-likelihood in the coefficients, shape (n, p).

        Without the penalty; summed over rows it is penalty times coefficient.
        """
        check_is_fitted(self, "coef_")
        model, row = self.likelihood(X, y)
        return contributions(model, self.coef_, row, X.height)


def weekly(design: WeeklyDesign, origins: Array, coef: Array) -> Array:
    """Linear predictors in each week ahead.

    Parameters
    ----------
    design : WeeklyDesign
        A fitted design.
    origins : float array, shape (n, q)
        From its ``transform``.
    coef : float array, shape (p, outcomes)
        Coefficients of each outcome.

    Returns
    -------
    float array, shape (n, weeks, outcomes)
    """
    ahead = (np.full(len(origins), week) for week in range(design.weeks))
    return np.stack([design.at(origins, week) @ coef for week in ahead], axis=1)


def inverse(link: str, values: Array) -> Array:
    """Probability of which the link is the value.

    Examples
    --------
    >>> inverse("logit", np.array([0.0])), inverse("cloglog", np.array([0.0])).round(3)
    (array([0.5]), array([0.632]))
    """
    if link == "logit":
        return np.asarray(expit(values))
    # beyond 700 the exponential is endless, and the probability was 1 long before
    return np.asarray(-np.expm1(-np.exp(np.minimum(values, 700))))
