"""The true risk: copied states are the world's own, and what happened agrees."""

from datetime import timedelta

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecast.collapse import resumption
from forecast.panel import outcomes, panel
from forecast.schema import Panel
from forecast.simulated import World, collapse_hazard, world
from forecast.simulated_process import NAMES, Run
from forecast.simulated_truth import _deaths_before, _states, true_risk

SETTINGS = {"seed": 11, "conflicts": 12, "years": 6}
HORIZONS = (7, 30, 90)
KEYS = ["truce_id", "origin"]


@pytest.fixture(scope="module")
def lived() -> World:
    return world(**SETTINGS)


@pytest.fixture(scope="module")
def rows(lived: World) -> dy.DataFrame[Panel]:
    return panel(lived.truces, lived.events, lived.covered_through, resumption)[0]


@pytest.fixture(scope="module")
def risks(rows: dy.DataFrame[Panel]) -> pl.DataFrame:
    return true_risk(rows, **SETTINGS, horizons=HORIZONS, draws=40)


def test_the_copied_state_has_the_hazard_of_the_world(
    lived: World, rows: dy.DataFrame[Panel]
) -> None:
    """On the morning of each origin of a truce still in force, to the last bit."""
    first = lived.covered_through.replace(year=2000, month=1, day=1)
    days = (lived.covered_through - first).days + 1
    state, own = _states(rows, Run(np.random.default_rng(11), days, 12), first)
    drivers = [NAMES.index(n) for n in ("strike", "offensive", "outsiders", "talks")]
    # the state is that of the night before: a day older, decayed once
    found = collapse_hazard(
        *state["memory"][:, drivers].T,
        state["since"] + 1,
        state["mediated"],
        state["enforcement"],
    )
    true = rows.join(
        lived.hazard,
        left_on=KEYS,
        right_on=["truce_id", "date"],
        how="left",
        maintain_order="left",
    )["hazard"].to_numpy()
    assert (own == np.isfinite(true)).all()
    assert own.mean() > 0.5
    np.testing.assert_array_equal(found[own], true[own])


def test_deaths_before_an_origin_are_the_rule_s(
    lived: World, rows: dy.DataFrame[Panel]
) -> None:
    past = _deaths_before(rows, lived.events, 30)
    for i, row in enumerate(rows.gather_every(9).iter_rows(named=True)):
        first = max(row["start"], row["origin"] - timedelta(days=30))
        inside = lived.events.filter(
            pl.col("dyad_id") == row["dyad_id"],
            pl.col("date") > first,
            pl.col("date") < row["origin"],
        )
        assert past[9 * i].sum() == inside["deaths"].sum()
        assert past[9 * i].sum() < row["threshold"]


def test_laws(rows: dy.DataFrame[Panel], risks: pl.DataFrame) -> None:
    assert risks["risk"].is_between(0, 1).all()
    steps = risks.sort("horizon").group_by(KEYS).agg(pl.col("risk").diff().min())
    assert steps["risk"].min() >= 0  # type: ignore[operator]
    again = true_risk(rows, **SETTINGS, horizons=HORIZONS, draws=40)
    assert_frame_equal(again, risks, check_exact=True)


def test_what_happened_agrees_with_the_true_risk(
    rows: dy.DataFrame[Panel], risks: pl.DataFrame
) -> None:
    """Over truces whose outcome is known; low risks and high ones alike."""
    both = risks.join(outcomes(rows, HORIZONS), on=[*KEYS, "horizon"]).drop_nulls()
    for horizon in (7, 30):
        at = both.filter(pl.col("horizon") == horizon)
        for low, high in ((0, 0.1), (0.1, 0.5), (0.5, 1.01)):
            band = at.filter(pl.col("risk") >= low, pl.col("risk") < high)
            truces = band["truce_id"].n_unique()
            spread = 4 * 0.5 / np.sqrt(truces)
            assert abs(band["outcome"].mean() - band["risk"].mean()) < spread  # type: ignore[operator]


def test_a_filled_window_is_a_higher_risk(
    lived: World, rows: dy.DataFrame[Panel], risks: pl.DataFrame
) -> None:
    filled = _deaths_before(rows, lived.events, 30).sum(axis=1) / rows["threshold"]
    near = risks.filter(pl.col("horizon") == 30)["risk"].to_numpy()
    high, low = near[filled > 0.6].mean(), near[filled == 0].mean()
    assert high > 2 * low
