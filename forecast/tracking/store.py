"""A store of MLflow, opened with care.

One that cannot be used is said at once, and two runs never make one together.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


class TrackingError(RuntimeError):
    """A store that cannot take runs; the message names it and says why."""


def connect(uri: str) -> MlflowClient:
    """Open a store, and make it if it is missing.

    Raises
    ------
    TrackingError
        If it cannot be opened.
    """
    _check_sqlite(uri)
    try:
        with _alone(uri):
            return MlflowClient(tracking_uri=uri)
    except Exception as error:  # sqlalchemy, alembic and drivers have no common base
        raise TrackingError(f"cannot open the MLflow store {uri}: {error}") from error


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """Hold a lock beside a SQLite file: two that create it at once break it."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    import fcntl

    path = Path(uri.removeprefix("sqlite:///") + ".lock")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_sqlite(uri: str) -> None:
    """Refuse a bad SQLite file at once: MLflow would retry it for 100 seconds."""
    if not uri.startswith("sqlite:///"):
        return
    path = Path(uri.removeprefix("sqlite:///"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA schema_version")
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(f"cannot open the MLflow store {path}: {error}") from error


def exists(uri: str) -> bool:
    """Whether a store is there; of a server, only an attempt can tell."""
    path = uri.removeprefix("sqlite:///")
    return path == uri or Path(path).is_file()


def experiment_id(client: MlflowClient, name: str, artifacts: str | Path | None) -> str:
    """Find an experiment by its name, or make it; see `open_run`.

    Raises
    ------
    TrackingError
        If it was deleted.
    """
    location = str(artifacts) if artifacts is not None else None
    if location is not None and "://" not in location:
        location = Path(location).resolve().as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # another run made it between the two calls
        found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise TrackingError(
            f"the MLflow experiment {name!r} cannot take runs: deleted in the UI? "
            "Restore it there, or give the run another name"
        )
    return str(found.experiment_id)
