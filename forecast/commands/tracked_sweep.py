"""Track a sweep in MLflow; as with runs, no trouble of the tracker touches it."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from forecast import withheld
from forecast.commands.tracked import HURRY, Status

if TYPE_CHECKING:  # which costs 1.5 s
    from forecast.tracking import Held


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
        self._seconds = float(config.tracking.patience)
        self._held: Held | None = None
        if self.uri is None:
            return
        from forecast import tracking
        from forecast.tracking.sweeps import open_sweep

        try:
            self._held = tracking.hold(Path(config.home), uuid.uuid4().hex)
            self.run_id = open_sweep(
                self.uri,
                config.tracking.artifacts,
                experiment,
                name,
                {**tags, **self._held.tags},
                again,
                tracking.Patience(self._seconds),
            )
        except tracking.TrackingError as error:
            if self._held:
                self._held.drop()  # of a run that never began
            self._give_up(error)

    def above(self, config: DictConfig) -> str:
        """Id of the run above a job; none if the job goes to another store."""
        return (self.run_id or "") if config.tracking.uri == self.uri else ""

    def close(self, status: Status, table: Path, seconds: float | None = None) -> None:
        """End the MLflow run, or leave a note how it ended; in so many seconds."""
        if self.uri is None or self.run_id is None or self._held is None:
            return
        from forecast import tracking
        from forecast.tracking.sweeps import close_sweep

        patience = tracking.Patience(seconds or self._seconds)
        counts = {"jobs": self.jobs, "jobs_failed": self.failed}
        try:
            close_sweep(self.uri, self.run_id, status, counts, table, patience)
            self._held.drop()
        except tracking.TrackingError as error:
            self._give_up(error)
            self._held.leave(status)

    def _give_up(self, error: Exception) -> None:
        said = f"MLflow does not know this sweep, or not all of it: {error}"
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
        tracker.close("KILLED", table, HURRY)
        raise
    except BaseException:
        tracker.close("FAILED", table)
        raise
    tracker.close("FAILED" if tracker.failed else "FINISHED", table)
