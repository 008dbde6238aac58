"""The section on where skill comes from: parts of the test rows, one by one."""

import dataframely as dy
import polars as pl

from forecast.report.charts import drawn
from forecast.report.facts import Facts
from forecast.report.figures import count
from forecast.report.where_chart import strata_chart
from forecast.report.words import listed, nearest
from forecast.schema import Metrics

#: kinds of stratum in the order of the page, and what each is called
KINDS = {
    "all": "All forecasts",
    "state": "State at the origin",
    "age": "Age of the truce",
    "outsiders": "Attacks by outsiders within 30 days",
    "dyad": "Dyad in the training data",
    "class": "Kind of agreement",
    "period": "Years of the origins",
    "region": "Region",
    "country": "Country",
}
#: strata that are not told in the order of the alphabet
IN_TIME = ("first month", "second and third month", "later")
SHOWN_COUNTRIES = 12
FIGURES = ("brier", "prevalence", "expected_observed", "skill")


def section(metrics: dy.DataFrame[Metrics], facts: Facts) -> dict[str, object]:
    """What ``page_where.html.j2`` shows.

    Parameters
    ----------
    metrics : Metrics
        Rows of the published model, of every stratum.
    facts : Facts

    Returns
    -------
    dict
        `horizon` (30 days, or the one nearest), `groups` (a kind of stratum each),
        `chart` (None where no stratum is scored), `chance` (a sentence), `countries`
        (of those not shown, in words); an empty dict without strata.
    """
    own = metrics.filter(pl.col("model") == facts.published)
    parts = own.filter(pl.col("stratum") != "all")
    if parts.is_empty() or facts.published == facts.named_baseline:
        return {}
    horizon = nearest(parts["horizon"].unique())
    every = strata_table(own, facts.named_baseline, horizon)
    table = shown(every)
    scored = table.filter(pl.col("skill").is_not_null())
    return {
        "horizon": horizon,
        "groups": [
            (kind, part.to_dicts())
            for (kind,), part in table.group_by("called", maintain_order=True)
        ],
        "chart": None
        if scored.filter(pl.col("kind") != "all").is_empty()
        else drawn(strata_chart(scored), "where"),
        "chance": chance(every, facts.level),
        "countries": others(every, table),
    }


def strata_table(metrics: pl.DataFrame, named: str, horizon: int) -> pl.DataFrame:
    """Scores of one model in each stratum at one horizon, side by side.

    Parameters
    ----------
    metrics : Metrics
        Of one model. A stratum is called ``KIND: NAME``, or ``all``.
    named : str
        The baseline that skill is quoted against.
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        `kind`, `called` (the kind in words), `name`, `n`, `n_events`, `brier`,
        `prevalence`, `expected_observed`, `skill`, `lower`, `upper`: all forecasts
        first, then kinds in the order of the page; countries by their collapses.
        `skill` is null where there are too few cases to score.

    Examples
    --------
    >>> row = {"model": "m", "horizon": 30, "stratum": "region: Asia", "n": 90,
    ...        "metric": "skill", "value": 0.1, "lower": 0.0, "upper": 0.2,
    ...        "n_events": 20}
    >>> strata_table(pl.DataFrame([row]), "trail", 30).select("called", "name").rows()
    [('Region', 'Asia')]
    """
    return (
        ordered(_side_by_side(metrics.filter(pl.col("horizon") == horizon), named))
        .with_columns(called=pl.col("kind").replace(KINDS))
        .select("kind", "called", "name", "n", "n_events", *FIGURES, "lower", "upper")
    )


def ordered(table: pl.DataFrame) -> pl.DataFrame:
    """Take the names of strata apart, and put them in the order of the page.

    Parameters
    ----------
    table : pl.DataFrame
        With ``stratum`` (``KIND: NAME``, or ``all``) and ``n_events``.

    Returns
    -------
    pl.DataFrame
        With ``kind`` and ``name``; countries by their collapses.

    Examples
    --------
    >>> table = pl.DataFrame({"stratum": ["region: Asia", "all"], "n_events": [9, 20]})
    >>> ordered(table).select("kind", "name").rows()
    [('all', 'all'), ('region', 'Asia')]
    """
    place = pl.col("stratum").str.splitn(": ", 2).struct
    kind, name = place.field("field_0"), place.field("field_1").fill_null("all")
    rank = {known: i for i, known in enumerate(KINDS)}
    time = {known: i for i, known in enumerate(IN_TIME)}
    return table.with_columns(kind=kind, name=name).sort(
        pl.col("kind").replace_strict(rank, default=len(rank)),
        "kind",
        pl.when(pl.col("kind") == "country").then(-pl.col("n_events").cast(pl.Int64)),
        pl.col("name").replace_strict(time, default=0),
        "name",
        maintain_order=True,
    )


def _side_by_side(metrics: pl.DataFrame, named: str) -> pl.DataFrame:
    """One row a stratum, a column for each figure; NaN reads as not known."""
    over = (f"skill_over_{named}", "skill")
    metric = pl.col("metric")

    def cell(column: str, *names: str) -> pl.Expr:
        """The first that is known of some metrics."""
        found = (pl.col(column).filter(metric == name).first() for name in names)
        return pl.coalesce(*found).fill_nan(None)

    return metrics.group_by("stratum").agg(
        *(cell("value", figure).alias(figure) for figure in FIGURES[:-1]),
        skill=cell("value", *over),
        lower=cell("lower", *over),
        upper=cell("upper", *over),
        n=pl.col("n").filter(metric.is_in([*FIGURES, *over])).max(),
        n_events=pl.col("n_events").filter(metric.is_in([*FIGURES, *over])).max(),
    )


def shown(every: pl.DataFrame, countries: int = SHOWN_COUNTRIES) -> pl.DataFrame:
    """Strata for the page: of the countries, those with the most collapses.

    Parameters
    ----------
    every : pl.DataFrame
        From `strata_table`.
    countries : int
        How many at most; only such as are scored.

    Returns
    -------
    pl.DataFrame
    """
    country = pl.col("kind") == "country"
    first = every.filter(country, pl.col("skill").is_not_null()).head(countries)
    return pl.concat([every.filter(~country), first])


def others(every: pl.DataFrame, table: pl.DataFrame) -> str:
    """Countries that are not shown, counted in words.

    Parameters
    ----------
    every, table : pl.DataFrame
        From `strata_table`, and from `shown`.

    Returns
    -------
    str
        Empty where all are shown.

    Examples
    --------
    >>> row = {"kind": ["country"], "name": ["Mali"], "n": [40], "n_events": [3],
    ...        "skill": [None]}
    >>> every = pl.DataFrame(row, schema_overrides={"skill": pl.Float64})
    >>> others(every, every.clear())
    '1 with too few cases to score (40 forecasts, 3 followed by a collapse)'
    """
    rest = every.filter(pl.col("kind") == "country").join(
        table.filter(pl.col("kind") == "country"), on="name", how="anti"
    )
    few, said = pl.col("skill").is_null(), []
    for part, words in (
        (rest.filter(~few), "that are scored"),
        (rest.filter(few), "with too few cases to score"),
    ):
        if part.height:
            n, n_events = (count(n) for n in part.select("n", "n_events").sum().row(0))
            counts = f"({n} forecasts, {n_events} followed by a collapse)"
            said.append(f"{count(part.height)} {words} {counts}")
    return listed(said)


def chance(every: pl.DataFrame, level: float) -> str:
    """How many intervals leave out zero, and how many would without any skill.

    Examples
    --------
    >>> every = pl.DataFrame({"kind": ["state"] * 30, "lower": [0.1] + [-0.1] * 29,
    ...                       "upper": [0.2] * 30})
    >>> print(chance(every, 0.9))
    Of 30 intervals of 90%, 1 leaves out zero; about 3 would by chance if there were no
    difference in any stratum.
    """
    known = every.filter(
        pl.col("kind") != "all",
        pl.col("lower").is_not_null(),
        pl.col("upper").is_not_null(),
    )
    if known.is_empty():
        return ""
    above = known.filter(pl.col("lower") > 0).height
    below = known.filter(pl.col("upper") < 0).height
    out = above + below
    sides = f" ({above} above it, {below} below)" if out > 1 else ""
    return (
        f"Of {known.height} intervals of {level:.0%}, {out or 'none'} "
        f"leave{'s' if out == 1 else ''} out zero{sides}; about "
        f"{known.height * (1 - level):.0f} would by chance if there were no difference "
        "in any stratum."
    )
