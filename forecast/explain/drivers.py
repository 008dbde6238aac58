"""Reasons in the words of an analyst, with what the model knows of each."""

from collections.abc import Callable, Mapping, Sequence

import dataframely as dy
import polars as pl

from forecast.explain.groups import (
    BREACHES,
    COURSE,
    DEATHS,
    FORCE,
    OUTSIDERS,
    TALKS,
    TERMS,
)
from forecast.schema import Reasons

#: drivers of a risk, at most, and points of the smallest
MOST, LEAST = 4, 0.5
#: what stands where no group moves the risk so far
NONE = "no reason of half a point"
MINUS = "\N{MINUS SIGN}"
#: days since an event that stand for "never"
NEVER = 365
KEYS = ("as_of", "truce_id", "horizon_days", "model")
#: where it is the only column of its group, the term is all that moves the risk there
LEFT = "design_days_left"


def drivers(reasons: dy.DataFrame[Reasons]) -> pl.DataFrame:
    """Largest reasons of each risk, in words and whole percentage points.

    Parameters
    ----------
    reasons : dy.DataFrame[Reasons]

    Returns
    -------
    pl.DataFrame
        The key of a risk score, and ``drivers``: at most four groups, of half a point
        or more, largest first.

    Examples
    --------
    >>> from datetime import date
    >>> row = {"as_of": date(2016, 4, 7), "truce_id": "t", "horizon_days": 30,
    ...        "model": "m", "reference_risk": 0.1, "risk": 0.148}
    >>> told = [("talks", "talks (broken off)", 6.7), ("reporting", "reporting", -1.5),
    ...         ("violence around", "violence around", -0.4)]
    >>> frame = pl.DataFrame(
    ...     [row | dict(zip(("group", "words", "points"), t)) for t in told])
    >>> drivers(Reasons.validate(frame, cast=True))["drivers"].to_list()
    ['talks (broken off) +7, reporting −2']
    """
    size = pl.col("points").abs()
    whole = (size + 0.5).floor().cast(pl.Int64)
    sign = pl.when(pl.col("points") > 0).then(pl.lit("+")).otherwise(pl.lit(MINUS))
    told = (
        reasons.filter(size >= LEAST)
        .with_columns(size=size, said=pl.format("{} {}{}", "words", sign, whole))
        .sort(*KEYS, "size", "group", descending=[False] * 4 + [True, False])
        .group_by(KEYS, maintain_order=True)
        .agg(pl.col("said").head(MOST).str.join(", ").alias("drivers"))
    )
    every = reasons.select(KEYS).unique(maintain_order=True)
    return every.join(told, on=KEYS, how="left", maintain_order="left").with_columns(
        pl.col("drivers").fill_null(NONE)
    )


def words(
    groups: Mapping[str, Sequence[str]], X: pl.DataFrame, label: str
) -> dict[str, pl.Series]:
    """Name each group for each row, with its state where the model sees it.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        Columns of each group.
    X : pl.DataFrame, shape (n, p)
        What the model sees; null means not known.
    label : str
        Name of the collapse rule: one that counts breaches counts no deaths.

    Returns
    -------
    dict of str to pl.Series
        Of n texts.

    Examples
    --------
    >>> X = pl.DataFrame({"design_days_left": [5, None], "talks_halted": [1, 0]})
    >>> groups = {TERMS: ["design_days_left"], TALKS: ["talks_halted"]}
    >>> [told.to_list() for told in words(groups, X, "resumption").values()]
    [['term ends in 5 days', 'no term known'], ['talks (broken off)', 'talks']]
    """
    found = {}
    for group, own in groups.items():
        name = group
        if group == DEATHS and label == "violations":
            name = "violations in the window"
        state = STATES[group](own) if group in STATES else None
        said = pl.lit(name)
        if group == TERMS and list(own) == [LEFT]:
            said = pl.format("term {}", _left(own)).fill_null("no term known")
        elif state is not None:
            said = pl.format("{} ({})", pl.lit(name), state).fill_null(name)
        found[group] = X.select(*own, said=said)["said"]
    return found


def _number(column: str) -> pl.Expr:
    """A column in whole numbers."""
    return (pl.col(column).cast(pl.Float64) + 0.5).floor().cast(pl.Int64)


def _filled(own: Sequence[str]) -> pl.Expr | None:
    """How far the window of the rule is filled."""
    there = [c for c in ("recent_filled", "recent_share_30d") if c in own]
    if not there:
        return None
    share = (100 * pl.col(there[0]).cast(pl.Float64) + 0.5).floor().cast(pl.Int64)
    return (
        pl.when(pl.col(there[0]) == 0)
        .then(pl.lit("none"))
        .otherwise(pl.format("{}% of the threshold", share))
    )


def _last(own: Sequence[str]) -> pl.Expr | None:
    """When the parties last fought."""
    if "recent_days_since_last" not in own:
        return None
    days = _number("recent_days_since_last")
    return (
        pl.when(days >= NEVER)
        .then(pl.lit("no hostile event in a year"))
        .when(days == 1)
        .then(pl.lit("last hostile event yesterday"))
        .otherwise(pl.format("last hostile event {} days ago", days))
    )


def _left(own: Sequence[str]) -> pl.Expr | None:
    """When the term ends."""
    if LEFT not in own:
        return None
    days = _number(LEFT)
    return (
        pl.when(days < 1)
        .then(pl.lit("over"))
        .when(days == 1)
        .then(pl.lit("ends today"))
        .otherwise(pl.format("ends in {} days", days))
    )


def _talks(own: Sequence[str]) -> pl.Expr | None:
    """Whether talks are broken off, or when they go on."""
    state = pl.lit(None, pl.String)
    if "talks_days_to_due" in own:
        days = _number("talks_days_to_due")
        soon = pl.when(days == 0).then(pl.lit("today"))
        state = soon.otherwise(pl.format("in {} days", days))
    if "talks_halted" in own:
        halted = pl.col("talks_halted").cast(pl.Float64) == 1
        state = pl.when(halted).then(pl.lit("broken off")).otherwise(state)
    return state


def _counted(*columns: str) -> Callable[[Sequence[str]], pl.Expr | None]:
    """How many there were in a month, if any."""

    def state(own: Sequence[str]) -> pl.Expr | None:
        if not {*columns} <= {*own}:
            return None
        n = pl.sum_horizontal(_number(c) for c in columns)
        return pl.when(n > 0).then(pl.format("{} in 30 days", n))

    return state


#: what is told of a group beside its name: a state that its columns give for sure
STATES: dict[str, Callable[[Sequence[str]], pl.Expr | None]] = {
    DEATHS: _filled,
    COURSE: _last,
    FORCE: _counted("kinds_strike_30d", "kinds_offensive_30d"),
    BREACHES: _counted("kinds_threat_30d", "kinds_violation_30d"),
    OUTSIDERS: _counted("outsiders_attacks_30d"),
    TALKS: _talks,
    TERMS: _left,
}
