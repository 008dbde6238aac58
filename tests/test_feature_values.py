"""What the shipped features say, against plain loops and small cases."""

import math
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from strategies import Row

from forecast.collapse import resumption
from forecast.features.age import age
from forecast.features.outsiders import outsiders
from forecast.features.recent import recent
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


def test_recent_is_the_plain_loop(case: Any) -> None:
    rows, coded, records = case
    found = recent(rows, coded, records)
    for row, values in zip(
        rows.iter_rows(named=True), found.iter_rows(named=True), strict=True
    ):
        party = before(coded, row, "party", None)
        since = party.filter(pl.col("day") > row["start"])
        for days in (3, 7, 14, 30, 60):
            part = before(coded, row, "party", days)
            assert values[f"recent_events_{days}d"] == part.height
            assert values[f"recent_deaths_{days}d"] == part["deaths"].sum()
        assert values["recent_events_since_start"] == since.height
        assert values["recent_deaths_since_start"] == since["deaths"].sum()
        # the origin's own day is the thirtieth of the rule's window
        inside = since.filter(pl.col("day") >= row["origin"] - timedelta(days=29))
        filled = inside["deaths"].sum() / row["threshold"]
        assert values["recent_filled"] == pytest.approx(filled)
        ages = [(row["origin"] - d).days for d in party["day"]]
        assert values["recent_days_since_last"] == min([*ages, 365])
        decayed = sum(
            deaths * 0.5 ** ((ago - 1) / 14)
            for deaths, ago in zip(party["deaths"], ages, strict=True)
        )
        assert values["recent_decayed_14d"] == pytest.approx(decayed / row["threshold"])


def test_outsiders_is_the_plain_loop(case: Any) -> None:
    rows, coded, records = case
    found = outsiders(rows, coded, records)
    for row, values in zip(
        rows.iter_rows(named=True), found.iter_rows(named=True), strict=True
    ):
        for days in (7, 30, 60):
            part = before(coded, row, "outsider", days)
            assert values[f"outsiders_events_{days}d"] == part.height
            assert values[f"outsiders_deaths_{days}d"] == part["deaths"].sum()


def test_a_window_that_is_full_would_have_been_a_collapse(world: World) -> None:
    """The rule and the feature count the same deaths."""
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = panel(*args)[0]
    coded = linked(world.events, link(world.truces, world.events))
    filled = recent(rows, coded, world.truces)["recent_filled"]
    assert (filled < 1).all()
    assert filled.max() > 0.8


def test_age_is_in_days(case: Any) -> None:
    found = age(*case)
    assert found["age_days"].equals(case[0]["age_days"])
    assert found["age_log"].to_list() == [math.log(d) for d in found["age_days"]]
