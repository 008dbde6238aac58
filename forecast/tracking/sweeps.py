"""A sweep in MLflow: one run above its jobs, whichever processes they are of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from forecast.tracking import open_run
from forecast.tracking.alive import OPEN, below, close
from forecast.tracking.patience import Patience, saying
from forecast.tracking.store import connect


def open_sweep(
    uri: str,
    artifacts: str | Path | None,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    again: str | None = None,
    patience: Patience | None = None,
) -> str:
    """Start the run of a sweep, or go on with it.

    Parameters
    ----------
    uri, artifacts, experiment, name, tags
        See :func:`forecast.tracking.open_run`.
    again : str, optional
        Id of the sweep to go on with. What a kill left open below it is closed; where
        the store has no such run, a new one is made.
    patience : Patience, optional
        How long the store may keep us waiting.

    Returns
    -------
    str
        The id of the run, which is RUNNING until :func:`close_sweep`.

    Raises
    ------
    TrackingError
        If the store cannot be opened or written.
    """
    client = connect(uri, artifacts, patience)
    if again:
        try:
            client.get_run(again)
        except MlflowException:
            again = None
    if not again:
        return open_run(uri, artifacts, experiment, name, tags, patience)
    with saying(f"no sweep could go on in {uri}"):
        _close_open(client, again)
        # before it runs: the lock of the process that was killed is free
        for key, value in tags.items():
            client.set_tag(again, key, value)
        client.update_run(again, status="RUNNING")
    return again


def close_sweep(
    uri: str,
    run_id: str,
    status: Literal["FINISHED", "FAILED", "KILLED"],
    counts: Mapping[str, int],
    table: Path,
    patience: Patience | None = None,
) -> None:
    """End the run of a sweep; jobs that are still open below it were killed.

    Parameters
    ----------
    uri, run_id : str
        The store, and the sweep in it.
    status : {"FINISHED", "FAILED", "KILLED"}
        How it ended.
    counts : mapping of str to int
        Of jobs; they become metrics.
    table : Path
        A file that becomes an artifact.
    patience : Patience, optional
        How long the store may keep us waiting.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    client = connect(uri, patience=patience)
    with saying(f"the sweep was not closed in {uri}"):
        _close_open(client, run_id)
        for name, count in counts.items():
            client.log_metric(run_id, name, count)
        client.log_artifact(run_id, str(table))
        client.set_terminated(run_id, status)


def _close_open(client: MlflowClient, run_id: str) -> None:
    for job in below(client, run_id, OPEN):
        close(client, job.info.run_id, "KILLED")
