"""Alarms and costs against plain loops, and the laws that a user relies on."""

from datetime import date, timedelta
from statistics import median
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from strategies import Row, day

from forecast.alarms import DAYS_A_YEAR, LEVELS, alarms
from forecast.costs import REFERENCES, costs
from forecast.report import decision, decision_words
from forecast.report.charts import svg
from forecast.schema import Alarms, Costs, Panel, Predictions

HORIZONS = (7, 30)
RISKS = (0.0, 0.1, 0.15, 0.3, 0.5, 0.95, 1.0)
SOME_LEVELS, SOME_WATCHED = (0.0, 0.1, 0.15, 0.4, 0.95), (1, 2, 3, 50)
few = settings(max_examples=25)
World = tuple[dy.DataFrame[Predictions], dy.DataFrame[Panel]]


# ── worlds ──────────────────────────────────────────────────────────────────────


def laid_out(truces: dict[str, tuple[list[int], int, int]]) -> dy.DataFrame[Panel]:
    """Panel of truces: days of their origins, what ended them, and its day."""
    rows = [
        {
            "truce_id": truce,
            "origin": day(at),
            "conflict_id": None,
            "dyad_id": truce,
            "country": None,
            "start": day(origins[0] - 1),
            "age_days": at - origins[0] + 1,
            "level": 0.0,
            "threshold": 5.0,
            "event": event,
            "duration": last - at + 1,
        }
        for truce, (origins, event, last) in truces.items()
        for at in origins
    ]
    return Panel.validate(pl.DataFrame(rows), cast=True)


def outcome(event: int, duration: int, horizon: int) -> int | None:
    if event == 0 and duration < horizon:
        return None
    return int(event == 1 and duration <= horizon)


def forecast(
    panel: dy.DataFrame[Panel],
    risks: dict[tuple[str, int, str, date], float],
    weights: dict[tuple[str, date], float] | None = None,
) -> dy.DataFrame[Predictions]:
    """Forecasts by model, horizon, truce and origin, with the outcomes they had."""
    at = {(row["truce_id"], row["origin"]): row for row in panel.rows(named=True)}
    rows = []
    for (model, horizon, *key), risk in risks.items():
        row = at[tuple(key)]
        came = outcome(row["event"], row["duration"], horizon)
        weight = 1.0 if weights is None else weights[tuple(key)]
        rows.append(
            {
                "model": model,
                "cutoff": date(2019, 1, 1),
                "truce_id": key[0],
                "origin": key[1],
                "horizon": horizon,
                "conflict_id": None,
                "dyad_id": key[0],
                "risk": risk,
                "outcome": came,
                "weight": 0.0 if came is None else weight,
            }
        )
    return Predictions.validate(
        pl.DataFrame(rows, schema=Predictions.create_empty().schema)
    )


def world(seed: int, step: int = 7, given_: float = 0.9) -> World:
    """A few truces that begin on any weekday, some of whose origins lack a forecast."""
    rng = np.random.default_rng(seed)
    truces = {}
    for i in range(int(rng.integers(1, 6))):
        first, n = int(rng.integers(0, 21)), int(rng.integers(1, 7))
        origins = [first + step * k for k in range(n)]
        last = origins[-1] + int(rng.integers(0, 40))
        truces[f"t{i}"] = (origins, int(rng.integers(0, 3)), last)
    panel = laid_out(truces)
    keys = panel.select("truce_id", "origin").rows()
    risks = {
        (model, horizon, *key): float(rng.choice(RISKS))
        for model in ("a", "b")
        for horizon in HORIZONS
        for key in keys
        if rng.random() < given_
    }
    weights = {key: float(rng.choice([1.0, 1.1, 2.7])) for key in keys}
    return forecast(panel, risks, weights), panel


def judged(predictions: Any, panel: Any, **settings: Any) -> dy.DataFrame[Alarms]:
    settings = {"levels": SOME_LEVELS, "watched": SOME_WATCHED} | settings
    return alarms(predictions, panel, **settings)


worlds = st.builds(world, st.integers(0, 10**6), st.sampled_from([3, 7, 14]))
full_worlds = st.builds(world, st.integers(0, 10**6), given_=st.just(1.0))


# ── plain loops ─────────────────────────────────────────────────────────────────


def monday(at: date) -> date:
    return at - timedelta(days=at.weekday())


def looped(predictions: Any, panel: Any, step: int) -> list[Row]:
    """Alarms by their definitions, one rule at a time."""
    found = []
    cells = sorted(set(predictions.select("model", "horizon").rows()))
    for model, horizon in cells:
        mine = [
            row
            for row in predictions.rows(named=True)
            if (row["model"], row["horizon"]) == (model, horizon)
        ]
        every = sorted(panel.select("truce_id", "origin").rows())
        latest = {(t, monday(o)): o for t, o in every}
        weekly = [(t, o) for t, o in every if latest[t, monday(o)] == o]
        rules = [("level", at, every) for at in SOME_LEVELS]
        rules += [("watch", float(at), weekly) for at in SOME_WATCHED]
        for rule, at, origins in rules:
            rows = [r for r in mine if (r["truce_id"], r["origin"]) in set(origins)]
            if not rows:
                continue
            warned = {
                (r["truce_id"], r["origin"])
                for r in rows
                if (r["risk"] >= at if rule == "level" else on_list(r, rows, at))
            }
            years = len(mine) * step / DAYS_A_YEAR
            key = {"model": model, "horizon": horizon, "rule": rule, "at": at}
            found.append(key | by_row(rows, warned))
            found[-1] |= by_truce(rows, warned, origins, panel, horizon)
            found[-1]["false_per_truce_year"] = found[-1]["false_alarms"] / years
    return found


def on_list(row: Row, rows: list[Row], k: float) -> bool:
    week = [r for r in rows if monday(r["origin"]) == monday(row["origin"])]
    above = [
        r for r in week if (-r["risk"], r["truce_id"]) < (-row["risk"], row["truce_id"])
    ]
    return len(above) < k


def by_row(rows: list[Row], warned: set[tuple[str, date]]) -> Row:
    mass = caught = right = total = 0.0
    for row in rows:
        alarm = (row["truce_id"], row["origin"]) in warned
        if row["outcome"] == 1:
            mass += row["weight"]
            caught += row["weight"] * alarm
        if alarm and row["outcome"] is not None:
            total += row["weight"]
            right += row["weight"] * row["outcome"]
    return {
        "alarmed": len(warned) / len(rows),
        "missed": 1 - caught / mass if mass else None,
        "precision": right / total if total else None,
    }


def by_truce(
    rows: list[Row],
    warned: set[tuple[str, date]],
    origins: list[tuple[str, date]],
    panel: Any,
    horizon: int,
) -> Row:
    count = dict.fromkeys(
        ("collapses", "caught", "sustained", "episodes", "false_alarms", "unknown"), 0
    )
    leads = []
    for truce in sorted({row["truce_id"] for row in rows}):
        spell = (
            panel.filter(pl.col("truce_id") == truce).sort("origin").row(0, named=True)
        )
        last = spell["origin"] + timedelta(days=spell["duration"] - 1)
        mine = [o for t, o in origins if t == truce]
        runs: list[list[date]] = [[]]
        for origin in mine:
            if (truce, origin) in warned:
                runs[-1].append(origin)
            elif runs[-1]:
                runs.append([])
        runs = [run for run in runs if run]
        for run in runs:
            left = (last - run[-1]).days + 1
            came = outcome(spell["event"], left, horizon)
            count["episodes"] += 1
            count["false_alarms"] += came == 0
            count["unknown"] += came is None
        near = [
            row["origin"]
            for row in rows
            if row["truce_id"] == truce and (last - row["origin"]).days < horizon
        ]
        if spell["event"] == 1 and near:
            count["collapses"] += 1
            count["caught"] += any((truce, origin) in warned for origin in near)
            if runs and runs[-1][-1] == mine[-1]:
                leads.append((last - runs[-1][0]).days)
    count["sustained"] = len(leads)
    return count | {"lead_days": median(leads) if leads else None}


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from([3, 7, 14]))
def test_alarms_agree_with_plain_loops(seed: int, step: int) -> None:
    predictions, panel = world(seed, step)
    found = judged(predictions, panel, step_days=step)
    naive = pl.DataFrame(
        looped(predictions, panel, step), schema=Alarms.create_empty().schema
    )
    assert_frame_equal(found, naive, check_row_order=False, abs_tol=1e-12)


@few
@given(worlds, st.sampled_from([0.1, 0.25, 0.5, 0.95]))
def test_costs_agree_with_plain_loops(given_: World, ratio: float) -> None:
    predictions, _ = given_
    found = costs(predictions, ratios=(ratio,))
    known = predictions.filter(pl.col("weight") > 0)
    named = {(r["model"], r["horizon"]): r for r in found.rows(named=True)}
    assert {k for k in named if k[0] not in REFERENCES} == set(
        known.select("model", "horizon").rows()
    )
    for (model, horizon), row in named.items():
        rows = known.filter(pl.col("horizon") == horizon)
        if model in REFERENCES:
            rows = rows.unique(["truce_id", "origin"])
        else:
            rows = rows.filter(pl.col("model") == model)
        mass = sum(rows["weight"])
        paid = dict.fromkeys(("always", "never", "perfect", "model"), 0.0)
        for cell in rows.rows(named=True):
            collapsed, weight = cell["outcome"], cell["weight"]
            paid["always"] += weight * ratio / mass
            paid["never"] += weight * collapsed / mass
            paid["perfect"] += weight * ratio * collapsed / mass
            price = ratio if cell["risk"] > ratio else collapsed
            paid["model"] += weight * price / mass
        mine = paid[model if model in REFERENCES else "model"]
        assert row["cost"] == pytest.approx(mine, abs=1e-12)
        best = min(paid["always"], paid["never"])
        if 0 < paid["never"] < 1 - 1e-9:
            saved = (best - mine) / (best - paid["perfect"])
            assert row["saved"] == pytest.approx(saved, abs=1e-9)
        else:
            assert row["saved"] is None


# ── laws of alarms ──────────────────────────────────────────────────────────────


def falls(values: pl.Series) -> bool:
    return values.drop_nulls().is_sorted(descending=True)


@few
@given(worlds)
def test_more_warnings_catch_more_and_miss_less(given_: World) -> None:
    found = judged(*given_).sort("at")
    for (_, _, rule), part in found.group_by("model", "horizon", "rule"):
        wider = part if rule == "level" else part.reverse()
        assert all(falls(wider[name]) for name in ("alarmed", "caught", "sustained"))
        assert falls(-wider["missed"])
        assert wider["collapses"].n_unique() == 1


@few
@given(full_worlds)
def test_whoever_always_warns_misses_nothing(given_: World) -> None:
    found = judged(*given_, levels=(0.0,), watched=(50,))
    assert (found["alarmed"] == 1).all()
    assert (found["missed"].drop_nulls() == 0).all()
    assert (found["caught"] == found["collapses"]).all()
    assert (found["sustained"] == found["collapses"]).all()
    truces = given_[1]["truce_id"].n_unique()
    assert (found["episodes"] == truces).all()


@few
@given(worlds, st.integers(1, 4))
def test_a_list_has_so_many_truces_or_all_there_are(given_: World, k: int) -> None:
    predictions, panel = given_
    week = pl.col("origin").dt.truncate("1w")
    latest = panel.filter(
        pl.col("origin") == pl.col("origin").max().over("truce_id", week)
    )
    listed = predictions.join(latest, on=["truce_id", "origin"], how="semi")
    room = listed.group_by("model", "horizon", week=week).agg(n=pl.len())
    share = room.group_by("model", "horizon").agg(
        share=pl.col("n").clip(upper_bound=k).sum() / pl.col("n").sum()
    )
    found = judged(predictions, panel, levels=(), watched=(k,))
    both = found.join(share, on=["model", "horizon"])
    assert both.height == found.height == share.height
    np.testing.assert_allclose(both["alarmed"], both["share"], atol=1e-12)


@few
@given(full_worlds, st.integers(0, 10**6))
def test_an_outcome_that_is_lost_is_no_false_alarm(given_: World, seed: int) -> None:
    predictions, panel = given_
    before = judged(predictions, panel)
    lost = np.random.default_rng(seed).random(predictions.height) < 0.5
    quiet = pl.Series(lost) & (pl.col("outcome") == 0).fill_null(False)
    fewer = predictions.with_columns(
        outcome=pl.when(~quiet).then("outcome"),
        weight=pl.when(quiet).then(0.0).otherwise("weight"),
    )
    after = judged(Predictions.validate(fewer), panel)
    assert (after["false_alarms"] <= before["false_alarms"]).all()
    unsettled = after["false_alarms"] + after["unknown"]
    assert unsettled.equals(before["false_alarms"] + before["unknown"])


@few
@given(worlds)
def test_no_lead_is_longer_than_the_truce_was_old(given_: World) -> None:
    predictions, panel = given_
    ages = panel.filter(pl.col("event") == 1).select(
        pl.col("age_days") + pl.col("duration") - 1
    )
    leads = judged(predictions, panel)["lead_days"].drop_nulls()
    assert (leads < (ages.to_series().max() or 0)).all()


@few
@given(worlds, st.integers(0, 10**6))
def test_the_order_of_rows_means_nothing(given_: World, seed: int) -> None:
    predictions, panel = given_
    other = [
        frame.sample(fraction=1, shuffle=True, seed=seed)
        for frame in (predictions, panel)
    ]
    assert_frame_equal(judged(*other), judged(predictions, panel), check_exact=True)
    shuffled = Predictions.validate(other[0])
    assert_frame_equal(costs(shuffled), costs(predictions), check_exact=True)


@few
@given(worlds)
def test_a_model_is_judged_on_its_own(given_: World) -> None:
    predictions, panel = given_
    mine = pl.col("model") == "a"
    alone = Predictions.validate(predictions.filter(mine))
    assert judged(alone, panel).equals(judged(predictions, panel).filter(mine))
    assert costs(alone).filter(mine).equals(costs(predictions).filter(mine))


@few
@given(worlds)
def test_precision_and_misses_are_two_sides_of_what_was_caught(given_: World) -> None:
    predictions, panel = given_
    whole = predictions.group_by("model", "horizon").agg(
        lost=(pl.col("weight") * pl.col("outcome")).sum(),
        mass=pl.col("weight").sum(),
    )
    found = judged(predictions, panel, levels=(0.0,), watched=())
    both = found.join(whole.filter(pl.col("mass") > 0), on=["model", "horizon"])
    np.testing.assert_allclose(both["precision"], both["lost"] / both["mass"])


# ── small cases ─────────────────────────────────────────────────────────────────


def one(origins: int, event: int, last: int, risks: dict[int, float]) -> Row:
    """Alarms at 50% within 7 days, of one truce with weekly origins from day 0."""
    panel = laid_out({"t": ([7 * i for i in range(origins)], event, last)})
    given_ = {("m", 7, "t", day(7 * i)): risk for i, risk in risks.items()}
    found = alarms(forecast(panel, given_), panel, levels=(0.5,), watched=())
    return found.row(0, named=True)


def test_the_lead_counts_from_the_alarm_that_stood() -> None:
    found = one(5, event=1, last=30, risks={0: 0.9, 1: 0.1, 2: 0.9, 3: 0.6, 4: 0.5})
    assert (found["episodes"], found["false_alarms"], found["unknown"]) == (2, 1, 0)
    assert (found["collapses"], found["caught"], found["lead_days"]) == (1, 1, 16)


def test_a_collapse_on_the_day_of_its_first_alarm_has_no_lead() -> None:
    found = one(2, event=1, last=7, risks={0: 0.1, 1: 0.9})
    assert (found["caught"], found["lead_days"]) == (1, 0)


def test_an_alarm_that_was_called_off_caught_but_has_no_lead() -> None:
    panel = laid_out({"t": ([0, 7, 14], 1, 15)})
    given_ = {("m", 30, "t", day(7 * i)): (0.9, 0.9, 0.1)[i] for i in range(3)}
    found = alarms(forecast(panel, given_), panel, levels=(0.5,), watched=())
    row = found.row(0, named=True)
    assert (row["caught"], row["sustained"], row["lead_days"]) == (1, 0, None)
    assert (row["episodes"], row["false_alarms"]) == (1, 0)


def test_an_origin_without_a_forecast_breaks_an_alarm() -> None:
    found = one(4, event=1, last=25, risks={0: 0.9, 1: 0.9, 3: 0.9})
    assert (found["episodes"], found["lead_days"]) == (2, 4)
    found = one(4, event=1, last=22, risks={0: 0.9, 1: 0.9, 2: 0.9})
    assert (found["collapses"], found["false_alarms"]) == (0, 1)


def test_an_exit_makes_an_alarm_false_and_the_end_of_data_does_not() -> None:
    assert one(1, event=2, last=2, risks={0: 0.9})["false_alarms"] == 1
    censored = one(1, event=0, last=2, risks={0: 0.9})
    assert (censored["false_alarms"], censored["unknown"]) == (0, 1)
    seen = one(1, event=0, last=6, risks={0: 0.9})
    assert (seen["false_alarms"], seen["unknown"]) == (1, 0)
    assert seen["false_per_truce_year"] == pytest.approx(DAYS_A_YEAR / 7)


def test_of_equal_risks_the_first_truce_is_watched() -> None:
    panel = laid_out({t: ([0], event, 0) for t, event in (("b", 1), ("a", 2))})
    given_ = {("m", 7, t, day(0)): 0.3 for t in "ba"}
    found = alarms(forecast(panel, given_), panel, levels=(), watched=(1, 2))
    assert found.select("at", "caught", "false_alarms").rows() == [(1, 0, 1), (2, 1, 1)]


def test_weeks_begin_on_monday() -> None:
    sunday = 4  # day 0 is a Wednesday
    for second, alarmed in ((sunday + 1, 1.0), (sunday, 0.5)):
        panel = laid_out({"a": ([sunday], 0, 90), "b": ([second], 0, 90)})
        given_ = {
            ("m", 7, "a", day(sunday)): 0.3,
            ("m", 7, "b", day(second)): 0.2,
        }
        found = alarms(forecast(panel, given_), panel, levels=(), watched=(1,))
        assert found["alarmed"].to_list() == [alarmed]


# ── laws of costs ───────────────────────────────────────────────────────────────


@few
@given(full_worlds)
def test_no_warnings_are_cheaper_than_perfect_ones(given_: World) -> None:
    found = costs(given_[0])
    perfect = found.filter(pl.col("model") == "perfect")
    both = found.join(perfect, on=["horizon", "ratio"], suffix="_perfect")
    assert both.height == found.height
    assert (both["cost"] >= both["cost_perfect"] - 1e-12).all()
    assert (perfect["saved"].drop_nulls() == 1).all()
    best = found.filter(pl.col("model").is_in(["always", "never"]))
    best = best.group_by("horizon", "ratio").agg(pl.col("saved").max())
    assert (best["saved"].drop_nulls() == 0).all()


@few
@given(full_worlds)
def test_who_knows_what_will_come_saves_everything(given_: World) -> None:
    known = given_[0].drop_nulls("outcome")
    knows = known.with_columns(risk=pl.col("outcome").cast(pl.Float64))
    found = costs(Predictions.validate(knows))
    assert (found.filter(pl.col("model") == "a")["saved"].drop_nulls() == 1).all()


@few
@given(full_worlds)
def test_calibrated_risks_never_cost_more_than_going_without(given_: World) -> None:
    known = given_[0].filter(pl.col("weight") > 0)
    mass, lost = pl.col("weight").sum(), (pl.col("weight") * pl.col("outcome")).sum()
    level = ["model", "horizon", "risk"]
    calibrated = known.with_columns(risk=(lost / mass).clip(0, 1).over(level))
    found = costs(Predictions.validate(calibrated))
    saved = found.filter(~pl.col("model").is_in(REFERENCES))["saved"].drop_nulls()
    assert (saved >= -1e-9).all()


# ── what is refused, and what is empty ──────────────────────────────────────────


def test_nothing_comes_of_no_predictions() -> None:
    nothing, panel = Predictions.create_empty(), world(1)[1]
    assert_frame_equal(alarms(nothing, panel), Alarms.create_empty())
    assert_frame_equal(costs(nothing), Costs.create_empty())
    predictions = world(1)[0]
    assert_frame_equal(
        judged(predictions, panel, levels=(), watched=()), alarms(nothing, panel)
    )
    unknown = predictions.with_columns(outcome=pl.lit(None, pl.Int8), weight=0.0)
    assert_frame_equal(costs(Predictions.validate(unknown)), Costs.create_empty())


def test_what_cannot_be_judged_is_refused() -> None:
    predictions, panel = world(1)
    with pytest.raises(ValueError, match="no row in the panel"):
        alarms(predictions, Panel.validate(panel.head(0)))
    twice = predictions.with_columns(cutoff=date(2018, 1, 1))
    both = Predictions.validate(pl.concat([predictions, twice]))
    with pytest.raises(ValueError, match="two forecasts"):
        alarms(both, panel)
    with pytest.raises(ValueError, match="between 0 and 1"):
        costs(predictions, ratios=(0.5, 1.0))
    odd = predictions.filter(pl.col("model") == "a").with_columns(model=pl.lit("never"))
    with pytest.raises(ValueError, match="may not be called never"):
        costs(Predictions.validate(odd))


# ── what the report shows ───────────────────────────────────────────────────────


@few
@given(full_worlds)
def test_the_molchan_curve_runs_from_never_to_always(given_: World) -> None:
    found = alarms(*given_)
    curve = decision.molchan(found, "a", 30)
    if found.filter(pl.col("missed").is_not_null()).is_empty():
        assert decision.area(curve) is None
        return
    assert curve.rows()[0] == (None, 0, 1)
    assert curve.rows()[-1] == (None, 1, 0)
    assert curve["alarmed"].is_sorted()
    assert curve["missed"].is_sorted(descending=True)
    assert curve.height == len(LEVELS) + 2
    under = decision.area(curve)
    assert under is not None
    assert 0 <= under <= 1


def test_guessing_has_one_half_and_knowing_less() -> None:
    panel = laid_out({f"t{i}": ([0], 1 + i % 2, 0) for i in range(8)})
    keys = [("m", 7, f"t{i}", day(0)) for i in range(8)]
    for risks, under in (([0.3] * 8, 0.5), ([0.9, 0.1] * 4, 0.25)):
        given_ = forecast(panel, dict(zip(keys, risks, strict=True)))
        curve = decision.molchan(alarms(given_, panel), "m", 7)
        assert decision.area(curve) == pytest.approx(under)


def test_the_table_says_what_the_alarms_hold() -> None:
    predictions, panel = world(3, given_=1.0)
    found = alarms(predictions, panel)
    table = decision_words.decisions(found, "a", 30)
    assert table["warned"].to_list() == [
        "risk of 10% or more",
        "risk of 20% or more",
        "risk of 30% or more",
        "risk of 50% or more",
        "the riskiest truce each week",
        "the 3 riskiest truces each week",
        "the 5 riskiest truces each week",
        "the 10 riskiest truces each week",
    ]
    for row in table.rows(named=True):
        assert f"caught {row['caught']} of {row['collapses']} collapse" in row["said"]
    empty = decision_words.decisions(Alarms.create_empty(), "a", 30)
    assert empty.schema == table.schema


def test_charts_stand_with_both_curves_with_one_and_with_none() -> None:
    predictions, panel = world(3, given_=1.0)
    found, paid = alarms(predictions, panel), costs(predictions)
    curves = [decision.molchan(found, model, 30) for model in "ab"]
    values = [decision.value_curve(paid, model, 30) for model in "ab"]
    assert min(len(curve) for curve in curves + values) > 2
    for draw, (mine, theirs) in (
        (decision.molchan_chart, curves),
        (decision.value_chart, values),
    ):
        drawn = [
            svg(draw(*pair), "x")
            for pair in (
                (mine, theirs),
                (mine, theirs.clear()),
                (mine.clear(), theirs),
                (mine.clear(), theirs.clear()),
            )
        ]
        lines = [text.count('stroke-width="2"') for text in drawn]
        assert lines[0] > lines[1] > lines[3]
        assert lines[0] > lines[2] > lines[3]
        assert all(text.startswith("<svg") for text in drawn)
