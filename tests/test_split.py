"""Folds cut the calendar once, and leave nothing over."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.split import Fold, Rolling

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
    ],
)
def test_what_cannot_be_cut_is_refused(split: Rolling, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split.folds(date(2019, 12, 31))
