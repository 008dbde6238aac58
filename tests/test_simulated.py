"""Laws of the built-in world: what is drawn agrees with the truth it reports."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecast.events.simulated import simulated as simulated_events
from forecast.schema import Events, Truces
from forecast.simulated import (
    COEFFICIENTS,
    World,
    _world,
    collapse_hazard,
    world,
)
from forecast.simulated_process import CAP
from forecast.truces.simulated import simulated as simulated_truces

SIZE = {"conflicts": 10, "years": 8}
PARTIES = pl.col("dyad_id").str.starts_with("parties")
DRIVERS = ("strikes", "offensives", "outsiders", "talks")
counts = st.floats(0, 50)


@pytest.fixture(scope="module")
def small() -> World:
    return world(seed=1, **SIZE)


@pytest.fixture(scope="module")
def some() -> list[World]:
    return [world(seed=seed, **SIZE) for seed in (1, 2, 3)]


def in_force(truces: pl.DataFrame, through: date) -> pl.DataFrame:
    """Every truce and day from the day after the start to the recorded end."""
    return truces.select(
        "truce_id",
        date=pl.date_ranges(
            pl.col("start") + timedelta(1), pl.col("end").fill_null(through)
        ),
    ).explode("date", empty_as_null=False)


def test_the_frames_are_valid(small: World) -> None:
    assert Events.is_valid(small.events)
    assert Truces.is_valid(small.truces)
    assert small.covered_through == date(2007, 12, 31)
    assert small.events["date"].is_between(date(2000, 1, 1), date(2007, 12, 31)).all()


def test_one_seed_is_one_world(small: World) -> None:
    _world.cache_clear()
    again, other = world(seed=1, **SIZE), world(seed=2, **SIZE)
    assert again is not small
    for name in ("events", "truces", "hazard"):
        assert_frame_equal(getattr(again, name), getattr(small, name))
        assert not getattr(other, name).equals(getattr(small, name))


def test_the_sources_account_for_every_row(small: World) -> None:
    events, truces = simulated_events(1, **SIZE), simulated_truces(1, **SIZE)
    assert_frame_equal(events.frame, small.events)
    assert_frame_equal(truces.frame, small.truces)
    assert events.read == events.accepted == events.frame.height
    assert truces.read == truces.accepted == truces.frame.height
    assert events.covered_through == small.covered_through


@pytest.mark.parametrize("size", [{"conflicts": 0}, {"years": 0}])
def test_an_empty_world_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 conflict and 1 year"):
        world(**size)


@pytest.mark.parametrize(
    ("first", "last"), [(29, date(2005, 2, 27)), (1, date(2005, 1, 31))]
)
def test_a_world_may_begin_on_any_day(first: int, last: date) -> None:
    # 29 February has no anniversary in most years: the 28th stands for it
    assert world(1, 1, 1, date(2004, 2, first)).covered_through == last


def test_hazard_is_a_probability_on_exactly_the_days_in_force(small: World) -> None:
    assert small.hazard["hazard"].is_between(0, CAP).all()
    assert not small.hazard.select("truce_id", "date").is_duplicated().any()
    exact = small.truces.filter(pl.col("end_precision").ne_missing("month"))
    days = small.hazard.join(exact, on="truce_id", how="semi")
    assert_frame_equal(
        days.select("truce_id", "date"),
        in_force(exact, small.covered_through),
        check_row_order=False,
    )


def test_an_inexact_end_is_dated_the_first_of_its_month(small: World) -> None:
    vague = small.truces.filter(end_precision="month")
    last = small.hazard.group_by("truce_id").agg(pl.col("date").max())
    months = vague.join(last, on="truce_id")
    assert 0 < months.height == vague.height
    assert (months["date"].dt.month_start() == months["end"]).all()
    assert set(vague["end_reason"]) == {"unclear"}


def test_truces_of_a_dyad_do_not_overlap(small: World) -> None:
    gaps = small.truces.sort("dyad_id", "start").select(
        (pl.col("start") - pl.col("end").shift(1)).over("dyad_id")
    )
    assert gaps["start"].min() >= timedelta(30)


def test_recorded_ends_follow_their_reason(small: World) -> None:
    truces = small.truces
    assert set(truces["end_reason"]) == {
        "collapsed",
        "expired",
        "other",
        "unclear",
        "ongoing",
    }
    ran = (pl.col("end") - pl.col("start")).dt.total_days()
    expired = truces.filter(end_reason="expired")
    assert expired.select((ran == pl.col("term_days")).all()).item()
    assert truces.filter(ran > pl.col("term_days")).is_empty()
    ongoing = truces["end_reason"] == "ongoing"
    assert ongoing.equals(truces["end"].is_null())


@given(
    st.sampled_from([*DRIVERS, "age_days", "mediated", "enforcement"]),
    st.lists(counts, min_size=7, max_size=7),
    st.floats(0.1, 50),
)
def test_each_driver_moves_the_hazard_the_documented_way(
    driver: str, values: list[float], more: float
) -> None:
    names = [*DRIVERS, "age_days", "mediated", "enforcement"]
    inputs = dict(zip(names, values, strict=True))
    inputs |= {"mediated": values[5] > 25, "enforcement": values[6] > 25}
    design = driver in ("mediated", "enforcement")
    low = inputs | ({driver: False} if design else {})
    high = inputs | {driver: True if design else inputs[driver] + more}
    sign = math.copysign(1, COEFFICIENTS[driver.removesuffix("_days")])
    expected = {"strikes": 1, "offensives": 1, "outsiders": 1}.get(driver, -1)
    assert sign == expected
    before, after = collapse_hazard(**low), collapse_hazard(**high)
    assert 0 < before <= CAP
    assert sign * (after - before) >= 0
    if max(before, after) < CAP:
        assert before != after


def test_reported_hazard_is_the_function_of_what_happened_before(small: World) -> None:
    """An independent reading: plain sums over the events of each day before."""
    rows = small.hazard.sample(60, seed=0).join(small.truces, on="truce_id")
    events = small.events
    for row in rows.iter_rows(named=True):
        own = events.filter(
            pl.col("dyad_id").is_in(
                [row["dyad_id"], row["dyad_id"].replace("parties", "outsiders")]
            ),
            pl.col("date") < row["date"],
        ).with_columns(
            weight=0.5 ** ((row["date"] - pl.col("date")).dt.total_days() / 14)
        )
        sums = [
            own.filter(PARTIES, kind=kind)["weight"].sum()
            for kind in ("strike", "offensive", "talks")
        ]
        strikes, offensives, talks = sums
        expected = collapse_hazard(
            strikes,
            offensives,
            own.filter(~PARTIES)["weight"].sum(),
            talks,
            (row["date"] - row["start"]).days,
            row["mediated"],
            row["enforcement"],
        )
        assert row["hazard"] == pytest.approx(float(expected), rel=1e-9)


def test_collapses_agree_with_the_sum_of_the_hazard(some: list[World]) -> None:
    # collapses minus summed hazard is a martingale: its variance is the expected sum
    # of h (1 - h), whatever the past makes of the hazard
    excess, variance = 0.0, 0.0
    for built in some:
        hazard = built.hazard["hazard"]
        collapses = (built.truces["end_reason"] == "collapsed").sum()
        assert collapses > 20
        excess += collapses - hazard.sum()
        variance += (hazard * (1 - hazard)).sum()
    assert abs(excess) < 3.5 * math.sqrt(variance)


def test_collapses_fall_on_the_days_of_higher_hazard(small: World) -> None:
    last = small.hazard.join(
        small.truces.filter(end_reason="collapsed"),
        left_on=["truce_id", "date"],
        right_on=["truce_id", "end"],
        how="semi",
    )
    assert last["hazard"].mean() > 2 * small.hazard["hazard"].mean()


def test_a_truce_holds_violence_down_and_a_collapse_lets_it_loose(small: World) -> None:
    truces, last = small.truces, small.covered_through
    days = in_force(truces, last).join(
        truces.select("truce_id", "dyad_id", "end"), on="truce_id"
    )
    truce_days = days.filter(pl.col("date").ne_missing(pl.col("end")))
    violent = small.events.filter(PARTIES, "hostile")
    under = violent.join(truce_days, on=["dyad_id", "date"], how="semi")
    n_days = (last - date(2000, 1, 1)).days + 1
    n_other = truces["dyad_id"].n_unique() * n_days - truce_days.height
    events_ratio = under.height / (violent.height - under.height)
    assert events_ratio * n_other / truce_days.height < 0.4
    per_other_day = (violent["deaths"].sum() - under["deaths"].sum()) / n_other
    assert under["deaths"].sum() / truce_days.height < 0.25 * per_other_day
    ends = truces.filter(end_reason="collapsed").select("dyad_id", "end")
    after = ends.join(violent, on="dyad_id").filter(
        pl.col("date").is_between(pl.col("end"), pl.col("end") + timedelta(29))
    )
    assert after["deaths"].sum() / (30 * ends.height) > per_other_day


def test_truces_begin_where_violence_is_high(some: list[World]) -> None:
    """The fortnight before a truce against all the war it ended, after 30 days."""
    violent, days = np.zeros(2), np.zeros(2)
    for built in some:
        previous = {
            c: pl.col(c).shift(1).over("dyad_id") for c in ("end", "end_reason")
        }
        wars = (
            built.truces.sort("dyad_id", "start")
            .with_columns(**previous)
            .filter(pl.col("end_reason").cast(pl.String) != "other")
            .select("dyad_id", "start", since=pl.col("end") + timedelta(30))
        )
        length = (wars["start"] - wars["since"]).dt.total_days()
        days += [length.clip(0, 14).sum(), length.sum()]
        happened = (
            built.events.filter(PARTIES, "hostile")
            .join(wars, on="dyad_id")
            .filter(pl.col("date").is_between("since", "start", closed="left"))
        )
        late = pl.col("date") >= pl.col("start") - timedelta(14)
        violent += [happened.filter(late).height, happened.height]
    before, throughout = violent / days
    assert before > 1.15 * throughout


def test_strikes_and_talks_of_the_last_month_part_the_hazard(small: World) -> None:
    """A reader of the events alone sees the truth move the way it should."""
    late = small.hazard.join(small.truces.select("truce_id", "dyad_id"), on="truce_id")
    happened = small.events.filter(PARTIES, pl.col("kind").is_in(["strike", "talks"]))
    happened = happened.select("dyad_id", "kind", pl.col("date").alias("on"))
    recent = late.join(happened, on="dyad_id")
    recent = recent.filter(
        pl.col("on") < pl.col("date"), pl.col("on") >= pl.col("date") - timedelta(30)
    )
    log_hazard = np.log(late["hazard"].to_numpy())
    for kind, sign in (("strike", 1), ("talks", -1)):
        n = recent.filter(kind=kind).group_by("truce_id", "date").len()
        seen = late.join(n, on=["truce_id", "date"], how="left", maintain_order="left")
        number = np.log1p(seen["len"].fill_null(0).to_numpy())
        assert sign * np.corrcoef(number, log_hazard)[0, 1] > 0.1


def test_outsiders_fight_the_same_government_and_neighbours_neither(
    small: World,
) -> None:
    events, truce = small.events, small.truces.row(0, named=True)
    government, rebels = truce["parties"]
    here = events.filter(country=truce["country"])
    outside = here.filter(pl.col("dyad_id").str.starts_with("outsiders"))
    near = here.filter(pl.col("dyad_id").str.starts_with("neighbours"))
    assert set(outside["conflict_id"]) == {truce["conflict_id"]}
    assert outside.filter(actor_b=government).height > outside.height / 2
    assert government in outside["actor_a"]
    assert rebels not in {*outside["actor_a"], *outside["actor_b"]}
    assert truce["conflict_id"] not in near["conflict_id"]
    assert not {government, rebels} & {*near["actor_a"], *near["actor_b"]}
