"""The numbers behind the charts, each a frame."""

from collections.abc import Sequence
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from forecast.report.words import lookup, nearest, skills
from forecast.schema import Metrics, Predictions, RiskScores


def top_risks(
    scores: dy.DataFrame[RiskScores], published: str, rows: int = 20
) -> pl.DataFrame:
    """The truces at highest risk by the published model, as of the last morning.

    Parameters
    ----------
    scores : RiskScores
    published : str
        The model whose scores are shown.
    rows : int
        How many truces at most.

    Returns
    -------
    pl.DataFrame
        One row a truce, highest risk first at 30 days (or the horizon nearest to
        it): the columns of the scores at that horizon, `rank`, and `risks`, a list
        of structs (horizon_days, risk) in the order of the horizons.

    Examples
    --------
    >>> top_risks(RiskScores.create_empty(), "logit").height
    0
    """
    own = scores.filter(
        pl.col("model") == published, pl.col("as_of") == pl.col("as_of").max()
    )
    if own.is_empty():
        return own.with_columns(rank=pl.lit(None, pl.Int64), risks=pl.lit(None))
    horizon = nearest(own["horizon_days"].unique())
    risks = (
        own.sort("truce_id", "horizon_days")
        .group_by("truce_id", maintain_order=True)
        .agg(risks=pl.struct("horizon_days", "risk"))
    )
    return (
        own.filter(pl.col("horizon_days") == horizon)
        .join(risks, on="truce_id", validate="1:1")
        .sort("risk", "truce_id", descending=[True, False])
        .head(rows)
        .with_row_index("rank", offset=1)
    )


def risk_rows(top: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of `top_risks` as a template reads them, `risks` by horizon.

    Examples
    --------
    >>> risks = [{"horizon_days": 7, "risk": 0.5}]
    >>> risk_rows(pl.DataFrame({"truce": ["a"], "risks": [risks]}))
    [{'truce': 'a', 'risks': {7: 0.5}}]
    """
    return [
        row | {"risks": {cell["horizon_days"]: cell["risk"] for cell in row["risks"]}}
        for row in (top.iter_rows(named=True) if top.height else ())
    ]


def skill_table(
    metrics: dy.DataFrame[Metrics],
    published: str,
    named_baseline: str,
    baselines: Sequence[str],
) -> pl.DataFrame:
    """Brier skill over the named baseline, one row a model and horizon.

    Parameters
    ----------
    metrics : Metrics
    published, named_baseline : str
    baselines : sequence of str

    Returns
    -------
    pl.DataFrame
        `model`, `horizon`, `value`, `lower`, `upper`, `role` (published, model,
        baseline). Models without a value and the named baseline are absent; the
        published model comes first, baselines last.

    Examples
    --------
    >>> row = {"model": "logit", "horizon": 30, "stratum": "all", "metric": "skill",
    ...        "value": 0.1, "lower": 0.02, "upper": 0.2, "n": 9, "n_events": 2}
    >>> metrics = Metrics.validate(pl.DataFrame([row]), cast=True)
    >>> skill_table(metrics, "logit", "trail", ["trail"]).select("model", "role").rows()
    [('logit', 'published')]
    """
    scores = lookup(metrics)
    keys = sorted({(model, horizon) for model, horizon, _ in scores})
    rank = {"published": 0, "model": 1, "baseline": 2}
    rows = []
    for model, horizon in keys:
        score = skills(scores, model, horizon, named_baseline, ()).get(named_baseline)
        if score is None or score.value is None:
            continue
        role = "baseline" if model in baselines else "model"
        role = "published" if model == published else role
        rows.append((model, horizon, *score[:3], role, rank[role]))
    schema = {"model": pl.String, "horizon": pl.Int32}
    schema |= dict.fromkeys(("value", "lower", "upper"), pl.Float64)
    schema |= {"role": pl.String, "rank": pl.Int8}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort("rank", "model", "horizon").drop("rank")


def recalibration(
    predictions: dy.DataFrame[Predictions], model: str, horizon: int
) -> pl.DataFrame:
    """How often collapses came where a model forecast a risk, by isotonic regression.

    Rows whose outcome is unknown weigh nothing: known rows carry their weight.

    Parameters
    ----------
    predictions : Predictions
    model : str
    horizon : int
        Days.

    Returns
    -------
    pl.DataFrame
        One row a distinct forecast, ascending: `forecast`, `recalibrated` (both in
        [0, 1]), `weight` (of all rows with that forecast). Empty where no outcome is
        known.

    Notes
    -----
    Pool-adjacent-violators, the CORP reliability diagram of Dimitriadis, Gneiting
    and Jordan (2021), "Stable reliability diagrams for probabilistic classifiers",
    PNAS 118(8): no bins to choose, and the curve is monotone.

    Examples
    --------
    >>> recalibration(Predictions.create_empty(), "logit", 30).height
    0
    """
    known = predictions.filter(
        pl.col("model") == model,
        pl.col("horizon") == horizon,
        pl.col("outcome").is_not_null(),
        pl.col("weight") > 0,
    ).sort("risk", "cutoff", "truce_id", "origin")
    if known.is_empty():
        return pl.DataFrame(
            schema=dict.fromkeys(("forecast", "recalibrated", "weight"), pl.Float64)
        )
    # seconds to import, and not every page has a reliability to show
    from sklearn.isotonic import IsotonicRegression

    risk = known["risk"].to_numpy()
    fit = IsotonicRegression(y_min=0, y_max=1).fit(
        risk,
        known["outcome"].cast(pl.Float64).to_numpy(),
        sample_weight=known["weight"].to_numpy(),
    )
    return (
        known.with_columns(recalibrated=pl.Series(fit.predict(risk)))
        .group_by(forecast="risk", maintain_order=True)
        .agg(pl.col("recalibrated").first(), pl.col("weight").sum())
    )


def histogram(curve: pl.DataFrame, bins: int = 20) -> pl.DataFrame:
    """Weighted share of forecasts in equal bins of [0, 1].

    Parameters
    ----------
    curve : pl.DataFrame
        From `recalibration`.
    bins : int

    Returns
    -------
    pl.DataFrame
        `left`, `right`, `share`; the shares sum to 1.

    Examples
    --------
    >>> curve = pl.DataFrame({"forecast": [0.1, 0.9], "weight": [3.0, 1.0]})
    >>> histogram(curve, 2)["share"].to_list()
    [0.75, 0.25]
    """
    share, edges = np.histogram(
        curve["forecast"].to_numpy(),
        bins=bins,
        range=(0, 1),
        weights=curve["weight"].to_numpy(),
    )
    return pl.DataFrame(
        {"left": edges[:-1], "right": edges[1:], "share": share / share.sum()}
    )


def knots(curve: pl.DataFrame) -> pl.DataFrame:
    """Only the ends of each level stretch: the same line from fewer points.

    Parameters
    ----------
    curve : pl.DataFrame
        From `recalibration`.

    Returns
    -------
    pl.DataFrame

    Examples
    --------
    >>> curve = pl.DataFrame({"recalibrated": [0.1, 0.1, 0.1, 0.5]})
    >>> knots(curve)["recalibrated"].to_list()
    [0.1, 0.1, 0.5]
    """
    level = pl.col("recalibrated")
    inner = (level == level.shift(1)) & (level == level.shift(-1))
    return curve.filter(~inner.fill_null(False))
