"""Age of a truce, in days and their logarithm."""

import math

from forecast.collapse import resumption
from forecast.features.age import age
from forecast.panel import panel
from forecast.schema import Events
from forecast.simulated import World


def test_age_is_in_days(world: World) -> None:
    rows = panel(world.truces, world.events, world.covered_through, resumption)[0]
    found = age(rows, Events.create_empty(), world.truces)
    assert found["age_days"].equals((rows["origin"] - rows["start"]).dt.total_days())
    assert found["age_log"].to_list() == [math.log(d) for d in found["age_days"]]
