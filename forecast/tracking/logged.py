"""What is logged of a run: parameters, scores and files."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from forecast.differences import flatten
from forecast.schema import Metrics
from forecast.tracking.alive import PARENT
from forecast.tracking.patience import Patience, TrackingError, plain
from forecast.tracking.store import connect

PUBLISHED = "published"
#: tags: the id in run.json of a run that was filed later, and whether all is logged
RUN_ID, COMPLETE = "forecast.run_id", "forecast.complete"
LONG_PARAMS = "params_long.json"
#: MLflow's own limits: characters of a parameter, parameters and metrics of a batch
MAX_PARAM, MAX_PARAMS, MAX_METRICS = 6_000, 100, 800


def log_results(
    uri: str,
    run_id: str,
    *,
    params: Mapping[str, Any],
    metrics: dy.DataFrame[Metrics],
    models: Mapping[str, Mapping[str, Any]],
    published: str,
    folder: Path,
    at: int | None = None,
    patience: Patience | None = None,
) -> dict[str, str]:
    """Log a run: parameters, metrics and files, with a child run for each model.

    What was logged before, by a call that was cut, is completed.

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
    at : int, optional
        When the scores were known, in milliseconds since 1970; now by default. Scores
        that are logged again at the same time are not logged twice.
    patience : Patience, optional
        How long the store may keep us waiting.

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
    client = connect(uri, patience=patience)
    when = now() if at is None else at
    named = metrics.filter(pl.col("stratum") == "all").sort("metric", "horizon")
    scores = {str(key[0]): f for key, f in named.group_by("model", maintain_order=True)}
    try:
        _log(client, run_id, params, scores.get(published), when)
        client.set_tag(run_id, PUBLISHED, published)
        client.log_artifacts(run_id, str(folder))
        children = _children(client, run_id)
        experiment = client.get_run(run_id).info.experiment_id
        for model in dict.fromkeys([*models, *sorted(scores)]):
            if model not in children:
                tags = {PARENT: run_id, PUBLISHED: str(model == published).lower()}
                child = client.create_run(experiment, when, tags, model)
                children[model] = str(child.info.run_id)
            own = children[model]
            _log(client, own, models.get(model, {}), scores.get(model), when)
            client.set_terminated(own, "FINISHED" if model in scores else "FAILED", at)
        client.set_tag(run_id, COMPLETE, "true")
    except (MlflowException, TrackingError) as error:
        raise TrackingError(
            f"the run was not fully logged in {uri}: {plain(error)}"
        ) from error
    return children


def now() -> int:
    """Milliseconds since 1970, as MLflow tells the time."""
    return int(time.time() * 1_000)


def _children(client: MlflowClient, run_id: str) -> dict[str, str]:
    """Runs of models below a run, by name."""
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`{PARENT}` = '{run_id}'")
    return {str(child.info.run_name): str(child.info.run_id) for child in found}


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
        As in :func:`log_results`.
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
    try:
        _log(client, run_id, params, scores.filter(pl.col("stratum") == "all"), now())
        if folder is not None:
            client.log_artifacts(run_id, str(folder))
    except (MlflowException, TrackingError) as error:
        raise TrackingError(f"not fully logged in {uri}: {plain(error)}") from error


def _log(
    client: MlflowClient,
    run_id: str,
    params: Mapping[str, Any],
    scores: pl.DataFrame | None,
    when: int,
) -> None:
    """Parameters and scores of one run, in as few batches as MLflow allows."""
    flat = flatten(params)
    long = {key: value for key, value in flat.items() if len(value) > MAX_PARAM}
    short = [Param(key, value) for key, value in flat.items() if key not in long]
    values = list(_values(scores, when)) if scores is not None else []
    batches = max(1, -(-len(short) // MAX_PARAMS), -(-len(values) // MAX_METRICS))
    for i in range(batches):
        client.log_batch(
            run_id,
            metrics=values[i * MAX_METRICS : (i + 1) * MAX_METRICS],
            params=short[i * MAX_PARAMS : (i + 1) * MAX_PARAMS],
        )
    if long:
        client.log_dict(run_id, long, LONG_PARAMS)


def _values(scores: pl.DataFrame, when: int) -> Iterator[Metric]:
    for row in scores.iter_rows(named=True):
        name = f"{row['metric']}_{row['horizon']}d"
        for column, suffix in (("value", ""), ("lower", "_lower"), ("upper", "_upper")):
            if row[column] is not None:
                yield Metric(name + suffix, row[column], when, 0)
