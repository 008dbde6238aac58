"""ICEWS as relations: date, source, CAMEO label and target of each event.

Source: public subsets of ICEWS (Boschee et al. 2015, doi:10.7910/DVN/28075), as they
are used for temporal knowledge graphs: García-Durán, Dumančić & Niepert 2018, EMNLP.
"""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl

from forecast.cells import Cell, coverage, day, parse, text, usable
from forecast.kinds import by_label, coded
from forecast.raw import read
from forecast.schema import Events, Loaded, Rejected, Unmapped

REQUIRED = ("event_date", "source", "relation", "target")


def _words(column: str) -> Cell:
    """Some text; blanks stand as underscores in some of the files."""
    cell = text(column, required=True)
    value = cell.value.str.replace_all(r"[_\s]+", " ").str.strip_chars()
    return Cell(column, value, cell.bad | (value == ""), cell.expected)


CELLS = {
    "date": day("event_date", required=True),
    "actor_a": _words("source"),
    "label": _words("relation"),
    "actor_b": _words("target"),
}


def icews_relations(
    path: str | Path | Sequence[str | Path], covered_through: date | str | None = None
) -> Loaded[Events]:
    """Load ICEWS events of which only day, actors and label are given.

    The code is that of the label, in the spelling of ICEWS or of the CAMEO codebook,
    with blanks or underscores; a label that neither knows stands as the code itself,
    is of kind other, and is counted in ``unmapped``. An event can be used from the
    morning after its day. Place and deaths are not known.

    Parameters
    ----------
    path : path or sequence of paths
        CSV with ``event_date``, ``source``, ``relation`` and ``target``, plain or
        gzip. Rows of several files are taken as one file.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.

    Returns
    -------
    Loaded[Events]
        Events sorted by ``event_id``.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read or lacks a column, or no row can be used.

    Notes
    -----
    The rows have no ids. ``event_id`` is made of the day, a digest of the row, and a
    number among equal rows: it stays the same when rows are added or stand in another
    order. Equal rows are several reports that ICEWS coded alike; all are kept.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    tables = [read(p, REQUIRED) for p in paths]
    parsed = [parse(table, CELLS) for table in tables]
    rows = pl.concat([frame for frame, _ in parsed])
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    usable(", ".join(t.file for t in tables), rows, rejected)
    rows, unmapped = coded(
        rows.with_columns(code=by_label(rows["label"], "cameo")), "cameo"
    )
    return Loaded(
        frame=Events.validate(_as_events(_numbered(rows)), cast=True),
        rejected=rejected,
        read=sum(t.read for t in tables),
        accepted=rows.height,
        covered_through=coverage(covered_through, rows),
        files={t.file: t.sha256 for t in tables},
        unmapped=Unmapped.validate(
            unmapped.select(pl.lit("icews_relations").alias("source"), pl.all()),
            cast=True,
        ),
    )


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with ids that depend on nothing but what stands in them."""
    content = zip(rows["actor_a"], rows["label"], rows["actor_b"], strict=True)
    digests = [sha256("\t".join(c).encode()).hexdigest()[:16] for c in content]
    rows = rows.with_columns(digest=pl.Series(digests, dtype=pl.String))
    number = pl.int_range(1, pl.len() + 1).over("date", "digest")
    return rows.with_columns(event_id=pl.format("{}-{}-{}", "date", "digest", number))


def _as_events(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.with_columns(
        known_from=pl.col("date").dt.offset_by("1d"),
        date_precision=pl.lit("day"),
        system=pl.lit("cameo"),
        source=pl.lit("icews_relations"),
        note=pl.col("label"),
    )
    absent = [name for name in Events.column_names() if name not in rows.columns]
    return (
        rows.with_columns(pl.lit(None).alias(name) for name in absent)
        .select(Events.column_names())
        .sort("event_id")
    )
