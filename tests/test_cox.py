"""Laws of `cox`, against lifelines and against Aalen and Johansen."""

import numpy as np
import polars as pl
import pytest
from lifelines import CoxPHFitter

from forecast.ipcw import target, weights
from forecast.models.cox import Cox

NAMES = ("recent_deaths_7d", "design_written", "talks_rounds_30d")


def sample(n: int, seed: int):
    """Origins whose log hazard is linear in roots; no two rows end on one day."""
    rng = np.random.default_rng(seed)
    roots = rng.uniform(-1.5, 1.5, (n, 3))
    rate = np.exp(roots @ [0.7, -0.4, 0.0] + 0.2 * rng.normal(size=n))
    ends = np.stack([rng.exponential(1 / rate), rng.exponential(4, n)])
    ends = np.stack([*ends, rng.uniform(0.2, 3, n)])
    duration = ends.min(axis=0).argsort().argsort() + 1
    y = target(np.array([1, 2, 0])[ends.argmin(axis=0)], duration)
    values = dict(zip(NAMES, (np.sign(roots) * roots**2).T, strict=True))
    return pl.DataFrame({"age_days": rng.integers(1, 300, n), **values}), y


@pytest.mark.parametrize("horizon", [150, 400])
def test_coefficients_agree_with_lifelines(horizon):
    """lifelines knows Efron's way with ties only; without ties it is Breslow's."""
    import pandas as pd

    X, y = sample(400, seed=1)
    model = Cox(penalty=0, columns=NAMES, horizons=(horizon,)).fit(X, y)
    values = model._values(model.design_.transform(X))
    frame = pd.DataFrame(values, columns=model.names_)
    frame["days"] = np.minimum(y["duration"], horizon)
    frame["collapse"] = (y["event"] == 1) & (y["duration"] <= horizon)
    peer = CoxPHFitter()
    peer.fit(frame, "days", "collapse", fit_options={"precision": 1e-10})
    np.testing.assert_allclose(model.coef_, peer.params_, rtol=0, atol=1e-6)
    place = model.names_.index("recent_deaths_7d")
    found = model.coef_[place] / model.scale_[place]
    error = peer.standard_errors_.iloc[place] / model.scale_[place]
    assert abs(found - 0.7) < 3 * error


def test_slopes_balance_the_penalty():
    X, y = sample(300, seed=6)
    for weight in (1.0, 30.0):
        model = Cox(penalty=weight, columns=NAMES, horizons=(300,)).fit(X, y)
        values = model._values(model.design_.transform(X))
        likelihood = model._likelihood(values, y["event"], y["duration"])
        pull = model.design_.penalty(weight)[1:] * model.coef_
        np.testing.assert_allclose(likelihood.score(model.coef_), pull, atol=1e-4)


def test_the_baseline_agrees_with_lifelines():
    import pandas as pd

    X, y = sample(300, seed=2)
    model = Cox(penalty=0, columns=NAMES, horizons=(300,)).fit(X, y)
    values = model._values(model.design_.transform(X))
    frame = pd.DataFrame(values, columns=model.names_)
    frame["days"], frame["collapse"] = y["duration"], y["event"] == 1
    peer = CoxPHFitter().fit(frame, "days", "collapse")
    # theirs is of the mean row
    mean = np.exp(values.mean(axis=0) @ model.coef_)
    expected = peer.baseline_cumulative_hazard_.iloc[:, 0]
    found = np.cumsum(model.baseline_) * mean
    np.testing.assert_allclose(found[expected.index.astype(int) - 1], expected, 1e-5)


def test_without_covariates_the_risk_is_aalen_and_johansens():
    rng = np.random.default_rng(3)
    n = 20_000
    ends = np.stack([rng.geometric(p, n) for p in (0.011, 0.005, 0.008)])
    y = target(np.array([1, 2, 0])[ends.argmin(axis=0)], ends.min(axis=0))
    X = pl.DataFrame({"age_days": [30] * n})
    found = Cox().fit(X, y).predict_risk(X.head(1))[0]
    for risk, horizon in zip(found, (7, 14, 30, 90), strict=True):
        outcome, weight = weights(y, horizon)
        # exp(−x) of a day's hazard is not quite 1 − x
        expected = weight @ np.nan_to_num(outcome) / n
        assert risk == pytest.approx(expected, rel=0.01)


def test_the_risk_is_less_than_one_minus_survival_where_truces_leave():
    X, y = sample(400, seed=4)
    model = Cox(columns=NAMES, horizons=(100, 390)).fit(X, y)
    relative = np.exp(model._values(model.design_.transform(X)) @ model.coef_)
    alone = -np.expm1(-relative[:, None] * np.cumsum(model.baseline_)[[99, 389]])
    risk = model.predict_risk(X)
    assert (risk < alone).all()
    stayed = target(np.where(y["event"] == 2, 0, y["event"]), y["duration"])
    fitted = Cox(columns=NAMES, horizons=(100, 390)).fit(X, stayed)
    np.testing.assert_allclose(fitted.predict_risk(X), alone, atol=1e-9)


def test_what_is_missing_is_named():
    X, y = sample(50, seed=5)
    with pytest.raises(ValueError, match=r"'age_days'.*`age`"):
        Cox().fit(X.drop("age_days"), y)
