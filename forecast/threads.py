"""Threads and processes, so that no result hangs on the number of cores.

A sum that is cut in two for two threads is rounded otherwise than in one piece.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS and OpenMP to one thread.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {pool["num_threads"] for pool in threadpool_info()}
    {1}
    """
    # their own libraries must have been loaded to be limited
    import sklearn.ensemble  # noqa: F401

    with threadpool_limits(1):
        yield


def side_by_side(tasks: Iterator[Any], jobs: int) -> Iterator[Any]:
    """What tasks return, in their order, on so many processes.

    Parameters
    ----------
    tasks : iterator
        Calls that wait, see :func:`joblib.delayed`.
    jobs : int
        Processes; -1: one a core. With 1 there is no other process.

    Examples
    --------
    >>> from joblib import delayed
    >>> list(side_by_side((delayed(pow)(i, 2) for i in range(3)), 1))
    [0, 1, 4]
    """
    if jobs == 1:
        return (call(*args, **kwargs) for call, args, kwargs in tasks)
    from multiprocessing import resource_tracker

    from joblib import Parallel

    # as it starts, it lets all interrupts through again
    resource_tracker.ensure_running()
    # processes are born with what is held back here: an interrupt is for this one,
    # which ends the others
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return iter(Parallel(n_jobs=jobs, return_as="generator")(tasks))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
