"""Data and configurations of others: no script, formula or secret gets through."""

import re
from html import escape
from pathlib import Path

import polars as pl
import pytest
from omegaconf import OmegaConf
from pages import assert_fetches_nothing

from forecast import sheets, withheld
from forecast.commands import options, run
from forecast.commands.shown import shown
from forecast.commands.tracked import Tracker
from forecast.simulated import World

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=HYPERLINK(CONCATENATE(A1,B1))"
#: one that a configuration asks for, one that a shell wrote into the words
ASKED, TYPED = "correct-horse-battery", "staple-and-so-on"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def words(tmp_path: Path, world: World) -> list[str]:
    """A small world whose every text is out to do harm."""
    events = world.events.select(
        "event_id", "date", "kind", "dyad_id", "deaths", country=pl.lit(FORMULA)
    ).with_columns(
        dyad_id=pl.when(pl.int_range(pl.len()) % 5 > 0).then("dyad_id"),
        actor_a=pl.lit(FORMULA),
        actor_b=pl.lit(SCRIPT),
        note=pl.lit(SCRIPT),
    )
    events = events.with_columns(pl.col("date").cast(pl.String))
    bad = events.head(1).with_columns(event_id=pl.lit("bad"), date=pl.lit(FORMULA))
    pl.concat([events, bad]).write_csv(tmp_path / "events.csv")
    truces = world.truces.select("truce_id", "start", "dyad_id", name=pl.lit(SCRIPT))
    named = truces.with_columns(truce_id="=" + pl.col("truce_id"))
    named.with_columns(country=pl.lit(FORMULA)).write_csv(tmp_path / "truces.csv")
    return [
        *("events=table", f"events.table.path={tmp_path / 'events.csv'}"),
        *("truces=table", f"truces.table.path={tmp_path / 'truces.csv'}"),
        *("first_cutoff=2004-01-01", "draws=20", "refits=2", "metrics=[brier,auroc]"),
        *("models=[logit]", "models@baselines=[trail]", "audits=[overlap]"),
        f"out={tmp_path / 'run'}",
    ]


@pytest.mark.slow
def test_a_run_on_hostile_data(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORD_OF_MINE", ASKED)
    monkeypatch.setenv("FORECAST_DB_PASSWORD", TYPED)
    question = f"'{SCRIPT} ${{oc.env:WORD_OF_MINE}} {TYPED}'"
    assert run.main([*words, f"question={question}"]) == 0

    page = (tmp_path / "run" / "report.html").read_text()
    assert SCRIPT not in page
    assert page.count(escape(SCRIPT)) > 2, "it is shown, as text"
    assert_fetches_nothing(page)

    tables = list((tmp_path / "run").glob("*.csv"))
    cells = {
        table.name: cell
        for table in tables
        for column in pl.read_csv(table, infer_schema=False).iter_columns()
        for cell in column.drop_nulls()
        if re.match(r"[=+@\t\r]|-\D", cell)
    }
    assert cells == {}
    scores = sheets.read(tmp_path / "run" / "risk_scores.csv")
    assert scores["truce_id"].str.starts_with("=").all()
    assert set(scores["country"]) == {FORMULA}
    assert sheets.read(tmp_path / "run" / "rejected.csv")["value"].to_list() == [
        FORMULA
    ]
    assert FORMULA in sheets.read(tmp_path / "run" / "actors.csv")["actor"]

    said = capsys.readouterr()
    looked_at = [said.out.encode(), said.err.encode()]
    looked_at += [path.read_bytes() for path in files(tmp_path)]
    assert len(looked_at) > 30, "the store and its artifacts are among them"
    for secret in (ASKED, TYPED):
        assert [c[:80] for c in looked_at if secret.encode() in c] == []
    kept = OmegaConf.load(tmp_path / "run" / "config.yaml")
    assert kept.question == f"{SCRIPT} {ASKED} {TYPED}", "and can be used again"


@pytest.mark.parametrize("asked", [True, False])
def test_the_password_of_a_store_is_not_said_when_it_fails(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_WORD", ASKED)
    # of no driver that there is
    address = f"postgresql+none://me:{ASKED}@127.0.0.1:9/runs"
    monkeypatch.setenv("DB_ADDRESS", address)
    shown_as = "${oc.env:DB_ADDRESS}" if asked else "env:DB_ADDRESS"
    given = {
        "tracking": {"uri": shown_as, "artifacts": None, "patience": 1},
        "collapse": {"_target_": "forecast.collapse.resumption"},
        **{"name": "x", "published": "logit", "home": str(tmp_path)},
    }
    tracker = Tracker(OmegaConf.create(given), tmp_path / "run")
    assert "does not know this run" in tracker.notes[0]
    assert ASKED not in tracker.notes[0]


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_no_secret_is_in_a_message(
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DB_WORD", ASKED)

    def task(config: object) -> int:
        raise error(f"no answer from {config.question}")  # type: ignore[attr-defined]

    assert options.call("run", ["question='${oc.env:DB_WORD}'"], task) == 1
    said = capsys.readouterr().err
    assert "no answer from ${oc.env:DB_WORD}" in said
    assert ASKED not in said
    words = ["question='${oc.env:DB_WORD}'", "--cfg", "job", "--resolve"]
    assert options.call("run", words, task) == 2
    assert "--resolve: it would print DB_WORD" in capsys.readouterr().err


def test_what_is_written_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_WORD", ASKED)
    config = OmegaConf.create(
        {
            "plain": r"costs \${5}",
            "list": ["${oc.env:DB_WORD}", {"deep": "${plain}"}],
            "node": "${list}",
            "default": "${oc.env:NOT_SET_AT_ALL,9}",
            "home": "${oc.env:FORECAST_HOME}",
            "none": None,
            "empty": {},
        }
    )
    written = shown(config)
    assert ASKED not in str(written)
    assert written["default"] == "9"
    assert written["home"] != "${oc.env:FORECAST_HOME}"
    again = OmegaConf.create(written)
    assert OmegaConf.to_container(again, resolve=True) == OmegaConf.to_container(
        config, resolve=True
    )


def test_short_values_and_plain_names_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "1")
    withheld.take("SEED", "1")
    monkeypatch.setenv("LANGUAGE_OF_MINE", "english-and-welsh")
    assert (
        withheld.text("1 of 11 in english-and-welsh") == "1 of 11 in english-and-welsh"
    )
