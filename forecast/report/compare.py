"""The page of a comparison: who is told apart from the reference, and what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl
from markupsafe import Markup

from forecast.differences import Differences
from forecast.report import charts, compare_strata
from forecast.report.compare_words import BARE, chance, headlines, order
from forecast.report.template import fill
from forecast.report.words import nearest

MUTED, BLUE, VERMILION = charts.MUTED, charts.BLUE, charts.VERMILION
COLOURS = {"better than": BLUE, "worse than": VERMILION, "not told apart from": MUTED}
SHOWN = ("brier", "skill", "log_score", "log_score_gain")
OF_REFERENCE = ("reference_brier", "reference_log_score")


@dataclass(frozen=True)
class Facts:
    """What the page says beside the comparison.

    Parameters
    ----------
    reference : str
        Name of the run that the others are held against.
    label : str
        The collapse rule with its settings.
    titles : mapping of str to str
        What each other run is called, by its name.
    runs : sequence of mapping
        The reference first: `name`, `title`, `model`, `rows`, `run_id`, `finished`,
        `git_commit`, `config_digest`.
    differences : mapping of str to Differences
        Of the configurations, by name of the other run.
    rows : str
        Which rows were compared, a sentence.
    notes : tuple of str
    run : dict of str to str
        `command`, `git_commit`, `data_digest`.
    level : float
        What the intervals aim to cover.
    draws, seed : int
        Of the resampling.
    """

    reference: str
    label: str
    titles: Mapping[str, str]
    runs: Sequence[Mapping[str, Any]]
    differences: Mapping[str, Differences]
    rows: str
    notes: tuple[str, ...]
    run: dict[str, str]
    level: float = 0.9
    draws: int = 500
    seed: int = 1


def render(comparison: pl.DataFrame, facts: Facts) -> str:
    """Write the page of a comparison as one HTML file that fetches nothing.

    Parameters
    ----------
    comparison : Comparison
        From :func:`forecast.compare.compare`; strata are shown where there are.
    facts : Facts

    Returns
    -------
    str
        Equal bytes for equal input. Every text is escaped.

    Examples
    --------
    >>> from forecast.schema import Comparison
    >>> facts = Facts(reference="full/1", label="resumption", titles={}, runs=[],
    ...     differences={}, rows="", notes=(), run={})
    >>> "full/1" in render(Comparison.create_empty(), facts)
    True
    """
    everything = comparison.filter(pl.col("stratum") == "all")
    models = comparison["reference_model"].unique().sort().to_list()
    contests = [
        _contest(comparison.filter(pl.col("reference_model") == model), model, facts)
        for model in models
    ]
    return fill(
        "compare.html.j2",
        facts=facts,
        headlines=headlines(comparison, facts.titles, facts.level),
        chance=chance(everything, facts.level),
        contests=contests,
        month=nearest(everything["horizon"].unique().to_list() or [30]),
    )


def paired_chart(table: pl.DataFrame, horizon: int) -> charts.Chart:
    """Skill of each run over the reference at one horizon; zero is the reference.

    Parameters
    ----------
    table : pl.DataFrame
        `title`, `horizon`, `value`, `lower`, `upper`, `verdict`, in the order of the
        rows; all its horizons set the scale.
    horizon : int
        Days; must be in the table.

    Returns
    -------
    altair chart
        Runs down, skill across, cut at ±100%; filled where a run is told apart.

    Examples
    --------
    >>> table = pl.DataFrame({"title": ["seed=2"], "horizon": [30], "value": [0.1],
    ...     "lower": [0.02], "upper": [0.2], "verdict": ["better than"]})
    >>> ">seed=2<" in charts.svg(paired_chart(table, 30), "paired")
    True
    """
    scale = domain(table)
    here = table.filter(
        pl.col("horizon") == horizon, pl.col("value").is_not_null()
    ).with_columns(pl.col("value", "lower", "upper").clip(*scale))
    verdicts, colours = list(COLOURS), list(COLOURS.values())
    base = alt.Chart(here, width=230, height=alt.Step(22)).encode(
        alt.Y("title:N", sort=None, title=None)
        .scale(domain=table["title"].unique(maintain_order=True).to_list())
        .axis(**charts.names(200)),
        alt.Color("verdict:N", legend=None).scale(domain=verdicts, range=colours),
    )
    across = alt.X("value:Q", title="skill over the reference").scale(
        domain=scale, nice=False
    )
    hollow = [*colours[:2], "#FFFFFF"]
    return alt.layer(
        alt.Chart(pl.DataFrame({"zero": [0.0]}))
        .mark_rule(color=MUTED, strokeWidth=1.5, strokeDash=[4, 3])
        .encode(alt.X("zero:Q")),
        base.mark_rule(strokeWidth=2, opacity=0.55)
        .encode(alt.X("lower:Q"), alt.X2("upper:Q"))
        .transform_filter("isValid(datum.lower) && isValid(datum.upper)"),
        base.mark_point(size=58, opacity=1).encode(
            across.axis(labelExpr=charts.SIGNED, tickCount=4),
            fill=alt.Fill("verdict:N", legend=None).scale(
                domain=verdicts, range=hollow
            ),
        ),
    )


def domain(table: pl.DataFrame) -> list[float]:
    """A scale that holds every interval and zero, but never more than ±100%.

    Examples
    --------
    >>> table = pl.DataFrame({"value": [-0.4], "lower": [-3.0], "upper": [0.1]})
    >>> [round(end, 3) for end in domain(table)]
    [-1.0, 0.255]
    """
    ends = pl.concat([table[name] for name in ("value", "lower", "upper")])
    known = [end for end in ends if end is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    # forecasts that are all alike leave no width
    room = max(0.05 * (high - low), 0.005)
    return [max(low - room, -1.0), min(high + room, 1.0)]


def _contest(found: pl.DataFrame, model: str, facts: Facts) -> dict[str, Any]:
    """Charts and tables of one model of the reference."""
    rows = found.filter(pl.col("stratum") == "all")
    runs = order(rows)
    number = {run: f"{i}. " if len(runs) > 1 else "" for i, run in enumerate(runs, 1)}
    titles = {run: f"{number[run]}{facts.titles[run]}" for run in runs}
    ranked = pl.DataFrame({"run": runs, "title": list(titles.values())})
    table = ranked.join(
        rows.filter(pl.col("metric") == "skill"), on="run", maintain_order="left"
    ).with_columns(pl.col("verdict").cast(pl.String))
    horizons = rows["horizon"].unique().sort().to_list()
    return {
        "model": model,
        "charts": [(h, _drawn(table, h, f"{model}-{h}")) for h in horizons],
        "blocks": [_block(rows, titles, horizon) for horizon in horizons],
        "strata": compare_strata.section(found, titles),
        "others": {
            run: other
            for run, other in rows.select("run", "model").unique().iter_rows()
            if other != model
        },
    }


def _drawn(table: pl.DataFrame, horizon: int, name: str) -> Markup:
    """A chart as markup: its renderer has escaped every text in it."""
    plain = "".join(c if c.isalnum() and c.isascii() else "-" for c in name)
    return Markup(charts.svg(paired_chart(table, horizon), plain))  # noqa: S704


def _block(
    rows: pl.DataFrame, titles: Mapping[str, str], horizon: int
) -> dict[str, Any]:
    """One horizon of the table: every run, and what the reference scores."""
    at = rows.filter(pl.col("horizon") == horizon)
    cells = {(r["run"], r["metric"]): r for r in at.iter_rows(named=True)}
    lines = [
        {
            "run": run,
            "title": title,
            "verdict": BARE[cells[run, "skill"]["verdict"]],
            "log_verdict": BARE[cells[run, "log_score_gain"]["verdict"]],
            **{name: cells[run, name] for name in SHOWN},
        }
        for run, title in titles.items()
    ]
    first = next(iter(titles))
    return {
        "horizon": horizon,
        "rows": lines,
        "n": cells[first, "skill"]["n"],
        "n_events": cells[first, "skill"]["n_events"],
        **{name: cells[first, name]["value"] for name in OF_REFERENCE},
    }
