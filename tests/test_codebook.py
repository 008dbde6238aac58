"""The page of features says of every column what it is, and is the code's own."""

import re
from pathlib import Path

import polars as pl
import pytest

from forecast.codebook import described, entries, function, page, produced, sections
from forecast.collapse import resumption
from forecast.commands.codebook import features
from forecast.features import KEYS
from forecast.link import link, linked
from forecast.panel import panel
from forecast.simulated import World

PAGE = Path(__file__).parents[1] / "docs" / "features.md"
FEATURES = features()
YEAR = re.compile(r"\b(18|19|20)\d\d\b")


@pytest.fixture(scope="module")
def columns() -> dict[str, list[str]]:
    return produced(FEATURES)


@pytest.mark.parametrize("name", FEATURES)
def test_every_column_has_one_entry_and_every_entry_a_column(
    name: str, columns: dict[str, list[str]]
) -> None:
    said = entries(function(FEATURES[name]))
    found = described(columns[name], said)
    assert found["column"].to_list() == columns[name], (
        "a column has no entry in the docstring's Returns, or several"
    )
    assert not set(said["entry"]) - set(found["entry"]), "an entry without a column"
    assert said["entry"].is_unique().all()


@pytest.mark.parametrize("name", FEATURES)
def test_every_entry_says_its_unit_its_formula_and_when_it_is_null(name: str) -> None:
    for entry, unit, formula, null in entries(function(FEATURES[name])).rows():
        assert unit, f"{entry}: no unit; write 'NAME : UNIT'"
        assert formula, f"{entry}: no formula"
        assert re.match(r"never$|(when|where|while|as|if|before|until) ", null), (
            f"{entry}: it ends with {null!r}; say 'Null: never.' or 'Null: when ...'"
        )


@pytest.mark.parametrize("name", FEATURES)
def test_every_family_names_its_sources(name: str) -> None:
    assert YEAR.search(sections(function(FEATURES[name])).get("References", "")), (
        f"{name}: the docstring needs a section References, with a year"
    )


@pytest.mark.parametrize("name", FEATURES)
def test_what_is_never_null_is_never_null(name: str, world: World) -> None:
    rows, _ = panel(world.truces, world.events, world.covered_through, resumption)
    coded = linked(world.events, link(world.truces, world.events))
    for few in (coded, coded.clear()):
        frame = FEATURES[name](rows, few, world.truces).drop(KEYS)
        found = described(frame.columns, entries(function(FEATURES[name])))
        never = found.join(
            entries(function(FEATURES[name])).filter(pl.col("null") == "never"),
            on="entry",
            how="semi",
        )
        nulls = frame.select(never["column"].to_list()).null_count()
        assert not any(nulls.row(0)), nulls


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == page(FEATURES), "run `make docs`"


@pytest.mark.parametrize("name", FEATURES)
def test_the_page_lists_every_value_of_a_setting(
    name: str, columns: dict[str, list[str]]
) -> None:
    family = page({name: FEATURES[name]})
    found = described(columns[name], entries(function(FEATURES[name])))
    assert f"## {name}\n" in family
    for entry, values in found.select("entry", "values").rows():
        (line,) = (x for x in family.splitlines() if f"`{entry}`" in x.split(" | ")[0])
        assert all(re.search(rf"[ ,]{re.escape(v)}[,; ]", line) for v in values)


def sample() -> None:
    """Count things, with ``marks`` and :func:`links`.

    Why one would.

    Returns
    -------
    sample_<what>_<W>d : events
        Things of W days, up to
        the origin | or not. Null: never.
    sample_low, sample_high : deaths
        Bounds: Null: is a word. Null: when there
        is none.
    sample_bare
        Nothing else.

    References
    ----------
    Author (1900), "Title".
    """


def test_a_docstring_is_read_as_it_stands() -> None:
    assert list(sections(sample)) == ["", "Returns", "References"]
    assert entries(sample).rows() == [
        (
            "sample_<what>_<W>d",
            "events",
            "Things of W days, up to the origin | or not.",
            "never",
        ),
        ("sample_low", "deaths", "Bounds: Null: is a word.", "when there is none"),
        ("sample_high", "deaths", "Bounds: Null: is a word.", "when there is none"),
        ("sample_bare", "", "Nothing else.", ""),
    ]


def test_no_docstring_says_nothing() -> None:
    assert entries(lambda: None).height == 0
    assert entries(lambda: None).schema == entries(sample).schema
    assert described([], entries(lambda: None)).height == 0


def test_a_value_is_letters_digits_points_and_bars() -> None:
    said = entries(sample)
    given = ["sample_a.b_c_7d", "sample_A_7d", "sample_low_7d", "sample_7d", "low"]
    assert described(given, said).rows() == [
        ("sample_a.b_c_7d", "sample_<what>_<W>d", ["a.b_c", "7"]),
        ("sample_low_7d", "sample_<what>_<W>d", ["low", "7"]),
    ]
    assert described(["sample_high", "sample_highs"], said).height == 1
