"""The chart of skill in parts of the test rows."""

import altair as alt
import polars as pl

from forecast.report import charts

#: no interval reaches below this, unless a skill does
CUT = -0.5
#: height of a row
STEP = 20


def strata_chart(scored: pl.DataFrame) -> charts.Chart:
    """Skill in each stratum with its interval, by kind; zero is the named baseline.

    Parameters
    ----------
    scored : pl.DataFrame
        Rows of `strata_table` with a skill, at least one.

    Returns
    -------
    altair chart
        Intervals are cut at −50%, or a little beyond the lowest skill.
    """
    domain = _domain(scored)
    low, high = pl.coalesce("lower", "skill"), pl.coalesce("upper", "skill")
    data = scored.with_columns(
        lower=low.clip(*domain), upper=high.clip(*domain), zero=0.0
    )
    base = alt.Chart().encode(
        alt.Y("name:N", sort=None, title=None).axis(**charts.names(170))
    )
    zero, lower, skill = (
        alt.X(f"{end}:Q", title="skill")
        .scale(domain=domain, nice=False)
        .axis(labelExpr=charts.SIGNED, tickCount=5)
        for end in ("zero", "lower", "skill")
    )
    rows: charts.Chart = alt.layer(
        base.mark_tick(color=charts.VERMILION, thickness=1.5, height=STEP).encode(zero),
        base.mark_rule(strokeWidth=2, color=charts.BLUE, opacity=0.55).encode(
            lower, alt.X2("upper:Q")
        ),
        base.mark_point(color=charts.BLUE, filled=True, size=56, opacity=1).encode(
            skill
        ),
        data=data,
    ).properties(width=250, height=alt.Step(STEP))
    return _by_kind(rows, data["called"].unique(maintain_order=True).to_list())


def _domain(scored: pl.DataFrame) -> list[float]:
    """Where the chart begins and ends: one wide interval must not press the others."""
    worst = scored.select(pl.min_horizontal(pl.col("skill").min(), CUT)).item()
    low, high = scored.select(
        pl.min_horizontal("skill", "lower", 0.0).min().clip(lower_bound=worst),
        pl.max_horizontal("skill", "upper", 0.0).max().alias("high"),
    ).row(0)
    room = 0.03 * (high - low) + 0.01
    return [low - room, high + room]


def _by_kind(rows: charts.Chart, kinds: list[str]) -> charts.Chart:
    """One part of the chart for each kind, under its name."""
    header = alt.Header(
        title=None,
        labelOrient="top",
        labelAnchor="start",
        labelColor=charts.INK,
        labelFontWeight=600,
        labelFontSize=12,
        labelPadding=2,
    )
    facets: charts.Chart = rows.facet(
        row=alt.Row("called:N", sort=kinds).header(header), spacing=10
    ).resolve_scale(y="independent")
    return facets
