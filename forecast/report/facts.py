"""What the report of a run says beside its frames."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dataframely as dy
import polars as pl

from forecast.schema import Audits, LeftOut, Rejected

SHOWN_REJECTED = 20


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
    refits : int, optional
        How many the intervals of risks come from.
    audits : Audits
        What audits of the run found; empty where there were none.
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
    refits: int | None = None
    audits: dy.DataFrame[Audits] = field(default_factory=Audits.create_empty)

    @property
    def baselines_named_first(self) -> list[str]:
        """Every baseline once, from the one that skill is quoted against."""
        return list(dict.fromkeys([self.named_baseline, *self.baselines]))


def accounted(facts: Facts) -> dict[str, Any]:
    """What ``page_data.html.j2`` and ``page_repeat.html.j2`` show.

    Parameters
    ----------
    facts : Facts

    Returns
    -------
    dict
        `data`, `stages` and `seconds`, of all of them.
    """
    return {
        "data": {
            "sources": list(facts.sources.iter_rows(named=True)),
            "left_out": list(facts.left_out.iter_rows(named=True)),
            "refused": facts.rejected.height,
            "rejected": list(facts.rejected.head(SHOWN_REJECTED).iter_rows(named=True)),
        },
        "stages": list(facts.stages.iter_rows(named=True)),
        "seconds": facts.stages["seconds"].sum(),
    }
