"""Laws of `hazard` and `exits`, against loops, oracles and worlds of known truth."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from forecast.explain.terms import coefficients
from forecast.ipcw import Target, target, weights
from forecast.models.covariates import STILL, WeeklyDesign
from forecast.models.cox import Cox
from forecast.models.exits import Exits
from forecast.models.hazard import Hazard, inverse
from forecast.models.newton import maximise
from forecast.models.weeks import incidence, person_weeks

ROOT = Path(__file__).parents[1]
HORIZONS = (7, 14, 30, 90)
outcomes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 120)), min_size=1, max_size=30
).map(lambda rows: target(*zip(*rows, strict=True)))


@given(outcomes, st.integers(1, 15))
def test_person_weeks_are_those_of_a_loop(y, weeks):
    expected = []
    for row, (event, duration) in enumerate(y.tolist()):
        for week in range(weeks):
            first, last = 7 * week + 1, 7 * week + 7
            if first > duration:
                break
            ends = duration <= last
            seen = min(duration, last) - first + 1
            if not (ends and event == 0 and seen < 4):
                expected.append((row, week, event if ends else 0))
    found = [part.tolist() for part in person_weeks(y, weeks)]
    assert list(zip(*found, strict=True)) == expected


@st.composite
def hazards(draw):
    seed = draw(st.integers(0, 10**6))
    three = np.random.default_rng(seed).dirichlet([0.3, 0.3, 2], (4, 13))
    if draw(st.booleans()):
        three[0] = np.eye(3)[draw(st.integers(0, 2))]
    return three[:, :, 0], three[:, :, 1]


@given(hazards(), st.sets(st.integers(1, 90), min_size=1, max_size=6).map(sorted))
def test_incidence_is_that_of_a_loop_over_weeks(both, horizons):
    collapse, leave = both
    found = incidence(collapse, leave, horizons)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) >= 0).all()
    for row in range(4):
        for place, horizon in enumerate(horizons):
            standing, reached = 1.0, 0.0
            for week in range(13):
                days = min(max(horizon - 7 * week, 0), 7)
                one, two = collapse[row, week], leave[row, week]
                if one + two > 0:
                    through = 1 - max(1 - one - two, 0) ** (days / 7) if days else 0
                    reached += standing * through * one / (one + two)
                standing *= 1 - one - two
            assert found[row, place] == pytest.approx(reached, abs=1e-12)


@given(outcomes)
def test_a_hazard_for_each_week_gives_aalen_and_johansens_incidence(y):
    """Exactly, where weeks are whole: their estimate is the mean under weights."""
    whole = target(y["event"], np.where(y["event"] == 0, 7, 1) * y["duration"])
    longest = int(whole["duration"].max())
    weeks = -(-longest // 7)
    _, week, kind = person_weeks(whole, weeks)
    counts = [np.bincount(week[kind == k], minlength=weeks) for k in (0, 1, 2)]
    rates = np.array(counts[1:]) / np.maximum(sum(counts), 1)
    horizons = [7 * w for w in range(1, weeks + 1)]
    found = incidence(rates[:1], rates[1:], horizons)[0]
    for horizon, risk in zip(horizons, found, strict=True):
        if (whole["duration"] >= horizon).any():
            outcome, weight = weights(whole, horizon)
            assert risk == pytest.approx(weight @ np.nan_to_num(outcome) / len(y))


@pytest.mark.parametrize("model", [Hazard(), Hazard("logit"), Exits()], ids=repr)
def test_without_covariates_the_risk_is_aalen_and_johansens(model: Any):
    """Ends on any day, censoring in the middle of weeks, no age."""
    rng = np.random.default_rng(3)
    ends = np.stack([rng.geometric(p, 20_000) for p in (0.011, 0.005, 0.008)])
    y = target(np.array([1, 2, 0])[ends.argmin(axis=0)], ends.min(axis=0))
    X = pl.DataFrame({"age_days": pl.Series([None] * len(y), dtype=pl.Int64)})
    found = model.set_params(penalty=0).fit(X, y).predict_risk(X.head(1))[0]
    for risk, horizon in zip(found, HORIZONS, strict=True):
        outcome, weight = weights(y, horizon)
        expected = weight @ np.nan_to_num(outcome) / len(y)
        error = np.sqrt(expected * (1 - expected) / len(y))
        assert abs(risk - expected) < 3 * error


def world(truces: int, seed: int) -> tuple[pl.DataFrame, Target, np.ndarray]:
    """Weekly origins of truces whose log odds of each end are linear, as modelled.

    Strikes set in at the start and halve every 14 days; terms last. Columns are signed
    squares, of which models take the root. Against staying, collapse has strikes'
    effect 1 and terms' −.5; another exit, terms' .8.
    """
    rng = np.random.default_rng(seed)
    week = np.arange(30)
    strikes = rng.uniform(-1.5, 1.5, (truces, 1)) * 0.5 ** (week / 2)
    terms = np.broadcast_to(rng.uniform(-1.5, 1.5, (truces, 1)), strikes.shape)
    age = 1 + 7 * week
    odds = np.exp([-1.5 - 0.4 * np.log(age) + strikes - 0.5 * terms, -4 + 0.8 * terms])
    collapse, leave = odds / (1 + odds.sum(axis=0))
    draw = rng.random(collapse.shape)
    ends = draw < collapse + leave
    last = np.where(ends.any(axis=1), ends.argmax(axis=1), 29)
    place = np.arange(truces), last
    kind = np.where(draw[place] < collapse[place], 1, np.where(ends[place], 2, 0))
    truce, origin = np.nonzero(week <= last[:, None])
    roots = {"recent_strikes": strikes, "design_terms": terms}
    squares = {n: (np.sign(v) * v**2)[truce, origin] for n, v in roots.items()}
    X = pl.DataFrame({"age_days": age[origin], **squares})
    return X, target(kind[truce], 7 * (last[truce] - origin) + 7), truce


TRUTH = {"recent_strikes_fading_14d": (1, 0), "design_terms": (-0.5, 0.8)}
TRUTH |= {"recent_strikes": (0, 0)}
NAMES = ("recent_strikes", "design_terms")


def test_exits_finds_what_was_planted_for_either_end():
    X, y, truce = world(4000, seed=5)
    model = Exits(penalty=0, columns=NAMES).fit(X, y)
    told = coefficients("exits", model, X, y, pl.Series(truce.astype(str)))
    said = {row["term"]: row for row in told.to_dicts()}
    for name, truths in TRUTH.items():
        place = model.names_.index(name)
        for end, truth in zip(("", "exit: "), truths, strict=True):
            row, coef = said[end + name], model.coef_[place, int(end != "")]
            # told for a standard deviation of the term, not of the root
            true = truth * model.scale_[place] * row["coefficient"] / coef
            reach = (row["upper"] - row["lower"]) / 2
            assert abs(row["coefficient"] - true) < 1.8 * reach, end + name
    strikes = said["recent_strikes_fading_14d"]
    assert strikes["lower"] > 0.6 * strikes["coefficient"]


def test_hazard_finds_what_was_planted():
    """The world of the benchmark, with the link that it is made of."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import hazard_coverage as benchmark

    sys.path.pop(0)
    X, y, dyad = benchmark.world(seed=1, dyads=2500)
    model = Hazard(penalty=0, columns=benchmark.COLUMNS).fit(X, y)
    reach = benchmark.by_dyads(model, X, y, dyad)
    for (name, truth), far in zip(benchmark.EFFECTS.items(), reach, strict=True):
        place = model.names_.index(name)
        off = abs(model.coef_[place] / model.scale_[place] - truth)
        assert off < 1.8 * far, name
        assert far < 0.16


X, Y, TRUCE = world(150, seed=2)


@pytest.mark.parametrize("link", ["cloglog", "logit"])
def test_unpenalised_coefficients_are_statsmodels_own(link):
    model = Hazard(link, penalty=0, columns=NAMES).fit(X, Y)
    expected = model.likelihood(X, Y)[0].fit(tol=1e-12).params
    np.testing.assert_allclose(model.coef_, expected, rtol=1e-6, atol=1e-6)


def test_unpenalised_multinomial_coefficients_are_statsmodels_own():
    model = Exits(penalty=0, columns=NAMES).fit(X, Y)
    fitted = model.likelihood(X, Y)[0].fit(method="newton", disp=False, maxiter=100)
    np.testing.assert_allclose(model.coef_, fitted.params, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model", [Hazard(), Hazard("logit"), Exits()], ids=repr)
def test_slopes_balance_the_penalty(model: Any):
    """At the maximum Σ contributions = penalty · coefficients; none without one."""
    for weight in (0.0, 3.0, 100.0):
        model.set_params(penalty=weight, columns=NAMES).fit(X, Y)
        slopes = model.contributions(X, Y)
        coef = model.coef_.T.ravel()
        pull = np.resize(model.design_.penalty(weight), coef.shape) * coef
        assert slopes.shape == (X.height, len(coef))
        np.testing.assert_allclose(slopes.sum(axis=0), pull, atol=1e-4)


def test_a_stronger_penalty_shrinks():
    sizes = []
    for weight in (1.0, 10.0, 1000.0):
        model = Hazard(penalty=weight, columns=NAMES).fit(X, Y)
        sizes.append((model.coef_[~model.design_.shape_] ** 2).sum())
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_what_stands_still_is_held_back_as_what_has_fewer_cases():
    """A column is shrunk as if its truces, and not their origins, were the cases."""
    rows = pl.DataFrame({"age_days": [9, 9, 9], "recent_a": [1, 2, 3]})
    rows = rows.with_columns(design_a=pl.Series([0, 5, 1]))
    design = WeeklyDesign(("recent_a", "design_a"), weeks=13).fit(rows)
    weight = dict(zip(design.names_, design.penalty(7.0), strict=True))
    assert weight["design_a"] == STILL * weight["recent_a"] == STILL * 7
    assert weight["recent_a"] == weight["recent_a_fading_14d"]
    assert weight["intercept"] == 0
    assert weight["age_1"] == 1


def test_without_exits_both_families_are_one():
    stayed = target(np.where(Y["event"] == 2, 0, Y["event"]), Y["duration"])
    one = Hazard("logit", columns=NAMES).fit(X, stayed).predict_risk(X)
    both = Exits(columns=NAMES).fit(X, stayed)
    assert both.coef_.shape == (len(both.names_), 1)
    np.testing.assert_allclose(both.predict_risk(X), one, atol=1e-7)


def test_the_risk_is_put_together_from_coefficients_as_documented():
    model = Hazard("logit", columns=NAMES).fit(X, Y)
    rows = X.head(3)
    found = model.predict_risk(rows)
    effect = dict(zip(model.names_, model.coef_, strict=True))
    for place, row in enumerate(rows.iter_rows(named=True)):
        z = {}
        for column, name in enumerate(NAMES):
            root = np.sign(row[name]) * np.sqrt(abs(row[name]))
            centre = model.design_.centre_[column]
            z[name] = (root - centre) / model.scale_[model.names_.index(name)]
        standing, reached = 1.0, [0.0]
        for week in range(13):
            fade = 2 ** (-7 * week / 14)
            age = np.log([[row["age_days"] + 7 * week]])
            curve = model.design_.curves_.transform(age)[0]
            linear = effect["intercept"] + fade * effect["fading_14d"]
            linear += sum(effect[f"age_{i + 1}"] * c for i, c in enumerate(curve))
            linear += z["recent_strikes"] * (
                effect["recent_strikes"] + fade * effect["recent_strikes_fading_14d"]
            )
            linear += z["design_terms"] * effect["design_terms"]
            hazard = expit(linear)
            reached.append(reached[-1] + standing * hazard)
            standing *= 1 - hazard - model.exit_
        assert found[place, :2] == pytest.approx(reached[1:3], rel=1e-9)
        assert reached[12] < found[place, 3] < reached[13]


def test_what_moves_fades_and_what_lasts_does_not():
    frame = pl.DataFrame(
        {"age_days": [1, 2, 3], "kinds_strike_7d": [0, 1, 5], "design_x": [1, 0, 1]}
    )
    design = WeeklyDesign(columns=None, half_lives=(14, 28)).fit(frame)
    origins = design.transform(frame)
    now, later = (design.at(origins, np.full(3, week)) for week in (0, 4))
    kept = [name for name in design.names_[8:] if "_fading" not in name]
    assert kept == ["kinds_strike_7d", "design_x"]
    for place, name in enumerate(design.names_):
        share = 1 / 4 if "14d" in name else 1 / 2 if "28d" in name else 1
        if not name.startswith("age"):
            np.testing.assert_allclose(later[:, place], share * now[:, place])


@pytest.mark.parametrize("build", [Hazard, Exits, Cox])
def test_a_window_that_fills_up_bends_the_risk(build):
    """No line on any link: nothing happens below half, and above it all collapse."""
    rng = np.random.default_rng(1)
    filled = rng.uniform(0, 1, 4000)
    days = rng.geometric(np.where(filled > 0.6, 0.05, 0.001))
    y = target(days <= 90, np.minimum(days, 90))
    rows = pl.DataFrame({"age_days": [5] * 4000, "recent_filled": filled})
    asked = pl.DataFrame({"age_days": [5] * 4, "recent_filled": [0.05, 0.3, 0.8, 0.95]})
    risk = build().fit(rows, y).predict_risk(asked)[:, 1]
    truth = 1 - np.array([0.999, 0.999, 0.95, 0.95]) ** 14
    np.testing.assert_allclose(risk, truth, atol=0.1)


def test_exits_knows_who_will_leave():
    """Truces with a term all leave in their second week: few are left to collapse."""
    rng = np.random.default_rng(8)
    n = 3000
    term = rng.random(n) < 0.5
    collapse, leave = rng.geometric(0.01, n), np.where(term, 10, 9999)
    ends = np.stack([collapse, leave, np.full(n, 90)])
    y = target(np.array([1, 2, 0])[ends.argmin(axis=0)], ends.min(axis=0))
    frame = pl.DataFrame({"age_days": [1] * n, "design_term": term})
    new = pl.DataFrame({"age_days": [1, 1], "design_term": [True, False]})
    truth = 1 - 0.99 ** np.array([10, 90])
    model = Exits(penalty=0.1, columns=("design_term",), fading=("design",))
    found = model.fit(frame, y).predict_risk(new)[:, 3]
    assert abs(found[0] - truth[0]) < 0.04
    assert abs(found[1] - truth[1]) < 0.04


@pytest.mark.parametrize("build", [Hazard, Exits])
def test_what_is_missing_is_named(build):
    with pytest.raises(ValueError, match=r"'age_days'.*`age`"):
        build().fit(X.drop("age_days"), Y)
    model = build(columns=NAMES).fit(X, Y)
    with pytest.raises(ValueError, match="not there: 'design_terms'"):
        model.predict_risk(X.drop("design_terms"))
    assert build(columns=("gone", *NAMES)).fit(X, Y).design_.columns_ == list(NAMES)


def test_an_unknown_link_is_refused():
    with pytest.raises(ValueError, match="cloglog or logit"):
        Hazard(link="probit").fit(X, Y)


@pytest.mark.parametrize("build", [Hazard, Exits])
def test_what_tells_ends_apart_without_error_is_no_trouble(build):
    told = np.arange(200) % 2
    frame = pl.DataFrame({"age_days": [1] * 200, "design_told": told})
    y = target(told, np.where(told, 5, 90))
    model = build(penalty=0, columns=("design_told",)).fit(frame, y)
    found = model.predict_risk(frame)
    np.testing.assert_allclose(found[:, 3], told, atol=1e-6)


class Endless:
    """A likelihood that grows for ever."""

    def loglike(self, coef):
        return coef.sum()

    def score(self, coef):
        return np.ones_like(coef)

    def hessian(self, coef):
        return -np.eye(len(coef))


def test_a_likelihood_that_grows_for_ever_is_given_up():
    with pytest.warns(ConvergenceWarning, match="penalise"):
        maximise(Endless(), np.zeros(2))


@given(st.floats(-30, 900))
def test_links_invert(value):
    found = inverse("cloglog", np.array([value]))[0]
    assert 0 < found <= 1
    if value < 2:
        assert np.log(-np.log1p(-found)) == pytest.approx(value, abs=1e-9)
