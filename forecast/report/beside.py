"""The page of runs side by side: a label at a time, each against its own baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl
from markupsafe import Markup

from forecast.compare import verdict
from forecast.differences import Differences
from forecast.report import charts
from forecast.report.beside_words import BARE, headlines
from forecast.report.compare import domain
from forecast.report.template import fill
from forecast.report.words import nearest

ROLES = {"published": charts.BLUE, "model": charts.MUTED, "baseline": charts.MUTED}
FILLS = [charts.BLUE, charts.MUTED, "#FFFFFF"]
#: pixels of a model in a chart
LINE = 13


@dataclass(frozen=True)
class Facts:
    """What the page says beside the scores.

    Parameters
    ----------
    titles : mapping of str to str
        What the label of each run is called, by name of the run, in the order shown.
    roles : mapping of str to mapping
        By name of the run: role of each of its models (published, model, baseline).
    rules : mapping of str to str
        The collapse rule of each run with its settings.
    runs : sequence of mapping
        `name`, `run_id`, `finished`, `git_commit`, `config_digest`.
    differences : mapping of str to Differences
        Of the configurations, from that of the first run.
    fewest : int
        Collapses that a label needs to be scored.
    notes : tuple of str
    run : dict of str to str
        `command`, `git_commit`.
    """

    titles: Mapping[str, str]
    roles: Mapping[str, Mapping[str, str]]
    rules: Mapping[str, str]
    runs: Sequence[Mapping[str, Any]]
    differences: Mapping[str, Differences]
    fewest: int
    notes: tuple[str, ...]
    run: dict[str, str]


def render(found: pl.DataFrame, facts: Facts) -> str:
    """Write the page as one HTML file that fetches nothing.

    Parameters
    ----------
    found : Beside
    facts : Facts

    Returns
    -------
    str
        Equal bytes for equal input. Every text is escaped.
    """
    ordered = placed(found, facts)
    horizons = ordered["horizon"].unique().sort().to_list()
    published = {
        run: next(name for name, role in roles.items() if role == "published")
        for run, roles in facts.roles.items()
    }
    return fill(
        "beside.html.j2",
        facts=facts,
        headlines=headlines(found, facts.titles, published),
        charts=[(horizon, _drawn(ordered, horizon)) for horizon in horizons],
        horizons=horizons,
        month=nearest(horizons or [30]),
        models=ordered.select("model", "role").unique(maintain_order=True).rows(),
        baselines=ordered["baseline"].unique(maintain_order=True).to_list(),
        levels=ordered["level"].unique(maintain_order=True).to_list(),
        blocks=[_block(ordered, run, horizons) for run in facts.titles],
    )


def placed(found: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Scores with `title` and `role`, in the order of labels, roles and models."""
    runs, roles = list(facts.titles), list(ROLES)
    known = pl.DataFrame(
        [(run, m, role) for run, of in facts.roles.items() for m, role in of.items()],
        schema={"run": pl.String, "model": pl.String, "role": pl.String},
        orient="row",
    )
    return (
        found.join(known, on=["run", "model"], how="left", maintain_order="left")
        .with_columns(
            pl.col("role").fill_null("model"),
            title=pl.col("run").replace_strict(
                dict(facts.titles), return_dtype=pl.String
            ),
        )
        .sort(
            pl.col("run").cast(pl.Enum(runs)),
            pl.col("role").cast(pl.Enum(roles)),
            "model",
            "horizon",
        )
    )


def beside_chart(table: pl.DataFrame, horizon: int) -> charts.Chart:
    """Skill of the models of each label at one horizon; zero is the label's baseline.

    Parameters
    ----------
    table : pl.DataFrame
        From :func:`placed`; all its horizons set the scale.
    horizon : int
        Days; must be in the table.

    Returns
    -------
    altair chart
        Labels down, a line a model in each, skill across, cut at ±100%. A label that
        is not scored keeps its place, with the number of its collapses.

    Examples
    --------
    >>> table = pl.DataFrame({"title": ["declared"], "horizon": [30], "model": ["m"],
    ...     "role": ["published"], "skill": [0.1], "lower": [0.0], "upper": [0.2],
    ...     "scored": [True], "collapses": [90]})
    >>> ">declared<" in charts.svg(beside_chart(table, 30), "beside")
    True
    """
    scale = domain(table.select(pl.col("skill").alias("value"), "lower", "upper"))
    at = table.filter(pl.col("horizon") == horizon)
    models = table.filter(pl.col("skill").is_not_null())["model"].unique(
        maintain_order=True
    )
    titles = table["title"].unique(maintain_order=True).to_list()
    here = at.filter(pl.col("skill").is_not_null()).with_columns(
        pl.col("skill", "lower", "upper").clip(*scale)
    )
    down = (
        alt.Y("title:N", sort=None, title=None)
        .scale(domain=titles, paddingInner=0.25, paddingOuter=0.1)
        .axis(**charts.names(140))
    )
    base = alt.Chart(
        here, width=270, height=LINE * (max(len(models), 1) + 1) * len(titles)
    ).encode(
        down,
        alt.YOffset("model:N", sort=None).scale(domain=models.to_list()),
        alt.Color("role:N", legend=None).scale(
            domain=list(ROLES), range=list(ROLES.values())
        ),
    )
    across = alt.X("skill:Q", title="skill over the baseline").scale(
        domain=scale, nice=False
    )
    return alt.layer(
        alt.Chart(pl.DataFrame({"zero": [0.0]}))
        .mark_rule(color=charts.VERMILION, strokeWidth=1.5, strokeDash=[4, 3])
        .encode(alt.X("zero:Q")),
        base.mark_rule(strokeWidth=2, opacity=0.55)
        .encode(alt.X("lower:Q"), alt.X2("upper:Q"))
        .transform_filter("isValid(datum.lower) && isValid(datum.upper)"),
        base.mark_point(size=48, opacity=1).encode(
            across.axis(labelExpr=charts.SIGNED, tickCount=5),
            fill=alt.Fill("role:N", legend=None).scale(domain=list(ROLES), range=FILLS),
        ),
        _unscored(at.filter(~pl.col("scored")), down),
    )


def _unscored(few: pl.DataFrame, down: alt.Y) -> alt.Chart:
    """The number of collapses of each label that has too few."""
    said = pl.format("{} collapses: not scored", "collapses")
    chart: alt.Chart = (
        alt.Chart(few.unique("title", maintain_order=True).select("title", said=said))
        .mark_text(align="left", color=charts.MUTED, fontSize=12)
        .encode(down, alt.Text("said:N"), x=alt.value(6))
    )
    return chart


def _drawn(table: pl.DataFrame, horizon: int) -> Markup:
    """A chart as markup: its renderer has escaped every text in it."""
    return Markup(charts.svg(beside_chart(table, horizon), f"beside-{horizon}"))  # noqa: S704


def _block(table: pl.DataFrame, run: str, horizons: Sequence[int]) -> dict[str, Any]:
    """One label of the tables: its counts by horizon, and a line a model."""
    own = table.filter(pl.col("run") == run)
    cells = {(r["model"], r["horizon"]): r for r in own.iter_rows(named=True)}
    models = own["model"].unique(maintain_order=True)
    counts = own.sort("n", descending=True).unique("horizon", keep="first")
    return {
        "run": run,
        "baseline": own["baseline"].first(),
        "counts": {row["horizon"]: row for row in counts.iter_rows(named=True)},
        "rows": [
            {
                "model": model,
                "cells": [_cell(cells.get((model, horizon))) for horizon in horizons],
            }
            for model in models
        ],
    }


def _cell(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """Scores of a model at a horizon, and what its interval allows to say."""
    none = dict.fromkeys(("skill", "lower", "upper", "rank", "brier"))
    of = none if row is None else dict(row)
    return of | {"verdict": BARE[verdict(of["skill"], of["lower"], of["upper"])]}
