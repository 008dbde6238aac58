"""The war before a truce: how deadly it was, and how many deaths end the truce."""

import dataframely as dy
import polars as pl

from forecast.schema import Panel, Truces


def war(
    panel: dy.DataFrame[Panel], events: pl.DataFrame, truces: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Deaths before the start, and what they make the collapse rule ask for.

    A rule that asks for half the former pace of killing ends one truce at five deaths
    and another at five hundred. Shares of that threshold (`recent`) say how near a
    truce is to it; its size says how easily one bad day takes it there.

    Parameters
    ----------
    panel, events, truces
        See :mod:`forecast.features`; events and truces are not used.

    Returns
    -------
    war_level : deaths
        Deaths between the parties before the start, per 30 days, as the collapse rule
        counts them. Null: when the rule has no level.
    war_threshold_log : log deaths
        Natural logarithm of the threshold: deaths (or, of a rule that counts them,
        acts) in the rule's window from which a truce has collapsed. Null: when the
        rule has no threshold, or one of 0.

    References
    ----------
    Clayton & Sticher (2021), International Studies Quarterly 65(3): deaths between the
    parties as failure of a truce.
    """
    del events, truces
    asked = pl.when(pl.col("threshold") > 0).then("threshold")
    return panel.select(
        "truce_id", "origin", war_level="level", war_threshold_log=asked.log()
    )
