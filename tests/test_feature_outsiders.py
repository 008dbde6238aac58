"""What outsiders did, against a plain loop over every event, and by hand."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import Change, Row, changes, day, events, last_day, truces

from forecast.collapse import resumption
from forecast.features.outsiders import outsiders
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Events, Panel, Truces
from forecast.simulated import World

WINDOWS = (7, 30, 60)
RULE = partial(resumption, floor=40)


def usable(coded: list[Row], row: Row, relation: str, days: int) -> Iterator[Row]:
    """Hostile events of the last days that an origin may use."""
    o = row["origin"]
    for event in coded:
        until = event["known_until"]
        if (
            event["truce_id"] == row["truce_id"]
            and event["relation"] == relation
            and event["hostile"]
            and 1 <= (o - last_day(event)).days <= days
            and event["known_from"] <= o
            and (until is None or o < until)
        ):
            yield event


def is_attack(event: Row, parties: list[str]) -> bool:
    a, b = event["actor_a"], event["actor_b"]
    if a is None or b is None:
        return False
    if event["system"] in ("ucdp", "acled"):
        return (a in parties) != (b in parties)
    return b in parties and a not in parties


def place(event: Row) -> tuple[float, float] | None:
    """Where an event was, to a 20th of a degree."""
    degrees = event["latitude"], event["longitude"]
    if None in degrees:
        return None
    return round(degrees[0] * 20) / 20, round(degrees[1] * 20) / 20


def km(one: tuple[float, float], other: tuple[float, float]) -> float:
    (a, b), (c, d) = (map(math.radians, p) for p in (one, other))
    h = (
        math.sin((c - a) / 2) ** 2
        + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    )
    return 2 * 6371 * math.asin(math.sqrt(min(1, h)))


def plain(row: Row, coded: list[Row], parties: list[str]) -> Row:
    """The values of one origin, as the docstring defines them."""
    values: Row = {}
    for w in WINDOWS:
        theirs = list(usable(coded, row, "outsider", w))
        both = [*theirs, *usable(coded, row, "party", w)]
        killed, all_killed = (sum(e["deaths"] or 0 for e in s) for s in (theirs, both))
        values |= {
            f"outsiders_events_{w}d": len(theirs),
            f"outsiders_deaths_{w}d": killed,
            f"outsiders_attacks_{w}d": sum(is_attack(e, parties) for e in theirs),
            f"outsiders_offensives_{w}d": sum(e["kind"] == "offensive" for e in theirs),
            f"outsiders_strikes_{w}d": sum(e["kind"] == "strike" for e in theirs),
            f"outsiders_share_events_{w}d": len(theirs) / len(both) if both else None,
            f"outsiders_share_deaths_{w}d": killed / all_killed if all_killed else None,
        }
    ages = [
        (row["origin"] - last_day(e)).days for e in usable(coded, row, "outsider", 365)
    ]
    values["outsiders_days_since_last"] = min([*ages, 365])
    lines = {p for e in usable(coded, row, "party", 90) if (p := place(e))}
    near = [
        (min(km(p, line) for line in lines), e["kind"])
        for e in usable(coded, row, "outsider", 30)
        if lines and (p := place(e))
    ]
    close = [kind for far, kind in near if far <= 50]
    values["outsiders_nearest_km"] = min(near)[0] if near else None
    values["outsiders_near_events_30d"] = len(close) if lines else None
    values["outsiders_near_offensives_30d"] = (
        close.count("offensive") if lines else None
    )
    return values


def assert_plain(
    rows: dy.DataFrame[Panel], coded: pl.DataFrame, records: dy.DataFrame[Truces]
) -> None:
    """Every value is that of the plain loop."""
    parties = dict(records.select("truce_id", "parties").rows())
    by_truce = {key[0]: part.to_dicts() for key, part in coded.group_by("truce_id")}
    found = outsiders(rows, coded, records)
    for row, values in zip(
        rows.to_dicts(), found.drop("origin").to_dicts(), strict=True
    ):
        truce = values.pop("truce_id")
        expected = plain(row, by_truce.get(truce, []), parties[truce])
        assert values.keys() == expected.keys()
        for name, value in expected.items():
            exact = value is None or isinstance(value, int)
            assert values[name] == (
                value if exact else pytest.approx(value, rel=1e-9)
            ), name


# a slow machine is no failure
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(changes())
def test_outsiders_is_the_plain_loop(change: Change) -> None:
    records, coded = change.truces[0], change.events[0]
    rows = panel(records, coded, day(200), RULE, min_events=0, max_age_days=90)[0]
    assert_plain(rows, linked(coded, link(records, coded)), records)


def test_outsiders_is_the_plain_loop_in_the_simulated_world(world: World) -> None:
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = Panel.validate(panel(*args)[0].gather_every(7))
    coded = linked(world.events, link(world.truces, world.events))
    assert_plain(rows, coded, world.truces)
    found = outsiders(rows, coded, world.truces)
    assert (found["outsiders_attacks_60d"] <= found["outsiders_events_60d"]).all()
    # most of what outsiders do in that world is their attack on the government
    share = found["outsiders_attacks_60d"].sum() / found["outsiders_events_60d"].sum()
    assert share == pytest.approx(0.7, abs=0.1)


def last_row(rows: list[Row], **settings: Any) -> Row:
    """Values on the morning of day 29 of a truce that starts on day 0."""
    coded: dy.DataFrame[Events] = events(rows)
    records = truces([{"start": day(0)}])
    origins = panel(records, events([]), day(30), resumption, min_events=0)[0]
    frame = outsiders(origins, linked(coded, link(records, coded)), records, **settings)
    assert frame["origin"][-1] == day(29)
    found: Row = frame.row(-1, named=True)
    return found


RAID: Row = {"dyad_id": "d2", "actor_a": "Out", "actor_b": "Gov", "date": day(20)}
FIGHT: Row = {"dyad_id": "d1", "actor_a": "Reb", "actor_b": "Gov", "date": day(-40)}
ALEPPO = {"latitude": 36.2, "longitude": 37.15}
AZAZ = {"latitude": 36.6, "longitude": 37.05}
HOMS = {"latitude": 34.75, "longitude": 36.7}


@pytest.mark.parametrize(
    ("change", "attacks"),
    [
        ({}, 1),
        ({"actor_a": "Gov", "actor_b": "Out"}, 0),
        ({"actor_a": "Gov", "actor_b": "Out", "system": "ucdp"}, 1),
        ({"actor_a": "Gov", "actor_b": "Out", "system": "acled"}, 1),
        ({"actor_a": None}, 0),
        ({"actor_a": "Gov", "actor_b": "Gov", "dyad_id": None, "system": "ucdp"}, 0),
    ],
)
def test_who_attacks_whom(change: Row, attacks: int) -> None:
    found = last_row([RAID | change])
    assert found["outsiders_events_30d"] == 1
    assert found["outsiders_attacks_30d"] == attacks


def test_the_share_says_whose_war_it_is() -> None:
    raids = [RAID | {"deaths": 30}, RAID | {"deaths": None}]
    fights = [FIGHT | {"date": day(25), "deaths": 10}]
    found = last_row([*raids, *fights])
    assert found["outsiders_share_events_30d"] == pytest.approx(2 / 3)
    assert found["outsiders_share_deaths_30d"] == 0.75
    assert found["outsiders_share_events_7d"] == 0
    assert last_row([RAID])["outsiders_share_events_7d"] is None
    assert last_row([RAID])["outsiders_share_deaths_30d"] is None
    assert last_row([RAID])["outsiders_share_events_30d"] == 1


def near(rows: list[Row], **settings: Any) -> tuple[Any, ...]:
    found = last_row(rows, **settings)
    return tuple(value for name, value in found.items() if "near" in name)


def test_how_near_the_lines_outsiders_fight() -> None:
    """Parties fought over Aleppo; Azaz is 45 km from it, Homs 166 km."""
    aleppo, azaz, homs = FIGHT | ALEPPO, RAID | AZAZ, RAID | HOMS
    assert near([aleppo, azaz, homs]) == (pytest.approx(45.4, abs=0.1), 1, 0)
    assert near([aleppo, homs]) == (pytest.approx(166.3, abs=0.1), 0, 0)
    assert near([aleppo, homs], near_km=200)[1] == 1
    assert near([aleppo, azaz, azaz | {"kind": "offensive"}])[1:] == (2, 1)


def test_null_is_where_nobody_knows() -> None:
    aleppo, azaz = FIGHT | ALEPPO, RAID | AZAZ
    assert near([azaz]) == (None, None, None)
    assert near([FIGHT, azaz]) == (None, None, None)
    # lines that are known, and no outsider near them
    assert near([aleppo]) == (None, 0, 0)
    assert near([aleppo, RAID]) == (None, 0, 0)
    # a line is one for 90 days, an attack near it for 30
    assert near([aleppo | {"date": day(-62)}, azaz]) == (None, None, None)
    assert near([aleppo, azaz | {"date": day(-2)}]) == (None, 0, 0)
    # talks are no line
    assert near([aleppo | {"kind": "talks"}, azaz]) == (None, None, None)
