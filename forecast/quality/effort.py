"""How hard sources look: events by country and year, and what two sources share."""

import dataframely as dy
import polars as pl

from forecast.quality.table import Finding, current, finding, table
from forecast.schema import Events

NOWHERE = "(no country)"
#: fewer shared days say nothing about how two sources go together
MIN_SHARED = 3


def effort(events: dy.DataFrame[Events]) -> pl.DataFrame:
    """Events, imprecise ones and deaths by country and year.

    Parameters
    ----------
    events : Events
        Of one source; current versions, by the year they end in.

    Returns
    -------
    pl.DataFrame
        ``events``, ``imprecise`` (with its share of the events) and ``deaths`` for
        each country and year; ``detail`` is ``COUNTRY YEAR``.
    """
    rows = by_country_and_year(events).iter_rows()
    return table(
        one
        for country, year, n, imprecise, deaths in rows
        for one in (
            finding("events", n, detail=f"{country} {year}"),
            finding("imprecise", imprecise, n, f"{country} {year}"),
            finding("deaths", deaths, detail=f"{country} {year}"),
        )
    )


def by_country_and_year(events: pl.DataFrame) -> pl.DataFrame:
    """Reporting effort as a table.

    Parameters
    ----------
    events : pl.DataFrame
        Events of one source.

    Returns
    -------
    pl.DataFrame
        ``country``, ``year``, ``events``, ``imprecise``, ``deaths``; sorted by the
        first two. ``deaths`` is null where no event gives any figure.

    Examples
    --------
    >>> by_country_and_year(Events.create_empty()).columns
    ['country', 'year', 'events', 'imprecise', 'deaths']
    """
    return (
        current(events)
        .group_by(pl.col("country").fill_null(NOWHERE), year=pl.col("last").dt.year())
        .agg(
            events=pl.len().cast(pl.Int64),
            imprecise=(pl.col("date_precision") != "day").sum().cast(pl.Int64),
            deaths=_sum("deaths"),
        )
        .sort("country", "year")
    )


def overlap(first: dy.DataFrame[Events], second: dy.DataFrame[Events]) -> pl.DataFrame:
    """What two sources report of the same dyads, or countries, on the same days.

    Dyads are compared where both sources have them, else countries. Only the days that
    both sources span and the dyads or countries that both ever name count: elsewhere
    there is nothing to agree on.

    Parameters
    ----------
    first, second : Events
        Of one source each; current versions, by the day they end.

    Returns
    -------
    pl.DataFrame
        ``unit`` (in ``detail``), ``units`` in common, and those ``only the first
        names`` or ``only the second names``; ``days`` of a unit that either reports,
        of which ``both``, ``only the first``, ``only the second``; over the shared
        days, Pearson's ``correlation of events`` and ``correlation of deaths`` (none
        below three days, or where a source does not vary).
    """
    a, b = current(first), current(second)
    dyads = all(frame["dyad_id"].count() for frame in (a, b))
    unit = "dyad" if dyads else "country"
    left, right = _daily(a, dyads), _daily(b, dyads)
    ours, theirs = set(left["unit"]), set(right["unit"])
    period = _period(left, right)
    days = _together(left, right, period)
    both = days.filter(pl.col("n").is_not_null() & pl.col("n_second").is_not_null())
    only_first = int(days["n_second"].null_count())
    only_second = int(days["n"].null_count())
    return table(
        [
            finding("unit", detail=unit),
            finding("units", len(ours & theirs)),
            finding("only the first names", len(ours - theirs)),
            finding("only the second names", len(theirs - ours)),
            *_days(period),
            finding("days", days.height),
            finding("both", both.height, days.height),
            finding("only the first", only_first, days.height),
            finding("only the second", only_second, days.height),
            finding("correlation of events", _correlation(both, "n")),
            finding("correlation of deaths", _correlation(both, "deaths")),
        ]
    )


def _daily(now: pl.DataFrame, dyads: bool) -> pl.DataFrame:
    """Events and deaths by unit and day."""
    # sources put other names behind that of a country: "Myanmar (Burma)"
    country = pl.col("country").str.replace(r"[,(].*$", "").str.strip_chars()
    return (
        now.select("deaths", "last", unit=pl.col("dyad_id") if dyads else country)
        .filter(pl.col("unit").is_not_null())
        .group_by("unit", "last")
        .agg(n=pl.len().cast(pl.Int64), deaths=_sum("deaths"))
        .sort("unit", "last")
    )


def _period(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """First and last day that both sources span."""
    each = [
        days.select(begins=pl.col("last").min(), ends=pl.col("last").max())
        for days in (left, right)
    ]
    return pl.concat(each).select(pl.col("begins").max(), pl.col("ends").min())


def _days(period: pl.DataFrame) -> list[Finding]:
    begins, ends = period.row(0)
    none = begins is None or ends is None or begins > ends
    return [] if none else [finding("period", detail=f"{begins} to {ends}")]


def _together(
    left: pl.DataFrame, right: pl.DataFrame, period: pl.DataFrame
) -> pl.DataFrame:
    """Days of the units and the period that both have; null where one is silent."""
    common = left.join(right, on="unit", how="semi").select("unit").unique()
    return (
        left.join(
            right, on=["unit", "last"], how="full", coalesce=True, suffix="_second"
        )
        .join(common, on="unit", how="semi")
        .filter(pl.col("last").is_between(*period.row(0)))
        .sort("unit", "last")
    )


def _correlation(both: pl.DataFrame, column: str) -> float | None:
    pairs = both.select(column, f"{column}_second").drop_nulls()
    if pairs.height < MIN_SHARED or 1 in (one.n_unique() for one in pairs):
        return None
    found = pairs.select(pl.corr(column, f"{column}_second")).item()
    return None if found is None else float(found)


def _sum(column: str) -> pl.Expr:
    """Sum, or null where nothing is known."""
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum())
