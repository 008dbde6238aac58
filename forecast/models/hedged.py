"""Hedged: as much of a model as the evidence bears, and the naive one for the rest."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.models.evidence import Evidence, one_standard_error
from forecast.models.pool import Pool, Weighing, only, pooled

#: weights of the model that are looked at; finer ones are not told apart
GRID = tuple(i / 10 for i in range(11))


def hedged(
    naive: Any,
    model: Any,
    quantiles: Sequence[float] = (0.4, 0.6, 0.8),
    parts: int = 2,
    least: int = 10,
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> Pool:
    """A model drawn towards a naive one: logit r = (1 − w) logit naive + w logit model.

    One weight serves all horizons; a weight for each could put a longer one below a
    shorter one. It is the smallest whose inner log score is within one standard error
    of the best: without evidence for the model the forecast *is* the naive one.

    Parameters
    ----------
    naive : estimator
        What the model has to beat.
    model : estimator
        Any model; one that chooses, too: it is judged by what it would have chosen
        before, see :mod:`forecast.models.inner`.
    quantiles, parts, least
        Of the inner folds, see :class:`forecast.models.inner.Plan`.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed of both.

    Returns
    -------
    Pool

    Examples
    --------
    >>> from forecast.models.baselines import Age, BaseRate
    >>> list(hedged(BaseRate(), Age()).members)
    ['naive', 'model']
    """
    members, plan = {"naive": naive, "model": model}, (quantiles, parts, least)
    return Pool(members, hedge, *plan, horizons, random_state)


def hedge(seen: Evidence, names: Sequence[str]) -> Weighing:
    """Weigh a naive model and another: the least of the other that is as good as any.

    Parameters
    ----------
    seen : Evidence
        Inner forecasts of the two.
    names : sequence of str
        Of the members.

    Returns
    -------
    Weighing
        Without enough evidence all weight is on the naive model.
    """
    if not seen.enough:
        return Weighing(only(0, len(names)), [])
    pairs = [np.array([1 - w, w]) for w in GRID]
    losses = np.stack([seen.losses(pooled(seen.risk, pair)) for pair in pairs])
    place, table = one_standard_error(losses, seen.dyad)
    tried = [{"weight": w} | row for w, row in zip(GRID, table, strict=True)]
    return Weighing(pairs[place], tried)
