"""Finished runs on small worlds, as several modules of tests want them."""

from pathlib import Path

import pytest

from forecast.commands import run

ROOT = Path(__file__).parent.parent
#: a world that a logit is fitted on in a second or two
FEW = [
    "world.conflicts=10",
    "world.years=7",
    "split.first='2003-01-01'",
    "horizons=[7,30]",
    "models=[logit]",
    "draws=20",
]
#: the smallest that has something to learn from at each cutoff
TINY = [
    "world.conflicts=8",
    "world.years=6",
    "first_cutoff='2003-01-01'",
    "horizons=[7,30]",
    "models@baselines=[base_rate,trail]",
    "refits=2",
]


def finished(home: Path, *words: str, name: str = "first") -> Path:
    """Folder of a run that was typed in a home; fixtures make it once for a module."""
    out = home / "outputs" / "built_in" / name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_HOME", str(home))
        patch.setenv("FORECAST_ROOT", str(ROOT))
        assert run.main([*words, f"out={out}"]) == 0
    return out
