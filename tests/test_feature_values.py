"""What the shipped features say, against plain loops and small cases."""

import math
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from strategies import Row, day, events, truces

from forecast.collapse import resumption
from forecast.features.age import age
from forecast.features.design import design
from forecast.features.history import history
from forecast.link import link, linked
from forecast.panel import panel
from forecast.simulated import World


@pytest.fixture(scope="module")
def case(world: World) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Each seventh origin of the world, events as linked, and the truces."""
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = panel(*args)[0].gather_every(7)
    return rows, linked(world.events, link(world.truces, world.events)), world.truces


def before(
    coded: pl.DataFrame, row: Row, relation: str, days: int | None
) -> pl.DataFrame:
    """Hostile events of the days before an origin; the world has no revisions."""
    origin = row["origin"]
    mine = (
        (pl.col("truce_id") == row["truce_id"])
        & (pl.col("relation") == relation)
        & pl.col("hostile")
        & (pl.col("day") < origin)
    )
    if days is not None:
        mine &= pl.col("day") >= origin - timedelta(days=days)
    return coded.filter(mine)


def test_age_is_in_days(case: Any) -> None:
    found = age(*case)
    assert found["age_days"].equals(case[0]["age_days"])
    assert found["age_log"].to_list() == [math.log(d) for d in found["age_days"]]


def one(origin: int, *records: Row) -> tuple[Any, Any, Any]:
    """A panel row of the truce t0 on a morning, and all records."""
    table = truces([{"start": day(100)}, *records])
    rows = panel(
        table, events([]), day(900), resumption, min_events=0, as_of=day(origin)
    )[0]
    return rows.filter(pl.col("truce_id") == "t0"), pl.DataFrame(), table


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        # earlier truces, collapsed, ended, mean days held, days since the last
        ({"start": day(100)}, (0, 0, 0, None, None)),
        ({"start": day(200)}, (0, 0, 0, None, None)),
        ({"start": day(40), "dyad_id": "d2"}, (0, 0, 0, None, None)),
        ({"start": day(40), "start_precision": "month"}, (0, 0, 0, None, None)),
        ({"start": day(40)}, (1, 0, 0, None, 70)),
        ({"start": day(40), "end": day(60)}, (1, 0, 1, 20, 70)),
        (
            {"start": day(40), "end": day(60), "end_reason": "collapsed"},
            (1, 1, 1, 20, 70),
        ),
        (
            {"start": day(40), "end": day(109), "end_reason": "collapsed"},
            (1, 1, 1, 69, 70),
        ),
        (
            {"start": day(40), "end": day(110), "end_reason": "collapsed"},
            (1, 0, 0, None, 70),
        ),
        (
            {
                "start": day(40),
                "end": day(60),
                "end_precision": "month",
                "end_reason": "collapsed",
            },
            (1, 0, 0, None, 70),
        ),
    ],
)
def test_history_counts_what_had_happened_by_the_morning(
    record: Row, expected: tuple[Any, ...]
) -> None:
    assert history(*one(110, record)).row(0)[2:] == expected


def test_history_of_several() -> None:
    failed = {"start": day(10), "end": day(20), "end_reason": "collapsed"}
    held = {"start": day(30), "end": day(60), "end_reason": "expired"}
    assert history(*one(101, failed, held)).row(0)[2:] == (2, 1, 2, 20, 71)


def test_design_says_what_was_agreed_and_null_where_nobody_knows() -> None:
    rows, coded, table = one(110)
    agreed = {"side": "bilateral", "class": "definitive", "written": True}
    agreed |= {"mediated": False, "term_days": 7}
    known = design(rows, coded, truces([{"start": day(100), **agreed}]))
    assert known.drop("truce_id", "origin").row(0, named=True) == {
        "design_unilateral": False,
        "design_bilateral": True,
        "design_multilateral": False,
        "design_cessation": False,
        "design_preliminary": False,
        "design_definitive": True,
        "design_written": True,
        "design_mediated": False,
        "design_enforced": None,
        "design_term_days": 7,
        "design_days_left": -3,
    }
    silent = design(rows, coded, table).drop("truce_id", "origin").row(0)
    assert set(silent) == {None}
