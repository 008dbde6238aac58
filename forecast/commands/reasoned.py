"""Reasons of risk scores, where they are asked for and can be told."""

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.publish import Published
from forecast.risk import why
from forecast.schema import Panel, Reasons


def find(
    config: DictConfig,
    model: Published,
    in_force: dy.DataFrame[Panel],
    features: pl.DataFrame,
) -> tuple[dy.DataFrame[Reasons], list[str]]:
    """Tell why each truce has the risk that it has.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast run`` or ``score``; ``reasons`` says whether they are asked for.
    model : Published
        The model.
    in_force : dy.DataFrame[Panel]
        One origin a truce.
    features : pl.DataFrame
        Keyed features of these origins.

    Returns
    -------
    reasons : dy.DataFrame[Reasons]
        Empty where they are not asked for, or cannot be told.
    notes : list of str
        Why they cannot: a risk is worth having without its reasons.
    """
    # runs of earlier versions have no such key
    if not config.get("reasons", True) or not in_force.height:
        return Reasons.create_empty(), []
    try:
        return why(model, in_force, features), []
    # a model of any make may fail in any way; its risks are told all the same
    except Exception as error:
        return Reasons.create_empty(), [
            f"no reasons: {str(error) or type(error).__name__}"
        ]
