"""Event kinds and code tables: every code leads to a kind that exists."""

from importlib.resources import files

import polars as pl
import pytest

from forecast.kinds import HOSTILE, KINDS, SYSTEMS, codes

TABLES = sorted(
    p.name.removesuffix(".csv") for p in (files("forecast") / "codes").iterdir()
)


def test_kinds_are_those_of_the_design() -> None:
    assert KINDS == (
        "strike",
        "offensive",
        "clash",
        "violation",
        "abuse",
        "threat",
        "rupture",
        "talks",
        "deal",
        "relief",
        "other",
    )
    assert set(HOSTILE) < set(KINDS)
    # words are not fire: a threat or a walk-out attacks nobody
    assert not {"threat", "rupture", "talks", "deal", "relief"} & set(HOSTILE)


@pytest.mark.parametrize("system", TABLES)
def test_code_tables(system: str) -> None:
    assert system in SYSTEMS
    table = codes(system)
    assert {"code", "kind", "hostile", "label", "note"} <= set(table.columns)
    assert table["code"].dtype == pl.String
    assert not table["code"].is_duplicated().any()
    assert (
        not table.select("code", "kind", "hostile", "label")
        .null_count()
        .sum_horizontal()
        .item()
    )
    assert set(table["kind"]) <= set(KINDS)
    violent = table.filter(pl.col("kind").is_in(HOSTILE))
    assert violent["hostile"].all()


@pytest.mark.parametrize("system", TABLES)
def test_truth_values_are_written_as_such(system: str) -> None:
    text = (files("forecast") / "codes" / f"{system}.csv").read_text()
    written = pl.read_csv(text.encode(), infer_schema=False)["hostile"]
    assert set(written) <= {"true", "false"}


def test_ucdp_gives_no_weapon() -> None:
    assert codes("ucdp").select("code", "kind", "hostile").rows() == [
        ("1", "clash", True),
        ("2", "clash", True),
        ("3", "abuse", True),
    ]


def test_unknown_systems_are_told_which_there_are() -> None:
    with pytest.raises(ValueError, match=r"coding system 'gdelt'; there are: .*ucdp"):
        codes("gdelt")
