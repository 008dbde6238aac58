"""Scores of the data as they are, and as they would be with other dyads.

The weeks of a truce, and the truces of a dyad, are no independent cases: an interval
comes from drawing whole dyads with replacement (Efron & Tibshirani 1993, An
Introduction to the Bootstrap), and every model is scored on the same draws.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from forecast import metrics
from forecast.ipcw import Array

Metric = Callable[[Array, Array, Array], Any]


class Rows:
    """Rows of known outcome, with their weights as they are and as dyads are redrawn.

    The first row of ``weights`` is the data as they are; a score is computed on all
    rows of it at once, and once for each model.
    """

    def __init__(
        self, wide: pl.DataFrame, usable: pl.Series, draws: int, seed: int
    ) -> None:
        self.wide, self.usable, self.draws, self.seed = wide, usable, draws, seed
        part = wide.filter(usable)
        self.outcome = part["outcome"].to_numpy().astype(float)
        code, counts = redrawn(wide["dyad_id"], draws, seed)
        self.groups = counts.shape[1]
        drawn = counts[:, code[usable.to_numpy()]]
        self.weights = np.vstack([np.ones(part.height), drawn])
        self.weights *= part["weight"].to_numpy()
        self.scores: dict[tuple[str, Metric], Array] = {}

    def where(self, name: str) -> "Rows":
        """The rows that a model has a forecast for; one that failed has fewer."""
        usable = self.usable & self.wide[name].is_not_null()
        if usable.equals(self.usable):
            return self
        return Rows(self.wide, usable, self.draws, self.seed)

    def score(self, metric: Metric, name: str) -> Array:
        """Score of a model: of the data, then of every draw."""
        if (name, metric) not in self.scores:
            risk = self.wide.filter(self.usable)[name].to_numpy()
            score = np.asarray(metric(self.outcome, risk, self.weights))
            self.scores[name, metric] = score
        return self.scores[name, metric]

    def skill(self, name: str, baseline: str) -> Array:
        """Skill over a baseline, on the same rows and draws."""
        ours, theirs = (self.score(metrics.brier, n) for n in (name, baseline))
        return np.asarray(metrics.skill(ours, theirs))

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


def redrawn(
    groups: pl.Series, draws: int, seed: int
) -> tuple[npt.NDArray[np.int64], Array]:
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
    ids = groups.unique().sort()
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=draws)
    position = {group: i for i, group in enumerate(ids)}
    code = np.array([position[group] for group in groups], dtype=np.int64)
    return code, counts.astype(np.float64)


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
