"""What it costs to act on forecasts, at every price of a warning.

If a warning costs ``c`` of what an unwarned collapse costs, true risks call for one
above ``c``. Over all ``c``, costs make a Murphy diagram (Ehm, Gneiting, Jordan & Krüger
2016, *JRSS B* 78): who costs less at each of them scores better by every proper score.
"""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from forecast.schema import Costs, Predictions

RATIOS = tuple(n / 50 for n in range(1, 50))
REFERENCES = ("always", "never", "perfect")
GROUP = ["model", "horizon"]


def costs(
    predictions: dy.DataFrame[Predictions], ratios: Sequence[float] = RATIOS
) -> dy.DataFrame[Costs]:
    """Cost of acting on each model, for every price of a warning.

    The user warns where the risk is above what a warning costs; an unwarned collapse
    costs 1, and a warning the same whether or not the truce then collapses.

    Parameters
    ----------
    predictions : dy.DataFrame[Predictions]
        Rows of unknown outcome weigh nothing: known rows carry their weight.
    ratios : sequence of float
        Costs of a warning, between 0 and 1.

    Returns
    -------
    dy.DataFrame[Costs]
        Sorted by key. ``cost`` is the weighted mean of a row. ``saved`` is 1 for
        ``perfect``, who warns of collapses only, and 0 for the better of ``always`` and
        ``never``; negative where a model costs more than that. It is null where all
        rows collapse, or none. The three stand beside the models, on the rows that any
        model forecasts; a model is held against them on its own rows. Without a row of
        known outcome there is nothing.

    Raises
    ------
    ValueError
        If a ratio is not between 0 and 1, or a model is called as one of the three.

    Notes
    -----
    What perfect warnings cost nobody can save. Beyond it, a false alarm costs ``c`` and
    a missed collapse ``1 − c``. ``saved`` is the relative value of Richardson (2000,
    *Quarterly Journal of the Royal Meteorological Society* 126).

    Examples
    --------
    >>> from datetime import date
    >>> row = {"model": "logit", "cutoff": date(2020, 1, 1), "horizon": 7,
    ...        "origin": date(2020, 1, 9), "conflict_id": None, "dyad_id": "d"}
    >>> predictions = Predictions.validate(pl.DataFrame([
    ...     row | {"truce_id": "a", "risk": 0.6, "outcome": 1, "weight": 1.0},
    ...     row | {"truce_id": "b", "risk": 0.3, "outcome": 0, "weight": 1.0},
    ...     row | {"truce_id": "c", "risk": 0.1, "outcome": 0, "weight": 1.0},
    ... ]), cast=True)
    >>> costs(predictions, ratios=(0.2,)).select(
    ...     "model", pl.col("cost", "saved").round(2)).rows()
    [('always', 0.2, 0.0), ('logit', 0.13, 0.5), ('never', 0.33, -1.0),
     ('perfect', 0.07, 1.0)]
    """
    if not all(0 < ratio < 1 for ratio in ratios):
        raise ValueError(f"ratios={list(ratios)}; expected numbers between 0 and 1")
    taken = sorted(set(REFERENCES) & set(predictions["model"]))
    if taken:
        raise ValueError(f"a model may not be called {taken[0]}")
    known = predictions.filter(pl.col("weight") > 0)
    regret, gap = pl.col("regret"), pl.min_horizontal("of_always", "of_never")
    return Costs.validate(
        _regrets(pl.concat([known, *_references(known)]), ratios)
        .with_columns(saved=pl.when(gap > 0).then(1 - regret / gap))
        .select(Costs.column_names())
        .sort(*GROUP, "ratio"),
        cast=True,
    )


def _references(known: pl.DataFrame) -> list[pl.DataFrame]:
    """Warnings without a model, as forecasts: of risk 1, of 0, and of what came."""
    rows = known.unique(["truce_id", "origin", "horizon"])
    risks = (pl.lit(1.0), pl.lit(0.0), pl.col("outcome").cast(pl.Float64))
    return [
        rows.with_columns(model=pl.lit(name), risk=risk)
        for name, risk in zip(REFERENCES, risks, strict=True)
    ]


def _regrets(known: pl.DataFrame, ratios: Sequence[float]) -> pl.DataFrame:
    """Cost, and what of it perfect warnings would spare; so for always and for never.

    Rows at or below a ratio get no warning: sums over them are read off running sums
    in the order of the risks, so that no row is looked at twice.
    """
    weight, outcome, c = pl.col("weight"), pl.col("outcome"), pl.col("ratio")
    running = known.sort(*GROUP, "risk", "truce_id", "origin").select(
        *GROUP,
        "risk",
        missed=(weight * outcome).cum_sum().over(GROUP),
        spared=(weight * (1 - outcome)).cum_sum().over(GROUP),
    )
    whole = running.group_by(GROUP).agg(
        lost=pl.col("missed").last(), quiet=pl.col("spared").last()
    )
    at = pl.DataFrame({"ratio": pl.Series(sorted(ratios), dtype=pl.Float64)})
    sums = whole.join(at, how="cross").join_asof(
        running,
        left_on="ratio",
        right_on="risk",
        by=GROUP,
        check_sortedness=False,  # both are in order within a group
    )
    lost, quiet, missed = pl.col("lost"), pl.col("quiet"), pl.col("missed")
    false = quiet - pl.col("spared")
    return sums.with_columns(pl.col("missed", "spared").fill_null(0.0)).select(
        *GROUP,
        "ratio",
        cost=(c * (lost - missed + false) + missed) / (lost + quiet),
        regret=(c * false + (1 - c) * missed) / (lost + quiet),
        of_always=c * quiet / (lost + quiet),
        of_never=(1 - c) * lost / (lost + quiet),
    )
