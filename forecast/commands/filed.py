"""What MLflow is told of a finished run, and the filing of one that it does not know.

It is read from the finished folder, so that a run whose tracker failed can be filed
later, and is the same in MLflow as if it had not.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import dataframely as dy
import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast import record, sheets
from forecast.commands import model_files
from forecast.commands.finished import Run
from forecast.commands.searching import settled
from forecast.commands.settings import SEARCHED
from forecast.commands.truth import beside
from forecast.folds import fold_scores
from forecast.raw import InputError
from forecast.report import cut
from forecast.schema import KnownTruth, Metrics, Trials

if TYPE_CHECKING:  # which costs 1.5 s
    from forecast.tracking import Results

S = TypeVar("S", bound=dy.Schema)
#: scores that a reader wants first, beside the metrics that the run names
HEADLINES = ("skill", "share")


def file(config: DictConfig, run: Run) -> tuple[str, bool]:
    """File a finished run from its folder, unless that was done before.

    Parameters
    ----------
    config : DictConfig
        Its ``tracking`` says where, its ``patience`` how long that may take.
    run : Run
        As it was read from its folder.

    Returns
    -------
    str
        The id of its MLflow run.
    bool
        Whether it was filed now.

    Raises
    ------
    forecast.tracking.TrackingError
        If the store cannot be written.
    """
    from forecast import tracking

    with tracking.hold(Path(config.home), run.account["run_id"]) as held:
        return _file(config, run, held.tags)


def _file(config: DictConfig, run: Run, tags: Mapping[str, str]) -> tuple[str, bool]:
    from forecast import tracking

    uri, run_id = config.tracking.uri, run.account["run_id"]
    patience = tracking.Patience(config.patience)
    found = tracking.find(uri, run_id, patience)
    if found and found.complete:
        return found.run_id, False
    logged_as = found.run_id if found else None
    if logged_as is None:
        own = {"label": run.account["label"], tracking.RUN_ID: run_id}
        logged_as = tracking.open_run(
            uri,
            config.tracking.artifacts,
            run.account["name"],
            run.folder.name,
            {**tags, **own},
            patience,
            milliseconds(run.account["started"]),
        )
    results = contents(run)
    tracking.log_results(uri, logged_as, results, patience)
    tracking.close_run(uri, logged_as, "FINISHED", patience, results.at)
    return logged_as, True


def registered(version: str) -> str:
    """Say where a published model is registered."""
    return (
        f"the published model is version {version} of truce-collapse in MLflow; "
        "`forecast score model=champion` uses the version that is the champion"
    )


def contents(run: Run) -> "Results":
    """What there is to log of a finished run."""
    from forecast.tracking import Results

    account, config = run.account, run.config
    truth = run.folder / "truth.csv"
    known = _table(truth, KnownTruth) if truth.is_file() else None
    metrics = _table(run.folder / "metrics.csv", Metrics)
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    shared = record.placeless(
        {key: v for key, v in config.items() if key not in ("models", "baselines")}
    )
    models = {**config["baselines"], **config["models"]}
    trials = run.folder / "trials.csv"
    tried = _table(trials, Trials) if trials.is_file() else None
    if tried is not None and tried.height:
        models[SEARCHED] = _searched(config, tried)
    return Results(
        params=config,
        metrics=beside(metrics, known),
        models={
            name: {**shared, "model": {"name": name, **own}}
            for name, own in models.items()
        },
        published=account["published"],
        folder=run.folder,
        first=(*config["metrics"], *HEADLINES),
        folds=fold_scores(run.predictions, account["named_baseline"]),
        tags=_tags(account),
        note=f"{account['question']}\n\n{model_files.said(config, metrics)}.",
        inputs=account["inputs"],
        texts={
            f"charts/{name}.html": page for name, page in cut.charts(report).items()
        },
        trials=tried,
        register=bool(config.get("register")),
        at=milliseconds(account["finished"]),
    )


def _searched(config: Mapping[str, Any], tried: pl.DataFrame) -> dict[str, Any]:
    """The searched model as it would be declared with the settings that were found."""
    found = json.loads(tried.filter("picked")["settings"][0])
    own: Any = OmegaConf.to_container(
        settled(config["models"][config["search"]["model"]], found)
    )
    return dict(own)


def _tags(account: Mapping[str, Any]) -> dict[str, str]:
    """By what runs are found and told apart; the commit also where MLflow shows it."""
    commit = account.get("git_commit")
    tags = {
        "label": account["label"],
        "data_digest": account["data_digest"],
        "config_digest": account["config_digest"],
        "mlflow.source.name": account["command"],
        "mlflow.source.type": "LOCAL",
    }
    if commit:
        dirty = "-dirty" if account.get("git_dirty") else ""
        tags |= {"git_commit": commit + dirty, "mlflow.source.git.commit": commit}
    return tags


def _table(path: Path, schema: type[S]) -> dy.DataFrame[S]:
    """A table of a finished run, of the types that it had."""
    types = schema.create_empty().schema
    try:
        frame = sheets.read(path, schema_overrides=types)
        return schema.validate(frame, cast=True)
    except Exception as error:  # what reads tables and frames has no common base
        raise InputError(f"{path}: cannot be read: {error}") from error


def milliseconds(moment: str) -> int:
    """A moment of ``run.json`` as MLflow tells the time.

    Examples
    --------
    >>> milliseconds("1970-01-01T00:00:01.5+00:00")
    1500
    """
    return int(datetime.fromisoformat(moment).timestamp() * 1_000)
