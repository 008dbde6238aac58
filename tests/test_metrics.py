"""Metrics: agreement with scikit-learn, propriety, bounds, invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from forecast.metrics import (
    auroc,
    average_precision,
    brier,
    expected_observed,
    log_score,
    skill,
)

ALL = (brier, log_score, auroc, average_precision, expected_observed)
each = pytest.mark.parametrize("metric", ALL, ids=lambda f: f.__name__)
seeds = st.integers(0, 2**32 - 1)


def case(seed: int, draws: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes of both kinds, risks with many ties, weights with zeros."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 60))
    outcome = rng.integers(0, 2, n).astype(float)
    outcome[:2] = 0, 1
    risk = rng.integers(0, 11, n) / 10
    weight = rng.exponential(size=(draws, n) if draws else n)
    weight *= rng.random(weight.shape) < 0.8
    weight[..., :2] = 1
    return outcome, risk, weight


@given(seeds)
def test_agreement_with_scikit_learn(seed):
    y, p, w = case(seed)
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    expected = {
        brier: oracle.brier_score_loss(y, p, sample_weight=w),
        log_score: oracle.log_loss(y, clipped, sample_weight=w),
        auroc: oracle.roc_auc_score(y, p, sample_weight=w),
        average_precision: oracle.average_precision_score(y, p, sample_weight=w),
        expected_observed: np.average(p, weights=w) / np.average(y, weights=w),
    }
    for metric, value in expected.items():
        assert metric(y, p, w) == pytest.approx(value, abs=1e-9)


@each
@given(seed=seeds)
def test_draws_agree_with_one_at_a_time(metric, seed):
    y, p, w = case(seed, draws=5)
    w[3, y == 1] = 0
    single = [metric(y, p, row) for row in w]
    np.testing.assert_allclose(metric(y, p, w), single, rtol=1e-12)


@each
@given(seed=seeds)
def test_row_order_and_rows_without_weight_do_not_matter(metric, seed):
    y, p, w = case(seed)
    value = metric(y, p, w)
    order = np.random.default_rng(seed).permutation(len(y))
    assert metric(y[order], p[order], w[order]) == pytest.approx(value, rel=1e-12)
    more = np.append(y, [np.nan, 1.0]), np.append(p, [0.3, 0.0]), np.append(w, [0, 0])
    assert metric(*more) == value


@each
@given(seed=seeds)
def test_a_repeated_row_is_a_weight_of_two(metric, seed):
    y, p, _ = case(seed)
    times = np.random.default_rng(seed).integers(1, 4, len(y))
    repeated = metric(y.repeat(times), p.repeat(times), np.ones(times.sum()))
    assert metric(y, p, times) == pytest.approx(repeated, rel=1e-12)


@given(seeds)
def test_bounds(seed):
    y, p, w = case(seed)
    assert 0 <= brier(y, p, w) <= 1
    assert 0 <= log_score(y, p, w) <= 13.82
    assert 0 <= auroc(y, p, w) <= 1 + 1e-12
    assert 0 <= average_precision(y, p, w) <= 1 + 1e-12
    assert expected_observed(y, p, w) >= 0


@pytest.mark.parametrize("metric", [brier, log_score])
@given(truth=st.floats(0.01, 0.99), risk=st.floats(0.0, 1.0))
def test_propriety(metric, truth, risk):
    """Saying what one believes costs least, on average over the outcomes."""
    outcome, weight = np.array([1.0, 0.0]), np.array([truth, 1 - truth])
    honest = metric(outcome, np.full(2, truth), weight)
    claimed = metric(outcome, np.full(2, risk), weight)
    assert claimed >= honest - 1e-12
    if abs(risk - truth) > 0.01:
        assert claimed > honest


@given(seeds)
def test_ranking_sees_order_only(seed):
    y, p, w = case(seed)
    for metric in (auroc, average_precision):
        assert metric(y, p**3 / 2, w) == pytest.approx(metric(y, p, w), rel=1e-12)
    assert auroc(1 - y, 1 - p, w) == pytest.approx(auroc(y, p, w), abs=1e-12)


def test_where_a_metric_is_not_defined_it_is_nan():
    one, risk = np.ones(3), np.array([0.1, 0.2, 0.3])
    quiet, collapsed = np.zeros(3), np.ones(3)
    assert np.isnan(auroc(quiet, risk, one))
    assert np.isnan(auroc(collapsed, risk, one))
    assert np.isnan(average_precision(quiet, risk, one))
    assert average_precision(collapsed, risk, one) == 1
    assert np.isnan(expected_observed(quiet, risk, one))
    for metric in ALL:
        assert np.isnan(metric(collapsed, risk, np.zeros(3)))
        assert np.isnan(metric(np.empty(0), np.empty(0), np.empty(0)))
        assert np.isnan(metric(collapsed, risk, np.zeros((2, 3)))).all()


@each
def test_what_cannot_be_scored_is_refused(metric):
    risk, weight = np.array([0.1, 0.2]), np.ones(2)
    with pytest.raises(ValueError, match="unknown outcome"):
        metric(np.array([1.0, np.nan]), risk, weight)
    with pytest.raises(ValueError, match="below 0"):
        metric(np.array([1.0, 0.0]), risk, -weight)
    with pytest.raises(ValueError, match="draws"):
        metric(np.array([1.0, 0.0]), risk, np.ones((2, 3)))


def test_skill_is_the_share_of_loss_taken_away():
    assert skill(0.1, 0.1) == 0
    assert skill(0.0, 0.2) == 1
    assert skill(0.4, 0.2) == -1
    assert np.isnan(skill(0.1, 0.0))
    np.testing.assert_allclose(skill(np.array([0.1, 0.3]), [0.2, 0.2]), [0.5, -0.5])
