"""The section on reliability: do risks come true, and is it more than chance."""

import dataframely as dy

from forecast.report import charts, tables, words
from forecast.report.facts import Facts
from forecast.report.words import UNSCORED, Lookup, Score
from forecast.schema import Metrics, Predictions

PARTS = (
    "miscalibration",
    "miscalibration_by_chance",
    "discrimination",
    "uncertainty",
    "calibration_slope",
    "calibration_intercept",
    "expected_observed",
    "concordance",
)


def section(
    predictions: dy.DataFrame[Predictions],
    metrics: dy.DataFrame[Metrics],
    facts: Facts,
) -> dict[str, object]:
    """What ``page_reliability.html.j2`` shows.

    Parameters
    ----------
    predictions : Predictions
        Of the published model and the named baseline, for the curves.
    metrics : Metrics
        Rows of stratum ``all`` are read.
    facts : Facts

    Returns
    -------
    dict
        `charts` and `blocks`, a horizon each; either list may be empty.
    """
    drawn = []
    for horizon in facts.horizons:
        own, baseline = (
            tables.recalibration(predictions, model, horizon)
            for model in (facts.published, facts.named_baseline)
        )
        if facts.published == facts.named_baseline:  # no curve is drawn over itself
            baseline = baseline.clear()
        if own.height or baseline.height:
            chart = charts.reliability_chart(own, baseline)
            drawn.append((horizon, charts.drawn(chart, f"reliability-{horizon}")))
    found = words.lookup(metrics)
    blocks = [_block(found, horizon, facts) for horizon in facts.horizons]
    return {"charts": drawn, "blocks": [block for block in blocks if block["rows"]]}


def _block(found: Lookup, horizon: int, facts: Facts) -> dict[str, object]:
    """One horizon of the table: the published model, then the named baseline."""
    rows = []
    for model in dict.fromkeys([facts.published, facts.named_baseline]):
        row = {name: found.get((model, horizon, name), UNSCORED) for name in PARTS}
        if row["miscalibration"].value is not None:
            said = chance(row["miscalibration"], row["miscalibration_by_chance"])
            rows.append({"model": model, "said": said, **row})
    return {"horizon": horizon, "rows": rows}


def chance(found: Score, by_chance: Score) -> str:
    """Whether miscalibration is larger than that of risks that are right.

    Parameters
    ----------
    found : Score
        Miscalibration.
    by_chance : Score
        Range of the miscalibration if every risk were right.

    Returns
    -------
    str
        Empty where either is not known.

    Examples
    --------
    >>> right = Score(0.002, 0.001, 0.003, 900, 80)
    >>> for value in (0.0005, 0.003, 0.004):
    ...     print(chance(Score(value, None, None, 900, 80), right))
    no more than chance gives
    no more than chance gives
    beyond chance
    """
    if found.value is None or by_chance.upper is None:
        return ""
    return (
        "beyond chance"
        if found.value > by_chance.upper
        else "no more than chance gives"
    )
