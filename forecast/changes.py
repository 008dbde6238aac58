"""What moved between two tables of risk scores, and what became known between them.

A risk moves for three reasons: something became known; what was known grew older, and
the truce with it; or another model looked at it. The first can be listed, and is.
"""

from collections.abc import Mapping
from datetime import date

import dataframely as dy
import polars as pl

from forecast.panel import usable
from forecast.schema import LAST_DAY, Changes, News, RiskScores

KEYS = ["truce_id", "horizon_days"]
#: groups of reasons that are named, and points from which one is
GROUPS, LEAST = 3, 0.5


def changes(
    first: dy.DataFrame[RiskScores],
    second: dy.DataFrame[RiskScores],
    then: date | None = None,
    now: date | None = None,
    *,
    why: Mapping[str, str] | None = None,
    news: dy.DataFrame[News] | None = None,
    reasons: pl.DataFrame | None = None,
) -> dy.DataFrame[Changes]:
    """Hold two tables of risk scores against each other.

    Parameters
    ----------
    first, second : dy.DataFrame[RiskScores]
        Each of one model and morning.
    then, now : date, optional
        Mornings of both; those of the tables, but an empty one tells none.
    why : mapping, optional
        Why truces came or went, by id, where it is known.
    news : dy.DataFrame[News], optional
        From :func:`became_known`; without it nothing is said of events.
    reasons : pl.DataFrame, optional
        From :func:`moved_reasons`.

    Returns
    -------
    dy.DataFrame[Changes]
        Every truce of either table at each horizon that both have, or that the only
        table with rows has; sorted by key.

    Examples
    --------
    >>> changes(RiskScores.create_empty(), RiskScores.create_empty()).height
    0
    """
    horizons = [set(t["horizon_days"]) for t in (first, second) if t.height]
    common = set.intersection(*horizons) if horizons else set()
    sides = [
        table.filter(pl.col("horizon_days").is_in(list(common))).select(
            *KEYS, "truce", "country", "risk"
        )
        for table in (first, second)
    ]
    both = sides[0].join(sides[1], on=KEYS, how="full", coalesce=True, suffix="_now")
    change = (
        pl.when(pl.col("risk").is_null())
        .then(pl.lit("came"))
        .when(pl.col("risk_now").is_null())
        .then(pl.lit("went"))
        .otherwise(pl.lit("moved"))
    )
    said = pl.col("truce_id").replace_strict(dict(why or {}), default="")
    raw = both.select(
        *KEYS,
        pl.coalesce("truce_now", "truce").alias("truce"),
        pl.coalesce("country_now", "country").alias("country"),
        change=change,
        why=pl.when(change != "moved").then(said.cast(pl.String)).otherwise(pl.lit("")),
        risk_then="risk",
        risk_now="risk_now",
        points=100 * (pl.col("risk_now") - pl.col("risk")),
    )
    return Changes.validate(
        raw.join(_by_truce(raw, news), on="truce_id", how="left")
        .join(_named(reasons), on=KEYS, how="left")
        .with_columns(
            pl.lit(then or first["as_of"].max(), pl.Date).alias("then"),
            pl.lit(now or second["as_of"].max(), pl.Date).alias("now"),
            pl.col("news", "reasons").fill_null(""),
        )
        .select(Changes.column_names())
        .sort(KEYS),
        cast=True,
    )


def became_known(events: pl.DataFrame, then: date, now: date) -> dy.DataFrame[News]:
    """Count the events that were usable on the later morning and not on the earlier.

    Parameters
    ----------
    events : pl.DataFrame
        Linked to truces, see :func:`forecast.link.linked`.
    then, now : date
        Two mornings, in any order.

    Returns
    -------
    dy.DataFrame[News]
        Newest first within a truce. A morning may use the events of earlier days that
        were published by then and are not yet replaced. A revision is news of its own.

    Examples
    --------
    >>> row = {"truce_id": "a", "relation": "party", "kind": "clash", "deaths": 3,
    ...        "date": date(2020, 1, 9), "date_end": None, "known_until": None}
    >>> events = pl.DataFrame([row | {"known_from": date(2020, 1, 10)},
    ...                        row | {"known_from": date(2020, 1, 20)}])
    >>> news = became_known(events, date(2020, 1, 8), date(2020, 1, 15))
    >>> news.select("kind", "events", "deaths").rows()
    [('clash', 1, 3)]
    """
    earlier, later = sorted((then, now))
    fresh = events.filter(usable(later) & ~usable(earlier))
    some = pl.col("deaths").is_not_null().any()
    return News.validate(
        fresh.group_by("truce_id", "relation", "kind")
        .agg(
            events=pl.len(),
            deaths=pl.when(some).then(pl.col("deaths").sum()),
            newest=LAST_DAY.max(),
        )
        .select(News.column_names())
        .sort(
            *("truce_id", "newest", "relation", "kind"),
            descending=[False, True, False, False],
        ),
        cast=True,
    )


def moved_reasons(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Points by which each group of reasons moved.

    Parameters
    ----------
    first, second : pl.DataFrame
        ``truce_id``, ``horizon_days``, ``group``, ``points`` of two scorings.

    Returns
    -------
    pl.DataFrame
        The same columns, ``points`` being the second less the first, of truces that
        are in both. A group that one of them lacks counts as nothing there.

    Examples
    --------
    >>> row = {"truce_id": "a", "horizon_days": 30, "group": "talks"}
    >>> both = [pl.DataFrame([row | {"points": points}]) for points in (1.5, -2.0)]
    >>> moved_reasons(*both)["points"].to_list()
    [-3.5]
    """
    on = [*KEYS, "group"]
    sides = [
        own.join(other, on=KEYS, how="semi").select(*on, "points")
        for own, other in ((first, second), (second, first))
    ]
    both = sides[0].join(sides[1], on=on, how="full", coalesce=True, suffix="_now")
    points = pl.col("points_now").fill_null(0) - pl.col("points").fill_null(0)
    return both.select(*on, points=points).sort(on)


def _by_truce(raw: pl.DataFrame, news: pl.DataFrame | None) -> pl.DataFrame:
    """Events, deaths and words of each truce; nulls where nobody looked."""
    truces = raw.select("truce_id").unique()
    if news is None:
        none = pl.lit(None, pl.Int64)
        return truces.with_columns(events=none, deaths=none, news=pl.lit(""))
    dead = pl.when(pl.col("deaths") > 0).then(pl.format(" ({} dead)", "deaths"))
    whose = pl.col("relation").cast(pl.String)
    words = pl.concat_str(
        pl.when(whose == "party").then(pl.lit("")).otherwise(whose + " "),
        pl.col("kind").cast(pl.String),
        pl.format(" {}", "events"),
        dead.fill_null(""),
    )
    some = pl.col("deaths").is_not_null().any()
    found = news.group_by("truce_id", maintain_order=True).agg(
        pl.col("events").sum(),
        deaths=pl.when(some).then(pl.col("deaths").sum()),
        news=words.str.join(", "),
    )
    none = pl.col("events").is_null()
    return truces.join(found, on="truce_id", how="left").with_columns(
        pl.col("events").fill_null(0),
        # of no events nobody died; of events without a number nobody knows
        pl.when(none).then(0).otherwise("deaths").alias("deaths"),
        pl.col("news").fill_null(""),
    )


def _named(reasons: pl.DataFrame | None) -> pl.DataFrame:
    """The groups that moved most, in words, by truce and horizon."""
    if reasons is None:
        kinds = {"truce_id": pl.String, "horizon_days": pl.Int32, "reasons": pl.String}
        return pl.DataFrame(schema=kinds)
    size = pl.col("points").abs()
    sign = (
        pl.when(pl.col("points") < 0)
        .then(pl.lit("\N{MINUS SIGN}"))
        .otherwise(pl.lit("+"))
    )
    words = pl.format("{} {}{}", "group", sign, size.round(1))
    return (
        reasons.filter(size >= LEAST)
        .sort(*KEYS, size, "group", descending=[False, False, True, False])
        .group_by(KEYS, maintain_order=True)
        .agg(reasons=words.head(GROUPS).str.join(", "))
        .with_columns(pl.col("horizon_days").cast(pl.Int32))
    )
