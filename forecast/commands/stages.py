"""Progress on a terminal, silence elsewhere, and how long each stage took."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Stages:
    """The stages of a command: one bar each on a terminal, and their seconds.

    Examples
    --------
    >>> with Stages() as stages:
    ...     with stages("load"):
    ...         pass
    >>> list(stages.seconds)
    ['load']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = Progress(
            TextColumn("{task.description:10}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            console=Console(),
            disable=not sys.stdout.isatty(),
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @contextmanager
    def __call__(self, name: str, steps: int = 1) -> Iterator[Callable[..., None]]:
        """Time a stage; it is told of each of its steps."""
        task = self._progress.add_task(name, total=steps)
        began = time.perf_counter()
        yield lambda *_: self._progress.advance(task)
        self.seconds[name] = round(time.perf_counter() - began, 3)
        self._progress.update(task, completed=steps)
