"""A comparison in parts of the rows: strata down, runs across."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from forecast.report.where import KINDS, ordered
from forecast.report.words import nearest

#: a page of every country of every run would be read by nobody
NOT_SHOWN = ("country",)


def section(comparison: pl.DataFrame, titles: Mapping[str, str]) -> dict[str, Any]:
    """What the page of a comparison shows of strata.

    Parameters
    ----------
    comparison : Comparison
        Of one model of the reference.
    titles : mapping of str to str
        Of each run, in the order of the page.

    Returns
    -------
    dict
        `horizon` (30 days, or the one nearest), `runs` (titles) and `groups`: a kind of
        stratum each, with rows of `name`, `n`, `n_events` and `cells`, one a run.
        Empty where no stratum is scored.

    Examples
    --------
    >>> row = {"run": "b", "horizon": 30, "stratum": "region: Asia", "n": 90,
    ...        "metric": "skill", "value": 0.1, "lower": 0.02, "upper": 0.2,
    ...        "n_events": 20, "verdict": "better than"}
    >>> found = section(pl.DataFrame([row]), {"b": "seed=2"})
    >>> found["groups"][0][0], found["groups"][0][1][0]["name"]
    ('Region', 'Asia')
    """
    skill = comparison.filter(
        pl.col("metric") == "skill",
        pl.col("stratum") != "all",
        pl.col("value").is_not_null(),
    )
    if skill.is_empty():
        return {}
    horizon = nearest(skill["horizon"].unique())
    table = ordered(skill.filter(pl.col("horizon") == horizon)).filter(
        ~pl.col("kind").is_in(NOT_SHOWN)
    )
    return {
        "horizon": horizon,
        "runs": list(titles.values()),
        "groups": [
            (KINDS.get(kind, kind), _rows(part, list(titles)))
            for (kind,), part in table.group_by("kind", maintain_order=True)
        ],
    }


def _rows(part: pl.DataFrame, runs: Sequence[str]) -> list[dict[str, Any]]:
    """A stratum a row; a run that has no score there has no cell."""
    rows = []
    for (name,), of_name in part.group_by("name", maintain_order=True):
        cells = {cell["run"]: cell for cell in of_name.iter_rows(named=True)}
        first = next(iter(cells.values()))
        rows.append(
            {
                "name": name,
                "n": first["n"],
                "n_events": first["n_events"],
                "cells": [cells.get(run) for run in runs],
            }
        )
    return rows
