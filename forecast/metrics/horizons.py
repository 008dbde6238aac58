"""One score for all horizons of a model, from its Brier scores at each.

The risks of a row at rising horizons are a distribution function of the day of
collapse; so scores of the whole distribution are sums of Brier scores. Each horizon has
weights of its own, since each leaves other outcomes unknown.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from forecast.metrics.weighted import Array


def ranked_probability(briers: npt.ArrayLike) -> Array:
    """Ranked probability score: the sum of the Brier scores over horizons.

    Parameters
    ----------
    briers : float array, shape (horizons, ...)
        Brier scores, horizons in the first place.

    Returns
    -------
    float array, shape (...)
        From 0 to the number of horizons, lower is better.

    Notes
    -----
    Epstein (1969), *Journal of Applied Meteorology* 8: categories are the spans between
    horizons, and no collapse within the last. It charges a collapse on day 8 less for
    a forecast of day 6 than for one of day 60.

    Examples
    --------
    >>> float(ranked_probability([0.25, 0.5]))
    0.75
    """
    return np.asarray(np.sum(briers, axis=0))


def integrated_brier(briers: npt.ArrayLike, horizons: Sequence[int]) -> Array:
    """Mean Brier score over the time between the first and the last horizon.

    Parameters
    ----------
    briers : float array, shape (horizons, ...)
        Brier scores, horizons in the first place.
    horizons : sequence of int
        Days, rising.

    Returns
    -------
    float array, shape (...)
        In [0, 1], lower is better; the Brier score itself with a single horizon.

    Notes
    -----
    Graf, Schmoor, Sauerbrei & Schumacher (1999), *Statistics in Medicine* 18, by the
    trapezoidal rule: the far horizons, which span most of the time, weigh most.

    Examples
    --------
    >>> float(integrated_brier([0.25, 0.5, 0.5], [10, 20, 40]))
    0.4583333333333333
    """
    scores = np.asarray(briers, float)
    if len(horizons) == 1:
        return np.asarray(scores[0])
    area = np.trapezoid(scores, np.asarray(horizons, float), axis=0)
    return np.asarray(area / (horizons[-1] - horizons[0]))
