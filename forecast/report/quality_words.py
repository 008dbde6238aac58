"""How findings about data are put into words: cells, and tables of cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from forecast.report.figures import DASH, count, decimals, share

Cells = tuple[str, ...]
Row = tuple[str | None, float | None, float | None]
#: findings of one source in one section, by item: detail, value, share
Part = Mapping[str, list[Row]]
#: parts by kind and name of the source
Parts = Mapping[tuple[str, str], Part]


@dataclass(frozen=True)
class Block:
    """A table: its caption, its columns, its cells.

    Parameters
    ----------
    caption : str
    head : tuple of str
        Names of the columns.
    rows : tuple of tuples of str
    words : int
        How many columns, from the left, hold words; the others hold figures.
    brief : int
        How many rows a terminal shows.
    narrow : tuple of str
        The columns that a terminal shows; none named: all.
    """

    caption: str
    head: Cells
    rows: tuple[Cells, ...]
    words: int = 1
    brief: int = 0
    narrow: Cells = ()


def parts(quality: pl.DataFrame, section: str) -> Parts:
    """Findings of a section by kind and name of the source, in their order."""
    made: dict[tuple[str, str], dict[str, list[Row]]] = {}
    rows = quality.filter(pl.col("section") == section).select(
        pl.col("kind").cast(pl.String), "source", "item", "detail", "value", "share"
    )
    for kind, source, item, detail, value, of in rows.iter_rows():
        made.setdefault((kind, source), {}).setdefault(item, []).append(
            (detail, value, of)
        )
    return dict(made.items())


def summary(
    found: Parts,
    caption: str,
    columns: Mapping[str, Callable[[Part], str]],
    narrow: Cells,
    words: int = 1,
) -> Block:
    """A table with a row for each source; ``narrow``: its columns on a terminal."""
    rows = tuple(
        (source, *(cell(part) for cell in columns.values()))
        for (_, source), part in found.items()
    )
    head = ("Source", *columns)
    return Block(caption, head, rows, words, len(rows), ("Source", *narrow))


def listed(
    found: Parts,
    caption: str,
    item: str,
    names: tuple[str, str],
    top: int | None = None,
    brief: int = 0,
) -> Block:
    """A table of one item, a row each, of every source its first ``top`` rows."""
    rows: tuple[Cells, ...] = tuple(
        (source, detail or DASH, count(value), share(of))
        for (_, source), part in found.items()
        for detail, value, of in part.get(item, [])[:top]
    )
    if all(row[-1] == DASH for row in rows):
        rows = tuple(row[:-1] for row in rows)
        return Block(caption, ("Source", *names), rows, 2, brief)
    return Block(caption, ("Source", *names, "Share"), rows, 2, brief)


def counts(item: str, detail: str | None = None) -> Callable[[Part], str]:
    """A cell: a count, and its share in brackets where there is one.

    Examples
    --------
    >>> counts("refused")({"refused": [(None, 3.0, 0.01)]}), counts("refused")({})
    ('3 (1.0%)', '–')
    """

    def cell(part: Part) -> str:
        rows = part.get(item)
        if not rows:
            return DASH
        # a detail that is not there was never met
        found = [r for r in rows if detail in (None, r[0])] or [(detail, 0, None)]
        _, value, of = found[0]
        return f"{count(value)} ({share(of)})" if of and value else count(value)

    return cell


def text(item: str) -> Callable[[Part], str]:
    """A cell: the words of a finding.

    Examples
    --------
    >>> text("first day")({"first day": [("2016-02-27", None, None)]})
    '2016-02-27'
    """
    return lambda part: (part.get(item) or [(None, None, None)])[0][0] or DASH


def figure(item: str) -> Callable[[Part], str]:
    """A cell: a figure with two decimals.

    Examples
    --------
    >>> figure("correlation of events")({"correlation of events": [(None, 0.5, None)]})
    '0.50'
    """
    return lambda part: decimals((part.get(item) or [(None, None, None)])[0][1])


def mix(item: str, top: int = 3) -> Callable[[Part], str]:
    """A cell: the most frequent ones with their shares.

    Examples
    --------
    >>> mix("kind")({"kind": [("clash", 3.0, 0.75), ("abuse", 1.0, 0.25)]})
    'clash 75.0%, abuse 25.0%'
    """
    return lambda part: ", ".join(
        f"{detail} {share(of)}" for detail, _, of in part.get(item, [])[:top]
    )
