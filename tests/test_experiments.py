"""Every experiment composes, names itself, and asks a question."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

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
