"""GDELT 2.0: events coded by machine from the world's news every 15 minutes, in CAMEO.

Source: Leetaru & Schrodt 2013, "GDELT: Global Data on Events, Location and Tone", ISA
Annual Convention; "The GDELT Event Database Data Format Codebook V2.0", 2015.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl

from forecast.cells import (
    Cell,
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
from forecast.raw import read
from forecast.schema import FIRST, LAST, Events, LeftOut, Loaded, Rejected, Unmapped

_ACTOR = (
    "Code Name CountryCode KnownGroupCode EthnicCode Religion1Code Religion2Code "
    "Type1Code Type2Code Type3Code"
)
_ACTION = (
    "IsRootEvent EventCode EventBaseCode EventRootCode QuadClass GoldsteinScale "
    "NumMentions NumSources NumArticles AvgTone"
)
_PLACE = "Type FullName CountryCode ADM1Code ADM2Code Lat Long FeatureID"
_PLACES = ("Actor1", "Actor2", "Action")
#: the 61 columns of an export, in the order of the codebook
COLUMNS = (
    *("GLOBALEVENTID", "SQLDATE", "MonthYear", "Year", "FractionDate"),
    *(f"Actor{n}{name}" for n in (1, 2) for name in _ACTOR.split()),
    *_ACTION.split(),
    *(f"{of}Geo_{name}" for of in _PLACES for name in _PLACE.split()),
    *("DATEADDED", "SOURCEURL"),
)
MENTIONS_MAX = 100_000_000


def _clock(column: str, layout: str, expected: str) -> Cell:
    """The day of a time written without anything between its digits."""
    cell = text(column).value
    length = {"%Y%m%d": 8, "%Y%m%d%H%M%S": 14}[layout]
    time = cell.str.to_datetime(layout, strict=False, time_unit="us").dt.date()
    # not the very last day: what happens on a day is known on the next
    within = time.is_between(FIRST, LAST, closed="left")
    good = cell.str.contains(rf"^\d{{{length}}}$") & within
    value = pl.when(good).then(time)
    return Cell(column, value, value.is_null(), f"expected {expected}")


CELLS = {
    "event_id": identifier("GLOBALEVENTID", required=True),
    "date": _clock("SQLDATE", "%Y%m%d", "a calendar day YYYYMMDD"),
    "added": _clock("DATEADDED", "%Y%m%d%H%M%S", "a time YYYYMMDDHHMMSS"),
    "root": text("EventRootCode", required=True),
    "code": text("EventCode", required=True),
    "goldstein": real("GoldsteinScale", -10, 10),
    "mentions": whole("NumMentions", 1, MENTIONS_MAX, required=True),
    "actor_a": text("Actor1Name"),
    "actor_b": text("Actor2Name"),
    "country_a": text("Actor1CountryCode"),
    "country_b": text("Actor2CountryCode"),
    "place": text("ActionGeo_FullName"),
    "latitude": real("ActionGeo_Lat", -90, 90),
    "longitude": real("ActionGeo_Long", -180, 180),
}
READ = tuple(cell.column for cell in CELLS.values())
RULES = (
    unique("GLOBALEVENTID", pl.col("event_id")),
    Cell(
        "EventCode",
        pl.col("code"),
        # 040 that became a number is 40, and its root 4
        (pl.col("root").str.len_chars() < 2)
        | ~pl.col("code").str.starts_with(pl.col("root")),
        "expected a code as text that begins with EventRootCode, two digits",
    ),
)


def gdelt(
    path: str | Path | Sequence[str | Path],
    min_mentions: int = 1,
    covered_through: date | str | None = None,
) -> Loaded[Events]:
    """Load GDELT 2.0 event exports: 61 tab-separated columns without a header.

    ``DATEADDED`` is the time at which GDELT first had the event: it can be used from
    the morning after that day (UTC), and after its own. News of an old event enters
    late, and counts as known only then.

    Parameters
    ----------
    path : path or sequence of paths
        Exports, unpacked or gzip; of an event in two of them the first stays.
    min_mentions : int
        Events with fewer mentions in the 15 minutes of their first report are left
        out, and counted.
    covered_through : date, optional
        Last day the files speak for; default: the last day of an event in them.

    Returns
    -------
    Loaded[Events]
        Events sorted by ``event_id``; ids of conflicts and dyads are null, deaths are
        not known. ``country`` is the last part of the place's name; the country codes
        of the actors, Goldstein's score and the mentions go to ``note``.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read or no row of it can be used.

    Notes
    -----
    One event told in different words stands there several times, and the amount of
    news grows from year to year: counts are no rates.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    tables = [read(p, READ, separator="\t", header=COLUMNS, quote=None) for p in paths]
    parsed = [parse(table, CELLS, RULES) for table in tables]
    found = pl.concat([frame for frame, _ in parsed])
    rejected = Rejected.validate(pl.concat([bad for _, bad in parsed]))
    usable(", ".join(t.file for t in tables), found, rejected)
    once = found.unique("event_id", keep="first", maintain_order=True)
    enough = once.filter(pl.col("mentions") >= min_mentions)
    rows, unmapped = coded(enough.drop("root"), "cameo")
    counts = {
        "event also in another file": found.height - once.height,
        f"fewer than {min_mentions} mentions": once.height - enough.height,
    }
    return Loaded(
        frame=Events.validate(_as_events(rows), cast=True),
        rejected=rejected,
        left_out=_left_out(counts),
        read=sum(t.read for t in tables),
        accepted=rows.height,
        covered_through=coverage(covered_through, found),
        files={t.file: t.sha256 for t in tables},
        unmapped=Unmapped.validate(
            unmapped.select(pl.lit("gdelt").alias("source"), pl.all()), cast=True
        ),
    )


def _left_out(counts: dict[str, int]) -> dy.DataFrame[LeftOut]:
    told = [("gdelt", reason, n) for reason, n in counts.items() if n]
    schema = LeftOut.create_empty().schema
    return LeftOut.validate(pl.DataFrame(told, schema=schema, orient="row"))


def _as_events(rows: pl.DataFrame) -> pl.DataFrame:
    rows = rows.with_columns(
        known_from=pl.max_horizontal("date", "added").dt.offset_by("1d"),
        date_precision=pl.lit("day"),
        system=pl.lit("cameo"),
        country=pl.col("place").str.split(",").list.last().str.strip_chars(),
        source=pl.lit("gdelt"),
        note=pl.concat_str(
            pl.format("source of {}", "country_a"),
            pl.format("target of {}", "country_b"),
            pl.format("Goldstein {}", "goldstein"),
            pl.format("mentions {}", "mentions"),
            separator=", ",
            ignore_nulls=True,
        ),
    )
    absent = [name for name in Events.column_names() if name not in rows.columns]
    return (
        rows.with_columns(pl.lit(None).alias(name) for name in absent)
        .select(Events.column_names())
        .sort("event_id")
    )
