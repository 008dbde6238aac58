"""POLECAT: events in the PLOVER ontology, coded from news by the NGEC pipeline.

Source: Halterman, Bagozzi, Beger, Schrodt & Scarborough 2023, "PLOVER and POLECAT: A
New Political Event Ontology and Dataset"; files at Harvard Dataverse, tab-separated,
one a week or year.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

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
from forecast.kinds import coded
from forecast.raw import read
from forecast.schema import Events, LeftOut, Loaded, Rejected, Unmapped

REQUIRED = (
    "Event ID",
    "Event Date",
    "Event Type",
    "Actor Name",
    "Recipient Name",
    "Country",
)
OPTIONAL = (
    "Event Mode",
    "Contexts",
    "Actor Country",
    "Recipient Country",
    "Latitude",
    "Longitude",
    "Publication Date",
)


def _told(column: str) -> Cell:
    """Text; the pipeline writes ``None`` where it found nothing."""
    cell = text(column)
    return Cell(column, cell.value.replace("None", None), cell.bad, cell.expected)


CELLS = {
    "event_id": identifier("Event ID", required=True),
    "date": day("Event Date", required=True),
    "published": day("Publication Date"),
    "type": text("Event Type", required=True),
    "mode": _told("Event Mode"),
    "contexts": _told("Contexts"),
    "actor": _told("Actor Name"),
    "actor_country": _told("Actor Country"),
    "recipient": _told("Recipient Name"),
    "recipient_country": _told("Recipient Country"),
    "country": _told("Country"),
    "latitude": real("Latitude", -90, 90),
    "longitude": real("Longitude", -180, 180),
}
RULES = (unique("Event ID", pl.col("event_id")),)


def polecat(
    path: str | Path | Sequence[str | Path], covered_through: date | str | None = None
) -> Loaded[Events]:
    """Load POLECAT events from weekly or yearly files.

    Parameters
    ----------
    path : path or sequence of paths
        One file or several, tab-separated, plain or gzip. An event that an earlier
        file of the sequence holds is left out, and counted.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.

    Returns
    -------
    Loaded[Events]
        Sorted by ``event_id``; without deaths, and without ids of conflicts or dyads.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read, lacks a column, or no row can be used.

    Notes
    -----
    Relied on: ``Event ID``, ``Event Date``, ``Event Type``, ``Actor Name``,
    ``Recipient Name`` and ``Country`` (of the place). Used where they are: ``Event
    Mode``, ``Contexts``, ``Actor Country``, ``Recipient Country``, ``Latitude``,
    ``Longitude``, ``Publication Date``. The others (``Intensity``, ``Quad Code``,
    ``Source``, ``Headline`` and so on) are not read.

    ``code`` is the type, or ``TYPE/mode`` where a mode is given (RETREAT/ceasefire,
    ASSAULT/aerial). Contexts stand in ``note``. An actor without a name goes by its
    country. An event is known on the morning after it was published, and after its
    own day; without a publication date, after its own day. Dates are found by machine
    in news text and may be off; the files give no precision.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    tables = [read(p, REQUIRED, OPTIONAL, separator="\t") for p in paths]
    parsed = [parse(table, CELLS, RULES) for table in tables]
    rows = pl.concat([frame for frame, _ in parsed])
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    usable(", ".join(t.file for t in tables), rows, rejected)
    once = rows.unique("event_id", keep="first", maintain_order=True)
    events, unmapped = coded(once.with_columns(code=_code()), "plover")
    left_out = pl.DataFrame(
        {
            "source": "polecat",
            "reason": "event also in an earlier file",
            "n": rows.height - once.height,
        }
    )
    return Loaded(
        frame=Events.validate(_as_events(events), cast=True),
        rejected=rejected,
        left_out=LeftOut.validate(left_out.filter(pl.col("n") > 0)),
        read=sum(t.read for t in tables),
        accepted=once.height,
        covered_through=coverage(covered_through, once),
        files={t.file: t.sha256 for t in tables},
        unmapped=Unmapped.validate(
            unmapped.with_columns(source=pl.lit("polecat")), cast=True
        ),
    )


def _code() -> pl.Expr:
    kind, mode = pl.col("type").str.to_uppercase(), pl.col("mode").str.to_lowercase()
    return pl.when(mode.is_null()).then(kind).otherwise(pl.format("{}/{}", kind, mode))


def _as_events(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.with_columns(
            known_from=pl.max_horizontal("date", "published").dt.offset_by("1d"),
            known_until=pl.lit(None, pl.Date),
            date_end=pl.lit(None, pl.Date),
            date_precision=pl.lit("day"),
            system=pl.lit("plover"),
            conflict_id=pl.lit(None, pl.String),
            dyad_id=pl.lit(None, pl.String),
            actor_a=pl.coalesce("actor", "actor_country"),
            actor_b=pl.coalesce("recipient", "recipient_country"),
            deaths=pl.lit(None, pl.Int64),
            deaths_low=pl.lit(None, pl.Int64),
            deaths_high=pl.lit(None, pl.Int64),
            due=pl.lit(None, pl.Date),
            source=pl.lit("polecat"),
            note=pl.format("contexts: {}", "contexts"),
        )
        .select(Events.column_names())
        .sort("event_id")
    )
