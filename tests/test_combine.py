"""Models that combine or choose: their ends, their evidence, and what they may see."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, clone
from strategies import panel as laid_out

from forecast.backtest import fitted
from forecast.choices import Choice
from forecast.commands import run as command
from forecast.ipcw import Array, Target, target, weights
from forecast.metrics.proper import log_losses, log_score
from forecast.models.baselines import BaseRate
from forecast.models.calibrated import Calibrated
from forecast.models.chosen import chosen
from forecast.models.ensemble import ensemble
from forecast.models.evidence import Evidence, evidence, one_standard_error
from forecast.models.given import given as rows_given
from forecast.models.hedged import GRID, hedge, hedged
from forecast.models.inner import Fold, Plan, folds, forecasts
from forecast.models.logit import logit as spline_logit
from forecast.models.pool import Pool, Weighing, pooled
from forecast.models.stacked import stack, stacked
from forecast.split import part_of

HORIZONS = (7, 30, 90)
PLAN = Plan((0.4, 0.6, 0.8), 2, 10, HORIZONS)
DAILY = 0.006


def risks(hazard: Array) -> Array:
    """Risk at each horizon of a hazard that stays as it is."""
    return 1 - (1 - hazard[:, None]) ** np.array(HORIZONS)


def history(
    strength: float, seed: int, truces: int = 120
) -> tuple[pl.DataFrame, Target, pl.DataFrame]:
    """Truces of 40 dyads over the years, whose daily hazard a signal multiplies.

    ``signal`` is known and holds for the truce, ``hazard`` is the truth, and ``noise``
    says nothing, but is the same all through a truce, as an outcome nearly is.
    """
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=truces)
    hazard = DAILY * np.exp(strength * signal - strength**2 / 2)
    collapse = rng.geometric(hazard)
    leave, seen = rng.geometric(0.001, truces), rng.integers(30, 500, truces)
    end = np.minimum(np.minimum(collapse, leave), seen)
    event = np.where(collapse == end, 1, np.where(leave == end, 2, 0))
    start = [date(1990, 1, 1) + timedelta(days=60 * i) for i in range(truces)]
    whole = pl.DataFrame(
        {
            "truce_id": [f"t{i}" for i in range(truces)],
            "dyad_id": [f"d{i}" for i in rng.integers(0, truces // 3, truces)],
            "start": start,
            "signal": signal,
            "hazard": hazard,
            **{f"noise_{i}": rng.normal(size=truces) for i in range(12)},
            "event": event,
            "end": end,
        }
    )
    frame = (
        whole.with_columns(
            age=pl.int_ranges(1, pl.min_horizontal("end", 365) + 1, 7, dtype=pl.Int64)
        )
        .explode("age")
        .with_columns(origin=pl.col("start") + pl.duration(days="age"))
    )
    duration = frame["end"] - frame["age"] + 1
    X = frame.select("signal", "hazard", "^noise_.*$")
    keys = frame.select("truce_id", "origin", "dyad_id")
    return X, target(frame["event"], duration), keys


class Known(BaseEstimator):  # type: ignore[misc]
    """Forecasts the risk of a hazard by the powers of a column, and learns nothing."""

    def __init__(
        self,
        sharp: float = 1.0,
        shift: float = 0.0,
        horizons: Sequence[int] = HORIZONS,
        random_state: int = 0,
    ) -> None:
        self.sharp = sharp
        self.shift = shift
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:  # noqa: ARG002
        self.fitted_ = True
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        odds = logit(risks(X["hazard"].to_numpy()))
        return np.asarray(expit(self.shift + self.sharp * odds))


class Spy(BaseRate):
    """The base rate, which notes what it was fitted on and asked for."""

    seen: list[tuple[str, pl.DataFrame, Target | None]] = []  # noqa: RUF012

    def fit(self, X: pl.DataFrame, y: Target, rows: pl.DataFrame) -> Self:
        self.seen.append(("fit", rows, y.copy()))
        return super().fit(X, y)

    def predict_risk(self, X: pl.DataFrame) -> Array:
        self.seen.append(("predict", X, None))
        return super().predict_risk(X)


def noisy(seed: int = 0) -> Any:
    """A flexible model of nothing but noise."""
    return Selecting(spline_logit(C=1.0, n_knots=0, random_state=seed))


class Selecting(BaseEstimator):  # type: ignore[misc]
    """A model that sees the columns of noise alone, or the signal alone."""

    def __init__(
        self,
        model: Any,
        column: str = "noise",
        horizons: Sequence[int] = HORIZONS,
        random_state: int = 0,
    ) -> None:
        self.model = model
        self.column = column
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        model = clone(self.model).set_params(horizons=self.horizons)
        self.fitted_ = model.fit(self._part(X), y)
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        return np.asarray(self.fitted_.predict_risk(self._part(X)))

    def _part(self, X: pl.DataFrame) -> pl.DataFrame:
        return X.select(pl.col(f"^{self.column}.*$"))


def signal() -> Any:
    return Selecting(spline_logit(C=1.0, n_knots=0), column="signal")


def scored(risk: Array, y: Target) -> float:
    """Log score, the mean over horizons."""
    known = [weights(y, horizon) for horizon in HORIZONS]
    found = [log_score(o, risk[:, i], w) for i, (o, w) in enumerate(known)]
    return float(np.mean(found))


X, Y, ROWS = history(1.2, seed=3)
NEW, THEN, _ = history(1.2, seed=4, truces=300)


# --------------------------------------------------------------------- the folds


def plain_folds(quantiles: Sequence[float], parts: int) -> list[tuple[Any, ...]]:
    """Inner folds, row by row."""
    collapses = {
        truce: origin + timedelta(days=int(d) - 1)
        for truce, origin, e, d in zip(
            ROWS["truce_id"], ROWS["origin"], Y["event"], Y["duration"], strict=True
        )
        if e == 1
    }
    days = sorted(collapses.values())
    cutoffs = [days[int(q * len(days))] for q in quantiles]
    found = []
    for i, cutoff in enumerate(cutoffs):
        end = cutoffs[i + 1] if i + 1 < len(cutoffs) else date.max
        for part in range(parts):
            rows = list(enumerate(zip(ROWS["origin"], ROWS["dyad_id"], strict=True)))
            own = [i for i, (_, dyad) in rows if part_of(dyad, parts) == part]
            before = [i for i, (day, _) in rows if day < cutoff and i not in own]
            test = [i for i, (day, _) in rows if cutoff <= day < end and i in own]
            known = []
            for row in before:
                through = (cutoff - ROWS["origin"][row]).days
                e, d = Y[row]
                known.append((int(e), int(d)) if d <= through else (0, through))
            found.append((cutoff, before, known, test))
    return found


@pytest.mark.parametrize(("quantiles", "parts"), [((0.4, 0.6, 0.8), 2), ((0.5,), 3)])
def test_folds_agree_with_a_plain_loop(quantiles: Any, parts: int) -> None:
    data = rows_given(X, Y, ROWS)
    found = folds(data, Plan(tuple(quantiles), parts, 1, HORIZONS))
    assert [
        (f.cutoff.astype(date), f.train.tolist(), f.y.tolist(), f.test.tolist())
        for f in found
    ] == plain_folds(quantiles, parts)


def inner(plan: Plan = PLAN) -> list[Fold]:
    return folds(rows_given(X, Y, ROWS), plan)


def test_no_fold_knows_its_dyads_or_its_days() -> None:
    tested = np.concatenate([fold.test for fold in inner()])
    assert len(tested) == len(set(tested)) > len(Y) // 3
    for fold in inner():
        train, test = ROWS[fold.train], ROWS[fold.test]
        assert not set(train["dyad_id"]) & set(test["dyad_id"])
        assert train["origin"].max() < fold.cutoff.astype(date) <= test["origin"].min()
        last = train["origin"].to_numpy() + (fold.y["duration"] - 1).astype("m8[D]")
        assert (last < fold.cutoff).all()


def test_a_later_day_changes_no_earlier_fold() -> None:
    """What befalls a truce from an inner cutoff on is not known on that morning."""
    first, *_ = inner()
    late = (ROWS["origin"].to_numpy() + Y["duration"].astype("m8[D]")) > first.cutoff
    other = Y.copy()
    # those that collapse later do so later still: no cutoff moves but by their day
    other["event"][late & (Y["event"] == 0)] = 2
    again = folds(rows_given(X, other, ROWS), PLAN)[0]
    assert again.cutoff == first.cutoff
    np.testing.assert_array_equal(again.train, first.train)
    np.testing.assert_array_equal(again.y, first.y)


@pytest.mark.parametrize("part", [0, 1])
def test_a_split_that_holds_out_dyads_leaves_some_for_either_side(part: int) -> None:
    """`unseen_dyads` with two parts trains on dyads that one digit put together."""
    left = np.flatnonzero([part_of(dyad, 2) == part for dyad in ROWS["dyad_id"]])
    keys = ROWS[left]
    found = folds(rows_given(X[left], Y[left], keys), PLAN._replace(least=1))
    assert len(found) == 6
    for fold in found:
        sides = keys[fold.train]["dyad_id"], keys[fold.test]["dyad_id"]
        assert not set(sides[0]) & set(sides[1])


def test_a_horizon_that_nobody_was_followed_through_is_no_evidence() -> None:
    y = target([1] * 10 + [0] * 10, [5] * 10 + [40] * 10)
    rng = np.random.default_rng(1)
    risk, numbers = rng.random((1, 20, 3)), np.arange(20)
    seen = evidence(risk, y, numbers, numbers, HORIZONS, 10)
    assert seen.enough
    assert (seen.weight[:, :2] == 1).all()
    other = risk[0].copy()
    other[:, 2] = rng.random(20)
    np.testing.assert_array_equal(seen.losses(other), seen.losses(risk[0]))
    assert not evidence(risk[:, :, 2:], y, numbers, numbers, (90,), 10).enough


def test_too_few_collapses_in_the_training_leave_rows_untested() -> None:
    assert inner(PLAN._replace(least=10**6)) == []
    some = inner(PLAN._replace(least=15))
    assert 0 < len(some) < len(inner())


@pytest.mark.parametrize("bad", [{"parts": 1}, {"quantiles": (0.5, 1.0)}])
def test_folds_that_cannot_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="parts are 2 or more"):
        chosen({"a": BaseRate()}, horizons=HORIZONS, **bad).fit(X, Y, ROWS)


def test_members_see_the_past_of_other_dyads_only() -> None:
    Spy.seen.clear()
    model = hedged(BaseRate(), chosen({"base": BaseRate(), "spy": Spy()}))
    model.set_params(horizons=HORIZONS, random_state=17).fit(X, Y, ROWS)
    (*within, (kind, rows, _)) = [s for s in Spy.seen if s[0] == "fit"] + [
        ("fit", ROWS, None)
    ]
    assert kind == "fit"
    assert rows.equals(ROWS)
    cuts = [fold for fold in inner() if len(fold.test)]
    assert len(within) == len(cuts), "however deep, a member is fitted once a fold"
    for (_, known, outcome), fold in zip(within, cuts, strict=True):
        assert known.equals(ROWS[fold.train])
        np.testing.assert_array_equal(outcome, fold.y)
    asked = [frame for kind, frame, _ in Spy.seen if kind == "predict"]
    for frame, fold in zip(asked, cuts, strict=True):
        assert frame.equals(X[fold.test])


def test_members_that_models_share_are_fitted_once() -> None:
    Spy.seen.clear()
    members = {"base": BaseRate(), "spy": Spy()}
    for build in (stacked, chosen, ensemble):
        build(members).set_params(horizons=HORIZONS, random_state=18).fit(X, Y, ROWS)
    fits = sum(kind == "fit" for kind, *_ in Spy.seen)
    assert fits == len(inner()) + 1
    Spy.seen.clear()
    other = Y.copy()
    other["event"][0] = 2
    ensemble(members).set_params(horizons=HORIZONS, random_state=18).fit(X, other, ROWS)
    assert sum(kind == "fit" for kind, *_ in Spy.seen) == 1, "other rows, other fits"


def test_a_choice_is_judged_by_what_it_would_have_been() -> None:
    """On a fold a nested choice forecasts as its pick by earlier folds."""
    members = {"base": BaseRate(), "known": Known()}
    nested = chosen(members).set_params(horizons=HORIZONS)
    data = rows_given(X, Y, ROWS)
    base, known, found = (forecasts(m, data, PLAN) for m in (*nested.seeded(), nested))
    first = inner()[0].cutoff
    picked = []
    for fold in inner():
        ours = np.allclose(found[fold.test], known[fold.test])
        theirs = np.allclose(found[fold.test], base[fold.test])
        assert ours != theirs
        picked.append(ours)
        if fold.cutoff == first:
            assert theirs, "nothing was forecast before the first cutoff"
    assert picked[-1], "by then it was plain"


# ------------------------------------------------------------- choosing by evidence


def seen(risk: Array, y: Target, dyads: int, seed: int = 0) -> Evidence:
    pairs = [weights(y, horizon) for horizon in HORIZONS]
    outcome, weight = (np.column_stack(side) for side in zip(*pairs, strict=True))
    dyad = np.random.default_rng(seed).integers(0, dyads, len(y))
    return Evidence(risk, np.nan_to_num(outcome), weight, dyad, dyads, dyads, True)


@given(st.integers(2, 6), st.integers(2, 40), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_one_standard_error_agrees_with_a_plain_loop(
    candidates: int, rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    losses, dyad = rng.exponential(size=(candidates, rows)), rng.integers(0, 5, rows)
    dyad[:2] = [0, 1]
    picked, table = one_standard_error(losses, dyad)
    best = min(range(candidates), key=lambda c: losses[c].sum())
    expected = []
    for c in range(candidates):
        sums = [(losses[c] - losses[best])[dyad == d].sum() for d in sorted({*dyad})]
        mean = sum(sums) / len(sums)
        var = sum((s - mean) ** 2 for s in sums) / (len(sums) - 1)
        error = (len(sums) * var) ** 0.5
        assert table[c]["behind"] == pytest.approx(sum(sums) / rows, abs=1e-12)
        assert table[c]["error"] == pytest.approx(error / rows, abs=1e-12)
        expected.append(sum(sums) <= error + 1e-12)
    assert picked == expected.index(True) <= best


def test_losses_are_the_log_score() -> None:
    risk = risks(X["hazard"].to_numpy())
    found = seen(risk[None], Y, 5)
    total = sum(
        weights(Y, h)[1] @ np.nan_to_num(log_losses(weights(Y, h)[0], risk[:, i]))
        for i, h in enumerate(HORIZONS)
    )
    assert found.losses(risk).sum() == pytest.approx(total, rel=1e-12)


def test_the_simplest_wins_where_nothing_is_between_them() -> None:
    same = {"first": Known(), "second": Known(shift=1e-12), "third": Known()}
    model = chosen(same, horizons=HORIZONS).fit(X, Y, ROWS)
    assert model.weights_.tolist() == [1, 0, 0]
    assert model.members_[1:] == [None, None]


def test_the_best_is_chosen_where_it_is_clearly_better() -> None:
    members = {
        "base": BaseRate(),
        "noise": noisy(),
        "true": Known(),
        "odd": Known(2, 2),
    }
    model = chosen(members, horizons=HORIZONS).fit(X, Y, ROWS)
    assert model.weights_.tolist() == [0, 0, 1, 0]
    np.testing.assert_array_equal(
        model.predict_risk(NEW), Known().fit(X, Y).predict_risk(NEW)
    )
    (what, places, picked, tried), *_ = model.choices_
    assert (what, picked, tried) == ("weights", "true 1.00", 4)
    assert [row["member"] for row in model.tried_] == list(members)
    assert min(model.tried_, key=lambda row: row["loss"])["member"] == "true"
    tested = np.sort(np.concatenate([fold.test for fold in inner()]))
    np.testing.assert_array_equal(places, tested)


def test_a_hedge_of_a_useless_model_is_the_naive_one() -> None:
    """Exactly so in most histories, and never much the worse for it."""
    exact, lost, alone = 0, [], []
    for seed in range(12):
        x, y, rows = history(0.0, seed)
        new, then, _ = history(0.0, seed + 100, truces=300)
        model = hedged(BaseRate(), noisy(), horizons=HORIZONS).fit(x, y, rows)
        naive = BaseRate(HORIZONS).fit(x, y).predict_risk(new)
        found = model.predict_risk(new)
        exact += bool(model.weights_[1] == 0 and np.array_equal(found, naive))
        base = scored(naive, then)
        lost.append(scored(found, then) / base - 1)
        useless = noisy().fit(x, y).predict_risk(new)
        alone.append(scored(useless, then) / base - 1)
    assert exact >= 9
    assert max(lost) < 0.02
    assert np.mean(alone) > 0.02, "the model was worth hedging against"


def test_a_hedge_of_a_strong_model_moves_to_it() -> None:
    weight, gained, whole = [], [], []
    for seed in range(6):
        x, y, rows = history(1.2, seed, truces=400)
        new, then, _ = history(1.2, seed + 100, truces=300)
        model = hedged(BaseRate(), signal(), horizons=HORIZONS).fit(x, y, rows)
        base, full = (
            scored(m.fit(x, y).predict_risk(new), then)
            for m in (BaseRate(HORIZONS), signal())
        )
        weight.append(model.weights_[1])
        gained.append(base - scored(model.predict_risk(new), then))
        whole.append(base - full)
    assert min(weight) >= 0.4
    assert np.mean(gained) > 0.75 * np.mean(whole)


@pytest.mark.parametrize("w", GRID)
def test_a_hedge_has_its_two_ends(w: float) -> None:
    def fixed(found: Evidence, names: Sequence[str]) -> Weighing:  # noqa: ARG001
        return Weighing(np.array([1 - w, w]), [])

    members = {"naive": BaseRate(), "model": Known()}
    model = Pool(members, fixed, horizons=HORIZONS).fit(X, Y, ROWS)
    naive = BaseRate(HORIZONS).fit(X, Y).predict_risk(NEW)
    known = Known().fit(X, Y).predict_risk(NEW)
    found = model.predict_risk(NEW)
    assert (found >= np.minimum(naive, known) - 1e-9).all()
    assert (found <= np.maximum(naive, known) + 1e-9).all()
    if w in (0, 1):
        np.testing.assert_array_equal(found, known if w else naive)
    else:
        expected = (1 - w) * logit(naive) + w * logit(known)
        np.testing.assert_allclose(logit(found), expected, rtol=1e-9)


def test_a_hedge_takes_the_least_weight_within_one_standard_error() -> None:
    pair = np.stack([np.full((len(Y), 3), 0.2), risks(X["hazard"].to_numpy())])
    found = seen(pair, Y, 30)
    picked = hedge(found, ["naive", "model"])
    losses = [found.losses(pooled(pair, np.array([1 - w, w]))) for w in GRID]
    place = one_standard_error(np.array(losses), found.dyad)[0]
    assert picked.weights.tolist() == [1 - GRID[place], GRID[place]]
    assert [row["weight"] for row in picked.tried] == list(GRID)


# ------------------------------------------------------------------- combinations


def test_an_ensemble_of_one_is_that_one() -> None:
    for member in (signal(), BaseRate()):
        alone = clone(member).set_params(horizons=HORIZONS).fit(X, Y)
        pool = ensemble({"only": member}, horizons=HORIZONS).fit(X, Y)
        np.testing.assert_array_equal(pool.predict_risk(NEW), alone.predict_risk(NEW))
        assert pool.choices_ == []


def test_an_ensemble_is_the_mean_of_log_odds() -> None:
    members = {"base": BaseRate(), "true": Known(), "odd": Known(2, 1)}
    found = ensemble(members, horizons=HORIZONS).fit(X, Y).predict_risk(NEW)
    apart = [
        logit(m.set_params(horizons=HORIZONS).fit(X, Y).predict_risk(NEW))
        for m in members.values()
    ]
    held = np.clip(apart, logit(1e-6), -logit(1e-6))
    np.testing.assert_allclose(logit(found), held.mean(axis=0), rtol=1e-6)


@given(st.integers(1, 5), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_stacked_weights_are_the_best_of_their_kind(members: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    odds = logit(risks(X["hazard"].to_numpy()))[:400]
    distorted = [
        expit(rng.normal() + rng.uniform(0, 2) * odds + rng.normal(size=(400, 1)))
        for _ in range(members)
    ]
    found = seen(np.stack(distorted), Y[:400], 20)
    weighing = stack(found, [f"m{i}" for i in range(members)])
    assert (weighing.weights >= 0).all()
    assert weighing.weights.sum() == pytest.approx(1, abs=1e-12)
    least = found.losses(pooled(found.risk, weighing.weights)).mean()
    for other in rng.dirichlet(np.ones(members), 50):
        assert least <= found.losses(pooled(found.risk, other)).mean() + 1e-5
    assert least <= min(row["loss"] for row in weighing.tried) + 1e-12


def test_stacking_finds_the_true_model() -> None:
    members = {"base": BaseRate(), "noise": noisy(), "true": Known()}
    model = stacked(members, horizons=HORIZONS).fit(X, Y, ROWS)
    assert model.weights_.sum() == pytest.approx(1, abs=1e-12)
    assert model.weights_[2] > 0.7


@pytest.mark.parametrize("method", ["logistic", "isotonic"])
def test_a_distorted_model_is_mended(method: str) -> None:
    x, y, rows = history(1.2, seed=5, truces=600)
    true = scored(Known().fit(x, y).predict_risk(NEW), THEN)
    for sharp, shift in ((2.0, 0.0), (0.5, 0.0), (1.0, 1.0)):
        bent = Known(sharp, shift)
        wrong = scored(bent.fit(x, y).predict_risk(NEW), THEN)
        model = Calibrated(bent, method, horizons=HORIZONS).fit(x, y, rows)
        found = scored(model.predict_risk(NEW), THEN)
        assert found - true < 0.25 * (wrong - true)
        if method == "logistic":
            (a,), (b,) = model.map_
            assert b * sharp == pytest.approx(1, abs=0.25)
            assert a + b * shift == pytest.approx(0, abs=0.35)


@pytest.mark.parametrize("method", ["logistic", "isotonic"])
def test_calibration_keeps_the_order_of_rows_and_horizons(method: str) -> None:
    model = Calibrated(signal(), method, horizons=HORIZONS).fit(X, Y, ROWS)
    before, after = model.model_.predict_risk(NEW), model.predict_risk(NEW)
    assert (np.diff(after, axis=1) >= 0).all()
    assert ((after > 0) & (after < 1)).all()
    for i in range(len(HORIZONS)):
        assert (np.diff(after[np.argsort(before[:, i]), i]) >= -1e-12).all()


def test_little_evidence_bends_nothing_much() -> None:
    """The fewer truces, the nearer the map to no change."""
    away = []
    for truces in (15, 60, 600):
        x, y, rows = history(1.2, seed=6, truces=truces)
        model = Calibrated(Known(3.0), spread=0.1, least=1, horizons=HORIZONS)
        away.append(1 - model.fit(x, y, rows).map_[1, 0])
    assert away[0] < away[1] < away[2]


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ValueError, match="'linear'; expected logistic or isotonic"):
        Calibrated(BaseRate(), "linear", horizons=HORIZONS).fit(X, Y, ROWS)


# --------------------------------------------------------------- too little to go by

MEMBERS = {"base": BaseRate(), "true": Known()}
CHOOSERS = {
    "chosen": (chosen(MEMBERS), BaseRate()),
    "hedged": (hedged(BaseRate(), Known()), BaseRate()),
    "stacked": (stacked(MEMBERS), ensemble(MEMBERS)),
    "logistic": (Calibrated(Known()), Known()),
    "isotonic": (Calibrated(Known(), "isotonic"), Known()),
}


@pytest.mark.parametrize("name", CHOOSERS)
def test_without_evidence_the_safe_choice_is_made_and_told(name: str) -> None:
    model, safe = (clone(m).set_params(horizons=HORIZONS) for m in CHOOSERS[name])
    model.set_params(least=10**6).fit(X, Y, ROWS)
    expected = safe.fit(X, Y).predict_risk(NEW)
    np.testing.assert_allclose(model.predict_risk(NEW), expected, rtol=1e-12)
    ((_, places, picked, _),) = model.choices_
    assert "0 truces collapsed to choose by" in picked == model.picked_
    assert len(places) == len(Y)


@pytest.mark.parametrize("name", CHOOSERS)
def test_rows_are_needed_to_choose(name: str) -> None:
    model = clone(CHOOSERS[name][0]).set_params(horizons=HORIZONS)
    with pytest.raises(ValueError, match="truce_id, origin and dyad_id"):
        model.fit(X, Y)
    with pytest.raises(ValueError, match="keys of 3"):
        model.fit(X, Y, ROWS.head(3))


@pytest.mark.parametrize("name", CHOOSERS)
def test_the_order_of_training_rows_makes_no_choice(name: str) -> None:
    model = clone(CHOOSERS[name][0]).set_params(horizons=HORIZONS)
    order = np.random.default_rng(1).permutation(len(Y))
    here = clone(model).fit(X, Y, ROWS)
    there = clone(model).fit(X[order], Y[order], ROWS[order])
    np.testing.assert_allclose(
        there.predict_risk(NEW), here.predict_risk(NEW), rtol=0, atol=1e-5
    )
    used = [np.sort(places[1]) for places in (here.choices_[0], there.choices_[0])]
    np.testing.assert_array_equal(used[0], np.sort(order[used[1]]))


def test_copies_of_a_dyad_stay_on_one_side() -> None:
    """As in refits on resampled dyads, where a row may come several times."""
    twice = np.concatenate([np.arange(len(Y)), np.flatnonzero(ROWS["dyad_id"] == "d1")])
    data = rows_given(X[twice], Y[twice], ROWS[twice])
    for fold in folds(data, PLAN):
        assert not set(twice[fold.train]) & set(twice[fold.test])


def test_choices_of_members_are_told_of_too() -> None:
    inside = chosen({"base": BaseRate(), "true": Known()})
    model = hedged(BaseRate(), Calibrated(inside), horizons=HORIZONS).fit(X, Y, ROWS)
    told = [what for what, *_ in model.choices_]
    assert told == ["weights", "model: calibration", "model: model: weights"]


def test_a_pool_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="a pool needs a member"):
        ensemble({}, horizons=HORIZONS).fit(X, Y)


def test_horizons_and_seed_reach_every_member() -> None:
    inside = stacked({"a": BaseRate(), "b": Known()})
    model = ensemble({"x": inside, "y": Calibrated(Known())})
    model.set_params(horizons=(7, 90), random_state=9)
    (pool, mended) = model.seeded()
    parts = [pool, mended, *pool.seeded(), *mended.seeded()]
    assert all(part.horizons == (7, 90) for part in parts)
    assert all(part.random_state == 9 for part in parts)


# ------------------------------------------------------------------------ in a run


class Told(BaseRate):
    """The base rate, which keeps the keys that it was told of."""

    keys: list[pl.DataFrame] = []  # noqa: RUF012

    def fit(self, X: pl.DataFrame, y: Target, rows: pl.DataFrame) -> Self:
        assert rows.height == X.height == len(y)
        self.keys.append(rows)
        return super().fit(X, y)


def test_a_model_that_asks_is_told_of_its_rows() -> None:
    row = {"age_days": 8, "event": 1, "duration": 5}
    frame = laid_out([{"truce_id": name} | row for name in ("b", "a", "c")])
    features = frame.select("truce_id", "origin", "age_days").reverse()
    Told.keys.clear()
    fitted(Told(horizons=HORIZONS), features, frame)
    (keys,) = Told.keys
    assert keys.equals(frame.select("truce_id", "origin", "dyad_id"))


@pytest.mark.slow
def test_what_was_picked_is_in_the_folder_of_the_run(tmp_path: Path) -> None:
    small = ["world.conflicts=12", "world.years=8", "split.first='2005-01-01'"]
    quick = ["refits=1", "draws=20", "tracking=none", "audits=[choices]"]
    named = ["models=[ensemble,hedged,chosen]", "published=hedged"]
    out = tmp_path / "run"
    assert command.main([*small, *quick, *named, f"out={out}"]) == 0
    table = pl.read_csv(out / "choices.csv", try_parse_dates=True)
    assert table.columns == [field.name for field in fields(Choice)]
    assert set(table["model"]) == {"hedged", "chosen"}
    chosen_then = table.filter(pl.col("model") == "chosen")
    assert chosen_then["cutoff"].dt.year().to_list() == [2005, 2006, 2007]
    assert chosen_then["picked"].is_not_null().all()
    assert set(table["trouble"]) == {""}
    audited = pl.read_csv(out / "audits.csv")
    assert set(audited["verdict"]) == {"held"}
