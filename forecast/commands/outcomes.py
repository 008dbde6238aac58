"""How the jobs of a sweep ended: a row each, in a table, a file and on a terminal."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from forecast import record, sheets
from forecast.report.words import nearest

#: a finished result; one of before; one with something to look into, as an audit found
DONE, KEPT, FAULTS = "done", "kept", "faults"
FAILED, KILLED, INTERRUPTED = "failed", "killed", "interrupted"
RUNNING, WAITING = "running", "not run"
WELL = (DONE, KEPT)


@dataclass(frozen=True)
class Row:
    """A job of a sweep, as the table tells it."""

    #: words that set it apart from the other jobs
    job: str
    folder: Path
    state: str = WAITING
    seconds: float | None = None
    headline: str = ""


def log(folder: Path) -> Path:
    """Where a job prints that leaves a folder."""
    return folder.with_name(f"{folder.name}.log")


def found(row: Row) -> Row:
    """The row of a job whose result was there before."""
    faults = record.read_json(row.folder / "run.json").get("exit_code")
    return replace(row, state=FAULTS if faults else KEPT, headline=scored(row.folder))


def ended(row: Row, code: int, seconds: float) -> Row:
    """The row of a job that ended with an exit code, or less the number of a signal."""
    if code < 0:
        state, said = KILLED, f"by {_name(-code)}"
    elif (row.folder / "run.json").is_file():
        state, said = FAULTS if code else DONE, scored(row.folder)
    else:
        state, said = FAILED, _last_line(log(row.folder))
    return replace(row, state=state, seconds=round(seconds, 1), headline=said)


def scored(folder: Path) -> str:
    """Skill of a run's published model at the horizon nearest to a month."""
    account = record.read_json(folder / "run.json")
    metrics = pl.read_csv(folder / "metrics.csv", infer_schema_length=None)
    own = metrics.filter(
        pl.col("model") == account["published"],
        pl.col("stratum") == "all",
        pl.col("metric") == "skill",
        pl.col("value").is_not_null(),
    )
    if own.is_empty():
        return f"{account['published']} has no skill to tell of"
    month = nearest(own["horizon"])
    row = own.row(by_predicate=pl.col("horizon") == month, named=True)
    said = f"skill {row['value']:+.1%}"
    if row["lower"] is not None and row["upper"] is not None:
        said += f" ({100 * row['lower']:+.1f} to {100 * row['upper']:+.1f})"
    return f"{said} at {month} d"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else f"said nothing in {path.name}"


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the table as CSV, whole or not at all."""
    table = pl.DataFrame(
        {
            "job": [row.job for row in rows],
            "folder": [row.folder.name for row in rows],
            "state": [row.state for row in rows],
            "seconds": pl.Series([row.seconds for row in rows], dtype=pl.Float64),
            "headline": [row.headline for row in rows],
        }
    )
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    sheets.write(table, part)
    part.replace(path)


def table(rows: Sequence[Row]) -> Table:
    """The table as a reader sees it."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("job", overflow="fold")
    shown.add_column("state", no_wrap=True)
    shown.add_column("time", justify="right", no_wrap=True)
    shown.add_column("headline", overflow="fold")
    for row in rows:
        cells = (row.job, row.state, took(row.seconds), row.headline)
        shown.add_row(*map(escape, cells))
    return shown


def took(seconds: float | None) -> str:
    """Seconds as a reader likes them.

    Examples
    --------
    >>> [took(s) for s in (None, 12.34, 754, 9000)]
    ['', '12 s', '13 min', '2.5 h']
    """
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress(total: int) -> Iterator[Callable[[Row], None]]:
    """Show each row that changes, on a terminal alone.

    Parameters
    ----------
    total : int
        How many jobs there are to run.

    Yields
    ------
    callable
        Takes the row of a job that began or has ended.
    """
    if not sys.stdout.isatty():
        yield lambda _: None
        return
    lines = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(),
        transient=True,
    )
    running = {Path(): lines.add_task(f"0 of {total} jobs", total=total)}

    def changed(row: Row) -> None:
        if row.state == RUNNING:
            running[row.folder] = lines.add_task(escape(row.job), total=None)
            return
        if row.folder in running:
            lines.remove_task(running.pop(row.folder))
        said = f"{row.state:11} {took(row.seconds):>7}  {row.job}  {row.headline}"
        lines.console.print(escape(said), highlight=False, soft_wrap=True)
        lines.advance(running[Path()])
        done = int(lines.tasks[0].completed)
        lines.update(running[Path()], description=f"{done} of {total} jobs")

    with lines:
        yield changed
