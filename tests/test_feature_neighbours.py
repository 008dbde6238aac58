"""Other wars and other truces around one, against a plain loop, and by hand."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import Change, Row, changes, day, events, last_day, truces

from forecast.collapse import resumption
from forecast.features.neighbours import neighbours
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Events, Panel, Truces
from forecast.simulated import World

WINDOWS, ACTIVE, YEAR = (7, 30, 90), (30, 90), 365
RULE = partial(resumption, floor=40)
Vector = tuple[float, float, float]


def usable(coded: list[Row], row: Row, days: int) -> Iterator[Row]:
    """Hostile events of others, of the last days, that an origin may use."""
    o = row["origin"]
    for event in coded:
        until = event["known_until"]
        if (
            event["relation"] != "party"
            and event["hostile"]
            and 1 <= (o - last_day(event)).days <= days
            and event["known_from"] <= o
            and (until is None or o < until)
        ):
            yield event


def vector(event: Row) -> Vector | None:
    if event["latitude"] is None or event["longitude"] is None:
        return None
    lat, lon = math.radians(event["latitude"]), math.radians(event["longitude"])
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def centre(coded: list[Row], row: Row) -> Vector | None:
    """Sum of the directions in which the dyad fought before the start."""
    start = row["start"]
    known = [
        event
        for event in coded
        if event["dyad_id"] == row["dyad_id"]
        and 0 <= (start - last_day(event)).days <= YEAR
        and (event["known_from"] - start).days <= 1
        and (event["known_until"] is None or (event["known_until"] - start).days > 1)
    ]
    placed = [v for event in known if (v := vector(event))]
    x, y, z = (sum(axis) for axis in zip(*placed, strict=True)) if placed else (0, 0, 0)
    return (x, y, z) if placed else None


def is_near(event: Row, middle: Vector) -> bool:
    """Whether the angle at the middle of the earth is that of 300 km at most."""
    place = vector(event)
    if place is None:
        return False
    (a, b, c), (x, y, z) = middle, place
    across = math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
    return 6371 * math.atan2(across, a * x + b * y + c * z) <= 300


def country(row: Row) -> str | None:
    found = row["country"]
    return found and found.partition("(")[0].strip()


def of_one_government(one: Row, other: Row) -> bool:
    shared = set(one["parties"]) & set(other["parties"])
    if any(party.startswith("Government of ") for party in one["parties"]):
        return any(party.startswith("Government of ") for party in shared)
    return bool(shared) and None is not country(one) == country(other)


def agreement(record: Row) -> str:
    found: str = record["agreement_id"] or record["truce_id"]
    return found


def plain_truces(row: Row, records: list[Row]) -> list[int]:
    """Other agreements in force, begun, ended and fallen."""
    (own,) = (r for r in records if r["truce_id"] == row["truce_id"])
    o = row["origin"]
    sets: tuple[set[str], ...] = (set(), set(), set(), set())
    for record in records:
        is_other = record["dyad_id"] not in (None, own["dyad_id"]) and (
            agreement(record) != agreement(own) and of_one_government(own, record)
        )
        if not is_other or record["start_precision"] != "day" or record["start"] >= o:
            continue
        ended = record["end"] if record["end_precision"] == "day" else None
        over = ended is not None and ended < o
        age, name = (o - record["start"]).days, agreement(record)
        truths = (
            age <= YEAR and not over,
            age <= 90,
            over and (o - ended).days <= 90,
            over and (o - ended).days <= 90 and record["end_reason"] == "collapsed",
        )
        for found, true in zip(sets, truths, strict=True):
            if true:
                found.add(name)
    return [len(found) for found in sets]


def plain(row: Row, coded: list[Row], records: list[Row]) -> Row:
    """The values of one origin, as the docstring defines them."""
    values: Row = {}
    land, middle = country(row), centre(coded, row)
    for w in WINDOWS:
        here = [e for e in usable(coded, row, w) if country(e) == land]
        values[f"neighbours_events_{w}d"] = len(here)
        values[f"neighbours_deaths_{w}d"] = sum(e["deaths"] or 0 for e in here)
        if w in ACTIVE:
            dyads = {e["dyad_id"] for e in here} - {None}
            values[f"neighbours_dyads_{w}d"] = len(dyads)
    if land is None:
        values = dict.fromkeys(values)
    for w in ACTIVE:
        others = [
            e
            for e in usable(coded, row, w)
            if e["conflict_id"] not in (None, row["conflict_id"])
        ]
        near = [e for e in others if middle and is_near(e, middle)]
        said = {
            "conflicts": len({e["conflict_id"] for e in near}),
            "events": len(near),
            "deaths": sum(e["deaths"] or 0 for e in near),
        }
        for what, n in said.items():
            values[f"neighbours_near_{what}_{w}d"] = n if middle else None
    names = ("in_force", "begun_90d", "ended_90d", "fallen_90d")
    for name, n in zip(names, plain_truces(row, records), strict=True):
        values[f"neighbours_truces_{name}"] = n
    return values


def assert_plain(
    rows: pl.DataFrame, coded: pl.DataFrame, records: dy.DataFrame[Truces]
) -> pl.DataFrame:
    """Every value is that of the plain loop."""
    by_truce = {key[0]: part.to_dicts() for key, part in coded.group_by("truce_id")}
    whole = records.to_dicts()
    found = neighbours(Panel.cast(rows), coded, records)
    for row, values in zip(
        rows.to_dicts(), found.drop("origin").to_dicts(), strict=True
    ):
        mine = by_truce.get(values.pop("truce_id"), [])
        assert values == plain(row, mine, whole)
    return found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dy.DataFrame[Truces], dy.DataFrame[Events]]:
    """A world whose dyads are of several conflicts, with agreements of several."""
    change: Change = draw(changes())
    gov = draw(st.sampled_from(["Gov", "Government of Land"]))
    conflicts = {"d1": "c", "d2": draw(st.sampled_from(["c", "c2"])), "d3": "c3"}
    records, coded = change.truces[0], change.events[0]

    def drawn(what: list[str | None]) -> pl.Series:
        one = st.sampled_from(what)
        return pl.Series([draw(one) for _ in range(records.height)], dtype=pl.String)

    return (
        Truces.cast(
            records.with_columns(
                pl.col("parties").list.eval(pl.element().replace("Gov", gov)),
                agreement_id=drawn([None, "a", "b"]),
                country=drawn(["Land", "Land (old name)", "Away", None]),
                end_precision=pl.when(pl.col("end").is_not_null()).then(
                    drawn(["day", "day", "month"])
                ),
            )
        ),
        Events.cast(
            coded.with_columns(
                pl.col("actor_a", "actor_b").replace("Gov", gov),
                conflict_id=pl.col("dyad_id").replace(conflicts),
            )
        ),
    )


# a slow machine is no failure
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_neighbours_is_the_plain_loop(
    world: tuple[dy.DataFrame[Truces], dy.DataFrame[Events]],
) -> None:
    records, coded = world
    rows = panel(records, coded, day(200), RULE, min_events=0, max_age_days=90)[0]
    assert_plain(rows, linked(coded, link(records, coded)), records)


def test_neighbours_is_the_plain_loop_in_the_simulated_world(world: World) -> None:
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = panel(*args)[0].gather_every(7)
    coded = linked(world.events, link(world.truces, world.events))
    found = assert_plain(rows, coded, world.truces)
    # herders and militias fight in each country, and within 300 km of its truce
    assert found["neighbours_near_conflicts_90d"].max() == 1


def last_row(rows: list[Row], *records: Row, **truce: Any) -> Row:
    """Values on the morning of day 100 of a truce that starts on day 0."""
    coded = events(rows)
    table = truces([{"start": day(0)} | truce, *records])
    origins = panel(table, coded, day(100), RULE, min_events=0, as_of=day(100))[0]
    mine = Panel.cast(origins.filter(pl.col("truce_id") == "t0"))
    found: Row = neighbours(mine, linked(coded, link(table, coded)), table).row(
        0, named=True
    )
    return found


ALEPPO = {"latitude": 36.2, "longitude": 37.15}
GAZIANTEP = {"latitude": 37.07, "longitude": 37.38}
BAGHDAD = {"latitude": 33.3, "longitude": 44.4}
TOWN: Row = {"dyad_id": "d1", "date": day(-5), **ALEPPO}
WAR: Row = {"dyad_id": "d9", "conflict_id": "c9", "date": day(90), "deaths": 4}
ABROAD = WAR | {"country": "Away"}


def near(rows: list[Row], **truce: Any) -> tuple[int | None, ...]:
    found = last_row(rows, **truce)
    return tuple(
        found[f"neighbours_near_{what}_30d"]
        for what in ("conflicts", "events", "deaths")
    )


def test_wars_across_the_border() -> None:
    """The truce is of Aleppo: Gaziantep is 99 km away, Baghdad 726 km."""
    there = ABROAD | GAZIANTEP
    assert near([TOWN, there]) == (1, 1, 4)
    assert near([TOWN, there, there, there | {"conflict_id": "c8"}]) == (2, 3, 12)
    assert near([TOWN, ABROAD | BAGHDAD]) == (0, 0, 0)
    # the country does not matter, the conflict does
    assert near([TOWN, WAR | GAZIANTEP]) == (1, 1, 4)
    assert near([TOWN, there | {"conflict_id": "c"}]) == (0, 0, 0)
    assert near([TOWN, there | {"conflict_id": None}]) == (0, 0, 0)
    assert near([TOWN, there | {"kind": "talks"}]) == (0, 0, 0)
    # nobody knows where it was: it is not known to be near
    assert near([TOWN, WAR]) == (0, 0, 0)
    # nobody knows where the truce is
    assert near([TOWN | {"latitude": None}, there]) == (None, None, None)
    assert near([there]) == (None, None, None)


def test_other_dyads_of_the_country() -> None:
    raid = WAR | {"dyad_id": "d2", "actor_a": "Out", "actor_b": "Gov"}
    rows = [TOWN | {"date": day(95)}, WAR, WAR | {"dyad_id": "d8"}, raid, ABROAD]
    rows += [WAR | {"dyad_id": None, "deaths": None}, WAR | {"date": day(40)}]
    found = last_row(rows)
    assert found["neighbours_events_7d"] == 0
    assert found["neighbours_events_30d"] == 4
    assert found["neighbours_deaths_30d"] == 12
    assert found["neighbours_dyads_30d"] == 3
    assert found["neighbours_events_90d"] == 5
    unknown = last_row(rows, country=None)
    assert {unknown[f"neighbours_{what}_30d"] for what in ("events", "dyads")} == {None}


def others(*records: Row, **truce: Any) -> tuple[int, ...]:
    found = last_row([], *records, **truce)
    return tuple(value for name, value in found.items() if "_truces_" in name)


SUDAN = {"parties": ["Government of Sudan", "SPLM"]}
RIVAL: Row = {
    "start": day(20),
    "dyad_id": "d2",
    "parties": ["JEM", "Government of Sudan"],
}
FELL = {"end": day(50), "end_reason": "collapsed"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # other truces in force, begun, ended, fallen
        ({}, (1, 1, 0, 0)),
        ({"start": day(9)}, (1, 0, 0, 0)),
        ({"start": day(-265)}, (1, 0, 0, 0)),
        ({"start": day(-266)}, (0, 0, 0, 0)),
        ({"start": day(99)}, (1, 1, 0, 0)),
        ({"start": day(100)}, (0, 0, 0, 0)),
        ({"start": day(20), "start_precision": "month"}, (0, 0, 0, 0)),
        (FELL, (0, 1, 1, 1)),
        (FELL | {"end_reason": "expired"}, (0, 1, 1, 0)),
        (FELL | {"end_precision": "month"}, (1, 1, 0, 0)),
        (FELL | {"end": day(99)}, (0, 1, 1, 1)),
        (FELL | {"end": day(100)}, (1, 1, 0, 0)),
        (FELL | {"start": day(-900), "end": day(10)}, (0, 0, 1, 1)),
        (FELL | {"start": day(-900), "end": day(9)}, (0, 0, 0, 0)),
        ({"country": "Chad"}, (1, 1, 0, 0)),
        ({"dyad_id": "d1", "start": day(-20)}, (0, 0, 0, 0)),
        ({"dyad_id": None}, (0, 0, 0, 0)),
        ({"parties": ["Government of Chad", "JEM"]}, (0, 0, 0, 0)),
        ({"parties": ["Government of Chad", "SPLM"]}, (0, 0, 0, 0)),
    ],
)
def test_other_truces_of_the_government(change: Row, expected: tuple[int, ...]) -> None:
    assert others(RIVAL | change, **SUDAN) == expected


def test_one_agreement_with_several_groups_is_one() -> None:
    signed = RIVAL | {"agreement_id": "Abuja"}
    third = signed | {"dyad_id": "d3", "parties": ["SLM", "Government of Sudan"]}
    assert others(signed, third, **SUDAN) == (1, 1, 0, 0)
    # one of them fell: the agreement fell with one, and is in force with the other
    assert others(signed | FELL, third, **SUDAN) == (1, 1, 1, 1)
    assert others(RIVAL, third, **SUDAN) == (2, 2, 0, 0)
    # the truce's own agreement is no other
    assert others(signed, third, agreement_id="Abuja", **SUDAN) == (0, 0, 0, 0)


def test_without_a_government_a_shared_party_of_the_country_stands_in() -> None:
    rival = {"start": day(20), "dyad_id": "d2", "parties": ["Gov", "Out"]}
    assert others(rival) == (1, 1, 0, 0)
    assert others(rival | {"country": "Land (old name)"}) == (1, 1, 0, 0)
    assert others(rival | {"country": "Away"}) == (0, 0, 0, 0)
    assert others(rival | {"parties": ["Mil", "Her"]}) == (0, 0, 0, 0)
    assert others(rival | {"country": None}, country=None) == (0, 0, 0, 0)
