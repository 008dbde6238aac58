"""A run's folder is whole or not there; digests depend on content alone."""

import json
import os
import signal
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from forecast.raw import InputError
from forecast.record import (
    account,
    config_digest,
    data_digest,
    discard,
    finished,
    folder,
    frame_digest,
    free,
    make,
    write_json,
)


def complete(path: Path, at: str) -> None:
    (path / "model.skops").write_bytes(b"model")
    write_json({"finished": at}, path / "run.json")


def test_a_folder_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "outputs" / "name" / "run"
    with folder(path) as part:
        complete(part, "2020-01-01")
        assert part.parent == path.parent, "a rename moves nothing within one folder"
        assert not path.exists()
        assert finished(tmp_path / "outputs") == []
    assert [p.name for p in path.parent.iterdir()] == ["run"]
    assert finished(tmp_path / "outputs") == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_nothing(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "outputs" / "name" / "run"

    def run() -> None:
        with folder(path) as part:
            complete(part, "2020-01-01")
            raise error

    with pytest.raises(error):
        run()
    assert list(path.parent.iterdir()) == []


KILLED = """
import sys, time
from pathlib import Path
from forecast.record import folder
with folder(Path(sys.argv[1])) as part:
    (part / "model.skops").write_bytes(b"model")
    (part / "run.json").write_text(sys.argv[2])
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("account", ['{"finished": "2030-01-01"}', '{"finis'])
def test_a_killed_run_leaves_nothing_that_looks_done(
    account: str, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    done, path = outputs / "name" / "a", outputs / "name" / "b"
    with folder(done) as part:
        complete(part, "2020-01-01")
    words = [sys.executable, "-c", KILLED, str(path), account]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert not path.exists()
    assert finished(outputs) == [done]
    with folder(path) as part:
        complete(part, "2021-01-01")
    assert finished(outputs) == [done, path]


def test_what_a_killed_run_of_this_number_left_is_in_nobody_s_way(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run"
    left = tmp_path / f".run.part-{os.getpid()}"
    left.mkdir()
    (left / "half.csv").write_text("half")
    with folder(path) as part:
        complete(part, "2020-01-01")
    assert sorted(p.name for p in path.iterdir()) == ["model.skops", "run.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with (
        pytest.raises(InputError, match="run: already there"),
        folder(tmp_path / "run"),
    ):
        pytest.fail("the block must not begin")
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="cannot be written"),
        folder(tmp_path / "file" / "run"),
    ):
        pytest.fail("the block must not begin")


def test_a_free_name_is_free(tmp_path: Path) -> None:
    now, names = datetime(2020, 1, 2, 3, 4, 5), []
    for _ in range(3):
        path = free(tmp_path, now)
        path.mkdir()
        names.append(path.name)
    assert names == [
        "2020-01-02_03-04-05",
        "2020-01-02_03-04-05_2",
        "2020-01-02_03-04-05_3",
    ]


def test_finished_runs_stand_in_the_order_in_which_they_ended(tmp_path: Path) -> None:
    for name, at in (("a", "2020-03-01"), ("b", "2020-01-01"), ("c", "2020-02-01")):
        with folder(tmp_path / "x" / name) as part:
            complete(part, at)
    with folder(tmp_path / "x" / "no-model") as part:
        write_json({"finished": "2020-01-05"}, part / "run.json")
    assert [path.name for path in finished(tmp_path)] == ["b", "c", "a"]
    assert finished(tmp_path / "nowhere") == []


def test_the_digest_of_data_is_of_content_and_names() -> None:
    files = {"/here/a.csv": "1", "/here/b.csv": "2"}
    digest = data_digest(files)
    assert data_digest({"/there/b.csv": "2", "/there/a.csv": "1"}) == digest
    assert data_digest(files | {"/here/a.csv": "3"}) != digest
    assert data_digest({"/here/a.csv": "2", "/here/b.csv": "1"}) != digest
    assert data_digest({"/here/a.csv": "1"}) != digest
    assert len(digest) == 64


def test_the_digest_of_a_configuration_is_of_what_it_computes() -> None:
    config = {"seed": 1, "panel": {"step_days": 7, "max_age_days": 365}, "out": "/a"}
    digest = config_digest(config)
    turned = {"panel": {"max_age_days": 365, "step_days": 7}, "seed": 1}
    assert config_digest(turned | {"out": "/b", "home": "/c"}) == digest
    assert config_digest(config | {"seed": 2}) != digest
    assert config_digest(config | {"panel": {"step_days": 8}}) != digest


def test_the_digest_of_a_frame_is_of_its_cells() -> None:
    frame = pl.DataFrame(
        {"a": [1, None], "d": [date(2020, 1, 1)] * 2, "l": [["x"], []]}
    )
    digest = frame_digest(frame)
    assert frame_digest(frame.clone()) == digest
    assert frame_digest(frame.reverse()) != digest
    assert frame_digest(frame.with_columns(a=pl.lit(1))) != digest
    assert frame_digest(frame.with_columns(l=pl.lit([], pl.List(pl.String)))) != digest


def test_the_account_of_a_run_is_plain_json(tmp_path: Path) -> None:
    write_json(account(seed=3, as_of=date(2020, 1, 1)), tmp_path / "run.json")
    found = json.loads((tmp_path / "run.json").read_text())
    assert found["seed"] == 3
    assert found["as_of"] == "2020-01-01"
    assert found["packages"]["polars"] == pl.__version__
    assert found["peak_memory_mib"] > 10
    assert {"git_commit", "git_dirty", "python", "command"} <= set(found)


def test_runs_of_a_sweep_are_finished_runs_too(tmp_path: Path) -> None:
    for path, at in (("x/sweep/0", "2020-01-02"), ("x/alone", "2020-01-01")):
        with folder(tmp_path / path) as part:
            complete(part, at)
    names = [path.name for path in finished(tmp_path)]
    assert names == ["alone", "0"]


def test_what_a_killed_job_left_is_discarded_and_nothing_else(tmp_path: Path) -> None:
    for name in (".[0]_a.part-12", ".[0]_ab.part-12", "[0]_a", "0_a"):
        (tmp_path / name).mkdir()
    discard(tmp_path / "[0]_a")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".[0]_ab.part-12", "0_a", "[0]_a"]


def test_a_folder_that_was_reserved_can_be_made_once(tmp_path: Path) -> None:
    path = free(tmp_path, datetime(2020, 1, 2, 3, 4, 5))
    make(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with pytest.raises(InputError, match="already there"):
        make(path)


@pytest.mark.parametrize("typed", ["/bin/forecast", "/clone/forecast/__main__.py"])
def test_the_command_can_be_typed_again(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [typed, "score", "model=reference"])
    assert account()["command"] == "forecast score model=reference"
