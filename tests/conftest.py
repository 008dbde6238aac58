"""What tests share: a small simulated world, and the real data where they are."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from strategies import Laid

from forecast.collapse import resumption
from forecast.link import link, linked
from forecast.panel import panel
from forecast.schema import Panel
from forecast.simulated import World
from forecast.simulated import world as simulate

# a slow machine is no failure, and a failure must come again
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real data and the independent checks."""
    if not (SHARED / "data").is_dir():
        reason = f"no real data at {SHARED / 'data'}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def world() -> World:
    """A small world, made once."""
    return simulate(seed=7, conflicts=8, years=6)


@pytest.fixture(scope="session")
def simulated(world: World) -> Laid:
    """The arguments of a feature, at each seventh origin of the small world."""
    args = (world.truces, world.events, world.covered_through, resumption)
    rows = Panel.validate(panel(*args)[0].gather_every(7))
    return rows, linked(world.events, link(world.truces, world.events)), world.truces


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the clone."""
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    monkeypatch.setenv("FORECAST_ROOT", str(ROOT))
