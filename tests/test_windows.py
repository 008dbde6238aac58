"""The engine of trailing sums against a loop over every origin and event."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day

from forecast.windows import days_since_last, decayed, trailing, usable

WINDOWS = [1, 3, 29, None]
HALF_LIVES = [0.5, 14]
EVENTS = {
    "truce_id": pl.String,
    "day": pl.Date,
    "known_from": pl.Date,
    "known_until": pl.Date,
    "deaths": pl.Int64,
}
ORIGINS = {"truce_id": pl.String, "origin": pl.Date}
VALUES = {"n": pl.lit(1, pl.Int64), "deaths": pl.col("deaths")}


@st.composite
def coded(draw: st.DrawFn) -> Row:
    happened = draw(st.integers(-30, 30))
    # known before it happens, at once, late; for good, for a while
    known = happened + draw(st.sampled_from([-20, 1, 1, 2, 25]))
    served = draw(st.sampled_from([None, None, 1, 3, 30]))
    return {
        "truce_id": draw(st.sampled_from("ab")),
        "day": day(happened),
        "known_from": day(known),
        "known_until": None if served is None else day(known + served),
        "deaths": draw(st.integers(0, 50)),
    }


histories = st.lists(coded(), max_size=40).map(
    lambda rows: pl.DataFrame(rows, schema=EVENTS)
)
origins = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(-35, 65).map(day)), max_size=25
).map(lambda rows: pl.DataFrame(rows, schema=ORIGINS, orient="row"))
SLOW = settings(max_examples=50, deadline=None, derandomize=True)


def expected(events: pl.DataFrame, truce: str, origin: date) -> list[Row]:
    """What could be used on the morning of an origin: the definition, word by word."""
    return [
        row
        for row in events.iter_rows(named=True)
        if row["truce_id"] == truce
        and row["day"] < origin
        and row["known_from"] <= origin
        and (row["known_until"] is None or origin < row["known_until"])
    ]


def inside(rows: list[Row], origin: date, window: int | None) -> list[Row]:
    if window is None:
        return rows
    return [row for row in rows if row["day"] >= origin - timedelta(days=window)]


@SLOW
@given(origins, histories)
def test_sums_are_the_loop_s(rows: pl.DataFrame, events: pl.DataFrame) -> None:
    found = trailing(rows, events, VALUES, WINDOWS)
    assert_frame_equal(found.select("truce_id", "origin"), rows)
    for (truce, origin), row in zip(
        rows.rows(), found.iter_rows(named=True), strict=True
    ):
        for window in WINDOWS:
            counted = inside(expected(events, truce, origin), origin, window)
            name = "ever" if window is None else f"{window}d"
            assert row[f"n_{name}"] == len(counted)
            assert row[f"deaths_{name}"] == sum(e["deaths"] for e in counted)


@SLOW
@given(origins, histories)
def test_decayed_sums_are_the_loop_s(rows: pl.DataFrame, events: pl.DataFrame) -> None:
    found = decayed(rows, events, {"deaths": pl.col("deaths")}, HALF_LIVES)
    assert_frame_equal(found.select("truce_id", "origin"), rows)
    for (truce, origin), row in zip(
        rows.rows(), found.iter_rows(named=True), strict=True
    ):
        for half_life in HALF_LIVES:
            decayed_sum = sum(
                e["deaths"] * 2 ** (-((origin - e["day"]).days - 1) / half_life)
                for e in expected(events, truce, origin)
            )
            value = row[f"deaths_{half_life:g}d"]
            assert value >= 0
            assert value == pytest.approx(decayed_sum, rel=1e-9, abs=1e-9)


@SLOW
@given(origins, histories, st.sampled_from([5, 365]))
def test_days_since_the_last_are_the_loop_s(
    rows: pl.DataFrame, events: pl.DataFrame, cap: int
) -> None:
    found = days_since_last(rows, events, "since", cap)
    assert_frame_equal(found.select("truce_id", "origin"), rows)
    for (truce, origin), since in zip(rows.rows(), found["since"], strict=True):
        last = max((e["day"] for e in expected(events, truce, origin)), default=None)
        assert since == (min((origin - last).days, cap) if last else cap)


@SLOW
@given(origins, histories, st.sampled_from([None, 1, 20]))
def test_usable_events_are_the_loop_s(
    rows: pl.DataFrame, events: pl.DataFrame, days: int | None
) -> None:
    found = usable(rows, events, days)
    wanted = [
        {"row": i, "origin": origin, "ago": (origin - e["day"]).days, **e}
        for i, (truce, origin) in enumerate(rows.rows())
        for e in inside(expected(events, truce, origin), origin, days)
    ]
    assert found.select(sorted(found.columns)).rows(named=True) == [
        dict(sorted(row.items())) for row in wanted
    ]


def everything(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    return (
        trailing(rows, events, VALUES, WINDOWS)
        .hstack(days_since_last(rows, events, "since", 365).select("since"))
        .hstack(
            decayed(rows, events, {"fading": pl.col("deaths")}, [14]).select(
                "fading_14d"
            )
        )
    )


@SLOW
@given(origins, histories, st.integers(0, 25), st.integers(0, 9))
def test_order_and_company_mean_nothing(
    rows: pl.DataFrame, events: pl.DataFrame, cut: int, seed: int
) -> None:
    whole = everything(rows, events)
    parts = [everything(rows.head(cut), events), everything(rows.slice(cut), events)]
    assert_frame_equal(pl.concat(parts), whole, abs_tol=1e-9)
    mixed = events.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(everything(rows, mixed), whole, abs_tol=1e-9)
    assert_frame_equal(everything(rows.reverse(), events).reverse(), whole)


def test_days_since_the_last_where_many_become_known_at_once() -> None:
    """Batches: the last event of a batch need not stand last in it."""
    days = [day((i * 37) % 100) for i in range(3000)]
    events = pl.DataFrame({"truce_id": "a", "day": days, "deaths": 1}).with_columns(
        known_from=pl.lit(day(100)), known_until=pl.lit(None, pl.Date)
    )
    rows = pl.DataFrame({"truce_id": "a", "origin": [day(100), day(130)]})
    assert days_since_last(rows, events, "since", 365)["since"].to_list() == [1, 31]


def test_a_large_history_stays_exact() -> None:
    """Thousands of dead, years on: what was taken off leaves nothing behind."""
    events = pl.DataFrame(
        {
            "truce_id": "a",
            "day": [day(i) for i in range(2000)],
            "known_from": [day(i + 1) for i in range(2000)],
            "known_until": [day(i + 9) for i in range(2000)],
            "deaths": [(i * 7919) % 1000 for i in range(2000)],
        }
    )
    rows = pl.DataFrame({"truce_id": "a", "origin": [day(0), day(365), day(3000)]})
    found = decayed(rows, events, {"deaths": pl.col("deaths")}, [14])["deaths_14d"]
    expected = sum((i * 7919) % 1000 * 2 ** (-(364 - i) / 14) for i in range(357, 365))
    assert found.to_list() == pytest.approx([0, expected, 0], rel=1e-9, abs=1e-9)
