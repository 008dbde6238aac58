"""How long a tracker may keep a run waiting.

MLflow by itself tries a server that is down for 247 seconds, a locked file for 20 and
a database that is away for 100, at each call.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar, cast

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from forecast import withheld

P = ParamSpec("P")
T = TypeVar("T")
#: seconds that a run waits for its tracker, all in all
RUN = 10.0
#: seconds up to which a call is prompt, and does not count
PROMPT = 0.3
#: characters of an error that a person wants to read
LONGEST = 300


class TrackingError(RuntimeError):
    """A store that cannot take runs; the message names it and says why."""


class Patience:
    """Seconds that calls may take together; prompt ones are free.

    A call that is still at it when they are used up is left behind in its thread.

    Examples
    --------
    >>> patience = Patience(0.5)
    >>> patience(max, 1, 2)
    2
    >>> patience(time.sleep, 60)
    Traceback (most recent call last):
    forecast.tracking.patience.TrackingError: no answer within 0.5 s
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self.left = seconds

    def __call__(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function, and wait no longer than is left."""
        answer: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

        def work() -> None:
            try:
                answer.put((call(*args, **kwargs), None))
            except BaseException as error:
                answer.put((None, error))

        if self.left <= 0:
            raise self._over()
        began = time.monotonic()
        # a daemon: nobody waits for it when the command ends
        Thread(target=work, name="tracker", daemon=True).start()
        try:
            value, error = answer.get(timeout=self.left)
        except Empty:
            self.left = 0.0
            raise self._over() from None
        took = time.monotonic() - began
        self.left -= took if took > PROMPT else 0
        if error is not None:
            raise error
        return cast(T, value)

    def hurry(self, seconds: float) -> None:
        """Leave no more than so many seconds."""
        self.left = min(self.left, seconds)

    def _over(self) -> TrackingError:
        return TrackingError(f"no answer within {self.seconds:g} s")


class _Patient:
    """A client whose every call is made with patience, and fails in two ways alone."""

    def __init__(self, client: MlflowClient, patience: Patience) -> None:
        self._client, self._patience = client, patience

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._client, name)

        def call(*args: object, **kwargs: object) -> object:
            try:
                return self._patience(method, *args, **kwargs)
            except (MlflowException, TrackingError):
                raise
            # disks, networks and drivers have no common base
            except Exception as error:
                raise TrackingError(plain(error)) from error

        return call


def patient(client: MlflowClient, patience: Patience) -> MlflowClient:
    """Make every call of a client one that waits no longer than the patience lasts."""
    return cast(MlflowClient, _Patient(client, patience))


def plain(error: BaseException) -> str:
    r"""What a person wants to read of an error: what began it, in a line, no essay.

    Examples
    --------
    >>> plain(ValueError("database is locked\n[SQL: INSERT INTO runs …"))
    'database is locked'
    >>> error = MlflowException("API request to http://… failed with exception …")
    >>> error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    >>> plain(error)
    '[Errno 111] Connection refused'
    """
    said, inner = error, error.__cause__ or error.__context__
    while inner is not None:
        if isinstance(inner, OSError | sqlite3.Error):
            said = inner
        inner = inner.__cause__ or inner.__context__
    lines = str(said).strip().splitlines() or [type(said).__name__]
    return withheld.text(lines[0])[:LONGEST]


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Say of whatever goes wrong with a store what it kept from being done.

    Examples
    --------
    >>> with saying("no run could be started"):
    ...     raise MlflowException("the disk is full")
    Traceback (most recent call last):
    forecast.tracking.patience.TrackingError: no run could be started: the disk is full
    """
    try:
        yield
    except (MlflowException, TrackingError) as error:
        raise TrackingError(f"{what}: {plain(error)}") from error
