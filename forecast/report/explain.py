"""The section on why: what families are worth, what terms weigh, what a column does."""

import dataframely as dy
import polars as pl

from forecast.report import explain_charts as drawing
from forecast.report.charts import drawn
from forecast.report.facts import Facts
from forecast.report.figures import signed
from forecast.report.words import days, listed, nearest
from forecast.schema import Coefficients, Effects, Importance

SHOWN_TERMS = 20
#: terms that a single figure does not tell: bumps of a spline, and what exits depend on
UNREADABLE = r"_curve_\d+|^age_\d+$|^exit: "


def section(
    coefficients: dy.DataFrame[Coefficients],
    effects: dy.DataFrame[Effects],
    importance: dy.DataFrame[Importance],
    facts: Facts,
) -> dict[str, object]:
    """What ``page_explain.html.j2`` shows.

    Parameters
    ----------
    coefficients : Coefficients
        Of any models; those of the published one are shown.
    effects, importance : Effects, Importance
        Of the published model.
    facts : Facts

    Returns
    -------
    dict
        `horizon` (30 days, or the one nearest), `importance` (`chart`, `horizons`,
        `rows`), `said` (a sentence on it), `terms` (`chart`, `shown`, `all`,
        `per_horizon`, `chance`) or None without coefficients, `effects` (a column, its
        range and a chart each); an empty dict where nothing was explained.
    """
    if importance.is_empty():
        return {}
    horizon = nearest(importance["horizon"].unique())
    table = importance.fill_nan(None).sort(
        pl.when(pl.col("horizon") == horizon).then(-pl.col("value")),
        "family",
        nulls_last=True,
        maintain_order=True,
    )
    here = table.filter(pl.col("horizon") == horizon)
    return {
        "horizon": horizon,
        "said": worth(here, facts.level),
        "importance": {
            "chart": drawn(drawing.importance_chart(here), "importance"),
            "horizons": sorted(importance["horizon"].unique()),
            "rows": _by_family(table, here["family"].to_list()),
        },
        "terms": _terms(coefficients, horizon, facts),
        "effects": _effects(effects.filter(pl.col("horizon") == horizon)),
    }


def _by_family(
    table: pl.DataFrame, order: list[str]
) -> list[tuple[str, list[dict[str, object]]]]:
    """Cells of each family, by horizon."""
    cells = table.sort("horizon").partition_by("family", as_dict=True)
    return [(family, cells[family,].to_dicts()) for family in order]


def worth(here: pl.DataFrame, level: float) -> str:
    """Which families forecasts suffer without, as far as intervals allow to say.

    Parameters
    ----------
    here : pl.DataFrame
        Importance at one horizon, largest first.
    level : float
        What the intervals aim to cover.

    Examples
    --------
    >>> here = pl.DataFrame({"horizon": [30, 30], "family": ["recent", "design"],
    ...     "value": [0.1, 0.01], "lower": [0.05, -0.01], "upper": [0.15, 0.02]})
    >>> print(worth(here, 0.9))
    At 30 days forecasts lose most when recent is shuffled: 10.0 points of skill. The
    90% interval is above zero for recent, and holds zero for design.
    """
    first = here.row(0, named=True)
    if first["value"] is None:
        return "No forecast of known outcome tells what a family is worth."
    lower, upper = pl.col("lower"), pl.col("upper")
    parts = []
    for holds, words in (
        (lower > 0, "is above zero for"),
        ((lower <= 0) & (upper >= 0), "holds zero for"),
        (upper < 0, "is below zero for"),
    ):
        names = here.filter(holds)["family"].to_list()
        if names:
            parts.append(f"{words} {listed(names)}")
    points = signed(first["value"], "").removeprefix("+")
    said = (
        f"At {days([first['horizon']])} forecasts lose most when {first['family']} is "
        f"shuffled: {points} points of skill."
    )
    if not parts:
        return said
    *before, last = parts
    joined = f"{', '.join(before)}, and {last}" if before else last
    return f"{said} The {level:.0%} interval {joined}."


def _terms(
    coefficients: dy.DataFrame[Coefficients], horizon: int, facts: Facts
) -> dict[str, object] | None:
    """The largest coefficients of the published model."""
    at = pl.col("horizon").is_null() | (pl.col("horizon") == horizon)
    own = coefficients.filter(pl.col("model") == facts.published, at)
    top = largest(own)
    if top.is_empty():
        return None
    return {
        "chart": drawn(drawing.coefficient_chart(top), "terms"),
        "shown": top.height,
        "all": own.height,
        "chance": chance(own, facts.level),
        "per_horizon": own["horizon"].is_not_null().any(),
    }


def largest(own: pl.DataFrame, terms: int = SHOWN_TERMS) -> pl.DataFrame:
    """Terms of the largest coefficients, largest first, without bumps of splines.

    Examples
    --------
    >>> own = pl.DataFrame({"term": ["a", "a_curve_1", "b", "c"],
    ...                     "coefficient": [0.1, 0.9, -0.2, 0.0]})
    >>> largest(own)["term"].to_list()
    ['b', 'a']
    """
    readable = ~pl.col("term").str.contains(UNREADABLE)
    return (
        own.filter(readable, pl.col("coefficient") != 0)
        .sort(pl.col("coefficient").abs(), "term", descending=[True, False])
        .head(terms)
    )


def chance(own: pl.DataFrame, level: float) -> str:
    """How many intervals leave out zero, and how many would if no term did anything.

    Examples
    --------
    >>> own = pl.DataFrame({"lower": [0.1] * 8 + [-0.1] * 22, "upper": [0.2] * 30})
    >>> print(chance(own, 0.9))
    Of 30 intervals 8 leave out zero; about 3 would by chance if no term did anything.
    """
    known = own.drop_nulls(["lower", "upper"])
    out = known.filter((pl.col("lower") > 0) | (pl.col("upper") < 0)).height
    if known.is_empty():
        return "No interval could be computed."
    return (
        f"Of {known.height} intervals {out} leave{'s' if out == 1 else ''} out zero; "
        f"about {round((1 - level) * known.height)} would by chance if no term did "
        "anything."
    )


def _effects(here: pl.DataFrame) -> list[dict[str, object]]:
    """A chart for each column, on one scale of risk; the widest first."""
    if here.is_empty():
        return []
    top = float(here["risk"].max())  # type: ignore[arg-type]
    spans = (
        here.group_by("column")
        .agg(low=pl.col("risk").min(), high=pl.col("risk").max())
        .sort(pl.col("low") - pl.col("high"), "column")
    )
    charts = []
    for place, (column, low, high) in enumerate(spans.iter_rows()):
        line = here.filter(pl.col("column") == column).sort("at")
        chart = drawn(drawing.effect_chart(line, top), f"effect-{place}")
        charts.append({"column": column, "low": low, "high": high, "chart": chart})
    return charts
