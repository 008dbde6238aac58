"""`forecast run`: fit models, judge them, publish one, and leave a folder behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
from omegaconf import DictConfig, OmegaConf

from forecast import record
from forecast.commands import options, study, tracked
from forecast.commands.data import Data, load
from forecast.commands.page import page
from forecast.commands.show import report, risks, skills
from forecast.commands.stages import Stages
from forecast.evaluate import NothingToLearn, backtest, evaluate
from forecast.publish import Published, publish, risk_scores, save
from forecast.raw import InputError
from forecast.report.words import headline
from forecast.schema import Metrics, Predictions, RiskScores


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return options.call("run", overrides, run)


@dataclass(frozen=True)
class Result:
    """What a run found."""

    predictions: dy.DataFrame[Predictions]
    metrics: dy.DataFrame[Metrics]
    scores: dy.DataFrame[RiskScores]
    model: Published
    notes: list[str]


def run(config: DictConfig) -> int:
    """Take a configuration from data to a finished folder and an MLflow run."""
    began = datetime.now().astimezone()
    out = _out(config, began)
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    _check(config)
    with Stages() as stages, tracked.run(config, out.name) as tracker:
        with stages("load"):
            refused = out.with_name(f"{out.name}.rejected.csv")
            data = load(config.events, config.truces, config.max_rejected, refused)
        frames = study.prepare(config, data, stages)
        try:
            result = _find(config, data, frames, stages, tracker.run_id)
        except NothingToLearn as error:
            raise InputError(str(error)) from error
        facts = _facts(config, data, frames, result, tracker.run_id)
        facts |= {"config_digest": record.config_digest(resolved)}
        with stages("write"), record.folder(out) as folder:
            _write(folder, resolved, data, result)
            frames.reach.write_csv(folder / "reach.csv")
            if frames.actors.height:
                frames.actors.write_csv(folder / "actors.csv")
            account = record.account(
                **facts,
                notes=[*result.notes, *tracker.notes],
                seconds=dict(stages.seconds),
                started=began.isoformat(timespec="seconds"),
                finished=datetime.now().astimezone().isoformat(),
            )
            html = page(
                account,
                data,
                frames.left_out,
                list(config.baselines),
                result.predictions,
                result.metrics,
                result.scores,
            )
            (folder / "report.html").write_text(html, encoding="utf-8")
            record.write_json(account, folder / "run.json")
        with stages("track"):
            tracker.log(resolved, result.metrics, out)
    _show(config, out, result, [*result.notes, *tracker.notes], stages.seconds)
    return 0


def _out(config: DictConfig, began: datetime) -> Path:
    if config.out:
        return Path(config.out).resolve()
    return record.free(Path(config.home).resolve() / "outputs" / config.name, began)


def _check(config: DictConfig) -> None:
    """Find out before the work begins what would stop it at the end."""
    both = set(config.models) & set(config.baselines)
    if both:
        raise InputError(f"{', '.join(sorted(both))}: both a model and a baseline")
    for key, names in (
        ("published", [*config.models, *config.baselines]),
        ("named_baseline", list(config.baselines)),
    ):
        if config[key] not in names:
            raise InputError(
                f"{key}={config[key]}: not among those chosen: {', '.join(names)}"
            )
    if list(config.horizons) != sorted(set(config.horizons)) or not config.horizons:
        raise InputError(f"horizons={config.horizons}: expected days in rising order")


def _find(
    config: DictConfig, data: Data, frames: study.Frames, stages: Stages, run_id: str
) -> Result:
    models = study.models(config, frames)
    with stages("fit", len(frames.folds) * len(models)) as done:
        predictions, notes = backtest(
            models,
            frames.now,
            frames.at.__getitem__,
            frames.folds,
            list(config.horizons),
            done,
        )
    with stages("evaluate"):
        metrics = evaluate(
            predictions,
            study.metrics(config),
            list(config.baselines),
            config.named_baseline,
            draws=config.draws,
            level=config.level,
            seed=config.seed,
        )
    with stages("publish", config.refits + 2) as done:
        model = publish(
            config.published,
            *models[config.published],
            config.named_baseline,
            *models[config.named_baseline],
            frames.before(frames.as_of),
            label=study.label(config),
            horizons=list(config.horizons),
            trained_through=min(data.covered_through, frames.as_of - timedelta(days=1)),
            refits=config.refits,
            seed=config.seed,
            done=done,
        )
        scores = risk_scores(
            model,
            frames.in_force,
            frames.features,
            frames.baseline_features,
            data.truces,
            run_id=run_id,
            data_digest=data.digest,
            level=config.level,
        )
    if not scores.height:
        notes.append(f"no truce is in force on {frames.as_of}: no risk scores")
    return Result(predictions, metrics, scores, model, [*notes, *frames.notes])


def _facts(
    config: DictConfig, data: Data, frames: study.Frames, result: Result, run_id: str
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "name": config.name,
        "question": config.question,
        "seed": config.seed,
        "horizons": list(config.horizons),
        "published": config.published,
        "named_baseline": config.named_baseline,
        "label": study.label(config),
        "as_of": frames.as_of,
        "trained_through": result.model.trained_through,
        "data_digest": data.digest,
        "inputs": data.inputs,
    }


def _write(folder: Path, resolved: Any, data: Data, result: Result) -> None:
    OmegaConf.save(OmegaConf.create(resolved), folder / "config.yaml")
    result.predictions.write_parquet(folder / "predictions.parquet")
    result.metrics.write_csv(folder / "metrics.csv")
    result.scores.write_csv(folder / "risk_scores.csv")
    data.rejected.write_csv(folder / "rejected.csv")
    save(result.model, folder / "model.skops")


def _show(
    config: DictConfig,
    out: Path,
    result: Result,
    notes: Sequence[str],
    seconds: dict[str, float],
) -> None:
    baselines = list(config.baselines)
    said = headline(
        result.metrics,
        published=config.published,
        named_baseline=config.named_baseline,
        baselines=tuple(baselines),
    )
    tables = [skills(result.metrics, baselines, config.named_baseline)]
    if result.scores.height:
        tables.insert(0, risks(result.scores))
    places = {"report": out / "report.html", "risk scores": out / "risk_scores.csv"}
    if config.tracking.uri:
        places |= {"MLflow": config.tracking.uri}
    report(places, tables, [said, *notes], seconds)
