"""One job of a sweep: a run in a process of its own, which ends with the sweep.

It is `forecast run` with the words of the job, in a new interpreter, so that it leaves
what the same words leave when they are typed alone. It leads a group of processes, and
its standard input is a pipe that the sweep holds open: when the sweep is killed the
pipe closes, and the group ends itself.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from forecast import record
from forecast.commands import outcomes
from forecast.commands.tracked import UNDER

#: seconds that a job has to end by itself
PATIENCE = 0.7


@dataclass(frozen=True)
class Job:
    """A run that a sweep has to make."""

    number: int
    #: what a user would type after `forecast run`
    words: tuple[str, ...]
    #: where its result will lie
    folder: Path
    #: id of the sweep in MLflow, if it has one
    under: str = ""

    @property
    def log(self) -> Path:
        """What it prints."""
        return outcomes.log(self.folder)


def start(job: Job, hold: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start the process of a job.

    Parameters
    ----------
    job : Job
        Its log is written anew.
    hold : sequence of int
        Open files that the process keeps open while it lives.

    Returns
    -------
    subprocess.Popen
        Whose standard input must stay open for as long as the job is to live.
    """
    with job.log.open("wb") as log:
        return subprocess.Popen(  # noqa: S603  (our own module, no shell)
            [sys.executable, "-m", "forecast.commands.job", *job.words],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {UNDER: job.under},
            start_new_session=True,
            pass_fds=hold,
        )


def end(jobs: Mapping[Job, subprocess.Popen[bytes]]) -> None:
    """End jobs and all that they started: by SIGINT, and those left by SIGKILL."""
    for process in jobs.values():
        _signal(process, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    for job, process in jobs.items():
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()
        tidy(job, process)


def tidy(job: Job, process: subprocess.Popen[bytes]) -> None:
    """Remove what a process that has ended left: others of its group, half a folder."""
    _signal(process, signal.SIGKILL)
    if process.stdin:
        process.stdin.close()
    record.discard(job.folder)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # the group bears the number of its leader, and may outlive it
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _end_with_the_sweep() -> None:
    """Wait until the sweep is gone, then end the group of this process."""
    with suppress(OSError):
        # not through sys.stdin, whose lock would be held at the end of the interpreter
        while os.read(0, 1):
            pass
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Run the words of the command line as one job."""
    threading.Thread(target=_end_with_the_sweep, daemon=True).start()
    from forecast.__main__ import main as forecast

    sys.argv = ["forecast", "run", *sys.argv[1:]]
    return forecast()


if __name__ == "__main__":
    sys.exit(main())
