"""Hold runs against one of them: the same rows, the same resamples.

The comparison is paired: each resample of the dyads scores the run and the reference
(see forecast.resample), so that what is hard for both does not blur what differs.
"""

from collections.abc import Mapping
from typing import Any

import dataframely as dy
import polars as pl

from forecast.align import ROW
from forecast.ipcw import Array
from forecast.metrics.proper import log_losses, squared_errors
from forecast.schema import Comparison
from forecast.scored import Rows, by_stratum

#: metrics of a pair, both above 0 where the run is the better one
SKILL, GAIN = "skill", "log_score_gain"


def compare(
    wide: pl.DataFrame,
    models: Mapping[str, str],
    *,
    draws: int = 500,
    level: float = 0.9,
    seed: int = 1,
) -> dy.DataFrame[Comparison]:
    """Score runs against the first of them, with intervals by resampling dyads.

    Parameters
    ----------
    wide : pl.DataFrame
        From :func:`forecast.align.align`, with columns of strata or without, see
        :func:`forecast.scored.stratified`.
    models : mapping of str to str
        Model of each run, the reference first.
    draws : int
        Resamples of the dyads.
    level : float
        Coverage that the intervals aim at.
    seed : int
        Of the resampling; all runs see the same resamples.

    Returns
    -------
    dy.DataFrame[Comparison]
        Sorted by key, a row a metric: ``skill``, one minus the ratio of the Brier
        score to that of the reference; ``log_score_gain``, the log score of the
        reference minus that of the run, in nats; both above 0 where the run is better.
        Beside them the scores behind them, ``brier``, ``log_score`` and the same
        after ``reference_``. Strata with few cases have counts and no values.

    Notes
    -----
    Diebold and Mariano (1995), *Journal of Business & Economic Statistics* 13: losses
    are compared by their differences on the same cases. Here the cases are dyads.
    """
    reference, *others = models
    found = []
    for horizon in sorted(wide["horizon"].unique()):
        at = wide.filter(pl.col("horizon") == horizon).sort(ROW)
        for stratum, rows in by_stratum(at, draws, seed):
            for run in others:
                key = {
                    "run": run,
                    "model": models[run],
                    "reference": reference,
                    "reference_model": models[reference],
                    "horizon": horizon,
                    "stratum": stratum,
                }
                cells = _cells(rows, run, reference, level)
                if stratum != "all" and rows.few:
                    cells = [_unscored(cell) for cell in cells]
                found += [key | cell for cell in cells]
    return Comparison.validate(
        pl.DataFrame(found, infer_schema_length=None)
        .select(Comparison.column_names())
        .sort(Comparison.primary_key()),
        cast=True,
    )


def _cells(rows: Rows, run: str, reference: str, level: float) -> list[dict[str, Any]]:
    """Every metric of a run against the reference, with verdicts on the paired ones."""
    losses = {"brier": squared_errors, "log_score": log_losses}
    own = {name: rows.mean(loss, run) for name, loss in losses.items()}
    theirs = {name: rows.mean(loss, reference) for name, loss in losses.items()}
    paired: dict[str, Array] = {
        SKILL: rows.skill(run, reference),
        GAIN: theirs["log_score"] - own["log_score"],
    }
    cells = []
    for name, score in (
        own | {f"reference_{name}": s for name, s in theirs.items()} | paired
    ).items():
        cell = rows.row(score, level)
        said = verdict(cell["value"], cell["lower"], cell["upper"])
        cells.append(
            {"metric": name} | cell | {"verdict": said if name in paired else None}
        )
    return cells


def _unscored(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell of which only the counts are told."""
    nothing = dict.fromkeys(("value", "lower", "upper"))
    said = None if cell["verdict"] is None else verdict(None, None, None)
    return cell | nothing | {"verdict": said}


def verdict(value: float | None, lower: float | None, upper: float | None) -> str:
    """What the interval of a paired metric allows to say of the run.

    Parameters
    ----------
    value, lower, upper : float or None
        Above 0 where the run is better than the reference; None: not known.

    Returns
    -------
    str
        One of the verdicts of the schema. Without an interval nothing is told apart.

    Examples
    --------
    >>> verdict(0.04, 0.01, 0.07), verdict(-0.1, -0.2, -0.01), verdict(0.0, 0.0, 0.0)
    ('better than', 'worse than', 'not told apart from')
    >>> verdict(None, None, None)
    'not scored'
    """
    if value is None:
        return "not scored"
    if lower is None or upper is None:
        return "not told apart from"
    if lower > 0:
        return "better than"
    return "worse than" if upper < 0 else "not told apart from"
