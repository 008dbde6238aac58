"""Concordance under competing exits: an oracle, a plain loop, and laws."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.ipcw import Target, censoring_survival, target
from forecast.metrics import auroc
from forecast.metrics.concordance import pairs

seeds = st.integers(0, 2**32 - 1)


def case(seed: int, n: int = 60) -> tuple[Target, np.ndarray]:
    """Collapses, exits and censored rows, with ties in time and in risk."""
    rng = np.random.default_rng(seed)
    event = rng.choice([0, 1, 1, 2], n)
    event[0] = 1
    duration = rng.integers(1, 60, n)
    # somebody is under observation to the end
    event[1], duration[1] = 0, 70
    return target(event, duration), rng.integers(0, 12, n) / 12


def looped(y: Target, risk: np.ndarray, horizon: int) -> float:
    weight = 1 / censoring_survival(y)(y["duration"])
    right = whole = 0.0
    for i in range(len(y)):
        if y["event"][i] != 1 or y["duration"][i] > horizon:
            continue
        for j in range(len(y)):
            t, s, other = y["duration"][i], y["duration"][j], y["event"][j]
            if s > t or (s == t and other == 0):
                mass = weight[i] ** 2
            elif other == 2:
                mass = weight[i] * weight[j]
            else:
                continue
            whole += mass
            right += mass * ((risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]))
    return right / whole


@given(seeds, st.sampled_from([5, 30, 100]))
def test_the_plain_loop(seed: int, horizon: int) -> None:
    y, risk = case(seed)
    if not ((y["event"] == 1) & (y["duration"] <= horizon)).any():
        assert np.isnan(pairs(y, risk, horizon).concordance()).all()
        return
    found = pairs(y, risk, horizon).concordance().item()
    assert found == pytest.approx(looped(y, risk, horizon), abs=1e-9)


@given(seeds)
def test_groups_redrawn_are_rows_repeated(seed: int) -> None:
    y, risk = case(seed, 40)
    event = np.where(y["event"] == 0, 2, y["event"])  # no weights to estimate anew
    y = target(event, y["duration"])
    group = np.random.default_rng(seed).integers(0, 5, len(y))
    counts = np.random.default_rng(seed + 1).integers(1, 3, 5)
    rows = np.repeat(np.arange(len(y)), counts[group])
    found = pairs(y, risk, 30, group).concordance(counts[None])
    again = pairs(y[rows], risk[rows], 30).concordance()
    np.testing.assert_allclose(found, again, atol=1e-9)


@given(seeds, st.sampled_from([10, 30]))
def test_hazardous_agrees(seed: int, horizon: int) -> None:
    """Half a day more for the censored: it counts censoring at t before, we after."""
    from hazardous.metrics import concordance_index_incidence

    y, risk = case(seed, 150)
    if not ((y["event"] == 1) & (y["duration"] <= horizon)).any():
        return
    duration = y["duration"] + np.where(y["event"] == 0, 0.5, 0.0)
    frame = pd.DataFrame({"event": y["event"], "duration": duration})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = concordance_index_incidence(
            frame,
            np.column_stack([np.zeros(len(y)), risk]),
            y_train=frame,
            time_grid=[0, horizon],
            taus=[horizon],
        )[0]
    found = pairs(y, risk, horizon).concordance().item()
    assert found == pytest.approx(expected, abs=1e-9)


def test_without_times_it_is_the_area_under_the_curve() -> None:
    """All collapses on one day, all others later: the Mann-Whitney statistic."""
    rng = np.random.default_rng(1)
    event = rng.choice([0, 1], 80)
    risk = rng.integers(0, 9, 80) / 9
    y = target(event, np.where(event == 1, 3, 90))
    found = pairs(y, risk, 30).concordance().item()
    assert found == pytest.approx(auroc(event.astype(float), risk, np.ones(80)))


def test_order_is_all_it_sees() -> None:
    y, risk = case(4)
    found = pairs(y, risk, 30).concordance()
    np.testing.assert_allclose(pairs(y, risk**3, 30).concordance(), found)
    np.testing.assert_allclose(pairs(y, 1 - risk, 30).concordance(), 1 - found)
