"""Every Monday by one fit: what was warned of, what came, and the page that says so."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from finished import finished

from forecast.report.months import LEVEL, by_month, section
from forecast.schema import Predictions

MONDAY = date(2008, 1, 7)
HIGH, LOW = LEVEL + 0.1, LEVEL - 0.1
Row = tuple[str, int, float, int | None]


def predictions(rows: Sequence[Row], model: str = "own") -> dy.DataFrame[Predictions]:
    """Forecasts at 30 days: truce, weeks after the first Monday, risk, outcome."""
    return Predictions.validate(
        pl.DataFrame(
            [
                {
                    "model": model,
                    "cutoff": date(2008, 1, 1),
                    "truce_id": truce,
                    "origin": MONDAY + timedelta(weeks=week),
                    "horizon": 30,
                    "conflict_id": None,
                    "dyad_id": truce,
                    "risk": risk,
                    "outcome": outcome,
                    "weight": 0.0 if outcome is None else 1.0,
                }
                for truce, week, risk, outcome in rows
            ]
        ),
        cast=True,
    )


def counts(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    found = by_month(predictions(rows), "own", "own", 30)
    return found.select("truces", "caught", "missed", "false", "unknown").rows()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", 0, HIGH, 1)], [(1, 1, 0, 0, 0)]),
        ([("a", 0, LOW, 1)], [(1, 0, 1, 0, 0)]),
        ([("a", 0, HIGH, 0)], [(1, 0, 0, 1, 0)]),
        ([("a", 0, LOW, 0)], [(1, 0, 0, 0, 0)]),
        ([("a", 0, HIGH, None)], [(1, 0, 0, 0, 1)]),
        # one warning in time is enough, and an early one that failed is no false alarm
        ([("a", 0, HIGH, 0), ("a", 1, HIGH, 1), ("a", 2, LOW, 1)], [(1, 1, 0, 0, 0)]),
        # a warning that failed does not catch what no later one foretold
        ([("a", 0, HIGH, 0), ("a", 1, LOW, 1)], [(1, 0, 1, 1, 0)]),
        # months are counted each for itself
        ([("a", 3, HIGH, 1), ("a", 4, LOW, 1)], [(1, 1, 0, 0, 0), (1, 0, 1, 0, 0)]),
        ([("a", 0, HIGH, 1), ("b", 0, LOW, 1)], [(2, 1, 1, 0, 0)]),
        # the level itself warns
        ([("a", 0, LEVEL, 0)], [(1, 0, 0, 1, 0)]),
    ],
)
def test_what_came_of_a_month(rows: list[Row], expected: list[tuple[int, ...]]) -> None:
    assert counts(rows) == expected


def test_scores_are_of_known_outcomes_alone() -> None:
    rows: list[Row] = [("a", 0, 0.5, 1), ("b", 0, 0.2, 0), ("c", 0, 0.9, None)]
    other = predictions([(t, w, 0.1, o) for t, w, _, o in rows], "named")
    both = Predictions.validate(pl.concat([predictions(rows), other]))
    (row,) = by_month(both, "own", "named", 30).iter_rows(named=True)
    assert row["own"] == pytest.approx((0.25 + 0.04) / 2)
    assert row["named"] == pytest.approx((0.81 + 0.01) / 2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment on a small world."""
    words = ["experiments=mondays", "events=[simulated]", "truces=[simulated]"]
    words += ["world.conflicts=12", "world.years=7", "first_cutoff='2003-06-01'"]
    words += ["split.end='2005-06-01'", "models=[core]", "published=core", "draws=20"]
    words += ["refits=2", "features=[age,recent,design]", "tracking=none"]
    return finished(tmp_path_factory.mktemp("mondays"), *words)


@pytest.mark.slow
def test_every_monday_is_forecast_by_one_fit(run: Path) -> None:
    found = pl.read_parquet(run / "predictions.parquet")
    assert found["cutoff"].unique().to_list() == [date(2003, 6, 1)]
    days = found["origin"].unique().sort()
    assert days.dt.weekday().unique().to_list() == [1]
    # truces are in force through all of it, so no Monday is left out
    assert days.diff().drop_nulls().unique().to_list() == [timedelta(days=7)]
    assert (days[0], days[-1]) == (date(2003, 6, 2), date(2005, 5, 30))


@pytest.mark.slow
def test_its_page_is_called_retrospective(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<title>Retrospective, " in page
    words = page.partition('<section id="months">')[2].partition("</section>")[0]
    assert "<b>Retrospective.</b>" in words
    assert "forecast each Monday after it" in words
    # a row each for the two years' months
    assert words.count('<th scope="row" class="keep">') == 24
    for part in ("skill", "reliability", "decision", "months"):
        assert f'<section id="{part}">' in page


def test_no_section_where_models_are_fitted_again() -> None:
    first = predictions([("a", w, HIGH, 1) for w in range(60)])
    again = first.with_columns(
        cutoff=pl.when(pl.col("origin") > date(2008, 6, 1))
        .then(date(2008, 6, 1))
        .otherwise("cutoff")
    )
    # facts are not looked at before
    assert section(Predictions.validate(again), _Facts()) == {}  # type: ignore[arg-type]


class _Facts:
    published = named_baseline = "own"
