"""Scores of risks against outcomes, weighted, for one sample or many resamples at once.

Every metric is ``f(outcome, risk, weight)``. ``weight`` holds one weight a row, or one
row of weights for each draw of a resampling: drawing dyads with replacement only
changes weights, so a thousand resamples are one matrix and no loop.

A row without weight is not there, and only such a row may have an unknown outcome
(NaN). Where a metric is not defined, as with no collapse to rank, it is NaN.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Score = float | Array

#: Risks are held this far from 0 and 1 by the log score.
LOG_CLIP = 1e-6


def brier(outcome: Array, risk: Array, weight: Array) -> Score:
    """Mean squared difference between risk and outcome.

    Parameters
    ----------
    outcome : float array, shape (n,)
        0 or 1; NaN (unknown) where the weight is 0.
    risk : float array, shape (n,)
        Forecast probabilities.
    weight : float array, shape (n,) or (draws, n)
        Weights, not negative.

    Returns
    -------
    float or array, shape (draws,)
        In [0, 1], lower is better; NaN if nothing weighs anything.

    Raises
    ------
    ValueError
        If shapes differ, a weight is negative or an unknown outcome weighs something.

    Notes
    -----
    Brier (1950), *Monthly Weather Review* 78. Strictly proper: its expectation is
    lowest at the true probability.

    Examples
    --------
    >>> one = np.ones(2)
    >>> round(brier(np.array([0.0, 1.0]), np.array([0.2, 0.6]), one), 3)
    0.1
    """
    outcome, risk, weights, plain = _rows(outcome, risk, weight)
    return _finish(_ratio(weights @ (risk - outcome) ** 2, weights.sum(axis=1)), plain)


def log_score(outcome: Array, risk: Array, weight: Array) -> Score:
    """Mean negative logarithm of the probability given to what happened, in nats.

    Risks are clipped to [1e-6, 1 − 1e-6]. One collapse at a risk of exactly 0 would
    otherwise make the score infinite and hide every other row; clipped, it costs 13.8,
    still far more than any honest forecast.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`brier`.

    Returns
    -------
    float or array, shape (draws,)
        At least 0, lower is better; NaN if nothing weighs anything.

    Raises
    ------
    ValueError
        As in :func:`brier`.

    Notes
    -----
    Good (1952), *Journal of the Royal Statistical Society B* 14. Strictly proper.

    Examples
    --------
    >>> round(log_score(np.array([1.0]), np.array([0.5]), np.ones(1)), 3)
    0.693
    >>> round(log_score(np.array([1.0]), np.array([0.0]), np.ones(1)), 1)
    13.8
    """
    outcome, risk, weights, plain = _rows(outcome, risk, weight)
    risk = np.clip(risk, LOG_CLIP, 1 - LOG_CLIP)
    loss = -(outcome * np.log(risk) + (1 - outcome) * np.log1p(-risk))
    return _finish(_ratio(weights @ loss, weights.sum(axis=1)), plain)


def auroc(outcome: Array, risk: Array, weight: Array) -> Score:
    """Chance that a row that collapsed had the higher risk than one that did not.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`brier`.

    Returns
    -------
    float or array, shape (draws,)
        In [0, 1], .5 for no discrimination; equal risks count half. NaN where only
        one outcome is there.

    Raises
    ------
    ValueError
        As in :func:`brier`.

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
    outcome, risk, weights, plain = _rows(outcome, risk, weight)
    collapsed, quiet = _by_risk(outcome, risk, weights)
    below = quiet.cumsum(axis=1) - quiet / 2
    pairs = collapsed.sum(axis=1) * quiet.sum(axis=1)
    return _finish(_ratio((collapsed * below).sum(axis=1), pairs), plain)


def average_precision(outcome: Array, risk: Array, weight: Array) -> Score:
    """Share of collapses among rows at or above each risk, averaged over collapses.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`brier`.

    Returns
    -------
    float or array, shape (draws,)
        In [0, 1], the prevalence for no discrimination; rows of equal risk enter
        together. NaN without a collapse.

    Raises
    ------
    ValueError
        As in :func:`brier`.

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
    outcome, risk, weights, plain = _rows(outcome, risk, weight)
    collapsed, quiet = _by_risk(outcome, -risk, weights)
    found = collapsed.cumsum(axis=1)
    flagged = found + quiet.cumsum(axis=1)
    precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
    return _finish(
        _ratio((collapsed * precision).sum(axis=1), collapsed.sum(axis=1)), plain
    )


def expected_observed(outcome: Array, risk: Array, weight: Array) -> Score:
    """Collapses forecast over collapses seen: calibration in the large.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`brier`.

    Returns
    -------
    float or array, shape (draws,)
        1 is right, above 1 too many were forecast; NaN without a collapse.

    Raises
    ------
    ValueError
        As in :func:`brier`.

    Examples
    --------
    >>> expected_observed(np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.ones(2))
    1.5
    """
    outcome, risk, weights, plain = _rows(outcome, risk, weight)
    return _finish(_ratio(weights @ risk, weights @ outcome), plain)


def skill(score: npt.ArrayLike, reference: npt.ArrayLike) -> Score:
    """Share of a reference's loss that a model takes away: 1 − score / reference.

    Parameters
    ----------
    score, reference : float or array
        Losses (Brier or log score) of the model and of the baseline on the same rows.

    Returns
    -------
    float or array
        1 is perfect, 0 no better than the baseline, negative worse; NaN where the
        reference is 0.

    Examples
    --------
    >>> skill(0.12, 0.16)
    0.25
    """
    shares = _ratio(*np.broadcast_arrays(np.asarray(score, float), reference))
    return _finish(np.atleast_1d(1 - shares), shares.ndim == 0)


def _rows(
    outcome: Array, risk: Array, weight: Array
) -> tuple[Array, Array, Array, bool]:
    """Outcome, risk and (draws, n) weights of the rows that weigh something."""
    outcome, risk, weight = (np.asarray(a, float) for a in (outcome, risk, weight))
    rows = outcome.shape[0] if outcome.ndim == 1 else -1
    if risk.shape != (rows,) or weight.shape[-1:] != (rows,) or weight.ndim > 2:
        raise ValueError(
            "outcome and risk must be (n,) and weight (n,) or (draws, n), not "
            f"{outcome.shape}, {risk.shape} and {weight.shape}"
        )
    if not (weight >= 0).all():
        raise ValueError("weights must be numbers, none below 0")
    weights = np.atleast_2d(weight)
    kept = (weights > 0).any(axis=0)
    outcome, risk, weights = outcome[kept], risk[kept], weights[:, kept]
    if np.isnan(outcome).any():
        raise ValueError("a row of unknown outcome must weigh nothing")
    return outcome, risk, weights, weight.ndim == 1


def _by_risk(outcome: Array, risk: Array, weights: Array) -> tuple[Array, Array]:
    """Weight of both outcomes at each distinct risk, lowest first: (draws, risks)."""
    order = np.argsort(risk, kind="stable")
    outcome, risk, weights = outcome[order], risk[order], weights[:, order]
    if not len(risk):
        return np.zeros((len(weights), 0)), np.zeros((len(weights), 0))
    first = np.flatnonzero(np.concatenate([[True], risk[1:] != risk[:-1]]))
    collapsed = np.add.reduceat(weights * outcome, first, axis=1)
    return collapsed, np.add.reduceat(weights * (1 - outcome), first, axis=1)


def _ratio(above: Array, below: Array) -> Array:
    """Quotient that is NaN, without a warning, where the denominator is 0."""
    unknown = np.full(below.shape, np.nan)
    return np.asarray(np.divide(above, below, out=unknown, where=below != 0))


def _finish(values: Array, plain: bool) -> Score:
    return float(values[0]) if plain else values
