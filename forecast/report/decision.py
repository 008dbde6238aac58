"""The section on decisions: how much alarm, at what price, and what came of it."""

import math

import altair as alt
import dataframely as dy
import numpy as np
import polars as pl

from forecast.report.charts import BLUE, INK, MUTED, SIGNED, VERMILION, Chart, drawn
from forecast.report.decision_words import SHOWN_LEVELS, area_words, decisions
from forecast.report.facts import Facts
from forecast.report.words import nearest
from forecast.schema import Alarms, Costs

#: no chart of value reaches below this
FLOOR = -0.5
WIDTH, HEIGHT = 290, 250


def section(
    alarms: dy.DataFrame[Alarms], costs: dy.DataFrame[Costs], facts: Facts
) -> dict[str, object]:
    """What ``page_decision.html.j2`` shows.

    Parameters
    ----------
    alarms : Alarms
    costs : Costs
    facts : Facts

    Returns
    -------
    dict
        `horizon` (30 days, or the one nearest), `molchan` and `value` (charts, or None
        where there is nothing to draw), `area` (in words) and `rows`, a rule each with
        what came of it by the published model and, under `named`, by the baseline; an
        empty dict without alarms of the published model.
    """
    own, named = facts.published, facts.named_baseline
    mine = alarms.filter(pl.col("model") == own)
    if mine.is_empty():
        return {}
    at = nearest(mine["horizon"].unique())
    curves = [molchan(alarms, model, at) for model in (own, named)]
    values = [value_curve(costs, model, at) for model in (own, named)]
    if own == named:  # no curve is drawn over itself
        curves[1], values[1] = curves[1].clear(), values[1].clear()
    areas = [area(curve) for curve in curves]
    theirs = {row["warned"]: row for row in decisions(alarms, named, at).to_dicts()}
    return {
        "horizon": at,
        "molchan": None
        if curves[0].is_empty()
        else drawn(molchan_chart(*curves), "molchan"),
        "value": None if values[0].is_empty() else drawn(value_chart(*values), "value"),
        "area": area_words(areas[0], named, areas[1]),
        "rows": [
            row | {"named": theirs.get(row["warned"]) if own != named else None}
            for row in decisions(alarms, own, at).to_dicts()
        ],
    }


def molchan(alarms: dy.DataFrame[Alarms], model: str, horizon: int) -> pl.DataFrame:
    """Share of rows alarmed against share of collapses missed, by falling level.

    Parameters
    ----------
    alarms : Alarms
        Only the rule ``level`` is taken.
    model : str
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        `at`, `alarmed`, `missed`; the first row never warns and the last always does,
        at no level of their own. Empty where no collapse is known.

    Examples
    --------
    >>> molchan(Alarms.create_empty(), "logit", 30).height
    0
    """
    shown = ["at", "alarmed", "missed"]
    curve = (
        alarms.filter(
            pl.col("model") == model,
            pl.col("horizon") == horizon,
            pl.col("rule") == "level",
            pl.col("missed").is_not_null(),
        )
        .sort("at", descending=True)
        .select(shown)
    )
    if curve.is_empty():
        return curve
    ends = pl.DataFrame(
        {"at": [None, None], "alarmed": [0.0, 1.0], "missed": [1.0, 0.0]},
        schema=curve.schema,
    )
    return pl.concat([ends[:1], curve, ends[1:]])


def area(curve: pl.DataFrame) -> float | None:
    """Area under a Molchan curve: one half by guessing, less is better.

    Lines between its points can be had: by warning at the one level or the other, by
    lot.

    Parameters
    ----------
    curve : pl.DataFrame
        From `molchan`.

    Returns
    -------
    float or None
        None for an empty curve.

    Examples
    --------
    >>> area(pl.DataFrame({"alarmed": [0.0, 0.5, 1.0], "missed": [1.0, 0.0, 0.0]}))
    0.25
    """
    if curve.is_empty():
        return None
    return float(np.trapezoid(curve["missed"], curve["alarmed"]))


def molchan_chart(published: pl.DataFrame, baseline: pl.DataFrame) -> Chart:
    """Molchan diagram of two models: what is missed for how much alarm.

    Parameters
    ----------
    published, baseline : pl.DataFrame
        Curves from `molchan`; either may be empty.

    Returns
    -------
    altair chart
        The area under the published model's curve is shaded, and the levels of the
        table stand beside it; the diagonal is guessing.

    Examples
    --------
    >>> from forecast.report.charts import svg
    >>> curve = pl.DataFrame({"at": [None, 0.2, None], "alarmed": [0.0, 0.3, 1.0],
    ...     "missed": [1.0, 0.4, 0.0]})
    >>> drawn = svg(molchan_chart(curve, curve.clear()), "molchan")
    >>> ">collapses missed<" in drawn, ">20%<" in drawn
    (True, True)
    """
    across = _part("alarmed", "origins with an alarm")
    down = alt.Y("missed:Q", title="collapses missed", stack=False).scale(domain=[0, 1])
    down = down.axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    guessing = pl.DataFrame({"alarmed": [0.0, 1.0], "missed": [1.0, 0.0]})
    layers = [
        alt.Chart(guessing)
        .mark_line(color=MUTED, strokeWidth=1, strokeDash=[3, 3])
        .encode(across, down)
    ]
    if not published.is_empty():
        base = alt.Chart(published).encode(across, down)
        layers.append(base.mark_area(color=BLUE, opacity=0.12))
    layers += [
        _line(curve, colour).encode(across, down, alt.Order("step:Q"))
        for curve, colour in ((baseline, VERMILION), (published, BLUE))
        if not curve.is_empty()
    ]
    named = published.filter(pl.col("at").is_in(SHOWN_LEVELS))
    layers += [layer.encode(across, down) for layer in _labels(named)]
    chart: Chart = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
    return chart


def _labels(named: pl.DataFrame) -> list[alt.Chart]:
    """Points with their levels: below the curve, or above where the axis is near."""
    near, layers = pl.col("alarmed") < 0.15, []
    for part, side in ((named.filter(near), 1), (named.filter(~near), -1)):
        if not part.is_empty():
            base = alt.Chart(part)
            text = base.mark_text(color=INK, dx=20 * side, dy=-8 * side, fontSize=11)
            layers.append(base.mark_point(color=BLUE, filled=True, size=40, opacity=1))
            layers.append(text.encode(alt.Text("at:Q", format=".0%")))
    return layers


def value_curve(costs: dy.DataFrame[Costs], model: str, horizon: int) -> pl.DataFrame:
    """What a model saves at each price of a warning.

    Parameters
    ----------
    costs : Costs
    model : str
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        `ratio`, `saved`, by ascending ratio; empty where nothing can be saved.

    Examples
    --------
    >>> value_curve(Costs.create_empty(), "logit", 30).height
    0
    """
    own = (pl.col("model") == model) & (pl.col("horizon") == horizon)
    return costs.filter(own).select("ratio", "saved").drop_nulls().sort("ratio")


def value_chart(published: pl.DataFrame, baseline: pl.DataFrame) -> Chart:
    """Value of two models at each price of a warning; zero needs no model at all.

    Parameters
    ----------
    published, baseline : pl.DataFrame
        Curves from `value_curve`; either may be empty.

    Returns
    -------
    altair chart
        Price across, share saved up, cut at −50%.

    Examples
    --------
    >>> from forecast.report.charts import svg
    >>> curve = pl.DataFrame({"ratio": [0.2, 0.4], "saved": [0.3, -0.1]})
    >>> ">saved<" in svg(value_chart(curve, curve.clear()), "value")
    True
    """
    saved = pl.concat([published["saved"], baseline["saved"]])
    low, high = (float(end or 0.0) for end in (saved.min(), saved.max()))  # type: ignore[arg-type]
    domain = [
        max(math.floor(4 * min(low, 0.0)) / 4, FLOOR),
        max(math.ceil(4 * high) / 4, 0.25),
    ]
    across = _part("ratio", "cost of a warning, of that of an unwarned collapse")
    up = alt.Y("saved:Q", title="saved").scale(domain=domain, nice=False)
    steps = np.arange(domain[0], domain[1] + 0.25, 0.25)
    up = up.axis(labelExpr=SIGNED, values=steps.tolist())
    zero = (
        alt.Chart(pl.DataFrame({"ratio": [0.0, 1.0], "saved": [0.0, 0.0]}))
        .mark_line(color=MUTED, strokeWidth=1, strokeDash=[3, 3])
        .encode(across, up)
    )
    lines = [
        _line(curve, colour).encode(across, up, alt.Order("step:Q"))
        for curve, colour in ((baseline, VERMILION), (published, BLUE))
        if not curve.is_empty()
    ]
    chart: Chart = alt.layer(zero, *lines).properties(width=WIDTH, height=HEIGHT)
    return chart


def _line(curve: pl.DataFrame, colour: str) -> alt.Chart:
    """A curve in the order of its rows, which may go straight down."""
    dash = [6, 3] if colour == VERMILION else [1, 0]
    line: alt.Chart = alt.Chart(curve.with_row_index("step")).mark_line(
        color=colour, strokeWidth=2, strokeDash=dash, clip=True
    )
    return line


def _part(field: str, title: str) -> alt.X:
    across: alt.X = (
        alt.X(f"{field}:Q", title=title)
        .scale(domain=[0, 1], nice=False)
        .axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    )
    return across
