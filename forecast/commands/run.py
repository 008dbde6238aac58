"""`forecast run`: fit models, judge them, publish one, and leave a folder behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from forecast import provenance, record, withheld
from forecast.alarms import alarms
from forecast.backtest import NothingToLearn, backtest
from forecast.choices import Choice
from forecast.commands import (
    audit,
    explained,
    model_files,
    options,
    publishing,
    run_files,
    searching,
    settings,
    study,
    tracked,
    truth,
)
from forecast.commands.data import Data, read
from forecast.commands.page import page
from forecast.commands.run_files import Result
from forecast.commands.show import report, risks, shares, skills
from forecast.commands.shown import shown
from forecast.commands.stages import Stages
from forecast.commands.sweep import sweep
from forecast.costs import costs
from forecast.evaluate import Judge, evaluate
from forecast.raw import InputError
from forecast.split import Overlap
from forecast.strata import strata
from forecast.threads import one_thread


def main(overrides: Sequence[str]) -> int:
    """Run the command, or a sweep of it; returns its exit code."""
    return options.call("run", overrides, run, sweep)


@dataclass(frozen=True)
class Done:
    """A run that is finished: its folder, and what it prints."""

    out: Path
    result: Result
    notes: list[str]
    seconds: dict[str, float]
    #: of the MLflow store; None where nothing is tracked, or could be
    uri: str | None


def run(config: DictConfig) -> int:
    """Take a configuration from data to a finished folder and an MLflow run."""
    done = make(config)
    _show(config, done)
    return exit_code(done.result)


def make(config: DictConfig, began: datetime | None = None) -> Done:
    """Make the folder of a run, and its MLflow run, and print nothing.

    Parameters
    ----------
    config : DictConfig
        Of `forecast run`.
    began : datetime, optional
        When; now by default.

    Returns
    -------
    Done

    Raises
    ------
    forecast.raw.InputError
        If settings or data cannot be used.
    """
    began = began or datetime.now().astimezone()
    code = provenance.code()
    settings.check(config)
    if config.resume:
        raise InputError(f"resume={config.resume}: only a sweep can go on; add -m")
    settings.anchor(config)
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    written = shown(config)
    with (
        record.released(_out(config, began)) as out,
        one_thread(),
        Stages() as stages,
        tracked.run(config, out) as tracker,
    ):
        with stages("load"):
            refused = out.with_name(f"{out.name}.rejected.csv")
            data = read(config, refused)
        frames = study.prepare(config, data, stages)
        result = _find(config, data, frames, stages, tracker)
        why = explained.find(config, frames, result.predictions, result.model, stages)
        result.notes.extend(why.notes)
        facts = _facts(config, data, frames, tracker.run_id)
        facts |= {"config_digest": record.config_digest(resolved)}
        facts |= {"question": written["question"]}
        facts |= {"refits": len(result.model.refits) if result.model else 0}
        facts |= {"exit_code": exit_code(result)}
        with stages("write"), record.folder(out) as folder:
            run_files.write(folder, resolved, written, data, frames, result, why)
            provenance.keep(code, folder)
            account = record.account(
                code,
                **facts,
                notes=[*result.notes, *tracker.notes],
                **record.times(began, stages.seconds),
            )
            html = _page(config, account, data, frames, result, why)
            (folder / "report.html").write_text(html, encoding="utf-8")
            record.write_json(account, folder / "run.json")
        with stages("track"):
            tracker.log()
    notes = [*result.notes, *tracker.notes, study.reused(frames.account)]
    return Done(out, result, notes, stages.seconds, tracker.uri)


def exit_code(result: Result) -> int:
    """0 if a model was published and no audit found a fault, else 1."""
    return 0 if result.model and not audit.faults(result.audits) else 1


def _out(config: DictConfig, began: datetime) -> Path:
    folder = Path(config.home).resolve() / "outputs" / config.name
    return record.wanted(config.out) or record.free(folder, began)


def _find(
    config: DictConfig,
    data: Data,
    frames: study.Frames,
    stages: Stages,
    tracker: tracked.Tracker,
) -> Result:
    known = truth.find(config, frames, stages)
    models = study.models(config, frames)
    choices: list[Choice] = []
    found = searching.find(config, data, frames, stages)
    if found:
        models[settings.SEARCHED] = found.model
        choices.append(found.choice)
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
        metrics = evaluate(
            predictions,
            frames.now,
            study.metrics(config),
            judge,
            parts,
            config.jobs,
        )
        warned = alarms(predictions, frames.now, step_days=config.panel.step_days)
        priced = costs(predictions)
    told = publishing.find(config, data, frames, models, tracker.run_id, stages)
    notes += [*told.notes, *frames.notes, *(known.notes if known else ())]
    notes += found.notes if found else []
    return Result(
        predictions,
        metrics,
        parts,
        warned,
        priced,
        told.scores,
        told.reasons,
        told.model,
        notes,
        audited,
        known,
        choices,
        found.trials if found else None,
    )


def _facts(
    config: DictConfig, data: Data, frames: study.Frames, run_id: str
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "name": config.name,
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


def _page(
    config: DictConfig,
    account: Mapping[str, Any],
    data: Data,
    frames: study.Frames,
    result: Result,
    why: explained.Explained,
) -> str:
    return page(
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


def _show(config: DictConfig, done: Done) -> None:
    """Print what was found, and where it lies."""
    result = done.result
    baselines = list(config.baselines)
    said = model_files.said(config, result.metrics)
    tables = [skills(result.metrics, baselines, config.named_baseline)]
    if result.scores.height:
        tables.insert(0, risks(result.scores))
    tables += audit.tables(result.audits)
    if result.known and result.known.scores.height:
        tables.append(shares(result.known.scores, config.named_baseline))
    places: dict[str, Path | str] = {
        "report": done.out / "report.html",
        "risk scores": done.out / "risk_scores.csv",
    }
    if done.uri:
        places |= {"MLflow": withheld.text(done.uri)}
    report(places, tables, [said, *done.notes], done.seconds)
