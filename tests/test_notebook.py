"""The page on notebooks runs, and gives what the command gives."""

import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from finished import ROOT
from polars.testing import assert_frame_equal

from forecast import sheets
from forecast.commands import score
from forecast.raw import InputError
from forecast.risk import Risks, risks

CASE = ROOT / "data" / "syria_2016"
MODEL = ROOT / "data" / "reference" / "model.json"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Names that the code of the page leaves, where its files and the model lie."""
    for name in ("events.csv", "truces.csv"):
        shutil.copy(CASE / name, tmp_path)
    (tmp_path / "data" / "reference").mkdir(parents=True)
    shutil.copy(MODEL, tmp_path / "data" / "reference")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "notebook.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    left: dict[str, Any] = {}
    exec(code, left)
    return left


def test_the_page_gives_what_the_command_gives(
    page: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "scored"
    words = ["truces=syria_2016", "events=syria_2016", "as_of=2016-04-07"]
    words += ["model=reference", "panel.min_events=0", "cache=null", f"out={out}"]
    assert score.main(words) == 0
    found: Risks = page["found"]
    theirs = sheets.read(
        out / "risk_scores.csv", schema_overrides=found.scores.schema
    ).drop("run_id", "data_digest")
    assert_frame_equal(found.scores.drop("run_id", "data_digest"), theirs)
    assert page["table"].height == 1
    assert set(page["table"].columns) == {"truce", "7", "14", "30", "90"}
    assert found.reasons.height


def test_what_cannot_be_used_is_told(page: dict[str, Any]) -> None:
    events, truces = page["events"], page["truces"]
    bad = pl.concat([events, events.head(1).with_columns(event_id=None)])
    late = truces.with_columns(truce_id=pl.lit("later"), start=pl.lit("2017-01-01"))
    found = risks(bad, pl.concat([truces, late]), "2016-04-07", MODEL)
    assert found.rejected["column"].to_list() == ["event_id"]
    # without events before the start it is not followed, and says so
    assert found.scores.height == 0
    assert found.left_out["n"].sum() == 2


def test_a_truce_that_is_over_is_counted_and_a_bad_morning_named(
    page: dict[str, Any],
) -> None:
    both = page["events"], page["truces"]
    found = risks(*both, "2018-06-01", MODEL, min_events=0)
    assert found.scores.height == 0
    assert found.left_out.select("source", "n").rows() == [("truces", 1)]
    with pytest.raises(InputError, match=r"as_of='1\.6\.2018' is no day; expected"):
        risks(*both, "1.6.2018", MODEL)
