"""UCDP Georeferenced Event Dataset: fatal events of organised violence.

Source: Sundberg & Melander 2013, Journal of Peace Research 50(4):523-532, and the
codebooks that come with the files (CC BY 4.0).
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from forecast.cells import (
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
from forecast.kinds import codes
from forecast.raw import InputError, read
from forecast.schema import DEATHS_MAX, Events, Loaded, Rejected

REQUIRED = ("id", "type_of_violence", "side_a", "side_b", "country", "date_start")
DEATHS = ("best", "low", "high")
OPTIONAL = (
    "conflict_new_id",
    "dyad_new_id",
    "date_end",
    "date_prec",
    "latitude",
    "longitude",
)
#: codebook: 1 exact day, 2 within two to six days, 3 week, 4 month, 5 longer
PRECISION = {"1": "day", "2": "week", "3": "week", "4": "month", "5": "summary"}


CELLS = {
    "event_id": identifier("id", required=True),
    "code": choice("type_of_violence", codes("ucdp")["code"].to_list(), required=True),
    "date": day("date_start", required=True),
    "date_end": day("date_end"),
    "date_precision": choice("date_prec", PRECISION),
    "conflict_id": identifier("conflict_new_id"),
    "dyad_id": identifier("dyad_new_id"),
    "actor_a": text("side_a", required=True),
    "actor_b": text("side_b", required=True),
    "country": text("country", required=True),
    "deaths": whole("best", 0, DEATHS_MAX, required=True),
    "deaths_low": whole("low", 0, DEATHS_MAX, required=True),
    "deaths_high": whole("high", 0, DEATHS_MAX, required=True),
    "latitude": real("latitude", -90, 90),
    "longitude": real("longitude", -180, 180),
}
RULES = (
    unique("id", pl.col("event_id")),
    Cell(
        "date_end",
        pl.col("date_end"),
        pl.col("date_end") < pl.col("date"),
        "expected a day on or after date_start",
    ),
)


def ged(
    path: str | Path | Sequence[str | Path], covered_through: date | str | None = None
) -> Loaded[Events]:
    """Load UCDP GED events, from the global file or from country files.

    Both layouts are read: with or without ``date_end`` and ``date_prec``, dates with
    or without a time, plain or gzip, with or without the second line of hashtags.
    The codes give no weapon, so that state-based and non-state events are clashes and
    one-sided violence is abuse. An event can be used from the morning after its last
    day; files of one vintage say nothing about when it was coded.

    Parameters
    ----------
    path : path or sequence of paths
        One file, or several files of which none repeats an event of another.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.

    Returns
    -------
    Loaded[Events]
        Events sorted by ``event_id``; ``deaths`` is UCDP's best estimate.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read or lacks a column, or two files hold one event.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if not paths:
        raise InputError("ged: no file; expected path=FILE or path=[FILE,FILE]")
    tables = [
        read(p, [*REQUIRED, *DEATHS], OPTIONAL, skip={"date_start": "#"}) for p in paths
    ]
    parsed = [parse(table, CELLS, RULES) for table in tables]
    events = _as_events(pl.concat([frame for frame, _ in parsed]))
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    names = ", ".join(t.file for t in tables)
    usable(names, events, rejected)
    twice = events.filter(pl.col("event_id").is_duplicated())
    if twice.height:
        raise InputError(
            f"{names}: id {twice['event_id'][0]!r} stands in two of these files; "
            "expected files of which none repeats an event of another"
        )
    return Loaded(
        frame=Events.validate(events, cast=True),
        rejected=rejected,
        read=sum(t.read for t in tables),
        accepted=events.height,
        covered_through=coverage(covered_through, events),
        files={t.file: t.sha256 for t in tables},
    )


def _as_events(parsed: pl.DataFrame) -> pl.DataFrame:
    kinds = codes("ucdp")
    code = pl.col("code")
    last = pl.coalesce("date_end", "date")
    return (
        parsed.with_columns(
            known_from=last.dt.offset_by("1d"),
            known_until=pl.lit(None, pl.Date),
            # one-day events need no second date
            date_end=pl.when(pl.col("date_end") > pl.col("date")).then("date_end"),
            date_precision=pl.col("date_precision").fill_null("day"),
            kind=code.replace_strict(kinds["code"], kinds["kind"]),
            hostile=code.replace_strict(kinds["code"], kinds["hostile"]),
            system=pl.lit("ucdp"),
            due=pl.lit(None, pl.Date),
            source=pl.lit("ucdp_ged"),
            note=pl.lit(None, pl.String),
        )
        .select(Events.column_names())
        .sort("event_id")
    )
