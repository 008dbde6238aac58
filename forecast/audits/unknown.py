"""Unknown outcomes: rows that were censored stay, as rows of unknown outcome."""

import polars as pl

from forecast.audits import FAULT, HELD, Finding, Run
from forecast.audits.asked import excused, forecastable
from forecast.backtest import KEYS
from forecast.panel import outcomes

COUNTS = {
    "lost": "rows of unknown outcome are missing",
    "made_up": "rows have an outcome that nobody knows",
    "hidden": "rows have an outcome that is known, and lack it",
}


def unknown(run: Run) -> list[Finding]:
    """Hold the rows of unknown outcome against those of the panel, by horizon.

    Dropping them keeps early collapses and loses quiet rows. Whether censoring says
    something about risk is beyond this audit.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.

    Returns
    -------
    list of Finding
        One a model and horizon with a fault; else one a horizon.
    """
    table = _beside(run)
    faults = [
        Finding(
            f"{row['model']}, {row['horizon']} days",
            FAULT,
            "; ".join(f"{row[key]} {what}" for key, what in COUNTS.items() if row[key]),
        )
        for row in table.filter(pl.any_horizontal(pl.col(*COUNTS) > 0)).iter_rows(
            named=True
        )
    ]
    kept = table.unique("horizon").sort("horizon").select("horizon", "unknown", "n")
    held = [
        Finding(f"{h} days", HELD, f"{n:,} of {rows:,} rows are unknown, and all stay")
        for h, n, rows in kept.iter_rows()
    ]
    return faults or held


def _beside(run: Run) -> pl.DataFrame:
    """Count for each model and horizon what differs between panel and forecasts."""
    keys, models = [*KEYS, "cutoff"], list(run.models)
    wanted = (
        forecastable(run)
        .join(pl.DataFrame({"model": models}), how="cross")
        .join(excused(run), on=["model", *keys], how="anti")
        .join(outcomes(run.panel, tuple(run.horizons)), on=KEYS)
    )
    given = run.predictions.select(
        "model", *keys, "horizon", said="outcome", given=pl.lit(True)
    )
    absent, none = pl.col("given").is_null(), pl.col("outcome").is_null()
    return (
        wanted.join(given, on=["model", *keys, "horizon"], how="left")
        .group_by("model", "horizon")
        .agg(
            lost=(absent & none).sum(),
            made_up=(~absent & none & pl.col("said").is_not_null()).sum(),
            hidden=(~absent & ~none & pl.col("said").is_null()).sum(),
            unknown=none.sum(),
            n=pl.len(),
        )
        .sort("model", "horizon")
    )
