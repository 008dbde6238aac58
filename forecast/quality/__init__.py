"""What data are like before any model sees them: one table of findings.

Each section is a plain function from the frames of a source to findings ``item``,
``detail``, ``value``, ``share``; :func:`report` puts them together and
:func:`exceeded` says which limits they are past.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import dataframely as dy
import polars as pl

from forecast.quality.actors import actors
from forecast.quality.dates import dates, span
from forecast.quality.effort import effort, overlap
from forecast.quality.rows import codes, rows
from forecast.quality.table import KINDS, SECTIONS, Quality
from forecast.quality.truces import truces
from forecast.schema import Events, Loaded, Truces

__all__ = ["KINDS", "LIMITS", "SECTIONS", "Quality", "exceeded", "report"]

#: what a limit bears on: section and item, and words for the whole it is a share of
LIMITS = {
    "rejected": ("rows", "refused", "of the rows are refused"),
    "unmapped": ("codes", "unmapped", "of the rows have a code without an entry"),
    "unmatched": ("actors", "unmatched", "of the actors match no party of a truce"),
    "imprecise": ("dates", "imprecise", "of the events are not dated to the day"),
}
Section = tuple[str, str, str, pl.DataFrame]


def report(
    events: Mapping[str, Loaded[Events]],
    records: Mapping[str, Loaded[Truces]],
    following: Mapping[str, Any] | None = None,
) -> dy.DataFrame[Quality]:
    """Say what sources are like.

    Parameters
    ----------
    events, records : mapping of str to Loaded
        Sources of events and of truces by name; either may be empty.
    following : mapping, optional
        Settings of :func:`forecast.collapse.followed`.

    Returns
    -------
    dy.DataFrame[Quality]
        In the order of the sections, of the sources as given, and in each section as
        its function says. The order of rows in the sources makes no difference.

    Examples
    --------
    >>> found = report({}, {"mine": Loaded(frame=Truces.create_empty())})
    >>> found.filter(pl.col("item") == "truces").select("source", "value").row(0)
    ('mine', 0.0)
    """
    sections = [
        *_of_events(events, records),
        *_of_truces(events, records, following or {}),
        *_overlaps(events),
    ]
    order = {name: i for i, name in enumerate(SECTIONS)}
    parts = [
        found.select(
            pl.lit(section).alias("section"),
            pl.lit(kind).alias("kind"),
            pl.lit(source).alias("source"),
            pl.all(),
        )
        for section, kind, source, found in sorted(sections, key=lambda s: order[s[0]])
    ]
    empty = Quality.create_empty()
    return Quality.validate(pl.concat(parts) if parts else empty, cast=True)


def exceeded(quality: pl.DataFrame, limits: Mapping[str, float | None]) -> list[str]:
    """Name the limits that data go past, a sentence each.

    Parameters
    ----------
    quality : Quality
        From :func:`report`.
    limits : mapping of str to float or None
        Largest shares, by the names of ``LIMITS``; None is no limit.

    Returns
    -------
    list of str
        Empty where all is within bounds. A share that could not be told (actors where
        there are no truces) is past no limit.

    Examples
    --------
    >>> row = {"section": "rows", "kind": "events", "source": "ged",
    ...        "item": "refused", "detail": None, "value": 3.0, "share": 0.03}
    >>> exceeded(pl.DataFrame([row]), {"rejected": 0.01, "unmapped": None})
    ['events ged: 3.0% of the rows are refused; limits.rejected=0.01']
    """
    return [
        f"{kind} {source}: {share:.1%} {words}; limits.{name}={limit:g}"
        for name, (section, item, words) in LIMITS.items()
        if (limit := limits.get(name)) is not None
        for kind, source, share in quality.filter(
            pl.col("section") == section,
            pl.col("item") == item,
            pl.col("share") > limit,
        )
        .select(pl.col("kind").cast(pl.String), "source", "share")
        .iter_rows()
    ]


def _of_events(
    events: Mapping[str, Loaded[Events]], records: Mapping[str, Loaded[Truces]]
) -> Iterator[Section]:
    every = [pl.DataFrame(source.frame) for source in records.values()]
    known = Truces.cast(pl.concat(every)) if every else None
    for name, source in events.items():
        frame = source.frame
        yield "rows", "events", name, rows(source)
        yield "span", "events", name, span(frame, source.covered_through)
        yield "dates", "events", name, dates(frame)
        yield "codes", "events", name, codes(frame, source.unmapped, source.accepted)
        yield "actors", "events", name, actors(frame, known)
        yield "effort", "events", name, effort(frame)


def _of_truces(
    events: Mapping[str, Loaded[Events]],
    records: Mapping[str, Loaded[Truces]],
    following: Mapping[str, Any],
) -> Iterator[Section]:
    every = [pl.DataFrame(source.frame) for source in events.values()]
    together = pl.concat(every) if every else None
    days = [s.covered_through for s in events.values() if s.covered_through]
    through = max(days, default=None)
    for name, source in records.items():
        yield "rows", "truces", name, rows(source)
        found = truces(source.frame, together, through, **following)
        yield "truces", "truces", name, found


def _overlaps(events: Mapping[str, Loaded[Events]]) -> Iterator[Section]:
    for (one, first), (other, second) in combinations(events.items(), 2):
        pair = f"{one} + {other}"
        yield "overlap", "events", pair, overlap(first.frame, second.frame)
