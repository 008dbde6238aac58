"""Age of the truce: most truces that break do so early."""

import dataframely as dy
import polars as pl

from forecast.schema import Panel, Truces


def age(
    panel: dy.DataFrame[Panel], events: pl.DataFrame, truces: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Days since the start.

    Duration dependence is the first thing that any hazard of truces must allow for.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events and truces are not used.

    Returns
    -------
    age_days : days
        From the start to the origin: ``o - start``, at least 1. Null: never.
    age_log : log days
        Natural logarithm of ``age_days``. Null: never.

    References
    ----------
    Fortna (2003), "Scraps of Paper? Agreements and the Durability of Peace",
    International Organization 57(2):337-372.
    """
    del events, truces
    return panel.select(
        "truce_id",
        "origin",
        "age_days",
        age_log=pl.col("age_days").log(),
    )
