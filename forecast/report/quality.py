"""The page of a check: what the data are like, and which limits they go past."""

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import dataframely as dy
import polars as pl
from markupsafe import Markup

from forecast.report import charts
from forecast.report.quality_effort import by_year
from forecast.report.quality_tables import COUNTRIES, sections
from forecast.report.quality_words import Part, Parts, parts
from forecast.report.template import fill
from forecast.schema import Rejected

SHOWN_REJECTED = 20


@dataclass(frozen=True)
class Facts:
    """What the page says beside the findings.

    Parameters
    ----------
    title : str
        Which data were looked at.
    exceeded : tuple of str
        Limits that the data go past, a sentence each.
    sources : pl.DataFrame
        `kind`, `source`, `digest` (sha256).
    rejected : Rejected
    run : dict of str to str
        `command`, `git_commit`, `data_digest`, `config_digest`.
    stages : pl.DataFrame
        `stage`, `seconds`.
    """

    title: str
    exceeded: tuple[str, ...]
    sources: pl.DataFrame
    rejected: dy.DataFrame[Rejected]
    run: dict[str, str]
    stages: pl.DataFrame


def render(quality: pl.DataFrame, facts: Facts) -> str:
    """Write the report of a check as one HTML page that fetches nothing.

    Parameters
    ----------
    quality : Quality
        From :func:`forecast.quality.report`.
    facts : Facts

    Returns
    -------
    str
        Equal bytes for equal input. Every text is escaped.

    Examples
    --------
    >>> from forecast.quality import Quality
    >>> facts = Facts(title="nothing", exceeded=(), sources=pl.DataFrame(), run={},
    ...     rejected=Rejected.create_empty(),
    ...     stages=pl.DataFrame({"stage": ["load"], "seconds": [0.1]}))
    >>> "Every limit is kept" in render(Quality.create_empty(), facts)
    True
    """
    drawn = {
        "span": _each(parts(quality, "span"), "events in month", _timeline, "months"),
        "effort": _each(parts(quality, "effort"), "events", _heat, "effort"),
    }
    return fill(
        "quality.html.j2",
        facts=facts,
        sections=sections(quality),
        charts=drawn,
        countries=COUNTRIES,
        sources=list(facts.sources.iter_rows(named=True)),
        rejected=list(facts.rejected.head(SHOWN_REJECTED).iter_rows(named=True)),
        stages=list(facts.stages.iter_rows(named=True)),
        seconds=facts.stages["seconds"].sum(),
    )


def timeline(months: pl.DataFrame) -> charts.Chart:
    """Events a month, as bars.

    Parameters
    ----------
    months : pl.DataFrame
        ``month`` (a day of it), ``n``.

    Returns
    -------
    altair chart
    """
    width = max(1.0, min(14.0, 620 / months.height - 0.4))
    bars: alt.Chart = (
        alt.Chart(months, width=640, height=90)
        .mark_bar(color=charts.BLUE, size=width)
        .encode(
            alt.X("month:T", title=None).axis(grid=False, tickCount=10),
            alt.Y("n:Q", title="events").axis(tickCount=3),
        )
    )
    return bars


def heat(effort: pl.DataFrame) -> charts.Chart:
    """Events by country and year, the more the darker, on a log scale.

    Parameters
    ----------
    effort : pl.DataFrame
        ``country``, ``year``, ``events`` (at least one).

    Returns
    -------
    altair chart
        The countries with most events, most first. The shade is an opacity, so that
        it also reads on a dark page.

    Examples
    --------
    >>> effort = pl.DataFrame({"country": ["Mali"], "year": [2012], "events": [9]})
    >>> ">Mali<" in charts.svg(heat(effort), "heat")
    True
    """
    total = pl.col("events").sum().over("country")
    top = effort.group_by("country").agg(pl.col("events").sum())
    top = top.sort("events", "country", descending=[True, False]).head(COUNTRIES)
    shade = pl.col("events").log1p() / pl.col("events").log1p().max()
    cells = (
        effort.join(top.select("country"), on="country", how="semi")
        .sort(total, "country", "year", descending=[True, False, False])
        .select("country", "year", shade=shade)
    )
    first, last = int(cells["year"].min()), int(cells["year"].max())  # type: ignore[arg-type]
    years = list(range(first, last + 1))
    step = max(12, min(27, 620 // len(years)))
    every = 1 + 36 // step  # a label is some 36 pixels wide
    chart: alt.Chart = (
        alt.Chart(cells, width=alt.Step(step))
        .mark_rect(color=charts.BLUE)
        .encode(
            alt.X("year:O", title=None)
            .scale(domain=years, paddingInner=0.08)
            .axis(labelAngle=0, values=years[::every], ticks=False, domain=False),
            alt.Y("country:N", title=None)
            .sort(top["country"].to_list())
            .scale(paddingInner=0.08)
            .axis(labelLimit=150, ticks=False, domain=False),
            alt.Opacity("shade:Q", legend=None).scale(domain=[0, 1], range=[0.08, 1]),
        )
        .properties(height=alt.Step(18))
    )
    return chart


def _timeline(part: Part) -> charts.Chart:
    months = pl.DataFrame(
        [(detail, value) for detail, value, _ in part["events in month"]],
        schema={"month": pl.String, "n": pl.Float64},
        orient="row",
    )
    return timeline(
        months.with_columns((pl.col("month") + "-15").str.to_date("%Y-%m-%d"))
    )


def _heat(part: Part) -> charts.Chart:
    return heat(by_year(part))


def _each(
    found: Parts, item: str, draw: Callable[[Part], charts.Chart], name: str
) -> list[tuple[str, Markup]]:
    """A chart for each source that has the item; the renderer escapes its texts."""
    return [
        (source, Markup(charts.svg(draw(part), f"{name}-{i}")))  # noqa: S704
        for i, ((_, source), part) in enumerate(found.items())
        if part.get(item)
    ]
