"""Scores fold by fold: does a model hold from one cutoff to the next."""

import dataframely as dy
import polars as pl

from forecast.schema import Predictions

ROW = ["cutoff", "horizon", "truce_id", "origin"]


def fold_scores(predictions: dy.DataFrame[Predictions], named: str) -> pl.DataFrame:
    """Brier score of every model in each fold, and its skill over a baseline there.

    Parameters
    ----------
    predictions : Predictions
        Rows of unknown outcome weigh nothing: known rows carry their weight.
    named : str
        The baseline; skill is that on the rows which both have forecast.

    Returns
    -------
    pl.DataFrame
        ``model``, ``horizon``, ``cutoff``, ``metric`` (brier, skill), ``value``, sorted
        by all but the last. What cannot be said (no known outcome, a baseline without
        error) has no row.

    Examples
    --------
    >>> fold_scores(Predictions.create_empty(), "trail").columns
    ['model', 'horizon', 'cutoff', 'metric', 'value']
    """
    known = predictions.filter(pl.col("weight") > 0).sort("model", *ROW)
    naive = known.filter(pl.col("model") == named).select(*ROW, naive="risk")
    both = pl.col("naive").is_not_null()
    return (
        known.join(naive, on=ROW, how="left", maintain_order="left")
        .group_by("model", "horizon", "cutoff", maintain_order=True)
        .agg(
            brier=brier("risk"),
            skill=1 - brier("risk", both) / brier("naive", both),
        )
        .unpivot(["brier", "skill"], index=["model", "horizon", "cutoff"])
        .rename({"variable": "metric"})
        .filter(
            pl.col("value").is_finite(),
            (pl.col("model") != named) | (pl.col("metric") != "skill"),
        )
        .sort("model", "horizon", "cutoff", "metric")
    )


def brier(risk: str, on: pl.Expr | None = None) -> pl.Expr:
    """Weighted Brier score of a column of risks, of a group of predictions.

    Parameters
    ----------
    risk : str
        The column; beside it stand ``outcome`` and ``weight``.
    on : pl.Expr, optional
        Rows that count; all by default.

    Examples
    --------
    >>> rows = {"risk": [0.5, 0.0], "outcome": [1, 0], "weight": [1.0, 3.0]}
    >>> pl.DataFrame(rows).select(brier("risk")).item()
    0.0625
    """
    weight = pl.col("weight")
    squared = weight * (pl.col(risk) - pl.col("outcome")) ** 2
    if on is not None:
        squared, weight = squared.filter(on), weight.filter(on)
    return squared.sum() / weight.sum()
