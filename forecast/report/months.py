"""The section on months, for one fit that forecast a long time: warned, and missed."""

import altair as alt
import dataframely as dy
import polars as pl

from forecast.folds import brier
from forecast.report import charts
from forecast.report.facts import Facts
from forecast.report.words import nearest
from forecast.schema import Predictions

#: risk from which a forecast counts as a warning here, one of those of the decisions
LEVEL = 0.3
WIDTH = 390
ROW = ["truce_id", "origin"]
#: what came of the truces of a month, and its colour
CAME = {"caught": charts.BLUE, "missed": charts.VERMILION, "false": charts.MUTED}

COUNTS = ("truces", *CAME, "unknown")


def section(predictions: dy.DataFrame[Predictions], facts: Facts) -> dict[str, object]:
    """What ``page_months.html.j2`` shows.

    Parameters
    ----------
    predictions : Predictions
    facts : Facts

    Returns
    -------
    dict
        `cutoff` (of the only fit), `horizon` (30 days, or the one nearest), `level`,
        `chart`, `said` (a sentence) and `rows`, a month each. Empty where models were
        fitted more than once, or there are no forecasts of a year's length.
    """
    own, named = facts.published, facts.named_baseline
    mine = predictions.filter(pl.col("model") == own)
    if mine["cutoff"].n_unique() != 1:
        return {}
    horizon = nearest(mine["horizon"].unique())
    table = by_month(predictions, own, named, horizon)
    if table.height < 12:
        return {}
    return {
        "cutoff": mine["cutoff"].first(),
        "horizon": horizon,
        "level": LEVEL,
        "chart": charts.drawn(chart(table), "months"),
        "said": said(table),
        "rows": list(table.iter_rows(named=True)),
        "mondays": mine["origin"].dt.weekday().unique().to_list() == [1],
    }


def by_month(
    predictions: dy.DataFrame[Predictions], own: str, named: str, horizon: int
) -> pl.DataFrame:
    """What was forecast in each month, and what came of it.

    Parameters
    ----------
    predictions : Predictions
    own, named : str
        Models.
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        `month` (its first day), ascending; `truces` that were forecast; `caught`,
        `missed`, `false` and `unknown`, truces each; `own` and `named` (Brier scores
        of the month's forecasts; null where no outcome is known). A truce is `caught`
        in a month if a forecast of it warned and it collapsed within the horizon,
        `missed` if it collapsed within the horizon of a forecast and none warned
        before such a collapse, `false` if it was warned of and no warning came true,
        `unknown` if that is not known.

    Examples
    --------
    >>> by_month(Predictions.create_empty(), "logit", "trail", 30).height
    0
    """
    at = predictions.filter(pl.col("horizon") == horizon)
    ours, theirs = (at.filter(pl.col("model") == model) for model in (own, named))
    both = ours.join(
        theirs.select(*ROW, theirs="risk"), on=ROW, how="left"
    ).with_columns(month=pl.col("origin").dt.truncate("1mo"))
    warned, collapsed = pl.col("risk") >= LEVEL, pl.col("outcome") == 1
    truces = (
        both.group_by("month", "truce_id")
        .agg(
            warned=warned.any(),
            caught=(warned & collapsed).any(),
            due=collapsed.any(),
            known=(warned & pl.col("outcome").is_not_null()).any(),
        )
        .group_by("month")
        .agg(
            truces=pl.len(),
            caught=pl.col("caught").sum(),
            missed=(pl.col("due") & ~pl.col("caught")).sum(),
            false=(pl.col("warned") & pl.col("known") & ~pl.col("caught")).sum(),
            unknown=(pl.col("warned") & ~pl.col("known")).sum(),
        )
    )
    scores = (
        both.filter(pl.col("weight") > 0)
        .sort(ROW)
        .group_by("month", maintain_order=True)
        .agg(own=brier("risk"), named=brier("theirs"))
    )
    return truces.join(scores, on="month", how="left").sort("month")


def said(table: pl.DataFrame) -> str:
    """What came of all months, in a sentence.

    Examples
    --------
    >>> table = pl.DataFrame({"caught": [1, 2], "missed": [1, 0], "false": [4, 3],
    ...                       "unknown": [0, 0], "truces": [9, 8]})
    >>> print(said(table))
    Of 17 truces in force, counted each month anew, 10 were warned of: 3 collapsed in
    time, 7 did not. 1 collapsed without a warning.
    """
    total = {name: int(table[name].sum()) for name in COUNTS}
    warned = total["caught"] + total["false"] + total["unknown"]
    unknown = f", and of {total['unknown']} it is not known" if total["unknown"] else ""
    return (
        f"Of {total['truces']} truces in force, counted each month anew, {warned} were "
        f"warned of: {total['caught']} collapsed in time, {total['false']} did not"
        f"{unknown}. {total['missed']} collapsed without a warning."
    )


def chart(table: pl.DataFrame) -> charts.Chart:
    """Caught and missed above the line, false alarms below it, month by month.

    Parameters
    ----------
    table : pl.DataFrame
        From `by_month`.

    Returns
    -------
    altair chart
    """
    long = (
        table.unpivot(list(CAME), index="month", variable_name="came")
        .with_columns(
            value=pl.when(pl.col("came") == "false")
            .then(-pl.col("value").cast(pl.Int64))
            .otherwise(pl.col("value").cast(pl.Int64)),
            month=pl.col("month").dt.to_string(),
        )
        .sort("month", "came")
    )
    bars = alt.Chart(long).mark_bar(size=WIDTH / max(table.height, 1) * 0.7)
    months: charts.Chart = bars.encode(
        alt.X("month:T", title=None).axis(format="%Y", tickCount="year", grid=False),
        alt.Y("value:Q", title="truces").axis(
            tickCount=6, tickMinStep=1, labelExpr="format(abs(datum.value), 'd')"
        ),
        alt.Color("came:N", legend=None).scale(
            domain=list(CAME), range=list(CAME.values())
        ),
    ).properties(width=WIDTH, height=190)
    return months
