"""Features: what was known of a truce on the morning of an origin.

A feature is a function ``f(panel, events, truces, **settings)``. The panel comes
without what happened after the origins, ``event`` and ``duration``; ``events`` are
linked events (:func:`forecast.link.linked`). It returns the keys of the panel and
numeric columns named ``FEATURE_what_WINDOWd``, one row an origin. A null means "not
known".

The docstring is the codebook: its section *Returns* has an entry a column (``NAME :
UNIT``, ``<W>`` in the name for each number or word of a setting), a formula in which
``o`` is the origin and ``e`` the last day of an event, and at the end "Null:" and when;
its section *References* names the sources. ``docs/features.md`` is made of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dataframely as dy
import polars as pl

from forecast.raw import InputError
from forecast.schema import Panel, Truces

KEYS = ("truce_id", "origin")
#: what happened after the origin: no feature is given these columns of the panel
OUTCOME = ("event", "duration")
Feature = Callable[
    [dy.DataFrame[Panel], pl.DataFrame, dy.DataFrame[Truces]], pl.DataFrame
]


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Part of a whole; null where there is nothing of the whole.

    Examples
    --------
    >>> shares = pl.DataFrame({"heavy": [1, 0], "armed": [4, 0]})
    >>> shares.select(ratio(pl.col("heavy"), pl.col("armed"))).to_series().to_list()
    [0.25, None]
    """
    return pl.when(whole > 0).then(part / whole)


def compute(
    features: Mapping[str, Feature],
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
) -> pl.DataFrame:
    """Compute features and lay them side by side.

    Parameters
    ----------
    features : mapping of str to callable
        Feature functions by name.
    panel, events, truces
        Origins, linked events, and all records of truces. Features are not given the
        outcomes in the panel, so that none can leak them.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``origin`` and all columns, in the order of the panel.

    Raises
    ------
    forecast.raw.InputError
        If a feature returns other rows than the panel has, a column that is not
        numeric or does not begin with the feature's name, or a column twice.
    """
    keys = panel.select(KEYS)
    origins: Any = panel.drop(OUTCOME)
    frames, taken = [keys], set(KEYS)
    for name, feature in features.items():
        frame = feature(origins, events, truces)
        columns = [c for c in frame.columns if c not in KEYS]
        if not {*KEYS} <= {*frame.columns}:
            raise InputError(
                f"feature {name!r}: its columns are {', '.join(frame.columns)}; "
                f"expected {', '.join(KEYS)} and its own"
            )
        if not frame.select(KEYS).equals(keys):
            raise InputError(f"feature {name!r}: its rows are not those of the panel")
        for column in columns:
            dtype = frame.schema[column]
            if not (dtype.is_numeric() or dtype == pl.Boolean):
                raise InputError(f"feature {name!r}: {column} is {dtype}, not a number")
            if not column.startswith(f"{name}_"):
                raise InputError(f"feature {name!r}: {column} lacks its name in front")
            if column in taken:
                raise InputError(f"feature {name!r}: {column} is another's already")
        taken.update(columns)
        frames.append(frame.select(columns))
    return pl.concat(frames, how="horizontal")
