"""Scores over horizons and under censoring agree with independent packages."""

import numpy as np
import pandas as pd
import pytest
import scoringrules
from hazardous.metrics import brier_score_incidence, integrated_brier_score_incidence
from hypothesis import given
from hypothesis import strategies as st

from forecast import ipcw
from forecast.ipcw import Target
from forecast.metrics import brier
from forecast.metrics.horizons import integrated_brier, ranked_probability

HORIZONS = (7, 14, 30, 90)
seeds = st.integers(0, 2**32 - 1)


def case(seed: int, n: int = 200) -> tuple[Target, np.ndarray]:
    """Collapses, exits and censored rows; risks that rise with the horizon."""
    rng = np.random.default_rng(seed)
    event = rng.choice([0, 1, 1, 1, 2, 2], n)
    duration = rng.integers(1, 120, n)
    # somebody is under observation to the end, and censoring leaves a part
    event[:20], duration[:20] = 0, 200
    risk = np.sort(rng.random((n, len(HORIZONS))), axis=1)
    return ipcw.target(event, duration), risk


def briers(y: Target, risk: np.ndarray) -> np.ndarray:
    scores = []
    for i, horizon in enumerate(HORIZONS):
        outcome, weight = ipcw.weights(y, horizon)
        scores.append(brier(outcome, risk[:, i], weight))
    return np.array(scores)


def theirs(y: Target) -> pd.DataFrame:
    """Half a day more for the censored: it counts censoring at t before, we after."""
    duration = y["duration"] + np.where(y["event"] == 0, 0.5, 0.0)
    return pd.DataFrame({"event": y["event"], "duration": duration})


@given(seeds)
def test_weighted_brier_scores_agree_with_hazardous(seed):
    y, risk = case(seed)
    frame = theirs(y)
    expected = brier_score_incidence(
        frame, frame, risk, np.array(HORIZONS), event_of_interest=1
    )
    np.testing.assert_allclose(briers(y, risk), expected, atol=1e-9)


@given(seeds)
def test_the_integrated_brier_score_agrees_with_hazardous(seed):
    y, risk = case(seed)
    frame = theirs(y)
    expected = integrated_brier_score_incidence(
        frame, frame, risk, np.array(HORIZONS), event_of_interest=1
    )
    found = integrated_brier(briers(y, risk), HORIZONS)
    assert found == pytest.approx(expected, abs=1e-9)


@given(seeds)
def test_the_ranked_probability_score_agrees_with_scoringrules(seed):
    y, risk = case(seed)
    # without censoring: whoever is not known to collapse never does
    y["event"] = np.where(y["event"] == 0, 2, y["event"])
    day = np.where(y["event"] == 1, y["duration"], 10_000)
    place = 1 + np.searchsorted(HORIZONS, day)
    shares = np.diff(risk, axis=1, prepend=0.0, append=1.0)
    expected = scoringrules.rps_score(place, shares).mean()
    found = ranked_probability(briers(y, risk))
    assert found == pytest.approx(expected, abs=1e-9)


@given(seeds)
def test_one_horizon_is_its_own_mean(seed):
    y, risk = case(seed)
    first = briers(y, risk)[:1]
    assert integrated_brier(first, HORIZONS[:1]) == first[0]
    assert ranked_probability(first) == first[0]


def test_it_charges_less_for_a_near_miss():
    y = ipcw.target([1], [8])
    near, far = np.array([[0.0, 1.0, 1.0, 1.0]]), np.array([[0.0, 0.0, 0.0, 1.0]])
    never = np.zeros((1, 4))
    scores = [float(ranked_probability(briers(y, r))) for r in (near, far, never)]
    assert scores == [0.0, 2.0, 3.0]
