"""Runs of different labels side by side: nothing of them is paired.

What one rule calls a collapse is a quiet week to another, so runs of different labels
forecast different things, on different rows: a difference of their scores would be one
of rows. Each run is judged by itself: its skill over its own baseline with its own
interval, and the order of its models. Whether these agree is what can be read.
"""

import dataframely as dy
import polars as pl

from forecast.schema import Beside, Metrics, Predictions

#: collapses below which a run is shown and not scored
FEWEST = 30
#: columns that each metric of a run gives
COLUMNS = {
    "prevalence": {name: pl.col(name) for name in ("n", "n_events")}
    | {"prevalence": pl.col("value")},
    "brier": {"brier": pl.col("value")},
    "skill": {
        "skill": pl.col("value"),
        "lower": pl.col("lower"),
        "upper": pl.col("upper"),
    },
}


def judged(
    metrics: dy.DataFrame[Metrics],
    predictions: dy.DataFrame[Predictions],
    *,
    run: str,
    label: str,
    baseline: str,
    level: float = 0.9,
    fewest: int = FEWEST,
) -> dy.DataFrame[Beside]:
    """What a run says of its own models, where it has collapses enough to say it.

    Parameters
    ----------
    metrics : dy.DataFrame[Metrics]
        Of the run; rows of stratum ``all`` are read.
    predictions : dy.DataFrame[Predictions]
        Of the run: truces that collapse are counted in them.
    run, label, baseline : str
        Its name, its collapse rule, and the baseline that its skill is quoted against.
    level : float
        What the run's intervals aim to cover.
    fewest : int
        Collapses that a horizon needs to be scored.

    Returns
    -------
    dy.DataFrame[Beside]
        A row a horizon and model.

    Notes
    -----
    Truces are counted and not forecasts, for the weeks before one collapse are no
    independent cases. Thirty is a floor, not a number that suffices: a count of 30 has
    a standard error of 18% (one over its root), larger than the skills in question, and
    an average cutoff leaves half of them to learn from. Studies that validate a risk
    model are asked for 100 events or more (Collins, Ogundimu & Altman 2016, *Statistics
    in Medicine* 35(2):214-226).
    """
    keys = ["horizon", "model"]
    own = metrics.filter(pl.col("stratum") == "all").with_columns(
        pl.col("value", "lower", "upper").fill_nan(None)
    )
    rows = own.select(keys).unique()
    for metric, columns in COLUMNS.items():
        found = own.filter(pl.col("metric") == metric).select(*keys, **columns)
        rows = rows.join(found, on=keys, how="left", validate="1:1")
    counted = rows.join(_collapses(predictions), on="horizon", how="left").with_columns(
        pl.col("collapses", "n", "n_events").fill_null(0)
    )
    scored = pl.col("collapses") >= fewest
    figures = ("brier", "skill", "lower", "upper")
    return Beside.validate(
        counted.with_columns(
            pl.when(scored).then(pl.col(*figures)),
            run=pl.lit(run),
            label=pl.lit(label),
            baseline=pl.lit(baseline),
            level=pl.lit(float(level)),
            scored=scored,
        )
        .with_columns(rank=_rank())
        .select(Beside.column_names())
        .sort("horizon", "rank", "model", nulls_last=True),
        cast=True,
    )


def _collapses(predictions: pl.DataFrame) -> pl.DataFrame:
    return (
        predictions.filter(pl.col("outcome") == 1)
        .group_by("horizon")
        .agg(collapses=pl.col("truce_id").n_unique())
    )


def _rank() -> pl.Expr:
    """Place by Brier score, of those that forecast all that the run forecast."""
    whole = pl.col("n") == pl.col("n").max()
    return pl.when(whole).then("brier").rank("min").over("horizon")
