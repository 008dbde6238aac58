"""Age of the truce: most truces that break do so early."""

import dataframely as dy
import polars as pl

from forecast.schema import Panel, Truces


def age(
    panel: dy.DataFrame[Panel], events: pl.DataFrame, truces: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Days since the start.

    Duration dependence is the first thing any hazard of truces must allow for
    (Fortna 2003, International Organization 57(2):337-372).

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events and truces are not used.

    Returns
    -------
    pl.DataFrame
        ``age_days`` (days, at least 1) and ``age_log`` (its natural logarithm); never
        null.
    """
    del events, truces
    return panel.select(
        "truce_id",
        "origin",
        "age_days",
        age_log=pl.col("age_days").log(),
    )
