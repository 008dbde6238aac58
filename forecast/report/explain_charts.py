"""The charts of why: importance, coefficients, partial effects."""

import altair as alt
import polars as pl

from forecast.report import charts

#: height of a row
STEP = 20
#: of the chart of one column
WIDTH, HEIGHT = 270, 120


def importance_chart(here: pl.DataFrame) -> charts.Chart:
    """Skill lost without each family, with its interval.

    Parameters
    ----------
    here : pl.DataFrame
        ``family``, ``value``, ``lower``, ``upper`` at one horizon, in the order of
        the rows.

    Returns
    -------
    altair chart

    Examples
    --------
    >>> here = pl.DataFrame({"family": ["recent"], "value": [0.1], "lower": [0.05],
    ...                      "upper": [0.15]})
    >>> ">recent<" in charts.svg(importance_chart(here), "importance")
    True
    """
    base = _rows(here.filter(pl.col("value").is_not_null()), "family")
    value = _across(here, "value", "skill lost").axis(
        labelExpr=charts.SIGNED, tickCount=5
    )
    return alt.layer(
        base.mark_bar(color=charts.BLUE, opacity=0.35, height=11).encode(
            value, alt.X2(datum=0)
        ),
        _intervals(base),
        base.mark_point(color=charts.BLUE, filled=True, size=40, opacity=1).encode(
            alt.X("value:Q")
        ),
        _zero(),
    ).properties(width=200)


def coefficient_chart(top: pl.DataFrame) -> charts.Chart:
    """Dot and interval for each term; zero is no effect.

    Parameters
    ----------
    top : pl.DataFrame
        ``term``, ``coefficient``, ``lower``, ``upper``, in the order of the rows.

    Returns
    -------
    altair chart

    Examples
    --------
    >>> top = pl.DataFrame({"term": ["age_log"], "coefficient": [-0.1],
    ...                     "lower": [-0.15], "upper": [-0.05]})
    >>> ">age_log<" in charts.svg(coefficient_chart(top), "terms")
    True
    """
    here = top.rename({"coefficient": "value"})
    base = _rows(here, "term")
    value = _across(here, "value", "coefficient").axis(format="+.2~f", tickCount=5)
    return alt.layer(
        _zero(),
        _intervals(base),
        base.mark_point(color=charts.BLUE, filled=True, size=56, opacity=1).encode(
            value
        ),
    ).properties(width=200)


def effect_chart(line: pl.DataFrame, top: float) -> charts.Chart:
    """Mean risk as one column moves.

    Parameters
    ----------
    line : pl.DataFrame
        ``at`` and ``risk`` of one column, ascending.
    top : float
        The highest risk of all charts beside it: they share a scale from zero.

    Returns
    -------
    altair chart

    Examples
    --------
    >>> line = pl.DataFrame({"at": [0.0, 1.0], "risk": [0.1, 0.2]})
    >>> ">mean risk<" in charts.svg(effect_chart(line, 0.2), "effect")
    True
    """
    point = alt.OverlayMarkDef(color=charts.BLUE, size=22, filled=True)
    lines: charts.Chart = (
        alt.Chart(line, width=WIDTH, height=HEIGHT)
        .mark_line(color=charts.BLUE, strokeWidth=2, point=point)
        .encode(
            alt.X("at:Q", title=None)
            .scale(zero=False, nice=False, padding=6)
            .axis(tickCount=5, grid=False, format="~r"),
            alt.Y("risk:Q", title="mean risk")
            .scale(domain=[0, min(1.0, 1.1 * top)], nice=False)
            .axis(format=".0%", tickCount=4),
        )
    )
    return lines


def _rows(data: pl.DataFrame, name: str) -> alt.Chart:
    names = alt.Y(f"{name}:N", sort=data[name].to_list(), title=None)
    names = names.axis(**charts.names(230))
    base: alt.Chart = alt.Chart(data, height=alt.Step(STEP)).encode(names)
    return base


def _across(data: pl.DataFrame, field: str, title: str) -> alt.X:
    """A scale that holds zero, every value and every interval."""
    ends = data.select(
        pl.min_horizontal("value", "lower", 0.0).min(),
        pl.max_horizontal("value", "upper", 0.0).max().alias("high"),
    ).row(0)
    room = 0.04 * (ends[1] - ends[0]) + 1e-3
    domain = [ends[0] - room, ends[1] + room]
    across: alt.X = alt.X(f"{field}:Q", title=title).scale(domain=domain, nice=False)
    return across


def _intervals(base: alt.Chart) -> alt.Chart:
    rules: alt.Chart = (
        base.mark_rule(strokeWidth=2, color=charts.BLUE, opacity=0.55)
        .encode(alt.X("lower:Q"), alt.X2("upper:Q"))
        .transform_filter("isValid(datum.lower) && isValid(datum.upper)")
    )
    return rules


def _zero() -> alt.Chart:
    rule: alt.Chart = (
        alt.Chart(pl.DataFrame({"zero": [0.0]}))
        .mark_rule(color=charts.VERMILION, strokeWidth=1.5, strokeDash=[4, 3])
        .encode(alt.X("zero:Q"))
    )
    return rule
