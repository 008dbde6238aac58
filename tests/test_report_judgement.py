"""What the report shows a sceptic: readings, calibration, strata, years, alarms."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import colours
from pages import text as text_of
from test_report import BETTER, FACTS, HORIZONS, SCRIPT, metrics, predictions, scores

from forecast.report import (
    charts,
    decision_words,
    figures,
    readings,
    reliability,
    where,
    words,
    years,
)
from forecast.report.page import render
from forecast.report.where_chart import strata_chart
from forecast.report.words import Score
from forecast.schema import Alarms, Costs, Metrics, Predictions

NOT_KNOWN = (None, None, None)
COUNTRIES = 20
Cell = tuple[float | None, float | None, float | None]
Named = tuple[str, str, int, dict[str, Cell], int, int]


def rows(*given_: Named) -> pl.DataFrame:
    """Metrics from (model, stratum, horizon, figures, n, n_events)."""
    return Metrics.validate(
        pl.DataFrame(
            [
                (model, horizon, stratum, metric, *cell, n, n_events)
                for model, stratum, horizon, cells, n, n_events in given_
                for metric, cell in cells.items()
            ],
            schema=Metrics.create_empty().schema,
            orient="row",
        )
    )


def stratum(name: str, n_events: int, skill: Cell = (0.1, -0.1, 0.2)) -> pl.DataFrame:
    """A stratum of the published model at 30 days; without a skill it is too small."""
    other = NOT_KNOWN if skill[0] is None else (0.2, 0.1, 0.3)
    cells = dict.fromkeys(("brier", "prevalence", "expected_observed"), other)
    cells |= {"skill": skill, "skill_over_trail": skill}
    return rows(("logit", name, 30, cells, 10 * n_events + 1, n_events))


def in_parts() -> pl.DataFrame:
    """Strata of every kind, and one of a kind that the page has no words for."""
    known = {
        "state": ("eroding", "quiet"),
        "age": ("first month", "later", "second and third month"),
        "dyad": ("seen", "unseen"),
        "period": ("2000 to 2004", "1995 to 1999"),
        "weather": (SCRIPT,),
    }
    parts = [
        stratum(f"{k}: {name}", 40) for k, names in known.items() for name in names
    ]
    parts += [
        stratum(
            f"country: c{i:02}", i, NOT_KNOWN if i < 3 else (0.1, 0.02 * i - 0.1, 0.4)
        )
        for i in range(COUNTRIES)
    ]
    return pl.concat([*parts, stratum("region: Americas", 2, NOT_KNOWN)])


def of_all(model: str) -> pl.DataFrame:
    """Second readings and calibration of one model over all forecasts."""
    cells: dict[str, Cell] = {
        "skill_over_trail_by_conflict": (0.1, -0.02, 0.2),
        "information_gain": (0.08, 0.01, 0.15),
        "sign_flip": (0.04, None, None),
        "concordance": (0.77, 0.7, 0.8),
        "miscalibration": (0.004, None, None),
        "miscalibration_by_chance": (0.002, 0.001, 0.003),
        "discrimination": (0.02, None, None),
        "uncertainty": (0.13, None, None),
        "calibration_slope": (0.7, 0.5, 0.9),
        "calibration_intercept": (-0.2, -0.5, 0.1),
    }
    parts = [rows((model, "all", h, cells, 300, 60)) for h in HORIZONS]
    whole = {
        f"{name}{end}": (0.1, 0.05, 0.15)
        for name in ("rps", "integrated_brier")
        for end in ("", "_skill")
    }
    return pl.concat([*parts, rows((model, "all", 90, whole, 300, 60))])


def by_years(n: int = 90, seed: int = 0) -> Predictions:
    """Forecasts whose cutoffs are the first of January of each origin's year."""
    cutoff = pl.date(pl.col("origin").dt.year(), 1, 1)
    return Predictions.validate(predictions(n, seed=seed).with_columns(cutoff=cutoff))


def alarms(models: tuple[str, ...] = ("logit", "trail")) -> pl.DataFrame:
    """Alarms that catch less at higher levels, and more of more truces watched."""
    levels = [("level", n / 10) for n in range(1, 10)]
    found = [
        {
            "model": model,
            "horizon": horizon,
            "rule": rule,
            "at": at,
            "alarmed": share,
            "missed": 1 - share,
            "precision": None if share < 0.15 else 0.4,
            "collapses": 20,
            "caught": round(20 * share),
            "sustained": round(10 * share),
            "lead_days": 12.0,
            "episodes": 30,
            "false_alarms": 9,
            "unknown": 1,
            "false_per_truce_year": 1.5,
        }
        for model in models
        for horizon in HORIZONS
        for rule, at in [*levels, *(("watch", k) for k in (1.0, 3.0))]
        for share in [1 - at if rule == "level" else at / 10]
    ]
    return Alarms.validate(pl.DataFrame(found), cast=True)


def costs(models: tuple[str, ...] = ("logit", "trail")) -> pl.DataFrame:
    found = [
        (model, horizon, n / 10, 0.1, 0.3 - n / 20)
        for model in models
        for horizon in HORIZONS
        for n in range(1, 10)
    ]
    schema = Costs.create_empty().schema
    return Costs.validate(pl.DataFrame(found, schema=schema, orient="row"))


def judged() -> Metrics:
    """All metrics of a run."""
    parts = [metrics(BETTER), of_all("logit"), of_all("trail"), in_parts()]
    return Metrics.validate(pl.concat(parts))


@pytest.fixture(scope="module")
def page():
    return render(by_years(), judged(), scores(), FACTS, alarms=alarms(), costs=costs())


def section(page, name):
    return page.split(f'<section id="{name}">')[1].split("</section>")[0]


# ── the page ────────────────────────────────────────────────────────────────────


def test_every_section_is_there_with_its_charts(page):
    drawn = {"risk": 1, "skill": 4, "reliability": 4, "where": 1, "years": 1}
    drawn |= {"decision": 2, "data": 0, "repeat": 0, "notes": 0}
    assert {n: section(page, n).count("<svg") for n in drawn} == drawn
    assert set(re.findall(r'<section id="(\w+)"', page)) == set(drawn)
    linked = re.findall(r'<a href="#(\w+)"', page.split("<nav")[1].split("</nav>")[0])
    assert linked == re.findall(r'<section id="(\w+)"', page)


def test_the_page_still_fetches_nothing_and_escapes_everything(page):
    assert "<script" not in page
    assert SCRIPT in text_of(section(page, "where"))
    assert "default-src 'none'" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'\b(?:src|href)="([^"]*)"', page)
    assert all(target == "data:," or target[1:] in ids for target in targets)
    used, dark = colours(page)
    assert used <= dark
    assert page.count('role="img" aria-label="') == page.count("<svg")
    assert len(page.encode()) < 3_000_000


def test_equal_frames_give_equal_bytes(page):
    shuffled = [
        frame.sample(fraction=1, shuffle=True, seed=5)
        for frame in (by_years(), judged(), scores(), alarms(), costs())
    ]
    again = render(*shuffled[:3], FACTS, alarms=shuffled[3], costs=shuffled[4])
    assert again == page


@pytest.mark.parametrize("name", ["reliability", "where", "years", "decision"])
def test_no_section_but_that_on_skill_calls_a_model_better_or_worse(page, name):
    assert not re.search(r"\b(better|worse|beats?)\b", section(page, name))


def test_a_scoring_has_no_judgement_to_show():
    page = render(Predictions.create_empty(), Metrics.create_empty(), scores(), FACTS)
    said = text_of(page)
    for words_ in (
        "no skill to show",
        "no reliability to show",
        "There are no strata to show: this run scored no parts",
        "nothing to show over time: this run holds no test forecast of logit",
        "no warnings to judge: this run raised no alarm by logit",
    ):
        assert words_ in said
    assert page.count("<svg") == 1


def test_a_published_baseline_is_held_against_none():
    facts = replace(FACTS, published="trail")
    said = text_of(
        render(by_years(), judged(), scores(), facts, alarms=alarms(), costs=costs())
    )
    assert "no strata to show: trail is itself the baseline" in said
    assert "nothing to show over time: trail is itself the baseline" in said
    assert "Second readings" not in said
    assert said.count("caught 18 of 20 collapses") == 1
    assert "small figures are of trail" not in said
    assert "that of trail" not in said


# ── second readings ─────────────────────────────────────────────────────────────

bound = st.floats(-1, 1, allow_nan=False)
interval = st.tuples(bound, bound, bound).map(sorted).map(lambda b: (b[1], b[0], b[2]))
unknown = st.just(NOT_KNOWN)


@given(interval | unknown, interval | unknown, interval | unknown, st.floats(0, 1))
def test_readings_disagree_where_one_leaves_zero_out_and_another_does_not(
    dyads, conflicts, gain, p
):
    cells = {
        "skill_over_trail": dyads,
        "skill_over_trail_by_conflict": conflicts,
        "information_gain": gain,
        "sign_flip": (p, None, None),
    }
    found = words.lookup(rows(("logit", "all", 30, cells, 300, 60)))
    (read,) = readings.readings(found, [30], FACTS)
    sides = {
        (low > 0) - (high < 0)
        for _, low, high in (dyads, conflicts, gain)
        if low is not None
    }
    if dyads[0] is not None:
        sides.add((1 if dyads[0] > 0 else -1) if p < 1 - FACTS.level else 0)
    assert set(read.sides.values()) == sides
    assert read.disputed == (len(sides) > 1)
    said = " ".join(readings.agreement([read]))
    assert ("disagree" in said) == read.disputed
    for name in read.sides if read.disputed else ():
        assert said.count(name) == 1
    if not read.disputed and sides:
        assert read.said == {
            1: "all above zero",
            0: "none leaves out zero",
            -1: "all below zero",
        }.pop(*sides)


def test_the_readings_are_shown_and_their_dispute_is_said_at_the_top(page):
    top = text_of(page.split("<nav")[0])
    assert "At 7, 14, 30 and 90 days second readings of that skill disagree." in top
    said = text_of(section(page, "skill"))
    assert (
        "At 7, 14, 30 and 90 days the readings disagree: skill with dyads redrawn, "
        "information gain and the sign flip are above zero, while skill with conflicts "
        "redrawn holds zero."
    ) in said
    assert "0.040they disagree" in said
    assert (
        "Over all horizons up to 90 days at once: ranked probability score 0.100, "
        "skill over trail +10.0% (+5.0 to +15.0); integrated Brier score 0.100"
    ) in said


def test_horizons_that_agree_are_named_apart_from_those_that_do_not():
    score = Score(0.1, 0.05, 0.2, 300, 60)
    read = [
        readings.Reading(7, score, score, score, score, {"a": 1, "b": 1}),
        readings.Reading(30, score, score, score, score, {"a": 1, "b": 0}),
        readings.Reading(90, score, score, score, score, {"a": 0, "b": 0}),
    ]
    first, second = readings.agreement(read)
    assert first == "At 7 and 90 days the readings agree."
    assert second.startswith("At 30 days the readings disagree: a is above zero, while")
    assert readings.agreement([]) == []


# ── reliability ─────────────────────────────────────────────────────────────────


@given(st.floats(0, 1), st.floats(0, 1))
def test_miscalibration_is_beyond_chance_above_its_range_only(value, upper):
    by_chance = Score(upper / 2, 0.0, upper, 300, 60)
    said = reliability.chance(Score(value, None, None, 300, 60), by_chance)
    assert (said == "beyond chance") == (value > upper)
    assert reliability.chance(words.UNSCORED, by_chance) == ""
    assert reliability.chance(by_chance, words.UNSCORED) == ""


def test_calibration_of_the_published_model_and_the_named_baseline_is_shown(page):
    said = section(page, "reliability")
    assert said.count("beyond chance</td>") == 2 * len(HORIZONS)
    assert said.count("0.0010 to 0.0030") == 2 * len(HORIZONS)
    for figure in ("0.0040", "0.1300", f"{figures.MINUS}0.20", "0.70 to 0.80"):
        assert figure in said
    without = render(by_years(), metrics(BETTER), scores(), FACTS)
    assert "iscalibration" not in section(without, "reliability")


# ── strata ──────────────────────────────────────────────────────────────────────


def test_strata_stand_in_the_order_of_the_page():
    table = where.strata_table(judged().filter(pl.col("model") == "logit"), "trail", 30)
    assert table["kind"].unique(maintain_order=True).to_list() == [
        "all",
        "state",
        "age",
        "dyad",
        "period",
        "region",
        "country",
        "weather",
    ]
    at = {k: p["name"].to_list() for (k,), p in table.group_by("kind")}
    assert at["age"] == ["first month", "second and third month", "later"]
    assert at["period"] == ["1995 to 1999", "2000 to 2004"]
    assert at["country"] == [f"c{i:02}" for i in reversed(range(COUNTRIES))]
    assert table.height == 1 + in_parts()["stratum"].n_unique()


def test_a_stratum_has_the_figures_of_its_rows():
    found = judged()
    table = where.strata_table(found.filter(pl.col("model") == "logit"), "trail", 30)
    for row in table.filter(pl.col("kind") != "all").rows(named=True):
        own = found.filter(pl.col("stratum") == f"{row['kind']}: {row['name']}")
        cells = {r["metric"]: r for r in own.rows(named=True)}
        for figure in ("brier", "prevalence", "expected_observed"):
            assert row[figure] == cells[figure]["value"]
        skill = cells["skill_over_trail"]
        assert [row[c] for c in ("skill", "lower", "upper", "n", "n_events")] == [
            skill[c] for c in ("value", "lower", "upper", "n", "n_events")
        ]


@given(st.integers(0, 25))
def test_every_country_is_shown_or_counted(shown):
    own = judged().filter(pl.col("model") == "logit")
    every = where.strata_table(own, "trail", 30)
    table = where.shown(every, shown)
    country = pl.col("kind") == "country"
    listed = table.filter(country)
    assert listed.height == min(shown, COUNTRIES - 3)
    assert listed["skill"].null_count() == 0
    rest = every.filter(country).join(listed, on="name", how="anti")
    scored = rest.filter(pl.col("skill").is_not_null())
    if listed.height and scored.height:
        assert listed["n_events"].min() >= scored["n_events"].max()
    assert table.filter(~country).equals(every.filter(~country))
    numbers = [
        int(n) for n in re.findall(r"(\d+) (?:that|with)", where.others(every, table))
    ]
    assert sum(numbers) == rest.height


@given(st.lists(interval | unknown, min_size=1, max_size=40), st.floats(0.5, 0.99))
def test_intervals_that_leave_out_zero_are_counted(cells, level):
    every = pl.DataFrame(
        [("state", low, high) for _, low, high in cells] + [("all", 0.1, 0.2)],
        schema={"kind": pl.String, "lower": pl.Float64, "upper": pl.Float64},
        orient="row",
    )
    known = [cell for cell in cells if cell[0] is not None]
    out = sum(low > 0 or high < 0 for _, low, high in known)
    said = where.chance(every, level)
    if not known:
        assert said == ""
        return
    assert said.startswith(
        f"Of {len(known)} intervals of {level:.0%}, {out or 'none'} "
    )
    assert f"about {len(known) * (1 - level):.0f} would by chance" in said


def test_strata_of_few_cases_are_listed_as_such(page):
    said = section(page, "where")
    assert said.count("too few to score") == 1
    said = text_of(said)
    assert "Americas too few to score 212 " in said
    assert "5 that are scored (255 forecasts, 25 followed by a collapse) and" in said
    assert "3 with too few cases to score (33 forecasts, 3 followed" in said


@pytest.mark.parametrize("worst", [-0.2, -0.9, -40.0])
def test_the_chart_of_strata_keeps_every_dot_and_leaves_out_none(worst):
    cells = [(worst, worst - 1, 0.1), (0.1, -0.1, 0.2), (0.05, None, None)]
    parts = [stratum(f"state: s{i}", 9, cell) for i, cell in enumerate(cells)]
    table = where.strata_table(pl.concat(parts), "trail", 30)
    drawn = charts.svg(strata_chart(table), "w")
    marks = re.search(r'mark-symbol role-mark[^"]*".*?</g>', drawn, re.DOTALL)
    assert marks is not None
    across = [float(x) for x in re.findall(r"translate\(([-\d.]+),", marks[0])]
    assert len(across) == 3
    assert all(0 <= x <= 250 for x in across)
    assert across[0] < across[2] < across[1]


# ── years ───────────────────────────────────────────────────────────────────────


@given(st.integers(0, 1000), st.integers(1, 120))
def test_scores_of_a_year_agree_with_a_plain_loop(seed, n):
    frame = by_years(n, seed)
    # a forecast that one model lacks counts for neither
    lost = (pl.col("model") == "trail") & (pl.col("truce_id") == "t3")
    frame = frame.filter(~lost)
    found = years.by_year(frame, "logit", "trail", 30)
    cells = {
        (r["model"], r["truce_id"], r["origin"]): r
        for r in frame.rows(named=True)
        if r["horizon"] == 30 and r["outcome"] is not None
    }
    by: dict[int, list[tuple[dict, dict]]] = {}
    for (model, *key), row in cells.items():
        other = cells.get(("trail", *key))
        if model == "logit" and other:
            by.setdefault(row["cutoff"].year, []).append((row, other))
    assert found["year"].to_list() == sorted(by)
    for row in found.rows(named=True):
        both = by[row["year"]]
        weight = [mine["weight"] for mine, _ in both]
        for name, place in (("own", 0), ("named", 1)):
            errors = [(p[place]["risk"] - p[0]["outcome"]) ** 2 for p in both]
            mean = np.average(errors, weights=weight)
            assert row[name] == pytest.approx(mean, abs=1e-12)
        assert row["n"] == len(both)
        assert row["collapses"] == len(
            {mine["truce_id"] for mine, _ in both if mine["outcome"]}
        )


def test_one_year_of_cutoffs_shows_nothing_over_time():
    page = render(predictions(), metrics(BETTER), scores(), FACTS)
    assert "have one year of cutoffs in common" in text_of(section(page, "years"))
    unknown = by_years().with_columns(outcome=pl.lit(None, pl.Int8), weight=0.0)
    page = render(Predictions.validate(unknown), metrics(BETTER), scores(), FACTS)
    assert "have no year of cutoffs in common" in text_of(section(page, "years"))


def test_years_of_few_collapses_are_hollow():
    table = pl.DataFrame(
        {
            "year": [2001, 2002, 2003],
            "n": [9, 9, 9],
            "collapses": [9, years.FEW, years.FEW - 1],
            "own": [0.1, 0.2, 0.3],
            "named": [0.2, 0.1, 0.2],
        }
    )
    drawn = charts.svg(years.chart(table), "y")
    found = re.findall(r'<path[^>]*fill="(#\w{6})"[^>]*stroke="(#\w{6})"', drawn)
    assert found.count(("#FFFFFF", charts.BLUE)) == 1
    assert found.count((charts.BLUE, charts.BLUE)) == 2
    assert found.count(("#FFFFFF", charts.VERMILION)) == 1
    assert years.held(table, "logit", "trail") == (
        "The error of logit is smaller than that of trail in 1 of 3 years; of the "
        "years with 5 or more collapses, in 1 of 2."
    )


# ── decisions ───────────────────────────────────────────────────────────────────


def test_the_rules_are_shown_with_what_came_of_them(page):
    said = text_of(section(page, "decision"))
    table = decision_words.decisions(alarms(), "logit", 30)
    assert table.height == 6
    for row in table.rows(named=True):
        shown = f"{row['warned']}{row['said']}trail: {row['said']}"
        alarmed, came = (figures.share(row[c]) for c in ("alarmed", "precision"))
        assert f"{shown}{alarmed}{alarmed}{came}{came}" in said
    assert "carry no interval" in said
    assert "area 0." in said


def test_alarms_without_costs_and_without_the_baseline_still_stand():
    own = Alarms.validate(alarms(("logit",)))
    page = render(by_years(), judged(), scores(), FACTS, alarms=own)
    found = section(page, "decision")
    assert found.count("<svg") == 1
    assert "trail: caught" not in found
    other = render(by_years(), judged(), scores(), FACTS, alarms=alarms(("trail",)))
    assert "raised no alarm by logit" in text_of(section(other, "decision"))


# ── figures and ticks ───────────────────────────────────────────────────────────


@given(st.floats(-10, 10), st.integers(0, 4))
def test_no_sign_stands_before_nothing(value, places):
    for written in (figures.plus(value, places), figures.decimals(value, places)):
        assert float(written.replace(figures.MINUS, "-")) == round(value, places)
        nothing = not re.search("[1-9]", written)
        assert not nothing or written[0] == "0"
    assert figures.plus(value)[0] in "+0" + figures.MINUS


@pytest.mark.parametrize("tenths", range(1, 11))
def test_ticks_of_a_risk_are_few_enough_to_be_read(tenths):
    top = pl.DataFrame(
        {
            "rank": [1],
            "truce": ["A truce"],
            "risk": [tenths / 10 - 0.05],
            "risk_lower": [0.0],
            "risk_upper": [tenths / 10 - 0.01],
            "baseline_risk": [0.01],
        }
    )
    drawn = charts.svg(charts.risk_chart(top), "r")
    labels = [int(n) for n in re.findall(r">(\d+)%<", drawn)]
    assert 3 <= len(labels) <= 6
    assert labels[0] == 0
    assert len({b - a for a, b in pairwise(labels)}) == 1
    assert labels[-1] <= 10 * tenths


def test_a_model_that_failed_in_a_fold_is_told_by_its_rows() -> None:
    cells: dict[str, Cell] = {"brier": (0.1, 0.05, 0.2)}
    found = rows(
        ("logit", "all", 30, cells, 1200, 90), ("hgb", "all", 30, cells, 900, 60)
    )
    page = render(predictions(), Metrics.validate(found), scores(), FACTS)
    table = page[page.index('aria-label="Table of scores"') :]
    told = re.findall(r">(\w+)<small>on ([^<]+) of them", table)
    assert told == [("hgb", "900")]
