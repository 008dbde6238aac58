"""Folds cut the calendar once, and leave nothing over."""

from datetime import date, timedelta
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.collapse import resumption
from forecast.panel import censor, panel
from forecast.schema import Panel
from forecast.simulated import World
from forecast.split import Fold, LastFold, Once, Rolling, Unseen, overlaps

days = st.dates(date(1996, 1, 1), date(2030, 12, 31))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(days, days, st.integers(1, 40), st.lists(days, max_size=20))
def test_every_day_from_the_first_cutoff_on_lies_in_one_fold(
    a: date, b: date, months: int, origins: list[date]
) -> None:
    first, last = min(a, b), max(a, b)
    folds = Rolling(first, months).folds(last)
    assert folds == Rolling(first.isoformat(), months).folds(last)
    assert folds[0].cutoff == first
    assert folds[-1].end is None
    assert [fold.end for fold in folds[:-1]] == [fold.cutoff for fold in folds[1:]]
    assert all(fold.cutoff <= last for fold in folds)
    assert all(fold.end > fold.cutoff for fold in folds[:-1] if fold.end)
    for origin in origins:
        holding = [
            f for f in folds if f.cutoff <= origin and origin < (f.end or date.max)
        ]
        assert len(holding) == (origin >= first)


def test_annual_cutoffs_lie_on_new_year_s_day() -> None:
    folds = Rolling("1996-01-01").folds(date(1998, 1, 1))
    assert folds == [
        Fold(date(1996, 1, 1), date(1997, 1, 1)),
        Fold(date(1997, 1, 1), date(1998, 1, 1)),
        Fold(date(1998, 1, 1), None),
    ]
    assert len(Rolling("1996-01-01").folds(date(1997, 12, 31))) == 2


def test_cutoffs_at_the_end_of_a_month() -> None:
    cutoffs = [f.cutoff for f in Rolling("2015-12-31", 1).folds(date(2016, 4, 1))]
    assert cutoffs == [
        date(2015, 12, 31),
        date(2016, 1, 31),
        date(2016, 2, 29),
        date(2016, 3, 31),
    ]


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (Rolling("2020-01-01"), "after the last day"),
        (Rolling("2010-01-01", 0), "months=0"),
        (Rolling("spring"), "spring"),
        (Rolling("2010-01-01", gap_days=-1), "gap_days=-1"),
        (Rolling("2010-01-01", window_months=0), "window_months=0"),
        (LastFold(0), "months=0"),
        (Once("2020-01-01"), "after the last day"),
        (Once("2010-01-01", "2010-01-01"), "end=2010-01-01; expected a day after"),
        (Unseen("truce_id", "2010-01-01"), "by=truce_id"),
        (Unseen("dyad_id", "2010-01-01", parts=1), "parts=1"),
    ],
)
def test_what_cannot_be_cut_is_refused(split: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split.folds(date(2019, 12, 31))


@pytest.fixture(scope="module")
def rows(world: World) -> dy.DataFrame[Panel]:
    return panel(world.truces, world.events, world.covered_through, resumption)[0]


SPLITS = [
    Rolling("2004-01-01"),
    Rolling("2004-01-01", 6, gap_days=90, window_months=24),
    LastFold(18),
    Once("2004-01-01"),
    Unseen("dyad_id", "2004-01-01"),
    Unseen("conflict_id", "2004-01-01", gap_days=30, parts=3),
    Unseen("country", "2004-01-01", parts=2),
]


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_every_origin_from_the_first_cutoff_on_is_forecast_once(
    split: Any, rows: dy.DataFrame[Panel], world: World
) -> None:
    folds = split.folds(world.covered_through)
    first = min(fold.cutoff for fold in folds)
    tested = pl.concat([fold.test(rows) for fold in folds])
    wanted = rows.filter(pl.col("origin") >= first)
    assert tested.sort("truce_id", "origin").equals(wanted)


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_training_ends_where_its_windows_were_knowable(
    split: Any, rows: dy.DataFrame[Panel], world: World
) -> None:
    for fold in split.folds(world.covered_through):
        train = fold.train(censor(rows, fold.known))
        last = pl.col("origin") + pl.duration(days=pl.col("duration") - 1)
        gap = timedelta(days=fold.gap_days)
        assert (train.select(last).to_series() < fold.cutoff - gap).all()
        if fold.since:
            assert (train["origin"] >= fold.since).all()


@pytest.mark.parametrize("by", ["dyad_id", "conflict_id", "country"])
def test_no_fold_learns_from_a_group_that_it_forecasts(
    by: str, rows: dy.DataFrame[Panel], world: World
) -> None:
    folds = Unseen(by, "2004-01-01", parts=4).folds(world.covered_through)
    learned = 0
    for fold in folds:
        train, test = fold.train(censor(rows, fold.known)), fold.test(rows)
        assert not set(train[by]) & set(test[by])
        learned += train.height
    # each row is learned from by all parts but its own
    assert learned == sum(3 * censor(rows, f.known).height for f in folds[::4])


def test_a_row_without_a_country_is_held_out_with_its_dyad() -> None:
    days = {"origin": [date(2010, 1, 1)] * 2, "country": [None, None]}
    frame = pl.DataFrame(days | {"dyad_id": ["a", "b"]}).cast({"country": pl.String})
    folds = Unseen("country", "2010-01-01", parts=2).folds(date(2010, 6, 1))
    assert sum(fold.test(frame).height for fold in folds) == 2
    assert all(
        fold.train(frame).height + fold.test(frame).height == 2 for fold in folds
    )


def test_a_dyad_of_two_countries_is_held_out_of_both() -> None:
    """Israel and Hezbollah had truces in Lebanon, then in Israel."""
    days = [date(2009, 3, 1)] * 3 + [date(2010, 3, 1)] * 2
    frame = pl.DataFrame(
        {
            "truce_id": list("vwxyz"),
            "origin": days,
            "duration": [9] * 5,
            "dyad_id": ["1", "2", "3", "1", "2"],
            "country": ["Lebanon", "Lebanon", "Israel", "Israel", "Lebanon"],
        }
    )
    past = frame.filter(pl.col("origin") < date(2010, 1, 1))
    folds = Unseen("country", "2010-01-01").folds(date(2010, 6, 1))
    for fold in folds:
        test = fold.test(frame)
        if not test.height:
            continue
        train = fold.train(past, test)
        assert not set(train["dyad_id"]) & set(test["dyad_id"])
        assert overlaps(fold, train, test) == []
        # without a look at the test rows it would be learned from
        known = "1" in test["dyad_id"]
        assert bool(overlaps(fold, fold.train(past), test)) is known
        assert train["truce_id"].to_list() == (["w"] if known else ["x"])
