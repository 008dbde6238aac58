"""ACLED: political violence and protest, a data set that rewrites its own past.

Source: Raleigh, Linke, Hegre & Karlsen 2010, Journal of Peace Research 47(5):651-660,
and the codebook of ACLED. Its terms allow no redistribution: bring your own files.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl

from forecast.cells import (
    Cell,
    choice,
    coverage,
    identifier,
    parse,
    real,
    text,
    unique,
    usable,
    whole,
)
from forecast.kinds import coded
from forecast.raw import Raw, read
from forecast.rawjson import is_json, read_json
from forecast.schema import (
    DEATHS_MAX,
    FIRST,
    LAST,
    Events,
    LeftOut,
    Loaded,
    Rejected,
    Unmapped,
)

#: 1 the day itself, 2 some day of a week, 3 some day of a month
PRECISION = {"1": "day", "2": "week", "3": "month"}
#: no party can be told from it, but a number beyond it tells of shifted columns
ACTOR_TYPES = r"^[0-8]$|^\D+$"
LAST_SECOND = 4_102_444_800
REQUIRED = (
    "event_id_cnty",
    "event_date",
    "event_type",
    "sub_event_type",
    "actor1",
    "country",
    "fatalities",
)
OPTIONAL = (
    "time_precision",
    "inter1",
    "actor2",
    "inter2",
    "latitude",
    "longitude",
    "notes",
    "timestamp",
)
DELETED = ("event_id_cnty", "deleted_timestamp")


def _date(column: str) -> Cell:
    """2020-01-31, as the interface writes it, or 31 January 2020, as exports do."""
    cell = text(column).value
    day = pl.coalesce(
        pl.when(cell.str.contains(r"^\d{4}-\d\d-\d\d$")).then(
            cell.str.to_date("%Y-%m-%d", strict=False)
        ),
        pl.when(cell.str.contains(r"^\d\d?[ -][A-Za-z]{3,9}[ -]\d{4}$")).then(
            cell.str.replace_all("-", " ").str.to_date("%d %B %Y", strict=False)
        ),
    )
    # not the very last day: what happens on a day is known on the next
    value = pl.when(day.is_between(FIRST, LAST, closed="left")).then(day)
    expected = "expected a calendar day, 2020-01-31 or 31 January 2020"
    return Cell(column, value, value.is_null(), expected)


def _actor_type(column: str) -> Cell:
    cell = identifier(column).value
    expected = "expected a number from 0 to 8, or words"
    return Cell(column, cell, ~cell.str.contains(ACTOR_TYPES), expected)


CELLS = {
    "event_id": identifier("event_id_cnty", required=True),
    "date": _date("event_date"),
    "date_precision": choice("time_precision", PRECISION),
    "root": text("event_type", required=True),
    "code": text("sub_event_type"),
    "actor_a": text("actor1", required=True),
    "inter_a": _actor_type("inter1"),
    "actor_b": text("actor2"),
    "inter_b": _actor_type("inter2"),
    "country": text("country", required=True),
    "latitude": real("latitude", -90, 90),
    "longitude": real("longitude", -180, 180),
    "deaths": whole("fatalities", 0, DEATHS_MAX, required=True),
    "note": text("notes"),
    "timestamp": whole("timestamp", 0, LAST_SECOND),
}
RULES = (unique("event_id_cnty", pl.struct("event_id", "timestamp")),)
DELETED_CELLS = {
    "event_id": identifier("event_id_cnty", required=True),
    "timestamp": whole("deleted_timestamp", 0, LAST_SECOND, required=True),
}


def acled(
    path: str | Path | Sequence[str | Path],
    deletions: str | Path | None = None,
    revisions: bool = True,
    covered_through: date | str | None = None,
) -> Loaded[Events]:
    """Load ACLED events from exports (CSV) or answers of its interface (JSON).

    ACLED overwrites and deletes events without a trace; ``timestamp`` is when a row
    was last written. A version is known from the morning after that day, and after
    the event's own; where files hold several versions of an event, each is known
    until the next one is, and the last until the event was deleted.

    Parameters
    ----------
    path : path or sequence of paths
        One pull or several, plain or gzip: the columns of today, or those from before
        March 2023 (with ``data_id``, ``event_id_no_cnty`` and ``iso3``, which are not
        needed).
    deletions : path, optional
        ACLED's list of deleted events, with ``event_id_cnty`` and
        ``deleted_timestamp``.
    revisions : bool
        Whether ``timestamp`` says when a row was known. One pull holds the last
        version only, written perhaps years after the event: honest, but a backtest
        then sees little. False takes the last version as known on the morning after
        the event, which lets later knowledge in, and leaves deleted events out.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.

    Returns
    -------
    Loaded[Events]
        Sorted by ``event_id`` and ``known_from``. ``code`` is the sub-event type; one
        that the table does not know counts as its event type, see ``unmapped``.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read, lacks a column, or no row can be used.

    Notes
    -----
    The order of ``actor1`` and ``actor2`` says nothing about who attacked whom.
    "Strategic developments" (agreements, arrests, transfers of territory) are kept,
    but ACLED does not code them systematically: their counts are no rates. Deaths
    are what the sources say, without bounds. There are no ids of conflicts or dyads.
    ``inter1`` and ``inter2``, numbers or words, are checked and not kept; the place's
    precision (``geo_precision``) is not read.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    tables = [_read(p, REQUIRED, OPTIONAL) for p in paths]
    parsed = [parse(table, CELLS, RULES) for table in tables]
    rows = pl.concat([frame for frame, _ in parsed])
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    usable(", ".join(t.file for t in tables), rows, rejected)
    gone = pl.DataFrame(schema={"event_id": pl.String, "timestamp": pl.Int64})
    if deletions is not None:
        tables.append(_read(deletions, DELETED, ()))
        gone, bad = parse(tables[-1], DELETED_CELLS)
        rejected = Rejected.validate(pl.concat([rejected, bad]))
    once = rows.unique(["event_id", "timestamp"], keep="first", maintain_order=True)
    versions = _versions(once, gone, revisions)
    events, unmapped = coded(versions, "acled")
    never = "version replaced or deleted" + (
        " before the morning it would have been known" if revisions else " later"
    )
    return Loaded(
        frame=Events.validate(_as_events(events), cast=True),
        rejected=rejected,
        left_out=_left_out(
            {
                "version also in another file": rows.height - once.height,
                never: once.height - versions.height,
                "row of the list of deletions": gone.height,
            }
        ),
        read=sum(t.read for t in tables),
        accepted=versions.height,
        covered_through=coverage(covered_through, rows),
        files={t.file: t.sha256 for t in tables},
        unmapped=Unmapped.validate(
            unmapped.with_columns(source=pl.lit("acled")), cast=True
        ),
    )


def _read(path: str | Path, required: Sequence[str], optional: Sequence[str]) -> Raw:
    return (read_json if is_json(path) else read)(path, required, optional)


def _left_out(counts: dict[str, int]) -> dy.DataFrame[LeftOut]:
    told = [("acled", reason, n) for reason, n in counts.items() if n]
    return LeftOut.validate(
        pl.DataFrame(told, schema=LeftOut.create_empty().schema, orient="row")
    )


def _versions(rows: pl.DataFrame, gone: pl.DataFrame, revisions: bool) -> pl.DataFrame:
    """When each version was known; those that never were are dropped."""
    written = pl.from_epoch("timestamp").dt.date()
    history = pl.concat(
        [rows, gone.with_columns(deleted=True)], how="diagonal"
    ).with_columns(
        pl.col("deleted").fill_null(False),
        known_from=pl.max_horizontal("date", written if revisions else "date")
        .fill_null(written)
        .dt.offset_by("1d"),
        known_until=pl.lit(None, pl.Date),
    )
    # most events have one version only: no need to look for the next
    several = pl.col("event_id").is_duplicated()
    # the first morning on which any later version is known
    following = pl.col("known_from").reverse().cum_min().reverse().shift(-1)
    replaced = (
        history.filter(several)
        .sort("event_id", "timestamp", "deleted", nulls_last=False)
        .with_columns(known_until=following.over("event_id"))
    )
    until, since = pl.col("known_until"), pl.col("known_from")
    used = until.is_null() | ((until > since) & revisions)
    kept = pl.concat([history.filter(~several), replaced.filter(used)])
    return kept.filter(~pl.col("deleted")).drop("deleted")


def _as_events(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.with_columns(
            date_end=pl.lit(None, pl.Date),
            date_precision=pl.col("date_precision").fill_null("day"),
            system=pl.lit("acled"),
            conflict_id=pl.lit(None, pl.String),
            dyad_id=pl.lit(None, pl.String),
            deaths_low=pl.lit(None, pl.Int64),
            deaths_high=pl.lit(None, pl.Int64),
            due=pl.lit(None, pl.Date),
            source=pl.lit("acled"),
        )
        .select(Events.column_names())
        .sort("event_id", "known_from")
    )
