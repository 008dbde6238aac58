"""Searches: what is found, what is repeated, what goes on, and what is never seen."""

import json
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from finished import ROOT, TINY, finished
from mlflow import MlflowClient
from omegaconf import OmegaConf
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from sklearn.base import BaseEstimator

from forecast import ipcw, storage
from forecast.commands import run, searching
from forecast.models.given import Given, given
from forecast.models.inner import Plan
from forecast.raw import InputError
from forecast.schema import Trials
from forecast.search import Found, search
from forecast.trials import begun, distribution, ended

HORIZONS = (7, 30)
PLAN = Plan((0.4, 0.7), 2, 5, HORIZONS)
SPACE = {"share": {"low": 0.01, "high": 0.99}}
#: a run with a search that takes seconds
SEARCH = [
    *TINY,
    "experiments=search",
    "models=[elastic_net]",
    "published=searched",
    "draws=20",
    "metrics=[brier]",
    "jobs=1",
    "search.model=elastic_net",
    "~search.space",
    "+search.space={C:{low:0.001,high:1.0,log:true},l1_ratio:{choices:[0,1]}}",
    "search.trials=7",
    "search.quantiles=[0.5]",
    "search.least=3",
    "world.conflicts=12",
    "first_cutoff='2004-01-01'",
]


class Constant(BaseEstimator):  # type: ignore[misc]
    """The same risk for all: what is best is known, the share that collapses."""

    def __init__(self, share: float = 0.5, horizons: Any = HORIZONS) -> None:
        self.share = share
        self.horizons = horizons

    def fit(self, _X: pl.DataFrame, _y: ipcw.Target) -> "Constant":
        if self.share > 0.6:
            raise ValueError("too sure")
        return self

    def predict_risk(self, X: pl.DataFrame) -> ipcw.Array:
        return np.full((X.height, len(self.horizons)), self.share)


@pytest.fixture(scope="module")
def data() -> Given:
    """Sixty truces of twelve dyads; one in five collapses within a week."""
    rng = np.random.default_rng(3)
    n = 360
    rows = pl.DataFrame(
        {
            "truce_id": [f"t{i // 6}" for i in range(n)],
            "dyad_id": [f"d{i // 30}" for i in range(n)],
            "origin": [date(2000, 1, 1) + timedelta(7 * i) for i in range(n)],
        }
    )
    event = (rng.random(n) < 0.2).astype(int)
    y = ipcw.target(event, np.where(event, 3, 90))
    return given(pl.DataFrame({"x": np.zeros(n)}), y, rows)


def searched(data: Given, trials: int, where: Any = None, **kwargs: Any) -> Found:
    asked = {"seed": 1, "declared": 0.5} | kwargs
    declared = asked.pop("declared")
    return search(
        lambda settings: Constant(**{"share": declared, **settings}),
        asked.pop("space", SPACE),
        data,
        PLAN,
        InMemoryStorage() if where is None else where,
        "name",
        trials=trials,
        **asked,
    )


def test_what_is_best_is_found(data: Given) -> None:
    found = searched(data, 30)
    assert found.settings is not None
    assert found.settings["share"] == pytest.approx(0.2, abs=0.04)
    table = found.trials.filter(pl.col("state") == "complete")
    assert table.filter("picked")["loss"].item() == table["loss"].min()


def test_without_evidence_the_declared_settings_stay(data: Given) -> None:
    found = searched(data, 8, declared=0.2)
    assert found.settings is None
    assert found.best is not None
    assert found.trials.filter("picked")["trial"].to_list() == [0]


def test_too_few_collapses_are_no_evidence(data: Given) -> None:
    none = ipcw.target(np.zeros(len(data.y), int), data.y["duration"])
    found = searched(given(data.X, none, data.rows), 5)
    assert found.settings is None
    assert found.trials.height == 0


def test_a_seed_proposes_the_same_and_another_seed_others(data: Given) -> None:
    one, same, other = (searched(data, 12, seed=seed).trials for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_processes_change_nothing(data: Given) -> None:
    assert searched(data, 3, jobs=2).trials.equals(searched(data, 3).trials)


def test_bad_settings_are_pruned_and_failures_counted(data: Given) -> None:
    table = searched(data, 25).trials
    worst = table.filter(pl.col("state") == "pruned")
    assert worst.height
    assert (worst["cutoffs"] < 2).all()
    failed = table.filter(pl.col("state") == "failed")
    assert failed.height
    assert set(failed["reason"]) == {"too sure"}
    assert failed["loss"].null_count() == failed.height
    assert table.height == 1 + 25


@pytest.mark.parametrize("cut", [3, 12])
def test_a_search_that_was_cut_goes_on_as_if_it_had_not_been(
    data: Given, tmp_path: Path, cut: int
) -> None:
    whole = searched(data, 16)
    searched(data, cut, storage.opened(None, tmp_path), host="here")
    study = begun(storage.opened(None, tmp_path), "name")
    # killed in the midst of a trial: what it was about to try is tried first
    before = whole.trials["settings"][cut + 1]
    study.enqueue_trial(json.loads(before))
    lost = study.ask(fixed_distributions={"share": distribution("", SPACE["share"])})
    lost.set_user_attr("host", "here")
    again = searched(data, 16, storage.opened(None, tmp_path), host="here")
    assert again.trials.equals(whole.trials)
    assert again.settings == whole.settings
    states = [trial.state for trial in study.get_trials()]
    assert TrialState.RUNNING not in states


def test_what_another_machine_runs_is_left_to_it(data: Given) -> None:
    where = InMemoryStorage()
    trial = begun(where, "name").ask()
    trial.set_user_attr("host", "there")
    searched(data, 2, where, host="here")
    study = begun(where, "name")
    assert study.trials[0].state == TrialState.RUNNING
    assert len(ended(study)) == 2


@pytest.mark.parametrize(
    "spec", [{"low": 1}, {}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}]
)
def test_a_space_that_is_none_is_refused(data: Given, spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="share: "):
        searched(data, 1, space={"share": spec})


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"model": "cox"}, "search.model=cox: not among those chosen: net"),
        ({"space": {"D": {}}}, r"search.space.D: net has C, inner"),
        ({"space": {"_target_": {"choices": ["os.system"]}}}, "_target_: net has"),
        ({"space": {"inner._target_": {"choices": ["x"]}}}, "_target_: net has"),
        ({"space": {"C": {"choices": [{"_target_": "x"}]}}}, "is no single value"),
    ],
)
def test_a_search_that_cannot_be_is_refused(search: dict[str, Any], said: str) -> None:
    net = {"_target_": "t", "C": 1.0, "inner": {"_target_": "u", "parts": 2}}
    asked = {"model": "net", "space": {"C": {"low": 1, "high": 2}}} | search
    config = OmegaConf.create({"models": {"net": net}, "search": asked})
    with pytest.raises(InputError, match=said):
        searching.check(config)


def test_a_storage_half_made_is_made_again(data: Given, tmp_path: Path) -> None:
    part = tmp_path / f"{storage.FILE}.part"
    part.write_bytes(b"half a file")
    searched(data, 1, storage.opened(None, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [storage.FILE]


@pytest.fixture(scope="module")
def of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("home"), *SEARCH)


def trials(folder: Path) -> pl.DataFrame:
    frame = pl.read_csv(
        folder / "trials.csv", schema_overrides=Trials.create_empty().schema
    )
    return Trials.validate(frame)


@pytest.mark.slow
def test_a_run_searches_before_its_first_cutoff_alone(of_run: Path) -> None:
    choice = pl.read_csv(of_run / "choices.csv").filter(pl.col("model") == "searched")
    assert choice["trouble"].fill_null("").to_list() == [""]
    assert choice["tried"].item() == trials(of_run).height == 8
    models = pl.read_parquet(of_run / "predictions.parquet")["model"].unique()
    assert {"searched", "elastic_net"} <= set(models)
    scored = pl.read_csv(of_run / "risk_scores.csv", infer_schema_length=None)
    assert set(scored["model"]) <= {"searched"}
    said = json.loads((of_run / "run.json").read_text())["notes"]
    assert any(note.startswith("search: 7 settings of elastic_net") for note in said)


@pytest.mark.slow
def test_trials_are_runs_in_mlflow(of_run: Path) -> None:
    home = of_run.parents[2]
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'search'")
    runs = client.search_runs([experiment.experiment_id])
    tried = {r.info.run_name: r for r in runs if r.info.run_name.startswith("trial")}
    table = trials(of_run).filter(pl.col("state") != "declared")
    assert set(tried) == {f"trial {n}" for n in table["trial"]}
    for row in table.iter_rows(named=True):
        logged = tried[f"trial {row['trial']}"].data
        settings = json.loads(row["settings"])
        assert logged.params == {key: str(value) for key, value in settings.items()}
        assert logged.metrics["inner_log_score"] == row["loss"]
    (model,) = (r for r in runs if r.info.run_name == "searched")
    picked = json.loads(trials(of_run).filter("picked")["settings"].item())
    assert float(model.data.params["model.C"]) == picked.get("C", 0.01)


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_bytes(
    of_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECAST_ROOT", str(ROOT))
    words = [*SEARCH, "tracking=none", "out=again"]
    command = [sys.executable, "-m", "forecast", "run", *words]
    cut = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(_tried(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    cut.send_signal(signal.SIGKILL)
    cut.wait()
    assert 2 <= len(_tried(tmp_path)) < 7
    assert not (tmp_path / "again").exists()
    monkeypatch.chdir(tmp_path)
    assert run.main(words) == 0
    for name in ("trials.csv", "predictions.parquet", "metrics.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (of_run / name).read_bytes()
    (folder,) = (tmp_path / "outputs" / ".searches").iterdir()
    study = begun(storage.opened(None, folder), folder.name)
    assert len(ended(study)) == 7


def _tried(home: Path) -> list[Any]:
    """Trials of the one search of a home that ended."""
    for folder in (home / "outputs" / ".searches").glob("*"):
        if (folder / storage.FILE).is_file():
            return ended(begun(storage.opened(None, folder), folder.name))
    return []


def test_a_split_by_groups_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [*SEARCH, "tracking=none", "split=unseen_dyads"]
    assert run.main(words) == 1
    assert "holds out dyad_id" in capsys.readouterr().err
