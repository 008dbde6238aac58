"""What excitation says, against plain loops, and whether it finds what is known."""

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Change, Row, changes, day, events, may_use, truces

from forecast.collapse import resumption
from forecast.features.excitation import excitation
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Panel
from forecast.simulated import World

RULE = partial(resumption, floor=10**6)
WINDOW = 365


def usable(row: Row, coded: Sequence[Row]) -> list[Row]:
    """Hostile events of the parties that an origin may use, one by one."""
    return [
        event
        for event in coded
        if event["relation"] == "party" and event["hostile"] and may_use(row, event)
    ]


def weight(days: int, half_life: float) -> float:
    q = 0.5 ** (1 / half_life)
    return (1 - q) * q ** (days - 1)


def excited(counts: Sequence[int], half_life: float) -> list[float]:
    """Sum of the effects of earlier events, on each day and on the one after."""
    some = [(s, y) for s, y in enumerate(counts) if y]
    return [
        sum(y * weight(d - s, half_life) for s, y in some if s < d)
        for d in range(len(counts) + 1)
    ]


def log_posterior(
    mu: float, n: float, counts: Sequence[int], x: Sequence[float]
) -> float:
    """Of the Poisson counts, and of a Beta(2, 2) prior, but for a constant."""
    fits = [(y, mu + n * a) for y, a in zip(counts, x[:-1], strict=True)]
    likelihood = sum(y * math.log(m) if y else 0 for y, m in fits)
    return likelihood - sum(m for _, m in fits) + math.log(n) + math.log(1 - n)


def em(counts: Sequence[int], x: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Background and branching ratio after each step of plain EM, without end."""
    some = [(y, a) for y, a in zip(counts, x[:-1], strict=True) if y]
    total, spent = sum(counts), sum(x[:-1])
    mu, n = total / len(counts) / 2, 0.5
    while True:
        yield mu, n
        background = sum(y * mu / (mu + n * a) for y, a in some)
        mu = background / len(counts)
        # mode of n where 1 + triggered are of it, 1 is not, and `spent` might be
        triggered = 1 + total - background
        b = triggered + spent + 1
        n = 2 * triggered / (b + math.sqrt(b * b - 4 * spent * triggered))


def converged(counts: Sequence[int], x: Sequence[float]) -> tuple[float, float]:
    for before, after in pairwise(em(counts, x)):
        if max(abs(a - b) for a, b in zip(before, after, strict=True)) < 1e-13:
            return after
    raise AssertionError


def daily(mine: Sequence[Row], origin: date) -> list[int]:
    counts = [0] * WINDOW
    for event in mine:
        ago = (origin - event["day"]).days
        if ago <= WINDOW:
            counts[WINDOW - ago] += 1
    return counts


def expected(
    row: Row, coded: Sequence[Row], half_lives: Sequence[float]
) -> dict[str, float | None]:
    mine, origin = usable(row, coded), row["origin"]
    counts = daily(mine, origin)
    found: dict[str, float | None] = {}
    for h in half_lives:
        weights = [weight((origin - event["day"]).days, h) for event in mine]
        deaths = [event["deaths"] or 0 for event in mine]
        found[f"excitation_intensity_{h}d"] = sum(weights)
        found[f"excitation_deaths_{h}d"] = sum(
            w * d for w, d in zip(weights, deaths, strict=True)
        )
        found[f"excitation_branching_{h}d"] = None
        found[f"excitation_expected_{h}d"] = None
        if sum(counts) >= 3:
            x = excited(counts, h)
            mu, n = converged(counts, x)
            found[f"excitation_branching_{h}d"] = n
            found[f"excitation_expected_{h}d"] = mu + n * x[-1]
    return found


def assert_the_plain_loop(
    rows: pl.DataFrame, coded: pl.DataFrame, half_lives: Sequence[float]
) -> None:
    found = excitation(Panel.validate(rows), coded, truces([]), half_lives=half_lives)
    plain = coded.to_dicts()
    for row, values in zip(rows.to_dicts(), found.to_dicts(), strict=True):
        said = expected(row, plain, half_lives)
        assert values.keys() - row.keys() == said.keys()
        for column, value in said.items():
            assert (values[column] is None) == (value is None), column
            if value is not None:
                assert values[column] == pytest.approx(value, abs=1e-9), column


@settings(max_examples=20)
@given(changes())
def test_the_plain_loop_under_revisions(change: Change) -> None:
    records, coded = change.truces[0], change.events[0]
    rows, _ = panel(records, coded, day(200), RULE, min_events=0, max_age_days=90)
    with_links = linked(coded, link(records, coded))
    assert_the_plain_loop(rows.gather_every(4), with_links, (3, 14))


def test_the_plain_loop_in_the_simulated_world(world: World) -> None:
    rows = panel(world.truces, world.events, world.covered_through, resumption)[0]
    coded = linked(world.events, link(world.truces, world.events))
    slim = coded.filter((pl.col("relation") == "party") & pl.col("hostile"))
    for (truce,), part in rows.gather_every(40).group_by("truce_id"):
        mine = slim.filter(pl.col("truce_id") == truce)
        assert_the_plain_loop(part.sort("origin"), mine, (3, 42))


def series(many: Sequence[Sequence[int]]) -> tuple[Any, pl.DataFrame, Any]:
    """A truce for each series of daily counts, and the morning after it."""
    origin = day(max(map(len, many)))
    pairs = [
        (f"t{i}", day(d))
        for i, counts in enumerate(many)
        for d, y in enumerate(counts)
        for _ in range(y)
    ]
    records = truces([{"start": origin - timedelta(days=1)} for _ in many])
    rows, _ = panel(records, events([]), day(2000), RULE, min_events=0, as_of=origin)
    coded = pl.DataFrame(
        pairs, {"truce_id": pl.String, "day": pl.Date}, orient="row"
    ).with_columns(
        relation=pl.lit("party"),
        hostile=True,
        deaths=pl.lit(2, pl.Int64),
        known_from=pl.col("day").dt.offset_by("1d"),
        known_until=pl.lit(None, pl.Date),
    )
    # rows come in the order of the names: t0, t1, t10
    order = pl.DataFrame({"truce_id": [f"t{i}" for i in range(len(many))]})
    return order.join(rows, on="truce_id", maintain_order="left"), coded, records


def hawkes(n: float, half_life: float, mu: float, days: int, seed: int) -> list[int]:
    """Daily counts of a process whose branching ratio is known."""
    random = np.random.default_rng(seed)
    q, x, counts = 0.5 ** (1 / half_life), 0.0, []
    for _ in range(days):
        counts.append(int(random.poisson(mu + n * x)))
        x = q * x + (1 - q) * counts[-1]
    return counts


@pytest.mark.parametrize("half_life", [3, 14])
@pytest.mark.parametrize("n", [0.3, 0.6])
@pytest.mark.parametrize(("days", "off"), [(365, 0.08), (1000, 0.04)])
def test_a_known_branching_ratio_is_found(
    n: float, half_life: int, days: int, off: float
) -> None:
    """On average, and nearer the longer the process was seen."""
    many = [hawkes(n, half_life, 1, days, seed) for seed in range(60)]
    found = excitation(*series(many), half_lives=[half_life], window_days=days)
    ratio = found[f"excitation_branching_{half_life}d"].mean()
    assert ratio == pytest.approx(n, abs=off)


@pytest.mark.parametrize("half_life", [3, 14])
def test_events_that_stand_alone_excite_little(half_life: int) -> None:
    """Less than a fifth after a year, by the prior; and less the more is seen."""
    means = []
    for days in (365, 1000):
        many = [hawkes(0, half_life, 1, days, seed) for seed in range(60)]
        found = excitation(*series(many), half_lives=[half_life], window_days=days)
        means.append(found[f"excitation_branching_{half_life}d"].mean())
    assert 0 < means[1] < means[0] < 0.2


def test_plain_em_climbs_to_where_the_fit_is() -> None:
    many = [hawkes(0.5, 7, 0.1, WINDOW, seed) for seed in range(4)]
    found = excitation(*series(many), half_lives=[7])
    for counts, n, mean in zip(
        many,
        found["excitation_branching_7d"],
        found["excitation_expected_7d"],
        strict=True,
    ):
        x = excited(counts, 7)
        mu = mean - n * x[-1]
        top = log_posterior(mu, n, counts, x)
        climb = [log_posterior(*at, counts, x) for at in islice(em(counts, x), 100)]
        assert all(low <= high + 1e-9 for low, high in pairwise(climb))
        assert climb[-1] <= top + 1e-9
        # and nothing about it is higher
        for more, less in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99), (0.9, 1.1)):
            assert log_posterior(mu * more, n * less, counts, x) < top


@settings(max_examples=40)
@given(st.lists(st.integers(0, WINDOW - 1), min_size=3, max_size=30))
def test_the_ratio_is_one_between_none_and_all(days: list[int]) -> None:
    counts = [days.count(d) for d in range(WINDOW)]
    found = excitation(*series([counts])).row(0, named=True)
    for h in (3, 7, 14, 42):
        assert 0 < found[f"excitation_branching_{h}d"] < 1
        assert 0 < found[f"excitation_expected_{h}d"] <= 2 * len(days)


def test_bursts_have_a_higher_ratio_than_the_same_events_spread_out() -> None:
    spread, bursts = [0] * WINDOW, [0] * WINDOW
    for i in range(24):
        spread[15 * i] = 1
        bursts[90 * (i // 6) + i % 6] = 1
    low, high = excitation(*series([spread, bursts]), half_lives=[3])[
        "excitation_branching_3d"
    ]
    assert low < 0.3 < 0.7 < high


def test_an_event_has_one_unit_of_effect_over_all_later_days() -> None:
    records = truces([{"start": day(0)}])
    coded = events([{"date": day(0), "dyad_id": "d1", "deaths": 9}])
    rows, _ = panel(records, coded, day(400), RULE, min_events=0, step_days=1)
    found = excitation(rows, linked(coded, link(records, coded)), records)
    assert found.height == 365
    for h in (3, 7, 14, 42):
        left = 2 ** (-365 / h)
        assert found[f"excitation_intensity_{h}d"].sum() == pytest.approx(1 - left)
        assert found[f"excitation_deaths_{h}d"].sum() == pytest.approx(9 * (1 - left))


def test_few_events_say_nothing_of_the_ratio() -> None:
    two, three = [0] * WINDOW, [0] * WINDOW
    two[-1], three[-1] = 2, 3
    found = excitation(*series([two, three, [0] * WINDOW]), half_lives=[7])
    assert found["excitation_branching_7d"].is_null().to_list() == [True, False, True]
    assert found["excitation_expected_7d"].is_null().to_list() == [True, False, True]
    once = weight(1, 7)
    assert found["excitation_intensity_7d"].to_list() == pytest.approx(
        [2 * once, 3 * once, 0]
    )
    # all on the last day: nothing has followed yet, so that the prior is all there is
    assert found["excitation_branching_7d"][1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "bad", [{"half_lives": [0.5]}, {"window_days": 1001}, {"half_lives": [3, 0]}]
)
def test_powers_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1 day"):
        excitation(*series([[1] * WINDOW]), **bad)
