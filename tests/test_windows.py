"""The engine of trailing sums against a loop over every origin and event."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day

from forecast.pairs import usable
from forecast.windows import days_since_last, decayed, trailing

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
        # no origin is of truce z, no event of truce c
        "truce_id": draw(st.sampled_from("aabbz")),
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


def timely(**columns: object) -> pl.DataFrame:
    """Events that are known the next morning, for good."""
    return pl.DataFrame(columns).with_columns(
        known_from=pl.col("day") + pl.duration(days=1),
        known_until=pl.lit(None, pl.Date),
    )


def moved(frame: pl.DataFrame, days: int) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Date) + pl.duration(days=days))


@SLOW
@given(origins, histories, st.sampled_from([-40_000, -18_262, 300_000]))
def test_the_calendar_means_nothing(
    rows: pl.DataFrame, events: pl.DataFrame, days: int
) -> None:
    """Before 1970, across it, and centuries on: the same sums."""
    there = moved(everything(moved(rows, days), moved(events, days)), -days)
    assert_frame_equal(there, everything(rows, events))


@SLOW
@given(origins, histories)
def test_windows_are_nested_and_the_longest_is_ever(
    rows: pl.DataFrame, events: pl.DataFrame
) -> None:
    found = trailing(rows, events, VALUES, [1, 7, 10**6, None])
    assert (found["n_1d"] <= found["n_7d"]).all()
    assert (found["n_7d"] <= found["n_ever"]).all()
    assert found["deaths_1000000d"].equals(found["deaths_ever"])


@SLOW
@given(origins, histories)
def test_an_event_withdrawn_by_its_next_morning_never_was(
    rows: pl.DataFrame, events: pl.DataFrame
) -> None:
    gone = events.with_columns(
        known_from=pl.col("day") - pl.duration(days=9),
        known_until=pl.col("day") + pl.duration(days=1),
    )
    assert_frame_equal(
        everything(rows, pl.concat([events, gone])), everything(rows, events)
    )


def test_many_truces_far_apart_are_each_as_if_alone() -> None:
    """Neither what is huge elsewhere nor a gap of decades shows in a truce's sums."""
    rng = np.random.default_rng(1)
    n, names = 5_000, [f"t{i}" for i in range(200)]
    late = pl.Series(rng.choice([1, 1, 1, 40], n))
    events = pl.DataFrame(
        {
            "truce_id": rng.choice(names, n),
            "day": [day(int(d)) for d in rng.integers(-20_000, 20_000, n)],
            "deaths": rng.integers(0, 50, n),
            "weight": rng.exponential(size=n),
        }
    ).with_columns(
        known_from=pl.col("day") + pl.duration(days=late),
        known_until=pl.lit(None, pl.Date),
        weight=pl.col("weight")
        * pl.when(pl.col("truce_id") == "t7").then(1e15).otherwise(1),
    )
    rows = events.select("truce_id", origin=pl.col("known_from")).sample(
        fraction=0.5, seed=1
    )
    values = {"deaths": pl.col("deaths"), "weight": pl.col("weight")}

    def found(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
        return (
            trailing(rows, events, values, [30, 9_000, None])
            .hstack(decayed(rows, events, values, [14]).drop("truce_id", "origin"))
            .hstack([days_since_last(rows, events, "since", 99_999)["since"]])
        )

    whole = found(rows, events)
    for name in ("t0", "t7", "t150"):
        alone = pl.col("truce_id") == name
        assert_frame_equal(
            found(rows.filter(alone), events.filter(alone)),
            whole.filter(alone),
            rel_tol=1e-9,
            abs_tol=1e-9,
        )


def test_what_was_huge_leaves_nothing_behind() -> None:
    events = timely(
        truce_id="a",
        day=[day(0), day(10), day(11), day(12)],
        weight=[1e15, 0.1, -0.3, 1 / 3],
    )
    rows = pl.DataFrame({"truce_id": "a", "origin": [day(1), day(12), day(13)]})
    found = trailing(rows, events, {"weight": pl.col("weight")}, [7])["weight_7d"]
    assert found.to_list() == pytest.approx([1e15, -0.2, 1 / 3 - 0.2], rel=1e-15)


@given(
    st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=2, max_size=30),
    st.integers(0, 9),
)
def test_sums_of_floats_are_the_same_bits_in_any_order(
    values: list[float], seed: int
) -> None:
    days = [day(i // 3) for i in range(len(values))]
    events = timely(truce_id="a", day=days, x=values)
    mixed = events.sample(fraction=1, shuffle=True, seed=seed)
    rows = pl.DataFrame({"truce_id": "a", "origin": [day(i) for i in range(20)]})
    for sums in (
        lambda frame: trailing(rows, frame, {"x": pl.col("x")}, [2, None]),
        lambda frame: decayed(rows, frame, {"x": pl.col("x").abs()}, [3]),
    ):
        assert_frame_equal(sums(mixed), sums(events), check_exact=True)


def test_what_is_no_number_adds_nothing_or_is_refused() -> None:
    events = timely(truce_id="a", day=[day(0), day(1)], deaths=[None, 3])
    rows = pl.DataFrame({"truce_id": "a", "origin": [day(5)]})
    deaths, some = pl.col("deaths").cast(pl.Int16), pl.col("deaths") > 1
    values = {"deaths": deaths, "some": some, "half": deaths / 2}
    found = trailing(rows, events, values, [9]).drop("truce_id", "origin")
    assert found.row(0) == (3, 1, 1.5)
    assert found.dtypes == [pl.Int64, pl.Int64, pl.Float64]
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="half: a value is not finite"):
            trailing(rows, events, {"half": deaths.fill_null(0) * bad}, [9])


def test_nothing_has_the_columns_of_something() -> None:
    rows = pl.DataFrame({"truce_id": ["a"], "origin": [day(5)]}, schema=ORIGINS)
    events = pl.DataFrame([["a", day(1), day(2), None, 4]], EVENTS, orient="row")
    whole = everything(rows, events)
    assert whole.row(0)[2:] == (
        0,
        0,
        0,
        0,
        1,
        4,
        1,
        4,
        4,
        pytest.approx(4 * 2 ** (-3 / 14)),
    )
    assert everything(rows, events.clear()).row(0)[2:] == (*[0] * 8, 365, 0)
    for left in (events, events.clear()):
        assert everything(rows.clear(), left).schema == whole.schema
        assert usable(rows.clear(), left).schema == usable(rows, events).schema
