"""POLECAT: PLOVER types and modes of weekly files, known when published."""

import csv
import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from forecast.events.polecat import polecat
from forecast.kinds import codes
from forecast.raw import InputError

ROW = {
    "Event ID": "20230405-1-a",
    "Event Date": "2023-04-05",
    "Event Type": "ASSAULT",
    "Event Mode": "aerial",
    "Intensity": "-9.5",
    "Quad Code": "MATERIAL CONFLICT",
    "Contexts": "military;territory",
    "Actor Name": "Northland Air Force",
    "Actor COW": "999",
    "Actor Country": "NOR",
    "Recipient Name": "None",
    "Recipient Country": "SOU",
    "Country": "Southland",
    "Latitude": "10.5",
    "Longitude": "-20.25",
    "Publication Date": "2023-04-07",
    "Source": "River Gazette",
    "Headline": "Raid",
}


def write(path: Path, *rows: dict[str, str], base: dict[str, str] = ROW) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, base, delimiter="\t")
        writer.writeheader()
        writer.writerows(base | row for row in rows)
    return path


def load(path: Path, *rows: dict[str, str]):
    return polecat(write(path / "a.txt", *rows))


def accounts(loaded) -> bool:
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    return bool(loaded.read == told and loaded.accepted == loaded.frame.height)


def test_a_row(tmp_path: Path) -> None:
    loaded = load(tmp_path, {})
    event = loaded.frame.row(0, named=True)
    expected = {
        "event_id": "20230405-1-a",
        "date": date(2023, 4, 5),
        "known_from": date(2023, 4, 8),
        "known_until": None,
        "kind": "strike",
        "code": "ASSAULT/aerial",
        "system": "plover",
        "hostile": True,
        "actor_a": "Northland Air Force",
        "actor_b": "SOU",
        "country": "Southland",
        "deaths": None,
        "note": "contexts: military;territory",
    }
    assert {name: event[name] for name in expected} == expected
    assert accounts(loaded)
    assert loaded.covered_through == date(2023, 4, 5)


def test_every_code_of_the_ontology_is_its_own_entry(tmp_path: Path) -> None:
    table = codes("plover")
    rows = [
        {"Event ID": str(i), "Event Type": kind, "Event Mode": mode}
        for i, code in enumerate(table["code"])
        for kind, _, mode in [code.partition("/")]
    ]
    loaded = load(tmp_path, *rows)
    assert loaded.unmapped.is_empty()
    assert sorted(loaded.frame["code"]) == sorted(table["code"])
    kinds = dict(loaded.frame.select("code", "kind").rows())
    assert kinds == dict(table.select("code", "kind").rows())


def test_unknown_modes_and_types_are_counted(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {"Event Mode": "catapult"},
        {"Event ID": "2", "Event Type": "DANCE", "Event Mode": ""},
        {"Event ID": "3", "Event Type": "assault", "Event Mode": "Aerial"},
        {"Event ID": "4", "Event Mode": "None"},
    )
    by_id = {row["event_id"]: row for row in loaded.frame.iter_rows(named=True)}
    assert by_id["2"]["kind"] == "other"
    assert by_id["3"]["code"] == "ASSAULT/aerial"
    assert by_id["4"]["code"] == "ASSAULT"
    assert loaded.unmapped.select("source", "code", "used", "n").rows() == [
        ("polecat", "ASSAULT/catapult", "ASSAULT", 1),
        ("polecat", "DANCE", None, 1),
    ]


@pytest.mark.parametrize(
    ("happened", "published", "known"),
    [
        ("2023-04-05", "2023-04-07", date(2023, 4, 8)),
        ("2023-04-05", "2023-04-05", date(2023, 4, 6)),
        ("2023-04-05", "", date(2023, 4, 6)),
        ("2023-04-09", "2023-04-07", date(2023, 4, 10)),
    ],
)
def test_known_after_publication_and_after_the_day(
    tmp_path: Path, happened: str, published: str, known: date
) -> None:
    row = {"Event Date": happened, "Publication Date": published}
    assert load(tmp_path, row).frame["known_from"].to_list() == [known]


def test_only_the_required_columns_are_needed(tmp_path: Path) -> None:
    required = (
        "Event ID",
        "Event Date",
        "Event Type",
        "Actor Name",
        "Recipient Name",
        "Country",
    )
    base = {name: ROW[name] for name in required}
    loaded = polecat(write(tmp_path / "a.txt", {}, base=base))
    assert loaded.frame.select("code", "note", "actor_b").row(0) == (
        "ASSAULT",
        None,
        None,
    )
    for name in required:
        less = {k: v for k, v in base.items() if k != name}
        with pytest.raises(InputError, match=f"no column '{name}'"):
            polecat(write(tmp_path / "b.txt", {}, base=less))


def test_files_that_overlap(tmp_path: Path) -> None:
    week = write(tmp_path / "week.txt", {}, {"Event ID": "2"})
    packed = tmp_path / "year.txt.gz"
    packed.write_bytes(gzip.compress(week.read_bytes()))
    more = write(tmp_path / "more.txt", {"Event ID": "3"}, {"Event ID": "2"})
    loaded = polecat([week, packed, more])
    assert accounts(loaded)
    assert (loaded.read, loaded.accepted) == (6, 3)
    assert loaded.left_out["n"].to_list() == [3]
    assert loaded.frame["event_id"].is_sorted()
    assert len(loaded.files) == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Event ID", ""),
        ("Event ID", ROW["Event ID"]),
        ("Event Date", "05.04.2023"),
        ("Event Date", "2023-04-31"),
        ("Event Type", ""),
        ("Latitude", "north"),
        ("Longitude", "181"),
        ("Publication Date", "soon"),
    ],
)
def test_bad_cell_is_named(tmp_path: Path, column: str, value: str) -> None:
    bad = {"Event ID": "2"} | {column: value}
    loaded = load(tmp_path, {"Headline": "two\nlines"}, bad)
    assert accounts(loaded)
    assert loaded.frame.height == 1
    found = loaded.rejected.select("file", "line", "column", "value").row(0)
    assert found == (str(tmp_path / "a.txt"), 4, column, value or None)


def test_a_comma_file_is_refused_with_the_separator_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(",".join(ROW) + "\n" + ",".join(ROW.values()) + "\n")
    with pytest.raises(InputError, match=r"parted by ','; expected '\\t'"):
        polecat(path)


def test_countries_stand_in_for_names_only_where_there_are_none(
    tmp_path: Path,
) -> None:
    frame = load(
        tmp_path,
        {"Recipient Name": "NLF"},
        {"Event ID": "2", "Actor Name": "", "Actor Country": "None"},
    ).frame
    told = frame.sort(pl.col("event_id").str.len_chars()).select("actor_a", "actor_b")
    assert told.rows() == [(None, "SOU"), ("Northland Air Force", "NLF")]
