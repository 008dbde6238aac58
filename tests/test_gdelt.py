"""GDELT 2.0 exports, in rows written to the documented format."""

from datetime import date
from pathlib import Path

import pytest

from forecast.events.gdelt import COLUMNS, gdelt
from forecast.raw import InputError
from forecast.schema import Events, Loaded

ROW = dict.fromkeys(COLUMNS, "") | {
    "GLOBALEVENTID": "410412347",
    "SQLDATE": "20150218",
    "MonthYear": "201502",
    "Year": "2015",
    "FractionDate": "2015.1315",
    "Actor1Code": "UKRREB",
    "Actor1Name": "REBEL",
    "Actor1CountryCode": "UKR",
    "Actor1Type1Code": "REB",
    "Actor2Code": "UKRMIL",
    "Actor2Name": "UKRAINIAN ARMY",
    "Actor2CountryCode": "UKR",
    "IsRootEvent": "1",
    "EventCode": "196",
    "EventBaseCode": "196",
    "EventRootCode": "19",
    "QuadClass": "4",
    "GoldsteinScale": "-9.5",
    "NumMentions": "6",
    "NumSources": "1",
    "NumArticles": "6",
    "AvgTone": "-5.88",
    "ActionGeo_Type": "4",
    "ActionGeo_FullName": "Debaltseve, Donets'ka Oblast', Ukraine",
    "ActionGeo_CountryCode": "UP",
    "ActionGeo_ADM1Code": "UP05",
    "ActionGeo_Lat": "48.3406",
    "ActionGeo_Long": "38.4111",
    "ActionGeo_FeatureID": "-1037070",
    "DATEADDED": "20150218230000",
    "SOURCEURL": "https://example.org/a",
}


def coded(code: str, **cells: str) -> dict[str, str]:
    base = {"EventCode": code, "EventBaseCode": code[:3], "EventRootCode": code[:2]}
    return base | cells


def write(path: Path, *rows: dict[str, str]) -> Path:
    lines = [
        "\t".join(
            ({"GLOBALEVENTID": str(i)} | row)[c]
            if c in row or c == COLUMNS[0]
            else ROW[c]
            for c in COLUMNS
        )
        for i, row in enumerate(rows, 1)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def accounts(loaded: Loaded[Events]) -> bool:
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    return bool(loaded.read == told and loaded.accepted == loaded.frame.height)


def test_an_export_has_61_columns() -> None:
    """The places the codebook gives them, counted from 1."""
    assert len(COLUMNS) == len(set(COLUMNS)) == 61
    at = {name: COLUMNS.index(name) + 1 for name in COLUMNS}
    assert (at["SQLDATE"], at["Actor1Name"], at["Actor2Name"]) == (2, 7, 17)
    assert (at["EventCode"], at["EventRootCode"], at["GoldsteinScale"]) == (27, 29, 31)
    assert (at["NumMentions"], at["ActionGeo_FullName"]) == (32, 53)
    assert (at["ActionGeo_Lat"], at["ActionGeo_Long"]) == (57, 58)
    assert (at["DATEADDED"], at["SOURCEURL"]) == (60, 61)


def test_a_row_becomes_an_event(tmp_path: Path) -> None:
    loaded = gdelt(write(tmp_path / "a.CSV", {"GLOBALEVENTID": "410412347"}))
    row = loaded.frame.row(0, named=True)
    assert row["event_id"] == "410412347"
    assert (row["date"], row["known_from"]) == (date(2015, 2, 18), date(2015, 2, 19))
    assert (row["kind"], row["code"], row["hostile"]) == ("violation", "196", True)
    assert (row["actor_a"], row["actor_b"]) == ("REBEL", "UKRAINIAN ARMY")
    assert (row["latitude"], row["longitude"]) == (48.3406, 38.4111)
    assert row["country"] == "Ukraine"
    assert row["conflict_id"] is None
    assert row["dyad_id"] is None
    assert row["note"] == ("source of UKR, target of UKR, Goldstein -9.5, mentions 6")
    assert accounts(loaded)


def test_the_first_line_is_data(tmp_path: Path) -> None:
    loaded = gdelt(write(tmp_path / "a.CSV", {}, {}))
    assert (loaded.read, loaded.frame["event_id"].to_list()) == (2, ["1", "2"])


@pytest.mark.parametrize(
    ("day", "added", "known_from"),
    [
        ("20150218", "20150218000000", date(2015, 2, 19)),
        ("20150218", "20150218234500", date(2015, 2, 19)),
        ("20140218", "20150218234500", date(2015, 2, 19)),
        ("20150219", "20150218234500", date(2015, 2, 20)),
    ],
)
def test_an_event_is_known_after_it_was_added(
    tmp_path: Path, day: str, added: str, known_from: date
) -> None:
    """Never on the morning of the day on which it entered, nor before its own end."""
    path = write(tmp_path / "a.CSV", {"SQLDATE": day, "DATEADDED": added})
    assert gdelt(path).frame["known_from"].to_list() == [known_from]


def test_leading_zeros_stay(tmp_path: Path) -> None:
    codes = ["010", "040", "0871", "057", "02"]
    loaded = gdelt(write(tmp_path / "a.CSV", *(coded(c) for c in codes)))
    assert loaded.frame["code"].to_list() == codes
    assert loaded.frame["kind"].to_list() == ["other", "talks", "deal", "deal", "other"]
    assert loaded.unmapped.is_empty()


@pytest.mark.parametrize(("code", "root"), [("40", "4"), ("10", "1"), ("871", "8")])
def test_codes_read_as_numbers_are_refused(
    tmp_path: Path, code: str, root: str
) -> None:
    path = write(tmp_path / "a.CSV", {}, coded(code, EventRootCode=root))
    refused = gdelt(path).rejected
    assert refused.select("line", "column", "value").rows() == [(2, "EventCode", code)]


def test_few_mentions_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"NumMentions": str(n)} for n in (1, 2, 3, 10)]
    path = write(tmp_path / "a.CSV", *rows)
    assert gdelt(path).accepted == 4
    kept = [gdelt(path, min_mentions=n).accepted for n in (1, 2, 3, 4, 11)]
    assert kept == [4, 3, 2, 1, 0]
    loaded = gdelt(path, min_mentions=3)
    assert accounts(loaded)
    assert loaded.left_out.rows() == [("gdelt", "fewer than 3 mentions", 2)]


def test_left_out_rows_still_say_how_far_the_files_speak(tmp_path: Path) -> None:
    rows = [{}, {"NumMentions": "1", "SQLDATE": "20150220"}]
    loaded = gdelt(write(tmp_path / "a.CSV", *rows), min_mentions=2)
    assert loaded.covered_through == date(2015, 2, 20)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("GLOBALEVENTID", ""),
        ("SQLDATE", "20150230"),
        ("SQLDATE", "2015-02-18"),
        ("SQLDATE", "2015021"),
        ("DATEADDED", "20150218"),
        ("DATEADDED", "20150218250000"),
        ("EventCode", ""),
        ("EventCode", "042"),
        ("GoldsteinScale", "-11"),
        ("NumMentions", "0"),
        ("NumMentions", "many"),
        ("NumMentions", ""),
        ("ActionGeo_Lat", "91"),
        ("ActionGeo_Long", "38,4"),
        ("GLOBALEVENTID", "1"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place(
    tmp_path: Path, column: str, value: str
) -> None:
    loaded = gdelt(write(tmp_path / "a.CSV", {}, {column: value}, {}))
    assert accounts(loaded)
    assert loaded.frame["event_id"].to_list() == ["1", "3"]
    refused = loaded.rejected.row(0, named=True)
    assert refused["file"].endswith("a.CSV")
    assert (refused["line"], refused["column"]) == (2, column)
    assert (refused["value"] or "") == value


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(("cut", "found"), [(3, 58), (-1, 62)])
def test_a_line_of_the_wrong_length_is_refused_wherever_it_stands(
    tmp_path: Path, at: int, cut: int, found: int
) -> None:
    """58 cells are GDELT 1.0; Polars alone would take the first line for the rule."""
    path = write(tmp_path / "a.CSV", {}, {}, {})
    lines = path.read_text().splitlines()
    lines[at] = (
        "\t".join(lines[at].split("\t")[:-cut]) if cut > 0 else lines[at] + "\tx"
    )
    path.write_text("\n".join(lines) + "\n")
    loaded = gdelt(path)
    assert accounts(loaded)
    assert loaded.accepted == 2
    assert loaded.rejected["line"].to_list() == [at + 1]
    assert loaded.rejected["reason"].to_list() == [f"expected 61 cells, found {found}"]


def test_an_export_of_gdelt_1_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.CSV", {}, {})
    lines = [line.split("\t")[:58] for line in path.read_text().splitlines()]
    path.write_text("\n".join("\t".join(cells) for cells in lines) + "\n")
    with pytest.raises(InputError, match="expected 61 cells, found 58"):
        gdelt(path)


def test_a_lone_quotation_mark_swallows_nothing(tmp_path: Path) -> None:
    rows = [{"Actor1Name": '"THE FRONT'}, {}, {"Actor2Name": 'X"'}, {"SOURCEURL": '"'}]
    loaded = gdelt(write(tmp_path / "a.CSV", *rows))
    assert loaded.accepted == 4
    assert loaded.frame["actor_a"][0] == '"THE FRONT'


def test_a_header_that_someone_added_is_refused_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.CSV", {})
    path.write_text("\t".join(COLUMNS) + "\n" + path.read_text())
    loaded = gdelt(path)
    assert (loaded.accepted, loaded.rejected["line"].to_list()) == (1, [1])


def test_blank_actors_and_places_are_nulls(tmp_path: Path) -> None:
    blank = {
        "Actor2Name": "",
        "Actor2CountryCode": "",
        "ActionGeo_FullName": "",
        "ActionGeo_Lat": "",
        "ActionGeo_Long": "",
        "SOURCEURL": "",
    }
    row = gdelt(write(tmp_path / "a.CSV", blank)).frame.row(0, named=True)
    for column in ("actor_b", "country", "latitude", "longitude"):
        assert row[column] is None


def test_unmapped_codes_are_kept_and_counted(tmp_path: Path) -> None:
    loaded = gdelt(write(tmp_path / "a.CSV", coded("1949"), coded("---"), {}))
    assert loaded.frame["kind"].to_list() == ["strike", "other", "violation"]
    assert loaded.unmapped.rows() == [
        ("gdelt", "cameo", "---", None, 1),
        ("gdelt", "cameo", "1949", "194", 1),
    ]


def test_an_event_in_two_files_counts_once(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{i}.CSV", {}, {}) for i in range(2)]
    loaded = gdelt(paths)
    assert accounts(loaded)
    assert loaded.accepted == 2
    assert loaded.left_out.rows() == [("gdelt", "event also in another file", 2)]


def test_the_zip_as_published_is_named(tmp_path: Path) -> None:
    path = tmp_path / "20150218230000.export.CSV.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(InputError, match="zip"):
        gdelt(path)
