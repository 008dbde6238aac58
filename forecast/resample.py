"""Groups drawn again, and what their draws say.

The weeks of a truce, and the truces of a dyad, are no independent cases: an interval
comes from drawing whole dyads with replacement (Efron & Tibshirani 1993, An
Introduction to the Bootstrap), and every model is scored on the same draws.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from forecast.ipcw import Array


class Draws(NamedTuple):
    """Place of each row's group among the sorted groups; how often each is drawn."""

    code: npt.NDArray[np.int64]
    counts: Array


def redrawn(groups: pl.Series, draws: int, seed: int) -> Draws:
    """Draw whole groups with replacement.

    Parameters
    ----------
    groups : pl.Series, shape (n,)
        The group of each row: its dyad, or its conflict.
    draws, seed : int
        Number of draws; seed of all of them.

    Returns
    -------
    code : int array, shape (n,)
        Place of each row's group among the sorted groups.
    counts : float array, shape (draws, n_groups)
        How often each group is drawn.

    Examples
    --------
    >>> code, counts = redrawn(pl.Series(["b", "a", "b"]), draws=4, seed=1)
    >>> code.tolist(), counts.shape, set(counts.sum(axis=1))
    ([1, 0, 1], (4, 2), {np.float64(2.0)})
    """
    n = groups.n_unique()
    rng = np.random.default_rng(seed)
    if n:
        counts = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    else:
        counts = np.zeros((draws, 0))
    code = groups.rank("dense").to_numpy().astype(np.int64) - 1
    return Draws(code, counts)


def sign_flip(differences: Array, draws: int, seed: int) -> float:
    """Chance of a total as far from zero, were each group as likely to say the reverse.

    Parameters
    ----------
    differences : float array, shape (n_groups,)
        Loss of a baseline less that of a model, summed over the rows of each group.
    draws, seed : int
        Sets of random signs.

    Returns
    -------
    float
        Two-sided p, never 0: the data as they are count as one draw. NaN without a
        group.

    Notes
    -----
    Fisher's randomisation test for pairs (1935, *The Design of Experiments*), with
    whole dyads as pairs. It asks less than an interval of skill: whether the two
    differ at all, if the difference of a dyad is symmetric about zero when they do not.

    Examples
    --------
    >>> sign_flip(np.array([1.0, 1.0]), draws=999, seed=1) > 0.4
    True
    >>> sign_flip(np.ones(20), draws=999, seed=1)
    0.001
    """
    if not len(differences):
        return np.nan
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(draws, len(differences)))
    seen = abs(differences.sum())
    # equal totals differ in their last bits
    far = np.abs(signs @ differences) >= seen * (1 - 1e-9)
    return float((1 + far.sum()) / (draws + 1))


def interval(
    drawn: Array, groups: int, level: float
) -> tuple[float | None, float | None]:
    """Interval of a score from its values in redrawn data.

    Parameters
    ----------
    drawn : float array, shape (draws,)
        Score of each draw; those that are not defined are left aside.
    groups : int
        Groups that were drawn from.
    level : float
        What the interval aims to cover.

    Returns
    -------
    (float, float) or (None, None)
        None where draws cannot reach far enough: of groups, below five at a level of
        90%; of draws, below nineteen.

    Notes
    -----
    Plain percentiles are too narrow with few groups, as a normal quantile is in the
    place of Student's t, and resampling divides by n where n − 1 is meant. So the
    percentiles are taken further out, at ``Φ(−t √(n / (n − 1)))`` with the t quantile
    of n − 1 degrees of freedom (Hesterberg 2015, *The American Statistician* 69(4)).

    No draw leaves the range of the groups' own scores, and by luck alone all of n lie
    on one side of the truth once in ``2ⁿ⁻¹``: with few groups an interval that leaves
    out zero would say next to nothing. And n draws span ``(n − 1) / (n + 1)`` of what
    draws can come to, on average.

    Examples
    --------
    >>> drawn = np.linspace(0, 1, 1001)
    >>> [round(end, 3) for end in interval(drawn, 1000, 0.9)]
    [0.05, 0.95]
    >>> [round(end, 3) for end in interval(drawn, 10, 0.9)]
    [0.027, 0.973]
    >>> interval(drawn, 4, 0.9)
    (None, None)
    """
    from scipy.stats import norm, t

    known = drawn[np.isfinite(drawn)]
    spanned = (known.size - 1) / (known.size + 1)
    one_sided = 2.0 ** (1 - groups)
    if spanned < level or groups < 2 or one_sided > 1 - level:
        return None, None
    reach = t.ppf((1 + level) / 2, groups - 1) * np.sqrt(groups / (groups - 1))
    tail = norm.cdf(-reach)
    lower, upper = np.quantile(known, [tail, 1 - tail])
    return float(lower), float(upper)
