"""Which event bears on which truce, case by case."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day, event_rows, events, truce_rows, truces

from forecast.distance import CENTRE, HERE, centres, haversine_km
from forecast.link import link, linked
from forecast.schema import LAST_DAY, Actors, Events, Truces

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


#: a town of the truce's dyad before the start, and places at some km to the south
TOWN: Row = {"date": day(-9), "dyad_id": "d1", "latitude": 36.2, "longitude": 37.1}


def south(km: float) -> Row:
    return {"latitude": 36.2 - km / 111.195, "longitude": 37.1}


STRANGERS = {"dyad_id": "d9", "actor_a": "Her", "actor_b": "Mil", **ABROAD}
NEAR: dict[str, tuple[Row, str | None]] = {
    "strangers near the truce": (STRANGERS | south(299), "neighbour"),
    "strangers beyond the radius": (STRANGERS | south(301), None),
    "strangers nobody knows where": (STRANGERS, None),
    "talks near the truce": (STRANGERS | south(10) | {"kind": "talks"}, None),
    "of no dyad, near the truce": (ABROAD | south(10), "neighbour"),
    # who fights a party abroad is another war's enemy: precedence is as it was
    "a party fights another group, abroad but near": (
        STRANGERS | south(10) | {"actor_b": "Gov"},
        "neighbour",
    ),
    "another group fights a party, here and near": (
        {"dyad_id": "d2", "actor_a": "New", "actor_b": "Gov"} | south(10),
        "outsider",
    ),
    "of the dyad, near": ({"dyad_id": "d1", **ABROAD} | south(10), "party"),
    "of the dyad, far": ({"dyad_id": "d1", **ABROAD} | south(999), "party"),
}


@pytest.mark.parametrize("case", NEAR)
def test_violence_near_the_centre_is_a_neighbour_s(case: str) -> None:
    event, expected = NEAR[case]
    coded = events([TOWN, {"date": day(10)} | event])
    found = link(truces([{"start": START}]), coded).filter(pl.col("event_id") == "e1")
    assert found["relation"].to_list() == ([expected] if expected else [])


@pytest.mark.parametrize(("km", "n"), [(0, 1), (50, 1), (150, 2), (1000, 3)])
def test_the_radius_is_a_setting(km: float, n: int) -> None:
    coded = events(
        [TOWN, *(STRANGERS | {"date": START} | south(x) for x in (100, 500))]
    )
    assert link(truces([{"start": START}]), coded, near_km=km).height == n


def test_without_a_place_before_the_start_nothing_is_near() -> None:
    record = truces([{"start": START}])
    stranger = STRANGERS | south(0) | {"date": day(10)}
    for town in ({"latitude": None}, {"date": day(1)}, {"known_from": day(2)}):
        found = link(record, events([TOWN | town, stranger]))
        assert "neighbour" not in found["relation"].to_list()


def test_a_place_revised_after_the_start_moves_nothing() -> None:
    """The dyad's town turns out to lie elsewhere, and so does an event of its own."""
    record, stranger = truces([{"start": START}]), STRANGERS | south(200)
    first = TOWN | {"event_id": "town", "known_until": day(2)}
    again = TOWN | south(-800) | {"event_id": "town", "known_from": day(2)}
    coded = [stranger | {"date": day(10)}, first, again]
    assert link(record, events(coded)).filter(pl.col("event_id") == "e0").height == 1
    # known by the morning after the start, it does
    early = [coded[0], first | {"known_until": day(1)}, again | {"known_from": day(1)}]
    assert link(record, events(early)).filter(pl.col("event_id") == "e0").height == 0


def apart(rows: list[Row]) -> list[Row]:
    """Each dyad in a conflict and country of its own."""
    return [
        row | {"conflict_id": row["dyad_id"], "country": f"of {row['dyad_id']}"}
        for row in rows
    ]


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


@settings(max_examples=60, deadline=None, derandomize=True)
@given(worlds, st.sampled_from([20.0, 300.0, 9000.0]))
def test_links_across_borders_are_those_of_the_plain_join(
    world: tuple[list[Row], list[Row]], km: float
) -> None:
    # two fights more, so that there is a centre and something near it
    more = [TOWN | {"date": day(-20)}, TOWN | {"dyad_id": "d2", "date": day(20)}]
    records, coded = truces(apart(world[0])), events(apart([*more, *world[1]]))
    found = link(records, coded, near_km=km)
    nowhere = pl.lit(None, pl.Float64)
    here = link(records, Events.cast(coded.with_columns(latitude=nowhere)))
    pairs = records.join(
        coded.with_columns(day=LAST_DAY), how="cross", suffix="_of_event"
    )
    own = pl.col("dyad_id") == pl.col("dyad_id_of_event")
    middle = centres(pairs.filter(own), 365)
    expected = (
        pairs.join(middle, on="truce_id")
        .filter(
            pl.col("hostile") & own.not_().fill_null(True),
            pl.col("day").is_between(
                pl.col("start").dt.offset_by("-365d"),
                pl.col("start").dt.offset_by("365d"),
            ),
            haversine_km(CENTRE, HERE) <= km,
        )
        .join(here, on=["event_id", "known_from", "truce_id"], how="anti")
    )
    new = found.join(here, on=["event_id", "known_from", "truce_id"], how="anti")
    assert set(new["relation"]) <= {"neighbour"}
    assert sorted(new.rows()) == sorted(
        expected.select(
            "event_id", "known_from", "truce_id", relation=pl.lit("neighbour")
        ).rows()
    )
    # what was linked before is linked as before
    kept = found.join(here, on=["event_id", "known_from", "truce_id"], how="semi")
    assert_frame_equal(kept, here)


def test_linked_events_name_the_parties_themselves() -> None:
    names = Actors.validate(
        pl.DataFrame({"actor": ["Army", "Mob"], "party": ["Gov", None]}).with_columns(
            method=pl.lit("alias"), score=pl.lit(None, pl.Float64)
        ),
        cast=True,
    )
    coded = events(
        [
            {"date": START, "actor_a": "Mob", "actor_b": "Army"},
            {"date": START, "actor_a": "Army", "actor_b": "Reb", "dyad_id": "d1"},
        ]
    )
    links = link(truces([{"start": START}]), coded, names)
    assert links["relation"].to_list() == ["outsider", "party"]
    found = linked(coded, links, names)
    # an event with a dyad says itself who its sides are
    assert found["actor_a"].to_list() == ["Mob", "Army"]
    assert found["actor_b"].to_list() == ["Gov", "Reb"]
    assert linked(coded, links)["actor_b"].to_list() == ["Army", "Reb"]
