"""What forecasts give to a user who must decide: alarms, true and false.

Two errors describe a series of alarms: the share of time under alarm, and the share of
events that came without one (Molchan 1991, *Tectonophysics* 193). Moving the level
trades one for the other; guessing keeps their sum at 1 (Zechar & Jordan 2008,
*Geophysical Journal International* 172). Which level to take is a matter of price, see
:mod:`forecast.costs`.
"""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.panel import COLLAPSE
from forecast.schema import ALARM_RULES, Alarms, Panel, Predictions

LEVELS = (0.01, 0.02, *(n / 20 for n in range(1, 20)))
WATCHED = (1, 3, 5, 10)
GROUP = ["model", "horizon"]
DAYS_A_YEAR = 365.25
#: calendar weeks begin on Mondays
WEEK = pl.col("origin").dt.truncate("1w")


def alarms(
    predictions: dy.DataFrame[Predictions],
    panel: dy.DataFrame[Panel],
    *,
    levels: Sequence[float] = LEVELS,
    watched: Sequence[int] = WATCHED,
    step_days: int = 7,
) -> dy.DataFrame[Alarms]:
    """Judge the warnings that follow from forecasts by two rules.

    ``level`` warns where the risk reaches a level. ``watch`` warns each calendar week,
    from Monday, on so many truces of highest risk; of equal ones, on the first by
    ``truce_id``. A truce with several origins in a week enters with the latest.

    Parameters
    ----------
    predictions : dy.DataFrame[Predictions]
        One forecast an origin, model and horizon.
    panel : dy.DataFrame[Panel]
        All origins of these truces, and what happened after each.
    levels : sequence of float
        Risks.
    watched : sequence of int
        Numbers of truces.
    step_days : int
        Days between origins: what a row counts for in truce-years.

    Returns
    -------
    dy.DataFrame[Alarms]
        Sorted by key. An episode is a run of alarms at origins that follow each other
        in the panel; one without an alarm, or without a forecast, ends it. It is false
        if the truce, after its last alarm, was seen through the horizon or left by
        another exit, and unknown if it was censored before. ``missed`` is null without
        a collapse, ``precision`` without an alarm whose outcome is known, ``lead_days``
        where no alarm stood to the last origin before the collapse.

    Raises
    ------
    ValueError
        If a forecast has no row in the panel, or a model two for an origin and horizon.

    Notes
    -----
    A week's list is complete on its last day only, while each alarm counts from its
    own origin: a user who waits for the list has up to six days less. An alarm that
    never stops is one episode: read ``false_alarms`` beside ``alarmed``.

    Examples
    --------
    A collapse on the fifth day, of which one of two levels would have warned:

    >>> from datetime import date
    >>> row = {"truce_id": "a", "origin": date(2020, 1, 9), "dyad_id": "d"}
    >>> panel = Panel.validate(pl.DataFrame([row | {
    ...     "conflict_id": None, "country": None, "start": date(2020, 1, 1),
    ...     "age_days": 8, "level": 0.0, "threshold": 5.0, "event": 1, "duration": 5,
    ... }]), cast=True)
    >>> predictions = Predictions.validate(pl.DataFrame([row | {
    ...     "conflict_id": None, "model": "logit", "cutoff": date(2020, 1, 1),
    ...     "horizon": 7, "risk": 0.4, "outcome": 1, "weight": 1.0,
    ... }]), cast=True)
    >>> found = alarms(predictions, panel, levels=(0.3, 0.5), watched=())
    >>> found.select("rule", "at", "missed", "caught", "lead_days").rows()
    [('level', 0.3, 0.0, 1, 4.0), ('level', 0.5, 1.0, 0, None)]
    """
    _one_each(predictions, panel)
    latest = pl.col("origin").max().over("truce_id", WEEK)
    weekly = panel.filter(pl.col("origin") == latest)
    by_risk = _in_order(predictions.with_columns(score="risk"), panel)
    by_place = _in_order(_ranked(predictions, weekly), weekly)
    # places are scores from -1 down, so that both rules warn from a score upward
    of_watch = _judged(by_place, [-k for k in watched]).with_columns(-pl.col("at"))
    years = pl.len() * step_days / DAYS_A_YEAR
    return Alarms.validate(
        pl.concat(
            found.with_columns(rule=pl.lit(rule, pl.Enum(ALARM_RULES)))
            for rule, found in (
                ("level", _judged(by_risk, levels)),
                ("watch", of_watch),
            )
        )
        .join(predictions.group_by(GROUP).agg(years=years), on=GROUP)
        .with_columns(false_per_truce_year=pl.col("false_alarms") / pl.col("years"))
        .select(Alarms.column_names())
        .sort(*GROUP, "rule", "at"),
        cast=True,
    )


def _one_each(predictions: pl.DataFrame, panel: pl.DataFrame) -> None:
    keys = ["truce_id", "origin"]
    unplaced = predictions.join(panel, on=keys, how="anti").height
    if unplaced:
        raise ValueError(f"{unplaced} forecasts have no row in the panel")
    if predictions.select(*GROUP, *keys).is_duplicated().any():
        raise ValueError("a model has two forecasts for an origin and horizon")


def _ranked(predictions: pl.DataFrame, weekly: pl.DataFrame) -> pl.DataFrame:
    """Forecasts of a week, each scored by its place: -1 for the riskiest truce."""
    place = pl.int_range(1, pl.len() + 1).over(*GROUP, WEEK)
    return (
        predictions.join(weekly, on=["truce_id", "origin"], how="semi")
        .sort("risk", "truce_id", descending=[True, False])
        .with_columns(score=-place.cast(pl.Float64))
    )


def _in_order(scored: pl.DataFrame, panel: pl.DataFrame) -> pl.DataFrame:
    """Rows in the order of origins, with all that makes an alarm part of a run.

    At a level that its own score reaches, an alarm goes on at the next origin if
    ``next`` reaches it too, and stood to the truce's last if ``standing`` does. Both
    are null where an origin of the panel lies between that has no forecast: ``left``
    counts the origins of the truce from this one on.
    """
    placed = panel.sort("truce_id", "origin").select(
        "truce_id",
        "origin",
        collapsed=pl.col("event") == COLLAPSE,
        days=pl.col("duration") - 1,
        left=pl.int_range(pl.len(), 0, -1).over("truce_id"),
    )
    truce, score, left = [*GROUP, "truce_id"], pl.col("score"), pl.col("left")
    follows, whole = left.shift(-1) == left - 1, left == pl.int_range(pl.len(), 0, -1)
    return (
        scored.join(placed, on=["truce_id", "origin"])
        .sort(*truce, "origin")
        .with_columns(
            lost=pl.col("weight") * pl.col("outcome").fill_null(0),
            next=pl.when(follows).then(score.shift(-1)).over(truce),
            standing=pl.when(whole).then(score.cum_min(reverse=True)).over(truce),
        )
    )


def _judged(rows: pl.DataFrame, levels: Sequence[float]) -> pl.DataFrame:
    """Count at each level: rows and runs of alarms, and truces that collapse."""
    at = pl.DataFrame({"at": pl.Series(levels, dtype=pl.Float64)})
    alarm = pl.col("score") >= pl.col("at")
    ends = alarm & ~(pl.col("next") >= pl.col("at")).fill_null(False)
    outcome, weight, lost = pl.col("outcome"), pl.col("weight"), pl.col("lost")
    return (
        rows.select(*GROUP, "score", "next", "outcome", "weight", "lost")
        .join(at, how="cross")
        .group_by(*GROUP, "at")
        .agg(
            alarmed=alarm.mean(),
            missed=_ratio(lost.filter(~alarm), lost),
            precision=_ratio(lost.filter(alarm), weight.filter(alarm)),
            episodes=ends.sum(),
            false_alarms=(ends & (outcome == 0)).sum(),
            unknown=(ends & outcome.is_null()).sum(),
        )
        .join(_caught(rows, at), on=[*GROUP, "at"], how="left")
        .with_columns(pl.col("collapses", "caught", "sustained").fill_null(0))
    )


def _caught(rows: pl.DataFrame, at: pl.DataFrame) -> pl.DataFrame:
    """Count, at each level, truces whose collapse an alarm foretold, and how early."""
    alarm = pl.col("score") >= pl.col("at")
    stood = pl.col("standing") >= pl.col("at")
    near = pl.col("outcome") == 1
    return (
        rows.filter(pl.col("collapsed"))
        .join(at, how="cross")
        .group_by(*GROUP, "at", "truce_id")
        .agg(
            due=near.any(),
            caught=(alarm & near).any(),
            lead=pl.col("days").filter(stood).max(),
        )
        .filter("due")
        .group_by(*GROUP, "at")
        .agg(
            collapses=pl.len(),
            caught=pl.col("caught").sum(),
            sustained=pl.col("lead").count(),
            lead_days=pl.col("lead").median(),
        )
    )


def _ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    return pl.when(below.sum() > 0).then(above.sum() / below.sum())
