"""The panel against an independent reading, and the laws of censoring."""

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import ZERO, Row, day, events, truces
from strategies import panel as laid_out

from forecast.collapse import first_fatal, resumption
from forecast.events.ged import ged
from forecast.panel import CENSORED, COLLAPSE, EXIT, censor, known, outcomes, panel
from forecast.schema import Events, Panel
from forecast.simulated import World
from forecast.truces.ethprio import ethprio

HORIZONS = (7, 14, 30, 90)
SLOW = {"deadline": None, "derandomize": True}
PEACE = [{"date": day(-9 * i), "dyad_id": "d1"} for i in range(1, 6)]


@pytest.fixture(scope="module")
def reference(shared: Path) -> pl.DataFrame:
    """The panel by the independent reading."""
    sys.path.insert(0, str(shared / "checks"))
    try:
        import labels
    finally:
        sys.path.pop(0)
    table: pl.DataFrame = labels.panel(shared / "data")
    return table.with_columns(pl.col("dyad_id").cast(pl.String))


@pytest.fixture(scope="module")
def real(shared: Path) -> dy.DataFrame[Panel]:
    data = shared / "data"
    coded = ged(data / "ucdp_ged" / "ged_global.csv.gz")
    dyads = data / "ucdp_termination" / "dyads.csv"
    records = ethprio(data / "ethprio" / "ceasefires.csv", dyads)
    assert coded.covered_through is not None
    return panel(records.frame, coded.frame, coded.covered_through, resumption)[0]


def test_the_whole_panel_agrees_with_the_reference(
    real: dy.DataFrame[Panel], reference: pl.DataFrame
) -> None:
    assert real.height == 3306
    assert (real["truce_id"].n_unique(), real["dyad_id"].n_unique()) == (438, 76)
    keys = ["truce_id", "origin", "horizon"]
    ours = outcomes(real, HORIZONS).cast({"horizon": pl.Int64})
    assert_frame_equal(ours, reference.sort(keys).select(ours.columns))


def test_a_day_of_a_dyad_is_followed_by_one_truce(real: dy.DataFrame[Panel]) -> None:
    """Successive truces of a dyad overlap; only those of one start share its weeks."""
    days = real.select("dyad_id", "start", "origin").unique()
    assert not days.select("dyad_id", "origin").is_duplicated().any()
    assert days.height < real.height  # some do start on one day
    weeks = days.sort("dyad_id", "origin")
    step = (pl.col("origin") - pl.col("origin").shift(1)).dt.total_days()
    steps = weeks.select(step.over("dyad_id", "start")).to_series().drop_nulls()
    assert set(steps) == {7}
    turns = weeks.select((pl.col("start") >= pl.col("start").shift(1)).over("dyad_id"))
    assert turns.to_series().drop_nulls().all()


def test_the_keys_beside_the_origins_agree(
    real: dy.DataFrame[Panel], reference: pl.DataFrame
) -> None:
    columns = ["truce_id", "origin", "dyad_id", "start"]
    rows = reference.filter(pl.col("horizon") == 7).sort("truce_id", "origin")
    assert_frame_equal(real.select(columns), rows.select(columns))


def spell(
    *coded: Row, truce: Row | None = None, others: tuple[Row, ...] = (), **options: Any
) -> pl.DataFrame:
    """The panel of one truce that is quiet but for some events."""
    rows = [*PEACE, *({"dyad_id": "d1", **row} for row in coded)]
    records = truces([{"start": day(0), **(truce or {})}, *others])
    found = panel(records, events(rows), day(500), resumption, **options)[0]
    return found.filter(pl.col("truce_id") == "t0")


def ages(found: pl.DataFrame) -> list[int]:
    return found["age_days"].to_list()


def test_origins_run_from_the_morning_after_to_a_year() -> None:
    assert ages(spell()) == list(range(1, 366, 7))
    assert ages(spell(step_days=30, max_age_days=91)) == [1, 31, 61, 91]


@pytest.mark.parametrize(("on", "last"), [(1, 1), (7, 1), (8, 8), (14, 8), (15, 15)])
def test_a_collapse_on_the_origin_s_own_day_counts(on: int, last: int) -> None:
    found = spell({"date": day(on), "deaths": 9})
    assert ages(found) == list(range(1, last + 1, 7))
    assert found["event"].to_list() == [COLLAPSE] * found.height
    assert found["duration"].to_list() == [on - age + 1 for age in ages(found)]


def test_an_exit_and_a_record_that_is_lost() -> None:
    for reason, event in (("expired", EXIT), ("unclear", CENSORED)):
        found = spell(truce={"end": day(15), "end_reason": reason})
        assert ages(found) == [1, 8, 15]
        assert found["event"].to_list() == [event] * 3
        assert found["duration"].to_list() == [15, 8, 1]


def test_a_collapse_after_the_end_of_follow_up_is_not_seen() -> None:
    exit_first = {"end": day(15), "end_reason": "other"}
    found = spell({"date": day(16), "deaths": 9}, truce=exit_first)
    assert found["event"].to_list() == [EXIT] * 3
    same_day = spell({"date": day(15), "deaths": 9}, truce=exit_first)
    assert same_day["event"].to_list() == [COLLAPSE] * 3


def test_a_later_truce_ends_origins_and_the_collapse_still_counts() -> None:
    found = spell({"date": day(40), "deaths": 9}, others=({"start": day(16)},))
    assert ages(found) == [1, 8, 15]
    assert found["event"].to_list() == [COLLAPSE] * 3
    assert found["duration"].to_list() == [40, 33, 26]
    assert ages(spell(others=({"start": day(15)},))) == [1, 8]


def test_one_origin_on_the_morning_asked_for() -> None:
    broken = {"date": day(40), "deaths": 9}
    assert ages(spell(broken, as_of=day(40))) == [40]
    assert ages(spell(broken, as_of=day(41))) == []
    assert ages(spell(as_of=day(0))) == []
    assert ages(spell(as_of=day(365))) == [365]
    assert ages(spell(as_of=day(366))) == []


def test_what_is_left_out_is_accounted_for(world: World) -> None:
    rows, left_out = panel(
        world.truces, world.events, world.covered_through, resumption
    )
    assert set(rows["truce_id"]).isdisjoint(left_out["truce_id"])
    everything = set(rows["truce_id"]) | set(left_out["truce_id"])
    assert everything <= set(world.truces["truce_id"])
    assert left_out["reason"].null_count() == 0


def test_rules_can_be_switched(world: World) -> None:
    """No rule is stricter than the first death."""
    args = (world.truces, world.events, world.covered_through)
    strict, lenient = panel(*args, first_fatal)[0], panel(*args, resumption)[0]
    both = strict.join(lenient, on=["truce_id", "origin"])
    assert strict.height == both.height < lenient.height
    assert (both["event"] == COLLAPSE).sum() > (both["event_right"] == COLLAPSE).sum()


@st.composite
def panels(draw: st.DrawFn) -> dy.DataFrame[Panel]:
    rows = []
    for truce in range(draw(st.integers(0, 4))):
        end, event = draw(st.integers(1, 120)), draw(st.integers(0, 2))
        rows += [
            {
                "truce_id": f"t{truce}",
                "age_days": age,
                "event": event,
                "duration": end - age + 1,
            }
            for age in range(1, end + 1, 7)
        ]
    return laid_out(rows)


cutoffs = st.integers(-5, 140).map(day)


@settings(max_examples=40, **SLOW)
@given(panels(), cutoffs)
def test_no_row_knows_the_cutoff(rows: dy.DataFrame[Panel], cutoff: date) -> None:
    seen = censor(rows, cutoff)
    days = (cutoff - ZERO).days
    through = seen["age_days"] + seen["duration"] - 1
    assert (through < days).all()
    before = rows.filter(pl.col("origin") < cutoff)
    assert_frame_equal(seen.drop("event", "duration"), before.drop("event", "duration"))
    happened = before["age_days"] + before["duration"] - 1 < days
    assert_frame_equal(seen.filter(happened), before.filter(happened))
    assert (seen.filter(~happened)["event"] == CENSORED).all()
    assert (through.filter(~happened) == days - 1).all()


@settings(max_examples=40, **SLOW)
@given(panels(), cutoffs, cutoffs)
def test_censoring_twice_is_censoring_at_the_earlier(
    rows: dy.DataFrame[Panel], a: date, b: date
) -> None:
    once = censor(rows, min(a, b))
    assert_frame_equal(censor(censor(rows, b), a), once)
    assert_frame_equal(censor(once, min(a, b)), once)


@pytest.mark.parametrize("months", [0, 5, 13, 24, 40, 71, 90])
def test_the_panel_of_what_was_known_is_the_panel_censored(
    world: World, months: int
) -> None:
    """Where no event is ever revised, hindsight about the events is no hindsight."""
    cutoff = date(2000, 1, 1) + timedelta(days=30 * months)
    then = panel(
        world.truces, known(world.events, cutoff), world.covered_through, resumption
    )[0]
    now = panel(world.truces, world.events, world.covered_through, resumption)[0]
    assert_frame_equal(censor(then, cutoff), censor(now, cutoff))


def test_known_is_what_could_be_used_or_once_was() -> None:
    rows = [
        {"event_id": "old", "date": day(1)},
        {"event_id": "today", "date": day(10)},
        {"event_id": "long", "date": day(1), "date_end": day(10)},
        {"event_id": "late", "date": day(1), "known_from": day(11)},
        {"event_id": "early", "date": day(12), "known_from": day(3)},
        {"event_id": "revised", "date": day(1), "known_until": day(11)},
        {"event_id": "replaced", "date": day(1), "known_until": day(10)},
        {"event_id": "replaced", "date": day(1), "known_from": day(10)},
    ]
    found = known(events(rows), day(10))
    assert found.select("event_id", "known_until").rows() == [
        ("old", None),
        ("revised", None),
        ("replaced", day(10)),
        ("replaced", None),
    ]


def test_known_twice_is_known_earlier(world: World) -> None:
    revised = Events.validate(
        world.events.with_columns(
            known_until=pl.when(pl.col("deaths") % 3 == 0).then(
                pl.col("known_from").dt.offset_by("90d")
            )
        )
    )
    a, b = date(2002, 3, 1), date(2002, 4, 15)
    assert_frame_equal(known(known(revised, b), a), known(revised, a))


OUTCOMES = [
    # event, duration -> outcomes at 7, 14, 30, 90 days
    (COLLAPSE, 1, [1, 1, 1, 1]),
    (COLLAPSE, 7, [1, 1, 1, 1]),
    (COLLAPSE, 8, [0, 1, 1, 1]),
    (COLLAPSE, 91, [0, 0, 0, 0]),
    (EXIT, 1, [0, 0, 0, 0]),
    (EXIT, 30, [0, 0, 0, 0]),
    (CENSORED, 1, [None, None, None, None]),
    (CENSORED, 13, [0, None, None, None]),
    (CENSORED, 14, [0, 0, None, None]),
    (CENSORED, 90, [0, 0, 0, 0]),
]


@pytest.mark.parametrize(("event", "duration", "expected"), OUTCOMES)
def test_outcomes(event: int, duration: int, expected: list[int | None]) -> None:
    row = {"truce_id": "t", "age_days": 1, "event": event, "duration": duration}
    found = outcomes(laid_out([row]), HORIZONS)
    assert found["horizon"].to_list() == list(HORIZONS)
    assert found["outcome"].to_list() == expected


@pytest.mark.parametrize("weekday", [1, 4, 7])
def test_origins_on_one_day_of_the_week_are_those_of_every_day(
    weekday: int, world: World
) -> None:
    """Nothing but the choice of mornings differs; each week of a truce has one."""
    args = (world.truces, world.events, world.covered_through, resumption)
    chosen, _ = panel(*args, weekday=weekday)
    daily, _ = panel(*args, step_days=1)
    on_day = daily.filter(pl.col("origin").dt.weekday() == weekday)
    assert chosen.height
    assert_frame_equal(pl.DataFrame(chosen), pl.DataFrame(on_day))
