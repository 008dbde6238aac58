"""The page of a run: what was asked, what was found, and how to repeat it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import dataframely as dy
import polars as pl
from markupsafe import Markup

from forecast.report import charts, tables, words
from forecast.report.template import fill
from forecast.report.words import Lookup, headline
from forecast.schema import LeftOut, Metrics, Predictions, Rejected, RiskScores

__all__ = ["Facts", "headline", "render"]

SHOWN_TRUCES, SHOWN_REJECTED = 20, 20
MEASURES = ("brier", "auroc", "average_precision", "prevalence", "expected_observed")


@dataclass(frozen=True)
class Facts:
    """What the page says about a run beside its predictions, metrics and scores.

    Parameters
    ----------
    title : str
    label : str
        The collapse rule, as in the label column of the risk scores.
    named_baseline, published : str
        The baseline that skill is quoted against; the model of the risk scores.
    baselines : tuple of str
    horizons : tuple of int
        Days.
    as_of : date
        The morning that the risk scores speak for.
    sources : pl.DataFrame
        `kind`, `source`, `read`, `accepted`, `rejected`, `left_out` (rows),
        `covered_through` (date, may be null), `digest` (sha256).
    rejected : Rejected
    left_out : LeftOut
        Rows, and truces that are not followed, by reason.
    notes : tuple of str
        Whatever went otherwise than planned, a sentence each.
    run : dict of str to str
        `command`, `seed`, `git_commit`, `data_digest`, `config_digest`, `run_id`.
    stages : pl.DataFrame
        `stage`, `seconds`.
    peak_memory_mib : float
    level : float
        What the intervals aim to cover.
    """

    title: str
    label: str
    named_baseline: str
    baselines: tuple[str, ...]
    published: str
    horizons: tuple[int, ...]
    as_of: date
    sources: pl.DataFrame
    rejected: dy.DataFrame[Rejected]
    left_out: dy.DataFrame[LeftOut]
    notes: tuple[str, ...]
    run: dict[str, str]
    stages: pl.DataFrame
    peak_memory_mib: float
    level: float = 0.9


def render(
    predictions: dy.DataFrame[Predictions],
    metrics: dy.DataFrame[Metrics],
    scores: dy.DataFrame[RiskScores],
    facts: Facts,
    truth: Mapping[str, object] | None = None,
) -> str:
    """Write the report of a run as one HTML page that fetches nothing.

    Parameters
    ----------
    predictions : Predictions
        Test forecasts; empty where the run makes none.
    metrics : Metrics
        Rows of stratum ``all``: `brier`, `auroc`, `average_precision`, `prevalence`,
        `expected_observed`, `skill` and `skill_over_NAME` for each baseline.
    scores : RiskScores
        Truces in force; may be empty.
    facts : Facts
    truth : mapping, optional
        The section of :func:`forecast.report.truth.section`.

    Returns
    -------
    str
        Equal bytes for equal input. Every text is escaped; a section without
        content says so, and why.

    Examples
    --------
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
        skill=_skill(metrics, facts),
        reliability=_reliability(predictions, facts),
        truth=truth,
        data=_data(facts),
        stages=list(facts.stages.iter_rows(named=True)),
        seconds=facts.stages["seconds"].sum(),
    )


def _drawn(chart: charts.Chart, name: str) -> Markup:
    """A chart as markup: its renderer has escaped every text in it."""
    return Markup(charts.svg(chart, name))  # noqa: S704


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
    rows = [
        row | {"risks": {cell["horizon_days"]: cell["risk"] for cell in row["risks"]}}
        for row in top.iter_rows(named=True)
    ]
    return {
        "rows": rows,
        "horizons": own["horizon_days"].unique().sort().to_list(),
        "horizon": rows[0]["horizon_days"],
        "truces": own.filter(pl.col("as_of") == pl.col("as_of").max())[
            "truce_id"
        ].n_unique(),
        "drivers": any(row["drivers"] for row in rows),
        "trained_through": rows[0]["trained_through"],
        "chart": _drawn(charts.risk_chart(top), "risk"),
    }


def _skill(metrics: dy.DataFrame[Metrics], facts: Facts) -> dict[str, object]:
    found = words.lookup(metrics)
    table = tables.skill_table(
        metrics, facts.published, facts.named_baseline, facts.baselines
    )
    return {
        "baselines": _named_first(facts),
        "charts": [
            (horizon, _drawn(charts.skill_chart(table, horizon), f"skill-{horizon}"))
            for horizon in table["horizon"].unique().sort()
        ],
        "blocks": [
            _block(found, horizon, facts)
            for horizon in sorted({horizon for _, horizon, _ in found})
        ],
    }


def _block(found: Lookup, horizon: int, facts: Facts) -> dict[str, object]:
    """One horizon of the table of scores, a row a model."""
    models = sorted(
        {model for model, at, _ in found if at == horizon},
        key=lambda name: (name in facts.baselines, name != facts.published, name),
    )
    rows = []
    for model in models:
        over = words.skills(
            found, model, horizon, facts.named_baseline, facts.baselines
        )
        row = {name: found.get((model, horizon, name)) for name in MEASURES}
        rows.append(
            {
                "model": model,
                "over": [over.get(name) for name in _named_first(facts)],
                "verdict": ""
                if model in facts.baselines
                else words.verdict(over, facts.named_baseline),
                **{name: cell or words.UNSCORED for name, cell in row.items()},
            }
        )
    cells = [cell for (_, at, _), cell in found.items() if at == horizon]
    return {
        "horizon": horizon,
        "rows": rows,
        "n": max(cell.n for cell in cells),
        "n_events": max(cell.n_events for cell in cells),
        "prevalence": _first(
            found.get((model, horizon, "prevalence")) for model in models
        ),
    }


def _named_first(facts: Facts) -> list[str]:
    return list(dict.fromkeys([facts.named_baseline, *facts.baselines]))


def _first(cells: Iterable[words.Score | None]) -> float | None:
    return next((cell.value for cell in cells if cell is not None), None)


def _reliability(
    predictions: dy.DataFrame[Predictions], facts: Facts
) -> list[tuple[int, Markup]]:
    drawn = []
    for horizon in facts.horizons:
        own = tables.recalibration(predictions, facts.published, horizon)
        baseline = tables.recalibration(predictions, facts.named_baseline, horizon)
        if own.height or baseline.height:
            chart = charts.reliability_chart(own, baseline)
            drawn.append((horizon, _drawn(chart, f"reliability-{horizon}")))
    return drawn


def _data(facts: Facts) -> dict[str, object]:
    return {
        "sources": list(facts.sources.iter_rows(named=True)),
        "left_out": list(facts.left_out.iter_rows(named=True)),
        "refused": facts.rejected.height,
        "rejected": list(facts.rejected.head(SHOWN_REJECTED).iter_rows(named=True)),
    }
