"""What a run found, and the files that it leaves of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import OmegaConf

from forecast import record, sheets
from forecast.choices import Choice
from forecast.commands import explained, model_files, study, truth
from forecast.commands.data import Data
from forecast.publish import Published
from forecast.schema import (
    Alarms,
    Audits,
    Costs,
    Metrics,
    Predictions,
    Reasons,
    RiskScores,
    Trials,
)


@dataclass(frozen=True)
class Result:
    """What a run found."""

    predictions: dy.DataFrame[Predictions]
    metrics: dy.DataFrame[Metrics]
    strata: pl.DataFrame
    alarms: dy.DataFrame[Alarms]
    costs: dy.DataFrame[Costs]
    scores: dy.DataFrame[RiskScores]
    reasons: dy.DataFrame[Reasons]
    model: Published | None
    notes: list[str]
    audits: dy.DataFrame[Audits]
    known: truth.Known | None
    choices: list[Choice]
    trials: dy.DataFrame[Trials] | None


def write(
    folder: Path,
    config: Mapping[str, Any],
    written: Mapping[str, Any],
    data: Data,
    frames: study.Frames,
    result: Result,
    why: explained.Explained,
) -> None:
    """Write all files of a run but its report and its account.

    Parameters
    ----------
    folder : Path
        To write to.
    config : mapping
        Resolved.
    written : mapping
        The same as it may be written, see :func:`forecast.commands.shown.shown`.
    data, frames, result, why
        What the run read, laid out, found, and explained.
    """
    OmegaConf.save(OmegaConf.create(dict(written)), folder / "config.yaml")
    record.write_parquet(result.predictions, folder / "predictions.parquet")
    record.write_parquet(result.strata, folder / "strata.parquet")
    tables: dict[str, pl.DataFrame] = {
        "metrics": result.metrics,
        "alarms": result.alarms,
        "costs": result.costs,
        "risk_scores": result.scores,
        "rejected": data.rejected,
        "reach": frames.reach,
    }
    where_asked_for: dict[str, pl.DataFrame] = {
        "reasons": result.reasons,
        "audits": result.audits,
        "actors": frames.actors,
        "coefficients": why.coefficients,
        "effects": why.effects,
        "importance": why.importance,
    }
    tables |= {name: frame for name, frame in where_asked_for.items() if frame.height}
    if result.known:
        tables["truth"] = result.known.scores
    if result.choices:
        table = pl.DataFrame(result.choices)
        tables["choices"] = table.sort("model", "what", "cutoff")
    if result.trials is not None:
        tables["trials"] = result.trials
    for name, frame in tables.items():
        sheets.write(frame, folder / f"{name}.csv")
    if result.model:
        rows = frames.at[frames.as_of]
        told = {**config, "question": written["question"]}
        taken = study.taken(config, frames)
        model_files.write(folder, told, data, rows, taken, result.metrics, result.model)
