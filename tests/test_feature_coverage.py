"""What `coverage` says, against a plain loop over its definition, and small cases."""

from collections.abc import Iterator
from itertools import pairwise

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import (
    RULE,
    Change,
    Laid,
    Row,
    changes,
    day,
    events,
    laid_out,
    may_use,
    truces,
)

from forecast.features.coverage import coverage
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Events


def known_then(laid: Laid) -> Iterator[list[Row]]:
    """For each origin, the events of any relation that it may use, with ``ago``."""
    rows, coded, _ = laid
    of: dict[str, list[Row]] = {}
    for event in coded.iter_rows(named=True):
        of.setdefault(event["truce_id"], []).append(event)
    for row in rows.iter_rows(named=True):
        yield [
            e | {"ago": (row["origin"] - e["day"]).days}
            for e in of.get(row["truce_id"], [])
            if may_use(row, e)
        ]


def by_hand(known: list[Row]) -> Row:
    """The definition of every column, with the default settings."""
    year = [e for e in known if e["ago"] <= 365]
    said: Row = {}
    for w in (7, 30):
        inside = [e for e in year if e["ago"] <= w]
        rest = len(year) - len(inside)
        usual = rest / (365 - w)
        told = [e for e in inside if None not in (e["deaths_low"], e["deaths_high"])]
        apart = sum(max(0, e["deaths_high"] - e["deaths_low"]) for e in told)
        most = sum(e["deaths_high"] for e in told)
        n = len(inside)
        vague = sum(e["date_precision"] != "day" for e in inside)
        nowhere = sum(e["latitude"] is None for e in inside)
        said[f"coverage_reports_{w}d"] = n
        said[f"coverage_trend_{w}d"] = n / w / usual if rest else None
        said[f"coverage_sources_{w}d"] = len({e["source"] for e in inside})
        said[f"coverage_imprecise_{w}d"] = vague / n if n else None
        said[f"coverage_placeless_{w}d"] = nowhere / n if n else None
        said[f"coverage_spread_{w}d"] = apart / most if most else None
    days = sorted({e["ago"] for e in year})
    steps = [b - a for a, b in pairwise(days)]
    gap = sum(steps) / len(steps) if steps else None
    silence = min([365, *days])
    said["coverage_silence_days"] = silence
    said["coverage_gap_days"] = gap
    said["coverage_blackout"] = None if gap is None else silence > 3 * gap
    return said


def agrees(laid: Laid) -> None:
    found = coverage(*laid).drop("truce_id", "origin")
    expected = [by_hand(known) for known in known_then(laid)]
    loop = pl.DataFrame(expected, schema=found.schema)
    assert set(found.columns) == set(expected[0] if expected else found.columns)
    assert_frame_equal(found, loop, abs_tol=1e-9)


def test_the_simulated_world_is_the_plain_loop(simulated: Laid) -> None:
    agrees(simulated)


@settings(max_examples=30, database=None)
@given(changes(), st.data())
def test_a_revised_world_is_the_plain_loop(change: Change, data: st.DataObject) -> None:
    coded = change.events[0]
    ends = st.sampled_from([None, 0, 1, 5, 30])
    low, high = (
        pl.Series([data.draw(ends) for _ in range(coded.height)], dtype=pl.Int64)
        for _ in "ab"
    )
    coded = Events.cast(coded.with_columns(deaths_low=low, deaths_high=high))
    agrees(laid_out(change.truces[0], coded, near_km=0))


def test_bounds(simulated: Laid) -> None:
    found = coverage(*simulated)
    for w in (7, 30):
        for what in ("imprecise", "placeless", "spread"):
            share = found[f"coverage_{what}_{w}d"].drop_nulls()
            assert share.is_between(0, 1).all()
        assert (found[f"coverage_trend_{w}d"].drop_nulls() >= 0).all()
        quiet = found[f"coverage_reports_{w}d"] == 0
        assert (quiet == (found["coverage_silence_days"] > w)).all()
        assert (quiet == (found[f"coverage_sources_{w}d"] == 0)).all()
    assert found["coverage_silence_days"].is_between(1, 365).all()
    assert (found["coverage_gap_days"].drop_nulls() >= 1).all()


def test_more_patience_sees_fewer_blackouts(simulated: Laid) -> None:
    counts = [
        coverage(*simulated, blackout_factor=factor)["coverage_blackout"].sum()
        for factor in (0, 1, 3, 10, 400)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0
    assert counts[-1] == 0


def morning(coded: dy.DataFrame[Events], at: int = 30) -> Row:
    """Features on one morning of a truce that began on day 0."""
    records = truces([{"start": day(0)}])
    origins = panel(records, coded, day(300), RULE, min_events=0, as_of=day(at))[0]
    frame = coverage(origins, linked(coded, link(records, coded)), records)
    return frame.row(0, named=True)


def test_silence_after_daily_reports_is_a_blackout_and_after_rare_ones_is_not() -> None:
    daily = morning(events([{"date": day(d)} for d in range(-60, 26)]))
    assert (daily["coverage_gap_days"], daily["coverage_silence_days"]) == (1, 5)
    assert daily["coverage_blackout"] is True
    rare = morning(events([{"date": day(d)} for d in range(-60, 26, 17)]))
    assert (rare["coverage_gap_days"], rare["coverage_silence_days"]) == (17, 5)
    assert rare["coverage_blackout"] is False


def test_many_reports_of_a_day_are_no_smaller_gap() -> None:
    busy = [{"date": day(d)} for d in (0, 10, 20) for _ in range(50)]
    found = morning(events(busy))
    assert found["coverage_gap_days"] == 10
    assert found["coverage_blackout"] is False


def test_whoever_reports_on_the_neighbours_is_still_there() -> None:
    parties = [{"date": day(d), "dyad_id": "d1"} for d in range(-60, 10)]
    neighbours = [
        {"date": day(d), "dyad_id": "d3", "actor_a": "Mil", "actor_b": "Her"}
        for d in range(-60, 30)
    ]
    assert morning(events(parties))["coverage_blackout"] is True
    both = morning(events([*parties, *neighbours]))
    assert both["coverage_blackout"] is False
    assert both["coverage_silence_days"] == 1
    assert both["coverage_reports_7d"] == 7


def test_nothing_was_to_be_expected_where_nothing_was_ever_reported() -> None:
    found = morning(events([]))
    assert {name for name, value in found.items() if value is None} == {
        "coverage_gap_days",
        "coverage_blackout",
        *(
            f"coverage_{what}_{w}d"
            for what in ("trend", "imprecise", "placeless", "spread")
            for w in (7, 30)
        ),
    }
    assert found["coverage_reports_7d"] == found["coverage_sources_7d"] == 0
    assert found["coverage_silence_days"] == 365


def test_one_report_makes_no_gap_but_a_trend() -> None:
    found = morning(events([{"date": day(2)}]))
    assert found["coverage_gap_days"] is None
    assert found["coverage_blackout"] is None
    assert found["coverage_silence_days"] == 28
    # none this week, after one in the year; all of the year's in these thirty days
    assert (found["coverage_trend_7d"], found["coverage_trend_30d"]) == (0, None)


def test_the_trend_is_one_where_all_is_as_ever() -> None:
    steady = morning(events([{"date": day(d)} for d in range(30 - 365, 30)]))
    assert steady["coverage_trend_7d"] == pytest.approx(1)
    double = morning(
        events([{"date": day(d)} for d in [*range(30 - 365, 30), *range(23, 30)]])
    )
    assert double["coverage_trend_7d"] == pytest.approx(2)


def test_how_exact_the_reports_are() -> None:
    found = morning(
        events(
            [
                {"date": day(29), "deaths_low": 2, "deaths_high": 4, "source": "a"},
                {"date": day(28), "deaths_low": 6, "deaths_high": 6, "source": "b"},
                {"date": day(27), "deaths_high": 50, "source": "a"},
                # ends turned round, as a few rows of UCDP have them
                {"date": day(26), "deaths_low": 9, "deaths_high": 8, "latitude": 1.0},
                {"date": day(22), "date_end": day(25), "date_precision": "week"},
            ]
        )
    )
    assert found["coverage_spread_7d"] == pytest.approx(2 / (4 + 6 + 8))
    assert found["coverage_sources_7d"] == 3
    assert found["coverage_imprecise_7d"] == pytest.approx(1 / 5)
    assert found["coverage_placeless_7d"] == pytest.approx(4 / 5)


def test_a_report_that_came_late_was_silence_till_then() -> None:
    late = events([{"date": day(d)} for d in range(-60, 10)]).with_columns(
        known_from=pl.when(pl.col("date") == day(9))
        .then(pl.lit(day(31)))
        .otherwise("known_from")
    )
    coded = Events.validate(late)
    assert morning(coded, at=30)["coverage_silence_days"] == 22
    assert morning(coded, at=31)["coverage_silence_days"] == 22


def test_no_windows_no_columns(simulated: Laid) -> None:
    assert coverage(*simulated, windows=()).columns[2:] == [
        "coverage_silence_days",
        "coverage_gap_days",
        "coverage_blackout",
    ]


@settings(max_examples=30)
@given(changes())
def test_wars_across_a_border_are_not_its_reports(change: Change) -> None:
    records, coded = change.truces[0], change.events[0]
    rows, at_home, _ = laid_out(records, coded, near_km=0)
    near = linked(coded, link(records, coded, near_km=20_100))
    assert near.height >= at_home.height
    assert_frame_equal(coverage(rows, near, records), coverage(rows, at_home, records))
