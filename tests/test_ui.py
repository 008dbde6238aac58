"""`forecast ui`: its options, and the real server from start to end."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from forecast.commands import ui

COMMAND = (
    "import sys; from forecast.commands.ui import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind((ui.HOST, 0))
        return free.getsockname()[1]


def started(*options):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_over(port):
    """Command lines of servers on the port; empty where there is no /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # ended meanwhile
            found.append(path.read_bytes())
    return [line for line in found if f"--port\0{port}\0".encode() in line]


def get(port, path):
    # not through a proxy that the environment may name
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{ui.HOST}:{port}{path}", timeout=30) as answer:
        return answer.read()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("prot=5001", "unknown option 'prot=5001'"),
        ("port", "port needs a value"),
        ("port=", "port needs a value"),
        ("port=0", "from 1 to 65535"),
        ("port=70000", "from 1 to 65535"),
        ("port=http", "from 1 to 65535"),
        ("port=²", "from 1 to 65535"),
    ],
)
def test_a_bad_option_lists_those_that_exist(capsys, tmp_path, override, said):
    assert ui.main([override], tmp_path) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert all(f"{key}=" in printed.err for key in ui.KEYS)


def test_help_names_every_option(capsys):
    assert ui.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"{key}=" in said for key in ui.KEYS)


def test_a_store_that_is_not_there_is_said(capsys, tmp_path):
    assert ui.main([], tmp_path) == 1
    said = capsys.readouterr().err
    assert str(tmp_path / "mlflow.db") in said
    assert "forecast run" in said
    assert not list(tmp_path.iterdir())


def test_a_store_behind_a_variable_that_is_not_set_is_said(capsys, monkeypatch):
    monkeypatch.delenv("NO_SUCH_STORE", raising=False)
    assert ui.main(["uri=env:NO_SUCH_STORE"]) == 1
    said = capsys.readouterr().err
    assert "the environment variable NO_SUCH_STORE is not set" in said


def test_home_is_the_option_then_the_argument_then_the_environment(
    monkeypatch, tmp_path, capsys
):
    places = {name: tmp_path / name for name in ("option", "argument", "environment")}
    monkeypatch.setenv("FORECAST_HOME", str(places["environment"]))
    for overrides, home, expected in [
        ([f"home={places['option']}"], places["argument"], "option"),
        ([], places["argument"], "argument"),
        ([], None, "environment"),
    ]:
        ui.main(overrides, home)
        assert str(places[expected] / "mlflow.db") in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(capsys, tmp_path):
    (tmp_path / "mlflow.db").touch()
    with socket.create_server((ui.HOST, 0)) as taken:
        number = taken.getsockname()[1]
        assert ui.main([f"port={number}"], tmp_path) == 1
    assert f"port {number} on 127.0.0.1 cannot be used" in capsys.readouterr().err


@pytest.mark.slow
def test_the_server_answers_and_ends_with_ctrl_c(tmp_path, port):
    from forecast import tracking

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.html").write_text("<p>a report</p>")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    run_id = tracking.open_run(uri, tmp_path / "mlartifacts", "demo", "first", {})
    tracking.MlflowClient(uri).log_artifacts(run_id, str(tmp_path / "run"))
    tracking.close_run(uri, run_id, "FINISHED")

    with started(f"home={tmp_path}", f"port={port}") as command:
        line = command.stdout.readline()
        assert f"http://127.0.0.1:{port} " in line
        assert str(tmp_path / "mlflow.db") in line
        listed = get(port, "/api/2.0/mlflow/experiments/search?max_results=10")
        names = {found["name"] for found in json.loads(listed)["experiments"]}
        assert "demo" in names
        page = get(port, f"/get-artifact?path=report.html&run_uuid={run_id}")
        assert page == b"<p>a report</p>"
        assert bool(left_over(port)) == Path("/proc/self/cmdline").exists()

        before = time.monotonic()
        command.send_signal(signal.SIGINT)
        assert command.wait(30) == 0
        assert time.monotonic() - before < 8
        assert "Traceback" not in command.stderr.read()
    assert left_over(port) == []
    with socket.socket() as test, pytest.raises(OSError, match="refused"):
        test.connect((ui.HOST, port))


@pytest.mark.slow
def test_sigterm_while_it_starts_leaves_nothing_behind(tmp_path, port):
    (tmp_path / "mlflow.db").touch()
    with started(f"home={tmp_path}", f"port={port}") as command:
        assert "starting" in command.stderr.readline()
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 0
        assert command.stdout.read() == ""
        assert command.stderr.read() == ""
    assert left_over(port) == []


@pytest.mark.slow
def test_a_server_that_fails_is_said_with_its_last_words(tmp_path, port):
    with started(f"uri=sqlite+nothing:///{tmp_path}/x.db", f"port={port}") as command:
        assert command.wait(120) == 1
        said = command.stderr.read()
    assert "MLflow's server ended with code" in said
    assert "NoSuchModuleError" in said
