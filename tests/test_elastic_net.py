"""The elastic net: its optimum, and which columns it leaves out."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from forecast.ipcw import target
from forecast.models.elastic_net import ElasticNetLogit, elastic_net

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def sample(n: int, columns: int, seed: int) -> Case:
    """Rows of which two columns matter, some nearly copies; labels and weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, columns))
    X[:, columns // 2] = X[:, 0] + 0.1 * rng.normal(size=n)
    chance = 1 / (1 + np.exp(1.5 - X[:, 0] + 0.7 * X[:, 1]))
    y = (rng.random(n) < chance).astype(int)
    y[:2] = 0, 1
    return X, y, rng.uniform(0.2, 3, n)


@settings(max_examples=30)
@given(
    st.integers(20, 200),
    st.integers(2, 30),
    st.integers(0, 99),
    st.sampled_from([0.003, 0.03, 0.3, 3.0]),
    st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_it_stands_at_the_optimum(
    n: int, columns: int, seed: int, C: float, ratio: float
) -> None:
    """The conditions of Karush, Kuhn and Tucker, straight from the objective."""
    X, y, weight = sample(n, columns, seed)
    fitted = ElasticNetLogit(C, ratio, tol=1e-9).fit(X, y, weight)
    error = weight * (fitted.predict_proba(X)[:, 1] - y)
    slope = error @ X + (1 - ratio) / C * fitted.coef_
    close = 1e-4 * weight.sum()
    assert abs(error.sum()) < close
    inside = fitted.coef_ == 0
    assert (np.abs(slope[inside]) <= ratio / C + close).all()
    expected = -ratio / C * np.sign(fitted.coef_[~inside])
    np.testing.assert_allclose(slope[~inside], expected, atol=close)


def test_ridge_alone_is_that_of_scikit_learn() -> None:
    X, y, weight = sample(300, 12, 1)
    ours = ElasticNetLogit(0.05, 0.0, tol=1e-9).fit(X, y, weight)
    theirs = LogisticRegression(C=0.05, tol=1e-9).fit(X, y, weight)
    np.testing.assert_allclose(ours.coef_, theirs.coef_[0], atol=1e-6)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6
    )


def test_between_ridge_and_lasso_it_is_that_of_scikit_learn() -> None:
    X, y, weight = sample(300, 12, 2)
    ours = ElasticNetLogit(0.1, 0.5).fit(X, y, weight)
    theirs = LogisticRegression(
        C=0.1, l1_ratio=0.5, solver="saga", tol=1e-9, max_iter=100_000
    ).fit(X, y, weight)
    assert ((ours.coef_ == 0) == (theirs.coef_[0] == 0)).all()
    np.testing.assert_allclose(ours.coef_, theirs.coef_[0], atol=1e-5)


def test_where_all_is_left_out_the_risk_is_the_mean() -> None:
    X, y, weight = sample(200, 6, 3)
    fitted = ElasticNetLogit(1e-5, 0.5, tol=1e-10).fit(X, y, weight)
    assert not fitted.coef_.any()
    np.testing.assert_allclose(
        fitted.predict_proba(X)[:, 1], weight @ y / weight.sum(), atol=1e-8
    )


def test_columns_of_noise_are_left_out_and_the_one_that_matters_stays() -> None:
    rng = np.random.default_rng(4)
    X = pl.DataFrame(rng.normal(size=(3000, 40)), [f"x{i}" for i in range(40)])
    hazard = 0.01 * np.exp(0.8 * X["x7"].to_numpy()).clip(max=50)
    collapse = rng.geometric(hazard)
    y = target(collapse <= 120, np.minimum(collapse, 120))
    for part in elastic_net().fit(X, y).fitted_:
        slopes = part["logit"].coef_
        assert slopes.argmax() == 7
        assert (slopes == 0).sum() >= 36


def test_copies_with_noise_share_what_they_say() -> None:
    """The lasso would elect one; an analyst would ask why the other says nothing."""
    X, y, weight = sample(500, 8, 5)
    slopes = ElasticNetLogit(0.05, 0.5).fit(X, y, weight).coef_
    assert slopes[0] == pytest.approx(slopes[4], rel=0.5)
    assert min(slopes[0], slopes[4]) > 0


def test_too_few_steps_are_said() -> None:
    X, y, weight = sample(100, 8, 6)
    with pytest.warns(ConvergenceWarning):
        ElasticNetLogit(1.0, 0.5, max_iter=2).fit(X, y, weight)
