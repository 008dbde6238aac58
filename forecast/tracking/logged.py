"""What is logged: parameters, scores, data sets, files, and a child run a model."""

import json
import re
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from forecast.differences import flatten
from forecast.tracking.alive import PARENT, below
from forecast.tracking.models import log_model
from forecast.tracking.patience import Patience, TrackingError, saying
from forecast.tracking.registry import register
from forecast.tracking.scores import Results, by_model, values
from forecast.tracking.store import connect

PUBLISHED = "published"
#: of a trial of a search: the tag that says how it ended, and its score
TRIAL, INNER = "trial", "inner_log_score"
#: tags: the id in run.json of a run that was filed later, and whether all is logged
RUN_ID, COMPLETE = "forecast.run_id", "forecast.complete"
LONG_PARAMS = "params_long.json"
#: MLflow's own limits: characters of a parameter, of its name, and of a digest;
#: parameters and metrics of a batch
MAX_PARAM, MAX_NAME, MAX_DIGEST = 6_000, 250, 36
MAX_PARAMS, MAX_METRICS = 100, 800
NAME = re.compile(r"[/\w.\- :]+", re.ASCII)


class Logged(NamedTuple):
    """Ids of what was made in MLflow beside a run."""

    #: the child run of each model
    models: dict[str, str]
    #: the published model, and its version in the registry
    model_id: str | None
    version: str | None


def log_results(
    uri: str, run_id: str, results: Results, patience: Patience | None = None
) -> Logged:
    """Log a run, with a child run for each model.

    What was logged before, by a call that was cut, is completed.

    Parameters
    ----------
    uri, run_id : str
        The store, and the parent run in it.
    results : Results
        Of the run.
    patience : Patience, optional
        How long the store may keep us waiting.

    Returns
    -------
    Logged
        Ids of what was made beside the run.

    Raises
    ------
    TrackingError
        If the folder is missing or the store cannot be written. What was logged before
        stays; the run is left RUNNING, for :func:`close_run` to end.
    """
    if not results.folder.is_dir():  # MLflow would log nothing and say nothing
        raise TrackingError(
            f"run not fully logged in {uri}: no folder {results.folder}"
        )
    client = connect(uri, patience=patience)
    when = now() if results.at is None else results.at
    with saying(f"the run was not fully logged in {uri}"):
        scores = by_model(results, when)
        own = {**results.tags, PUBLISHED: results.published}
        noted = {**own, "mlflow.note.content": results.note} if results.note else own
        _log(client, run_id, results.params, scores.get(results.published, []), noted)
        client.log_inputs(run_id, _data_sets(results.inputs))
        _files(client, run_id, results)
        children = {
            str(child.info.run_name): str(child.info.run_id)
            for child in below(client, run_id)
        }
        experiment = client.get_run(run_id).info.experiment_id
        for model in dict.fromkeys([*results.models, *sorted(scores)]):
            if model not in children:
                tags = {PARENT: run_id}
                child = client.create_run(experiment, when, tags, model)
                children[model] = str(child.info.run_id)
            _log(
                client,
                children[model],
                results.models.get(model, {}),
                scores.get(model, []),
                {**own, PUBLISHED: str(model == results.published).lower()},
            )
            client.log_inputs(children[model], _data_sets(results.inputs))
            status = "FINISHED" if model in scores else "FAILED"
            client.set_terminated(children[model], status, results.at)
        if results.trials is not None:
            _trials(client, run_id, results.trials, set(children), when)
        model_id = log_model(client, run_id, children.get(results.published), results)
        version = None
        if model_id and results.register:
            version = register(client, model_id, run_id, when)
        client.set_tag(run_id, COMPLETE, "true")
    return Logged(children, model_id, version)


def _trials(
    client: MlflowClient,
    run_id: str,
    trials: pl.DataFrame,
    there: Collection[str],
    when: int,
) -> None:
    """A child run for each trial of a search that has none."""
    experiment = client.get_run(run_id).info.experiment_id
    digits = len(str(trials.height))
    for row in trials.filter(pl.col("state") != "declared").iter_rows(named=True):
        name = f"trial {row['trial']:0{digits}}"
        if name in there:
            continue
        tags = {PARENT: run_id, TRIAL: row["state"], "picked": str(row["picked"])}
        own = str(client.create_run(experiment, when, tags, name).info.run_id)
        found = [] if row["loss"] is None else [Metric(INNER, row["loss"], when, 0)]
        _log(client, own, json.loads(row["settings"]), found)
        failed = row["state"] == "failed"
        client.set_terminated(own, "FAILED" if failed else "FINISHED", when)


def log_comparison(
    uri: str,
    run_id: str,
    *,
    params: Mapping[str, Any],
    scores: pl.DataFrame,
    folder: Path | None = None,
    patience: Patience | None = None,
) -> None:
    """Log a comparison, or one run of it: parameters, scores, and files if any.

    Parameters
    ----------
    uri, run_id : str
        The store, and the run in it.
    params : mapping
        As in :class:`Results`.
    scores : pl.DataFrame
        Of one run and model, with the columns of the metrics, named as there.
    folder : Path, optional
        Its files become artifacts.
    patience : Patience, optional
        How long the store may keep us waiting.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    client = connect(uri, patience=patience)
    with saying(f"not fully logged in {uri}"):
        whole = scores.filter(pl.col("stratum") == "all")
        _log(client, run_id, params, list(values(whole, None, now())))
        if folder is not None:
            client.log_artifacts(run_id, str(folder))


def now() -> int:
    """Milliseconds since 1970, as MLflow tells the time."""
    return int(time.time() * 1_000)


def _log(
    client: MlflowClient,
    run_id: str,
    params: Mapping[str, Any],
    scores: list[Metric],
    tags: Mapping[str, str] | None = None,
) -> None:
    """Parameters, scores and tags of one run, in as few batches as MLflow allows."""
    flat = flatten(params)
    long = {key: value for key, value in flat.items() if not _fits(key, value)}
    short = [Param(key, value) for key, value in flat.items() if key not in long]
    named = [RunTag(key, value) for key, value in (tags or {}).items()]
    batches = max(1, -(-len(short) // MAX_PARAMS), -(-len(scores) // MAX_METRICS))
    for i in range(batches):
        client.log_batch(
            run_id,
            metrics=scores[i * MAX_METRICS : (i + 1) * MAX_METRICS],
            params=short[i * MAX_PARAMS : (i + 1) * MAX_PARAMS],
            tags=named if i == 0 else (),
        )
    if long:
        client.log_dict(run_id, long, LONG_PARAMS)


def _fits(name: str, value: str) -> bool:
    """Whether MLflow takes a parameter as it is."""
    return (
        len(value) <= MAX_PARAM
        and len(name) <= MAX_NAME
        and NAME.fullmatch(name) is not None
    )


def _data_sets(inputs: Mapping[str, str]) -> list[DatasetInput]:
    """Data sets by digest, which MLflow cuts; their sources hold the whole."""
    return [
        DatasetInput(
            Dataset(
                Path(name).name,
                digest[:MAX_DIGEST],
                "local",
                json.dumps({"uri": name, "sha256": digest}),
            ),
            [InputTag("mlflow.data.context", "training")],
        )
        for name, digest in sorted(inputs.items())
    ]


def _files(client: MlflowClient, run_id: str, results: Results) -> None:
    client.log_artifacts(run_id, str(results.folder))
    if not results.texts:
        return
    with tempfile.TemporaryDirectory() as made:
        for name, text in results.texts.items():
            path = Path(made, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, made)
