"""Discrimination: whether collapses were given the higher risks."""

import numpy as np

from forecast.metrics.weighted import Array, Score, by_risk, finish, ratio, rows


def auroc(outcome: Array, risk: Array, weight: Array) -> Score:
    """Chance that a row that collapsed had the higher risk than one that did not.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`forecast.metrics.brier`.

    Returns
    -------
    float or array, shape (draws,)
        In [0, 1], .5 for no discrimination; equal risks count half. NaN where only
        one outcome is there.

    Raises
    ------
    ValueError
        As in :func:`forecast.metrics.brier`.

    Notes
    -----
    Hanley and McNeil (1982), *Radiology* 143: the area under the ROC curve is the
    Mann–Whitney statistic. It sees order only, never calibration.

    Examples
    --------
    >>> outcome, risk = np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.4, 0.4])
    >>> auroc(outcome, risk, np.ones(3))
    0.75
    """
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    collapsed, quiet = by_risk(outcome, risk, weights)
    below = quiet.cumsum(axis=1) - quiet / 2
    pairs = collapsed.sum(axis=1) * quiet.sum(axis=1)
    return finish(ratio((collapsed * below).sum(axis=1), pairs), plain)


def average_precision(outcome: Array, risk: Array, weight: Array) -> Score:
    """Share of collapses among rows at or above each risk, averaged over collapses.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`forecast.metrics.brier`.

    Returns
    -------
    float or array, shape (draws,)
        In [0, 1], the prevalence for no discrimination; rows of equal risk enter
        together. NaN without a collapse.

    Raises
    ------
    ValueError
        As in :func:`forecast.metrics.brier`.

    Notes
    -----
    The step sum of scikit-learn, without interpolation: Davis and Goadrich (2006),
    *ICML*, show why lines between points of the curve flatter a model.

    Examples
    --------
    >>> outcome, risk = np.array([0.0, 1.0, 1.0]), np.array([0.5, 0.4, 0.9])
    >>> round(average_precision(outcome, risk, np.ones(3)), 3)
    0.833
    """
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    collapsed, quiet = by_risk(outcome, -risk, weights)
    found = collapsed.cumsum(axis=1)
    flagged = found + quiet.cumsum(axis=1)
    precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
    return finish(
        ratio((collapsed * precision).sum(axis=1), collapsed.sum(axis=1)), plain
    )


def precision_at(
    outcome: Array, risk: Array, weight: Array, *, share: float = 0.1
) -> Score:
    """Share of collapses among the rows of highest risk.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`forecast.metrics.brier`.
    share : float
        Share of all weight that is looked at, in (0, 1].

    Returns
    -------
    float or array, shape (draws,)
        In [0, 1], the prevalence for no discrimination. Where rows of equal risk
        straddle the limit, each counts by the same part. NaN if nothing weighs
        anything.

    Raises
    ------
    ValueError
        As in :func:`forecast.metrics.brier`, or if the share is not in (0, 1].

    Examples
    --------
    >>> outcome, risk = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.2, 0.1])
    >>> precision_at(outcome, risk, np.ones(4), share=0.25)
    1.0
    """
    if not 0 < share <= 1:
        raise ValueError(f"share={share}; expected a number above 0, at most 1")
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    collapsed, quiet = by_risk(outcome, -risk, weights)
    mass = collapsed + quiet
    room = share * mass.sum(axis=1, keepdims=True)
    taken = np.clip(room - (mass.cumsum(axis=1) - mass), 0, mass)
    part = np.divide(taken, mass, out=np.zeros_like(mass), where=mass > 0)
    return finish(ratio((collapsed * part).sum(axis=1), room[:, 0]), plain)
