"""Why a model says what it says: laws of coefficients, effects and importance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hydra.utils import instantiate
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from polars.testing import assert_frame_equal
from scipy.special import expit
from scipy.stats import t as student
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.tools import add_constant
from test_models import truce

from forecast.backtest import KEYS, backtest
from forecast.collapse import resumption
from forecast.explain import effects, jackknife
from forecast.explain.effects import moves, partial_effects
from forecast.explain.shuffling import (
    forecast_rows,
    importance,
    shuffled,
    shuffled_losses,
)
from forecast.explain.terms import NoCoefficients, coefficients, has_coefficients
from forecast.features import compute
from forecast.features.age import age
from forecast.features.recent import recent
from forecast.ipcw import Target, weights
from forecast.ipcw import target as outcomes
from forecast.link import link, linked
from forecast.models.baselines import Trail
from forecast.models.core import Core
from forecast.models.cox import Cox
from forecast.models.exits import Exits
from forecast.models.hazard import Hazard
from forecast.models.horizon import HorizonClassifier, matrix
from forecast.models.logit import logit
from forecast.models.newton import contributions, maximise
from forecast.panel import censor, panel
from forecast.schema import Importance, Panel, Predictions
from forecast.simulated import World
from forecast.split import Fold, Rolling

HORIZONS = (7, 30, 90)
CONF = Path(__file__).parents[1] / "conf" / "models"
WITH = {"core", "cox", "elastic_net", "exits", "hazard", "logit"}
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))


def build(name: str) -> Any:
    config = OmegaConf.load(CONF / f"{name}.yaml")[name]
    return instantiate(config, horizons=list(HORIZONS), random_state=1)


def rows(truces: int = 60, seed: int = 3) -> tuple[pl.DataFrame, Target, pl.Series]:
    """Weekly origins of simulated truces; three of them are a dyad."""
    rng = np.random.default_rng(seed)
    each = [
        pl.DataFrame(truce(rng)).with_columns(dyad_id=pl.lit(f"d{i // 3}"))
        for i in range(truces)
    ]
    frame = pl.concat(each).fill_nan(None)
    y = outcomes(frame["event"], frame["duration"])
    return frame.drop("event", "duration", "dyad_id"), y, frame["dyad_id"]


X, Y, DYADS = rows()


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """Every family with coefficients, fitted on the same rows."""
    return {name: build(name).fit(X, Y) for name in sorted(WITH)}


# coefficients


@pytest.mark.parametrize("name", NAMES)
def test_models_without_coefficients_say_so(name: str) -> None:
    model = build(name)
    assert has_coefficients(model) == (name in WITH)
    if name not in WITH:
        with pytest.raises(NoCoefficients, match=f"{name} has no coefficients"):
            coefficients(name, model, X, Y, DYADS)


@pytest.mark.parametrize("name", sorted(WITH))
def test_every_term_has_a_name_and_an_interval_around_it(
    name: str, known: dict[str, Any]
) -> None:
    found = coefficients(name, known[name], X, Y, DYADS)
    assert found["model"].unique().to_list() == [name]
    one = name in ("hazard", "exits", "cox")
    assert found["horizon"].unique().to_list() == [None] if one else [*HORIZONS]
    inside = pl.col("lower") <= pl.col("coefficient"), pl.col("upper")
    said = found.drop_nulls(["lower", "upper"])
    assert said.select((inside[0] & (pl.col("coefficient") <= inside[1])).all()).item()
    left_out = found.filter(pl.col("lower").is_null())
    assert (left_out["coefficient"] == 0).all()
    assert left_out.is_empty() or name == "elastic_net"
    wider = coefficients(name, known[name], X, Y, DYADS, level=0.99)
    assert (wider["upper"] - found["upper"]).drop_nulls().min() > -1e-12  # type: ignore[operator]


@pytest.mark.parametrize("name", ["logit", "elastic_net"])
def test_a_term_is_what_its_name_says(name: str, known: dict[str, Any]) -> None:
    """To move a column moves the terms that bear its name, and no other."""
    model = known[name]
    found = coefficients(name, model, X, Y, DYADS).filter(pl.col("horizon") == 30)
    part = model.fitted_[1]
    weight = weights(Y, 30)[1]
    design = part[:-1].transform(matrix(X))
    # by size, for the frame is sorted and the pipeline is not
    size = np.ravel(part[-1].coef_) * design[weight > 0].std(axis=0)
    np.testing.assert_allclose(np.sort(size), np.sort(found["coefficient"]), atol=1e-12)
    for column in ("age_log", "recent_events_7d", "recent_filled"):
        nudged = X.with_columns(pl.col(column) * 1.3 + 0.1)
        moved = np.abs(part[:-1].transform(matrix(nudged)) - design).max(axis=0) > 0
        expected = found.filter(pl.col("term").str.contains(f"^{column}(_curve_.)?$"))
        np.testing.assert_allclose(
            np.sort(size[moved]), np.sort(expected["coefficient"]), atol=1e-12
        )


def clustered_world(
    seed: int, dyads: int, columns: int
) -> tuple[pl.DataFrame, Target, pl.Series]:
    """Rows of dyads that share luck; of three columns one is constant in a dyad."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(dyads), 40)
    values = rng.normal(size=(len(code), columns))
    for j in range(0, columns, 3):
        values[:, j] = rng.normal(size=dyads)[code]
    luck = 0.7 * rng.normal(size=dyads)[code]
    risk = expit(-1.5 + 0.8 * values[:, 0] + 0.5 * values[:, 1] + luck)
    y = outcomes(rng.random(len(code)) < risk, np.full(len(code), 30))
    X = pl.DataFrame({f"x_{j}": column for j, column in enumerate(values.T)})
    return X, y, pl.Series("dyad_id", code.astype(str))


def clustered(model: GLM, coef: np.ndarray, penalty: np.ndarray, groups: np.ndarray):
    """The sandwich of Liang and Zeger (1986), with the factor g / (g - 1)."""
    n = int(groups.max()) + 1
    sums = contributions(model, coef, groups, n)
    bread = np.linalg.pinv(np.diag(penalty) - model.hessian(coef))
    return bread @ (sums.T @ sums) @ bread * n / (n - 1)


def coverage(columns: int, C: float, worlds: int) -> np.ndarray:
    """How often intervals of 90% hold the mean estimate, in worlds of 30 dyads.

    By the jackknife and by the sandwich of clusters; of columns that are constant in
    a dyad, and of others. The mean of estimates is what this penalty gives on average.
    """
    found = []
    for seed in range(worlds):
        X, y, dyads = clustered_world(seed, 30, columns)
        model = HorizonClassifier(LogisticRegression(C=C), horizons=(30,)).fit(X, y)
        scale = X.select(pl.all().std(ddof=0)).to_numpy()[0]
        said = coefficients("m", model, X, y, dyads).sort(
            pl.col("term").str.slice(2).cast(pl.Int64)
        )
        value, upper = said["coefficient"] / scale, said["upper"] / scale
        likelihood = GLM(
            y["event"].astype(float), add_constant(X.to_numpy()), family=Binomial()
        )
        part = model.fitted_[0]
        covariance = clustered(
            likelihood,
            np.append(part.intercept_, part.coef_),
            np.append(0, np.full(columns, 1 / C)),
            dyads.cast(pl.Int64).to_numpy(),
        )
        sandwich = student.ppf(0.95, 29) * np.sqrt(np.diag(covariance))[1:]
        found.append([value, upper - value, sandwich])
    value, *reaches = np.moveaxis(np.array(found), 1, 0)
    away = np.abs(value - value.mean(axis=0))
    constant = np.arange(columns) % 3 == 0
    return np.array(
        [
            [(away <= reach)[:, kind].mean() for kind in (constant, ~constant)]
            for reach in reaches
        ]
    )


@pytest.mark.parametrize(("columns", "C"), [(3, 1.0), (90, 0.01)])
def test_intervals_hold_the_shrunken_target(columns: int, C: float) -> None:
    """Where a sandwich does not, as soon as columns are many."""
    (constant, others), sandwich = coverage(columns, C, worlds=60)
    assert 0.85 < constant < 0.98
    assert 0.85 < others < 0.98
    assert columns == 3 or sandwich[0] < 0.65


def exact(model: Any, X: pl.DataFrame, y: Target, codes: np.ndarray) -> np.ndarray:
    """Coefficients refitted without each dyad, on the columns of the whole fit."""
    penalty = model.design_.penalty(model.penalty)
    found = []
    for dyad in range(codes.max() + 1):
        rest = codes != dyad
        part, _ = model.likelihood(X.filter(rest), y[rest])
        found.append(maximise(part, np.tile(penalty, model.coef_.size // len(penalty))))
    return np.array(found)


@pytest.mark.parametrize("model", [Hazard(), Hazard("logit"), Exits()], ids=repr)
def test_one_step_is_nearly_a_refit_without_the_dyad(model: Any) -> None:
    model = model.set_params(horizons=HORIZONS).fit(X, Y)
    codes = DYADS.rank("dense").to_numpy().astype(int) - 1
    error = jackknife.errors(exact(model, X, Y, codes))
    found = coefficients("m", model, X, Y, DYADS)
    width = dict(found.select("term", pl.col("upper") - pl.col("lower")).iter_rows())
    spread = model.likelihood(X, Y)[0].exog.std(axis=0)
    p = len(model.names_)
    # exits are few, and a step from them is less like a refit
    for end, (before, close) in enumerate([("", 1.25), ("exit: ", 2.5)]):
        if end < model.coef_.size // p:
            ours = np.array([width.pop(before + name) for name in model.names_[1:]])
            theirs = (error[end * p :][:p] * spread)[1:]
            # an interval is an error times twice Student's t, the same for all
            ratio = ours / theirs / (2 * student.ppf(0.95, len(set(DYADS)) - 1))
            assert 1 / close < ratio.min()
            assert ratio.max() < close
    assert not width


def test_one_step_of_a_logit_is_nearly_a_refit_without_the_dyad() -> None:
    X, y, dyads = clustered_world(5, 12, 6)
    code = dyads.cast(pl.Int64).to_numpy()
    values, event = X.to_numpy(), y["event"]
    whole = LogisticRegression(C=0.1, tol=1e-9).fit(values, event)
    risk = whole.predict_proba(values)[:, 1]
    moved = jackknife.steps(
        np.column_stack([np.ones(len(values)), values]),
        (event - risk)[:, None],
        (risk * (1 - risk))[:, None, None],
        np.append(0, np.full(6, 10.0)),
        code,
    )
    for dyad in range(12):
        rest = code != dyad
        again = LogisticRegression(C=0.1, tol=1e-9).fit(values[rest], event[rest])
        np.testing.assert_allclose(
            moved[dyad, 1:], (again.coef_ - whole.coef_)[0], atol=0.02
        )


def test_cox_agrees_with_refits_without_each_dyad() -> None:
    model = Cox(horizons=HORIZONS).fit(X, Y)
    codes = DYADS.rank("dense").to_numpy().astype(int) - 1
    origins = model.design_.transform(X)
    values = model.design_.at(origins, np.zeros(len(Y), np.intp))[:, 1:]
    kind = np.where(Y["duration"] <= 90, Y["event"], 0)
    days = np.minimum(Y["duration"], 90).astype(np.int64)
    penalty = model.design_.penalty(model.penalty)[1:]
    found = []
    for dyad in range(codes.max() + 1):
        rest = codes != dyad
        part = model._likelihood(values[rest], kind[rest], days[rest])
        found.append(maximise(part, penalty))
    theirs = jackknife.errors(np.array(found)) * values.std(axis=0)
    said = coefficients("m", model, X, Y, DYADS)
    ours = dict(said.select("term", pl.col("upper") - pl.col("lower")).iter_rows())
    reach = 2 * student.ppf(0.95, len(set(DYADS)) - 1)
    ratio = np.array([ours[n] for n in model.names_]) / theirs / reach
    assert ratio.min() > 0.8
    assert ratio.max() < 1.25


def test_few_dyads_have_no_interval() -> None:
    few = pl.Series("dyad_id", [f"d{i % 4}" for i in range(len(Y))])
    found = coefficients("m", logit(horizons=(30,)).fit(X, Y), X, Y, few)
    assert found.height
    assert found["lower"].null_count() == found["upper"].null_count() == found.height


def test_dyads_of_unknown_outcome_count_for_no_interval() -> None:
    """Of six dyads two are seen for a month: at 30 days there are two, at 7 six."""
    rng = np.random.default_rng(1)
    code = np.repeat(np.arange(6), 40)
    near = (code < 2) & (rng.random(240) < 0.2)
    y = outcomes(near, np.where(near, 3, np.where(code < 2, 95, 10)))
    X = pl.DataFrame({"x": rng.normal(size=240)})
    model = logit(n_knots=0, horizons=(7, 30)).fit(X, y)
    found = coefficients("m", model, X, y, pl.Series(code.astype(str)))
    lower = dict(found.select("horizon", "lower").iter_rows())
    assert lower[7] is not None
    assert lower[30] is None


def test_a_horizon_with_a_constant_risk_has_no_terms() -> None:
    late = outcomes(Y["event"], np.maximum(Y["duration"], 8))
    for model in (logit(horizons=(7, 90)), Core(horizons=(7, 90))):
        found = coefficients("m", model.fit(X, late), X, late, DYADS)
        assert found["horizon"].unique().to_list() == [90]


def test_rows_may_stand_in_any_order() -> None:
    order = np.random.default_rng(1).permutation(len(Y))
    model = logit(horizons=(30,)).fit(X, Y)
    first = coefficients("m", model, X, Y, DYADS)
    again = coefficients("m", model, X[order], Y[order], DYADS.gather(order))
    assert_frame_equal(first, again, abs_tol=1e-9)


# partial effects


class Odds(BaseEstimator):  # type: ignore[misc]
    """A risk that is a formula: it rises with `up`, falls with `down`, no more."""

    def __init__(self, horizons: Sequence[int] = HORIZONS) -> None:
        self.horizons = horizons

    def fit(self, X: pl.DataFrame, y: Target) -> Self:  # noqa: ARG002
        return self

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        up, down = (X[n].cast(pl.Float64).fill_null(0) for n in ("up_a", "down_a"))
        sign = (up.sign() - down.sign()).to_numpy()
        line = np.clip(np.round((up - down).to_numpy()), -700, 700) + sign
        return expit(line[:, None] - np.array([3.0, 2.0, 1.0]))


columns = st.lists(
    st.one_of(st.none(), st.floats(-20, 20, width=16)), min_size=1, max_size=60
)


@given(columns, st.randoms(use_true_random=False))
def test_the_effect_of_a_monotone_model_is_monotone(
    values: list[float | None], random: Any
) -> None:
    other = random.sample(values, len(values))
    frame = pl.DataFrame(
        {"up_a": values, "down_a": other, "no_a": [True, *[False] * (len(values) - 1)]},
        schema={"up_a": pl.Float64, "down_a": pl.Float64, "no_a": pl.Boolean},
    )
    found = partial_effects("m", Odds(), frame, frame.columns)
    assert set(found["horizon"]) <= {*HORIZONS}
    for (_, column), line in found.group_by("horizon", "column"):
        risk = np.diff(line.sort("at")["risk"])
        assert line["at"].is_unique().all()
        assert len(risk)
        if column == "up_a":
            assert (risk >= -1e-12).all()
        elif column == "down_a":
            assert (risk <= 1e-12).all()
        else:
            np.testing.assert_allclose(risk, 0, atol=1e-12)


@given(columns, st.integers(2, 12))
def test_a_grid_ascends_through_values_that_occur(
    values: list[float | None], points: int
) -> None:
    series = pl.Series(values, dtype=pl.Float64)
    found = effects.grid(series, points)
    assert len(found) <= points
    assert set(found) <= set(series.drop_nulls())
    assert (np.diff(found) > 0).all()


def test_an_effect_is_the_mean_over_rows_of_a_naive_loop() -> None:
    model = logit(horizons=HORIZONS).fit(X, Y)
    found = partial_effects("m", model, X, ["recent_filled", "design_written"])
    some = effects.sample(X)
    assert some.height <= effects.MOST_ROWS
    for horizon, column, at, risk in found.drop("model").iter_rows():
        moved = some.with_columns(pl.lit(at, X.schema[column]).alias(column))
        mean = model.predict_risk(moved)[:, HORIZONS.index(horizon)].mean()
        assert risk == pytest.approx(mean)
    assert set(found["column"]) == {"recent_filled", "design_written"}


def test_columns_that_a_model_does_not_use_move_nothing() -> None:
    wide = X.with_columns(up_a=pl.col("recent_filled"), down_a=pl.col("age_log"))
    found = moves(Odds(), wide, 30)
    used = found.filter(pl.col("moved") > 0)["column"]
    assert set(used) == {"up_a", "down_a"}
    assert found["column"].head(2).to_list() == used.to_list()
    assert moves(Odds(), wide, 30).equals(found)


# importance


@dataclass(frozen=True)
class Case:
    """A backtest of one model and `trail` in a simulated world, and its losses."""

    features: pl.DataFrame
    panel: dy.DataFrame[Panel]
    folds: list[Fold]
    predictions: dy.DataFrame[Predictions]

    def training(self, morning: date) -> dy.DataFrame[Panel]:
        return censor(self.panel, morning)

    def losses(self, model: Any, folds: Sequence[Fold], **kw: Any) -> pl.DataFrame:
        rows = forecast_rows(self.panel, self.predictions, "mine")
        return shuffled_losses(
            model, self.features, rows, self.training, folds, **({"repeats": 3} | kw)
        )

    def importance(self, losses: pl.DataFrame) -> dy.DataFrame[Importance]:
        return importance(losses, self.predictions, "mine", "trail", draws=400)


MODEL = logit(horizons=HORIZONS)


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    """Columns of `noise` know nothing; some change by week, one by truce."""
    args = (world.truces, world.events, world.covered_through, resumption)
    rows, _ = panel(*args)
    coded = linked(world.events, link(world.truces, world.events))
    made = compute({"age": age, "recent": recent}, rows, coded, world.truces)
    rng = np.random.default_rng(8)
    draws = {f"noise_{i}": rng.normal(size=made.height) for i in range(4)}
    of_truce = pl.DataFrame({"truce_id": rows["truce_id"].unique().sort()})
    of_truce = of_truce.with_columns(noise_truce=rng.normal(size=of_truce.height))
    features = made.with_columns(**draws).join(
        of_truce, on="truce_id", how="left", maintain_order="left"
    )
    folds = Rolling(first=date(2003, 1, 1)).folds(world.covered_through)
    predictions, notes = backtest(
        {"mine": (MODEL, features), "trail": (Trail(horizons=HORIZONS), features)},
        rows,
        lambda morning: censor(rows, morning),
        folds,
        HORIZONS,
    )
    assert not notes
    return Case(features, rows, folds, predictions)


@pytest.fixture(scope="module")
def losses(case: Case) -> pl.DataFrame:
    return case.losses(MODEL, case.folds)


def test_noise_is_worth_nothing_and_what_is_needed_is_worth_much(
    case: Case, losses: pl.DataFrame
) -> None:
    found = case.importance(losses)
    noise = found.filter(pl.col("family") == "noise")
    assert noise["horizon"].to_list() == [*HORIZONS]
    assert (noise["lower"] <= 0).all()
    assert (noise["upper"] >= 0).all()
    needed = found.filter(pl.col("family") == "recent", pl.col("horizon") <= 30)
    assert (needed["lower"] > 0).all()
    assert (needed["value"] > noise.head(2)["value"] + 0.05).all()


def test_losses_as_they_are_are_those_of_the_backtest(
    case: Case, losses: pl.DataFrame
) -> None:
    own = case.predictions.filter(pl.col("model") == "mine")
    both = own.join(losses, on=[*KEYS, "horizon"])
    assert both.height == own.height == losses.height
    known = both.filter(pl.col("outcome").is_not_null())
    expected = (known["risk"] - known["outcome"]) ** 2
    np.testing.assert_array_equal(known["own"], expected)


def test_importance_is_the_skill_of_a_naive_count(
    case: Case, losses: pl.DataFrame
) -> None:
    found = case.importance(losses)
    own, named = (
        case.predictions.filter(pl.col("model") == m) for m in ("mine", "trail")
    )
    for horizon in HORIZONS:
        at = pl.col("horizon") == horizon
        rows = own.filter(at, pl.col("weight") > 0).join(losses, on=[*KEYS, "horizon"])
        weight = rows["weight"]
        floor = named.filter(at, pl.col("weight") > 0)
        brier = (floor["weight"] * (floor["risk"] - floor["outcome"]) ** 2).sum()
        before = 1 - (weight * rows["own"]).sum() / brier
        shuffled_ = rows["own"] + rows["lost_recent"]
        after = 1 - (weight * shuffled_).sum() / brier
        value = found.filter(at, pl.col("family") == "recent")["value"].item()
        assert value == pytest.approx(before - after)


def test_a_fold_hangs_on_no_other(case: Case, losses: pl.DataFrame) -> None:
    """Shuffled or not, in company or alone."""
    last = case.folds[-2:]
    alone = case.losses(MODEL, last)
    inside = losses.filter(pl.col("origin") >= last[0].cutoff)
    assert_frame_equal(alone, inside)


def test_the_seed_is_all_there_is(case: Case) -> None:
    last = case.folds[-1:]
    one, two = (case.losses(MODEL, last, seed=s) for s in (4, 4))
    assert one.equals(two)
    other = case.losses(MODEL, last, seed=5)
    assert one["own"].equals(other["own"])
    assert not one["lost_recent"].equals(other["lost_recent"])
    csv = [case.importance(case.losses(MODEL, case.folds)).write_csv() for _ in "ab"]
    assert csv[0] == csv[1]


class Unfitted(Odds):
    """The formula on other columns; it never looks at `noise`."""

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        return super().predict_risk(X.select(up_a="recent_events_7d", down_a="age_log"))


def test_a_family_that_is_not_used_is_worth_exactly_nothing(case: Case) -> None:
    found = case.importance(case.losses(Unfitted(), case.folds))
    noise = found.filter(pl.col("family") == "noise")
    assert noise.select("value", "lower", "upper").unique().row(0) == (0, 0, 0)
    assert (found.filter(pl.col("family") == "recent")["value"] != 0).all()


@given(st.integers(0, 99), st.integers(1, 5))
def test_only_rows_that_take_others_values_change(seed: int, repeats: int) -> None:
    some = X.head(40)
    rng = np.random.default_rng(seed)
    orders = np.array([np.arange(40)] * repeats)
    for order in orders:
        taken = rng.choice(40, 10, replace=False)
        order[taken] = rng.permutation(taken)
    wide = some.rename({"recent_events_7d": "up_a", "age_log": "down_a"})
    risk = Odds().predict_risk(wide)
    found = shuffled(Odds(), wide, ["up_a"], orders)
    assert found.shape == (repeats, 40, len(HORIZONS))
    for order, one in zip(orders, found, strict=True):
        stayed = order == np.arange(40)
        np.testing.assert_array_equal(one[stayed], risk[stayed])
        both = wide.with_columns(up_a=wide["up_a"].gather(order))
        np.testing.assert_array_equal(one, Odds().predict_risk(both))


def test_batches_change_nothing(
    monkeypatch: pytest.MonkeyPatch, case: Case, losses: pl.DataFrame
) -> None:
    monkeypatch.setattr("forecast.explain.shuffling.BATCH", 1)
    assert_frame_equal(case.losses(MODEL, case.folds), losses)


def test_the_baseline_itself_can_be_explained(case: Case) -> None:
    theirs = case.predictions.with_columns(
        model=pl.col("model").replace({"mine": "other", "trail": "mine"})
    )
    rows = forecast_rows(case.panel, Predictions.validate(theirs), "mine")
    model = Trail(horizons=HORIZONS)
    losses = shuffled_losses(
        model, case.features, rows, case.training, case.folds, repeats=2
    )
    found = importance(losses, Predictions.validate(theirs), "mine", "mine", draws=50)
    assert (found.filter(pl.col("family") == "noise")["value"] == 0).all()
    assert set(found["horizon"]) == {*HORIZONS}
