"""What `recent` says, against a plain loop over its definition, and small cases."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hydra import compose, initialize_config_dir
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

from forecast.collapse import first_fatal, violations
from forecast.collapse.violations import BREACHES
from forecast.features.recent import recent
from forecast.kinds import KINDS
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Panel
from forecast.simulated import World

CONF = Path(__file__).parents[1] / "conf"
RULES = sorted(path.stem for path in (CONF / "collapse").glob("*.yaml"))


def with_what_was_known(laid: Laid) -> Iterator[tuple[Row, list[Row]]]:
    """Each origin, and the events that it may use."""
    rows, coded, _ = laid
    of: dict[str, list[Row]] = {}
    for event in coded.iter_rows(named=True):
        of.setdefault(event["truce_id"], []).append(event)
    for row in rows.iter_rows(named=True):
        yield (
            row,
            [e for e in of.get(row["truce_id"], []) if may_use(row, e)],
        )


def dead(found: Sequence[Row]) -> int:
    return sum(e["deaths"] or 0 for e in found)


def by_hand(row: Row, known: list[Row], rule_kinds: Sequence[str] | None = None) -> Row:
    """The definition of every column, with the default settings."""
    origin, start, threshold = row["origin"], row["start"], row["threshold"]

    def since(found: list[Row], days: int) -> list[Row]:
        return [e for e in found if (origin - e["day"]).days <= days]

    party = [e for e in known if e["relation"] == "party"]
    fights = [e for e in party if e["hostile"]]
    near = [e for e in known if e["relation"] == "neighbour" and e["hostile"]]
    ruled = [e for e in known if e["dyad_id"] == row["dyad_id"] and e["day"] > start]
    faded = fights
    if rule_kinds is not None:
        faded = [e | {"deaths": 1} for e in party if e["kind"] in rule_kinds]
        ruled = [e for e in faded if e["day"] > start]
    after = [e for e in fights if e["day"] > start]
    said: Row = {
        "recent_deaths_since_start": dead(after),
        "recent_events_since_start": len(after),
        "recent_days_since_last": min(
            [365, *((origin - e["day"]).days for e in fights)]
        ),
        "recent_decayed_14d": sum(
            (e["deaths"] or 0) * 0.5 ** (((origin - e["day"]).days - 1) / 14)
            for e in faded
        )
        / threshold,
    }
    for days in (3, 7, 14, 30, 60):
        said[f"recent_deaths_{days}d"] = dead(since(fights, days))
        said[f"recent_events_{days}d"] = len(since(fights, days))
    for days in (7, 30):
        said[f"recent_coded_{days}d"] = len(since(party, days))
        said[f"recent_neighbour_deaths_{days}d"] = dead(since(near, days))
        said[f"recent_neighbour_events_{days}d"] = len(since(near, days))
    for days in (30, 90):
        daily: dict[int, int] = {}
        for e in since(fights, days):
            ago = (origin - e["day"]).days
            daily[ago] = daily.get(ago, 0) + (e["deaths"] or 0)
        said[f"recent_max_day_{days}d"] = max(daily.values(), default=0)
        said[f"recent_violent_share_{days}d"] = len(daily) / days
    return said | shares_by_hand(row, ruled)


def shares_by_hand(row: Row, ruled: list[Row]) -> Row:
    """What the rule has counted since the start, over the threshold."""
    said, threshold = {}, row["threshold"]
    ago = [(row["origin"] - e["day"]).days for e in ruled]
    for ahead in (0, 4, 7, 14, 21):
        # thirty days end with the origin's own, or with one some days later
        first = row["origin"] + timedelta(days=ahead - 29)
        share = dead([e for e in ruled if e["day"] >= first]) / threshold
        said[f"recent_carried_{ahead}d" if ahead else "recent_filled"] = share
    for days in (3, 7, 9, 14, 16, 23, 26, 30):
        last = [e for e, n in zip(ruled, ago, strict=True) if n <= days]
        said[f"recent_share_{days}d"] = dead(last) / threshold
    for days in (7, 14, 30):
        weights = [0.5 ** ((n - 1) / days) for n in ago]
        fading = [w * (e["deaths"] or 0) for w, e in zip(weights, ruled, strict=True)]
        said[f"recent_fading_{days}d"] = sum(fading) / threshold
    return said


def agrees(laid: Laid, kinds: Sequence[str] | None = None) -> None:
    found = recent(*laid, rule_kinds=kinds).drop("truce_id", "origin")
    expected = [by_hand(row, known, kinds) for row, known in with_what_was_known(laid)]
    loop = pl.DataFrame(expected, schema={c: found.schema[c] for c in found.columns})
    assert set(found.columns) == set(expected[0] if expected else found.columns)
    assert_frame_equal(found, loop, abs_tol=1e-9)


def test_the_simulated_world_is_the_plain_loop(simulated: Laid) -> None:
    agrees(simulated)
    assert recent(*simulated)["recent_neighbour_events_30d"].max() > 0


@settings(max_examples=40, database=None)
@given(changes())
def test_a_revised_world_is_the_plain_loop(change: Change) -> None:
    agrees(laid_out(change.truces[0], change.events[0]))


kinds_that_count = st.lists(st.sampled_from(KINDS), unique=True)


@settings(max_examples=40, database=None)
@given(changes(), kinds_that_count)
def test_what_a_rule_of_acts_counts_is_the_plain_loop(
    change: Change, kinds: list[str]
) -> None:
    agrees(laid_out(change.truces[0], change.events[0]), kinds)


def test_a_window_that_is_full_would_have_been_a_collapse(simulated: Laid) -> None:
    """The rule and the feature count the same deaths."""
    filled = recent(*simulated)["recent_filled"]
    assert (filled < 1).all()
    assert filled.max() > 0.8


@pytest.mark.parametrize("kinds", [BREACHES, ("violation", "talks")])
def test_the_rule_of_acts_and_the_feature_count_the_same(
    world: World, kinds: Sequence[str]
) -> None:
    """No window of a truce at risk is full, and what is in it are whole acts."""
    rule = partial(violations, kinds=kinds)
    args = (world.truces, world.events, world.covered_through, rule)
    rows = Panel.validate(panel(*args)[0])
    coded = linked(world.events, link(world.truces, world.events))
    found = rows.join(
        recent(rows, coded, world.truces, rule_kinds=kinds), on=["truce_id", "origin"]
    )
    assert (found["recent_filled"] < 1).all()
    assert found["recent_filled"].max() >= 0.8
    acts = found["recent_filled"] * found["threshold"]
    assert (acts - acts.round()).abs().max() < 1e-9
    # deaths in their place are no share of a number of breaches
    dead_ = recent(rows, coded, world.truces)["recent_filled"]
    assert dead_.max() > 1


@pytest.mark.parametrize("group", ["features", "baseline_features"])
@pytest.mark.parametrize("rule", RULES)
def test_the_configuration_hands_on_what_the_rule_counts(rule: str, group: str) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("run", [f"collapse={rule}"])
    assert config[group].recent.rule_kinds == config.collapse.get("kinds")
    assert (config[group].recent.rule_kinds is None) == (rule != "violations")


def test_only_the_shares_of_the_threshold_depend_on_what_the_rule_counts(
    simulated: Laid,
) -> None:
    deaths, acts = recent(*simulated), recent(*simulated, rule_kinds=["violation"])
    differ = [c for c in deaths.columns if not deaths[c].equals(acts[c])]
    assert differ == [
        "recent_filled",
        *(f"recent_carried_{days}d" for days in (4, 7, 14, 21)),
        *(f"recent_share_{days}d" for days in (3, 7, 9, 14, 16, 23, 26, 30)),
        *(f"recent_fading_{days}d" for days in (7, 14, 30)),
        "recent_decayed_14d",
    ]
    none = recent(*simulated, rule_kinds=[])
    assert none.select(differ).sum().row(0) == (0.0,) * len(differ)


def test_shares_hold_what_is_carried_and_what_fades(simulated: Laid) -> None:
    """A window of 29 - K days is what is carried K days on; no share shrinks with W."""
    found = recent(*simulated, share_windows=range(1, 30))
    for ahead in (4, 7, 14, 21):
        assert found[f"recent_share_{29 - ahead}d"].equals(
            found[f"recent_carried_{ahead}d"]
        )
    assert found["recent_share_29d"].equals(found["recent_filled"])
    for shorter, longer in pairwise(range(1, 30)):
        assert (
            found[f"recent_share_{shorter}d"] <= found[f"recent_share_{longer}d"]
        ).all()
    for shorter, longer in pairwise((7, 14, 30)):
        first, second = (f"recent_fading_{h}d" for h in (shorter, longer))
        assert (found[first] <= found[second] + 1e-12).all()
    # what came before the start is in one and not in the other
    assert (found["recent_fading_14d"] <= found["recent_decayed_14d"] + 1e-12).all()


def test_what_is_carried_only_fades(simulated: Laid) -> None:
    found = recent(*simulated, ahead=range(1, 40))
    columns = ["recent_filled", *(f"recent_carried_{days}d" for days in range(1, 40))]
    for earlier, later in pairwise(columns):
        assert (found[later] <= found[earlier]).all()
    assert found["recent_carried_28d"].max() > 0
    # on day o + 29 the window holds nothing from before the origin
    assert found["recent_carried_29d"].max() == 0


@settings(max_examples=20, database=None)
@given(changes(), st.integers(1, 12))
def test_what_is_carried_will_fill_the_window_if_nobody_dies(
    change: Change, ahead: int
) -> None:
    """The column on a morning foretells `recent_filled` some days of quiet later."""
    rows, coded, records = laid_out(change.truces[0], change.events[0])
    for row in rows.gather_every(6).iter_rows(named=True):
        now = rows.filter(
            (pl.col("truce_id") == row["truce_id"])
            & (pl.col("origin") == row["origin"])
        )
        last = pl.col("known_until")
        settled = coded.filter(
            (pl.col("day") < row["origin"])
            & (pl.col("known_from") <= row["origin"])
            & (last.is_null() | (last > row["origin"]))
        ).with_columns(known_until=pl.lit(None, pl.Date))
        later = now.with_columns(pl.col("origin").dt.offset_by(f"{ahead}d"))
        told = recent(now, settled, records, ahead=[ahead])
        came = recent(later, settled, records)
        assert told[f"recent_carried_{ahead}d"].equals(came["recent_filled"])


def test_bounds(simulated: Laid) -> None:
    found = recent(*simulated)
    for days in (30, 90):
        share = found[f"recent_violent_share_{days}d"]
        assert share.is_between(0, 1).all()
    assert (found["recent_max_day_30d"] <= found["recent_deaths_30d"]).all()
    assert (found["recent_max_day_30d"] <= found["recent_max_day_90d"]).all()
    assert (found["recent_events_30d"] <= found["recent_coded_30d"]).all()


def morning(*rows: Row, at: int = 20, rule: Any = RULE, **options: Any) -> Row:
    """Features of a truce that began on day 0, on one morning."""
    of = [{"dyad_id": "d1", "actor_a": "Gov", "actor_b": "Reb", **row} for row in rows]
    records, coded = truces([{"start": day(0)}]), events(of)
    origins = panel(records, coded, day(300), rule, min_events=0, as_of=day(at))[0]
    frame = recent(origins, linked(coded, link(records, coded)), records, **options)
    return frame.row(0, named=True)


def test_a_massacre_and_a_war_with_as_many_dead() -> None:
    massacre = morning({"date": day(10), "deaths": 12}, {"date": day(10), "deaths": 8})
    war = morning(*({"date": day(d), "deaths": 2} for d in range(10, 20)))
    for found in (massacre, war):
        assert found["recent_deaths_30d"] == 20
        assert found["recent_filled"] == 0.5
    assert massacre["recent_max_day_30d"] == 20
    assert war["recent_max_day_30d"] == 2
    assert massacre["recent_violent_share_30d"] == pytest.approx(1 / 30)
    assert war["recent_violent_share_30d"] == pytest.approx(10 / 30)
    # by day 20 + 21 the day of the massacre has left the window, half the war has not
    assert massacre["recent_carried_21d"] == 0
    assert war["recent_carried_21d"] == pytest.approx(8 * 2 / 40)


def test_words_are_coded_but_no_violence() -> None:
    found = morning({"date": day(19), "kind": "threat"}, {"date": day(19)})
    assert (found["recent_coded_7d"], found["recent_events_7d"]) == (2, 1)


def test_who_did_it_to_whom() -> None:
    found = morning(
        {"date": day(19), "deaths": 1},
        {"date": day(19), "deaths": 10, "dyad_id": "d2", "actor_b": "Out"},
        {"date": day(19), "deaths": 100, "dyad_id": "d3", "actor_a": "Mil"},
        {"date": day(19), "kind": "talks", "dyad_id": "d3", "actor_a": "Mil"}
        | {"actor_b": "Her"},
        {"date": day(19), "deaths": 1000, "dyad_id": "d3", "actor_a": "Mil"}
        | {"actor_b": "Her"},
    )
    # the outsiders' are in a family of their own
    assert (found["recent_deaths_7d"], found["recent_events_7d"]) == (1, 1)
    assert found["recent_neighbour_deaths_7d"] == 1000
    assert found["recent_neighbour_events_7d"] == 1


def test_the_first_death_leaves_nothing_to_carry() -> None:
    found = morning({"date": day(-3), "deaths": 9}, rule=first_fatal)
    assert found["recent_filled"] == 0
    assert found["recent_carried_7d"] == 0
    assert found["recent_deaths_30d"] == 9


def test_a_day_beyond_the_rules_window_carries_nothing() -> None:
    found = morning(
        {"date": day(19), "deaths": 9}, ahead=[5, 6, 7, 60], rule_window_days=7
    )
    assert found["recent_filled"] == pytest.approx(9 / 40)
    assert found["recent_carried_5d"] == pytest.approx(9 / 40)
    assert [found[f"recent_carried_{k}d"] for k in (6, 7, 60)] == [0, 0, 0]


@pytest.mark.parametrize("threshold", [None, 0])
def test_without_a_threshold_there_is_no_share_of_it(
    simulated: Laid, threshold: int | None
) -> None:
    rows, coded, records = simulated
    bare = rows.with_columns(threshold=pl.lit(threshold, pl.Float64))
    found = recent(bare, coded, records)
    null = [c for c in found.columns if found[c].null_count()]
    assert null == [
        "recent_filled",
        *(f"recent_carried_{days}d" for days in (4, 7, 14, 21)),
        *(f"recent_share_{days}d" for days in (3, 7, 9, 14, 16, 23, 26, 30)),
        *(f"recent_fading_{days}d" for days in (7, 14, 30)),
        "recent_decayed_14d",
    ]
    assert found.select(null).null_count().row(0) == (rows.height,) * len(null)


def test_no_windows_no_columns(simulated: Laid) -> None:
    none: dict[str, Any] = dict.fromkeys(
        [
            *("windows", "around_windows", "daily_windows", "half_lives", "ahead"),
            *("share_windows", "fading_half_lives"),
        ],
        (),
    )
    assert recent(*simulated, **none).columns[2:] == [
        "recent_deaths_since_start",
        "recent_events_since_start",
        "recent_days_since_last",
        "recent_filled",
    ]
