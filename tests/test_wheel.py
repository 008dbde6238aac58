"""What is built holds what it needs, and works where there is no clone."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
from finished import ROOT, TINY

from forecast.__main__ import VERBS
from forecast.commands import score

pytestmark = pytest.mark.slow
#: places of the clone whose files are in the wheel, and where they lie there
HELD = {
    "forecast": "forecast",
    "conf": "forecast/conf",
    "experiments": "forecast/experiments",
    "data/syria_2016": "forecast/data/syria_2016",
    "data/reference": "forecast/data/reference",
}
SYRIA = [
    "truces=syria_2016",
    "events=syria_2016",
    "as_of=2016-04-07",
    "model=reference",
]


def called(*words: str | Path, cwd: Path) -> str:
    """What a command says that ends well and knows nothing of this clone."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("FORECAST_")
    }
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        words, cwd=cwd, env=kept, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(what: str, source: Path, folder: Path) -> Path:
    """A wheel or an sdist of a source tree, made without a network."""
    words = ("-m", "hatchling", "build", "-t", what, "-d", folder)
    called(sys.executable, *words, cwd=source)
    (made,) = folder.iterdir()
    return made


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in found}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; what it depends on is that of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel)
    python = folder / "bin" / "python"
    called(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    # a folder named in a .pth is looked into, its own .pth are not: the editable
    # install of this clone stays unseen
    (packages,) = folder.glob("lib/python*/site-packages")
    places = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "tests.pth").write_text("\n".join(sorted(places)))
    where = called(
        python, "-c", "import forecast; print(forecast.__file__)", cwd=folder
    )
    assert Path(where.strip()).is_relative_to(packages)
    return folder


def test_the_wheel_holds_the_package_its_choices_and_its_data(wheel: Path) -> None:
    wanted = {
        Path(place, path.relative_to(ROOT / top)).as_posix(): path.read_bytes()
        for top, place in HELD.items()
        for path in (ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert {name: archive.read(name) for name in names} == wanted
        licences = [name for name in archive.namelist() if "/licenses/" in name]
    assert [Path(name).name for name in licences] == ["LICENSE"]


def test_the_source_archive_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = built("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = built("wheel", source, tmp_path / "wheel")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_it_runs_and_scores_in_an_empty_folder(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(environment)
    command = environment / "bin" / "forecast"
    home = tmp_path / "home"
    home.mkdir()
    told = called(command, "--help", cwd=home)
    assert all(verb in told for verb in VERBS)
    assert list(home.iterdir()) == []

    called(command, "run", *TINY, "models=[logit]", "draws=20", cwd=home)
    (run,) = home.glob("outputs/built_in/*/")
    assert (home / "mlflow.db").is_file()
    page = (run / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert pl.read_parquet(run / "predictions.parquet").height > 0
    assert (run / "model.skops").is_file()

    called(command, "score", *SYRIA, cwd=home)
    (scoring,) = home.glob("outputs/score/*/")
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    monkeypatch.setenv("FORECAST_ROOT", str(ROOT))
    assert score.main([*SYRIA, f"out={tmp_path / 'clone'}"]) == 0
    for name in ("risk_scores.csv", "reasons.csv"):
        theirs, ours = scoring / name, tmp_path / "clone" / name
        assert theirs.read_bytes() == ours.read_bytes()
    assert state(environment) == before
