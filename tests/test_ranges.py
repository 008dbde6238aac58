"""What a model has seen, and what lies outside of it."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.ranges import outside, ranges

cells = st.one_of(st.none(), st.floats(-1e6, 1e6), st.booleans().map(float))
tables = st.lists(st.tuples(cells, cells), min_size=1, max_size=8).map(
    lambda rows: pl.DataFrame(
        rows, schema={"a": pl.Float64, "b": pl.Float64}, orient="row"
    )
)


@settings(max_examples=50)
@given(tables)
def test_no_training_row_is_outside(X: pl.DataFrame) -> None:
    assert not any(outside(X, ranges(X)))


@settings(max_examples=50)
@given(tables, tables)
def test_a_row_is_outside_if_a_value_is_beyond_all_others(
    X: pl.DataFrame, train: pl.DataFrame
) -> None:
    found = outside(X, ranges(train))
    for row, values in zip(X.iter_rows(named=True), found, strict=True):
        expected = {
            name
            for name, value in row.items()
            if value is not None
            and (known := train[name].drop_nulls()).len()
            and not known.min() <= value <= known.max()
        }
        assert {v.column for v in values} == expected
        assert [v.far for v in values] == sorted((v.far for v in values), reverse=True)


def test_a_column_that_the_model_does_not_look_at_says_nothing() -> None:
    seen = ranges(pl.DataFrame({"a": [1, 2]}))
    assert seen == {"a": (1, 2)}
    assert outside(pl.DataFrame({"a": [1], "b": [99]}), seen) == [[]]


def test_a_column_that_never_varied_is_farthest_out() -> None:
    seen = ranges(pl.DataFrame({"a": [0, 100], "b": [1, 1]}))
    ((first, second),) = outside(pl.DataFrame({"a": [1000], "b": [2]}), seen)
    assert (first.column, first.far) == ("b", np.inf)
    assert (str(second), second.far) == ("a 1000 (at most 100)", 9.0)
