"""Events and truces in our own columns: defaults, and every kind of bad row."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.events.table import CELLS as EVENT_CELLS
from forecast.events.table import table as events
from forecast.kinds import HOSTILE, KINDS
from forecast.raw import InputError
from forecast.schema import Events, Loaded, Truces
from forecast.truces.table import CELLS as TRUCE_CELLS
from forecast.truces.table import table as truces

EVENTS = [
    "event_id,date,date_end,kind,known_from,known_until,deaths,latitude,longitude,note",
    "e1,2016-03-01,,strike,,,3,33.5,36.3,first",
    "e2,2016-03-02,2016-03-05,clash,,,,,,",
    "e3,2016-03-04 00:00:00.000,,talks,2016-03-09,2016-04-01,0,,,third",
    "e3,2016-03-04,,talks,2016-04-01,,0,,,a revision",
]
TRUCES = [
    "truce_id,start,start_precision,end,end_precision,end_reason,term_days,parties",
    "t1,2016-02-27,day,,,,,A;B",
    "t2,2016-02-27,,2016-03-05,,expired,7,A; C ;",
    "t3,2016-02-27,,2016-02-01,month,other,,",
    "t4,2016-02-01,month,2016-01-31,,,,",
]


def write(folder: Path, lines: list[str], end: str = "\n") -> Path:
    path = folder / "hand.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return path


def law(loaded: Loaded[Any]) -> None:
    """No row is lost unseen."""
    left_out = loaded.left_out["n"].sum()
    assert loaded.read == loaded.accepted + loaded.rejected.height + left_out


def damaged(lines: list[str], row: int, column: str, value: str) -> list[str]:
    """Lines with one cell changed; the header is row 0."""
    cells = [line.split(",") for line in lines]
    cells[row][cells[0].index(column)] = value
    return [",".join(line) for line in cells]


def test_event_defaults(tmp_path: Path) -> None:
    loaded = events(write(tmp_path, EVENTS))
    law(loaded)
    assert loaded.read == loaded.accepted == 4
    assert loaded.covered_through == date(2016, 3, 5)
    first, second, third, revised = loaded.frame.iter_rows(named=True)
    assert first["known_from"] == date(2016, 3, 2)
    # a row that spans days can be used from the morning after its last one
    assert second["known_from"] == date(2016, 3, 6)
    assert third["known_until"] == revised["known_from"] == date(2016, 4, 1)
    assert first["date_precision"] == "day"
    assert first["system"] == "hand"
    assert first["source"] == "hand.csv"
    assert (first["deaths"], second["deaths"], third["deaths"]) == (3, None, 0)


def test_hostile_follows_the_kind_unless_said_otherwise(tmp_path: Path) -> None:
    lines = ["event_id,date,kind,hostile"]
    lines += [f"{kind},2016-03-01,{kind}," for kind in KINDS]
    lines += ["said,2016-03-01,talks,true", "denied,2016-03-01,clash,0"]
    frame = events(write(tmp_path, lines)).frame
    hostile = dict(frame.select("event_id", "hostile").iter_rows())
    assert hostile.pop("said") is True
    assert hostile.pop("denied") is False
    assert {kind for kind, yes in hostile.items() if yes} == set(HOSTILE)


def test_three_columns_are_enough(tmp_path: Path) -> None:
    loaded = events(write(tmp_path, ["event_id,date,kind", "15960.0,2016-03-01,deal"]))
    assert loaded.frame["event_id"].to_list() == ["15960"]
    loaded_truces = truces(write(tmp_path, ["truce_id,start", "t,2016-02-27"]))
    truce = loaded_truces.frame.row(0, named=True)
    assert truce["name"] == "t"
    assert truce["end_reason"] == "ongoing"
    assert truce["parties"] == truce["excluded"] == truce["purposes"] == []


def test_every_column_of_the_schemas_can_be_given() -> None:
    assert set(EVENT_CELLS) == set(Events.column_names())
    assert set(TRUCE_CELLS) == set(Truces.column_names())


def test_truce_defaults(tmp_path: Path) -> None:
    loaded = truces(write(tmp_path, TRUCES))
    law(loaded)
    one, two, three, four = loaded.frame.iter_rows(named=True)
    assert (one["end"], one["end_precision"], one["end_reason"]) == (
        None,
        None,
        "ongoing",
    )
    assert (two["end_precision"], two["end_reason"]) == ("day", "expired")
    assert (one["parties"], two["parties"]) == (["A", "B"], ["A", "C"])
    # an end before the start is wrong only where both days are exact
    assert three["end"] < three["start"]
    assert four["end_reason"] == "unclear"


def test_a_written_frame_reads_as_itself(tmp_path: Path) -> None:
    for load, lines in ((events, EVENTS), (truces, TRUCES)):
        frame = load(write(tmp_path, lines)).frame
        frame.write_parquet(tmp_path / "again.parquet")
        assert load(tmp_path / "again.parquet").frame.equals(frame)
        lists = [c for c, t in frame.schema.items() if isinstance(t, pl.List)]
        flat = frame.with_columns(pl.col(lists).list.join(";"))
        flat.write_csv(tmp_path / "again.csv")
        assert load(tmp_path / "again.csv").frame.equals(frame)


BAD_EVENTS = [
    ("event_id", "", "expected an id"),
    ("event_id", "e3", "a second row with the same id"),
    ("date", "2016-02-30", "calendar day"),
    ("date", "", "calendar day"),
    ("date", "2100-12-31", "calendar day"),
    ("date_end", "2016-03-01", "on or after date"),
    ("date_end", "9999-01-01", "calendar day"),
    ("kind", "ceasefire", "expected one of: strike, offensive"),
    ("known_from", "soon", "calendar day"),
    ("known_until", "2016-03-05", "after known_from"),
    ("deaths", "-1", "whole number from 0"),
    ("deaths", "some", "whole number from 0"),
    ("deaths", "2.5", "whole number from 0"),
    ("latitude", "912", "number from -90 to 90"),
    ("longitude", "181", "number from -180 to 180"),
    ("note", "\ufffd", "UTF-8"),
    ("note", "x,y", "expected 10 cells, found 11"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD_EVENTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"], ids=["LF", "CRLF", "blank"])
def test_bad_events(
    tmp_path: Path, column: str, value: str, reason: str, end: str
) -> None:
    # the row that is spoilt stands behind the others, so that it is the second of two
    lines = [*EVENTS, "e9,2016-03-04,,talks,2016-04-01,,0,,,last"]
    row = len(lines) - 1
    path = write(tmp_path, damaged(lines, row, column, value), end)
    if value == "\ufffd":
        path.write_bytes(path.read_bytes().replace(value.encode(), b"\xff"))
    loaded = events(path)
    law(loaded)
    assert loaded.accepted == 4
    bad = loaded.rejected.row(0, named=True)
    assert bad["file"] == str(path)
    assert bad["line"] == 1 + row * end.count("\n")
    assert reason in bad["reason"]
    if "cells" not in reason:
        assert (bad["column"], bad["value"] or "") == (column, value)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("truce_id", "t1", "a second row with the same id"),
        ("truce_id", "", "expected an id"),
        ("start", "2016-02-30", "calendar day"),
        ("start", "", "calendar day"),
        ("start_precision", "hour", "expected one of: day"),
        ("end", "2016-02-26", "exact end on or after the start"),
        ("end_precision", "exact", "expected one of: day"),
        ("end_reason", "broken", "expected one of: ongoing"),
        ("term_days", "40000", "whole number from 0 to 36500"),
    ],
)
def test_bad_truces(tmp_path: Path, column: str, value: str, reason: str) -> None:
    path = write(tmp_path, damaged(TRUCES, 2, column, value))
    loaded = truces(path)
    law(loaded)
    assert loaded.accepted == 3
    ((line, name, found, why),) = loaded.rejected.drop("file").rows()
    assert (line, name, found or "") == (3, column, value)
    assert reason in why


def test_a_revision_may_not_start_on_the_day_its_original_does(tmp_path: Path) -> None:
    """The original's day is filled in: it has to be compared as filled in."""
    lines = ["event_id,date,kind,known_from", "a,2016-03-01,clash,"]
    lines += ["a,2016-03-01,clash,2016-03-02", "a,2016-03-01,clash,2016-03-03"]
    loaded = events(write(tmp_path, lines))
    law(loaded)
    assert loaded.frame["known_from"].to_list() == [date(2016, 3, 2), date(2016, 3, 3)]
    assert loaded.rejected["line"].to_list() == [3]


@pytest.mark.parametrize("load", [events, truces])
def test_no_usable_row(tmp_path: Path, load: Callable[[Path], Loaded[Any]]) -> None:
    path = write(tmp_path, ["event_id,date,kind", "e1,yesterday,clash"])
    if load is truces:
        path = write(tmp_path, ["truce_id,start", "t1,yesterday"])
    with pytest.raises(InputError, match=r"none of its 1 rows.*line 2.*'yesterday'"):
        load(path)


@pytest.mark.parametrize("column", ["event_id", "date", "kind"])
def test_missing_event_columns(tmp_path: Path, column: str) -> None:
    lines = damaged(EVENTS, 0, column, f"my_{column}")
    with pytest.raises(InputError, match=f"hand.csv: no column '{column}'.*expected"):
        events(write(tmp_path, lines))


def test_misspelt_columns_are_not_overlooked(tmp_path: Path) -> None:
    lines = damaged(EVENTS, 0, "deaths", "death")
    with pytest.raises(InputError, match=r"unknown column 'death' \(is 'deaths' mean"):
        events(write(tmp_path, lines))
    with pytest.raises(InputError, match=r"unknown column 'party' \(is 'parties' mean"):
        truces(write(tmp_path, damaged(TRUCES, 0, "parties", "party")))


def test_coverage_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, EVENTS)
    assert events(path, "2016-06-30").covered_through == date(2016, 6, 30)
    with pytest.raises(InputError, match="covered_through"):
        events(path, "June")


NASTY = [
    "",
    " ",
    " -1",
    "912",
    "nan",
    "1e400",
    "2016-02-30",
    "2100-12-31",
    "0001-01-01",
    "2016-03-01 25:99",
    "e1",
    "t1",
    "true",
    "talks",
    "ongoing",
    ";;",
    "a,b",
    '"',
    '"x',
    'x"y"',
    '"x\ny"',
    "\n",
    "\r",
    "\r\n\r\n",
    "\x00",
    "\ufeff",
    "99999999999999999999",
]


@settings(deadline=None, max_examples=80)
@given(
    data=st.data(),
    value=st.sampled_from(NASTY) | st.text(max_size=6) | st.binary(max_size=4),
    source=st.sampled_from([(events, EVENTS), (truces, TRUCES)]),
)
def test_one_damaged_cell(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    value: str | bytes,
    source: tuple[Callable[[Path], Loaded[Any]], list[str]],
) -> None:
    """A file is refused in words, or its other rows stay just as they were."""
    load, lines = source
    cells = [[cell.encode() for cell in line.split(",")] for line in lines]
    row = data.draw(st.integers(0, len(cells) - 1), label="row")
    column = data.draw(st.integers(0, len(cells[0]) - 1), label="column")
    new = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    folder = tmp_path_factory.mktemp("damage")
    sound = load(write(folder, lines)).frame
    cells[row][column] = new
    path = folder / "hand.csv"
    path.write_bytes(b"\n".join(b",".join(line) for line in cells) + b"\n")
    try:
        loaded = load(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017
        return
    law(loaded)
    if row and not set(new) & set(b'",\r\n'):
        assert loaded.read == len(lines) - 1
        assert set(loaded.rejected["line"]) <= {row + 1}
        changed = {lines[row].split(",")[0], new.decode("utf-8", "replace")}
        others = pl.nth(0).is_in({line.split(",")[0] for line in lines} - changed)
        assert loaded.frame.filter(others).equals(sound.filter(others))


def test_the_readme_names_all_kinds() -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text()
    own = readme.split("## Your own data")[1].split("\n## ")[0]
    assert [kind for kind in KINDS if f"`{kind}`" not in own] == []
