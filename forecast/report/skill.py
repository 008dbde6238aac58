"""The section on skill: each model against the baselines, and second readings."""

from collections.abc import Iterable

import dataframely as dy

from forecast.report import charts, readings, tables, words
from forecast.report.facts import Facts
from forecast.report.words import Lookup
from forecast.schema import Metrics

MEASURES = ("brier", "auroc", "average_precision", "prevalence", "expected_observed")


def section(metrics: dy.DataFrame[Metrics], facts: Facts) -> dict[str, object]:
    """What ``page_skill.html.j2`` shows.

    Parameters
    ----------
    metrics : Metrics
        Rows of stratum ``all`` are read.
    facts : Facts

    Returns
    -------
    dict
        `baselines` (the named one first), `charts` and `blocks`, a horizon each,
        `read` (second readings), `disputed` (horizons where those disagree),
        `agreement` (sentences on it), `over_all` (scores over all horizons). Lists are
        empty where nothing is known.
    """
    found = words.lookup(metrics)
    table = tables.skill_table(
        metrics, facts.published, facts.named_baseline, facts.baselines
    )
    horizons = sorted({horizon for _, horizon, _ in found})
    read = readings.readings(found, horizons, facts)
    return {
        "baselines": facts.baselines_named_first,
        "charts": [
            (at, charts.drawn(charts.skill_chart(table, at), f"skill-{at}"))
            for at in table["horizon"].unique().sort()
        ],
        "blocks": [_block(found, horizon, facts) for horizon in horizons],
        "read": read,
        "disputed": [one.horizon for one in read if one.disputed],
        "agreement": readings.agreement(read),
        "over_all": readings.over_all(found, facts),
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
                "over": [over.get(name) for name in facts.baselines_named_first],
                "verdict": ""
                if model in facts.baselines
                else words.verdict(over, facts.named_baseline),
                **{name: cell or words.UNSCORED for name, cell in row.items()},
            }
        )
    # other metrics may rest on other rows: those that were censored, say
    counted = [
        cell
        for (_, at, metric), cell in found.items()
        if at == horizon and metric in MEASURES
    ]
    return {
        "horizon": horizon,
        "rows": rows,
        "n": max((cell.n for cell in counted), default=None),
        "n_events": max((cell.n_events for cell in counted), default=None),
        "prevalence": _first(
            found.get((model, horizon, "prevalence")) for model in models
        ),
    }


def _first(cells: Iterable[words.Score | None]) -> float | None:
    return next((cell.value for cell in cells if cell is not None), None)
