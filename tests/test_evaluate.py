"""The backtest sees nothing it could not have known; scores obey their laws."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar, Self

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.base import BaseEstimator
from strategies import ZERO, happened
from strategies import panel as laid_out

from forecast import ipcw, metrics
from forecast.backtest import KEYS, backtest, target
from forecast.collapse import resumption
from forecast.evaluate import Judge, evaluate
from forecast.metrics.concordance import pairs
from forecast.metrics.decomposition import decompose
from forecast.panel import censor, outcomes, panel
from forecast.resample import redrawn, sign_flip
from forecast.schema import Metrics, Panel, Predictions
from forecast.scored import FEWEST_CASES, FEWEST_GROUPS, Rows
from forecast.simulated import World
from forecast.split import Fold, Rolling

HORIZONS = (7, 30, 90)
SCORES = {"brier": metrics.brier, "auroc": metrics.auroc}


class Fixed(BaseEstimator):  # type: ignore[misc]
    """The share of collapses within each horizon, for every row."""

    def __init__(self, factor: float = 1.0, horizons: Sequence[int] = HORIZONS) -> None:
        self.factor = factor
        self.horizons = horizons

    def fit(self, X: pl.DataFrame, y: ipcw.Target) -> Self:  # noqa: ARG002
        hit = [(y["event"] == 1) & (y["duration"] <= h) for h in self.horizons]
        self.risk_ = self.factor * np.mean(hit, axis=1)
        return self

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        return np.tile(self.risk_, (X.height, 1))


class Spy(Fixed):
    """Writes down the last day that it is told of, and the days that it forecasts."""

    fitted: ClassVar[list[int]] = []
    asked: ClassVar[list[tuple[int, int]]] = []

    def fit(self, X: pl.DataFrame, y: ipcw.Target) -> Self:
        self.fitted.append(int((X["day"].to_numpy() + y["duration"] - 1).max()))
        return super().fit(X, y)

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        self.asked.append((X["day"].min(), X["day"].max()))  # type: ignore[arg-type]
        return super().predict_risk(X)


class Broken(Fixed):
    """Fails in a way of its own while the training panel is small."""

    def __init__(self, way: str = "", horizons: Sequence[int] = HORIZONS) -> None:
        super().__init__(horizons=horizons)
        self.way = way

    def fit(self, X: pl.DataFrame, y: ipcw.Target) -> Self:
        self.small_ = X["day"].max() < (date(2002, 6, 1) - date(1970, 1, 1)).days  # type: ignore[operator]
        if self.small_ and self.way == "raises":
            raise RuntimeError("out of luck")
        if self.small_ and self.way == "lacks":
            X["no such column"]
        return super().fit(X, y)

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        risk = super().predict_risk(X)
        if self.small_ and self.way == "wide":
            return np.hstack([risk, risk])[:, : len(HORIZONS) + 1]
        if self.small_ and self.way == "short":
            return risk[1:]
        bad = {"nan": np.nan, "high": 1.01, "low": -0.01}
        return (
            np.full_like(risk, bad[self.way])
            if self.small_ and self.way in bad
            else risk
        )


@pytest.fixture(scope="module")
def rows(world: World) -> dy.DataFrame[Panel]:
    return panel(world.truces, world.events, world.covered_through, resumption)[0]


@pytest.fixture(scope="module")
def folds(world: World) -> list[Fold]:
    return Rolling("2002-01-01").folds(world.covered_through)


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """A feature that says which day the origin is."""
    return rows.select(*KEYS, day=pl.col("origin").dt.epoch("d"))


def forecasts(
    models: dict[str, Any], rows: dy.DataFrame[Panel], folds: list[Fold]
) -> tuple[dy.DataFrame[Predictions], list[str]]:
    given = {name: (model, numbered(rows)) for name, model in models.items()}
    return backtest(given, rows, partial(censor, rows), folds, HORIZONS)


def test_no_model_is_told_of_the_cutoff_or_later(
    rows: dy.DataFrame[Panel], folds: list[Fold]
) -> None:
    Spy.fitted.clear()
    Spy.asked.clear()
    forecasts({"spy": Spy()}, rows, folds)
    assert len(Spy.fitted) == len(Spy.asked) == len(folds)
    for fold, last, (first, until) in zip(folds, Spy.fitted, Spy.asked, strict=True):
        cutoff = (fold.cutoff - date(1970, 1, 1)).days
        assert last == cutoff - 1, "it is told of the day before, and of no other"
        assert first >= cutoff
        assert fold.end is None or until < (fold.end - date(1970, 1, 1)).days


def test_processes_side_by_side_change_nothing(
    rows: dy.DataFrame[Panel], folds: list[Fold]
) -> None:
    given = {"a": (Fixed(), numbered(rows)), "b": (Broken("raises"), numbered(rows))}
    told = rows, partial(censor, rows), folds, HORIZONS
    done: list[str] = []
    alone, notes = backtest(given, *told)
    beside, said = backtest(given, *told, done.append, jobs=2)
    assert_frame_equal(alone, beside)
    assert notes == said
    assert notes
    assert done == ["a", "b"] * len(folds)


def test_every_origin_from_the_first_cutoff_on_is_forecast_once(
    rows: dy.DataFrame[Panel], folds: list[Fold]
) -> None:
    found, notes = forecasts({"a": Fixed(), "b": Fixed(0.5)}, rows, folds)
    assert notes == []
    ahead = rows.filter(pl.col("origin") >= folds[0].cutoff)
    for (_, horizon), part in found.group_by("model", "horizon"):
        assert_frame_equal(part.select(KEYS).sort(KEYS), ahead.select(KEYS))
        truth = outcomes(ahead, (horizon,))
        assert part.sort(KEYS)["outcome"].equals(truth["outcome"])
    assert_frame_equal(
        found, found.sort("model", "cutoff", "truce_id", "origin", "horizon")
    )


def test_weights_are_of_the_rows_that_are_scored(
    rows: dy.DataFrame[Panel], folds: list[Fold]
) -> None:
    found, _ = forecasts({"a": Fixed()}, rows, folds)
    scored = rows.filter(pl.col("origin") >= folds[0].cutoff)
    for horizon in HORIZONS:
        part = found.filter(pl.col("horizon") == horizon).sort(KEYS)
        weight = ipcw.weights(target(scored), horizon)[1]
        assert part["weight"].to_list() == weight.tolist()
        assert part["weight"].sum() == pytest.approx(scored.height)
        unknown = part["outcome"].is_null()
        assert (part.filter(unknown)["weight"] == 0).all()
        assert (part.filter(~unknown)["weight"] >= 1).all()
    assert found["outcome"].null_count()


@pytest.mark.parametrize(
    "way", ["raises", "lacks", "wide", "short", "nan", "high", "low"]
)
def test_a_model_that_fails_is_noted_and_the_rest_goes_on(
    way: str, rows: dy.DataFrame[Panel], folds: list[Fold]
) -> None:
    found, notes = forecasts({"a": Fixed(), "broken": Broken(way)}, rows, folds)
    assert len(notes) == 1
    assert notes[0].startswith("broken failed at the cutoff 2002-01-01: ")
    whole, _ = forecasts({"a": Fixed()}, rows, folds)
    assert_frame_equal(found.filter(pl.col("model") == "a"), whole)
    theirs = found.filter(pl.col("model") == "broken")
    assert set(theirs["cutoff"]) == {fold.cutoff for fold in folds[1:]}


def test_the_other_models_do_not_move_a_model(
    rows: dy.DataFrame[Panel], folds: list[Fold]
) -> None:
    together, _ = forecasts({"b": Fixed(0.3), "a": Fixed()}, rows, folds)
    alone, _ = forecasts({"a": Fixed()}, rows, folds)
    assert_frame_equal(together.filter(pl.col("model") == "a"), alone)


def small(events: list[int]) -> dy.DataFrame[Panel]:
    return laid_out(
        [
            {"truce_id": f"t{i}", "age_days": age, "event": event, "duration": 40}
            for i, event in enumerate(events)
            for age in (1, 50)
        ]
    )


def test_a_fold_without_a_collapse_is_noted() -> None:
    rows = small([0, 0, 1])
    folds = [
        Fold(date(2020, 1, 20), date(2020, 2, 15)),
        Fold(date(2020, 2, 15), date(2020, 3, 1)),
        Fold(date(2020, 3, 1), None),
    ]
    found, notes = forecasts({"a": Fixed()}, rows, folds)
    assert [n.partition(":")[0] for n in notes[:2]] == [
        "fold 2020-01-20",
        "fold 2020-03-01",
    ]
    assert "no origin to forecast" in notes[0]
    assert "no origin to forecast" in notes[1]
    assert set(found["cutoff"]) == {date(2020, 2, 15)}
    early = [Fold(date(2020, 2, 1), date(2020, 2, 15)), Fold(date(2020, 2, 15), None)]
    assert forecasts({"a": Fixed()}, rows, early)[1][0].startswith(
        "fold 2020-02-01: no"
    )
    quiet = [Fold(date(2020, 2, 5), None)]
    with pytest.raises(ValueError, match="no collapse among its 3 training origins"):
        forecasts({"a": Fixed()}, rows, quiet)


def test_a_horizon_that_nobody_was_followed_through_is_not_scored() -> None:
    """What is known there are early collapses alone: of two rows, one of two."""
    rows = small([0, 1, 0, 1])
    folds = [Fold(date(2020, 2, 15), None)]
    models = {"a": Fixed(), "dull": Fixed(0.5)}
    found, notes = forecasts(models, rows, folds)
    assert notes == [
        "no origin that is forecast was followed for 90 days: risks within them are "
        "not scored"
    ]
    far = found.filter(pl.col("horizon") == 90)
    assert far["outcome"].drop_nulls().to_list() == [1] * 4
    assert (far["weight"] == 0).all()
    judge = Judge(("dull",), "dull", draws=50)
    table = evaluate(found, rows, SCORES, judge)
    # it ranks collapses among those that were seen as long, whatever the horizon
    table = table.filter(pl.col("metric") != "concordance")
    scored = pl.col("value").is_not_null()
    assert set(table.filter(scored)["horizon"]) == {7, 30}
    assert set(table.filter(pl.col("horizon") == 90)["n_events"]) == {2}


def made(
    risks: dict[str, Any], outcome: Any, weight: Any, dyads: Any
) -> dy.DataFrame[Predictions]:
    """Predictions from columns; a risk of NaN is one that the model did not give."""
    parts = [
        pl.DataFrame(
            {
                "model": name,
                "cutoff": ZERO,
                "truce_id": [f"t{i:04}" for i in range(len(outcome))],
                "origin": ZERO,
                "horizon": 30,
                "conflict_id": None,
                "dyad_id": [f"d{d}" for d in dyads],
                "risk": risk,
                "outcome": outcome,
                "weight": weight,
            }
        ).filter(pl.col("risk").is_not_nan())
        for name, risk in risks.items()
    ]
    return Predictions.validate(pl.concat(parts), cast=True)


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    """Rows of 25 dyads of all sizes; some outcomes are not known."""
    rng = np.random.default_rng(3)
    true = rng.beta(1, 3, 400)
    unknown = rng.random(400) < 0.1
    return {
        "risks": {"sharp": true, "dull": np.full(400, 0.25), "bad": rng.random(400)},
        "outcome": pl.Series(rng.random(400) < true)
        .cast(pl.Int8)
        .scatter(np.flatnonzero(unknown), None),
        "weight": np.where(unknown, 0, 1 + rng.random(400)),
        "dyads": (25 * rng.random(400) ** 2).astype(int),
    }


def judged(
    found: dy.DataFrame[Predictions],
    draws: int = 200,
    strata: pl.DataFrame | None = None,
    **options: Any,
) -> dy.DataFrame[Metrics]:
    judge = Judge(("dull",), "dull", draws=draws, **options)
    return evaluate(found, happened(found), SCORES, judge, strata)


def cell(table: pl.DataFrame, model: str, metric: str) -> dict[str, Any]:
    return table.row(
        by_predicate=(pl.col("model") == model) & (pl.col("metric") == metric),
        named=True,
    )


@pytest.mark.slow
def test_processes_change_no_score(sample: dict[str, Any]) -> None:
    found = made(**sample)
    later = found.with_columns(horizon=pl.col("horizon") + 30)
    both = Predictions.validate(pl.concat([found, later]))
    judge = Judge(("dull",), "dull", draws=50)
    one, two = (
        evaluate(both, happened(found), SCORES, judge, jobs=jobs) for jobs in (1, 2)
    )
    assert one.equals(two)


def test_values_are_the_metrics_of_the_rows(sample: dict[str, Any]) -> None:
    table = judged(made(**sample))
    outcome = sample["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    for model, risk in sample["risks"].items():
        for name, metric in SCORES.items():
            row = cell(table, model, name)
            assert row["value"] == pytest.approx(
                metric(outcome, risk, sample["weight"])
            )
            assert row["n"] == (sample["weight"] > 0).sum()
            assert row["n_events"] == sample["outcome"].sum()
    share = np.average(np.nan_to_num(outcome), weights=sample["weight"])
    assert cell(table, "bad", "prevalence")["value"] == pytest.approx(share)


def test_skill_is_over_the_named_baseline(sample: dict[str, Any]) -> None:
    table = judged(made(**sample))
    for model in ("sharp", "bad"):
        row = cell(table, model, "skill")
        ratio = (
            cell(table, model, "brier")["value"] / cell(table, "dull", "brier")["value"]
        )
        assert row["value"] == pytest.approx(1 - ratio)
        same = cell(table, model, "skill_over_dull")
        assert [row[c] for c in ("value", "lower", "upper")] == [
            same[c] for c in ("value", "lower", "upper")
        ]
    assert (
        cell(table, "sharp", "skill")["lower"]
        > 0
        > cell(table, "bad", "skill")["upper"]
    )
    named = table.filter(pl.col("model") == "dull")["metric"]
    assert not named.str.contains("skill|gain|flip").any()


def test_a_copy_of_the_baseline_has_no_skill_in_any_draw(
    sample: dict[str, Any],
) -> None:
    twin = sample | {
        "risks": {"dull": sample["risks"]["bad"], "twin": sample["risks"]["bad"]}
    }
    row = cell(judged(made(**twin)), "twin", "skill")
    assert (row["value"], row["lower"], row["upper"]) == (0, 0, 0)


def test_intervals_hold_their_values_and_widen_with_the_level(
    sample: dict[str, Any],
) -> None:
    found = made(**sample)
    wide, narrow = judged(found, level=0.9), judged(found, level=0.5)
    for row in wide.drop_nulls("lower").iter_rows(named=True):
        assert row["lower"] <= row["value"] <= row["upper"], row
    bare = {"miscalibration", "discrimination", "uncertainty", "sign_flip"}
    assert set(wide.filter(pl.col("lower").is_null())["metric"]) == bare
    wide, narrow = (t.drop_nulls("lower") for t in (wide, narrow))
    assert (wide["lower"] <= narrow["lower"]).all()
    assert (wide["upper"] >= narrow["upper"]).all()


def test_intervals_are_those_of_a_bootstrap_of_dyads(sample: dict[str, Any]) -> None:
    """Oracle: draw dyads in a loop, put their rows together, score."""
    rng, dyads = np.random.default_rng(99), sample["dyads"]
    outcome = sample["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    rows = [np.flatnonzero(dyads == d) for d in np.unique(dyads)]
    scores = []
    for _ in range(2000):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        scores.append(
            metrics.brier(
                outcome[drawn], sample["risks"]["bad"][drawn], sample["weight"][drawn]
            )
        )
    lower, upper = np.quantile(scores, [0.05, 0.95])
    row = cell(judged(made(**sample), draws=2000), "bad", "brier")
    assert row["lower"] == pytest.approx(lower, abs=0.1 * (upper - lower))
    assert row["upper"] == pytest.approx(upper, abs=0.1 * (upper - lower))


def test_more_rows_of_the_same_dyads_are_no_more_evidence(
    sample: dict[str, Any],
) -> None:
    tripled = {
        "risks": {name: np.tile(risk, 3) for name, risk in sample["risks"].items()},
        "outcome": pl.concat([sample["outcome"]] * 3),
        "weight": np.tile(sample["weight"], 3),
        "dyads": np.tile(sample["dyads"], 3),
    }
    # chance is less in more rows, and pairs of copies tell nothing
    other = pl.col("metric").is_in(["miscalibration_by_chance", "concordance"])
    once, thrice = (judged(made(**s)).filter(~other) for s in (sample, tripled))
    columns = ["model", "metric", "value", "lower", "upper"]
    assert_frame_equal(once.select(columns), thrice.select(columns))
    assert (thrice["n"] == 3 * once["n"]).all()


def test_one_dyad_leaves_nothing_to_draw(sample: dict[str, Any]) -> None:
    """And so no interval: one of no width would say that all is certain."""
    table = judged(made(**sample | {"dyads": np.zeros(400, int)}))
    # its range is one of outcomes, not of dyads
    table = table.filter(pl.col("metric") != "miscalibration_by_chance")
    assert table["value"].null_count() == 0
    for column in ("lower", "upper"):
        assert table[column].null_count() == table.height


def test_no_interval_from_fewer_dyads_or_draws_than_its_level_needs(
    sample: dict[str, Any],
) -> None:
    """One draw has no width, and would say of any model that it is better or worse."""
    for draws, known in ((1, False), (18, False), (19, True)):
        table = judged(made(**sample), draws=draws)
        assert (cell(table, "bad", "skill")["lower"] is not None) == known
    for dyads, level, known in ((2, 0.9, 0), (4, 0.9, 0), (5, 0.9, 1), (4, 0.8, 1)):
        few = made(**sample | {"dyads": np.arange(400) % dyads})
        row = cell(judged(few, level=level), "bad", "skill")
        assert (row["lower"] is not None) == known


def test_rows_that_a_model_lacks_are_left_out_of_its_comparisons(
    sample: dict[str, Any],
) -> None:
    gaps = np.arange(400) < 130
    risks = sample["risks"] | {"late": np.where(gaps, np.nan, sample["risks"]["bad"])}
    table = judged(made(**sample | {"risks": risks}))
    outcome = sample["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()[~gaps]
    weight = sample["weight"][~gaps]
    ours = metrics.brier(outcome, risks["late"][~gaps], weight)
    theirs = metrics.brier(outcome, risks["dull"][~gaps], weight)
    assert cell(table, "late", "brier")["value"] == pytest.approx(ours)
    assert cell(table, "late", "skill")["value"] == pytest.approx(1 - ours / theirs)
    assert cell(table, "late", "skill")["n"] == (weight > 0).sum()
    whole = judged(made(**sample))
    assert_frame_equal(table.filter(pl.col("model") != "late"), whole)


def test_the_lacking_baseline_is_compared_where_it_spoke(
    sample: dict[str, Any],
) -> None:
    gaps = np.arange(400) < 130
    risks = sample["risks"] | {"dull": np.where(gaps, np.nan, 0.25)}
    table = judged(made(**sample | {"risks": risks}))
    outcome = sample["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    ours, theirs = (
        metrics.brier(outcome[~gaps], risks[name][~gaps], sample["weight"][~gaps])
        for name in ("sharp", "dull")
    )
    row = cell(table, "sharp", "skill")
    assert row["value"] == pytest.approx(1 - ours / theirs)
    assert row["n"] == (sample["weight"][~gaps] > 0).sum()
    assert cell(table, "sharp", "brier")["n"] == (sample["weight"] > 0).sum()


def test_a_horizon_of_which_nothing_is_known(sample: dict[str, Any]) -> None:
    nothing = {
        "outcome": pl.Series([None] * 400, dtype=pl.Int8),
        "weight": np.zeros(400),
    }
    table = judged(made(**sample | nothing))
    assert (table["n"] == 0).all()
    for column in ("value", "lower", "upper"):
        assert table[column].null_count() == table.height


def test_order_means_nothing_and_the_seed_is_all_there_is(
    sample: dict[str, Any],
) -> None:
    found = made(**sample)
    mixed = Predictions.validate(found.sample(fraction=1, shuffle=True, seed=5))
    first = judged(found, seed=2).write_csv()
    assert judged(found, seed=2).write_csv() == first
    assert judged(mixed, seed=2).write_csv() == first
    assert judged(found, seed=3).write_csv() != first


# ── second readings ─────────────────────────────────────────────────────────────


def test_the_gain_is_the_log_score_saved_for_each_collapse(
    sample: dict[str, Any],
) -> None:
    found = made(**sample)
    row = cell(judged(found), "sharp", "information_gain")
    outcome = sample["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    weight = sample["weight"]
    saved = metrics.log_score(
        outcome, sample["risks"]["dull"], weight
    ) - metrics.log_score(outcome, sample["risks"]["sharp"], weight)
    share = np.average(np.nan_to_num(outcome), weights=weight)
    assert row["value"] == pytest.approx(saved / share)
    assert 0 < row["lower"] < row["value"] < row["upper"]


def test_conflicts_are_redrawn_whole(sample: dict[str, Any]) -> None:
    """As dyads would be, were each conflict one; where each is one, not at all."""
    found = made(**sample)
    over, by_conflict = "skill_over_dull", "skill_over_dull_by_conflict"
    pairs_of_dyads = sample | {"dyads": sample["dyads"] // 2}
    conflict = pl.concat([made(**pairs_of_dyads)["dyad_id"]])
    joined = Predictions.validate(found.with_columns(conflict_id=conflict))
    expected = cell(judged(made(**pairs_of_dyads)), "sharp", over)
    row = cell(judged(joined), "sharp", by_conflict)
    assert row == expected | {"metric": by_conflict}
    assert cell(judged(joined), "sharp", over) == cell(judged(found), "sharp", over)
    assert by_conflict not in judged(found)["metric"]
    one = judged(Predictions.validate(found.with_columns(conflict_id=pl.lit("c"))))
    assert cell(one, "sharp", by_conflict)["lower"] is None


def test_flipping_signs_agrees_with_scipy() -> None:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(4)
    for shift in (0.0, 0.4):
        differences = rng.normal(shift, 1, 15)
        exact = permutation_test(
            (differences,),
            np.sum,
            permutation_type="samples",
            n_resamples=np.inf,
            alternative="two-sided",
        ).pvalue
        assert sign_flip(differences, 20_000, seed=1) == pytest.approx(exact, abs=0.015)


def test_twins_are_never_told_apart_by_signs(sample: dict[str, Any]) -> None:
    same = {"dull": sample["risks"]["bad"], "twin": sample["risks"]["bad"]}
    table = judged(made(**sample | {"risks": same}))
    assert cell(table, "twin", "sign_flip")["value"] == 1
    assert cell(table, "twin", "information_gain")["value"] == 0
    assert cell(judged(made(**sample)), "sharp", "sign_flip")["value"] < 0.05


def test_parts_and_order_are_those_of_their_metrics(sample: dict[str, Any]) -> None:
    found = made(**sample)
    table = judged(found)
    outcome = sample["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    risk = sample["risks"]["bad"]
    parts = decompose(outcome, risk, sample["weight"])
    for part, value in parts._asdict().items():
        assert cell(table, "bad", part)["value"] == pytest.approx(value)
    chance = cell(table, "bad", "miscalibration_by_chance")
    assert chance["lower"] < chance["value"] < chance["upper"] < parts.miscalibration
    right = cell(table, "sharp", "miscalibration")["value"]
    assert right < cell(table, "sharp", "miscalibration_by_chance")["upper"]
    order = pairs(target(happened(found)), risk, 30).concordance().item()
    assert cell(table, "bad", "concordance")["value"] == pytest.approx(order)


def test_one_score_for_all_horizons(sample: dict[str, Any]) -> None:
    near = made(**sample)
    far = near.with_columns(horizon=pl.lit(90, pl.Int32), risk=pl.col("risk").sqrt())
    table = judged(Predictions.validate(pl.concat([near, far])))
    assert set(table.filter(pl.col("metric").str.contains("rps"))["horizon"]) == {90}
    apart = [judged(Predictions.validate(part)) for part in (near, far)]
    for model in ("sharp", "bad"):
        briers = [cell(part, model, "brier")["value"] for part in apart]
        assert cell(table, model, "rps")["value"] == pytest.approx(sum(briers))
        mean = cell(table, model, "integrated_brier")["value"]
        assert mean == pytest.approx(sum(briers) / 2)
        naive = cell(table, "dull", "rps")["value"]
        skill = cell(table, model, "rps_skill")
        assert skill["value"] == pytest.approx(1 - sum(briers) / naive)
        assert skill["lower"] < skill["value"] < skill["upper"]


# ── strata ──────────────────────────────────────────────────────────────────────


def test_strata_are_scored_alone_and_few_cases_are_only_counted(
    sample: dict[str, Any],
) -> None:
    found = made(**sample)
    rows = found.unique(KEYS).sort(KEYS)
    i = pl.int_range(pl.len())
    half = pl.when(i % 2 == 0).then(pl.lit("even")).otherwise(pl.lit("odd"))
    rare = pl.when(i < 12).then(pl.lit("few")).otherwise(pl.lit("many"))
    table = judged(found, strata=rows.select(*KEYS, half=half, size=rare))
    whole = judged(found)
    assert_frame_equal(table.filter(pl.col("stratum") == "all"), whole)
    even = found.join(rows.filter(i % 2 == 0), on=KEYS, how="semi")
    alone = judged(Predictions.validate(even), draws=1)
    for metric in ("brier", "prevalence", "skill"):
        part = table.filter(pl.col("stratum") == "half: even")
        ours, theirs = (cell(t, "sharp", metric) for t in (part, alone))
        for key in ("n", "n_events"):
            assert ours[key] == theirs[key]
        assert ours["value"] == pytest.approx(theirs["value"])
    few = table.filter(pl.col("stratum") == "size: few")
    assert few["n_events"].max() < FEWEST_CASES  # type: ignore[operator]
    assert few["n"].min() > 0  # type: ignore[operator]
    assert few["value"].null_count() == few.height
    assert table.filter(pl.col("stratum") == "size: many")["value"].null_count() == 0


def test_few_dyads_are_too_few_however_many_rows(sample: dict[str, Any]) -> None:
    dyads = np.where(np.arange(400) % 2, 99, sample["dyads"])
    found = made(**sample | {"dyads": dyads})
    rows = found.unique(KEYS).sort(KEYS)
    one = pl.when(pl.col("dyad_id") == "d99").then(pl.lit("one"))
    table = judged(found, strata=rows.select(*KEYS, kind=one.otherwise(pl.lit("rest"))))
    assert FEWEST_GROUPS > 1
    for stratum, scored in (("kind: one", False), ("kind: rest", True)):
        part = table.filter(pl.col("stratum") == stratum)
        assert (part["value"].null_count() == 0) is scored


def test_groups_are_those_with_a_known_outcome() -> None:
    wide = pl.DataFrame(
        {"outcome": [1, 0, None], "weight": [1.0, 1.0, 0.0], "m": [0.5, 0.5, 0.5]}
    )
    rows = Rows(
        wide,
        wide["outcome"].is_not_null(),
        redrawn(pl.Series(["a", "a", "b"]), 50, seed=1),
    )
    assert rows.groups == 1
    assert rows.row(rows.prevalence, 0.9)["lower"] is None
