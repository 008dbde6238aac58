"""The one table that every finding about the data goes into."""

from collections.abc import Iterable

import dataframely as dy
import polars as pl

SECTIONS = (
    "rows",
    "span",
    "dates",
    "codes",
    "actors",
    "truces",
    "effort",
    "overlap",
)
KINDS = ("events", "truces")
COLUMNS = {
    "item": pl.String,
    "detail": pl.String,
    "value": pl.Float64,
    "share": pl.Float64,
}
#: what is measured, which of it, how much, and as a share of the whole
Finding = tuple[str, str | None, float | None, float | None]


class Quality(dy.Schema):
    """What data are like, in long form: a row a finding."""

    section = dy.Enum(SECTIONS)
    kind = dy.Enum(KINDS)
    #: name in the configuration; of an overlap, two names
    source = dy.String()
    item = dy.String()
    #: which one: a reason, a day, a code, a name, a country and year
    detail = dy.String(nullable=True)
    #: a count, days, deaths or a correlation, as the item says
    value = dy.Float64(nullable=True)
    share = dy.Float64(nullable=True, min=0, max=1)


def finding(
    item: str,
    value: float | None = None,
    of: float | None = None,
    detail: object = None,
) -> Finding:
    """One finding; with ``of``, also as a share of that whole.

    Examples
    --------
    >>> finding("refused", 1, of=4), finding("first day", detail="2016-02-27")
    (('refused', None, 1.0, 0.25), ('first day', '2016-02-27', None, None))
    """
    share = value / of if of and value is not None else None
    return (
        item,
        None if detail is None else str(detail),
        None if value is None else float(value),
        share,
    )


def counted(
    item: str, frame: pl.DataFrame, column: str, of: float | None = None
) -> list[Finding]:
    """A finding for each row of counts: ``column`` says which, ``n`` how many.

    Examples
    --------
    >>> frame = pl.DataFrame({"kind": ["clash", "talks"], "n": [3, 1]})
    >>> counted("kind", frame, "kind", of=4)
    [('kind', 'clash', 3.0, 0.75), ('kind', 'talks', 1.0, 0.25)]
    """
    return [
        finding(item, n, of, detail)
        for detail, n in frame.select(column, "n").iter_rows()
    ]


def table(findings: Iterable[Finding]) -> pl.DataFrame:
    """Findings as a frame: ``item``, ``detail``, ``value``, ``share``."""
    return pl.DataFrame(list(findings), schema=COLUMNS, orient="row")


def tally(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows by value of a column, most first, ties by the value: ``column``, ``n``.

    Examples
    --------
    >>> tally(pl.DataFrame({"kind": ["talks", "clash", "deal", "deal"]}), "kind").rows()
    [('deal', 2), ('clash', 1), ('talks', 1)]
    """
    return (
        frame.group_by(pl.col(column).cast(pl.String))
        .agg(n=pl.len())
        .sort("n", column, descending=[True, False])
    )


def current(events: pl.DataFrame) -> pl.DataFrame:
    """Events as they stand now, with ``last``, the day each of them ends."""
    return events.filter(pl.col("known_until").is_null()).with_columns(
        last=pl.coalesce("date_end", "date")
    )
