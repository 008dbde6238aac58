"""`forecast run`: fit models, judge them, publish one, and leave a folder behind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast import record
from forecast.alarms import alarms
from forecast.backtest import Model, NothingToLearn, backtest
from forecast.choices import Choice
from forecast.commands import (
    audit,
    explained,
    model_files,
    options,
    settings,
    study,
    tracked,
    truth,
)
from forecast.commands.data import Data, load
from forecast.commands.page import page
from forecast.commands.show import report, risks, shares, skills
from forecast.commands.stages import Stages
from forecast.commands.sweep import sweep
from forecast.costs import costs
from forecast.evaluate import Judge, evaluate
from forecast.publish import Published, publish, risk_scores
from forecast.raw import InputError
from forecast.schema import Alarms, Audits, Costs, Metrics, Predictions, RiskScores
from forecast.split import Overlap
from forecast.strata import strata


def main(overrides: Sequence[str]) -> int:
    """Run the command, or a sweep of it; returns its exit code."""
    return options.call("run", overrides, run, sweep)


@dataclass(frozen=True)
class Result:
    """What a run found."""

    predictions: dy.DataFrame[Predictions]
    metrics: dy.DataFrame[Metrics]
    strata: pl.DataFrame
    alarms: dy.DataFrame[Alarms]
    costs: dy.DataFrame[Costs]
    scores: dy.DataFrame[RiskScores]
    model: Published | None
    notes: list[str]
    audits: dy.DataFrame[Audits]
    known: truth.Known | None
    choices: list[Choice]


def run(config: DictConfig) -> int:
    """Take a configuration from data to a finished folder and an MLflow run."""
    began = datetime.now().astimezone()
    settings.check(config)
    if config.resume:
        raise InputError(f"resume={config.resume}: only a sweep can go on; add -m")
    settings.anchor(config)
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    out = _out(config, began)
    with Stages() as stages, tracked.run(config, out.name) as tracker:
        with stages("load"):
            refused = out.with_name(f"{out.name}.rejected.csv")
            data = load(
                config.events,
                config.truces,
                config.max_rejected,
                refused,
                **settings.roles(config),
                corrections=config.actors.corrections,
            )
        frames = study.prepare(config, data, stages)
        result = _find(config, data, frames, stages, tracker.run_id)
        why = explained.find(config, frames, result.predictions, result.model, stages)
        result.notes.extend(why.notes)
        facts = _facts(config, data, frames, tracker.run_id)
        code = 0 if result.model and not audit.faults(result.audits) else 1
        facts |= {"config_digest": record.config_digest(resolved), "exit_code": code}
        with stages("write"), record.folder(out) as folder:
            _write(folder, resolved, data, result)
            if result.model:
                rows = frames.at[frames.as_of]
                model_files.write(
                    folder, resolved, data, rows, result.metrics, result.model
                )
            explained.write(why, folder)
            frames.reach.write_csv(folder / "reach.csv")
            if frames.actors.height:
                frames.actors.write_csv(folder / "actors.csv")
            account = record.account(
                **facts,
                notes=[*result.notes, *tracker.notes],
                **record.times(began, stages.seconds),
            )
            html = page(
                account,
                data,
                frames.left_out,
                list(config.baselines),
                result.predictions,
                result.metrics,
                result.scores,
                alarms=result.alarms,
                costs=result.costs,
                audits=result.audits,
                known=result.known,
                why=why,
            )
            (folder / "report.html").write_text(html, encoding="utf-8")
            record.write_json(account, folder / "run.json")
        with stages("track"):
            tracker.log(resolved, truth.beside(result.metrics, result.known), out)
    notes = [*result.notes, *tracker.notes, study.reused(frames.account)]
    _show(config, out, result, notes, stages.seconds, tracker.uri)
    return code


def _out(config: DictConfig, began: datetime) -> Path:
    if config.out:
        out = Path(config.out).resolve()
        record.vacant(out)
        return out
    return record.free(Path(config.home).resolve() / "outputs" / config.name, began)


def _find(
    config: DictConfig, data: Data, frames: study.Frames, stages: Stages, run_id: str
) -> Result:
    known = truth.find(config, frames, stages)
    models = study.models(config, frames)
    choices: list[Choice] = []
    with stages("fit", len(frames.folds) * len(models)) as done:
        try:
            predictions, notes = backtest(
                models,
                frames.now,
                frames.at.__getitem__,
                frames.folds,
                list(config.horizons),
                done,
                choices.append,
                config.jobs,
            )
        except (NothingToLearn, Overlap) as error:
            raise InputError(str(error)) from error
    audited = audit.audit(
        config, data, frames, models, predictions, notes, choices, stages
    )
    notes += audit.note(audited)
    with stages("evaluate"):
        judge = Judge(
            tuple(config.baselines),
            config.named_baseline,
            draws=config.draws,
            level=config.level,
            seed=config.seed,
        )
        parts = strata(frames.now, frames.folds, data.truces, study.seen(frames))
        metrics = evaluate(predictions, frames.now, study.metrics(config), judge, parts)
        warned = alarms(predictions, frames.now, step_days=config.panel.step_days)
        priced = costs(predictions)
    with stages("publish", config.refits + 2) as done:
        model: Published | None = None
        scores = RiskScores.create_empty()
        try:
            model = _publish(config, data, frames, models, done)
            scores = _score(config, data, frames, model, run_id)
        except NothingToLearn as error:
            notes.append(f"nothing is published, there are no risk scores: {error}")
    if model and not scores.height:
        notes.append(f"no truce is in force on {frames.as_of}: no risk scores")
    notes += [*frames.notes, *(known.notes if known else ())]
    return Result(
        predictions,
        metrics,
        parts,
        warned,
        priced,
        scores,
        model,
        notes,
        audited,
        known,
        choices,
    )


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


def _score(
    config: DictConfig, data: Data, frames: study.Frames, model: Published, run_id: str
) -> dy.DataFrame[RiskScores]:
    return risk_scores(
        model,
        frames.in_force,
        frames.features,
        frames.baseline_features,
        data.truces,
        run_id=run_id,
        data_digest=data.digest,
        level=config.level,
    )


def _facts(
    config: DictConfig, data: Data, frames: study.Frames, run_id: str
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "name": config.name,
        "question": config.question,
        "seed": config.seed,
        "horizons": list(config.horizons),
        "level": config.level,
        "published": config.published,
        "named_baseline": config.named_baseline,
        "label": study.label(config),
        "as_of": frames.as_of,
        "trained_through": min(data.covered_through, frames.as_of - timedelta(days=1)),
        "data_digest": data.digest,
        "inputs": data.inputs,
        "features": {
            "computed": frames.account.computed,
            "cached": frames.account.cached,
        },
    }


def _write(folder: Path, resolved: Any, data: Data, result: Result) -> None:
    OmegaConf.save(OmegaConf.create(resolved), folder / "config.yaml")
    result.predictions.write_parquet(folder / "predictions.parquet")
    result.metrics.write_csv(folder / "metrics.csv")
    result.strata.write_parquet(folder / "strata.parquet")
    result.alarms.write_csv(folder / "alarms.csv")
    result.costs.write_csv(folder / "costs.csv")
    result.scores.write_csv(folder / "risk_scores.csv")
    data.rejected.write_csv(folder / "rejected.csv")
    if result.audits.height:
        result.audits.write_csv(folder / "audits.csv")
    if result.known:
        result.known.scores.write_csv(folder / "truth.csv")
    if result.choices:
        table = pl.DataFrame(result.choices).sort("model", "what", "cutoff")
        table.write_csv(folder / "choices.csv")


def _show(
    config: DictConfig,
    out: Path,
    result: Result,
    notes: Sequence[str],
    seconds: dict[str, float],
    uri: str | None,
) -> None:
    baselines = list(config.baselines)
    said = model_files.said(config, result.metrics)
    tables = [skills(result.metrics, baselines, config.named_baseline)]
    if result.scores.height:
        tables.insert(0, risks(result.scores))
    tables += audit.tables(result.audits)
    if result.known and result.known.scores.height:
        tables.append(shares(result.known.scores, config.named_baseline))
    places: dict[str, Path | str] = {
        "report": out / "report.html",
        "risk scores": out / "risk_scores.csv",
    }
    if uri:
        places |= {"MLflow": uri}
    report(places, tables, [said, *notes], seconds)
