"""Raw tables as they lie on disk: every cell as text, every record accounted for.

A source reads a file with :func:`read`; :mod:`forecast.cells` then says what the text
must look like and sets the rows aside that do not.
"""

import csv
import difflib
import gzip
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl

from forecast.schema import Rejected

ROW = "_row"
MAX_CELL = 16 * 1024 * 1024


class InputError(ValueError):
    """Input that cannot be used as it is; the message says where and why."""


@dataclass(frozen=True)
class Raw:
    """A file as text: its cells, its digest, and the rows that are no rows."""

    file: str
    sha256: str
    text: str
    separator: str
    #: text columns, and the number of the record in the file in ``_row``
    frame: pl.DataFrame
    rejected: dy.DataFrame[Rejected]

    @property
    def read(self) -> int:
        """Number of rows in the file, whether sound or not."""
        return self.frame.height + self.rejected.height

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """Line on which each record starts; quoted cells may hold line breaks."""
        if not self.text:
            return {row: row + 1 for row in rows}
        wanted, lines, before, number = set(rows), {}, 0, -1
        content = io.StringIO(self.text, newline="")
        reader = csv.reader(content, delimiter=self.separator)
        for record in reader:
            number += bool(record)
            if record and number in wanted:
                lines[number] = before + 1
            before = reader.line_num
        return {row: lines.get(row, row + 1) for row in rows}


def read(
    path: str | Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    separator: str = ",",
    skip: Mapping[str, str] | None = None,
    closed: bool = False,
) -> Raw:
    """Read a CSV (plain or gzip) or Parquet file as text.

    Parameters
    ----------
    path : str or Path
        The file.
    required, optional : sequences of str
        Columns that must be there, and columns that may be: a missing optional one
        is added as nulls. Other columns are not read.
    separator : str
        Between the cells of a CSV.
    skip : mapping, optional
        ``{column: prefix}``: rows that are no data (a second header line, say).
    closed : bool
        Whether a column that is neither required nor optional is an error: in a
        file made by hand it is a misspelled one.

    Raises
    ------
    InputError
        If the file is missing, empty, not what its name says, not text, or lacks a
        required column; the message names file, column and what was expected.
    """
    path = Path(path)
    content, sha256 = _content(path)
    known = list(dict.fromkeys([*required, *optional]))
    if content[:4] == b"PAR1":
        text, rejected = "", Rejected.create_empty()
        frame = _parquet(content, path, known)
    else:
        text, clean = _decode(content, path)
        frame, rejected = _csv(text, path, separator, clean)
    _check_columns(path, frame.columns, required, known if closed else None)
    for column, prefix in (skip or {}).items():
        frame = frame.filter(~pl.col(column).str.starts_with(prefix).fill_null(False))
    if not frame.height and not rejected.height:
        raise InputError(f"{path}: a header and no rows; expected at least one row")
    missing = [name for name in known if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(c) for c in missing)
    return Raw(str(path), sha256, text, separator, frame.select(ROW, *known), rejected)


def _content(path: Path) -> tuple[bytes, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    packed = data[:2] == b"\x1f\x8b"
    if packed != (path.suffix == ".gz"):
        kind = "gzip" if packed else "not gzip"
        raise InputError(f"{path}: the content is {kind}; its name says otherwise")
    if packed:
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
            raise InputError(f"{path}: damaged gzip file: {error}") from error
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected a table with a header")
    if (data[:4] == b"PAR1") != (path.suffix == ".parquet"):
        kind = "Parquet" if data[:4] == b"PAR1" else "not Parquet"
        raise InputError(f"{path}: the content is {kind}; its name says otherwise")
    if data[:4] == b"PK\x03\x04":
        raise InputError(f"{path}: a zip or Excel file; expected CSV text or Parquet")
    return data, sha256


def _decode(data: bytes, path: Path) -> tuple[str, bool]:
    """Text of a file, and whether all of it is UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: UTF-16 text; expected UTF-8")
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise InputError(f"{path}: a NUL byte in line {line}; expected UTF-8 text")
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", errors="replace"), False


def _parquet(data: bytes, path: Path, known: Sequence[str]) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: damaged Parquet file: {error}") from error
    _check_header(frame.columns, path)
    # columns that nobody reads may hold anything, shapes of maps for example
    return frame.with_columns(
        _as_text(frame[name], path) for name in frame.columns if name in known
    ).with_row_index(ROW, 1)


def _as_text(column: pl.Series, path: Path) -> pl.Series:
    try:
        if isinstance(column.dtype, pl.List):
            return column.cast(pl.List(pl.String)).list.join(";")
        return column.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{path}: column {column.name!r} holds {column.dtype}; "
            "expected text, numbers, dates or lists of them"
        ) from error


def _csv(
    content: str, path: Path, separator: str, clean: bool
) -> tuple[pl.DataFrame, dy.DataFrame[Rejected]]:
    csv.field_size_limit(MAX_CELL)
    header = _header(content, path, separator)
    # Polars overlooks one cell too many in a last line without an end
    content += "" if content.endswith("\n") else "\n"
    if not clean or content.count("\r") != content.count("\r\n"):
        return _csv_by_record(content, path, separator, header, clean)
    try:
        frame = pl.read_csv(content.encode(), infer_schema=False, separator=separator)
    except pl.exceptions.PolarsError:
        return _csv_by_record(content, path, separator, header, clean)
    # fewer rows than lines: blank lines, or cells that hold line breaks, which may be
    # rows that a quote left open has swallowed
    whole = frame.columns == header and frame.height + 1 == content.count("\n")
    if not whole or frame[header[-1]].null_count():
        return _csv_by_record(content, path, separator, header, clean)
    return frame.with_row_index(ROW, 1), Rejected.create_empty()


def _header(content: str, path: Path, separator: str) -> list[str]:
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
    try:
        header = next((record for record in reader if record), [])
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from error
    _check_header(header, path)
    return header


def _check_header(header: Sequence[str], path: Path) -> None:
    if not header:
        raise InputError(f"{path}: the file is empty; expected a table with a header")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column {twice[0]!r} stands twice in the header")
    if ROW in header:
        raise InputError(f"{path}: column {ROW!r}: no column may have this name")


def _csv_by_record(
    content: str, path: Path, separator: str, header: list[str], clean: bool
) -> tuple[pl.DataFrame, dy.DataFrame[Rejected]]:
    """Read record by record: slower, but it says which records have no right shape."""
    reader = csv.reader(
        io.StringIO(content, newline=""), delimiter=separator, strict=True
    )
    columns: list[list[str | None]] = [[] for _ in header]
    numbers, bad, number, before = [], [], -1, 0
    try:
        for record in reader:
            number += bool(record)
            if record and number:
                reason = _shape(record, header, clean)
                if reason:
                    bad.append((str(path), before + 1, *reason))
                else:
                    numbers.append(number)
                    for column, cell in zip(columns, record, strict=True):
                        column.append(cell or None)
            before = reader.line_num
    except csv.Error as error:
        # no row of its own: an open quote swallows the rows behind it
        raise InputError(
            f"{path}: line {before + 1}: {error}; expected every quoted cell to be "
            "closed, and quotes within it to be doubled"
        ) from error
    frame = pl.DataFrame(
        {ROW: numbers} | dict(zip(header, columns, strict=True)),
        schema={ROW: pl.UInt32} | dict.fromkeys(header, pl.String),
    )
    rejected = pl.DataFrame(bad, schema=Rejected.create_empty().schema, orient="row")
    return frame, Rejected.validate(rejected)


def _shape(
    record: list[str], header: list[str], clean: bool
) -> tuple[str, str, str] | None:
    """Column, value and reason where a record is not UTF-8 or has no right length."""
    if len(record) != len(header):
        reason = f"expected {len(header)} cells, found {len(record)}"
        return "", ",".join(record)[:80], reason
    for name, cell in zip(header, record, strict=True):
        if not clean and "�" in cell:
            return name, cell[:80], "expected UTF-8 text"
    return None


def _check_columns(
    path: Path,
    columns: Sequence[str],
    required: Sequence[str],
    known: Sequence[str] | None,
) -> None:
    columns = [name for name in columns if name != ROW]
    for name in required:
        if name not in columns:
            raise InputError(
                f"{path}: no column {name!r}{_near(name, columns)}; "
                f"expected {', '.join(required)}; found {', '.join(columns)[:500]}"
            )
    for name in columns:
        if known is not None and name not in known:
            raise InputError(
                f"{path}: unknown column {name!r}{_near(name, known)}; "
                f"expected only {', '.join(known)}"
            )


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" (is {near[0]!r} meant?)" if near else ""
