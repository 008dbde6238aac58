"""What became of each line of a written source: the trace of a coding by hand."""

from pathlib import Path

import dataframely as dy
import polars as pl

from forecast.cells import Cell, identifier, parse, text, whole
from forecast.raw import InputError, read
from forecast.schema import Lines

#: between the ids of a line that codes several events
AND = ";"
COLUMNS = ("line", "says", "event_id")
CELLS: dict[str, Cell] = {
    "line": whole("line", 1, 1_000_000, required=True),
    "says": text("says", required=True),
    "event_id": identifier("event_id"),
}


def lines(path: str | Path, events: pl.DataFrame) -> dy.DataFrame[Lines]:
    r"""Read the trace of a coding by hand.

    Parameters
    ----------
    path : path
        A CSV of ``line`` (its number in the source), ``says`` (in the coder's words)
        and ``event_id``: the events that it was coded as, with ``;`` between several;
        empty where it codes none. A line may have several rows.
    events : pl.DataFrame
        Those that were coded.

    Returns
    -------
    dy.DataFrame[Lines]
        In the order of the lines; one row an event.

    Raises
    ------
    forecast.raw.InputError
        If a row is faulty or stands twice, a line names an event that is not there, or
        an event comes from no line: a trace with holes is none.

    Examples
    --------
    >>> import tempfile
    >>> events = pl.DataFrame({"event_id": ["e1", "e2"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trace = Path(folder, "lines.csv")
    ...     _ = trace.write_text("line,says,event_id\n1,rockets,e1;e2\n2,a view,\n")
    ...     lines(trace, events).select("line", "event_id").rows()
    [(1, 'e1'), (1, 'e2'), (2, None)]
    """
    raw = read(path, COLUMNS, (), closed=True)
    rows, rejected = parse(raw, CELLS, ())
    if rejected.height:
        bad = rejected.row(0, named=True)
        raise InputError(
            f"{path}: line {bad['line']}, column {bad['column']!r}, value "
            f"{bad['value']!r}: {bad['reason']}"
        )
    found = (
        rows.with_columns(pl.col("event_id").str.split(AND))
        .explode("event_id")
        .with_columns(pl.col("event_id").str.strip_chars())
        .select(COLUMNS)
        .sort("line", maintain_order=True)
    )
    _whole(Path(path), found["event_id"].drop_nulls(), events["event_id"])
    twice = found.filter(found.is_duplicated())
    if twice.height:
        line, says, event = twice.row(0)
        raise InputError(f"{path}: line {line}, {says!r}, {event!r}: told twice")
    return Lines.validate(
        found.with_columns(source=pl.lit(None, pl.String)).select(Lines.column_names()),
        cast=True,
    )


def _whole(path: Path, told: pl.Series, events: pl.Series) -> None:
    """Refuse a trace that leads nowhere, or that leaves an event without a line."""
    for here, there, said in (
        (told, events, "there is no such event"),
        (events, told, "no line tells of this event"),
    ):
        lost = here.filter(~here.is_in(there.unique().implode())).unique().sort()
        if len(lost):
            raise InputError(f"{path}: event_id {lost[0]!r}: {said}")
