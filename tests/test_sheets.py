"""No text of the data is a formula in a CSV, and every text can be had back."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecast import sheets

SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
#: what a spreadsheet has been made to do by a cell
ATTACKS = [
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_cell_begins_a_formula(attack: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"name": [attack, f"'{attack}"], "deaths": [-1, 2]})
    sheets.write(frame, tmp_path / "a.csv")
    cells = pl.read_csv(tmp_path / "a.csv", infer_schema=False)
    assert cells["name"].str.starts_with("'").all()
    assert cells["deaths"].to_list() == ["-1", "2"], "a number is no text"
    assert_frame_equal(sheets.read(tmp_path / "a.csv"), frame)


def test_texts_that_are_numbers_or_begin_otherwise_are_as_they_were() -> None:
    plain = ["-5", "+3.25", "-1e-5", "-.5", "5-1", "a=b", "'quoted'", "", None, "Syria"]
    frame = pl.DataFrame({"text": plain})
    assert_frame_equal(sheets.defused(frame), frame)
    assert_frame_equal(sheets.restored(frame), frame)


@given(st.lists(st.text(alphabet=st.sampled_from("'" + SIGNS + '1a",;\\ '))))
def test_every_text_comes_back(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    defused = sheets.defused(frame)
    assert_frame_equal(sheets.restored(defused), frame)
    begins = [text[:1] for text in defused["text"] if not text[1:].isdigit()]
    assert not set(begins) & set(SIGNS)
    again = pl.read_csv(defused.write_csv().encode(), schema={"text": pl.String})
    if texts:
        assert_frame_equal(again, defused)


def test_a_word_of_a_list_is_a_text_too() -> None:
    kinds = pl.DataFrame({"kind": ["=a", "b"]}, schema={"kind": pl.Enum(["=a", "b"])})
    assert sheets.defused(kinds)["kind"].to_list() == ["'=a", "b"]
