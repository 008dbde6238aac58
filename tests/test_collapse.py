"""The rules and the follow-up against plain loops and cases."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day, event_rows, events, last_day, truces

from forecast.collapse import (
    declared,
    first_fatal,
    follow_up,
    followed,
    resumption,
    threshold,
    violations,
)
from forecast.panel import panel
from forecast.schema import Events

series = st.lists(event_rows(first=-100, last=120, deaths=15), max_size=40)
SLOW = {"deadline": None, "derandomize": True}


def before(rows: list[Row], start: date, days: int) -> list[Row]:
    """Versions of events before the start, as of the morning after it."""
    morning = start + timedelta(days=1)
    return [
        row
        for row in rows
        if row["dyad_id"] == "d1"
        and start - timedelta(days=days) <= last_day(row) < start
        and row["known_from"] <= morning
        and (row["known_until"] is None or row["known_until"] > morning)
    ]


def level_of(rows: list[Row], start: date, days: int, per: int) -> float:
    return sum(row["deaths"] or 0 for row in before(rows, start, days)) * per / days


def breaks(rows: list[Row], start: date, window: int, threshold: float) -> date | None:
    """Day by day: the first on which the window since the start is full enough."""
    for age in range(1, 160):
        today = start + timedelta(days=age)
        first = max(start + timedelta(days=1), today - timedelta(days=window - 1))
        deaths = sum(
            row["deaths"] or 0
            for row in rows
            if row["dyad_id"] == "d1"
            and row["known_until"] is None
            and first <= last_day(row) <= today
        )
        if deaths >= threshold:
            return today
    return None


@settings(max_examples=80, **SLOW)
@given(
    rows=series,
    window=st.sampled_from([1, 7, 30]),
    share=st.sampled_from([0.1, 0.5, 1.5]),
    floor=st.sampled_from([1, 5, 25]),
    days=st.sampled_from([30, 90]),
)
def test_resumption_is_the_plain_loop(
    rows: list[Row], window: int, share: float, floor: float, days: int
) -> None:
    starts = [0, 10]
    found = resumption(
        truces([{"start": day(s)} for s in starts]),
        events(rows),
        window_days=window,
        share=share,
        floor=floor,
        before_days=days,
    )
    assert found["truce_id"].to_list() == ["t0", "t1"]
    for start, row in zip(starts, found.iter_rows(named=True), strict=True):
        level = level_of(rows, day(start), days, window)
        assert row["level"] == level
        assert row["threshold"] == max(floor, share * level)
        assert row["collapse"] == breaks(rows, day(start), window, row["threshold"])


@settings(max_examples=40, **SLOW)
@given(series)
def test_first_fatal_is_the_plain_loop(rows: list[Row]) -> None:
    found = first_fatal(truces([{"start": day(0)}]), events(rows)).row(0, named=True)
    assert found["threshold"] == 1
    assert found["level"] == level_of(rows, day(0), 90, 30)
    assert found["collapse"] == breaks(rows, day(0), 1, 1)


@settings(max_examples=40, **SLOW)
@given(series, st.sampled_from([1, 25]))
def test_threshold_is_the_plain_loop(rows: list[Row], deaths: int) -> None:
    records = truces([{"start": day(0)}])
    found = threshold(records, events(rows), deaths=deaths, window_days=7)
    assert found.row(0, named=True) == {
        "truce_id": "t0",
        "level": level_of(rows, day(0), 90, 7),
        "threshold": deaths,
        "collapse": breaks(rows, day(0), 7, deaths),
    }


@settings(max_examples=40, **SLOW)
@given(series, st.sampled_from([1, 3]))
def test_violations_are_the_plain_loop(rows: list[Row], floor: int) -> None:
    """Breaches of the parties, each for one death; without a dyad by their names."""
    pair = {"Gov", "Reb"}
    acts = [
        row | {"deaths": 1, "dyad_id": "d1"}
        for row in rows
        if row["kind"] in ("violation", "strike")
        and (
            row["dyad_id"] == "d1"
            or (row["dyad_id"] is None and {row["actor_a"], row["actor_b"]} == pair)
        )
    ]
    found = violations(
        truces([{"start": day(0)}]),
        events(rows),
        kinds=["violation", "strike"],
        window_days=7,
        floor=floor,
    ).row(0, named=True)
    assert found["level"] == level_of(acts, day(0), 90, 7)
    assert found["threshold"] == max(floor, found["level"] / 2)
    assert found["collapse"] == breaks(acts, day(0), 7, found["threshold"])


ENDS: dict[str, tuple[Row, date | None, date | None]] = {
    # recorded end -> collapse, day after which the record cannot tell
    "none": ({}, None, None),
    "collapsed": ({"end": day(9), "end_reason": "collapsed"}, day(9), None),
    "collapsed some month": (
        {"end": day(31), "end_reason": "collapsed", "end_precision": "month"},
        None,
        day(31),
    ),
    "collapsed on its first day": (
        {"end": day(0), "end_reason": "collapsed"},
        None,
        day(0),
    ),
    "expired": ({"end": day(9), "end_reason": "expired"}, None, None),
    "renewed": ({"end": day(9), "end_reason": "renewed"}, None, day(9)),
    "renewed before": ({"end": day(-9), "end_reason": "renewed"}, None, None),
}


@pytest.mark.parametrize("case", ENDS)
def test_declared_reads_the_record(case: str) -> None:
    end, collapse, lost = ENDS[case]
    coded = events([{"date": day(3), "dyad_id": "d1", "deaths": 900}])
    found = declared(truces([{"start": day(0), **end}]), coded).row(0, named=True)
    assert (found["collapse"], found["lost"]) == (collapse, lost)
    assert found["threshold"] == 5


@pytest.mark.parametrize("case", ENDS)
def test_the_panel_ends_where_the_record_cannot_tell(case: str) -> None:
    end, collapse, lost = ENDS[case]
    records = truces([{"start": day(0), **end}])
    rows = panel(records, events([]), day(100), declared, min_events=0)[0]
    last = rows["origin"] + pl.duration(days=rows["duration"] - 1)
    reached = pl.select(last).to_series().unique().to_list()
    left = day(9) if case == "expired" else None
    if lost == day(0):
        assert not rows.height
        return
    assert reached == [collapse or left or lost or day(100)]
    kinds = {True: [1], False: [2] if left else [0]}
    assert rows["event"].unique().to_list() == kinds[collapse is not None]


@settings(max_examples=30, **SLOW)
@given(series, st.permutations(range(4)))
def test_rules_do_not_depend_on_order_or_company(
    rows: list[Row], order: list[int]
) -> None:
    records = truces([{"start": day(s), "dyad_id": "d1"} for s in (0, 3, 20, 40)])
    coded = events(rows)
    mixed = Events.cast(coded.sample(fraction=1, shuffle=True, seed=3))
    for rule in (resumption, first_fatal, threshold, violations, declared):
        together = rule(records, coded)
        assert_frame_equal(rule(records[order], mixed), together[order])
        alone = [rule(records[[i]], coded) for i in range(4)]
        assert_frame_equal(pl.concat(alone), together, check_exact=True)


@pytest.mark.parametrize("deaths", [30, 60, 120, 126, 186, 240, 372])
@pytest.mark.parametrize("company", [1, 2, 5])
def test_half_the_level_is_reached_to_the_death(deaths: int, company: int) -> None:
    """A sixth of what 90 days held; 186 / 90 * 30 / 2 is a bit more than 31."""
    ids = [f"d{i}" for i in range(company)]
    records = truces([{"start": day(0), "dyad_id": dyad} for dyad in ids])
    for extra, breaks_on in ((0, day(5)), (-1, None)):
        coded = events(
            [{"date": day(-3), "dyad_id": dyad, "deaths": deaths} for dyad in ids]
            + [
                {"date": day(5), "dyad_id": dyad, "deaths": deaths // 6 + extra}
                for dyad in ids
            ]
        )
        found = resumption(records, coded, floor=1)["collapse"]
        assert found.to_list() == [breaks_on] * company


def test_the_start_itself_belongs_to_neither_side() -> None:
    coded = events([{"date": day(0), "dyad_id": "d1", "deaths": 99}])
    found = resumption(truces([{"start": day(0)}]), coded).row(0, named=True)
    assert (found["level"], found["threshold"], found["collapse"]) == (0, 5, None)


def test_a_later_revision_moves_the_collapse_but_not_the_level() -> None:
    version = {"event_id": "x", "date": day(-9), "dyad_id": "d1"}
    replaced = {"deaths": 90, "known_until": day(50)}
    rows = [version | replaced, version | {"deaths": 900, "known_from": day(50)}]
    after = {"event_id": "y", "date": day(4), "dyad_id": "d1"}
    rows += [after | {"deaths": 99, "known_until": day(30)}]
    rows += [after | {"deaths": 2, "known_from": day(30)}]
    found = resumption(truces([{"start": day(0)}]), events(rows)).row(0, named=True)
    assert (found["level"], found["threshold"], found["collapse"]) == (30, 15, None)


COVERED = day(200)
RECORDS: dict[str, tuple[Row, date, bool, date]] = {
    # recorded end -> last day of follow-up, whether by an exit, last origin
    "none": ({}, COVERED, False, COVERED),
    "expired": ({"end": day(30), "end_reason": "expired"}, day(30), True, day(30)),
    "other": ({"end": day(30), "end_reason": "other"}, day(30), True, day(30)),
    "on the day it began": (
        {"end": day(0), "end_reason": "expired"},
        day(0),
        True,
        day(0),
    ),
    "expired some month": (
        {"end": day(31), "end_precision": "month", "end_reason": "expired"},
        day(31),
        False,
        day(31),
    ),
    "other, some year": (
        {"end": day(31), "end_precision": "year", "end_reason": "other"},
        day(31),
        False,
        day(31),
    ),
    "unclear": ({"end": day(30), "end_reason": "unclear"}, day(30), False, day(30)),
    "unclear, some month": (
        {"end": day(31), "end_precision": "month", "end_reason": "unclear"},
        day(31),
        False,
        day(31),
    ),
    "ongoing at": ({"end": day(30), "end_reason": "ongoing"}, day(30), False, day(30)),
    "collapsed": ({"end": day(30), "end_reason": "collapsed"}, COVERED, False, COVERED),
    "renewed": ({"end": day(30), "end_reason": "renewed"}, COVERED, False, day(30)),
    "renewed some month": (
        {"end": day(31), "end_precision": "month", "end_reason": "renewed"},
        COVERED,
        False,
        COVERED,
    ),
    "before it began": (
        {"end": day(-1), "end_precision": "month", "end_reason": "other"},
        COVERED,
        False,
        COVERED,
    ),
    "renewed before it began": (
        {"end": day(-1), "end_reason": "renewed"},
        COVERED,
        False,
        COVERED,
    ),
    "on the last day of the data": (
        {"end": COVERED, "end_reason": "expired"},
        COVERED,
        False,
        COVERED,
    ),
    "after the data": (
        {"end": day(250), "end_reason": "other"},
        COVERED,
        False,
        COVERED,
    ),
}


@pytest.mark.parametrize("case", RECORDS)
def test_follow_up(case: str) -> None:
    record, until, leaves, last_origin = RECORDS[case]
    found = follow_up(one := truces([{"start": day(0), **record}]), one, COVERED)
    assert found.row(0) == ("t0", until, leaves, last_origin)


@pytest.mark.parametrize(
    ("later", "last_origin"),
    [
        ({"start": day(20)}, day(19)),
        ({"start": day(1)}, day(0)),
        ({"start": day(0)}, COVERED),
        ({"start": day(-5)}, COVERED),
        ({"start": day(20), "dyad_id": "d2"}, COVERED),
        ({"start": day(20), "partial": True}, COVERED),
        ({"start": day(20), "partial": None}, day(19)),
        ({"start": day(20), "start_precision": "month"}, COVERED),
    ],
)
def test_the_next_truce_ends_origins_and_not_follow_up(
    later: Row, last_origin: date
) -> None:
    kept, records = truces([{"start": day(0)}]), truces([{"start": day(0)}, later])
    assert follow_up(kept, records, COVERED).row(0) == (
        "t0",
        COVERED,
        False,
        last_origin,
    )


def test_partial_truces_are_next_truces_where_they_are_followed() -> None:
    records = truces([{"start": day(0)}, {"start": day(20), "partial": True}])
    found = follow_up(records, records, COVERED, whole_zone=False)
    assert found["last_origin"].to_list() == [day(19), COVERED]


FIVE = [{"date": day(-d), "dyad_id": "d1"} for d in (1, 2, 3, 45, 90)]


@pytest.mark.parametrize(
    ("truce", "coded", "reason"),
    [
        ({}, FIVE, None),
        ({"partial": False}, FIVE, None),
        ({}, FIVE[:4], "fewer than 5 events of the dyad in the 90 days before"),
        ({}, [*FIVE[:4], {"date": day(-91), "dyad_id": "d1"}], "fewer than 5"),
        ({}, [*FIVE[:4], {"date": day(0), "dyad_id": "d1"}], "fewer than 5"),
        ({}, [*FIVE[:4], FIVE[4] | {"known_from": day(2)}], "fewer than 5"),
        ({"partial": True}, FIVE, "partial"),
        ({"dyad_id": None}, FIVE, "dyad not known"),
        ({"start_precision": "month"}, FIVE, "start not known to the day"),
        ({"start": None}, FIVE, "start not known to the day"),
        ({"start": None, "partial": True, "dyad_id": None}, FIVE, "start not known"),
    ],
)
def test_which_truces_are_followed(
    truce: dict[str, Any], coded: list[Row], reason: str | None
) -> None:
    kept, left_out = followed(truces([{"start": day(0), **truce}]), events(coded))
    assert kept.height + left_out.height == 1
    said = left_out["reason"].to_list()
    assert said == [] if reason is None else said[0].startswith(reason)


def test_settings_let_more_truces_in() -> None:
    rough = truces(
        [
            {"start": day(0), "start_precision": "month"},
            {"start": day(0), "partial": True},
            {"start": day(0)},
        ]
    )
    loose = {"min_events": 0, "exact_start": False, "whole_zone": False}
    assert followed(rough, events([]), **loose)[0].height == 3
    assert followed(rough, events([]), min_events=0)[0]["truce_id"].to_list() == ["t2"]
