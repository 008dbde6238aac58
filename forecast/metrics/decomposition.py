"""Where a score comes from: miscalibration, discrimination, and plain uncertainty.

CORP (Dimitriadis, Gneiting & Jordan 2021, *PNAS* 118(8)): risks are recalibrated by
isotonic regression, which needs no bins and no tuning. With ``S`` the mean Brier score,

    S(risk) = miscalibration − discrimination + uncertainty

where miscalibration is ``S(risk) − S(recalibrated)``, what recalibration would gain;
discrimination is ``S(prevalence) − S(recalibrated)``, what ranking gains; uncertainty
is ``S(prevalence)``, the score of knowing nothing but how often truces collapse.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.metrics.weighted import Array

Places = npt.NDArray[np.intp]


class Decomposition(NamedTuple):
    """Parts of a mean Brier score."""

    miscalibration: float
    discrimination: float
    uncertainty: float


class Chance(NamedTuple):
    """Miscalibration of risks that are right: its mean, and its range."""

    mean: float
    lower: float
    upper: float


def decompose(outcome: Array, risk: Array, weight: Array) -> Decomposition:
    """Split the weighted Brier score into its three parts.

    Parameters
    ----------
    outcome : float array, shape (n,)
        0 or 1; NaN (unknown) where the weight is 0.
    risk, weight : float array, shape (n,)
        Forecasts; weights, not negative.

    Returns
    -------
    Decomposition
        Miscalibration and discrimination are at least 0; all NaN if nothing weighs
        anything.

    Examples
    --------
    >>> outcome, risk = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.1, 0.6, 0.6, 0.6])
    >>> [round(part, 4) for part in decompose(outcome, risk, np.ones(4))]
    [0.0058, 0.0833, 0.25]
    """
    known = weight > 0
    if not known.any():
        return Decomposition(np.nan, np.nan, np.nan)
    levels, start, order = _levels(risk[known])
    y, w = outcome[known][order], weight[known][order]
    mass, hits = np.add.reduceat(w, start), np.add.reduceat(w * y, start)
    return _parts(levels, mass, hits)


def miscalibration_by_chance(
    risk: Array, weight: Array, *, draws: int = 200, seed: int = 1, level: float = 0.9
) -> Chance:
    """Range of the miscalibration of risks that are right.

    Even a perfect forecaster's outcomes wobble about the risks, and recalibration fits
    the wobble: at two thousand rows that alone is 2–3% of the score. Outcomes are drawn
    from the risks themselves, each row on its own; rows of one truce share their
    outcome, so the true range is wider still.

    Parameters
    ----------
    risk, weight : float array, shape (n,)
        Forecasts; weights, zero where the outcome is not known.
    draws, seed : int
        Simulated sets of outcomes.
    level : float
        Share of them inside the range.

    Returns
    -------
    Chance
        NaN if nothing weighs anything.

    Examples
    --------
    >>> risk = np.linspace(0.01, 0.5, 2000)
    >>> mean, low, high = miscalibration_by_chance(risk, np.ones(2000))
    >>> 0 < low < mean < high < 0.01
    True
    """
    known = weight > 0
    if not known.any():
        return Chance(np.nan, np.nan, np.nan)
    levels, start, order = _levels(risk[known])
    p, w = risk[known][order], weight[known][order]
    mass = np.add.reduceat(w, start)
    rng = np.random.default_rng(seed)
    found = [
        _parts(
            levels, mass, np.add.reduceat(w * (rng.random(len(p)) < p), start)
        ).miscalibration
        for _ in range(draws)
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Chance(float(np.mean(found)), float(low), float(high))


def _levels(risk: Array) -> tuple[Array, Places, Places]:
    """Distinct risks, where each begins in the sorted rows, and the sorting."""
    order = np.argsort(risk, kind="stable")
    levels, start = np.unique(risk[order], return_index=True)
    return levels, start, order


def _parts(levels: Array, mass: Array, hits: Array) -> Decomposition:
    """Parts from the weight and the collapses at each distinct risk."""
    # what scikit-learn calls too, after checks that take ten times as long
    from scipy.optimize import isotonic_regression

    right = isotonic_regression(hits / mass, weights=mass).x
    prevalence = hits.sum() / mass.sum()

    def score(r: Array | float) -> float:
        # y² = y, so the sum over the rows of a level needs no row
        return float((mass * r * r - 2 * r * hits + hits).sum() / mass.sum())

    return Decomposition(
        score(levels) - score(right),
        score(prevalence) - score(right),
        score(prevalence),
    )
