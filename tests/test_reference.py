"""The model that comes with the package: its file, its card, and the founding case."""

import hashlib
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from forecast.commands import run, score
from forecast.models.baselines import Trail
from forecast.models.core import Core
from forecast.raw import InputError
from forecast.reference import read, text, write
from forecast.schema import RiskScores

ROOT = Path(__file__).parent.parent
FILE = ROOT / "data" / "reference" / "model.json"
CARD = ROOT / "data" / "reference" / "README.md"
CONTENT: dict[str, Any] = json.loads(FILE.read_text())
FOUNDING = ["truces=syria_2016", "events=syria_2016"]
HORIZONS = (7, 14, 30, 90)
#: what the shipped file says of Syria; another sum of columns would say something else
SYRIA = {
    date(2016, 2, 28): [0.0251121768, 0.0516689513, 0.1177546745, 0.2455512191],
    date(2016, 4, 3): [0.0195291366, 0.0360624412, 0.0745991003, 0.1571204918],
    date(2016, 4, 7): [0.0357255686, 0.0783201527, 0.1989092817, 0.3290099840],
}


def scored(out: Path, *words: str) -> pl.DataFrame:
    assert score.main([*words, f"out={out}"]) == 0
    frame = pl.read_csv(out / "risk_scores.csv", try_parse_dates=True)
    whole = frame.with_columns(pl.col("drivers").fill_null(""))
    return RiskScores.validate(whole, cast=True)


def test_the_file_is_what_it_would_be_written_as() -> None:
    published, about = read(FILE)
    assert text(write(published, about)) + "\n" == FILE.read_text(encoding="utf-8")
    assert FILE.stat().st_size < 400_000
    assert isinstance(published.model, Core)
    assert isinstance(published.baseline, Trail)
    assert published.horizons == HORIZONS
    assert (published.name, published.baseline_name) == ("core", "trail")
    assert published.label == "resumption"
    assert published.trained_through == date(2011, 12, 31)
    assert len(published.refits) == 50
    assert published.seen["recent_share_30d"][0] == 0
    assert {*published.seen} <= {*Core.columns_}


def test_it_is_of_the_experiment_that_bears_its_name() -> None:
    about = CONTENT["about"]
    experiment = OmegaConf.load(ROOT / "experiments" / "reference.yaml")
    assert about["experiment"] == experiment.name == "reference"
    assert about["question"] == experiment.question
    assert list(about["features"]) == ["age", "recent", "design"]
    assert len(CONTENT["refits"]) == experiment.refits


def test_it_was_fitted_on_the_files_that_it_names(shared: Path) -> None:
    files = CONTENT["about"]["training"]["files"]
    assert len(files) == 3
    found = {path.name: path for path in (shared / "data").rglob("*")}
    for name, digest in files.items():
        assert hashlib.sha256(found[name].read_bytes()).hexdigest() == digest


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in the file."""
    if path:
        yield path
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in inner:
            yield from places(below, (*path, key))


def at(content: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def refusal(content: Any, folder: Path) -> str:
    path = folder / "changed.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


PLACES = [*places({k: v for k, v in CONTENT.items() if k != "refits"})]
PLACES += [("refits",), ("refits", 3), ("refits", 3, 1), ("refits", 3, 1, 7)]
KEYS = [path for path in PLACES if isinstance(path[-1], str)]
#: keys that are names, and may be others or fewer
NAMES = {
    ("about", "training", "files", f) for f in CONTENT["about"]["training"]["files"]
}
NAMES |= {("about", "features", "design")}
NAMES |= {("seen", column) for column in CONTENT["seen"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changed")


@settings(max_examples=60)
@given(st.sampled_from(KEYS).filter(lambda path: path not in NAMES))
def test_no_key_may_be_missing(folder: Path, path: tuple[Any, ...]) -> None:
    content = deepcopy(CONTENT)
    del at(content, path[:-1])[path[-1]]
    said = refusal(content, folder)
    # the order of columns and horizons is told as a whole
    assert path[-1] in said or path[-2] in said


@settings(max_examples=60)
@given(st.sampled_from([p for p in PLACES if isinstance(at(CONTENT, p), dict)]))
def test_no_key_may_be_added(folder: Path, path: tuple[Any, ...]) -> None:
    content = deepcopy(CONTENT)
    at(content, path)["surprise"] = 1.5
    said = refusal(content, folder)
    assert "surprise" in said
    assert ".".join(map(str, path)) in said


@settings(max_examples=100)
@given(
    st.sampled_from(PLACES),
    st.sampled_from([[[]], {"a": 1}, "word", float("nan"), float("inf"), True]),
)
def test_no_value_may_be_of_another_kind(
    folder: Path, path: tuple[Any, ...], value: Any
) -> None:
    old = at(CONTENT, path)
    if type(old) is type(value) and not isinstance(old, float):
        return
    content = deepcopy(CONTENT)
    at(content, path[:-1])[path[-1]] = value
    said = refusal(content, folder)
    assert ".".join(map(str, path)) in said or "the key" in said


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", 2, "schema: expected 1, not 2"),
        ("schema", True, "schema: expected 1, not True"),
        ("about.label", "os.system", "about.label: expected 'resumption' or"),
        ("about.rule.window_days", "30", "about.rule.window_days: expected a whole"),
        ("about.rule.window_days", 60, "recent.rule_window_days: 30, but about.rule"),
        ("about.features.recent.rule_kinds", ["strike"], "rule_kinds: ['strike'], but"),
        ("about.features.kinds", {}, "about.features: the key 'kinds' is unknown"),
        ("about.training.trained_through", "2011-13-01", "trained_through: expected a"),
        ("model.family", "trail", "model.family: expected 'core'"),
        ("model.family", "logit", "model.family: expected 'core' or 'trail'"),
        ("baseline.horizons.180", 0.5, "baseline.horizons: not those of the model"),
        ("typical.ages", [9.0, 8.0], "typical.ages: expected days that ascend"),
        ("typical.columns.recent_share_3d", [1.0], "recent_share_3d: expected 10 numb"),
        ("refits.49.3", [1.0], "refits.49.3: expected 79 numbers"),
        ("refits.49.3", 2.0, "refits.49.horizons.90: expected a risk from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    path: str, value: Any, message: str, tmp_path: Path
) -> None:
    content = deepcopy(CONTENT)
    keys = [
        int(k) if k.isdigit() and path[:6] == "refits" else k for k in path.split(".")
    ]
    at(content, tuple(keys[:-1]))[keys[-1]] = value
    assert message in refusal(content, tmp_path)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[]", b'{"schema": 1}'])
def test_a_file_of_something_else_is_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(raw)
    with pytest.raises(InputError, match=r"model\.json: "):
        read(tmp_path / "model.json")
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize("as_of", SYRIA)
def test_the_founding_case_without_any_run(as_of: date, tmp_path: Path) -> None:
    scores = scored(tmp_path / "out", *FOUNDING, f"as_of={as_of}", "model=reference")
    assert scores["horizon_days"].to_list() == [*HORIZONS]
    assert scores["age_days"].unique().to_list() == [(as_of - date(2016, 2, 27)).days]
    assert scores["risk"].to_list() == pytest.approx(SYRIA[as_of], abs=1e-8)
    for column in ("risk", "risk_lower", "risk_upper", "baseline_risk"):
        assert scores[column].diff().drop_nulls().min() > 0  # type: ignore[operator]
    assert (scores["risk_lower"] < scores["risk_upper"]).all()
    digest = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert scores["run_id"].unique().to_list() == [f"reference-{digest[:12]}"]
    assert scores["trained_through"].unique().to_list() == [date(2011, 12, 31)]


def test_what_is_heard_raises_the_risk() -> None:
    """Quiet weeks lower it; what the report of 7 April tells nearly trebles it."""
    before, after = SYRIA[date(2016, 4, 3)], SYRIA[date(2016, 4, 7)]
    assert all(a > 1.8 * b for a, b in zip(after, before, strict=True))
    assert all(b < s for b, s in zip(before, SYRIA[date(2016, 2, 28)], strict=True))


def test_the_report_says_how_thin_the_series_is(tmp_path: Path) -> None:
    for as_of, said in (
        ("2016-04-07", "4 hostile events of the parties since the start without a"),
        ("2016-04-03", "No hostile event of the parties is known since the start"),
    ):
        out = tmp_path / as_of
        scored(out, *FOUNDING, f"as_of={as_of}", "model=reference")
        page = (out / "report.html").read_text(encoding="utf-8")
        notes = json.loads((out / "run.json").read_text())["notes"]
        for words in (
            f"a thin series. {said}",
            "panel.min_events=0",
            "5 or more in the 90 days before the start; "
            "Cessation of hostilities in Syria (0) had fewer",
            "core was fitted by experiments=reference through 2011-12-31 on 3306",
            "data/reference/README.md",
        ):
            assert words in page
            assert any(words in note for note in notes), words


def test_settings_of_features_are_those_of_the_file(tmp_path: Path) -> None:
    content = deepcopy(CONTENT)
    recent = content["about"]["features"]["recent"]
    recent["share_windows"] = [*recent["share_windows"], 31]
    (tmp_path / "mine.json").write_text(json.dumps(content))
    words = [*FOUNDING, "as_of=2016-04-07", f"model={tmp_path / 'mine.json'}"]
    scores = scored(tmp_path / "out", *words)
    assert scores["risk"].to_list() == pytest.approx(SYRIA[date(2016, 4, 7)], abs=1e-8)
    config = OmegaConf.load(tmp_path / "out" / "config.yaml")
    for name, arguments in content["about"]["features"].items():
        found = {k: v for k, v in config.features[name].items() if k[0] != "_"}
        assert OmegaConf.to_container(OmegaConf.create(found)) == arguments
    assert config.collapse.floor == 5
    assert config.panel.min_events == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "model=reference holds no data: name them, events=NAME"),
        (["events=syria_2016"], "holds no data: name them, truces=NAME"),
        (
            [*FOUNDING, "+collapse=threshold"],
            "collapse: the model foretells resumption (window_days 30, share 0.5, "
            "floor 5, before_days 90) and no other collapse",
        ),
        ([*FOUNDING, "+collapse.share=0.3"], "and no other collapse"),
    ],
)
def test_what_the_model_cannot_score_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score.main(["model=reference", *words]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_same_rule_may_be_named(tmp_path: Path) -> None:
    words = ["model=reference", "as_of=2016-04-07", "+collapse=resumption"]
    scored(tmp_path / "out", *FOUNDING, *words)


def test_a_run_of_core_leaves_its_file_and_both_score_alike(tmp_path: Path) -> None:
    out = tmp_path / "run"
    small = ["world.conflicts=10", "world.years=7", "split.first='2003-01-01'"]
    words = ["models=[core]", "published=core", "refits=3", "draws=60", "tracking=none"]
    assert run.main([*small, *words, f"out={out}"]) == 0
    content = json.loads((out / "model.json").read_text())
    assert content["about"]["training"]["trained_through"] > "2003"
    # features that core does not look at are left out
    assert list(content["about"]["features"]) == ["age", "recent", "design"]
    data = ["truces=simulated", "events=simulated", *small[:2]]
    first, second = (
        scored(tmp_path / name, *data, f"model={model}")
        for name, model in (("a", out), ("b", out / "model.json"))
    )
    assert first.height >= len(HORIZONS)
    for column in ("risk", "risk_lower", "risk_upper", "baseline_risk"):
        np.testing.assert_allclose(first[column], second[column], rtol=0, atol=1e-12)
    same = ["as_of", "truce_id", "horizon_days", "label", "trained_through", "model"]
    assert first.select(same).equals(second.select(same))


def score_of(model: str, horizon: int, metric: str) -> dict[str, Any]:
    return next(
        s
        for s in CONTENT["about"]["scores"]
        if (s["model"], s["horizon"], s["metric"]) == (model, horizon, metric)
    )


def test_the_card_has_the_numbers_of_the_file() -> None:
    card = CARD.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", card, re.MULTILINE)
    assert [int(horizon) for horizon, _ in rows] == [*HORIZONS]
    for horizon, cells in rows:
        brier, trail, skill, auroc, ratio, n = (c.strip() for c in cells.split("|"))
        own, naive = (score_of(m, int(horizon), "brier") for m in ("core", "trail"))
        assert [brier, trail] == [f"{s['value']:.4f}" for s in (own, naive)]
        over = score_of("core", int(horizon), "skill_over_trail")
        shown = [f"{100 * over[k]:.1f}" for k in ("value", "lower", "upper")]
        assert skill.replace("\N{MINUS SIGN}", "-") == "{} ({} to {})".format(*shown)
        for cell, metric in ((auroc, "auroc"), (ratio, "expected_observed")):
            s = score_of("core", int(horizon), metric)
            assert cell == "{value:.2f} ({lower:.2f} to {upper:.2f})".format(**s)
        assert n == f"{own['n_events']:,} of {own['n']:,}"
    about = CONTENT["about"]
    for count in ("truces", "dyads", "origins", "collapses"):
        assert f"{about['training'][count]:,} " in card
    assert about["training"]["data_digest"] in card
    words = " ".join(card.replace("`", "").replace("> ", "").split())
    assert about["said"] in words
