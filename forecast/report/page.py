"""The page of a run: what was asked, what was found, and how to repeat it."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from forecast.report import (
    charts,
    decision,
    months,
    refits,
    reliability,
    skill,
    tables,
    where,
    years,
)
from forecast.report.facts import Facts, accounted
from forecast.report.template import fill
from forecast.report.words import headline
from forecast.schema import Alarms, Costs, Metrics, Predictions, RiskScores

__all__ = ["Facts", "headline", "render"]

SHOWN_TRUCES = 20


def render(
    predictions: dy.DataFrame[Predictions],
    metrics: dy.DataFrame[Metrics],
    scores: dy.DataFrame[RiskScores],
    facts: Facts,
    *,
    alarms: dy.DataFrame[Alarms] | None = None,
    costs: dy.DataFrame[Costs] | None = None,
    truth: Mapping[str, object] | None = None,
    explained: Mapping[str, object] | None = None,
) -> str:
    """Write the report of a run as one HTML page that fetches nothing.

    Parameters
    ----------
    predictions : Predictions
        Test forecasts; empty where the run makes none.
    metrics : Metrics
        As `evaluate` gives them; each section says what it reads, and does without
        what is not there.
    scores : RiskScores
        Truces in force; may be empty.
    facts : Facts
    alarms, costs : Alarms, Costs, optional
        What warning by these forecasts would have come to; none where none are made.
    truth : mapping, optional
        The section of :func:`forecast.report.truth.section`.
    explained : mapping, optional
        The section of :func:`forecast.report.explain.section`.

    Returns
    -------
    str
        Equal bytes for equal input. Every text is escaped; a section without
        content says so, and why.

    Examples
    --------
    >>> from datetime import date
    >>> from forecast.schema import LeftOut, Rejected
    >>> facts = Facts(
    ...     title="a run", label="resumption", named_baseline="trail",
    ...     baselines=("trail",), published="logit", horizons=(7, 30),
    ...     as_of=date(2016, 4, 7), sources=pl.DataFrame(), run={"seed": "1"},
    ...     rejected=Rejected.create_empty(), left_out=LeftOut.create_empty(),
    ...     notes=(), peak_memory_mib=300.0,
    ...     stages=pl.DataFrame({"stage": ["load"], "seconds": [0.1]}))
    >>> page = render(Predictions.create_empty(), Metrics.create_empty(),
    ...               RiskScores.create_empty(), facts)
    >>> "How likely is each truce to collapse within 7 or 30 days?" in page
    True
    """
    return fill(
        "page.html.j2",
        facts=facts,
        headline=headline(
            metrics,
            published=facts.published,
            named_baseline=facts.named_baseline,
            baselines=facts.baselines,
            level=facts.level,
        ),
        panel=_panel(predictions),
        risks=_risks(scores, facts),
        skill=skill.section(metrics, facts),
        reliability=reliability.section(predictions, metrics, facts),
        where=where.section(metrics, facts),
        years=years.section(predictions, facts),
        months=months.section(predictions, facts),
        decision=decision.section(
            Alarms.create_empty() if alarms is None else alarms,
            Costs.create_empty() if costs is None else costs,
            facts,
        ),
        truth=truth,
        explained=explained,
        audits=list(facts.audits.iter_rows(named=True)),
        **accounted(facts),
    )


def _panel(predictions: dy.DataFrame[Predictions]) -> dict[str, object]:
    origins = predictions.select("truce_id", "dyad_id", "origin").unique()
    return {
        "truces": origins["truce_id"].n_unique(),
        "dyads": origins["dyad_id"].n_unique(),
        "origins": origins.height,
        "first": origins["origin"].min(),
        "last": origins["origin"].max(),
    }


def _risks(scores: dy.DataFrame[RiskScores], facts: Facts) -> dict[str, object]:
    top = tables.top_risks(scores, facts.published, SHOWN_TRUCES)
    if top.is_empty():
        reason = (
            f"no truce in force on {facts.as_of} was scored"
            if scores.is_empty()
            else f"the risk scores hold no row of the published model {facts.published}"
        )
        return {"rows": [], "reason": reason}
    own = scores.filter(pl.col("model") == facts.published)
    rows = tables.risk_rows(top)
    return {
        "rows": rows,
        "horizons": own["horizon_days"].unique().sort().to_list(),
        "horizon": rows[0]["horizon_days"],
        "truces": own.filter(pl.col("as_of") == pl.col("as_of").max())[
            "truce_id"
        ].n_unique(),
        "drivers": any(row["drivers"] for row in rows),
        "trained_through": rows[0]["trained_through"],
        "chart": charts.drawn(charts.risk_chart(top), "risk"),
        "trust": refits.trust(facts.published, facts.level, facts.refits),
    }
