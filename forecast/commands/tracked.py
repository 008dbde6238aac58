"""Track a run in MLflow, and let no trouble of the tracker touch the run itself."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.schema import Metrics

#: a variable that holds the id of the sweep in MLflow which a run is a job of
UNDER = "FORECAST_SWEEP_RUN"


class Tracker:
    """The MLflow run beside a run; after its first failure it only keeps a note."""

    def __init__(self, config: DictConfig, name: str) -> None:
        self.uri: str | None = config.tracking.uri
        self.run_id = uuid.uuid4().hex
        self.notes: list[str] = []
        self._published = str(config.published)
        if self.uri is None:
            return
        from forecast import tracking

        tags = {"label": str(config.collapse._target_).rpartition(".")[2]}
        try:
            self.run_id = tracking.open_run(
                self.uri,
                config.tracking.artifacts,
                config.name,
                name,
                tags,
                os.environ.get(UNDER),
            )
        except tracking.TrackingError as error:
            self._give_up(error)

    def log(
        self, params: Mapping[str, Any], metrics: dy.DataFrame[Metrics], folder: Path
    ) -> None:
        """Log parameters, metrics and files of a finished run."""
        if self.uri is None:
            return
        from forecast import tracking

        models = {**params["baselines"], **params["models"]}
        try:
            tracking.log_results(
                self.uri,
                self.run_id,
                params=params,
                metrics=metrics,
                models=models,
                published=self._published,
                folder=folder,
            )
        except tracking.TrackingError as error:
            self._give_up(error)

    def close(self, status: str) -> None:
        """End the MLflow run."""
        if self.uri is None:
            return
        from forecast import tracking

        try:
            tracking.close_run(self.uri, self.run_id, status)  # type: ignore[arg-type]
        except tracking.TrackingError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.notes.append(f"MLflow does not know this run: {error}")
        self.uri = None


@contextmanager
def run(config: DictConfig, name: str) -> Iterator[Tracker]:
    """Open an MLflow run, and close it by how the block ends."""
    tracker = Tracker(config, name)
    try:
        yield tracker
    except KeyboardInterrupt:
        tracker.close("KILLED")
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

    (first, *others) = scores.values()
    own = first.clear() if others else first
    children = scores if others else {}
    experiment, name = where
    try:
        run_id = tracking.open_run(uri, place, experiment, name, tags)
        tracking.log_comparison(uri, run_id, params=params, scores=own, folder=folder)
        for title, rows in children.items():
            under = {tracking.PARENT: run_id}
            child = tracking.open_run(uri, place, experiment, title, under)
            tracking.log_comparison(uri, child, params={}, scores=rows)
            tracking.close_run(uri, child, "FINISHED")
        tracking.close_run(uri, run_id, "FINISHED")
    except tracking.TrackingError as error:
        return [f"MLflow does not know this comparison: {error}"]
    return []
