"""Findings about data as tables of words: the same for a terminal and for a page."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from forecast.report.quality_effort import countries
from forecast.report.quality_words import (
    Block,
    Parts,
    counts,
    figure,
    listed,
    mix,
    parts,
    summary,
    text,
)

COUNTRIES, NAMES, BRIEF = 25, 20, 3


@dataclass(frozen=True)
class Section:
    """What is said about one side of the data, and in which tables."""

    name: str
    title: str
    said: str
    blocks: tuple[Block, ...]


def sections(quality: pl.DataFrame) -> list[Section]:
    """Lay the findings out in tables.

    Parameters
    ----------
    quality : Quality
        From :func:`forecast.quality.report`.

    Returns
    -------
    list of Section
        In a fixed order; a section without findings is absent, and so is a table
        without rows.

    Examples
    --------
    >>> sections(pl.DataFrame(schema={"section": pl.String, "kind": pl.String,
    ...     "source": pl.String, "item": pl.String, "detail": pl.String,
    ...     "value": pl.Float64, "share": pl.Float64}))
    []
    """
    made = []
    for name, (title, said, lay_out) in LAYOUT.items():
        found = parts(quality, name)
        if found:
            blocks = tuple(block for block in lay_out(found) if block.rows)
            made.append(Section(name, title, said, blocks))
    return made


def _rows(found: Parts) -> list[Block]:
    items = ("read", "accepted", "left out", "refused", "records")
    rows = [
        (kind, source, *(counts(item)(part) for item in items))
        for (kind, source), part in found.items()
    ]
    lost = [
        (kind, source, counts("unaccounted")(part))
        for (kind, source), part in found.items()
        if counts("unaccounted")(part) != "0"
    ]
    head = ("Kind", "Source", "Read", "Accepted", "Left out", "Refused", "Records")
    missing = "Rows that went missing in a source: a fault of the program"
    return [
        Block("What became of the rows", head, tuple(rows), 2, len(rows)),
        Block(missing, ("Kind", "Source", "Rows"), tuple(lost), 2, len(lost)),
        listed(
            found,
            "Left out by a definition",
            "left out by",
            ("Reason", "Rows"),
            brief=BRIEF,
        ),
        listed(
            found,
            "Refused as faulty",
            "refused by",
            ("Column and rule", "Rows"),
            brief=BRIEF,
        ),
    ]


def _span(found: Parts) -> list[Block]:
    days = "Longest gap, days"
    columns = {
        "First day": text("first day"),
        "Last day": text("last day"),
        "Covered through": text("covered through"),
        "Longest gap": text("longest gap"),
        days: counts("longest gap"),
        "Quiet days": counts("days without an event"),
        "Empty months": counts("months without an event"),
    }
    narrow = ("First day", "Last day", days, "Quiet days", "Empty months")
    gaps = "longest gap of a dyad"
    return [
        summary(found, "Days that the sources speak for", columns, narrow, 5),
        listed(found, "Longest gaps of a dyad, one each", gaps, ("Gap", "Days")),
    ]


def _dates(found: Parts) -> list[Block]:
    columns = {
        "Events": counts("events"),
        "Not to the day": counts("imprecise"),
        "Multi-day": counts("multi-day"),
        "Longest, days": counts("longest event"),
        "Known late": counts("known late"),
        "Median days late": counts("median delay"),
        "Revised": counts("several versions"),
        "Withdrawn": counts("withdrawn"),
    }
    narrow = ("Events", "Not to the day", "Multi-day", "Known late", "Revised")
    names = ("Precision", "Events")
    return [
        summary(found, "How exact events are, and how soon known", columns, narrow),
        listed(found, "Precision of the day", "precision", names),
    ]


def _codes(found: Parts) -> list[Block]:
    columns = {
        "Kinds": mix("kind"),
        "Systems": mix("system"),
        "Codes": counts("codes"),
        "Hostile": counts("hostile"),
        "Without a code": counts("without a code"),
        "Unmapped": counts("unmapped"),
    }
    narrow = ("Kinds", "Hostile", "Unmapped")
    return [
        summary(found, "Kinds and codes", columns, narrow, 3),
        listed(found, "Events by kind", "kind", ("Kind", "Events")),
        listed(
            found,
            "Codes without an entry of their own",
            "unmapped code",
            ("Code, and what was used instead", "Rows"),
            NAMES,
            BRIEF,
        ),
    ]


def _actors(found: Parts) -> list[Block]:
    columns = {
        "Events without a dyad": counts("without a dyad"),
        "Without an actor": counts("without an actor"),
        "Names": counts("names"),
        "Mentions": counts("mentions"),
        "Unmatched": counts("unmatched"),
        "Unmatched names": counts("unmatched names"),
    }
    narrow = ("Events without a dyad", "Names", "Mentions", "Unmatched")
    names = ("Name", "Events")
    return [
        summary(found, "Names of actors in events without a dyad", columns, narrow),
        listed(
            found, "Mentions by how they were matched", "resolved", ("How", "Mentions")
        ),
        listed(
            found,
            "Unmatched names in most events",
            "unmatched name",
            names,
            NAMES,
            BRIEF,
        ),
    ]


def _truces(found: Parts) -> list[Block]:
    around = {
        "Truces": counts("truces"),
        "Followed": counts("followed"),
        "Before and after": counts("events", "before and after"),
        "Before only": counts("events", "before only"),
        "After only": counts("events", "after only"),
        "Neither": counts("events", "neither"),
    }
    dated = {
        "Overlaps": counts("overlaps"),
        "Exact start": counts("start", "day"),
        "Exact end": counts("end", "day"),
        "To the month": counts("end", "month"),
        "To the year": counts("end", "year"),
        "No end date": counts("end", "not known"),
        "Unclear end": counts("end unclear"),
    }
    near = ("Truces", "Followed", "Before and after", "After only", "Neither")
    exact = ("Overlaps", "Exact start", "Exact end", "Unclear end")
    lists = {
        "Truces that are not covered by the events": ("not covered", "Days"),
        "The dyad's next truce starts": ("overlap", "When"),
        "Dyads with most overlaps": ("overlapping dyad", "Dyad"),
        "Recorded ends": ("end recorded", "Reason and date"),
    }
    why = ("Reason", "Truces")
    return [
        summary(
            found, "Truces, and events of their dyad around the start", around, near
        ),
        summary(found, "Overlaps, and how exact dates are", dated, exact),
        listed(found, "Not followed", "not followed", why, brief=BRIEF),
        *(
            listed(found, caption, item, (name, "Truces"))
            for caption, (item, name) in lists.items()
        ),
    ]


def _effort(found: Parts) -> list[Block]:
    head = ("Source", "Country", "Events", "Not to the day", "Deaths", "Years")
    rows = [
        (source, *row)
        for (_, source), part in found.items()
        for row in countries(part, COUNTRIES)
    ]
    caption = f"The {COUNTRIES} countries with most events"
    return [Block(caption, (*head, "Busiest year"), tuple(rows), 2, BRIEF)]


def _overlap(found: Parts) -> list[Block]:
    columns = {
        "Unit": text("unit"),
        "Days both span": text("period"),
        "In common": counts("units"),
        "Days with events": counts("days"),
        "Both": counts("both"),
        "Only the first": counts("only the first"),
        "Only the second": counts("only the second"),
        "r, events": figure("correlation of events"),
        "r, deaths": figure("correlation of deaths"),
    }
    days = ("Both", "Only the first", "Only the second")
    narrow = ("Unit", "In common", *days, "r, events", "r, deaths")
    return [summary(found, "The same units on the same days", columns, narrow, 3)]


LAYOUT: dict[str, tuple[str, str, Callable[[Parts], list[Block]]]] = {
    "rows": (
        "Rows",
        "Every row read is accepted, left out by a definition, or refused as faulty. "
        "Several rows may make one record.",
        _rows,
    ),
    "span": (
        "Span and gaps",
        "A quiet day is one that no event covers; a month is empty if none touches it. "
        "Gaps of a dyad lie between its own events.",
        _span,
    ),
    "dates": (
        "Dates",
        "An event is known late if it was first known later than the day after it "
        "ended. Sources without a revision clock know every event the day after.",
        _dates,
    ),
    "codes": (
        "Kinds and codes",
        "A code without an entry of its own is read as its root, or as other.",
        _codes,
    ),
    "actors": (
        "Actors",
        "Events that carry no dyad are told apart by names; a name counts once an "
        "event. Unmatched: it is no party of any truce that was loaded.",
        _actors,
    ),
    "truces": (
        "Truces",
        "Events of the dyad in the 90 days before the start and the 365 days after "
        "it. Without events before, nothing says that a collapse would be noticed.",
        _truces,
    ),
    "effort": (
        "Reporting effort",
        "Few events in a year can mean peace, or that nobody looked. Every country "
        "and year is in the CSV.",
        _effort,
    ),
    "overlap": (
        "Two sources side by side",
        "Days of the dyads, or countries, that both name, within the days that both "
        "span. r: correlation of daily figures where both report.",
        _overlap,
    ),
}
