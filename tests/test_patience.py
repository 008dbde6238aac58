"""Trackers that are down, slow, locked or full: what they cost, and what is kept."""

import json
import multiprocessing
import resource
import shutil
import socket
import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from finished import FEW
from finished import finished as typed
from hydra import compose, initialize_config_dir
from mlflow import MlflowClient

from forecast import tracking
from forecast.commands import track, tracked

ROOT = Path(__file__).parent.parent
SMALL = [*FEW, "refits=1"]
MOST = 10
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["forecast.tracking"])


@contextmanager
def silent():
    """A server that takes connections and never answers: nobody reads them."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def down():
    """An address where nothing listens any more."""
    with silent() as uri:
        pass
    yield uri


@contextmanager
def locked(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield


def config_of(*words):
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("run", list(words))


def tracker_of(out, home):
    """Track a finished folder as a run does; the tracker, and the seconds it took."""
    began = time.monotonic()
    with tracked.run(config_of(f"home={home}"), out) as tracker:
        tracker.log()
    return tracker, time.monotonic() - began


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A store without a run, made once: that takes a second or two."""
    home = tmp_path_factory.mktemp("empty")
    tracking.open_run(f"sqlite:///{home}/mlflow.db", home, "none", "none", {})
    return home / "mlflow.db"


@pytest.fixture
def home(tmp_path, monkeypatch, empty):
    """A home of its own with such a store."""
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    shutil.copy(empty, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run whose tracker was down."""
    with down() as uri:
        words = [*SMALL, f"tracking.uri={uri}"]
        return typed(tmp_path_factory.mktemp("home"), *words)


def logged(uri, run_id):
    """All that MLflow knows of a run and its models, without ids and places."""
    client = MlflowClient(uri)
    parent = client.get_run(run_id)
    below = f"tags.`mlflow.parentRunId` = '{run_id}'"
    children = client.search_runs([parent.info.experiment_id], below)
    own = {"forecast.run_id", "forecast.lock", "mlflow.parentRunId"}
    return {
        one.info.run_name: (
            one.info.status,
            one.data.params,
            one.data.metrics,
            {key: v for key, v in one.data.tags.items() if key not in own},
            {
                key: [(m.timestamp, m.step, m.value) for m in history]
                for key in one.data.metrics
                for history in [client.get_metric_history(one.info.run_id, key)]
            },
            sorted(file.path for file in client.list_artifacts(one.info.run_id)),
        )
        for one in [parent, *children]
    }


def test_slow_calls_use_patience_up_and_prompt_ones_do_not():
    patience = tracking.Patience(1.5)
    for _ in range(200):
        patience(time.sleep, 0.001)
    for _ in range(2):
        patience(time.sleep, 0.6)
    began = time.monotonic()
    with pytest.raises(tracking.TrackingError, match=r"no answer within 1\.5 s"):
        patience(time.sleep, 60)
    assert time.monotonic() - began < 0.5
    with pytest.raises(tracking.TrackingError):
        patience(time.sleep, 0)


def test_what_a_call_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        tracking.Patience(5)(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (down, "Connection refused"),
        pytest.param(silent, "timed out|no answer", marks=pytest.mark.slow),
    ],
)
def test_a_server_that_is_down_or_silent_costs_ten_seconds_at_most(server, said, capfd):
    began = time.monotonic()
    with server() as uri, pytest.raises(tracking.TrackingError, match=said):
        tracking.open_run(uri, None, "demo", "run", {})
    assert time.monotonic() - began < MOST + 2
    assert capfd.readouterr() == ("", "")


def test_a_locked_store_is_said_and_costs_ten_seconds_at_most(home, capfd):
    uri = f"sqlite:///{home}/mlflow.db"
    run_id = tracking.open_run(uri, home, "demo", "run", {})
    with locked(home / "mlflow.db"):
        began = time.monotonic()
        with pytest.raises(tracking.TrackingError, match="database is locked"):
            tracking.close_run(uri, run_id, "FINISHED")
        assert time.monotonic() - began < MOST + 2
    tracking.close_run(uri, run_id, "FINISHED")
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_run_whose_tracker_is_down_is_whole_and_says_so_once(finished):
    account = json.loads((finished / "run.json").read_text())
    (note,) = [note for note in account["notes"] if "MLflow" in note]
    assert f"`forecast track {finished}` files it" in note
    assert (finished / "model.skops").exists()


@pytest.mark.slow
def test_a_run_is_filed_afterwards_as_if_nothing_had_been(
    finished, home, monkeypatch, capsys
):
    uri = f"sqlite:///{home}/mlflow.db"
    tracker, _ = tracker_of(finished, home)
    assert tracker.notes == []
    assert tracker.uri == uri
    monkeypatch.setenv("FORECAST_HOME", str(home / "later"))
    assert track.main([str(finished)]) == 0
    filed = f"sqlite:///{home}/later/mlflow.db"
    account = json.loads((finished / "run.json").read_text())
    found = tracking.find(filed, account["run_id"])
    assert found.complete
    later = logged(filed, found.run_id)
    assert set(later) == {"first", "logit", "base_rate", "age", "trail", "ewma"}
    assert later == logged(uri, tracker.run_id)
    assert f"filed, run {found.run_id}" in capsys.readouterr().out

    assert track.main([str(finished)]) == 0
    assert "was there already" in capsys.readouterr().out
    client = MlflowClient(filed)
    experiments = [e.experiment_id for e in client.search_experiments()]
    assert len(client.search_runs(experiments)) == len(later)
    assert logged(filed, found.run_id) == later


@pytest.mark.slow
def test_what_was_cut_in_its_logging_is_completed_under_the_same_id(finished, home):
    """The place of the files is taken by a file, as the disk may be full."""
    (home / "mlartifacts").touch()
    tracker, _ = tracker_of(finished, home)
    assert len(tracker.notes) == 1
    uri, run_id = f"sqlite:///{home}/mlflow.db", tracker.run_id
    assert MlflowClient(uri).get_run(run_id).info.status == "RUNNING"
    folder = home / "as_if_it_were_the_run"
    shutil.copytree(finished, folder)
    account = json.loads((folder / "run.json").read_text()) | {"run_id": run_id}
    (folder / "run.json").write_text(json.dumps(account))
    assert track.main([str(folder)]) == 1
    (home / "mlartifacts").unlink()
    assert track.main([str(folder)]) == 0
    assert tracking.find(uri, run_id) == (run_id, True)
    statuses = {name: known[0] for name, known in logged(uri, run_id).items()}
    assert set(statuses.values()) == {"FINISHED"}
    histories = [h for known in logged(uri, run_id).values() for h in known[4].values()]
    assert all(len(history) == len(set(history)) for history in histories)


@pytest.mark.slow
def test_a_store_that_locks_while_a_run_is_at_work(finished, home):
    with locked(home / "mlflow.db"):
        tracker, seconds = tracker_of(finished, home)
    assert seconds < MOST + 2
    (note,) = tracker.notes
    assert "database is locked" in note
    assert tracker.uri is None


def open_on_a_full_disk(home, said):
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    began = time.monotonic()
    try:
        tracking.open_run(f"sqlite:///{home}/mlflow.db", home, "demo", "run", {})
    except tracking.TrackingError as error:
        said.put((str(error), time.monotonic() - began))


@pytest.mark.slow
def test_a_disk_without_room_is_said_soon(tmp_path):
    """Files of this child may not grow, as on a full disk."""
    said = children.SimpleQueue()
    child = children.Process(target=open_on_a_full_disk, args=(tmp_path, said))
    child.start()
    child.join(120)
    assert child.exitcode == 0
    error, seconds = said.get()
    assert "cannot open the MLflow store" in error
    assert seconds < MOST
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "expected a run"),
        (["nowhere"], 1, "no such folder"),
        (["nowhere", "tracking=none"], 1, "expected a store"),
        (["nowhere", "patience=no"], 1, "expected seconds"),
    ],
)
def test_words_that_name_no_run(words, code, said, capsys):
    assert track.main(words) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_help_of_track(capsys):
    assert track.main(["--help"]) == 0
    assert "RUN is the folder of a finished run" in capsys.readouterr().out
