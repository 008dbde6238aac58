"""A store in PostgreSQL: a real server, a real password, and nowhere a trace of it."""

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from finished import FEW
from hydra import compose, initialize_config_dir

from forecast import storage, tracking, withheld
from forecast.addresses import address
from forecast.commands import run, track, tracked
from forecast.tracking.alive import LOCK
from forecast.trials import distribution

ROOT = Path(__file__).parent.parent
NAME, SECRET = "MLFLOW_TRACKING_URI", "not-to-be-seen-7%2F1"
URI = f"env:{NAME}"
SMALL = [*FEW, "refits=1", "tracking=server"]
children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["forecast.tracking"])
pytestmark = pytest.mark.slow


def program(name):
    """A program of PostgreSQL, which Debian does not put on the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
    found = shutil.which(name, path=path)
    if found is None:
        reason = f"no {name} of PostgreSQL on this machine"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def server():
    """A server on loopback, run by a user without rights, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="forecast-postgres-"))
    user = {}
    if os.geteuid() == 0:  # whom PostgreSQL refuses to run for
        shutil.chown(folder, "nobody", "nogroup")
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret = folder / "secret"
    secret.write_text(SECRET.replace("%2F", "/"))
    secret.chmod(0o644)
    quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL} | user
    words = ["-D", "data", "-U", "me", "-A", "scram-sha-256", f"--pwfile={secret}"]
    subprocess.run([program("initdb"), *words, "--no-sync"], **quiet)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [program("pg_ctl"), "-D", "data", "-w", "-s"]
    subprocess.run([*control, "-l", "log", "-o", options, "start"], **quiet)
    try:
        yield f"postgresql://me:{SECRET}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder)


def open_a_run(server, home, name, barrier, done):
    os.environ[NAME] = server
    barrier.wait()
    done.put(tracking.open_run(URI, home, "crowd", name, {}))


def test_cold_starts_at_once_make_one_store(server, tmp_path, monkeypatch):
    barrier, done = children.Barrier(3), children.SimpleQueue()
    crowd = [
        children.Process(
            target=open_a_run, args=(server, tmp_path, f"r{i}", barrier, done)
        )
        for i in range(3)
    ]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(300)
    assert [one.exitcode for one in crowd] == [0, 0, 0]
    monkeypatch.setenv(NAME, server)
    for run_id in {done.get() for _ in crowd}:
        tracking.close_run(URI, run_id, "FINISHED")
        assert tracking.find(URI, run_id) == (run_id, False)


def test_runs_are_tracked_and_the_password_is_nowhere(
    server, tmp_path, monkeypatch, capfd
):
    """A wrong password costs no results; the right one files them; none is seen."""
    wrong = "wrong-and-not-to-be-seen"
    out = tmp_path / "outputs" / "built_in" / "one"
    monkeypatch.setenv(NAME, server.replace(SECRET, wrong))
    assert run.main([*SMALL, f"out={out}"]) == 0
    account = json.loads((out / "run.json").read_text())
    (note,) = [note for note in account["notes"] if "MLflow" in note]
    assert f"cannot open the MLflow store {URI}" in note
    assert "password authentication failed" in note

    monkeypatch.setenv(NAME, server)
    assert track.main([str(out), "tracking=server"]) == 0
    found = tracking.find(URI, account["run_id"])
    assert found.complete
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("run", SMALL)
    with tracked.run(config, out) as tracker:
        tracker.log()
    assert tracker.notes == []
    client = tracking.MlflowClient(tracking.address(URI))
    logged = client.get_run(tracker.run_id)
    assert logged.info.status == "FINISHED"
    filed = client.get_run(found.run_id)
    assert filed.data.metrics == logged.data.metrics
    assert filed.data.params == logged.data.params
    assert not Path(logged.data.tags[LOCK]).exists()
    assert "report.html" in {f.path for f in client.list_artifacts(tracker.run_id)}

    dump = subprocess.run(
        [program("pg_dump"), server], capture_output=True, check=True
    ).stdout
    assert b"built_in" in dump
    texts = [dump, "".join(capfd.readouterr()).encode()]
    texts += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for hidden in (SECRET, SECRET.replace("%2F", "/"), wrong):
        assert not [text for text in texts if hidden.encode() in text]


def test_a_server_that_is_away_is_said_soon(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv(NAME, f"postgresql://me:{SECRET}@127.0.0.1:{port}/postgres")
    with pytest.raises(tracking.TrackingError, match="refused"):
        tracking.open_run(URI, tmp_path, "demo", "run", {})
    monkeypatch.delenv(NAME)
    with pytest.raises(tracking.TrackingError, match=f"{NAME} is not set"):
        tracking.open_run(URI, tmp_path, "demo", "run", {})


def test_trials_of_a_search_are_kept_in_a_database_of_their_own(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv(NAME, server)
    tracking.close_run(URI, tracking.open_run(URI, tmp_path, "x", "y", {}), "FINISHED")
    with pytest.raises(OSError, match="it is MLflow's; expected a database of its own"):
        storage.opened(URI, tmp_path)
    engine = sqlalchemy.create_engine(address(URI), isolation_level="AUTOCOMMIT")
    with engine.connect() as database:
        database.execute(sqlalchemy.text("CREATE DATABASE trials"))
    engine.dispose()
    monkeypatch.setenv(NAME, server.replace("/postgres", "/trials"))
    study = optuna.create_study(storage=storage.opened(URI, tmp_path), study_name="s")
    study.tell(study.ask({"C": distribution("C", {"low": 1, "high": 9})}), 0.5)
    again = optuna.load_study(storage=storage.opened(URI, tmp_path), study_name="s")
    assert [trial.value for trial in again.trials] == [0.5]
    assert list(tmp_path.glob("trials*")) == []
    monkeypatch.setenv(NAME, server.replace("me:", "nobody:"))
    with pytest.raises(OSError, match="nobody") as refused:
        storage.opened(URI, tmp_path)
    assert SECRET not in withheld.text(str(refused.value))
