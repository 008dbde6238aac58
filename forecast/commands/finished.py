"""Finished runs, found by their folder or by their id in MLflow, and read."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast import record
from forecast.commands import targets
from forecast.differences import differences
from forecast.raw import InputError
from forecast.report.words import listed
from forecast.schema import Predictions

FILES = ("run.json", "config.yaml", "predictions.parquet")
#: what run.json must say
KEYS = ("run_id", "name", "published", "label", "inputs")
RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Run:
    """A finished run, as its folder tells it."""

    #: NAME/DATE_TIME, and a number where one is given twice
    name: str
    folder: Path
    #: run.json
    account: dict[str, Any]
    #: config.yaml, resolved
    config: dict[str, Any]
    predictions: dy.DataFrame[Predictions]

    def of(self, model: str) -> pl.DataFrame:
        """Predictions of one model.

        Raises
        ------
        forecast.raw.InputError
            If the run has none.
        """
        own = self.predictions.filter(pl.col("model") == model)
        if own.is_empty():
            raise InputError(
                f"{self.name} has no forecasts of the model {model}; there are: "
                f"{', '.join(self.models())}"
            )
        return own

    def strata(self) -> pl.DataFrame | None:
        """Strata of its test rows; runs of earlier versions have none."""
        file = self.folder / "strata.parquet"
        return pl.read_parquet(file, glob=False) if file.is_file() else None

    def models(self) -> list[str]:
        """Models that have forecasts, the published one first."""
        names = self.predictions["model"].unique().to_list()
        return sorted(names, key=lambda name: (name != self.account["published"], name))


def find(words: Sequence[str], home: Path, uri: str | None) -> list[Run]:
    """Read the runs that are named on a command line.

    Parameters
    ----------
    words : sequence of str
        Folders of runs, or ids of runs in MLflow.
    home : Path
        Whose ``outputs`` are searched for an id.
    uri : str or None
        Store that is asked for an id that is not there; None: no store.

    Returns
    -------
    list of Run
        In the order given.

    Raises
    ------
    forecast.raw.InputError
        If one cannot be found or read.
    """
    runs: list[Run] = []
    for word in words:
        run = read(folder(word, home, uri))
        names = [run.name, *(f"{run.name} ({i})" for i in range(2, len(words) + 1))]
        taken = {other.name for other in runs}
        runs.append(replace(run, name=next(n for n in names if n not in taken)))
    return runs


def folder(word: str, home: Path, uri: str | None) -> Path:
    """Folder of the run that a word names; see :func:`find`."""
    if Path(word).is_dir():
        return Path(word).resolve()
    if not RUN_ID.fullmatch(word):
        raise InputError(f"{word}: no such folder, nor the id of a run in MLflow")
    for file in record.accounts(home / "outputs"):
        # a scoring bears the id of the run whose model it used
        whole = all((file.parent / name).is_file() for name in FILES)
        if whole and _json(file).get("run_id") == word:
            return file.parent
    if uri is None:
        raise InputError(f"{word}: no run of this id under {home / 'outputs'}")
    from forecast import tracking

    try:
        return tracking.files(uri, word)
    except tracking.TrackingError as error:
        raise InputError(
            f"{word}: no run of this id under {home / 'outputs'}, and {error}"
        ) from error


def read(folder: Path) -> Run:
    """Read the folder of a finished run.

    Raises
    ------
    forecast.raw.InputError
        If it is none, or cannot be read.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: not the folder of a finished run: {', '.join(missing)} missing"
        )
    account = _json(folder / "run.json")
    lacking = [key for key in KEYS if key not in account]
    if lacking:
        raise InputError(f"{folder / 'run.json'}: no {', '.join(lacking)} in it")
    try:
        config: Any = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"))
        # a folder may bear signs that would be taken for a pattern
        frame = pl.read_parquet(folder / "predictions.parquet", glob=False)
        predictions = Predictions.validate(frame, cast=True)
    except Exception as error:  # what reads YAML, Parquet and frames has no common base
        raise InputError(f"{folder}: cannot be read: {error}") from error
    # MLflow keeps its copy in a folder whose name says nothing
    place = f"{folder.parent.name}/{folder.name}"
    kept = f"{account['name']}/{account['run_id'][:8]}"
    name = kept if folder.name == "artifacts" else place
    return Run(name, folder, account, config, predictions)


def configuration(folder: Path) -> DictConfig:
    """Configuration that a folder recorded, to work with: looked at, without tracker.

    Raises
    ------
    forecast.raw.InputError
        If it cannot be read, or calls what no configuration may.
    """
    path = folder / "config.yaml"
    try:
        config = OmegaConf.load(path)
    # what reads YAML has no common base
    except Exception as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(config, DictConfig):
        raise InputError(f"{path}: not a configuration")
    # where a run was logged may be a secret of those who made it
    config.pop("tracking", None)
    targets.check(config, path)
    return config


def rule(run: Run) -> str:
    """The collapse rule with its settings, in words."""
    rule = run.config.get("collapse", {})
    settings = [f"{key} {v}" for key, v in rule.items() if not key.startswith("_")]
    return f"{run.account['label']} ({', '.join(settings)})"


def other_code(runs: Sequence[Run]) -> list[str]:
    """Where the code behind a run is not that behind the reference."""
    ours = runs[0].account
    found: dict[str, list[str]] = {}
    for run in runs[1:]:
        theirs = run.account
        if theirs.get("git_commit") != ours.get("git_commit"):
            found.setdefault("another commit", []).append(run.name)
        packages = differences(ours.get("packages", {}), theirs.get("packages", {}))
        if packages:
            what = f"other versions of {listed(packages)}"
            found.setdefault(what, []).append(run.name)
    return [
        f"made with {what} than {runs[0].name}: {', '.join(names)}"
        for what, names in found.items()
    ]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not the account of a run: {error}") from error
    return found if isinstance(found, dict) else {}
