"""`forecast compare`: judge finished runs against the first of them."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from forecast import record, sheets
from forecast.commands import finished, named, settings, show, tracked
from forecast.commands.beside import beside
from forecast.commands.contests import Scored, score
from forecast.commands.finished import Run
from forecast.commands.stages import Stages
from forecast.differences import differences, short, table
from forecast.raw import InputError
from forecast.report.compare import Facts, render
from forecast.report.compare_words import headlines, unique

#: of the account, for the page
RUN = ("command", "git_commit", "data_digest")
#: whether runs must be of one label to be held against each other, or are only shown
ANY, LABELS = "any", ("same", "any")
EXPLAINED = """\
forecast compare RUN RUN [RUN]... [KEY=VALUE]...

RUN is the folder of a finished run, or its id in MLflow. The first is the reference,
which the others are held against. model=NAME compares that model instead of those
that the runs published, model=all every one that they share; overlap=true compares
the rows that they have in common where rows or data differ. labels=any sets runs of
different labels side by side, each against its own baseline, and pairs nothing."""


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""

    def problem(runs: Sequence[str]) -> str | None:
        enough = len(runs) >= 2
        return None if enough else f"expected two runs or more, not {len(runs)}"

    command = shlex.join(["forecast", "compare", *overrides])
    return named.call(
        "compare", overrides, _usage, problem, lambda config: compare(config, command)
    )


def _usage() -> str:
    return named.usage("compare", EXPLAINED)


def compare(config: DictConfig, command: str) -> int:
    """Compare the runs of a configuration, and leave a folder and an MLflow run."""
    began = datetime.now().astimezone()
    settings.check(config)
    if not isinstance(config.overlap, bool):
        raise InputError(f"overlap={config.overlap}: expected true or false")
    if config.labels not in LABELS:
        raise InputError(f"labels={config.labels}: expected {' or '.join(LABELS)}")
    if config.labels == ANY:
        return beside(config, command)
    home = Path(config.home).resolve()
    out = record.wanted(config.out)
    with Stages() as stages:
        with stages("load"):
            runs = finished.find(list(config.runs), home, config.tracking.uri)
        with stages("compare"):
            scored = score(config, runs)
            account = _account(config, runs, scored, command)
            facts = _facts(config, runs, scored, account)
        out = out or record.free(home / "outputs" / "compare", began)
        with stages("write"), record.folder(out) as folder:
            sheets.write(scored.comparison, folder / "comparison.csv")
            rows = table(facts.differences, facts.titles)
            sheets.write(rows, folder / "differences.csv")
            (folder / "compare.html").write_text(render(scored.shown, facts), "utf-8")
            account |= record.times(began, stages.seconds)
            record.write_json(account, folder / "run.json")
        with stages("track"):
            notes = _track(config, runs, scored, facts, out)
    places = {"page": out / "compare.html", "figures": out / "comparison.csv"}
    tables = show.paired(scored.shown, facts.titles)
    said = [*headlines(scored.shown, facts.titles, config.level), *facts.notes, *notes]
    show.report(places, tables, said, stages.seconds)
    return 0


def _account(
    config: DictConfig, runs: Sequence[Run], scored: Scored, command: str
) -> dict[str, Any]:
    return record.account(
        name="compare",
        reference=runs[0].name,
        runs=[
            {
                "name": run.name,
                "folder": run.folder,
                "run_id": run.account["run_id"],
                "model": scored.models[run.name],
            }
            for run in runs
        ],
        label=runs[0].account["label"],
        model=config.model,
        overlap=config.overlap,
        draws=config.draws,
        level=config.level,
        seed=config.seed,
        rows=scored.rows,
        notes=scored.notes,
        data_digest=runs[0].account.get("data_digest"),
    ) | {"command": command}


def _facts(
    config: DictConfig,
    runs: Sequence[Run],
    scored: Scored,
    account: Mapping[str, Any],
) -> Facts:
    reference, *others = (record.placeless(run.config) for run in runs)
    pairs = list(zip((run.name for run in runs[1:]), others, strict=True))
    titles = unique((name, short(reference, other)) for name, other in pairs)
    return Facts(
        reference=runs[0].name,
        label=finished.rule(runs[0]),
        titles=titles,
        runs=[_row(run, titles, scored) for run in runs],
        differences={name: differences(reference, other) for name, other in pairs},
        rows=scored.rows,
        notes=(*scored.notes, *finished.other_code(runs)),
        run={key: str(account[key]) for key in RUN},
        level=config.level,
        draws=config.draws,
        seed=config.seed,
    )


def _row(run: Run, titles: Mapping[str, str], scored: Scored) -> dict[str, Any]:
    """A run, as the page lists it."""
    model = scored.models[run.name]
    known = {
        key: str(run.account.get(key) or "")
        for key in ("run_id", "finished", "git_commit", "config_digest")
    }
    return known | {
        "name": run.name,
        "title": titles.get(run.name, run.name),
        "model": model,
        "rows": run.of(model).height,
    }


def _track(
    config: DictConfig,
    runs: Sequence[Run],
    scored: Scored,
    facts: Facts,
    out: Path,
) -> list[str]:
    """Log the comparison in the experiment of the reference; returns what failed."""
    keys = ("model", "overlap", "draws", "level", "seed")
    params = {key: config[key] for key in keys}
    params |= {"reference": facts.reference, "runs": list(facts.titles)}
    reference = runs[0].account
    tags = {
        "kind": "comparison",
        "label": str(reference["label"]),
        "reference": str(reference["run_id"]),
    }
    pairs = {
        f"{facts.titles[str(run)]}, {model}": frame
        for (run, model), frame in scored.comparison.group_by(
            "run", "model", maintain_order=True
        )
    }
    where = (str(reference["name"]), out.name)
    return tracked.comparison(config, where, tags, params, pairs, out)
