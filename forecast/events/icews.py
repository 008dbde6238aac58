"""ICEWS: events coded by machine from the news, in CAMEO, as tab-separated files.

Source: Boschee et al. 2015, "ICEWS Coded Event Data", Harvard Dataverse,
doi:10.7910/DVN/28075; CAMEO: Schrodt 2012, codebook 1.1b3.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl

from forecast.cells import (
    Cell,
    coverage,
    day,
    identifier,
    parse,
    real,
    text,
    unique,
    usable,
)
from forecast.kinds import by_label, coded
from forecast.raw import read
from forecast.schema import Events, LeftOut, Loaded, Rejected, Unmapped

REQUIRED = ("Event ID", "Event Date", "Source Name", "CAMEO Code", "Target Name")
OPTIONAL = (
    "Event Text",
    "Intensity",
    "Source Country",
    "Target Country",
    "Country",
    "Latitude",
    "Longitude",
)


def _or_na(cell: Cell) -> Cell:
    """A cell in which NA, as R writes it, is nothing."""
    none = pl.col(cell.column).str.strip_chars() == "NA"
    value = pl.when(~none.fill_null(False)).then(cell.value)
    return Cell(cell.column, value, cell.bad & ~none, cell.expected)


CELLS = {
    "event_id": identifier("Event ID", required=True),
    "date": day("Event Date", required=True),
    "code": text("CAMEO Code", required=True),
    "label": text("Event Text"),
    "actor_a": text("Source Name", required=True),
    "actor_b": text("Target Name", required=True),
    "country_a": _or_na(text("Source Country")),
    "country_b": _or_na(text("Target Country")),
    "intensity": _or_na(real("Intensity", -10, 10)),
    "country": _or_na(text("Country")),
    "latitude": _or_na(real("Latitude", -90, 90)),
    "longitude": _or_na(real("Longitude", -180, 180)),
}
#: the label tells 010 "Make statement" that lost its zero from 10 "Demand"
_BY_LABEL = pl.col("label").map_batches(
    lambda labels: by_label(labels, "cameo"), return_dtype=pl.String
)
RULES = (
    unique("Event ID", pl.col("event_id")),
    Cell(
        "CAMEO Code",
        pl.col("code"),
        (pl.col("code") != _BY_LABEL)
        & (pl.col("code") == _BY_LABEL.str.strip_chars_start("0")),
        "expected a code as text: its label has one with a leading zero",
    ),
)


def icews(
    path: str | Path | Sequence[str | Path], covered_through: date | str | None = None
) -> Loaded[Events]:
    """Load ICEWS events from its tab-separated files of 20 columns, plain or gzip.

    An event can be used from the morning after its day; the files say nothing about
    when it was coded. Names stand as ICEWS writes them; ``country`` is that of the
    place. The countries of source and target, and the intensity, go to ``note``.

    Parameters
    ----------
    path : path or sequence of paths
        One file or several; of an event in two of them the first stays.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.

    Returns
    -------
    Loaded[Events]
        Events sorted by ``event_id``; ids of conflicts and dyads are null, deaths are
        not known.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read or lacks a column, or no row can be used.

    Notes
    -----
    The files do not quote, so that a quotation mark is a letter like any other. What
    two actors do together (consult, sign, negotiate) stands there twice, once in each
    direction: counts of such kinds are counts of rows.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    tables = [read(p, REQUIRED, OPTIONAL, separator="\t", quote=None) for p in paths]
    parsed = [parse(table, CELLS, RULES) for table in tables]
    found = pl.concat([frame for frame, _ in parsed])
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    usable(", ".join(t.file for t in tables), found, rejected)
    once = found.unique("event_id", keep="first", maintain_order=True)
    rows, unmapped = coded(once, "cameo")
    return Loaded(
        frame=Events.validate(_as_events(rows), cast=True),
        rejected=rejected,
        left_out=_left_out(found.height - once.height),
        read=sum(t.read for t in tables),
        accepted=rows.height,
        covered_through=coverage(covered_through, rows),
        files={t.file: t.sha256 for t in tables},
        unmapped=Unmapped.validate(
            unmapped.select(pl.lit("icews").alias("source"), pl.all()), cast=True
        ),
    )


def _left_out(n: int) -> dy.DataFrame[LeftOut]:
    told = [("icews", "event also in another file", n)] if n else []
    schema = LeftOut.create_empty().schema
    return LeftOut.validate(pl.DataFrame(told, schema=schema, orient="row"))


def _as_events(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.with_columns(
        known_from=pl.col("date").dt.offset_by("1d"),
        date_precision=pl.lit("day"),
        system=pl.lit("cameo"),
        source=pl.lit("icews"),
        note=pl.concat_str(
            pl.format("source of {}", "country_a"),
            pl.format("target of {}", "country_b"),
            pl.format("intensity {}", "intensity"),
            separator=", ",
            ignore_nulls=True,
        ).replace("", None),
    )
    absent = [name for name in Events.column_names() if name not in rows.columns]
    return (
        rows.with_columns(pl.lit(None).alias(name) for name in absent)
        .select(Events.column_names())
        .sort("event_id")
    )
