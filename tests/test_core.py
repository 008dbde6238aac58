"""The columns of `core`, against their definition, and what it does not look at."""

from math import log, sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Laid

from forecast.features import compute
from forecast.features.age import age
from forecast.features.design import design
from forecast.features.recent import recent
from forecast.features.trend import trend
from forecast.ipcw import target
from forecast.models.core import DAYS_LEFT, NEEDED, WINDOWS, Core, columns, days_ahead
from forecast.models.horizon import HorizonClassifier

Row = dict[str, Any]
#: for each horizon of the study, days of a window of 30 that are left when it matters
LEFT = {7: 26, 14: 23, 30: 16, 90: 9}


def by_hand(row: Row, horizon: int) -> Row:
    """The definition of every column for one origin."""

    def tamed(name: str) -> float:
        return sqrt(min(row[f"recent_{name}"], 3))

    week, month = row["recent_events_7d"], row["recent_events_30d"]
    left = row[DAYS_LEFT]
    ahead = range(1, horizon + 1)
    inside = 0 if left is None else sum(day <= left for day in ahead)
    said = {"age_log": row["age_log"]}
    said |= {f"fading_{days}d": tamed(f"fading_{days}d") for days in (7, 14, 30)}
    said |= {f"share_{days}d": tamed(f"share_{days}d") for days in (3, 7, 14, 30)}
    return said | {
        "left": tamed(f"share_{LEFT[horizon]}d"),
        "quiet": log(row["recent_days_since_last"]),
        "events": sqrt(month),
        "any": float(row["recent_events_since_start"] > 0),
        "trend": log((week + 1) / (month * 7 / 30 + 1)),
        "term": inside / horizon,
    }


shares = st.floats(0, 5)
counts = st.integers(0, 200)


@st.composite
def origins(draw: st.DrawFn) -> Row:
    """Features of one origin."""
    row = {name: draw(shares) for name in NEEDED if "share" in name or "fading" in name}
    return row | {
        "age_log": log(draw(st.integers(1, 365))),
        "recent_days_since_last": draw(st.integers(1, 365)),
        "recent_events_7d": draw(counts),
        "recent_events_30d": draw(counts),
        "recent_events_since_start": draw(counts),
        DAYS_LEFT: draw(st.none() | st.integers(-400, 400)),
    }


@given(origins(), st.sampled_from(list(LEFT)))
def test_columns_are_those_of_the_definition(row: Row, horizon: int) -> None:
    found = columns(pl.DataFrame([row], infer_schema_length=None), horizon)
    expected = by_hand(row, horizon)
    assert set(found.columns) == set(expected)
    for name, value in expected.items():
        assert float(found[name].item()) == pytest.approx(value, abs=1e-12), name


def test_columns_of_one_origin_in_numbers() -> None:
    """At 30 days, 16 days of the window still count when half are over."""
    row = {name: 0.25 for name in NEEDED if "share" in name or "fading" in name}
    row |= {"recent_share_16d": 0.09, "recent_share_3d": 0.0, "recent_share_30d": 4.0}
    row |= {"age_log": log(40), "recent_days_since_last": 1, DAYS_LEFT: 12}
    row |= {"recent_events_7d": 6, "recent_events_30d": 9}
    found = columns(pl.DataFrame([row | {"recent_events_since_start": 1}]), 30)
    assert found.row(0, named=True) == pytest.approx(
        {
            "age_log": 3.6888794541139363,
            "fading_14d": 0.5,
            "share_30d": 1.7320508075688772,
            "share_3d": 0.0,
            "share_7d": 0.5,
            "share_14d": 0.5,
            "fading_7d": 0.5,
            "fading_30d": 0.5,
            "left": 0.3,
            "quiet": 0.0,
            "events": 3.0,
            "any": True,
            "trend": 0.814508038250,
            "term": 0.4,
        }
    )


@given(st.integers(1, 400))
def test_days_ahead_are_in_the_first_half_and_never_fewer(horizon: int) -> None:
    ahead = days_ahead(horizon)
    assert ahead <= 21
    assert abs(ahead - horizon / 2) <= 1 or horizon > 30
    assert ahead <= days_ahead(horizon + 1)


@given(origins(), st.integers(1, 120))
def test_other_horizons_lie_between_their_neighbours(row: Row, horizon: int) -> None:
    """What is left is between the shares of the windows around, and fits at them."""
    days = 30 - days_ahead(horizon)
    found = columns(pl.DataFrame([row], infer_schema_length=None), horizon)
    near = [max(w for w in WINDOWS if w <= days), min(w for w in WINDOWS if w >= days)]
    ends = sorted(sqrt(min(row[f"recent_share_{w}d"], 3)) for w in near)
    assert ends[0] - 1e-9 <= found["left"].item() <= ends[1] + 1e-9


def lay(laid: Laid, *features: Any) -> pl.DataFrame:
    return compute({f.__name__: f for f in features}, *laid)


def fitted(X: pl.DataFrame, **settings: Any) -> Core:
    return Core(**settings).fit(X, outcomes(X))


def outcomes(X: pl.DataFrame) -> Any:
    """Collapses sooner where more has been counted."""
    rng = np.random.default_rng(3)
    hazard = 0.01 * np.exp(3 * X["recent_share_30d"].fill_null(0).to_numpy())
    collapse, seen = rng.geometric(hazard), rng.integers(1, 200, X.height)
    return target(collapse <= seen, np.minimum(collapse, seen))


def test_the_features_give_all_it_needs(simulated: Laid) -> None:
    X = lay(simulated, age, recent)
    found = columns(X, 30)
    assert not sum(found.null_count().row(0))
    assert found["term"].unique().to_list() == [0]
    both = columns(lay(simulated, age, recent, design), 30)
    assert both["term"].max() == 1
    assert both.drop("term").equals(found.drop("term"))


def test_its_trend_is_that_of_the_feature(simulated: Laid) -> None:
    found = columns(lay(simulated, age, recent), 7)["trend"]
    expected = lay(simulated, trend)["trend_events_7_over_30d"]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_it_looks_at_no_other_column(simulated: Laid) -> None:
    X = lay(simulated, age, recent, design, trend)
    y = outcomes(X)
    model, needed = fitted(X), X.select(*NEEDED, DAYS_LEFT)
    np.testing.assert_array_equal(
        Core().fit(needed, y).predict_risk(needed), model.predict_risk(X)
    )
    words = X.with_columns(country=pl.lit("Syria"))
    np.testing.assert_array_equal(model.predict_risk(words), model.predict_risk(X))


def test_no_design_is_no_term(simulated: Laid) -> None:
    without = lay(simulated, age, recent)
    none = without.with_columns(pl.lit(None, pl.Int64).alias(DAYS_LEFT))
    over = without.with_columns(pl.lit(-5).alias(DAYS_LEFT))
    risk = fitted(without).predict_risk(without)
    for X in (none, over):
        np.testing.assert_array_equal(fitted(X).predict_risk(X), risk)


def test_each_horizon_has_a_fit_of_its_own(simulated: Laid) -> None:
    X = lay(simulated, age, recent, design)
    y, risk = outcomes(X), fitted(X).predict_risk(X)
    alone = [Core(horizons=(h,)).fit(X, y).predict_risk(X)[:, 0] for h in LEFT]
    np.testing.assert_array_equal(risk, np.maximum.accumulate(alone).T)


def test_a_horizon_without_a_collapse_has_a_constant_risk(simulated: Laid) -> None:
    X = lay(simulated, age, recent)
    y = outcomes(X)
    late = target(y["event"], y["duration"] + 7)
    risk = Core().fit(X, late).predict_risk(X)
    assert (risk[:, 0] == 0.5 / (X.height + 1)).all()
    assert len(np.unique(risk[:, 1])) > 10


@pytest.mark.parametrize("column", NEEDED)
def test_what_is_missing_is_named(column: str, simulated: Laid) -> None:
    X = lay(simulated, age, recent)
    with pytest.raises(ValueError, match=f"'{column}'.*`age`, `recent`"):
        Core().fit(X.drop(column), outcomes(X))


def test_curves_are_of_age_and_the_two_sums(simulated: Laid) -> None:
    model = fitted(lay(simulated, age, recent, design))
    for part in model.fitted_:
        assert isinstance(part, HorizonClassifier)
        shape = part.fitted_[0]["shape"]
        chosen = np.flatnonzero(shape.transformers_[1][2])
        names = [part.columns_[i] for i in chosen]
        assert names == ["age_log", "fading_14d", "share_30d"]
        assert shape.transformers_[1][1].n_knots == 4
        assert part.fitted_[0]["logit"].C == 0.003


@settings(max_examples=15)
@given(st.data())
def test_any_series_is_fitted_without_a_warning(data: st.DataObject) -> None:
    """Few rows, holes, and columns that never vary."""
    rows = data.draw(st.lists(origins(), min_size=12, max_size=30))
    X = pl.DataFrame(rows, infer_schema_length=None)
    holes = data.draw(st.lists(st.sampled_from(NEEDED), unique=True, max_size=4))
    X = X.with_columns(pl.lit(None, pl.Float64).alias(name) for name in holes)
    y = target([1, 0, 2, 1, 0, 0] * 2 + [0] * (X.height - 12), range(1, X.height + 1))
    risk = Core().fit(X, y).predict_risk(X)
    assert ((risk >= 0) & (risk <= 1)).all()
    assert (np.diff(risk, axis=1) >= 0).all()
