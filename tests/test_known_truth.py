"""The known truth as an experiment: floor and ceiling hold, and no seed moves them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig
from polars.testing import assert_frame_equal
from sklearn.base import BaseEstimator
from strategies import day, events, truces

from forecast.backtest import KEYS
from forecast.commands import run, study, truth
from forecast.commands.data import Data, load
from forecast.commands.stages import Stages
from forecast.models.logit import logit
from forecast.report.figures import attained as in_words
from forecast.report.truth import said, section
from forecast.schema import KnownTruth, LeftOut, Metrics, Panel, Rejected, Unmapped
from forecast.simulated_truth import true_risk

#: whole runs and measurements: for CI
pytestmark = pytest.mark.slow

Found = tuple[study.Frames, truth.Known]
ROOT = Path(__file__).parents[1]
HORIZONS = (7, 30)
TRAINED = {"seed": 5, "conflicts": 12, "years": 6}
TESTED = {"seed": 77, "conflicts": 12, "years": 6}
WORDS = [
    *(f"world.{key}={value}" for key, value in TRAINED.items()),
    "horizons=[7,30]",
    "models=[logit]",
    "models@baselines=[base_rate,trail]",
    "features=[recent]",
    "split.first='2003-01-01'",
    "draws=60",
    "refits=2",
    "cache=null",
    "tracking=none",
    "truth={seed:77,conflicts:12,years:6,draws:20,every:4}",
]


def composed(*words: str) -> DictConfig:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("run", [*WORDS, *words])


def found(*words: str) -> Found:
    """What a run of these words knows of the truth."""
    config = composed(*words)
    with Stages() as stages:
        data = load(config.events, config.truces, 0, Path("rejected.csv"))
        frames = study.prepare(config, data, stages)
        known = truth.find(config, frames, stages)
    assert known is not None
    return frames, known


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home for what is made once, before any test has one of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        yield


@pytest.fixture(scope="module")
def first() -> Found:
    return found()


@pytest.fixture(scope="module")
def second() -> truth.Laid:
    return truth.second_world(composed())


class Told(BaseEstimator):  # type: ignore[misc]
    """A model that says what it is told, or fails."""

    def __init__(
        self,
        fails: bool = False,
        horizons: Sequence[int] = HORIZONS,
        random_state: int = 0,
    ) -> None:
        self.fails, self.horizons, self.random_state = fails, horizons, random_state

    def fit(self, X: pl.DataFrame, y: Any) -> "Told":
        del X, y
        if self.fails:
            raise ValueError("it was told to")
        return self

    def predict_risk(self, X: pl.DataFrame) -> Any:
        return X.select(f"told_{h}d" for h in self.horizons).to_numpy()


def risks(panel: dy.DataFrame[Panel], draws: int, **of_world: int) -> pl.DataFrame:
    made_by: Any = of_world
    return true_risk(panel, **made_by, horizons=HORIZONS, draws=draws)


def told(panel: dy.DataFrame[Panel], draws: int, **of_world: int) -> pl.DataFrame:
    """The true risk of each origin, as features."""
    name = pl.format("told_{}d", "horizon").alias("horizon")
    return (
        risks(panel, draws, **of_world)
        .with_columns(name)
        .pivot("horizon", index=KEYS, values="risk")
    )


def thinned(first: Found) -> dy.DataFrame[Panel]:
    """Half of the training panel: copies cost more than rows are worth."""
    return Panel.validate(first[0].now.gather_every(2))


@pytest.fixture(scope="module")
def copies(first: Found, second: truth.Laid) -> tuple[pl.DataFrame, ...]:
    """Features that tell the truth in both worlds, and the truth of the second.

    By other copies, or a model would share the luck of those that score it.
    """
    return (
        told(thinned(first), 25, **TRAINED),
        told(second.panel, 101, **TESTED),
        risks(second.panel, 60, **TESTED),
    )


def judged(
    models: dict[str, Any],
    first: Found,
    second: truth.Laid,
    copies: tuple[pl.DataFrame, ...],
) -> truth.Known:
    """Models that see the true risk, beside a floor that sees what it always does."""
    seen, new, risk = copies
    floor = study.models(composed(), first[0])["trail"]
    return truth.known_truth(
        {**models, "trail": floor[0]},
        truth.Laid(thinned(first), {**dict.fromkeys(models, seen), "trail": floor[1]}),
        truth.Laid(
            second.panel,
            {**dict.fromkeys(models, new), "trail": second.features["trail"]},
        ),
        risk,
        horizons=HORIZONS,
        draws=60,
        named_baseline="trail",
    )


def test_the_floor_is_0_and_the_ceiling_1(first: Found) -> None:
    scores = first[1].scores
    assert sorted(scores["model"].unique()) == ["base_rate", "logit", "trail", "truth"]
    for name, end in (("trail", 0.0), ("truth", 1.0)):
        rows = scores.filter(pl.col("model") == name)
        for column in ("share", "lower", "upper"):
            assert (rows[column] == end).all()
    top = pl.col("brier").filter(pl.col("model") == "truth").first().over("horizon")
    assert scores.select((pl.col("brier") >= top).all()).item()
    assert (scores["lower"] <= scores["share"]).all()
    assert (scores["share"] <= scores["upper"]).all()


def test_a_model_that_is_told_the_true_risk_finds_nearly_all(
    first: Found, second: truth.Laid, copies: tuple[pl.DataFrame, ...]
) -> None:
    models = {"says": Told(), "learns": logit(C=1.0, horizons=HORIZONS)}
    known = judged(models, first, second, copies)
    assert not known.notes
    for name, least in (("says", 0.9), ("learns", 0.75)):
        shares = known.scores.filter(pl.col("model") == name)["share"]
        assert shares.is_between(least, 1.03).all()
    says = known.calibration.filter(pl.col("model") == "says", pl.col("n") > 0)
    assert ((says["risk"] - says["truth"]).abs() < 0.06).all()


def test_a_model_that_fails_costs_the_others_nothing(
    first: Found, second: truth.Laid, copies: tuple[pl.DataFrame, ...]
) -> None:
    models = {"says": Told(), "fails": Told(fails=True)}
    both = judged(models, first, second, copies)
    assert both.notes == ["fails failed on the world of known truth: it was told to"]
    alone = judged({"says": Told()}, first, second, copies)
    assert_frame_equal(both.scores, alone.scores)


def test_without_a_floor_there_are_no_shares(first: Found, second: truth.Laid) -> None:
    now = truth.Laid(first[0].now, {"trail": first[0].baseline_features})
    known = truth.known_truth(
        {"trail": Told(fails=True)},
        now,
        second,
        pl.DataFrame(),
        horizons=HORIZONS,
        draws=20,
        named_baseline="trail",
    )
    assert not known.scores.height
    assert known.notes[-1] == "trail failed, so there is no floor for shares of skill"


def test_the_same_seed_gives_the_same_bytes(first: Found) -> None:
    again = found()[1]
    assert again.scores.write_csv() == first[1].scores.write_csv()
    assert again.calibration.write_csv() == first[1].calibration.write_csv()


def test_another_training_world_changes_nothing_in_the_truth(first: Found) -> None:
    other = found("world.seed=6")[1].scores
    same = ["horizon", "brier", "mean_truth", "n"]
    one, two = (
        scores.filter(pl.col("model") == "truth").select(same)
        for scores in (first[1].scores, other)
    )
    assert_frame_equal(one, two, check_exact=True)
    assert not other["share"].equals(first[1].scores["share"])


def test_maps_part_a_world_and_no_map_knows_of_another() -> None:
    config = composed("events.simulated.conflicts=12", "truces.simulated.conflicts=12")
    whole = load(config.events, config.truces, 0, Path("rejected.csv"))
    parts = truth.maps(whole, 5)
    assert len(parts) == 2
    assert sum(part.events.height for part in parts) == whole.events.height
    assert sum(part.truces.height for part in parts) == whole.truces.height
    for part in parts:
        assert part.events["country"].n_unique() == 6
        assert set(part.truces["country"]) <= set(part.events["country"])


@settings(max_examples=10)
@given(st.integers(1, 40), st.integers(1, 9))
def test_maps_are_about_as_crowded_as_was_asked(conflicts: int, wanted: int) -> None:
    frame = events([{"date": day(i), "country": f"c{i:02}"} for i in range(conflicts)])
    whole = Data(
        frame,
        frame,
        truces([]),
        day(99),
        pl.DataFrame(),
        Rejected.create_empty(),
        LeftOut.create_empty(),
        Unmapped.create_empty(),
        {},
    )
    sizes = [part.events.height for part in truth.maps(whole, wanted)]
    assert sum(sizes) == conflicts
    assert max(sizes) - min(sizes) <= 1
    if conflicts >= wanted:
        assert wanted / 2 <= sum(sizes) / len(sizes) <= 2 * wanted


def test_thinning_keeps_every_kth_row_at_any_age(second: truth.Laid) -> None:
    all_of_it = truth.second_world(composed("truth.every=1"))
    assert_frame_equal(all_of_it.panel.gather_every(4), second.panel)
    for name, features in second.features.items():
        kept = second.panel.select(KEYS).join(all_of_it.features[name], on=KEYS)
        assert_frame_equal(features.sort(KEYS), kept.sort(KEYS))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["~truth.every"], "expected null, or seed, conflicts, years, draws, every"),
        (["truth=5"], "truth=5: expected null, or seed"),
        (["+truth.sede=1"], "expected null, or seed"),
        (["truth.seed=-1"], "truth.seed=-1: expected a whole number from 0 on"),
        (["truth.conflicts=0"], "truth.conflicts=0: expected a whole number from 1"),
        (["truth.years=x"], "truth.years=x: expected a whole number from 1 on"),
        (["truth.draws=1"], "truth.draws=1: expected a whole number from 2 on"),
        (["truth.every=0"], "truth.every=0: expected a whole number from 1 on"),
        (["truth.seed=5"], "truth.seed=5: expected another than that of the world"),
        (["events=[ged]"], "in the simulated world alone, not with events=[ged]"),
        (["truces=[ethprio]"], "not with truces=[ethprio]; truth=null leaves it out"),
        (["events=[simulated,ged]"], "not with events=[simulated,ged]"),
        (["collapse=declared"], "first_fatal, not under collapse=declared"),
        (["collapse=violations"], "not under collapse=violations; truth=null"),
        (["panel.min_events=9999"], "can be followed"),
    ],
)
def test_what_has_no_known_truth_is_refused(
    words: list[str],
    wanted: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert run.main([*WORDS, *words, f"out={tmp_path / 'run'}"]) == 1
    assert wanted in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_leaves_its_shares_in_folder_terminal_and_report(
    first: Found, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert run.main([*WORDS, f"out={out}"]) == 0
    scores = KnownTruth.validate(pl.read_csv(out / "truth.csv"), cast=True)
    assert_frame_equal(scores, first[1].scores)
    assert "Share of what can be known, from trail (0%)" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert said(scores, "logit", "trail") in page
    share = scores.filter(pl.col("model") == "logit", pl.col("horizon") == 30)
    assert in_words(share["share"].item()) in page
    metrics = pl.read_csv(out / "metrics.csv")
    assert "share" not in metrics["metric"]


def test_a_tracker_is_given_the_share_of_each_model(first: Found) -> None:
    row = {"horizon": 30, "stratum": "all", "metric": "brier", "value": 0.1}
    row |= {"lower": None, "upper": None, "n": 9, "n_events": 2}
    metrics = Metrics.validate(
        pl.DataFrame([{"model": name, **row} for name in ("logit", "trail")]).select(
            Metrics.column_names()
        ),
        cast=True,
    )
    assert truth.beside(metrics, None) is metrics
    both = truth.beside(metrics, first[1].scores).filter(pl.col("metric") == "share")
    # neither the truth nor a model that the run has no scores of
    assert both.select("model", "horizon").sort("model", "horizon").rows() == [
        (name, horizon) for name in ("logit", "trail") for horizon in HORIZONS
    ]


def test_no_more_is_said_than_the_interval_allows() -> None:
    def words(value: float, lower: float | None, upper: float | None) -> str:
        row = {"model": "logit", "horizon": 30, "share": value}
        row |= {"lower": lower, "upper": upper}
        return said(pl.DataFrame([row]), "logit", "trail")

    assert "finds 40% of what can be known" in words(0.4, 0.3, 0.5)
    assert "not told apart from trail" in words(0.1, -0.1, 0.2)
    assert f"finds less than trail does: {in_words(-0.2)}" in words(-0.2, -0.3, -0.1)
    assert "not told apart" in words(0.1, None, None)


def test_the_section_holds_floor_and_ceiling_at_its_ends(first: Found) -> None:
    found = section(
        first[1].scores,
        first[1].calibration,
        published="logit",
        named_baseline="trail",
    )
    rows: Any = found["rows"]
    assert [name for name, _ in rows] == ["truth", "logit", "base_rate", "trail"]
    assert found["horizons"] == list(HORIZONS)
