"""`forecast score`: risk scores, by a published model, of the truces in force."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import dataframely as dy
import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast import record, sheets
from forecast.cache import Account
from forecast.commands import formats, linking, options, reasoned, settings, study
from forecast.commands.chosen import Chosen, chosen
from forecast.commands.data import Data, read
from forecast.commands.facts import facts
from forecast.commands.outside import outside
from forecast.commands.show import report, risks
from forecast.commands.shown import shown
from forecast.commands.stages import Stages
from forecast.commands.thin import few, over, thin
from forecast.commands.told import Told, told
from forecast.publish import Published, risk_scores
from forecast.schema import (
    Actors,
    LeftOut,
    Panel,
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
            result = _score(of_run, data, by)
        scores, found = result.scores, result.account
        as_of, in_force = result.as_of, result.in_force
        notes = [*by.notes, *result.said]
        notes += _notes(as_of, data, in_force, result.left_out, model, of_run)
        notes += found.notes
        with stages("look back"):
            past = None
            if config.report:
                linked = result.events, result.names
                past = told(of_run, data, model, in_force, *linked, as_of)
        with stages("write"), record.folder(out) as folder:
            resolved: Any = OmegaConf.to_container(of_run, resolve=True)
            account = _account(
                resolved, data, model, by.run_id, as_of, notes, stages, began
            )
            account["features"] = {"computed": found.computed, "cached": found.cached}
            OmegaConf.save(OmegaConf.create(shown(of_run)), folder / "config.yaml")
            files = formats.write(scores, wanted, as_of, model.name, folder)
            if result.why.height:
                sheets.write(result.why, folder / "reasons.csv")
            sheets.write(data.rejected, folder / "rejected.csv")
            if past:
                sheets.write(past.lives, folder / "lives.csv")
                html = _page(account, data, by, result, past)
                (folder / "report.html").write_text(html, encoding="utf-8")
            record.write_json(account, folder / "run.json")
    places: dict[str, Path | str] = {"report": out / "report.html"} if past else {}
    places |= {WHERE.get(name, name): out / file for name, file in files.items()}
    tables = [risks(scores)] if scores.height else []
    lines = [*notes, study.reused(found)]
    report(places | {"model": by.place}, tables, lines, stages.seconds)
    return 0


class Result(NamedTuple):
    """What was scored, and from what."""

    as_of: date
    in_force: dy.DataFrame[Panel]
    left_out: dy.DataFrame[LeftOut]
    #: linked to the truces in force
    events: pl.DataFrame
    #: what names in the events stand for
    names: dy.DataFrame[Actors]
    scores: dy.DataFrame[RiskScores]
    why: dy.DataFrame[Reasons]
    account: Account
    said: list[str]


def _score(config: DictConfig, data: Data, by: Chosen) -> Result:
    as_of = study.day(config.as_of) or data.covered_through + timedelta(days=1)
    in_force, not_followed = study.in_force_on(config, data, as_of)
    gone = study.gone_on(config, data, as_of)
    names = linking.actors(config, data)
    events = linking.linked_events(config, data, in_force, names)
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
    said = over(gone, as_of, config.panel.max_age_days)
    said += [*thin(config, in_force, naive, data), *untold]
    said += few(config, in_force, data, by.min_events)
    said += outside(by.model, in_force, features, data)
    left_out = study.left_out(data, not_followed, gone)
    return Result(as_of, in_force, left_out, events, names, scores, why, found, said)


def _page(
    account: dict[str, Any], data: Data, by: Chosen, result: Result, told: Told
) -> str:
    from forecast.report import scoring
    from forecast.report.truce import Scored

    scored = Scored(
        result.scores,
        result.why,
        told.lives,
        told.events,
        told.similar,
        result.in_force,
        data.truces,
        data.lines,
    )
    about = facts(account, data, result.left_out, [by.model.baseline_name])
    return scoring.render(scored, about, by.proof)


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
        f"{n} {source if n > 1 else source.replace('truces', 'truce')}: {why}"
        for source, why, n in not_followed.rows()
        if source == study.NOT_FOLLOWED
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
        question=f"Which truces are in danger on {as_of.day} {as_of:%B %Y}?",
        seed=resolved["seed"],
        horizons=list(model.horizons),
        level=resolved["level"],
        published=model.name,
        named_baseline=model.baseline_name,
        label=model.label,
        refits=len(model.refits),
        as_of=as_of,
        trained_through=model.trained_through,
        data_digest=data.digest,
        config_digest=record.config_digest(resolved),
        inputs=data.inputs,
        notes=list(notes),
        **record.times(began, stages.seconds),
    )
