"""A folder in which one process works at a time."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast import locks
from forecast.raw import InputError

#: the file that is held, and seconds that others wait for it: what a killed process
#: started may outlive it for a moment
LOCK, PATIENCE = ".lock", 2.0


@contextmanager
def alone(path: Path) -> Iterator[int]:
    """Hold a folder against every other process.

    Parameters
    ----------
    path : Path
        The folder.

    Yields
    ------
    int
        The file that is held. A process that inherits it holds the folder too.

    Raises
    ------
    forecast.raw.InputError
        If another process holds it, or no lock can be written.
    """
    try:
        file = (path / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    with file:
        try:
            locks.wait(file, PATIENCE)
        except BlockingIOError:
            file.seek(0)
            raise InputError(f"{path}: at work in it: {file.read()}") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield file.fileno()
