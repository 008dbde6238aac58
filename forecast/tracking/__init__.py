"""Runs in MLflow: one experiment a name, a parent run a run, a child run a model.

The only package that imports mlflow (1.5 s), hence imported only by runs that are
tracked. Every function takes the address of the store: nothing global is set, and
mlflow is told before its import to be quiet and to send no usage data anywhere.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import dataframely as dy
import polars as pl

from forecast.differences import flatten
from forecast.schema import Metrics

# read by mlflow while it is imported
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from forecast.tracking.store import TrackingError, connect, exists, experiment_id

PARENT = "mlflow.parentRunId"
#: a tag of a run that is a job of a sweep: the id of the sweep
SWEEP = "sweep"
PUBLISHED = "published"
LONG_PARAMS = "params_long.json"
#: MLflow's own limits: characters of a parameter, parameters and metrics of a batch
MAX_PARAM, MAX_PARAMS, MAX_METRICS = 6_000, 100, 800
__all__ = [
    "TrackingError",
    "close_run",
    "files",
    "log_comparison",
    "log_results",
    "open_run",
]
Status = Literal["FINISHED", "FAILED", "KILLED"]


def open_run(
    uri: str,
    artifacts: str | Path | None,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    under: str | None = None,
) -> str:
    """Start a parent run, and make the store and the experiment if they are missing.

    Parameters
    ----------
    uri : str
        Address of the store: ``sqlite:///PATH``, another database, or a server.
    artifacts : str, Path or None
        Folder (or URI) for the files of a *new* experiment; an experiment that exists
        keeps the place it was made with. None leaves the choice to the server.
    experiment, name : str
        Names of the experiment and of the run.
    tags : mapping of str to str
        Tags of the run.
    under : str, optional
        Id of the sweep that the run is a job of; it joins the experiment of that.

    Returns
    -------
    str
        The id of the run, which is RUNNING until :func:`close_run`.

    Raises
    ------
    TrackingError
        If the store cannot be opened or written, or the experiment was deleted.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home:
    ...     uri = f"sqlite:///{home}/mlflow.db"
    ...     run_id = open_run(uri, f"{home}/mlartifacts", "demo", "first", {})
    ...     close_run(uri, run_id, "FINISHED")
    ...     MlflowClient(uri).get_run(run_id).info.status
    'FINISHED'
    """
    client = connect(uri)
    try:
        if under:
            within = client.get_run(under).info.experiment_id
            tags = {PARENT: under, SWEEP: under, **tags}
        else:
            within = experiment_id(client, experiment, artifacts)
        run = client.create_run(within, run_name=name, tags=dict(tags))
    except MlflowException as error:
        raise TrackingError(f"no run could be started in {uri}: {error}") from error
    return str(run.info.run_id)


def log_results(
    uri: str,
    run_id: str,
    *,
    params: Mapping[str, Any],
    metrics: dy.DataFrame[Metrics],
    models: Mapping[str, Mapping[str, Any]],
    published: str,
    folder: Path,
) -> dict[str, str]:
    """Log a run: parameters, metrics and files, with a child run for each model.

    Parameters
    ----------
    uri, run_id : str
        The store, and the parent run in it.
    params : mapping
        Settings of the run, nested as they are; see :func:`flatten`. A value too long
        for MLflow goes to the artifact ``params_long.json`` instead.
    metrics : dy.DataFrame[Metrics]
        Scores. Those of the stratum ``all`` are logged as ``METRIC_HORIZONd``, with
        ``_lower`` and ``_upper``; nulls are left out.
    models : mapping of str to mapping
        Parameters of each model. A model without a row in `metrics` has failed, and so
        its run says.
    published : str
        The model declared in advance: its scores are the parent's too.
    folder : Path
        Its files become artifacts of the parent run.

    Returns
    -------
    dict of str to str
        The id of the child run of each model.

    Raises
    ------
    TrackingError
        If the folder is missing or the store cannot be written. What was logged before
        stays; the run is left RUNNING, for :func:`close_run` to end.
    """
    if not folder.is_dir():  # MLflow would log nothing and say nothing
        raise TrackingError(f"run not fully logged in {uri}: no folder {folder}")
    client = connect(uri)
    named = metrics.filter(pl.col("stratum") == "all").sort("metric", "horizon")
    scores = {str(key[0]): f for key, f in named.group_by("model", maintain_order=True)}
    try:
        _log(client, run_id, params, scores.get(published))
        client.set_tag(run_id, PUBLISHED, published)
        client.log_artifacts(run_id, str(folder))
        experiment = client.get_run(run_id).info.experiment_id
        children = {}
        for model in dict.fromkeys([*models, *sorted(scores)]):
            tags = {PARENT: run_id, PUBLISHED: str(model == published).lower()}
            child = client.create_run(experiment, run_name=model, tags=tags)
            children[model] = str(child.info.run_id)
            _log(client, children[model], models.get(model, {}), scores.get(model))
            status = "FINISHED" if model in scores else "FAILED"
            client.set_terminated(children[model], status)
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"the run was not fully logged in {uri}: {error}"
        ) from error
    return children


def log_comparison(
    uri: str,
    run_id: str,
    *,
    params: Mapping[str, Any],
    scores: pl.DataFrame,
    folder: Path | None = None,
) -> None:
    """Log a comparison, or one run of it: parameters, scores, and files if any.

    Parameters
    ----------
    uri, run_id : str
        The store, and the run in it.
    params : mapping
        As in :func:`log_results`.
    scores : pl.DataFrame
        Of one run and model, with the columns of the metrics, named as there.
    folder : Path, optional
        Its files become artifacts.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    client = connect(uri)
    try:
        _log(client, run_id, params, scores.filter(pl.col("stratum") == "all"))
        if folder is not None:
            client.log_artifacts(run_id, str(folder))
    except (MlflowException, OSError) as error:
        raise TrackingError(f"not fully logged in {uri}: {error}") from error


def files(uri: str, run_id: str) -> Path:
    """Folder with the files of a run, fetched where the store lies elsewhere.

    Parameters
    ----------
    uri, run_id : str
        The store, and the parent run in it.

    Returns
    -------
    Path

    Raises
    ------
    TrackingError
        If the store does not know the run, or knows it as the model of another.
    """
    if not exists(uri):  # opening it would make it
        raise TrackingError(f"there is no MLflow store {uri}")
    client = connect(uri)
    try:
        run = client.get_run(run_id)
        parent = run.data.tags.get(PARENT)
        if parent is None or parent == run.data.tags.get(SWEEP):
            return Path(client.download_artifacts(run_id, ""))
    except (MlflowException, OSError) as error:
        raise TrackingError(f"{uri} has no files of it: {error}") from error
    raise TrackingError(
        f"it is the model {run.info.run_name} of the run {parent}; name that run"
    )


def close_run(uri: str, run_id: str, status: Status) -> None:
    """End a run, and those of its child runs that are still open, with a status.

    Parameters
    ----------
    uri, run_id : str
        The store, and the parent run in it.
    status : {"FINISHED", "FAILED", "KILLED"}
        How it ended.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    client = connect(uri)
    try:
        experiment = client.get_run(run_id).info.experiment_id
        running = f"tags.`{PARENT}` = '{run_id}' and attributes.status = 'RUNNING'"
        for child in client.search_runs([experiment], filter_string=running):
            client.set_terminated(child.info.run_id, status)
        client.set_terminated(run_id, status)
    except MlflowException as error:
        raise TrackingError(f"the run was not closed in {uri}: {error}") from error


def _log(
    client: MlflowClient,
    run_id: str,
    params: Mapping[str, Any],
    scores: pl.DataFrame | None,
) -> None:
    """Parameters and scores of one run, in as few batches as MLflow allows."""
    flat = flatten(params)
    long = {key: value for key, value in flat.items() if len(value) > MAX_PARAM}
    short = [Param(key, value) for key, value in flat.items() if key not in long]
    values = list(_values(scores)) if scores is not None else []
    batches = max(1, -(-len(short) // MAX_PARAMS), -(-len(values) // MAX_METRICS))
    for i in range(batches):
        client.log_batch(
            run_id,
            metrics=values[i * MAX_METRICS : (i + 1) * MAX_METRICS],
            params=short[i * MAX_PARAMS : (i + 1) * MAX_PARAMS],
        )
    if long:
        client.log_dict(run_id, long, LONG_PARAMS)


def _values(scores: pl.DataFrame) -> Iterator[Metric]:
    now = int(time.time() * 1_000)
    for row in scores.iter_rows(named=True):
        name = f"{row['metric']}_{row['horizon']}d"
        for column, suffix in (("value", ""), ("lower", "_lower"), ("upper", "_upper")):
            if row[column] is not None:
                yield Metric(name + suffix, row[column], now, 0)
