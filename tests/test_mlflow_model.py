"""The published model in MLflow: loaded, served, registered, and used for scores."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import polars as pl
import pytest
from finished import FEW, finished
from mlflow import MlflowClient
from polars.testing import assert_frame_equal

from forecast import publish, tracking
from forecast.commands import run, score
from forecast.schema import Metrics
from forecast.tracking.registry import CHAMPION, NAME

ROOT = Path(__file__).parent.parent
SMALL = [*FEW, "refits=2"]


# ── the registry ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    folder = home / "run"
    folder.mkdir()
    (folder / "model.skops").write_bytes(b"a model")
    pl.DataFrame({"age_days": [1, None], "held": [True, None]}).write_parquet(
        folder / "model_input.parquet"
    )
    return SimpleNamespace(uri=f"sqlite:///{home}/mlflow.db", home=home, folder=folder)


def log(store, at, *, register=True, published="logit"):
    """Log a run that ended at some time; its id, and what was made of it."""
    run_id = tracking.open_run(store.uri, store.home, "demo", f"at {at}", {})
    results = tracking.Results(
        params={"horizons": [7, 30]},
        metrics=Metrics.create_empty(),
        models={published: {}},
        published=published,
        folder=store.folder,
        register=register,
        at=at,
    )
    return run_id, tracking.log_results(store.uri, run_id, results)


def test_the_champion_is_the_registered_model_of_the_latest_run(store, tmp_path):
    _, unregistered = log(store, 9_000, register=False)
    assert unregistered.version is None
    with pytest.raises(tracking.TrackingError, match="register=true"):
        tracking.champion_run(store.uri)
    with pytest.raises(tracking.TrackingError, match="no MLflow store"):
        tracking.champion_run(f"sqlite:///{tmp_path}/mlflow.db")
    first, logged = log(store, 2_000)
    assert logged.version == "1"
    assert tracking.champion_run(store.uri) == first
    _, late = log(store, 1_000)  # filed afterwards
    assert late.version == "2"
    assert tracking.champion_run(store.uri) == first
    newest, _ = log(store, 3_000)
    assert tracking.champion_run(store.uri) == newest
    version = MlflowClient(store.uri).get_model_version_by_alias(NAME, CHAMPION)
    assert (str(version.version), version.status) == ("3", "READY")


def test_logging_again_makes_no_second_model_and_no_second_version(store):
    run_id, logged = log(store, 4_000)
    results = tracking.Results(
        params={"horizons": [7, 30]},
        metrics=Metrics.create_empty(),
        models={"logit": {}},
        published="logit",
        folder=store.folder,
        register=True,
        at=4_000,
    )
    assert tracking.log_results(store.uri, run_id, results) == logged


def test_the_run_and_its_models_run_show_the_model(store):
    run_id, logged = log(store, 500, published="a.name/with: signs")
    client = MlflowClient(store.uri)
    for shown in (run_id, logged.models["a.name/with: signs"]):
        outputs = client.get_run(shown).outputs.model_outputs
        assert [output.model_id for output in outputs] == [logged.model_id]
    model = client.get_logged_model(logged.model_id)
    assert model.status == "READY"
    assert model.source_run_id == run_id


def test_a_model_has_a_signature_an_example_and_no_pickle(store):
    _, logged = log(store, 600)
    client = MlflowClient(store.uri)
    place = client.get_logged_model(logged.model_id).artifact_location
    folder = Path(place.removeprefix("file://"))
    model = mlflow.models.Model.load(str(folder))
    assert model.signature.inputs.input_names() == ["age_days", "held"]
    assert model.signature.outputs.input_names() == ["risk_7d", "risk_30d"]
    assert set(model.flavors) == {"python_function"}
    example = model.load_input_example(str(folder))
    assert example["age_days"].isna().tolist() == [False, True]
    assert example["held"].tolist()[0] == 1
    kept = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert kept == {
        "MLmodel",
        "data/model.skops",
        "data/model_input.parquet",
        "input_example.json",
        "serving_input_example.json",
        "requirements.txt",
        "python_env.yaml",
    }
    assert "truce-forecast==" in (folder / "requirements.txt").read_text()


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        (run, ["register=true", "tracking=none"], "register=true: expected a store"),
        (run, ["register=perhaps"], "register=perhaps: expected true or false"),
        (
            score,
            ["model=champion", "tracking=none"],
            "model=champion: expected a store",
        ),
        (score, ["model=champion"], "model=champion: there is no MLflow store"),
        (score, [f"model={'0' * 32}"], f"{'0' * 32}: no run of this id"),
    ],
)
def test_words_that_name_no_model(command, words, said, capsys):
    assert command.main(words) == 1
    assert said in capsys.readouterr().err


# ── a real run ──────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    out = finished(home, *SMALL, "register=true")
    uri = f"sqlite:///{home}/mlflow.db"
    run_id = json.loads((out / "run.json").read_text())["run_id"]
    return SimpleNamespace(home=home, out=out, uri=uri, run_id=run_id)


def expected(registered, X=None):
    model = publish.load(registered.out / "model.skops")
    X = pl.read_parquet(registered.out / "model_input.parquet") if X is None else X
    return model.model.predict_risk(X)


@pytest.mark.slow
@pytest.mark.parametrize("place", [f"models:/{NAME}@{CHAMPION}", "runs:/{}/logit"])
def test_pyfunc_gives_the_risks_of_the_model_itself(registered, place, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registered.uri)
    model = mlflow.pyfunc.load_model(place.format(registered.run_id))
    example = model.input_example
    found = model.predict(example)
    assert list(found.columns) == ["risk_7d", "risk_30d"]
    assert np.array_equal(found.to_numpy(), expected(registered))
    # as docs/tour.md has it
    rows = pl.read_parquet(registered.out / "model_input.parquet")
    given = rows.cast(pl.Float64).to_pandas()
    assert np.array_equal(model.predict(given).to_numpy(), expected(registered))
    # whatever the order of columns and rows, with columns that it knows nothing of
    turned = example.iloc[::-1, ::-1].assign(more=1.0)
    assert np.array_equal(model.predict(turned).to_numpy(), expected(registered)[::-1])


@pytest.mark.slow
def test_what_is_not_given_is_not_known(registered, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registered.uri)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@{CHAMPION}")
    found = model.predict(model.input_example[["age_days"]])
    X = pl.read_parquet(registered.out / "model_input.parquet")
    unknown = X.select(
        pl.col(name) if name == "age_days" else pl.lit(None, kind).alias(name)
        for name, kind in X.schema.items()
    )
    assert np.array_equal(found.to_numpy(), expected(registered, unknown))


@pytest.mark.slow
def test_scores_by_the_champion_and_by_an_id_are_those_of_the_folder(
    registered, tmp_path, monkeypatch
):
    monkeypatch.setenv("FORECAST_HOME", str(registered.home))
    ways = {"folder": registered.out, "champion": CHAMPION, "id": registered.run_id}
    for name, model in ways.items():
        assert score.main([f"model={model}", f"out={tmp_path / name}"]) == 0
    # where the folder is gone, MLflow has its files
    gone = registered.out.with_name("elsewhere")
    registered.out.rename(gone)
    shutil.rmtree(tmp_path / "id")
    try:
        for name in ("id", "champion again"):
            words = [f"model={ways[name.split()[0]]}", f"out={tmp_path / name}"]
            assert score.main(words) == 0
    finally:
        gone.rename(registered.out)
    of_folder = pl.read_csv(tmp_path / "folder" / "risk_scores.csv")
    assert of_folder.height
    for name in ("champion", "id", "champion again"):
        assert_frame_equal(pl.read_csv(tmp_path / name / "risk_scores.csv"), of_folder)


def ask(port, path, body=None):
    # not through a proxy that the environment may name
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    with opener.open(request, timeout=30) as answer:
        return answer.read()


@pytest.mark.slow
def test_mlflow_serves_the_champion_on_loopback(registered):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["-m", f"models:/{NAME}@{CHAMPION}", "--env-manager", "local"]
    place = ["-h", "127.0.0.1", "-p", str(port)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", *words, *place],
        env={**os.environ, "MLFLOW_TRACKING_URI": registered.uri, "PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until and server.poll() is None:
            with suppress(urllib.error.URLError):
                ask(port, "/ping")
                break
            time.sleep(0.2)
        rows = pl.read_parquet(registered.out / "model_input.parquet")
        split = rows.cast(pl.Float64).to_dict(as_series=False)
        answer = json.loads(
            ask(port, "/invocations", json.dumps({"inputs": split}).encode())
        )
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    found = [list(row.values()) for row in answer["predictions"]]
    assert np.allclose(found, expected(registered), rtol=0, atol=1e-15)
