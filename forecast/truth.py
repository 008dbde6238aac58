"""Scores against the true risk, where it is known: no luck of outcomes in them.

With the true risk ``p`` of a row, a forecast ``r`` has the expected Brier score
``(r − p)² + p (1 − p)``. The second part no model can take away: it is the ceiling. The
first is what a model still has to learn.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from forecast.ipcw import Array
from forecast.resample import interval, redrawn
from forecast.schema import KnownTruth

KEYS = ["truce_id", "origin", "horizon"]
BINS = 10
#: what the true risk itself is called among the models
TRUTH = "truth"


def expected_scores(
    risks: pl.DataFrame,
    truth: pl.DataFrame,
    *,
    draws: int,
    named_baseline: str,
    resamples: int = 500,
    level: float = 0.9,
    seed: int = 1,
) -> dy.DataFrame[KnownTruth]:
    """Expected Brier score of every model, and its share of the attainable skill.

    Parameters
    ----------
    risks : pl.DataFrame
        ``model``, ``truce_id``, ``dyad_id``, ``origin``, ``horizon``, ``risk``.
    truth : pl.DataFrame
        ``truce_id``, ``origin``, ``horizon``, ``risk``: the share of ``draws`` copies
        that collapsed, see :func:`forecast.simulated_truth.true_risk`.
    draws : int
        Copies at each origin, at least 2.
    named_baseline : str
        The naive model whose score is the floor.
    resamples, seed : int
        How often the dyads are redrawn for the intervals; seed of that.
    level : float
        Coverage that the intervals aim at.

    Returns
    -------
    dy.DataFrame[KnownTruth]
        A row a model and horizon, and one for ``truth`` itself. ``share`` is
        (naive − model) / (naive − truth): 1 is all that can be known, 0 no more than
        the naive model knows, negative less. Its interval tells how far it hangs on
        the dyads that are scored, not on those that the models were fitted on.

    Raises
    ------
    ValueError
        If there are fewer than two draws, the baseline is not among the models, or a
        row has no true risk.

    Notes
    -----
    The score is linear in the share of copies, ``r² − 2 r p + p``, so its mean has no
    bias at any number of draws. The square in the truth's own score, ``p − p²``, has
    one, which ``p (1 − p) / (draws − 1)`` takes off.

    Examples
    --------
    >>> from datetime import date
    >>> row = {"truce_id": "a", "dyad_id": "d", "origin": date(2020, 1, 1)}
    >>> row |= {"horizon": 30}
    >>> truth = pl.DataFrame([row | {"risk": 0.5}]).drop("dyad_id")
    >>> risks = pl.DataFrame([row | {"model": m, "risk": r}
    ...                       for m, r in (("trail", 0.1), ("logit", 0.4))])
    >>> found = expected_scores(risks, truth, draws=1001, named_baseline="trail")
    >>> found.select("model", pl.col("brier", "share").round(2)).rows()
    [('logit', 0.26, 0.94), ('trail', 0.41, 0.0), ('truth', 0.25, 1.0)]
    """
    if draws < 2:
        raise ValueError(f"draws={draws}; expected 2 or more")
    if named_baseline not in risks["model"]:
        raise ValueError(f"no forecasts of the baseline {named_baseline}")
    rows = _scored(_beside(risks, truth), draws, named_baseline)
    dyads = risks["dyad_id"].unique().sort()
    _, counts = redrawn(dyads, resamples, seed)
    # the dyads as they are, then every draw of them
    counts = np.vstack([np.ones(len(dyads)), counts])
    parts = rows.partition_by("model", "horizon", as_dict=True)
    brier = {key: _means(part, dyads, counts) for key, part in parts.items()}
    found = []
    for (model, horizon), part in parts.items():
        share = _share(brier, model, horizon, named_baseline)
        lower, upper = interval(share[1:], len(dyads), level)
        found.append(
            {
                "model": model,
                "horizon": horizon,
                "brier": brier[model, horizon][0],
                "share": share[0] if np.isfinite(share[0]) else None,
                "lower": lower,
                "upper": upper,
                "mean_risk": part["risk"].mean(),
                "mean_truth": part["truth"].mean(),
                "n": part.height,
            }
        )
    return KnownTruth.validate(
        pl.DataFrame(found, infer_schema_length=None)
        .select(KnownTruth.column_names())
        .sort("model", "horizon"),
        cast=True,
    )


def _scored(both: pl.DataFrame, draws: int, named_baseline: str) -> pl.DataFrame:
    """Expected score of each row; the truth stands among the models."""
    p, r = pl.col("truth"), pl.col("risk")
    one = both.filter(pl.col("model") == named_baseline)
    ceiling = one.with_columns(
        model=pl.lit(TRUTH), risk=p, score=p - p * p + p * (1 - p) / (draws - 1)
    )
    return pl.concat([both.with_columns(score=r * r - 2 * r * p + p), ceiling])


def _means(part: pl.DataFrame, dyads: pl.Series, counts: Array) -> Array:
    """Mean score of a model at a horizon in each draw of the dyads."""
    code = dyads.search_sorted(part["dyad_id"]).to_numpy()
    n = np.bincount(code, minlength=len(dyads))
    total = np.bincount(code, part["score"].to_numpy(), minlength=len(dyads))
    with np.errstate(invalid="ignore"):
        return np.asarray(counts @ total / (counts @ n))


def _share(
    brier: Mapping[tuple[Any, ...], Array], model: str, horizon: int, naive: str
) -> Array:
    """Share of the attainable skill in each draw; NaN where nothing is attainable."""
    ours, floor, ceiling = (brier[name, horizon] for name in (model, naive, TRUTH))
    attainable = np.where(floor > ceiling, floor - ceiling, np.nan)
    return np.asarray((floor - ours) / attainable)


def calibration(
    risks: pl.DataFrame, truth: pl.DataFrame, models: Sequence[str]
) -> pl.DataFrame:
    """Mean forecast and mean true risk in tenths of the forecasts.

    Parameters
    ----------
    risks, truth : pl.DataFrame
        As in :func:`expected_scores`.
    models : sequence of str
        Which models.

    Returns
    -------
    pl.DataFrame
        ``model``, ``horizon``, ``bin`` (0 is the lowest risks), ``risk``, ``truth``,
        ``n``; sorted.
    """
    both = _beside(risks.filter(pl.col("model").is_in(models)), truth)
    group = ["model", "horizon"]
    rank = pl.col("risk").rank("ordinal").over(group) - 1
    return (
        both.sort(*group, *KEYS)
        .with_columns(bin=(rank * BINS // pl.len().over(group)).cast(pl.Int64))
        .group_by(*group, "bin")
        .agg(pl.col("risk", "truth").mean(), n=pl.len())
        .sort(*group, "bin")
    )


def _beside(risks: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    both = risks.join(truth.rename({"risk": "truth"}), on=KEYS, how="left")
    missing = both["truth"].null_count()
    if missing:
        raise ValueError(f"{missing} forecasts have no true risk beside them")
    return both.sort("model", *KEYS)
