"""How far the risks of a scoring can be trusted: what the model has shown."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from forecast.report import refits
from forecast.report.facts import Facts

#: scores that are told of a model, if they are there
TOLD = ("auroc", "expected_observed")


@dataclass(frozen=True)
class Proof:
    """What a model has shown out of sample, as its run or its file tells.

    Parameters
    ----------
    said : str
        The headline of its run.
    scores : pl.DataFrame
        ``model``, ``horizon``, ``metric``, ``value``, ``lower``, ``upper``, ``n``,
        ``n_events``; over all test rows.
    trained_through : date, optional
    groups : tuple of str
        What the model looks at: names of groups of features.
    level : float, optional
        Of the intervals of the scores; that of the risks may be another.
    """

    said: str = ""
    scores: pl.DataFrame = field(default_factory=pl.DataFrame)
    trained_through: date | None = None
    groups: tuple[str, ...] = ()
    level: float | None = None


def section(proof: Proof, facts: Facts) -> dict[str, Any]:
    """What ``scoring_trust.html.j2`` shows.

    Parameters
    ----------
    proof : Proof
    facts : Facts

    Returns
    -------
    dict
        `rows`, one a horizon with what is known of it, and `level`, that of their
        intervals; `said`, `groups`, `through`, and `refits`, what intervals have held.
    """
    rows: dict[int, dict[str, Any]] = {}
    skill = f"skill_over_{facts.named_baseline}"
    scores = proof.scores
    if scores.height:
        scores = scores.filter(pl.col("model") == facts.published).sort("horizon")
    for row in scores.iter_rows(named=True):
        name = "skill" if row["metric"] == skill else row["metric"]
        if row["metric"] == skill or name in TOLD:
            at = rows.setdefault(row["horizon"], {"n": 0, "n_events": 0})
            at[name] = row
            at["n"], at["n_events"] = row["n"], row["n_events"]
    return {
        "said": proof.said,
        "rows": rows,
        "groups": proof.groups,
        "through": proof.trained_through,
        "level": proof.level or facts.level,
        "refits": refits.trust(facts.published, facts.level, facts.refits),
    }
