"""Truces whose features lie outside what the model has seen."""

import polars as pl

from forecast.backtest import rows
from forecast.commands.data import Data
from forecast.publish import Published
from forecast.ranges import outside as beyond

#: truces that are told of one by one, and columns of each
MOST, COLUMNS = 5, 3


def outside(
    model: Published, in_force: pl.DataFrame, features: pl.DataFrame, data: Data
) -> list[str]:
    """Say which truces a model scores by values that it has never met.

    Parameters
    ----------
    model : Published
        With the ranges of its training rows; one of before there were such has none,
        and then nothing is said.
    in_force : pl.DataFrame
        The origins that are scored.
    features : pl.DataFrame
        Of these origins, as the model sees them.
    data : Data
        For the names of truces.

    Returns
    -------
    list of str
        A line each for the truces farthest out, with the columns farthest out; how
        many more there are.
    """
    named = in_force.select("truce_id", "origin").join(
        data.truces.select("truce_id", "name"),
        on="truce_id",
        how="left",
        maintain_order="left",
    )
    found = beyond(rows(features, in_force), model.seen)
    out = [
        (name, values)
        for name, values in zip(named["name"], found, strict=True)
        if values
    ]
    out.sort(key=lambda truce: -truce[1][0].far)
    said = []
    for name, values in out[:MOST]:
        told = ", ".join(map(str, values[:COLUMNS]))
        more = f", and {len(values) - COLUMNS} more" if len(values) > COLUMNS else ""
        said.append(f"{name}: outside what {model.name} has seen: {told}{more}")
    if len(out) > MOST:
        said.append(f"{len(out) - MOST} more truces lie outside what it has seen")
    return said
