"""Ensemble: several models heard alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.models.pool import Pool


def ensemble(
    members: Mapping[str, Any],
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> Pool:
    """Mean of the members' log odds, all with the same weight.

    Nothing is chosen, so nothing can be chosen wrongly: where members err differently,
    their errors partly cancel, and equal weights are hard to beat by estimated ones.

    Parameters
    ----------
    members : mapping of str to estimator
        By name.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed of all members.

    Returns
    -------
    Pool

    Notes
    -----
    Clemen (1989), *International Journal of Forecasting* 5; log odds rather than risks,
    whose mean is too timid: Satopää et al. (2014), *International Journal of
    Forecasting* 30.

    Examples
    --------
    >>> from forecast.models.baselines import Age, BaseRate
    >>> list(ensemble({"base": BaseRate(), "age": Age()}).members)
    ['base', 'age']
    """
    return Pool(members, None, horizons=horizons, random_state=random_state)
