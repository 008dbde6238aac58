"""The true risk of the other worlds: what moves it, and what does not."""

from datetime import date
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest

from forecast.collapse import resumption
from forecast.panel import outcomes, panel
from forecast.schema import Panel
from forecast.simulated import world
from forecast.simulated_kinds import begin
from forecast.simulated_legible import NEVER, Legible
from forecast.simulated_null import IN_TRUCE, MOST, null_hazard
from forecast.simulated_process import NAMES, TRUCE
from forecast.simulated_truth import _deaths_before, _lived_on, _states, true_risk

SIZE = {"seed": 11, "conflicts": 12, "years": 6}
DAYS = 2192
FIRST = date(2000, 1, 1)
KEYS = ["truce_id", "origin"]
State = dict[str, Any]


def origins(kind: str) -> dy.DataFrame[Panel]:
    made = world(**SIZE, kind=kind)
    rows, _ = panel(made.truces, made.events, made.covered_through, resumption)
    return rows


def copied(kind: str) -> tuple[dy.DataFrame[Panel], State, Any]:
    rows = origins(kind)
    whole = begin(kind, np.random.default_rng(SIZE["seed"]), DAYS, 12, 0.5)
    return rows, *_states(rows, whole, FIRST)


def fell(kind: str, state: State, rows: pl.DataFrame, draws: int, days: int) -> Any:
    """Day of collapse of copies of each row, by one stream of chances."""
    made = world(**SIZE, kind=kind)
    rng = np.random.default_rng(0)
    run = begin(kind, rng, days, draws * rows.height, 0.5)
    for name, values in state.items():
        setattr(run, name, np.repeat(values, draws, axis=0))
    past = _deaths_before(rows, made.events, 30)
    own = np.ones(draws * rows.height, dtype=bool)
    threshold = np.repeat(rows["threshold"].to_numpy(), draws)
    return _lived_on(run, own, np.repeat(past, draws, axis=0), threshold, rng)


@pytest.mark.parametrize("kind", ["rich", "null", "changing"])
def test_the_state_of_an_origin_is_in_the_record(kind: str) -> None:
    rows, state, own = copied(kind)
    # nothing is over in secret
    assert own.all()
    assert (state["phase"] == TRUCE).all()
    # threshold and deaths are the rule's, and the hazard is the world's to the bit
    np.testing.assert_array_equal(state["need"], rows["threshold"])
    made = world(**SIZE, kind=kind)
    past = _deaths_before(rows, made.events, 30)
    np.testing.assert_array_equal(state["toll"][:, 1:], past[:, 1:])
    run = begin(kind, np.random.default_rng(0), 1, rows.height, 0.5)
    assert isinstance(run, Legible)
    for name, values in state.items():
        setattr(run, name, values)
    run.since = state["since"] + 1
    true = rows.join(
        made.hazard, left_on=KEYS, right_on=["truce_id", "date"], maintain_order="left"
    )
    np.testing.assert_array_equal(run._hazard(), true["hazard"])


@pytest.mark.parametrize("kind", ["rich", "null", "changing"])
def test_what_happened_agrees_with_the_true_risk(kind: str) -> None:
    rows = Panel.validate(origins(kind).gather_every(2))
    risks = true_risk(rows, **SIZE, kind=kind, horizons=(7, 30), draws=40)
    both = risks.join(outcomes(rows, (7, 30)), on=[*KEYS, "horizon"]).drop_nulls()
    for (_,), at in both.group_by("horizon"):
        for low, high in ((0, 0.15), (0.15, 0.4), (0.4, 1.01)):
            band = at.filter(pl.col("risk") >= low, pl.col("risk") < high)
            if band.is_empty():
                continue
            spread = 4 * 0.5 / np.sqrt(band["truce_id"].n_unique())
            happened, expected = band["outcome"].mean(), band["risk"].mean()
            assert abs(happened - expected) < spread  # type: ignore[operator]


def exact(deaths: int, age: int, days: int) -> float:
    """Risk in `null` by adding up all ways, day by day."""
    alive, collapsed = {deaths: 1.0}, 0.0
    for today in range(age, age + days):
        then: dict[int, float] = {}
        for n, chance in alive.items():
            stays = chance * (1 - 1 / 900)
            hazard = float(null_hazard(n, today))
            collapsed += stays * hazard
            more = IN_TRUCE if n < MOST else 0.0
            for k, share in ((n, 1 - more), (n + 1, more)):
                then[k] = then.get(k, 0.0) + stays * (1 - hazard) * share
        alive = then
    return collapsed


def test_in_null_deaths_in_the_window_and_age_are_the_true_risk() -> None:
    """An exact sum that knows of nothing else, against copies of the whole state."""
    every, state, _ = copied("null")
    rows = Panel.validate(every.gather_every(2))
    state = {name: values[::2] for name, values in state.items()}
    draws = 40
    risks = true_risk(rows, **SIZE, kind="null", horizons=(14, 45), draws=draws)
    deaths = state["toll"][:, 1:].sum(axis=1).astype(int)
    ages = rows["age_days"].to_numpy()
    for horizon in (14, 45):
        found = risks.filter(pl.col("horizon") == horizon)["risk"].to_numpy()
        known = {
            pair: exact(*pair, horizon)
            for pair in set(zip(deaths.tolist(), ages.tolist(), strict=True))
        }
        p = np.array([known[n, a] for n, a in zip(deaths, ages, strict=True)])
        z = (found - p) / np.sqrt(p * (1 - p) / draws)
        # copies are apart from the sum as chance has it: by no more, and no less
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        assert (z**2).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / len(z)))
        # and not along any other channel
        for name in ("threat", "talks", "outsiders", "strike", "clash"):
            seen = np.log1p(state["memory"][:, NAMES.index(name)])
            assert abs(np.corrcoef(z, seen)[0, 1]) < 4 / np.sqrt(len(z))


def test_in_null_to_shuffle_all_else_changes_nothing() -> None:
    """Not a bit: the same chances collapse the same copies on the same days."""
    rows, state, _ = copied("null")
    order = np.random.default_rng(1).permutation(rows.height)
    others = state | {n: state[n][order] for n in ("memory", "answers", "idle")}
    here, there = (fell("null", s, rows, 8, 30) for s in (state, others))
    assert 0.05 < (here < 30).mean() < 0.5
    np.testing.assert_array_equal(here, there)


def raised(state: State, driver: str) -> State:
    """The state with three more events of a driver in memory."""
    if driver == "answers":
        return state | {"answers": state["answers"] + 3}
    memory = state["memory"].copy()
    memory[:, NAMES.index(driver)] += 3
    return state | {"memory": memory}


@pytest.mark.parametrize(
    ("driver", "sign"),
    [
        ("strike", 1),
        ("offensive", 1),
        ("outsiders", 1),
        ("threat", 1),
        ("answers", 1),
        ("talks", -1),
    ],
)
def test_the_true_risk_follows_its_drivers(driver: str, sign: int) -> None:
    rows, state, _ = copied("rich")
    few = Panel.validate(rows.gather_every(3))
    state = {name: values[::3] for name, values in state.items()}
    before, after = (
        (fell("rich", s, few, 10, 30) < 30).mean()
        for s in (state, raised(state, driver))
    )
    assert sign * (after - before) > 0.03


@pytest.mark.parametrize(
    ("driver", "sign"), [("outsiders", 1), ("threat", 1), ("answers", 1), ("talks", -1)]
)
def test_the_same_state_is_ordered_the_other_way_after_the_flip(
    driver: str, sign: int
) -> None:
    rows, state, _ = copied("changing")
    few = Panel.validate(rows.gather_every(3))
    state = {name: values[::3] for name, values in state.items()}
    gains = []
    for until in (NEVER, 0):
        at = state | {"until_flip": np.full(few.height, until)}
        low, high = (
            (fell("changing", s, few, 10, 30) < 30).mean()
            for s in (at, raised(at, driver))
        )
        gains.append(sign * (high - low))
    before, after = gains
    assert before > 0.02
    assert after < -0.02


def test_copies_know_when_the_flip_will_come() -> None:
    rows, state, _ = copied("changing")
    ahead = (date(2003, 1, 1) - rows["origin"]).dt.total_days()
    np.testing.assert_array_equal(state["until_flip"], ahead.to_numpy())
    assert (ahead > 0).any()
    assert (ahead < 0).any()
