"""Which training rows stand behind what a model chose while it was fitted.

A model that calibrates, stacks, weighs or searches chooses by some of the rows that it
is given. It says so in ``choices_``: a list of ``(what, rows)``, the rows as positions
in the ``X`` that it was fitted on, or of ``(what, rows, picked, tried)``, with what was
chosen in words and among how many. A model that chooses nothing has no such attribute,
and one that does not say what it chooses is not found out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

KEYS = ["truce_id", "origin"]


@dataclass(frozen=True)
class Choice:
    """One choice of a model at a cutoff.

    Parameters
    ----------
    model : str
    cutoff : date
    what : str
        What was chosen, in the model's words: "calibration", "weights", "search".
    n : int
        Rows that it rests on.
    digest : str
        Of their keys, in any order; empty where they are no rows of the training.
    trouble : str
        What is wrong with the rows; empty where nothing is.
    picked : str
        What it came to, in words; empty where the model does not say.
    tried : int
        How many candidates were looked at; 0 where the model does not say.
    """

    model: str
    cutoff: date
    what: str
    n: int
    digest: str
    trouble: str
    picked: str = ""
    tried: int = 0


Told = Callable[[Choice], None]


def choices(
    fitted: Any, name: str, cutoff: date, train: pl.DataFrame, test: pl.DataFrame
) -> list[Choice]:
    """Read what a fitted model says of its choices, and hold it against the fold.

    Parameters
    ----------
    fitted : estimator
        With or without ``choices_``.
    name : str
        Of the model.
    cutoff : date
        The first morning that the fold forecasts.
    train, test : pl.DataFrame
        Panel rows, ``train`` in the order in which the model was fitted on them.

    Returns
    -------
    list of Choice
        Rows behind a choice must be of the training, be seen to their end before the
        cutoff, and not be among those that are tested.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> rows = pl.DataFrame({"truce_id": ["a", "a"], "duration": [3, 9],
    ...                      "origin": [date(2019, 12, 1), date(2019, 12, 28)]})
    >>> model = SimpleNamespace(choices_=[("weights", [0]), ("search", [0, 1])])
    >>> found = choices(model, "stack", date(2020, 1, 1), rows, rows.clear())
    >>> [(choice.what, choice.n, choice.trouble) for choice in found]
    [('weights', 1, ''), ('search', 2, '1 of its rows end on the cutoff or later')]
    """
    return [
        choice(name, cutoff, train, test, str(what), np.asarray(rows), *said)
        for what, rows, *said in getattr(fitted, "choices_", ())
    ]


def choice(
    name: str,
    cutoff: date,
    train: pl.DataFrame,
    test: pl.DataFrame,
    what: str,
    rows: npt.NDArray[Any],
    picked: str = "",
    tried: int = 0,
) -> Choice:
    """Hold one choice against the fold that it was made in; see :func:`choices`.

    Parameters
    ----------
    name, cutoff, train, test
        See :func:`choices`.
    what, picked, tried
        See :class:`Choice`.
    rows : int array
        Positions in ``train`` of the rows that it rests on.

    Returns
    -------
    Choice
    """
    judged = _judged(rows, cutoff, train, test)
    return Choice(name, cutoff, what, *judged, picked, tried)


def _judged(
    rows: npt.NDArray[Any], cutoff: date, train: pl.DataFrame, test: pl.DataFrame
) -> tuple[int, str, str]:
    """Number, digest and trouble of the rows at positions of the training."""
    if not rows.size:
        return 0, "", "it names no rows"
    whole = np.issubdtype(rows.dtype, np.integer) and rows.ndim == 1
    if not whole or rows.min() < 0 or rows.max() >= train.height:
        return rows.size, "", "it names rows that the model was not given"
    used = train[np.unique(rows)]
    last = pl.col("origin") + pl.duration(days=pl.col("duration") - 1)
    tested = used.join(test, on=KEYS, how="semi").height
    late = used.filter(last >= cutoff).height
    trouble = [
        *([f"{tested} of its rows are tested"] if tested else []),
        *([f"{late} of its rows end on the cutoff or later"] if late else []),
    ]
    return used.height, digest(used), " and ".join(trouble)


def digest(rows: pl.DataFrame) -> str:
    """Digest of the keys of panel rows, whatever their order.

    Examples
    --------
    >>> rows = pl.DataFrame({"truce_id": ["a", "b"], "origin": [date(2020, 1, 1)] * 2})
    >>> digest(rows) == digest(rows.reverse()) != digest(rows.head(1))
    True
    """
    keys = rows.select(KEYS).unique().sort(KEYS)
    return sha256(keys.write_ndjson().encode()).hexdigest()
