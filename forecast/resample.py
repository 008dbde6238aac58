"""Scores of the data as they are, and as they would be with other dyads.

The weeks of a truce, and the truces of a dyad, are no independent cases: an interval
comes from drawing whole dyads with replacement (Efron & Tibshirani 1993, An
Introduction to the Bootstrap), and every model is scored on the same draws.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
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
        drawn = _resample(wide["dyad_id"], draws, seed)[:, usable.to_numpy()]
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
        drawn, tail = score[1:][np.isfinite(score[1:])], (1 - level) / 2
        bounds = np.quantile(drawn, [tail, 1 - tail]) if drawn.size else (None, None)
        return {
            "value": float(score[0]) if np.isfinite(score[0]) else None,
            "lower": bounds[0],
            "upper": bounds[1],
            "n": len(self.outcome),
            "n_events": int(self.outcome.sum()),
        }


def _resample(dyads: pl.Series, draws: int, seed: int) -> Array:
    """How often each row is drawn when whole dyads are drawn with replacement."""
    ids = dyads.unique().sort()
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=draws)
    position = {dyad: i for i, dyad in enumerate(ids)}
    of_row = np.array([position[dyad] for dyad in dyads])
    return np.asarray(counts[:, of_row], dtype=np.float64)
