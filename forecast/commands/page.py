"""The report of a run, from its account and its frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy

from forecast.commands.data import Data
from forecast.commands.explained import Explained
from forecast.commands.facts import facts
from forecast.commands.truth import Known
from forecast.report import explain
from forecast.report.page import render
from forecast.report.truth import section
from forecast.schema import (
    Alarms,
    Audits,
    Costs,
    LeftOut,
    Metrics,
    Predictions,
    RiskScores,
)


def page(
    account: Mapping[str, Any],
    data: Data,
    left_out: dy.DataFrame[LeftOut],
    baselines: Sequence[str],
    predictions: dy.DataFrame[Predictions],
    metrics: dy.DataFrame[Metrics],
    scores: dy.DataFrame[RiskScores],
    alarms: dy.DataFrame[Alarms] | None = None,
    costs: dy.DataFrame[Costs] | None = None,
    audits: dy.DataFrame[Audits] | None = None,
    known: Known | None = None,
    why: Explained | None = None,
) -> str:
    """Write the report of a run or a scoring from its account and its frames."""
    about = facts(account, data, left_out, baselines, audits)
    truth = None
    if known and known.scores.height:
        truth = section(
            known.scores,
            known.calibration,
            published=about.published,
            named_baseline=about.named_baseline,
            level=about.level,
        )
    return render(
        predictions,
        metrics,
        scores,
        about,
        alarms=alarms,
        costs=costs,
        truth=truth,
        explained=explain.section(why.coefficients, why.effects, why.importance, about)
        if why
        else None,
    )
