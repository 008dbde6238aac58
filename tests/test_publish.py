"""The published model: its intervals, its file, and what no file may hold."""

import io
import os
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import dataframely as dy
import numpy as np
import polars as pl
import pytest
import skops.io
from hydra.utils import instantiate
from omegaconf import OmegaConf
from polars.testing import assert_frame_equal
from sklearn.base import BaseEstimator
from sklearn.datasets import fetch_openml
from strategies import panel as laid_out

from forecast.backtest import KEYS, NothingToLearn
from forecast.collapse import resumption
from forecast.explain.typical import written
from forecast.features import compute
from forecast.features.age import age
from forecast.features.recent import recent
from forecast.ipcw import Array, Target
from forecast.link import link, linked
from forecast.models.baselines import BaseRate, Trail
from forecast.panel import censor, panel
from forecast.publish import Published, load, publish, risk_scores, save
from forecast.raw import InputError
from forecast.schema import Panel, RiskScores
from forecast.simulated import World

HORIZONS = (7, 30, 90)
CONF = Path(__file__).parents[1] / "conf" / "models"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))


class Case:
    """A panel to fit on, origins to score, and the features of both."""

    def __init__(self, world: World) -> None:
        self.truces = world.truces
        args = (world.truces, world.events, world.covered_through, resumption)
        rows, _ = panel(*args)
        later = rows["origin"].sort()[-150]
        self.through = later
        self.rows = censor(rows, later)
        self.due = Panel.validate(
            rows.filter(pl.col("origin") >= later).unique(
                "truce_id", keep="first", maintain_order=True
            )
        )
        coded = linked(world.events, link(world.truces, world.events))
        self.features = compute(
            {"age": age, "recent": recent}, rows, coded, world.truces
        )

    def publish(
        self, model: Any, refits: int = 3, seed: int = 1, jobs: int = 1
    ) -> Published:
        return publish(
            "mine",
            model,
            self.features,
            "trail",
            Trail(horizons=HORIZONS),
            self.features,
            self.rows,
            label="resumption",
            horizons=HORIZONS,
            trained_through=self.through,
            refits=refits,
            seed=seed,
            jobs=jobs,
        )

    def score(self, published: Published, level: float = 0.9) -> pl.DataFrame:
        return risk_scores(
            published,
            self.due,
            self.features,
            self.features,
            self.truces,
            run_id="r",
            data_digest="d",
            level=level,
        )


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    return Case(world)


def build(name: str) -> Any:
    config = OmegaConf.load(CONF / f"{name}.yaml")[name]
    return instantiate(config, horizons=list(HORIZONS), random_state=4)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_comes_back_from_its_file_as_it_was(
    name: str, case: Case, tmp_path: Path
) -> None:
    published = case.publish(build(name), refits=1)
    save(published, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    facts = ["name", "baseline_name", "horizons", "label", "trained_through", "seen"]
    assert [getattr(again, f) for f in facts] == [getattr(published, f) for f in facts]
    assert len(again.refits) == len(published.refits)
    assert again.typical
    assert published.typical
    assert written(again.typical) == written(published.typical)
    assert_frame_equal(case.score(again), case.score(published), check_exact=True)


@pytest.mark.slow
def test_refits_side_by_side_are_the_same(case: Case) -> None:
    one, two = (case.publish(build("core"), jobs=jobs) for jobs in (1, 2))
    assert_frame_equal(case.score(one), case.score(two), check_exact=True)


def test_the_model_knows_what_it_has_seen(case: Case) -> None:
    seen = case.publish(build("base_rate"), refits=0).seen
    trained = case.features.join(case.rows, on=KEYS, how="semi")
    for name, ends in seen.items():
        assert ends == (trained[name].min(), trained[name].max())


def test_scores_hold_what_an_analyst_reads(case: Case) -> None:
    scores = case.score(case.publish(build("logit"), refits=5))
    assert RiskScores.is_valid(scores)
    assert scores.columns == RiskScores.column_names()
    assert scores.height == case.due.height * len(HORIZONS)
    assert_frame_equal(scores, scores.sort("as_of", "truce_id", "horizon_days"))
    names = dict(case.truces.select("truce_id", "name").rows())
    assert scores["truce"].to_list() == [names[i] for i in scores["truce_id"]]
    for column in ("risk", "risk_lower", "risk_upper", "baseline_risk"):
        steps = scores.select(pl.col(column).diff().over("truce_id").min()).item()
        assert steps >= 0, f"{column} falls from one horizon to a longer one"
    assert (scores["risk_lower"] < scores["risk_upper"]).mean() > 0.9


def test_intervals_widen_with_the_level_and_close_without_refits(case: Case) -> None:
    published = case.publish(build("base_rate"), refits=12)
    wide, narrow = case.score(published, 0.95), case.score(published, 0.5)
    assert (wide["risk_lower"] <= narrow["risk_lower"]).all()
    assert (wide["risk_upper"] >= narrow["risk_upper"]).all()
    for scores in (wide, narrow):
        risk = scores["risk"]
        assert risk.is_between(scores["risk_lower"], scores["risk_upper"]).all()
    single = case.score(case.publish(build("base_rate"), refits=0))
    assert single["risk"].equals(single["risk_lower"])
    assert single["risk"].equals(single["risk_upper"])


def test_the_seed_is_all_there_is(case: Case) -> None:
    first, again, other = (
        case.score(case.publish(build("base_rate"), seed=seed)).write_csv()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_no_truce_in_force_is_an_empty_table(case: Case) -> None:
    published, empty = case.publish(build("base_rate"), refits=0), case.features.head(0)
    scores = risk_scores(
        published,
        Panel.create_empty(),
        empty,
        empty,
        case.truces,
        run_id="r",
        data_digest="d",
    )
    assert scores.columns == RiskScores.column_names()
    assert not scores.height


class Noted(BaseEstimator):  # type: ignore[misc]
    """Keeps which dyads it was fitted on; each has a number for a feature."""

    fits: list[list[int]] = []  # noqa: RUF012

    def __init__(self, horizons: Sequence[int] = HORIZONS) -> None:
        self.horizons = horizons

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        assert ((y["event"] == 1) & (y["duration"] <= max(self.horizons))).any()
        self.fits.append(X["number"].to_list())
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        return np.full((X.height, len(self.horizons)), 0.5)


def dyads(collapses: Sequence[int], duration: int = 20) -> dy.DataFrame[Panel]:
    """Four dyads of two origins; some collapse."""
    return laid_out(
        [
            {
                "truce_id": f"t{i}",
                "age_days": start,
                "event": int(i in collapses),
                "duration": duration - start + 1,
            }
            for i in range(4)
            for start in (1, 8)
        ]
    )


class Wrong(Noted):
    """Says what it is given, whether that is a risk or not."""

    def __init__(
        self, says: Sequence[float] = (), horizons: Sequence[int] = HORIZONS
    ) -> None:
        super().__init__(horizons)
        self.says = says

    def predict_risk(self, X: pl.DataFrame) -> Array:
        return np.tile(np.asarray(self.says), (X.height, 1))


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ((0.1, 0.2), r"shape \(8, 2\), not \(8, 3\)"),
        ((0.1, 0.2, 1.7), "no number between 0 and 1"),
        ((0.1, 0.2, float("nan")), "no number between 0 and 1"),
        ((0.1, 0.3, 0.2), "smaller within more days than within fewer"),
    ],
)
def test_a_model_that_says_no_risks_is_not_published(
    says: Sequence[float], words: str
) -> None:
    with pytest.raises(NothingToLearn, match=f"noted cannot be used: .*{words}"):
        refit(dyads([2]), refits=1, model=Wrong(says))


def refit(
    rows: dy.DataFrame[Panel], refits: int, model: Noted | None = None
) -> list[list[int]]:
    Noted.fits.clear()
    numbers = rows.select(*KEYS, number=pl.col("truce_id").str.slice(1).cast(pl.Int64))
    publish(
        "noted",
        model or Noted(),
        numbers,
        "base_rate",
        BaseRate(horizons=HORIZONS),
        numbers,
        rows,
        label="resumption",
        horizons=HORIZONS,
        trained_through=rows["origin"].max(),  # type: ignore[arg-type]
        refits=refits,
    )
    return list(Noted.fits)


def test_refits_draw_whole_dyads_and_always_a_collapse() -> None:
    whole, *again = refit(dyads([2]), refits=40)
    assert whole == [0, 0, 1, 1, 2, 2, 3, 3]
    for drawn in again:
        assert len(drawn) == 8
        assert all(drawn.count(i) % 2 == 0 for i in range(4))
        assert 2 in drawn
    assert len({tuple(sorted(drawn)) for drawn in again}) > 5


def test_a_collapse_beyond_the_longest_horizon_is_none() -> None:
    with pytest.raises(ValueError, match="no collapse within 90 days of any of 8"):
        refit(dyads([0, 1, 2, 3], duration=300), refits=3)
    with pytest.raises(ValueError, match="nothing to publish"):
        refit(dyads([]), refits=3)


class Foreign:
    """A class that this project knows nothing of."""


def zipped(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize(
    "thing",
    [Foreign(), os.system, partial(os.system, "true"), fetch_openml, Path.unlink],
    ids=["class", "function", "partial", "scikit-learn's own", "method"],
)
def test_foreign_types_are_refused(thing: Any, case: Case, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    content = vars(case.publish(build("base_rate"), refits=0)) | {"model": thing}
    content |= {"refits": [], "trained_through": "2020-01-01"}
    path.write_bytes(skops.io.dumps(content))
    with pytest.raises(InputError, match=r"model\.skops: refused, it holds "):
        load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no model at all",
        zipped("a", "b"),
        zipped("schema.json", "{oops"),
        zipped("schema.json", "[]"),
        skops.io.dumps([1, 2]),
        skops.io.dumps({"a": 1}),
        skops.io.dumps({"refits": [], "horizons": [7], "trained_through": "today"}),
        skops.io.dumps({"a": 1})[:-30],
    ],
)
def test_a_file_that_is_no_model(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.skops: not a model file"):
        load(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model; expected the model"):
        load(tmp_path / "model.skops")
    with pytest.raises(InputError, match="no model"):
        load(tmp_path)


def test_nothing_is_pickled(case: Case, tmp_path: Path) -> None:
    save(case.publish(build("hgb"), refits=1), tmp_path / "model.skops")
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        names = archive.namelist()
        assert not any(archive.read(name).startswith(b"\x80") for name in names)
    assert all(name.endswith((".json", ".npy")) for name in names), set(names)
    arrays = [n for n in names if n.endswith(".npy")]
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        for name in arrays:
            np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
