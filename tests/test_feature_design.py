"""What was agreed, the clock of the truce and the feasts, against plain loops."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Row, day, events, truces

from forecast.collapse import resumption
from forecast.features.design import CODED, design, islamic
from forecast.panel import panel
from forecast.schema import FIRST, LAST, Panel
from forecast.simulated import World
from forecast.truces.ethprio import PURPOSES

NONE = events([])


def one(start: date, age: int, **agreed: Any) -> Row:
    """Design of one truce at an age."""
    table = truces([{"start": start, **agreed}])
    at = start + timedelta(days=age)
    rows, _ = panel(
        table, NONE, at, resumption, min_events=0, max_age_days=9999, as_of=at
    )
    frame = design(rows, NONE, table).drop("truce_id", "origin")
    found: Row = frame.row(0, named=True)
    return found


def test_it_says_what_was_agreed() -> None:
    agreed = {"side": "bilateral", "class": "definitive", "written": True}
    agreed |= {"mediated": False, "term_days": 7, "purposes": ["holiday"]}
    found = one(day(100), 10, **agreed)
    # 11 April 2020
    assert found == {
        "design_unilateral": False,
        "design_bilateral": True,
        "design_multilateral": False,
        "design_cessation": False,
        "design_preliminary": False,
        "design_definitive": True,
        "design_for_humanitarian": False,
        "design_for_peace_process": False,
        "design_for_holiday": True,
        "design_for_election": False,
        "design_for_other": False,
        "design_written": True,
        "design_mediated": False,
        "design_enforced": None,
        "design_ends_7d": False,
        "design_ends_14d": False,
        "design_ends_30d": False,
        "design_ends_90d": False,
        "design_mark_7d": False,
        "design_christmas_14d": False,
        "design_eid_14d": False,
        "design_term_days": 7,
        "design_days_left": -3,
    }


def test_it_is_null_where_nobody_knows() -> None:
    known = {name for name, value in one(day(100), 10).items() if value is not None}
    assert known == {"design_mark_7d", "design_christmas_14d", "design_eid_14d"}


@pytest.mark.parametrize(
    ("purposes", "holiday"),
    [
        ([], None),
        (["unclear"], None),
        (["unclear", "holiday"], True),
        (["other"], False),
        # a word of another source is a purpose too
        (["withdrawal"], False),
    ],
)
def test_an_unclear_purpose_is_not_known(purposes: list[str], holiday: Any) -> None:
    assert one(day(0), 1, purposes=purposes)["design_for_holiday"] is holiday


def test_every_purpose_that_the_records_name_has_a_column() -> None:
    for word in set(PURPOSES.values()) - {"unclear"}:
        name = f"design_for_{word.replace(' ', '_')}"
        found = one(day(0), 1, purposes=[word])
        assert found[name] is True
        assert sum(v is True for n, v in found.items() if "_for_" in n) == 1
    assert set(CODED) == set(PURPOSES.values()) - {"unclear"}


DAYS = st.dates(date(1989, 1, 1), date(2030, 12, 31))


@given(DAYS, st.integers(1, 800), st.none() | st.integers(0, 800))
def test_the_clock_is_the_plain_loop_over_the_days_ahead(
    start: date, age: int, term: int | None
) -> None:
    found = one(start, age, term_days=term)
    origin = start + timedelta(days=age)
    ahead = [origin + timedelta(days=n) for n in range(90)]
    ages = [(d - start).days for d in ahead]
    last = None if term is None else start + timedelta(days=term - 1)
    for within in (7, 14, 30, 90):
        expected = None if last is None else last in ahead[:within]
        assert found[f"design_ends_{within}d"] is expected
    assert found["design_mark_7d"] is any(a % 30 == 0 for a in ages[:7])
    christmas = any((d.month, d.day) in {(12, 25), (1, 1)} for d in ahead[:14])
    assert found["design_christmas_14d"] is christmas


def test_a_term_runs_out_on_its_last_day() -> None:
    """A truce of a week from the first on ends with the seventh."""
    first = date(2020, 6, 1)
    assert one(first, 6, term_days=7)["design_days_left"] == 1
    assert one(first, 6, term_days=7)["design_ends_7d"] is True
    assert one(first, 7, term_days=7)["design_days_left"] == 0
    assert one(first, 7, term_days=7)["design_ends_7d"] is False


#: years of 355 days in each 30
LEAP = {2, 5, 7, 10, 13, 16, 18, 21, 24, 26, 29}


def months() -> dict[tuple[int, int], date]:
    """First day of every month of the tabular calendar, counted from its first."""
    first, found = date(622, 7, 19), {}
    for year in range(1, 1550):
        for month in range(1, 13):
            found[year, month] = first
            leap = month == 12 and year % 30 in LEAP
            first += timedelta(days=30 if month % 2 or leap else 29)
    return found


MONTHS = months()


def test_the_islamic_calendar_is_the_plain_count_of_its_months() -> None:
    for (year, month), first in MONTHS.items():
        assert islamic(year, month, 1) == first


#: Eid al-Fitr and Eid al-Adha as they were kept in Mecca
KEPT = {
    1431: (date(2010, 9, 10), date(2010, 11, 16)),
    1434: (date(2013, 8, 8), date(2013, 10, 15)),
    1437: (date(2016, 7, 6), date(2016, 9, 12)),
    1439: (date(2018, 6, 15), date(2018, 8, 21)),
    1442: (date(2021, 5, 13), date(2021, 7, 20)),
    1445: (date(2024, 4, 10), date(2024, 6, 16)),
}


@pytest.mark.parametrize("year", KEPT)
def test_an_eid_is_within_a_day_of_the_one_that_was_kept(year: int) -> None:
    fitr, adha = KEPT[year]
    assert abs((islamic(year, 10, 1) - fitr).days) <= 1
    assert abs((islamic(year, 12, 10) - adha).days) <= 1


@given(st.dates(FIRST, LAST - timedelta(days=1)))
def test_an_eid_ahead_is_one_of_the_next_days(start: date) -> None:
    found = one(start, 1)["design_eid_14d"]
    ahead = {start + timedelta(days=1 + n) for n in range(14)}
    eids = {MONTHS[year, 10] for year in range(1300, 1550)}
    eids |= {MONTHS[year, 12] + timedelta(days=9) for year in range(1300, 1550)}
    assert found is bool(ahead & eids)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("christmas", date(2019, 12, 25), date(2020, 1, 1)),
        ("eid", date(2020, 5, 24), date(2020, 5, 24)),
    ],
)
def test_a_feast_is_ahead_from_two_weeks_before_to_its_own_day(
    name: str, first: date, last: date
) -> None:
    start = date(2019, 3, 1)
    near = [first - timedelta(days=14), first - timedelta(days=13)]
    mornings = [*near, first, last, last + timedelta(days=1)]
    found = [one(start, (at - start).days)[f"design_{name}_14d"] for at in mornings]
    assert found == [False, True, True, True, False]


def test_settings_name_the_columns(world: World) -> None:
    rows, _ = panel(world.truces, world.events, world.covered_through, resumption)
    found = design(
        rows,
        NONE,
        world.truces,
        ends_within=[3],
        mark_every=365,
        mark_within=5,
        feast_within=2,
        purposes=["talks", "none at all"],
    )
    both = found.join(rows, on=["truce_id", "origin"])
    wanted = both.join(world.truces.select("truce_id", "purposes"), on="truce_id")
    some = wanted.filter(pl.col("purposes").list.len() > 0)
    talks = some["purposes"].list.contains("talks")
    assert some["design_for_talks"].equals(talks.alias("design_for_talks"))
    assert not some["design_for_none_at_all"].any()
    assert (both["design_mark_5d"] == both["age_days"].is_between(361, 365)).all()
    assert {"design_ends_3d", "design_christmas_2d", "design_eid_2d"} < {*found.columns}
    assert design(Panel.create_empty(), NONE, world.truces).height == 0
