"""Track a sweep in MLflow; as with runs, no trouble of the tracker touches it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from omegaconf import DictConfig

from forecast import withheld

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Tracker:
    """The MLflow run above the jobs; after its first failure it only keeps a note."""

    def __init__(
        self,
        config: DictConfig,
        experiment: str,
        name: str,
        tags: Mapping[str, str],
        again: str | None,
    ) -> None:
        self.uri: str | None = config.tracking.uri
        self.run_id: str | None = None
        self.notes: list[str] = []
        #: how many jobs there are, and how many did not end well
        self.jobs = self.failed = 0
        if self.uri is None:
            return
        from forecast.tracking import TrackingError, sweeps

        place = config.tracking.artifacts
        try:
            self.run_id = sweeps.open_sweep(
                self.uri, place, experiment, name, tags, again
            )
        except TrackingError as error:
            self._give_up(error)

    def above(self, config: DictConfig) -> str:
        """Id of the run above a job; none if the job goes to another store."""
        return (self.run_id or "") if config.tracking.uri == self.uri else ""

    def close(
        self, status: Literal["FINISHED", "FAILED", "KILLED"], table: Path
    ) -> None:
        """End the MLflow run."""
        if self.uri is None or self.run_id is None:
            return
        from forecast.tracking import TrackingError, sweeps

        counts = {"jobs": self.jobs, "jobs_failed": self.failed}
        try:
            sweeps.close_sweep(self.uri, self.run_id, status, counts, table)
        except TrackingError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        said = f"MLflow does not know this sweep: {error}"
        self.notes.append(withheld.text(said))
        self.uri = None


@contextmanager
def tracked(
    config: DictConfig,
    experiment: str,
    table: Path,
    tags: Mapping[str, str],
    again: str | None,
) -> Iterator[Tracker]:
    """Open an MLflow run above jobs, and close it by how the block and the jobs end.

    Parameters
    ----------
    config : DictConfig
        Its ``tracking`` says where.
    experiment : str
        Its name.
    table : Path
        A file in the folder of the sweep, which names the run; kept as an artifact.
    tags : mapping of str to str
        Of the run.
    again : str or None
        Id of the run of a sweep that is resumed.

    Yields
    ------
    Tracker
        That is told how the jobs ended.
    """
    tracker = Tracker(config, experiment, table.parent.name, tags, again)
    try:
        yield tracker
    except KeyboardInterrupt:
        tracker.close("KILLED", table)
        raise
    except BaseException:
        tracker.close("FAILED", table)
        raise
    tracker.close("FAILED" if tracker.failed else "FINISHED", table)
