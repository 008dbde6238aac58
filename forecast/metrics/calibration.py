"""Calibration: whether as many truces collapse as the risks say."""

import numpy as np

from forecast.metrics.proper import LOG_CLIP
from forecast.metrics.weighted import Array, Score, finish, ratio, rows

#: Newton steps from no recalibration; where risks separate the outcomes none settle
STEPS, SETTLED = 40, 1e-6


def expected_observed(outcome: Array, risk: Array, weight: Array) -> Score:
    """Collapses forecast over collapses seen: calibration in the large.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`forecast.metrics.brier`.

    Returns
    -------
    float or array, shape (draws,)
        1 is right, above 1 too many were forecast; NaN without a collapse.

    Raises
    ------
    ValueError
        As in :func:`forecast.metrics.brier`.

    Examples
    --------
    >>> expected_observed(np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.ones(2))
    1.5
    """
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    return finish(ratio(weights @ risk, weights @ outcome), plain)


def calibration_intercept(outcome: Array, risk: Array, weight: Array) -> Score:
    """Shift of all log odds that would put the mean risk right.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`forecast.metrics.brier`.

    Returns
    -------
    float or array, shape (draws,)
        0 is right, negative: too many collapses were forecast. Maximum likelihood of
        ``a`` in ``logit P(collapse) = a + logit(risk)``; NaN where only one outcome is
        there. Risks are held 1e-6 from 0 and 1.

    Raises
    ------
    ValueError
        As in :func:`forecast.metrics.brier`.

    Notes
    -----
    Cox (1958), *Biometrika* 45; "calibration in the large" of Steyerberg (2019),
    *Clinical Prediction Models*.

    Examples
    --------
    >>> outcome, risk = np.array([0.0, 0.0, 0.0, 1.0]), np.full(4, 0.5)
    >>> round(calibration_intercept(outcome, risk, np.ones(4)), 3)
    -1.099
    """
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    return finish(_recalibrated(outcome, risk, weights, slope=False)[:, 0], plain)


def calibration_slope(outcome: Array, risk: Array, weight: Array) -> Score:
    """Factor on the log odds that would put the spread of the risks right.

    Parameters
    ----------
    outcome, risk, weight
        As in :func:`forecast.metrics.brier`.

    Returns
    -------
    float or array, shape (draws,)
        1 is right, below 1: risks are too extreme (overfitting), above: too timid.
        Maximum likelihood of ``b`` in ``logit P(collapse) = a + b logit(risk)``; NaN
        where only one outcome is there, all risks are the same, or risks separate the
        outcomes.

    Raises
    ------
    ValueError
        As in :func:`forecast.metrics.brier`.

    Notes
    -----
    Cox (1958), *Biometrika* 45; Steyerberg (2019), *Clinical Prediction Models*.

    Examples
    --------
    >>> risk = np.array([0.1, 0.1, 0.1, 0.9, 0.9, 0.9])
    >>> outcome = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    >>> round(calibration_slope(outcome, risk, np.ones(6)), 3)
    0.315
    """
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    if np.ptp(risk) == 0 if len(risk) else True:
        return finish(np.full(len(weights), np.nan), plain)
    return finish(_recalibrated(outcome, risk, weights, slope=True)[:, 1], plain)


def _recalibrated(outcome: Array, risk: Array, weights: Array, slope: bool) -> Array:
    """Intercept and slope of the logistic recalibration of each draw, (draws, 2)."""
    clipped = np.clip(risk, LOG_CLIP, 1 - LOG_CLIP)
    x = np.log(clipped) - np.log1p(-clipped)
    collapsed, total = weights @ outcome, weights.sum(axis=1)
    both = (collapsed > 0) & (collapsed < total)
    # a narrow spread of log odds is stretched, or steps would be tiny
    centre, spread = (x.mean(), x.std()) if slope and np.ptp(x) else (0.0, 1.0)
    x = (x - centre) / spread
    # draws lie about the data as they are, so that a few steps from there are enough
    start = np.array([[centre, spread]])
    middle = _solved(outcome, x, weights[:1], start, slope)
    known = np.isfinite(middle).all()
    start = np.tile(middle if known else start, (len(weights), 1))
    found = _solved(outcome, x, weights, start, slope)
    found[:, 1] /= spread
    found[:, 0] -= found[:, 1] * centre
    return np.where(both[:, None], found, np.nan)


def _solved(
    outcome: Array, x: Array, weights: Array, start: Array, slope: bool
) -> Array:
    """Newton's steps; NaN where they do not settle."""
    ab, going = start.copy(), np.arange(len(weights))
    for _ in range(STEPS):
        step = _newton(outcome, x, weights[going], ab[going], slope)
        ab[going] += step
        going = going[np.abs(step).max(axis=1) >= SETTLED]
        if not len(going):
            break
    ab[going] = np.nan
    return ab


def _newton(outcome: Array, x: Array, weights: Array, ab: Array, slope: bool) -> Array:
    p = 1 / (1 + np.exp(-np.clip(ab[:, :1] + ab[:, 1:] * x, -30, 30)))
    gap, curve = weights * (outcome - p), weights * p * (1 - p)
    g0, h00 = gap.sum(axis=1), np.maximum(curve.sum(axis=1), 1e-12)
    step = np.zeros_like(ab)
    if slope:
        g1, h01, h11 = gap @ x, curve @ x, curve @ (x * x)
        det = np.maximum(h00 * h11 - h01 * h01, 1e-12)
        newton = np.column_stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0])
        return np.asarray(np.clip(newton / det[:, None], -1, 1))
    step[:, 0] = np.clip(g0 / h00, -1, 1)
    return step
