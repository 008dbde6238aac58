"""Distances on the earth, centres of truces, and what lies near them."""

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import PLACES, Row, day

from forecast.distance import CENTRE, EARTH_KM, HERE, centres, haversine_km, nearby

Point = tuple[float, float]
PARIS, LONDON = (48.8566, 2.3522), (51.5074, -0.1278)
KINSHASA, BRAZZAVILLE = (-4.3217, 15.3125), (-4.2634, 15.2429)
LIMA, TOKYO = (-12.0464, -77.0428), (35.6762, 139.6503)
SUVA, APIA = (-18.1416, 178.4419), (-13.8333, -171.7667)
#: no latitude closer to another than rounding can tell
points = st.tuples(
    st.integers(-90_000, 90_000).map(lambda n: n / 1000),
    st.integers(-180_000, 180_000).map(lambda n: n / 1000),
)


def distance(one: Point, other: Point) -> float:
    row = pl.DataFrame([(*one, *other)], ["a", "b", "c", "d"], orient="row")
    found: float = row.select(haversine_km(("a", "b"), ("c", "d"))).item()
    return found


def vector(place: Point) -> tuple[float, float, float]:
    lat, lon = map(math.radians, place)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def angle_km(one: Point, other: Point) -> float:
    """The angle between two directions: another road to the same number."""
    (a, b, c), (x, y, z) = vector(one), vector(other)
    across = math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
    return EARTH_KM * math.atan2(across, a * x + b * y + c * z)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (PARIS, LONDON, 344),
        (KINSHASA, BRAZZAVILLE, 10),
        (LIMA, TOKYO, 15_489),
        (SUVA, APIA, 1_146),  # across the 180th meridian
        ((0.0, 0.0), (1.0, 0.0), 111),
        ((0.0, 0.0), (0.0, 180.0), 20_015),
        ((90.0, 10.0), (90.0, -60.0), 0),  # one pole has many names
    ],
)
def test_known_distances(one: Point, other: Point, km: int) -> None:
    # the earth is no sphere: a distance is off by up to 0.56%
    assert distance(one, other) == pytest.approx(km, abs=1, rel=0.0056)


@given(points, points, points)
def test_a_distance_is_one(one: Point, other: Point, third: Point) -> None:
    there = distance(one, other)
    assert there == distance(other, one)
    assert distance(one, one) == 0
    assert 0 <= there <= math.pi * EARTH_KM
    assert there <= distance(one, third) + distance(third, other) + 1e-6
    # half a metre, for the haversine is blunt where places are opposite
    assert there == pytest.approx(angle_km(one, other), abs=5e-4)


def test_an_unknown_place_has_no_distance() -> None:
    row = pl.DataFrame({"a": [1.0], "b": [None]}, {"a": pl.Float64, "b": pl.Float64})
    assert row.select(haversine_km(("a", "a"), ("a", "b"))).item() is None


def of_dyad(rows: list[Row]) -> pl.DataFrame:
    """Events of the dyad of one truce that starts on day 0."""
    return pl.DataFrame(
        [
            {
                "truce_id": "t",
                "start": day(0),
                "day": day(row["day"]),
                "known_from": day(row.get("known_from", row["day"] + 1)),
                "known_until": row.get("until") and day(row["until"]),
                "latitude": row.get("place", (None, None))[0],
                "longitude": row.get("place", (None, None))[1],
            }
            for row in rows
        ],
        schema={
            "truce_id": pl.String,
            **dict.fromkeys(("start", "day", "known_from", "known_until"), pl.Date),
            **dict.fromkeys(HERE, pl.Float64),
        },
    )


def centre(rows: list[Row], before_days: int = 90) -> Point | None:
    found = centres(of_dyad(rows), before_days)
    assert found.columns == ["truce_id", *CENTRE]
    return found.row(0)[1:] if found.height else None


def test_the_centre_is_the_mean_place() -> None:
    rows = [{"day": -1, "place": (10.0, 20.0)}, {"day": -9, "place": (12.0, 20.0)}]
    assert centre(rows) == pytest.approx((11, 20))
    # a place that was fought over twice counts twice
    assert centre([*rows, rows[1] | {"day": -3}]) == pytest.approx(
        (11.333, 20), abs=1e-3
    )


def test_the_centre_holds_across_the_180th_meridian() -> None:
    rows = [{"day": -1, "place": (0.0, 179.0)}, {"day": -1, "place": (0.0, -179.0)}]
    found = centre(rows)
    assert found is not None
    assert distance(found, (0.0, 180.0)) == pytest.approx(0, abs=1e-3)


TOWN: Row = {"day": -5, "place": (10.0, 20.0)}
NO_PART: dict[str, Row] = {
    "after the start": {"day": 1},
    "long before the start": {"day": -91},
    "known too late": {"day": -5, "known_from": 2},
    "replaced by the morning after": {"day": -5, "until": 1},
}


@pytest.mark.parametrize("case", NO_PART)
def test_what_has_no_part_in_the_centre(case: str) -> None:
    away = {"place": (-30.0, 80.0)} | NO_PART[case]
    assert centre([away]) is None
    assert centre([TOWN, away]) == centre([TOWN])


def test_what_just_has_a_part_in_the_centre() -> None:
    for row in ({"day": 0}, {"day": -90}, {"day": -5, "until": 2}):
        assert centre([{"place": (1.0, 2.0)} | row]) == pytest.approx((1, 2))


def test_no_place_is_no_centre() -> None:
    assert centre([]) is None
    assert centre([{"day": -5}]) is None
    opposite = [TOWN, {"day": -5, "place": (-10.0, -160.0)}]
    assert centre(opposite) is None


@given(st.lists(st.sampled_from(PLACES[:3]), min_size=1, max_size=30), st.randoms())
def test_the_order_of_events_moves_the_centre_not_at_all(
    places: list[Point], random: Any
) -> None:
    rows: list[Row] = [{"day": -1, "place": place} for place in places]
    mixed = random.sample(rows, len(rows))
    assert centre(rows) == centre(mixed)
    found = centre(rows)
    assert found is not None
    for found_at, low, high in zip(
        found,
        map(min, zip(*places, strict=True)),
        map(max, zip(*places, strict=True)),
        strict=True,
    ):
        # the middle of two places lies a little to the north of their parallel
        assert low - 0.01 <= found_at <= high + 0.01


@settings(max_examples=60)
@given(
    st.lists(points, min_size=1, max_size=4),
    st.lists(st.tuples(points, st.integers(-800, 800)), min_size=1, max_size=12),
    st.sampled_from([0.0, 50.0, 300.0, 3000.0, 12_000.0, 25_000.0]),
)
def test_nearby_is_every_pair_within_the_radius(
    centred: list[Point], placed: list[tuple[Point, int]], km: float
) -> None:
    # each centre has an event of its own place, and the poles take part
    everywhere = [*placed, *((place, 0) for place in centred), ((90.0, 0.0), 1)]
    spans = [(day(-400 + 90 * i), day(300 + 90 * i)) for i in range(len(centred))]
    names = ["first", "last", *CENTRE, "truce"]
    truces = pl.DataFrame(
        [
            (*span, *place, i)
            for i, (span, place) in enumerate(zip(spans, centred, strict=True))
        ],
        names,
        orient="row",
    )
    events = pl.DataFrame(
        [(day(at), *place, i) for i, (place, at) in enumerate(everywhere)],
        ["day", *HERE, "event"],
        orient="row",
    )
    crossed = truces.join(events, how="cross").with_columns(
        km=haversine_km(HERE, CENTRE)
    )
    inside = pl.col("km") <= km
    expected = crossed.filter(inside & pl.col("day").is_between("first", "last"))
    found = nearby(truces, events, km)
    assert_frame_equal(
        found.select("truce", "event").sort("truce", "event"),
        expected.select("truce", "event").sort("truce", "event"),
    )


def test_nearby_of_nothing() -> None:
    events = of_dyad([TOWN])
    truces = events.select(
        first="start", last="start", **{CENTRE[0]: HERE[0], CENTRE[1]: HERE[1]}
    )
    assert nearby(truces.clear(), events, 300).height == 0
    assert nearby(truces, events.clear(), 300).height == 0
