"""Rounds, halts and due days, against a plain loop and small cases."""

import re
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from strategies import Change, Row, changes, day, events, truces

from forecast.actors import resolve
from forecast.collapse import resumption
from forecast.features.talks import talks
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Events
from forecast.simulated import World

#: beside the codes of the small worlds: proposals, mediation, and halts
CODES = {
    "195": "036",
    "196": "045",
    "190": "1652",
    "ASSAULT": "REQUEST/meet",
    "ASSAULT/aerial": "SANCTION/discontinue",
    "RETREAT/ceasefire": "CONSULT/third-party",
}
PROPOSED = {"cameo": "02|03|10", "plover": "REQUEST"}
BROKEN = {"cameo": "164|165", "plover": "SANCTION/discontinue"}
THIRD = {
    "cameo": "028|038|039|045|108|126|165|1661|1662",
    "plover": "CONSULT/third-party",
}


def says(event: Row, codes: dict[str, str]) -> bool:
    pattern = codes.get(event["system"])
    return bool(pattern and re.match(pattern, event["code"] or ""))


def counts(event: Row, row: Row, parties: list[str]) -> bool:
    """Whether an event is one of the parties, or of one of them and a mediator."""
    if event["relation"] == "party":
        return True
    actors = [event["actor_a"], event["actor_b"]]
    return (
        event["relation"] == "neighbour"
        and event["dyad_id"] is None
        and None not in actors
        and sum(actor in parties for actor in actors) == 1
        and ((event["conflict_id"] or "?") == row["conflict_id"] or says(event, THIRD))
    )


def known(event: Row, origin: date) -> bool:
    """Whether an origin may use an event."""
    until = event["known_until"]
    current = event["known_from"] <= origin and (until is None or origin < until)
    return current and event["day"] < origin


def plain(row: Row, coded: list[Row], parties: list[str]) -> Row:
    """The columns of one origin by their definition, event by event."""
    origin, rounds, halts, ahead = row["origin"], set(), set(), []
    usable = [e for e in coded if known(e, origin) and counts(e, row, parties)]
    for event in usable:
        due = event["due"]
        if event["kind"] == "rupture" or says(event, BROKEN):
            halts.add(event["day"])
        if event["kind"] == "talks" and (due or not says(event, PROPOSED)):
            held = max(due or event["day"], event["day"])
            if held < origin:
                rounds.add(held)
            elif (origin - event["day"]).days <= 365:
                ahead.append((held - origin).days)
    values: Row = {}
    last = {}
    for name, days in (("round", rounds), ("halt", halts)):
        for window in (7, 30, 90):
            since = origin - timedelta(days=window)
            values[f"talks_{name}s_{window}d"] = sum(d >= since for d in days)
        values[f"talks_{name}s_since_start"] = sum(d > row["start"] for d in days)
        last[name] = min([365, *((origin - d).days for d in days)])
        values[f"talks_days_since_{name}"] = last[name]
    values["talks_halted"] = last["halt"] < 365 and last["halt"] <= last["round"]
    values["talks_due_14d"] = any(days < 14 for days in ahead)
    values["talks_days_to_due"] = min(ahead, default=None)
    return values


def agrees(rows: pl.DataFrame, coded: pl.DataFrame, records: Any) -> None:
    parties = dict(records.select("truce_id", "parties").iter_rows())
    mine = defaultdict(list)
    for event in coded.iter_rows(named=True):
        mine[event["truce_id"]].append(event)
    found = talks(rows, coded, records).iter_rows(named=True)
    for row, values in zip(rows.iter_rows(named=True), found, strict=True):
        truce = row["truce_id"]
        keys = {"truce_id": truce, "origin": row["origin"]}
        assert values == keys | plain(row, mine[truce], parties[truce])


@settings(max_examples=45)
@given(changes())
def test_talks_are_the_plain_loop(change: Change) -> None:
    records = change.truces[0]
    coded = Events.validate(
        change.events[0].with_columns(pl.col("code").replace(CODES))
    )
    rows = panel(records, coded, day(200), resumption, min_events=0, max_age_days=90)[0]
    agrees(rows, linked(coded, link(records, coded)), records)


def test_talks_of_the_simulated_world_are_the_plain_loop(world: World) -> None:
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = panel(*args)[0].gather_every(5)
    coded = linked(world.events, link(world.truces, world.events))
    agrees(rows, coded, world.truces)


def of(origin: int, *rows: Row, country: str | None = "Land") -> Row:
    """Talks as of a morning of a truce of Gov and Reb that began on day 0."""
    records = truces([{"start": day(0), "country": country, "excluded": ["Out"]}])
    coded = events([{"kind": "talks", **row} for row in rows])
    laid = panel(records, coded, day(300), resumption, min_events=0, as_of=day(origin))[
        0
    ]
    values = talks(laid, linked(coded, link(records, coded)), records)
    return values.row(0, named=True)


MEETING = {"dyad_id": "d1", "date": day(10)}
#: on day 10 a round is announced for day 20
ANNOUNCED = MEETING | {"due": day(20)}


@pytest.mark.parametrize(
    ("origin", "held", "near", "left"),
    [
        (10, 0, False, None),  # the morning of the day it is announced on
        (11, 0, True, 9),
        (20, 0, True, 0),  # they meet today
        (21, 1, False, None),  # they met yesterday, and that is all one knows
    ],
)
def test_an_announced_round_is_due_until_its_day_is_past(
    origin: int, held: int, near: bool, left: int | None
) -> None:
    found = of(origin, ANNOUNCED)
    assert found["talks_rounds_since_start"] == held
    assert found["talks_due_14d"] is near
    assert found["talks_days_to_due"] == left


def test_a_round_is_near_within_the_days_from_the_morning_on() -> None:
    assert of(11, MEETING | {"due": day(24)})["talks_due_14d"]
    far = of(11, MEETING | {"due": day(25)})
    assert not far["talks_due_14d"]
    assert far["talks_days_to_due"] == 14


@pytest.mark.parametrize("origin", [15, 30])
def test_an_announcement_that_was_replaced_no_longer_counts(origin: int) -> None:
    moved = of(
        origin,
        ANNOUNCED | {"event_id": "e", "known_until": day(15)},
        ANNOUNCED | {"event_id": "e", "known_from": day(15), "due": day(40)},
    )
    assert moved["talks_rounds_since_start"] == 0
    assert moved["talks_days_to_due"] == 40 - origin


def test_one_meeting_reported_four_times_is_one_round() -> None:
    turned = MEETING | {"actor_a": "Reb", "actor_b": "Gov", "date": day(20)}
    straight = MEETING | {"actor_a": "Gov", "actor_b": "Reb", "date": day(20)}
    found = of(21, ANNOUNCED, MEETING | {"date": day(20)}, straight, turned)
    assert found["talks_rounds_7d"] == found["talks_rounds_since_start"] == 1
    assert found["talks_days_since_round"] == 1


def test_a_proposal_without_a_day_is_no_round() -> None:
    proposal = MEETING | {"system": "cameo", "code": "036"}
    assert of(30, proposal)["talks_rounds_30d"] == 0
    assert of(30, proposal | {"due": day(20)})["talks_rounds_30d"] == 1


def test_talks_stand_broken_off_until_the_next_round() -> None:
    halt = MEETING | {"kind": "rupture", "date": day(12)}
    assert of(13, MEETING, halt)["talks_halted"]
    assert not of(20, MEETING, halt, MEETING | {"date": day(14)})["talks_halted"]
    assert not of(13, MEETING)["talks_halted"]
    # a walk-out ends the round of its day
    assert of(13, halt, halt | {"kind": "talks"})["talks_halted"]
    refused = of(20, halt, halt | {"kind": "threat", "system": "cameo", "code": "165"})
    assert refused["talks_halts_7d"] == 0
    assert refused["talks_halts_30d"] == refused["talks_halts_since_start"] == 1
    assert refused["talks_days_since_halt"] == 8


BARE = {"date": day(10), "actor_a": "Envoy", "actor_b": "Gov", "system": "cameo"}


@pytest.mark.parametrize(
    ("row", "held"),
    [
        ({}, 1),  # a mediator in the truce's conflict
        ({"conflict_id": None}, 0),  # a visitor in its country
        ({"conflict_id": None, "code": "045"}, 1),  # who came to mediate
        ({"conflict_id": None, "code": "045", "country": "Away"}, 0),
        ({"actor_b": None}, 0),  # with whom, nobody says
        ({"actor_b": "Mil"}, 0),  # with somebody else
        ({"actor_a": "Reb", "conflict_id": None}, 1),  # the parties themselves
        ({"actor_a": "Out"}, 0),  # a group that the truce leaves out
        ({"dyad_id": "d2"}, 0),  # another dyad's talks
    ],
)
def test_who_must_sit_at_the_table(row: Row, held: int) -> None:
    assert of(30, BARE | row)["talks_rounds_30d"] == held


def test_a_mediator_meets_whoever_the_name_of_a_party_stands_for() -> None:
    records = truces([{"start": day(0), "parties": ["Government of Land", "Reb"]}])
    coded = events([BARE | {"kind": "talks", "actor_b": "Military (Land)"}])
    rows = panel(records, coded, day(99), resumption, min_events=0)[0]
    names = resolve(["Military (Land)"], records)
    found = talks(rows, linked(coded, link(records, coded, names), names), records)
    assert found["talks_rounds_since_start"].max() == 1
