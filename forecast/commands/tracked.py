"""Track a run in MLflow, and let no trouble of the tracker touch the run itself."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dataframely as dy
from omegaconf import DictConfig

from forecast.schema import Metrics


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
                self.uri, config.tracking.artifacts, config.name, name, tags
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
