"""A run can be made again from what it recorded, and what differs is named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from finished import TINY, finished
from strategies import Laid
from threadpoolctl import threadpool_info, threadpool_limits

from forecast import folders, provenance
from forecast.backtest import backtest
from forecast.commands import reproduce
from forecast.panel import censor
from forecast.record import write_json
from forecast.schema import Predictions
from forecast.simulated import World
from forecast.split import Rolling

ROOT = Path(__file__).parent.parent
WORDS = [*TINY, "draws=30", "models=[logit,hgb]", "metrics=[brier,auroc]"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, tracked in the store of its home."""
    return finished(tmp_path_factory.mktemp("home"), *WORDS)


@pytest.mark.slow
def test_a_run_again_on_other_cores_and_processes_gives_the_same_bytes(
    made: Path, tmp_path: Path
) -> None:
    """By its id; with one thread for every library where the run had all cores."""
    run_id = json.loads((made / "run.json").read_text())["run_id"]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    home = made.parents[2]
    # from its artifacts in MLflow: nobody is asked for the folder
    shutil.move(made, tmp_path / "moved")
    try:
        answer = subprocess.run(
            [
                *(sys.executable, "-m", "forecast", "reproduce", run_id),
                *("jobs=2", f"out={tmp_path / 'again'}"),
            ],
            env={**os.environ, **dict.fromkeys(threads, "1"), "FORECAST_HOME": home},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
    finally:
        shutil.move(tmp_path / "moved", made)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "identical: every value of every table" in answer.stdout
    assert "code, packages and machine are those of the run" in answer.stdout
    for file in made.iterdir():
        if file.suffix in (".csv", ".parquet") and file.name != "risk_scores.csv":
            assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


@pytest.mark.slow
def test_a_value_that_differs_is_named(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever changes a digit of a run, or runs other code, is found out."""
    told = tmp_path / "told"
    shutil.copytree(made, told)
    path = told / "predictions.parquet"
    risk = pl.col("risk")
    nudged = (
        pl.when(pl.int_range(pl.len()) == 7).then(risk * (1 + 2**-52)).otherwise(risk)
    )
    before = pl.read_parquet(path)
    before.with_columns(nudged).write_parquet(path)
    account = json.loads((told / "run.json").read_text())
    account |= {"code_digest": "0" * 64, "git_commit": "1" * 40, "git_diff": None}
    account["packages"]["polars"] = "0.1"
    write_json(account, told / "run.json")
    assert reproduce.main([str(told), f"out={tmp_path / 'again'}"]) == 1
    said = capsys.readouterr().out
    assert "polars" in said
    assert f"its code: git checkout {'1' * 40}" in said
    assert "different: 1 values" in said
    row = before.row(7, named=True)
    assert f"model={row['model']}, cutoff={row['cutoff']}" in said
    assert str(row["risk"]) in said


def test_every_kind_of_difference_is_found(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        write_json({"seed": 1, "run_id": folder.name}, folder / "run.json")
        frame = pl.DataFrame(
            {"file": [f"/{folder.name}/a.csv"], "line": [1], "run_id": [folder.name]}
        )
        frame.write_csv(folder / "rejected.csv")
        frame.write_parquet(folder / "strata.parquet")
        (folder / "report.html").write_text(folder.name)
    assert folders.differences(ours, theirs).is_empty()
    write_json({"seed": 2}, theirs / "run.json")
    frame.with_columns(line=pl.lit(2), more=pl.lit("x")).write_csv(
        theirs / "rejected.csv"
    )
    frame.with_columns(line=pl.lit(1.0)).write_parquet(theirs / "strata.parquet")
    (ours / "audits.csv").write_text("audit\nids\n")
    assert folders.differences(ours, theirs).rows() == [
        ("audits.csv", "", "", "there", "missing"),
        ("rejected.csv", "", "more", "None", "String"),
        ("run.json", "seed", "value", "1", "2"),
        ("strata.parquet", "", "line", "Int64", "Float64"),
    ]


def test_rows_without_a_key_of_their_own_are_told_by_number() -> None:
    ours = pl.DataFrame({"model": ["a", "a"], "n": [1, 2]})
    theirs = pl.DataFrame({"model": ["a", "a", "a"], "n": [1, 3, 4]})
    assert folders.between(ours, theirs, ["model"], "f").rows() == [
        ("f", "row=3", "", "missing", "there"),
        ("f", "row=2", "n", "2", "3"),
    ]


def test_nothing_is_the_same_as_nothing_and_as_nothing_else() -> None:
    none = pl.DataFrame({"k": ["a", None], "v": [None, float("nan")]})
    assert folders.between(none, none, ["k"]).is_empty()
    zero = none.with_columns(v=pl.lit(0.0))
    found = folders.between(none, zero, ["k"])
    assert found.select("row", "first", "second").rows() == [
        ("k=null", "NaN", "0.0"),
        ("k=a", "null", "0.0"),
    ]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """What a run on tables would have left, without its results."""
    folder, data = tmp_path / "told", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    (data / "events.csv").write_text("event_id,date,kind\n1,2001-01-01,strike\n")
    digest = "3a5b60ec2a6da40a7fa47fc17df61bb4c27da8b54c43f1d3c1f4dbb3f0de8f0a"
    Predictions.create_empty().write_parquet(folder / "predictions.parquet")
    (folder / "config.yaml").write_text(f"data_root: {data}\nname: x\n")
    account = dict.fromkeys(("run_id", "name", "published", "label"), "x")
    inputs = {"inputs": {str(data / "events.csv"): digest, "truces.simulated": "1"}}
    write_json(account | inputs, folder / "run.json")
    return folder


def test_a_run_whose_data_changed_or_left_cannot_be_rebuilt(
    told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce.main([str(told)]) == 2
    assert "events.csv: changed since: 3a5b60ec2a6d, now" in capsys.readouterr().err
    elsewhere = told.parent / "elsewhere"
    assert reproduce.main([str(told), f"data_root={elsewhere}"]) == 2
    assert f"{elsewhere / 'events.csv'}: cannot be read" in capsys.readouterr().err
    assert not (told.parent / "outputs" / "reproduce").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected one run, not 0"),
        (["a", "b"], "expected one run, not 2"),
        (["nowhere"], "nowhere: no such folder"),
        (["."], "not the folder of a finished run"),
    ],
)
def test_what_is_no_run_cannot_be_rebuilt(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce.main(words) == 2
    assert said in capsys.readouterr().err


class Threads:
    """A model whose risk tells how many threads it was given."""

    def __init__(self, horizons: tuple[int, ...] = (30,)) -> None:
        self.horizons = horizons

    def get_params(self, deep: bool = True) -> dict[str, object]:  # noqa: ARG002
        return {"horizons": self.horizons}

    def fit(self, X: pl.DataFrame, y: object) -> "Threads":  # noqa: ARG002
        self.most = max(pool["num_threads"] for pool in threadpool_info())
        return self

    def predict_risk(self, X: pl.DataFrame) -> object:
        most = max(self.most, *(pool["num_threads"] for pool in threadpool_info()))
        return np.full((X.height, 1), 1 / most)


def test_a_model_is_given_one_thread(world: World, simulated: Laid) -> None:
    panel = simulated[0]
    keyed = panel.select("truce_id", "origin", age="age_days")
    folds = Rolling("2003-01-01").folds(world.covered_through)
    with threadpool_limits(2):
        found, _ = backtest(
            {"threads": (Threads(), keyed)},
            panel,
            lambda morning: censor(panel, morning),
            folds[:1],
            [30],
        )
    assert found["risk"].unique().to_list() == [1.0]


def git(folder: Path, *words: str) -> str:
    plain = (
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@y.z",
        "-c",
        "commit.gpgsign=false",
    )
    return subprocess.run(
        ["git", *plain, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def test_the_diff_of_a_dirty_tree_brings_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, package = tmp_path / "tree", tmp_path / "tree" / "forecast"
    package.mkdir(parents=True)
    (package / "a.py").write_text("a = 1\n")
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "first")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    clean = provenance.code()
    assert (clean.dirty, clean.diff) == (False, "")
    (package / "a.py").write_text("a = 2\n")
    (package / "new file.py").write_text("b = 1\n")
    (tree / "notes.txt").write_text("what no run is made of stays where it is\n")
    dirty = provenance.code()
    assert dirty.commit == clean.commit == git(tree, "rev-parse", "HEAD").strip()
    assert dirty.digest != clean.digest
    assert "notes" not in dirty.diff
    kept = tmp_path / "run"
    kept.mkdir()
    provenance.keep(clean, kept)
    assert not list(kept.iterdir())
    provenance.keep(dirty, kept)
    again = tmp_path / "again"
    git(tmp_path, "clone", "-q", str(tree), str(again))
    git(again, "apply", str(kept / "code.diff"))
    monkeypatch.setattr(provenance, "PACKAGE", again / "forecast")
    assert provenance.code().digest == dirty.digest
    assert provenance.code().facts == dirty.facts
