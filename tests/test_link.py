"""Which event bears on which truce, case by case."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day, event_rows, events, truce_rows, truces

from forecast.link import link, linked
from forecast.schema import Events, Truces

START = day(0)
ABROAD = {"conflict_id": "far", "country": "Elsewhere"}


def relation(event: Row, **truce: object) -> str | None:
    """Relation of one event to one truce; None where there is no link."""
    coded = events([{"date": day(10), "deaths": 1, **event}])
    found = link(truces([{"start": START, **truce}]), coded)["relation"].to_list()
    assert len(found) <= 1
    return found[0] if found else None


CASES: dict[str, tuple[Row, str | None]] = {
    "of the dyad": ({"dyad_id": "d1"}, "party"),
    "of the dyad, wherever and whoever": ({"dyad_id": "d1", **ABROAD}, "party"),
    "of the dyad, with an excluded group": (
        {"dyad_id": "d1", "actor_a": "Out", "actor_b": "Gov"},
        "party",
    ),
    "talks of the dyad": ({"dyad_id": "d1", "kind": "talks"}, "party"),
    "no dyad, between the parties": ({"actor_a": "Reb", "actor_b": "Gov"}, "party"),
    "no dyad, between the parties, other conflict": (
        {"actor_a": "Reb", "actor_b": "Gov", "conflict_id": "far"},
        "party",
    ),
    "no dyad, within one party": ({"actor_a": "Gov", "actor_b": "Gov"}, "outsider"),
    "another group fights a party": (
        {"dyad_id": "d2", "actor_a": "New", "actor_b": "Gov"},
        "outsider",
    ),
    "a party fights another group": (
        {"dyad_id": "d2", "actor_a": "Reb", "actor_b": "New"},
        "outsider",
    ),
    "another group, same conflict elsewhere": (
        {"dyad_id": "d2", "actor_a": "New", "actor_b": "Gov", "country": "Elsewhere"},
        "outsider",
    ),
    "another group, another conflict here": (
        {"dyad_id": "d2", "actor_a": "New", "actor_b": "Gov", "conflict_id": "far"},
        "outsider",
    ),
    "another group fights a party abroad": (
        {"dyad_id": "d2", "actor_a": "New", "actor_b": "Gov", **ABROAD},
        None,
    ),
    "an excluded group fights a stranger": (
        {"dyad_id": "d3", "actor_a": "Mil", "actor_b": "Out"},
        "outsider",
    ),
    "an excluded group kills civilians": (
        {"kind": "abuse", "actor_a": "Out", "actor_b": "Civilians"},
        "outsider",
    ),
    "a party kills civilians": (
        {"kind": "abuse", "actor_a": "Gov", "actor_b": "Civilians"},
        "neighbour",
    ),
    "strangers fight": (
        {"dyad_id": "d3", "actor_a": "Mil", "actor_b": "Her"},
        "neighbour",
    ),
    "nobody is named": ({}, "neighbour"),
    "nothing is shared": ({"dyad_id": "d3", **ABROAD}, None),
    "nothing is known": ({"conflict_id": None, "country": None}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_relation(case: str) -> None:
    event, expected = CASES[case]
    assert relation(event, excluded=["Out"]) == expected


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Macedonia", "Macedonia, FYR"),
        ("Myanmar", "Myanmar (Burma)"),
        ("Yemen (North Yemen)", "Yemen (North Yemen)"),
    ],
)
def test_spellings_of_a_country(ours: str, theirs: str) -> None:
    event = {"dyad_id": "d3", "conflict_id": None, "country": theirs}
    assert relation(event, country=ours) == "neighbour"
    assert relation(event, country="Macao") is None


def test_a_truce_without_dyad_or_start() -> None:
    between = {"actor_a": "Reb", "actor_b": "Gov"}
    assert relation(between, dyad_id=None) == "party"
    assert relation({"dyad_id": "d1"}, dyad_id=None) == "neighbour"
    assert relation({"dyad_id": "d1"}, start=None) is None


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(-6, None), (-5, "party"), (0, "party"), (9, "party"), (10, None)],
)
def test_the_days_that_count(offset: int, expected: str | None) -> None:
    """An event counts on its last day: this one lasts three."""
    event = {"date": day(offset - 2), "date_end": day(offset), "dyad_id": "d1"}
    found = link(
        truces([{"start": START}]), events([event]), before_days=5, after_days=9
    )
    assert found["relation"].to_list() == ([expected] if expected else [])


worlds = st.tuples(
    st.lists(truce_rows(-30, 60), min_size=1, max_size=4),
    st.lists(event_rows(), min_size=1, max_size=25),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(worlds)
def test_one_relation_a_version_and_order_means_nothing(
    world: tuple[list[Row], list[Row]],
) -> None:
    records, coded = truces(world[0]), events(world[1])
    found = link(records, coded)
    keys = ["event_id", "known_from", "truce_id"]
    assert found.height == found.select(keys).n_unique()
    assert_frame_equal(found.sort(keys), found)
    assert Truces.is_valid(records)
    assert Events.is_valid(coded)
    mixed = (
        Truces.cast(records.sample(fraction=1, shuffle=True, seed=1)),
        Events.cast(coded.sample(fraction=1, shuffle=True, seed=2)),
    )
    assert_frame_equal(link(*mixed), found)
    assert_frame_equal(linked(mixed[1], found), linked(coded, found))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(worlds)
def test_every_event_of_the_dyad_within_the_days_is_a_party_s(
    world: tuple[list[Row], list[Row]],
) -> None:
    records, coded = truces(world[0]), events(world[1])
    found = linked(coded, link(records, coded, before_days=50, after_days=40))
    assert (
        found["day"] == found.select(pl.coalesce("date_end", "date"))["date_end"]
    ).all()
    party = found.filter(pl.col("relation") == "party")
    for row in records.iter_rows(named=True):
        first, last = row["start"] - timedelta(50), row["start"] + timedelta(40)
        mine = pl.coalesce("date_end", "date").is_between(first, last)
        expected = coded.filter((pl.col("dyad_id") == row["dyad_id"]) & mine)
        got = party.filter(
            (pl.col("truce_id") == row["truce_id"])
            & (pl.col("dyad_id") == row["dyad_id"])
        )
        assert sorted(got["event_id"]) == sorted(expected["event_id"])
