"""Scores against the true risk, where it is known: no luck of outcomes in them.

With the true risk ``p`` of a row, a forecast ``r`` has the expected Brier score
``(r − p)² + p (1 − p)``. The second part no model can take away: it is the ceiling. The
first is what a model still has to learn.
"""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.schema import KnownTruth

KEYS = ["truce_id", "origin", "horizon"]
BINS = 10


def expected_scores(
    risks: pl.DataFrame, truth: pl.DataFrame, *, draws: int, named_baseline: str
) -> dy.DataFrame[KnownTruth]:
    """Expected Brier score of every model, and its share of the attainable skill.

    Parameters
    ----------
    risks : pl.DataFrame
        ``model``, ``truce_id``, ``origin``, ``horizon``, ``risk``.
    truth : pl.DataFrame
        ``truce_id``, ``origin``, ``horizon``, ``risk``: the share of ``draws`` copies
        that collapsed, see :func:`forecast.simulated_truth.true_risk`.
    draws : int
        Copies at each origin, at least 2.
    named_baseline : str
        The naive model whose score is the floor.

    Returns
    -------
    dy.DataFrame[KnownTruth]
        A row a model and horizon, and one for ``truth`` itself. ``share`` is
        (naive − model) / (naive − truth): 1 is all that can be known, 0 no more than
        the naive model knows, negative less.

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
    >>> row = {"truce_id": "a", "origin": date(2020, 1, 1), "horizon": 30}
    >>> truth = pl.DataFrame([row | {"risk": 0.5}])
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
    p, r = pl.col("truth"), pl.col("risk")
    both = _beside(risks, truth)
    of_models = both.group_by("model", "horizon").agg(
        brier=(r * r - 2 * r * p + p).mean(),
        mean_risk=r.mean(),
        mean_truth=p.mean(),
        n=pl.len(),
    )
    one = both.filter(pl.col("model") == named_baseline)
    ceiling = one.group_by("horizon").agg(
        brier=(p - p * p + p * (1 - p) / (draws - 1)).mean(),
        mean_risk=p.mean(),
        mean_truth=p.mean(),
        n=pl.len(),
    )
    table = pl.concat(
        [of_models, ceiling.select(pl.lit("truth").alias("model"), pl.all())]
    )
    floor = of_models.filter(pl.col("model") == named_baseline)
    found = table.join(floor.select("horizon", floor="brier"), on="horizon").join(
        ceiling.select("horizon", ceiling="brier"), on="horizon"
    )
    attainable = pl.col("floor") - pl.col("ceiling")
    return KnownTruth.validate(
        found.with_columns(
            share=pl.when(attainable > 0).then(
                (pl.col("floor") - pl.col("brier")) / attainable
            )
        )
        .select(KnownTruth.column_names())
        .sort("model", "horizon"),
        cast=True,
    )


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
