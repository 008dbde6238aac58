"""`forecast compare ... labels=any`: runs of any label side by side, nothing paired."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast import differences, record, sheets
from forecast.align import check_data
from forecast.beside import FEWEST, judged
from forecast.commands import finished, show, tracked
from forecast.commands.finished import Run
from forecast.commands.stages import Stages
from forecast.raw import InputError
from forecast.report.beside import Facts, placed, render
from forecast.report.beside_words import headlines
from forecast.report.compare_words import unique
from forecast.schema import Beside, Metrics


def beside(config: DictConfig, command: str) -> int:
    """Set the runs of a configuration side by side; leave a folder and an MLflow run.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast compare``.
    command : str
        As it was typed.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    forecast.raw.InputError
        If a setting has no use here, or a run cannot be found or read.
    """
    began = datetime.now().astimezone()
    _check(config)
    home = Path(config.home).resolve()
    out = record.wanted(config.out)
    with Stages() as stages:
        with stages("load"):
            runs = finished.find(list(config.runs), home, config.tracking.uri)
        with stages("compare"):
            found = Beside.validate(pl.concat(_judged(run) for run in runs))
            account = _account(runs, command)
            facts = _facts(runs, found, account)
        out = out or record.free(home / "outputs" / "compare", began)
        with stages("write"), record.folder(out) as folder:
            sheets.write(found, folder / "beside.csv")
            rows = differences.table(facts.differences, facts.titles)
            sheets.write(rows, folder / "differences.csv")
            (folder / "beside.html").write_text(render(found, facts), "utf-8")
            account |= record.times(began, stages.seconds)
            record.write_json(account, folder / "run.json")
        with stages("track"):
            notes = _track(config, runs, found, facts, out)
    places = {"page": out / "beside.html", "figures": out / "beside.csv"}
    said = [*headlines(found, facts.titles, _published(runs)), *facts.notes, *notes]
    show.report(places, [show.beside(placed(found, facts))], said, stages.seconds)
    return 0


def _check(config: DictConfig) -> None:
    """What only a pairing needs has no use here; better said than passed over."""
    for key, default in (("model", None), ("overlap", False)):
        if config[key] != default:
            raise InputError(
                f"{key}={config[key]}: labels=any pairs nothing, and shows every model "
                "of each run on its own rows"
            )


def _judged(run: Run) -> dy.DataFrame[Beside]:
    """What the run itself found of its models."""
    file = run.folder / "metrics.csv"
    try:
        found = Metrics.validate(sheets.read(file), cast=True)
    except Exception as error:  # what reads CSV and frames has no common base
        raise InputError(f"{file}: cannot be read: {error}") from error
    return judged(
        found,
        run.predictions,
        run=run.name,
        label=str(run.account["label"]),
        baseline=_baseline(run),
        level=run.account.get("level", 0.9),
    )


def _baseline(run: Run) -> str:
    return str(run.account.get("named_baseline", run.config["named_baseline"]))


def _published(runs: Sequence[Run]) -> dict[str, str]:
    return {run.name: str(run.account["published"]) for run in runs}


def _roles(run: Run) -> dict[str, str]:
    baselines = run.config.get("baselines") or {}
    own = {name: "baseline" if name in baselines else "model" for name in run.models()}
    return own | {str(run.account["published"]): "published"}


def _titles(runs: Sequence[Run]) -> dict[str, str]:
    """Labels; with settings, or the name of the run, where two are of one label."""
    first: dict[str, Run] = {}
    named = []
    for run in runs:
        label = str(run.account["label"])
        twin = first.setdefault(label, run)
        what = differences.short(_collapse(twin), _collapse(run))
        named.append((run.name, f"{label} {what}".strip()))
    return unique(named)


def _collapse(run: Run) -> dict[str, Any]:
    return dict(run.config.get("collapse", {}))


def _account(runs: Sequence[Run], command: str) -> dict[str, Any]:
    return record.account(
        name="compare",
        labels="any",
        fewest=FEWEST,
        runs=[
            {
                "name": run.name,
                "folder": run.folder,
                "run_id": run.account["run_id"],
                "label": run.account["label"],
            }
            for run in runs
        ],
    ) | {"command": command}


def _facts(
    runs: Sequence[Run], found: pl.DataFrame, account: Mapping[str, Any]
) -> Facts:
    first, *others = (record.placeless(run.config) for run in runs)
    pairs = zip(runs[1:], others, strict=True)
    inputs = {run.name: run.account["inputs"] for run in runs}
    return Facts(
        titles=_titles(runs),
        roles={run.name: _roles(run) for run in runs},
        rules={run.name: finished.rule(run) for run in runs},
        runs=[
            {
                key: str(run.account.get(key) or "")
                for key in ("run_id", "finished", "git_commit", "config_digest")
            }
            | {"name": run.name}
            for run in runs
        ],
        differences={
            run.name: differences.differences(first, other) for run, other in pairs
        },
        fewest=FEWEST,
        notes=(
            *check_data(inputs, overlap=True),
            *finished.other_code(runs),
            *_incomplete(found),
        ),
        run={key: str(account[key]) for key in ("command", "git_commit")},
    )


def _incomplete(found: pl.DataFrame) -> list[str]:
    """Models that have no place among the others, for they lack forecasts."""
    most = pl.col("n").max().over("run", "horizon")
    fewer = found.filter(pl.col("n") < most).sort("run", "model")
    return [
        f"{model} of {run} has no forecast of some rows, and so no place by Brier score"
        for run, model in fewer.select("run", "model")
        .unique(maintain_order=True)
        .rows()
    ]


def _track(
    config: DictConfig,
    runs: Sequence[Run],
    found: pl.DataFrame,
    facts: Facts,
    out: Path,
) -> list[str]:
    """Log it in the experiment of the first run; returns what failed."""
    labels = [str(run.account["label"]) for run in runs]
    tags = {"kind": "comparison", "label": ",".join(dict.fromkeys(labels))}
    params = {"labels": "any", "fewest": FEWEST, "runs": list(facts.titles)}
    scores = {
        f"{facts.titles[str(run)]}, {model}": _long(part)
        for (run, model), part in found.group_by("run", "model", maintain_order=True)
    }
    where = (str(runs[0].account["name"]), out.name)
    return tracked.comparison(config, where, tags, params, scores, out)


def _long(part: pl.DataFrame) -> pl.DataFrame:
    """Scores of one model as rows of a comparison."""
    names = ("skill", "brier", "rank", "prevalence", "collapses")
    none = pl.lit(None, pl.Float64)
    return pl.concat(
        part.select(
            "horizon",
            stratum=pl.lit("all"),
            metric=pl.lit(name),
            value=pl.col(name).cast(pl.Float64),
            **{
                end: pl.col(end) if name == "skill" else none
                for end in ("lower", "upper")
            },
        )
        for name in names
    )
