"""The charts of the report: Altair in, static SVG out, nothing fetched.

Colours are Okabe and Ito's (2008), told apart by colour-blind readers. The page
swaps the same colours for lighter ones on a dark screen, by their value.
"""

import math
import re
from typing import Any, TypeAlias

import altair as alt
import polars as pl
import vl_convert
from markupsafe import Markup

from forecast.report.tables import histogram, knots

BLUE, VERMILION = "#0072B2", "#D55E00"
SIGNED = "datum.value == 0 ? '0%' : format(datum.value, '+.0%')"
INK, MUTED, GRID = "#1B2733", "#5C6B78", "#DDE3E8"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart


def risk_chart(top: pl.DataFrame) -> Chart:
    """Dot and interval for each truce, with a tick for the baseline's risk.

    Parameters
    ----------
    top : pl.DataFrame
        From `top_risks`, at least one row.

    Returns
    -------
    altair chart
        Truces down, risk across; the labels carry the rank, so that two truces of
        one name stay two rows.

    Examples
    --------
    >>> top = pl.DataFrame({"rank": [1], "truce": ["A truce"], "risk": [0.3],
    ...     "risk_lower": [0.2], "risk_upper": [0.4], "baseline_risk": [0.1]})
    >>> "1. A truce" in svg(risk_chart(top), "risk")
    True
    """
    name = pl.format("{}. {}", "rank", "truce")
    data = top.select(
        name.alias("name"), "risk", "risk_lower", "risk_upper", "baseline_risk"
    )
    highest = top.select(pl.max_horizontal("risk_upper", "baseline_risk").max()).item()
    base = alt.Chart(data, width=225, height=alt.Step(21)).encode(
        alt.Y("name:N", sort=None, title=None).axis(**names(178))
    )
    across = _share("risk", "risk of collapse", min(1.0, math.ceil(highest * 10) / 10))
    return alt.layer(
        base.mark_rule(strokeWidth=2, color=BLUE, opacity=0.55).encode(
            alt.X("risk_lower:Q", title=None), alt.X2("risk_upper:Q")
        ),
        base.mark_tick(color=VERMILION, thickness=2.5, height=13, opacity=1).encode(
            alt.X("baseline_risk:Q")
        ),
        base.mark_point(color=BLUE, filled=True, size=64, opacity=1).encode(across),
    )


def skill_chart(table: pl.DataFrame, horizon: int) -> Chart:
    """Skill of each model at one horizon, with its interval; zero is the baseline.

    Parameters
    ----------
    table : pl.DataFrame
        From `skill_table`; all its horizons set the scale, so that the charts of a
        report can be read side by side.
    horizon : int
        Days; must be in the table.

    Returns
    -------
    altair chart
        Models down, skill across, cut at −100%.

    Examples
    --------
    >>> table = pl.DataFrame({"model": ["logit"], "horizon": [30], "value": [0.1],
    ...     "lower": [0.02], "upper": [0.2], "role": ["published"]})
    >>> ">logit<" in svg(skill_chart(table, 30), "skill")
    True
    """
    ends = pl.concat([table[name] for name in ("value", "lower", "upper")])
    low, high = float(ends.min() or 0.0), float(ends.max() or 0.0)  # type: ignore[arg-type]
    room = 0.05 * (high - low) + 0.01
    domain = [max(min(low, 0.0) - room, -1.0), max(high, 0.0) + room]
    here = table.filter(pl.col("horizon") == horizon).with_columns(
        pl.col("value", "lower", "upper").clip(domain[0], domain[1])
    )
    colour = alt.Color("role:N", legend=None).scale(
        domain=["published", "model", "baseline"], range=[BLUE, MUTED, MUTED]
    )
    base = alt.Chart(here, width=270, height=alt.Step(24)).encode(
        alt.Y("model:N", sort=here["model"].to_list(), title=None).axis(**names(100)),
        colour,
    )
    scale = alt.X("value:Q", title="skill", scale=alt.Scale(domain=domain, nice=False))
    zero = pl.DataFrame({"zero": [0.0]})
    return alt.layer(
        alt.Chart(zero)
        .mark_rule(color=VERMILION, strokeWidth=1.5, strokeDash=[4, 3])
        .encode(alt.X("zero:Q")),
        base.mark_rule(strokeWidth=2, opacity=0.55)
        .encode(alt.X("lower:Q"), alt.X2("upper:Q"))
        .transform_filter("isValid(datum.lower) && isValid(datum.upper)"),
        base.mark_point(size=64, opacity=1).encode(
            scale.axis(labelExpr=SIGNED, tickCount=5),
            fill=alt.Fill("role:N", legend=None).scale(
                domain=["published", "model", "baseline"],
                range=[BLUE, MUTED, "#FFFFFF"],
            ),
        ),
    )


def reliability_chart(published: pl.DataFrame, baseline: pl.DataFrame) -> Chart:
    """Forecast against what came, over a histogram of the forecasts.

    Parameters
    ----------
    published, baseline : pl.DataFrame
        Curves from `recalibration`; either may be empty.

    Returns
    -------
    altair chart
        Above, the two curves and the diagonal of perfect reliability; below, the
        forecasts of the published model upward and of the baseline downward.

    Examples
    --------
    >>> curve = pl.DataFrame({"forecast": [0.1, 0.6], "recalibrated": [0.2, 0.5],
    ...     "weight": [3.0, 1.0]})
    >>> ">came true<" in svg(reliability_chart(curve, curve.clear()), "reliability")
    True
    """
    roles = [("baseline", baseline, VERMILION), ("published", published, BLUE)]
    shown = [part for part in roles if not part[1].is_empty()]
    diagonal = (
        alt.Chart(pl.DataFrame({"forecast": [0.0, 1.0], "recalibrated": [0.0, 1.0]}))
        .mark_line(color=MUTED, strokeWidth=1, strokeDash=[3, 3])
        .encode(alt.X("forecast:Q"), alt.Y("recalibrated:Q"))
    )
    curves = [_curve(knots(frame), colour) for _, frame, colour in shown]
    bars = [
        _bars(histogram(frame), colour, -1 if role == "baseline" else 1)
        for role, frame, colour in shown
    ]
    above = alt.layer(diagonal, *curves).properties(width=290, height=250)
    below = alt.layer(*bars).properties(width=290, height=54)
    both: Chart = alt.vconcat(above, below, spacing=6)
    return both


def _curve(knots: pl.DataFrame, colour: str) -> alt.Chart:
    dash = [6, 3] if colour == VERMILION else [1, 0]
    point = alt.OverlayMarkDef(color=colour, size=14, filled=True)
    curve: alt.Chart = (
        alt.Chart(knots)
        .mark_line(color=colour, strokeWidth=2, strokeDash=dash, point=point)
        .encode(
            _share("forecast", None, labels=False),
            alt.Y("recalibrated:Q", title="came true")
            .scale(domain=[0, 1])
            .axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]),
        )
    )
    return curve


def _bars(bins: pl.DataFrame, colour: str, sign: int) -> alt.Chart:
    data = bins.filter(pl.col("share") > 0).with_columns(pl.col("share") * sign)
    bars: alt.Chart = (
        alt.Chart(data)
        .mark_rect(color=colour, opacity=0.8)
        .encode(
            _share("left", "forecast risk"),
            alt.X2("right:Q"),
            alt.Y("share:Q", title=None, axis=None),
            alt.Y2(datum=0),
        )
    )
    return bars


def names(room: int) -> dict[str, Any]:
    """Axis of names beside a chart, without lines.

    Parameters
    ----------
    room : int
        Pixels for the names. They are cut at less: a reader's font may be a sixth
        wider than the one that they are measured in here.

    Returns
    -------
    dict of str to Any
        For the ``axis`` of an Altair channel.

    Examples
    --------
    >>> names(100)["labelLimit"]
    85
    """
    fixed = {"minExtent": room, "maxExtent": room, "domain": False, "ticks": False}
    return {"labelLimit": room * 85 // 100} | fixed


def _share(
    field: str, title: str | None, top: float = 1.0, labels: bool = True
) -> alt.X:
    # five steps at most: labels of a narrow chart run into each other
    fitting = (step for step in (0.02, 0.05, 0.1, 0.2) if top <= 5 * step)
    step = 0.25 if top == 1 else next(fitting)
    values = [n * step for n in range(6) if n * step <= top + 1e-9]
    across: alt.X = (
        alt.X(f"{field}:Q", title=title)
        .scale(domain=[0, top], nice=False)
        .axis(format=".0%", values=values, labels=labels, ticks=labels)
    )
    return across


def drawn(chart: Chart, name: str) -> Markup:
    """Render a chart as markup for a template: see `svg`, which escapes every text."""
    return Markup(svg(chart, name))  # noqa: S704


def svg(chart: Chart, name: str) -> str:
    """Render a chart as a static SVG to be put into a page.

    Parameters
    ----------
    chart : altair chart
    name : str
        By which it can be found in the page; prefix of every id inside, so that two
        charts of a page never share one.

    Returns
    -------
    str
        An ``<svg>`` element: texts escaped, nothing fetched, equal bytes for equal
        charts.

    Examples
    --------
    >>> dot = alt.Chart(pl.DataFrame({"x": [1]})).mark_point().encode(x="x:Q")
    >>> svg(dot, "dot")[:4]
    '<svg'
    """
    axis = alt.AxisConfig(
        labelColor=MUTED,
        titleColor=MUTED,
        titleFontWeight="normal",
        gridColor=GRID,
        domainColor=GRID,
        tickColor=GRID,
        labelFontSize=12,
        titleFontSize=12,
    )
    spec = chart.configure(
        aria=False,
        background="transparent",
        font=FONT,
        axis=axis,
        axisY=alt.AxisConfig(labelColor=INK),
        view=alt.ViewConfig(stroke=None),
        padding=4,
    ).to_dict()
    text: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    # the page says what a chart shows: marks without a name would only be in the way
    text = re.sub(r'(<g\b[^>]*?) role="graphics-[^>]*?description="[^"]*"', r"\1", text)
    return _own_ids(text, name).replace("<svg", f'<svg data-chart="{name}"', 1)


def _own_ids(text: str, name: str) -> str:
    """Number the ids afresh: the renderer counts them on through its whole life."""
    for number, found in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', text))):
        fresh = f"{name}-{number}"
        text = text.replace(f'id="{found}"', f'id="{fresh}"')
        text = text.replace(f"url(#{found})", f"url(#{fresh})")
    return text
