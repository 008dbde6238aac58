"""The section on time: does the skill hold from one year's forecasts to the next."""

import altair as alt
import dataframely as dy
import polars as pl

from forecast.folds import brier
from forecast.report import charts
from forecast.report.facts import Facts
from forecast.report.words import nearest
from forecast.schema import Predictions

#: a year with fewer truces that collapse says little
FEW = 5
WIDTH = 390
ROW = ["cutoff", "truce_id", "origin"]


def section(predictions: dy.DataFrame[Predictions], facts: Facts) -> dict[str, object]:
    """What ``page_years.html.j2`` shows.

    Parameters
    ----------
    predictions : Predictions
    facts : Facts

    Returns
    -------
    dict
        `horizon` (30 days, or the one nearest), `chart`, `said` (a sentence); only a
        `reason` where there is nothing to compare.
    """
    own, named = facts.published, facts.named_baseline
    if own == named:
        return {"reason": f"{own} is itself the baseline"}
    mine = predictions.filter(pl.col("model") == own)
    if mine.is_empty():
        return {"reason": f"this run holds no test forecast of {own}"}
    horizon = nearest(mine["horizon"].unique())
    table = by_year(predictions, own, named, horizon)
    if table.height < 2:
        return {
            "reason": f"forecasts of {own} and {named} whose outcome is known have "
            f"{'one year' if table.height else 'no year'} of cutoffs in common"
        }
    return {
        "horizon": horizon,
        "few": FEW,
        "chart": charts.drawn(chart(table), "years"),
        "said": held(table, own, named),
    }


def by_year(
    predictions: dy.DataFrame[Predictions], own: str, named: str, horizon: int
) -> pl.DataFrame:
    """Brier score of two models in each year of cutoffs, on the rows of both.

    Parameters
    ----------
    predictions : Predictions
        Rows of unknown outcome weigh nothing: known rows carry their weight.
    own, named : str
        Models.
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        `year`, ascending; `n` (forecasts), `collapses` (truces that collapse within
        the horizon of one), `own`, `named` (Brier scores).

    Examples
    --------
    >>> by_year(Predictions.create_empty(), "logit", "trail", 30).height
    0
    """
    known = predictions.filter(pl.col("horizon") == horizon, pl.col("weight") > 0)
    ours, theirs = (
        known.filter(pl.col("model") == model).sort(ROW) for model in (own, named)
    )
    both = ours.join(theirs.select(*ROW, theirs="risk"), on=ROW)
    return (
        both.sort(ROW)
        .group_by(year=pl.col("cutoff").dt.year(), maintain_order=True)
        .agg(
            n=pl.len(),
            collapses=pl.col("truce_id").filter(pl.col("outcome") == 1).n_unique(),
            own=brier("risk"),
            named=brier("theirs"),
        )
        .sort("year")
    )


def held(table: pl.DataFrame, own: str, named: str) -> str:
    """In how many years a model's error is the smaller one.

    Examples
    --------
    >>> table = pl.DataFrame({"collapses": [9, 2], "own": [0.1, 0.2],
    ...                       "named": [0.2, 0.1]})
    >>> print(held(table, "logit", "trail"))
    The error of logit is smaller than that of trail in 1 of 2 years; of the years
    with 5 or more collapses, in 1 of 1.
    """
    smaller, enough = pl.col("own") < pl.col("named"), pl.col("collapses") >= FEW
    years, many = table.filter(smaller).height, table.filter(enough)
    said = (
        f"The error of {own} is smaller than that of {named} in {years} of "
        f"{table.height} years"
    )
    if many.is_empty():
        return f"{said}; no year has {FEW} or more collapses."
    return (
        f"{said}; of the years with {FEW} or more collapses, in "
        f"{many.filter(smaller).height} of {many.height}."
    )


def chart(table: pl.DataFrame) -> charts.Chart:
    """Scores of both models year by year, over the number of collapses.

    Parameters
    ----------
    table : pl.DataFrame
        From `by_year`, at least one row.

    Returns
    -------
    altair chart
        Years of few collapses are hollow.
    """
    first, last = table.select(first=pl.first("year"), last=pl.last("year")).row(0)
    across = alt.X("year:Q", title=None).scale(
        domain=[first - 0.6, last + 0.6], nice=False, padding=0
    )
    bare = across.axis(None)
    base = alt.Chart(table)
    between = base.mark_rule(color=charts.MUTED, strokeWidth=1).encode(
        bare, alt.Y("own:Q", title="Brier score").axis(tickCount=4), alt.Y2("named:Q")
    )
    points = [
        _points(base.encode(bare), *of, enough=enough)
        for of in (
            ("named", charts.VERMILION, "diamond"),
            ("own", charts.BLUE, "circle"),
        )
        for enough in (True, False)
    ]
    above = alt.layer(between, *points).properties(width=WIDTH, height=160)
    below = base.mark_bar(color=charts.MUTED, size=8).encode(
        across.axis(format="d", tickMinStep=1, tickCount=8, grid=False),
        alt.Y("collapses:Q", title="collapses").axis(tickCount=2),
    )
    both: charts.Chart = alt.vconcat(
        above, below.properties(width=WIDTH, height=54), spacing=8
    )
    return both


def _points(
    base: alt.Chart, score: str, colour: str, shape: str, *, enough: bool
) -> alt.Chart:
    """Points of one model: full where a year has enough collapses, else hollow."""
    fill = colour if enough else "#FFFFFF"
    # a diamond looks smaller than a circle of its area
    size = 70 if shape == "diamond" else 52
    points: alt.Chart = (
        base.mark_point(color=colour, fill=fill, shape=shape, size=size, opacity=1)
        .encode(alt.Y(f"{score}:Q", title="Brier score"))
        .transform_filter(f"datum.collapses {'>=' if enough else '<'} {FEW}")
    )
    return points
