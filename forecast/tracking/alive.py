"""Which runs are still at work: each holds a lock that ends with its process.

MLflow has no way to tell: a run that was killed is RUNNING there for good. So a run
bears the name of its host and the path of a file that its process has locked; who finds
the file free, or gone, on that host knows that nobody will close the run any more.
"""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO, Self

from mlflow import MlflowClient
from mlflow.entities import Run

from forecast.tracking.patience import TrackingError

HOST, LOCK, PARENT = "forecast.host", "forecast.lock", "mlflow.parentRunId"
FOLDER = "outputs/.running"
#: of child runs, see :func:`below`
OPEN = " and attributes.status = 'RUNNING'"
STATES = ("FINISHED", "FAILED", "KILLED")


class Held:
    """A locked file, which says of a run that it is at work, until it is let go.

    As a context it is dropped at the end of the block.
    """

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path, self._file = path, file
        #: of the run in MLflow
        self.tags = {HOST: socket.gethostname(), LOCK: str(path)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()

    def drop(self) -> None:
        """Let go: the store knows how the run ended."""
        self._path.unlink(missing_ok=True)
        self._file.close()

    def leave(self, status: str) -> None:
        """Let go, and note how the run ended: the next command tells the store."""
        self._file.write(status)
        self._file.close()


def hold(home: Path, name: str) -> Held:
    """Lock a file, which the end of the process would let go as well.

    Parameters
    ----------
    home : Path
        Below which the file lies.
    name : str
        Of what is at work.

    Returns
    -------
    Held

    Raises
    ------
    TrackingError
        If another process holds it, or it cannot be made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home:
    ...     held = hold(Path(home), "a")
    ...     path = Path(held.tags["forecast.lock"])
    ...     print(ended(path))
    ...     held.leave("FAILED")
    ...     print(ended(path))
    None
    FAILED
    """
    path = home.resolve() / FOLDER / f"{name}.lock"
    try:
        return Held(path, _locked(path))
    except BlockingIOError as error:
        raise TrackingError(f"another command is at it ({path} is locked)") from error
    except OSError as error:
        raise TrackingError(f"{path} cannot be locked: {error.strerror}") from error


def _locked(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # who held it may have removed it between the two calls
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
        except OSError:
            file.close()
            raise
        file.close()


def ended(path: Path) -> str | None:
    """How a run ended whose process held a file; None while it is at work.

    What the process noted last, if it could not tell the store; else KILLED.
    """
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            said = file.read()
    except BlockingIOError:
        return None
    except OSError:  # gone, with everything around it or alone
        said = ""
    return said if said in STATES else "KILLED"


def reap(client: MlflowClient) -> list[str]:
    """Close the runs of this host that are RUNNING and whose process is no more.

    Parameters
    ----------
    client : MlflowClient
        Of the store.

    Returns
    -------
    list of str
        Their ids.
    """
    within = [found.experiment_id for found in client.search_experiments()]
    here = f"tags.`{HOST}` = '{socket.gethostname()}'"
    closed = []
    for run in client.search_runs(within, f"attributes.status = 'RUNNING' and {here}"):
        run_id, lock = str(run.info.run_id), Path(run.data.tags.get(LOCK, ""))
        # a store is no place to take the path of just any file from
        status = ended(lock) if lock.match(f"{FOLDER}/*.lock") else None
        # it may have been closed between the search and the look at its lock
        if status and client.get_run(run_id).info.status == "RUNNING":
            close(client, run_id, status)
            lock.unlink(missing_ok=True)
            closed.append(run_id)
    return closed


def below(client: MlflowClient, run_id: str, also: str = "") -> list[Run]:
    """Child runs of a run: all, or those of which more holds, in MLflow's words."""
    experiment = client.get_run(run_id).info.experiment_id
    return list(client.search_runs([experiment], f"tags.`{PARENT}` = '{run_id}'{also}"))


def close(
    client: MlflowClient, run_id: str, status: str, at: int | None = None
) -> None:
    """End a run, and before it those of its child runs that are still open.

    A child run with a lock of its own, as a job of a sweep has, may outlive it.
    """
    for child in below(client, run_id, OPEN):
        if LOCK not in child.data.tags:
            client.set_terminated(child.info.run_id, status)
    client.set_terminated(run_id, status, at)
