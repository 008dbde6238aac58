"""Scores fold by fold, against sums by hand."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.folds import fold_scores
from forecast.schema import Predictions


def rows(model, risks, cutoff=date(2004, 1, 1), weight=1.0, known=True):
    n = len(risks)
    frame = pl.DataFrame(
        {
            "model": model,
            "cutoff": cutoff,
            "truce_id": [f"t{i}" for i in range(n)],
            "origin": cutoff + timedelta(days=3),
            "horizon": 30,
            "conflict_id": None,
            "dyad_id": "d",
            "risk": risks,
            "outcome": [i % 2 for i in range(n)] if known else None,
            "weight": weight if known else 0.0,
        }
    )
    return Predictions.validate(frame, cast=True)


def scored(*parts):
    frame = fold_scores(Predictions.validate(pl.concat(parts)), "trail")
    keys = frame.select("model", pl.col("cutoff").dt.year(), "metric").rows()
    return dict(zip(keys, frame["value"], strict=True))


def test_each_fold_is_scored_by_itself():
    later = date(2005, 1, 1)
    found = scored(
        rows("trail", [0.5, 0.5]),
        rows("logit", [0.0, 0.5]),
        rows("trail", [0.5, 0.5], later),
        rows("logit", [1.0, 0.0], later),
    )
    assert found == pytest.approx(
        {
            ("trail", 2004, "brier"): 0.25,
            ("logit", 2004, "brier"): 0.125,
            ("logit", 2004, "skill"): 0.5,
            ("trail", 2005, "brier"): 0.25,
            ("logit", 2005, "brier"): 1.0,
            ("logit", 2005, "skill"): -3.0,
        }
    )


def test_skill_is_that_on_rows_which_both_have_forecast():
    """The baseline lacks the second row, where the model is at its worst."""
    found = scored(rows("trail", [0.5]), rows("logit", [0.25, 0.0]))
    assert found["logit", 2004, "skill"] == pytest.approx(1 - 0.0625 / 0.25)
    assert found["logit", 2004, "brier"] == pytest.approx((0.0625 + 1) / 2)


def test_rows_of_unknown_outcome_say_nothing():
    later = date(2005, 1, 1)
    found = scored(rows("trail", [0.5]), rows("trail", [0.9], later, known=False))
    assert found == {("trail", 2004, "brier"): 0.25}


def test_a_baseline_without_error_leaves_no_skill():
    found = scored(rows("trail", [0.0, 1.0]), rows("logit", [0.5, 0.5]))
    assert ("logit", 2004, "skill") not in found


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 100))
def test_a_copy_of_the_baseline_has_no_skill_and_weights_have_no_unit(risks, weight):
    found = scored(rows("trail", risks), rows("copy", risks, weight=weight))
    same = scored(rows("trail", risks), rows("copy", risks))
    assert found["copy", 2004, "brier"] == pytest.approx(same["trail", 2004, "brier"])
    assert found.get(("copy", 2004, "skill"), 0) == pytest.approx(0, abs=1e-9)
