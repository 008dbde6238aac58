"""Calibration: whether as many truces collapse as the risks say."""

from forecast.metrics.weighted import Array, Score, finish, ratio, rows


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
    >>> import numpy as np
    >>> expected_observed(np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.ones(2))
    1.5
    """
    outcome, risk, weights, plain = rows(outcome, risk, weight)
    return finish(ratio(weights @ risk, weights @ outcome), plain)
