"""Small worlds of events and truces, by hand and by Hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import dataframely as dy
import polars as pl
from hypothesis import strategies as st

from forecast.collapse import resumption
from forecast.kinds import HOSTILE, KINDS
from forecast.link import link, linked
from forecast.panel import panel as lay
from forecast.schema import Events, Panel, Predictions, Truces

Row = dict[str, Any]
#: day 0 of every small world
ZERO = date(2020, 1, 1)
DYADS = ("d1", "d2", "d3")
ACTORS = {"d1": ("Gov", "Reb"), "d2": ("Gov", "Out"), "d3": ("Mil", "Her")}
#: codes of each system, the wars of some and the talks of others
CODES = {
    "hand": (None, "assault"),
    "ucdp": ("1", "3"),
    "acled": ("Armed clash", "Air/drone strike"),
    "cameo": ("190", "195", "196", "046", "164"),
    "plover": ("ASSAULT/aerial", "ASSAULT", "CONSULT/visit", "RETREAT/ceasefire"),
}
#: a town, its neighbour, one 250 km away, one on another continent
PLACES = ((36.2, 37.1), (36.0, 37.0), (38.4, 37.4), (-4.3, 15.3))


def day(offset: int) -> date:
    """Day of a small world."""
    return ZERO + timedelta(days=offset)


def last_day(row: Row) -> date:
    """The day on which a row of events counts."""
    return row.get("date_end") or row["date"]


def events(rows: Sequence[Row]) -> dy.DataFrame[Events]:
    """Events from what matters of them; known the morning after unless it says so."""
    full = [
        {
            "event_id": f"e{i}",
            "known_from": last_day(row) + timedelta(days=1),
            "date_precision": "day",
            "kind": "clash",
            "system": "hand",
            "hostile": row.get("kind", "clash") in HOSTILE,
            "conflict_id": "c",
            "country": "Land",
            "source": "test",
            **row,
        }
        for i, row in enumerate(rows)
    ]
    return Events.cast(_frame(full, Events))


def truces(rows: Sequence[Row]) -> dy.DataFrame[Truces]:
    """Truces from what matters of them."""
    full = [
        {
            "truce_id": f"t{i}",
            "name": f"truce {i}",
            "conflict_id": "c",
            "dyad_id": "d1",
            "country": "Land",
            "start_precision": "day" if row.get("start") else None,
            "end_precision": "day" if row.get("end") else None,
            "end_reason": "ongoing",
            "parties": ["Gov", "Reb"],
            "excluded": [],
            "purposes": [],
            "source": "test",
            **row,
        }
        for i, row in enumerate(rows)
    ]
    return Truces.cast(_frame(full, Truces))


def panel(rows: Sequence[Row]) -> dy.DataFrame[Panel]:
    """Panel rows from truce, age, event and duration; each truce is its own dyad."""
    full = [
        {
            "origin": ZERO + timedelta(days=row["age_days"]),
            "start": ZERO,
            "dyad_id": row["truce_id"],
            "level": 0.0,
            "threshold": 5.0,
            **row,
        }
        for row in rows
    ]
    return Panel.validate(_frame(full, Panel), cast=True)


def happened(found: dy.DataFrame[Predictions]) -> dy.DataFrame[Panel]:
    """A panel with the outcomes of one horizon, 30 days.

    What is not known was censored before.
    """
    rows = found.unique(["truce_id", "origin"], maintain_order=True)
    seen = pl.when(pl.col("outcome") == 0).then(40).otherwise(20)
    return Panel.validate(
        rows.select(
            "truce_id",
            "origin",
            "conflict_id",
            "dyad_id",
            country=pl.lit(None, pl.String),
            start=pl.col("origin").dt.offset_by("-1d"),
            age_days=1,
            level=0.0,
            threshold=5.0,
            event=pl.col("outcome").fill_null(0),
            duration=seen,
        ),
        cast=True,
    )


def _frame(rows: Sequence[Row], schema: type[dy.Schema]) -> pl.DataFrame:
    types = schema.create_empty().schema
    cells = {name: [row.get(name) for row in rows] for name in types}
    return pl.DataFrame(
        [pl.Series(name, cells[name], types[name]) for name in types],
    )


#: few small worlds reach it: origins are many
RULE = partial(resumption, floor=40)
Laid = tuple[dy.DataFrame[Panel], pl.DataFrame, dy.DataFrame[Truces]]


def laid_out(
    records: dy.DataFrame[Truces],
    coded: dy.DataFrame[Events],
    near_km: float = 300,
) -> Laid:
    """The arguments of a feature, from all records and events of a small world."""
    rows = lay(records, coded, day(200), RULE, min_events=0, max_age_days=90)[0]
    return rows, linked(coded, link(records, coded, near_km=near_km)), records


def may_use(row: Row, event: Row) -> bool:
    """Whether an origin may use an event of its truce: the definition, word by word."""
    origin, until = row["origin"], event["known_until"]
    return bool(
        event["truce_id"] == row["truce_id"]
        and event["day"] < origin
        and event["known_from"] <= origin
        and (until is None or origin < until)
    )


@st.composite
def event_rows(
    draw: st.DrawFn, first: int = -100, last: int = 90, deaths: int = 12
) -> Row:
    """One version of an event: any length, delay, parties; perhaps replaced."""
    dyad = draw(st.sampled_from([*DYADS, None]))
    pair = ACTORS[dyad or draw(st.sampled_from(DYADS))]
    pair = draw(st.sampled_from([pair, pair, pair[::-1], (pair[0], None)]))
    kind = draw(st.sampled_from(["clash", "strike", "offensive", *KINDS]))
    system = draw(st.sampled_from(list(CODES)))
    place = draw(st.sampled_from([None, *PLACES])) or (None, None)
    ahead = draw(st.sampled_from([None, 2, 12, 40])) if kind == "talks" else None
    begins = draw(st.integers(first, last))
    lasts = draw(st.sampled_from([0, 0, 0, 1, 6]))
    known = begins + lasts + 1 + draw(st.sampled_from([0, 0, 1, 5, 30]))
    served = draw(st.sampled_from([None, None, 1, 10, 40]))
    return {
        "date": day(begins),
        "date_end": day(begins + lasts) if lasts else None,
        "known_from": day(known),
        "known_until": None if served is None else day(known + served),
        "date_precision": draw(st.sampled_from(["day", "day", "week", "month"])),
        "kind": kind,
        "system": system,
        "code": draw(st.sampled_from(CODES[system])),
        "due": None if ahead is None else day(begins + lasts + ahead),
        "latitude": place[0],
        "longitude": place[1],
        "country": draw(st.sampled_from(["Land", "Land", "Land", "Away", None])),
        "source": draw(st.sampled_from(["one", "two"])),
        "dyad_id": dyad,
        "actor_a": pair[0],
        "actor_b": pair[1],
        "deaths": draw(st.one_of(st.none(), st.integers(0, deaths))),
    }


@st.composite
def truce_rows(draw: st.DrawFn, first: int, last: int) -> Row:
    """One truce that starts on a day between two."""
    dyad = draw(st.sampled_from(["d1", "d1", "d2"]))
    return {
        "start": day(draw(st.integers(first, last))),
        "dyad_id": dyad,
        "parties": list(ACTORS[dyad]),
        "excluded": draw(st.sampled_from([[], ["Out"]])),
        "partial": draw(st.sampled_from([False, None, True])),
        "side": draw(st.sampled_from(["unilateral", "bilateral", None])),
        "class": draw(st.sampled_from(["cessation", "definitive", None])),
        "purposes": draw(st.sampled_from([[], ["holiday"], ["humanitarian"]])),
        "mediated": draw(st.booleans()),
        "term_days": draw(st.sampled_from([None, 10, 60])),
    }


@dataclass(frozen=True)
class Change:
    """Two worlds that look the same on a morning, and differ in what follows."""

    morning: date
    events: tuple[dy.DataFrame[Events], dy.DataFrame[Events]]
    truces: tuple[dy.DataFrame[Truces], dy.DataFrame[Truces]]


def _hidden(row: Row, morning: date) -> bool:
    return last_day(row) >= morning or row["known_from"] > morning


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Draw a world, and change all that could not be known on a morning in it.

    Events dated on or after the morning, or known only after it, are drawn anew for
    each of the two: added, deleted, changed. Events that were known may be revised
    later on, in one world or both. Truces from the morning on are drawn anew, and so
    are the ends, from the morning on, of truces that had begun.
    """
    began = draw(st.lists(truce_rows(0, 40), min_size=1, max_size=3))
    # the morning of an origin, for that is where a leak of one day shows
    at = (began[0]["start"] - ZERO).days + 1 + 7 * draw(st.integers(0, 6))
    morning = day(at)
    drawn = draw(st.lists(event_rows(last=at), min_size=4, max_size=16))
    seen = [row for row in drawn if not _hidden(row, morning)]
    seen = [row | {"event_id": f"seen-{i}"} for i, row in enumerate(seen)]
    old = [
        row | {"truce_id": f"old-{i}"} | _early_end(draw, row, at)
        for i, row in enumerate(began)
        if row["start"] < morning
    ]
    pairs = [
        (_later_events(draw, seen, at), _later_truces(draw, old, at)) for _ in "ab"
    ]
    return Change(
        morning,
        (events(pairs[0][0]), events(pairs[1][0])),
        (truces(pairs[0][1]), truces(pairs[1][1])),
    )


def _early_end(draw: st.DrawFn, row: Row, at: int) -> Row:
    """An end before the morning, or none yet."""
    held = draw(st.sampled_from([None, None, 0, 5, 20]))
    end = None if held is None else row["start"] + timedelta(days=held)
    reason = draw(st.sampled_from(["collapsed", "other", "renewed", "unclear"]))
    return {"end": end, "end_reason": reason} if end and end < day(at) else {}


def _later_truces(draw: st.DrawFn, old: Sequence[Row], at: int) -> list[Row]:
    ends = st.sampled_from([None, None, at, at, at + 1, at + 40])
    reasons = st.sampled_from(["collapsed", "expired", "other", "renewed", "unclear"])
    still = []
    for row in old:
        end = None if row.get("end") else draw(ends)
        later = {} if end is None else {"end": day(end), "end_reason": draw(reasons)}
        still.append(row | later)
    new = draw(st.lists(truce_rows(at, at + 20), max_size=2))
    return still + [row | {"truce_id": f"new-{i}"} for i, row in enumerate(new)]


def _later_events(draw: st.DrawFn, seen: Sequence[Row], at: int) -> list[Row]:
    rows = []
    for row in seen:
        until = row["known_until"]
        after = st.integers(at + 1, at + 60)
        replaced = draw(st.one_of(st.none(), st.none(), after))
        if until is None or until > day(at):
            row = row | {"known_until": replaced and day(replaced)}
            if replaced is not None and draw(st.booleans()):
                version = draw(event_rows(last=at))
                known = {"known_from": day(replaced), "known_until": None}
                rows.append(version | known | {"event_id": row["event_id"]})
        rows.append(row)
    late = draw(st.lists(_hidden_rows(at), min_size=2, max_size=12))
    rows += [row | {"event_id": f"late-{i}"} for i, row in enumerate(late)]
    return list(draw(st.permutations(rows)))


@st.composite
def _hidden_rows(draw: st.DrawFn, at: int) -> Row:
    """An event of the morning or later, or one that is known only after it."""
    if draw(st.booleans()):
        row = draw(event_rows(first=at, last=at + draw(st.sampled_from([0, 0, 2, 40]))))
        # whenever it was announced: what is dated later has not happened yet
        early = {"known_from": day(at - draw(st.integers(0, 30))), "known_until": None}
        return row | (early if draw(st.booleans()) else {})
    row = draw(event_rows(last=at))
    known = at + draw(st.sampled_from([1, 1, 2, 40]))
    return row | {"known_from": day(known), "known_until": None}
