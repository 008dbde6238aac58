"""Track a run in MLflow, and let no trouble of the tracker touch the run itself.

What is logged is read from the finished folder, so that a run whose tracker failed can
be filed later, and is the same in MLflow as if it had not.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.commands import finished
from forecast.commands.finished import Run
from forecast.commands.truth import beside
from forecast.raw import InputError
from forecast.schema import KnownTruth, Metrics

if TYPE_CHECKING:  # which costs 1.5 s
    from forecast.tracking import Held

S = TypeVar("S", bound=dy.Schema)

#: seconds that an interrupted run still gives its tracker
HURRY = 1.5


class Tracker:
    """The MLflow run beside a run; after its first failure it only keeps a note."""

    def __init__(self, config: DictConfig, out: Path) -> None:
        self.uri: str | None = config.tracking.uri
        self.run_id = uuid.uuid4().hex
        self.notes: list[str] = []
        self._held: Held | None = None
        self._out = out
        label = str(config.collapse._target_).rpartition(".")[2]
        if self.uri is None:
            return
        from forecast import tracking

        self.patience = tracking.Patience(config.tracking.patience)
        try:
            self._held = tracking.hold(Path(config.home), self.run_id)
            self.run_id = tracking.open_run(
                self.uri,
                config.tracking.artifacts,
                config.name,
                out.name,
                {"label": label, **self._held.tags},
                self.patience,
            )
        except tracking.TrackingError as error:
            if self._held:  # of a run that never began
                self._held.drop()
                self._held = None
            self._give_up(error)

    def log(self) -> None:
        """Log the finished folder: parameters, metrics and files."""
        if self.uri is None:
            return
        from forecast import tracking

        what = contents(finished.read(self._out))
        try:
            tracking.log_results(self.uri, self.run_id, **what, patience=self.patience)
        except tracking.TrackingError as error:
            self._give_up(error)

    def close(self, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """End the MLflow run, or leave a note how it ended."""
        if self._held is None:
            return
        from forecast import tracking

        if self.uri is not None:
            try:
                tracking.close_run(self.uri, self.run_id, status, self.patience)
                self._held.drop()
                return
            except tracking.TrackingError as error:
                self._give_up(error)
        self._held.leave(status)

    def _give_up(self, error: Exception) -> None:
        self.notes.append(
            f"MLflow does not know this run, or not all of it: {error}; nothing else "
            f"is lost, and `forecast track {self._out}` files it"
        )
        self.uri = None


@contextmanager
def run(config: DictConfig, out: Path) -> Iterator[Tracker]:
    """Open an MLflow run, and close it by how the block ends."""
    tracker = Tracker(config, out)
    try:
        yield tracker
    except KeyboardInterrupt:
        if tracker.uri:
            tracker.patience.hurry(HURRY)
        tracker.close("KILLED")
        raise
    except BaseException:
        tracker.close("FAILED")
        raise
    tracker.close("FINISHED")


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
    what = contents(run)
    tracking.log_results(uri, logged_as, **what, patience=patience)
    tracking.close_run(uri, logged_as, "FINISHED", patience, what["at"])
    return logged_as, True


def contents(run: Run) -> dict[str, Any]:
    """What there is to log of a finished run, as `tracking.log_results` takes it."""
    metrics = _table(run.folder / "metrics.csv", Metrics)
    truth = run.folder / "truth.csv"
    known = _table(truth, KnownTruth) if truth.is_file() else None
    return {
        "params": run.config,
        "metrics": beside(metrics, known),
        "models": {**run.config["baselines"], **run.config["models"]},
        "published": run.account["published"],
        "folder": run.folder,
        "at": milliseconds(run.account["finished"]),
    }


def _table(path: Path, schema: type[S]) -> dy.DataFrame[S]:
    """A table of a finished run, of the types that it had."""
    types = schema.create_empty().schema
    try:
        # a folder may bear signs that would be taken for a pattern
        frame = pl.read_csv(path, schema_overrides=types, glob=False)
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
        return [f"MLflow does not know this comparison: {error}"]
    return []
