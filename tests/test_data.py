"""Sources loaded together, the account of their rows, and when a run stops."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

from forecast.backtest import target
from forecast.commands import study
from forecast.commands.data import Data, load, read
from forecast.panel import COLLAPSE
from forecast.raw import InputError
from forecast.record import data_digest
from forecast.schema import Rejected

ROOT = Path(__file__).parent.parent
WORLD = {"seed": 3, "conflicts": 4, "years": 4}


def config(**sources: tuple[str, dict[str, object]]) -> DictConfig:
    made = {
        name: {"_target_": target, **settings}
        for name, (target, settings) in sources.items()
    }
    whole = OmegaConf.create(made)
    assert isinstance(whole, DictConfig)
    return whole


EVENTS = config(world=("forecast.events.simulated.simulated", WORLD))
TRUCES = config(world=("forecast.truces.simulated.simulated", WORLD))


def table(path: Path, rows: int, bad: int) -> DictConfig:
    """Events in a file, the last of them bad."""
    lines = ["event_id,date,kind"]
    lines += [
        f"e{i},2016-03-{1 + i % 28 if i < rows - bad else 0:02},clash"
        for i in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n")
    settings: dict[str, object] = {"path": str(path)}
    return config(hand=("forecast.events.table.table", settings))


def test_one_source_of_each(tmp_path: Path) -> None:
    data = load(EVENTS, TRUCES, 0.01, tmp_path / "rejected.csv")
    assert data.sources.select("kind", "source", "rejected", "left_out").rows() == [
        ("events", "world", 0, 0),
        ("truces", "world", 0, 0),
    ]
    assert data.sources["accepted"].to_list() == [
        data.events.height,
        data.truces.height,
    ]
    assert set(data.inputs) == {"events.world", "truces.world"}
    assert data.digest == load(EVENTS, TRUCES, 0.01, tmp_path / "x").digest
    assert not (tmp_path / "rejected.csv").exists()


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    here = load(table(tmp_path / "a.csv", 9, 0), TRUCES, 0, tmp_path / "x")
    there = load(table(tmp_path / "other/a.csv", 9, 0), TRUCES, 0, tmp_path / "x")
    assert here.digest == there.digest
    changed = load(table(tmp_path / "a.csv", 8, 0), TRUCES, 0, tmp_path / "x")
    assert changed.digest != here.digest
    assert here.digest == data_digest(here.inputs)


def test_several_sources_keep_their_ids_apart(tmp_path: Path) -> None:
    one = table(tmp_path / "a.csv", 5, 0)
    both = config(
        a=("forecast.events.table.table", {"path": one.hand.path}),
        b=(
            "forecast.events.table.table",
            {"path": one.hand.path, "covered_through": "2016-12-31"},
        ),
    )
    data = load(both, TRUCES, 0.01, tmp_path / "rejected.csv")
    ids = data.events["event_id"].to_list()
    assert ids == [f"{name}:e{i}" for name in "ab" for i in range(5)]
    # together they speak only for the days that all of them speak for
    assert data.covered_through == date(2016, 3, 5)
    assert data.sources["covered_through"].to_list() == [
        date(2016, 3, 5),
        date(2016, 12, 31),
        None,
    ]


def test_a_source_may_serve_features_and_another_outcomes(tmp_path: Path) -> None:
    """What features see moves no truce, no origin and no outcome."""
    events = config(
        simple=("forecast.events.simulated.simulated", WORLD),
        rich=("forecast.events.simulated.simulated", {**WORLD, "kind": "rich"}),
    )
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        composed = compose("run")

    def loaded(features: str, outcomes: str) -> tuple[Data, pl.DataFrame]:
        data = load(
            events,
            TRUCES,
            0.01,
            tmp_path / "rejected.csv",
            features_from=[features],
            outcomes_from=[outcomes],
        )
        return data, study.lay_out(composed, data)[0]

    one, laid = loaded("simple", "simple")
    other, same = loaded("rich", "simple")
    third, moved = loaded("rich", "rich")
    assert laid.height
    assert laid.equals(same)
    assert not laid.equals(moved)
    # a forecaster sees the source of features, by ids that hang on no choice
    ids = [data.events["event_id"].str.split(":").list.first() for data in (one, other)]
    assert [set(names) for names in ids] == [{"simple"}, {"rich"}]
    assert other.events.equals(third.events)
    # all sources are inputs of each: such runs have the same data
    assert one.digest == other.digest
    both = load(events, TRUCES, 0.01, tmp_path / "rejected.csv")
    assert both.events.equals(both.decisive)
    assert both.events.height == one.events.height + other.events.height


def test_a_rule_that_goes_by_names_counts_what_features_count(tmp_path: Path) -> None:
    """A source writes "Army (Sudan)" where the truce has the government as a party."""
    acts = [f"e{i},2016-03-{11 + i:02},clash,Army (Sudan),SPLM/A" for i in range(6)]
    head = "event_id,date,kind,actor_a,actor_b"
    (tmp_path / "acts.csv").write_text("\n".join([head, *acts]) + "\n")
    (tmp_path / "truces.csv").write_text(
        "truce_id,start,dyad_id,country,parties\n"
        "t,2016-03-01,d,Sudan,Government of Sudan;SPLM/A\n"
    )
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        composed = compose("run", ["collapse=violations", "panel.min_events=0"])
    for name in ("events", "truces"):
        file = "acts" if name == "events" else name
        told: dict[str, object] = {"path": str(tmp_path / f"{file}.csv")}
        composed[name] = config(hand=(f"forecast.{name}.table.table", told))
    data = read(composed, tmp_path / "rejected.csv")
    assert data.events["actor_a"].unique().to_list() == ["Army (Sudan)"]
    laid, _ = study.lay_out(composed, data)
    collapse = laid.select(pl.col("origin") + pl.duration(days=pl.col("duration") - 1))
    assert (laid["event"] == COLLAPSE).all()
    # five breaches are the floor
    assert set(collapse.to_series()) == {date(2016, 3, 15)}


def test_the_baseline_of_age_hangs_on_no_step_of_the_panel(tmp_path: Path) -> None:
    """Of origins a fortnight apart the first speaks for the second week too."""
    data, risks = load(EVENTS, TRUCES, 0.01, tmp_path / "rejected.csv"), []
    for days in (7, 14):
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            composed = compose("run", [f"panel.step_days={days}"])
        laid, _ = study.lay_out(composed, data)
        model = study.model(composed, composed.baselines.age)
        fitted = model.fit(laid.select("age_days"), target(laid))
        risks.append(fitted.predict_risk(pl.DataFrame({"age_days": [1, 8, 15, 50]})))
    np.testing.assert_allclose(*risks, atol=0.005)


def test_bad_rows_within_the_limit_are_counted(tmp_path: Path) -> None:
    events = table(tmp_path / "hand.csv", 200, 2)
    data = load(events, TRUCES, 0.01, tmp_path / "rejected.csv")
    account = data.sources.row(0, named=True)
    assert (account["read"], account["accepted"], account["rejected"]) == (200, 198, 2)
    assert data.rejected.select("line", "column", "value").rows() == [
        (200, "date", "2016-03-00"),
        (201, "date", "2016-03-00"),
    ]


def test_too_many_bad_rows_stop_the_run(tmp_path: Path) -> None:
    events = table(tmp_path / "hand.csv", 200, 3)
    to = tmp_path / "new" / "rejected.csv"
    with pytest.raises(InputError) as error:
        load(events, TRUCES, 0.01, to)
    message = str(error.value)
    for words in (
        "hand: 3 of 200 rows are bad",
        "max_rejected=0.01",
        f"{tmp_path / 'hand.csv'}, line 199, column 'date', value '2016-03-00'",
        "expected a calendar day",
        str(to),
    ):
        assert words in message
    written = pl.read_csv(to)
    assert written.columns == Rejected.column_names()
    assert written["line"].to_list() == [199, 200, 201]
    # the same rows pass where more are allowed
    assert load(events, TRUCES, 0.02, to).rejected.height == 3


def test_no_bad_row_at_all_may_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 200 rows are bad"):
        load(table(tmp_path / "hand.csv", 200, 1), TRUCES, 0, tmp_path / "r.csv")


def test_rows_left_out_are_no_bad_rows(tmp_path: Path, shared: Path) -> None:
    path = str(shared / "data/ethprio/ceasefires.csv")
    truces = config(ethprio=("forecast.truces.ethprio.ethprio", {"path": path}))
    data = load(EVENTS, truces, 0.01, tmp_path / "rejected.csv")
    account = data.sources.row(1, named=True)
    assert account["read"] == 2913
    assert (account["accepted"], account["left_out"], account["rejected"]) == (
        2313,
        597,
        3,
    )
    assert data.left_out.rows() == [("ethprio", "row without a UCDP dyad", 597)]
    assert list(data.inputs) == ["events.world", path]


def test_no_source(tmp_path: Path) -> None:
    nothing = OmegaConf.create({})
    with pytest.raises(InputError, match="no source of events; choose one: events="):
        load(nothing, TRUCES, 0.01, tmp_path / "rejected.csv")
    with pytest.raises(InputError, match="no source of truces; choose one: truces="):
        load(EVENTS, nothing, 0.01, tmp_path / "rejected.csv")


def test_a_source_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Hydra wraps the error; the verb unwraps it (see test_commands)."""
    path = {"path": str(tmp_path / "absent.csv")}
    events = config(hand=("forecast.events.table.table", path))
    with pytest.raises(InstantiationException, match=r"absent\.csv") as error:
        load(events, TRUCES, 0.01, tmp_path / "rejected.csv")
    assert isinstance(error.value.__cause__, InputError)
