"""The facts of a run or a scoring, as reports want them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy
import polars as pl

from forecast.commands.data import Data
from forecast.report.facts import Facts
from forecast.schema import Audits, LeftOut

RUN = ("command", "seed", "git_commit", "data_digest", "config_digest", "run_id")


def facts(
    account: Mapping[str, Any],
    data: Data,
    left_out: dy.DataFrame[LeftOut],
    baselines: Sequence[str],
    audits: dy.DataFrame[Audits] | None = None,
) -> Facts:
    """What a report says beside its frames, from the account of a run or a scoring."""
    return Facts(
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
        refits=account["refits"],
        audits=Audits.create_empty() if audits is None else audits,
    )
