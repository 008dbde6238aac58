"""Reporting effort by country and year, read back from the findings."""

import polars as pl

from forecast.report.figures import count, share
from forecast.report.quality_words import Part


def by_year(part: Part) -> pl.DataFrame:
    """Reporting effort as a table.

    Returns
    -------
    pl.DataFrame
        ``country``, ``year``, ``events``, ``imprecise``, ``deaths``.

    Examples
    --------
    >>> by_year({"events": [("Mali 2012", 9.0, None)]}).row(0)
    ('Mali', 2012, 9.0, None, None)
    """
    items = ("events", "imprecise", "deaths")
    frames = [
        pl.DataFrame(
            [(detail, value) for detail, value, _ in part.get(item, ())],
            schema={"detail": pl.String, item: pl.Float64},
            orient="row",
        )
        for item in items
    ]
    table = frames[0]
    for other in frames[1:]:
        table = table.join(other, on="detail", how="left", maintain_order="left")
    return table.select(
        pl.col("detail").str.replace(r" -?\d+$", "").alias("country"),
        pl.col("detail").str.extract(r"(-?\d+)$").cast(pl.Int64).alias("year"),
        *items,
    )


def countries(part: Part, top: int) -> list[tuple[str, ...]]:
    """Cells of the countries with most events, most first.

    Returns
    -------
    list of tuple of str
        Country, events, share not dated to the day, deaths, years with events, the
        year with most.

    Examples
    --------
    >>> countries({"events": [("Mali 2012", 9.0, None)]}, 1)
    [('Mali', '9', '0%', '–', '1', '2012 (9)')]
    """
    busiest = pl.struct("year", "events").sort_by(
        "events", "year", descending=[True, False]
    )
    table = (
        by_year(part)
        .group_by("country")
        .agg(
            pl.col("events", "imprecise").sum(),
            pl.when(pl.col("deaths").count() > 0).then(pl.col("deaths").sum()),
            years=pl.len(),
            busiest=busiest.first(),
        )
        .sort("events", "country", descending=[True, False])
        .head(top)
    )
    return [
        (
            row["country"],
            count(row["events"]),
            share(row["imprecise"] / row["events"]),
            count(row["deaths"]),
            str(row["years"]),
            f"{row['busiest']['year']} ({count(row['busiest']['events'])})",
        )
        for row in table.iter_rows(named=True)
    ]
