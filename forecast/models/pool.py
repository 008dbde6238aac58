"""A pool of models: one risk from those of several, by weights on their log odds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from forecast.ipcw import Array, Target
from forecast.metrics.proper import LOG_CLIP
from forecast.models.evidence import Evidence
from forecast.models.given import fitted, given, seeded
from forecast.models.horizon import check_target
from forecast.models.inner import settled


class Weighing(NamedTuple):
    """Weights of the members, and the candidates that were looked at for them."""

    weights: Array
    tried: list[dict[str, Any]]


Weigh = Callable[[Evidence, Sequence[str]], Weighing]


class Pool(BaseEstimator):  # type: ignore[misc]
    """Weighted mean of the members' log odds, with one weight for all horizons.

    Weights are never negative and sum to one, so that the order of the horizons is
    kept, and the pool of one member is that member. Members of no weight are not
    fitted.

    Parameters
    ----------
    members : mapping of str to estimator
        By name; from the simplest to the richest where the order matters.
    weigh : callable, optional
        Weights by the inner forecasts of the members, and their names: ``choose``,
        ``hedge``, ``stack`` of the modules beside this one. None is equal weights, and
        chooses nothing.
    quantiles, parts, least
        Of the inner folds, see :class:`forecast.models.inner.Plan`. Those of a member
        that chooses too are its own when it is fitted, and those of the pool while the
        pool looks at it.
    horizons : sequence of int
        Horizons in days, ascending; the members get them too.
    random_state : int
        Seed of all members.

    Attributes
    ----------
    weights_ : float array, shape (members,)
        Of each member.
    members_ : list
        Fitted members; None where the weight is 0.
    tried_ : list of dict
        Candidates that were looked at, with their inner scores.
    picked_ : str
        The weights in words.
    choices_ : list of (what, places, picked, tried)
        What was chosen, by which training rows, and among how many candidates; of
        members too. See :mod:`forecast.choices`.

    Notes
    -----
    A logarithmic opinion pool: Genest and Zidek (1986), *Statistical Science* 1.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> from forecast.models.baselines import Age, BaseRate
    >>> X = pl.DataFrame({"age_days": [1, 1, 1, 8, 8, 200]})
    >>> y = target([1, 1, 0, 0, 0, 0], [3, 4, 99, 92, 92, 99])
    >>> pool = Pool({"base": BaseRate(), "age": Age()}, horizons=(7, 30)).fit(X, y)
    >>> pool.predict_risk(X[[0, 5]]).round(2).tolist()
    [[0.42, 0.62], [0.29, 0.53]]
    """

    def __init__(
        self,
        members: Mapping[str, Any],
        weigh: Weigh | None = None,
        quantiles: Sequence[float] = (0.4, 0.6, 0.8),
        parts: int = 2,
        least: int = 10,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.members = members
        self.weigh = weigh
        self.quantiles = quantiles
        self.parts = parts
        self.least = least
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target, rows: pl.DataFrame | None = None) -> Self:
        """Weigh the members by inner forecasts, and fit those that count.

        Parameters
        ----------
        X : pl.DataFrame, shape (n, p)
            The features of all members.
        y : structured array, shape (n,)
            ``event`` and ``duration``, as in :func:`forecast.ipcw.weights`.
        rows : pl.DataFrame, shape (n, at least 3), optional
            ``truce_id``, ``origin`` and ``dyad_id`` of each row of ``X``.

        Returns
        -------
        Self

        Raises
        ------
        ValueError
            If there is no member, no collapse, or no ``rows`` to choose by.
        """
        if not self.members:
            raise ValueError("a pool needs a member")
        check_target(X, y, self.horizons)
        data = given(X, y, rows)
        made, weighing = [], Weighing(equal(len(self.members)), [])
        if self.weigh is not None:
            weighing, seen, places = settled(self, data)
            words = _words(self.members, weighing.weights, seen)
            made = [("weights", places, words, len(weighing.tried))]
        self.weights_, self.tried_ = weighing
        self.members_ = [
            fitted(member, data) if weight > 0 else None
            for member, weight in zip(self.seeded(), self.weights_, strict=True)
        ]
        self.picked_ = made[0][2] if made else "equal weights"
        for name, member in zip(self.members, self.members_, strict=True):
            inside = getattr(member, "choices_", ())
            made += [(f"{name}: {what}", *more) for what, *more in inside]
        self.choices_ = made
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk by horizon, shape (n, n_horizons)."""
        check_is_fitted(self, "members_")
        used = [member for member in self.members_ if member is not None]
        risk = np.stack([member.predict_risk(X) for member in used])
        return pooled(risk, self.weights_[self.weights_ > 0])

    def seeded(self) -> list[Any]:
        """Members, unfitted, with the horizons and the seed of the pool."""
        return [
            seeded(member, self.horizons, self.random_state)
            for member in self.members.values()
        ]

    def settle(self, seen: Evidence) -> Weighing:
        """Weights by inner forecasts of the members."""
        if self.weigh is None:
            return Weighing(equal(len(self.members)), [])
        return self.weigh(seen, list(self.members))

    def combine(self, risk: Array, settled: Weighing) -> Array:
        """Risks of the pool, from those of the members."""
        return pooled(risk, settled.weights)


def pooled(risk: Array, weights: Array) -> Array:
    """Weighted mean of log odds, as a risk; a single member's own risk as it is.

    Parameters
    ----------
    risk : float array, shape (members, n, horizons)
        Each non-decreasing in the horizon.
    weights : float array, shape (members,)
        At least 0, sum 1.

    Returns
    -------
    float array, shape (n, horizons)

    Examples
    --------
    >>> pooled(np.array([[[0.1]], [[0.9]]]), np.array([0.5, 0.5])).round(6).tolist()
    [[0.5]]
    """
    used = np.flatnonzero(weights)
    if len(used) == 1:
        return np.asarray(risk[used[0]])
    # sums one member at a time: a matrix product might depend on where a row lies
    odds = np.zeros(risk.shape[1:])
    for i in used:
        odds += weights[i] * log_odds(risk[i])
    # rounding alone could break the order of two horizons
    return np.asarray(np.maximum.accumulate(expit(odds), axis=1))


def log_odds(risk: Array) -> Array:
    """Log odds of risks, held off 0 and 1 as the log score holds them."""
    return np.asarray(logit(np.clip(risk, LOG_CLIP, 1 - LOG_CLIP)))


def equal(members: int) -> Array:
    """Equal weights."""
    return np.full(members, 1 / members)


def only(place: int, members: int) -> Array:
    """All weight on one member."""
    return np.asarray(np.eye(members)[place])


def _words(members: Mapping[str, Any], weights: Array, seen: Evidence) -> str:
    pairs = zip(members, weights, strict=True)
    words = ", ".join(f"{name} {weight:.2f}" for name, weight in pairs if weight > 0)
    if seen.enough:
        return words
    return f"{words} for safety: {seen.collapsed} truces collapsed to choose by"
