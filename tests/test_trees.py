"""Trees with signs: what theory is sure of, the fit does not contradict."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from forecast.ipcw import Target, target
from forecast.models.trees import SIGNS, Trees, sign

PAGE = (Path(__file__).parents[1] / "docs" / "features.md").read_text("utf-8")
#: columns that may only raise the risk, only lower it, and those that are free
RISING = (
    "recent_filled",
    "recent_carried_7d",
    "recent_share_3d",
    "recent_fading_14d",
    "recent_decayed_14d",
    "recent_deaths_3d",
    "recent_events_30d",
    "recent_violent_share_30d",
    "excitation_intensity_7d",
    "excitation_deaths_42d",
    "excitation_expected_3d",
    "kinds_strike_7d",
    "kinds_decayed_violation_14d",
    "trend_cusum_height",
)
FALLING = ("recent_days_since_last", "kinds_relief_30d")
OPEN = (
    "age_days",
    "age_log",
    "recent_deaths_60d",
    "recent_events_90d",
    "recent_deaths_since_start",
    "recent_max_day_30d",
    "recent_violent_share_90d",
    "recent_neighbour_deaths_7d",
    "recent_coded_7d",
    "excitation_branching_7d",
    "kinds_talks_7d",
    "kinds_abuse_7d",
    "outsiders_deaths_7d",
    "design_days_left",
    "trend_deaths_7_over_30d",
    "coverage_reports_7d",
    "history_collapsed",
)


def test_signs_are_those_that_theory_is_sure_of() -> None:
    assert {sign(name) for name in RISING} == {1}
    assert {sign(name) for name in FALLING} == {-1}
    assert {sign(name) for name in OPEN} == {0}


def test_every_rule_is_about_a_feature_that_exists() -> None:
    """A rule whose pattern nothing fits would be a promise that nobody keeps."""
    told = re.findall(r"\| (`[^|]*`)(?:; ([^|]*))? \|", PAGE)
    names = {
        column.replace("<W>", "30").replace("<K>", "7").replace("<H>", "14")
        for columns, _ in told
        for column in re.findall(r"`([a-z_0-9<>A-Z]+)`", columns)
    } | {"recent_deaths_60d", "kinds_decayed_strike_14d"}
    for rule, _ in SIGNS:
        assert any(re.fullmatch(rule, name) for name in names), rule


@cache
def world() -> tuple[pl.DataFrame, Target]:
    """Risk that contradicts the signs in part of the rows, and holes."""
    rng = np.random.default_rng(8)
    n = 900
    X = pl.DataFrame(
        {
            name: rng.gamma(1, 2, n).round(2)
            for name in (*RISING[:4], *FALLING, *OPEN[:3])
        }
    )
    first, second = X[RISING[0]].to_numpy(), X[FALLING[0]].to_numpy()
    wave = np.sin(2 * first) + np.cos(second) + 0.3 * first
    collapse = rng.geometric(np.clip(0.01 * np.exp(wave), 0, 0.9))
    y = target(collapse <= 120, np.minimum(collapse, 120))
    lost = rng.random(X.shape) < 0.1
    holes = [
        pl.when(pl.Series(~lost[:, i])).then(pl.col(c)).alias(c)
        for i, c in enumerate(X.columns)
    ]
    return X.with_columns(holes), y


@cache
def fitted() -> Trees:
    return Trees(max_iter=40, min_samples_leaf=20, l2_regularization=1.0).fit(*world())


@given(
    st.integers(0, 899),
    st.sampled_from([*RISING[:4], *FALLING]),
    st.lists(st.floats(-1, 30), min_size=2, max_size=8, unique=True),
)
def test_a_column_with_a_sign_never_moves_the_risk_against_it(
    row: int, column: str, values: list[float]
) -> None:
    raised = pl.concat([world()[0][row]] * len(values)).with_columns(
        pl.Series(column, sorted(values))
    )
    risk = fitted().predict_risk(raised)
    assert (sign(column) * np.diff(risk, axis=0) >= 0).all()


def test_without_signs_the_same_trees_do() -> None:
    """The law above is won by the signs: these rows do contradict them."""
    X, y = world()
    anonymous = X.rename({c: f"x{i}" for i, c in enumerate(X.columns)})
    settings = {"max_iter": 40, "min_samples_leaf": 20, "l2_regularization": 1.0}
    free = Trees(**settings).fit(anonymous, y)
    grid = pl.concat([anonymous.head(1)] * 50).with_columns(x0=np.linspace(0, 10, 50))
    assert (np.diff(free.predict_risk(grid), axis=0) < -0.01).any()


def test_the_order_of_columns_does_not_turn_the_signs() -> None:
    X, y = world()
    turned = X.select(reversed(X.columns))
    again = Trees(max_iter=40, min_samples_leaf=20, l2_regularization=1.0)
    risk = again.fit(turned, y).predict_risk(X)
    grid = pl.concat([X.head(1)] * 30)
    for column in (*RISING[:4], *FALLING):
        values = grid.with_columns(pl.Series(column, np.linspace(0, 12, 30)))
        steps = np.diff(again.predict_risk(values), axis=0)
        assert (sign(column) * steps >= 0).all()
    np.testing.assert_allclose(risk, fitted().predict_risk(X), atol=0.05)
