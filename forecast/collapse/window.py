"""What all rules that count share: levels before the start, sums in a window."""

import polars as pl

from forecast.schema import LAST_DAY


def of_dyads(truces: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events of each truce's dyad, whenever they happened."""
    return (
        truces.filter(pl.col("start").is_not_null())
        .select("truce_id", "dyad_id", "start")
        .join(
            events.select(
                "dyad_id", "deaths", "known_from", "known_until", day=LAST_DAY
            ),
            on="dyad_id",
        )
    )


def before(pairs: pl.DataFrame, before_days: int) -> pl.DataFrame:
    """Events before each truce's start, as known on the morning after it."""
    start = pl.col("start")
    morning = start.dt.offset_by("1d")
    return pairs.filter(
        (pl.col("day") < start)
        & (pl.col("day") >= start.dt.offset_by(f"-{before_days}d"))
        & (pl.col("known_from") <= morning)
        & (pl.col("known_until") > morning).fill_null(True)
    )


def levels(
    truces: pl.DataFrame, earlier: pl.DataFrame, before_days: int, per_days: int
) -> pl.DataFrame:
    """What is counted before each start, in ``deaths``, per window."""
    sums = earlier.group_by("truce_id").agg(pl.col("deaths").sum())
    found = truces.select("truce_id").join(
        sums, on="truce_id", how="left", maintain_order="left"
    )
    # NumPy divides exactly. Polars multiplies with the inverse, but not where there is
    # one row only: a last bit that decides whether 5 deaths are half of 10
    level = found["deaths"].fill_null(0).to_numpy() * per_days / before_days
    return found.select("truce_id", level=pl.Series(level, dtype=pl.Float64))


def first_reached(
    levels: pl.DataFrame, daily: pl.DataFrame, window_days: int
) -> pl.DataFrame:
    """First day whose trailing window of ``daily`` deaths reaches the threshold."""
    trailing = pl.col("deaths").rolling_sum_by("day", f"{window_days}d")
    first = (
        daily.with_columns(trailing=trailing.over("truce_id"))
        .join(levels, on="truce_id")
        .filter(pl.col("trailing") >= pl.col("threshold"))
        .group_by("truce_id")
        .agg(collapse=pl.col("day").min())
    )
    return levels.join(first, on="truce_id", how="left", maintain_order="left").select(
        "truce_id", "level", "threshold", "collapse"
    )
