"""One thread for linear algebra, so that no result hangs on the number of cores.

A sum that is cut in two for two threads is rounded otherwise than in one piece.
"""

from collections.abc import Iterator
from contextlib import contextmanager

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
