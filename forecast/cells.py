r"""What the text of a cell must be; rows where it is not are set aside, not lost.

Each function below describes one column of a raw table; :func:`parse` reads a table by
such descriptions and returns the sound rows and the rejected ones.

Examples
--------
>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from forecast.raw import read
>>> with TemporaryDirectory() as folder:
...     path = Path(folder, "a.csv")
...     _ = path.write_text("id,date\na,2016-02-30\nb,2016-02-29\n")
...     table = read(path, ["id", "date"])
>>> frame, rejected = parse(table, {"id": text("id"), "date": day("date")})
>>> frame["id"].to_list(), rejected.select("line", "value").rows()
(['b'], [(2, '2016-02-30')])
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import dataframely as dy
import polars as pl

from forecast.raw import ROW, InputError, Raw
from forecast.schema import FIRST, LAST, Rejected

#: as people write them, and as spreadsheets, R and Python do
TRUE_FALSE = dict.fromkeys(("true", "TRUE", "True", "1"), True) | dict.fromkeys(
    ("false", "FALSE", "False", "0"), False
)


@dataclass(frozen=True)
class Cell:
    """What the text of one column must be, and what it then means."""

    column: str
    value: pl.Expr
    bad: pl.Expr
    expected: str


def parse(
    raw: Raw, cells: Mapping[str, Cell], rules: Iterable[Cell] = ()
) -> tuple[pl.DataFrame, dy.DataFrame[Rejected]]:
    """Parse text into values; set rows aside that hold a bad cell or break a rule.

    Parameters
    ----------
    raw : Raw
        The file.
    cells : mapping of str to Cell
        Name of each parsed column, and how it is read.
    rules : iterable of Cell
        Row rules over the *parsed* columns; ``value`` is not used.

    Returns
    -------
    frame : pl.DataFrame
        The parsed columns of sound rows, in file order.
    rejected : dy.DataFrame[Rejected]
        The others, each with the first thing found wrong with it.
    """
    rules = list(rules)
    checks = [*cells.values(), *rules]
    flags = [f"_bad_{i}" for i in range(len(checks))]
    parsed = raw.frame.select(
        ROW,
        *(cell.value.alias(name) for name, cell in cells.items()),
        *(
            c.bad.fill_null(False).alias(f)
            for c, f in zip(cells.values(), flags, strict=False)
        ),
    ).with_columns(
        rule.bad.fill_null(False).alias(flag)
        for rule, flag in zip(rules, flags[len(cells) :], strict=True)
    )
    any_bad = parsed.select(pl.any_horizontal(flags)).to_series()
    good = parsed.filter(~any_bad).select(list(cells))
    if not any_bad.any():
        return good, raw.rejected
    return good, _rejected(raw, parsed.filter(any_bad).select(ROW, *flags), checks)


def _rejected(
    raw: Raw, bad: pl.DataFrame, checks: Sequence[Cell]
) -> dy.DataFrame[Rejected]:
    which = bad.select(
        pl.coalesce(
            pl.when(flag).then(i) for i, flag in enumerate(bad.columns[1:])
        ).alias("check")
    ).to_series()
    rows = bad[ROW].to_list()
    lines = raw.lines(rows)
    cells = raw.frame.filter(pl.col(ROW).is_in(rows))
    found = [
        {
            "file": raw.file,
            "line": lines[row],
            "column": checks[check].column,
            "value": cells[checks[check].column][i],
            "reason": checks[check].expected,
        }
        for i, (row, check) in enumerate(zip(rows, which, strict=True))
    ]
    frame = pl.DataFrame(found, schema=Rejected.create_empty().schema)
    return Rejected.validate(pl.concat([raw.rejected, frame]).sort("line"))


def text(column: str, required: bool = False) -> Cell:
    """Text without surrounding blanks; empty text is null."""
    value = pl.col(column).str.strip_chars().replace("", None)
    bad = value.is_null() if required else pl.lit(False)
    return Cell(column, value, bad, "expected some text, found none")


def identifier(column: str, required: bool = False) -> Cell:
    """An id or code; ``15960.0`` is 15960, as spreadsheets and R write it."""
    value = text(column).value.str.replace(r"^(-?\d+)\.0+$", "${1}")
    bad = value.is_null() if required else pl.lit(False)
    return Cell(column, value, bad, "expected an id, found none")


def day(column: str, required: bool = False) -> Cell:
    """A calendar day, YYYY-MM-DD, with or without a time of day behind it."""
    cell = text(column).value
    value = cell.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    value = pl.when(
        cell.str.contains(r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$")
        # not the very last day: what happens on a day is known on the next
        & value.is_between(FIRST, LAST, closed="left")
    ).then(value)
    expected = f"expected a calendar day YYYY-MM-DD from {FIRST} on and before {LAST}"
    return Cell(column, value, _unread(cell, value, required), expected)


def whole(column: str, low: int, high: int, required: bool = False) -> Cell:
    """A whole number; ``12.0`` is one too, as spreadsheets write it."""
    cell = text(column).value
    number = cell.cast(pl.Float64, strict=False)
    value = pl.when((number == number.round()) & number.is_between(low, high)).then(
        number
    )
    expected = f"expected a whole number from {low} to {high}"
    return Cell(column, value.cast(pl.Int64), _unread(cell, value, required), expected)


def real(column: str, low: float, high: float) -> Cell:
    """A number within bounds."""
    cell = text(column).value
    number = cell.cast(pl.Float64, strict=False)
    value = pl.when(number.is_between(low, high)).then(number)
    expected = f"expected a number from {low:g} to {high:g}"
    return Cell(column, value, _unread(cell, value, False), expected)


def choice(
    column: str, of: Mapping[str, object] | Sequence[str], required: bool = False
) -> Cell:
    """One of a set of words, or what the mapping makes of it."""
    mapping = of if isinstance(of, Mapping) else {word: word for word in of}
    cell = identifier(column).value
    bad = ~cell.is_in(list(mapping)) | (cell.is_null() & required)
    kinds = {type(v) for v in mapping.values() if v is not None}
    dtype = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64}.get(
        kinds.pop() if len(kinds) == 1 else str, pl.String
    )
    value = cell.replace_strict(
        list(mapping), list(mapping.values()), default=None, return_dtype=dtype
    )
    expected = "expected one of: " + ", ".join(mapping)
    return Cell(column, value, bad, expected)


def words(column: str) -> Cell:
    """A list written with ``;`` between its words; no text is the empty list."""
    value = (
        text(column)
        .value.fill_null("")
        .str.split(";")
        .list.eval(pl.element().str.strip_chars().filter(pl.element() != ""))
    )
    return Cell(column, value, pl.lit(False), "")


def unique(column: str, key: pl.Expr | None = None) -> Cell:
    """No second row with the same key; the first one in the file stays."""
    key = pl.col(column) if key is None else key
    return Cell(column, key, ~key.is_first_distinct(), "a second row with the same id")


def _unread(cell: pl.Expr, value: pl.Expr, required: bool) -> pl.Expr:
    return value.is_null() if required else cell.is_not_null() & value.is_null()


def coverage(through: date | str | None, events: pl.DataFrame) -> date:
    """Last day that events speak for: the one that is given, or their own last.

    Raises
    ------
    forecast.raw.InputError
        If what is given is no calendar day.
    """
    if through is None:
        # not every source has a last day beside the first
        last = events.select(pl.max_horizontal("^date(_end)?$").max()).item()
        return date.fromisoformat(str(last))
    try:
        return date.fromisoformat(str(through))
    except ValueError as error:
        raise InputError(
            f"covered_through={through!r} is no day; expected YYYY-MM-DD"
        ) from error


def usable(path: str, frame: pl.DataFrame, rejected: pl.DataFrame) -> None:
    """Raise where no row of a file is left.

    Raises
    ------
    forecast.raw.InputError
        With the first rejected row as the example of what is wrong.
    """
    if frame.height or not rejected.height:
        return
    first = rejected.row(0, named=True)
    raise InputError(
        f"{path}: none of its {rejected.height} rows can be used; "
        f"line {first['line']}, column {first['column']!r}, "
        f"value {(first['value'] or '')[:80]!r}: {first['reason']}"
    )
