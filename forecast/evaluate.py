"""Judge models out of sample: scores with intervals.

Scores weigh rows by the inverse probability of censoring; intervals resample whole
dyads, because the weeks of a truce, and the truces of a dyad, are no independent cases.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from joblib import delayed

from forecast import threads
from forecast.backtest import KEYS, target
from forecast.metrics.concordance import pairs
from forecast.metrics.decomposition import decompose, miscalibration_by_chance
from forecast.metrics.horizons import integrated_brier, ranked_probability
from forecast.metrics.proper import skill, squared_errors
from forecast.resample import redrawn, sign_flip
from forecast.schema import Metrics, Panel, Predictions
from forecast.scored import ROW_DRAWS, Metric, Rows, by_stratum, stratified

Cells = Iterator[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Judge:
    """What scores are quoted against, and how their intervals come about.

    Parameters
    ----------
    baselines : tuple of str
        Names of the models that skill is quoted against.
    named : str
        The one named beforehand: its skill is the metric ``skill``.
    draws : int
        Resamples of the dyads; scores that need every row use the first ``ROW_DRAWS``.
    level : float
        Coverage that the intervals aim at.
    seed : int
        Of the resampling; all models see the same resamples.
    """

    baselines: tuple[str, ...]
    named: str
    draws: int = 2000
    level: float = 0.9
    seed: int = 1

    def rivals(self, name: str, rows: Rows) -> list[str]:
        """Baselines that a model is held against: those that are there."""
        return [b for b in self.baselines if b != name and b in rows.wide.columns]


def evaluate(
    predictions: dy.DataFrame[Predictions],
    panel: dy.DataFrame[Panel],
    scores: Mapping[str, Metric],
    judge: Judge,
    strata: pl.DataFrame | None = None,
    jobs: int = 1,
) -> dy.DataFrame[Metrics]:
    """Score every model at every horizon, with intervals by resampling dyads.

    Parameters
    ----------
    predictions : dy.DataFrame[Predictions]
        Forecasts of models and baselines.
    panel : dy.DataFrame[Panel]
        What happened after each origin.
    scores : mapping of str to callable
        Metrics ``f(outcome, risk, weight)``, see :mod:`forecast.metrics`.
    judge : Judge
        Baselines and resampling.
    strata : pl.DataFrame, optional
        From :func:`forecast.strata.strata`.
    jobs : int
        Processes that score horizons side by side; -1: one a core. It changes no score.

    Returns
    -------
    dy.DataFrame[Metrics]
        Sorted by key. In stratum ``all``, beside the given metrics: ``prevalence``;
        ``skill`` over the named baseline and ``skill_over_BASELINE``, one minus the
        ratio of Brier scores on shared rows; the same ``_by_conflict``, with intervals
        by redrawing conflicts, if any of them has two dyads; ``information_gain`` over
        the named baseline in nats a collapse, and ``sign_flip``, the p of no difference
        between the two;
        ``concordance``; ``miscalibration``, ``discrimination``, ``uncertainty``, and
        ``miscalibration_by_chance``, whose interval holds that of right risks;
        at the longest horizon ``rps`` and ``integrated_brier`` over all horizons, and
        their skill. In each stratum ``KIND: NAME``: ``brier``, ``prevalence``,
        ``expected_observed`` and skills; without a value where cases are few.
    """
    names = sorted(predictions["model"].unique())
    wide = side_by_side(predictions, panel, strata)
    at = {
        horizon: wide.filter(pl.col("horizon") == horizon)
        for horizon in sorted(wide["horizon"].unique())
    }
    tasks = (
        delayed(_at_horizon)(rows, horizon, names, scores, judge)
        for horizon, rows in at.items()
    )
    found = [cell for cells in threads.side_by_side(tasks, jobs) for cell in cells]
    at_horizon = {
        horizon: next(by_stratum(rows, judge.draws, judge.seed))[1]
        for horizon, rows in at.items()
    }
    for name in names:
        cells = list(_over_horizons(at_horizon, name, judge))
        found += [(name, max(at_horizon), "all", *cell) for cell in cells]
    return _metrics(found)


def _at_horizon(
    at: pl.DataFrame,
    horizon: int,
    names: Sequence[str],
    scores: Mapping[str, Metric],
    judge: Judge,
) -> list[tuple[Any, ...]]:
    """Every score of every model at one horizon, whole and in strata."""
    found: list[tuple[Any, ...]] = []
    # in a process of its own too
    with threads.one_thread():
        (_, rows), *parts = by_stratum(at, judge.draws, judge.seed)
        conflict = at.select(pl.coalesce("conflict_id", "dyad_id")).to_series()
        drawn = redrawn(conflict, judge.draws, judge.seed)
        by_conflict = Rows(at, rows.usable, drawn)
        for name in names:
            cells = [
                *_scores(rows.where(name), name, scores, judge),
                *_skills(rows, name, judge),
                *_readings(rows, by_conflict, name, judge),
                *_parts(rows.where(name), name, horizon, judge),
            ]
            found += [(name, horizon, "all", *cell) for cell in cells]
            for stratum, part in parts:
                cells = list(_in_stratum(part.where(name), name, judge))
                found += [(name, horizon, stratum, *cell) for cell in cells]
    return found


def side_by_side(
    predictions: pl.DataFrame, panel: pl.DataFrame, strata: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One row an origin and horizon, one column of risk a model; null: it gave none."""
    wide = predictions.pivot(
        on="model",
        index=[*KEYS, "horizon", "conflict_id", "dyad_id", "outcome", "weight"],
        values="risk",
    )
    happened = panel.select(*KEYS, "event", "duration")
    wide = wide.join(happened, on=KEYS, how="left", maintain_order="left")
    if strata is not None:
        wide = stratified(wide, strata)
    return wide.sort(*KEYS, "horizon")


def _scores(rows: Rows, name: str, scores: Mapping[str, Metric], judge: Judge) -> Cells:
    """The metrics that were asked for, and the prevalence."""
    for metric, score in scores.items():
        yield metric, rows.row(rows.score(score, name), judge.level)
    yield "prevalence", rows.row(rows.prevalence, judge.level)


def _skills(rows: Rows, name: str, judge: Judge) -> Cells:
    """Skill over each baseline, on the rows that both forecast."""
    for baseline in judge.rivals(name, rows):
        both = rows.where(name).where(baseline)
        cell = both.row(both.skill(name, baseline), judge.level)
        yield f"skill_over_{baseline}", cell
        if baseline == judge.named:
            yield "skill", cell


def _readings(rows: Rows, by_conflict: Rows, name: str, judge: Judge) -> Cells:
    """Other ways to ask whether a model and a baseline differ."""
    # where each dyad is a conflict of its own there is no second reading
    another = not np.array_equal(rows.code, by_conflict.code)
    for baseline in judge.rivals(name, rows) if another else []:
        both = by_conflict.where(name).where(baseline)
        cell = both.row(both.skill(name, baseline), judge.level)
        yield f"skill_over_{baseline}_by_conflict", cell
    if judge.named in judge.rivals(name, rows):
        both = rows.where(name).where(judge.named)
        gain = both.gain(name, judge.named)
        yield "information_gain", both.row(gain, judge.level)
        lost, ours = (
            both.weight * squared_errors(both.outcome, both.risk(model))
            for model in (judge.named, name)
        )
        differences = both.by_group(lost - ours)[np.unique(both.code)]
        weighed = both.weight.any()
        p = sign_flip(differences, judge.draws, judge.seed) if weighed else np.nan
        yield "sign_flip", both.row(np.array([p]), judge.level)


def _parts(rows: Rows, name: str, horizon: int, judge: Judge) -> Cells:
    """Where the Brier score comes from, and whether risks rank collapses in time."""
    risk = rows.risk(name)
    parts = decompose(rows.outcome, risk, rows.weight)._asdict()
    for part, value in parts.items():
        yield part, rows.row(np.array([value]), judge.level)
    mean, low, high = miscalibration_by_chance(
        risk, rows.weight, seed=judge.seed, level=judge.level
    )
    cell = rows.row(np.array([mean]), judge.level)
    yield "miscalibration_by_chance", cell | _known_only(lower=low, upper=high)
    # rows that are censored within the horizon are compared for as long as seen
    seen = rows.wide.filter(pl.col(name).is_not_null())
    code = rows.drawn.code[rows.wide[name].is_not_null().to_numpy()]
    found = pairs(target(seen), seen[name].to_numpy(), horizon, code)
    counts = rows.drawn.counts[:ROW_DRAWS, : len(found.comparable)]
    scores = np.concatenate([found.concordance(), found.concordance(counts)])
    yield "concordance", rows.row(scores, judge.level)


def _over_horizons(at: Mapping[int, Rows], name: str, judge: Judge) -> Cells:
    """Scores of the whole distribution of the day of collapse, at the last horizon."""
    horizons = sorted(at)
    last = at[horizons[-1]].where(name)
    for metric, total in (
        ("rps", ranked_probability),
        ("integrated_brier", lambda briers: integrated_brier(briers, horizons)),
    ):
        own = [at[h].where(name).mean(squared_errors, name) for h in horizons]
        yield metric, last.row(total(own), judge.level)
        if judge.named in judge.rivals(name, last):
            shared = [at[h].where(name).where(judge.named) for h in horizons]
            ours, theirs = (
                total([rows.mean(squared_errors, model) for rows in shared])
                for model in (name, judge.named)
            )
            skills = np.asarray(skill(ours, theirs))
            yield f"{metric}_skill", shared[-1].row(skills, judge.level)


def _in_stratum(rows: Rows, name: str, judge: Judge) -> Cells:
    scored = {
        "brier": rows.mean(squared_errors, name),
        "prevalence": rows.prevalence,
        "expected_observed": rows.expected_observed(name),
    }
    cells = {metric: rows.row(score, judge.level) for metric, score in scored.items()}
    cells |= _skills(rows, name, judge)
    if rows.few:
        nothing = dict.fromkeys(("value", "lower", "upper"))
        cells = {metric: cell | nothing for metric, cell in cells.items()}
    yield from cells.items()


def _known_only(**values: float) -> dict[str, float | None]:
    return {key: v if np.isfinite(v) else None for key, v in values.items()}


def _metrics(found: Sequence[tuple[Any, ...]]) -> dy.DataFrame[Metrics]:
    keys = ("model", "horizon", "stratum", "metric")
    rows = [dict(zip(keys, row[:4], strict=True)) | row[4] for row in found]
    return Metrics.validate(
        pl.DataFrame(rows, infer_schema_length=None)
        .select(Metrics.column_names())
        .sort(keys),
        cast=True,
    )
