"""Track a run in MLflow, and let no trouble of the tracker touch the run itself."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from omegaconf import DictConfig

from forecast import withheld
from forecast.commands import filed, finished
from forecast.raw import InputError

if TYPE_CHECKING:  # which costs 1.5 s
    from forecast.tracking import Held

Status = Literal["FINISHED", "FAILED", "KILLED"]

#: seconds that an interrupted run still gives its tracker
HURRY = 1.5

#: a variable that holds the id of the sweep in MLflow which a run is a job of
UNDER = "FORECAST_SWEEP_RUN"


class Tracker:
    """The MLflow run beside a run; after its first failure it only keeps a note.

    It is opened in a thread while the run loads its data: MLflow takes a second to be
    imported, and a server that is away may take ten.
    """

    def __init__(self, config: DictConfig, out: Path) -> None:
        self.uri: str | None = config.tracking.uri
        self._run_id = uuid.uuid4().hex
        self._notes: list[str] = []
        self._held: Held | None = None
        self._out = out
        self._opening = Thread(target=self._open, args=(config,), daemon=True)
        if self.uri is None:
            return
        self._opening.start()

    @property
    def run_id(self) -> str:
        """Id of the run in MLflow, or one of its own if MLflow has none."""
        self._opened()
        return self._run_id

    @property
    def notes(self) -> list[str]:
        """What there is to say of it so far: what failed, or was registered."""
        self._opened()
        return self._notes

    def log(self) -> None:
        """Log the finished folder: parameters, metrics and files."""
        self._opened()
        if self.uri is None:
            return
        from forecast import tracking

        try:
            results = filed.contents(finished.read(self._out))
            logged = tracking.log_results(
                self.uri, self._run_id, results, self._patience
            )
            if logged.version:
                self._notes.append(filed.registered(logged.version))
        except (InputError, tracking.TrackingError) as error:
            self._give_up(error)

    def close(self, status: Status, seconds: float | None = None) -> None:
        """End the MLflow run, or leave a note how it ended; in so many seconds."""
        self._opened(seconds)
        if self._opening.is_alive() or self._held is None:
            return
        from forecast import tracking

        if self.uri is not None:
            try:
                if seconds is not None:
                    self._patience.hurry(seconds)
                tracking.close_run(self.uri, self._run_id, status, self._patience)
                self._held.drop()
                return
            except tracking.TrackingError as error:
                self._give_up(error)
        self._held.leave(status)

    def _open(self, config: DictConfig) -> None:
        try:
            from forecast import tracking

            self._patience = tracking.Patience(config.tracking.patience)
            held = tracking.hold(Path(config.home), self._run_id)
            label = str(config.collapse._target_).rpartition(".")[2]
            try:
                self._run_id = tracking.open_run(
                    config.tracking.uri,
                    config.tracking.artifacts,
                    config.name,
                    self._out.name,
                    {"label": label, **held.tags},
                    self._patience,
                    under=os.environ.get(UNDER),
                )
            except BaseException:
                held.drop()  # of a run that never began
                raise
            self._held = held
        # no trouble of the tracker is the run's
        except Exception as error:
            self._give_up(error)

    def _opened(self, seconds: float | None = None) -> None:
        if self._opening.ident is not None:
            self._opening.join(seconds)

    def _give_up(self, error: Exception) -> None:
        said = (
            f"MLflow does not know this run, or not all of it: {error}; nothing else "
            f"is lost, and `forecast track {self._out}` files it"
        )
        self._notes.append(withheld.text(said))
        self.uri = None


@contextmanager
def run(config: DictConfig, out: Path) -> Iterator[Tracker]:
    """Open an MLflow run, and close it by how the block ends."""
    tracker = Tracker(config, out)
    try:
        yield tracker
    except KeyboardInterrupt:
        tracker.close("KILLED", HURRY)
        raise
    except BaseException:
        tracker.close("FAILED")
        raise
    tracker.close("FINISHED")


def comparison(
    config: DictConfig,
    where: tuple[str, str],
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    scores: Mapping[str, pl.DataFrame],
    folder: Path,
) -> list[str]:
    """Log a finished comparison, with a child run for each of several runs in it.

    Parameters
    ----------
    config : DictConfig
        Its ``tracking`` says where.
    where : (str, str)
        Names of the experiment and of the MLflow run.
    tags, params : mapping
        Of the comparison.
    scores : mapping of str to pl.DataFrame
        Rows of the comparison by what is held against the reference. Those of a
        single one are the comparison's own.
    folder : Path
        Its files become artifacts.

    Returns
    -------
    list of str
        What failed, a sentence; empty where all is well or nothing is tracked.
    """
    uri, place = config.tracking.uri, config.tracking.artifacts
    if uri is None:
        return []
    from forecast import tracking

    patience = tracking.Patience(config.tracking.patience)
    (first, *others) = scores.values()
    mine = first.clear() if others else first
    children = scores if others else {}
    experiment, name = where
    try:
        with tracking.hold(Path(config.home), uuid.uuid4().hex) as held:
            own = {**tags, **held.tags}
            run_id = tracking.open_run(uri, place, experiment, name, own, patience)
            tracking.log_comparison(
                uri,
                run_id,
                params=params,
                scores=mine,
                folder=folder,
                patience=patience,
            )
            for title, rows in children.items():
                under = {tracking.PARENT: run_id}
                child = tracking.open_run(
                    uri, place, experiment, title, under, patience
                )
                tracking.log_comparison(
                    uri, child, params={}, scores=rows, patience=patience
                )
                tracking.close_run(uri, child, "FINISHED", patience)
            tracking.close_run(uri, run_id, "FINISHED", patience)
    except tracking.TrackingError as error:
        return [withheld.text(f"MLflow does not know this comparison: {error}")]
    return []
