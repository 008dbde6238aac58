"""What trend says, against plain loops over its definition and small cases."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from statistics import fmean, pstdev
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Change, Row, changes, day, events, may_use, truces

from forecast.collapse import resumption
from forecast.features.trend import trend
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Events, Panel, Truces
from forecast.simulated import World

RULE = partial(resumption, floor=10**6)
DAYS = 91


def lay_out(
    records: dy.DataFrame[Truces], coded: dy.DataFrame[Events]
) -> tuple[dy.DataFrame[Panel], pl.DataFrame]:
    rows, _ = panel(records, coded, day(200), RULE, min_events=0, max_age_days=90)
    return rows, linked(coded, link(records, coded))


def usable(row: Row, coded: Sequence[Row]) -> list[Row]:
    """Hostile events of the parties that an origin may use, one by one."""
    return [
        event
        for event in coded
        if event["relation"] == "party" and event["hostile"] and may_use(row, event)
    ]


def daily(mine: Sequence[Row], first: date, days: int, what: str) -> list[int]:
    """Events, or their deaths, on each of some days."""
    counts = [0] * days
    for event in mine:
        at = (event["day"] - first).days
        if 0 <= at < days:
            counts[at] += 1 if what == "events" else event["deaths"] or 0
    return counts


def cusum(counts: Sequence[int], before: int) -> tuple[Fraction, int]:
    """Page's sum day by day, in fractions: its height, and days since it was zero."""
    height, since = Fraction(0), 0
    for count in counts:
        height = max(Fraction(0), height + count - Fraction(before, 2 * DAYS))
        since = since + 1 if height else 0
    return height, since


def expected(row: Row, coded: Sequence[Row]) -> dict[str, float | int | None]:
    mine, origin, start = usable(row, coded), row["origin"], row["start"]

    def last(days: int, what: str = "events") -> list[int]:
        return daily(mine, origin - timedelta(days=days), days, what)

    found: dict[str, float | int | None] = {}
    for what, prior in (("events", 1), ("deaths", 5)):
        for short, long in ((7, 30), (30, 90)):
            unchanged = sum(last(long, what)) * short / long
            ratio = (sum(last(short, what)) + prior) / (unchanged + prior)
            found[f"trend_{what}_{short}_over_{long}d"] = math.log(ratio)
        before = daily(mine, start - timedelta(days=DAYS), DAYS, what)
        weeks = [sum(before[i : i + 7]) for i in range(0, DAYS, 7)]
        found[f"trend_before_volatility_{what}"] = (
            pstdev(weeks) / fmean(weeks) if any(weeks) else None
        )
    for days in (30, 90):
        found[f"trend_slope_{days}d"] = np.polyfit(range(days), last(days), 1)[0]
    before = daily(mine, start - timedelta(days=DAYS), DAYS, "events")
    after = daily(mine, start + timedelta(days=1), row["age_days"] - 1, "events")
    height, since = cusum(after, sum(before))
    found["trend_cusum_height"] = float(height)
    found["trend_cusum_days_since"] = since
    found["trend_cusum_worth"] = found["trend_before_slope"] = None
    if any(before):
        found["trend_cusum_worth"] = float(height / Fraction(sum(before), DAYS))
        rise = np.polyfit(range(DAYS), before, 1)[0] * DAYS
        found["trend_before_slope"] = rise / fmean(before)
    return found


def assert_the_plain_loop(
    rows: pl.DataFrame, coded: pl.DataFrame, records: Any
) -> None:
    found = trend(Panel.validate(rows), coded, records)
    plain = coded.to_dicts()
    for row, values in zip(rows.to_dicts(), found.to_dicts(), strict=True):
        said = expected(row, plain)
        assert values.keys() - row.keys() == said.keys()
        for column, value in said.items():
            if value is None or isinstance(value, int):
                assert values[column] == value, column
            else:
                assert values[column] == pytest.approx(value, abs=1e-9), column


@settings(max_examples=25)
@given(changes())
def test_the_plain_loop_under_revisions(change: Change) -> None:
    records, coded = change.truces[0], change.events[0]
    assert_the_plain_loop(*lay_out(records, coded), records)


def test_the_plain_loop_in_the_simulated_world(world: World) -> None:
    rows = panel(world.truces, world.events, world.covered_through, resumption)[0]
    coded = linked(world.events, link(world.truces, world.events))
    some = rows.gather_every(17)
    slim = coded.filter((pl.col("relation") == "party") & pl.col("hostile"))
    assert some.height > 20
    for (truce,), part in some.group_by("truce_id"):
        mine = slim.filter(pl.col("truce_id") == truce)
        assert_the_plain_loop(part.sort("origin"), mine, world.truces)


def case(days: Sequence[int], origin: int, **what: Any) -> Row:
    """A truce from day 0, events on days about it, and the features on a morning."""
    records = truces([{"start": day(0)}])
    coded = events([{"date": day(d), "dyad_id": "d1", **what} for d in days])
    rows, _ = panel(
        records, events([]), day(400), RULE, min_events=0, as_of=day(origin)
    )
    return trend(rows, linked(coded, link(records, coded)), records).to_dicts()[0]


def test_a_quiet_truce_has_no_direction() -> None:
    found = case([], 100)
    flat = {k: v for k, v in found.items() if k not in ("truce_id", "origin")}
    unknown = {k for k, v in flat.items() if v is None}
    assert unknown == {
        "trend_cusum_worth",
        "trend_before_volatility_events",
        "trend_before_volatility_deaths",
        "trend_before_slope",
    }
    assert all(flat[k] == 0 for k in flat.keys() - unknown)


def test_one_lone_event_is_no_fourfold_rise() -> None:
    lone, many = case([99], 100), case([99] * 50, 100)
    assert lone["trend_events_7_over_30d"] == pytest.approx(math.log(2 / (1 + 7 / 30)))
    # the plain ratio of rates would be 30 / 7 for both
    assert lone["trend_events_7_over_30d"] < 0.5
    assert 1.2 < many["trend_events_7_over_30d"] < math.log(30 / 7)


def test_deaths_weigh_by_their_number() -> None:
    few, many = case([99], 100, deaths=1), case([99], 100, deaths=40)
    assert 0 < few["trend_deaths_7_over_30d"] < many["trend_deaths_7_over_30d"]
    assert case([99], 100)["trend_deaths_7_over_30d"] == 0


def test_slope_of_a_steady_rise_is_its_step() -> None:
    """One event on the first of thirty days, two on the second, and so on."""
    rising = [70 + i for i in range(30) for _ in range(i + 1)]
    falling = [99 - i for i in range(30) for _ in range(i + 1)]
    assert case(rising, 100)["trend_slope_30d"] == pytest.approx(1)
    assert case(falling, 100)["trend_slope_30d"] == pytest.approx(-1)
    assert case(list(range(10, 100)), 100)["trend_slope_90d"] == 0


@pytest.mark.parametrize(
    ("after", "height", "since"),
    [
        # 91 events before the start: one a day, and a reference of half an event
        ([], 0, 0),
        # on the start itself nothing has begun
        ([0, 0, 0], 0, 0),
        ([19], 0.5, 1),
        # an event is used up in two days: on the second morning it is forgotten
        ([18], 0, 0),
        ([18, 19], 1, 2),
        # an old excursion is over, the present one began on day 15
        ([3, 3, 3, 3, 15, 15, 15], 0.5, 5),
        # all of one excursion
        ([3] * 20, 11.5, 17),
    ],
)
def test_change_point(after: list[int], height: float, since: int) -> None:
    found = case([*range(-91, 0), *after], 20)
    assert found["trend_cusum_height"] == pytest.approx(height)
    assert found["trend_cusum_worth"] == pytest.approx(height)
    assert found["trend_cusum_days_since"] == since


def test_without_violence_before_every_event_is_one_too_many() -> None:
    found = case([5, 9], 20)
    assert found["trend_cusum_height"] == 2
    assert found["trend_cusum_worth"] is None
    assert found["trend_cusum_days_since"] == 15


def test_a_sum_that_comes_to_exactly_zero_is_over() -> None:
    """49 events before: half of 49 ninety-firsts has no end in binary."""
    before = list(range(-49, 0))
    assert case([*before, *[1] * 49], 183)["trend_cusum_days_since"] == 0
    assert case([*before, *[1] * 49], 182)["trend_cusum_days_since"] == 181


@settings(max_examples=20)
@given(st.lists(st.integers(-91, 59), max_size=30), st.integers(1, 59))
def test_more_violence_never_lowers_the_sum(days: list[int], more: int) -> None:
    found, higher = case(days, 60), case([*days, more], 60)
    lift = higher["trend_cusum_height"] - found["trend_cusum_height"]
    assert -1e-9 <= lift <= 1 + 1e-9
    assert higher["trend_cusum_days_since"] >= found["trend_cusum_days_since"]


def test_the_time_before_the_start() -> None:
    steady, one_week = case(list(range(-91, 0)), 1), case([-1, -2, -2], 1)
    assert steady["trend_before_volatility_events"] == pytest.approx(0, abs=1e-9)
    assert steady["trend_before_slope"] == 0
    # all in one of 13 weeks: the highest there is
    assert one_week["trend_before_volatility_events"] == pytest.approx(math.sqrt(12))
    assert one_week["trend_before_volatility_deaths"] is None
    assert one_week["trend_before_slope"] > 5
    assert case([-91, -90], 1)["trend_before_slope"] < -5
    # the start itself, and what lies further back, are not of it
    assert case([-92, 0], 1)["trend_before_slope"] is None
