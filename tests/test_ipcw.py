"""Censoring weights: bookkeeping, an independent oracle, and the bias they repair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from forecast.ipcw import Target, censoring_survival, followed, target, weights

rows = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), min_size=1)
targets = rows.map(lambda pairs: target(*zip(*pairs, strict=True)))
horizons = st.integers(1, 45)


def world(n: int, seed: int = 3) -> tuple[Target, float, int]:
    """Collapses at a constant hazard under uniform censoring, and the true risk."""
    hazard, horizon = 0.01985, 30
    rng = np.random.default_rng(seed)
    collapse, seen = rng.geometric(hazard, n), rng.integers(1, 61, n)
    y = target(collapse <= seen, np.minimum(collapse, seen))
    return y, 1 - (1 - hazard) ** horizon, horizon


def test_dropping_unknown_rows_is_biased_and_weighting_is_not():
    y, truth, horizon = world(40_000)
    outcome, weight = weights(y, horizon)
    known = weight > 0
    assert truth == pytest.approx(0.452, abs=0.001)
    assert outcome[known].mean() == pytest.approx(0.56, abs=0.01)
    assert np.average(outcome[known], weights=weight[known]) == pytest.approx(
        truth, abs=0.01
    )


def test_no_weight_mends_a_horizon_that_nobody_was_followed_through():
    y, _, _ = world(4_000)
    outcome, weight = weights(y, 90)
    assert np.average(outcome[weight > 0], weights=weight[weight > 0]) == 1
    assert not followed(y, 90)
    assert followed(y, 60)


@given(targets, horizons)
def test_weights_of_rows_that_were_followed_stand_for_all(y, horizon):
    if followed(y, horizon):
        assert weights(y, horizon)[1].sum() == pytest.approx(len(y), abs=1e-9)
    else:
        assert (weights(y, horizon)[1] == 0).any()


def test_exits_weighted_mean_is_the_cumulative_incidence():
    rng = np.random.default_rng(8)
    n, horizon = 40_000, 20
    collapse, leave = rng.geometric(0.03, n), rng.geometric(0.02, n)
    seen = rng.integers(1, 41, n)
    first = np.minimum(collapse, leave)
    event = np.where(first > seen, 0, np.where(collapse <= leave, 1, 2))
    outcome, weight = weights(target(event, np.minimum(first, seen)), horizon)
    stays = 0.97 * 0.98
    truth = 0.03 * (1 - stays**horizon) / (1 - stays)
    assert (weight @ np.nan_to_num(outcome)) / n == pytest.approx(truth, abs=0.01)


@given(targets)
def test_survival_agrees_with_lifelines(y):
    # Events come before censoring on the same day: censoring is half a day later.
    censored = y["event"] == 0
    oracle = KaplanMeierFitter().fit(y["duration"] + 0.5 * censored, censored)
    days = np.arange(1, y["duration"].max() + 1)
    expected = oracle.survival_function_at_times(days).to_numpy()
    np.testing.assert_allclose(censoring_survival(y)(days), expected, atol=1e-12)


@given(targets, horizons)
def test_weights_stand_for_every_row(y, horizon):
    outcome, weight = weights(y, horizon)
    if (y["duration"] >= horizon).any():
        assert weight.sum() == pytest.approx(len(y), abs=1e-9)
    else:
        assert weight.sum() <= len(y) + 1e-9
    assert ((weight == 0) == np.isnan(outcome)).all()
    assert (weight[weight > 0] >= 1 - 1e-12).all()
    assert np.isfinite(weight).all()


@given(targets, horizons)
def test_outcome_is_as_defined(y, horizon):
    outcome, _ = weights(y, horizon)
    for (event, duration), found in zip(y.tolist(), outcome, strict=True):
        if event == 0 and duration < horizon:
            assert np.isnan(found)
        else:
            assert found == (event == 1 and duration <= horizon)


@given(targets, horizons)
def test_without_censoring_all_weigh_one(y, horizon):
    y["event"] = np.maximum(y["event"], 1)
    outcome, weight = weights(y, horizon)
    assert (weight == 1).all()
    assert not np.isnan(outcome).any()


@given(targets, st.randoms(use_true_random=False))
def test_survival_never_rises_and_ignores_row_order(y, random):
    days = np.arange(0, 60)
    survival = censoring_survival(y)(days)
    assert survival[0] == survival[1] == 1
    assert (np.diff(survival) <= 0).all()
    assert (survival > 0).all()
    order = list(range(len(y)))
    random.shuffle(order)
    np.testing.assert_array_equal(censoring_survival(y[order])(days), survival)


@given(targets, targets, horizons)
def test_a_reference_gives_the_censoring(y, reference, horizon):
    outcome, weight = weights(y, horizon, reference)
    known = ~np.isnan(outcome)
    expected = 1 / censoring_survival(reference)(np.minimum(y["duration"], horizon))
    np.testing.assert_allclose(weight, np.where(known, expected, 0))


def test_collapse_and_censoring_on_one_day():
    # Three rows; on day 2 one collapses, then one is lost of the two that remain.
    y = target([1, 0, 0], [2, 2, 9])
    assert censoring_survival(y)([2, 3]).tolist() == [1.0, 0.5]
    assert weights(y, 2)[1].tolist() == [1.0, 1.0, 1.0]
    assert weights(y, 3)[1].tolist() == [1.0, 0.0, 2.0]


def test_no_rows_give_no_weights():
    outcome, weight = weights(target([], []), 30)
    assert outcome.shape == weight.shape == (0,)


@pytest.mark.parametrize(
    ("event", "duration", "horizon", "complaint"),
    [(3, 5, 7, "event"), (1, 0, 7, "duration"), (1, 5, 0, "horizon")],
)
def test_malformed_input_is_refused(event, duration, horizon, complaint):
    with pytest.raises(ValueError, match=complaint):
        weights(target([event], [duration]), horizon)
