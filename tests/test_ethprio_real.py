"""ETH/PRIO as published: its account, and the merge against an independent reading."""

import csv
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from forecast.schema import Loaded, Truces
from forecast.truces.ethprio import ethprio

# codes of `ended`, the worst first: DESIGN section 4
WORST = {
    "2": "collapsed",
    "3": "other",
    "1": "expired",
    "4": "renewed",
    "-1": "unclear",
    "0": "ongoing",
}


@pytest.fixture(scope="module")
def real(shared: Path) -> Loaded[Truces]:
    return ethprio(
        shared / "data/ethprio/ceasefires.csv",
        shared / "data/ucdp_termination/dyads.csv",
    )


def test_the_account_of_the_real_file(real: Loaded[Truces]) -> None:
    left_out = real.left_out["n"].sum()
    assert real.read == real.accepted + real.rejected.height + left_out
    assert (real.read, real.accepted, real.rejected.height) == (2913, 2313, 3)
    assert real.left_out["n"].to_list() == [597]
    assert real.frame.height == 1471
    # two impossible days of one ceasefire, and an end before its start
    assert real.rejected.select("column", "value").rows() == [
        ("end_day", "24"),
        ("cf_effect_day", "31"),
        ("cf_effect_day", "31"),
    ]


def test_rejected_lines_are_those_of_the_file(
    shared: Path, real: Loaded[Truces]
) -> None:
    """Comments of the file hold line breaks: lines are not rows."""
    with (shared / "data/ethprio/ceasefires.csv").open(
        encoding="utf-8-sig", newline=""
    ) as file:
        reader = csv.DictReader(file)
        before, at = reader.reader.line_num, {}
        for row in reader:
            at[before + 1] = row
            before = reader.line_num
    for line, column, value in real.rejected.select("line", "column", "value").rows():
        assert at[line][column] == value


def number(text: str) -> int:
    return int(text or -1)


def day(row: dict[str, str], which: str) -> tuple[date | None, bool]:
    """A date and whether it is exact; an inexact one is the first of its period."""
    year, month, dom = (number(row[f"{which}_{p}"]) for p in ("yr", "month", "day"))
    if year <= 0:
        return None, False
    if month <= 0:
        return date(year, 1, 1), False
    return date(year, month, max(dom, 1)), dom > 0


def merged(path: Path) -> dict[str, tuple[Any, ...]]:
    """Section 4 of the design, in plain loops over the rows of the file."""
    starts = defaultdict(list)
    ends = defaultdict(list)
    partial: Counter[str] = Counter()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if not row["ucdp_dyad"].isdigit():
                continue
            try:
                (start, exact), (end, exact_end) = (
                    day(row, "cf_effect"),
                    day(row, "end"),
                )
            except ValueError:
                continue
            if start and end and exact and exact_end and end < start:
                continue
            key = f"{row['uniq_id']}-{row['ucdp_dyad']}"
            # an exact start holds before one that is known to the month
            starts[key].append((start is None, not exact, start or date.max))
            ends[key].append((end or date.max, list(WORST).index(row["ended"])))
            partial[key] += row["partial"] == "1"
    truces = {}
    for key, first in starts.items():
        _, inexact, start = min(first)
        end, worst = min(ends[key])
        truces[key] = (
            None if start == date.max else start,
            not inexact,
            None if end == date.max else end,
            list(WORST.values())[worst],
            partial[key] > 0,
        )
    return truces


def test_the_merge_agrees_with_plain_loops(shared: Path, real: Loaded[Truces]) -> None:
    exact = (pl.col("start_precision") == "day").fill_null(False)
    ours = real.frame.select(
        "truce_id", "start", exact, "end", "end_reason", "partial"
    ).rows()
    assert {key: values for key, *rest in ours for values in [tuple(rest)]} == merged(
        shared / "data/ethprio/ceasefires.csv"
    )


def test_reasons_of_the_real_file(real: Loaded[Truces]) -> None:
    """Half the ends are unclear; renewed and lapsed ones are no collapses."""
    count = Counter(real.frame["end_reason"])
    assert set(count) == set(WORST.values())
    assert 0.35 < count["unclear"] / real.frame.height < 0.65
    assert count["collapsed"] < count["unclear"]


def test_civil_conflicts_only(real: Loaded[Truces]) -> None:
    """India-Pakistan (UCDP dyad 422) is fought between states: not in this file."""
    assert "422" not in real.frame["dyad_id"]
    assert real.frame["name"].str.contains("India").any()
