import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import assert_fetches_nothing, colours, text
from sklearn.isotonic import IsotonicRegression

from forecast.report import charts, cut, figures, tables
from forecast.report.page import Facts, headline, render
from forecast.schema import LeftOut, Metrics, Predictions, Rejected, RiskScores

HORIZONS = (7, 14, 30, 90)
BASELINES = ("base_rate", "age", "trail", "ewma")
SCRIPT, FORMULA = "<script>alert(1)</script>", '=HYPERLINK("http://a.example","x")'
NAMED = {"published": "logit", "named_baseline": "trail", "baselines": BASELINES}


def predictions(n=60, models=("logit", "trail"), horizons=HORIZONS, seed=0):
    rng = np.random.default_rng(seed)
    day = date(2001, 1, 1)
    rows = []
    for model in models:
        for horizon in horizons:
            risk = rng.integers(0, 20, n) / 19  # ties on purpose
            outcome = (rng.random(n) < risk).astype(int)
            known = rng.random(n) < 0.8
            rows += [
                {
                    "model": model,
                    "cutoff": day,
                    "truce_id": f"t{i // 4}",
                    "origin": day + timedelta(days=7 * i),
                    "horizon": horizon,
                    "conflict_id": None,
                    "dyad_id": f"d{i // 8}",
                    "risk": risk[i],
                    "outcome": int(outcome[i]) if known[i] else None,
                    "weight": 1 + i % 3 / 2 if known[i] else 0.0,
                }
                for i in range(n)
            ]
    return Predictions.validate(pl.DataFrame(rows), cast=True)


def metrics(skill, horizons=HORIZONS, model="logit"):
    """Metrics of one model with the given (value, lower, upper) over each baseline."""
    cells = {f"skill_over_{name}": cell for name, cell in skill.items()}
    cells |= {"skill": skill.get("trail", (None, None, None))}
    for name in ("brier", "auroc", "average_precision", "prevalence"):
        cells[name] = (0.2, 0.1, 0.3)
    cells["expected_observed"] = (None, None, None)
    rows = [
        (model, horizon, "all", name, *cell, 300, 60)
        for horizon in horizons
        for name, cell in cells.items()
    ]
    schema = Metrics.create_empty().schema
    return Metrics.validate(pl.DataFrame(rows, schema=schema, orient="row"))


def scores(n=25, model="logit"):
    rows = [
        {
            "as_of": date(2016, 4, 7),
            "truce_id": f"{i:03}",
            "truce": (SCRIPT, FORMULA, "Cessation of hostilities")[i % 3],
            "conflict_id": "299",
            "country": None if i % 2 else "Syria",
            "age_days": 40 + i,
            "horizon_days": horizon,
            "risk": risk,
            "risk_lower": risk * 0.8,
            "risk_upper": risk,
            "baseline_risk": 0.1,
            "drivers": "",
            "model": model,
            "label": "resumption",
            "run_id": "r",
            "data_digest": "d",
            "trained_through": date(2016, 4, 6),
        }
        for i in range(n)
        for horizon in HORIZONS
        for risk in [(i * 7 % n) / n * horizon / 90]
    ]
    return RiskScores.validate(pl.DataFrame(rows), cast=True)


BETTER = dict.fromkeys(BASELINES, (0.1, 0.05, 0.15))
FACTS = Facts(
    title="a run",
    label="resumption",
    named_baseline="trail",
    baselines=BASELINES,
    published="logit",
    horizons=HORIZONS,
    as_of=date(2016, 4, 7),
    sources=pl.DataFrame(
        {
            "kind": ["events"],
            "source": [f"ged {SCRIPT}"],
            "read": [12_345],
            "accepted": [12_340],
            "rejected": [5],
            "left_out": [0],
            "covered_through": [date(2015, 12, 31)],
            "digest": ["0123456789abcdef"],
        }
    ),
    rejected=Rejected.validate(
        pl.DataFrame(
            {
                "file": ["events.csv"] * 25,
                "line": list(range(2, 27)),
                "column": ["latitude"] * 25,
                "value": [SCRIPT] * 25,
                "reason": ["not a number"] * 25,
            }
        ),
        cast=True,
    ),
    left_out=LeftOut.validate(
        pl.DataFrame({"source": ["ethprio"], "reason": ["no dyad"], "n": [600]}),
        cast=True,
    ),
    notes=(f"hgb failed: {SCRIPT}",),
    run={"command": "forecast run seed=1 && echo", "seed": "1"},
    stages=pl.DataFrame({"stage": ["load"], "seconds": [1.25]}),
    peak_memory_mib=512.4,
)


@pytest.fixture(scope="module")
def page():
    return render(predictions(), metrics(BETTER), scores(), FACTS)


# ── the page ────────────────────────────────────────────────────────────────────


def test_the_page_fetches_nothing(page):
    tags = re.findall(r"<[a-zA-Z][^>]*>", page)
    loads = [t for t in tags if re.search(r"\b(src|href|srcset|data|action)=", t)]
    targets = re.findall(r'\b(?:src|href)="([^"]*)"', " ".join(loads))
    assert targets
    assert all(target == "data:," or target[0] == "#" for target in targets)
    assert not re.search(r"<(script|iframe|object|embed|img|image|use|base)\b", page)
    assert not re.search(r"@import|@font-face", page)
    assert all(found[0] == "#" for found in re.findall(r"url\(([^)]*)\)", page))
    in_tags = re.sub(r'xmlns(:xlink)?="[^"]*"', "", " ".join(tags))
    assert "http:" not in in_tags
    assert "https:" not in in_tags


def test_text_from_data_is_escaped_and_shown(page):
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20
    assert SCRIPT in text(page)
    assert FORMULA in text(page)
    assert "forecast run seed=1 && echo" in text(page)


def test_hostile_names_of_models_are_escaped():
    odd = {"published": SCRIPT, "named_baseline": '"><b>', "baselines": ('"><b>',)}
    found = metrics({'"><b>': (0.1, 0.05, 0.2)}, model=SCRIPT)
    page = render(
        predictions(models=(SCRIPT, '"><b>')),
        found,
        scores(model=SCRIPT),
        replace(FACTS, **odd),
    )
    assert "<script" not in page
    assert '"><b>' not in page
    assert f"{SCRIPT} is better than every baseline" in text(page)


def test_every_chart_can_be_cut_out_as_a_page_of_its_own():
    odd = {"published": SCRIPT, "named_baseline": '"><b>', "baselines": ('"><b>',)}
    whole = render(
        predictions(models=(SCRIPT, '"><b>')),
        metrics({'"><b>': (0.1, 0.05, 0.2)}, model=SCRIPT),
        scores(model=SCRIPT),
        replace(FACTS, **odd),
    )
    cut_out = cut.charts(whole)
    assert len(cut_out) == whole.count("<svg") > 5
    assert {"risk", "skill-30", "reliability-30"} <= set(cut_out)
    for page in cut_out.values():
        assert_fetches_nothing(page)
        assert page.count("<svg") == page.count("</svg>") == 1
        assert page[page.index("<svg") : page.index("</svg>")] in whole
    assert SCRIPT in text(cut_out["reliability-30"])


def test_every_colour_of_a_chart_has_its_counterpart_in_the_dark(page):
    used, swapped = colours(page)
    assert used
    assert used <= swapped


def test_equal_input_gives_equal_bytes(page):
    shuffled = (
        frame.sample(fraction=1, shuffle=True, seed=3)
        for frame in (predictions(), metrics(BETTER), scores())
    )
    assert render(*shuffled, FACTS) == page


def test_ids_are_unique_over_the_page_and_every_reference_has_one(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    references = set(re.findall(r'(?:url\(#|href="#)([^")]+)', page))
    assert references <= set(ids)
    # of the risks, of the months, as all is of one fit, and two a horizon
    assert page.count("<svg") == 2 + 2 * len(HORIZONS)
    assert page.count('role="img" aria-label="') == page.count("<svg")


def test_ids_of_two_charts_differ_though_the_charts_are_equal():
    chart = charts.alt.Chart(pl.DataFrame({"x": [1.0]})).mark_point(clip=True)
    first, second, again = (charts.svg(chart, name) for name in ("a", "b", "a"))
    assert 'id="a-0"' in first
    assert "url(#a-0)" in first
    assert first.replace("a-0", "b-0").replace('chart="a"', 'chart="b"') == second
    assert first == again


def test_the_page_says_what_was_refused_and_left_out(page):
    said = text(page)
    assert "25 rows were refused as faulty; the first 20 are shown" in said
    assert "not a number" in said
    assert page.count("<td>latitude</td>") == 20
    assert "no dyad" in said
    assert "0123456789ab" in said
    assert "12\N{NARROW NO-BREAK SPACE}345" in page
    assert "hgb failed" in said
    assert "512 MiB" in said
    assert "not recorded" in said  # the git commit


def test_the_page_names_its_panel(page):
    assert "15 truces of 8 dyads, 60 weekly origins from 2001-01-01" in text(page)


def test_an_empty_run_says_so_in_every_section():
    facts = replace(
        FACTS,
        rejected=Rejected.create_empty(),
        left_out=LeftOut.create_empty(),
        sources=FACTS.sources.clear(),
        stages=FACTS.stages.clear(),
        notes=(),
        run={},
    )
    page = render(
        Predictions.create_empty(),
        Metrics.create_empty(),
        RiskScores.create_empty(),
        facts,
    )
    said = text(page)
    assert "<svg" not in page
    assert "<table" not in page
    for words_ in (
        "There is no skill to report: no forecast of logit was held against",
        "this run holds no test forecasts",
        "no risk scores to show: no truce in force on 2016-04-07 was scored",
        "no skill to show",
        "no reliability to show",
        "No source was recorded",
        "No row was refused",
        "Nothing was left out",
        "No timings were recorded",
        "Nothing was noted",
    ):
        assert words_ in said


def test_scores_of_another_model_are_not_shown_as_the_published_one():
    page = render(predictions(), metrics(BETTER), scores(model="hgb"), FACTS)
    assert "hold no row of the published model logit" in text(page)
    assert 'class="name"' not in page.split('id="skill"')[0]


def test_one_horizon_is_enough():
    found = render(
        predictions(horizons=(14,)),
        metrics(BETTER, (14,)),
        scores().filter(pl.col("horizon_days") == 14),
        replace(FACTS, horizons=(14,)),
    )
    assert "collapse within 14 days?" in text(found)
    assert found.count("<svg") == 4


def test_scores_without_skill_or_interval_are_dashes():
    unknown = dict.fromkeys(BASELINES, (None, None, None))
    page = render(predictions(), metrics(unknown), scores(), FACTS)
    assert "No skill over trail could be computed" in text(page)
    assert "logit is not scored at 7, 14, 30 and 90 days." in text(page)
    bare = dict.fromkeys(BASELINES, (0.1, None, None))
    page = render(predictions(), metrics(bare), scores(), FACTS)
    assert "no interval could be computed" in text(page)
    assert "not told apart from trail" in text(page)


def test_outcomes_that_are_all_unknown_leave_no_reliability_chart():
    unknown = predictions().with_columns(
        outcome=pl.lit(None, pl.Int8), weight=pl.lit(0.0)
    )
    page = render(Predictions.validate(unknown), metrics(BETTER), scores(), FACTS)
    assert "no reliability to show" in text(page)


# ── the words ───────────────────────────────────────────────────────────────────

bound = st.floats(-1, 1, allow_nan=False)
interval = st.tuples(bound, bound, bound).map(sorted).map(lambda b: (b[1], b[0], b[2]))
over = st.fixed_dictionaries(dict.fromkeys(BASELINES, interval))


@given(over)
def test_the_headline_says_no_more_than_the_intervals_allow(skill):
    said = headline(metrics(skill, (30,)), **NAMED)
    better = all(lower > 0 for _, lower, _ in skill.values())
    assert ("better than every baseline" in said) == better
    assert ("worse than trail" in said) == (skill["trail"][2] < 0)
    assert said.count("better") + said.count("worse") + said.count("not told") == 1
    apart = re.search(r"not told apart from (\w+)", said)
    if apart:
        assert skill[apart[1]][1] <= 0
        assert skill["trail"][2] >= 0
    if skill["trail"][1] <= 0 <= skill["trail"][2]:
        assert "not told apart from trail" in said


@pytest.mark.parametrize(
    ("trail", "words_"),
    [
        ((0.1, 0.01, 0.2), "better than every baseline"),
        ((0.1, 0.0, 0.2), "not told apart from trail"),
        ((-0.1, -0.2, 0.0), "not told apart from trail"),
        ((-0.1, -0.2, -0.01), "worse than trail"),
    ],
)
def test_the_three_cases_of_the_headline(trail, words_):
    said = headline(metrics(BETTER | {"trail": trail}), **NAMED)
    assert said.startswith(f"logit is {words_} at 7, 14, 30 and 90 days.")


def test_one_missing_baseline_forbids_better_than_every_baseline():
    less = {name: cell for name, cell in BETTER.items() if name != "ewma"}
    said = headline(metrics(less), **NAMED)
    assert "better" not in said
    assert "not told apart from ewma" in said


def test_the_headline_tells_horizons_apart():
    both = pl.concat(
        [
            metrics(BETTER, (30, 90)),
            metrics(BETTER | {"trail": (-0.1, -0.2, -0.05)}, (7,)),
        ]
    )
    assert headline(both, **NAMED) == (
        "logit is worse than trail at 7 days, and better than every baseline at 30 "
        "and 90 days. At 30 days its error (Brier score) is 10.0% smaller than that "
        "of trail (90% interval: 5.0% smaller to 15.0% smaller)."
    )


def test_other_strata_do_not_reach_the_headline():
    other = metrics(BETTER, (30,)).with_columns(stratum=pl.lit("Syria"))
    assert "no skill to report" in headline(other, **NAMED)


@given(st.floats(0, 1))
def test_a_risk_is_never_written_as_a_certainty(risk):
    written = figures.percent(risk)
    assert written not in {"0%", "100%"}
    assert abs(float(written.strip("<>%")) - 100 * risk) <= 1


# ── the numbers behind the charts ───────────────────────────────────────────────


def min_max(x, y, w):
    """Isotonic fit by its min–max formula, with ties in x pooled."""
    at = np.unique(x)
    weight = np.array([w[x == v].sum() for v in at])
    total = np.array([(w * y)[x == v].sum() for v in at])
    return at, [
        max(
            min(total[a : b + 1].sum() / weight[a : b + 1].sum() for b in range(i, k))
            for a in range(i + 1)
        )
        for k in [len(at)]
        for i in range(k)
    ]


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_recalibration_is_the_weighted_isotonic_fit_of_known_rows(seed, n):
    frame = predictions(n, models=("logit",), horizons=(30,), seed=seed)
    curve = tables.recalibration(frame, "logit", 30)
    known = frame.drop_nulls("outcome")
    x, y, w = (known[c].cast(float).to_numpy() for c in ("risk", "outcome", "weight"))
    if not len(x):
        assert curve.is_empty()
        return
    at, level = min_max(x, y, w)
    assert curve["forecast"].to_list() == at.tolist()
    np.testing.assert_allclose(curve["recalibrated"], level, atol=1e-9)
    fit = IsotonicRegression().fit(x, y, sample_weight=w)
    np.testing.assert_allclose(curve["recalibrated"], fit.predict(at), atol=1e-12)
    assert curve["recalibrated"].is_sorted()
    assert curve["weight"].sum() == pytest.approx(w.sum())


def test_unknown_rows_move_nothing():
    frame = predictions()
    known = Predictions.validate(frame.drop_nulls("outcome"))
    assert known.height < frame.height
    for horizon in HORIZONS:
        assert tables.recalibration(frame, "trail", horizon).equals(
            tables.recalibration(known, "trail", horizon)
        )


def test_knots_draw_the_same_line():
    curve = tables.recalibration(predictions(), "logit", 30)
    knots = tables.knots(curve)
    assert knots.height < curve.height
    drawn = np.interp(curve["forecast"], knots["forecast"], knots["recalibrated"])
    np.testing.assert_allclose(drawn, curve["recalibrated"], atol=1e-12)


def test_the_histogram_is_weighted():
    curve = tables.recalibration(predictions(), "logit", 30)
    bins = tables.histogram(curve)
    assert bins["share"].sum() == pytest.approx(1)
    first = curve.filter(pl.col("forecast") < 0.05)["weight"].sum()
    assert bins["share"][0] == pytest.approx(first / curve["weight"].sum())


def test_the_truces_at_highest_risk_are_the_highest_at_30_days():
    given_ = scores()
    top = tables.top_risks(given_, "logit")
    at_30 = given_.filter(pl.col("horizon_days") == 30)["risk"].sort(descending=True)
    assert top["risk"].to_list() == at_30.head(20).to_list()
    assert top["rank"].to_list() == list(range(1, 21))
    assert top["truce_id"].n_unique() == 20
    for row in top.iter_rows(named=True):
        own = given_.filter(pl.col("truce_id") == row["truce_id"]).sort("horizon_days")
        assert [cell["risk"] for cell in row["risks"]] == own["risk"].to_list()


def test_truces_of_one_name_stay_apart_in_the_chart():
    drawn = charts.svg(charts.risk_chart(tables.top_risks(scores(), "logit")), "r")
    ranks = re.findall(r">(\d+)\. ", drawn)
    assert sorted(map(int, ranks)) == list(range(1, 21))


def test_the_chart_of_skill_leaves_out_what_is_not_known():
    known = metrics(BETTER | {"trail": (0.1, None, None)}, (30,))
    absent = metrics(dict.fromkeys(BASELINES, (None, None, None)), (30,), "hgb")
    baseline = metrics(BETTER, (30,), "age")
    table = tables.skill_table(
        Metrics.validate(pl.concat([known, absent, baseline])),
        "logit",
        "trail",
        BASELINES,
    )
    assert table.select("model", "role").rows() == [
        ("logit", "published"),
        ("age", "baseline"),
    ]
    drawn = charts.svg(charts.skill_chart(table, 30), "s")
    rules = re.search(r'mark-rule role-mark layer_1_marks".*?</g>', drawn)
    assert rules is not None
    assert rules[0].count("<line") == 1
