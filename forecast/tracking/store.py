"""A store of MLflow, opened with care.

One that cannot be used is said soon. A SQLite file is made under a lock, at another
name than its own, and renamed when it is whole: two runs never make one together, and
one that is killed while making it leaves nothing that looks like a store.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from forecast import addresses, locks
from forecast.addresses import SQLITE
from forecast.tracking import postgres
from forecast.tracking.patience import (
    RUN,
    Patience,
    TrackingError,
    patient,
    plain,
)

STORE = "mlflow.store.tracking.sqlalchemy_store"
#: seconds to wait for another command that is making the store, and for one that
#: writes to it
MAKING, LOCKED = 60.0, 3.0


def connect(
    uri: str,
    artifacts: str | Path | None = None,
    patience: Patience | None = None,
    *,
    write: bool = True,
) -> MlflowClient:
    """Open a store, and make it if it is missing.

    Parameters
    ----------
    uri : str
        Its address; see :func:`address`.
    artifacts : str, Path or None
        Where a new store keeps files of experiments that name no place; None is a
        folder beside a SQLite file.
    patience : Patience, optional
        What all calls of the client may take together. To make a store takes the
        seconds that it takes, and they do not count.
    write : bool
        Whether a store that cannot be written now is refused.

    Raises
    ------
    TrackingError
        If it cannot be opened.
    """
    patience = patience or Patience(RUN)
    try:
        where, path = address(uri), file(uri)
        if not where.startswith("http"):
            import_module(STORE)  # 0.6 s, which are not the store's to answer for
        if path is not None:
            _make(path, artifacts or path.with_name("mlartifacts"))
            patience(_check, path, write)
        elif where.startswith("postgresql"):
            postgres.make(where, str(artifacts or "mlartifacts"), patience)
        # what makes a client connects it
        return patient(patience(MlflowClient, tracking_uri=where), patience)
    except Exception as error:  # sqlalchemy, alembic and drivers have no common base
        raise TrackingError(
            f"cannot open the MLflow store {uri}: {plain(error)}"
        ) from error


def address(uri: str) -> str:
    """The address of a store, see :func:`forecast.addresses.address`.

    Raises
    ------
    TrackingError
        If it stands in an environment variable that is not set.
    """
    try:
        return addresses.address(uri)
    except LookupError as error:
        raise TrackingError(str(error)) from error


def file(uri: str) -> Path | None:
    """File of a SQLite store; None for a store that is none.

    Examples
    --------
    >>> file("sqlite:////home/mlflow.db"), file("http://127.0.0.1:5000")
    (PosixPath('/home/mlflow.db'), None)
    """
    where = address(uri)
    return Path(where.removeprefix(SQLITE)) if where.startswith(SQLITE) else None


def place(uri: str, artifacts: str | Path | None) -> str | None:
    """Where a new experiment keeps its files: a server knows that best by itself."""
    if artifacts is None or address(uri).startswith("http"):
        return None
    where = str(artifacts)
    return where if "://" in where else Path(where).resolve().as_uri()


def exists(uri: str) -> bool:
    """Whether a store is there; of a server, only an attempt can tell."""
    path = file(uri)
    return path is None or path.is_file()


def _make(path: Path, artifacts: str | Path) -> None:
    """Make a SQLite store if there is none."""
    if not _there(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_name(f"{path.name}.lock")):
            if not _there(path):  # made while we waited
                _create(path.with_name(f"{path.name}.part"), artifacts).replace(path)


def _there(path: Path) -> bool:
    """Whether there is a file that holds anything."""
    return path.exists() and path.stat().st_size > 0


def _create(part: Path, artifacts: str | Path) -> Path:
    """Make an empty store in one closed file that nobody else looks at."""
    for more in ("", "-journal", "-wal", "-shm"):  # what one left that was killed
        part.with_name(part.name + more).unlink(missing_ok=True)
    store = import_module(STORE).SqlAlchemyStore
    store(f"{SQLITE}{part}", str(artifacts)).engine.dispose()
    with closing(sqlite3.connect(part)) as database:
        # readers and a writer do not wait for each other; kept in the file
        database.execute("PRAGMA journal_mode = WAL")
    return part


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock, which ends with the process however it ends."""
    with lock.open("w") as held:
        try:
            locks.wait(held, MAKING)
        except BlockingIOError:
            raise TimeoutError(
                f"another command has been making it for {MAKING:g} s"
            ) from None
        yield


def _check(path: Path, write: bool) -> None:
    """Refuse a file that is no database, and one that cannot be written.

    MLflow would try the first again for 100 seconds, the second for 20 at each call.
    """
    with closing(sqlite3.connect(path, timeout=LOCKED)) as database:
        database.execute("PRAGMA schema_version")
        if write:
            database.execute("BEGIN IMMEDIATE")


def experiment_id(client: MlflowClient, name: str, location: str | None) -> str:
    """Find an experiment by its name, or make it; see `open_run`.

    Raises
    ------
    TrackingError
        If it was deleted.
    """
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
