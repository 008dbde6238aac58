"""The page of all features, made of their docstrings and of the columns they give."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import polars as pl

from forecast.collapse import resumption
from forecast.features import KEYS, Feature, compute
from forecast.link import link, linked
from forecast.panel import panel
from forecast.simulated import world

PLACEHOLDER = re.compile(r"<\w+>")
VALUE = "([a-z0-9_.]+)"
LAST_NULL = re.compile("Null:(?!.*Null:)")
HEAD = """\
# Features

What models see of a truce on the morning of an origin. `make docs` writes this page
from the docstrings in `forecast/features/` and from the columns that they give on a
small built-in world with the settings in `conf/features/`; change it there.

`o` is the origin, `e` the last day of an event, and each number is what was known on
the morning of `o`: later events, later versions and later ends have no part in it.
Null means "not known", which is not 0. `<W>` stands for the values of a setting.
"""


def sections(function: Callable[..., Any]) -> dict[str, str]:
    """Sections of a numpydoc docstring by title; what comes before them is "".

    Examples
    --------
    >>> list(sections(sections))
    ['', 'Examples']
    """
    lines = [*(inspect.getdoc(function) or "").splitlines(), ""]
    found: dict[str, list[str]] = {"": []}
    title = ""
    for line, under in pairwise(lines):
        if line and under == "-" * len(line):
            title = line
            found[title] = []
        elif set(line) != {"-"}:
            found[title].append(line)
    return {name: "\n".join(text).strip("\n") for name, text in found.items()}


def entries(function: Callable[..., Any]) -> pl.DataFrame:
    """What the section *Returns* of a feature says of its columns.

    Parameters
    ----------
    function : callable
        A feature; the format of its docstring stands in :mod:`forecast.features`.

    Returns
    -------
    pl.DataFrame
        ``entry`` (a column's name, with ``<W>`` for values of settings), ``unit``,
        ``formula``, ``null`` (when it is); in the order of the docstring. What the
        docstring does not say is empty.

    Examples
    --------
    >>> from forecast.features.age import age
    >>> entries(age).row(0)[:2]
    ('age_days', 'days')
    """
    rows = []
    for part in re.split(r"\n(?=\S)", sections(function).get("Returns", "")):
        head, _, body = part.partition("\n")
        names, _, unit = head.partition(" : ")
        formula, null, *_ = [*LAST_NULL.split(_plain(body)), ""]
        rows += [
            (name.strip(), unit.strip(), formula.strip(), null.strip().rstrip("."))
            for name in names.split(",")
            if name.strip()
        ]
    columns = ("entry", "unit", "formula", "null")
    return pl.DataFrame(rows, [(name, pl.String) for name in columns], orient="row")


def described(columns: Iterable[str], said: pl.DataFrame) -> pl.DataFrame:
    """Match columns with the entries that describe them.

    Parameters
    ----------
    columns : iterable of str
        Names of columns that a feature gave.
    said : pl.DataFrame
        Its :func:`entries`.

    Returns
    -------
    pl.DataFrame
        One row a column and entry that fits it: ``column``, ``entry`` and ``values``,
        what stands in place of each ``<W>``. A column without an entry has no row.

    Examples
    --------
    >>> said = pl.DataFrame({"entry": ["recent_<what>_<W>d", "recent_filled"]})
    >>> described(["recent_deaths_7d", "recent_filled"], said).rows()
    [('recent_deaths_7d', 'recent_<what>_<W>d', ['deaths', '7']),
     ('recent_filled', 'recent_filled', [])]
    """
    patterns = {
        entry: re.compile(VALUE.join(map(re.escape, PLACEHOLDER.split(entry))))
        for entry in said["entry"]
    }
    rows = [
        (column, entry, list(found.groups()))
        for column in columns
        for entry, pattern in patterns.items()
        if (found := pattern.fullmatch(column))
    ]
    schema = {"column": pl.String(), "entry": pl.String()}
    return pl.DataFrame(rows, {**schema, "values": pl.List(pl.String)}, orient="row")


def produced(features: Mapping[str, Feature]) -> dict[str, list[str]]:
    """Columns that each feature gives on a small built-in world."""
    small = world(seed=1, conflicts=2, years=3)
    rows, _ = panel(small.truces, small.events, small.covered_through, resumption)
    coded = linked(small.events, link(small.truces, small.events))
    return {
        name: compute({name: feature}, rows, coded, small.truces).drop(KEYS).columns
        for name, feature in features.items()
    }


def page(features: Mapping[str, Feature]) -> str:
    """The page of all features.

    Parameters
    ----------
    features : mapping of str to callable
        Features by name, with their settings.

    Returns
    -------
    str
        Markdown: for each feature its summary, a table of its columns and its sources.
    """
    columns = produced(features)
    parts = [_family(name, f, columns[name]) for name, f in features.items()]
    return "\n".join([HEAD, *parts])


def function(feature: Feature) -> Callable[..., Any]:
    """The function behind a feature that has its settings."""
    found: Callable[..., Any] = getattr(feature, "func", feature)
    return found


def _family(name: str, feature: Feature, columns: Iterable[str]) -> str:
    text = sections(function(feature))
    said = entries(function(feature))
    found = described(columns, said)
    lines = [
        f"## {name}",
        "",
        _plain(text[""].partition("\n\n")[0]),
        "",
        "| column | unit | formula | null |",
        "|---|---|---|---|",
    ]
    rows: dict[tuple[str, ...], list[str]] = {}
    for entry, *rest in said.rows():
        values = found.filter(pl.col("entry") == entry)["values"].to_list()
        if values:
            rows.setdefault(tuple(rest), []).append(_column(entry, values))
    lines += [_row([", ".join(names), *rest]) for rest, names in rows.items()]
    sources = [_plain(one) for one in text.get("References", "").split("\n\n") if one]
    return "\n".join([*lines, "", f"Sources: {' '.join(sources)}", ""])


def _row(cells: Iterable[str]) -> str:
    safe = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(safe)} |"


def _column(entry: str, values: list[list[str]]) -> str:
    """A column's name, and the values that its settings take."""
    taken = [
        f"{name[1:-1]} = {', '.join(dict.fromkeys(each))}"
        for name, each in zip(
            PLACEHOLDER.findall(entry), zip(*values, strict=True), strict=True
        )
    ]
    return "; ".join([f"`{entry}`", *taken])


def _plain(text: str) -> str:
    """Text of a docstring in one line, with its marks as Markdown has them."""
    line = " ".join(text.split())
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", line).replace("``", "`")
