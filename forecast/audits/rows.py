"""Rows: every origin that can be forecast is forecast by every model exactly once."""

import polars as pl

from forecast.audits import FAULT, HELD, Finding, Run
from forecast.audits.asked import excused, forecastable
from forecast.backtest import KEYS

COUNTS = {
    "missing": "are missing",
    "repeated": "are there more than once",
    "unasked": "are of no origin that a fold asks for",
}


def rows(run: Run) -> list[Finding]:
    """Count the forecasts of every model against the origins of the panel.

    A fold that a model could not forecast is let pass where a note says so. Origins
    that never came into the panel are beyond this audit.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.

    Returns
    -------
    list of Finding
        One a model with a fault.
    """
    table = _counted(run)
    faults = [
        Finding(
            row["model"],
            FAULT,
            f"of {row['wanted']:,} forecasts: "
            + ", ".join(
                f"{row[key]:,} {what}" for key, what in COUNTS.items() if row[key]
            ),
        )
        for row in table.filter(pl.any_horizontal(pl.col(*COUNTS) > 0)).iter_rows(
            named=True
        )
    ]
    noted, wanted = table["noted"].sum(), table.row(0, named=True)["wanted"]
    left = f", but for {noted:,} that a note tells of" if noted else ""
    held = f"each of {table.height} models has its {wanted:,} forecasts once{left}"
    return faults or [Finding("models", HELD, held)]


def _counted(run: Run) -> pl.DataFrame:
    """Count for each model what is wanted, and what is given otherwise."""
    horizons = pl.DataFrame({"horizon": run.horizons}, {"horizon": pl.Int32})
    keys = ["model", *KEYS, "horizon"]
    wanted = (
        forecastable(run)
        .join(pl.DataFrame({"model": list(run.models)}), how="cross")
        .join(horizons, how="cross")
        .select(*keys, wanted=pl.lit(True))
        .unique()
    )
    let_pass = excused(run).select("model", *KEYS, excused=pl.lit(True)).unique()
    given = run.predictions.group_by(keys).agg(n=pl.len())
    absent, asked = pl.col("n").is_null(), pl.col("wanted").is_not_null()
    noted = pl.col("excused").is_not_null()
    return (
        wanted.join(given, on=keys, how="full", coalesce=True)
        .join(let_pass, on=["model", *KEYS], how="left")
        .group_by("model")
        .agg(
            wanted=asked.sum(),
            noted=(asked & absent & noted).sum(),
            missing=(asked & absent & ~noted).sum(),
            repeated=(pl.col("n") > 1).sum(),
            unasked=(~asked).sum(),
        )
        .sort("model")
    )
