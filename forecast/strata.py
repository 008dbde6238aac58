"""Parts of the test rows that a sceptic asks after: where does the skill come from.

Every row belongs to one stratum of each kind; what is not known is one of its own.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import dataframely as dy
import polars as pl

from forecast.backtest import KEYS
from forecast.link import country_name
from forecast.schema import Panel, Truces
from forecast.split import Fold

UNKNOWN = "not known"
#: years of origins in one period
PERIOD = 5


def strata(
    panel: dy.DataFrame[Panel],
    folds: Sequence[Fold],
    truces: dy.DataFrame[Truces],
    features: pl.DataFrame,
) -> pl.DataFrame:
    """Say for each forecast origin which strata it belongs to.

    Parameters
    ----------
    panel : dy.DataFrame[Panel]
        All origins.
    folds : sequence of Fold
        Their test rows are the ones that are described.
    truces : frame
        For the class.
    features : pl.DataFrame
        Keyed features; ``recent_filled`` and ``outsiders_events_30d`` are used if they
        are there.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``origin`` and a text column for each kind of stratum: ``state``
        (eroding: there are deaths in the rule's window at the origin), ``age``,
        ``dyad`` (seen or unseen in training), ``country``, ``region``, ``class``,
        ``period``, ``outsiders`` (whether any attacked within 30 days). Sorted by key.
    """
    rows = (
        pl.concat([_tested(panel, fold) for fold in folds])
        .unique(KEYS)
        .select(*KEYS, "age_days", "country", "seen")
        .join(truces.select("truce_id", "class"), on="truce_id", how="left")
        .join(_place(panel), on="country", how="left")
        .join(features, on=KEYS, how="left")
        .sort(KEYS)
    )
    age, year = pl.col("age_days"), pl.col("origin").dt.year()
    first = year - year % PERIOD
    return rows.select(
        *KEYS,
        state=_either(rows, "recent_filled", "eroding", "quiet"),
        age=pl.when(age <= 30)
        .then(pl.lit("first month"))
        .when(age <= 90)
        .then(pl.lit("second and third month"))
        .otherwise(pl.lit("later")),
        dyad=pl.when("seen").then(pl.lit("seen")).otherwise(pl.lit("unseen")),
        country=pl.col("country").fill_null(UNKNOWN),
        region=pl.col("region").fill_null(UNKNOWN),
        **{"class": pl.col("class").cast(pl.String).fill_null(UNKNOWN)},
        period=pl.format("{} to {}", first, first + PERIOD - 1),
        outsiders=_either(rows, "outsiders_events_30d", "present", "absent"),
    )


def _tested(panel: pl.DataFrame, fold: Fold) -> pl.DataFrame:
    """Test rows of a fold, and whether training had origins of their dyad."""
    test = fold.test(panel)
    learned = fold.train(panel.filter(pl.col("origin") < fold.known), test)
    dyads = learned["dyad_id"].unique()
    return test.with_columns(seen=pl.col("dyad_id").is_in(dyads.implode()))


def _either(rows: pl.DataFrame, column: str, some: str, none: str) -> pl.Expr:
    """Two strata by whether a count is above zero."""
    if column not in rows.columns:
        return pl.lit(UNKNOWN)
    return (
        pl.when(pl.col(column) > 0)
        .then(pl.lit(some))
        .when(pl.col(column) == 0)
        .then(pl.lit(none))
        .otherwise(pl.lit(UNKNOWN))
    )


def _place(panel: pl.DataFrame) -> pl.DataFrame:
    """Region of each country, whatever a source puts behind its name."""
    countries = panel.select("country").drop_nulls().unique()
    return (
        countries.with_columns(bare=country_name())
        .join(regions().rename({"country": "bare"}), on="bare", how="left")
        .select("country", "region")
    )


@lru_cache
def regions() -> pl.DataFrame:
    """Country and region, the five of UCDP.

    Examples
    --------
    >>> dict(regions().iter_rows())["Sudan"]
    'Africa'
    """
    return pl.read_csv((files("forecast") / "regions.csv").read_bytes())
