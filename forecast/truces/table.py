"""Truces already in the columns of the project: a CSV or Parquet made by hand."""

from pathlib import Path

import polars as pl

from forecast.cells import (
    TRUE_FALSE,
    Cell,
    choice,
    day,
    identifier,
    parse,
    text,
    unique,
    usable,
    whole,
    words,
)
from forecast.raw import read
from forecast.schema import CLASSES, END_REASONS, PRECISIONS, SIDES, Loaded, Truces

CELLS = {
    "truce_id": identifier("truce_id", required=True),
    "agreement_id": identifier("agreement_id"),
    "name": text("name"),
    "conflict_id": identifier("conflict_id"),
    "dyad_id": identifier("dyad_id"),
    "country": text("country"),
    "start": day("start", required=True),
    "start_precision": choice("start_precision", PRECISIONS),
    "end": day("end"),
    "end_precision": choice("end_precision", PRECISIONS),
    "end_reason": choice("end_reason", END_REASONS),
    "parties": words("parties"),
    "excluded": words("excluded"),
    "side": choice("side", SIDES),
    "class": choice("class", CLASSES),
    "written": choice("written", TRUE_FALSE),
    "mediated": choice("mediated", TRUE_FALSE),
    "enforcement": choice("enforcement", TRUE_FALSE),
    "partial": choice("partial", TRUE_FALSE),
    "term_days": whole("term_days", 0, 36_500),
    "purposes": words("purposes"),
    "source": text("source"),
}
REQUIRED = ("truce_id", "start")
OPTIONAL = tuple(name for name in CELLS if name not in REQUIRED)
RULES = (
    unique("truce_id"),
    Cell(
        "end",
        pl.col("end"),
        (pl.col("end") < pl.col("start"))
        & (pl.col("end_precision").fill_null("day") == "day")
        & (pl.col("start_precision").fill_null("day") == "day"),
        "expected an exact end on or after the start",
    ),
)


def table(path: str | Path) -> Loaded[Truces]:
    """Load truces from a CSV (plain or gzip) or Parquet file in our own columns.

    Parameters
    ----------
    path : path
        A file with at least ``truce_id`` and ``start``; any other column of
        :class:`~forecast.schema.Truces` may be there, lists with ``;`` between their
        words. By default dates are exact, and a truce without an end is ongoing, one
        with an end and no reason unclear.

    Returns
    -------
    Loaded[Truces]

    Raises
    ------
    forecast.raw.InputError
        If a column is missing or unknown, or no row can be used.
    """
    raw = read(path, REQUIRED, OPTIONAL, closed=True)
    rows, rejected = parse(raw, CELLS, RULES)
    usable(raw.file, rows, rejected)
    ended = pl.col("end").is_not_null()
    truces = Truces.validate(
        rows.with_columns(
            name=pl.coalesce("name", "truce_id"),
            start_precision=pl.col("start_precision").fill_null("day"),
            end_precision=pl.when(ended).then(pl.col("end_precision").fill_null("day")),
            end_reason=pl.col("end_reason").fill_null(
                pl.when(ended).then(pl.lit("unclear")).otherwise(pl.lit("ongoing"))
            ),
            source=pl.col("source").fill_null(Path(path).name),
        ).sort("truce_id"),
        cast=True,
    )
    return Loaded(
        frame=truces,
        rejected=rejected,
        read=raw.read,
        accepted=truces.height,
        files={raw.file: raw.sha256},
    )
