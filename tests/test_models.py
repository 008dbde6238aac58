"""The contract of DESIGN section 6, for every model found in conf/models."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from forecast.explain.groups import grouped
from forecast.explain.reasons import decomposed
from forecast.explain.typical import at, seen, typical
from forecast.ipcw import Target, target, weights
from forecast.metrics import log_score
from forecast.models.baselines import Age, BaseRate, Ewma, Trail
from forecast.models.core import HALF_LIVES, WINDOWS
from forecast.models.horizon import matrix

HORIZONS = (7, 14, 30, 90)
FOLDER = Path(__file__).parents[1] / "conf" / "models"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
#: families that draw features or rows at random: a new column changes their draws
DRAWS_AT_RANDOM: frozenset[str] = frozenset({"forest"})


def build(name: str) -> Any:
    config = OmegaConf.load(FOLDER / f"{name}.yaml")
    assert list(config) == [name], "a file of conf/models carries the key of its name"
    return instantiate(config[name], horizons=list(HORIZONS), random_state=4)


def counted(
    now: np.ndarray, age: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """What the rule has counted since the start, over the threshold."""
    said = {}
    for days in WINDOWS:
        inside = np.minimum(days, age - 1)
        said[f"recent_share_{days}d"] = now * rng.gamma(1 + inside, 1 / 150)
    for days in HALF_LIVES:
        said[f"recent_fading_{days}d"] = now * rng.gamma(1 + days, 1 / 150, len(age))
    return said


def truce(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weekly origins of one truce whose hazard falls with age and rises with violence.

    Violence is a random walk that pulls back to its mean, known as of each origin.
    """
    weeks, days = 70, np.arange(1, 491)
    violence = np.zeros(weeks)
    for week in range(1, weeks):
        violence[week] = 0.85 * violence[week - 1] + 0.6 * rng.normal()
    hazard = 0.003 * np.exp(violence[(days - 1) // 7] + 1.5 * (days <= 60))
    collapse = np.append(np.flatnonzero(rng.random(490) < hazard) + 1, 9999)[0]
    leave, seen = rng.geometric(0.0007), rng.integers(20, 490)
    end = min(collapse, leave, seen)
    event = 1 if collapse == end else 2 if leave == end else 0
    age = np.arange(1, min(end, 365) + 1, 7)
    now = np.exp(violence[(age - 1) // 7])
    written = np.full(len(age), rng.choice([0.0, 1.0, np.nan]))
    term = rng.choice([30.0, 90.0, np.nan])
    return counted(now, age, rng) | {
        "age_days": age,
        "age_log": np.log(age),
        "recent_filled": 0.2 * now * rng.gamma(8, 1 / 8, len(age)),
        "recent_decayed_14d": 0.3 * now * rng.gamma(8, 1 / 8, len(age)),
        "recent_deaths_7d": rng.poisson(4 * now),
        "recent_events_7d": rng.poisson(2 * now),
        "recent_events_30d": rng.poisson(9 * now),
        "recent_events_since_start": rng.poisson(0.3 * age * now),
        "recent_days_since_last": 1 + rng.poisson(5 / now),
        "design_written": written,
        "design_days_left": term - age,
        "event": np.full(len(age), event),
        "duration": end - age + 1,
    }


def panel(truces: int, seed: int) -> tuple[pl.DataFrame, Target]:
    rng = np.random.default_rng(seed)
    frame = pl.concat(pl.DataFrame(truce(rng)) for _ in range(truces))
    y = target(frame["event"], frame["duration"])
    X = frame.drop("event", "duration").with_columns(
        pl.col("design_written").fill_nan(None).cast(pl.Boolean),
        pl.col("design_days_left").fill_nan(None),
    )
    lost = rng.random((X.height, X.width)) < 0.04
    holes = [
        pl.when(pl.Series(~lost[:, i])).then(pl.col(name)).alias(name)
        for i, name in enumerate(X.columns)
    ]
    return X.with_columns(holes), y


def keys(y: Target) -> pl.DataFrame:
    """Truces, origins and dyads of rows of a panel, as models are told of them.

    Within a truce the days that are left fall by a week from row to row; truces start
    a hundred days apart, and every third dyad is the same.
    """
    first = np.diff(y["duration"], prepend=0) != -7
    truce = np.cumsum(first) - 1
    week = np.arange(len(y)) - np.flatnonzero(first)[truce] if len(y) else truce
    origin = [
        date(1995, 1, 1) + timedelta(days=100 * int(t) + 7 * int(w))
        for t, w in zip(truce, week, strict=True)
    ]
    dyads = max(truce.max(initial=0) // 3, 1)
    return pl.DataFrame(
        {
            "truce_id": truce.astype(str),
            "origin": pl.Series(origin, dtype=pl.Date),
            "dyad_id": (truce % dyads).astype(str),
        }
    )


def fitted(model: Any, X: pl.DataFrame, y: Target) -> Any:
    """Fit a model, and tell it of the rows if it asks for them."""
    told = {"rows": keys(y)} if has_fit_parameter(model, "rows") else {}
    return model.fit(X, y, **told)


X, Y = panel(70, seed=11)
NEW, _ = panel(25, seed=12)


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> Any:
    return fitted(build(name), X, Y)


@pytest.fixture(scope="module")
def risk(model: Any) -> np.ndarray:
    return model.predict_risk(NEW)


def test_there_are_the_models_of_the_design():
    baselines = {"base_rate", "age", "trail", "ewma"}
    families = {"core", "logit", "elastic_net", "hgb", "trees", "forest"}
    assert baselines | families <= set(NAMES)


def test_risks_are_probabilities_that_grow_with_the_horizon(risk):
    assert risk.shape == (NEW.height, len(HORIZONS))
    assert risk.dtype == np.float64
    assert ((risk >= 0) & (risk <= 1)).all()
    assert (np.diff(risk, axis=1) >= 0).all()


def test_clone_round_trips_and_the_same_seed_gives_the_same_bits(model, risk):
    copy = clone(model)
    assert repr(copy) == repr(model)
    assert not [key for key in vars(copy) if key.endswith("_")], "a clone is not fitted"
    np.testing.assert_array_equal(fitted(copy, X, Y).predict_risk(NEW), risk)


def test_fitting_leaves_the_parameters_alone(name, model):
    assert repr(model) == repr(build(name))


def test_reasons_add_up_to_the_risk(model, risk):
    """Held against mean training rows; a model that names its columns sees no other."""
    looked_at = NEW.select(seen(model, NEW.columns))
    groups = grouped(looked_at.columns)
    groups.pop("age", None)
    if not groups:
        return
    ages, then = (frame["age_days"].fill_null(1) for frame in (NEW, X))
    means = typical(X.select(looked_at.columns), then)
    rows = matrix(looked_at)
    mean = dict(zip(means.columns, at(means, ages).T, strict=True))
    reference = np.column_stack(
        [mean.get(c, rows[:, i]) for i, c in enumerate(looked_at.columns)]
    )
    values, base, told = decomposed(model, looked_at.columns, rows, reference, groups)
    np.testing.assert_allclose(told, risk, rtol=0, atol=1e-12)
    np.testing.assert_allclose(base + values.sum(axis=0), risk, rtol=0, atol=1e-9)
    assert np.abs(values).max() > 0.001


def test_rows_in_another_order_have_the_same_risks(model, risk):
    order = np.random.default_rng(0).permutation(NEW.height)
    np.testing.assert_array_equal(model.predict_risk(NEW[order]), risk[order])
    half = NEW.height // 2
    twice = model.predict_risk(pl.concat([NEW, NEW.head(half)]))
    np.testing.assert_array_equal(twice, np.concatenate([risk, risk[:half]]))


def test_nulls_are_handled(name, model):
    assert sum(NEW.null_count().row(0)) > 0
    nothing = {c: pl.lit(None, dtype=kind) for c, kind in X.schema.items()}
    risks = [model.predict_risk(NEW.with_columns(**nothing))]
    empty = X.with_columns(**nothing)
    risks.append(fitted(build(name), empty, Y).predict_risk(NEW))
    for column in ("age_days", "recent_filled", "recent_decayed_14d"):
        partly = X.with_columns(empty[column])
        risks.append(fitted(build(name), partly, Y).predict_risk(NEW))
    for found in risks:
        assert ((found >= 0) & (found <= 1)).all()
        assert (np.diff(found, axis=1) >= 0).all()


def test_a_constant_column_moves_no_risk(name, risk):
    constants = {"odd": pl.lit(0.1), "flag": pl.lit(True), "big": pl.lit(10**9)}
    columns = ["odd", *X.columns, "flag", "big"]
    wide, new = (f.with_columns(**constants).select(columns) for f in (X, NEW))
    found = fitted(build(name), wide, Y).predict_risk(new)
    # other columns are drawn, so that single risks move, though by nothing that counts
    drawn = name in DRAWS_AT_RANDOM
    np.testing.assert_allclose(found, risk, rtol=0, atol=0.1 if drawn else 1e-6)
    assert np.abs((found - risk).mean()) < 0.01


def test_skops_round_trip(model, risk):
    stored = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=stored)
    ours = ("forecast.", "sklearn.", "numpy.")
    assert [t for t in types if not t.startswith(ours)] == []
    loaded = skops.io.loads(stored, trusted=types)
    np.testing.assert_array_equal(loaded.predict_risk(NEW), risk)


def losses(model: Any) -> np.ndarray:
    risks = model.predict_risk(X)
    known = [weights(Y, horizon) for horizon in HORIZONS]
    return np.array([log_score(o, risks[:, i], w) for i, (o, w) in enumerate(known)])


def test_better_than_the_base_rate_where_features_matter(name, model):
    naive = losses(BaseRate().fit(X, Y)).mean()
    assert losses(model).mean() < naive or name == "base_rate"


def test_no_collapse_is_said_plainly(name):
    quiet = target(np.zeros(len(Y)), Y["duration"])
    with pytest.raises(ValueError, match="no collapse"):
        fitted(build(name), X, quiet)
    with pytest.raises(ValueError, match="no collapse"):
        fitted(build(name), X.head(0), Y[:0])


def test_base_rate_is_the_weighted_mean():
    found = BaseRate().fit(X, Y).predict_risk(NEW)
    for column, horizon in enumerate(HORIZONS):
        outcome, weight = weights(Y, horizon)
        expected = weight @ np.nan_to_num(outcome) / weight.sum()
        np.testing.assert_allclose(found[:, column], expected)


@pytest.mark.parametrize(
    ("baseline", "column", "feature"),
    [
        (Age(), "age_days", "age"),
        (Trail(), "age_days", "age"),
        (Trail(), "recent_filled", "recent"),
        (Ewma(), "recent_decayed_14d", "recent"),
    ],
    ids=str,
)
def test_a_missing_feature_is_named(baseline, column, feature):
    with pytest.raises(ValueError, match=f"'{column}'.*`{feature}`"):
        baseline.fit(X.drop(column), Y)
    with pytest.raises(ValueError, match=f"'{column}'.*`{feature}`"):
        clone(baseline).fit(X, Y).predict_risk(NEW.drop(column))


def weekly(end: np.ndarray, event: np.ndarray) -> tuple[pl.DataFrame, Target]:
    """Origins of truces at ages 1, 8, … up to their last day."""
    ages = [np.arange(1, last + 1, 7) for last in end]
    left = [last - age + 1 for last, age in zip(end, ages, strict=True)]
    counts = [len(age) for age in ages]
    y = target(np.repeat(event, counts), np.concatenate(left))
    return pl.DataFrame({"age_days": np.concatenate(ages)}), y


def test_age_counts_every_day_of_a_truce_once():
    """Its hazards are events over days, counted truce by truce, a touch shrunk."""
    rng = np.random.default_rng(2)
    end, event = rng.geometric(0.02, 60), rng.integers(0, 3, 60)
    bands = (1, 8, 20, 61)
    fitted = Age(bands=bands).fit(*weekly(end, event))
    total = [(event == kind).sum() / end.sum() for kind in (1, 2)]
    for row, (low, high) in enumerate(zip(bands, (*bands[1:], 10**6), strict=True)):
        days = sum(low <= day < high for last in end for day in range(1, last + 1))
        for column, kind in enumerate((1, 2)):
            events = ((event == kind) & (end >= low) & (end < high)).sum()
            expected = (events + 1) / (days + 1 / total[column])
            assert fitted.hazard_[row, column] == pytest.approx(expected, rel=1e-12)


def test_age_adds_up_collapses_day_by_day():
    fitted = Age().fit(X, Y)
    for age in (1, 5, 29, 170, 365, 366, 5000):
        alive, reached = 1.0, []
        for day in range(age, age + HORIZONS[-1]):
            band = np.searchsorted(fitted.bands, day, "right") - 1
            collapse, leave = fitted.hazard_[band]
            reached.append((reached[-1] if reached else 0) + alive * collapse)
            alive *= 1 - collapse - leave
        found = fitted.predict_risk(pl.DataFrame({"age_days": [age]}))[0]
        np.testing.assert_allclose(found, [reached[h - 1] for h in HORIZONS], rtol=1e-9)


def test_age_finds_a_known_hazard():
    rng = np.random.default_rng(6)
    collapse, leave = rng.geometric(0.01, 3000), rng.geometric(0.004, 3000)
    end = np.minimum(np.minimum(collapse, leave), 360)
    event = np.where(collapse == end, 1, np.where(leave == end, 2, 0))
    found = Age().fit(*weekly(end, event)).predict_risk(pl.DataFrame({"age_days": [1]}))
    stays = 0.99 * 0.996
    truth = [0.01 * (1 - stays**h) / (1 - stays) for h in HORIZONS]
    np.testing.assert_allclose(found[0], truth, rtol=0.1)


def test_age_outlives_a_panel_without_an_early_event():
    """Collapses that only rows' far ends see still give a risk above 0."""
    frame = pl.DataFrame({"age_days": [1, 1, 1]})
    found = Age().fit(frame, target([1, 0, 0], [40, 90, 90])).predict_risk(frame)
    assert ((found > 0) & (found < 1)).all()


def test_trail_sees_a_window_filling_up():
    fitted = Trail().fit(X, Y)
    rows = pl.DataFrame({"age_days": [60] * 3, "recent_filled": [0.0, 0.3, 0.9]})
    assert (np.diff(fitted.predict_risk(rows)[:, 2]) > 0).all()
