"""Where the jobs of a sweep run: on this machine, or on a cluster.

A launcher takes jobs and yields (job, None) when one begins and (job, code) when it has
ended, with its exit code, or less the number of the signal that killed it. Closed
early, it ends what still runs. `launcher=NAME` chooses one.
"""

import signal
import subprocess
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from forecast.commands.hydra_node import leaves, shell
from forecast.commands.job import PATIENCE, Job, end, start, tidy
from forecast.raw import InputError

#: seconds between two looks at the jobs, here and on a cluster
POLL, POLL_CLUSTER = 0.1, 5.0
Events = Generator[tuple[Job, int | None]]


def processes(jobs: Sequence[Job], hold: Sequence[int], *, at_once: int) -> Events:
    """Run jobs as processes of this machine.

    Parameters
    ----------
    jobs : sequence of Job
        In the order in which they start.
    hold : sequence of int
        Open files that each process keeps open while it lives.
    at_once : int
        How many run side by side.

    Yields
    ------
    Job, int or None
        See the module.
    """
    waiting, running = deque(jobs), dict[Job, subprocess.Popen[bytes]]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.popleft()
                running[job] = start(job, hold)
                yield job, None
            time.sleep(POLL)
            for job in [job for job, p in running.items() if p.poll() is not None]:
                process = running.pop(job)
                tidy(job, process)
                yield job, process.returncode
    finally:
        end(running)


def slurm(
    jobs: Sequence[Job],
    hold: Sequence[int],  # noqa: ARG001  (files of this machine mean nothing there)
    *,
    at_once: int,
    cluster: str,
    timeout_min: int,
    cpus_per_task: int,
    mem_gb: float,
    more: Mapping[str, Any],
) -> Events:
    """Run jobs on a Slurm cluster, by submitit; the folder must be one that it shares.

    Parameters
    ----------
    jobs, hold
        See :func:`processes`; nothing is held open.
    at_once : int
        How many the cluster may run side by side.
    cluster : {"slurm", "local"}
        local runs what would be submitted as processes of this machine, all at once.
    timeout_min, cpus_per_task, mem_gb
        What each job may use.
    more : mapping
        Other parameters of submitit's executor, such as ``slurm_partition``.

    Yields
    ------
    Job, int or None
        See the module. A job that the cluster ended, for its time or its memory, was
        killed.

    Raises
    ------
    forecast.raw.InputError
        If submitit is not installed, or there is no such cluster.
    """
    parameters = {
        "timeout_min": timeout_min,
        "cpus_per_task": cpus_per_task,
        "mem_gb": mem_gb,
        "slurm_array_parallelism": at_once,
    }
    submitted = _submit(jobs, cluster, parameters | dict(more))
    begun: set[Job] = set()
    try:
        while submitted:
            time.sleep(POLL if cluster == "local" else POLL_CLUSTER)
            for job, task in list(submitted.items()):
                if job not in begun and job.log.exists():
                    begun.add(job)
                    yield job, None
                if task.done():
                    del submitted[job]
                    yield job, _code(task)
    finally:
        _cancel(submitted)


def call(job: Job) -> int:
    """Run a job from a process of the cluster; returns its code."""
    process = start(job)
    try:
        return process.wait()
    finally:
        end({job: process})


def _submit(
    jobs: Sequence[Job], cluster: str, parameters: Mapping[str, Any]
) -> dict[Job, Any]:
    for key, value in leaves(parameters, "launcher.more"):
        for why in shell(key, value):
            raise InputError(why)
    try:
        import submitit
    except ImportError as error:
        raise InputError(
            "launcher=slurm needs submitit: pip install 'truce-forecast[slurm]'"
        ) from error
    folder = jobs[0].folder.parent / ".submitit"
    try:
        executor = submitit.AutoExecutor(folder, cluster=cluster)
        executor.update_parameters(**parameters)
        with executor.batch():
            tasks = [executor.submit(call, job) for job in jobs]
    except (NameError, RuntimeError, ValueError) as error:
        raise InputError(f"launcher=slurm, cluster={cluster}: {error}") from error
    return dict(zip(jobs, tasks, strict=True))


def _code(task: Any) -> int:
    import submitit

    try:
        return int(task.result())
    except submitit.core.utils.UncompletedJobError:
        return -signal.SIGKILL


def _cancel(submitted: Mapping[Job, Any]) -> None:
    for task in submitted.values():
        with suppress(OSError, subprocess.CalledProcessError):
            task.cancel()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if all(task.done() for task in submitted.values()):
            break
        time.sleep(POLL)
