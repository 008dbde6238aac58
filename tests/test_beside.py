"""Runs of different labels side by side: what is shown, scored, and never paired."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import assert_fetches_nothing, colours, text

from forecast.beside import FEWEST, judged
from forecast.commands import compare as command
from forecast.commands import run
from forecast.report import charts
from forecast.report.beside import Facts, beside_chart, placed, render
from forecast.report.beside_words import headlines
from forecast.schema import Beside, Metrics, Predictions

ROOT = Path(__file__).parent.parent
SMALL = [
    "world.conflicts=16",
    "world.years=8",
    "first_cutoff='2003-01-01'",
    "refits=1",
    "draws=20",
    "features=[age,recent]",
    "models=[logit]",
    "models@baselines=[base_rate,trail]",
]
SCRIPT = "<script>alert(1)</script>"
FILES = {"beside.csv", "differences.csv", "beside.html", "run.json"}
RULES = ("resumption", "violations", "declared")
ORDER = ["horizon", "model"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small world under three rules."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        for rule in RULES:
            out = home / "outputs" / "built_in" / rule
            words = [*SMALL, f"collapse={rule}", f"out={out}", "tracking=none"]
            assert run.main(words) == 0
    return home


@pytest.fixture(scope="module")
def runs(home: Path) -> dict[str, str]:
    """Folder of the run under each rule."""
    return {rule: str(home / "outputs" / "built_in" / rule) for rule in RULES}


def read(folder: str) -> tuple[dy.DataFrame[Metrics], dy.DataFrame[Predictions]]:
    return (
        Metrics.validate(pl.read_csv(f"{folder}/metrics.csv"), cast=True),
        Predictions.validate(pl.read_parquet(f"{folder}/predictions.parquet")),
    )


def told(folder: str, **kwargs: Any) -> dy.DataFrame[Beside]:
    return judged(*read(folder), run="a", label="b", baseline="trail", **kwargs)


# ── laws ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rule", RULES)
def test_every_figure_is_the_runs_own(runs: dict[str, str], rule: str) -> None:
    metrics, predictions = read(runs[rule])
    cell = {
        (r["model"], r["horizon"], r["metric"]): r
        for r in metrics.filter(pl.col("stratum") == "all").iter_rows(named=True)
    }
    found = told(runs[rule], fewest=0)
    assert found.height == 3 * 4
    for row in found.iter_rows(named=True):
        own = {m: cell.get((row["model"], row["horizon"], m)) for m in METRICS}
        for metric, of in own.items():
            assert row[metric] == (of and of["value"])
        assert (row["n"], row["n_events"]) == (
            own["brier"]["n"],
            own["brier"]["n_events"],
        )
        if row["model"] != "trail":
            assert row["lower"] == own["skill"]["lower"]
            assert row["upper"] == own["skill"]["upper"]
        truces = {
            p["truce_id"]
            for p in predictions.iter_rows(named=True)
            if p["horizon"] == row["horizon"] and p["outcome"] == 1
        }
        assert row["collapses"] == len(truces)


METRICS = ("brier", "skill", "prevalence")


def test_a_sum_of_breaches_is_scored_where_breaches_are_coded(
    runs: dict[str, str],
) -> None:
    """The rule without deaths, on the world that has coded violations."""
    found = told(runs["violations"])
    assert found["scored"].all()
    assert found["collapses"].min() >= FEWEST
    assert found["skill"].null_count() == 4  # the baseline's own


@pytest.mark.parametrize("fewest", [0, 5, 20, 40, 10_000])
def test_too_few_collapses_leave_counts_alone(
    runs: dict[str, str], fewest: int
) -> None:
    whole, found = (
        told(runs["resumption"], fewest=0),
        told(runs["resumption"], fewest=fewest),
    )
    counts = [*ORDER, "prevalence", "n", "n_events", "collapses"]
    assert found.select(counts).sort(ORDER).equals(whole.select(counts).sort(ORDER))
    assert found["scored"].equals(found["collapses"] >= fewest)
    few = found.filter(~pl.col("scored"))
    figures = ["brier", "rank", "skill", "lower", "upper"]
    assert few.select(figures).null_count().row(0) == (few.height,) * 5
    kept = found.filter("scored").sort(ORDER)
    assert kept.drop("scored").equals(
        whole.join(kept, on=ORDER, how="semi").sort(ORDER).drop("scored")
    )


briers = st.lists(st.sampled_from([0.1, 0.2, 0.2, 0.3, None]), min_size=1, max_size=6)


@settings(max_examples=60, database=None)
@given(briers, st.lists(st.booleans(), min_size=6, max_size=6), st.randoms())
def test_the_place_is_one_more_than_the_better_models(
    scores: list[float | None], whole: list[bool], chance: Any
) -> None:
    """Of models that forecast every row; the others have no place."""
    rows = [
        {"model": f"m{i}", "metric": metric, "value": value}
        | {"n": 100 if whole[i] or not i else 90, "n_events": 9}
        for i, brier in enumerate(scores)
        for metric, value in (("brier", brier), ("prevalence", 0.1))
    ]
    chance.shuffle(rows)
    found = judged(metrics(rows), collapsing(40), run="a", label="b", baseline="trail")
    for row in found.iter_rows(named=True):
        rivals = [
            b for i, b in enumerate(scores) if b is not None and (whole[i] or not i)
        ]
        brier, full = row["brier"], row["n"] == 100
        better = sum(b < brier for b in rivals) if brier is not None else 0
        assert row["rank"] == (1 + better if brier is not None and full else None)


def metrics(rows: list[dict[str, Any]]) -> dy.DataFrame[Metrics]:
    filled = [
        {"horizon": 30, "stratum": "all", "lower": None, "upper": None} | r
        for r in rows
    ]
    frame = pl.DataFrame(filled, infer_schema_length=None)
    return Metrics.validate(frame.select(Metrics.column_names()), cast=True)


def collapsing(truces: int) -> dy.DataFrame[Predictions]:
    """Two forecasts before the collapse of each truce."""
    frame = pl.DataFrame(
        {"truce_id": [f"t{i}" for i in range(truces)] * 2}
    ).with_columns(
        model=pl.lit("m0"),
        cutoff=pl.date(2000, 1, 1),
        origin=pl.date(2000, 1, 1)
        + pl.duration(days=7 * (pl.int_range(pl.len()) // truces)),
        horizon=30,
        conflict_id=pl.lit("c"),
        dyad_id=pl.lit("d"),
        risk=0.5,
        outcome=1,
        weight=1.0,
    )
    return Predictions.validate(frame.select(Predictions.column_names()), cast=True)


def test_what_else_was_scored_is_left_aside(runs: dict[str, str]) -> None:
    """Strata of a run, and metrics that nobody asks for here, move nothing."""
    found, predictions = read(runs["resumption"])
    whole = found.filter(pl.col("stratum") == "all")
    more = whole.with_columns(stratum=pl.lit("moon: full"), value=0.5)
    both = Metrics.validate(
        pl.concat([found, more]).sample(fraction=1, shuffle=True, seed=1)
    )
    same = judged(both, predictions, run="a", label="b", baseline="trail")
    assert same.equals(told(runs["resumption"]))


# ── the command ─────────────────────────────────────────────────────────────────


def test_runs_of_three_labels_leave_a_folder_a_page_and_a_table(
    runs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "to" / "out"
    words = [*runs.values(), "labels=any", "tracking=none", f"out={out}"]
    assert command.main(words) == 0
    assert {p.name for p in out.iterdir()} == FILES
    found = pl.read_csv(out / "beside.csv")
    assert found.columns == Beside.column_names()
    found = Beside.validate(found, cast=True)
    assert found["label"].unique(maintain_order=True).to_list() == list(RULES)
    said = capsys.readouterr()
    assert not said.err
    for rule in RULES:
        assert f"\n{rule} " in said.out
    assert "Under resumption" in said.out
    assert "better than the reference" not in said.out
    # each run as it would be alone: nothing is paired
    for rule, folder in runs.items():
        own = found.filter(pl.col("label") == rule)
        alone = told(folder).drop("run", "label")
        assert own.drop("run", "label").equals(alone)
    rules = pl.read_csv(out / "differences.csv").filter(
        pl.col("key") == "collapse._target_"
    )
    assert rules["value"].to_list() == [
        f"forecast.collapse.{rule}" for rule in RULES[1:]
    ]
    account = json.loads((out / "run.json").read_text())
    assert (account["labels"], account["fewest"]) == ("any", FEWEST)
    assert [r["label"] for r in account["runs"]] == list(RULES)


def test_a_label_with_few_collapses_is_shown_in_the_terminal_too(
    runs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "x" / "few"
    shutil.copytree(runs["declared"], few)
    kept = pl.read_parquet(few / "predictions.parquet")
    first = kept.filter(pl.col("outcome") == 1)["truce_id"].unique().sort().head(29)
    quiet = ~pl.col("truce_id").is_in(first.to_list()) & (pl.col("outcome") == 1)
    outcome = pl.when(quiet).then(pl.lit(0, pl.Int8)).otherwise("outcome")
    kept.with_columns(outcome.alias("outcome")).write_parquet(
        few / "predictions.parquet"
    )
    words = [runs["resumption"], str(few), "labels=any", "tracking=none"]
    assert command.main([*words, f"out={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"\ndeclared( +29 collapses){4}", said)
    assert re.search(r"\n  not scored", said)
    assert "declared is shown and not scored at 7, 14, 30 and 90 days: 29, 29" in said


def test_labels_are_still_not_compared(
    runs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*runs.values(), "tracking=none", f"out={tmp_path / 'out'}"]
    assert command.main(words) == 1
    assert "are never compared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("labels=some", "labels=some: expected same or any"),
        ("labels=null", "labels=None: expected same or any"),
        ("model=logit", "model=logit: labels=any pairs nothing"),
        ("overlap=true", "overlap=True: labels=any pairs nothing"),
    ],
)
def test_settings_that_have_no_use_are_refused(
    runs: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    word: str,
    said: str,
) -> None:
    words = [*runs.values(), "labels=any", word, "tracking=none"]
    assert command.main([*words, f"out={tmp_path / 'out'}"]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("*"))


def test_two_runs_of_one_label_are_told_apart_by_their_settings(
    runs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And data that differ are said, though nothing is refused for it."""
    other = tmp_path / "x" / "stricter"
    shutil.copytree(runs["resumption"], other)
    config = other / "config.yaml"
    config.write_text(config.read_text().replace("floor: 5", "floor: 9"))
    kept = json.loads((other / "run.json").read_text())
    kept |= {"inputs": {"events.simulated": "0"}, "git_commit": "0" * 40}
    (other / "run.json").write_text(json.dumps(kept))
    out = tmp_path / "out"
    words = [runs["resumption"], str(other), "labels=any", "tracking=none"]
    assert command.main([*words, f"out={out}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "resumption floor=9" in said
    assert "other data than built_in/resumption: x/stricter: 2 of 2 inputs" in said
    assert "made with another commit than built_in/resumption: x/stricter" in said


@pytest.mark.parametrize("broken", [None, "no table", "model,horizon\na,b\n"])
def test_metrics_that_cannot_be_read_are_named(
    runs: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    broken: str | None,
) -> None:
    other = tmp_path / "x" / "other"
    shutil.copytree(runs["declared"], other)
    file = other / "metrics.csv"
    file.unlink()
    if broken:
        file.write_text(broken)
    words = [runs["resumption"], str(other), "labels=any", "tracking=none"]
    assert command.main([*words, f"out={tmp_path / 'out'}"]) == 1
    said = capsys.readouterr().err
    assert f"{file}: cannot be read" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_it_is_filed_as_comparisons_are(
    home: Path, runs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("FORECAST_HOME", str(home))
    out = tmp_path / "out"
    assert command.main([*runs.values(), "labels=any", f"out={out}"]) == 0
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    experiment = client.get_experiment_by_name("built_in").experiment_id
    (parent,) = client.search_runs([experiment], "tags.kind = 'comparison'")
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["label"] == ",".join(RULES)
    assert parent.data.params["labels"] == "any"
    assert {f.path for f in client.list_artifacts(parent.info.run_id)} == FILES
    children = client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    named = {child.info.run_name: child.data.metrics for child in children}
    models = ("logit", "base_rate", "trail")
    assert set(named) == {f"{rule}, {model}" for rule in RULES for model in models}
    found = pl.read_csv(out / "beside.csv").filter(
        pl.col("label") == "resumption", pl.col("model") == "logit"
    )
    for row in found.filter("scored").iter_rows(named=True):
        own, days = named["resumption, logit"], f"{row['horizon']}d"
        assert own[f"skill_{days}"] == row["skill"]
        assert own[f"skill_{days}_lower"] == row["lower"]
        assert own[f"rank_{days}"] == row["rank"]
        assert own[f"collapses_{days}"] == row["collapses"]


# ── the page ────────────────────────────────────────────────────────────────────


def scores(cells: dict[str, tuple[float | None, ...]]) -> dy.DataFrame[Beside]:
    """Three models at two horizons; `logit` of each run has the (skill, ends) given."""
    rows = []
    for name, (skill, lower, upper) in cells.items():
        for horizon in (7, 30):
            for i, model in enumerate(("logit", "trail", SCRIPT)):
                known = skill is not None
                rows.append(
                    {"run": name, "label": name[2:], "horizon": horizon}
                    | {"model": model, "baseline": "trail", "prevalence": 0.1}
                    | {"n": 100, "n_events": 50, "collapses": 40 if known else 12}
                    | {"scored": known, "level": 0.9}
                    | {"brier": 0.1 + i / 100 if known else None}
                    | {"rank": 1 + i if known else None}
                    | dict.fromkeys(("skill", "lower", "upper"))
                    | (
                        {"skill": skill, "lower": lower, "upper": upper}
                        if model != "trail"
                        else {}
                    )
                )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return Beside.validate(frame.select(Beside.column_names()), cast=True)


CELLS: dict[str, tuple[float | None, ...]] = {
    "r/one": (0.05, 0.01, 0.1),
    "r/two": (-0.2, -0.3, -0.1),
    "r/three": (0.01, -0.1, 0.1),
    "r/four": (0.02, -0.1, 0.1),
    "r/few": (None, None, None),
}
ROLE = {"logit": "published", "trail": "baseline", SCRIPT: "model"}
FACTS = Facts(
    titles={name: f"{name[2:]} {SCRIPT}" for name in CELLS},
    roles=dict.fromkeys(CELLS, ROLE),
    rules={name: f"{name[2:]} {SCRIPT}" for name in CELLS},
    runs=[
        {"name": name, "finished": "2026-01-01T10:00:00"}
        | dict.fromkeys(("run_id", "git_commit", "config_digest"), SCRIPT)
        for name in CELLS
    ],
    differences={name: {"collapse": (None, SCRIPT)} for name in list(CELLS)[1:]},
    fewest=30,
    notes=(SCRIPT,),
    run={"command": f"forecast compare {SCRIPT}"},
)
PLAIN = {name: name[2:] for name in CELLS}


def test_the_words_are_those_that_the_intervals_allow() -> None:
    said = headlines(scores(CELLS), PLAIN, dict.fromkeys(CELLS, "logit"))
    assert said == [
        "Under one logit is better than trail at 7 and 30 days.",
        "Under two logit is worse than trail at 7 and 30 days.",
        "Under three and four logit is not told apart from trail at 7 and 30 days.",
        "At 30 days the lowest Brier score is that of logit under one, two, three and "
        "four.",
        "few is shown and not scored at 7 and 30 days: 12 and 12 truces are known to "
        "collapse so soon after a forecast, too few to judge by.",
    ]


def test_where_nothing_is_scored_nothing_is_said_of_skill() -> None:
    few = scores({"r/few": CELLS["r/few"]})
    (line,) = headlines(few, PLAIN, {"r/few": "logit"})
    assert line.startswith("few is shown and not scored")
    page = text(render(few, FACTS_OF_FEW))
    assert "12 collapses, not scored" in page
    assert "%" not in re.sub(r"90%|±100%", "", page.partition("How many")[0])


FACTS_OF_FEW = Facts(
    titles={"r/few": "few"},
    roles={"r/few": ROLE},
    rules={"r/few": ""},
    runs=[],
    differences={},
    fewest=30,
    notes=(),
    run={},
)


def test_the_page_fetches_nothing_and_escapes_every_text() -> None:
    page = render(scores(CELLS), FACTS)
    assert SCRIPT not in page
    assert SCRIPT in text(page)
    assert_fetches_nothing(page)


def test_every_colour_of_a_chart_has_its_counterpart_in_the_dark() -> None:
    page = render(scores(CELLS), FACTS)
    used, dark = colours(page)
    assert used
    assert used <= dark


def test_equal_input_gives_equal_bytes_in_any_order() -> None:
    found = scores(CELLS)
    mixed = Beside.validate(found.sample(fraction=1, shuffle=True, seed=1))
    assert render(found, FACTS) == render(mixed, FACTS)


def test_a_label_that_is_not_scored_keeps_its_place_in_the_chart() -> None:
    table = placed(scores(CELLS), FACTS)
    drawn = charts.svg(beside_chart(table, 30), "chart")
    for name in CELLS:
        assert f">{name[2:]} " in unescape(drawn)
    assert ">12 collapses: not scored<" in drawn
    assert "NaN" not in drawn
    # a dot for each model that has a skill: two of each of four labels
    (dots,) = re.findall(r'<g class="mark-symbol.*?</g>', drawn)
    assert dots.count("<path") == 2 * 4


def test_labels_and_models_are_in_one_order() -> None:
    table = placed(scores(CELLS), FACTS)
    assert table["run"].unique(maintain_order=True).to_list() == list(CELLS)
    for _, own in table.group_by("run", maintain_order=True):
        assert own["model"].unique(maintain_order=True).to_list() == [
            "logit",
            SCRIPT,
            "trail",
        ]
