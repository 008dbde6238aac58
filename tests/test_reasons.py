"""Reasons of risk scores: the laws of Shapley values, the groups, and the words."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import permutations
from math import factorial
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast import sheets
from forecast.codebook import produced
from forecast.commands import score
from forecast.commands.codebook import features
from forecast.explain.drivers import NONE, drivers, words
from forecast.explain.groups import (
    AGE,
    BREACHES,
    DEATHS,
    GROUPED,
    GROUPS,
    OTHER,
    OUTSIDERS,
    TALKS,
    TERMS,
    declared,
    grouped,
)
from forecast.explain.reasons import decomposed, reasons
from forecast.explain.shapley import members, shapley
from forecast.explain.typical import at, restored, typical, written
from forecast.ipcw import Array
from forecast.models.horizon import matrix
from forecast.schema import Panel, Reasons

ROOT = Path(__file__).parent.parent
COLUMNS = ["a", "b", "c", "d", "e"]
SPLIT = {"one": ["a", "b"], "two": ["c"], "three": ["d"]}  # e is of no group
Worths = st.integers(1, 4).flatmap(
    lambda k: st.lists(st.floats(-1, 1), min_size=2**k, max_size=2**k)
)


class Made:
    """A model that is a function of its columns, with two horizons."""

    horizons = (7, 30)

    def __init__(self, function: Callable[..., Array]) -> None:
        self.function = function

    def predict_risk(self, X: pl.DataFrame) -> Array:
        assert not X.select(pl.any_horizontal(pl.all().is_nan())).to_series().any()
        return self.function(**{c: X[c].fill_null(-1).to_numpy() for c in X.columns})


def sides(n: int = 6, seed: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    rows, reference = rng.normal(size=(2, n, len(COLUMNS)))
    rows[0, 1] = reference[1, 2] = rows[2, 3] = reference[2, 3] = np.nan
    reference[3, :3] = rows[3, :3]
    return rows, reference


def tangled(a: Array, b: Array, c: Array, d: Array, e: Array) -> Array:
    short = 1 / (1 + np.exp(-a * b - c * d - e * a - 0.3 * c))
    return np.column_stack([short / 2, np.maximum(short, 0.4)])


def by_orders(worth: Array) -> list[float]:
    """The definition: what each adds, averaged over every order of joining."""
    players = len(worth).bit_length() - 1
    found = [0.0] * players
    for order in permutations(range(players)):
        there = 0
        for player in order:
            found[player] += worth[there | 1 << player] - worth[there]
            there |= 1 << player
    return [total / factorial(players) for total in found]


@given(Worths)
def test_values_are_the_mean_over_all_orders(worth: list[float]) -> None:
    game = np.array(worth)
    values = shapley(game)
    np.testing.assert_allclose(values, by_orders(game), atol=1e-12)
    assert abs(values.sum() - (game[-1] - game[0])) < 1e-12


@given(st.lists(st.floats(-1, 1), min_size=16, max_size=16), st.integers(0, 3))
def test_who_adds_nothing_gets_nothing_to_the_last_bit(
    worth: list[float], idle: int
) -> None:
    without = np.arange(16) & ~(1 << idle)
    assert shapley(np.array(worth)[without])[idle] == 0


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_who_adds_the_same_gets_the_same(worth: list[float]) -> None:
    # the worth of a set is told by the third player, and by how many of the other two
    inside = members(3)
    game = np.array(worth)[inside[:, 2] * 4 + inside[:, :2].sum(axis=1)]
    first, second, _ = shapley(game)
    assert abs(first - second) < 1e-12


@given(*[st.lists(st.floats(-1, 1), min_size=8, max_size=8)] * 2)
def test_of_a_sum_of_games_the_sum(one: list[float], two: list[float]) -> None:
    games = np.array([one, two]).T
    both = shapley(games)
    np.testing.assert_allclose(shapley(games.sum(axis=1)), both.sum(axis=1), atol=1e-12)


def test_groups_of_columns_move_together_as_by_hand() -> None:
    """Each set of groups mixed by hand, a row at a time, and every order tried."""
    rows, reference = sides()
    values, base, risk = decomposed(Made(tangled), COLUMNS, rows, reference, SPLIT)
    for i, (row, other) in enumerate(zip(rows, reference, strict=True)):
        worth = []
        for there in range(2 ** len(SPLIT)):
            mixed = row.copy()
            for bit, own in enumerate(SPLIT.values()):
                for column in [] if there >> bit & 1 else own:
                    mixed[COLUMNS.index(column)] = other[COLUMNS.index(column)]
            worth.append(tangled(*np.where(np.isnan(mixed), -1, mixed)[:, None])[0])
        for h in range(2):
            hand = by_orders(np.array(worth)[:, h])
            np.testing.assert_allclose(values[:, i, h], hand, atol=1e-12)
        np.testing.assert_allclose(base[i], worth[0], atol=1e-12)
        np.testing.assert_allclose(risk[i], worth[-1], atol=1e-12)
    np.testing.assert_allclose(base + values.sum(axis=0), risk, atol=1e-12)
    assert (values[:2, 3] == 0).all(), "the fourth row differs in the third group alone"
    assert (values[2, 2] == 0).all(), "not known on both sides is no difference"


def test_a_sum_of_columns_gives_each_group_its_own_part() -> None:
    def added(a: Array, b: Array, c: Array, d: Array, e: Array) -> Array:
        return np.column_stack([a + 2 * b + 0.5 * c + e, 3 * c + 0 * d])

    rows, reference = (np.nan_to_num(side) for side in sides())
    values, *_ = decomposed(Made(added), COLUMNS, rows, reference, SPLIT)
    by = rows - reference
    np.testing.assert_allclose(values[0, :, 0], by[:, 0] + 2 * by[:, 1], atol=1e-12)
    np.testing.assert_allclose(values[1].T, [by[:, 2] / 2, by[:, 2] * 3], atol=1e-12)
    assert (values[2] == 0).all(), "the model ignores it"


def test_neither_order_nor_batches_nor_neighbours_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, reference = sides(40)
    whole = decomposed(Made(tangled), COLUMNS, rows, reference, SPLIT)
    order = np.random.default_rng(1).permutation(40)
    turned = decomposed(Made(tangled), COLUMNS, rows[order], reference[order], SPLIT)
    monkeypatch.setattr("forecast.explain.reasons.CELLS", 100)
    small = decomposed(Made(tangled), COLUMNS, rows, reference, SPLIT)
    for one, other, cut in zip(whole, turned, small, strict=True):
        np.testing.assert_allclose(one[..., order, :], other, rtol=0, atol=1e-14)
        np.testing.assert_allclose(one, cut, rtol=0, atol=1e-14)


def test_every_column_of_every_feature_has_one_declared_group() -> None:
    columns = [c for own in produced(features()).values() for c in own]
    assert len(columns) > 150
    lost = [c for c in columns if declared(c) is None]
    assert not lost, "a line of GROUPED says which group they belong to"
    found = grouped(columns)
    assert list(found) == [AGE, *GROUPS]
    assert len(GROUPS) == 10
    assert sorted(c for own in found.values() for c in own) == sorted(columns)
    # a feature as a whole may have its columns placed by finer lines
    idle = {*GROUPED} - {declared(c) for c in columns}
    idle -= {c.partition("_")[0] for c in columns}
    assert not idle, "no column begins so"
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert all(f"| {group} |" in page for group in GROUPS)


def test_a_feature_without_a_line_is_told_by_its_name() -> None:
    assert grouped(["moon_full", "moon_new", "talks_halted"]) == {
        TALKS: ["talks_halted"],
        "moon": ["moon_full", "moon_new"],
    }
    assert grouped(["moon_full", "sun_spots"]) == {OTHER: ["moon_full", "sun_spots"]}


def test_the_typical_row_is_the_mean_of_rows_of_that_age() -> None:
    rng = np.random.default_rng(2)
    ages = pl.Series(np.repeat([1, 8, 15, 100, 300], [80, 60, 40, 60, 10]))
    X = pl.DataFrame(
        {
            "age_days": ages,
            "a": rng.normal(size=250),
            "b": rng.random(250) < 0.3,
            "mostly": np.where(np.arange(250) % 3 == 0, 1.0, np.nan),
            "often": np.where(np.arange(250) % 3 == 0, np.nan, 2.0),
        }
    ).with_columns(pl.col("mostly", "often").fill_nan(None))
    found = typical(X, ages)
    assert found.columns == ("a", "b", "mostly", "often")
    # the last bands are filled up to 50 rows
    last = (40 * 15 + 60 * 100 + 10 * 300) / 110
    assert found.ages.tolist() == [1, 8, pytest.approx(last)]
    first = X.filter(ages == 1)
    assert at(found, [1])[0, :2].tolist() == pytest.approx(
        [first["a"].mean(), first["b"].mean()]
    )
    assert np.isnan(at(found, [1, 50, 400])[:, 2]).all()
    assert (at(found, [1, 50, 400])[:, 3] == 2).all()
    np.testing.assert_allclose(at(found, [4.5])[0, 0], at(found, [1, 8])[:, 0].mean())
    again = restored(written(found))
    assert again.columns == found.columns
    np.testing.assert_array_equal(again.values, found.values)
    np.testing.assert_array_equal(again.ages, found.ages)


def told(points: Sequence[float]) -> dy.DataFrame[Reasons]:
    """Reasons of one risk, one group each."""
    base = 0.4
    risk = base + sum(points) / 100
    key = {"as_of": date(2016, 4, 7), "truce_id": "t", "horizon_days": 30, "model": "m"}
    key |= {"reference_risk": base, "risk": risk}
    rows = [
        {**key, "group": g, "words": g, "points": p}
        for g, p in zip("abcdef", points, strict=False)
    ]
    return Reasons.validate(pl.DataFrame(rows), cast=True)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((6.4, 9.4, -1.5), "b +9, a +6, c −2"),  # noqa: RUF001
        ((0.5, -0.5, 0.49), "a +1, b −1"),  # noqa: RUF001
        ((1, 2, 3, 4, 5, 6), "f +6, e +5, d +4, c +3"),
        ((0.1, -0.4), NONE),
    ],
)
def test_drivers_are_the_largest_few(points: Sequence[float], expected: str) -> None:
    frame = drivers(told(points))
    assert frame["drivers"].to_list() == [expected]
    assert sheets.defused(frame)["drivers"].to_list() == [expected]


def test_reasons_that_do_not_add_up_are_refused() -> None:
    frame = told((5, 2)).with_columns(pl.col("points") + 1e-6)
    assert not Reasons.is_valid(frame)


@pytest.mark.parametrize(
    ("group", "row", "label", "expected"),
    [
        (TERMS, {"design_days_left": 5}, "", "term ends in 5 days"),
        (TERMS, {"design_days_left": 1}, "", "term ends today"),
        (TERMS, {"design_days_left": 0}, "", "term over"),
        (TERMS, {"design_days_left": None}, "", "no term known"),
        (
            TERMS,
            {"design_days_left": 5, "design_written": True},
            "",
            "terms of the truce (ends in 5 days)",
        ),
        (TERMS, {"design_written": None}, "", "terms of the truce"),
        (
            DEATHS,
            {"recent_filled": 0.615, "recent_share_30d": 0.7},
            "",
            "deaths in the window (62% of the threshold)",
        ),
        (
            DEATHS,
            {"recent_filled": 0.2},
            "violations",
            "violations in the window (20% of the threshold)",
        ),
        (DEATHS, {"recent_filled": None}, "", "deaths in the window"),
        (
            OUTSIDERS,
            {"outsiders_attacks_30d": 3, "outsiders_events_7d": 1},
            "",
            "outsiders' attacks (3 in 30 days)",
        ),
        (BREACHES, {"kinds_threat_7d": 3}, "", "threats and violations"),
        (
            TALKS,
            {"talks_halted": False, "talks_days_to_due": 4},
            "",
            "talks (in 4 days)",
        ),
        (
            TALKS,
            {"talks_halted": True, "talks_days_to_due": 4},
            "",
            "talks (broken off)",
        ),
    ],
)
def test_words_tell_what_the_model_sees(
    group: str, row: dict[str, Any], label: str, expected: str
) -> None:
    said = words({group: list(row)}, pl.DataFrame([row]), label)
    assert said[group].to_list() == [expected]


def test_without_truces_there_are_no_reasons() -> None:
    panel = Panel.create_empty()
    model = Made(tangled)
    means = restored({"ages": [1.0], "columns": {"talks_halted": [0.5]}})
    empty = reasons("m", model, means, panel, pl.DataFrame(), (7, 30), "resumption")
    assert empty.columns == Reasons.column_names()
    assert not empty.height


def test_the_founding_case_has_its_reasons(tmp_path: Path) -> None:
    """By the model that comes with the package: it sees deaths, events and terms."""
    words = ["truces=syria_2016", "events=syria_2016", "as_of=2016-04-07"]
    assert score.main([*words, "model=reference", f"out={tmp_path / 'out'}"]) == 0
    why = Reasons.validate(
        sheets.read(tmp_path / "out" / "reasons.csv", try_parse_dates=True), cast=True
    )
    assert why["group"].unique().sort().to_list() == [
        "course of the fighting",
        "deaths in the window",
        "terms of the truce",
    ]
    assert why["words"].unique().sort().to_list() == [
        "course of the fighting (last hostile event yesterday)",
        "deaths in the window (none)",
        "no term known",
    ]


def test_matrix_and_typical_agree_on_truth_values() -> None:
    X = pl.DataFrame({"design_written": [True, None, False, True]})
    assert matrix(X)[0] == 1
    assert typical(X, pl.Series([1, 1, 1, 1])).values.tolist() == [
        [pytest.approx(2 / 3)]
    ]
