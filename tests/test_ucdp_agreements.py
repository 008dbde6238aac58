"""UCDP peace agreements: what counts, whose they are, how they ended."""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from forecast.raw import InputError
from forecast.truces.ucdp_agreements import ucdp_agreements

ROW = {
    "paid": "1",
    "conflict_id": "300",
    "conflict_name": "Northland: Government",
    "dyad_id": "700",
    "dyad_name": "Government of Northland - NLF",
    "pa_name": "River accord",
    "pa_date": "2001-05-10",
    "pa_3rd": "Southland",
    "c_3rd": "",
    "ended": "",
    "duration": "",
    "cease": "1",
    "ddr": "0",
    "pol_prov": "0",
    "terr_prov": "0",
    "pko": "0",
    "co_impl": "0",
    "ref ": "0",
    "": "",
}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerows(ROW | row for row in rows)
    return path


def only(path: Path, **cells: str) -> dict[str, object]:
    return ucdp_agreements(write(path / "a.csv", cells)).frame.row(0, named=True)


def accounts(loaded) -> bool:
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    return bool(loaded.read == told)


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "data/ucdp_peace_agreements/agreements.csv"


def test_real_file_is_accounted_for(real: Path) -> None:
    loaded = ucdp_agreements(real)
    assert accounts(loaded)
    assert (loaded.read, loaded.accepted, loaded.rejected.height) == (303, 141, 0)
    assert loaded.left_out["n"].to_list() == [162]


def test_real_dyads_are_the_files_own(real: Path, shared: Path) -> None:
    """Independent of the loader: csv for the rows, the dyad file for the parties."""
    with real.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["cease"] == "1"]
    expected = {
        (r["paid"], dyad.strip()) for r in rows for dyad in r["dyad_id"].split(",")
    }
    frame = ucdp_agreements(real).frame
    assert set(frame.select("agreement_id", "dyad_id").rows()) == expected
    with (shared / "data/ucdp_termination/dyads.csv").open(encoding="utf-8") as file:
        dyads = {
            (r["dyad_id"], r["conflict_id"]): {r["side_a"], r["side_b"]}
            for r in csv.DictReader(file)
        }
    same = [
        dyads[dyad, conflict] == set(names)
        for dyad, conflict, names in frame.select(
            "dyad_id", "conflict_id", "parties"
        ).rows()
        if (dyad, conflict) in dyads
    ]
    assert len(same) > 0.9 * frame.height
    assert sum(same) > 0.85 * len(same)  # names were respelled between releases


def test_real_ends_are_given_as_the_file_gives_them(real: Path) -> None:
    frame = ucdp_agreements(real).frame
    ended = pl.col("end").is_not_null()
    assert frame.filter(ended)["end_reason"].unique().to_list() == ["collapsed"]
    assert frame.filter(~ended)["end_reason"].unique().to_list() == ["ongoing"]
    assert frame.filter(pl.col("end") < pl.col("start")).is_empty()
    # its comment dates the end of this one to the day
    angola = frame.filter(pl.col("agreement_id") == "1021").row(0, named=True)
    assert (angola["end"], angola["end_precision"]) == (date(1989, 8, 24), "day")
    # and of this one to the month only
    mali = frame.filter(pl.col("agreement_id") == "1039").row(0, named=True)
    assert (mali["end"], mali["end_precision"]) == (date(1994, 9, 1), "month")


def test_one_row_a_dyad_with_its_own_parties_and_conflict(tmp_path: Path) -> None:
    row = {
        "dyad_id": "700, 701",
        "conflict_id": "300, 301",
        "dyad_name": "Government of Northland - NLF , Government of Northland - A - B",
    }
    loaded = ucdp_agreements(write(tmp_path / "a.csv", row))
    columns = ("truce_id", "agreement_id", "conflict_id", "dyad_id", "parties", "side")
    assert loaded.frame.select(columns).rows() == [
        (
            "1-700",
            "1",
            "300",
            "700",
            ["Government of Northland", "NLF"],
            "multilateral",
        ),
        (
            "1-701",
            "1",
            "301",
            "701",
            ["Government of Northland", "A - B"],
            "multilateral",
        ),
    ]
    assert accounts(loaded)
    assert loaded.accepted == 1


def test_one_dyad_may_have_commas_in_its_name(tmp_path: Path) -> None:
    name = "Government of Northland - Junta for Peace, Order and Justice"
    truce = only(tmp_path, dyad_name=name)
    assert truce["parties"] == name.split(" - ")
    assert truce["side"] == "bilateral"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, "cessation"),
        ({"pol_prov": "1", "terr_prov": "1"}, "cessation"),
        ({"ddr": "1"}, "cessation"),
        ({"co_impl": "1"}, "preliminary"),
        ({"pko": "1", "ddr": "1"}, "preliminary"),
        ({"ddr": "1", "terr_prov": "1"}, "definitive"),
        ({"ddr": "1", "pol_prov": "1", "pko": "1"}, "definitive"),
    ],
)
def test_class_by_provisions(tmp_path: Path, cells: dict, expected: str) -> None:
    assert only(tmp_path, **cells)["class"] == expected


def test_mediation_is_known_only_where_told(tmp_path: Path) -> None:
    assert only(tmp_path)["mediated"] is True
    assert only(tmp_path, pa_3rd="")["mediated"] is False
    assert only(tmp_path, pa_3rd="", c_3rd="They facilitated.")["mediated"] is None


def test_end_without_a_date_is_a_collapse_of_unknown_date(tmp_path: Path) -> None:
    truce = only(tmp_path, ended="True")
    assert (truce["end"], truce["end_reason"]) == (None, "collapsed")
    assert only(tmp_path, ended="False")["end_reason"] == "ongoing"


@pytest.mark.parametrize(
    ("end", "precision"),
    [
        ("2002-03-01", "month"),
        ("2002-02-28", "month"),
        ("2004-02-28", "day"),
        ("2002-03-02", "day"),
        ("2002-12-31", "month"),
    ],
)
def test_a_round_end_is_known_to_the_month(
    tmp_path: Path, end: str, precision: str
) -> None:
    truce = only(tmp_path, ended="True", duration=end)
    assert (str(truce["end"]), truce["end_precision"]) == (end, precision)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pa_date", "2001-02-30"),
        ("dyad_id", "700; 701"),
        ("dyad_id", ""),
        ("conflict_id", "NLF"),
        ("ended", "maybe"),
        ("duration", "2001-05-09"),
        ("duration", "1 May"),
        ("cease", "2"),
        ("pko", ""),
        ("pa_name", " "),
    ],
)
def test_bad_cell_is_named(tmp_path: Path, column: str, value: str) -> None:
    path = write(tmp_path / "a.csv", {}, {"paid": "2", column: value})
    loaded = ucdp_agreements(path)
    assert accounts(loaded)
    assert loaded.frame["agreement_id"].to_list() == ["1"]
    found = loaded.rejected.select("file", "line", "column").row(0)
    assert found == (str(path), 3, column)
    assert (loaded.rejected["value"].item() or "").strip() == value.strip()


def test_dyads_and_their_names_must_pair(tmp_path: Path) -> None:
    two = "Government of Northland - NLF, Government of Northland - X"
    path = write(
        tmp_path / "a.csv",
        {},
        {"paid": "2", "dyad_id": "700, 701"},
        {"paid": "3", "dyad_id": "700, 700", "dyad_name": two},
    )
    loaded = ucdp_agreements(path)
    assert accounts(loaded)
    assert loaded.rejected["column"].to_list() == ["dyad_name", "dyad_id"]


def test_second_row_of_an_agreement_is_refused(tmp_path: Path) -> None:
    loaded = ucdp_agreements(write(tmp_path / "a.csv", {}, {"pa_name": "again"}))
    assert accounts(loaded)
    assert loaded.frame["name"].to_list() == ["River accord"]
    assert loaded.rejected["column"].to_list() == ["paid"]


def test_what_is_left_out_is_not_judged_by_its_end(tmp_path: Path) -> None:
    early = {"paid": "2", "cease": "0", "duration": "2000-01-01", "ended": "True"}
    loaded = ucdp_agreements(write(tmp_path / "a.csv", {}, early))
    assert loaded.rejected.is_empty()
    assert loaded.left_out["n"].to_list() == [1]
    assert accounts(loaded)


def test_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("paid,conflict_id\n1,2\n")
    with pytest.raises(InputError, match="no column 'dyad_id'"):
        ucdp_agreements(path)
