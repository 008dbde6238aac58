"""Forecasts as a hub takes them: the long format of the hubverse."""

import dataframely as dy
import polars as pl

from forecast.schema.records import FIRST, LAST

#: what may come of a truce within a horizon
CATEGORIES = ("collapse", "no_collapse")
#: columns that together say what is asked
TASK = ("origin_date", "target", "horizon", "location")


class Hub(dy.Schema):
    """Model output: columns that say what is asked, and a probability of each answer.

    https://docs.hubverse.io/en/latest/user-guide/model-output.html
    """

    #: morning of the forecast
    origin_date = dy.Date(primary_key=True, min=FIRST, max=LAST)
    #: ``collapse_RULE``: what counts as a collapse is part of the question
    target = dy.String(primary_key=True, regex="^collapse_[a-z_]+$")
    #: days, the origin's own among them
    horizon = dy.Int32(primary_key=True, min=1, max=3_650)
    #: ``truce_id``
    location = dy.String(primary_key=True)
    #: a probability for each category
    output_type = dy.Enum(("pmf",), primary_key=True)
    output_type_id = dy.Enum(CATEGORIES, primary_key=True)
    value = dy.Float64(min=0, max=1)

    @dy.rule()
    def every_answer_is_there(cls) -> pl.Expr:
        """Each question has one row for each category."""
        return pl.len().over(TASK) == len(CATEGORIES)

    @dy.rule()
    def probabilities_sum_to_one(cls) -> pl.Expr:
        """Something must come of a truce."""
        return (cls.value.col.sum().over(TASK) - 1).abs() < 1e-9
