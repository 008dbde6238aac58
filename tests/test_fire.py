"""Runs that are killed, interrupted, or have no room: nothing half is left."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir

import pytest
from finished import TINY

from forecast import folders, record

ROOT = Path(__file__).parent.parent
WORDS = [*TINY, "draws=20", "models=[logit]", "metrics=[brier]"]
#: stages in which a run is killed; FORECAST_KILLS=10 has it killed ten times in each
STAGES = ("load", "features", "fit", "evaluate", "write", "track")
KILLS = int(os.environ.get("FORECAST_KILLS", "0"))
#: kills itself some time into a stage
KILLED = """
import os, signal, sys, threading
from forecast.commands import run, stages

stage, delay, *words = sys.argv[1:]
begin = stages.Stages.__call__

def doomed(self, name, steps=1):
    if name == stage:
        arguments = (os.getpid(), signal.SIGKILL)
        threading.Timer(float(delay), os.kill, arguments).start()
    return begin(self, name, steps)

stages.Stages.__call__ = doomed
sys.exit(run.main(words))
"""


def environment(home: Path) -> dict[str, str]:
    places = {"FORECAST_HOME": str(home), "FORECAST_ROOT": str(ROOT)}
    return {**os.environ, **places, "PYTHONPATH": str(ROOT)}


def python(home: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment(home),
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
    )


@pytest.mark.slow
def test_a_run_killed_anywhere_leaves_nothing_that_looks_done(tmp_path: Path) -> None:
    """Ten times in all stages together, side by side, in one home with one cache."""
    home, first = tmp_path / "home", tmp_path / "first"
    home.mkdir()
    # the stage is none: it is not killed
    whole = python(home, KILLED, "", "0", *WORDS, "cache=null", f"out={first}")
    assert whole.returncode == 0, whole.stderr
    seconds = json.loads((first / "run.json").read_text())["seconds"]
    often = dict.fromkeys(STAGES, KILLS or 2)
    often |= {} if KILLS else {"load": 1, "evaluate": 1}
    kills = [
        (stage, f"{(i + 0.5) / n * seconds.get(stage, 1):.2f}")
        for stage, n in often.items()
        for i in range(n)
    ]

    def killed(kill: tuple[str, str]) -> subprocess.CompletedProcess[str]:
        tracked = [] if kill[0] == "track" else ["tracking=none"]
        return python(home, KILLED, *kill, *WORDS, *tracked)

    with ThreadPoolExecutor(2) as two:
        ended = list(two.map(killed, kills))
    assert {answer.returncode for answer in ended} == {-signal.SIGKILL}
    assert any(p.name.startswith(".") for p in (home / "outputs").glob("built_in/*"))
    for run in record.finished(home / "outputs"):
        # killed while it was tracked: by then it is whole
        assert folders.differences(first, run).is_empty()
    second = tmp_path / "second"
    words = [*WORDS, "tracking=none", f"out={second}"]
    again = python(home, KILLED, "", "0", *words)
    assert again.returncode == 0, again.stderr
    assert "from the cache" in again.stdout
    assert folders.differences(first, second).is_empty()
    for name in ("predictions.parquet", "metrics.csv", "strata.parquet", "alarms.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


#: says which stage begins
TOLD = """
import sys
from forecast.__main__ import main
from forecast.commands import stages

begin = stages.Stages.__call__

def told(self, name, steps=1):
    print(name, file=sys.stderr, flush=True)
    return begin(self, name, steps)

stages.Stages.__call__ = told
sys.exit(main())
"""


def slowness(pid: int, seconds: float) -> float:
    """How many seconds a process waited for each that it was let work; 1 at least."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.is_file():
        return 1
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    worked = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return max(1, seconds / worked)


def left(group: int, until: float) -> list[str]:
    """Processes of a group that are still there when it is time."""
    while True:
        words = ["ps", "-eo", "pgid=,stat=,args="]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        rows = [row.split(maxsplit=2) for row in said.splitlines()]
        found = [r[2] for r in rows if r[0] == str(group) and not r[1].startswith("Z")]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_run_ends_at_once(jobs: int, tmp_path: Path) -> None:
    """With two processes while they start, which takes them seconds."""
    model = ["models=[forest]", "published=forest", "models.forest.n_estimators=20000"]
    words = [word for word in WORDS if word != "models=[logit]"] + model
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", TOLD, "run", *words, f"jobs={jobs}", "tracking=none"],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        # as on a terminal: Ctrl-C reaches every process of the command
        start_new_session=True,
    ) as run:
        assert run.stderr is not None
        assert "fit\n" in iter(run.stderr.readline, "")
        time.sleep(1.5)
        pace = slowness(run.pid, time.monotonic() - started)
        began = time.monotonic()
        os.killpg(run.pid, signal.SIGINT)
        said = run.stderr.read()
        run.wait()
        took = time.monotonic() - began
    assert run.returncode == 130, said
    assert said == "forecast: interrupted; nothing half-written is left\n"
    assert list((tmp_path / "outputs" / "built_in").iterdir()) == []
    assert took < 2 * pace
    assert left(run.pid, began + 5 * pace) == [], "nobody stays behind"


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB where one may be mounted, else a folder like any other."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    yield disk
    if mounted:
        subprocess.run(["umount", str(disk)], capture_output=True, check=True)


#: no file may be larger, wherever it lies
LIMITED = """
import resource, sys
from forecast.commands import run
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(run.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_nothing_half(full: Path) -> None:
    code = KILLED if os.path.ismount(full) else LIMITED
    stage = ["", "0"] if os.path.ismount(full) else []
    answer = python(full, code, *stage, *WORDS, "tracking=none")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert re.search(
        r"outputs/built_in/\S+: cannot be written: (No space left|File too large)",
        answer.stderr,
    )
    assert list((full / "outputs" / "built_in").iterdir()) == []


#: as a user who may read everything here and write nothing
NOBODY = """
import os, sys
from forecast.commands import options, run
options.usage("run")
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run.main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("given", [True, False])
def test_a_folder_that_may_not_be_written_is_refused_before_the_work(
    given: bool, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    # pytest's own folders are closed to others
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(gettempdir()) and folder != Path(gettempdir()):
            folder.chmod(0o755)
    words = [f"out={closed / 'run'}"] if given else []
    answer = python(closed, NOBODY, *WORDS, *words)
    assert answer.returncode == 1
    assert re.fullmatch(
        rf"forecast run: {closed}/\S+: cannot be written: [^\n]+\n", answer.stderr
    )
    assert list(closed.iterdir()) == []


def test_a_clock_that_is_set_back_takes_nothing_from_an_earlier_run(
    tmp_path: Path,
) -> None:
    noon = datetime(2020, 1, 2, 12).astimezone()
    first = record.free(tmp_path / "outputs" / "x", noon)
    with record.folder(first) as part:
        (part / "model.skops").write_bytes(b"first")
        times = record.times(noon, {"fit": 3600.0}, now=noon + timedelta(hours=1))
        record.write_json(times, part / "run.json")
    # the same second comes again, and the run ends before it began
    second = record.free(tmp_path / "outputs" / "x", noon)
    with record.folder(second) as part:
        (part / "model.skops").write_bytes(b"second")
        times = record.times(noon, {"fit": 7200.0}, now=noon - timedelta(hours=1))
        record.write_json(times, part / "run.json")
    assert first != second
    assert (first / "model.skops").read_bytes() == b"first"
    account = json.loads((second / "run.json").read_text())
    assert account["finished"] == (noon + timedelta(hours=2)).isoformat()
    assert record.finished(tmp_path / "outputs") == [first, second]


def test_the_newest_run_is_the_newest_in_winter_time_too(tmp_path: Path) -> None:
    """The night when the clock is set back: half past two comes twice."""
    ends = {"a": "2020-10-25T02:40:00+02:00", "b": "2020-10-25T02:30:00+01:00"}
    for name, at in ends.items():
        with record.folder(tmp_path / "x" / name) as part:
            (part / "model.skops").write_bytes(b"")
            record.write_json({"finished": at}, part / "run.json")
    assert [run.name for run in record.finished(tmp_path)] == ["a", "b"]
