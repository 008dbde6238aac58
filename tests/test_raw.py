"""Files as text: every record is accounted for, and what is wrong is named."""

import contextlib
import csv
import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import rawcsv
from forecast.raw import ROW, InputError, Raw, read

HEADER = "id,day,note\n"
ROWS = "a,2016-02-27,x\nb,2016-02-28,y\n"
COLUMNS = ("id", "day", "note")


def lay(folder: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(raw: Raw) -> list[tuple[object, ...]]:
    return raw.frame.select(COLUMNS).rows()


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def test_columns_and_digest(tmp_path: Path) -> None:
    content = "other,id,day,note\n1,a,2016-02-27,x\n"
    raw = read(lay(tmp_path, content), ["id", "day"], ["note", "absent"])
    assert raw.frame.columns == [ROW, "id", "day", "note", "absent"]
    assert raw.frame.rows() == [(1, "a", "2016-02-27", "x", None)]
    assert raw.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert raw.read == 1


@pytest.mark.parametrize(
    "variant",
    [
        HEADER + ROWS,
        (HEADER + ROWS).rstrip("\n"),
        "\ufeff" + HEADER + ROWS,
        (HEADER + ROWS).replace("\n", "\r\n"),
        (HEADER + ROWS).replace("\n", "\r"),
        "\n\n" + HEADER + "\n" + ROWS + "\n\n",
        '"id","day","note"\n"a","2016-02-27","x"\n"b","2016-02-28",y\n',
    ],
    ids=["plain", "no last newline", "BOM", "CRLF", "CR", "blank lines", "quotes"],
)
def test_ways_to_write_one_table(tmp_path: Path, variant: str) -> None:
    expected = [("a", "2016-02-27", "x"), ("b", "2016-02-28", "y")]
    raw = read(lay(tmp_path, variant), COLUMNS)
    assert cells(raw) == expected
    assert not raw.rejected.height
    packed = lay(tmp_path, gzip.compress(variant.encode()), "file.csv.gz")
    assert cells(read(packed, COLUMNS)) == expected


def test_separator_and_skipped_rows(tmp_path: Path) -> None:
    path = lay(tmp_path, "id\tday\tnote\n#x\t#date\t\na\t2016\ty,z\n")
    raw = read(path, COLUMNS, separator="\t", skip={"id": "#"})
    assert cells(raw) == [("a", "2016", "y,z")]
    # a row that is no data is no row that was read
    assert raw.read == 1
    # and its line still counts
    assert raw.lines(raw.frame[ROW].to_list()) == {2: 3}


def test_lines_count_line_breaks_within_cells(tmp_path: Path) -> None:
    content = HEADER + '\na,1,"one\ntwo\n\nfour"\n\n\nb,2,"x"\r\nc,3,"y\r\nz"\nd,4,\n'
    raw = read(lay(tmp_path, content), COLUMNS)
    lines = content.replace("\r\n", "\n").split("\n")
    found = raw.lines(raw.frame[ROW].to_list())
    for row, name in zip(raw.frame[ROW], raw.frame["id"], strict=True):
        assert lines[found[row] - 1].startswith(f"{name},")
    assert raw.frame["note"][0] == "one\ntwo\n\nfour"


@pytest.mark.parametrize(
    ("line", "found"),
    [("b,2016", 2), ("b,2016-02-28,y,z", 4), ("b,2016-02-28,y,", 4), ("   ", 1)],
)
@pytest.mark.parametrize("end", ["", "\n", "\nc,2016-02-29,z\n"])
def test_wrong_number_of_cells(tmp_path: Path, line: str, found: int, end: str) -> None:
    raw = read(lay(tmp_path, HEADER + "a,2016-02-27,x\n" + line + end), COLUMNS)
    assert raw.read == raw.frame.height + 1 == 2 + end.count("c")
    bad = raw.rejected.row(0, named=True)
    assert bad == {
        "file": raw.file,
        "line": 3,
        "column": "",
        "value": line,
        "reason": f"expected 3 cells, found {found}",
    }


def test_text_that_is_not_utf8_costs_only_its_own_row(tmp_path: Path) -> None:
    content = (HEADER + "a,1,caf\xe9\n").encode("latin-1") + "b,2,café\n".encode()
    raw = read(lay(tmp_path, content), COLUMNS)
    assert cells(raw) == [("b", "2", "café")]
    assert raw.rejected.select("line", "column", "value", "reason").rows() == [
        (2, "note", "caf�", "expected UTF-8 text")
    ]


def test_replacement_characters_of_the_author_are_text(tmp_path: Path) -> None:
    raw = read(lay(tmp_path, HEADER + "a,1,caf�\n"), COLUMNS)
    assert cells(raw) == [("a", "1", "caf�")]


@pytest.mark.parametrize("column", COLUMNS)
def test_missing_and_renamed_columns(tmp_path: Path, column: str) -> None:
    renamed = HEADER.replace(column, f"{column}s") + ROWS
    with pytest.raises(InputError) as error:
        read(lay(tmp_path, renamed), COLUMNS)
    message = str(error.value)
    assert str(tmp_path / "file.csv") in message
    assert f"no column '{column}'" in message
    assert f"is '{column}s' meant?" in message
    assert "expected id, day, note" in message
    assert ROW not in message


def test_unknown_column_of_a_closed_table(tmp_path: Path) -> None:
    path = lay(tmp_path, "id,day,notes\na,1,x\n")
    assert read(path, ["id"], ["day", "note"]).frame["note"].to_list() == [None]
    with pytest.raises(InputError, match=r"unknown column 'notes' \(is 'note' meant"):
        read(path, ["id"], ["day", "note"], closed=True)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b" \n\n ", "empty"),
        ("a.csv", b"\xef\xbb\xbf\n", "empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "empty"),
        ("a.csv", HEADER.encode(), "a header and no rows"),
        ("a.csv", HEADER.strip().encode(), "a header and no rows"),
        ("a.parquet", parquet(id=[], day=[], note=[]), "a header and no rows"),
        (
            "a.csv",
            gzip.compress(b"x", mtime=0),
            "content is gzip; its name says otherwise",
        ),
        ("a.csv.gz", b"id,day,note\n", "content is not gzip"),
        ("a.csv.gz", gzip.compress(HEADER.encode() * 99, mtime=0)[:-9], "damaged gzip"),
        ("a.csv.gz", gzip.compress(HEADER.encode() * 99, mtime=0)[:30], "damaged gzip"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n", mtime=0)[:10] + b"\xff" * 9,
            "damaged gzip",
        ),
        ("a.csv", parquet(id=["a"]), "content is Parquet"),
        ("a.parquet", HEADER.encode(), "content is not Parquet"),
        ("a.parquet", parquet(id=["a"])[:99], "damaged Parquet"),
        ("a.csv", (HEADER + ROWS).encode("utf-16"), "UTF-16"),
        ("a.csv", (HEADER + ROWS).encode("utf-16-le"), "a NUL byte in line 1"),
        ("a.csv", (HEADER + "a,1,\0\n").encode(), "a NUL byte in line 2"),
        ("a.csv", b"id,day,note,id\n1,2,3,4\n", "column 'id' stands twice"),
        ("a.csv", f"id,day,note,{ROW}\n1,2,3,4\n".encode(), "may have this name"),
        ("a.csv", (HEADER + 'a,1,"x\n' + ROWS).encode(), "line 2: unexpected end"),
        ("a.csv", (HEADER + ROWS + 'c,1,"x\nd,2,"y"\n').encode(), "line 4: .*quote"),
        # two rows that Polars alone would read as one
        ("a.csv", (HEADER + 'c,1,"x"y"\nd,2,z"\n').encode(), "line 2: .*quote"),
        ("a.csv", (HEADER + ROWS).replace(",", ";").encode(), "by ';'; expected ','"),
        ("a.csv", (HEADER + ROWS).replace(",", "\t").encode(), r"by '\\t'; expected"),
        ("a.csv", b"id,day,note,,\n1,2,3,,\n", "columns 4, 5 have no name"),
        ("a.csv", b"day,note\n1,2\n", "no column 'id'"),
        ("a.parquet", parquet(id=["a"], day=["b"]), "no column 'note'"),
        (
            "a.parquet",
            parquet(id=[b"\xff"], day=["a"], note=["b"]),
            "column 'id' holds Binary",
        ),
    ],
)
def test_files_that_are_not_what_they_say(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = lay(tmp_path, content, name)
    with pytest.raises(InputError, match=words) as error:
        read(path, COLUMNS)
    assert str(error.value).startswith(f"{path}: ")


def test_zip_files_folders_and_absent_files(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sheet.csv", HEADER + ROWS)
    with pytest.raises(InputError, match="a zip or Excel file"):
        read(path, COLUMNS)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path, COLUMNS)
    with pytest.raises(InputError, match=r"absent.csv: cannot be read: No such file"):
        read(tmp_path / "absent.csv", COLUMNS)


def test_parquet_reads_like_the_csv(tmp_path: Path) -> None:
    days = pl.Series(["2016-02-27", "2016-02-28"]).str.to_date()
    content = parquet(
        id=["a", "b"], day=days, note=[["x", "y"], []], shape=[b"\xff"] * 2
    )
    raw = read(lay(tmp_path, content, "file.parquet"), COLUMNS)
    assert cells(raw) == [("a", "2016-02-27", "x;y"), ("b", "2016-02-28", "")]
    assert raw.frame.columns == [ROW, *COLUMNS]


PIECES = ("a", "1", ",", ",", ",", "\n", "\n", '"', '""', "\r\n", "\r", " ", "#", "é")


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES, "1,2,3\n", '"p","q","r"\n']), max_size=14).map(
        "".join
    )
)
def test_fast_and_slow_readings_agree(body: str) -> None:
    """Polars reads a plain table; wherever it could differ, the csv module reads."""
    content = HEADER + body
    try:
        slow, wrong = rawcsv._csv_by_record(
            content, Path("x"), ",", list(COLUMNS), True, True, '"'
        )
    except InputError:
        # quotes that are no CSV: the fast reading may take them or refuse them too
        return
    fast, refused = rawcsv.table(content, Path("x"), ",", True, None, '"')
    blank = pl.col(COLUMNS).replace("", None)
    assert fast.select(blank).rows() == slow.select(COLUMNS).rows()
    assert refused.equals(wrong)
    records = [r for r in csv.reader(io.StringIO(content, newline="")) if r]
    assert fast.height + refused.height == len(records) - 1


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["a.csv", "a.csv.gz", "a.parquet"]))
def test_any_bytes_are_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = lay(tmp_path_factory.mktemp("bytes"), HEADER.encode() + content, name)
    if name == "a.csv.gz":
        path.write_bytes(gzip.compress(HEADER.encode() + content))
    elif name == "a.parquet":
        path.write_bytes(b"PAR1" + content + b"PAR1")
    with contextlib.suppress(InputError):
        raw = read(path, COLUMNS)
        assert raw.read == raw.frame.height + raw.rejected.height > 0
