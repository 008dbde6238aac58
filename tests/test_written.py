"""Models written as numbers: what comes back, and by hand what the numbers say."""

import json
from copy import deepcopy
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from strategies import Laid

from forecast.features import compute
from forecast.features.age import age
from forecast.features.design import design
from forecast.features.recent import recent
from forecast.ipcw import Target, target
from forecast.models import core, written
from forecast.models.baselines import Trail
from forecast.models.core import DAYS_LEFT, NEEDED, Core
from forecast.models.sums import Sum
from forecast.models.written import Written, check, pack, restore, unpack, write
from forecast.raw import InputError

CLOSE = 1e-12
FAMILIES = {"core": Core, "trail": Trail}
#: columns that a series may not know
HOLES = (
    "recent_share_30d",
    "recent_fading_14d",
    "recent_filled",
    "age_log",
    "age_days",
)


@pytest.fixture(scope="module")
def X(simulated: Laid) -> pl.DataFrame:
    features = {f.__name__: f for f in (age, recent, design)}
    return compute(features, *simulated)


def outcomes(X: pl.DataFrame, later: int = 0) -> Target:
    """Collapses sooner where more has been counted, none in the first days."""
    rng = np.random.default_rng(3)
    hazard = 0.01 * np.exp(3 * X["recent_share_30d"].fill_null(0).to_numpy())
    collapse, seen = rng.geometric(hazard) + later, rng.integers(1, 200, X.height)
    return target(collapse <= seen, np.minimum(collapse, seen))


def holed(X: pl.DataFrame, seed: int, share: float = 0.3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    unknown = {name: rng.random(X.height) < share for name in HOLES}
    return X.with_columns(
        pl.when(~pl.Series(hole)).then(pl.col(name)).alias(name)
        for name, hole in unknown.items()
    )


def stored(content: Written) -> Written:
    """Through the text of a file."""
    again: Written = json.loads(json.dumps(content, allow_nan=False))
    check(again, "model")
    return again


def agree(X: pl.DataFrame, first: Any, second: Any) -> None:
    np.testing.assert_allclose(
        first.predict_risk(X), second.predict_risk(X), rtol=0, atol=CLOSE
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fitted_on", ["whole", "with holes"])
def test_risks_are_those_of_the_model_that_was_fitted(
    family: str, fitted_on: str, X: pl.DataFrame
) -> None:
    rows = X if fitted_on == "whole" else holed(X, 1)
    fitted = FAMILIES[family](random_state=4).fit(rows, outcomes(X))
    content = write(fitted)
    again = restore(stored(content))
    assert type(again) is FAMILIES[family]
    assert again.get_params() == fitted.get_params()
    unknown = [n for n in content["horizons"]["30"]["terms"] if n.endswith("_unknown")]
    assert bool(unknown) == (fitted_on == "with holes")
    for new in (X, holed(X, 2), X.head(1), X.head(0)):
        agree(new, fitted, again)
    # no bit is lost on the way
    assert write(again) == content


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1), n=st.integers(20, 200))
def test_few_rows_and_any_holes(
    seed: int, share: float, n: int, X: pl.DataFrame
) -> None:
    some = X.sample(n, with_replacement=True, seed=seed)
    rows, y = holed(some, seed, share), outcomes(some)
    y["event"][0], y["duration"][0] = 1, 3
    for family in FAMILIES.values():
        fitted = family().fit(rows, y)
        again = restore(stored(write(fitted)))
        agree(holed(X, seed, share), fitted, again)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_constant_risk_is_a_number(family: str, X: pl.DataFrame) -> None:
    fitted = FAMILIES[family]().fit(X, outcomes(X, later=7))
    content = stored(write(fitted))
    assert content["horizons"]["7"] == 0.5 / (X.height + 1)
    agree(X, fitted, restore(content))


def by_hand(part: Sum, row: dict[str, float | None]) -> float:
    """Risk of one row as the file says it, column by column."""
    odds = part["intercept"]
    for name, term in part["terms"].items():
        column = name.removesuffix("_unknown")
        value = row[column]
        if name != column:
            value = float(value is None)
        elif value is None:
            value = part["fill"][column]
        if part["root"]:
            value = np.sign(value) * np.sqrt(abs(value))
        away = (value - term["mean"]) / term["scale"]
        away = min(max(away, -part["clip"]), part["clip"])
        odds += term["line"] * away
        if term["curve"]:
            low, high = term["curve"]["low"], term["curve"]["high"]
            # the bump one step above the last knot has no height
            heights = [*term["curve"]["heights"], 0.0]
            step = (high - low) / (len(heights) - 3)
            knots = low + step * np.arange(-3, len(heights) + 1)
            odds += BSpline(knots, heights, 3)(min(max(away, low), high))
    return float(1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_numbers_say_what_the_page_says(family: str, X: pl.DataFrame) -> None:
    """An independent reading of the file, with SciPy's splines."""
    rows = holed(X, 5)
    content = write(FAMILIES[family]().fit(rows, outcomes(X)))
    asked = rows.gather_every(17)
    found, before = restore(content).predict_risk(asked), np.zeros(asked.height)
    for place, (name, part) in enumerate(content["horizons"].items()):
        if family == "core":
            seen = core.columns(asked.with_columns(asked[DAYS_LEFT]), int(name))
        else:
            seen = asked.select(
                filled="recent_filled", age_log=pl.col("age_days").clip(1).log()
            )
        expected = [
            by_hand(part, {k: v if v is None else float(v) for k, v in row.items()})
            for row in seen.iter_rows(named=True)
        ]
        before = np.maximum(before, expected)
        np.testing.assert_allclose(found[:, place], before, rtol=0, atol=1e-11)


def test_order_and_what_is_missing_are_as_before(X: pl.DataFrame) -> None:
    again = restore(write(Core().fit(X, outcomes(X))))
    np.testing.assert_array_equal(
        again.predict_risk(X.reverse()), again.predict_risk(X)[::-1]
    )
    with pytest.raises(ValueError, match=f"Core needs the column '{NEEDED[1]}'"):
        again.predict_risk(X.drop(NEEDED[1]))


def test_refits_are_the_numbers_in_their_order(X: pl.DataFrame) -> None:
    rows = holed(X, 6)
    whole = write(Core().fit(rows, outcomes(X)))
    for seed in range(5):
        some = rows.sample(rows.height, with_replacement=True, seed=seed)
        y = outcomes(some)
        refit = Core().fit(some, y)
        packed = json.loads(json.dumps(pack(write(refit), whole)))
        again = unpack(packed, whole, "refits.0")
        check(again, "refits.0")
        agree(X, refit, restore(again))
        assert pack(again, whole) == packed
        first = again["horizons"]["7"]
        assert isinstance(first, dict)
        assert packed[0][:2] == [first["intercept"], first["clip"]]


def test_a_refit_may_lack_a_term_of_the_model(X: pl.DataFrame) -> None:
    """One of fewer dyads may know no nulls, a column that is constant, no collapse."""
    rows = holed(X, 7)
    whole = write(Core().fit(rows, outcomes(X)))
    fewer = X.with_columns(recent_share_30d=pl.lit(0.25), age_log=pl.lit(2.0))
    refit = Core().fit(fewer, outcomes(X, later=7))
    packed = pack(write(refit), whole)
    assert isinstance(packed[0], float)
    again = unpack(packed, whole, "refits.0")
    check(again, "refits.0")
    agree(X, refit, restore(again))
    for more, less in (
        (whole, write(refit)),
        (write(Core().fit(X, outcomes(X))), whole),
    ):
        if more is whole:
            with pytest.raises(ValueError, match="the refit has terms of its own at 7"):
                pack(more, less)
        else:
            pack(more, less)


def test_numbers_too_many_or_too_few_are_refused(X: pl.DataFrame) -> None:
    whole = write(Core().fit(X, outcomes(X)))
    packed = pack(whole, whole)
    with pytest.raises(InputError, match=r"refits\.3: expected 4 horizons, not 3"):
        unpack(packed[:3], whole, "refits.3")
    assert isinstance(packed[1], list)
    n = len(packed[1])
    for wrong in (packed[1][1:], [*packed[1], 0.0]):
        with pytest.raises(InputError, match=rf"refits\.3\.1: expected {n} numbers"):
            unpack([packed[0], wrong, *packed[2:]], whole, "refits.3")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("settings.C", "0.1", r"settings\.C: expected a finite number"),
        ("settings.extra", 1, r"settings: the key 'extra' is unknown"),
        ("horizons.7.fill.extra", 1.0, r"horizons\.7\.fill: expected \['age_log'"),
        ("horizons.7.terms.extra", None, r"horizons\.7\.terms: expected \['age_log'"),
        ("horizons.7.clip", 0.0, r"horizons\.7\.clip: expected more than 0, not 0\.0"),
        ("horizons.7.terms.left.scale", -1.0, r"left\.scale: expected more than 0"),
        ("horizons.7.terms.age_log.curve.low", 9.0, r"age_log\.curve: high less low"),
        (
            "horizons.7.terms.age_log.curve.heights",
            [1.0, 2.0],
            r"age_log\.curve\.heights: how many: expected 5, not 2",
        ),
        ("horizons.7", 1.5, r"horizons\.7: expected a risk from 0 to 1, not 1\.5"),
        ("horizons.007", 0.5, "horizons: expected days that ascend"),
        ("horizons.5", 0.5, "horizons: expected days that ascend"),
        ("horizons.month", 0.5, "horizons: expected days that ascend"),
        ("horizons", {}, "horizons: expected days that ascend"),
    ],
)
def test_what_makes_no_model_is_refused(
    path: str, value: Any, message: str, X: pl.DataFrame
) -> None:
    content: Any = deepcopy(write(Core().fit(X, outcomes(X))))
    *keys, last = path.split(".")
    place = content
    for key in keys:
        place = place[key]
    place[last] = value
    with pytest.raises(InputError, match=message):
        check(content, "model")


def test_columns_are_those_that_the_models_make(X: pl.DataFrame) -> None:
    y = outcomes(X)
    assert Trail().fit(X, y).model_.columns_ == written._columns("trail")
    assert Core().fit(X, y).fitted_[0].columns_ == written._columns("core")
