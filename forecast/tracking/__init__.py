"""Runs in MLflow: one experiment a name, a parent run a run, a child run a model.

The only package that imports mlflow (1.5 s), hence imported only by runs that are
tracked. Every function takes the address of the store: nothing global is set, and
mlflow is told before its import to be quiet, to give up soon and to send no usage data
anywhere. Whatever goes wrong is a :class:`TrackingError`.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

# read by mlflow while it is imported, or at each call
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "4")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from forecast.differences import flatten
from forecast.tracking.alive import PARENT, Held, close, hold, reap
from forecast.tracking.logged import (
    COMPLETE,
    RUN_ID,
    log_comparison,
    log_results,
)
from forecast.tracking.patience import Patience, TrackingError, plain, saying
from forecast.tracking.registry import champion
from forecast.tracking.scores import Results
from forecast.tracking.store import address, connect, exists, experiment_id, place

# what they would say on the terminal, with a traceback, is in the error that is raised
for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
    logging.getLogger(name).setLevel(logging.CRITICAL)

#: a tag of a run that is a job of a sweep: the id of the sweep
SWEEP = "sweep"
__all__ = [
    "PARENT",
    "RUN_ID",
    "Found",
    "Held",
    "MlflowClient",
    "Patience",
    "Results",
    "TrackingError",
    "address",
    "champion_run",
    "close_dead",
    "close_run",
    "files",
    "find",
    "flatten",
    "hold",
    "log_comparison",
    "log_results",
    "open_run",
]
Status = Literal["FINISHED", "FAILED", "KILLED"]


class Found(NamedTuple):
    """A run in MLflow, and whether all that there is to log of it is there."""

    run_id: str
    complete: bool


def open_run(
    uri: str,
    artifacts: str | Path | None,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    patience: Patience | None = None,
    at: int | None = None,
    under: str | None = None,
) -> str:
    """Start a run, and make the store and the experiment if they are missing.

    Runs of this host that are RUNNING though their process is gone are closed first,
    unless it is a child run that starts.

    Parameters
    ----------
    uri : str
        Address of the store: ``sqlite:///PATH``, another database or a server, or
        ``env:NAME``, the environment variable that holds it.
    artifacts : str, Path or None
        Folder (or URI) for the files of a *new* experiment; an experiment that exists
        keeps the place it was made with. None leaves the choice to the server.
    experiment, name : str
        Names of the experiment and of the run.
    tags : mapping of str to str
        Tags of the run.
    patience : Patience, optional
        How long the store may keep us waiting.
    at : int, optional
        When the run began, in milliseconds since 1970; now by default.
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
    client = connect(uri, artifacts, patience)
    with saying(f"no run could be started in {uri}"):
        if PARENT not in tags:
            reap(client)
        if under:
            within = client.get_run(under).info.experiment_id
            tags = {PARENT: under, SWEEP: under, **tags}
        else:
            within = experiment_id(client, experiment, place(uri, artifacts))
        run = client.create_run(within, at, dict(tags), name)
    return str(run.info.run_id)


def close_dead(uri: str, patience: Patience | None = None) -> list[str]:
    """Close the runs of this host that are RUNNING and whose process is no more.

    Parameters
    ----------
    uri : str
        The store.
    patience : Patience, optional
        How long the store may keep us waiting.

    Returns
    -------
    list of str
        Their ids.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    if not exists(uri):  # opening it would make it
        return []
    client = connect(uri, patience=patience)
    with saying(f"{uri} cannot be read"):
        return reap(client)


def find(uri: str, run_id: str, patience: Patience | None = None) -> Found | None:
    """Look for the MLflow run of a run, by its id or by that which it was filed under.

    Parameters
    ----------
    uri : str
        The store.
    run_id : str
        As ``run.json`` has it.
    patience : Patience, optional
        How long the store may keep us waiting.

    Returns
    -------
    Found or None
        None where the store knows nothing of it.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    if not exists(uri):  # opening it would make it
        return None
    client = connect(uri, patience=patience, write=False)
    with saying(f"{uri} cannot be read"):
        return _found(client, run_id)


def _found(client: MlflowClient, run_id: str) -> Found | None:
    within = [e.experiment_id for e in client.search_experiments()]
    for known in (f"attributes.run_id = '{run_id}'", f"tags.`{RUN_ID}` = '{run_id}'"):
        for run in client.search_runs(within, known, max_results=1):
            return Found(str(run.info.run_id), run.data.tags.get(COMPLETE) == "true")
    return None


def _there(uri: str) -> MlflowClient:
    """Open a store to read from it, which must be there: opening would make it."""
    if not exists(uri):
        raise TrackingError(f"there is no MLflow store {uri}")
    return connect(uri, write=False)


def champion_run(uri: str) -> str:
    """Id of the run whose model is the champion of the registry.

    Parameters
    ----------
    uri : str
        The store.

    Raises
    ------
    TrackingError
        If there is none, or the store cannot be read.
    """
    client = _there(uri)
    try:
        return champion(client)
    except MlflowException as error:
        raise TrackingError(f"{uri} cannot be read: {plain(error)}") from error


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
    client = _there(uri)
    with saying(f"{uri} has no files of it"):
        found = _found(client, run_id)
        run_id = found.run_id if found else run_id
        run = client.get_run(run_id)
        parent = run.data.tags.get(PARENT)
        if parent is None or parent == run.data.tags.get(SWEEP):
            return Path(client.download_artifacts(run_id, ""))
    raise TrackingError(
        f"it is the model {run.info.run_name} of the run {parent}; name that run"
    )


def close_run(
    uri: str,
    run_id: str,
    status: Status,
    patience: Patience | None = None,
    at: int | None = None,
) -> None:
    """End a run, and those of its child runs that are still open, with a status.

    Parameters
    ----------
    uri, run_id : str
        The store, and the parent run in it.
    status : {"FINISHED", "FAILED", "KILLED"}
        How it ended.
    patience : Patience, optional
        How long the store may keep us waiting.
    at : int, optional
        When, in milliseconds since 1970; now by default.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    client = connect(uri, patience=patience)
    with saying(f"the run was not closed in {uri}"):
        close(client, run_id, status, at)
