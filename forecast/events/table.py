"""Events already in the columns of the project: a CSV or Parquet made by hand."""

from datetime import date
from pathlib import Path

import polars as pl

from forecast.cells import (
    TRUE_FALSE,
    Cell,
    choice,
    coverage,
    day,
    identifier,
    parse,
    real,
    text,
    unique,
    usable,
    whole,
)
from forecast.kinds import HOSTILE, KINDS, SYSTEMS
from forecast.lines import lines as trace
from forecast.raw import read
from forecast.schema import DEATHS_MAX, LAST_DAY, PRECISIONS, Events, Lines, Loaded

CELLS = {
    "event_id": identifier("event_id", required=True),
    "known_from": day("known_from"),
    "known_until": day("known_until"),
    "date": day("date", required=True),
    "date_end": day("date_end"),
    "date_precision": choice("date_precision", PRECISIONS),
    "kind": choice("kind", KINDS, required=True),
    "code": identifier("code"),
    "system": choice("system", SYSTEMS),
    "hostile": choice("hostile", TRUE_FALSE),
    "conflict_id": identifier("conflict_id"),
    "dyad_id": identifier("dyad_id"),
    "actor_a": text("actor_a"),
    "actor_b": text("actor_b"),
    "country": text("country"),
    "deaths": whole("deaths", 0, DEATHS_MAX),
    "deaths_low": whole("deaths_low", 0, DEATHS_MAX),
    "deaths_high": whole("deaths_high", 0, DEATHS_MAX),
    "due": day("due"),
    "latitude": real("latitude", -90, 90),
    "longitude": real("longitude", -180, 180),
    "source": text("source"),
    "note": text("note"),
}
KNOWN_FROM = pl.coalesce("known_from", LAST_DAY.dt.offset_by("1d"))
REQUIRED = ("event_id", "date", "kind")
OPTIONAL = tuple(name for name in CELLS if name not in REQUIRED)
RULES = (
    Cell(
        "date_end",
        pl.col("date_end"),
        pl.col("date_end") < pl.col("date"),
        "expected a day on or after date",
    ),
    Cell(
        "known_until",
        pl.col("known_until"),
        pl.col("known_until") <= KNOWN_FROM,
        "expected a day after known_from",
    ),
    unique("event_id", pl.struct("event_id", KNOWN_FROM)),
)


def table(
    path: str | Path,
    covered_through: date | str | None = None,
    lines: str | Path | None = None,
) -> Loaded[Events]:
    """Load events from a CSV (plain or gzip) or Parquet file in our own columns.

    Parameters
    ----------
    path : path
        A file with at least ``event_id``, ``date`` and ``kind``; any other column of
        :class:`~forecast.schema.Events` may be there. By default an event is exact to
        the day, coded by hand, hostile if its kind is, and known the day after it.
    covered_through : date, optional
        Last day the file speaks for; default: the last day of an event in it.
    lines : path, optional
        What became of each line of the source that was coded by hand, for the report:
        see :func:`forecast.lines.lines`.

    Returns
    -------
    Loaded[Events]

    Raises
    ------
    forecast.raw.InputError
        If a column is missing or unknown, no row can be used, or the trace of lines is
        faulty.
    """
    raw = read(path, REQUIRED, OPTIONAL, closed=True)
    rows, rejected = parse(raw, CELLS, RULES)
    usable(raw.file, rows, rejected)
    events = Events.validate(
        rows.with_columns(
            known_from=KNOWN_FROM,
            date_precision=pl.col("date_precision").fill_null("day"),
            system=pl.col("system").fill_null("hand"),
            hostile=pl.coalesce("hostile", pl.col("kind").is_in(HOSTILE)),
            source=pl.col("source").fill_null(Path(path).name),
        ).sort("event_id", "known_from"),
        cast=True,
    )
    return Loaded(
        frame=events,
        rejected=rejected,
        read=raw.read,
        accepted=events.height,
        covered_through=coverage(covered_through, events),
        files={raw.file: raw.sha256},
        lines=trace(lines, events) if lines else Lines.create_empty(),
    )
