"""Every experiment composes, names itself, and asks a question."""

from html import escape
from pathlib import Path

import pytest
from finished import TINY
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from forecast.commands import run
from forecast.events.ged import ged

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))


def composed(name: str) -> DictConfig:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("run", [f"experiments={name}"], return_hydra_config=True)


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_composes(name: str) -> None:
    config = composed(name)
    plain = OmegaConf.masked_copy(config, [str(k) for k in config if k != "hydra"])
    OmegaConf.to_container(plain, resolve=True, throw_on_missing=True)
    assert config.name == name
    assert config.question.endswith("?")


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_has_its_row(name: str) -> None:
    rows = (ROOT / "experiments" / "README.md").read_text().splitlines()
    assert [row for row in rows if row.startswith(f"| `{name}` |")]


def test_the_ablation_leaves_out_each_family_that_there_is() -> None:
    config = composed("ablation")
    shipped = {path.stem for path in (ROOT / "conf" / "features").glob("*.yaml")}
    assert set(config.features) == shipped
    swept = config.hydra.sweeper.params.leave_out
    assert swept == ",".join(["[]", *(f"[{name}]" for name in config.features)])


def test_labels_tries_each_rule_that_deaths_and_records_can_decide() -> None:
    shipped = {path.stem for path in (ROOT / "conf" / "collapse").glob("*.yaml")}
    swept = composed("labels").hydra.sweeper.params.collapse.split(",")
    assert set(swept) == shipped - {"violations"}


def swept(name: str, key: str) -> list[list[str]]:
    """Lists of names that a sweep goes through."""
    found: str = composed(name).hydra.sweeper.params[key]
    return [words.split(",") for words in found[1:-1].split("],[")]


@pytest.mark.parametrize("name", ["coded_events", "fidelity"])
def test_runs_that_differ_in_what_features_see_forecast_the_same(name: str) -> None:
    config = composed(name)
    assert len(config.outcomes_from) == 1
    params = set(config.hydra.sweeper.params)
    assert "features_from" in params <= {"features_from", "leave_out"}
    for names in [list(config.outcomes_from), *swept(name, "features_from")]:
        assert set(names) <= set(config.events)


def test_coded_events_holds_all_against_deaths_alone() -> None:
    config = composed("coded_events")
    assert swept("coded_events", "features_from") == [
        list(config.outcomes_from),
        list(config.events),
    ]
    assert swept("coded_events", "leave_out") == [["kinds", "talks"], [""]]
    assert {"kinds", "talks"} <= set(config.features)


def test_fidelity_compares_files_of_the_same_countries(shared: Path) -> None:
    events = composed("fidelity").events
    country = shared / "data" / "ucdp_ged" / "country"
    names = {Path(path).name for path in events.full.path}
    assert names == {path.name for path in country.iterdir()}
    assert events.precise.path == events.full.path
    lying = ged([country / name for name in sorted(names)]).frame["country"]
    assert set(events.reduced.countries) == set(lying)


def test_transfer_tries_each_kind_of_group_that_a_split_holds_out() -> None:
    shipped = {path.stem for path in (ROOT / "conf" / "split").glob("unseen_*.yaml")}
    first, *others = composed("transfer").hydra.sweeper.params.split.split(",")
    assert first == "rolling"
    assert set(others) == shipped


def on_the_built_in_world(name: str) -> list[str]:
    """Words that run an experiment once, with few of its models, on a small world."""
    config = composed(name)
    searched = config.search.model if config.search else None
    wanted = [searched, config.published if config.published in config.models else None]
    models = {str(model) for model in [*wanted, *list(config.models)[:2]] if model}
    words = [f"experiments={name}", *TINY, f"models=[{','.join(sorted(models))}]"]
    words += ["events=[simulated]", "truces=[simulated]", "hydra.mode=RUN", "jobs=1"]
    words += [f"published={config.published}", "draws=10", "refits=1", "tracking=none"]
    words += ["features_from=null", "outcomes_from=null"]
    # sources that an experiment spells out itself
    chosen = {"ged", "icews_relations", "simulated"}
    words += [f"~events.{key}" for key in config.events if key not in chosen]
    if config.truth:
        words += ["truth.conflicts=6", "truth.years=5", "truth.draws=2"]
    if config.search:
        words += ["search.trials=2", "search.least=3", "search.quantiles=[0.5]"]
    return [*words, "split.end='2006-01-01'"] if "end" in config.split else words


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_runs_on_the_built_in_world(name: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run.main([*on_the_built_in_world(name), f"out={out}"]) == 0
    report = (out / "report.html").read_text()
    assert escape(composed(name).question) in report
