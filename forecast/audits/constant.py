"""Constant models: the same risk for every truce is no forecast of any."""

from collections.abc import Sequence

import polars as pl

from forecast.audits import FAULT, HELD, Finding, Run
from forecast.backtest import KEYS


def constant(run: Run, *, declared: Sequence[str] = ("base_rate",)) -> list[Finding]:
    """Look for models that give all rows of a fold one risk, in every fold.

    A model that falls back to the base rate in some folds only is let pass.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.
    declared : sequence of str
        Models that are meant to be constant.

    Returns
    -------
    list of Finding
        One a model that is constant at some horizon.
    """
    fold = pl.concat(
        fold.test(run.panel).select(KEYS, fold=pl.lit(i), cutoff=pl.lit(fold.cutoff))
        for i, fold in enumerate(run.folds)
    )
    flat = (
        run.predictions.filter(~pl.col("model").is_in(list(declared)))
        .join(fold, on=[*KEYS, "cutoff"])
        .group_by("model", "horizon", "fold")
        .agg(n=pl.len(), risks=pl.col("risk").n_unique())
        .filter(pl.col("n") > 1)
        .group_by("model", "horizon")
        .agg(flat=(pl.col("risks") == 1).all())
    )
    found = (
        flat.filter("flat").sort("model", "horizon").group_by("model").agg("horizon")
    )
    faults = [
        Finding(model, FAULT, f"it gives every row the same risk at {_days(horizons)}")
        for model, horizons in found.sort("model").iter_rows()
    ]
    n = flat["model"].n_unique()
    held = f"the risks of {n} models differ between rows at every horizon"
    return faults or [Finding("models", HELD, held)]


def _days(horizons: Sequence[int]) -> str:
    return f"{', '.join(map(str, horizons))} days"
