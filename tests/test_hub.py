"""Risk scores as files: each format says the same, and a hub's rules hold."""

import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from dataframely.exc import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecast.commands import formats, score
from forecast.hub import file_name, model_output
from forecast.schema import Hub, RiskScores

#: columns beside those of the task, as the hubverse names them
OUTPUT = ["output_type", "output_type_id", "value"]
OUTPUT_TYPES = ("mean", "median", "quantile", "cdf", "pmf", "sample")


def scores(
    risks: Sequence[float], horizons: Sequence[int] = (7, 30), model: str = "core"
) -> dy.DataFrame[RiskScores]:
    """Risk scores of truces a, b, ..., at each horizon."""
    cells = [(i, h, r) for i, r in enumerate(risks) for h in horizons]
    return RiskScores.validate(
        pl.DataFrame(
            {
                "as_of": date(2016, 4, 7),
                "truce_id": chr(ord("a") + i),
                "truce": "=a formula",
                "conflict_id": None,
                "country": "Syria",
                "age_days": 40,
                "horizon_days": horizon,
                "risk": risk,
                "risk_lower": risk,
                "risk_upper": risk,
                "baseline_risk": 0.5,
                "drivers": "",
                "model": model,
                "label": "resumption",
                "run_id": "r",
                "data_digest": "d",
                "trained_through": date(2015, 12, 31),
            }
            for i, horizon, risk in cells
        ).sort("truce_id", "horizon_days"),
        cast=True,
    )


def assert_model_output(path: Path) -> pl.DataFrame:
    """The documented rules of model output, read from the file as a hub would.

    https://docs.hubverse.io/en/latest/user-guide/model-output.html
    """
    parts = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)-(\w{1,16})-(\w{1,16})\.csv", path.name, re.A
    )
    assert parts, "the name is ROUND-TEAM-MODEL, with hyphens between the parts alone"
    found = pl.read_csv(path, infer_schema=False)
    # task columns first or last is all one; the output columns are these three
    assert found.columns[-3:] == OUTPUT
    task = found.columns[:-3]
    assert task == ["origin_date", "target", "horizon", "location"]
    assert found.null_count().sum_horizontal().item() == 0
    assert not found.select(*task, *OUTPUT[:2]).is_duplicated().any()
    assert set(found["output_type"]) <= {*OUTPUT_TYPES}
    assert set(found["origin_date"]) <= {parts[1]}
    assert found["horizon"].cast(pl.Int64).min() or found.is_empty()
    value = pl.col("value").cast(pl.Float64)
    pmf = found.filter(pl.col("output_type") == "pmf")
    assert pmf.select(value.is_between(0, 1).all()).item()
    answers = pmf.group_by(task).agg(
        value.sum().alias("sum"), pl.col("output_type_id").n_unique()
    )
    assert ((answers["sum"] - 1).abs() < 1e-6).all()
    # every task has an answer for each category that any has
    assert answers["output_type_id"].n_unique() <= 1
    return found


def written(risks: dy.DataFrame[RiskScores], folder: Path) -> dict[str, Path]:
    """Files of the scores in all formats."""
    as_of, model = date(2016, 4, 7), "my model-2"
    names = formats.write(risks, [*formats.FORMATS], as_of, model, folder)
    return {kind: folder / name for kind, name in names.items()}


def test_a_hub_takes_the_file(tmp_path: Path) -> None:
    risks = scores([0.0, 0.1 + 0.2, 1 / 3, 1.0])
    found = assert_model_output(written(risks, tmp_path)["hub"])
    assert set(found["output_type_id"]) == {"collapse", "no_collapse"}
    assert set(found["target"]) == {"collapse_resumption"}
    assert found.height == 2 * risks.height
    ours = found.filter(pl.col("output_type_id") == "collapse").select(
        pl.col("location").alias("truce_id"),
        pl.col("horizon").cast(pl.Int32).alias("horizon_days"),
        pl.col("value").cast(pl.Float64).alias("risk"),
    )
    assert_frame_equal(
        ours, risks.select(ours.columns), check_row_order=False, check_exact=True
    )


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), max_size=5))
def test_whatever_the_risks_are_the_rules_hold(risks: list[float]) -> None:
    found = model_output(scores(risks)) if risks else None
    assert found is None or Hub.is_valid(found)


@pytest.mark.parametrize(
    "wrong",
    [
        pl.col("value") * 0.9,
        pl.col("output_type_id").first(),
        pl.lit("deaths").alias("target"),
    ],
    ids=["no sum of one", "one answer twice", "another target"],
)
def test_the_schema_refuses_what_breaks_a_rule(wrong: pl.Expr) -> None:
    with pytest.raises(ValidationError):
        Hub.validate(model_output(scores([0.3])).with_columns(wrong))
    with pytest.raises(ValidationError):
        Hub.validate(model_output(scores([0.3])).head(3))


def test_every_format_says_the_same(tmp_path: Path) -> None:
    risks = scores([0.2, 1 / 3])
    files = written(risks, tmp_path)
    assert_frame_equal(pl.read_parquet(files["parquet"]), risks, check_exact=True)
    rows = json.loads(files["json"].read_text())
    assert [*rows[0]] == RiskScores.column_names()
    again = RiskScores.cast(
        pl.DataFrame(rows, infer_schema_length=None).with_columns(
            pl.col("as_of", "trained_through").str.to_date()
        )
    )
    assert_frame_equal(again, risks, check_exact=True)
    text = files["csv"].read_text()
    # a spreadsheet takes no formula from the data
    assert ",'=a formula," in text
    assert len(text.splitlines()) == risks.height + 1


def test_no_truce_in_force_is_no_row_in_any_format(tmp_path: Path) -> None:
    files = written(RiskScores.create_empty(), tmp_path)
    assert assert_model_output(files["hub"]).is_empty()
    assert json.loads(files["json"].read_text()) == []
    assert pl.read_parquet(files["parquet"]).schema == RiskScores.create_empty().schema


def test_parts_of_a_file_name_hold_no_hyphen() -> None:
    day = date(2016, 4, 7)
    assert file_name(day, "a-b.é") == "2016-04-07-forecast-a_b__.csv"
    assert file_name(day, "long" * 9) == f"2016-04-07-forecast-{'long' * 4}.csv"


@pytest.mark.parametrize("value", ["xml", [], ["csv", "xml"], None, [None], 3])
def test_a_format_that_is_none_is_known_as_such(value: object) -> None:
    assert not formats.known(value)


def test_another_format_is_refused_before_any_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert score.main(["format=[json,xml]"]) == 1
    said = capsys.readouterr().err
    assert "format=['json', 'xml']: expected csv, json, parquet or hub" in said
