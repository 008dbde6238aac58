"""The risk of a truce on each morning of its life, by one model.

Every morning uses what was known on it. The model does not: it is the one that scores
today, so that a line moves by what happened alone. Where events became known late the
same is told in hindsight, as if each had been known on the day after it, and the two
lines differ by what nobody knew in time.
"""

from datetime import date

import dataframely as dy
import polars as pl

from forecast.backtest import KEYS, rows
from forecast.panel import CENSORED, usable
from forecast.publish import Published
from forecast.schema import LAST_DAY, Lives, Panel

#: a life of at most so many days is told day by day, a longer one week by week
DAILY, STEP = 60, 7
NEXT_DAY = LAST_DAY.dt.offset_by("1d")


def mornings(in_force: dy.DataFrame[Panel]) -> dy.DataFrame[Panel]:
    """Origins of the life so far of truces in force.

    Parameters
    ----------
    in_force : dy.DataFrame[Panel]
        One origin a truce: the morning as of which it is scored.

    Returns
    -------
    dy.DataFrame[Panel]
        That morning, and each day before it back to the day after the start where
        these are at most 60, else each seventh. Nothing is said of what followed:
        every row is censored on the morning of the scores.

    Examples
    --------
    >>> row = {"truce_id": "a", "origin": date(2020, 4, 1), "conflict_id": None,
    ...        "dyad_id": "d", "country": None, "start": date(2020, 3, 29),
    ...        "age_days": 3, "level": 0, "threshold": 5, "event": 0, "duration": 1}
    >>> found = mornings(Panel.validate(pl.DataFrame([row]), cast=True))
    >>> found["age_days"].to_list()
    [1, 2, 3]
    """
    step = pl.when(pl.col("age_days") <= DAILY).then(1).otherwise(STEP)
    back = pl.int_ranges(0, pl.col("age_days"), step)
    told = (
        in_force.with_columns(back=back)
        .explode("back")
        .with_columns(
            pl.col("origin") - pl.duration(days="back"),
            pl.col("age_days") - pl.col("back"),
            event=CENSORED,
            duration=pl.max_horizontal("back", 1),
        )
    )
    return Panel.validate(told.drop("back").sort(KEYS), cast=True)


def prompt(events: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What is known of events on a morning, as if known on the day after each.

    Parameters
    ----------
    events : pl.DataFrame
        With the columns of :class:`~forecast.schema.Events`.
    as_of : date
        The morning.

    Examples
    --------
    >>> late = pl.DataFrame({"date": [date(2016, 3, 30)], "date_end": [None],
    ...     "known_from": [date(2016, 4, 7)], "known_until": [None]},
    ...     schema_overrides={"date_end": pl.Date, "known_until": pl.Date})
    >>> prompt(late, date(2016, 4, 7))["known_from"].to_list()
    [datetime.date(2016, 3, 31)]
    >>> prompt(late, date(2016, 4, 6)).height
    0
    """
    return events.filter(usable(as_of)).with_columns(
        known_from=NEXT_DAY, known_until=pl.lit(None, pl.Date)
    )


def late(events: pl.DataFrame, as_of: date) -> bool:
    """Whether an event known on a morning became known later than the day after it."""
    known = events.filter(pl.col("known_from") <= as_of)
    return bool(known.select((pl.col("known_from") > NEXT_DAY).any()).item())


def lives(
    published: Published,
    origins: dy.DataFrame[Panel],
    features: pl.DataFrame,
    baseline_features: pl.DataFrame,
    hindsight: pl.DataFrame | None = None,
) -> dy.DataFrame[Lives]:
    """Risk on each morning of a life, at every horizon of the model.

    Parameters
    ----------
    published : Published
        The model that scores today.
    origins : dy.DataFrame[Panel]
        From :func:`mornings`.
    features, baseline_features : pl.DataFrame
        Keyed features of these origins, by what was known on each.
    hindsight : pl.DataFrame, optional
        Keyed features by events from :func:`prompt`.

    Returns
    -------
    dy.DataFrame[Lives]
        Sorted by key.
    """
    if not origins.height:
        return Lives.create_empty()
    risk = published.model.predict_risk(rows(features, origins))
    naive = published.baseline.predict_risk(rows(baseline_features, origins))
    after = None
    if hindsight is not None:
        after = published.model.predict_risk(rows(hindsight, origins))
    parts = [
        origins.select(
            *KEYS,
            "age_days",
            pl.lit(horizon, pl.Int32).alias("horizon_days"),
            pl.Series("risk", risk[:, i]),
            pl.Series("baseline_risk", naive[:, i]),
            pl.lit(None, pl.Float64).alias("risk_hindsight")
            if after is None
            else pl.Series("risk_hindsight", after[:, i]),
        )
        for i, horizon in enumerate(published.horizons)
    ]
    key = Lives.primary_key()
    return Lives.validate(pl.concat(parts).sort(key), cast=True)
