"""`explain=true`: its files, its section of the report, and what it leaves alone."""

import json
from pathlib import Path

import polars as pl
import pytest
from finished import finished
from pages import text as text_of
from test_commands import FILES, SMALL
from test_report import FACTS, HORIZONS, SCRIPT

from forecast.commands import run
from forecast.report import explain
from forecast.report.template import fill
from forecast.schema import Coefficients, Effects, Importance

#: whole runs and measurements: for CI
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXPLAINED = {
    "coefficients.csv": Coefficients,
    "effects.csv": Effects,
    "importance.csv": Importance,
}
WORDS = [
    *SMALL,
    "horizons=[7,30]",
    "refits=1",
    "draws=20",
    "explain=true",
    "models=[logit,hgb]",
]


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on a small world, explained."""
    return finished(tmp_path_factory.mktemp("home"), *WORDS)


def test_three_tables_keep_their_schemas(explained: Path) -> None:
    assert {p.name for p in explained.iterdir()} == FILES | set(EXPLAINED)
    for name, schema in EXPLAINED.items():
        frame = pl.read_csv(explained / name, infer_schema_length=None)
        assert schema.validate(frame, cast=True).height
        assert frame["model"].unique().to_list() == ["logit"]
    families = pl.read_csv(explained / "importance.csv")["family"].unique()
    assert set(families) == {
        "age",
        "recent",
        "kinds",
        "outsiders",
        "talks",
        "history",
        "design",
        "war",
    }
    assert pl.read_csv(explained / "effects.csv")["column"].n_unique() == 6


def test_a_model_without_coefficients_is_named_in_a_note(explained: Path) -> None:
    account = json.loads((explained / "run.json").read_text())
    said = "explain: hgb has no coefficients that can be named"
    assert said in account["notes"]
    assert account["seconds"]["explain"] > 0


def test_the_report_has_the_section_after_the_strata(explained: Path) -> None:
    page = (explained / "report.html").read_text()
    where, why, years = (
        page.index(f'<section id="{i}">') for i in ("where", "explain", "years")
    )
    assert where < why < years
    assert '<a href="#explain">' in page


def test_the_same_seed_gives_the_same_bytes(explained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert run.main([*WORDS, "models=[logit]", f"out={again}"]) == 0
    for name in EXPLAINED:
        assert (explained / name).read_bytes() == (again / name).read_bytes(), name


def test_nothing_else_of_a_run_hangs_on_it(explained: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    words = [word for word in WORDS if word != "explain=true"]
    assert run.main([*words, f"out={plain}"]) == 0
    assert {p.name for p in plain.iterdir()} == FILES
    for name in ("predictions.parquet", "metrics.csv"):
        assert (explained / name).read_bytes() == (plain / name).read_bytes(), name
    assert 'id="explain"' not in (plain / "report.html").read_text()


def test_it_is_true_or_false(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([*SMALL, "explain=maybe"]) == 1
    assert "explain=maybe: expected true or false" in capsys.readouterr().err


def frames(name: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Explanations in which a family, a column and a term bear a name."""
    ends = {"lower": -0.1, "upper": 0.3}
    terms = [
        {"model": "logit", "horizon": h, "term": t, "coefficient": c, **ends}
        for h in HORIZONS
        for t, c in ((name, 0.1), ("a_curve_1", 0.9), ("b", -0.2))
    ]
    moved = [
        {"model": "logit", "horizon": h, "column": name, "at": at, "risk": 0.1 + at / 9}
        for h in HORIZONS
        for at in (0.0, 1.0)
    ]
    worth = [
        {"model": "logit", "horizon": h, "family": f, "value": v, **ends}
        for h in HORIZONS
        for f, v in ((name, 0.1), ("age", 0.2))
    ]
    return (
        Coefficients.validate(pl.DataFrame(terms), cast=True),
        Effects.validate(pl.DataFrame(moved), cast=True),
        Importance.validate(pl.DataFrame(worth), cast=True),
    )


def page(*parts: pl.DataFrame) -> str:
    section = explain.section(*parts, FACTS)  # type: ignore[arg-type]
    return fill("page_explain.html.j2", explained=section, facts=FACTS)


def test_every_name_is_escaped() -> None:
    html = page(*frames(SCRIPT))
    assert SCRIPT not in html
    assert html.count("&lt;script") >= 3


def test_the_section_reads_as_its_tables() -> None:
    said = text_of(page(*frames("talks")))
    assert "forecasts lose most when age is shuffled: 20.0 points of skill" in said
    assert "holds zero for age and talks" in said
    assert "The 2 largest of 3 terms" in said
    assert "Of 3 intervals 0 leave out zero" in said


def test_what_is_not_there_is_said() -> None:
    coefficients, effects, importance = frames("talks")
    other = coefficients.with_columns(model=pl.lit("core"))
    said = text_of(page(other, effects.clear(), importance))
    assert "logit has no coefficients that can be shown" in said
    assert "No column moves the risk of logit" in said
    assert explain.section(coefficients, effects, importance.clear(), FACTS) == {}
    unknown = importance.with_columns(
        pl.lit(None, pl.Float64).alias(n) for n in ("value", "lower", "upper")
    )
    assert "No forecast of known outcome" in text_of(page(other, effects, unknown))
