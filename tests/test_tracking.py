"""Runs in a real MLflow store, read back with MLflow's own client."""

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient

from forecast import tracking
from forecast.schema import Metrics
from forecast.tracking import sweeps
from forecast.tracking.scores import _steps

LONG = "x" * 7_000
PARAMS = {
    "seed": 7,
    "name": "demo",
    "tracking": {"uri": None, "on": True},
    "horizons": [7, 30],
    "models": {"logit": {"_target_": "forecast.models.logit.logit", "c": 0.5}},
    "note": LONG,
    "groups": {"A & B": 1, "x" * 251: 2},
    "many": {f"setting_{i}": i for i in range(250)},
}
MODELS = {"base_rate": {}, "logit": {"c": 0.5, "spline": {"knots": 4}}, "broken": {}}
FILES = {"metrics.csv": b"model\n", "charts/skill.json": b"{}", "report.html": b"<p>"}


def metrics():
    rows = [
        ("base_rate", 30, "all", "brier", 0.2, 0.1, 0.3),
        ("base_rate", 30, "all", "skill", None, None, None),
        ("logit", 7, "all", "brier", 0.1, 0.05, 0.15),
        ("logit", 30, "all", "brier", 0.16, 0.11, 0.2),
        ("logit", 30, "all", "skill", 0.2, -0.1, 0.4),
        ("logit", 30, "all", "auroc", 0.7, None, None),
        ("logit", 30, "country=Syria", "brier", 0.9, 0.8, 1.0),
    ]
    names = ("model", "horizon", "stratum", "metric", "value", "lower", "upper")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    counts = {"n": pl.lit(50), "n_events": pl.lit(5)}
    return Metrics.validate(frame.with_columns(**counts), cast=True)


LOGIT = {
    "brier_7d": 0.1,
    "brier_7d_lower": 0.05,
    "brier_7d_upper": 0.15,
    "brier_30d": 0.16,
    "brier_30d_lower": 0.11,
    "brier_30d_upper": 0.2,
    "skill_30d": 0.2,
    "skill_30d_lower": -0.1,
    "skill_30d_upper": 0.4,
    "detail/auroc_30d": 0.7,
    "fold/brier_30d": 0.12,
}


def folds():
    cutoffs = [date(2004, 1, 1), date(2005, 1, 1), date(2006, 7, 1)]
    return pl.DataFrame(
        {
            "model": "logit",
            "horizon": 30,
            "cutoff": cutoffs,
            "metric": "brier",
            "value": [0.2, 0.1, 0.12],
        }
    )


def write(folder):
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """One run, logged and closed; the home's name needs quoting in an address."""
    home = tmp_path_factory.mktemp("home with spaces é")
    uri = f"sqlite:///{home}/mlflow.db"
    run_id = tracking.open_run(uri, home / "mlartifacts", "demo", "first", {"a": "b"})
    opened = MlflowClient(uri).get_run(run_id).info.status
    results = tracking.Results(
        params=PARAMS,
        metrics=metrics(),
        models=MODELS,
        published="logit",
        folder=write(home / "run"),
        first=["brier", "skill"],
        folds=folds(),
        tags={"label": "resumption", "git_commit": "abc"},
        note="**A question**",
        inputs={"/data/ged.csv.gz": "0123456789abcdef" * 4, "truces.simulated": "ab"},
        texts={"charts/skill.html": "<p>a chart</p>"},
        at=1_460_000_000_000,
    )
    made = tracking.log_results(uri, run_id, results)
    tracking.close_run(uri, run_id, "FINISHED")
    client = MlflowClient(uri)
    return SimpleNamespace(
        home=home,
        uri=uri,
        client=client,
        opened=opened,
        parent=client.get_run(run_id),
        children={name: client.get_run(child) for name, child in made.models.items()},
    )


def test_a_run_is_running_until_it_is_closed(logged):
    assert logged.opened == "RUNNING"
    assert logged.parent.info.status == "FINISHED"
    assert logged.parent.info.end_time >= logged.parent.info.start_time


def test_a_parent_run_a_run_and_a_child_run_a_model(logged):
    experiment = logged.client.get_experiment_by_name("demo")
    runs = logged.client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if tracking.PARENT not in run.data.tags]
    assert [run.info.run_name for run in parents] == ["first"]
    assert parents[0].data.tags["a"] == "b"
    assert parents[0].data.tags["published"] == "logit"
    assert {run.info.run_name for run in runs} == {"first", *MODELS}
    for name, child in logged.children.items():
        assert child.info.run_name == name
        assert child.data.tags[tracking.PARENT] == logged.parent.info.run_id
        assert child.data.tags["published"] == str(name == "logit").lower()


def test_a_model_without_scores_has_failed(logged):
    statuses = {name: run.info.status for name, run in logged.children.items()}
    expected = {"base_rate": "FINISHED", "logit": "FINISHED", "broken": "FAILED"}
    assert statuses == expected


def test_parameters_come_back_flat_and_whole(logged):
    expected = {
        "seed": "7",
        "name": "demo",
        "tracking.uri": "null",
        "tracking.on": "true",
        "horizons": "[7, 30]",
        "models.logit._target_": "forecast.models.logit.logit",
        "models.logit.c": "0.5",
        **{f"many.setting_{i}": str(i) for i in range(250)},
    }
    assert logged.parent.data.params == expected
    own = logged.children["logit"].data.params
    assert own == {"c": "0.5", "spline.knots": "4"}


def test_a_parameter_that_mlflow_does_not_take_is_in_a_file_not_cut(logged):
    path = Path(logged.client.download_artifacts(logged.parent.info.run_id, ""))
    kept = json.loads((path / "params_long.json").read_text())
    assert kept == {"note": LONG, "groups.A & B": "1", f"groups.{'x' * 251}": "2"}


def test_metrics_are_named_by_horizon_and_nulls_left_out(logged):
    assert logged.children["logit"].data.metrics == LOGIT
    own = logged.children["base_rate"].data.metrics
    assert set(own) == {"brier_30d", "brier_30d_lower", "brier_30d_upper"}
    assert logged.children["broken"].data.metrics == {}


def test_the_published_models_scores_are_the_parents(logged):
    assert logged.parent.data.metrics == LOGIT


def test_files_lie_where_they_were_told_to(logged):
    folder = logged.home / "mlartifacts" / logged.parent.info.run_id / "artifacts"
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found.pop("params_long.json")
    assert found.pop("charts/skill.html") == b"<p>a chart</p>"
    assert found == FILES


def test_a_curve_over_the_years_of_the_folds(logged):
    run_id = logged.children["logit"].info.run_id
    history = logged.client.get_metric_history(run_id, "fold/brier_30d")
    points = {(metric.step, metric.value) for metric in history}
    assert points == {(2004, 0.2), (2005, 0.1), (2006, 0.12)}


def test_folds_of_one_year_are_told_apart_by_month():
    twice = pl.concat(
        [folds(), folds().with_columns(pl.col("cutoff").dt.offset_by("3mo"))]
    )
    steps = _steps(twice)["step"].to_list()
    assert steps == [200401, 200501, 200607, 200404, 200504, 200610]


def test_tags_and_a_note_for_those_who_search(logged):
    for run in [logged.parent, *logged.children.values()]:
        assert run.data.tags["label"] == "resumption"
        assert run.data.tags["git_commit"] == "abc"
    assert logged.parent.data.tags["mlflow.note.content"] == "**A question**"
    assert tracking.find(logged.uri, logged.parent.info.run_id).complete


def test_data_sets_with_their_digests(logged):
    for run in [logged.parent, *logged.children.values()]:
        inputs = logged.client.get_run(run.info.run_id).inputs.dataset_inputs
        found = {one.dataset.name: one.dataset for one in inputs}
        assert set(found) == {"ged.csv.gz", "truces.simulated"}
        whole = "0123456789abcdef" * 4
        assert found["ged.csv.gz"].digest == whole[:36]
        source = json.loads(found["ged.csv.gz"].source)
        assert source == {"uri": "/data/ged.csv.gz", "sha256": whole}
        assert {tag.value for one in inputs for tag in one.tags} == {"training"}


def test_a_second_run_joins_the_experiment(logged):
    elsewhere = logged.home / "elsewhere"
    run_id = tracking.open_run(logged.uri, elsewhere, "joined", "one", {})
    again = tracking.open_run(logged.uri, elsewhere, "joined", "two", {})
    runs = [logged.client.get_run(run) for run in (run_id, again)]
    assert runs[0].info.experiment_id == runs[1].info.experiment_id
    for run in runs:
        assert run.info.artifact_uri.startswith(elsewhere.as_uri())
        tracking.close_run(logged.uri, run.info.run_id, "FINISHED")


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_closing_ends_children_that_are_open(logged, status):
    run_id = tracking.open_run(logged.uri, logged.home, f"cut {status}", "cut", {})
    experiment = logged.client.get_run(run_id).info.experiment_id
    tags = {tracking.PARENT: run_id}
    done = logged.client.create_run(experiment, tags=tags).info.run_id
    logged.client.set_terminated(done, "FINISHED")
    half = logged.client.create_run(experiment, tags=tags).info.run_id
    tracking.close_run(logged.uri, run_id, status)
    ends = [logged.client.get_run(run).info.status for run in (run_id, half, done)]
    assert ends == [status, status, "FINISHED"]


def test_a_folder_that_is_not_there_is_said(logged):
    run_id = tracking.open_run(logged.uri, logged.home, "no folder", "run", {})
    with pytest.raises(tracking.TrackingError, match=r"not fully logged.*nowhere"):
        tracking.log_results(
            logged.uri,
            run_id,
            tracking.Results(
                params={},
                metrics=metrics(),
                models={},
                published="logit",
                folder=logged.home / "nowhere",
            ),
        )
    tracking.close_run(logged.uri, run_id, "FAILED")


def test_a_deleted_experiment_is_said(logged):
    run_id = tracking.open_run(logged.uri, logged.home, "deleted", "run", {})
    tracking.close_run(logged.uri, run_id, "FINISHED")
    logged.client.delete_experiment(logged.client.get_run(run_id).info.experiment_id)
    with pytest.raises(tracking.TrackingError, match="'deleted' cannot take runs"):
        tracking.open_run(logged.uri, logged.home, "deleted", "run", {})


def test_a_store_that_is_none_is_said_at_once(tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database " * 100)
    (tmp_path / "file").touch()
    started = time.monotonic()
    for path in ("mlflow.db", "file/mlflow.db"):
        uri = f"sqlite:///{tmp_path}/{path}"
        with pytest.raises(tracking.TrackingError, match=r"cannot open.*mlflow\.db"):
            tracking.open_run(uri, tmp_path, "demo", "run", {})
    assert time.monotonic() - started < 5


leaves = st.none() | st.booleans() | st.integers() | st.lists(st.integers(), max_size=3)
names = st.text("abc_", min_size=1, max_size=3)
nested = st.dictionaries(
    names,
    st.recursive(leaves, lambda inner: st.dictionaries(names, inner, min_size=1)),
    max_size=5,
)


@settings(max_examples=50)
@given(nested)
def test_flatten_loses_nothing(params):
    rebuilt = {}
    for key, text in tracking.flatten(params).items():
        *path, last = key.split(".")
        place = rebuilt
        for name in path:
            place = place.setdefault(name, {})
        place[last] = json.loads(text)
    assert rebuilt == params


ALONE = """
import atexit, logging, sys
from pathlib import Path
calls = []
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.connect"):
        calls.append((event, args))
sys.addaudithook(watch)
# registered first, hence the last to run: after mlflow's own farewell
atexit.register(lambda: print(calls) if calls else None)
logging.basicConfig(level=logging.INFO)
from forecast import tracking
uri = "sqlite:///store/mlflow.db"
run_id = tracking.open_run(uri, "store/files", "demo", "run", {})
tracking.close_run(uri, run_id, "FINISHED")
"""


def test_a_new_store_makes_no_noise_no_calls_and_no_folders_of_its_own(tmp_path):
    # an environment without the variables by which mlflow recognises CI and pytest,
    # where it sends nothing anyway
    alone = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (alone.returncode, alone.stdout, alone.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_what_a_killed_sweep_left_open_is_closed_when_it_goes_on(logged, tmp_path):
    uri, where = logged.uri, ("swept", "sweep", {"words": "-m seed=1,2"})
    client = logged.client
    sweep = sweeps.open_sweep(uri, logged.home, *where)
    # a job joins the sweep, whatever its own experiment is called
    job = tracking.open_run(uri, logged.home, "another", "job", {}, under=sweep)
    assert (
        client.get_run(job).info.experiment_id
        == client.get_run(sweep).info.experiment_id
    )
    # the process that goes on holds another lock
    held = (*where[:2], {"forecast.lock": "another"})
    again = sweeps.open_sweep(uri, logged.home, *held, again=sweep)
    assert again == sweep
    assert client.get_run(sweep).data.tags["forecast.lock"] == "another"
    assert client.get_run(sweep).info.status == "RUNNING"
    assert client.get_run(job).info.status == "KILLED"
    table = tmp_path / "sweep.csv"
    table.write_text("job\n")
    late = tracking.open_run(uri, logged.home, "another", "late", {}, under=sweep)
    sweeps.close_sweep(uri, sweep, "FAILED", {"jobs": 2}, table)
    ends = [client.get_run(run).info.status for run in (sweep, late)]
    assert ends == ["FAILED", "KILLED"]
    assert client.get_run(sweep).data.metrics == {"jobs": 2}
    assert [f.path for f in client.list_artifacts(sweep)] == ["sweep.csv"]
    gone = "0" * 32
    assert sweeps.open_sweep(uri, logged.home, *where, again=gone) not in (gone, sweep)
