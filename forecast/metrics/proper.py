"""Proper scores: their expectation is lowest at the true probability."""

import numpy as np
import numpy.typing as npt

from forecast.metrics.weighted import Array, Score, finish, ratio, rows

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
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    losses = squared_errors(outcome, risk)
    return finish(ratio(weights @ losses, weights.sum(axis=1)), plain)


def squared_errors(outcome: Array, risk: Array) -> Array:
    """Loss of each row, whose weighted mean is the Brier score.

    Examples
    --------
    >>> squared_errors(np.array([0.0, 1.0]), np.array([0.5, 0.5])).tolist()
    [0.25, 0.25]
    """
    return np.asarray((risk - outcome) ** 2)


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
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    losses = log_losses(outcome, risk)
    return finish(ratio(weights @ losses, weights.sum(axis=1)), plain)


def log_losses(outcome: Array, risk: Array) -> Array:
    """Loss of each row, whose weighted mean is the log score; clipped as it is.

    Examples
    --------
    >>> log_losses(np.array([0.0, 1.0]), np.array([0.5, 0.5])).round(3).tolist()
    [0.693, 0.693]
    """
    risk = np.clip(risk, LOG_CLIP, 1 - LOG_CLIP)
    return -np.asarray(outcome * np.log(risk) + (1 - outcome) * np.log1p(-risk))


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
    shares = ratio(*np.broadcast_arrays(np.asarray(score, float), reference))
    return finish(np.atleast_1d(1 - shares), shares.ndim == 0)
