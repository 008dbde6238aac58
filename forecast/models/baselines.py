"""Baselines that a model must beat before anybody need believe it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from forecast import ipcw
from forecast.ipcw import Array, Target
from forecast.models.horizon import (
    HorizonClassifier,
    check_target,
    constant_risk,
    matrix,
)
from forecast.models.logit import spline_logit

#: First ages, in days, of the bands in which the hazard by age is constant. The last is
#: open: origins end at a year, and the few days seen beyond cannot bear a band.
BANDS = (1, 8, 15, 31, 61, 91, 181)


class BaseRate(BaseEstimator):  # type: ignore[misc]
    """How often truces collapsed, whatever the features say.

    A sceptic wants it because a rare outcome makes any forecast look accurate: what
    does not beat the average has learnt nothing. The risk at a horizon is the mean
    outcome under censoring weights, :func:`forecast.models.horizon.constant_risk`.

    Parameters
    ----------
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Attributes
    ----------
    risk_ : float array, shape (n_horizons,)
        The risk of every row.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"age_days": [1, 1, 1, 1]})
    >>> y = target([1, 0, 0, 2], [5, 90, 90, 3])
    >>> BaseRate(horizons=(7, 30)).fit(X, y).predict_risk(X.head(1)).tolist()
    [[0.25, 0.25]]
    """

    #: all that it looks at
    columns_: tuple[str, ...] = ()

    def __init__(
        self, horizons: Sequence[int] = (7, 14, 30, 90), random_state: int = 0
    ) -> None:
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Average the known outcomes; see :meth:`HorizonClassifier.fit`."""
        check_target(X, y, self.horizons)
        pairs = [ipcw.weights(y, horizon) for horizon in self.horizons]
        self.risk_ = np.maximum.accumulate([constant_risk(o, w) for o, w in pairs])
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Give every row the same risks, shape (n, n_horizons)."""
        check_is_fitted(self, "risk_")
        return np.tile(self.risk_, (X.height, 1))


class Age(BaseEstimator):  # type: ignore[misc]
    """Survival by age of the truce: old truces last.

    A sceptic wants it because truces die young. A model that scores well by being
    afraid of new truces has found this curve and no more.

    Daily hazards of collapse and of other exits are constant within bands of age; the
    risk is the Aalen–Johansen cumulative incidence from the origin's age on. Rows
    enter at their own age (left truncation); an exit or censoring ends exposure.

    Rows of one truce overlap: a collapse lies ahead of all its origins. So each row
    speaks only for the ``step`` days up to the next origin. Every day of a truce then
    counts once, and events over days is the ordinary occurrence/exposure rate. Whole
    rows would count a day as often as origins precede it: still consistent, but
    heavier on late days, and with more evidence claimed than there is.

    Each band's hazard is drawn towards the overall one with the weight of one event,
    so that a band without a collapse is not forecast to be safe for ever.

    Parameters
    ----------
    bands : sequence of int
        First age of each band in days, ascending; the last band is open.
    step : int
        Days between the origins of a truce.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Attributes
    ----------
    hazard_ : float array, shape (n_bands, 2)
        Daily hazard of collapse and of another exit.
    risk_ : float array, shape (last band's first age, n_horizons)
        Risk at ages 1, 2, …; older truces have that of the last row.
    unknown_ : float array, shape (n_horizons,)
        Risk where the age is null: the mean of the rows fitted.

    Notes
    -----
    Aalen and Johansen (1978), *Scandinavian Journal of Statistics* 5.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"age_days": [1, 1, 1, 8, 8, 200]})
    >>> y = target([1, 1, 0, 0, 0, 0], [3, 4, 99, 92, 92, 99])
    >>> Age(horizons=(7, 30)).fit(X, y).predict_risk(X[[0, 5]]).round(2).tolist()
    [[0.5, 0.85], [0.25, 0.71]]
    """

    #: all that it looks at
    columns_ = ("age_days",)

    def __init__(
        self,
        bands: Sequence[int] = BANDS,
        step: int = 7,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.bands = bands
        self.step = step
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Estimate hazards by age; needs ``age_days``, feature `age`."""
        check_target(X, y, self.horizons)
        ages = _ages(X)
        self.hazard_ = self._hazards(ages, y)
        self.risk_ = self._incidence()
        known = np.isfinite(ages)
        rows = self._look_up(ages[known]) if known.any() else self.risk_[-1:]
        self.unknown_ = rows.mean(axis=0)
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Cumulative incidence from each row's age on, shape (n, n_horizons)."""
        check_is_fitted(self, "risk_")
        ages = _ages(X)
        known = np.isfinite(ages)
        risks = np.tile(self.unknown_, (len(ages), 1))
        risks[known] = self._look_up(ages[known])
        return risks

    def _hazards(self, ages: Array, y: Target) -> Array:
        """Daily hazards of collapse and exit in each band, (n_bands, 2)."""
        days = np.minimum(y["duration"], self.step)
        kinds = np.where(y["duration"] <= self.step, y["event"], 0)
        # Half a collapse where there was none so near: the risk must not vanish.
        counts = np.array([max((kinds == 1).sum(), 0.5), (kinds == 2).sum()])
        total = counts / days.sum()
        edges = np.append(np.asarray(self.bands, float), np.inf)
        hazards = np.empty((len(self.bands), 2))
        for band, (low, high) in enumerate(pairwise(edges)):
            # A row's days are the ages a .. a + days − 1; its event is on the last.
            inside = np.minimum(ages + days, high) - np.maximum(ages, low)
            exposure = np.nansum(np.maximum(inside, 0))
            last = ages + days - 1
            here = (last >= low) & (last < high)
            events = np.array([(here & (kinds == kind)).sum() for kind in (1, 2)])
            # (events + 1) / (exposure + 1 / total), and 0 where the total is 0.
            hazards[band] = total * (events + 1) / (total * exposure + 1)
        return hazards

    def _incidence(self) -> Array:
        """Risk at each age up to the last band's first, (ages, n_horizons)."""
        oldest, longest = self.bands[-1], self.horizons[-1]
        band = np.searchsorted(self.bands, np.arange(1, oldest + longest), "right") - 1
        daily = self.hazard_[np.maximum(band, 0)]
        windows = np.lib.stride_tricks.sliding_window_view(daily, longest, axis=0)
        collapse, leave = windows[:, 0], windows[:, 1]
        alive = np.cumprod(np.maximum(1 - collapse - leave, 0), axis=1)
        before = np.column_stack([np.ones(len(alive)), alive[:, :-1]])
        reached = np.minimum(np.cumsum(before * collapse, axis=1), 1)
        return np.asarray(reached[:, np.asarray(self.horizons) - 1])

    def _look_up(self, ages: Array) -> Array:
        rows = np.clip(ages, 1, len(self.risk_)).astype(np.int64) - 1
        return np.asarray(self.risk_[rows])


class Trail(BaseEstimator):  # type: ignore[misc]
    """Spline logit of the deaths already in the window, and age: the one to beat.

    A sceptic wants it because a collapse is declared when deaths in a trailing window
    reach a threshold. A window that is nine tenths full is about to collapse whatever
    a model knows of conflict; only what is gained beyond this is understanding.

    Parameters
    ----------
    C : float
        Inverse of the penalty; weak, for two features need little and a baseline
        must not be beaten for being held back.
    n_knots : int
        Knots of each spline.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Examples
    --------
    >>> Trail().fit(pl.DataFrame({"age_days": [1]}), np.empty(0))
    Traceback (most recent call last):
    ...
    ValueError: Trail needs the column 'recent_filled'; add features `recent`
    """

    #: all that it looks at
    columns_ = ("recent_filled", "age_days")

    def __init__(
        self,
        C: float = 1.0,
        n_knots: int = 4,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.n_knots = n_knots
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Fit on ``recent_filled`` and ``age_days``, features `recent`, `age`."""
        features = self._features(X)
        pipeline = spline_logit(self.C, self.n_knots, 6.0)
        model = HorizonClassifier(pipeline, self.horizons, self.random_state)
        self.model_ = model.fit(features, y)
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk by horizon, shape (n, n_horizons)."""
        check_is_fitted(self, "model_")
        return np.asarray(self.model_.predict_risk(self._features(X)))

    def _features(self, X: pl.DataFrame) -> pl.DataFrame:
        filled = _column(X, "recent_filled", "recent", "Trail")
        age = _column(X, "age_days", "age", "Trail")
        return pl.DataFrame({"filled": filled, "age_log": np.log(np.maximum(age, 1))})


class Ewma(BaseEstimator):  # type: ignore[misc]
    """Logit of a fading sum of recent deaths: tomorrow is like last week.

    A sceptic wants it because violence persists: one smoothed series, one slope, is
    what a practitioner with a spreadsheet would do. The sum loses half its size in 14
    days, is a share of the threshold, and enters by its square root.

    Parameters
    ----------
    C : float
        Inverse of the penalty.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"recent_decayed_14d": [0.0, 0.1, 0.2, 0.9, 0.6, 0.4]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> Ewma(horizons=(7, 30)).fit(X, y).predict_risk(X.head(2)).round(2).tolist()
    [[0.07, 0.2], [0.17, 0.36]]
    """

    #: all that it looks at
    columns_ = ("recent_decayed_14d",)

    def __init__(
        self,
        C: float = 1.0,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Fit on ``recent_decayed_14d``, feature `recent`."""
        pipeline = spline_logit(self.C, 0, 6.0)
        model = HorizonClassifier(pipeline, self.horizons, self.random_state)
        self.model_ = model.fit(self._features(X), y)
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk by horizon, shape (n, n_horizons)."""
        check_is_fitted(self, "model_")
        return np.asarray(self.model_.predict_risk(self._features(X)))

    def _features(self, X: pl.DataFrame) -> pl.DataFrame:
        decayed = _column(X, "recent_decayed_14d", "recent", "Ewma")
        return pl.DataFrame({"decayed": decayed})


def _column(X: pl.DataFrame, name: str, feature: str, model: str) -> Array:
    """One feature column as floats, NaN for null."""
    if name not in X.columns:
        raise ValueError(f"{model} needs the column {name!r}; add features `{feature}`")
    return matrix(X.select(name))[:, 0]


def _ages(X: pl.DataFrame) -> Array:
    return _column(X, "age_days", "age", "Age")
