"""The states of runs in MLflow are true, also of those that were killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from forecast import tracking
from forecast.commands import ui
from forecast.tracking import sweeps
from forecast.tracking.alive import HOST, LOCK, ended

ROOT = Path(__file__).parent.parent
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["forecast.tracking"])


def path_of(held):
    return Path(held.tags[LOCK])


def test_a_lock_says_whether_its_holder_is_at_work_and_how_it_ended(tmp_path):
    held = tracking.hold(tmp_path, "one")
    assert ended(path_of(held)) is None
    with pytest.raises(tracking.TrackingError, match="another command is at it"):
        tracking.hold(tmp_path, "one")
    held.leave("FAILED")
    assert ended(path_of(held)) == "FAILED"
    with tracking.hold(tmp_path, "one") as again:
        assert ended(path_of(again)) is None
    assert not path_of(again).exists()
    assert ended(path_of(again)) == "KILLED"


def test_a_place_that_cannot_hold_locks_is_said(tmp_path):
    (tmp_path / "outputs").touch()
    with pytest.raises(tracking.TrackingError, match=r"running.*cannot be locked"):
        tracking.hold(tmp_path, "one")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return home, f"sqlite:///{home}/mlflow.db"


def started(store, name, tags):
    home, uri = store
    return tracking.open_run(uri, home / "mlartifacts", "demo", name, tags)


def status(store, run_id):
    return MlflowClient(store[1]).get_run(run_id).info.status


def test_the_next_command_closes_what_nobody_will_close(store):
    """With what the process noted, or as killed; of this host alone, with children."""
    home, uri = store
    noted, gone = tracking.hold(home, "noted"), tracking.hold(home, "gone")
    runs = {
        "noted": started(store, "noted", noted.tags),
        "gone": started(store, "gone", gone.tags),
        "elsewhere": started(store, "else", {HOST: "elsewhere", LOCK: "/nowhere"}),
        "strange": started(store, "strange", {**gone.tags, LOCK: "/etc/passwd"}),
        "others": started(store, "others", {}),
    }
    below = started(store, "model", {tracking.PARENT: runs["gone"]})
    assert {status(store, run) for run in [*runs.values(), below]} == {"RUNNING"}
    noted.leave("FINISHED")
    gone.drop()
    with tracking.hold(home, "at work") as at_work:
        runs["at work"] = started(store, "at work", at_work.tags)
        assert {name: status(store, run) for name, run in runs.items()} == {
            "noted": "FINISHED",
            "gone": "KILLED",
            "elsewhere": "RUNNING",
            "strange": "RUNNING",
            "others": "RUNNING",
            "at work": "RUNNING",
        }
        assert status(store, below) == "KILLED"
        assert tracking.close_dead(uri) == []
    assert tracking.close_dead(uri) == [runs["at work"]]
    assert not path_of(noted).exists()


def test_a_job_outlives_the_sweep_that_was_killed(store):
    home, uri = store
    with tracking.hold(home, "sweep") as held:
        sweep = sweeps.open_sweep(uri, home, "demo", "sweep", held.tags)
    with tracking.hold(home, "job") as held:
        job = tracking.open_run(uri, home, "demo", "job", held.tags, under=sweep)
        tracking.close_dead(uri)
        assert (status(store, sweep), status(store, job)) == ("KILLED", "RUNNING")
    with tracking.hold(home, "again") as held:
        where = (uri, home, "demo", "sweep", held.tags)
        assert sweeps.open_sweep(*where, again=sweep) == sweep
        assert tracking.close_dead(uri) == []
        assert (status(store, sweep), status(store, job)) == ("RUNNING", "KILLED")
    assert tracking.close_dead(uri) == [sweep]


def test_the_ui_closes_them_too_and_makes_no_store(store, tmp_path):
    home, uri = store
    with tracking.hold(home, "another") as another:
        run_id = started(store, "another", another.tags)
    ui._close_dead(uri)
    assert status(store, run_id) == "KILLED"
    assert tracking.close_dead(f"sqlite:///{tmp_path}/mlflow.db") == []
    assert list(tmp_path.iterdir()) == []


def at_work(home, name, ready):
    held = tracking.hold(home, name)
    ready.put(started((home, f"sqlite:///{home}/mlflow.db"), name, held.tags))
    time.sleep(600)


def running(uri):
    client = MlflowClient(uri)
    within = [found.experiment_id for found in client.search_experiments()]
    return client.search_runs(within, "attributes.status = 'RUNNING'")


@pytest.mark.slow
def test_a_run_that_was_killed_is_closed_by_the_next_and_one_at_work_is_not(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    ready = children.SimpleQueue()
    other = children.Process(target=at_work, args=(tmp_path, "other", ready))
    other.start()
    at_it = ready.get()
    command = subprocess.Popen(
        [sys.executable, "-m", "forecast", "run", "models=[logit]"],
        cwd=ROOT,
        env={**os.environ, "FORECAST_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (mine := [run for run in running(uri) if run.info.run_id != at_it]):
            assert command.poll() is None
            time.sleep(0.2)
    finally:
        command.send_signal(signal.SIGKILL)
        command.wait()
    (killed,) = mine
    store = (tmp_path, uri)
    assert killed.info.status == status(store, killed.info.run_id) == "RUNNING"
    tracking.open_run(uri, tmp_path, "demo", "next", {})
    assert status(store, killed.info.run_id) == "KILLED"
    assert MlflowClient(uri).get_run(killed.info.run_id).info.end_time
    assert status(store, at_it) == "RUNNING"
    other.kill()
    other.join()
    assert tracking.close_dead(uri) == [at_it]
