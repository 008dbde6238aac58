"""Attacks and their answers, against a plain loop and small cases."""

from collections import defaultdict
from datetime import date
from functools import partial
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Change, Row, changes, day, events, truces

from forecast.actors import resolve
from forecast.collapse import resumption
from forecast.features.reciprocity import reciprocity
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Events
from forecast.simulated import World

MEMORY, WITHIN, QUIET = 90, 7, 7
Attacks = dict[int, dict[date, list[Row]]]


def side(event: Row, parties: list[str]) -> int | None:
    """0 if the first party attacks another, 1 if another attacks it."""
    source, target = event["actor_a"], event["actor_b"]
    known = event["system"] in ("cameo", "plover", "hand", "simulated")
    if not known or source not in parties:
        return None
    mine = int(parties.index(source) > 0)
    if target is None:
        return mine
    other = target in parties and int(parties.index(target) > 0) != mine
    return mine if other else None


def plain(row: Row, coded: list[Row], parties: list[str]) -> Row:
    """The columns of one origin by their definition, event by event."""
    origin = row["origin"]
    hostile = [
        event | {"side": side(event, parties)}
        for event in coded
        if event["hostile"]
        and event["relation"] == "party"
        and event["day"] < origin
        and event["known_from"] <= origin
        and (event["known_until"] is None or origin < event["known_until"])
    ]
    attacks: Attacks = {0: defaultdict(list), 1: defaultdict(list)}
    for event in hostile:
        if event["side"] is not None and event["date_precision"] == "day":
            attacks[event["side"]][event["day"]].append(event)
    values: Row = {}
    for window in (30, 90):
        values |= balance(window, origin, hostile, attacks)
    near = [e for e in hostile if (origin - e["day"]).days <= MEMORY]
    recent = {
        s: {d: v for d, v in by.items() if (origin - d).days <= MEMORY}
        for s, by in attacks.items()
    }
    values |= first_and_last(hostile, recent)
    values |= answers(origin, recent)
    if not any(recent.values()):
        nothing = None if near else 0
        values |= {"reciprocity_run_90d": nothing, "reciprocity_open_7d": nothing}
    return values


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def balance(window: int, origin: date, hostile: list[Row], attacks: Attacks) -> Row:
    inside = [e["side"] for e in hostile if (origin - e["day"]).days <= window]
    a, b = inside.count(0), inside.count(1)
    days = [{d for d in attacks[s] if (origin - d).days <= window} for s in (0, 1)]
    return {
        f"reciprocity_asymmetry_{window}d": ratio(abs(a - b), a + b),
        f"reciprocity_first_share_{window}d": ratio(a, a + b),
        f"reciprocity_one_sided_{window}d": ratio(
            len(days[0] ^ days[1]), len(days[0] | days[1])
        ),
    }


def first_and_last(hostile: list[Row], attacks: Attacks) -> Row:
    first = [0, 0]
    for mine in (0, 1):
        for struck in attacks[mine]:
            gaps = [(struck - e["day"]).days for e in hostile]
            calm = not any(1 <= gap <= QUIET for gap in gaps)
            first[mine] += calm and struck not in attacks[1 - mine]
    latest = [max(attacks[s], default=date.min) for s in (0, 1)]
    run = sum(d > latest[1 - s] for s in (0, 1) for d in attacks[s])
    return {
        "reciprocity_first_strikes_90d": ratio(first[0], sum(first)),
        "reciprocity_run_90d": run,
    }


def answers(origin: date, attacks: Attacks) -> Row:
    delays, expected, pairs, waiting = [], [], [], 0
    for mine in (0, 1):
        back = attacks[1 - mine]
        for struck, made in attacks[mine].items():
            after = [d for d in back if 1 <= (d - struck).days <= WITHIN]
            if after:
                delays.append((min(after) - struck).days)
                pairs.append((made, back[min(after)]))
            elif (origin - struck).days <= WITHIN:
                waiting += 1
                continue
            expected.append(1 - (1 - len(back) / MEMORY) ** WITHIN)
    share = ratio(len(delays), len(expected))
    told = [
        tuple([e["deaths"] for e in day if e["deaths"] is not None] for day in pair)
        for pair in pairs
    ]
    told = [pair for pair in told if all(pair)]
    return {
        "reciprocity_answered_90d": share,
        "reciprocity_excess_90d": share
        if share is None
        else share - sum(expected) / len(expected),
        "reciprocity_delay_90d": ratio(sum(delays), len(delays)),
        "reciprocity_hardness_events_90d": ratio(
            sum(len(answer) for _, answer in pairs), sum(len(made) for made, _ in pairs)
        ),
        "reciprocity_hardness_deaths_90d": ratio(
            sum(sum(answer) for _, answer in told), sum(sum(made) for made, _ in told)
        ),
        "reciprocity_open_7d": waiting,
    }


def agrees(rows: pl.DataFrame, coded: pl.DataFrame, records: Any) -> None:
    parties = dict(records.select("truce_id", "parties").iter_rows())
    mine = defaultdict(list)
    for event in coded.iter_rows(named=True):
        mine[event["truce_id"]].append(event)
    found = reciprocity(rows, coded, records)
    assert found.schema["reciprocity_run_90d"] == pl.Int64
    pairs = zip(rows.iter_rows(named=True), found.iter_rows(named=True), strict=True)
    for row, values in pairs:
        truce = row["truce_id"]
        expected = plain(row, mine[truce], parties[truce])
        keys = {"truce_id": truce, "origin": row["origin"]}
        assert values == pytest.approx(keys | expected, abs=1e-9)


@settings(max_examples=40)
@given(changes(), st.booleans())
def test_reciprocity_is_the_plain_loop(change: Change, fierce: bool) -> None:
    records = change.truces[0]
    coded = change.events[0]
    if fierce:  # all of the dyad, hostile and to the day: there is much to answer
        coded = Events.validate(
            coded.with_columns(
                hostile=pl.lit(True),
                dyad_id=pl.lit("d1"),
                actor_a=pl.col("actor_a").replace({"Out": "Reb", "Mil": "Gov"}),
                actor_b=pl.col("actor_b").replace({"Out": "Reb", "Her": "Gov"}),
            ).with_columns(
                pl.col("date_precision").replace("week", "day"),
                pl.col("system").replace("ucdp", "hand"),
            ),
            cast=True,
        )
    rule = partial(resumption, floor=10**6)
    rows = panel(records, coded, day(200), rule, min_events=0, max_age_days=90)[0]
    agrees(rows, linked(coded, link(records, coded)), records)


def test_reciprocity_of_the_simulated_world_is_the_plain_loop(world: World) -> None:
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = panel(*args)[0].gather_every(5)
    coded = linked(world.events, link(world.truces, world.events))
    agrees(rows, coded, world.truces)


def of(origin: int, *rows: Row) -> Row:
    """Reciprocity as of a morning of a truce of Gov and Reb that began on day 0."""
    records = truces([{"start": day(0)}])
    coded = events([{"dyad_id": "d1", **row} for row in rows])
    rule = partial(resumption, floor=10**6)
    laid = panel(records, coded, day(300), rule, min_events=0, as_of=day(origin))[0]
    found = reciprocity(laid, linked(coded, link(records, coded)), records)
    return {
        name.removeprefix("reciprocity_"): value
        for name, value in found.row(0, named=True).items()
    }


def gov(on: int, **more: Any) -> Row:
    return {"date": day(on), "actor_a": "Gov", "actor_b": "Reb", **more}


def reb(on: int, **more: Any) -> Row:
    return {"date": day(on), "actor_a": "Reb", "actor_b": "Gov", **more}


def test_an_attack_answered_after_three_days_and_twice_as_hard() -> None:
    answer = [reb(13, deaths=5), reb(13, deaths=3)]
    found = of(30, gov(10, deaths=4), *answer)
    # of two attacks the second was let pass
    assert found["answered_90d"] == 1 / 2
    assert found["delay_90d"] == 3
    assert found["hardness_events_90d"] == found["hardness_deaths_90d"] == 2
    assert found["first_strikes_90d"] == 1
    assert found["run_90d"] == 1
    assert found["asymmetry_30d"] == found["first_share_30d"] == pytest.approx(1 / 3)
    assert found["one_sided_30d"] == 1


@pytest.mark.parametrize(
    ("origin", "answered", "waiting"),
    [(11, None, 1), (17, None, 1), (18, 0, 0), (101, None, 0)],
)
def test_an_attack_is_not_unanswered_before_its_days_are_over(
    origin: int, answered: float | None, waiting: int
) -> None:
    found = of(origin, gov(10))
    assert found["answered_90d"] == answered
    assert found["open_7d"] == waiting


def test_an_answer_that_comes_late_is_none() -> None:
    assert of(30, gov(10), reb(17))["answered_90d"] == 1 / 2
    assert of(30, gov(10), reb(18))["answered_90d"] == 0


def test_blows_of_one_day_do_not_answer_each_other() -> None:
    found = of(30, gov(10), reb(10))
    assert found["answered_90d"] == 0
    assert found["first_strikes_90d"] is None
    assert found["one_sided_90d"] == found["asymmetry_90d"] == found["run_90d"] == 0


def test_a_first_strike_breaks_seven_quiet_days() -> None:
    undirected = {"date": day(20), "system": "ucdp", "actor_a": "Gov"}
    assert of(40, gov(10), reb(18))["first_strikes_90d"] == 1 / 2
    assert of(40, gov(10), reb(17))["first_strikes_90d"] == 1
    # whoever fought on day 20, it was not quiet
    assert of(40, gov(10), undirected, reb(25))["first_strikes_90d"] == 1


def test_the_quiet_before_the_memory_is_looked_at_and_its_strikes_are_not() -> None:
    # the memory of day 100 begins on day 10
    assert of(100, gov(9), reb(12))["first_strikes_90d"] is None
    assert of(100, gov(4), reb(12))["first_strikes_90d"] == 0
    assert of(100, gov(9), gov(10))["run_90d"] == 1


def test_deaths_that_nobody_counted_make_no_answer_soft() -> None:
    pairs = [gov(10, deaths=4), reb(11), gov(50, deaths=2), reb(51, deaths=3)]
    assert of(90, *pairs)["hardness_deaths_90d"] == 3 / 2
    assert of(90, *pairs[:2])["hardness_deaths_90d"] is None


def test_a_source_without_a_target_attacks_the_other_side() -> None:
    assert of(30, gov(10, actor_b=None), reb(11))["delay_90d"] == 1


def test_what_is_answered_by_chance_is_no_retaliation() -> None:
    daily = [gov(on) for on in range(0, 90)] + [reb(on) for on in range(0, 90)]
    always = of(90, *daily)
    assert always["answered_90d"] == 1
    assert always["excess_90d"] == pytest.approx(0, abs=1e-9)
    rare = of(90, gov(10), reb(11), gov(50), reb(51), gov(70), reb(71))
    assert rare["excess_90d"] == pytest.approx(1 / 2 - 1 + (1 - 3 / 90) ** 7)


@pytest.mark.parametrize(
    "row",
    [
        gov(10, system="ucdp"),
        gov(10, system="acled"),
        gov(10, actor_b="Civilians", kind="abuse"),
        gov(10, actor_b="Gov"),
        gov(10, actor_a=None),
        gov(10, actor_a="Out"),
    ],
)
def test_without_a_direction_nothing_is_known(row: Row) -> None:
    assert set(list(of(12, row).values())[2:]) == {None}
    # a known attack beside it is seen all the same
    assert of(12, row, reb(11))["open_7d"] == 1


def test_quiet_is_known_and_talks_are_no_attacks() -> None:
    for found in (of(12), of(12, gov(10, kind="talks"))):
        assert (found["run_90d"], found["open_7d"]) == (0, 0)
        assert found["answered_90d"] is found["asymmetry_90d"] is None


def test_an_attack_of_some_day_in_a_month_has_a_side_but_no_place_in_the_order() -> (
    None
):
    found = of(30, gov(10, date_precision="month"))
    assert found["asymmetry_90d"] == 1
    assert found["run_90d"] is found["open_7d"] is found["one_sided_90d"] is None


def test_names_stand_for_parties_where_a_source_has_no_dyads() -> None:
    records = truces([{"start": day(0), "parties": ["Government of Land", "Reb"]}])
    names = {"actor_a": "Military (Land)", "actor_b": "Reb", "system": "cameo"}
    coded = events([{"date": day(10), "conflict_id": None, **names}])
    rows = panel(records, coded, day(300), resumption, min_events=0)[0]
    parties = resolve(["Military (Land)", "Reb"], records)
    links = link(records, coded, parties)
    found = reciprocity(rows, linked(coded, links, parties), records)
    assert found["reciprocity_first_share_90d"].drop_nulls().unique().to_list() == [1]
