"""Laws of the worlds of other kinds: the record shows every cause, and no more."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecast.collapse import resumption
from forecast.events.simulated import simulated as simulated_events
from forecast.panel import COLLAPSE, panel
from forecast.record import frame_digest
from forecast.schema import Events, Truces
from forecast.simulated import World, _world, world
from forecast.simulated_kinds import KINDS
from forecast.simulated_legible import ATTACKS, DRIVERS, decisive_hazard
from forecast.simulated_null import null_hazard
from forecast.simulated_process import CAP
from forecast.truces.simulated import simulated as simulated_truces

SIZE = {"seed": 5, "conflicts": 8, "years": 8}
OTHERS = ("rich", "null", "changing")
FLIP = date(2004, 1, 1)
PARTIES = pl.col("dyad_id").str.starts_with("parties")
START, END = pl.col("start"), pl.col("end")


def of(kind: str | None) -> World:
    return world(**SIZE, kind=kind)


def test_the_default_world_is_what_it_was() -> None:
    """Bytes of events and truces, from before there were other kinds."""
    small = world(seed=7, conflicts=8, years=6)
    assert frame_digest(small.events) == (
        "17535cf3220e30419c367e746681519feb1ca85a150717a083d4767978d86c9b"
    )
    assert frame_digest(small.truces) == (
        "b9520a776dbbba0e0617a460748f583cdcf21a013db0e5df9ab4e3523c655285"
    )


@pytest.mark.parametrize("kind", OTHERS)
def test_a_seed_and_a_kind_are_one_world(kind: str) -> None:
    first = of(kind)
    assert Events.is_valid(first.events)
    assert Truces.is_valid(first.truces)
    _world.cache_clear()
    again = of(kind)
    assert again is not first
    for name in ("events", "truces", "hazard"):
        assert_frame_equal(getattr(again, name), getattr(first, name))
        assert not getattr(of("default"), name).equals(getattr(first, name))
    assert_frame_equal(simulated_events(**SIZE, kind=kind).frame, first.events)
    assert_frame_equal(simulated_truces(**SIZE, kind=kind).frame, first.truces)


def test_yaml_reads_the_word_null_as_none() -> None:
    assert_frame_equal(of(None).events, of("null").events)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "poor"}, "default, rich, null, changing.*kind='poor'"),
        ({"kind": "changing", "flip": 1.5}, "from 0 to 1.*flip=1.5"),
    ],
)
def test_other_settings_are_refused(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        world(**SIZE, **wrong)


@pytest.mark.parametrize("kind", OTHERS)
def test_truces_collapse_on_the_day_that_the_rule_says(kind: str) -> None:
    """So that nothing goes on behind the record: no truce is over in secret."""
    made = of(kind)
    assert set(made.truces["end_reason"]) == {
        "collapsed",
        "other",
        "unclear",
        "ongoing",
    }
    assert (made.truces["end_precision"].drop_nulls() == "day").all()
    rows, _ = panel(made.truces, made.events, made.covered_through, resumption)
    told = rows.group_by("truce_id").agg(
        pl.col("event").last(),
        last=(pl.col("origin") + pl.duration(days=pl.col("duration") - 1)).last(),
    )
    both = told.join(made.truces, on="truce_id")
    collapsed = both.filter(event=COLLAPSE)
    assert collapsed.height > 40
    assert (collapsed["last"] == collapsed["end"]).all()
    # where the rule sees the end of follow-up first, the truce ended so, on that day
    rest = both.filter(pl.col("event") != COLLAPSE)
    assert "collapsed" not in rest["end_reason"]
    assert (rest["last"] == rest["end"].fill_null(made.covered_through)).all()


def read_hazard(made: World, row: dict[str, object], flip: date | None) -> float:
    """An independent reading of the hazard of a day: plain sums over events."""
    today, dyad = row["date"], str(row["dyad_id"])
    past = made.events.filter(pl.col("date") < today).with_columns(
        weight=0.5 ** ((today - pl.col("date")).dt.total_days() / 14)
    )
    own = past.filter(dyad_id=dyad)
    outside = past.filter(dyad_id=dyad.replace("parties", "outsiders"))
    counts = {
        kind: own.filter(kind=kind)["weight"].sum()
        for kind in ("strike", "offensive", "threat", "talks")
    }
    counts["outsiders"] = outside["weight"].sum()
    attacks = own.filter(pl.col("kind").is_in(ATTACKS))
    struck = {(e["actor_a"], e["date"]) for e in attacks.iter_rows(named=True)}
    counts["answers"] = sum(
        0.5 ** ((today - day).days / 14)
        for side, day in struck
        if any(
            other != side and 1 <= (day - before).days <= 7 for other, before in struck
        )
    )
    held = own.filter(
        pl.col("date") > row["start"], pl.col("date") >= today - timedelta(29)
    )
    age, deaths = (today - row["start"]).days, held["deaths"].sum()
    if flip is None:
        return float(null_hazard(deaths, age))
    filled = deaths / row["threshold"]
    return float(decisive_hazard(counts, filled, age, today >= flip))


@pytest.mark.parametrize(
    ("kind", "flip"), [("rich", date.max), ("null", None), ("changing", FLIP)]
)
def test_the_hazard_is_a_function_of_the_record(kind: str, flip: date | None) -> None:
    made = of(kind)
    rule = resumption(made.truces, made.events).select("truce_id", "threshold")
    rows = made.hazard.sample(60, seed=0).join(made.truces, on="truce_id")
    for row in rows.join(rule, on="truce_id").iter_rows(named=True):
        expected = read_hazard(made, row, flip)
        assert row["hazard"] == pytest.approx(expected, rel=1e-9)


def test_collapses_in_null_agree_with_the_sum_of_the_hazard() -> None:
    # see the same law of the default world; on the day of another exit a truce can
    # no more collapse
    made = of("null")
    days = made.hazard.join(made.truces, on="truce_id")
    gone = pl.col("end_reason").cast(pl.String).is_in(["other", "unclear"])
    hazard = days.filter(~(gone & (pl.col("date") == END)))["hazard"]
    collapses = (made.truces["end_reason"] == "collapsed").sum()
    variance = (hazard * (1 - hazard)).sum()
    assert abs(collapses - hazard.sum()) < 3 * math.sqrt(variance)


def test_in_null_every_threshold_is_five_and_deaths_in_the_window_never_fall() -> None:
    made = of("null")
    rows, _ = panel(made.truces, made.events, made.covered_through, resumption)
    assert rows["threshold"].unique().to_list() == [5.0]
    pairs = rows.select("truce_id", "dyad_id", "start", "origin").join(
        made.events.select("dyad_id", "date", "deaths"), on="dyad_id"
    )
    recent = pl.col("date") >= pl.col("origin") - timedelta(29)
    inside = (pl.col("date") > START) & recent & (pl.col("date") < pl.col("origin"))
    sums = (
        pairs.group_by("truce_id", "origin")
        .agg(pl.col("deaths").filter(inside).sum())
        .sort("truce_id", "origin")
    )
    assert set(sums["deaths"]) == {0, 1, 2}
    steps = sums.select(pl.col("deaths").diff().over("truce_id"))
    assert steps["deaths"].drop_nulls().min() == 0


def test_changing_is_rich_until_it_flips() -> None:
    rich, changing = of("rich"), of("changing")
    columns = ["dyad_id", "kind", "date", "deaths", "actor_a"]
    before = [
        made.events.filter(PARTIES, pl.col("date") < FLIP).select(columns)
        for made in (rich, changing)
    ]
    assert_frame_equal(*before)
    since = [
        made.events.filter(PARTIES, pl.col("date") >= FLIP).select(columns)
        for made in (rich, changing)
    ]
    assert not since[0].equals(since[1])


counts = st.floats(0, 20)


@given(
    st.sampled_from([*DRIVERS, "filled", "age"]),
    st.lists(counts, min_size=8, max_size=8),
    st.floats(0.1, 20),
    st.booleans(),
)
def test_each_driver_moves_the_hazard_as_said_and_turns_round(
    driver: str, values: list[float], more: float, flipped: bool
) -> None:
    inputs = dict(zip([*DRIVERS, "filled", "age"], values, strict=True))

    def hazard(of: dict[str, float]) -> float:
        events = {name: of[name] for name in DRIVERS}
        return float(decisive_hazard(events, of["filled"], of["age"], flipped))

    low, high = hazard(inputs), hazard(inputs | {driver: inputs[driver] + more})
    sign = -1 if driver in ("talks", "age") else 1
    sign *= -1 if flipped and driver in DRIVERS else 1
    assert 0 < min(low, high) <= max(low, high) <= CAP
    assert sign * (high - low) >= 0
    if max(low, high) < CAP:
        assert high != low


@given(st.integers(0, 4), st.integers(1, 365))
def test_the_hazard_of_null_rises_with_deaths_and_falls_with_age(
    deaths: int, age: int
) -> None:
    here = null_hazard(deaths, age)
    assert 0 < null_hazard(deaths, age + 1) <= here <= null_hazard(deaths + 1, age)
    assert here <= CAP


def test_usual_values_are_those_of_truces() -> None:
    """So that turning the relations round leaves the hazard where it was, on average.

    Counts of strikes, offensives, threats and talks, in ten worlds of truces at once.
    """
    made = world(seed=9, conflicts=40, years=10, kind="rich")
    days = made.hazard.join(made.truces, on="truce_id").sample(300, seed=1)
    happened = made.events.select("dyad_id", "kind", on="date")
    past = days.join(happened, on="dyad_id").filter(pl.col("on") < pl.col("date"))
    ago = (pl.col("date") - pl.col("on")).dt.total_days()
    for kind in ("strike", "offensive", "threat", "talks"):
        sums = (
            past.filter(kind=kind)
            .group_by("truce_id", "date")
            .agg(n=(0.5 ** (ago / 14)).sum())
        )
        counted = days.join(sums, on=["truce_id", "date"], how="left")
        mean = np.log1p(counted["n"].fill_null(0).to_numpy()).mean()
        assert mean == pytest.approx(DRIVERS[kind][1], abs=0.1)


def test_every_kind_is_named() -> None:
    assert set(KINDS) == {"default", *OTHERS}
