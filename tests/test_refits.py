"""Intervals from refits: what they promise, how that is measured, and what is said."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.refits import with_interval
from forecast.report.refits import measured, trust

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import intervals as benchmark  # noqa: E402

KINDS = ["default", "rich", "null", "changing"]


class Fixed:
    """A model that knows one risk for each row."""

    def __init__(self, risk: np.ndarray) -> None:
        self.risk = risk

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        return self.risk.reshape(X.height, 1)


@pytest.mark.parametrize(("refits", "level"), [(19, 0.9), (50, 0.9), (10, 0.5)])
def test_one_more_refit_lies_inside_as_often_as_the_level_says(
    refits: int, level: float
) -> None:
    """Whatever refits are like, as long as the next is drawn as they were."""
    rng, rows = np.random.default_rng(3), 20_000
    drawn = [Fixed(rng.beta(2, 9, rows)) for _ in range(refits + 1)]
    # the interval is widened to hold the risk, which this one never asks for
    centre = Fixed(np.median([one.risk for one in drawn[1:]], axis=0))
    X = pl.DataFrame({"row": range(rows)})
    _, lower, upper = with_interval(centre, drawn[1:], X, level)
    held = benchmark.covered(drawn[0].predict_risk(X), lower, upper).item()
    assert abs(held - level) < 0.01


risks = st.lists(st.floats(0, 1), min_size=1, max_size=9)


@given(risks, st.data())
def test_coverage_is_a_share_that_wider_intervals_never_lower(
    values: list[float], data: st.DataObject
) -> None:
    truth = np.array(values)[:, None]
    ends = st.lists(st.floats(0, 1), min_size=len(values), max_size=len(values))
    one, two, more = (np.array(data.draw(ends))[:, None] for _ in range(3))
    lower, upper = np.minimum(one, two), np.maximum(one, two)
    held = benchmark.covered(truth, lower, upper)
    assert held.shape == (1,)
    assert 0 <= held <= 1
    assert held == benchmark.covered(-truth, -upper, -lower)
    wider = benchmark.covered(truth, lower * more, upper + (1 - upper) * more)
    assert wider >= held
    assert benchmark.covered(truth, truth * 0, truth * 0 + 1) == 1
    off = np.where(truth > 0.5, truth - 0.1, truth + 0.1)
    assert benchmark.covered(truth, off, off) == 0


def test_what_ships_is_a_whole_table() -> None:
    """Every kind of world for every model, and the ends about the mean."""
    found = measured()
    assert {"core", "logit"} <= {*found["model"]}
    cells = found.group_by("model").agg(
        pl.col("kind").n_unique(), pl.col("horizon").n_unique(), rows=pl.len()
    )
    assert cells.select("kind", "horizon", "rows").unique().rows() == [(4, 4, 16)]
    assert {*found["kind"]} == {*KINDS}
    inside = pl.col("coverage").is_between("lower", "upper")
    shares = [pl.col(c).is_between(0, 1) for c in ("lower", "upper", "width")]
    assert found.select(pl.all_horizontal(inside, *shares).all()).item()


def line(model: str, kind: str, found: pl.DataFrame) -> str:
    """Of the table in docs/method.md: coverage and width by horizon."""
    here = found.filter(pl.col("model") == model, pl.col("kind") == kind)
    rows = here.sort("horizon").rows(named=True)
    cells = [
        f"{100 * row['coverage']:.0f} ({100 * row['lower']:.0f} to "
        f"{100 * row['upper']:.0f})"
        for row in rows
    ]
    month = next(row["width"] for row in rows if row["horizon"] == 30)
    head = [f"`{model}`, {rows[0]['refits']} refits", f"`{kind}`"]
    tail = [f"{100 * month:.1f}", str(rows[0]["seeds"])]
    return f"| {' | '.join([*head, *cells, *tail])} |"


def test_the_page_of_methods_has_the_table_that_ships() -> None:
    found = measured()
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    lines = [
        line(model, kind, found)
        for model in sorted({*found["model"]})
        for kind in KINDS
    ]
    assert "\n".join(lines) in page


@pytest.mark.parametrize("model", ["core", "logit"])
def test_words_name_the_least_and_the_most_that_was_measured(model: str) -> None:
    here = measured().filter(pl.col("model") == model)
    low, high = (f"{100 * here['coverage'].sort()[place]:.0f}" for place in (0, -1))
    said = trust(model, 0.9)
    assert f"such 90% intervals of {model} " in said
    assert f" {low} to {high}% of cases" in said
    assert "not measured" not in said
    other = trust(model, 0.5)
    assert "such" not in other.replace("90%", "")
    assert other.endswith("Intervals of 50% were not measured.")


@pytest.mark.parametrize(
    ("refits", "nearest"), [(1, 10), (14, 10), (20, 20), (30, 20), (36, 50), (200, 50)]
)
def test_words_are_of_the_number_of_refits_nearest_to_that_of_the_model(
    refits: int, nearest: int
) -> None:
    said = trust("core", 0.9, refits)
    assert f" of core from {nearest} refits " in said
    assert ("too few" in said) is (refits < 19)


def test_words_of_a_model_that_was_not_measured_name_those_that_were() -> None:
    said = trust("mine", 0.9)
    for model in {*measured()["model"]}:
        assert model in said
    assert said.endswith("Intervals of mine were not measured.")
    assert "such" not in said
