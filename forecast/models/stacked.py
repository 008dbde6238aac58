"""Stacked: several models, weighed by how well they forecast the unseen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from forecast.ipcw import Array
from forecast.models.evidence import Evidence
from forecast.models.pool import Pool, Weighing, equal, log_odds, pooled

#: a smaller weight changes no forecast that anybody reads
SMALL = 1e-3


def stacked(
    members: Mapping[str, Any],
    quantiles: Sequence[float] = (0.4, 0.6, 0.8),
    parts: int = 2,
    least: int = 10,
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> Pool:
    """Pool of the members whose weights have the best inner log score.

    Parameters
    ----------
    members : mapping of str to estimator
        By name.
    quantiles, parts, least
        Of the inner folds, see :class:`forecast.models.inner.Plan`.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed of all members.

    Returns
    -------
    Pool

    Notes
    -----
    Wolpert (1992), *Neural Networks* 5; weights that are not negative: Breiman (1996),
    *Machine Learning* 24.

    Examples
    --------
    >>> from forecast.models.baselines import Age, BaseRate
    >>> stacked({"base": BaseRate(), "age": Age()}).weigh is stack
    True
    """
    plan = (quantiles, parts, least)
    return Pool(members, stack, *plan, horizons, random_state)


def stack(seen: Evidence, names: Sequence[str]) -> Weighing:
    """Weights, at least 0 and summing to one, with the best log score.

    Parameters
    ----------
    seen : Evidence
        Inner forecasts.
    names : sequence of str
        Of the members.

    Returns
    -------
    Weighing
        Without enough evidence equal weights. Looked at are each member alone, equal
        weights, and the best, which a convex search finds.
    """
    members = len(seen.risk)
    if not seen.enough:
        return Weighing(equal(members), [])
    best = _best(seen)
    candidates = [*np.eye(members), equal(members), best]
    losses = [seen.losses(pooled(seen.risk, weights)).mean() for weights in candidates]
    tried = [
        dict(zip(names, weights.tolist(), strict=True)) | {"loss": float(loss)}
        for weights, loss in zip(candidates, losses, strict=True)
    ]
    return Weighing(best, tried)


def _best(seen: Evidence) -> Array:
    odds, rows = log_odds(seen.risk), len(seen.dyad)

    def loss(weights: Array) -> tuple[float, Array]:
        risk = expit(np.tensordot(weights, odds, 1))
        slope = np.tensordot(odds, seen.weight * (risk - seen.outcome), 2)
        return seen.losses(risk).sum() / rows, slope / rows

    found = minimize(
        loss,
        equal(len(odds)),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * len(odds),
        constraints={
            "type": "eq",
            "fun": lambda weights: weights.sum() - 1,
            "jac": np.ones_like,
        },
        options={"ftol": 1e-9, "maxiter": 200},
    )
    weights = np.where(found.x < SMALL, 0, found.x)
    return np.asarray(weights / weights.sum())
