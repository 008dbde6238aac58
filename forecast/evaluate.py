"""Judge models out of sample: scores with intervals.

Scores weigh rows by the inverse probability of censoring; intervals resample whole
dyads, because the weeks of a truce, and the truces of a dyad, are no independent cases.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from forecast.backtest import KEYS
from forecast.ipcw import Array
from forecast.resample import Metric, Rows
from forecast.schema import Metrics, Predictions


def evaluate(
    predictions: dy.DataFrame[Predictions],
    scores: Mapping[str, Metric],
    baselines: Sequence[str],
    named_baseline: str,
    *,
    draws: int = 500,
    level: float = 0.9,
    seed: int = 1,
) -> dy.DataFrame[Metrics]:
    """Score every model at every horizon, with intervals by resampling dyads.

    Parameters
    ----------
    predictions : dy.DataFrame[Predictions]
        Forecasts of models and baselines.
    scores : mapping of str to callable
        Metrics ``f(outcome, risk, weight)``, see :mod:`forecast.metrics`.
    baselines : sequence of str
        Names of the models that skill is quoted against.
    named_baseline : str
        The one named beforehand: its skill is the metric ``skill``.
    draws : int
        Resamples of the dyads.
    level : float
        Coverage that the intervals aim at.
    seed : int
        Of the resampling; all models see the same resamples.

    Returns
    -------
    dy.DataFrame[Metrics]
        Sorted by key. Beside the given metrics: ``prevalence``, ``skill`` and
        ``skill_over_BASELINE``: one minus the ratio of Brier scores on shared rows.
    """
    found = []
    for horizon in sorted(predictions["horizon"].unique()):
        wide = _side_by_side(predictions.filter(pl.col("horizon") == horizon))
        names = sorted(predictions["model"].unique())
        shared = Rows(wide, wide["outcome"].is_not_null(), draws, seed)
        for name in names:
            own = shared.where(name)
            scored = {m: (own, own.score(f, name)) for m, f in scores.items()}
            scored["prevalence"] = own, own.score(_prevalence, name)
            for baseline in set(baselines) & set(names) - {name}:
                both = own.where(baseline)
                skill = both, both.skill(name, baseline)
                scored[f"skill_over_{baseline}"] = skill
                if baseline == named_baseline:
                    scored["skill"] = skill
            at = {"model": name, "horizon": horizon, "stratum": "all"}
            found += [
                at | {"metric": m} | of.row(score, level)
                for m, (of, score) in scored.items()
            ]
    return Metrics.validate(
        pl.DataFrame(found, infer_schema_length=None)
        .select(Metrics.column_names())
        .sort("model", "horizon", "stratum", "metric"),
        cast=True,
    )


def _side_by_side(predictions: pl.DataFrame) -> pl.DataFrame:
    """One row an origin, one column of risk a model; null where it gave none."""
    return predictions.pivot(
        on="model",
        index=[*KEYS, "dyad_id", "outcome", "weight"],
        values="risk",
    ).sort(KEYS)


def _prevalence(outcome: Array, risk: Array, weight: Array) -> Any:
    del risk
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weight * outcome).sum(axis=-1) / weight.sum(axis=-1)
