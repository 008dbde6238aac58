"""The war before a truce, and what the collapse rule makes of it."""

import math
from functools import partial

import polars as pl
import pytest

from forecast.collapse import resumption, threshold
from forecast.features.war import war
from forecast.panel import panel
from forecast.schema import Events
from forecast.simulated import World


def test_the_threshold_is_half_the_former_pace_and_no_less_than_the_floor(
    world: World,
) -> None:
    rule = partial(resumption, share=0.5, floor=5)
    rows = panel(world.truces, world.events, world.covered_through, rule)[0]
    found = war(rows, Events.create_empty(), world.truces)
    asked = found.select(pl.max_horizontal(0.5 * pl.col("war_level"), 5.0))
    told = found["war_threshold_log"].exp()
    assert told.to_list() == pytest.approx(asked.to_series().to_list())
    assert told.n_unique() > 5


def test_a_rule_without_a_level_has_a_threshold_all_the_same(world: World) -> None:
    rows = panel(world.truces, world.events, world.covered_through, threshold)[0]
    found = war(rows, Events.create_empty(), world.truces)
    assert set(found["war_threshold_log"]) == {math.log(25)}
