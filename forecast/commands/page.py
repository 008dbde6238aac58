"""The facts of a run as its report wants them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy
import polars as pl

from forecast.commands.data import Data
from forecast.commands.explained import Explained
from forecast.commands.truth import Known
from forecast.report import explain
from forecast.report.page import Facts, render
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

RUN = ("command", "seed", "git_commit", "data_digest", "config_digest", "run_id")


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
    facts = Facts(
        title=account["question"],
        label=account["label"],
        named_baseline=account["named_baseline"],
        baselines=tuple(baselines),
        published=account["published"],
        horizons=tuple(account["horizons"]),
        as_of=account["as_of"],
        sources=data.sources,
        rejected=data.rejected,
        left_out=left_out,
        notes=tuple(account["notes"]),
        run={key: str(account[key]) for key in RUN},
        stages=pl.DataFrame(
            list(account["seconds"].items()),
            schema={"stage": pl.String, "seconds": pl.Float64},
            orient="row",
        ),
        peak_memory_mib=account["peak_memory_mib"],
        level=account["level"],
        audits=Audits.create_empty() if audits is None else audits,
    )
    truth = None
    if known and known.scores.height:
        truth = section(
            known.scores,
            known.calibration,
            published=facts.published,
            named_baseline=facts.named_baseline,
            level=facts.level,
        )
    return render(
        predictions,
        metrics,
        scores,
        facts,
        alarms=alarms,
        costs=costs,
        truth=truth,
        explained=explain.section(why.coefficients, why.effects, why.importance, facts)
        if why
        else None,
    )
