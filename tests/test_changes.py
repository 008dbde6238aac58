"""What moved between two tables of risk scores: laws, and the command."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from forecast import sheets
from forecast.__main__ import VERBS
from forecast.changes import became_known, changes, moved_reasons
from forecast.commands import changes as command
from forecast.commands import score
from forecast.commands.score_files import typed
from forecast.link import link, linked
from forecast.schema import LAST_DAY, Changes, RiskScores
from forecast.simulated import World
from forecast.simulated import world as simulate

ROOT = Path(__file__).parent.parent
THEN, NOW = date(2016, 3, 31), date(2016, 4, 7)


def scores(
    risks: Mapping[str, float], as_of: date = THEN, **other: object
) -> dy.DataFrame[RiskScores]:
    """Risk scores of truces by name, a quarter as high at 7 days as at 30."""
    row = {
        "as_of": as_of,
        "conflict_id": None,
        "country": None,
        "age_days": 40,
        "baseline_risk": 0.5,
        "drivers": "",
        "model": "core",
        "label": "resumption",
        "run_id": "r",
        "data_digest": "d",
        "trained_through": date(2015, 12, 31),
        **other,
    }
    cells = [(t, h, r if h == 30 else r / 4) for t, r in risks.items() for h in (7, 30)]
    rows = [
        row
        | {"truce_id": truce, "truce": truce.upper(), "horizon_days": days}
        | dict.fromkeys(("risk", "risk_lower", "risk_upper"), risk)
        for truce, days, risk in cells
    ]
    if not rows:
        return RiskScores.create_empty()
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return RiskScores.validate(
        frame.select(RiskScores.column_names()).sort("truce_id", "horizon_days"),
        cast=True,
    )


tables = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), max_size=5)


@settings(max_examples=25)
@given(tables)
def test_a_table_and_itself_move_nothing(risks: dict[str, float]) -> None:
    found = changes(scores(risks), scores(risks))
    assert found.height == 2 * len(risks)
    assert (found["points"] == 0).all()
    assert (found["change"] == "moved").all()


@settings(max_examples=25)
@given(tables, tables)
def test_there_and_back_are_opposite(a: dict[str, float], b: dict[str, float]) -> None:
    first, second = scores(a), scores(b, NOW)
    there, back = changes(first, second), changes(second, first)
    turned = {"came": "went", "went": "came", "moved": "moved"}
    assert there["change"].cast(pl.String).replace_strict(turned).to_list() == (
        back["change"].to_list()
    )
    swapped = back.select(
        "truce_id",
        "horizon_days",
        risk_then="risk_now",
        risk_now="risk_then",
        points=-pl.col("points"),
    )
    assert_frame_equal(there.select(swapped.columns), swapped)
    # and what is there is each truce of either table
    assert set(there["truce_id"]) == {*a, *b}
    for row in there.filter(horizon_days=30).iter_rows(named=True):
        assert row["risk_then"] == a.get(row["truce_id"])
        assert row["risk_now"] == b.get(row["truce_id"])


@settings(max_examples=25)
@given(tables, tables, tables)
def test_moves_add_up_along_the_way(
    a: dict[str, float], b: dict[str, float], c: dict[str, float]
) -> None:
    first, second, third = scores(a), scores(b, NOW), scores(c, NOW + timedelta(7))
    legs = [changes(first, second), changes(second, third)]
    whole = changes(first, third)
    keys = ["truce_id", "horizon_days"]
    joined = (
        legs[0]
        .join(legs[1], on=keys, suffix="_b")
        .join(whole, on=keys, suffix="_whole")
        .drop_nulls(["points", "points_b"])
    )
    error = joined["points"] + joined["points_b"] - joined["points_whole"]
    assert error.abs().max() is None or error.abs().max() < 1e-9  # type: ignore[operator]


def reasons(points: Mapping[str, float]) -> pl.DataFrame:
    row = {"truce_id": "a", "horizon_days": 30}
    return pl.DataFrame(
        [row | {"group": group, "points": p} for group, p in points.items()],
        schema={
            "truce_id": pl.String,
            "horizon_days": pl.Int32,
            "group": pl.String,
            "points": pl.Float64,
        },
    )


groups = st.dictionaries(
    st.sampled_from(["talks", "deaths", "age"]), st.floats(-50, 50), min_size=1
)


@settings(max_examples=25)
@given(groups, groups)
def test_reasons_move_by_as_much_as_their_sums(
    a: dict[str, float], b: dict[str, float]
) -> None:
    there, back = (
        moved_reasons(reasons(a), reasons(b)),
        moved_reasons(reasons(b), reasons(a)),
    )
    assert there["points"].sum() == pytest.approx(sum(b.values()) - sum(a.values()))
    assert there["points"].to_list() == (-back["points"]).to_list()


def test_the_groups_that_moved_most_are_named() -> None:
    moved = moved_reasons(reasons({"talks": 4}), reasons({"deaths": 6, "age": 0.1}))
    found = changes(scores({"a": 0.2}), scores({"a": 0.3}, NOW), reasons=moved)
    said = dict(found.select("horizon_days", "reasons").rows())
    assert said == {7: "", 30: "deaths +6.0, talks \N{MINUS SIGN}4.0"}


@pytest.fixture(scope="module")
def coded() -> tuple[World, pl.DataFrame]:
    small = simulate(seed=3, conflicts=5, years=4)
    return small, linked(small.events, link(small.truces, small.events))


def test_what_became_known_adds_up(coded: tuple[World, pl.DataFrame]) -> None:
    """Nothing is revised here: two spans hold what the whole of them holds."""
    events = coded[1]
    days = events["day"].sort()
    a, b, c = (days[int(days.len() * q)] for q in (0.3, 0.5, 0.8))
    parts = [became_known(events, a, b), became_known(events, b, c)]
    keys = ["truce_id", "relation", "kind"]
    added = pl.concat(parts).group_by(keys).agg(pl.col("events", "deaths").sum())
    whole = became_known(events, a, c)
    assert whole.height
    assert_frame_equal(
        added.sort(keys),
        whole.select(added.columns).sort(keys),
        check_row_order=False,
    )
    assert_frame_equal(became_known(events, c, a), whole)
    assert became_known(events, b, b).is_empty()


def test_a_revision_is_news_and_what_will_be_known_is_none() -> None:
    row = {"truce_id": "a", "relation": "outsider", "kind": "strike"}
    row |= {"date": date(2016, 4, 1), "date_end": date(2016, 4, 3)}
    versions = [
        row | {"known_from": k, "known_until": u, "deaths": n}
        for k, u, n in (
            (date(2016, 4, 4), date(2016, 4, 6), 2),
            (date(2016, 4, 6), None, 9),
            (date(2016, 4, 8), None, 100),
        )
    ]
    events = pl.DataFrame(versions, infer_schema_length=None)

    def deaths(then: date, now: date) -> list[int]:
        return became_known(events, then, now)["deaths"].to_list()

    assert deaths(date(2016, 4, 3), date(2016, 4, 4)) == [2]
    # an event without a number of deaths is not one without deaths
    bare = events.with_columns(deaths=pl.lit(None, pl.Int64))
    news = became_known(bare, date(2016, 4, 3), date(2016, 4, 4))
    a, b = scores({"a": 0.2, "b": 0.2}), scores({"a": 0.3, "b": 0.3}, NOW)
    counted = changes(a, b, news=news).filter(horizon_days=30)
    assert counted.select("events", "deaths").rows() == [(1, None), (0, 0)]
    assert deaths(date(2016, 4, 4), date(2016, 4, 7)) == [9]
    assert deaths(date(2016, 4, 3), date(2016, 4, 7)) == [9]
    assert deaths(date(2016, 4, 7), date(2016, 4, 8)) == [100]


WORLD = ["world.seed=3", "world.conflicts=14", "world.years=6"]
MORNINGS = ("2004-03-01", "2004-05-01")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two mornings of one world."""
    home = tmp_path_factory.mktemp("scored")
    words = ["model=reference", "truces=simulated", "events=simulated", *WORLD]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        for day in MORNINGS:
            assert score.main([*words, f"as_of={day}", f"out={home / day}"]) == 0
    return [home / day for day in MORNINGS]


def moved(out: Path, *words: Path | str) -> dy.DataFrame[Changes]:
    assert command.main([*map(str, words), f"out={out}"]) == 0
    found = sheets.read(out / "changes.csv", infer_schema=False)
    texts = ["why", "news", "reasons"]
    found = typed(found, Changes.create_empty().schema)
    return Changes.validate(found.with_columns(pl.col(texts).fill_null("")))


def test_truces_that_came_and_went_and_why(scored: list[Path], tmp_path: Path) -> None:
    then, now = map(date.fromisoformat, MORNINGS)
    found = moved(tmp_path / "found", *scored).filter(horizon_days=30)
    world = simulate(seed=3, conflicts=14, years=6)
    for change in ("came", "went", "moved"):
        assert (found["change"] == change).any(), change
    starts = dict(world.truces.select("truce_id", "start").rows())
    for row in found.filter(change="came").iter_rows(named=True):
        assert row["why"] == f"began on {starts[row['truce_id']]}"
        assert then <= starts[row["truce_id"]] < now
    went = found.filter(change="went")["why"]
    collapsed = went.str.extract(r"^collapsed on (\S+) \(resumption\)$").drop_nulls()
    assert collapsed.len()
    assert collapsed.str.to_date().is_between(then, now, closed="left").all()
    assert not went.is_in(
        ["", "not followed any more", "in force, but not scored"]
    ).any()
    assert (found.filter(change="moved")["why"] == "").all()


def test_what_became_known_is_counted(scored: list[Path], tmp_path: Path) -> None:
    then, now = map(date.fromisoformat, MORNINGS)
    out = tmp_path / "found"
    found = moved(out, *scored).filter(horizon_days=30)
    world = simulate(seed=3, conflicts=14, years=6)
    fresh = linked(world.events, link(world.truces, world.events)).filter(
        LAST_DAY.is_between(then, now, closed="left")
    )
    expected = fresh.group_by("truce_id").agg(n=pl.len(), dead=pl.col("deaths").sum())
    both = found.join(expected, on="truce_id", how="left").fill_null(0)
    assert both["events"].to_list() == both["n"].to_list()
    assert both["deaths"].to_list() == both["dead"].to_list()
    assert both["events"].sum() > 0
    news = sheets.read(out / "news.csv", try_parse_dates=True)
    assert news["newest"].is_between(then, now, closed="left").all()
    later = news.select(pl.col("newest").diff().over("truce_id").drop_nulls())
    assert (later.to_series() <= timedelta()).all()
    # a table alone tells the same of risks, and nothing of events
    files = [folder / "risk_scores.csv" for folder in scored]
    alone = moved(tmp_path / "alone", *files).filter(horizon_days=30)
    same = ["truce_id", "change", "risk_then", "risk_now", "points"]
    assert_frame_equal(alone.select(same), found.select(same))
    assert alone["events"].null_count() == alone.height


def test_the_founding_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["model=reference", "truces=syria_2016", "events=syria_2016"]
    for day in ("2016-04-03", "2016-04-07"):
        assert score.main([*words, f"as_of={day}", f"out={tmp_path / day}"]) == 0
    capsys.readouterr()
    found = moved(tmp_path / "found", tmp_path / "2016-04-03", tmp_path / "2016-04-07")
    said = capsys.readouterr().out
    assert (found["points"] > 0).all()
    # all that the report of 7 April tells, and its 54 dead
    assert found.select("events", "deaths").unique().rows() == [(12, 54)]
    assert "outsider offensive 1 (54 dead)" in found["news"][0]
    assert str(tmp_path / "found" / "changes.csv") in said
    assert "7% > 20%" in said


def test_reasons_of_both_folders_are_read(scored: list[Path], tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, points in zip(folders, ("1.5", "-2.5"), strict=True):
        folder.mkdir()
        table = (scored[0] / "risk_scores.csv").read_text()
        (folder / "risk_scores.csv").write_text(table)
        truce = sheets.read(scored[0] / "risk_scores.csv")["truce_id"][0]
        (folder / "reasons.csv").write_text(
            "as_of,truce_id,horizon_days,group,points\n"
            f"{MORNINGS[0]},{truce},30,talks,{points}\n"
        )
    found = moved(tmp_path / "found", *folders).filter(pl.col("reasons") != "")
    assert found["reasons"].to_list() == ["talks \N{MINUS SIGN}4.0"]


def test_other_models_and_horizons_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = scores({"a": 0.2}), scores({"a": 0.3}, NOW, model="hedged")
    sheets.write(first, tmp_path / "a.csv")
    sheets.write(second.filter(horizon_days=30), tmp_path / "b.csv")
    found = moved(tmp_path / "found", tmp_path / "a.csv", tmp_path / "b.csv")
    assert found["horizon_days"].to_list() == [30]
    said = " ".join(capsys.readouterr().out.split())
    assert "different models, core and hedged" in said
    assert "the horizons differ; compared at 30 days" in said
    account = json.loads((tmp_path / "found" / "run.json").read_text())
    assert any("different models" in note for note in account["notes"])


def test_what_is_no_table_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "good.csv"
    sheets.write(scores({"a": 0.2}), good)
    (tmp_path / "folder").mkdir()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    wrong = good.read_text().replace("0.2", "1.2")
    (tmp_path / "wrong.csv").write_text(wrong)
    two = pl.concat([scores({"a": 0.2}), scores({"b": 0.2}, NOW)])
    sheets.write(two, tmp_path / "two.csv")
    sheets.write(scores({"a": 0.2}).filter(horizon_days=7), tmp_path / "7.csv")
    sheets.write(scores({"a": 0.2}).filter(horizon_days=30), tmp_path / "30.csv")
    for words, message in (
        (["folder", "good.csv"], "folder: no risk_scores.csv in it; expected the"),
        (["good.csv", "none.csv"], "none.csv: not there; expected the folder"),
        (["good.csv", "other.csv"], "other.csv: no table of risk scores"),
        (["wrong.csv", "good.csv"], "wrong.csv: no table of risk scores"),
        (["two.csv", "good.csv"], "two.csv: of several mornings: 2016-03-31, 2016-04"),
        (["7.csv", "30.csv"], "no horizon in common: [7] and [30]"),
    ):
        assert command.main([str(tmp_path / word) for word in words]) == 1, words
        said = " ".join(capsys.readouterr().err.split())
        assert message in said, said
    assert command.main([str(good)]) == 2
    assert "expected two tables of risk scores, not 1" in capsys.readouterr().err
    assert not (tmp_path / "outputs" / "changes").exists()


def test_the_verb_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert "changes" in VERBS
    assert command.main(["--help"]) == 0
    assert "forecast changes A B" in capsys.readouterr().out
