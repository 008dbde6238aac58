"""UCDP GED: both layouts, several files, bad rows, and the real files."""

import csv
import gzip
import io
import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.events.ged import OPTIONAL, ged
from forecast.raw import InputError
from forecast.schema import DEATHS_MAX, Events, Loaded

REDUCED = [
    *("id", "year", "type_of_violence", "conflict_new_id", "dyad_new_id"),
    *("side_a", "side_b", "latitude", "longitude", "country", "date_start"),
    *("best", "high", "low"),
]
FULL = [*REDUCED, "date_prec", "date_end", "source_original"]
ROW = {
    "id": "100",
    "year": "2009",
    "type_of_violence": "1",
    "conflict_new_id": "297",
    "dyad_new_id": "640",
    "side_a": "Government",
    "side_b": "Rebels",
    "latitude": "11.8",
    "longitude": "13.1",
    "country": "Nigeria",
    "date_start": "2009-06-09",
    "best": "3",
    "high": "5",
    "low": "2",
    "date_prec": "1",
    "date_end": "2009-06-09",
    "source_original": "a police chief, and others",
}
COUNTRIES = {
    "col_v19_1": (4408, 500, date(2011, 11, 26)),
    "idn_v20_1": (1701, 312, date(2011, 10, 18)),
    "irq_v19_1": (3652, 303, date(2011, 12, 31)),
    "nga_v20_1": (869, 235, date(2011, 12, 31)),
    "pak_v22_1": (3902, 244, date(2011, 12, 31)),
    "phl_v22_1": (2450, 337, date(2011, 12, 18)),
    "tur_v20_1": (4259, 464, date(2011, 12, 31)),
}
HASHTAGS = {"date_start": "#date+start", "date_end": "#date+end", "year": "#date+year"}


def write(
    folder: Path,
    rows: list[dict[str, str]],
    columns: list[str] = FULL,
    name: str = "ged.csv",
) -> Path:
    content = io.StringIO()
    writer = csv.DictWriter(content, columns, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    data = content.getvalue().encode()
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def law(loaded: Loaded[Events]) -> None:
    """No row is lost unseen."""
    assert loaded.read == loaded.accepted + loaded.rejected.height
    assert loaded.accepted == loaded.frame.height


def test_one_row_in_all_layouts(tmp_path: Path) -> None:
    """Global or country file, spreadsheet numbers, times, hashtags, gzip: one event."""
    spreadsheet = ROW | {
        key: f"{ROW[key]}.0"
        for key in ("id", "type_of_violence", "conflict_new_id", "dyad_new_id")
    }
    spreadsheet |= {"best": "3.0", "high": "5.0", "low": "2.0", "date_prec": "1.0"}
    timed = ROW | {
        "date_start": "2009-06-09 00:00:00.000",
        "date_end": "2009-06-09 00:00:00.000",
    }
    frames = [
        ged(write(tmp_path, [ROW], REDUCED)).frame,
        ged(write(tmp_path, [ROW])).frame,
        ged(write(tmp_path, [spreadsheet])).frame,
        ged(write(tmp_path, [HASHTAGS, timed])).frame,
        ged(write(tmp_path, [ROW], FULL, "ged.csv.gz")).frame,
    ]
    assert all(frame.equals(frames[0]) for frame in frames)
    event = frames[0].row(0, named=True)
    assert (event["event_id"], event["dyad_id"], event["conflict_id"]) == (
        "100",
        "640",
        "297",
    )
    assert (event["deaths_low"], event["deaths"], event["deaths_high"]) == (2, 3, 5)
    assert event["known_from"] == date(2009, 6, 10)
    assert event["date_end"] is None


def test_only_the_needed_columns(tmp_path: Path) -> None:
    columns = [c for c in REDUCED if c not in OPTIONAL]
    loaded = ged(write(tmp_path, [ROW], columns))
    law(loaded)
    assert loaded.frame["dyad_id"].to_list() == [None]


def test_a_row_of_several_days_is_known_after_its_last(tmp_path: Path) -> None:
    loaded = ged(
        write(
            tmp_path, [ROW | {"date_end": "2009-07-02 00:00:00.000", "date_prec": "4"}]
        )
    )
    event = loaded.frame.row(0, named=True)
    assert event["date_end"] == loaded.covered_through == date(2009, 7, 2)
    assert event["known_from"] == date(2009, 7, 3)
    assert event["date_precision"] == "month"


def test_kinds_and_precisions(tmp_path: Path) -> None:
    rows = [ROW | {"id": str(i), "type_of_violence": str(i)} for i in (1, 2, 3)]
    frame = ged(write(tmp_path, rows)).frame
    assert frame["kind"].to_list() == ["clash", "clash", "abuse"]
    assert frame["code"].to_list() == ["1", "2", "3"]
    rows = [ROW | {"id": str(i), "date_prec": str(i)} for i in range(1, 6)]
    frame = ged(write(tmp_path, rows)).frame
    assert frame["date_precision"].to_list() == [
        "day",
        "week",
        "week",
        "month",
        "summary",
    ]


BAD = [
    ("id", "", "expected an id"),
    ("id", "1.0", "a second row with the same id"),
    ("type_of_violence", "4", "expected one of: 1, 2, 3"),
    ("type_of_violence", "", "expected one of: 1, 2, 3"),
    ("date_start", "2009-02-29", "expected a calendar day"),
    ("date_start", "09/06/2009", "expected a calendar day"),
    ("date_start", "", "expected a calendar day"),
    ("date_end", "2009-06-31 00:00:00.000", "expected a calendar day"),
    ("date_end", "2009-06-08", "on or after date_start"),
    ("best", "-1", "whole number from 0"),
    ("best", "", "whole number from 0"),
    ("low", "1.5", "whole number from 0"),
    ("high", str(DEATHS_MAX + 1), "whole number from 0"),
    ("latitude", "912", "number from -90 to 90"),
    ("longitude", "-180.5", "number from -180 to 180"),
    ("side_a", " ", "expected some text"),
    ("country", "", "expected some text"),
    ("date_prec", "6", "expected one of: 1, 2, 3, 4, 5"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD)
def test_bad_rows(tmp_path: Path, column: str, value: str, reason: str) -> None:
    quoted = ROW | {"id": "1", "source_original": 'two\nlines of "text"'}
    rows = [HASHTAGS, quoted, ROW | {"id": "2"}, ROW | {"id": "3", column: value}]
    path = write(tmp_path, [*rows, ROW | {"id": "4"}])
    loaded = ged(path)
    law(loaded)
    assert loaded.frame["event_id"].to_list() == ["1", "2", "4"]
    ((file, line, name, found, why),) = loaded.rejected.rows()
    # header, hashtags, a row on two lines, a sound row
    assert (file, line, name, found or "") == (str(path), 6, column, value)
    assert reason in why


def test_text_in_another_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, [ROW, ROW | {"id": "2", "side_b": "Séléka"}])
    path.write_bytes(path.read_text().encode("latin-1"))
    loaded = ged(path)
    law(loaded)
    assert loaded.rejected.select("line", "column", "value").rows() == [
        (3, "side_b", "S�l�ka")
    ]


@pytest.mark.parametrize("column", ["id", "best", "date_start", "side_a"])
def test_renamed_columns(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, [ROW])
    path.write_text(path.read_text().replace(column, f"{column}_x", 1))
    with pytest.raises(InputError) as error:
        ged(path)
    assert f"{path}: no column '{column}' (is '{column}_x' meant?)" in str(error.value)
    assert "expected id, type_of_violence" in str(error.value)


def test_hashtags_alone_are_no_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a header and no rows"):
        ged(write(tmp_path, [HASHTAGS]))


def test_several_files(tmp_path: Path) -> None:
    one = write(tmp_path, [ROW, ROW | {"id": "7"}], name="one.csv")
    two = write(tmp_path, [ROW | {"id": "2", "best": "x"}, ROW | {"id": "3"}], REDUCED)
    loaded = ged([one, two])
    law(loaded)
    assert loaded.frame["event_id"].to_list() == ["100", "3", "7"]
    assert loaded.rejected["file"].to_list() == [str(two)]
    assert set(loaded.files) == {str(one), str(two)}
    assert ged([two, one]).frame.equals(loaded.frame)


def test_files_that_repeat_an_event_and_no_file(tmp_path: Path) -> None:
    one, two = (write(tmp_path, [ROW], name=name) for name in ("a.csv", "b.csv"))
    with pytest.raises(InputError, match=r"a\.csv, .*b\.csv: id '100' stands in two"):
        ged([one, two])
    with pytest.raises(InputError, match="no file; expected path="):
        ged([])


def test_events_of_some_countries(shared: Path, everywhere: Loaded[Events]) -> None:
    path = shared / "data/ucdp_ged/ged_global.csv.gz"
    loaded = ged(path, countries=["Turkey", "Yemen (North Yemen)"])
    assert set(loaded.frame["country"]) == {"Turkey", "Yemen (North Yemen)"}
    assert loaded.read == loaded.accepted + loaded.left_out["n"].sum()
    there = everywhere.frame.filter(
        pl.col("country").is_in(["Turkey", "Yemen (North Yemen)"])
    )
    assert loaded.frame.equals(there)
    # the file speaks for the same days whatever is left out
    assert loaded.covered_through == everywhere.covered_through
    with pytest.raises(InputError, match=r"in the country 'Yemen'; .*Zambia"):
        ged(path, countries=["Turkey", "Yemen"])


def test_coverage(tmp_path: Path) -> None:
    path = write(tmp_path, [ROW])
    assert ged(path).covered_through == date(2009, 6, 9)
    assert ged(path, "2009-12-31").covered_through == date(2009, 12, 31)
    assert ged(path, date(2009, 12, 31)).covered_through == date(2009, 12, 31)
    with pytest.raises(InputError, match="covered_through='2009-31-12' is no day"):
        ged(path, "2009-31-12")


@settings(deadline=None, max_examples=60)
@given(
    row=st.integers(0, 3),
    column=st.sampled_from(FULL),
    value=st.sampled_from(["", "-1", "912", "x", "1.0", "2100-12-31", "nan", "9" * 30])
    | st.text(max_size=5).filter(lambda text: "\0" not in text),
)
def test_one_damaged_cell(
    tmp_path_factory: pytest.TempPathFactory, row: int, column: str, value: str
) -> None:
    """Whatever stands in a cell, only its own row can be lost, and by name."""
    value = value.encode("utf-8", "replace").decode()
    rows = [ROW | {"id": str(i)} for i in range(1, 5)]
    rows[row][column] = value
    loaded = ged(write(tmp_path_factory.mktemp("damage"), rows))
    law(loaded)
    assert loaded.read == 4
    for line, name in loaded.rejected.select("line", "column").iter_rows():
        # a repeated id costs the later of the two
        assert line == row + 2 or (column == "id" and line > row + 2)
        assert name in (column, "date_end")
    kept = set(loaded.frame["event_id"]) | {value.strip()}
    assert kept >= {str(i) for i in range(1, 5) if i != row + 1}


# the real files ----------------------------------------------------------------


@pytest.fixture(scope="module")
def everywhere(shared: Path) -> Loaded[Events]:
    return ged(shared / "data/ucdp_ged/ged_global.csv.gz")


def test_the_global_file(shared: Path, everywhere: Loaded[Events]) -> None:
    path = shared / "data/ucdp_ged/ged_global.csv.gz"
    loaded = everywhere
    law(loaded)
    assert loaded.read == loaded.accepted == 65_943
    assert loaded.covered_through == date(2011, 12, 31)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    frame = loaded.frame
    assert sum(int(row["best"]) for row in rows.values()) == frame["deaths"].sum()
    for event in frame.gather_every(997).iter_rows(named=True):
        row = rows[event["event_id"]]
        assert str(event["date"]) == row["date_start"]
        assert event["dyad_id"] == (row["dyad_new_id"] or None)
        assert event["actor_b"] == row["side_b"].strip()
        assert event["latitude"] == float(row["latitude"])
        assert event["known_from"] == event["date"] + timedelta(days=1)


def test_a_long_quiet_truce(everywhere: Loaded[Events]) -> None:
    """India-Pakistan: much fighting up to the truce of 2003, then years of none."""
    ours = everywhere.frame.filter(pl.col("dyad_id") == "422")
    assert set(ours["actor_b"]) == {"Government of Pakistan"}
    years = ours["date"].dt.year().to_list()
    assert years.count(2003) == 85
    assert not [year for year in years if 2004 <= year <= 2007]


@pytest.mark.parametrize("name", COUNTRIES)
def test_country_files(shared: Path, name: str) -> None:
    rows, several_days, last = COUNTRIES[name]
    path = shared / f"data/ucdp_ged/country/{name}.csv.gz"
    loaded = ged(path)
    law(loaded)
    assert (loaded.read, loaded.accepted) == (rows, rows)
    assert loaded.covered_through == last
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        hashtags, *raw = csv.DictReader(file)
    assert hashtags["date_start"] == "#date+start"
    assert len(raw) == rows
    spans = {
        re.sub(r"\.0$", "", row["id"]): (row["date_start"][:10], row["date_end"][:10])
        for row in raw
        if row["date_start"][:10] != row["date_end"][:10]
    }
    assert len(spans) == several_days
    found = loaded.frame.filter(pl.col("date_end").is_not_null())
    assert spans == {
        event_id: (str(first), str(end))
        for event_id, first, end in found.select("event_id", "date", "date_end").rows()
    }
    known = pl.coalesce("date_end", "date").dt.offset_by("1d")
    assert loaded.frame.select((pl.col("known_from") == known).all()).item()


def test_numbers_that_went_through_a_spreadsheet(shared: Path) -> None:
    """The Nigerian file writes its ids and codes as 15960.0 and 1.0."""
    loaded = ged(shared / "data/ucdp_ged/country/nga_v20_1.csv.gz")
    ids = loaded.frame.select("event_id", "conflict_id", "dyad_id", "code")
    assert (
        not ids.select(pl.all().str.contains(".", literal=True).any())
        .row(0)
        .count(True)
    )
    event = loaded.frame.row(by_predicate=pl.col("event_id") == "15960", named=True)
    assert (event["kind"], event["dyad_id"], event["deaths_high"]) == (
        "clash",
        "640",
        14,
    )


def test_two_vintages_of_one_truth(shared: Path, everywhere: Loaded[Events]) -> None:
    """Colombia 19.1 and the global 21.1 share events, and differ in some of them."""
    folder = shared / "data/ucdp_ged"
    country = folder / "country/col_v19_1.csv.gz"
    with pytest.raises(InputError, match="stands in two of these files"):
        ged([folder / "ged_global.csv.gz", country])
    both = everywhere.frame.join(ged(country).frame, on="event_id", suffix="_older")
    assert both.height > 1000
    assert both.filter(pl.col("deaths") != pl.col("deaths_older")).height > 0
