"""`forecast ui`: MLflow's own server on the project's store.

The server is a child process in a group of its own, so that Ctrl-C reaches it through
this command alone and everything it started ends with it.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
SQLITE, ENV = "sqlite:///", "env:"
#: seconds until the server must answer, and that it has to end
START, END = 120, 5
#: seconds between two looks at it
POLL = 0.2
KEYS = {
    "port": "port on 127.0.0.1 (5000)",
    "home": "folder of mlflow.db and mlartifacts (FORECAST_HOME, or where you are)",
    "uri": "address of another store, such as sqlite:////path/mlflow.db, or env:NAME "
    "of an environment variable that holds it",
}
# no usage data to anyone; jobs are for language-model judges, and would cost a process
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


@dataclass(frozen=True)
class Options:
    """What the command was asked for."""

    uri: str
    artifacts: Path
    port: int


def main(overrides: Sequence[str], home: Path | None = None) -> int:
    """Serve the MLflow store until Ctrl-C.

    Parameters
    ----------
    overrides : sequence of str
        ``port=NNNN``, ``home=PATH``, ``uri=ADDRESS``, each optional.
    home : Path, optional
        Folder of ``mlflow.db`` and ``mlartifacts`` unless overridden; the environment's
        FORECAST_HOME, or else the current directory.

    Returns
    -------
    int
        Exit code: 0 after Ctrl-C or SIGTERM, 1 if the server could not run, 2 for an
        option that is none.

    Examples
    --------
    >>> main(["prot=5001"])
    2
    """
    if {"-h", "--help"} & set(overrides):
        print(f"forecast ui [KEY=VALUE …]: MLflow on your own machine\n\n{_keys()}")
        return 0
    try:
        options = _options(overrides, home)
    except ValueError as error:
        print(f"forecast ui: {error}. Options:\n{_keys()}", file=sys.stderr)
        return 2
    problem = _problem(options)
    if problem:
        print(f"forecast ui: {problem}", file=sys.stderr)
        return 1
    return _serve(options)


def _keys() -> str:
    return "\n".join(f"  {key}=…  {text}" for key, text in KEYS.items())


def _options(overrides: Sequence[str], home: Path | None) -> Options:
    given = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if key not in KEYS:
            raise ValueError(f"unknown option {override!r}")
        if not equals or not value:
            raise ValueError(f"{key} needs a value")
        given[key] = value
    port = given.get("port", "5000")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"port must be a number from 1 to 65535, not {port!r}")
    folder = Path(given.get("home") or home or os.environ.get("FORECAST_HOME") or ".")
    folder = folder.expanduser().resolve()
    uri = given.get("uri", f"{SQLITE}{folder / 'mlflow.db'}")
    return Options(uri, folder / "mlartifacts", int(port))


def _problem(options: Options) -> str | None:
    """Why the server cannot run, as far as that shows beforehand."""
    if options.uri.startswith(ENV) and not os.environ.get(options.uri[len(ENV) :]):
        return f"the environment variable {options.uri[len(ENV) :]} is not set"
    store = Path(options.uri.removeprefix(SQLITE))
    if options.uri.startswith(SQLITE) and not store.is_file():
        return (
            f"there is no MLflow store at {store} yet: `forecast run` makes one. "
            "If yours is elsewhere, name its folder with home=PATH"
        )
    with socket.socket() as test:
        # without this, connections that have just ended would still hold the port
        test.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            test.bind((HOST, options.port))
        except OSError as error:
            return (
                f"port {options.port} on {HOST} cannot be used ({error.strerror}): "
                "choose another with port=NNNN"
            )
    return None


def _serve(options: Options) -> int:
    address = f"http://{HOST}:{options.port}"
    with tempfile.TemporaryFile() as log, _noted_signals() as signals:
        print("MLflow is starting …", file=sys.stderr, flush=True)
        _close_dead(options.uri)
        server = _start(options, log)
        try:
            if _answers(server, options.port, signals):
                print(
                    f"MLflow is at {address} (store {options.uri}); "
                    "runs are under `Model training` there; Ctrl-C ends it",
                    flush=True,
                )
                while server.poll() is None and not signals:
                    time.sleep(POLL)
            return 0 if signals else _failed(server, log)
        finally:
            _end(server)


def _close_dead(uri: str) -> None:
    """Show no run as RUNNING that was killed on this machine."""
    from forecast.tracking import TrackingError, close_dead

    # a store that cannot be opened is the server's to tell
    with suppress(TrackingError):
        close_dead(uri)


def _start(options: Options, log: IO[bytes]) -> subprocess.Popen[bytes]:
    from forecast.tracking.store import address

    arguments = {
        "--default-artifact-root": options.artifacts.as_uri(),
        "--host": HOST,
        "--port": str(options.port),
        # one process starts fastest and is enough for one reader
        "--workers": "1",
        "--uvicorn-opts": "--log-level warning",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--no-serve-artifacts"]
    return subprocess.Popen(  # noqa: S603 - no shell, and our own interpreter
        command + [word for pair in arguments.items() for word in pair],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # not among its words, which everyone on the machine can read
        env={**os.environ, **QUIET, "MLFLOW_BACKEND_STORE_URI": address(options.uri)},
        start_new_session=True,
    )


def _answers(server: subprocess.Popen[bytes], port: int, signals: list[int]) -> bool:
    """Wait until the server answers; False if it ended, took too long, or we end."""
    until = time.monotonic() + START
    while server.poll() is None and not signals and time.monotonic() < until:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass  # not listening yet
        finally:
            connection.close()
        time.sleep(POLL)
    return False


def _failed(server: subprocess.Popen[bytes], log: IO[bytes]) -> int:
    """Say how the server ended, with the last of what it wrote."""
    code = server.poll()
    how = f"did not answer in {START} s" if code is None else f"ended with code {code}"
    log.seek(0)
    tail = log.read().decode(errors="replace").splitlines()[-20:]
    print(
        "\n".join([f"forecast ui: MLflow's server {how}. Its last words:", *tail]),
        file=sys.stderr,
    )
    return 1


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and everything it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(END)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextmanager
def _noted_signals() -> Iterator[list[int]]:
    """Note Ctrl-C and SIGTERM in a list, even where the shell has us ignore them.

    An exception instead could fall between the start of the server and the moment its
    process is known, or into its end, and leave it running.
    """
    noted: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: signal.signal(n, lambda n, _: noted.append(n)) for n in numbers}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
