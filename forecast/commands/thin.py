"""Truces of which a series tells too little, and those that are in force no more."""

from datetime import date, timedelta
from math import ceil
from typing import Any

import polars as pl
from omegaconf import DictConfig

from forecast.backtest import KEYS
from forecast.collapse.window import before, of_dyads
from forecast.commands.data import Data
from forecast.commands.settings import KNOWN_RULES
from forecast.commands.study import label

#: truces that are told of one by one
MOST = 3


def thin(
    config: DictConfig, in_force: pl.DataFrame, features: pl.DataFrame, data: Data
) -> list[str]:
    """Say where a rule of deaths sees quiet because the coding tells no deaths.

    Parameters
    ----------
    config : DictConfig
        With the rule.
    in_force : pl.DataFrame
        The origins that are scored.
    features : pl.DataFrame
        Of these origins, `recent` among them; without it nothing can be said.
    data : Data
        For the names of truces.

    Returns
    -------
    list of str
        A few words on each truce without any deaths since the start, if there are
        hostile events of its parties, or no deaths before either: on the first three,
        and how many more there are.
    """
    needed = ["recent_events_since_start", "recent_deaths_since_start"]
    if label(config) not in KNOWN_RULES or not {*needed} <= {*features.columns}:
        return []
    events, deaths = map(pl.col, needed)
    names = data.truces.select("truce_id", "name")
    found = (
        in_force.join(features.select(*KEYS, *needed), on=KEYS)
        .join(names, on="truce_id")
        .filter((deaths == 0) & ((events > 0) | (pl.col("level") == 0)))
        .sort("truce_id")
    )
    said = [_said(row, needed[0]) for row in found.head(MOST).iter_rows(named=True)]
    if found.height > MOST:
        said.append(f"the same holds for {found.height - MOST} more truces")
    return said


def _said(row: dict[str, Any], events: str) -> str:
    n = row[events]
    if not n:
        return (
            f"{row['name']}: a thin series. No hostile event of the parties is known "
            "since the start, and no deaths before it: little but age makes the risk"
        )
    before = ", nor any deaths before it" if row["level"] == 0 else ""
    return (
        f"{row['name']}: a thin series. {n} hostile event{'s' if n > 1 else ''} of the "
        f"parties since the start without a number of deaths{before}: a rule that "
        f"waits for {ceil(row['threshold'])} deaths has seen none"
    )


def few(
    config: DictConfig, in_force: pl.DataFrame, data: Data, learnt_from: int
) -> list[str]:
    """Say which truces have fewer events before the start than the model is used to.

    Parameters
    ----------
    config : DictConfig
        With the days before a start that count.
    in_force : pl.DataFrame
        The origins that are scored.
    data : Data
        Events and names of truces.
    learnt_from : int
        Events that each truce had of those the model was fitted on.

    Returns
    -------
    list of str
        One line, with the first three names, or none.
    """
    days = config.panel.before_days
    truces = data.truces.join(in_force, on="truce_id", how="semi")
    counts = before(of_dyads(truces, data.decisive), days).group_by("truce_id").len("n")
    found = (
        truces.join(counts, on="truce_id", how="left")
        .with_columns(pl.col("n").fill_null(0))
        .filter(pl.col("n") < learnt_from)
        .sort("truce_id")
        .select("name", "n")
    )
    if found.is_empty():
        return []
    return [
        f"few events: the model was fitted on truces with {learnt_from} or more in the "
        f"{days} days before the start; {_first(found)} had fewer"
    ]


def over(gone: pl.DataFrame, as_of: date, max_age_days: int) -> list[str]:
    """Say which truces are not scored although they are young enough, and why.

    Parameters
    ----------
    gone : pl.DataFrame
        From :func:`forecast.gone.gone`.
    as_of : date
        The morning.
    max_age_days : int
        The oldest age of a truce that is scored.

    Returns
    -------
    list of str
        One line, with the three that began last, or none.

    Examples
    --------
    >>> row = {"name": "A", "start": date(2020, 1, 1), "why": "recorded as ended"}
    >>> over(pl.DataFrame([row]), date(2020, 3, 1), 365)
    ['in force no more, so not scored: A (recorded as ended)']
    >>> over(pl.DataFrame([row]), date(2022, 3, 1), 365)
    []
    """
    young = gone.filter(pl.col("start") >= as_of - timedelta(days=max_age_days))
    if young.is_empty():
        return []
    told = _first(young.select("name", "why"))
    return [f"in force no more, so not scored: {told}"]


def _first(found: pl.DataFrame) -> str:
    """The first few names with what is said of each, and how many more there are."""
    named = ", ".join(f"{name} ({what})" for name, what in found.head(MOST).rows())
    more = f" and {found.height - MOST} more" if found.height > MOST else ""
    return named + more
