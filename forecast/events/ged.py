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
from forecast.schema import DEATHS_MAX, LAST_DAY, Events, LeftOut, Loaded, Rejected
from forecast.vintages import versions

REQUIRED = ("id", "type_of_violence", "side_a", "side_b", "country", "date_start")
DEATHS = ("best", "low", "high")
OPTIONAL = (
    "conflict_new_id",
    "dyad_new_id",
    "date_end",
    "date_prec",
    "where_prec",
    "event_clarity",
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
    "where_prec": whole("where_prec", 1, 7),
    "event_clarity": whole("event_clarity", 1, 2),
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
    path: str | Path | Sequence[str | Path],
    covered_through: date | str | None = None,
    released: Sequence[date | str] | None = None,
    max_where_prec: int | None = None,
    clear_only: bool = False,
    countries: Sequence[str] | None = None,
) -> Loaded[Events]:
    """Load UCDP GED events: annual, candidate and consolidated (``.9``) releases.

    All layouts are read: with or without ``date_end``, ``date_prec``, ``where_prec``
    and ``event_clarity``, dates with or without a time, plain or gzip, with or without
    the second line of hashtags. The codes give no weapon, so that state-based and
    non-state events are clashes and one-sided violence is abuse; a row of any other
    type of violence is refused. An event can be used from the morning after its last
    day, or from the release that brought it.

    Parameters
    ----------
    path : path or sequence of paths
        One file, or several files. Without ``released`` none may repeat an event of
        another.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.
    released : sequence of date, optional
        Day on which each file came out, in the order of the paths: they are then
        vintages of one truth, and an event that they tell differently has versions.
    max_where_prec : int, optional
        Leave out places less precise than this (1 exact to 7 international waters).
    clear_only : bool
        Leave out summary events (``event_clarity`` 2).
    countries : sequence of str, optional
        Leave out events elsewhere; names as the files write them.

    Returns
    -------
    Loaded[Events]
        Events sorted by key; ``deaths`` is UCDP's best estimate.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read or lacks a column, two files hold one event, or none
        lies in a country that is named.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if not paths:
        raise InputError("ged: no file; expected path=FILE or path=[FILE,FILE]")
    tables = [
        read(p, [*REQUIRED, *DEATHS], OPTIONAL, skip={"date_start": "#"}) for p in paths
    ]
    parsed = [parse(table, CELLS, RULES) for table in tables]
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    names = ", ".join(t.file for t in tables)
    usable(names, pl.concat([frame for frame, _ in parsed]), rejected)
    frames = [frame for frame, _ in parsed]
    kept, left_out = _within(frames, max_where_prec, clear_only, countries)
    events, same = _together([_as_events(frame) for frame in kept], released, names)
    left_out["as in an earlier release"] = same
    return Loaded(
        frame=Events.validate(events.sort("event_id", "known_from"), cast=True),
        rejected=rejected,
        left_out=LeftOut.validate(
            pl.DataFrame(
                [("ged", reason, n) for reason, n in left_out.items() if n],
                schema=LeftOut.create_empty().schema,
                orient="row",
            )
        ),
        read=sum(t.read for t in tables),
        accepted=events.height,
        covered_through=coverage(covered_through, pl.concat(f for f, _ in parsed)),
        files={t.file: t.sha256 for t in tables},
    )


def _within(
    frames: Sequence[pl.DataFrame],
    max_where_prec: int | None,
    clear_only: bool,
    countries: Sequence[str] | None,
) -> tuple[list[pl.DataFrame], dict[str, int]]:
    """Leave out what is asked to be; a row that does not say is kept."""
    rules = {}
    if max_where_prec is not None:
        reason = f"place less precise than where_prec {max_where_prec}"
        rules[reason] = pl.col("where_prec") <= max_where_prec
    if clear_only:
        rules["summary event (event_clarity 2)"] = pl.col("event_clarity") == 1
    if countries is not None:
        _there(frames, countries)
        rules["in none of the countries asked for"] = pl.col("country").is_in(countries)
    counts = {}
    for reason, rule in rules.items():
        kept = [frame.filter(rule.fill_null(True)) for frame in frames]
        counts[reason] = sum(f.height for f in frames) - sum(k.height for k in kept)
        frames = kept
    return list(frames), counts


def _there(frames: Sequence[pl.DataFrame], countries: Sequence[str]) -> None:
    """Refuse a country that no event lies in: its name is written otherwise."""
    known = pl.concat([frame["country"] for frame in frames]).unique()
    for name in countries:
        if name not in known:
            raise InputError(
                f"ged: no event in the country {name!r}; expected a name as the files "
                f"write it: {', '.join(known.drop_nulls().sort())}"
            )


def _together(
    frames: Sequence[pl.DataFrame],
    released: Sequence[date | str] | None,
    names: str,
) -> tuple[pl.DataFrame, int]:
    if released is not None:
        if len(released) != len(frames):
            raise InputError(
                f"ged: {len(released)} days in released, {len(frames)} files; "
                "expected a day for each file"
            )
        days = [
            coverage(day, frame) for day, frame in zip(released, frames, strict=True)
        ]
        return versions(list(zip(days, frames, strict=True)))
    events = pl.concat(frames)
    twice = events.filter(pl.col("event_id").is_duplicated())
    if twice.height:
        raise InputError(
            f"{names}: id {twice['event_id'][0]!r} stands in two of these files; "
            "expected files of which none repeats an event of another, or released=[] "
            "with the day of each if they are vintages"
        )
    return events, 0


def _as_events(parsed: pl.DataFrame) -> pl.DataFrame:
    kinds = codes("ucdp")
    code = pl.col("code")
    return (
        parsed.with_columns(
            known_from=LAST_DAY.dt.offset_by("1d"),
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
