"""Waiting for a lock that ends with the process that holds it, however that ends."""

import fcntl
import time
from typing import IO, Any


def wait(file: IO[Any], seconds: float) -> None:
    """Lock an open file for this process, once another has let go of it.

    Parameters
    ----------
    file : file
        Locked until it is closed; a process that inherits it holds it too.
    seconds : float
        To wait at most.

    Raises
    ------
    BlockingIOError
        If another process holds it all that time.

    Examples
    --------
    >>> from tempfile import TemporaryFile
    >>> with TemporaryFile() as file:
    ...     wait(file, 1.0)
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
