"""Risk over the life of a truce, past truces like it, and the trace of a source."""

from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from finished import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import day, events, truces

from forecast import reference
from forecast.about import FEATURES
from forecast.collapse import resumption
from forecast.commands.data import traced
from forecast.events.table import table
from forecast.features import compute
from forecast.lines import lines
from forecast.link import bearing
from forecast.lives import DAILY, late, lives, mornings, prompt
from forecast.panel import COLLAPSE
from forecast.panel import panel as lay
from forecast.publish import risk_scores
from forecast.raw import InputError
from forecast.schema import Actors, Events, Lives, Panel, Truces
from forecast.similar import distances, similar

MODEL, ABOUT = reference.read(ROOT / "data" / "reference" / "model.json")
TRUCE = truces([{"truce_id": "t", "start": day(0)}])
AS_OF = day(90)
Rows = list[tuple[int, int, int]]


def told(rows: Rows) -> dy.DataFrame[Events]:
    """Events from (day, days until it was known, deaths)."""
    return events(
        [
            {
                "date": day(at),
                "known_from": day(at + wait),
                "deaths": deaths,
                "dyad_id": "d1",
            }
            for at, wait, deaths in rows
        ]
    )


def origin(as_of: date) -> dy.DataFrame[Panel]:
    nothing = events([])
    following = {"min_events": 0, "as_of": as_of}
    return lay(TRUCE, nothing, as_of, resumption, **following)[0]


def features(panel: dy.DataFrame[Panel], frame: pl.DataFrame) -> pl.DataFrame:
    wanted = {
        name: partial(FEATURES[name], **own) for name, own in ABOUT["features"].items()
    }
    return compute(wanted, panel, frame, TRUCE)


def lived(rows: Rows, as_of: date) -> tuple[dy.DataFrame[Lives], pl.DataFrame]:
    """The life of the truce, and its events."""
    every, asked = told(rows), origin(as_of)
    near = bearing(TRUCE, asked, every, Actors.create_empty(), after_days=365)
    days = mornings(asked)
    hindsight = None
    if late(near, as_of):
        hindsight = features(days, prompt(near, as_of))
    seen = features(days, near)
    return lives(MODEL, days, seen, seen, hindsight), near


@given(st.integers(1, 300))
def test_a_life_runs_from_the_start_to_the_morning(age: int) -> None:
    ages = mornings(origin(day(age)))["age_days"].to_list()
    assert ages[-1] == age
    assert ages[0] == 1 if age <= DAILY else 1 <= ages[0] <= 7
    steps = {b - a for a, b in pairwise(ages)}
    assert steps <= ({1} if age <= DAILY else {7})
    # the morning a week before is one of them
    assert age - 7 in ages or age <= 7


WAITS = st.lists(
    st.tuples(st.integers(1, 88), st.integers(1, 40), st.integers(0, 9)), max_size=8
)


# each example computes features on some ninety mornings
@settings(max_examples=10)
@given(WAITS)
def test_the_last_morning_is_the_score(rows: Rows) -> None:
    life, near = lived(rows, AS_OF)
    asked = origin(AS_OF)
    seen = features(asked, near)
    scores = risk_scores(MODEL, asked, seen, seen, TRUCE, run_id="r", data_digest="d")
    last = life.filter(pl.col("origin") == AS_OF).sort("horizon_days")
    np.testing.assert_allclose(last["risk"], scores["risk"])
    np.testing.assert_allclose(last["baseline_risk"], scores["baseline_risk"])
    # with hindsight or without it, that morning knows the same
    after = last["risk_hindsight"].fill_null(last["risk"])
    np.testing.assert_allclose(after, last["risk"])


@settings(max_examples=10)
@given(WAITS, st.integers(8, 89))
def test_no_morning_knows_more_than_it_could(rows: Rows, cut: int) -> None:
    whole, _ = lived(rows, AS_OF)
    known = [row for row in rows if row[0] + row[1] <= cut]
    part, _ = lived(known, AS_OF)
    shown = ["origin", "horizon_days", "risk", "baseline_risk"]
    before = pl.col("origin") <= day(cut)
    assert_frame_equal(
        whole.filter(before).select(shown), part.filter(before).select(shown)
    )


def test_hindsight_is_told_where_something_was_late_and_of_nothing_else() -> None:
    prompt_ones, _ = lived([(30, 1, 9), (60, 1, 4)], AS_OF)
    assert prompt_ones["risk_hindsight"].null_count() == prompt_ones.height
    late_ones, _ = lived([(30, 1, 9), (60, 25, 4)], AS_OF)
    # what was late is told as if it had not been
    after = late_ones["risk_hindsight"].to_numpy()
    np.testing.assert_allclose(after, prompt_ones["risk"])
    assert np.abs(after - late_ones["risk"].to_numpy()).max() > 0.01
    # and what is not known yet is told by neither
    unknown, near = lived([(30, 1, 9), (60, 1, 4), (70, 40, 99)], AS_OF)
    assert prompt(near, AS_OF).height == 2
    np.testing.assert_allclose(unknown["risk"], prompt_ones["risk"])


# past truces


def past(n: int, seed: int = 1) -> tuple[dy.DataFrame[Truces], dy.DataFrame[Panel]]:
    rng = np.random.default_rng(seed)
    names = [f"p{i:02}" for i in range(n)]
    rows = [
        {
            "truce_id": name,
            "origin": day(-900 + 7 * k),
            "conflict_id": "c",
            "dyad_id": name,
            "country": "Land",
            "start": day(-901),
            "age_days": 1 + 7 * k,
            "level": 0.0,
            "threshold": 5.0,
            "event": int(rng.integers(0, 3)),
            "duration": int(rng.integers(1, 60)),
        }
        for name in names
        for k in range(3)
    ]
    known = truces([{"truce_id": t, "start": day(-901)} for t in [*names, "t"]])
    return known, Panel.validate(pl.DataFrame(rows), cast=True)


def columns(panel: pl.DataFrame, seed: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(panel.height, 3))
    names = ["recent_filled", "recent_share_7d", "talks_held"]
    return panel.select("truce_id", "origin").with_columns(
        pl.Series(name, values[:, i]) for i, name in enumerate(names)
    )


NAMES = ["recent_filled", "recent_share_7d", "talks_held"]


def test_the_same_row_is_most_alike_and_fates_are_known() -> None:
    known, panel = past(12)
    asked = origin(AS_OF)
    seen = columns(pl.concat([panel, asked]))
    twin = panel.filter(pl.col("event") == COLLAPSE).row(0, named=True)
    own = seen.filter(
        (pl.col("truce_id") == twin["truce_id"]) & (pl.col("origin") == twin["origin"])
    ).select(NAMES)
    seen = pl.concat(
        [
            seen.filter(pl.col("truce_id") != "t"),
            asked.select("truce_id", "origin").hstack(own),
        ]
    )
    found = similar(asked, panel, seen, NAMES, known, 30)
    first = found.row(0, named=True)
    assert (first["past_id"], first["origin"]) == (twin["truce_id"], twin["origin"])
    assert first["distance"] == 0
    assert found["distance"].is_sorted()
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found["past_id"].n_unique() == 5
    assert ((found["event"] > 0) | (found["duration"] >= 30)).all()
    # no truce is like itself
    assert "t" not in set(found["past_id"])
    alone = similar(asked, asked, seen, NAMES, known, 30)
    assert alone.is_empty()


@given(st.floats(0.01, 100), st.integers(0, 2))
def test_units_change_nothing(factor: float, number: int) -> None:
    known, panel = past(9)
    asked = origin(AS_OF)
    seen = columns(pl.concat([panel, asked]))
    scaled = seen.with_columns(pl.col(NAMES[number]) * factor)
    both = [similar(asked, panel, x, NAMES, known, 30) for x in (seen, scaled)]
    assert_frame_equal(*both)


def test_a_group_weighs_one_however_many_columns_it_has() -> None:
    old, new = np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2)
    one = distances(old, new, np.ones(2), [[0], [1]])
    assert one[0] == one[1]
    many = np.column_stack([old[:, 0]] * 4 + [old[:, 1]])
    same = distances(many, np.zeros(5), np.ones(5), [[0, 1, 2, 3], [4]])
    np.testing.assert_allclose(same, one)


# the trace of a source


@pytest.fixture
def case() -> dy.DataFrame[Events]:
    return table(ROOT / "data" / "syria_2016" / "events.csv").frame


def test_the_founding_case_is_traced_as_its_readme_says(
    case: dy.DataFrame[Events],
) -> None:
    folder = ROOT / "data" / "syria_2016"
    found = lines(folder / "lines.csv", case)
    assert found["line"].unique().to_list() == list(range(1, 18))
    said: set[tuple[int, str | None]] = set()
    text = (folder / "README.md").read_text()
    for row in text.split("| line |")[1].split("\n\n")[0].splitlines()[2:]:
        numbers, _, codes = (cell.strip() for cell in row.split("|")[1:4])
        for number in numbers.split(","):
            for code in codes.split(","):
                code = code.strip()
                event = None if code == "none" else f"syria-2016-{code}"
                said.add((int(number), event))
    assert set(found.select("line", "event_id").rows()) == said


#: each event of the founding case in one line
CODES = ";".join(f"syria-2016-{n:02}" for n in range(1, 13))
SAID = f"line,says,event_id\n1,all,{CODES}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("line,says,event_id\n1,a,none-such\n", "there is no such event"),
        ("line,says,event_id\n1,a,syria-2016-01\n", "no line tells of this event"),
        ("line,says,event_id\nx,a,syria-2016-01\n", "line 2, column 'line', value 'x'"),
        ("line,says\n1,a\n", "event_id"),
        (SAID + "2,a view,\n2,a view,\n", "line 2, 'a view', None: told twice"),
    ],
)
def test_a_faulty_trace_is_refused(
    case: dy.DataFrame[Events], tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "lines.csv").write_text(text)
    with pytest.raises(InputError, match=r"lines\.csv") as refused:
        table(ROOT / "data/syria_2016/events.csv", lines=tmp_path / "lines.csv")
    assert said in str(refused.value)
    assert case.height == 12


def test_traces_of_several_sources_are_told_apart(tmp_path: Path) -> None:
    path = ROOT / "data/syria_2016/events.csv"
    # two statements of a line may both code nothing
    (tmp_path / "lines.csv").write_text(SAID + "2,a view,\n2,another,\n")
    one = table(path, lines=tmp_path / "lines.csv")
    assert traced({"one": one})["source"].null_count() == 12 + 2
    both = traced({"one": one, "other": one})
    assert both["source"].unique(maintain_order=True).to_list() == ["one", "other"]
    assert both["event_id"].drop_nulls().n_unique() == 2 * 12
