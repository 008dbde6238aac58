"""Chosen: one of several models, the simplest that is not told apart from the best."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecast.models.evidence import Evidence, one_standard_error
from forecast.models.pool import Pool, Weighing, only


def chosen(
    members: Mapping[str, Any],
    quantiles: Sequence[float] = (0.4, 0.6, 0.8),
    parts: int = 2,
    least: int = 10,
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> Pool:
    """One of the members, picked by inner forecasts.

    Parameters
    ----------
    members : mapping of str to estimator
        By name, from the simplest to the richest. The first is the safe one.
    quantiles, parts, least
        Of the inner folds, see :class:`forecast.models.inner.Plan`.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed of all members.

    Returns
    -------
    Pool
        All its weight is on one member.

    Examples
    --------
    >>> from forecast.models.baselines import Age, BaseRate
    >>> chosen({"base": BaseRate(), "age": Age()}).weigh is choose
    True
    """
    plan = (quantiles, parts, least)
    return Pool(members, choose, *plan, horizons, random_state)


def choose(seen: Evidence, names: Sequence[str]) -> Weighing:
    """All weight on the simplest member within one standard error of the best.

    Parameters
    ----------
    seen : Evidence
        Inner forecasts, the members from simple to rich.
    names : sequence of str
        Of the members.

    Returns
    -------
    Weighing
        Without enough evidence the first member's.
    """
    members = len(seen.risk)
    if not seen.enough:
        return Weighing(only(0, members), [])
    losses = np.stack([seen.losses(risk) for risk in seen.risk])
    place, table = one_standard_error(losses, seen.dyad)
    tried = [{"member": n} | row for n, row in zip(names, table, strict=True)]
    return Weighing(only(place, members), tried)
