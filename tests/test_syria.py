"""The founding case: Syria, spring 2016, coded by hand."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from forecast.events.table import table as load_events
from forecast.link import link
from forecast.schema import Events, Loaded, Truces
from forecast.truces.table import table as load_truces

FOLDER = Path(__file__).parent.parent / "data" / "syria_2016"
REPORT = date(2016, 4, 7)


@pytest.fixture(scope="module")
def events() -> Loaded[Events]:
    return load_events(FOLDER / "events.csv")


@pytest.fixture(scope="module")
def truces() -> Loaded[Truces]:
    return load_truces(FOLDER / "truces.csv")


def test_every_row_is_sound(events: Loaded[Events], truces: Loaded[Truces]) -> None:
    assert (events.read, events.accepted, events.rejected.height) == (12, 12, 0)
    assert (truces.read, truces.accepted, truces.rejected.height) == (1, 1, 0)
    # the report speaks for the days up to its eve
    assert events.covered_through == date(2016, 4, 6)


def test_the_truce(truces: Loaded[Truces]) -> None:
    truce = truces.frame.row(0, named=True)
    assert truce["start"] == date(2016, 2, 27)
    assert truce["start_precision"] == "day"
    assert (truce["end"], truce["end_reason"]) == (None, "ongoing")
    # lists are split
    assert len(truce["parties"]) == 2
    assert truce["excluded"] == ["Nusra Front", "Islamic State"]
    assert truce["partial"] is False


def relations(events: Loaded[Events], truces: Loaded[Truces]) -> pl.DataFrame:
    return events.frame.join(
        link(truces.frame, events.frame), on=["event_id", "known_from"]
    )


def test_an_outsiders_attack_is_no_partys(
    events: Loaded[Events], truces: Loaded[Truces]
) -> None:
    truce = truces.frame.row(0, named=True)
    offensives = events.frame.filter(pl.col("kind") == "offensive")
    by_actor = dict(offensives.select("actor_a", "dyad_id").iter_rows())
    government = next(a for a in by_actor if a.startswith("Government of Syria"))
    assert government in truce["parties"]
    assert by_actor[government] == truce["dyad_id"]
    assert "Nusra Front" in truce["excluded"]
    assert by_actor["Nusra Front"] != truce["dyad_id"]
    # and so the link stage reads it
    linked = relations(events, truces)
    assert linked.height == 12
    relation = linked.select("actor_a", "relation").unique()
    nusra = relation.filter(pl.col("actor_a") == "Nusra Front")["relation"]
    assert nusra.to_list() == ["outsider"]
    others = relation.filter(pl.col("actor_a").ne_missing("Nusra Front"))["relation"]
    assert set(others) == {"party"}


def test_what_the_report_tells(events: Loaded[Events]) -> None:
    frame = events.frame
    assert set(frame["kind"]) >= {
        "strike",
        "offensive",
        "clash",
        "violation",
        "threat",
        "talks",
        "relief",
    }
    # 43 soldiers and 11 fighters of Hezbollah: the only number of dead it gives
    dead = frame.filter(pl.col("deaths").is_not_null())
    assert dead.select("actor_a", "deaths").rows() == [("Nusra Front", 54)]
    shot_down = frame.filter(pl.col("code") == "aircraft shot down")
    assert shot_down["date"].to_list() == [date(2016, 4, 5)]
    # "the week before": known to the week, not to the day
    capture = frame.filter(pl.col("deaths") == 54).row(0, named=True)
    assert capture["date_precision"] == "week"
    assert (capture["date"], capture["date_end"]) == (
        date(2016, 3, 28),
        date(2016, 4, 3),
    )


def test_an_announcement_is_an_event_of_its_own_day(events: Loaded[Events]) -> None:
    talks = events.frame.filter(pl.col("kind") == "talks").row(0, named=True)
    assert talks["date"] == date(2016, 4, 6)
    assert talks["due"] == date(2016, 4, 11)
    assert talks["hostile"] is False
    assert events.frame["due"].drop_nulls().len() == 1


def test_precision_fits_the_days(events: Loaded[Events]) -> None:
    days = (pl.col("date_end") - pl.col("date")).dt.total_days().fill_null(0) + 1
    spans = events.frame.select("date_precision", days=days)
    longest = dict(spans.group_by("date_precision").agg(pl.col("days").max()).rows())
    assert longest["day"] == 1
    assert longest["week"] <= 7
    assert longest["month"] == 31
    # an inexact date says over which days it may lie
    inexact = events.frame.filter(pl.col("date_precision") != "day")
    assert inexact["date_end"].null_count() == 0


def test_nothing_is_known_before_the_report(events: Loaded[Events]) -> None:
    assert set(events.frame["known_from"]) == {REPORT}


def test_attacks_are_hostile_and_words_are_not(events: Loaded[Events]) -> None:
    hostile = dict(events.frame.select("kind", "hostile").unique().rows())
    assert hostile["strike"]
    assert hostile["offensive"]
    assert not hostile["threat"]
    assert not hostile["relief"]


def test_the_readme_speaks_of_every_event(events: Loaded[Events]) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for event_id in events.frame["event_id"]:
        assert event_id.rsplit("-", 1)[1] in text
