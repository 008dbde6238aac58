"""The section on the known truth: floor, ceiling, and each model in between."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import dataframely as dy
import polars as pl
from markupsafe import Markup

from forecast.report.charts import BLUE, MUTED, SIGNED, VERMILION, Chart, names, svg
from forecast.report.figures import attained
from forecast.report.words import days, nearest
from forecast.schema import KnownTruth

#: no chart of shares reaches below this
LOWEST = -1.0
CEILING = "truth"


def section(
    scores: dy.DataFrame[KnownTruth],
    calibration: pl.DataFrame,
    *,
    published: str,
    named_baseline: str,
    level: float = 0.9,
) -> dict[str, object]:
    """What ``truth.html.j2`` shows.

    Parameters
    ----------
    scores : KnownTruth
        Not empty.
    calibration : pl.DataFrame
        From :func:`forecast.truth.calibration`.
    published, named_baseline : str
        The model that the page speaks of; the floor.
    level : float
        What the intervals aim to cover.

    Returns
    -------
    dict
        Horizons, charts, and the rows of the table.

    Examples
    --------
    >>> row = {"horizon": 30, "brier": 0.1, "mean_risk": 0.1, "mean_truth": 0.1, "n": 9}
    >>> scores = KnownTruth.validate(pl.DataFrame(
    ...     [row | {"model": name, "share": share, "lower": share, "upper": share}
    ...      for name, share in (("logit", 0.4), ("trail", 0.0), ("truth", 1.0))]
    ... ).select(KnownTruth.column_names()), cast=True)
    >>> curve = pl.DataFrame({"model": ["logit"], "horizon": [30], "bin": [0],
    ...                       "risk": [0.1], "truth": [0.2], "n": [9]})
    >>> section(scores, curve, published="logit", named_baseline="trail")["said"]
    'At 30 days logit finds 40% of what can be known beyond trail (90% interval: 40% to
    40%).'
    """
    horizons = scores["horizon"].unique().sort().to_list()
    models = _order(scores, published, named_baseline)
    cells: dict[Any, dict[str, Any]] = {
        (row["model"], row["horizon"]): row for row in scores.iter_rows(named=True)
    }
    drawn = [
        {
            "horizon": horizon,
            "share": _drawn(share_chart(scores, horizon, models, published), "share"),
            "calibration": _drawn(
                calibration_chart(calibration, horizon, published, named_baseline),
                "truth",
            ),
            "own": cells.get((published, horizon)),
        }
        for horizon in horizons
    ]
    return {
        "said": said(scores, published, named_baseline, level),
        "n": scores["n"].max(),
        "horizons": horizons,
        "charts": drawn,
        "rows": [
            (name, [cells.get((name, horizon)) for horizon in horizons])
            for name in [CEILING, *models, named_baseline]
        ],
    }


def _drawn(chart: Chart, name: str) -> Markup:
    """A chart as markup, its ids apart from those of the others on the page."""
    return Markup(svg(chart, f"{name}-known"))  # noqa: S704 — texts are escaped in it


def _order(scores: pl.DataFrame, published: str, named: str) -> list[str]:
    """Models between floor and ceiling: the published one, then by the mean share."""
    between = scores.filter(~pl.col("model").is_in([CEILING, named]))
    by_share = (
        between.group_by("model")
        .agg(pl.col("share").mean())
        .sort(
            pl.col("model") != published,
            -pl.col("share").fill_null(-math.inf),
            "model",
        )
    )
    return by_share["model"].to_list()


def said(scores: pl.DataFrame, published: str, named: str, level: float = 0.9) -> str:
    """How much of what can be known the published model finds, in a sentence.

    Parameters
    ----------
    scores : pl.DataFrame
        As :class:`forecast.schema.KnownTruth`.
    published, named : str
        The model; the floor.
    level : float
        What the interval aims to cover.

    Returns
    -------
    str
        Of the horizon nearest to 30 days; no more than the interval allows.

    Examples
    --------
    >>> row = {"model": "logit", "horizon": 30}
    >>> low = pl.DataFrame([row | {"share": -0.2, "lower": -0.3, "upper": -0.1}])
    >>> said(low, "logit", "trail")
    'At 30 days logit finds less than trail does: −20% of what can be known beyond it
    (90% interval: −30% to −10%).'
    >>> said(low.clear(), "logit", "trail")
    'logit was not scored against the truth.'
    """
    own = scores.filter(pl.col("model") == published, pl.col("share").is_not_null())
    if own.is_empty():
        return f"{published} was not scored against the truth."
    if published == named:
        return f"{published} is itself the floor that the others are held against."
    at = nearest(own["horizon"])
    row = own.filter(pl.col("horizon") == at).row(0, named=True)
    part, tail = attained(row["share"]), ""
    if row["lower"] is not None:
        ends = f"{attained(row['lower'])} to {attained(row['upper'])}"
        tail = f" ({level:.0%} interval: {ends})"
    start = f"At {days([at])} {published}"
    if (row["upper"] or 0.0) < 0:
        return (
            f"{start} finds less than {named} does: {part} of what can be known "
            f"beyond it{tail}."
        )
    if (row["lower"] or 0.0) > 0:
        return f"{start} finds {part} of what can be known beyond {named}{tail}."
    return (
        f"{start} is not told apart from {named}: it finds {part} of what can be "
        f"known beyond it{tail}."
    )


def share_chart(
    scores: pl.DataFrame, horizon: int, models: Sequence[str], published: str
) -> Chart:
    """Share of the attainable skill of each model, between floor and ceiling.

    Parameters
    ----------
    scores : pl.DataFrame
        As :class:`forecast.schema.KnownTruth`; all its horizons set the scale.
    horizon : int
        Days.
    models : sequence of str
        From top to bottom.
    published : str
        The model that stands out.

    Returns
    -------
    altair chart
        Dots with intervals, cut at −100%; a dashed line at 0, a plain one at 1.

    Examples
    --------
    >>> scores = pl.DataFrame({"model": ["logit"], "horizon": [30], "share": [0.4],
    ...                        "lower": [0.3], "upper": [0.5]})
    >>> ">logit<" in svg(share_chart(scores, 30, ["logit"], "logit"), "share")
    True
    """
    shown = scores.filter(pl.col("model").is_in(list(models)))
    low = min(float(shown["lower"].min() or 0.0), float(shown["share"].min() or 0.0), 0)  # type: ignore[arg-type]
    lowest = max(math.floor(4 * low) / 4, LOWEST)
    here = shown.filter(pl.col("horizon") == horizon).with_columns(
        pl.col("share", "lower", "upper").clip(lowest, 1.0)
    )
    base = alt.Chart(here, width=270, height=alt.Step(24)).encode(
        alt.Y("model:N", sort=list(models), title=None).axis(**names(100)),
        alt.Color("model:N", legend=None).scale(
            domain=list(models),
            range=[BLUE if name == published else MUTED for name in models],
        ),
    )
    across = (
        alt.X("share:Q", title="share of what can be known")
        # room, so that no dot lies on an edge
        .scale(domain=[lowest - 0.08, 1.04], nice=False)
        .axis(labelExpr=SIGNED.replace("+", ""), tickCount=5)
    )
    ends = alt.Chart(pl.DataFrame({"end": [0.0, 1.0], "what": ["floor", "ceiling"]}))
    chart: Chart = alt.layer(
        ends.mark_rule(strokeWidth=1.5).encode(
            alt.X("end:Q"),
            alt.Color("what:N", legend=None).scale(
                domain=["floor", "ceiling"], range=[VERMILION, MUTED]
            ),
            alt.StrokeDash("what:N", legend=None).scale(
                domain=["floor", "ceiling"], range=[[4, 3], [1, 0]]
            ),
        ),
        base.mark_rule(strokeWidth=2, opacity=0.55)
        .encode(alt.X("lower:Q"), alt.X2("upper:Q"))
        .transform_filter("isValid(datum.lower) && isValid(datum.upper)"),
        base.mark_point(filled=True, size=64, opacity=1).encode(across),
    ).resolve_scale(color="independent")
    return chart


def calibration_chart(
    calibration: pl.DataFrame, horizon: int, published: str, named: str
) -> Chart:
    """Mean true risk against mean forecast, in tenths of the forecasts.

    Parameters
    ----------
    calibration : pl.DataFrame
        From :func:`forecast.truth.calibration`.
    horizon : int
        Days.
    published, named : str
        The models that are drawn.

    Returns
    -------
    altair chart
        On the diagonal the forecasts are the true risk.

    Examples
    --------
    >>> curve = pl.DataFrame({"model": ["logit"], "horizon": [30], "bin": [0],
    ...                       "risk": [0.1], "truth": [0.2], "n": [9]})
    >>> drawn = svg(calibration_chart(curve, 30, "logit", "trail"), "truth")
    >>> ">true risk<" in drawn
    True
    """
    here = calibration.filter(pl.col("horizon") == horizon)
    highest = here.select(pl.max_horizontal("risk", "truth").max()).item() or 1.0
    top = min(1.0, math.ceil(10 * highest) / 10)

    def axis(kind: Any, field: str, title: str) -> Any:
        scale = {"domain": [0, top], "nice": False}
        return kind(f"{field}:Q", title=title, scale=scale).axis(
            format=".0%", tickCount=4
        )

    across = axis(alt.X, "risk", "forecast risk")
    up = axis(alt.Y, "truth", "true risk")
    layers = [
        alt.Chart(pl.DataFrame({"risk": [0.0, top], "truth": [0.0, top]}))
        .mark_line(color=MUTED, strokeWidth=1, strokeDash=[3, 3])
        .encode(across, up)
    ]
    for name, colour, dash in ((named, VERMILION, [6, 3]), (published, BLUE, [1, 0])):
        curve = alt.Chart(here.filter(pl.col("model") == name).sort("bin"))
        point = alt.OverlayMarkDef(color=colour, size=24, filled=True)
        layers.append(
            curve.mark_line(
                color=colour, strokeWidth=2, strokeDash=dash, point=point
            ).encode(across, up, alt.Order("bin:Q"))
        )
    chart: Chart = alt.layer(*layers).properties(width=290, height=250)
    return chart
