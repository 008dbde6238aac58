"""Earlier truces, against a plain loop over the definition and in small cases."""

import math
from statistics import mean
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day, events, truces

from forecast.features.history import history
from forecast.schema import END_REASONS, Panel, Truces
from forecast.simulated import World

GOVERNMENTS = ("Government of A", "Government of B")
DECIDED = ("collapsed", "expired", "renewed", "other")
NONE = events([])


def origins(records: dy.DataFrame[Truces], *ages: int) -> dy.DataFrame[Panel]:
    """Origins of every truce with a known start and dyad, at these ages."""
    age = pl.DataFrame({"age_days": ages}, schema={"age_days": pl.Int64})
    rows = records.filter(
        (pl.col("start_precision") == "day") & pl.col("dyad_id").is_not_null()
    ).join(age, how="cross")
    at = pl.col("start") + pl.duration(days="age_days")
    return Panel.validate(
        rows.select(
            *("truce_id", "conflict_id", "dyad_id", "country", "start", "age_days"),
            origin=at,
            level=pl.lit(0.0),
            threshold=pl.lit(5.0),
            event=pl.lit(0, pl.Int8),
            duration=pl.lit(1, pl.Int32),
        ).select(Panel.column_names()),
        cast=True,
    )


@st.composite
def worlds(draw: st.DrawFn) -> dy.DataFrame[Truces]:
    """Truces of few dyads and governments, whose ends are known or not."""
    rows: list[Row] = []
    for _ in range(draw(st.integers(1, 9))):
        # few days, so that starts, ends and origins meet; an end before its start
        start = draw(st.sampled_from([0, 1, 8, 9, 10, 17]))
        held = draw(st.sampled_from([0, 1, 8, 9, 30, -5]))
        ends = draw(st.sampled_from(["day", "day", "day", "month", None]))
        parties = draw(st.lists(st.sampled_from([*GOVERNMENTS, "Rebels"]), max_size=3))
        rows.append(
            {
                "start": day(start),
                "start_precision": draw(st.sampled_from(["day", "day", "month"])),
                "end": day(start + held) if ends else None,
                "end_precision": ends,
                "end_reason": draw(st.sampled_from(END_REASONS)),
                "dyad_id": draw(st.sampled_from(["d1", "d1", "d2", None])),
                "parties": parties,
            }
        )
    return truces(rows)


def ended(record: Row, origin: Any) -> bool:
    exact = record["end_precision"] == "day"
    return bool(exact and record["start"] <= record["end"] < origin)


def held(record: Row) -> int:
    days: int = (record["end"] - record["start"]).days
    return days


def governments(record: Row) -> set[str]:
    return {p for p in record["parties"] if p.startswith("Government of ")}


def shrunk(records: list[Row], parent: float, strength: float) -> float:
    """Share of collapses, with some more truces that go as the parent's."""
    known = [r for r in records if r["end_reason"] in DECIDED]
    collapsed = sum(r["end_reason"] == "collapsed" for r in known)
    return (collapsed + strength * parent) / (len(known) + strength)


def shrunk_log(
    records: list[Row], parent: float | None, strength: float
) -> float | None:
    if parent is None:
        return None
    logs = [math.log(1 + held(r)) for r in records]
    return (sum(logs) + strength * parent) / (len(logs) + strength)


def last(records: list[Row]) -> Row | None:
    """The one that ended last; of several, began last; of these, went worst."""

    def order(record: Row) -> tuple[Any, ...]:
        reason = record["end_reason"]
        badness = 2 if reason == "collapsed" else 1 if reason in DECIDED else 0
        return record["end"], record["start"], badness

    return max(records, key=order) if records else None


def naive(row: Row, records: list[Row], strength: float) -> Row:
    """The features of one origin, from nothing but the definition."""
    own = next(r for r in records if r["truce_id"] == row["truce_id"])
    exact = [r for r in records if r["start_precision"] == "day"]
    dyad = [
        r for r in exact if r["dyad_id"] == row["dyad_id"] and r["start"] < row["start"]
    ]
    ruled = [
        r
        for r in exact
        if governments(r) & governments(own) and r["start"] < row["start"]
    ]
    over = [r for r in dyad if ended(r, row["origin"])]
    over_ruled = [r for r in ruled if ended(r, row["origin"])]
    over_all = [r for r in exact if r != own and ended(r, row["origin"])]
    final = last(over)
    government = bool(governments(own))
    everyone = shrunk(over_all, 0.5, strength)
    ruling = shrunk(over_ruled, everyone, strength)
    logs = [math.log(1 + held(r)) for r in over_all]
    ruling_log = shrunk_log(over_ruled, mean(logs) if logs else None, strength)

    def ways(records: list[Row], way: str) -> int:
        return sum(r["end_reason"] == way for r in records)

    return {
        "history_truces": len(dyad),
        "history_ended": len(over),
        "history_collapsed": ways(over, "collapsed"),
        "history_expired": ways(over, "expired"),
        "history_renewed": ways(over, "renewed"),
        "history_held_days": mean(map(held, over)) if over else None,
        "history_days_since": (
            (row["origin"] - max(r["start"] for r in dyad)).days if dyad else None
        ),
        "history_days_since_end": (
            (row["origin"] - final["end"]).days if final else None
        ),
        "history_last_held_days": held(final) if final else None,
        "history_last_collapsed": (
            final["end_reason"] == "collapsed"
            if final and final["end_reason"] in DECIDED
            else None
        ),
        "history_government_truces": len(ruled) if government else None,
        "history_government_ended": len(over_ruled) if government else None,
        "history_government_collapsed": (
            ways(over_ruled, "collapsed") if government else None
        ),
        "history_rate": shrunk(over, ruling, strength),
        "history_government_rate": ruling,
        "history_all_rate": everyone,
        "history_held_log": shrunk_log(over, ruling_log, strength),
    }


def agrees(records: dy.DataFrame[Truces], strength: float, *ages: int) -> None:
    rows = origins(records, *ages)
    found = history(rows, NONE, records, strength=strength).drop("truce_id", "origin")
    every = list(records.iter_rows(named=True))
    plain = [naive(row, every, strength) for row in rows.iter_rows(named=True)]
    expected = pl.DataFrame(plain, schema=found.schema)
    assert_frame_equal(found, expected, abs_tol=1e-9, rel_tol=1e-9)


@settings(max_examples=100)
@given(worlds(), st.sampled_from([0.5, 4]))
def test_it_is_the_plain_loop(records: dy.DataFrame[Truces], strength: float) -> None:
    agrees(records, strength, 1, 8, 30)


def test_it_is_the_plain_loop_on_the_built_in_world(world: World) -> None:
    agrees(world.truces, 4, 1, 50, 200)


def one(origin: int, *records: Row, strength: float = 4, **own: Any) -> Row:
    """History of a truce of the days from 100 on, on a morning."""
    table = truces([{"start": day(100), **own}, *records])
    rows = origins(table, origin - 100).filter(pl.col("truce_id") == "t0")
    frame = history(Panel.validate(rows), NONE, table, strength=strength)
    found: Row = frame.row(0, named=True)
    return found


COLUMNS = ("truces", "collapsed", "ended", "held_days", "days_since")
FAILED = {"start": day(40), "end": day(60), "end_reason": "collapsed"}
KEPT = {"start": day(30), "end": day(50), "end_reason": "expired"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"start": day(100)}, (0, 0, 0, None, None)),
        ({"start": day(200)}, (0, 0, 0, None, None)),
        ({"start": day(40), "dyad_id": "d2"}, (0, 0, 0, None, None)),
        ({"start": day(40), "start_precision": "month"}, (0, 0, 0, None, None)),
        ({"start": day(40)}, (1, 0, 0, None, 70)),
        ({"start": day(40), "end": day(60)}, (1, 0, 1, 20, 70)),
        (FAILED, (1, 1, 1, 20, 70)),
        # it ended yesterday, or today, which the morning does not know
        (FAILED | {"end": day(109)}, (1, 1, 1, 69, 70)),
        (FAILED | {"end": day(110)}, (1, 0, 0, None, 70)),
        (FAILED | {"end_precision": "month"}, (1, 0, 0, None, 70)),
    ],
)
def test_it_counts_what_had_happened_by_the_morning(
    record: Row, expected: tuple[Any, ...]
) -> None:
    found = one(110, record)
    assert tuple(found[f"history_{name}"] for name in COLUMNS) == expected


def test_an_end_of_today_is_not_the_last_end_that_is_known() -> None:
    found = one(110, FAILED | {"end": day(110)}, KEPT)
    assert found["history_days_since_end"] == 60
    assert found["history_last_collapsed"] is False


def test_the_truce_that_ended_last_is_not_the_one_that_began_last() -> None:
    long = {"start": day(10), "end": day(90), "end_reason": "expired"}
    found = one(101, long, FAILED)
    assert found["history_days_since"] == 61
    assert found["history_days_since_end"] == 11
    assert found["history_last_held_days"] == 80
    assert found["history_last_collapsed"] is False
    assert found["history_held_days"] == 50


def test_of_truces_that_ended_together_the_later_or_worse_is_the_last() -> None:
    long = FAILED | {"start": day(30)}
    short = KEPT | {"start": day(40), "end": day(60)}
    unclear = short | {"end_reason": "unclear"}
    for both in ([long, short], [short, long]):
        assert one(101, *both)["history_last_held_days"] == 20
        assert one(101, *both)["history_last_collapsed"] is False
    for both in (
        [FAILED, short],
        [short, FAILED],
        [unclear, FAILED],
        [FAILED, unclear],
    ):
        assert one(101, *both)["history_last_collapsed"] is True
    for both in ([unclear, short], [short, unclear]):
        assert one(101, *both)["history_last_collapsed"] is False


@pytest.mark.parametrize("reason", ["unclear", "ongoing"])
def test_an_end_without_a_reason_is_an_end_but_no_example(reason: str) -> None:
    found = one(101, KEPT | {"end_reason": reason})
    assert found["history_ended"] == 1
    assert found["history_last_collapsed"] is None
    assert found["history_rate"] == 0.5


def test_a_government_is_known_by_its_other_truces() -> None:
    mine = {"parties": ["Government of A", "Rebels"]}
    theirs = FAILED | {"dyad_id": "d2", "parties": ["Others", "Government of A"]}
    alien = KEPT | {"dyad_id": "d3", "parties": ["Government of B", "Third"]}
    found = one(101, theirs, alien, **mine)
    assert found["history_truces"] == 0
    assert found["history_government_truces"] == 1
    assert found["history_government_collapsed"] == 1
    # one of two collapsed anywhere, one of one under this government
    assert found["history_all_rate"] == 0.5
    assert found["history_government_rate"] == (1 + 4 * 0.5) / 5
    assert found["history_rate"] == found["history_government_rate"]


def test_no_government_no_record_of_it() -> None:
    found = one(101, FAILED, parties=["Rebels", "Other rebels"])
    assert found["history_government_truces"] is None
    assert found["history_government_collapsed"] is None
    assert found["history_government_rate"] == found["history_all_rate"]


def test_a_truce_is_no_example_for_itself() -> None:
    """A recorded collapse does not end the origins, where deaths say that it holds."""
    alone = one(150, end=day(110), end_reason="collapsed")
    assert alone["history_all_rate"] == 0.5
    assert alone["history_held_log"] is None


@settings(max_examples=40)
@given(worlds())
def test_a_rate_is_a_share_and_strength_draws_it_to_one_half(
    records: dy.DataFrame[Truces],
) -> None:
    rows = origins(records, 1, 30)
    weak, strong = (history(rows, NONE, records, strength=s) for s in (1, 10))
    for frame in (weak, strong):
        for name in ("history_rate", "history_government_rate", "history_all_rate"):
            assert ((frame[name] > 0) & (frame[name] < 1)).all()
    away = [(frame["history_all_rate"] - 0.5).abs() for frame in (weak, strong)]
    assert (away[1] <= away[0]).all()


def test_one_collapse_moves_a_rate_and_many_make_it() -> None:
    rates = [one(101, *[FAILED] * n)["history_rate"] for n in (0, 1, 3, 30)]
    assert rates == sorted(rates)
    assert rates[0] == 0.5
    assert rates[-1] > 0.95


def test_a_prior_without_strength_is_refused() -> None:
    with pytest.raises(ValueError, match="strength=0"):
        one(101, strength=0)
