"""`forecast score`: risk scores, by a published model, of the truces in force."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
from omegaconf import DictConfig, OmegaConf

from forecast import record, sheets
from forecast.cache import Account
from forecast.commands import formats, linking, options, reasoned, settings, study
from forecast.commands.chosen import Chosen, chosen
from forecast.commands.data import Data, read
from forecast.commands.outside import outside
from forecast.commands.page import page
from forecast.commands.show import report, risks
from forecast.commands.shown import shown
from forecast.commands.stages import Stages
from forecast.commands.thin import few, thin
from forecast.publish import Published, risk_scores
from forecast.schema import (
    LeftOut,
    Metrics,
    Panel,
    Predictions,
    Reasons,
    RiskScores,
)

#: what places of files are called where their format does not say it
WHERE = {formats.CSV: "risk scores"}


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    return options.call("score", overrides, score)


def score(config: DictConfig) -> int:
    """Score the truces in force with the model of a finished run, or of a file."""
    began = datetime.now().astimezone()
    settings.check(config)
    settings.anchor(config)
    home = Path(config.home).resolve()
    wanted = formats.asked(config.format)
    by = chosen(config, home)
    of_run, model = by.settings, by.model
    out = record.wanted(config.out)
    out = out or record.free(home / "outputs" / "score", began)
    with record.released(out), Stages() as stages:
        with stages("load"):
            refused = out.with_name(f"{out.name}.rejected.csv")
            data = read(of_run, refused)
        with stages("score"):
            as_of, in_force, not_followed, scores, why, found, said = _score(
                of_run, data, by
            )
        notes = [*by.notes, *said]
        notes += _notes(as_of, data, in_force, not_followed, model, of_run)
        notes += found.notes
        with stages("write"), record.folder(out) as folder:
            resolved: Any = OmegaConf.to_container(of_run, resolve=True)
            account = _account(
                resolved, data, model, by.run_id, as_of, notes, stages, began
            )
            account["features"] = {"computed": found.computed, "cached": found.cached}
            OmegaConf.save(OmegaConf.create(shown(of_run)), folder / "config.yaml")
            files = formats.write(scores, wanted, as_of, model.name, folder)
            if why.height:
                sheets.write(why, folder / "reasons.csv")
            sheets.write(data.rejected, folder / "rejected.csv")
            html = page(
                account,
                data,
                not_followed,
                [model.baseline_name],
                Predictions.create_empty(),
                Metrics.create_empty(),
                scores,
            )
            (folder / "report.html").write_text(html, encoding="utf-8")
            record.write_json(account, folder / "run.json")
    places: dict[str, Path | str] = {"report": out / "report.html"}
    places |= {WHERE.get(name, name): out / file for name, file in files.items()}
    tables = [risks(scores)] if scores.height else []
    lines = [*notes, study.reused(found)]
    report(places | {"model": by.place}, tables, lines, stages.seconds)
    return 0


def _score(
    config: DictConfig, data: Data, by: Chosen
) -> tuple[
    date,
    dy.DataFrame[Panel],
    dy.DataFrame[LeftOut],
    dy.DataFrame[RiskScores],
    dy.DataFrame[Reasons],
    Account,
    list[str],
]:
    as_of = study.day(config.as_of) or data.covered_through + timedelta(days=1)
    in_force, not_followed = study.in_force_on(config, data, as_of)
    events = linking.linked_events(config, data, in_force, linking.actors(config, data))
    features, naive, found = study.compute_features(config, data, in_force, events)
    why, untold = reasoned.find(config, by.model, in_force, features)
    scores = risk_scores(
        by.model,
        in_force,
        features,
        naive,
        data.truces,
        run_id=by.run_id,
        data_digest=data.digest,
        level=config.level,
        reasons=why,
    )
    left_out = study.left_out(data, not_followed)
    said = [*thin(config, in_force, naive, data), *untold]
    said += few(config, in_force, data, by.min_events)
    said += outside(by.model, in_force, features, data)
    return as_of, in_force, left_out, scores, why, found, said


def _notes(
    as_of: date,
    data: Data,
    in_force: dy.DataFrame[Panel],
    not_followed: dy.DataFrame[LeftOut],
    model: Published,
    config: DictConfig,
) -> list[str]:
    """What a reader of the scores must know to trust them no further than they go."""
    notes = []
    if not in_force.height:
        notes.append(f"no truce is in force on {as_of}: no risk scores")
    notes += study.stale(as_of, data)
    if as_of <= model.trained_through:
        notes.append(
            f"the model was trained through {model.trained_through}, after {as_of}: "
            "these scores are no forecasts"
        )
    if config.panel.min_events == 0:
        notes.append(
            "no events are required before a start (panel.min_events=0): where there "
            "are none, the threshold of collapse is at its floor"
        )
    notes += [
        f"{n} {why}" for source, why, n in not_followed.rows() if "truces" in source
    ]
    return notes


def _account(
    resolved: dict[str, Any],
    data: Data,
    model: Published,
    run_id: str,
    as_of: date,
    notes: Sequence[str],
    stages: Stages,
    began: datetime,
) -> dict[str, Any]:
    return record.account(
        run_id=run_id,
        name="score",
        question=f"Which truces are in danger on {as_of:%d %B %Y}?",
        seed=resolved["seed"],
        horizons=list(model.horizons),
        level=resolved["level"],
        published=model.name,
        named_baseline=model.baseline_name,
        label=model.label,
        as_of=as_of,
        trained_through=model.trained_through,
        data_digest=data.digest,
        config_digest=record.config_digest(resolved),
        inputs=data.inputs,
        notes=list(notes),
        **record.times(began, stages.seconds),
    )
