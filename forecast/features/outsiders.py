"""What groups outside the truce did to its parties, and how near to their lines."""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.distance import HERE, haversine_km
from forecast.features import ratio
from forecast.features.recent import CAP_DAYS
from forecast.pairs import usable
from forecast.schema import Panel, Truces
from forecast.spans import VERSION
from forecast.windows import days_since_last, trailing

#: coding systems in which the order of the actors does not say who attacked
UNORDERED = ("ucdp", "acled")
#: places are rounded to a 20th of a degree, some 5 km, so that a front is few of them
PER_DEGREE = 20
LINE = ("line_latitude", "line_longitude")


def outsiders(
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    *,
    windows: Sequence[int] = (7, 30, 60),
    near_km: float = 50,
    near_days: int = 30,
    line_days: int = 90,
) -> pl.DataFrame:
    """Hostile events between a party and groups outside the truce.

    Spoilers gain from a truce that fails, and a party that is attacked by one answers
    near the other's lines. Where most of the violence is an outsider's, deaths say
    little about the truce itself. Events are hostile ones, deaths that are not known
    count 0, and "lines" are the places where the parties fought each other lately.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`.
    windows : sequence of int
        Days before the origin.
    near_km : float
        Kilometres that count as near the lines.
    near_days, line_days : int
        Days before the origin whose outsiders' events, and whose lines, are compared.

    Returns
    -------
    outsiders_events_<W>d : events
        Hostile events of outsiders with ``o - W <= e < o``. Null: never.
    outsiders_deaths_<W>d : deaths
        Deaths in them. Null: never.
    outsiders_attacks_<W>d : events
        Those of them in which ``actor_a`` is no party and ``actor_b`` one; in UCDP
        and ACLED, where order says nothing, in which one of the two is a party. Both
        must be named. Null: never.
    outsiders_offensives_<W>d, outsiders_strikes_<W>d : events
        Those of them of kind offensive, or strike, whoever acted. Null: never.
    outsiders_share_events_<W>d : share
        Events of outsiders over those of outsiders and parties. Null: when there is
        none of either.
    outsiders_share_deaths_<W>d : share
        Deaths in events of outsiders over those in events of outsiders and parties.
        Null: when nobody died in either.
    outsiders_days_since_last : days
        ``o - e`` of the last event of outsiders, at most 365, which also stands for
        none. Null: never.
    outsiders_nearest_km : km
        Least great-circle distance between a place of outsiders' events with
        ``o - near_days <= e < o`` and a line: a place of the parties' hostile events
        with ``o - line_days <= e < o``. Places are rounded to 0.05 degrees. Null: when
        either has no place.
    outsiders_near_events_<W>d : events
        Events of outsiders with ``o - W <= e < o``, W = near_days, at most ``near_km``
        from a line; what has no place is not near. Null: when there is no line.
    outsiders_near_offensives_<W>d : events
        Those of them of kind offensive. Null: when there is no line.

    References
    ----------
    Stedman (1997), "Spoiler Problems in Peace Processes", International Security
    22(2):5-53.

    Lundgren, Svensson & Karakuş (2023), "Local Ceasefires and De-escalation: Evidence
    From the Syrian Civil War", Journal of Conflict Resolution 67(7-8):1350-1375.
    """
    origins = panel.select("truce_id", "origin")
    fights = _fights(events, panel, truces)
    # an origin lies after the start: what is older than this is in no window
    oldest = pl.col("start").dt.offset_by(f"-{max(*windows, near_days, line_days)}d")
    lately = fights.filter(pl.col("day") >= oldest)
    sums = trailing(origins, lately, _values(), list(windows))
    attacks = fights.filter("outsider")
    last = days_since_last(origins, attacks, "outsiders_days_since_last", CAP_DAYS)
    shares = [
        ratio(pl.col(f"outsiders_{what}_{days}d"), pl.col(f"all_{what}_{days}d")).alias(
            f"outsiders_share_{what}_{days}d"
        )
        for days in windows
        for what in ("events", "deaths")
    ]
    return (
        sums.with_columns(shares)
        .drop("^all_.*$")
        .hstack(last.select("outsiders_days_since_last"))
        .hstack(_near(origins, lately, near_km, near_days, line_days))
    )


def _fights(
    events: pl.DataFrame, panel: pl.DataFrame, truces: pl.DataFrame
) -> pl.DataFrame:
    """Hostile events of parties and outsiders, and which are attacks on a party."""
    parties = (
        panel.select("truce_id", "start")
        .unique()
        .join(truces.select("truce_id", "parties"), on="truce_id")
    )
    on = [
        pl.col("parties").list.contains(pl.col(actor))
        for actor in ("actor_a", "actor_b")
    ]
    unordered = pl.col("system").is_in(UNORDERED)
    attack = pl.when(unordered).then(on[0] != on[1]).otherwise(~on[0] & on[1])
    named = pl.all_horizontal(pl.col("actor_a", "actor_b").is_not_null())
    outsider = pl.col("relation") == "outsider"
    return (
        events.filter(
            pl.col("hostile") & pl.col("relation").is_in(["party", "outsider"])
        )
        .join(parties, on="truce_id")
        .select(
            "truce_id",
            "start",
            "day",
            "known_from",
            "known_until",
            "kind",
            pl.col("deaths").fill_null(0),
            # times a number: Polars divides otherwise where there is one row only
            *((pl.col(d) * PER_DEGREE).round() * (1 / PER_DEGREE) for d in HERE),
            outsider=outsider,
            attack=outsider & named & attack.fill_null(False),
        )
    )


def _values() -> dict[str, pl.Expr]:
    """What is summed: of outsiders, and of both for the shares."""
    outsider, kind, deaths = pl.col("outsider"), pl.col("kind"), pl.col("deaths")
    values = {
        "outsiders_events": outsider,
        "outsiders_deaths": outsider * deaths,
        "outsiders_attacks": pl.col("attack"),
        "outsiders_offensives": outsider & (kind == "offensive"),
        "outsiders_strikes": outsider & (kind == "strike"),
        "all_events": pl.lit(1),
        "all_deaths": deaths,
    }
    return {name: value.cast(pl.Int64) for name, value in values.items()}


def _near(
    origins: pl.DataFrame,
    fights: pl.DataFrame,
    near_km: float,
    near_days: int,
    line_days: int,
) -> pl.DataFrame:
    """How near to the lines outsiders fought, one row an origin."""
    placed = fights.filter(pl.all_horizontal(pl.col(*HERE).is_not_null())).select(
        *VERSION, "outsider", "kind", *HERE
    )
    lines = (
        usable(origins, placed.filter(~pl.col("outsider")), line_days)
        .select("row", **dict(zip(LINE, HERE, strict=True)))
        .unique()
    )
    fought = (
        usable(origins, placed.filter("outsider"), near_days)
        .group_by("row", *HERE)
        .agg(events=pl.len(), offensives=(pl.col("kind") == "offensive").sum())
    )
    near = pl.col("km") <= near_km
    found = (
        fought.join(lines, on="row")
        .group_by("row", *HERE)
        .agg(pl.col("events", "offensives").first(), km=haversine_km(HERE, LINE).min())
        .group_by("row", maintain_order=True)
        .agg(pl.col("km").min(), pl.col("events", "offensives").filter(near).sum())
    )
    return (
        origins.with_row_index("row")
        .join(lines.select("row", line=pl.lit(True)).unique(), on="row", how="left")
        .join(found, on="row", how="left")
        .sort("row")
        .select(
            pl.col("km").alias("outsiders_nearest_km"),
            # where there are lines, none near them is known to be none
            *(
                pl.when("line")
                .then(pl.col(what).fill_null(0).cast(pl.Int64))
                .alias(f"outsiders_near_{what}_{near_days}d")
                for what in ("events", "offensives")
            ),
        )
    )
