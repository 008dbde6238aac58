"""Training rows as they were given to a model, and what was fitted on them before.

Models that combine others share members: an ensemble, a choice and a hedge of the same
six would fit each of them three times. They are fitted one after the other on the same
rows, so what was made of the last training set is kept until another one comes. A model
is known by its class and settings, and rows by their content, so that no result depends
on it.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from forecast.ipcw import Target

KEYS = ["truce_id", "origin", "dyad_id"]


@dataclass(frozen=True)
class Given:
    """Training rows, and what was made of them so far."""

    X: pl.DataFrame
    y: Target
    #: ``truce_id``, ``origin`` and ``dyad_id`` of the rows, if the model was told
    rows: pl.DataFrame | None
    made: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def keys(self) -> pl.DataFrame:
        """Truces, origins and dyads of the rows.

        Raises
        ------
        ValueError
            If nothing is known of them.
        """
        if self.rows is None:
            raise ValueError(
                "to choose by some of its training rows a model must know their "
                "truce_id, origin and dyad_id: fit(X, y, rows)"
            )
        return self.rows


_last: list[Given] = []


def given(X: pl.DataFrame, y: Target, rows: pl.DataFrame | None) -> Given:
    """Training rows, with what was made of the same rows just before.

    Parameters
    ----------
    X, y
        As models are fitted on them.
    rows : pl.DataFrame or None
        Has ``truce_id``, ``origin`` and ``dyad_id``, in the order of ``X``.

    Returns
    -------
    Given

    Raises
    ------
    ValueError
        If ``rows`` is not as long as ``X``.
    """
    if rows is not None and rows.height != X.height:
        raise ValueError(f"{X.height} rows of features, but keys of {rows.height}")
    now = Given(X.clone(), y.copy(), None if rows is None else rows.select(KEYS))
    if not (_last and _same(_last[0], now)):
        _last[:] = [now]
    return _last[0]


def once(data: Given, key: Hashable, make: Callable[[], Any]) -> Any:
    """What was made of training rows under a key; made now if it was not."""
    if key not in data.made:
        data.made[key] = make()
    return data.made[key]


def fitted(model: Any, data: Given) -> Any:
    """Clone of a model, fitted; the one of before if the same was asked for."""
    key = ("fitted", described(model))
    return once(data, key, lambda: fit(model, data.X, data.y, data.rows))


def fit(model: Any, X: pl.DataFrame, y: Target, rows: pl.DataFrame | None) -> Any:
    """Fit a clone of a model, which is told of the rows if it asks for them."""
    named = {"rows": rows} if has_fit_parameter(model, "rows") else {}
    return clone(model).fit(X, y, **named)


def seeded(model: Any, horizons: Any, random_state: int) -> Any:
    """Clone of a member with the horizons and the seed of the model that it is in."""
    return clone(model).set_params(horizons=tuple(horizons), random_state=random_state)


def described(value: Any) -> Hashable:
    """What a setting is; for a model its class and all settings, to tell it by.

    Examples
    --------
    >>> from forecast.models.baselines import BaseRate
    >>> described(BaseRate((7,))) == described(BaseRate([7])) != described(BaseRate())
    True
    """
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value), described(value.get_params(deep=False))
    if isinstance(value, Mapping):
        return tuple((name, described(part)) for name, part in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(described(part) for part in value)
    # what cannot be compared is like nothing else
    return (type(value), value) if isinstance(value, Hashable) else object()


def _same(a: Given, b: Given) -> bool:
    if (a.rows is None) != (b.rows is None) or a.X.schema != b.X.schema:
        return False
    rows = a.rows is None or b.rows is None or a.rows.equals(b.rows)
    return rows and np.array_equal(a.y, b.y) and a.X.equals(b.X)
