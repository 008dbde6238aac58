"""Configuration is data: nothing that it names is called, or imported, unawares."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import DictConfig

from forecast.commands import options, reproduce, run, score, targets
from forecast.commands.job import Job
from forecast.commands.launchers import slurm
from forecast.provenance import TRUSTED
from forecast.raw import InputError
from forecast.record import write_json
from forecast.schema import Predictions

ROOT = Path(__file__).parent.parent
#: leaves a trace when it is imported
EVIL = "import pathlib\npathlib.Path({trace!r}).touch()\ndef go(*a, **k): pass\n"


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there as soon as anything of the module `evil` is touched."""
    trace = tmp_path / "trace"
    (tmp_path / "evil.py").write_text(EVIL.format(trace=str(trace)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    monkeypatch.chdir(tmp_path)
    return trace


def refuse(verb: str, *words: str) -> int:
    def task(_: DictConfig) -> int:
        pytest.fail("the task must not begin")

    return options.call(verb, words, task)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "evil.go",
        "sklearn.utils.fixes.pd.read_pickle",
        "sklearn.externals.array_api_compat.numpy.load",
        "sklearn.pipeline.Pipeline",
        "sklearn.ensemble.HistGradientBoostingClassifier.fit",
        "forecast.record.subprocess.run",
        "forecast.record.write_json",
        "forecast.commands.ui.main",
        # they begin where they may
        "forecast.models.horizon.np.load",
        "forecast.models.horizon.threadpool_limits",
        "forecast.models.core.Core.__init__.__globals__",
        "forecast.models.core.Core.__class__",
        "forecast.features.recent.pl.read_parquet",
        "forecast.events.table.Path",
        # Hydra's own ways to any function
        "hydra.utils.get_method",
        "hydra._internal.utils._locate",
        "functools.partial",
        "forecast.models",
        "forecast.models.birer.Brier",
        "forecast..models.core.Core",
        "",
    ],
)
def test_what_may_not_be_called(target: str, trace: Path) -> None:
    said = targets.problem({"models": [{"logit": {"_target_": target}}]})
    assert said is not None
    assert said.startswith(f"models[0].logit._target_={target}: ")
    assert said.endswith("FORECAST_TRUSTED names")
    assert not trace.exists()


WORDS = [
    ["models.logit._target_=sklearn.utils.fixes.pd.read_pickle"],
    ["models.logit._target_=forecast.record.subprocess.run"],
    ["+hydra.callbacks.x._target_=evil.go"],
    ["+hydra.callbacks.x={_target_:evil.go}"],
    ["+question2={a:[1,[{_target_:evil.go,_partial_:true}]]}"],
    ["+models.logit._args_=[{_target_:evil.go}]"],
    ["question=evil.go", "models.logit._target_=${question}"],
    ["hydra.launcher._target_=evil.go"],
    ["hydra.sweeper._target_=evil.go", "-m"],
    ["hydra.job_logging.handlers.console.class=evil.go"],
    ["hydra.job_logging.handlers.console.stream=ext://evil.go"],
    ["+hydra.job_logging.handlers.console.level=${question}"],
    ["hydra.hydra_logging=${world}"],
    ["+hydra.launcher.setup=[touch trace]"],
    ["+hydra.launcher.partition='x\ntouch trace'"],
    ["+hydra.job.env_set.PATH=/tmp"],
    ["hydra.searchpath=[pkg://evil]"],
    ["+hydra.searchpath=[pkg://evil]"],
    ["hydra/launcher=basic,joblib", "-m"],
    ["models.logit._target_=forecast.models.logit.logit,evil.go", "-m"],
    ["--config-path", "."],
    ["--config-path=."],
    ["--config-name=evil"],
    ["-cn", "evil"],
    ["--experimental-rerun=config.pickle"],
    ["--experimental-re=config.pickle"],
    ["-i", "--experimental-rerun=config.pickle"],
    ["--config-dir=nowhere"],
    ["--config-dir=.", "hydra.searchpath=[file:///tmp]"],
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(map(repr, words)))
def test_words_that_would_have_hydra_call_what_it_may_not(
    words: list[str], trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refuse("run", *words) == 2
    assert "forecast run: " in capsys.readouterr().err
    assert not trace.exists()


FILES = {
    "callbacks": "hydra: {callbacks: {x: {_target_: evil.go}}}",
    "factory": "hydra: {job_logging: {filters: {x: {'()': evil.go}}}}",
    "created": "made: '${oc.create:{a: [{_target_: evil.go}]}}'",
    "nested": "made: [[{a: {_target_: evil.go}}]]",
    "partial": "models: {x: {_target_: evil.go, _partial_: true}}",
    "elsewhere": "x: {level: 1}\nhydra: {job_logging: {root: '${x}'}}",
    "swept": "hydra: {sweeper: {params: {hydra/launcher: 'a,b'}}}",
    "environment": "hydra: {job: {env_set: {LD_PRELOAD: evil.so}}}",
}


@pytest.mark.parametrize(
    ("name", "given"), [*((name, False) for name in FILES), ("callbacks", True)]
)
def test_files_that_would_have_hydra_call_what_it_may_not(
    name: str, given: bool, trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the experiments of the home, which is where one is, and in a given folder."""
    folder = trace.parent / ("given/experiments" if given else "experiments")
    folder.mkdir(parents=True)
    (folder / "evil.yaml").write_text(f"# @package _global_\n{FILES[name]}\n")
    words = ["experiments=evil", *(["--config-dir", "given"] if given else [])]
    assert refuse("run", *words) == 2
    assert "evil" in (said := capsys.readouterr().err) or "hydra." in said
    assert not trace.exists()


def test_a_launcher_of_ones_own_is_refused(trace: Path) -> None:
    folder = trace.parent / "hydra" / "launcher"
    folder.mkdir(parents=True)
    (folder / "evil.yaml").write_text("_target_: evil.go\n")
    assert refuse("run", "hydra/launcher=evil", "-m") == 2
    assert not trace.exists()


@pytest.mark.parametrize("key", ["models.logit._target_", "question"])
def test_what_a_sweep_alone_makes_is_refused_in_its_job(
    key: str, trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiments = trace.parent / "experiments"
    experiments.mkdir()
    (experiments / "swept.yaml").write_text(
        "# @package _global_\nquestion: forecast.models.logit.logit\n"
        "models: {logit: {_target_: '${question}'}}\n"
        f"hydra: {{mode: MULTIRUN, sweeper: {{params: {{{key}: evil.go}}}}}}\n"
    )
    assert refuse("run", "experiments=swept") == 2
    assert "models.logit._target_=evil.go" in capsys.readouterr().err
    assert not trace.exists()


def test_the_launcher_of_a_sweep_is_looked_at_before_it_is_called(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiments = trace.parent / "experiments"
    experiments.mkdir()
    (experiments / "swept.yaml").write_text(
        "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: "
        "{seed: '1,2', launcher._target_: evil.go}}}\n"
    )
    assert run.main(["experiments=swept"]) == 2
    assert "launcher._target_=evil.go" in capsys.readouterr().err
    assert not trace.exists()


@pytest.mark.parametrize(
    "more", [{"slurm_setup": ["x"]}, {"slurm_partition": "a\nrm"}, {"a": [{"b": "\n"}]}]
)
def test_no_line_of_a_shell_goes_to_a_cluster(
    more: dict[str, object], tmp_path: Path
) -> None:
    job = Job(0, (), tmp_path / "job")
    given = {"timeout_min": 1, "cpus_per_task": 1, "mem_gb": 1.0, "more": more}
    with pytest.raises(
        InputError, match=r"shell that starts forecast|expected one line"
    ):
        next(slurm([job], [], at_once=1, cluster="local", **given))
    assert not list(tmp_path.iterdir())


def test_a_folder_of_configuration_is_searched(tmp_path: Path) -> None:
    folder = tmp_path / "it's given" / "experiments"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("# @package _global_\nname: mine\n")
    seen: list[str] = []

    def task(config: DictConfig) -> int:
        seen.append(f"{config.name} {config.seed}")
        return 0

    words = ["experiments=mine", f"--config-dir={folder.parent}"]
    assert options.call("run", words, task) == 0
    assert options.call("run", [*words, "-m", "seed=1,2"], task) == 0
    assert seen == ["mine 1", "mine 1", "mine 2"]


@pytest.mark.parametrize("main", [score.main, reproduce.main])
def test_the_configuration_of_a_run_is_data_too(
    main: object, trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that somebody sent."""
    folder = trace.parent / "sent"
    folder.mkdir()
    (folder / "config.yaml").write_text("name: x\nevents: {x: {_target_: evil.go}}\n")
    Predictions.create_empty().write_parquet(folder / "predictions.parquet")
    account = dict.fromkeys(("run_id", "name", "published", "label"), "x")
    write_json(account | {"inputs": {}}, folder / "run.json")
    word = str(folder) if main is reproduce.main else f"model={folder}"
    assert main([word]) == (2 if main is reproduce.main else 1)  # type: ignore[operator]
    assert "config.yaml: events.x._target_=evil.go" in capsys.readouterr().err
    assert not trace.exists()


def test_all_that_comes_with_the_package_may_be_called() -> None:
    found = {
        target
        for folder in ("conf", "experiments")
        for path in (ROOT / folder).rglob("*.yaml")
        for target in re.findall(r"_target_: (\S+)", path.read_text())
    }
    assert len(found) > 50
    assert {target for target in found if targets.refused(target)} == set()
    for target in targets.SKLEARN:
        assert targets.refused(target) is None, target


def test_an_estimator_of_scikit_learn_takes_no_python(tmp_path: Path) -> None:
    """The promise of CONTRIBUTING, by one YAML file in the home."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "extra.yaml").write_text(
        "extra:\n  _target_: forecast.models.horizon.HorizonClassifier\n"
        "  estimator:\n    _target_: sklearn.ensemble.ExtraTreesClassifier\n"
        "    n_estimators: 5\n"
    )
    made: list[str] = []

    def task(config: DictConfig) -> int:
        made.append(type(instantiate(config.models.extra).estimator).__name__)
        return 0

    assert options.call("run", ["models=[logit,extra]"], task) == 0
    assert made == ["ExtraTreesClassifier"]


MINE = """
import polars as pl

def mine(panel, events, truces, *, days=7):
    return panel.select("truce_id", "origin", mine_age=pl.col("age_days") / days)
"""


def test_a_module_of_ones_own_takes_a_word_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One Python file and one YAML file in the home, and FORECAST_TRUSTED."""
    (tmp_path / "own_features.py").write_text(MINE)
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "mine.yaml").write_text(
        "mine:\n  _target_: own_features.mine\n  _partial_: true\n  days: 30\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_features", raising=False)
    assert refuse("run", "features=[age,mine]") == 2
    monkeypatch.setenv(TRUSTED, "own_features")
    days: list[int] = []

    def task(config: DictConfig) -> int:
        days.append(instantiate(config.features.mine).keywords["days"])
        return 0

    assert options.call("run", ["features=[age,mine]"], task) == 0
    assert days == [30]
    # what it imported is not its own
    assert refuse("run", "models.logit._target_=own_features.pl.read_csv") == 2


@pytest.mark.slow
def test_no_configuration_sets_what_is_trusted(tmp_path: Path) -> None:
    """Not even for the jobs of a sweep, in a new process as a user has it."""
    (tmp_path / "evil.py").write_text(EVIL.format(trace=str(tmp_path / "trace")))
    words = [f"+hydra.job.env_set.{TRUSTED}=evil", "models.logit._target_=evil.go"]
    answer = subprocess.run(
        [sys.executable, "-m", "forecast", "run", *words, "-m", "seed=1,2"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "trace").exists()
