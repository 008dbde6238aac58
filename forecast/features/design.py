"""What the parties agreed on."""

import dataframely as dy
import polars as pl

from forecast.schema import CLASSES, SIDES, Panel, Truces


def design(
    panel: dy.DataFrame[Panel], events: pl.DataFrame, truces: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Class, side, form and term of the truce.

    Stronger agreements last longer (Fortna 2003, International Organization
    57(2):337-372), definitive ones longer than preliminary ones and these longer than
    cessations of hostilities (Clayton & Sticher 2021, International Studies Quarterly
    65(3):778-789).

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events are not used.

    Returns
    -------
    pl.DataFrame
        ``design_<side>``, ``design_<class>``, ``design_written``,
        ``design_mediated``, ``design_enforced`` (0 or 1, null where not coded);
        ``design_term_days`` (announced length) and ``design_days_left`` (days of it
        left at the origin, negative when it is over), null without a term.
    """
    del events
    terms = truces.select(
        "truce_id",
        "term_days",
        *((pl.col("side") == word).alias(f"design_{word}") for word in SIDES),
        *((pl.col("class") == word).alias(f"design_{word}") for word in CLASSES),
        design_written="written",
        design_mediated="mediated",
        design_enforced="enforcement",
    )
    return (
        panel.select("truce_id", "origin", "age_days")
        .join(terms, on="truce_id", how="left", maintain_order="left")
        .with_columns(
            design_term_days="term_days",
            design_days_left=pl.col("term_days") - pl.col("age_days"),
        )
        .drop("term_days", "age_days")
    )
