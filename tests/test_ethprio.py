"""ETH/PRIO: actors' rows made into truces, and every trap of the real file."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.raw import InputError
from forecast.schema import Loaded, Truces
from forecast.truces.ethprio import OPTIONAL, REQUIRED, ethprio

COLUMNS = [*REQUIRED, *OPTIONAL]
# one actor's row; what is not named is unknown
ROW = dict.fromkeys(COLUMNS, "-1") | {
    "uniq_id": "70001",
    "location": "Mexico",
    "actor_name": "EZLN",
    "ucdp_acd_id": "400",
    "ucdp_dyad": "850",
    "cf_effect_yr": "1994",
    "cf_effect_month": "1",
    "cf_effect_day": "12",
    "side": "1",
    "partial": "0",
    "ended": "2",
    "end_yr": "1995",
    "end_month": "2",
    "end_day": "9",
    "ceasefire_class": "1",
}
REASONS = {
    "0": "ongoing",
    "1": "expired",
    "2": "collapsed",
    "3": "other",
    "4": "renewed",
    "-1": "unclear",
}


def write(
    folder: Path, rows: list[dict[str, str]], columns: list[str] = COLUMNS
) -> Path:
    path = folder / "ceasefires.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def dated(which: str, year: object, month: object, day: object) -> dict[str, str]:
    parts = {"yr": year, "month": month, "day": day}
    return {f"{which}_{part}": str(value) for part, value in parts.items()}


def law(loaded: Loaded[Truces]) -> None:
    """No row is lost unseen."""
    assert (
        loaded.read
        == loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    )


def only(folder: Path, *changes: dict[str, str]) -> dict[str, Any]:
    """The one truce that rows make."""
    loaded = ethprio(write(folder, [ROW | change for change in changes]))
    law(loaded)
    assert loaded.accepted == len(changes)
    assert loaded.frame.height == 1
    return loaded.frame.row(0, named=True)


def test_one_row(tmp_path: Path) -> None:
    truce = only(tmp_path, {})
    assert truce["truce_id"] == "70001-850"
    assert (truce["agreement_id"], truce["dyad_id"]) == ("70001", "850")
    assert (truce["conflict_id"], truce["country"]) == ("400", "Mexico")
    assert (truce["start"], truce["end"]) == (date(1994, 1, 12), date(1995, 2, 9))
    assert truce["start_precision"] == truce["end_precision"] == "day"
    assert truce["end_reason"] == "collapsed"
    assert (truce["side"], truce["class"]) == ("unilateral", "cessation")
    assert truce["partial"] is False
    # -1 means unknown in every column
    unknown = ("written", "mediated", "enforcement", "term_days")
    assert [truce[name] for name in unknown] == [None] * 4
    assert truce["purposes"] == []
    assert truce["parties"] == ["EZLN"]


def test_ids_that_went_through_a_spreadsheet(tmp_path: Path) -> None:
    floats = {
        name: f"{value}.0"
        for name, value in ROW.items()
        if name not in ("location", "actor_name")
    }
    assert only(tmp_path, floats) == only(tmp_path, {})


def test_optional_columns_may_be_absent(tmp_path: Path) -> None:
    loaded = ethprio(write(tmp_path, [ROW], list(REQUIRED)))
    truce = loaded.frame.row(0, named=True)
    assert (truce["class"], truce["written"], truce["purposes"]) == (None, None, [])


@pytest.mark.parametrize(
    ("year", "month", "day", "expected", "precision"),
    [
        (1994, 5, 12, date(1994, 5, 12), "day"),
        (1994, 5, -1, date(1994, 5, 1), "month"),
        (1994, 5, 0, date(1994, 5, 1), "month"),
        (1994, 5, "", date(1994, 5, 1), "month"),
        (1994, -1, -1, date(1994, 1, 1), "year"),
        (1994, 0, 12, date(1994, 1, 1), "year"),
        (-1, -1, -1, None, None),
        (0, 5, 12, None, None),
        ("1994.0", "5.0", "12.0", date(1994, 5, 12), "day"),
    ],
)
def test_how_well_a_date_is_known(
    tmp_path: Path,
    year: object,
    month: object,
    day: object,
    expected: date | None,
    precision: str | None,
) -> None:
    truce = only(tmp_path, dated("cf_effect", year, month, day))
    assert (truce["start"], truce["start_precision"]) == (expected, precision)
    # an end of the same day, for it may not lie before the start
    truce = only(
        tmp_path, dated("cf_effect", -1, -1, -1) | dated("end", year, month, day)
    )
    assert (truce["end"], truce["end_precision"]) == (expected, precision)


@pytest.mark.parametrize(("code", "reason"), REASONS.items())
def test_reasons(tmp_path: Path, code: str, reason: str) -> None:
    assert only(tmp_path, {"ended": code})["end_reason"] == reason


def test_rows_that_disagree(tmp_path: Path) -> None:
    """Earliest start; earliest end, with the worst reason of its day."""
    truce = only(
        tmp_path,
        {"ended": "4", "actor_name": "Government", "partial": "1", "written": "0"},
        dated("cf_effect", 1994, 1, 10) | {"ended": "-1", "written": "2"},
        dated("end", 1995, 2, 8) | {"ended": "1", "partial": "-1"},
        dated("end", 1995, 2, 8) | {"ended": "3"},
        dated("end", -1, -1, -1) | {"ended": "2"},
    )
    assert truce["start"] == date(1994, 1, 10)
    assert (truce["end"], truce["end_reason"]) == (date(1995, 2, 8), "other")
    assert truce["parties"] == ["Government", "EZLN"]
    assert truce["partial"] is True
    assert truce["written"] is True


def test_the_order_of_rows_changes_nothing_of_the_dates(tmp_path: Path) -> None:
    changes = [
        dated("end", 1995, 2, 1) | {"ended": "2"},
        dated("end", 1995, 2, -1) | {"ended": "2"},
        dated("cf_effect", 1994, 1, -1),
        dated("cf_effect", 1994, 1, 1) | {"ended": "0"},
    ]
    keys = ["start", "start_precision", "end", "end_precision", "end_reason"]
    there = only(tmp_path, *changes)
    back = only(tmp_path, *reversed(changes))
    assert [there[key] for key in keys] == [back[key] for key in keys]


def test_terms(tmp_path: Path) -> None:
    for text, days in [
        ("6", 6),
        ("6.0", 6),
        ("-1", None),
        ("0", None),
        ("72 hours", None),
        ("Coffee Harvest", None),
        ("999999", None),
    ]:
        assert only(tmp_path, {"fixed": "1", "fixed_time": text})["term_days"] == days
    assert only(tmp_path, {"fixed": "0", "fixed_time": "6"})["term_days"] is None
    # one actor's row gives no number, the other's does
    pair = [{"fixed": "1", "fixed_time": term} for term in ("-1", "60")]
    assert only(tmp_path, *pair)["term_days"] == 60


def test_purposes(tmp_path: Path) -> None:
    pair = [{"p_holiday": "1"}, {"p_peaceprocess": "1", "p_other": "0"}]
    assert only(tmp_path, *pair)["purposes"] == ["peace process", "holiday"]


@pytest.mark.parametrize("dyad", ["-1", "-2", "-1.0"])
def test_rows_without_a_dyad_are_left_out_not_refused(
    tmp_path: Path, dyad: str
) -> None:
    loaded = ethprio(write(tmp_path, [ROW, ROW | {"ucdp_dyad": dyad}]))
    law(loaded)
    assert loaded.left_out.rows() == [("ethprio", "row without a UCDP dyad", 1)]
    assert loaded.rejected.height == 0
    loaded = ethprio(write(tmp_path, [ROW | {"ucdp_dyad": dyad}]))
    law(loaded)
    assert loaded.frame.height == 0


BAD = [
    ({"uniq_id": ""}, "uniq_id", "expected an id"),
    ({"location": " "}, "location", "expected some text"),
    ({"ucdp_dyad": "85a"}, "ucdp_dyad", "expected a number of UCDP's"),
    ({"ucdp_dyad": ""}, "ucdp_dyad", "expected a number of UCDP's"),
    ({"ucdp_acd_id": "four"}, "ucdp_acd_id", "expected a number of UCDP's"),
    ({"cf_effect_yr": "l994"}, "cf_effect_yr", "whole number from -1 to 2100"),
    ({"cf_effect_yr": "20016"}, "cf_effect_yr", "whole number from -1 to 2100"),
    ({"cf_effect_yr": "199"}, "cf_effect_day", "day that the calendar has"),
    ({"cf_effect_month": "13"}, "cf_effect_month", "whole number from -1 to 12"),
    ({"end_month": "2.5"}, "end_month", "whole number from -1 to 12"),
    ({"end_day": "32"}, "end_day", "whole number from -1 to 31"),
    ({"end_day": "29"}, "end_day", "day that the calendar has"),
    (dated("end", 1994, 1, 11), "end_day", "exact end on or after the start"),
    ({"ended": "5"}, "ended", "expected one of: 0, 1, 2, 3, 4, -1"),
    ({"ended": ""}, "ended", "expected one of"),
    ({"side": "4"}, "side", "expected one of: 1, 2, 3, -1"),
    ({"partial": "yes"}, "partial", "expected one of"),
    ({"p_holiday": "x"}, "p_holiday", "expected one of"),
]


@pytest.mark.parametrize(("change", "column", "reason"), BAD)
def test_bad_rows(
    tmp_path: Path, change: dict[str, str], column: str, reason: str
) -> None:
    path = write(tmp_path, [ROW | {"actor_name": "two\nlines"}, ROW | change, ROW])
    loaded = ethprio(path)
    law(loaded)
    assert loaded.accepted == 2
    ((file, line, name, value, why),) = loaded.rejected.rows()
    assert (file, line, name) == (str(path), 4, column)
    assert (value or "") == (ROW | change)[column].strip() or column == "location"
    assert reason in why


def test_an_inexact_end_before_the_start_is_sound(tmp_path: Path) -> None:
    truce = only(tmp_path, dated("end", 1994, 1, -1))
    assert truce["end"] < truce["start"]
    truce = only(tmp_path, dated("cf_effect", 1995, -1, -1) | dated("end", 1994, 1, 1))
    assert truce["start_precision"] == "year"


def test_names_of_both_parties(tmp_path: Path) -> None:
    names = tmp_path / "dyads.csv"
    lines = ["dyad_id,side_a,side_b", "850.0,Government of Mexico,EZLN"]
    lines += ["850,later,row", "851,Government,", "852,too short"]
    names.write_text("\n".join(lines) + "\n")
    path = write(tmp_path, [ROW, ROW | {"ucdp_dyad": "851"}])
    loaded = ethprio(path, names)
    law(loaded)
    parties = loaded.frame["parties"].to_list()
    assert parties == [["Government of Mexico", "EZLN"], ["EZLN"]]
    assert loaded.frame["name"][0] == "Government of Mexico - EZLN, 1994-01-12"
    assert loaded.rejected.select("file", "line").rows() == [(str(names), 5)]
    assert set(loaded.files) == {str(path), str(names)}
    names.write_text("dyad,side_a,side_b\n850,a,b\n")
    with pytest.raises(InputError, match=r"dyads\.csv: no column 'dyad_id'"):
        ethprio(path, names)


@pytest.mark.parametrize("column", REQUIRED)
def test_required_columns(tmp_path: Path, column: str) -> None:
    columns = [name for name in COLUMNS if name != column]
    with pytest.raises(InputError, match=rf"ceasefires\.csv: no column '{column}'"):
        ethprio(write(tmp_path, [ROW], columns))


@settings(deadline=None, max_examples=40)
@given(
    row=st.integers(0, 2),
    column=st.sampled_from(COLUMNS),
    value=st.sampled_from(["", "0", "-1", "-1.5", "1e9", "nan", "31", "x", "9" * 30])
    | st.text(max_size=4).filter(lambda text: "\0" not in text),
)
def test_one_damaged_cell(
    tmp_path_factory: pytest.TempPathFactory, row: int, column: str, value: str
) -> None:
    """Whatever stands in a cell, only its own row can be lost, and by name."""
    rows = [ROW | {"uniq_id": str(i)} for i in range(3)]
    rows[row] = rows[row] | {column: value.encode("utf-8", "replace").decode()}
    loaded = ethprio(write(tmp_path_factory.mktemp("damage"), rows))
    law(loaded)
    assert loaded.read == 3
    assert set(loaded.rejected["line"]) <= {row + 2}
    others = {f"{i}-850" for i in range(3) if i != row}
    assert others <= set(loaded.frame["truce_id"])
