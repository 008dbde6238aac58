"""PA-X: ceasefires of two vintages, and what a revision changes."""

import csv
import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from forecast.raw import InputError
from forecast.truces.pax import parties, pax
from forecast.truces.ucdp_agreements import ucdp_agreements

EARLIER, LATER = "pax_2020-04.csv.gz", "pax_2026-05.csv.gz"
ROW = {
    "AgtId": "5",
    "Agt": "Ceasefire of the river",
    "Dat": "2001-05-10",
    "Con": "Northland/(Lowlands)",
    "Stage": "Cea",
    "StageSub": "Ceas",
    "Status": "Multiparty signed/agreed",
    "Part": "For the Government of Northland: A. B.",
    "ThrdPart": "",
    "UcdpCon": "300.0",
    "UcdpAgr": "",
    "Agtp": "Intra",
}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerows(ROW | row for row in rows)
    return path


def only(path: Path, **cells: str) -> dict[str, object]:
    return pax(write(path / "a.csv", cells)).frame.row(0, named=True)


def accounts(loaded) -> bool:
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    return bool(loaded.read == told)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "data/pax"


@pytest.mark.parametrize(
    ("name", "read", "accepted"), [(EARLIER, 1348, 234), (LATER, 1373, 237)]
)
def test_real_files_are_accounted_for(
    folder: Path, name: str, read: int, accepted: int
) -> None:
    loaded = pax(folder / name)
    assert accounts(loaded)
    assert (loaded.read, loaded.accepted) == (read, accepted)
    assert loaded.rejected.is_empty()
    assert loaded.frame.height == accepted
    with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["Stage"] == "Cea"]
    assert {f"pax-{r['AgtId']}" for r in rows} == set(loaded.frame["truce_id"])
    assert loaded.frame["dyad_id"].null_count() == accepted


def test_what_the_later_vintage_changed(folder: Path) -> None:
    """A real revision: nothing taken back, three added, two moved, texts mended."""
    earlier, later = (pax(folder / name).frame for name in (EARLIER, LATER))
    assert set(earlier["truce_id"]) < set(later["truce_id"])
    added = later.join(earlier, on="truce_id", how="anti")
    assert added.select("truce_id", "start").rows() == [
        ("pax-2432", date(2008, 8, 18)),
        ("pax-2524", date(2004, 3, 5)),
        ("pax-2553", date(2001, 5, 28)),
    ]
    both = earlier.join(later, on="truce_id", suffix="_later")
    changed = {
        name: both.filter(pl.col(name).ne_missing(pl.col(f"{name}_later")))
        for name in earlier.columns
        if name != "truce_id"
    }
    assert {name for name, rows in changed.items() if rows.height} == {
        "conflict_id",
        "parties",
        "mediated",
        "enforcement",
    }
    assert changed["conflict_id"].select(
        "truce_id", "conflict_id", "conflict_id_later"
    ).rows() == [("pax-1970", "169170", "209"), ("pax-1971", "169170", "209")]
    assert changed["mediated"]["truce_id"].to_list() == ["pax-751"]
    # the later release lost its columns on peacekeepers and enforcement
    assert changed["enforcement"].height == both.height
    assert both["enforcement_later"].null_count() == both.height


def test_dyads_by_way_of_ucdp_agree_with_it(folder: Path, shared: Path) -> None:
    path = shared / "data/ucdp_peace_agreements/agreements.csv"
    loaded = pax(folder / LATER, path)
    known = loaded.frame.filter(pl.col("dyad_id").is_not_null())
    assert known.height == 21
    assert len(loaded.files) == 2
    conflicts = dict(
        ucdp_agreements(path).frame.select("dyad_id", "conflict_id").unique().rows()
    )
    pairs = [
        (conflict, conflicts[dyad])
        for dyad, conflict in known.select("dyad_id", "conflict_id").rows()
        if dyad in conflicts
    ]
    assert len(pairs) > 10
    assert all(ours == theirs for ours, theirs in pairs)


def test_a_dyad_is_taken_only_where_ucdp_names_one(tmp_path: Path) -> None:
    ucdp = tmp_path / "ucdp.csv"
    ucdp.write_text('paid,dyad_id\n1,700\n2,"701, 702"\n3,703\n3,704\n4.0,705.0\n')
    rows = [
        {"AgtId": str(i), "UcdpAgr": paid}
        for i, paid in enumerate(("1.0", "2", "3", "4", "NA", "99"))
    ]
    loaded = pax(write(tmp_path / "a.csv", *rows), ucdp)
    expected = ["700", None, None, "705", None, None]
    assert loaded.frame["dyad_id"].to_list() == expected
    assert accounts(loaded)


def test_both_styles_of_dates_and_ids(tmp_path: Path) -> None:
    old = only(tmp_path, Dat="2001-05-10", UcdpCon="300", Con="Northland/Lowlands")
    new = only(tmp_path, Dat="10/05/2001", UcdpCon="300.0")
    assert old == new
    assert new["start"] == date(2001, 5, 10)
    assert new["conflict_id"] == "300"
    assert new["country"] == "Northland"
    assert only(tmp_path, UcdpCon="NA")["conflict_id"] is None


def test_what_is_known_and_what_is_not(tmp_path: Path) -> None:
    truce = only(tmp_path)
    assert (truce["end"], truce["end_reason"]) == (None, "unclear")
    assert truce["written"] is True
    unknown = ("side", "class", "mediated", "partial", "enforcement", "dyad_id")
    assert [truce[name] for name in unknown] == [None] * len(unknown)
    assert only(tmp_path, ThrdPart="UN")["mediated"] is True
    assert only(tmp_path, ThrdPart="/")["mediated"] is None
    assert only(tmp_path, Status="Unilateral document")["side"] == "unilateral"
    assert only(tmp_path, Agtp="IntraLocal")["partial"] is True


def test_left_out_by_reason(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        {},
        {"AgtId": "6", "Stage": "Pre", "StageSub": "Proc"},
        {"AgtId": "7", "Stage": "Pre", "StageSub": ""},
        {"AgtId": "8", "StageSub": "Rel"},
        {"AgtId": "9", "StageSub": ""},
    )
    loaded = pax(path, substages=["Ceas"])
    assert accounts(loaded)
    assert dict(loaded.left_out.select("reason", "n").rows()) == {
        "a ceasefire of substage Rel": 1,
        "a ceasefire of substage unknown": 1,
        "not a ceasefire: stage Pre, pre-negotiation or process": 2,
    }
    assert pax(path).accepted == 2
    with pytest.raises(ValueError, match="no substage 'Cessation'"):
        pax(path, substages=["Cessation"])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Dat", "05/30/2001"),
        ("Dat", "31/04/2001"),
        ("Dat", "10.05.2001"),
        ("Dat", "10/5/01"),
        ("Dat", ""),
        ("Stage", "Ceasefire"),
        ("UcdpCon", "North"),
        ("AgtId", ""),
        ("Agt", ""),
    ],
)
def test_bad_cell_is_named(tmp_path: Path, column: str, value: str) -> None:
    path = write(
        tmp_path / "a.csv", {"Part": "two\nlines"}, {"AgtId": "6"} | {column: value}
    )
    loaded = pax(path)
    assert accounts(loaded)
    assert loaded.frame["agreement_id"].to_list() == ["5"]
    found = loaded.rejected.select("file", "line", "column", "value").row(0)
    assert found == (str(path), 4, column, value or None)


def test_second_row_of_an_agreement_is_refused(tmp_path: Path) -> None:
    loaded = pax(write(tmp_path / "a.csv", {}, {"Agt": "again"}))
    assert accounts(loaded)
    assert loaded.frame["name"].to_list() == [ROW["Agt"]]
    assert loaded.rejected["column"].to_list() == ["AgtId"]


def test_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("AgtId,Agt\n1,2\n")
    with pytest.raises(InputError, match="no column 'Dat'"):
        pax(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []),
        ("", []),
        ("A. Person, for the Red Front; B. Person, for the Blue Army", 2),
        ("On behalf of the Red Front\nA. Person\n\nOn behalf of Blue Army\nB", 2),
        ("The Red Front, represented by A. Person;\nBlue Army, signed for by B", 2),
        ("1) For the Red Front: A. Person\n2) For Blue Army: B", 2),
        ("Red Front and the Blue Army", 2),
        ("[Note: unsigned] Red Front, Blue Army", 2),
        ("General A. Person\nGeneral B. Person", []),
        ("A Person; B Person", []),
    ],
)
def test_parties_are_groups(text: str | None, expected: list[str] | int) -> None:
    found = parties(text, "Northland")
    assert found == (["Red Front", "Blue Army"] if expected == 2 else expected)
