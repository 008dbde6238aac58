"""The wrapper that makes a model of any classifier, and the spline logit in it."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from forecast.ipcw import Target, target, weights
from forecast.models.baselines import BaseRate
from forecast.models.horizon import HorizonClassifier, matrix
from forecast.models.logit import Curves, logit

HORIZONS = (7, 14, 30, 90)


def sample(n: int = 300, seed: int = 1) -> tuple[pl.DataFrame, Target]:
    """Independent rows whose hazard depends on two columns."""
    rng = np.random.default_rng(seed)
    deaths, written = rng.poisson(4, n), rng.random(n) < 0.5
    hazard = 0.01 * np.exp(0.3 * (deaths - 4) - 0.5 * written)
    collapse = np.ceil(rng.exponential(1 / hazard)).astype(int)
    seen = rng.integers(1, 200, n)
    X = pl.DataFrame({"deaths": deaths, "written": written, "noise": rng.random(n)})
    return X, target(collapse <= seen, np.minimum(collapse, seen))


X, Y = sample()


def nested(last: object) -> object:
    return make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), last))


@pytest.mark.parametrize("wrap", [lambda e: e, nested], ids=["plain", "pipeline"])
def test_weights_reach_the_classifier(wrap):
    """A classifier that ignores X forecasts the weighted mean outcome."""
    model = HorizonClassifier(wrap(DummyClassifier(strategy="prior"))).fit(X, Y)
    for column, horizon in enumerate(HORIZONS):
        outcome, weight = weights(Y, horizon)
        expected = (weight @ np.nan_to_num(outcome)) / weight.sum()
        assert abs(expected - np.nanmean(outcome)) > 1e-4, "weights must matter here"
        np.testing.assert_allclose(model.predict_risk(X)[:, column], expected)


def test_single_fits_are_found_again():
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    model = HorizonClassifier(plain).fit(X, Y)
    values, highest = matrix(X), np.zeros(len(X))
    for column, horizon in enumerate(HORIZONS):
        outcome, weight = weights(Y, horizon)
        known = weight > 0
        plain.fit(
            values[known],
            outcome[known],
            logisticregression__sample_weight=weight[known],
        )
        highest = np.maximum(highest, plain.predict_proba(values)[:, 1])
        np.testing.assert_allclose(model.predict_risk(X)[:, column], highest, rtol=1e-6)


def test_crossing_horizons_are_mended():
    """Deep trees at each horizon contradict each other; risks must not."""
    forest = RandomForestClassifier(5)
    risk = HorizonClassifier(forest).fit(X, Y).predict_risk(X)
    assert (np.diff(risk, axis=1) >= 0).all()
    assert ((risk >= 0) & (risk <= 1)).all()


def test_the_seed_reaches_nested_parts():
    forest = nested(RandomForestClassifier(3, random_state=99))
    model = HorizonClassifier(forest, random_state=5).fit(X, Y)
    assert {part[-1][-1].random_state for part in model.fitted_} == {5}
    assert forest[-1][-1].random_state == 99
    other = HorizonClassifier(forest, random_state=6).fit(X, Y)
    assert (model.predict_risk(X) != other.predict_risk(X)).any()


@given(st.lists(st.integers(0, len(X) - 1), min_size=1, max_size=400))
@settings(deadline=None, max_examples=30)
def test_rows_in_any_order_have_the_same_risks(rows):
    everything = FITTED.predict_risk(X[np.unique(rows).tolist()])
    back = np.searchsorted(np.unique(rows), rows)
    np.testing.assert_array_equal(FITTED.predict_risk(X[rows]), everything[back])


FITTED = logit().fit(X, Y)


def test_threads_change_no_bit():
    """Large enough that linear algebra would be divided among the threads."""
    rows, y = sample(3500)
    more = np.random.default_rng(3).normal(size=(3500, 40))
    rows = rows.hstack(pl.DataFrame(more))
    risks = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            risks.append(logit().fit(rows, y).predict_risk(rows))
    np.testing.assert_array_equal(*risks)


def test_columns_are_taken_by_name():
    shuffled = X.select("noise", pl.lit("text").alias("more"), "written", "deaths")
    np.testing.assert_array_equal(FITTED.predict_risk(shuffled), FITTED.predict_risk(X))
    with pytest.raises(ValueError, match="'written'"):
        FITTED.predict_risk(X.drop("written"))


def test_signed_zeros_nulls_and_nans_are_one():
    assert not np.signbit(matrix(pl.DataFrame({"a": [-0.0]}))).any()
    pair = pl.DataFrame({"a": [None, float("nan")]}, schema={"a": pl.Float32})
    a, b = matrix(pair)
    assert a.tobytes() == b.tobytes()
    nothing = matrix(pl.DataFrame({"a": [None, None]}))
    assert np.isnan(nothing).all()


def test_what_is_no_feature_is_refused():
    with pytest.raises(TypeError, match="'country'"):
        logit().fit(X.with_columns(country=pl.lit("Syria")), Y)
    with pytest.raises(TypeError, match="'day'"):
        matrix(X.select(day=pl.date(2016, 2, 27)))
    with pytest.raises(ValueError, match="'deaths' is infinite"):
        logit().fit(X.with_columns(deaths=pl.lit(float("inf"))), Y)
    with pytest.raises(ValueError, match="no feature column"):
        logit().fit(X.select(), Y[:0])


def test_nothing_to_learn_from_is_refused():
    quiet = target(np.zeros(len(Y)), Y["duration"])
    late = target(np.ones(len(Y)), np.full(len(Y), 91))
    for y in (quiet, late):
        with pytest.raises(ValueError, match="no collapse"):
            logit().fit(X, y)
    with pytest.raises(ValueError, match="no collapse"):
        logit().fit(X.head(0), Y[:0])
    with pytest.raises(ValueError, match="rows of"):
        logit().fit(X.head(5), Y)
    for horizons in ((), (0, 7), (30, 7), (7, 7)):
        with pytest.raises(ValueError, match="ascend"):
            logit(horizons=horizons).fit(X, Y)


def test_an_estimator_that_cannot_weigh_is_refused():
    for last in (KNeighborsClassifier(), make_pipeline(KNeighborsClassifier())):
        with pytest.raises(TypeError, match=r"KNeighborsClassifier.*sample_weight"):
            HorizonClassifier(last).fit(X, Y)


def test_a_horizon_with_one_outcome_has_a_constant_risk():
    late = target(Y["event"], Y["duration"] + 7)
    model = logit().fit(X, late)
    first = model.predict_risk(X)[:, 0]
    assert (first == 0.5 / (len(X) + 1)).all()
    everyone = target(np.ones(len(X)), np.ones(len(X)))
    risk = logit().fit(X, everyone).predict_risk(X)
    np.testing.assert_allclose(risk, (len(X) + 0.5) / (len(X) + 1))


def test_a_horizon_beyond_all_follow_up_adds_no_risk():
    """Only rows that ended early are known there; half of them collapsed, not half."""
    y = target([1] * 5 + [2] * 5 + [0] * 40, [3] * 5 + [10] * 5 + [20] * 40)
    rows = X.head(50)
    assert BaseRate().fit(rows, y).predict_risk(rows[:1]).tolist() == [[0.1] * 4]
    risk = logit().fit(rows, y).predict_risk(rows)
    expected = np.maximum(risk[:, 1], 0.1)
    np.testing.assert_allclose(risk[:, 2:], np.column_stack([expected] * 2))


def test_no_rows_give_no_risks():
    assert FITTED.predict_risk(X.head(0)).shape == (0, 4)


@pytest.mark.parametrize("n_knots", [2, 3, 4, 7])
def test_curves_are_those_of_scikit_learn(n_knots):
    rng = np.random.default_rng(5)
    old, new = rng.normal(size=(50, 3)), 3 * rng.normal(size=(50, 3))
    oracle = SplineTransformer(n_knots, extrapolation="constant", include_bias=False)
    found, expected = Curves(n_knots).fit(old), oracle.fit(old)
    for rows in (old, new):
        np.testing.assert_allclose(
            found.transform(rows), expected.transform(rows), atol=1e-12
        )


def test_logit_needs_no_varying_column():
    flat = X.select(a=pl.lit(0.1), b=pl.lit(None), c=pl.lit(True), d=pl.lit(10**9))
    flat = pl.concat([flat] * len(X))
    risk = logit().fit(flat, Y).predict_risk(flat)
    base = HorizonClassifier(DummyClassifier(strategy="prior")).fit(X, Y)
    np.testing.assert_allclose(risk, base.predict_risk(X), atol=1e-5)


@pytest.mark.parametrize("C", [0.01, 10.0])
def test_however_many_the_rows_logit_finds_one_optimum(C, monkeypatch):
    few = logit(C=C).fit(X, Y)
    monkeypatch.setattr("forecast.models.logit.MANY", 0)
    many = logit(C=C).fit(X, Y)
    solvers = [model.fitted_[2][-1].solver for model in (few, many)]
    assert solvers == ["lbfgs", "newton-cholesky"]
    np.testing.assert_allclose(many.predict_risk(X), few.predict_risk(X), atol=1e-4)


def test_logit_holds_beyond_what_it_saw():
    far = X.head(2).with_columns(deaths=pl.Series([10**6, 10**9]), noise=None)
    risk = FITTED.predict_risk(far)
    assert np.isfinite(risk).all()
    np.testing.assert_array_equal(
        risk[0], FITTED.predict_risk(far.with_columns(written=far["written"][0]))[1]
    )


values = st.one_of(st.none(), st.integers(-3, 3), st.floats(-1e12, 1e12))


@given(st.lists(st.tuples(values, values), min_size=12, max_size=40), st.integers(0, 9))
@settings(deadline=None, max_examples=25)
def test_logit_fits_anything_without_a_warning(rows, seed):
    frame = pl.DataFrame(
        rows, schema={"a": pl.Float64, "b": pl.Float64}, orient="row", strict=False
    )
    y = target(
        *np.random.default_rng(seed).integers([[0], [1]], [[3], [120]], (2, len(rows)))
    )
    y["event"][0], y["duration"][0] = 1, 5
    risk = logit().fit(frame, y).predict_risk(frame)
    assert ((risk >= 0) & (risk <= 1)).all()
    assert (np.diff(risk, axis=1) >= 0).all()


def test_logit_takes_a_copy_of_a_column_for_the_column():
    """And so nulls that several features share are penalised once, not once each."""
    rng = np.random.default_rng(2)
    base = pl.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    base = base.with_columns(a=pl.when(pl.int_range(200) % 3 > 0).then("a"))
    y = target(rng.choice([0, 1], 200), rng.integers(1, 90, 200))
    plain = logit().fit(base, y).predict_risk(base)
    twice = base.with_columns(again=pl.col("a"), third=pl.col("b"))
    np.testing.assert_allclose(logit().fit(twice, y).predict_risk(twice), plain)
