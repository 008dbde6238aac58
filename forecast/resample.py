"""Scores of the data as they are, and as they would be with other dyads.

The weeks of a truce, and the truces of a dyad, are no independent cases: an interval
comes from drawing whole dyads with replacement (Efron & Tibshirani 1993, An
Introduction to the Bootstrap), and every model is scored on the same draws. A score
that is a ratio of sums needs only the sums of each dyad, which makes thousands of draws
one product of matrices.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from forecast.ipcw import Array
from forecast.metrics.proper import log_losses, skill, squared_errors
from forecast.metrics.weighted import ratio

Metric = Callable[[Array, Array, Array], Any]
Loss = Callable[[Array, Array], Array]

#: a part of the rows with fewer of either outcome, or of groups, is not scored
FEWEST_CASES, FEWEST_GROUPS = 10, 5
#: draws of scores that need every row in each, as those that rank rows do
ROW_DRAWS = 200


class Draws(NamedTuple):
    """Place of each row's group among the sorted groups; how often each is drawn."""

    code: npt.NDArray[np.int64]
    counts: Array


class Rows:
    """Rows of known outcome, scored as they are and as groups are redrawn.

    Every score is an array: of the data as they are, then of each draw.

    Parameters
    ----------
    wide : pl.DataFrame
        ``outcome``, ``weight`` and a column of risks for each model.
    usable : pl.Series of bool
        Rows to score; their outcomes are known.
    drawn : Draws
        Of the groups of all rows of ``wide``.
    """

    def __init__(self, wide: pl.DataFrame, usable: pl.Series, drawn: Draws) -> None:
        self.wide, self.usable, self.drawn = wide, usable, drawn
        self.part = wide.filter(usable)
        self.outcome = self.part["outcome"].to_numpy().astype(float)
        self.weight = self.part["weight"].to_numpy()
        self.code = drawn.code[usable.to_numpy()]
        #: groups that say anything here
        self.groups = len(np.unique(self.code))
        self._means: dict[tuple[str, Loss], Array] = {}

    def where(self, name: str) -> "Rows":
        """The rows that a model has a forecast for; one that failed has fewer."""
        usable = self.usable & self.wide[name].is_not_null()
        return (
            self if usable.equals(self.usable) else Rows(self.wide, usable, self.drawn)
        )

    @property
    def few(self) -> bool:
        """Whether cases are too few for a score that says anything."""
        collapses = self.outcome.sum()
        rarer = min(collapses, len(self.outcome) - collapses)
        return bool(rarer < FEWEST_CASES or self.groups < FEWEST_GROUPS)

    def risk(self, name: str) -> Array:
        """Risks by a model."""
        return np.asarray(self.part[name].to_numpy(), float)

    def by_group(self, values: Array) -> Array:
        """Sum of the values of each group, shape (n_groups,)."""
        size = self.drawn.counts.shape[1]
        return np.asarray(np.bincount(self.code, values, minlength=size), float)

    def total(self, values: Array) -> Array:
        """Weighted sum of the values of rows."""
        sums = self.by_group(self.weight * values)
        return np.concatenate([[sums.sum()], self.drawn.counts @ sums])

    def mean(self, loss: Loss, name: str) -> Array:
        """Weighted mean loss of a model."""
        if (name, loss) not in self._means:
            losses = loss(self.outcome, self.risk(name))
            self._means[name, loss] = ratio(self.total(losses), self.mass)
        return self._means[name, loss]

    @cached_property
    def mass(self) -> Array:
        """Sum of the weights."""
        return self.total(np.ones_like(self.weight))

    @cached_property
    def prevalence(self) -> Array:
        """Weighted share of collapses."""
        return ratio(self.total(self.outcome), self.mass)

    def expected_observed(self, name: str) -> Array:
        """Collapses forecast over collapses seen."""
        return ratio(self.total(self.risk(name)), self.total(self.outcome))

    def skill(self, name: str, baseline: str) -> Array:
        """Brier skill over a baseline."""
        ours, theirs = (self.mean(squared_errors, n) for n in (name, baseline))
        return np.asarray(skill(ours, theirs))

    def gain(self, name: str, baseline: str) -> Array:
        """Log score that a model saves, in nats for each collapse."""
        theirs, ours = (self.mean(log_losses, n) for n in (baseline, name))
        saved: Array = (theirs - ours) * self.mass
        return ratio(saved, self.total(self.outcome))

    def score(self, metric: Metric, name: str) -> Array:
        """A score that needs every row; of at most ``ROW_DRAWS`` draws."""
        return np.asarray(metric(self.outcome, self.risk(name), self._weights))

    @cached_property
    def _weights(self) -> Array:
        drawn = self.drawn.counts[:ROW_DRAWS, self.code]
        return np.asarray(np.vstack([np.ones(len(self.weight)), drawn]) * self.weight)

    def row(self, score: Array, level: float) -> dict[str, Any]:
        """Value, interval and counts, as the metrics frame has them."""
        lower, upper = interval(score[1:], self.groups, level)
        return {
            "value": float(score[0]) if np.isfinite(score[0]) else None,
            "lower": lower,
            "upper": upper,
            "n": len(self.outcome),
            "n_events": int(self.outcome.sum()),
        }


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
        None where there is nothing to draw from: no score, or a single group.

    Notes
    -----
    Plain percentiles are too narrow with few groups, as a normal quantile is in the
    place of Student's t, and resampling divides by n where n − 1 is meant. So the
    percentiles are taken further out, at ``Φ(−t √(n / (n − 1)))`` with the t quantile
    of n − 1 degrees of freedom (Hesterberg 2015, *The American Statistician* 69(4)).

    Examples
    --------
    >>> drawn = np.linspace(0, 1, 1001)
    >>> [round(end, 3) for end in interval(drawn, 1000, 0.9)]
    [0.05, 0.95]
    >>> [round(end, 3) for end in interval(drawn, 10, 0.9)]
    [0.027, 0.973]
    """
    from scipy.stats import norm, t

    known = drawn[np.isfinite(drawn)]
    if not known.size or groups < 2:
        return None, None
    reach = t.ppf((1 + level) / 2, groups - 1) * np.sqrt(groups / (groups - 1))
    tail = norm.cdf(-reach)
    lower, upper = np.quantile(known, [tail, 1 - tail])
    return float(lower), float(upper)
