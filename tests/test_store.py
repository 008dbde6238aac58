"""Stores of MLflow: made whole or not at all, by many at once, whatever ends them."""

import multiprocessing
import os
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from forecast import tracking

WRITERS, BATCHES = 8, 20

# children of a process that has imported everything and opened nothing
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["forecast.tracking"])


def uri_of(home):
    return f"sqlite:///{home}/mlflow.db"


def write_a_run(home, name, barrier, done):
    barrier.wait()
    run_id = tracking.open_run(uri_of(home), home / "mlartifacts", "crowd", name, {})
    client = MlflowClient(uri_of(home))
    for i in range(BATCHES):
        metric = Metric("step", float(i), 1, i)
        client.log_batch(run_id, metrics=[metric], params=[Param(f"p{i}", name)])
    tracking.close_run(uri_of(home), run_id, "FINISHED")
    done.put((name, run_id))


def open_a_store(home):
    tracking.open_run(uri_of(home), home / "mlartifacts", "demo", "run", {})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "mlflow.db").touch()
    open_a_store(home)
    return home


def names(home):
    return sorted(path.name for path in home.iterdir())


@pytest.mark.slow
def test_eight_cold_starts_and_eight_writers_at_once_lose_nothing(tmp_path):
    barrier, done = children.Barrier(WRITERS), children.SimpleQueue()
    writers = [
        children.Process(target=write_a_run, args=(tmp_path, f"w{i}", barrier, done))
        for i in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    runs = dict(done.get() for _ in writers)
    assert sorted(runs) == [f"w{i}" for i in range(WRITERS)]
    client = MlflowClient(uri_of(tmp_path))
    for name, run_id in runs.items():
        run = client.get_run(run_id)
        assert run.info.status == "FINISHED"
        assert run.info.run_name == name
        assert run.data.params == {f"p{i}": name for i in range(BATCHES)}
        steps = [metric.step for metric in client.get_metric_history(run_id, "step")]
        assert sorted(steps) == list(range(BATCHES))
    assert len({client.get_run(run).info.experiment_id for run in runs.values()}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 600_000])
def test_a_kill_in_the_middle_of_making_it_leaves_nothing_that_looks_like_one(
    tmp_path, size
):
    maker = children.Process(target=open_a_store, args=(tmp_path,))
    maker.start()
    part = tmp_path / "mlflow.db.part"
    while not (part.exists() and part.stat().st_size >= size):
        assert maker.is_alive()
        time.sleep(0.002)
    os.kill(maker.pid, signal.SIGKILL)
    maker.join()
    assert maker.exitcode == -signal.SIGKILL
    assert part.exists()
    assert "mlflow.db" not in names(tmp_path)
    open_a_store(tmp_path)
    assert [n for n in names(tmp_path) if "part" in n] == []


def test_a_store_lets_readers_and_a_writer_in_together(store):
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_empty_file_is_no_store_yet(store):
    experiments = MlflowClient(uri_of(store)).search_experiments()
    assert {e.name for e in experiments} == {"Default", "demo"}


def test_files_of_experiments_made_in_the_ui_lie_beside_the_store(store):
    default = MlflowClient(uri_of(store)).get_experiment("0")
    assert default.artifact_location.startswith(str(store / "mlartifacts"))
