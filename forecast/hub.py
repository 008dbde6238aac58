"""Risk scores as a forecast hub takes them, so that they can be judged beside others.

The hubverse (https://docs.hubverse.io) has one long format for forecasts of many teams.
A truce collapses within a horizon or does not: two categories and their probabilities,
output type ``pmf``. The interval of a risk is left out. It tells how refits differ, and
a quantile in a hub is one of what is forecast.
"""

from datetime import date

import dataframely as dy
import polars as pl

from forecast.schema import CATEGORIES, Hub, RiskScores

#: who forecasts, in the name of a file
TEAM = "forecast"
#: letters that the name of a model may have
LONGEST = 16


def model_output(scores: dy.DataFrame[RiskScores]) -> dy.DataFrame[Hub]:
    """Lay risk scores out as model output: two rows a truce and horizon.

    Parameters
    ----------
    scores : dy.DataFrame[RiskScores]
        Of one model.

    Returns
    -------
    dy.DataFrame[Hub]
        Sorted by key. The target names the rule: collapses by two rules are two
        questions, and no hub should pool their answers.

    Examples
    --------
    >>> model_output(RiskScores.create_empty()).columns
    ['origin_date', 'target', 'horizon', 'location', 'output_type', 'output_type_id',
     'value']
    """
    collapse, none = CATEGORIES
    answers = (
        scores.select(
            origin_date="as_of",
            target=pl.format("collapse_{}", "label"),
            horizon="horizon_days",
            location="truce_id",
            output_type=pl.lit("pmf"),
            output_type_id=pl.lit(category),
            value=value,
        )
        for category, value in (
            (collapse, pl.col("risk")),
            (none, 1 - pl.col("risk")),
        )
    )
    long = Hub.cast(pl.concat(answers))
    return Hub.validate(long.sort(Hub.primary_key()))


def file_name(as_of: date, model: str) -> str:
    """Name that a hub expects of a file: day, team and model.

    Parameters
    ----------
    as_of : date
        Morning of the forecasts.
    model : str
        Whose they are. What is no letter and no digit becomes an underscore, for a
        hyphen divides the parts, and longer names are cut.

    Returns
    -------
    str

    Examples
    --------
    >>> file_name(date(2016, 4, 7), "core-2")
    '2016-04-07-forecast-core_2.csv'
    """
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in model)
    return f"{as_of}-{TEAM}-{kept[:LONGEST]}.csv"
