"""Duplicated models: two names for one configuration count one opinion twice."""

from itertools import combinations
from typing import Any

import polars as pl

from forecast.audits import FAULT, HELD, NOT_APPLICABLE, Finding, Run


def duplicated(run: Run) -> list[Finding]:
    """Look for models of the same class and settings that see the same columns.

    Settings that are written otherwise and do the same are seen by
    :func:`forecast.audits.identical.identical`, if at all.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.

    Returns
    -------
    list of Finding
        One a pair of models that are one.
    """
    if len(run.models) < 2:
        return [Finding("models", NOT_APPLICABLE, "there is one model only")]
    made = {name: configuration(*parts) for name, parts in run.models.items()}
    faults = [
        Finding(f"{a}, {b}", FAULT, "they have the same settings and columns")
        for a, b in combinations(sorted(made), 2)
        if made[a] == made[b]
    ]
    held = f"{len(made)} models are set otherwise each"
    return faults or [Finding("models", HELD, held)]


def configuration(model: Any, features: pl.DataFrame) -> tuple[Any, ...]:
    """Class and settings of an estimator, those of its parts too, and its columns."""
    settings = {
        name: type(value) if hasattr(value, "get_params") else repr(value)
        for name, value in model.get_params(deep=True).items()
    }
    return type(model), settings, features.columns
