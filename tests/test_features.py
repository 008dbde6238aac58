"""The contract of every feature found, and the proof that none sees the future."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hydra.utils import instantiate
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from polars.testing import assert_frame_equal
from strategies import Change, changes, day, events, truces

import forecast.features
from forecast.collapse import resumption
from forecast.features import KEYS, Feature, compute
from forecast.features.recent import recent
from forecast.link import link, linked
from forecast.panel import censor, known, panel
from forecast.raw import InputError
from forecast.schema import Events, Panel, Truces
from forecast.simulated import World

CONF = Path(__file__).parents[1] / "conf" / "features"
NAMES = sorted(
    path.stem
    for path in Path(forecast.features.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)
RULE = partial(resumption, floor=40)
SLOW = {"deadline": None, "derandomize": True, "database": None}


def build(name: str) -> Feature:
    """A feature as its YAML file has it."""
    # what a feature shares with the collapse rule is set there
    whole = OmegaConf.merge(
        OmegaConf.load(CONF / f"{name}.yaml"),
        {"collapse": OmegaConf.load(CONF.parent / "collapse" / "resumption.yaml")},
    )
    found: Feature = instantiate(whole[name])
    return found


def lay_out(
    records: dy.DataFrame[Truces], coded: dy.DataFrame[Events]
) -> dy.DataFrame[Panel]:
    return panel(records, coded, day(200), RULE, min_events=0, max_age_days=90)[0]


def computed(
    feature: Feature,
    records: dy.DataFrame[Truces],
    coded: dy.DataFrame[Events],
    origins: dy.DataFrame[Panel] | None = None,
) -> pl.DataFrame:
    """A feature of a world, linked and laid out from nothing."""
    rows = lay_out(records, coded) if origins is None else origins
    return feature(rows, linked(coded, link(records, coded)), records)


def sees_nothing_later(feature: Feature, change: Change) -> None:
    """Assert that no row up to the morning differs between the two worlds."""
    first, second = (
        computed(feature, records, coded).filter(pl.col("origin") <= change.morning)
        for records, coded in zip(change.truces, change.events, strict=True)
    )
    shared = first.select(KEYS).join(second.select(KEYS), on=KEYS).sort(KEYS)
    assert_frame_equal(
        *(
            shared.join(frame, on=KEYS, maintain_order="left")
            for frame in (first, second)
        ),
        check_exact=True,
    )


def assert_no_leak(feature: Feature, examples: int, shrink: bool = True) -> None:
    """Assert that nothing unknowable at an origin moves a feature of it.

    Raises AssertionError with a small counterexample if something does.
    """
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]

    @settings(max_examples=examples, phases=phases, report_multiple_bugs=False, **SLOW)
    @given(changes())
    def law(change: Change) -> None:
        sees_nothing_later(feature, change)

    law()


@pytest.fixture(scope="module")
def origins(world: World) -> dy.DataFrame[Panel]:
    return panel(world.truces, world.events, world.covered_through, RULE)[0]


@pytest.fixture(scope="module")
def coded(world: World) -> pl.DataFrame:
    return linked(world.events, link(world.truces, world.events))


def test_every_feature_has_a_configuration_and_the_other_way_round() -> None:
    assert sorted(path.stem for path in CONF.glob("*.yaml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_contract(
    name: str, world: World, origins: dy.DataFrame[Panel], coded: pl.DataFrame
) -> None:
    function = getattr(import_module(f"forecast.features.{name}"), name)
    said = function.__doc__
    assert "Returns\n" in said
    assert list(OmegaConf.load(CONF / f"{name}.yaml")) == [name]
    for feature in (build(name), function):
        frame = feature(origins, coded, world.truces)
        assert_frame_equal(frame.select(KEYS), origins.select(KEYS))
        columns = frame.drop(KEYS)
        assert columns.width
        for column, kind in columns.schema.items():
            assert column.startswith(f"{name}_")
            assert kind.is_numeric() or kind == pl.Boolean
            finite = columns[column].cast(pl.Float64).is_finite().all()
            assert finite, "null says that nothing is known, not NaN"
        assert_frame_equal(feature(origins, coded, world.truces), frame)


@pytest.mark.parametrize("name", NAMES)
def test_order_of_rows_means_nothing(name: str, world: World) -> None:
    feature = build(name)
    rows = panel(world.truces, world.events, world.covered_through, RULE)[0]
    mixed = Truces.validate(world.truces.sample(fraction=1, shuffle=True, seed=1))
    shuffled = Events.validate(world.events.sample(fraction=1, shuffle=True, seed=2))
    assert_frame_equal(
        computed(feature, mixed, shuffled, rows),
        computed(feature, world.truces, world.events, rows),
        check_exact=True,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_row_does_not_depend_on_the_rows_beside_it(
    name: str, world: World, origins: dy.DataFrame[Panel], coded: pl.DataFrame
) -> None:
    feature = build(name)
    some = Panel.validate(origins.gather_every(3, offset=1))
    whole = feature(origins, coded, world.truces)
    assert_frame_equal(
        feature(some, coded, world.truces),
        some.select(KEYS).join(whole, on=KEYS, maintain_order="left"),
        abs_tol=1e-9,
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, **SLOW)
@given(changes(), st.data())
def test_a_version_that_says_the_same_again_moves_nothing(
    name: str, change: Change, data: st.DataObject
) -> None:
    """Two copies of a vintage are one: each row is replaced by its own double."""
    feature, records, coded = build(name), change.truces[0], change.events[0]
    served = st.integers(1, 40)
    split = pl.Series([data.draw(served) for _ in range(coded.height)], dtype=pl.Int64)
    second = pl.col("known_from") + pl.duration(days=split)
    cut = coded.with_columns(_second=second).with_columns(
        _second=pl.when(
            pl.col("known_until").is_null()
            | (pl.col("_second") < pl.col("known_until"))
        ).then("_second")
    )
    first = cut.with_columns(known_until=pl.coalesce("_second", "known_until"))
    again = cut.filter(pl.col("_second").is_not_null()).with_columns(
        known_from="_second"
    )
    twice = Events.validate(pl.concat([first, again]).select(Events.column_names()))
    rows = lay_out(records, coded)
    assert_frame_equal(
        computed(feature, records, twice, rows),
        computed(feature, records, coded, rows),
        abs_tol=1e-9,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_without_events_or_rows(name: str) -> None:
    feature, records = build(name), truces([{"start": day(0)}])
    frame = computed(feature, records, events([]))
    assert frame.height == 13
    empty = computed(feature, records, events([]), Panel.create_empty())
    assert empty.schema == frame.schema
    assert not empty.height


def test_no_feature_sees_the_future() -> None:
    features = {name: build(name) for name in NAMES}
    assert_no_leak(partial(compute, features), examples=50)


def _count(
    rows: pl.DataFrame, coded: pl.DataFrame, name: str, counted: pl.Expr
) -> pl.DataFrame:
    pairs = rows.join(coded.select("truce_id", "day", *KNOWN), on="truce_id")
    n = pairs.filter(counted).group_by(KEYS).agg(pl.len().alias(f"{name}_n"))
    return rows.select(KEYS).join(n, on=KEYS, how="left", maintain_order="left")


KNOWN = ("known_from", "known_until")
AT, DAY = pl.col("origin"), pl.col("day")
CURRENT = (pl.col("known_from") <= AT) & (
    pl.col("known_until").is_null() | (pl.col("known_until") > AT)
)
PLANTED: dict[str, pl.Expr] = {
    "looks_three_days_ahead": DAY.is_between(AT, AT.dt.offset_by("3d")),
    "counts_the_day_itself": (DAY <= AT) & CURRENT,
    "ignores_when_it_became_known": DAY < AT,
    "ignores_delay": (DAY < AT)
    & (pl.col("known_until").is_null() | (pl.col("known_until") > AT)),
    "drops_what_is_revised_later": (DAY < AT)
    & (pl.col("known_from") <= AT)
    & pl.col("known_until").is_null(),
    "knows_a_day_early": (DAY < AT) & (pl.col("known_from") <= AT.dt.offset_by("1d")),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_leak_is_caught(planted: str) -> None:
    def feature(rows: Any, coded: pl.DataFrame, _: Any) -> pl.DataFrame:
        return _count(rows, coded, "planted", PLANTED[planted])

    with pytest.raises(AssertionError):
        assert_no_leak(feature, examples=200, shrink=False)


def test_the_check_passes_what_is_honest() -> None:
    def feature(rows: Any, coded: pl.DataFrame, _: Any) -> pl.DataFrame:
        return _count(rows, coded, "honest", (DAY < AT) & CURRENT)

    assert_no_leak(feature, examples=20)


def outcome(rows: Any, coded: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    del coded, records
    return rows.select(*KEYS, outcome_duration="duration")


def fate(rows: Any, coded: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    del coded
    ends = records.select("truce_id", fate_ends=pl.col("end").is_not_null())
    return rows.select(KEYS).join(ends, on="truce_id", maintain_order="left")


def siblings(rows: Any, coded: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    del coded
    n = records.group_by("dyad_id").agg(siblings_n=pl.len())
    both = rows.join(n, on="dyad_id", maintain_order="left")
    return both.select(*KEYS, "siblings_n")


def hindsight(rows: Any, coded: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The shipped feature, told that all was known at once."""
    at_once = coded.with_columns(known_from=pl.col("day") + timedelta(days=1))
    return recent(rows, at_once, records)


@pytest.mark.parametrize("feature", [outcome, fate, siblings, hindsight])
def test_a_leak_through_panel_or_records_is_caught(
    feature: Callable[..., pl.DataFrame],
) -> None:
    with pytest.raises(AssertionError):
        assert_no_leak(feature, examples=200, shrink=False)


@settings(max_examples=30, **SLOW)
@given(changes())
def test_what_stands_in_the_panel_beside_the_outcome_is_no_leak(change: Change) -> None:
    columns = ["dyad_id", "start", "age_days", "level", "threshold"]
    first, second = (
        lay_out(records, coded).filter(pl.col("origin") <= change.morning)
        for records, coded in zip(change.truces, change.events, strict=True)
    )
    both = first.join(second, on=KEYS)
    for column in columns:
        assert both[column].equals(both[f"{column}_right"]), column


@settings(max_examples=30, **SLOW)
@given(changes())
def test_the_training_panel_knows_nothing_from_the_cutoff_on(change: Change) -> None:
    first, second = (
        censor(lay_out(records, known(coded, change.morning)), change.morning)
        for records, coded in zip(change.truces, change.events, strict=True)
    )
    assert_frame_equal(first, second, check_exact=True)


BAD: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "rows_lost": (lambda f: f.head(-1), "its rows are not those of the panel"),
    "rows_turned": (lambda f: f.reverse(), "its rows are not those of the panel"),
    "keyless": (lambda f: f.drop("origin"), "expected truce_id, origin and its own"),
    "words": (lambda f: f.with_columns(words_x=pl.lit("a")), "not a number"),
    "stray": (lambda f: f.with_columns(other_x=pl.lit(1)), "lacks its name in front"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_feature_that_breaks_the_contract_is_refused(
    name: str, origins: dy.DataFrame[Panel], coded: pl.DataFrame, world: World
) -> None:
    change, words = BAD[name]

    def feature(rows: Any, *_: Any) -> pl.DataFrame:
        return change(rows.select(KEYS))

    with pytest.raises(InputError, match=f"feature '{name}'.*{words}"):
        compute({name: feature}, origins, coded, world.truces)


def test_a_column_of_two_features_is_refused(
    origins: dy.DataFrame[Panel], coded: pl.DataFrame, world: World
) -> None:
    def feature(rows: Any, *_: Any) -> pl.DataFrame:
        return rows.select(*KEYS, a_b_n=pl.lit(1))

    with pytest.raises(ValueError, match="a_b_n"):
        compute({"a": feature, "a_b": feature}, origins, coded, world.truces)
