"""Steps keep what trees need of a column, and cost nothing where values are few."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from forecast.models.binned import Binned, boosted

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(2, 80))
def test_steps_keep_order_and_are_few(seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice([rng.normal(size=300), rng.integers(0, 9, 300)])[:, None]
    values[rng.random(300) < 0.1] = np.nan
    found = Binned(steps).fit_transform(values)
    assert np.array_equal(np.isnan(found), np.isnan(values))
    known = ~np.isnan(values[:, 0])
    order = np.argsort(values[known, 0], kind="stable")
    assert (np.diff(found[known, 0][order]) >= 0).all()
    assert len(np.unique(found[known])) <= steps
    # every step holds about as many rows as another, if values differ
    if len(np.unique(values[known])) == known.sum():
        counts = np.unique(found[known], return_counts=True)[1]
        assert counts.max() <= known.sum() / steps + 2


def test_few_values_make_the_trees_that_they_made_without_steps() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 40, (600, 5)).astype(float)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    outcome = (np.nan_to_num(rows[:, 0]) + rng.normal(0, 9, 600) > 25).astype(int)
    weight = 1 + rng.random(600)
    settings = {"max_iter": 20, "min_samples_leaf": 20}
    plain = HistGradientBoostingClassifier(
        max_bins=63, early_stopping=False, **settings
    )
    ours = boosted(63, **settings).fit(rows, outcome, trees__sample_weight=weight)
    theirs = plain.fit(rows, outcome, sample_weight=weight)
    expected = theirs.predict_proba(rows)[:, 1]
    assert ours.predict_proba(rows)[:, 1] == pytest.approx(expected, abs=1e-12)


def test_a_value_beyond_all_seen_is_in_the_last_step() -> None:
    fitted = Binned(3).fit(np.arange(9.0)[:, None])
    beyond = np.array([[-5.0], [1e9], [np.nan]])
    assert fitted.transform(beyond).ravel()[:2].tolist() == [0, 2]
    nothing = Binned().fit(np.full((4, 1), np.nan))
    assert np.isnan(nothing.transform(np.full((2, 1), np.nan))).all()
