"""The life of a truce: its risk above, the events of each kind below, on one axis."""

from datetime import date, timedelta

import altair as alt
import polars as pl

from forecast.kinds import KINDS
from forecast.lives import DAILY, STEP
from forecast.report import charts
from forecast.schema import LAST_DAY

WIDTH, HEIGHT, ROW = 560, 150, 22
#: what an event was, and its colour
OURS, OTHER = charts.VERMILION, charts.MUTED


def binned(events: pl.DataFrame, start: date, as_of: date) -> pl.DataFrame:
    """Count events by day, or by week of the truce where its life is long.

    Parameters
    ----------
    events : pl.DataFrame
        Of one truce: ``date``, ``date_end``, ``kind``, ``hostile``, ``relation``.
    start, as_of : date
        First day of the truce, and the morning of the scores.

    Returns
    -------
    pl.DataFrame
        ``day`` (of a week its middle one, or the last that is known), ``kind``,
        ``party`` (of the truce, or an outsider), ``hostile``, ``n``.

    Examples
    --------
    >>> events = pl.DataFrame({"date": [date(2020, 1, 3)] * 2, "date_end": [None] * 2,
    ...     "kind": ["clash"] * 2, "hostile": [True] * 2, "relation": ["party"] * 2},
    ...     schema_overrides={"date_end": pl.Date})
    >>> binned(events, date(2020, 1, 1), date(2020, 1, 9)).row(0)
    (datetime.date(2020, 1, 3), 'clash', True, True, 2)
    """
    step = 1 if (as_of - start).days <= DAILY else STEP
    first = pl.lit(start, pl.Date)
    weeks = (LAST_DAY - first).dt.total_days() // step
    middle = first + pl.duration(days=weeks * step + step // 2)
    return (
        events.with_columns(
            day=pl.min_horizontal(middle, pl.lit(as_of - timedelta(1), pl.Date)),
            kind=pl.col("kind").cast(pl.String),
            party=pl.col("relation") == "party",
        )
        .group_by("day", "kind", "party", "hostile")
        .agg(n=pl.len())
        .sort("day", "kind", "party", "hostile")
    )


def life_chart(
    life: pl.DataFrame, events: pl.DataFrame, start: date, as_of: date
) -> charts.Chart:
    """Draw risk by morning over the events of each kind.

    Parameters
    ----------
    life : pl.DataFrame
        Of one truce and horizon: ``origin``, ``risk``, ``baseline_risk``,
        ``risk_hindsight``.
    events : pl.DataFrame
        From :func:`binned`; may be empty.
    start, as_of : date
        Ends of the axis.

    Returns
    -------
    altair chart
    """
    axis = _days(start, as_of)
    long = (
        life.select("origin", "risk", "baseline_risk", "risk_hindsight")
        .unpivot(index="origin", variable_name="line", value_name="value")
        .drop_nulls("value")
        .with_columns(pl.col("origin").dt.to_string())
    )
    top = min(1.0, max(0.1, *(1.15 * value for value in long["value"].to_list())))
    risks = alt.Chart(long, width=WIDTH, height=HEIGHT).encode(
        alt.X("origin:T", title=None, scale=axis).axis(
            labels=not events.height, ticks=not events.height, grid=False
        ),
        alt.Y("value:Q", title="risk")
        .scale(domain=[0, top], nice=True)
        .axis(format=".0%", tickCount=4, minExtent=70, maxExtent=70),
    )
    lines = [
        risks.transform_filter(f"datum.line == '{name}'").mark_line(
            color=colour, strokeWidth=width, strokeDash=dash, interpolate="step-after"
        )
        for name, colour, width, dash in (
            ("baseline_risk", charts.VERMILION, 1.5, [5, 3]),
            ("risk_hindsight", charts.INK, 1.5, [2, 3]),
            ("risk", charts.BLUE, 2.5, [1, 0]),
        )
    ]
    ends = long.filter(pl.col("line") == "risk").tail(1)
    last = risks.properties(data=ends).mark_point(
        color=charts.BLUE, filled=True, size=70, opacity=1
    )
    above = alt.layer(*lines, last)
    if not events.height:
        return above
    return alt.vconcat(above, _kinds(events, axis), spacing=8)


def _days(start: date, as_of: date) -> alt.Scale:
    domain = [day.isoformat() for day in (start, as_of + timedelta(1))]
    return alt.Scale(type="utc", domain=domain, nice=False)


def _kinds(events: pl.DataFrame, axis: alt.Scale) -> alt.Chart:
    """Dots: a row a kind, larger where there were more, hollow for outsiders."""
    shown = [kind for kind in KINDS if kind in set(events["kind"])]
    what = pl.when("hostile").then(pl.lit("hostile")).otherwise(pl.lit("other"))
    data = events.with_columns(
        pl.col("day").dt.to_string(),
        colour=what,
        inside=pl.when("party").then(what).otherwise(pl.lit("outsider")),
    )
    kinds: alt.Chart = (
        alt.Chart(data, width=WIDTH, height=ROW * len(shown))
        .mark_point(strokeWidth=1.5, opacity=0.85)
        .encode(
            alt.X("day:T", title=None, scale=axis).axis(grid=False, tickCount=6),
            alt.Y("kind:N", title=None)
            .scale(domain=shown)
            .axis(minExtent=70, maxExtent=70, domain=False, ticks=False, grid=True),
            alt.Size("n:Q", legend=None).scale(
                type="sqrt",
                domain=[1, max(10, *data["n"].to_list())],
                range=[40, 260],
            ),
            alt.Stroke("colour:N", legend=None).scale(
                domain=["hostile", "other"], range=[OURS, OTHER]
            ),
            alt.Fill("inside:N", legend=None).scale(
                domain=["hostile", "other", "outsider"],
                range=[OURS, OTHER, "transparent"],
            ),
        )
    )
    return kinds
