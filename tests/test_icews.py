"""ICEWS, raw and as relations: every row accounted for, codes stay text."""

import gzip
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from forecast.events.icews import icews
from forecast.events.icews_relations import icews_relations
from forecast.raw import InputError
from forecast.schema import Events, Loaded

NAMES = (
    "Event ID,Event Date,Source Name,Source Sectors,Source Country,Event Text,"
    "CAMEO Code,Intensity,Target Name,Target Sectors,Target Country,Story ID,"
    "Sentence Number,Publisher,City,District,Province,Country,Latitude,Longitude"
)
HEADER = NAMES.split(",")
ROW = dict.fromkeys(HEADER, "NA") | {
    "Event ID": "7",
    "Event Date": "2010-03-04",
    "Source Name": "Military (Northland)",
    "Source Country": "Northland",
    "Event Text": "Violate ceasefire",
    "CAMEO Code": "196",
    "Intensity": "-9.5",
    "Target Name": "River Front",
    "Target Country": "Northland",
    "Country": "Northland",
    "Latitude": "12.5",
    "Longitude": "-40",
}
RELATIONS = ("icews_2005_2011_sample.csv.gz", "icews_2014_global.csv.gz")


def write(path: Path, *rows: dict[str, str]) -> Path:
    lines = ["\t".join(HEADER), *("\t".join((ROW | row).values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def relations(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["event_date,source,relation,target", *rows]) + "\n")
    return path


def accounts(loaded: Loaded[Events]) -> bool:
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    return bool(loaded.read == told and loaded.accepted == loaded.frame.height)


@pytest.fixture(scope="module")
def raw_file(shared: Path) -> Path:
    return shared / "data/icews/events.2018.sample.tab.gz"


def test_the_raw_file_is_accounted_for(raw_file: Path) -> None:
    loaded = icews(raw_file)
    assert accounts(loaded)
    assert (loaded.read, loaded.accepted) == (3705, 3705)
    assert loaded.unmapped.is_empty()
    assert loaded.covered_through == date(2018, 6, 2)


def test_real_codes_are_those_of_the_file(raw_file: Path) -> None:
    """Text with zeros: an independent reading finds the same codes on the same ids."""
    lines = gzip.decompress(raw_file.read_bytes()).decode().splitlines()[1:]
    of_file = {cells[0]: cells[6] for cells in (line.split("\t") for line in lines)}
    frame = icews(raw_file).frame
    assert dict(zip(frame["event_id"], frame["code"], strict=True)) == of_file
    assert {"040", "0871", "190"} <= set(of_file.values())
    assert frame.filter(code="0871")["kind"].unique().to_list() == ["deal"]
    assert frame["hostile"].sum() == sum(
        c[:2] in ("18", "19") for c in of_file.values()
    ) + sum(c in ("1712", "175") for c in of_file.values())


def test_na_is_no_place(raw_file: Path) -> None:
    frame = icews(raw_file).frame
    assert frame["latitude"].null_count() == frame["country"].null_count() == 2
    assert (
        not frame.select(pl.any_horizontal(pl.col(pl.String) == "NA")).to_series().any()
    )


def test_events_have_no_ucdp_ids_and_are_known_the_day_after(raw_file: Path) -> None:
    frame = icews(raw_file).frame
    assert frame.select("conflict_id", "dyad_id", "deaths").null_count().row(0) == (
        (frame.height,) * 3
    )
    assert (frame["known_from"] - frame["date"]).dt.total_days().unique().to_list() == [
        1
    ]
    assert set(frame["system"]) == {"cameo"}


def test_a_row_by_hand(tmp_path: Path) -> None:
    row = icews(write(tmp_path / "a.tab", {})).frame.row(0, named=True)
    assert row["kind"] == "violation"
    assert (row["actor_a"], row["actor_b"]) == ("Military (Northland)", "River Front")
    assert (row["latitude"], row["longitude"]) == (12.5, -40)
    assert row["note"] == "source of Northland, target of Northland, intensity -9.5"


def test_a_lone_quotation_mark_swallows_nothing(tmp_path: Path) -> None:
    names = ['The "Hawks', 'a"b', '"', "plain"]
    rows = [{"Event ID": str(i), "Target Name": n} for i, n in enumerate(names)]
    loaded = icews(write(tmp_path / "a.tab", *rows))
    assert loaded.frame["actor_b"].to_list() == names
    assert loaded.rejected.is_empty()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Event ID", ""),
        ("Event Date", "2010-02-30"),
        ("Event Date", "04/03/2010"),
        ("Event Date", "NA"),
        ("CAMEO Code", ""),
        ("Latitude", "912"),
        ("Longitude", "east"),
        ("Intensity", "-95"),
        ("Source Name", " "),
        ("Target Name", ""),
        ("Event ID", "1"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place(
    tmp_path: Path, column: str, value: str
) -> None:
    rows = [{"Event ID": "1"}, {"Event ID": "2", column: value}, {"Event ID": "3"}]
    loaded = icews(write(tmp_path / "a.tab", *rows))
    assert accounts(loaded)
    assert loaded.frame["event_id"].to_list() == ["1", "3"]
    refused = loaded.rejected.row(0, named=True)
    assert refused["file"].endswith("a.tab")
    assert (refused["line"], refused["column"]) == (3, column)
    assert (refused["value"] or "").strip() == value.strip()


def test_a_line_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tab", {"Event ID": "1"}, {"Event ID": "2"})
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1] + "\tmore", "9\t2010-01-01"]) + "\n")
    loaded = icews(path)
    assert accounts(loaded)
    assert loaded.rejected["line"].to_list() == [4, 5]
    assert loaded.rejected["reason"].to_list() == [
        "expected 20 cells, found 21",
        "expected 20 cells, found 2",
    ]


@pytest.mark.parametrize(
    ("code", "label"), [("10", "Make statement"), ("40", "Consult"), ("871", None)]
)
def test_a_code_that_lost_its_zero_is_told(
    tmp_path: Path, code: str, label: str | None
) -> None:
    """Read as a number, 010 "Make statement" would be a demand, silently."""
    label = label or "Declare truce, ceasefire"
    bad = {"Event ID": "2", "CAMEO Code": code, "Event Text": label}
    loaded = icews(write(tmp_path / "a.tab", {}, bad))
    assert loaded.rejected.select("line", "column", "value").rows() == [
        (3, "CAMEO Code", code)
    ]
    assert "leading zero" in loaded.rejected["reason"][0]


def test_unmapped_codes_are_kept_and_counted(tmp_path: Path) -> None:
    rows = [
        {"Event ID": str(i), "CAMEO Code": code, "Event Text": "NA"}
        for i, code in enumerate(["1949", "1949", "---", "10"])
    ]
    loaded = icews(write(tmp_path / "a.tab", *rows))
    assert loaded.frame["code"].to_list() == ["1949", "1949", "---", "10"]
    assert loaded.frame["kind"].to_list() == ["strike", "strike", "other", "other"]
    assert loaded.unmapped.rows() == [
        ("icews", "cameo", "---", None, 1),
        ("icews", "cameo", "1949", "194", 2),
    ]


def test_an_event_in_two_files_counts_once(tmp_path: Path) -> None:
    one = write(tmp_path / "a.tab", {"Event ID": "1"}, {"Event ID": "2"})
    two = write(tmp_path / "b.tab", {"Event ID": "2"}, {"Event ID": "3"})
    loaded = icews([one, two])
    assert accounts(loaded)
    assert loaded.frame["event_id"].to_list() == ["1", "2", "3"]
    assert loaded.left_out.rows() == [("icews", "event also in another file", 1)]
    assert len(loaded.files) == 2


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tab", {})
    path.write_text(path.read_text().replace("CAMEO Code", "Code"))
    with pytest.raises(InputError, match="no column 'CAMEO Code'"):
        icews(path)


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of its 1 rows.*Event Date"):
        icews(write(tmp_path / "a.tab", {"Event Date": "soon"}))


# relations


@pytest.mark.parametrize(
    ("name", "n"), [(RELATIONS[0], 60_257), (RELATIONS[1], 90_730)]
)
def test_relation_files_are_accounted_for_in_time(
    shared: Path, name: str, n: int
) -> None:
    icews_relations(shared / "data/icews" / name)
    start = time.perf_counter()
    loaded = icews_relations(shared / "data/icews" / name)
    # a third of a second; the rest is for a busy machine
    assert time.perf_counter() - start < 3
    assert accounts(loaded)
    assert (loaded.read, loaded.accepted) == (n, n)
    assert loaded.unmapped.is_empty()
    assert loaded.frame["event_id"].n_unique() == n


def test_the_real_violations_are_found(shared: Path) -> None:
    """Seven rows in 150 thousand say it: the reason why the raw code stays."""
    frames = [icews_relations(shared / "data/icews" / name).frame for name in RELATIONS]
    found = [f.filter(kind="violation") for f in frames]
    assert [f.height for f in found] == [1, 6]
    assert all((f["code"] == "196").all() for f in found)


def test_underscores_are_blanks(tmp_path: Path) -> None:
    one = relations(tmp_path / "a.csv", "2014-01-01,Police_(A),Violate_ceasefire,B")
    two = relations(tmp_path / "b.csv", "2014-01-01,Police (A),Violate ceasefire,B")
    assert icews_relations(one).frame.equals(icews_relations(two).frame)


ROWS = [
    "2010-01-02,A,Consult,B",
    "2010-01-01,A,Consult,B",
    "2010-01-01,B,Consult,A",
    "2010-01-01,A,Consult,B",
    "2010-01-01,A,Threaten,B",
]


def test_ids_stay_when_rows_move_or_more_arrive(tmp_path: Path) -> None:
    before = icews_relations(relations(tmp_path / "a.csv", *ROWS)).frame
    moved = icews_relations(relations(tmp_path / "b.csv", *ROWS[::-1])).frame
    assert before.equals(moved)
    more = ["2009-12-31,A,Consult,B", *ROWS, "2010-01-01,A,Consult,B"]
    after = icews_relations(relations(tmp_path / "c.csv", *more)).frame
    assert before.join(after, on=before.columns, nulls_equal=True).height == len(ROWS)
    assert after.height == len(ROWS) + 2
    assert after["event_id"].n_unique() == after.height


def test_equal_rows_are_kept_and_numbered(tmp_path: Path) -> None:
    frame = icews_relations(relations(tmp_path / "a.csv", *ROWS)).frame
    twice = frame.filter(pl.col("event_id").str.ends_with("-2"))
    assert twice.height == 1
    assert twice.select("date", "actor_a", "code").row(0) == (
        date(2010, 1, 1),
        "A",
        "040",
    )


def test_cells_do_not_run_into_each_other(tmp_path: Path) -> None:
    """Else two events that differ would share an id but for the number."""
    rows = ["2010-01-01,AB,Consult,C", "2010-01-01,A,BConsult,C"]
    frame = icews_relations(relations(tmp_path / "a.csv", *rows)).frame
    assert frame["event_id"].str.slice(11, 16).n_unique() == 2


def test_an_unknown_label_is_kept_as_the_code_and_counted(tmp_path: Path) -> None:
    path = relations(tmp_path / "a.csv", *ROWS, "2010-01-03,A,Dance,B")
    loaded = icews_relations(path)
    assert loaded.frame.filter(code="Dance")["kind"].to_list() == ["other"]
    assert loaded.unmapped.rows() == [("icews_relations", "cameo", "Dance", None, 1)]


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("2010-13-01,A,Consult,B", "event_date", "2010-13-01"),
        ("01.02.2010,A,Consult,B", "event_date", "01.02.2010"),
        ("2010-01-01,,Consult,B", "source", None),
        ("2010-01-01,A,_,B", "relation", "_"),
        ("2010-01-01,A,Consult,", "target", None),
        ("2010-01-01,A,Consult", "", "2010-01-01,A,Consult"),
    ],
)
def test_a_bad_relation_is_refused_with_its_place(
    tmp_path: Path, row: str, column: str, value: str | None
) -> None:
    loaded = icews_relations(relations(tmp_path / "a.csv", *ROWS, row))
    assert accounts(loaded)
    assert loaded.rejected.select("line", "column", "value").rows() == [
        (7, column, value)
    ]
