"""What the report of a scoring says of one truce."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import ceil
from typing import Any

import dataframely as dy
import polars as pl

from forecast.kinds import codes
from forecast.lives import DAILY
from forecast.panel import COLLAPSE, EXIT
from forecast.report import charts
from forecast.report.figures import many
from forecast.report.life import binned, life_chart
from forecast.report.waterfall import waterfall
from forecast.report.words import listed
from forecast.schema import (
    LAST_DAY,
    Lines,
    Lives,
    Panel,
    Reasons,
    RiskScores,
    Similar,
    Truces,
)

#: events that are listed of a truce, newest first
EVENTS = 12
#: difference of two risks that a chart can show
SEEN = 0.005
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Scored:
    """The frames of a scoring; those that could not be told are empty."""

    scores: dy.DataFrame[RiskScores]
    reasons: dy.DataFrame[Reasons]
    lives: dy.DataFrame[Lives]
    #: linked to truces, as they are known on the morning of the scores
    events: pl.DataFrame
    similar: dy.DataFrame[Similar]
    #: origins that are scored
    panel: dy.DataFrame[Panel]
    truces: dy.DataFrame[Truces]
    lines: dy.DataFrame[Lines]


def moved(lives: pl.DataFrame, horizon: int, as_of: date) -> dict[str, float]:
    """Points by which the risk of each truce differs from that of a week before.

    Parameters
    ----------
    lives : pl.DataFrame
        Of :class:`~forecast.schema.Lives`.
    horizon : int
        Days.
    as_of : date
        The morning of the scores.

    Returns
    -------
    dict of str to float
        Truces that were in force on both mornings, by id.
    """
    at = lives.filter(pl.col("horizon_days") == horizon)
    then, now = (
        at.filter(pl.col("origin") == day).select("truce_id", "risk")
        for day in (as_of - WEEK, as_of)
    )
    both = now.join(then, on="truce_id", suffix="_then").sort("truce_id")
    points = 100 * (both["risk"] - both["risk_then"])
    return dict(zip(both["truce_id"], points, strict=True))


def section(
    row: Mapping[str, Any],
    scored: Scored,
    horizon: int,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """What ``scoring_truce.html.j2`` shows.

    Parameters
    ----------
    row : mapping
        Of the table: `rank`, `truce_id` and the score at the horizon.
    scored : Scored
        Frames of all truces.
    horizon : int
        Days; that of the chart and of the reasons.
    notes : sequence of str
        Of the scoring; those that name the truce are told of it.

    Returns
    -------
    dict
    """
    own = pl.col("truce_id") == row["truce_id"]
    truce = scored.truces.filter(own).row(0, named=True)
    events = scored.events.filter(own).sort(LAST_DAY, "event_id", descending=True)
    life = scored.lives.filter(own, pl.col("horizon_days") == horizon)
    apart = (life["risk_hindsight"] - life["risk"]).abs()
    hindsight = bool((apart >= SEEN).any())
    if not hindsight:
        life = life.with_columns(risk_hindsight=pl.lit(None, pl.Float64))
    at = pl.col("horizon_days") == horizon
    return {
        "row": row,
        "facts": facts(
            truce, scored.panel.filter(own).row(0, named=True), row["label"]
        ),
        "scores": list(scored.scores.filter(own).iter_rows(named=True)),
        "cautions": [
            note.removeprefix(f"{row['truce']}: ")
            for note in notes
            if names(row["truce"], note)
        ],
        "chart": _chart(life, events, truce["start"], row) if life.height else None,
        "weekly": row["age_days"] > DAILY,
        "hindsight": hindsight,
        "at_once": _at_once(events),
        "dots": bool(events.height),
        "why": waterfall(scored.reasons.filter(own, at)),
        "events": [
            _event(event) for event in events.head(EVENTS).iter_rows(named=True)
        ],
        "known": events.height,
        "similar": [
            _past(past) for past in scored.similar.filter(own).rows(named=True)
        ],
        "came": came(scored.similar.filter(own), horizon),
    }


def names(name: str, note: str) -> bool:
    """Whether a note is of a truce, or counts it among others.

    Examples
    --------
    >>> names("Truce 1", "Truce 1: thin"), names("Truce 1", "Truce 10: thin")
    (True, False)
    >>> note = "few events; Truce 1 (2) and The deal (0) had fewer"
    >>> names("Truce 1", note), names("The deal", note), names("events", note)
    (True, True, False)
    """
    counted = rf"(?:[;,]| and) {re.escape(name)} \(\d+\)"
    return note.startswith(f"{name}: ") or re.search(counted, note) is not None


def facts(
    truce: Mapping[str, Any], origin: Mapping[str, Any], label: str
) -> dict[str, str]:
    """What is known of a truce by its record, in words by name.

    Parameters
    ----------
    truce : mapping
        A row of :class:`~forecast.schema.Truces`.
    origin : mapping
        Its row of :class:`~forecast.schema.Panel`.
    label : str
        Name of the collapse rule.
    """
    said = {"In force": f"since {truce['start']}, {many(origin['age_days'], 'day')}"}
    if truce["parties"]:
        said["Between"] = listed(truce["parties"])
    if truce["excluded"]:
        said["Left out of it"] = listed(truce["excluded"])
    if truce["term_days"] is not None:
        ends = truce["start"] + timedelta(days=truce["term_days"])
        left = (ends - origin["origin"]).days
        said["Announced"] = f"for {many(truce['term_days'], 'day')}, until {ends}" + (
            f": {many(left, 'day')} from now"
            if left >= 0
            else f", {many(-left, 'day')} ago"
        )
    if label == "declared":
        # its threshold is there for features, and decides nothing
        said["Counts as collapsed"] = "when its record says that it ended so"
    elif origin["threshold"] is not None:
        what = "violation" if label == "violations" else "death"
        said["Counts as collapsed"] = (
            f"at {many(ceil(origin['threshold']), what)} in the window of the rule; "
            f"before the start there were {origin['level']:.0f} in 30 days"
        )
    return said


def came(past: pl.DataFrame, horizon: int) -> str:
    """What became of past truces within a horizon, in a sentence.

    Examples
    --------
    >>> past = pl.DataFrame({"event": [1, 1, 0], "duration": [4, 60, 90]})
    >>> came(past, 30)
    '1 of these 3 collapsed within 30 days.'
    >>> came(past.tail(1), 1)
    'It did not collapse within 1 day.'
    """
    if not past.height:
        return ""
    fell = ((past["event"] == COLLAPSE) & (past["duration"] <= horizon)).sum()
    within = f"within {many(horizon, 'day')}."
    if past.height == 1:
        return f"It {'collapsed' if fell else 'did not collapse'} {within}"
    return f"{fell} of these {past.height} collapsed {within}"


def _chart(
    life: pl.DataFrame, events: pl.DataFrame, start: date, row: Mapping[str, Any]
) -> Any:
    dots = binned(events, start, row["as_of"])
    chart = life_chart(life, dots, start, row["as_of"])
    return charts.drawn(chart, f"life-{row['rank']}")


def _at_once(events: pl.DataFrame) -> date | None:
    """The morning on which events of several days became known, where it is one."""
    mornings = events["known_from"].unique().to_list()
    # of one day they became known as any other would
    late = len(mornings) == 1 and events.select(LAST_DAY).to_series().n_unique() > 1
    return mornings[0] if late else None


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as an analyst reads it: when, what, who, how many died."""
    day, end = event["date"], event["date_end"] or event["date"]
    last = f"{end:%d %B}" if end.year == day.year else end
    told = event["known_from"]
    return {
        "day": f"{day} to {last}" if end > day else str(day),
        "exact": event["date_precision"] == "day",
        "precision": event["date_precision"],
        "kind": event["kind"],
        "who": " against ".join(
            name for name in (event["actor_a"], event["actor_b"]) if name
        ),
        "relation": event["relation"],
        "deaths": event["deaths"],
        "what": event["note"] or _labels(event["system"]).get(event["code"]),
        "told": told if (told - end).days > 1 else None,
    }


@lru_cache
def _labels(system: str) -> dict[str, str]:
    """What the codes of a system mean; none of one without a table."""
    try:
        table = codes(system)
    except ValueError:
        return {}
    return dict(table.select("code", "label").iter_rows())


def _past(past: Mapping[str, Any]) -> dict[str, Any]:
    days = past["duration"]
    when = f"{many(days - 1, 'day')} later" if days > 1 else "that day"
    went = {COLLAPSE: f"collapsed {when}", EXIT: f"ended otherwise {when}"}
    held = f"held for {many(days, 'day')} more"
    return {**past, "went": went.get(past["event"], held)}
