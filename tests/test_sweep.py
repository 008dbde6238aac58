"""Sweeps: what is left of them, whatever happens to a job or to the whole."""

import csv
import io
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hydra import compose, initialize_config_dir

from forecast import record
from forecast.commands import alone, options, outcomes, run
from forecast.commands.kept import kept
from forecast.raw import InputError
from forecast.simulated import world as simulate

ROOT = Path(__file__).parent.parent
#: what a sweep must leave as a run does that is typed alone
TABLES = ("predictions.parquet", "metrics.csv", "strata.parquet", "costs.csv")
SMALL = [
    "events=table",
    "truces=table",
    "features=[age,recent]",
    "models=[core]",
    "published=core",
    "models@baselines=[trail]",
    "metrics=[brier]",
    "horizons=[30]",
    "first_cutoff='2002-01-01'",
    "split.months=24",
    "refits=1",
    "draws=20",
]
Words = list[str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of one's own, in a folder that a shell would stumble over."""
    home = tmp_path_factory.mktemp("it's home")
    small = simulate(seed=7, conflicts=6, years=4)
    columns = ["event_id", "date", "kind", "dyad_id", "deaths", "country"]
    small.events.select(columns).write_csv(home / "events.csv")
    truces = small.truces.select("truce_id", "start", "dyad_id", "country")
    truces.write_csv(home / "truces.csv")
    return home


def words_at(home: Path) -> Words:
    """Words of a small run on the tables of a folder."""
    paths = [
        f"{t}.table.path={quoted(home / f'{t}.csv')}" for t in ("events", "truces")
    ]
    return [*SMALL, *paths]


def quoted(path: Path) -> str:
    escaped = str(path).replace("'", r"\'")
    return f"'{escaped}'"


@contextmanager
def typed(home: Path, *words: str, **more: int) -> Iterator[subprocess.Popen[str]]:
    """A command that runs, as a user types it."""
    with subprocess.Popen(
        [sys.executable, "-m", "forecast", "run", *words],
        cwd=ROOT,
        env=os.environ | {"FORECAST_HOME": str(home)},
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return {row["job"]: row for row in csv.DictReader(file)}


def states(folder: Path) -> dict[str, str]:
    return {job: row["state"] for job, row in table(folder).items()}


def jobs_of(folder: Path) -> dict[int, str]:
    """Processes of the jobs of a sweep, and their words."""
    found, own = {}, quoted(folder)[1:-1]
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if "forecast.commands.job" in words and own in " ".join(words):
            found[int(place.name)] = " ".join(words)
    return found


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def serial(home: Path) -> dict[int, Path]:
    """Runs that were typed alone, by their seed."""
    folders = {seed: home / f"alone-{seed}" for seed in (1, 2)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        for seed, folder in folders.items():
            own = [f"seed={seed}", f"out={quoted(folder)}", "tracking=none"]
            assert run.main([*words_at(home), *own]) == 0
    return folders


@dataclass(frozen=True)
class Cut:
    """A sweep of two jobs, one of which was killed, and which was gone on with."""

    folder: Path
    said: str
    states: dict[str, str]
    #: when the result of the other was written
    written: int
    then: str


@pytest.fixture(scope="module")
def cut(home: Path) -> Cut:
    folder = home / "cut"
    words = [*words_at(home), "seed=1,2", "launcher.at_once=2"]
    with typed(home, "-m", *words, f"out={quoted(folder)}") as process:
        wait_for(lambda: any("seed=2" in w for w in jobs_of(folder).values()))
        (victim,) = (p for p, w in jobs_of(folder).items() if "seed=2" in w)
        os.kill(victim, signal.SIGKILL)
        said, errors = process.communicate()
    assert (process.returncode, errors) == (1, "")
    was, written = states(folder), (folder / "0_seed-1").stat().st_mtime_ns
    (line,) = re.findall(r"^go on +forecast (.*)$", said, re.MULTILINE)
    then = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(then):
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        verb, *again = shlex.split(line)
        assert (verb, run.main(again)) == ("run", 0)
    return Cut(folder, said, was, written, then.getvalue())


def same_results(ours: Path, theirs: Path) -> None:
    for name in TABLES:
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    scores = [pl.read_csv(f / "risk_scores.csv").drop("run_id") for f in (ours, theirs)]
    assert scores[0].height
    assert scores[0].write_csv() == scores[1].write_csv()


@pytest.mark.slow
def test_a_killed_job_ends_alone(cut: Cut) -> None:
    assert cut.states == {"seed=1": "done", "seed=2": "killed"}
    assert re.search(r"seed=1 +done +\d+ s +skill [+-]\d+\.\d%.* at 30 d", cut.said)
    assert re.search(r"seed=2 +killed +\d+ s +by SIGKILL", cut.said)


@pytest.mark.slow
def test_going_on_runs_what_is_not_finished_and_nothing_else(cut: Cut) -> None:
    assert states(cut.folder) == {"seed=1": "kept", "seed=2": "done"}
    assert (cut.folder / "0_seed-1").stat().st_mtime_ns == cut.written
    runs = {"0_seed-1", "1_seed-2"}
    logs = {f"{name}.log" for name in runs}
    visible = {p.name for p in cut.folder.iterdir() if not p.name.startswith(".")}
    assert visible == runs | logs | {"sweep.csv", "sweep.json"}
    assert not list(cut.folder.glob(".*part*"))


@pytest.mark.slow
def test_the_table_is_all_that_a_pipe_is_told(cut: Cut) -> None:
    assert cut.then.split()[:4] == ["job", "state", "time", "headline"]
    assert re.search(r"seed=1 +kept +skill [+-]\d+\.\d%.* at 30 d", cut.then)
    *_, folder, store = cut.then.strip().splitlines()
    assert folder == f"sweep   {cut.folder}"
    assert store.startswith("MLflow  sqlite:///")
    assert "\x1b" not in cut.said + cut.then


@pytest.mark.slow
def test_a_sweep_that_was_cut_leaves_what_serial_runs_do(
    cut: Cut, serial: dict[int, Path]
) -> None:
    for name, seed in (("0_seed-1", 1), ("1_seed-2", 2)):
        ours, theirs = cut.folder / name, serial[seed]
        same_results(ours, theirs)
        accounts = [record.read_json(f / "run.json") for f in (ours, theirs)]
        for key in ("config_digest", "code_digest", "data_digest"):
            assert accounts[0][key] == accounts[1][key], key
    drawn = [(folder / "metrics.csv").read_bytes() for folder in serial.values()]
    assert drawn[0] != drawn[1]


@pytest.mark.slow
def test_a_sweep_is_one_parent_with_jobs_and_their_models_below(
    home: Path, cut: Cut
) -> None:
    from mlflow import MlflowClient

    from forecast import tracking

    uri = f"sqlite:///{home}/mlflow.db"
    client = MlflowClient(uri)
    sweep = record.read_json(cut.folder / "sweep.json")["mlflow_run"]
    parent = client.get_run(sweep)
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics == {"jobs": 2, "jobs_failed": 0}

    def below(run_id: str) -> dict[str, str]:
        found = client.search_runs(
            [parent.info.experiment_id], f"tags.`{tracking.PARENT}` = '{run_id}'"
        )
        assert all(r.info.status == "FINISHED" for r in found)
        return {r.info.run_name: r.info.run_id for r in found}

    jobs = below(sweep)
    assert set(jobs) == {"0_seed-1", "1_seed-2"}
    for name, run_id in jobs.items():
        assert set(below(run_id)) == {"core", "trail"}
        account = record.read_json(cut.folder / name / "run.json")
        assert account["run_id"] == run_id
        # a job is a run, whose files can be asked for
        assert (tracking.files(uri, run_id) / "metrics.csv").is_file()


@pytest.mark.slow
def test_ctrl_c_ends_all_jobs_and_says_how_to_go_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alone, "PATIENCE", 0)
    folder = home / "interrupted"
    words = ["-m", *words_at(home), "seed=1,2,3", "tracking=none"]
    own = [f"out={quoted(folder)}", "launcher.at_once=2"]
    ours, theirs = pty.openpty()
    with typed(home, *words, *own, stdout=theirs) as process:
        os.close(theirs)
        wait_for(lambda: len(jobs_of(folder)) == 2)
        # another sweep in this folder is told so, and changes nothing
        assert run.main([*words, f"resume={quoted(folder)}"]) == 1
        at_work = f"{folder}: at work in it: process {process.pid} on"
        assert at_work in capsys.readouterr().err
        assert len(jobs_of(folder)) == 2
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        wait_for(lambda: not jobs_of(folder), 10)
        took = time.monotonic() - began
        said = read_all(ours)
        _, errors = process.communicate()
    assert took < 2
    assert process.returncode == 130
    assert errors == "forecast: interrupted; nothing half-written is left\n"
    assert states(folder) == {
        "seed=1": "interrupted",
        "seed=2": "interrupted",
        "seed=3": "not run",
    }
    assert "0 of 3 jobs" in said  # while they run, on a terminal
    assert "resume=" in said
    assert not list(folder.glob(".*part*"))


def read_all(terminal: int) -> str:
    parts = []
    with suppress(OSError):  # the other end is closed
        while part := os.read(terminal, 65_536):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()


KILLED = """
import sys
from pathlib import Path
from forecast.commands import alone
from forecast.commands.job import Job
from forecast.commands.launchers import processes
folder = Path(sys.argv[1])
jobs = [Job(i, tuple(sys.argv[2:]), folder / str(i)) for i in (0, 1)]
with alone.alone(folder) as lock:
    for _ in processes(jobs, [lock], at_once=2):
        pass
"""


@pytest.mark.slow
def test_jobs_end_with_a_sweep_that_is_killed(home: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path), *words_at(home)]
    with subprocess.Popen([*words, f"out={quoted(tmp_path / 'run')}"]) as process:
        wait_for(lambda: len(jobs_of(tmp_path)) == 2)
        process.kill()
    wait_for(lambda: not jobs_of(tmp_path), 10)
    with alone.alone(tmp_path):
        pass
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_jobs_on_a_cluster_leave_what_they_leave_here(
    home: Path, serial: dict[int, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cluster"
    launcher = ["launcher=slurm", "launcher.cluster=local", "tracking=none"]
    words = [*words_at(home), "seed=1", *launcher, f"out={folder}"]
    assert run.main(["-m", *words]) == 0
    assert states(folder) == {"the only one": "done"}
    same_results(folder / "0", serial[1])


@pytest.mark.slow
def test_a_job_that_cannot_be_fails_and_says_why(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = f"out={tmp_path / 'sweep'}"
    assert run.main(["-m", *words_at(home), "seed=-1", "tracking=none", out]) == 1
    assert states(tmp_path / "sweep") == {"the only one": "failed"}
    said = " ".join(capsys.readouterr().out.split())
    assert "forecast run: seed=-1: expected a whole number from 0 on" in said
    assert "go on forecast run -m" in said


def composed(words: Words) -> list:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return [compose("run", words)]


@pytest.mark.slow
def test_a_result_counts_while_configuration_code_and_data_are_the_same(
    home: Path, cut: Cut, tmp_path: Path
) -> None:
    folder = cut.folder
    one = [*words_at(home), "seed=2"]
    result = {0: folder / "1_seed-2"}
    assert kept(folder, composed(one)) == result
    # where data lie, and where results go, is no part of what is computed
    for name in ("events.csv", "truces.csv"):
        shutil.copy(home / name, tmp_path / name)
    elsewhere = [*words_at(tmp_path), "seed=2", "tracking=none", "cache=null"]
    assert kept(folder, composed(elsewhere)) == result
    for other in ("seed=3", "models.core.C=0.02", "panel.min_events=4"):
        assert kept(folder, composed([*one, other])) == {}, other
    events = (tmp_path / "events.csv").read_text()
    (tmp_path / "events.csv").write_text(events.rpartition("\n")[0][:-4])
    assert kept(folder, composed(elsewhere)) == {}
    (tmp_path / "events.csv").unlink()
    assert kept(folder, composed(elsewhere)) == {}
    older = shutil.copytree(folder, tmp_path / "older")
    account = record.read_json(older / "1_seed-2" / "run.json")
    account["code_digest"] = "0" * 64
    record.write_json(account, older / "1_seed-2" / "run.json")
    assert kept(older, composed(one)) == {}
    # half a folder is no result
    half = shutil.copytree(folder, tmp_path / "half")
    (half / "1_seed-2").rename(half / ".1_seed-2.part-1")
    assert kept(half, composed(one)) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["out=a,b"], "out: expected one value for the whole sweep"),
        (["launcher.at_once=0"], "launcher.at_once=0: expected a whole number from 1"),
        (["launcher=slurm", "launcher.cluster=moon"], "executor named moon"),
        (
            ["launcher=slurm", "launcher.cluster=local", "+launcher.more.slurm_foo=1"],
            "Unknown argument 'foo'",
        ),
        (
            ["launcher=slurm", '+launcher.more.slurm_setup=["rm -r /"]'],
            "launcher.more.slurm_setup[0]=rm -r /: commands belong in the shell",
        ),
        (["resume=nowhere"], "nowhere: no sweep to go on with: no sweep.json"),
        (["resume=a", "out=b"], "out=b: a sweep that is resumed has its folder"),
    ],
)
def test_sweeps_that_cannot_be(
    words: Words, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run.main(["-m", "seed=1", "tracking=none", *words]) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not list(tmp_path.rglob("*.log"))


@pytest.mark.parametrize(
    ("words", "published"),
    [
        (["models=[logit],[hgb]"], ["logit", "hgb"]),
        (["experiments=ged_ethprio", "models=[logit],[hgb]"], ["logit", "hgb"]),
        (["models=[logit],[hgb]", "published=trail"], ["trail", "trail"]),
        (["models=[logit,hgb],[core,hgb]"], ["logit", "logit"]),
    ],
)
def test_a_sweep_over_models_publishes_each(words: Words, published: Words) -> None:
    found: list[str] = []

    def collect(jobs: options.Jobs) -> int:
        found.extend(str(config.published) for _, config in jobs)
        # a job is told to be no sweep, whatever its experiment says
        assert all(words[-1] == "hydra.mode=RUN" for words, _ in jobs)
        return 0

    assert options.call("run", ["-m", *words], lambda _: 1, collect) == 0
    assert found == published


def test_an_experiment_may_be_a_sweep() -> None:
    found: list[Words] = []

    def collect(jobs: options.Jobs) -> int:
        found.extend(words for words, _ in jobs)
        return 0

    words = ["experiments=labels", "hydra.job.name=mine"]
    assert options.call("run", words, lambda _: 1, collect) == 0
    assert [w for words in found for w in words if w.startswith("collapse=")] == [
        f"collapse={rule}"
        for rule in ("resumption", "threshold", "first_fatal", "declared")
    ]
    assert all("hydra.job.name=mine" in words for words in found)


def test_only_a_sweep_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["resume=outputs"]) == 1
    assert "only a sweep can go on; add -m" in capsys.readouterr().err
    assert run.main(["-m", "seed=1,2", "hydra/launcher=joblib"]) == 2
    assert "launcher=NAME says where" in capsys.readouterr().err


def test_a_folder_that_is_there_is_no_new_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["-m", "seed=1,2", f"out={tmp_path}", "tracking=none"]) == 1
    assert "already there; expected a new folder" in capsys.readouterr().err


def test_a_folder_is_held_against_others_and_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "PATIENCE", 0)
    with (
        alone.alone(tmp_path),
        pytest.raises(InputError, match="at work in it"),
    ):
        alone.alone(tmp_path).__enter__()
    with alone.alone(tmp_path):
        pass


@pytest.mark.parametrize(
    ("code", "whole", "state", "said"),
    [
        (0, True, "done", "skill +8.1% (+2.3 to +14.6) at 30 d"),
        (1, True, "faults", "skill +8.1% (+2.3 to +14.6) at 30 d"),
        (1, False, "failed", "forecast run: seed=-1"),
        (0, False, "failed", "forecast run: seed=-1"),
        (-9, False, "killed", "by SIGKILL"),
        (-9, True, "killed", "by SIGKILL"),
        (-99, True, "killed", "by signal 99"),
    ],
)
def test_how_a_job_ended_is_told_by_its_code_and_its_folder(
    code: int, whole: bool, state: str, said: str, tmp_path: Path
) -> None:
    row = outcomes.Row("seed=1", tmp_path / "0_seed-1")
    outcomes.log(row.folder).write_text("some line\nforecast run: seed=-1\n\n")
    if whole:
        left(row.folder, code)
    ended = outcomes.ended(row, code, 3.21)
    assert (ended.state, ended.headline, ended.seconds) == (state, said, 3.2)


@pytest.mark.parametrize(("code", "state"), [(0, "kept"), (1, "faults")])
def test_faults_of_before_are_not_forgotten(
    code: int, state: str, tmp_path: Path
) -> None:
    left(tmp_path, code)
    assert outcomes.found(outcomes.Row("seed=1", tmp_path)).state == state


def left(folder: Path, code: int) -> None:
    """What a run leaves, as far as a sweep looks at it."""
    folder.mkdir(exist_ok=True)
    record.write_json({"published": "core", "exit_code": code}, folder / "run.json")
    values = {"value": [0.2, 0.081], "lower": [0.1, 0.023], "upper": [0.3, 0.146]}
    frame = pl.DataFrame({"model": "core", "horizon": [90, 30], **values})
    both = frame.with_columns(stratum=pl.lit("all"), metric=pl.lit("skill"))
    both.write_csv(folder / "metrics.csv")
