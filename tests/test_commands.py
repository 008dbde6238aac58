"""The command line: what a user types, what comes back, and with which exit code."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from finished import TINY, finished
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from polars.testing import assert_frame_equal

from forecast import __main__ as cli
from forecast import sheets
from forecast.commands import options, run, score
from forecast.explain.groups import GROUPS
from forecast.publish import load, save
from forecast.schema import Metrics, Predictions, Reasons, RiskScores
from forecast.simulated import World

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
SMALL = [
    "world.conflicts=10",
    "world.years=7",
    "split.first='2003-01-01'",
    "refits=3",
    "draws=60",
    "tracking=none",
]
#: for what no result hangs on
LEAST = [*TINY, "models=[logit]", "draws=20", "tracking=none"]
FILES = {
    "config.yaml",
    "predictions.parquet",
    "metrics.csv",
    "strata.parquet",
    "alarms.csv",
    "costs.csv",
    "reasons.csv",
    "risk_scores.csv",
    "report.html",
    "rejected.csv",
    "reach.csv",
    "model.skops",
    "model_input.parquet",
    "run.json",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a small world."""
    return finished(tmp_path_factory.mktemp("home"), *SMALL)


def forecast(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Type a command, as a user does: in a new process, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "forecast", *words],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        check=False,
    )


def test_help_comes_at_once_and_imports_nothing_heavy() -> None:
    heavy = "polars hydra sklearn mlflow altair numpy rich dataframely"
    code = (
        "import sys; sys.argv = ['forecast', '--help'];"
        "from forecast.__main__ import main; assert main() == 0;"
        f"print(sorted(set('{heavy}'.split()) & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip().endswith("[]")
    assert all(verb in answer.stdout for verb in cli.VERBS)


def test_an_unknown_verb_is_named_beside_those_that_exist() -> None:
    answer = forecast("rnu")
    assert answer.returncode == 2
    assert "'rnu'" in answer.stderr
    assert "run, score, track, ui" in answer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["models=[lgoit]"], "no models=lgoit; there are: age, base_rate"),
        (["models=lgoit,hgb", "-m"], "no models=lgoit"),
        (["audits=null"], "must be a string or a list"),
        (["experiments=gde"], "no experiments=gde; there are:"),
        (["collapse=never"], "there are: declared, first_fatal, resumption, threshold"),
        (["sede=3"], "sede"),
        (["experiments=ged_ethprio", "published"], "published"),
        (["events=table"], "a value is missing: events.table.path=VALUE"),
        (
            ["events=table", "events.path=a.csv"],
            "no key events.path; events has: table",
        ),
        (["panel.min_event=3"], "no key panel.min_event; panel has: step_days, max"),
    ],
)
def test_words_that_make_no_configuration(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert options.call("run", words, lambda _: 0) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert not captured.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["published=hgbb"], "published=hgbb: not among those chosen"),
        (["models=[hgb]", "published=logit"], "published=logit: not among those"),
        (["named_baseline=logit"], "named_baseline=logit"),
        *(
            ([f"{group}=[]"], f"{group}=[]: expected at least one")
            for group in ("events", "truces", "models", "models@baselines", "features")
        ),
        (["metrics=[]"], "metrics=[]: expected at least one"),
        (["horizons=[30,7]"], "rising order"),
        (["as_of=tomorrow"], "as_of=tomorrow: expected a day, YYYY-MM-DD"),
        (["as_of='0216-04-07'"], "as_of=0216-04-07: expected a day, YYYY-MM-DD"),
        (["horizons=30"], "horizons=30: expected whole days in rising order"),
        (["horizons=[0,7]"], "horizons=[0, 7]"),
        (["horizons=[7,1000000]"], "rising order up to 3650, as in [7,30]"),
        (["level=2"], "level=2: expected a share"),
        (["seed=-1"], "seed=-1"),
        (["refits=0"], "refits=0"),
        (["panel.step_days=0"], "panel.step_days=0"),
        (["collapse.share=x"], "collapse.share=x: expected a number"),
        (["max_rejected=x"], "max_rejected=x"),
        (["first_cutoff=foo"], "first_cutoff=foo: expected a day"),
        (["split.first=foo"], "split.first=foo: expected a day"),
        (["split.gap_days=-1"], "split.gap_days=-1: expected a whole number"),
        (["split=unseen_dyads", "split.parts=1"], "split.parts=1"),
        (["collapse=threshold", "collapse.deaths=x"], "collapse.deaths=x"),
        (["collapse=violations", "collapse.kinds=[war]"], "kinds of events in"),
        (["features_from=[ged]"], "features_from=ged: not among the events chosen"),
        (["outcomes_from=[]"], "outcomes_from=[]: expected names of sources of"),
        (["split.first='2050-01-01'"], "lies after the last day of the data"),
        (["experiments=ged_ethprio", "data_root=/nowhere"], "/nowhere/ucdp_ged"),
        (["tracking.uri=postgresql://me:hidden@h/d"], "tracking.uri holds a password"),
        (["tracking.uri='http://[x'"], "tracking.uri: not an address"),
        (["tracking.patience=-1"], "tracking.patience=-1: expected seconds"),
    ],
)
def test_data_and_settings_that_cannot_be_used(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run.main([*SMALL, *words]) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert "hidden" not in captured.err + captured.out
    assert not list(tmp_path.rglob("run.json"))


def test_truces_that_begin_as_the_data_end_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = "\n".join(f"e{i},2010-01-0{i},clash,d" for i in range(1, 8))
    (tmp_path / "e.csv").write_text(f"event_id,date,kind,dyad_id\n{days}\n")
    (tmp_path / "t.csv").write_text("truce_id,start,dyad_id\nt,2010-01-07,d\n")
    words = [f"events.table.path={tmp_path / 'e.csv'}", "first_cutoff=2010-01-05"]
    words += [f"truces.table.path={tmp_path / 't.csv'}", "tracking=none"]
    words += ["events=table", "truces=table", f"out={tmp_path / 'run'}"]
    assert run.main(words) == 1
    said = "none of 1 truces can be followed: 1 over, or the data, before its first"
    assert said in capsys.readouterr().err


def test_a_folder_that_is_there_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").mkdir()
    assert run.main([*SMALL, f"out={tmp_path / 'taken'}", "events=table"]) == 2
    assert run.main([*SMALL, f"out={tmp_path / 'taken'}"]) == 1
    assert "already there" in capsys.readouterr().err


@pytest.mark.slow
def test_a_published_model_that_fails_costs_no_metrics(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run.main([*LEAST, f"out={out}", "models.logit.C=-1"]) == 1
    assert pl.read_csv(out / "metrics.csv").height
    assert not (out / "model.skops").exists()
    notes = json.loads((out / "run.json").read_text())["notes"]
    assert any("nothing is published" in note for note in notes)


def test_a_model_that_saw_few_collapses_says_so(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "few"
    few = ["world.conflicts=2", "world.years=5", "refits=1"]
    assert run.main([*LEAST, *few, f"out={out}"]) == 0
    told = {
        folder: " ".join(json.loads((folder / "run.json").read_text())["notes"])
        for folder in (small, out)
    }
    words = r"logit saw (\d) truces collapse in training: from fewer than 10"
    assert re.search(words, told[out])
    assert "collapse in training" not in told[small]


def test_hydras_own_flags() -> None:
    answer = forecast("run", "--cfg", "job", "seed=5")
    assert answer.returncode == 0
    assert "\nseed: 5\n" in answer.stdout


@pytest.mark.slow
def test_a_window_of_another_length_reaches_the_baseline(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["collapse.window_days=60", f"out={out}"]
    assert run.main([*LEAST, *words]) == 0
    assert "rule_window_days: 60" in (out / "config.yaml").read_text()


def test_stale_events_are_said_so(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"model={small}", "as_of=2007-03-01", f"out={tmp_path / 'late'}"]
    assert score.main(words) == 0
    assert "days before 2007-03-01: quiet may be unseen" in capsys.readouterr().out


def test_scores_of_another_folder(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert score.main([f"model={small}", "as_of=2006-06-01", "panel.min_events=3"]) == 0


def test_help_of_a_verb_lists_groups_choices_and_experiments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run.main(["--help"]) == 0
    said = capsys.readouterr().out
    for group, names in options.choices().items():
        assert group in said
        assert all(name in said for name in names)
    assert "ged_ethprio" in said


@pytest.mark.slow
def test_every_choice_composes() -> None:
    """Experiments are composed by tests of their own."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for group, names in options.choices().items():
            for name in names if group != "experiments" else ():
                many = group in ("events", "truces", "features", "models", "metrics")
                config = compose("run", [f"{group}={[name] if many else name}"])
                assert config[group]
                # whatever a choice refers to is there, but for the user's own files
                OmegaConf.to_container(config, resolve=True)


def test_a_run_leaves_the_files_of_the_design(small: Path) -> None:
    # the last is there where the clone differs from its commit
    assert {p.name for p in small.iterdir()} - {"code.diff"} == FILES
    assert [p.name for p in small.parent.iterdir()] == [small.name]
    account = json.loads((small / "run.json").read_text())
    assert account["published"] == "logit"
    assert account["seed"] == 1
    assert set(account["seconds"]) >= {"load", "panel", "features", "fit", "evaluate"}
    assert account["peak_memory_mib"] > 0
    assert len(account["data_digest"]) == len(account["config_digest"]) == 64
    # without audits nothing is said of them
    assert not (small / "audits.csv").exists()
    assert '"audits"' not in (small / "report.html").read_text()
    assert "audit" not in account["seconds"]


def test_tables_are_whole_and_sorted_by_key(small: Path) -> None:
    predictions = pl.read_parquet(small / "predictions.parquet")
    metrics = pl.read_csv(small / "metrics.csv", infer_schema_length=None)
    scores = pl.read_csv(small / "risk_scores.csv", try_parse_dates=True)
    for schema, frame in (
        (Predictions, predictions),
        (Metrics, metrics),
        (RiskScores, scores.with_columns(pl.col("drivers").fill_null(""))),
    ):
        schema.validate(frame, cast=True)
        assert frame.height
        assert frame.equals(frame.sort(schema.primary_key()))


@pytest.mark.slow
def test_the_same_command_twice_gives_the_same_bytes(
    small: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    assert run.main([*SMALL, f"out={again}"]) == 0
    for name in ("predictions.parquet", "metrics.csv", "rejected.csv"):
        assert (small / name).read_bytes() == (again / name).read_bytes(), name
    first, second = (
        pl.read_csv(folder / "risk_scores.csv").drop("run_id")
        for folder in (small, again)
    )
    assert first.equals(second)
    digests = [
        json.loads((folder / "run.json").read_text())["config_digest"]
        for folder in (small, again)
    ]
    assert digests[0] == digests[1]


@pytest.mark.slow
def test_another_seed_gives_another_run(small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert run.main([*SMALL, "seed=2", f"out={other}", "models=[logit]"]) == 0
    drawn = pl.col("metric").is_in(["sign_flip", "miscalibration_by_chance"])
    ours, theirs = (
        pl.read_csv(folder / "metrics.csv").filter(pl.col("model") == "logit", ~drawn)
        for folder in (small, other)
    )
    assert ours["value"].equals(theirs["value"])  # nothing in logit is drawn at random
    assert not ours["lower"].equals(theirs["lower"])


@pytest.mark.parametrize("name", ["metrics.csv", "risk_scores.csv"])
def test_golden(small: Path, name: str) -> None:
    """A snapshot of the whole: to be renewed only by a change that means to move it.

    FORECAST_GOLDEN=write renews it.
    """
    ours = pl.read_csv(small / name).drop("run_id", strict=False)
    if name == "metrics.csv":  # of the strata, one kind stands for all
        ours = ours.filter(pl.col("stratum").str.contains("^(all|state: .*)$"))
    if os.environ.get("FORECAST_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        ours.write_csv(GOLDEN / name)
    golden = pl.read_csv(GOLDEN / name)
    text = [c for c, t in golden.schema.items() if not t.is_float()]
    assert ours.select(text).equals(golden.select(text))
    for column in set(golden.columns) - set(text):
        # other processors round the last bits otherwise
        assert ours[column].is_null().equals(golden[column].is_null()), column
        assert (ours[column] - golden[column]).abs().max() < 1e-6, column


def test_a_run_tells_the_reasons_of_its_scores(small: Path, tmp_path: Path) -> None:
    scores, why = (
        sheets.read(small / f"{name}.csv", try_parse_dates=True)
        for name in ("risk_scores", "reasons")
    )
    Reasons.validate(why, cast=True)
    key = ["as_of", "truce_id", "horizon_days", "model"]
    both = scores.join(why, on=key, suffix="_told")
    assert both.select(key).n_unique() == scores.height > 0
    assert (both["risk"] - both["risk_told"]).abs().max() < 1e-9  # type: ignore[operator]
    # the run's features tell of nine groups
    assert {*why["group"]} == {*GROUPS} - {"reporting"}
    assert scores["drivers"].str.contains("[+\N{MINUS SIGN}][1-9]|half a point").all()
    # a scoring by the run says the same, and without reasons the same risks
    assert score.main([f"model={small}", f"out={tmp_path / 'with'}"]) == 0
    again = sheets.read(tmp_path / "with" / "reasons.csv", try_parse_dates=True)
    assert_frame_equal(again, why, abs_tol=1e-12)
    words = [f"model={small}", f"out={tmp_path / 'without'}", "reasons=false"]
    assert score.main(words) == 0
    assert not (tmp_path / "without" / "reasons.csv").exists()
    bare = sheets.read(tmp_path / "without" / "risk_scores.csv", try_parse_dates=True)
    assert set(bare["drivers"]) == {""}
    assert_frame_equal(bare.drop("drivers"), scores.drop("drivers"), abs_tol=1e-12)


def test_risks_are_told_where_their_reasons_cannot_be(
    small: Path, tmp_path: Path
) -> None:
    of_run = tmp_path / "run"
    shutil.copytree(small, of_run)
    # as a version left it that kept no typical row
    save(replace(load(small / "model.skops"), typical=None), of_run / "model.skops")
    assert score.main([f"model={of_run}", f"out={tmp_path / 'old'}"]) == 0
    notes = json.loads((tmp_path / "old" / "run.json").read_text())["notes"]
    assert any(note.startswith("no reasons: the model was published") for note in notes)
    assert pl.read_csv(tmp_path / "old" / "risk_scores.csv").height


def test_scoring_the_founding_case(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores"
    words = ["truces=syria_2016", "events=syria_2016", "as_of=2016-04-07"]
    words += ["format=[hub,json]"]
    assert score.main([*words, f"model={small}", f"out={out}"]) == 0
    files = {"risk_scores.csv", "risk_scores.json", "2016-04-07-forecast-logit.csv"}
    assert {p.name for p in out.iterdir()} >= files
    scores = pl.read_csv(out / "risk_scores.csv", try_parse_dates=True)
    assert scores["truce_id"].unique().to_list() == ["syria-2016"]
    assert scores["age_days"].unique().to_list() == [40]
    assert scores["risk"].is_sorted()
    page = (out / "report.html").read_text()
    for said in (
        "panel.min_events=0",
        "few events: the model was fitted on truces with 5 or more in the 90 days",
        "outside what logit has seen: ",
    ):
        assert said in page


def test_other_events_serve_all_that_those_of_the_run_served(
    small: Path, tmp_path: Path
) -> None:
    """A run says by name which source is for what; its names are not those scored."""
    of_run = tmp_path / "run"
    shutil.copytree(small, of_run)
    config = OmegaConf.load(of_run / "config.yaml")
    config.features_from = config.outcomes_from = ["simulated"]
    OmegaConf.save(config, of_run / "config.yaml")
    assert score.main([f"model={of_run}", f"out={tmp_path / 'own'}"]) == 0
    words = ["truces=syria_2016", "events=syria_2016", "as_of=2016-04-07"]
    assert score.main([*words, f"model={of_run}", f"out={tmp_path / 'other'}"]) == 0
    for name in ("own", "other"):
        assert pl.read_csv(tmp_path / name / "risk_scores.csv").height


def test_scoring_takes_the_newest_run_and_its_data(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = small.parent.parent.parent
    monkeypatch.setenv("FORECAST_HOME", str(home))
    assert score.main([]) == 0
    assert str(small) in capsys.readouterr().out
    (out,) = (home / "outputs" / "score").iterdir()
    scored, published = (
        pl.read_csv(p / "risk_scores.csv").drop("run_id") for p in (out, small)
    )
    # a stored model may round its last bit otherwise than a fresh one
    assert_frame_equal(scored, published, abs_tol=1e-12)


def test_scoring_without_a_run_says_how_to_make_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert score.main([]) == 1
    assert "make one with `forecast run`" in capsys.readouterr().err


@pytest.mark.slow
def test_an_mlflow_run_beside_the_folder(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    out = tmp_path / "run"
    words = [w for w in SMALL if not w.startswith("tracking")]
    assert run.main([*words, f"out={out}", "models=[logit]"]) == 0
    run_id = json.loads((out / "run.json").read_text())["run_id"]
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    parent = client.get_run(run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.params["seed"] == "1"
    assert "skill_30d" in parent.data.metrics
    children = client.search_runs(
        [parent.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'"
    )
    names = {child.info.run_name for child in children}
    assert names == {"logit", "base_rate", "age", "trail", "ewma"}
    assert {f.path for f in client.list_artifacts(run_id)} >= FILES | {"charts"}
    charts = {f.path for f in client.list_artifacts(run_id, "charts")}
    assert charts >= {f"charts/{name}.html" for name in ("risk", "skill-30", "years")}
    account = json.loads((out / "run.json").read_text())
    for run_of in [parent, *children]:
        tags = run_of.data.tags
        assert {tags["label"], tags["data_digest"]} == {
            "resumption",
            account["data_digest"],
        }
        assert tags.get("mlflow.source.git.commit") == account["git_commit"]
        assert run_of.data.params["seed"] == "1"
        known = {i.dataset.name: i.dataset.digest for i in run_of.inputs.dataset_inputs}
        assert known == {n: d[:36] for n, d in account["inputs"].items()}
    (logit,) = [child for child in children if child.info.run_name == "logit"]
    assert logit.data.params["model.name"] == "logit"
    assert "models.logit.C" in parent.data.params
    curve = client.get_metric_history(logit.info.run_id, "fold/skill_30d")
    assert [point.step for point in curve] == [2003, 2004, 2005, 2006]
    assert "detail/skill_over_age_30d" in logit.data.metrics
    assert "is" in parent.data.tags["mlflow.note.content"]
    assert set(pl.read_csv(out / "risk_scores.csv")["run_id"]) == {run_id}


@pytest.mark.slow
def test_a_broken_store_costs_no_results(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("this is no database")
    out = tmp_path / "run"
    words = [w for w in LEAST if not w.startswith("tracking")]
    assert run.main([*words, f"out={out}"]) == 0
    notes = json.loads((out / "run.json").read_text())["notes"]
    assert any("MLflow does not know this run" in note for note in notes)


def test_tables_of_ones_own(tmp_path: Path, world: World) -> None:
    """The command of the README, on two CSV files as a user would make them."""
    columns = ["event_id", "date", "kind", "dyad_id", "deaths", "country"]
    world.events.select(columns).write_csv(tmp_path / "events.csv")
    truces = world.truces.select("truce_id", "start", "dyad_id", "country")
    truces.write_csv(tmp_path / "truces.csv")
    words = [
        "events=table",
        f"events.table.path={tmp_path / 'events.csv'}",
        "truces=table",
        f"truces.table.path={tmp_path / 'truces.csv'}",
        "split.first=2004-01-01",
        "models=[logit]",
        "horizons=[7,30]",
        "tracking=none",
        "draws=20",
        "refits=2",
        f"out={tmp_path / 'run'}",
    ]
    assert run.main(words) == 0
    assert pl.read_parquet(tmp_path / "run" / "predictions.parquet").height


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/tour.md"])
def test_documents_name_what_exists(name: str) -> None:
    """Every command's words compose, and every path that is linked is there."""
    text = (ROOT / name).read_text()
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / name).parent / path).exists(), path
    commands = re.findall(
        r"^ +forecast (run|score)((?: +\S+=\S+)*)", text, re.MULTILINE
    )
    for verb, words in commands:
        overrides = [w for w in words.split() if "data_root" not in w]
        sweeps = [w for w in overrides if "],[" in w]
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            assert compose(verb, [w for w in overrides if w not in sweeps])


@pytest.mark.slow
def test_the_real_data_experiment_keeps_the_contract(
    shared: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ["experiments=ged_ethprio", f"data_root={shared / 'data'}", "tracking=none"]
    # all fourteen take three minutes; no check hangs on the number of refits
    words += ["models=[core,hedged]", "refits=3"]
    answer = forecast("run", *words, f"out={out}", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    check = subprocess.run(
        [sys.executable, shared / "checks/contract.py", out, shared / "data"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout
    assert json.loads((out / "run.json").read_text())["peak_memory_mib"] < 1024
