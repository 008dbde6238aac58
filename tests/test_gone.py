"""Truces that are in force no more: every one that is not scored has its reason."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from strategies import day, events, truces

from forecast.collapse import declared, followed, resumption
from forecast.gone import gone
from forecast.panel import known, panel
from forecast.raw import InputError
from forecast.simulated import World

SETTINGS = {
    "max_age_days": 365,
    "min_events": 5,
    "before_days": 90,
    "exact_start": True,
    "whole_zone": True,
}


@pytest.mark.parametrize("weeks", [60, 150, 250])
def test_a_followed_truce_is_in_force_or_its_reason_is_told(
    world: World, weeks: int
) -> None:
    first = world.events["date"].min()
    assert isinstance(first, date)
    now = first + timedelta(weeks=weeks)
    then = known(world.events, now)
    kept, _ = followed(
        world.truces, then, **{k: v for k, v in SETTINGS.items() if k != "max_age_days"}
    )
    begun = kept.filter(pl.col("start") < now)
    in_force, _ = panel(world.truces, then, now, resumption, as_of=now, **SETTINGS)
    found = gone(world.truces, then, now, resumption, "resumption", **SETTINGS)
    told = pl.concat([in_force.select("truce_id"), found.select("truce_id")])
    assert_frame_equal(told.sort("truce_id"), begun.select("truce_id").sort("truce_id"))
    assert found.height
    collapsed = found.filter(pl.col("reason") == "collapsed (resumption)")
    days = collapsed["why"].str.extract(r"^collapsed on (\S+) \(resumption\)$")
    assert days.str.to_date().is_between(collapsed["start"], now, closed="none").all()
    assert found["start"].is_sorted(descending=True)


def test_each_way_in_which_a_truce_ends_is_told() -> None:
    peace = [
        {"date": day(s - 9 * i), "dyad_id": d}
        for d, s in (("d1", 0), ("d2", 0), ("d3", 0), ("d3", 40))
        for i in range(1, 6)
    ]
    now = day(100)
    records = truces(
        [
            {"truce_id": "a", "dyad_id": "d1", "start": day(0)},
            {
                "truce_id": "b",
                "dyad_id": "d2",
                "start": day(0),
                "end": day(30),
                "end_precision": "day",
                "end_reason": "expired",
            },
            {"truce_id": "c", "dyad_id": "d3", "start": day(0)},
            {"truce_id": "d", "dyad_id": "d3", "start": day(40)},
        ]
    )
    fought = [{"date": day(20), "dyad_id": "d1", "deaths": 50}]
    coded = events([*peace, *fought])

    def why(now: date) -> dict[str, str]:
        found = gone(records, known(coded, now), now, resumption, "mine", **SETTINGS)
        return dict(found.select("truce_id", "why").iter_rows())

    assert why(now) == {
        "a": f"collapsed on {day(20)} (mine)",
        "b": f"recorded as ended on {day(30)}",
        "c": "renewed, or a later truce of the dyad took its place",
    }
    assert why(day(500))["d"] == "older than 365 days"
    assert "a" not in why(day(20))


def test_a_rule_without_the_columns_of_one_is_refused() -> None:
    records = truces([{"truce_id": "a", "dyad_id": "d1", "start": day(0)}])
    coded = events([{"date": day(-3), "dyad_id": "d1"}])

    def short(truces: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
        return declared(truces, events).drop("collapse")

    said = r"returns the columns truce_id, .*; expected truce_id, level, .*collapse"
    with pytest.raises(InputError, match=said):
        panel(records, coded, day(30), short)
