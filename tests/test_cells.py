"""What the text of a cell must be: values read, and all others refused by name."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.cells import (
    Cell,
    choice,
    coverage,
    day,
    identifier,
    parse,
    real,
    text,
    unique,
    usable,
    whole,
    words,
)
from forecast.raw import ROW, InputError, Raw
from forecast.schema import FIRST, LAST, Rejected


def raw(**columns: list[str | None]) -> Raw:
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    frame = frame.with_row_index(ROW, 1)
    return Raw("file.csv", "", "", ",", frame, Rejected.create_empty())


def one(cell: Cell, value: str | None) -> object:
    """The value of a cell, or Ellipsis where it is refused."""
    frame, rejected = parse(raw(x=[value]), {"x": cell})
    assert frame.height + rejected.height == 1
    if rejected.height:
        assert rejected.rows() == [("file.csv", 2, "x", value, cell.expected)]
        return ...
    return frame["x"].to_list()[0]


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_is_null_unless_it_is_needed(value: str | None) -> None:
    yes = {"1": True, "0": False}
    for cell in (
        text("x"),
        identifier("x"),
        day("x"),
        whole("x", 0, 9),
        real("x", 0, 9),
        choice("x", yes),
    ):
        assert one(cell, value) is None
    for cell in (
        text("x", required=True),
        identifier("x", required=True),
        day("x", required=True),
        whole("x", 0, 9, required=True),
        choice("x", yes, required=True),
    ):
        assert one(cell, value) is ...
    assert one(words("x"), value) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("15960.0", "15960"),
        ("15960", "15960"),
        (" 15960.00 ", "15960"),
        ("-1.0", "-1"),
        ("007", "007"),
        ("15960.5", "15960.5"),
        ("NIG-2009-1", "NIG-2009-1"),
        ("v1.0", "v1.0"),
    ],
)
def test_ids(value: str, expected: str) -> None:
    assert one(identifier("x"), value) == expected


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12))
def test_ids_lose_only_the_zero_of_a_spreadsheet(number: int) -> None:
    assert one(identifier("x"), f"{number}.0") == one(identifier("x"), str(number))


@settings(deadline=None)
@given(st.dates(FIRST, LAST))
def test_every_day_of_the_calendar(value: date) -> None:
    expected = ... if value == LAST else value
    for after in ("", " 00:00:00.000", "T13:45:00", " 13:45", "T00:00:00Z"):
        assert one(day("x"), f"{value}{after}") == expected


@pytest.mark.parametrize(
    "value",
    [
        "2016-02-30",
        "2015-02-29",
        "2016-13-01",
        "2016-00-10",
        "2016-01-00",
        "1899-12-31",
        "20016-01-01",
        "2100-12-31",
        "2016-1-1",
        "27/02/2016",
        "2016-02-27x",
        "2016-02-27 noon",
        "27 February 2016",
        "٢٠١٦-٠٢-٢٧",
        "-1",
    ],
)
def test_days_that_are_none(value: str) -> None:
    assert one(day("x"), value) is ...


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", 12), ("12.0", 12), (" 0 ", 0), ("1e1", 10), ("99", 99)]
    + [(v, ...) for v in ("-1", "100", "1.5", "nan", "inf", "many", "1,0", "0x1")],
)
def test_whole_numbers(value: str, expected: object) -> None:
    assert one(whole("x", 0, 99), value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("-90", -90.0), ("90.0", 90.0), ("33.5", 33.5)]
    + [(v, ...) for v in ("912", "-90.1", "nan", "inf", "-inf", "33,5", "N 33")],
)
def test_real_numbers(value: str, expected: object) -> None:
    assert one(real("x", -90, 90), value) == expected


def test_choices_and_what_they_mean() -> None:
    assert one(choice("x", ["day", "week"]), " day ") == "day"
    assert one(choice("x", ["day", "week"]), "Day") is ...
    meaning = {"-1": None, "0": False, "1": True}
    assert one(choice("x", meaning), "1.0") is True
    assert one(choice("x", meaning), "-1") is None
    assert one(choice("x", meaning), "2") is ...


def test_words() -> None:
    assert one(words("x"), " a ; b;;c d;") == ["a", "b", "c d"]


def test_the_second_row_with_an_id_is_refused() -> None:
    table = raw(x=["a", "b", "a", "a.0", None, None])
    frame, rejected = parse(table, {"x": identifier("x", True)}, [unique("x")])
    assert frame["x"].to_list() == ["a", "b", "a.0"]
    assert rejected.select("line", "value", "reason").rows() == [
        (4, "a", "a second row with the same id"),
        (6, None, "expected an id, found none"),
        (7, None, "expected an id, found none"),
    ]


def test_a_row_is_refused_once_for_the_first_thing_that_is_wrong() -> None:
    late = Cell("x", pl.col("x"), pl.col("x") > pl.col("y"), "expected x before y")
    table = raw(x=["1", "2", "-1", "3"], y=["2", "1", "-1", None])
    cells = {"x": whole("x", 0, 9), "y": whole("y", 0, 9)}
    frame, rejected = parse(table, cells, [late])
    # a rule over what is not known is not broken
    assert frame.rows() == [(1, 2), (3, None)]
    assert rejected.select("line", "column", "reason").rows() == [
        (3, "x", "expected x before y"),
        (4, "x", "expected a whole number from 0 to 9"),
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=12) | st.none(), min_size=1, max_size=8))
def test_no_text_leads_to_another_error(values: list[str | None]) -> None:
    table = raw(x=values)
    for cell in (
        text("x"),
        identifier("x"),
        day("x"),
        whole("x", 0, 9),
        real("x", 0, 9),
        choice("x", ["a"]),
        words("x"),
    ):
        frame, rejected = parse(table, {"x": cell})
        assert frame.height + rejected.height == len(values)
        assert [values[line - 2] for line in rejected["line"]] == (
            rejected["value"].to_list()
        )


def test_a_file_without_a_usable_row_says_why() -> None:
    frame, rejected = parse(raw(x=["912"]), {"x": real("x", -90, 90)})
    with pytest.raises(InputError, match=r"f\.csv: none of its 1 rows .*'912'.* -90"):
        usable("f.csv", frame, rejected)
    usable("f.csv", frame, rejected.clear())


def test_coverage() -> None:
    first, last = date(2016, 2, 27), date(2016, 4, 6)
    events = pl.DataFrame({"date": [first, first], "date_end": [None, last]})
    assert coverage(None, events) == last
    assert coverage("2016-04-07", events) == coverage(date(2016, 4, 7), events)
    with pytest.raises(InputError, match="covered_through='2016-04-31' is no day"):
        coverage("2016-04-31", events)
