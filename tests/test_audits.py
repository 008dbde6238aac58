"""Every audit fires on a fault that was planted for it, and holds where there is none.

Each fault is planted in the run of a small world on which all audits hold.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from sklearn.base import BaseEstimator, clone
from strategies import day, event_rows, events, truce_rows, truces
from strategies import panel as laid_out

from forecast import choices as behind
from forecast.audits import Finding, Run, audit
from forecast.audits.aftermath import ended, violent
from forecast.audits.choices import choices
from forecast.audits.constant import constant
from forecast.audits.duplicated import duplicated
from forecast.audits.future import future
from forecast.audits.identical import identical
from forecast.audits.ids import ids
from forecast.audits.labels import labels, shuffled
from forecast.audits.overlap import overlap
from forecast.audits.rows import rows
from forecast.audits.unknown import unknown
from forecast.backtest import KEYS, backtest, target
from forecast.choices import Choice
from forecast.collapse import resumption
from forecast.commands import run as command
from forecast.commands import study
from forecast.commands.data import load
from forecast.commands.stages import Stages
from forecast.features import compute
from forecast.features.age import age
from forecast.features.recent import recent
from forecast.ipcw import Target
from forecast.link import link, linked
from forecast.models.baselines import BaseRate, Trail
from forecast.models.logit import logit
from forecast.panel import censor, panel
from forecast.schema import Audits, Panel, Predictions
from forecast.simulated import World
from forecast.split import Fold, Overlap, Rolling, Unseen

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf" / "audits"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem != "all")
HORIZONS = (7, 30)
SEED = {"horizons": HORIZONS, "random_state": 1}
FEATURES = {"age": age, "recent": recent}
Made = Callable[[Any, Any, Any], pl.DataFrame]


def recomputed(feature: Made, origins: Any, coded: Any, records: Any) -> Any:
    """What a run's ``recompute`` does, with one function for all features."""
    return {"models": feature(origins, linked(coded, link(records, coded)), records)}


@pytest.fixture(scope="module")
def sound(world: World) -> Run:
    """A run of the small world in which nothing was planted."""
    now = panel(world.truces, world.events, world.covered_through, resumption)[0]
    folds = Rolling("2004-01-01").folds(world.covered_through)
    made = partial(compute, FEATURES)
    again = partial(recomputed, made)
    features = again(now, world.events, world.truces)
    models = {
        name: (model.set_params(**SEED), features["models"])
        for name, model in (
            ("logit", logit()),
            ("trail", Trail()),
            ("base_rate", BaseRate()),
        )
    }
    training = partial(censor, now)
    predictions, notes = backtest(models, now, training, folds, HORIZONS)
    return Run(
        models=models,
        published="logit",
        panel=now,
        training=training,
        folds=folds,
        horizons=HORIZONS,
        predictions=predictions,
        notes=notes,
        choices=[],
        features=features,
        events=world.events,
        truces=world.truces,
        recompute=again,
    )


def with_column(run: Run, column: pl.Expr | pl.Series, name: str) -> Run:
    """The run, with one more column of features, made from the rows of the panel."""
    planted = run.panel.select(*KEYS, column.alias(name))
    features = run.features["models"].join(planted, on=KEYS, maintain_order="left")
    return replace(run, features={"models": features})


def with_predictions(run: Run, frame: pl.DataFrame) -> Run:
    return replace(run, predictions=Predictions.validate(frame, cast=True))


def faults(findings: Sequence[Finding]) -> dict[str, str]:
    """What is at fault, and what is said of it."""
    return {f.subject: f.said for f in findings if f.verdict == "fault"}


# ------------------------------------------------------------------ the contract


def test_every_audit_has_a_configuration_and_is_among_all() -> None:
    assert NAMES
    for name in NAMES:
        whole = OmegaConf.load(CONF / f"{name}.yaml")
        assert list(whole) == [name]
        function = getattr(import_module(f"forecast.audits.{name}"), name)
        assert instantiate(whole[name]).func is function
        assert "Parameters\n" in function.__doc__
    assert sorted(OmegaConf.load(CONF / "all.yaml").defaults) == NAMES


def test_every_audit_is_in_the_document() -> None:
    method = (ROOT / "docs" / "method.md").read_text()
    section = method.partition("## Audits")[2].partition("\n## ")[0]
    assert [name for name in NAMES if f"| `{name}` |" not in section] == []


@pytest.mark.parametrize("verb", ["run", "check", "score"])
def test_the_default_is_no_audit(verb: str) -> None:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        assert not compose(verb).get("audits")


def test_all_hold_where_nothing_is_planted(sound: Run) -> None:
    named = {n: instantiate(OmegaConf.load(CONF / f"{n}.yaml")[n]) for n in NAMES}
    told: list[str] = []
    found = audit(named, sound, told.append)
    assert sorted(told) == sorted(found["audit"].unique()) == NAMES
    others = found.filter(pl.col("verdict") != "held")
    assert others["audit"].to_list() == ["choices"]
    assert others["verdict"].to_list() == ["not applicable"]
    assert found.equals(found.sort(Audits.primary_key()))


def test_an_audit_that_breaks_off_is_a_fault_and_stops_no_other(sound: Run) -> None:
    def broken(_: Run) -> list[Finding]:
        raise RuntimeError("no such column")

    found = audit({"broken": broken, "rows": rows}, sound)
    assert found["verdict"].to_list() == ["fault", "held"]
    assert found["said"][0] == "it broke off: no such column"


# ------------------------------------------------------------------------ labels


class Told(BaseEstimator):  # type: ignore[misc]
    """Takes its risks from a column that holds the answer, whatever it is taught."""

    def __init__(self, horizons: Sequence[int] = HORIZONS, random_state: int = 0):
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:  # noqa: ARG002
        return self

    def predict_risk(self, X: pl.DataFrame) -> np.ndarray:
        days = X["answer"].to_numpy()
        return np.column_stack([np.where(days <= h, 0.9, 0.1) for h in self.horizons])


ANSWER = pl.when(pl.col("event") == 1).then("duration").otherwise(999)


def test_a_model_that_carries_outcomes_keeps_its_skill(sound: Run) -> None:
    run = with_column(sound, ANSWER, "answer")
    models = {"logit": (Told(HORIZONS), run.features["models"])}
    found = faults(labels(replace(run, models=models)))
    assert "more than luck allows at 7, 30 days" in found["logit"]


def test_a_model_that_learns_loses_its_skill_though_it_is_given_the_answer(
    sound: Run,
) -> None:
    """What the audit cannot see, as its docstring says: a feature that leaks."""
    run = with_column(sound, ANSWER, "answer")
    models = {"logit": (sound.models["logit"][0], run.features["models"])}
    assert not faults(labels(replace(run, models=models)))


def test_shuffled_labels_that_teach_nothing_are_not_audited(sound: Run) -> None:
    models = {"logit": (logit(C=-1).set_params(**SEED), sound.features["models"])}
    (found,) = labels(replace(sound, models=models), shuffles=2)
    assert found.verdict == "not applicable"


@given(st.integers(0, 10_000))
def test_shuffling_hands_each_label_to_one_row(seed: int) -> None:
    of_truces = {"a": 5, "b": 1, "c": 9}
    before = laid_out(
        [
            {
                "truce_id": t,
                "age_days": 7 * i + 1,
                "event": 1,
                "duration": n * 10 + i + 1,
            }
            for t, n in of_truces.items()
            for i in range(n)
        ]
    )
    after = shuffled(before, np.random.default_rng(seed))
    assert after.drop("event", "duration").equals(before.drop("event", "duration"))
    assert after["duration"].sort().equals(before["duration"].sort())
    # neighbouring rows keep neighbouring labels, but where a truce or the turn cuts
    kept = (after["duration"].diff() == 1).sum()
    assert kept >= before.height - 1 - 2 * len(of_truces)


# ------------------------------------------------------------------------ future

AT, DAY = pl.col("origin"), pl.col("day")
until, since = pl.col("known_until"), pl.col("known_from")
CURRENT = (since <= AT) & (until.is_null() | (until > AT))
LEAKS = {
    "looks_three_days_ahead": DAY.is_between(AT, AT.dt.offset_by("3d")),
    "counts_the_day_itself": (DAY <= AT) & CURRENT,
    "ignores_the_day": CURRENT,
    "ignores_when_it_became_known": DAY < AT,
    "ignores_delay": (DAY < AT) & (until.is_null() | (until > AT)),
    "drops_what_is_revised_later": (DAY < AT) & (since <= AT) & until.is_null(),
    "knows_a_day_early": (DAY < AT) & (since <= AT.dt.offset_by("1d")),
}


def summed(counted: pl.Expr, rows: Any, coded: Any, _: Any) -> pl.DataFrame:
    """Deaths of the events that count by a definition of one's own."""
    columns = ["truce_id", "day", "known_from", "known_until", "deaths"]
    pairs = rows.select(KEYS).join(coded.select(columns), on="truce_id")
    sums = pairs.filter(counted).group_by(KEYS).agg(planted=pl.col("deaths").sum())
    return rows.select(KEYS).join(sums, on=KEYS, how="left", maintain_order="left")


def fate(rows: Any, _: Any, records: pl.DataFrame) -> pl.DataFrame:
    ends = records.select("truce_id", planted=pl.col("end").is_not_null())
    return rows.select(KEYS).join(ends, on="truce_id", maintain_order="left")


def siblings(rows: Any, _: Any, records: pl.DataFrame) -> pl.DataFrame:
    n = records.group_by("dyad_id").agg(planted=pl.len())
    return rows.join(n, on="dyad_id", maintain_order="left").select(*KEYS, "planted")


def with_feature(run: Run, feature: Made) -> Run:
    again = partial(recomputed, feature)
    features = again(run.panel, run.events, run.truces)
    return replace(run, features=features, recompute=again)


@pytest.mark.parametrize(
    "feature",
    [*(partial(summed, leak) for leak in LEAKS.values()), fate, siblings],
    ids=[*LEAKS, "fate", "siblings"],
)
def test_a_feature_that_sees_the_future_is_caught(sound: Run, feature: Made) -> None:
    found = faults(future(with_feature(sound, feature)))
    assert found["features"].startswith("1 of 1 columns change")
    assert "first planted of" in found["features"]


def test_a_feature_that_does_not_is_let_pass(sound: Run) -> None:
    honest = partial(summed, (DAY < AT) & CURRENT)
    assert not faults(future(with_feature(sound, honest)))


def test_features_that_are_not_those_of_the_data_are_caught(sound: Run) -> None:
    stale = sound.features["models"].with_columns(pl.col("recent_deaths_7d") + 1)
    found = faults(future(replace(sound, features={"models": stale})))
    assert "recent_deaths_7d" in found["features"]


def _visible(frame: pl.DataFrame, origin: date) -> pl.DataFrame:
    """Events that an origin may use, but for the day on which they are replaced."""
    usable = (pl.coalesce("date_end", "date") < origin) & (since <= origin)
    rows = frame.filter(usable & (until.is_null() | (until > origin)))
    return rows.drop("known_until").sort("event_id", "known_from")


@given(st.lists(event_rows(), max_size=12), st.integers(-60, 90), st.integers(0, 100))
def test_up_to_the_morning_a_violent_future_looks_the_same(
    drawn: list[dict[str, Any]], at: int, earlier: int
) -> None:
    before = events(drawn)
    after = violent(before, day(at), days=120)
    for origin in (day(at), day(at - earlier)):
        assert _visible(after, origin).equals(_visible(before, origin))
    seen = _visible(before, day(at)).filter(pl.col("date") >= day(at - 50))
    later = _visible(after, day(at + 400))
    for name in seen["event_id"]:
        assert {name, f"dated later:{name}", f"known later:{name}"} <= set(
            later["event_id"]
        )


@given(st.lists(truce_rows(0, 40), max_size=6), st.integers(0, 60))
def test_truces_of_the_past_stay_and_none_ends_before_the_morning(
    drawn: list[dict[str, Any]], at: int
) -> None:
    before = truces(drawn)
    after = ended(before, day(at), days=120)
    begun = pl.col("start") < day(at)
    same = [c for c in before.columns if not c.startswith("end")]
    assert after.filter(begun).select(same).equals(before.filter(begun).select(same))
    assert after.filter(begun)["end"].null_count() == 0
    assert (after.filter(begun)["end"] > day(at)).all()
    assert after.filter(~begun).height >= before.filter(begun).height


# --------------------------------------------------------------------------- ids


def hashed(column: str) -> pl.Expr:
    return pl.col(column).hash(seed=3)


IDENTIFIERS = {
    "text of a dyad": pl.col("dyad_id"),
    "text of a truce": pl.col("truce_id"),
    "code of a dyad": pl.col("dyad_id").rank("dense"),
    "code of a truce": pl.col("truce_id").rank("dense"),
    "code of a truce, as a float": pl.col("truce_id").rank("dense").cast(pl.Float64),
    "scaled code of a dyad": pl.col("dyad_id").rank("dense") / 7,
    "scaled code of a truce": pl.col("truce_id").rank("dense") / 7 - 1,
    "hash of a dyad": hashed("dyad_id"),
    "hash of a truce": hashed("truce_id"),
    "hash of a truce, as a float": hashed("truce_id").cast(pl.Float64),
    "fraction that stands for a dyad": hashed("dyad_id") / 2.0**64,
    "category of a dyad": pl.col("dyad_id").cast(pl.Categorical),
    "code of a truce, most of them known": pl.when(hashed("truce_id") % 4 > 0).then(
        pl.col("truce_id").rank("dense")
    ),
}


@pytest.mark.parametrize("planted", IDENTIFIERS)
def test_an_identifier_among_the_features_is_named(sound: Run, planted: str) -> None:
    found = faults(ids(with_column(sound, IDENTIFIERS[planted], "odd_number")))
    assert list(found) == ["odd_number"]


@pytest.mark.parametrize("name", ["truce_ID", "history_dyad_id", "id"])
def test_a_column_that_is_named_as_an_identifier_is_named(
    sound: Run, name: str
) -> None:
    assert list(faults(ids(with_column(sound, pl.col("age_days"), name)))) == [name]


MEASURES = {
    "level before the start": pl.col("level"),
    "a measure with decimals": pl.col("truce_id").hash(seed=5) / 2.0**64,
    "age": pl.col("age_days"),
    "a term": pl.col("truce_id").hash(seed=5) % 12 * 30,
    "a count": (1 / (pl.col("truce_id").hash(seed=5) / 2.0**64 + 0.002)).floor(),
    "nothing": pl.lit(None, pl.Float64),
    "the same": pl.lit(1),
    "the year": pl.col("origin").dt.year(),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_the_same_all_through_a_truce_is_no_identifier(
    sound: Run, measure: str
) -> None:
    assert not faults(ids(with_column(sound, MEASURES[measure], "odd_number")))


def shipped(*words: str) -> study.Frames:
    """Frames of a run with every feature that there is."""
    names = sorted(path.stem for path in (ROOT / "conf" / "features").glob("*.yaml"))
    every = [f"features=[{','.join(names)}]", "cache=null", *words]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("run", every)
    data = load(config.events, config.truces, config.max_rejected, Path("unused"))
    with Stages() as stages:
        return study.prepare(config, data, stages)


@pytest.mark.filterwarnings("ignore:provider=hydra.searchpath")
def test_no_shipped_feature_is_an_identifier_in_the_built_in_world(sound: Run) -> None:
    frames = shipped()
    run = replace(sound, panel=frames.now, features={"models": frames.features})
    (found,) = ids(run)
    assert found.verdict == "held"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:provider=hydra.searchpath")
def test_no_shipped_feature_is_an_identifier_in_real_data(
    sound: Run, shared: Path
) -> None:
    root = ROOT / "experiments"
    words = OmegaConf.load(root / "ged_ethprio.yaml").defaults
    chosen = [f"{k.split('/')[1]}={v}" for d in words[:2] for k, v in d.items()]
    frames = shipped(*chosen, f"data_root={shared / 'data'}")
    run = replace(sound, panel=frames.now, features={"models": frames.features})
    (found,) = ids(run)
    assert found.verdict == "held"


# ------------------------------------------------- constant, duplicated, identical


def test_a_constant_model_is_reported_at_its_horizon(sound: Run) -> None:
    flat = (pl.col("model") == "logit") & (pl.col("horizon") == 30)
    frame = sound.predictions.with_columns(
        risk=pl.when(flat).then(0.2).otherwise("risk")
    )
    found = faults(constant(with_predictions(sound, frame)))
    assert found == {"logit": "it gives every row the same risk at 30 days"}


def test_a_model_that_follows_the_base_rate_from_fold_to_fold_is_constant(
    sound: Run,
) -> None:
    assert "base_rate" in faults(constant(sound, declared=()))
    assert not faults(constant(sound, declared=("base_rate",)))


def test_a_model_that_is_constant_in_one_fold_is_let_pass(sound: Run) -> None:
    one = pl.col("cutoff") == sound.folds[0].cutoff
    frame = sound.predictions.with_columns(
        risk=pl.when(one).then(0.2).otherwise("risk")
    )
    assert not faults(constant(with_predictions(sound, frame)))


def test_a_constant_model_is_found_though_its_parts_have_rates_of_their_own(
    sound: Run,
) -> None:
    folds = Unseen("dyad_id", "2004-01-01", parts=3).folds(date(2006, 12, 31))
    features = sound.features["models"]
    models = {"flat": (BaseRate(HORIZONS), features)}
    predictions, _ = backtest(models, sound.panel, sound.training, folds, HORIZONS)
    run = replace(sound, models=models, folds=folds, predictions=predictions)
    assert list(faults(constant(run))) == ["flat"]


def test_a_model_that_is_there_twice_is_reported(sound: Run) -> None:
    model, features = sound.models["logit"]
    twins = sound.models | {"twin": (clone(model), features)}
    assert list(faults(duplicated(replace(sound, models=twins)))) == ["logit, twin"]
    softer = logit(C=0.5).set_params(**SEED)
    for other in ((softer, features), (clone(model), features.drop("age_days"))):
        assert not faults(
            duplicated(replace(sound, models=sound.models | {"b": other}))
        )
    (alone,) = duplicated(replace(sound, models={"logit": sound.models["logit"]}))
    assert alone.verdict == "not applicable"


def test_two_models_that_say_the_same_are_reported(sound: Run) -> None:
    own = sound.predictions.filter(pl.col("model") == "trail")
    copy = own.with_columns(model=pl.lit("echo"))
    other = copy.with_columns(
        risk=pl.when(pl.col("horizon") == 30).then("risk").otherwise(pl.col("risk") / 2)
    )
    for planted, days in ((copy, "7, 30"), (other, "30")):
        run = with_predictions(sound, pl.concat([sound.predictions, planted]))
        said = f"their risks are the same in every row at {days} days"
        assert faults(identical(run)) == {"echo, trail": said}
        # a model may pick another, if it says so
        told = Choice("echo", date(2003, 1, 1), "choice", 9, "ab", "", picked="trail")
        (held,) = identical(replace(run, choices=(told,)))
        assert held.verdict == "held"
        assert held.said.startswith(said)
    (alone,) = identical(with_predictions(sound, own))
    assert alone.verdict == "not applicable"


# ----------------------------------------------------------------------- overlap


@dataclass(frozen=True)
class Leaky(Fold):
    """Learns from what it forecasts."""

    def train(
        self,
        panel: pl.DataFrame,
        test: pl.DataFrame | None = None,  # noqa: ARG002
    ) -> pl.DataFrame:
        return panel


@dataclass(frozen=True)
class LeakyRolling(Rolling):
    """Rolling cutoffs that each know the sixty days that come."""

    def folds(self, covered_through: date) -> list[Fold]:
        return [
            Fold(f.cutoff + timedelta(days=60), f.end, gap_days=-60)
            for f in super().folds(covered_through)
            if f.end
        ]


def grouped() -> list[Fold]:
    folds = Unseen("dyad_id", "2004-01-01", parts=3).folds(date(2006, 12, 31))
    return [Leaky(**vars(fold)) for fold in folds]


OVERLAPS: dict[str, tuple[Callable[[Run], dict[str, Any]], str]] = {
    "labels that reach beyond": (
        lambda run: {
            "training": lambda c: Panel.validate(run.panel.filter(pl.col("origin") < c))
        },
        "training labels end on",
    ),
    "the whole panel": (
        lambda run: {"training": lambda _: run.panel},
        "test rows are learned from",
    ),
    "groups on both sides": (
        lambda _: {"folds": grouped()},
        "values of dyad_id are both learned from and forecast",
    ),
    "a gap that is not kept": (
        lambda run: {
            "folds": [replace(f, gap_days=30) for f in run.folds],
            "training": lambda c: censor(run.panel, c + timedelta(days=30)),
        },
        "training labels end on",
    ),
}


@pytest.mark.parametrize("planted", OVERLAPS)
def test_an_overlap_is_reported_and_refused(sound: Run, planted: str) -> None:
    change, words = OVERLAPS[planted]
    run = replace(sound, **change(sound))
    found = faults(overlap(run))
    assert found
    assert all(words in said for said in found.values())
    with pytest.raises(Overlap, match=words):
        backtest(run.models, run.panel, run.training, run.folds, HORIZONS)


# ----------------------------------------------------------------- unknown, rows

MADE_UP = {"outcome": pl.lit(0, pl.Int8), "weight": pl.lit(1.0)}
LOST = {"outcome": pl.lit(None, pl.Int8), "weight": pl.lit(0.0)}
FAR = pl.col("horizon") == 30
NONE = pl.col("outcome").is_null()
OF_LOGIT = pl.col("model") == "logit"


def altered(frame: pl.DataFrame, where: pl.Expr, **to: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(where).then(value).otherwise(name).alias(name)
        for name, value in to.items()
    )


def test_rows_of_unknown_outcome_that_vanish_are_missed(sound: Run) -> None:
    frame = sound.predictions
    n = frame.filter(OF_LOGIT & FAR & NONE).height
    assert n
    planted = {
        "rows of unknown outcome are missing": frame.filter(~(OF_LOGIT & FAR & NONE)),
        "rows have an outcome that nobody knows": altered(
            frame, OF_LOGIT & FAR & NONE, **MADE_UP
        ),
    }
    for said, predictions in planted.items():
        found = faults(unknown(with_predictions(sound, predictions)))
        assert found == {"logit, 30 days": f"{n} {said}"}
    hidden = altered(frame, OF_LOGIT & FAR & ~NONE, **LOST)
    found = faults(unknown(with_predictions(sound, hidden)))
    assert "outcome that is known, and lack it" in found["logit, 30 days"]


def test_each_row_that_is_missing_or_twice_there_is_counted(sound: Run) -> None:
    frame = sound.predictions
    mine = frame.filter(OF_LOGIT)
    late = mine.filter(pl.col("cutoff") == sound.folds[1].cutoff).head(3)
    again = late.with_columns(cutoff=pl.lit(sound.folds[0].cutoff))
    outside = late.with_columns(truce_id=pl.lit("of nowhere"))
    n = mine.height
    for planted, said in (
        (frame.join(late, on=Predictions.primary_key(), how="anti"), "3 are missing"),
        (pl.concat([frame, again]), "3 are there more than once"),
        (pl.concat([frame, outside]), "3 are of no origin that a fold asks for"),
    ):
        found = faults(rows(with_predictions(sound, planted)))
        assert found == {"logit": f"of {n:,} forecasts: {said}"}


def test_only_a_note_excuses_a_fold_and_only_as_a_whole(sound: Run) -> None:
    first = OF_LOGIT & (pl.col("cutoff") == sound.folds[0].cutoff)
    n = sound.predictions.filter(first).height
    run = with_predictions(sound, sound.predictions.filter(~first))
    note = f"logit failed at the cutoff {sound.folds[0].cutoff}: no reason"
    for audited in (rows, unknown):
        assert not faults(audited(replace(run, notes=[note])))
    assert list(faults(rows(run))) == ["logit"]
    assert f"but for {n:,} that a note" in rows(replace(run, notes=[note]))[0].said
    one = sound.predictions.filter(first).head(1)
    part = with_predictions(run, pl.concat([run.predictions, one]))
    assert list(faults(rows(replace(part, notes=[note])))) == ["logit"]


def test_a_fold_that_loses_rows_is_found_out(sound: Run) -> None:
    class Careless(Fold):
        def test(self, panel: pl.DataFrame) -> pl.DataFrame:
            return super().test(panel).filter(pl.col("event") != 0)

    folds = [Careless(**vars(fold)) for fold in sound.folds]
    models = {"trail": sound.models["trail"]}
    predictions, _ = backtest(models, sound.panel, sound.training, folds, HORIZONS)
    run = replace(sound, models=models, folds=folds, predictions=predictions)
    assert list(faults(rows(run))) == ["trail"]
    assert faults(unknown(run))


# ----------------------------------------------------------------------- choices


class Choosing(BaseRate):
    """Chooses something by the rows at positions that it is told."""

    def __init__(
        self,
        horizons: Sequence[int] = HORIZONS,
        random_state: int = 0,
        positions: Sequence[int] = (),
    ) -> None:
        super().__init__(horizons, random_state)
        self.positions = positions

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        self.choices_ = [("calibration", np.asarray(self.positions))]
        return super().fit(X, y)


def chosen(sound: Run, positions: Sequence[int]) -> list[behind.Choice]:
    told: list[behind.Choice] = []
    backtest(
        {"m": (Choosing(positions=positions), sound.features["models"])},
        sound.panel,
        sound.training,
        sound.folds,
        HORIZONS,
        chosen=told.append,
    )
    return told


def test_choices_by_training_rows_are_told_of_with_their_digest(sound: Run) -> None:
    made = chosen(sound, [2, 0, 1, 2])
    (found,) = choices(replace(sound, choices=made))
    assert (found.subject, found.verdict) == ("m, calibration", "held")
    for fold, choice in zip(sound.folds, made, strict=True):
        used = fold.train(sound.training(fold.known)).head(3)
        assert (choice.cutoff, choice.n) == (fold.cutoff, 3)
        assert choice.digest == behind.digest(used.reverse())
    assert made[-1].digest[:12] in found.said


@pytest.mark.parametrize("positions", [[0, 10**6], [-1], [0.5], [[0, 1]], []])
def test_a_model_that_chooses_by_rows_it_was_not_given_is_caught(
    sound: Run, positions: list[Any]
) -> None:
    found = faults(choices(replace(sound, choices=chosen(sound, positions))))
    assert list(found) == ["m, calibration"]
    assert "it names" in found["m, calibration"]


def test_a_model_that_chooses_by_rows_that_are_tested_is_caught(sound: Run) -> None:
    """A cheat whose rows hold those of the test; the backtest refuses such a fold."""
    fold = sound.folds[0]
    test = fold.test(sound.panel)
    train = fold.train(sound.training(fold.known))
    both = pl.concat([train, test.head(2)])
    fitted = Choosing(positions=range(both.height)).fit(both.drop(KEYS), target(both))
    (choice,) = behind.choices(fitted, "m", fold.cutoff, both, test)
    assert choice.trouble.startswith("2 of its rows are tested")
    assert "end on the cutoff or later" in choice.trouble
    (found,) = choices(replace(sound, choices=[choice]))
    assert found.verdict == "fault"


# ------------------------------------------------------------------- the command

SMALL = [
    "world.conflicts=8",
    "world.years=6",
    "split.first='2003-01-01'",
    "horizons=[7,30]",
    "models=[logit]",
    "refits=1",
    "draws=20",
    "tracking=none",
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.mark.slow
def test_a_run_is_audited(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*SMALL, "audits=all", f"out={out}"]) == 0
    found = pl.read_csv(out / "audits.csv")
    Audits.validate(found, cast=True)
    assert sorted(found["audit"].unique()) == NAMES
    page, said = (out / "report.html").read_text(), capsys.readouterr().out
    account = json.loads((out / "run.json").read_text())
    assert '<section id="audits">' in page
    assert "Audits" in said
    assert any(note.startswith("audits: ") for note in account["notes"])
    assert account["seconds"]["audit"] > 0


@pytest.mark.slow
def test_a_fault_ends_the_run_with_1_and_leaves_its_folder(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = ["+models.twin=${models.logit}", "audits=[identical,rows]"]
    assert command.main([*SMALL, *twin, f"out={out}"]) == 1
    found = dict(pl.read_csv(out / "audits.csv").select("audit", "verdict").rows())
    assert found == {"identical": "fault", "rows": "held"}
    assert (out / "model.skops").exists()
    assert "1 of 2 findings is a fault" in (out / "report.html").read_text()
    assert "1 held, 1 fault, 0 not applicable" in capsys.readouterr().out.replace(
        "\n", " "
    )


def test_a_split_that_overlaps_stops_the_run(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECAST_TRUSTED", __name__)
    leaky = f"split._target_={__name__}.LeakyRolling"
    assert command.main([*SMALL, leaky, f"out={out}"]) == 1
    said = capsys.readouterr().err
    assert "test rows are learned from" in said
    assert "Traceback" not in said
    assert not out.exists()


def test_an_audit_that_there_is_not_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["audits=[lables]"]) == 2
    assert "no audits=lables; there are: all, choices" in capsys.readouterr().err
