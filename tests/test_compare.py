"""Runs held against each other: laws of the comparison, and what is refused."""

import json
import re
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from pages import assert_fetches_nothing, colours, text
from polars.testing import assert_frame_equal
from strategies import happened

from forecast import metrics
from forecast.align import align, check_data, check_labels
from forecast.commands import compare as command
from forecast.commands import run
from forecast.commands.finished import find
from forecast.compare import GAIN, SKILL, compare
from forecast.differences import differences, flatten, short
from forecast.evaluate import Judge, evaluate
from forecast.raw import InputError
from forecast.report import charts
from forecast.report.compare import Facts, paired_chart, render
from forecast.report.compare_words import headlines, order
from forecast.schema import Comparison, Predictions
from forecast.scored import stratified

ROOT = Path(__file__).parent.parent
SMALL = [
    "world.conflicts=10",
    "world.years=7",
    "first_cutoff='2003-01-01'",
    "refits=1",
    "draws=20",
    "features=[age,recent]",
    "models=[logit]",
    "models@baselines=[base_rate,trail]",
]
SCRIPT = "<script>alert(1)</script>"
FILES = {"comparison.csv", "differences.csv", "compare.html", "run.json"}
DRAWS = {"draws": 60, "level": 0.9, "seed": 3}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on one small world: all features, one left out, and one of another label."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        for name, words in {
            "full": [],
            "bare": ["leave_out=[recent]", "tracking=none"],
        }.items():
            out = home / "outputs" / "built_in" / name
            assert run.main([*SMALL, *words, f"out={out}"]) == 0
    other = copied(out, out.with_name("other")) / "config.yaml"
    other.write_text(other.read_text().replace("floor: 5", "floor: 9"))
    return home


@pytest.fixture(scope="module")
def runs(home: Path) -> Path:
    """Where the folders of the runs lie."""
    return home / "outputs" / "built_in"


@pytest.fixture(scope="module")
def full(runs: Path) -> pl.DataFrame:
    """Every forecast of the run with all features."""
    return pl.read_parquet(runs / "full" / "predictions.parquet")


def of(frame: pl.DataFrame, model: str = "logit") -> pl.DataFrame:
    return frame.filter(pl.col("model") == model)


def held(forecasts: dict[str, pl.DataFrame], **kwargs) -> pl.DataFrame:
    wide, _ = align(forecasts)
    return compare(wide, dict.fromkeys(forecasts, "m"), **(DRAWS | kwargs))


def paired(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("metric").is_in([SKILL, GAIN]))


def copied(source: Path, target: Path, change=None, **account) -> Path:
    """A copy of a run with other forecasts, or another account of itself."""
    shutil.copytree(source, target)
    if change:
        frame = change(pl.read_parquet(target / "predictions.parquet"))
        frame.write_parquet(target / "predictions.parquet")
    told = json.loads((target / "run.json").read_text())
    (target / "run.json").write_text(json.dumps(told | account))
    return target


# ── laws of the comparison ──────────────────────────────────────────────────────


def test_a_run_against_itself_is_not_told_apart(full):
    found = paired(held({"a": of(full), "b": of(full)}))
    assert found.height == 2 * 4
    assert (found["value"] == 0).all()
    assert (found["lower"] == 0).all()
    assert (found["upper"] == 0).all()
    assert found["verdict"].unique().to_list() == ["not told apart from"]


def test_the_better_of_two_is_so_from_both_sides(full):
    there = paired(held({"a": of(full), "b": of(full, "base_rate")}))
    back = paired(held({"a": of(full, "base_rate"), "b": of(full)}))
    assert (there["value"].sign() == -back["value"].sign()).all()
    ours, theirs = (f.filter(pl.col("metric") == GAIN) for f in (there, back))
    for name, other in (("value", "value"), ("lower", "upper"), ("upper", "lower")):
        assert (ours[name] + theirs[other]).abs().max() < 1e-12
    mirror = {"better than": "worse than", "worse than": "better than"}
    assert [mirror.get(v, v) for v in ours["verdict"]] == theirs["verdict"].to_list()
    assert "worse than" in ours["verdict"]


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_means_nothing(full, seed):
    pair = {"a": of(full), "b": of(full, "trail")}
    mixed = {
        name: frame.sample(fraction=1, shuffle=True, seed=seed + i)
        for i, (name, frame) in enumerate(pair.items())
    }
    assert held(mixed).equals(held(pair))


def test_it_agrees_with_the_evaluation_of_two_models_of_one_run(full):
    scores = {"brier": metrics.brier, "log_score": metrics.log_score}
    forecasts = Predictions.validate(full)
    judge = Judge(("trail",), "trail", **DRAWS)
    judged = evaluate(forecasts, happened(forecasts), scores, judge)
    found = held({"trail": of(full, "trail"), "logit": of(full)})
    columns = ["horizon", "metric", "value", "lower", "upper", "n", "n_events"]
    ours = found.filter(pl.col("metric").is_in([SKILL, "brier", "log_score"]))
    theirs = judged.filter(
        pl.col("model") == "logit", pl.col("metric").is_in(ours["metric"].unique())
    )
    assert_frame_equal(
        ours.select(columns), theirs.select(columns), rel_tol=1e-12, abs_tol=0
    )


def test_scores_of_a_third_run_move_no_others(full):
    pair = {"a": of(full), "b": of(full, "trail")}
    three = held({**pair, "c": of(full, "base_rate")})
    assert three.filter(pl.col("run") == "b").equals(held(pair))


def test_the_gain_is_the_difference_of_the_log_scores(full):
    found = held({"a": of(full), "b": of(full, "trail")}).pivot(
        on="metric", index="horizon", values="value"
    )
    gain = found["reference_log_score"] - found["log_score"]
    assert (found[GAIN] - gain).abs().max() < 1e-12
    skill = 1 - found["brier"] / found["reference_brier"]
    assert (found[SKILL] - skill).abs().max() < 1e-12


def test_a_stratum_scores_its_own_rows(full):
    pair = {"a": of(full), "b": of(full, "trail")}
    wide, _ = align(pair)
    first = pl.col("origin") < pl.date(2005, 1, 1)
    strata = (
        wide.select("truce_id", "origin")
        .unique()
        .with_columns(
            half=pl.when(first).then(pl.lit("early")).otherwise(pl.lit("late")),
            size=pl.when(pl.col("origin") == wide["origin"].min()).then(pl.lit("rare")),
        )
    )
    found = compare(stratified(wide, strata), dict.fromkeys("ab", "m"), **DRAWS)
    assert found.filter(pl.col("stratum") == "all").equals(held(pair))
    early = {name: part.filter(first) for name, part in pair.items()}
    ours = found.filter(pl.col("stratum") == "half: early").drop("stratum")
    scored = ours["value"].is_not_null()
    assert scored.any()
    alone = held(early).drop("stratum").filter(scored)
    assert_frame_equal(ours.filter(scored), alone, rel_tol=1e-9)
    n = paired(found).pivot(on="stratum", index=["horizon", "metric"], values="n")
    assert (n["half: early"] + n["half: late"]).equals(n["all"])
    rare = found.filter(pl.col("stratum") == "size: rare")
    assert rare["value"].null_count() == rare.height > 0
    assert set(paired(rare)["verdict"]) == {"not scored"}


def test_runs_are_compared_in_the_strata_of_the_reference(runs, tmp_path):
    out = tmp_path / "compared"
    words = [str(runs / "full"), str(runs / "bare"), f"out={out}", "tracking=none"]
    assert command.main([*words, "model=trail", "draws=50"]) == 0
    kinds = pl.read_parquet(runs / "full" / "strata.parquet").drop("truce_id", "origin")
    # a kind with one stratum only divides nothing
    divide = [kind for kind in kinds.columns if kinds[kind].n_unique() > 1]
    assert len(divide) > 3
    strata = pl.read_csv(out / "comparison.csv")["stratum"]
    found = set(strata.str.split(": ").list.first())
    assert found == {"all", *divide}
    assert "In parts of the rows" in (out / "compare.html").read_text()
    old = copied(runs / "full", tmp_path / "old")
    (old / "strata.parquet").unlink()
    again = [str(old), str(runs / "bare"), f"out={tmp_path / 'again'}", "tracking=none"]
    assert command.main(again) == 0
    assert set(pl.read_csv(tmp_path / "again" / "comparison.csv")["stratum"]) == {"all"}
    assert "has no strata" in (tmp_path / "again" / "compare.html").read_text()


def test_one_dyad_makes_no_interval(full):
    one = full.filter(pl.col("dyad_id") == full["dyad_id"][0])
    found = paired(held({"a": of(one), "b": of(one, "base_rate")}))
    assert found["lower"].null_count() == found["upper"].null_count() == found.height
    assert set(found["verdict"]) <= {"not told apart from", "not scored"}


def test_without_a_known_outcome_nothing_is_scored(full):
    none = full.with_columns(outcome=pl.lit(None, pl.Int8), weight=pl.lit(0.0))
    found = paired(held({"a": of(none), "b": of(none, "trail")}))
    assert found["verdict"].unique().to_list() == ["not scored"]
    assert found["n"].sum() == 0


# ── what may be compared ────────────────────────────────────────────────────────


def test_other_labels_are_named_with_their_settings():
    ours = {"label": "resumption", "collapse": {"floor": 5, "share": 0.5}}
    with pytest.raises(InputError) as refused:
        check_labels({"a": ours, "b": ours, "c": {**ours, "collapse": {"floor": 9}}})
    assert str(refused.value) == (
        "labels differ from that of a: c: collapse.floor is 9, not 5, collapse.share "
        "is (not there), not 0.5. Runs of different labels forecast different things "
        "and are never compared; labels=any sets them side by side, each against its "
        "own baseline"
    )
    with pytest.raises(InputError, match=r"c: label is first_fatal, not resumption\."):
        check_labels({"a": ours, "c": {"label": "first_fatal", "collapse": {}}})


def test_other_data_are_named_wherever_they_lie():
    ours = {"/x/ged.csv": "1", "/x/truces.csv": "2"}
    theirs = {"/y/truces.csv": "3", "/y/ged.csv": "1"}
    moved = {"/y/ged.csv": "1", "/z/truces.csv": "2"}
    assert check_data({"a": ours, "b": moved}) == []
    with pytest.raises(InputError) as refused:
        check_data({"a": ours, "b": theirs, "c": moved})
    assert str(refused.value) == (
        "data differ from those of a: b: 1 of 2 inputs (truces.csv). overlap=true "
        "compares the rows in common, if their outcomes agree"
    )
    assert check_data({"a": ours, "b": theirs}, overlap=True) == [
        "other data than a: b: 1 of 2 inputs (truces.csv)"
    ]


def test_other_rows_are_counted(full):
    ours = of(full).sort("truce_id", "origin", "horizon")
    n = ours.height
    with pytest.raises(InputError) as refused:
        align({"a": ours.head(n - 5), "b": ours.tail(n - 3), "c": ours.head(n - 5)})
    assert str(refused.value) == (
        f"rows differ from the {n - 5:,} of a: b lacks 3 of them and has 5 others. "
        "overlap=true compares the rows in common"
    )
    wide, notes = align({"a": ours.head(n - 5), "b": ours.tail(n - 3)}, overlap=True)
    assert wide.height == n - 8
    assert notes == [
        f"{n - 8:,} rows are in common and compared, out of {n - 5:,} of a, "
        f"{n - 3:,} of b"
    ]
    with pytest.raises(InputError, match="no row of a is in common with b"):
        align({"a": ours.head(5), "b": ours.tail(5)}, overlap=True)


@pytest.mark.parametrize("overlap", [False, True])
def test_outcomes_that_disagree_are_refused_with_an_example(full, overlap):
    ours = of(full).sort("truce_id", "origin", "horizon")
    first = ours.filter(pl.col("outcome") == 0).row(0, named=True)
    here = (
        (pl.col("truce_id") == first["truce_id"])
        & (pl.col("origin") == first["origin"])
        & (pl.col("horizon") == first["horizon"])
    )
    theirs = ours.with_columns(
        outcome=pl.when(here).then(pl.lit(1, pl.Int8)).otherwise("outcome")
    )
    with pytest.raises(InputError) as refused:
        align({"a": ours, "b": theirs}, overlap=overlap)
    assert str(refused.value) == (
        f"outcomes disagree with those of a: b: 1 of {ours.height:,} rows in common, "
        f"such as truce {first['truce_id']} on {first['origin']} within "
        f"{first['horizon']} days: 1, not 0. Such runs cannot be compared"
    )


def test_an_outcome_that_one_run_knows_is_used_only_where_rows_may_differ(full):
    ours = of(full)
    known = pl.col("outcome").is_not_null()
    late = known & (pl.col("origin") > pl.date(2006, 1, 1))
    theirs = ours.with_columns(
        outcome=pl.when(late).then(None).otherwise("outcome"),
        weight=pl.when(late).then(0.0).otherwise("weight"),
    )
    n = ours.filter(late).height
    assert n
    with pytest.raises(InputError, match=rf"b: {n:,} of .* unknown, not [01]"):
        align({"a": ours, "b": theirs})
    wide, notes = align({"a": ours, "b": theirs}, overlap=True)
    assert wide["outcome"].is_not_null().sum() == ours["outcome"].is_not_null().sum()
    assert notes == [
        f"the outcome of {n:,} rows is known to only one of a and b; what a knows is "
        "used"
    ]


def test_weights_that_differ_are_refused_or_said(full):
    ours = of(full)
    known = ours.filter(pl.col("weight") > 0).height
    theirs = ours.with_columns(pl.col("weight") * 1.5)
    with pytest.raises(InputError, match=rf"b: weights of {known:,} of .* by up to 0"):
        align({"a": ours, "b": theirs})
    wide, notes = align({"a": ours, "b": theirs}, overlap=True)
    assert wide["weight"].max() == ours["weight"].max()
    assert re.fullmatch(
        r"weights are those of a; of b: .* differ by up to 0\.5\d*", *notes
    )
    rounded = ours.with_columns(pl.col("weight") * (1 + 1e-12))
    assert align({"a": ours, "b": rounded})[1] == []


# ── configurations ──────────────────────────────────────────────────────────────


leaves = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("xyz")
configs = st.dictionaries(
    st.sampled_from("abc"),
    leaves | st.dictionaries(st.sampled_from("def"), leaves, min_size=1),
    max_size=3,
)


@given(configs, configs)
def test_differences_are_all_of_them_and_turn_around(one, two):
    there, back = differences(one, two), differences(two, one)
    assert there == {key: (ours, theirs) for key, (theirs, ours) in back.items()}
    mended = flatten(one) | {k: v for k, (_, v) in there.items() if v is not None}
    gone = {k for k, (_, v) in there.items() if v is None}
    assert {k: v for k, v in mended.items() if k not in gone} == flatten(two)
    assert bool(short(one, two)) == bool(there)


def test_a_short_label_says_the_cause_and_not_what_follows():
    full = {
        "name": "x",
        "seed": 1,
        "leave_out": [],
        "world": {"years": 5},
        "events": {"simulated": {"years": 5}},
        "features": {"age": {"_target_": "a"}, "kinds": {"_target_": "k", "days": 7}},
    }
    less = {"age": full["features"]["age"]}
    assert short(full, full | {"name": "y", "question": "?"}) == ""
    assert short(full, full | {"leave_out": ["kinds"], "features": less}) == (
        "leave_out=[kinds]"
    )
    assert short(full, full | {"features": less}) == "without features.kinds"
    assert short(full | {"features": less}, full) == "with features.kinds"
    longer = {"world": {"years": 9}, "events": {"simulated": {"years": 9}}}
    assert short(full, full | longer) == "world.years=9"
    many = full | longer | {"seed": 2, "features": less, "leave_out": None}
    assert short(full, many) == "leave_out=null + seed=2 + 2 more"
    assert len(short(full, full | {"leave_out": "k" * 99})) == 36


# ── the command ─────────────────────────────────────────────────────────────────


def test_a_comparison_leaves_a_folder_a_page_and_a_table(runs, tmp_path, capsys):
    out = tmp_path / "to" / "out"
    words = [str(runs / "full"), str(runs / "bare"), "tracking=none", f"out={out}"]
    assert command.main(words) == 0
    assert {p.name for p in out.iterdir()} == FILES
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    found = pl.read_csv(out / "comparison.csv")
    assert found.columns == Comparison.column_names()
    found = Comparison.validate(found, cast=True)
    assert found.equals(found.sort(Comparison.primary_key()))
    assert found["run"].unique().to_list() == ["built_in/bare"]
    assert "all" in found["stratum"]
    said = capsys.readouterr()
    assert "Skill over built_in/full (logit)" in said.out
    assert "built_in/bare (leave_out=[recent]) is " in said.out
    assert str(out / "compare.html") in said.out
    assert not said.err
    settings_ = pl.read_csv(out / "differences.csv")
    assert settings_.rows() == [
        ("built_in/bare", "leave_out=[recent]", "leave_out", "[]", '["recent"]')
    ]
    account = json.loads((out / "run.json").read_text())
    assert account["command"].startswith(f"forecast compare {runs / 'full'} ")
    assert [r["name"] for r in account["runs"]] == ["built_in/full", "built_in/bare"]


def test_the_same_command_twice_gives_the_same_figures(runs, tmp_path):
    for name in ("one", "two"):
        words = [str(runs / "full"), str(runs / "bare"), "tracking=none"]
        assert command.main([*words, f"out={tmp_path / name}"]) == 0
    one, two = (tmp_path / n / "comparison.csv" for n in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_all_compares_what_the_runs_share_and_shows_what_differs(
    runs, tmp_path, capsys
):
    out = tmp_path / "out"
    words = [str(runs / "full"), str(runs / "bare"), "model=all", "tracking=none"]
    assert command.main([*words, f"out={out}"]) == 0
    found = pl.read_csv(out / "comparison.csv")
    assert set(found["model"]) == {"logit", "trail", "base_rate"}
    said = capsys.readouterr().out
    assert "base_rate and trail forecast the same in every run" in said
    assert "(trail)" not in said


def test_a_run_against_itself_says_so(runs, tmp_path, capsys):
    words = [str(runs / "full")] * 2
    assert command.main([*words, "tracking=none", f"out={tmp_path / 'out'}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "built_in/full (2) is not told apart from the reference at 7, 14, 30" in said
    assert "logit of built_in/full (2) forecasts just as the reference does" in said
    assert "configurations are the same" in (tmp_path / "out/compare.html").read_text()


@pytest.mark.parametrize("words", [[], ["one"], ["one", "seed=2"], ["--cfg", "job"]])
def test_fewer_than_two_runs_are_told_what_to_type(words, capsys):
    assert command.main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("forecast compare: expected two runs or more, not ")
    assert "forecast compare RUN RUN [RUN]... [KEY=VALUE]..." in said


def test_help_says_what_it_takes(capsys):
    assert command.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("forecast compare RUN RUN [RUN]")
    assert "model, overlap, draws, level, seed, out" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bare", "sede=1"], 2, "sede"),
        (["bare", "tracking=nowhere"], 2, "there are: none, server, sqlite"),
        (["bare", "draws=0"], 1, "draws=0: expected a whole number from 1 on"),
        (["bare", "level=2"], 1, "level=2: expected a share"),
        (["bare", "overlap=maybe"], 1, "overlap=maybe: expected true or false"),
        (["bare", "model=cox"], 1, "no forecasts of the model cox; there are: logit, "),
        (["other"], 1, "built_in/other: collapse.floor is 9, not 5"),
        (["other", "overlap=true"], 1, "never compared"),
        (["nowhere"], 1, "nowhere: no such folder, nor the id of a run in MLflow"),
        (["."], 1, "not the folder of a finished run: run.json, config.yaml, "),
    ],
)
def test_what_cannot_be_compared(
    runs, tmp_path, monkeypatch, capsys, words, code, said
):
    monkeypatch.chdir(runs)
    words = ["full", *words, f"out={tmp_path / 'out'}", "tracking=none"]
    # a later choice of the same group wins
    assert command.main(sorted(words, key=lambda w: w == "tracking=nowhere")) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert not captured.out
    assert not list(tmp_path.rglob("*"))


def test_a_folder_that_is_there_is_refused(runs, tmp_path, capsys):
    words = [str(runs / "full"), str(runs / "bare"), f"out={tmp_path}"]
    assert command.main([*words, "tracking=none"]) == 1
    assert "already there" in capsys.readouterr().err


def test_other_data_and_rows_only_with_overlap(runs, tmp_path, capsys):
    fewer = copied(
        runs / "full",
        tmp_path / "x" / "fewer",
        lambda frame: frame.filter(pl.col("origin") < pl.date(2006, 1, 1)),
        inputs={"events.simulated": "0", "truces.simulated": "1"},
    )
    words = [str(runs / "full"), str(fewer), "tracking=none"]
    assert command.main(words) == 1
    assert "x/fewer: 2 of 2 inputs (events.simulated" in capsys.readouterr().err
    out = tmp_path / "out"
    assert command.main([*words, "overlap=true", f"out={out}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "other data than built_in/full: x/fewer: 2 of 2 inputs" in said
    assert "rows are in common and compared, out of" in said
    assert "rows are in common" in (out / "compare.html").read_text()


def test_a_file_that_is_broken_is_named(runs, tmp_path, capsys):
    broken = copied(runs / "full", tmp_path / "x" / "broken")
    (broken / "predictions.parquet").write_text("no table")
    assert command.main([str(runs / "full"), str(broken), "tracking=none"]) == 1
    assert f"{broken}: cannot be read" in capsys.readouterr().err
    (broken / "run.json").write_text("{")
    assert command.main([str(runs / "full"), str(broken), "tracking=none"]) == 1
    assert "run.json: not the account of a run" in capsys.readouterr().err


def test_a_folder_with_signs_in_its_name(runs, tmp_path):
    odd = copied(runs / "bare", tmp_path / "it's a=b, [c]" / "1")
    words = [str(runs / "full"), str(odd), "tracking=none", f"out={tmp_path / 'out'}"]
    assert command.main(words) == 0
    assert "it&#39;s a=b, [c]/1" in (tmp_path / "out" / "compare.html").read_text()


def test_a_disk_that_fills_up_leaves_nothing(runs, tmp_path, capsys):
    out = tmp_path / "to" / "out"
    words = [str(runs / "full"), str(runs / "bare"), "tracking=none", f"out={out}"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # room for the tables, not for the page
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        assert command.main(words) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(out.parent.iterdir())
    assert "File too large" in capsys.readouterr().err


# ── MLflow ──────────────────────────────────────────────────────────────────────


def test_a_comparison_in_mlflow_by_the_id_of_a_run(home, runs, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("FORECAST_HOME", str(home))
    reference = json.loads((runs / "full" / "run.json").read_text())["run_id"]
    out = tmp_path / "out"
    assert command.main([reference, str(runs / "bare"), f"out={out}"]) == 0
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name("built_in").experiment_id
    (found,) = client.search_runs([experiment], "tags.kind = 'comparison'")
    assert found.info.status == "FINISHED"
    assert found.data.tags["reference"] == reference
    assert found.data.params["reference"] == "built_in/full"
    assert found.data.params["seed"] == "1"
    skill = pl.read_csv(out / "comparison.csv").filter(
        pl.col("metric") == SKILL, pl.col("horizon") == 30, pl.col("stratum") == "all"
    )
    assert found.data.metrics["skill_30d"] == skill["value"][0]
    assert found.data.metrics["skill_30d_lower"] == skill["lower"][0]
    assert {f.path for f in client.list_artifacts(found.info.run_id)} == FILES


def test_several_runs_are_child_runs(home, runs, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("FORECAST_HOME", str(home))
    twin = copied(runs / "full", tmp_path / "x" / "twin", name="several")
    words = [str(twin), str(runs / "full"), str(runs / "bare")]
    assert command.main([*words, f"out={tmp_path / 'out'}"]) == 0
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name("several").experiment_id
    (parent,) = client.search_runs([experiment], "tags.kind = 'comparison'")
    children = client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    assert {c.info.run_name for c in children} == {
        "built_in/full, logit",
        "leave_out=[recent], logit",
    }
    assert all("skill_30d" in child.data.metrics for child in children)
    assert not parent.data.metrics


def test_a_run_whose_folder_is_gone_is_found_in_the_store(home, runs, tmp_path):
    kept = json.loads((runs / "full" / "run.json").read_text())["run_id"]
    uri = f"sqlite:///{home}/mlflow.db"
    (found,) = find([kept], tmp_path, uri)
    assert found.name == f"built_in/{kept[:8]}"
    assert found.predictions.equals(
        find([str(runs / "full")], tmp_path, None)[0].predictions
    )
    with pytest.raises(InputError, match="no run of this id under"):
        find([kept], tmp_path, None)
    with pytest.raises(InputError, match="there is no MLflow store"):
        find([kept], tmp_path, f"sqlite:///{tmp_path}/none.db")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="has no files of it"):
        find(["0" * 32], tmp_path, uri)


def test_the_model_of_a_run_is_no_run(home, runs, tmp_path):
    from mlflow import MlflowClient

    uri = f"sqlite:///{home}/mlflow.db"
    client = MlflowClient(uri)
    kept = json.loads((runs / "full" / "run.json").read_text())["run_id"]
    experiment = client.get_experiment_by_name("built_in").experiment_id
    child = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{kept}'")[
        0
    ].info
    said = f"it is the model {child.run_name} of the run {kept}; name that run"
    with pytest.raises(InputError, match=said):
        find([child.run_id], tmp_path, uri)


def test_a_broken_store_costs_no_comparison(runs, tmp_path, capsys):
    (tmp_path / "mlflow.db").write_text("this is no database")
    out = tmp_path / "out"
    words = [str(runs / "full"), str(runs / "bare"), f"out={out}"]
    assert command.main(words) == 0
    assert "MLflow does not know this comparison" in capsys.readouterr().out
    assert {p.name for p in out.iterdir()} == FILES


# ── the page ────────────────────────────────────────────────────────────────────


def comparison(cells, model="logit", horizons=(7, 30)):
    """A comparison in which every run has its (value, lower, upper) everywhere."""
    rows = [
        {
            "run": name,
            "model": model,
            "reference": "full/1",
            "reference_model": model,
            "horizon": horizon,
            "stratum": "all",
            "metric": metric,
            **dict(zip(("value", "lower", "upper"), cell, strict=True)),
            "n": 100,
            "n_events": 20,
            "verdict": said if metric in (SKILL, GAIN) else None,
        }
        for name, (said, *cell) in cells.items()
        for horizon in horizons
        for metric in (
            "brier",
            "log_score",
            "reference_brier",
            "reference_log_score",
            SKILL,
            GAIN,
        )
    ]
    return Comparison.validate(pl.DataFrame(rows, infer_schema_length=None), cast=True)


CELLS = {
    "r/a": ("better than", 0.05, 0.01, 0.1),
    "r/b": ("worse than", -0.2, -0.3, -0.1),
    "r/c": ("not told apart from", 0.01, -0.1, 0.1),
    "r/d": ("not scored", None, None, None),
}
FACTS = Facts(
    reference="full/1",
    label="resumption",
    titles={name: f"leave_out={name[-1]} {SCRIPT}" for name in CELLS},
    runs=[
        {
            "name": name,
            "title": SCRIPT,
            "model": "logit",
            "rows": 200,
            "run_id": "0123456789",
            "finished": "2026-01-01T10:00:00",
            "git_commit": "",
            "config_digest": "",
        }
        for name in ("full/1", *CELLS)
    ],
    differences={name: {"leave_out": (None, SCRIPT)} for name in CELLS},
    rows="20 origins",
    notes=(SCRIPT,),
    run={"command": f"forecast compare {SCRIPT}"},
)


def test_the_page_fetches_nothing_and_escapes_every_text():
    page = render(comparison(CELLS, model=SCRIPT), FACTS)
    assert SCRIPT not in page
    assert SCRIPT in text(page)
    assert_fetches_nothing(page)


def test_every_colour_of_a_chart_has_its_counterpart_in_the_dark():
    page = render(comparison(CELLS), FACTS)
    used, dark = colours(page)
    assert used
    assert used <= dark


def test_equal_input_gives_equal_bytes_in_any_order():
    found = comparison(CELLS)
    mixed = found.sample(fraction=1, shuffle=True, seed=1)
    assert render(found, FACTS) == render(mixed, FACTS)


def test_the_page_says_no_more_than_the_verdicts():
    facts = replace(FACTS, titles={name: name for name in CELLS})
    said = text(render(comparison(CELLS), facts))
    assert (
        "Of 4 runs, at 30 days 1 is better than the reference (r/a), 1 is worse (r/b), "
        "1 is not told apart and 1 is not scored. At 7 days 1 is better and 1 worse."
    ) in said


def test_a_single_run_is_said_with_its_figures():
    found = comparison({"r/b": CELLS["r/b"]})
    assert headlines(found, {"r/b": "seed=2"}) == [
        "r/b (seed=2) is worse than the reference at 7 and 30 days. At 30 days its "
        "error (Brier score) is 20.0% larger than that of the reference (90% interval: "
        "30.0% larger to 10.0% larger)."
    ]
    none = headlines(comparison({"r/d": CELLS["r/d"]}), {"r/d": "r/d"})
    assert none == ["r/d is not scored at 7 and 30 days."]


def test_a_sweep_of_twelve_is_twelve_rows_in_one_order():
    cells = {f"s/{i}": ("worse than", -i / 100, -0.2, -0.001) for i in range(1, 13)}
    found = comparison(cells)
    assert order(found) == [f"s/{i}" for i in range(1, 13)]
    titles = {name: f"leave_out={name[2:]}" for name in cells}
    facts = replace(FACTS, titles=titles, differences={name: {} for name in cells})
    page = render(found, facts)
    for drawn in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        labels = re.findall(r">(\d+)\. leave_out=(\d+)<", drawn)
        assert labels == [(str(i), str(i)) for i in range(1, 13)]
    assert "Of 24 intervals of 90%, some 2 would leave 0 out" in text(page)


def test_the_chart_holds_what_has_no_width():
    table = pl.DataFrame(
        {
            "title": ["a", "b"],
            "horizon": [30, 30],
            "value": [0.0, None],
            "lower": [0.0, None],
            "upper": [0.0, None],
            "verdict": ["not told apart from", "not scored"],
        }
    )
    drawn = charts.svg(paired_chart(table, 30), "chart")
    assert ">a<" in drawn
    assert ">b<" in drawn  # a run without a score keeps its row
    assert "NaN" not in drawn


def test_a_saved_configuration_is_compared_without_its_places(runs):
    config = OmegaConf.to_container(OmegaConf.load(runs / "full" / "config.yaml"))
    (found,) = find([str(runs / "full")], runs, None)
    assert found.config == config
    assert found.models()[0] == "logit"
