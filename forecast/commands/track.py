"""`forecast track`: file finished runs in MLflow that it does not know."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from forecast import withheld
from forecast.commands import filed, finished, named, settings
from forecast.raw import InputError

EXPLAINED = """\
forecast track RUN [RUN]... [KEY=VALUE]...

RUN is the folder of a finished run, or the run_id in its run.json. What MLflow lacks
of it is filed: all of it, or the rest where a run was cut short in its logging. A run
that is there already is left as it is."""


def main(overrides: Sequence[str]) -> int:
    """Run the command; returns its exit code."""

    def problem(runs: Sequence[str]) -> str | None:
        return None if runs else "expected a run"

    return named.call("track", overrides, _usage, problem, track)


def _usage() -> str:
    return named.usage("track", EXPLAINED)


def track(config: DictConfig) -> int:
    """File the runs of a configuration; 1 where the store could not take one."""
    settings.check(config)
    uri = config.tracking.uri
    if uri is None:
        raise InputError("tracking=none: expected a store that runs are filed in")
    home = Path(config.home).resolve()
    runs = finished.find(list(config.runs), home, None)
    # read at each call: a server may take its time here
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    # costs 1.5 s, which words that name no run should not
    from forecast.tracking import TrackingError

    for run in runs:
        try:
            run_id, fresh = filed.file(config, run)
        except TrackingError as error:
            said = withheld.text(f"{run.folder}: {error}")
            print(f"forecast track: {said}", file=sys.stderr)
            return 1
        said = "filed" if fresh else "was there already"
        print(f"{run.folder}: {said}, run {run_id} in {uri}")
    return 0
