"""Rows of known outcome, scored as they are and as their dyads are redrawn.

A score that is a ratio of sums needs only the sums of each dyad, which makes thousands
of draws one product of matrices.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from forecast.ipcw import Array
from forecast.metrics.proper import log_losses, skill, squared_errors
from forecast.metrics.weighted import ratio
from forecast.resample import Draws, interval, redrawn

Metric = Callable[[Array, Array, Array], Any]
Loss = Callable[[Array, Array], Array]

#: before the name of a kind of stratum, in columns
STRATUM = "stratum_"
#: a part of the rows with fewer of either outcome, or of groups, is not scored
FEWEST_CASES, FEWEST_GROUPS = 10, 5
#: draws of scores that need every row in each, as those that rank rows do
ROW_DRAWS = 200


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


def by_stratum(wide: pl.DataFrame, draws: int, seed: int) -> Iterator[tuple[str, Rows]]:
    """Rows of each stratum: all of known outcome first, then each kind and name.

    Parameters
    ----------
    wide : pl.DataFrame
        Rows of one horizon: ``dyad_id``, what :class:`Rows` needs, and a column
        ``stratum_KIND`` for each kind of stratum.
    draws, seed : int
        Of the dyads: each stratum redraws its own.

    Yields
    ------
    (str, Rows)
        ``all``, then ``KIND: NAME`` of each kind that divides the rows.
    """
    yield "all", _dyads(wide, draws, seed)
    for column in wide.columns:
        # a single stratum of all rows says nothing of its own
        if column.startswith(STRATUM) and wide[column].n_unique() > 1:
            kind = column.removeprefix(STRATUM)
            of_kind = wide.drop_nulls(column).sort(column, maintain_order=True)
            for (name,), part in of_kind.group_by(column, maintain_order=True):
                yield f"{kind}: {name}", _dyads(part, draws, seed)


def _dyads(wide: pl.DataFrame, draws: int, seed: int) -> Rows:
    known = wide["outcome"].is_not_null()
    return Rows(wide, known, redrawn(wide["dyad_id"], draws, seed))


def stratified(wide: pl.DataFrame, strata: pl.DataFrame) -> pl.DataFrame:
    """Add a column ``stratum_KIND`` for each kind of stratum to rows of risks.

    Parameters
    ----------
    wide : pl.DataFrame
        With ``truce_id`` and ``origin``.
    strata : pl.DataFrame
        From :func:`forecast.strata.strata`.

    Returns
    -------
    pl.DataFrame
        In the order of ``wide``. The names of kinds and of models may be the same.
    """
    keys = ["truce_id", "origin"]
    kinds = {kind: f"{STRATUM}{kind}" for kind in strata.columns if kind not in keys}
    return wide.join(strata.rename(kinds), on=keys, how="left", maintain_order="left")
