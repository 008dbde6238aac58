"""CSV files that a person may open in a spreadsheet, without formulas from the data.

A name that begins with ``=`` is a formula to a spreadsheet, and what it calls comes
from whoever wrote the data. Such a text is given an apostrophe in front, and so is one
that begins with apostrophes before a sign of a formula: reading takes exactly one off.
"""

from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

#: what begins a formula, in East Asian widths too, or is skipped before one
SIGNS = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
#: a sign that is that of a number
NUMBER = r"^[+-](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as CSV, its texts defused; numbers and days stay what they are.

    Parameters
    ----------
    frame : pl.DataFrame
        Any table.
    path : Path
        File to write.
    """
    # by Python, which says what stood in the way
    path.write_bytes(defused(frame).write_csv().encode())


def read(path: Path, **options: Any) -> pl.DataFrame:
    """Read what :func:`write` wrote, with its texts as they were.

    Parameters
    ----------
    path : Path
        File to read.
    **options
        Of :func:`polars.read_csv`.
    """
    return restored(pl.read_csv(path.read_bytes(), **options))


def defused(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would take for a formula.

    Examples
    --------
    >>> names = ["=1+1", "-5", "'@x", "Syria"]
    >>> frame = pl.DataFrame({"name": names, "deaths": [-1, 2, 3, 4]})
    >>> defused(frame)["name"].to_list()
    ["'=1+1", '-5', "''@x", 'Syria']
    >>> restored(defused(frame)).equals(frame)
    True
    """
    kinds = (pl.String, pl.Categorical, pl.Enum)
    texts = [name for name, kind in frame.schema.items() if kind in kinds]
    return frame.with_columns(_defused(name) for name in texts)


def restored(frame: pl.DataFrame) -> pl.DataFrame:
    """Take off the apostrophe that :func:`defused` put before a text."""
    return frame.with_columns(cs.string().str.replace(f"^'('*{SIGNS})", "$1"))


def _defused(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    risky = text.str.contains(f"^'*{SIGNS}") & ~text.str.contains(NUMBER)
    quoted = pl.concat_str(pl.lit("'"), text)
    return pl.when(risky).then(quoted).otherwise(text).alias(name)
