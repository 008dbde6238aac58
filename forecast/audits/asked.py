"""Which forecasts the folds of a run ask for, and which a note says are not there."""

from datetime import date

import polars as pl

from forecast.audits import Run
from forecast.backtest import KEYS
from forecast.split import Fold


def forecastable(run: Run) -> pl.DataFrame:
    """Origins that the folds set out to forecast: those from each cutoff to its end.

    Returns
    -------
    pl.DataFrame
        ``truce_id``, ``origin``, ``cutoff``; read off the panel and the days of the
        folds alone, so that a fold which loses rows is found out.
    """
    parts = [
        run.panel.filter(_within(cutoff, end)).select(KEYS, cutoff=pl.lit(cutoff))
        for cutoff, end in {(fold.cutoff, fold.end) for fold in run.folds}
    ]
    return pl.concat(parts).unique().sort(KEYS)


def excused(run: Run) -> pl.DataFrame:
    """Rows of folds that a model did not forecast at all, and a note says so.

    Returns
    -------
    pl.DataFrame
        ``model``, ``truce_id``, ``origin``, ``cutoff``.
    """
    nothing = run.predictions.select("model", *KEYS, "cutoff").clear()
    return pl.concat([nothing, *(_failed(run, m, f) for m, f in _noted(run))])


def _within(cutoff: date, end: date | None) -> pl.Expr:
    ahead = pl.col("origin") >= cutoff
    return ahead if end is None else ahead & (pl.col("origin") < end)


def _noted(run: Run) -> list[tuple[str, Fold]]:
    """Models and folds of which a note of the backtest says that there is nothing."""
    return [
        (model, fold)
        for fold in run.folds
        for model in run.models
        if any(
            note.startswith(
                (f"{model} failed at the cutoff {fold.cutoff}:", f"fold {fold.cutoff}:")
            )
            for note in run.notes
        )
    ]


def _failed(run: Run, model: str, fold: Fold) -> pl.DataFrame:
    rows = fold.test(run.panel).select(pl.lit(model).alias("model"), *KEYS)
    rows = rows.with_columns(cutoff=pl.lit(fold.cutoff))
    given = run.predictions.filter(pl.col("model") == model)
    # a note excuses a fold as a whole, never some of its rows
    whole = rows.join(given, on=[*KEYS, "cutoff"], how="semi").is_empty()
    return rows if whole else rows.clear()
