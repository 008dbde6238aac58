"""Metrics: agreement with scikit-learn, propriety, bounds, invariances."""

import model_diagnostics.scoring as model_diagnostics
import numpy as np
import pytest
import scoringrules
from hypothesis import given
from hypothesis import strategies as st
from model_diagnostics.scoring import SquaredError
from sklearn import metrics as oracle
from sklearn.linear_model import LogisticRegression

from forecast.metrics import (
    auroc,
    average_precision,
    brier,
    calibration_intercept,
    calibration_slope,
    expected_observed,
    log_score,
    precision_at,
    skill,
)
from forecast.metrics.decomposition import decompose, miscalibration_by_chance

ALL = (
    brier,
    log_score,
    auroc,
    average_precision,
    precision_at,
    expected_observed,
    calibration_intercept,
    calibration_slope,
)
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
    np.testing.assert_allclose(metric(y, p, w), single, rtol=1e-9, atol=1e-12)


@each
@given(seed=seeds)
def test_row_order_and_rows_without_weight_do_not_matter(metric, seed):
    y, p, w = case(seed)
    value = metric(y, p, w)
    order = np.random.default_rng(seed).permutation(len(y))
    again = metric(y[order], p[order], w[order])
    assert again == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)
    more = np.append(y, [np.nan, 1.0]), np.append(p, [0.3, 0.0]), np.append(w, [0, 0])
    assert metric(*more) == pytest.approx(value, rel=1e-12, nan_ok=True)


@each
@given(seed=seeds)
def test_a_repeated_row_is_a_weight_of_two(metric, seed):
    y, p, _ = case(seed)
    times = np.random.default_rng(seed).integers(1, 4, len(y))
    repeated = metric(y.repeat(times), p.repeat(times), np.ones(times.sum()))
    found = metric(y, p, times)
    assert found == pytest.approx(repeated, rel=1e-9, abs=1e-9, nan_ok=True)


@given(seeds)
def test_recalibration_agrees_with_scikit_learn(seed):
    """An unpenalised logistic regression on the log odds."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.98, 300)
    y = (rng.random(300) < p**1.5).astype(float)
    w = rng.exponential(size=300)
    odds = np.log(p / (1 - p))[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    fitted = model.fit(odds, y, sample_weight=w)
    assert calibration_slope(y, p, w) == pytest.approx(fitted.coef_[0, 0], abs=1e-5)
    shift = calibration_intercept(y, p, w)
    moved = 1 / (1 + np.exp(-(odds[:, 0] + shift)))
    assert np.average(moved, weights=w) == pytest.approx(np.average(y, weights=w))


def test_recalibration_where_risks_are_right_too_bold_or_too_low():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.05, 0.95, 40_000)
    y = (rng.random(len(p)) < p).astype(float)
    one, odds = np.ones(len(p)), np.log(p / (1 - p))
    bold = 1 / (1 + np.exp(-2 * odds))
    low = 1 / (1 + np.exp(-(odds - 1)))
    assert calibration_slope(y, p, one) == pytest.approx(1, abs=0.05)
    assert calibration_intercept(y, p, one) == pytest.approx(0, abs=0.05)
    assert calibration_slope(y, bold, one) == pytest.approx(0.5, abs=0.03)
    assert calibration_intercept(y, low, one) == pytest.approx(1, abs=0.05)


def test_no_slope_where_risks_separate_the_outcomes():
    y, p = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.8, 0.9])
    assert np.isnan(calibration_slope(y, p, np.ones(4)))
    assert np.isnan(calibration_slope(y, np.full(4, 0.5), np.ones(4)))


@given(seeds, st.floats(0.01, 1))
def test_precision_at_is_the_plain_loop(seed, share):
    y, p, w = case(seed)
    room, hits = share * w.sum(), 0.0
    for level in sorted(set(p), reverse=True):
        at = p == level
        mass = w[at].sum()
        part = min(1.0, room / mass) if mass else 0.0
        hits += part * (w[at] * y[at]).sum()
        room -= part * mass
    expected = hits / (share * w.sum())
    assert precision_at(y, p, w, share=share) == pytest.approx(expected, abs=1e-9)
    assert precision_at(y, p, w, share=1) == pytest.approx(np.average(y, weights=w))


@given(seeds)
def test_parts_of_a_score_agree_with_model_diagnostics(seed):
    y, p, w = case(seed)
    y, p, w = y[w > 0], p[w > 0], w[w > 0]
    frame = model_diagnostics.decompose(
        y_obs=y, y_pred=p, weights=w, scoring_function=SquaredError()
    )
    expected = frame.select("miscalibration", "discrimination", "uncertainty").row(0)
    assert decompose(y, p, w) == pytest.approx(expected, abs=1e-9)


@given(seeds)
def test_parts_add_up_to_the_score(seed):
    y, p, w = case(seed)
    mcb, dsc, unc = decompose(y, p, w)
    assert mcb - dsc + unc == pytest.approx(brier(y, p, w), abs=1e-12)
    assert mcb >= -1e-12
    assert dsc >= -1e-12
    more = np.append(y, np.nan), np.append(p, 0.3), np.append(w, 0.0)
    assert decompose(*more) == pytest.approx((mcb, dsc, unc))


def test_the_range_of_miscalibration_by_chance():
    """Some 90% of honest forecasters lie in it; a bold one does not."""
    rng = np.random.default_rng(5)
    p = rng.beta(1, 4, 1000)
    one = np.ones(1000)
    _, low, high = miscalibration_by_chance(p, one)
    inside = [
        low <= decompose((rng.random(1000) < p) * 1.0, p, one)[0] <= high
        for _ in range(100)
    ]
    assert 0.8 < np.mean(inside) <= 0.99
    y = (rng.random(1000) < p) * 1.0
    assert decompose(y, p**0.5, one)[0] > high
    assert np.isnan(miscalibration_by_chance(p, np.zeros(1000))).all()


@given(seeds)
def test_brier_agrees_with_scoringrules(seed):
    y, p, _ = case(seed)
    expected = scoringrules.brier_score(y, p).mean()
    assert brier(y, p, np.ones(len(y))) == pytest.approx(expected, abs=1e-9)


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
    for metric in (auroc, average_precision, precision_at):
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
