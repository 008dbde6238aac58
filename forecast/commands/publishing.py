"""The published model of a run, the risks of the truces in force, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.backtest import Model, NothingToLearn, target
from forecast.commands import reasoned, study
from forecast.commands.data import Data
from forecast.commands.stages import Stages
from forecast.models.evidence import collapsed
from forecast.publish import Published, publish, risk_scores
from forecast.report.figures import many
from forecast.schema import Panel, Reasons, RiskScores

#: collapsed truces below which the models that choose choose nothing, either
FEW = 10


@dataclass(frozen=True)
class Told:
    """What is published; no model and empty frames where nothing can be."""

    model: Published | None = None
    scores: dy.DataFrame[RiskScores] = field(default_factory=RiskScores.create_empty)
    reasons: dy.DataFrame[Reasons] = field(default_factory=Reasons.create_empty)
    notes: tuple[str, ...] = ()


def find(
    config: DictConfig,
    data: Data,
    frames: study.Frames,
    models: Mapping[str, tuple[Model, pl.DataFrame]],
    run_id: str,
    stages: Stages,
) -> Told:
    """Fit the model that was declared on all that is known, and score by it.

    Parameters
    ----------
    config : DictConfig
        Of `forecast run`.
    data, frames
        What it read, and laid out.
    models : mapping
        By name, each with the features it sees.
    run_id : str
        Of the run.
    stages : Stages
        Times the work.

    Returns
    -------
    Told
    """
    with stages("publish", config.refits + 2) as done:
        try:
            model = _publish(config, data, frames, models, done)
        except NothingToLearn as error:
            said = f"nothing is published, there are no risk scores: {error}"
            return Told(notes=(said,))
        why, notes = reasoned.find(config, model, frames.in_force, frames.features)
        notes = [*_few(config, frames.at[frames.as_of]), *notes]
        scores = risk_scores(
            model,
            frames.in_force,
            frames.features,
            frames.baseline_features,
            data.truces,
            run_id=run_id,
            data_digest=data.digest,
            level=config.level,
            reasons=why,
        )
    if not scores.height:
        notes.append(f"no truce is in force on {frames.as_of}: no risk scores")
    return Told(model, scores, why, tuple(notes))


def _few(config: DictConfig, panel: dy.DataFrame[Panel]) -> list[str]:
    """Said of a model that learned from too few collapses to tell truces apart."""
    n = collapsed(target(panel), panel["truce_id"].to_numpy(), max(config.horizons))
    if n >= FEW:
        return []
    return [
        f"{config.published} saw {many(n, 'truce')} collapse in training: from fewer "
        f"than {FEW} no model can tell which will"
    ]


def _publish(
    config: DictConfig,
    data: Data,
    frames: study.Frames,
    models: Mapping[str, tuple[Model, pl.DataFrame]],
    done: Callable[..., None],
) -> Published:
    return publish(
        config.published,
        *models[config.published],
        config.named_baseline,
        *models[config.named_baseline],
        frames.at[frames.as_of],
        label=study.label(config),
        horizons=list(config.horizons),
        trained_through=min(data.covered_through, frames.as_of - timedelta(days=1)),
        refits=config.refits,
        seed=config.seed,
        done=done,
        jobs=config.jobs,
    )
