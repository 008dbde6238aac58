"""The page of a scoring: all truces, each one's life and reasons, and its source."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from finished import ROOT
from pages import assert_fetches_nothing, colours, text
from strategies import events as made
from strategies import truces

from forecast import sheets
from forecast.commands import score, show
from forecast.kinds import KINDS
from forecast.report import scoring, truce
from forecast.report.facts import Facts
from forecast.report.trust import Proof
from forecast.report.waterfall import waterfall
from forecast.schema import (
    LeftOut,
    Lines,
    Lives,
    Panel,
    Reasons,
    Rejected,
    RiskScores,
    Similar,
)

AS_OF = date(2016, 4, 7)
SCRIPT = (files("forecast.report") / "scoring.js").read_text("utf-8")
EVIL = '<script>alert("1")</script>'
HORIZONS = (7, 30)
CASE = ["truces=syria_2016", "events=syria_2016", "as_of=2016-04-07", "model=reference"]


def facts() -> Facts:
    return Facts(
        title="Which truces are in danger?",
        label="resumption",
        named_baseline="trail",
        baselines=("trail",),
        published="core",
        horizons=HORIZONS,
        as_of=AS_OF,
        sources=pl.DataFrame(),
        rejected=Rejected.create_empty(),
        left_out=LeftOut.create_empty(),
        notes=("few events; Truce 0 (0) and Truce 19 (2) had fewer", EVIL),
        run={"seed": "1"},
        stages=pl.DataFrame({"stage": ["load"], "seconds": [0.1]}),
        peak_memory_mib=300.0,
    )


def scored(n: int) -> truce.Scored:
    """As many truces, each with a life, reasons, events and a past truce like it."""
    ids = [f"t{i:03}" for i in range(n)]
    names = [EVIL if i == 1 else f"Truce {i}" for i in range(n)]
    ages = [20 + 3 * i for i in range(n)]
    starts = [AS_OF - timedelta(days=age) for age in ages]
    every = list(zip(ids, names, ages, starts, strict=True))
    risks = {truce_id: 0.9 - 0.8 * i / n for i, truce_id in enumerate(ids)}
    scores = [
        {
            "as_of": AS_OF,
            "truce_id": i,
            "truce": name,
            "conflict_id": None,
            "country": "Land",
            "age_days": age,
            "horizon_days": h,
            "risk": risks[i] * h / 30,
            "risk_lower": 0.0,
            "risk_upper": 1.0,
            "baseline_risk": 0.1,
            "drivers": "talks +1",
            "model": "core",
            "label": "resumption",
            "run_id": "r",
            "data_digest": "d",
            "trained_through": AS_OF,
        }
        for i, name, age, _ in every
        for h in HORIZONS
    ]
    life = [
        {
            "truce_id": i,
            "origin": AS_OF - timedelta(days=back),
            "horizon_days": h,
            "age_days": age - back,
            "risk": max(0.0, risks[i] * h / 30 - back / 1000),
            "baseline_risk": 0.1,
            "risk_hindsight": None,
        }
        for i, _, age, _ in every
        for back in range(0, age, 7)
        for h in HORIZONS
    ]
    why = [
        {
            "as_of": AS_OF,
            "truce_id": i,
            "horizon_days": 30,
            "model": "core",
            "group": group,
            "words": f"{group} (some)",
            "points": points,
            "reference_risk": risks[i] - 0.1,
            "risk": risks[i],
        }
        for i in ids
        for group, points in (("talks", -5.0), ("deaths in the window", 15.0))
    ]
    like = [
        {
            "truce_id": i,
            "rank": 1,
            "past_id": "p",
            "past": EVIL,
            "country": None,
            "start": date(2001, 1, 1),
            "origin": date(2001, 2, 1),
            "age_days": 31,
            "distance": 0.2,
            "event": 1,
            "duration": 9,
        }
        for i in ids
    ]
    origins = [
        {
            "truce_id": i,
            "origin": AS_OF,
            "conflict_id": None,
            "dyad_id": i,
            "country": "Land",
            "start": start,
            "age_days": age,
            "level": 3.0,
            "threshold": 5.0,
            "event": 0,
            "duration": 1,
        }
        for i, _, age, start in every
    ]
    linked = made(
        [
            {"date": start + timedelta(days=k), "kind": KINDS[k % 3], "note": EVIL}
            for _, _, age, start in every
            for k in range(0, age, 2)
        ]
        or [{"date": AS_OF}]
    )
    owners = [i for i, _, age, _ in every for _ in range(0, age, 2)] or ["nobody"]
    return truce.Scored(
        scores=RiskScores.validate(frame(scores, RiskScores), cast=True),
        reasons=Reasons.validate(frame(why, Reasons), cast=True),
        lives=Lives.validate(frame(life, Lives), cast=True),
        events=linked.with_columns(
            pl.Series("truce_id", owners), relation=pl.lit("party")
        ),
        similar=Similar.validate(frame(like, Similar), cast=True),
        panel=Panel.validate(frame(origins, Panel), cast=True),
        truces=truces(
            [
                {"truce_id": i, "name": name, "start": start}
                for i, name, _, start in every
            ]
        ),
        lines=Lines.create_empty(),
    )


def frame(rows: list[dict[str, object]], schema: type) -> pl.DataFrame:
    return pl.DataFrame(rows) if rows else pl.DataFrame(schema.create_empty())


def test_a_page_of_many_truces_is_whole_safe_and_small() -> None:
    n = 60
    page = scoring.render(scored(n), facts(), Proof())
    assert_fetches_nothing(page, SCRIPT)
    used, turned = colours(page)
    assert used <= turned
    assert len(page.encode()) < 3e6
    assert EVIL not in page
    # every truce is in the table; the riskiest have a section, and are linked to it
    rows = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[0].count("<tr>")
    assert rows == n
    sections = re.findall(r'<article id="truce-(\d+)"', page)
    assert sections == [str(i + 1) for i in range(scoring.SECTIONS)]
    assert all(f'href="#truce-{i}"' in page for i in sections)
    # what names a truce is told of that truce alone
    articles = re.findall(r"<article.*?</article>", page, re.DOTALL)
    told = [i for i, article in enumerate(articles) if "few events" in article]
    assert told == [0, 19]
    # a life of more than 60 days is told by weeks, and says so
    weekly = [20 + 3 * i for i, own in enumerate(articles) if "Every seventh" in own]
    assert weekly == list(range(62, 80, 3))
    assert page == scoring.render(scored(n), facts(), Proof())


def test_the_headline_tells_what_moved_since_a_week_before() -> None:
    words = text(scoring.render(scored(3), facts(), Proof()))
    assert "3 truces are in force. At highest risk: Truce 0 (Land), 90%" in words
    assert "within 30 days, 1 point more than a week before" in words
    early = scored(1)
    fresh = early.lives.filter(pl.col("origin") > AS_OF - timedelta(days=7))
    one = replace(early, lives=Lives.validate(fresh))
    assert "a week before" not in text(scoring.render(one, facts(), Proof()))


def test_without_a_truce_in_force_the_page_says_so() -> None:
    page = scoring.render(scored(0), facts(), Proof())
    assert_fetches_nothing(page, SCRIPT)
    assert "No truce is in force on 2016-04-07" in text(page)
    assert "<article" not in page


def test_what_could_not_be_told_is_said_not_drawn() -> None:
    bare = replace(
        scored(2),
        reasons=Reasons.create_empty(),
        lives=Lives.create_empty(),
        similar=Similar.create_empty(),
    )
    words = text(scoring.render(bare, facts(), Proof()))
    assert words.count("No reasons were told of these scores.") == 2
    assert words.count("hold no past truces to look at") == 2
    assert "Nothing is known of how this model did out of sample." in words


def test_a_declared_end_counts_no_deaths() -> None:
    own = scored(1)
    record, origin = own.truces.row(0, named=True), own.panel.row(0, named=True)
    said = {
        rule: truce.facts(record, origin | {"threshold": 1.0}, rule)
        for rule in ("declared", "first_fatal", "violations")
    }
    words = {rule: told["Counts as collapsed"] for rule, told in said.items()}
    assert words["declared"] == "when its record says that it ended so"
    assert words["first_fatal"].startswith("at 1 death in the window")
    assert words["violations"].startswith("at 1 violation in the window")


def test_a_day_is_one_and_an_event_over_new_year_has_both_years() -> None:
    own = scored(1)
    old = own.events.head(1).with_columns(
        date=date(2015, 12, 30), date_end=date(2016, 4, 2)
    )
    horizons = {7: 1, 30: 31}
    short = {
        name: part.with_columns(pl.col("horizon_days").replace(horizons))
        for name, part in (
            ("scores", own.scores),
            ("lives", own.lives),
            ("reasons", own.reasons),
        )
    }
    brief = replace(own, events=old, **short)
    page = scoring.render(brief, replace(facts(), horizons=(1, 31)), Proof())
    words = text(page)
    assert "2015-12-30 to 2016-04-02" in words
    assert "in 1 day (" in words
    assert "It collapsed within 31 days." in words
    assert not re.search(r"\b1 (days|deaths|violations)\b", words)


@pytest.mark.parametrize(("days", "told"), [((5, 5), False), ((2, 5), True)])
def test_only_what_came_late_is_said_to_come_at_once(
    days: tuple[int, int], told: bool
) -> None:
    own = scored(1)
    start = own.truces["start"].item()
    first, last = (start + timedelta(days=day) for day in days)
    events = own.events.head(2).with_columns(
        date=pl.Series([start, start + timedelta(days=1)]),
        date_end=pl.Series([first, last]),
        known_from=last + timedelta(days=1),
    )
    page = scoring.render(replace(own, events=events), facts(), Proof())
    assert ("All 2 events became known" in text(page)) is told


def test_a_word_of_a_note_is_no_name_of_a_truce() -> None:
    note = "b: a thin series. No deaths before the start: little makes the risk"
    assert [
        name for name in ("a", "the", "No", "b", "start") if truce.names(name, note)
    ] == ["b"]


def test_intervals_of_the_scores_have_the_level_of_their_run() -> None:
    row = {"model": "core", "horizon": 7, "metric": "auroc", "value": 0.7}
    row |= {"lower": 0.6, "upper": 0.8, "n": 9, "n_events": 3}
    proof = Proof(scores=pl.DataFrame([row]), level=0.9)
    half, wide = (
        text(scoring.render(scored(1), replace(facts(), level=level, refits=2), proof))
        for level in (0.3, 0.5)
    )
    assert "out of sample, when it was made; 90% intervals" in half
    # from two refits, a third lies beyond them with the chance 2/3
    assert "too few" not in half
    assert "Here there are 2 refits, too few for 50%" in wide


@pytest.mark.parametrize("points", [[10.0, -4.0, 0.0], [-30.0], [60.0, -59.0]])
def test_steps_of_a_waterfall_lead_from_risk_to_risk(points: list[float]) -> None:
    reference = 0.35
    risk = reference + sum(points) / 100
    rows = pl.DataFrame(
        {
            "group": [f"g{i}" for i in range(len(points))],
            "words": [f"g{i}" for i in range(len(points))],
            "points": points,
            "reference_risk": reference,
            "risk": risk,
        }
    )
    found = waterfall(rows)
    at = found["base"]
    for step in found["steps"]:
        ends = (step["left"], step["left"] + step["width"])
        here, there = ends if step["points"] > 0 else ends[::-1]
        assert here == pytest.approx(at, abs=0.02)
        at = there
        assert -0.01 <= step["left"] <= ends[1] <= 100.01
    assert at == pytest.approx(found["end"], abs=0.02)


@pytest.fixture(scope="module")
def syria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        assert score.main([*CASE, "cache=null", f"out={home / 'case'}"]) == 0
        yield home / "case"


@pytest.mark.slow
def test_a_table_of_ones_own_is_traced_beside_another(tmp_path: Path) -> None:
    own = [f"events.table.path={ROOT / 'data/syria_2016/events.csv'}"]
    own += [f"events.table.lines={ROOT / 'data/syria_2016/lines.csv'}"]
    words = [*CASE, "events=[table,syria_2016]", *own, "reasons=false"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(tmp_path))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        assert score.main([*words, "cache=null", f"out={tmp_path / 'two'}"]) == 0
    page = (tmp_path / "two" / "report.html").read_text("utf-8")
    assert "34 lines were coded as 24 events" in text(page)


def test_the_founding_case_is_traced_to_its_last_line(syria: Path) -> None:
    page = (syria / "report.html").read_text("utf-8")
    assert_fetches_nothing(page, SCRIPT)
    (section,) = re.findall(r'<section id="lines">.*?</section>', page, re.DOTALL)
    lines = re.findall(r'<th scope="row" class="n" rowspan="\d+">(\d+)</th>', section)
    assert lines == [str(n) for n in range(1, 18)]
    assert {f"syria-2016-{n:02}" for n in range(1, 13)} <= set(
        re.findall(r"syria-2016-\d\d", section)
    )
    words = text(page)
    assert "All 12 events became known on 2016-04-07" in words
    assert "17 lines were coded as 12 events" in words
    # the warnings stand where the truce is told of
    (article,) = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert "a thin series" in article
    assert "at 5 deaths in the window of the rule" in text(article)
    assert "what the other events say moves no risk" in words
    assert "core is not told apart from trail" in words


def test_the_life_of_the_founding_case(syria: Path) -> None:
    life = Lives.validate(
        sheets.read(syria / "lives.csv", schema_overrides=Lives.create_empty().schema)
    )
    month = life.filter(pl.col("horizon_days") == 30).sort("origin")
    assert month["origin"].to_list() == [
        date(2016, 2, 28) + timedelta(days=i) for i in range(40)
    ]
    scores = sheets.read(syria / "risk_scores.csv")
    risk = scores.filter(pl.col("horizon_days") == 30)["risk"].item()
    assert month["risk"].tail(1).item() == pytest.approx(risk)
    # nothing is known before the report: the risk falls with age, and then jumps
    before = month.head(39)["risk"].to_list()
    assert before == sorted(before, reverse=True)
    assert risk > before[-1] + 0.05


def test_a_scoring_without_a_report_is_the_same_scores(
    syria: Path, tmp_path: Path
) -> None:
    words = [*CASE, "report=false", f"out={tmp_path / 'bare'}"]
    assert score.main(words) == 0
    names = {file.name for file in (tmp_path / "bare").iterdir()}
    assert not names & {"report.html", "lives.csv"}
    theirs = (syria / "risk_scores.csv").read_bytes()
    assert (tmp_path / "bare" / "risk_scores.csv").read_bytes() == theirs


def test_a_reader_that_leaves_early_makes_no_error() -> None:
    end, begin = os.pipe()
    os.close(end)
    with os.fdopen(begin, "w") as pipe:
        console = show.Pipe(file=pipe)
        for _ in range(2):
            console.print("model  reference")
