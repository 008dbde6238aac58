"""The model that scores: of a finished run, or written in a file, with its settings."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast import record, reference
from forecast.about import About
from forecast.commands import finished, settings
from forecast.commands.model_files import said
from forecast.commands.shown import shown
from forecast.explain.groups import grouped
from forecast.publish import Published, load
from forecast.raw import InputError
from forecast.report.trust import Proof

#: the word for the model that comes with the package, and where it lies
PACKAGED = "reference"
FILE = "data/reference/model.json"
#: the word for the model that `forecast run register=true` registered last
CHAMPION = "champion"


@dataclass(frozen=True)
class Chosen:
    """A model, the settings that its scores need, and where both come from."""

    model: Published
    #: as of a run, with what `forecast score` sets otherwise
    settings: DictConfig
    run_id: str
    place: Path
    #: events before the start that each truce had of those it was fitted on
    min_events: int
    #: what it has shown out of sample
    proof: Proof
    notes: tuple[str, ...] = ()


def chosen(config: DictConfig, home: Path) -> Chosen:
    """Find the model that ``model=`` names; without a name that of the newest run.

    Parameters
    ----------
    config : DictConfig
        Of `forecast score`.
    home : Path
        Whose ``outputs`` hold the runs.

    Returns
    -------
    Chosen

    Raises
    ------
    forecast.raw.InputError
        If there is none, it cannot be read, or other settings are asked for than those
        that it was fitted with.
    """
    if config.model == PACKAGED:
        return _of_file(config, Path(config.root) / FILE)
    if config.model and Path(config.model).suffix == ".json":
        return _of_file(config, Path(config.model))
    run = _run(config, home)
    own = finished.configuration(run)
    run_id = json.loads((run / "run.json").read_text())["run_id"]
    least = own.panel.min_events
    model = load(run / "model.skops")
    proof = _proof(model, *_shown(run, own), own.level)
    return Chosen(model, _settings(config, own), run_id, run, least, proof)


def _run(config: DictConfig, home: Path) -> Path:
    """Folder of the run whose model scores."""
    if config.model:
        folder = _named(str(config.model), home, config.tracking.uri)
        if not (folder / "run.json").is_file():
            raise InputError(
                f"model={config.model}: not the folder of a finished run; expected "
                f"one, a model.json, the id of a run, {CHAMPION} or {PACKAGED}"
            )
        return folder
    runs = record.finished(home / "outputs")
    if not runs:
        raise InputError(
            f"no finished run under {home / 'outputs'}; make one with `forecast run`, "
            f"name one with model=FOLDER, or take model={PACKAGED}"
        )
    return runs[-1]


def _named(word: str, home: Path, uri: str | None) -> Path:
    """Folder of a run by its path, by its id, or as the champion of the registry."""
    if word == CHAMPION:
        if uri is None:
            raise InputError(f"model={CHAMPION}: expected a store, not tracking=none")
        from forecast import tracking

        try:
            word = tracking.champion_run(uri)
        except tracking.TrackingError as error:
            raise InputError(f"model={CHAMPION}: {error}") from error
    if finished.RUN_ID.fullmatch(word) and not Path(word).is_dir():
        return finished.folder(word, home, uri)
    return Path(word)


def _of_file(config: DictConfig, path: Path) -> Chosen:
    """A model that was written as JSON; it has no data of its own to score."""
    model, about = reference.read(path)
    for group in ("events", "truces"):
        if not config.get(group):
            raise InputError(
                f"model={config.model} holds no data: name them, {group}=NAME"
            )
    own = OmegaConf.create(_as_run(about))
    settings.check(own)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Chosen(
        model,
        _settings(config, own),
        f"{about['experiment']}-{digest[:12]}",
        path,
        about["panel"]["min_events"],
        _proof(model, about["said"], pl.DataFrame(about["scores"]), about["level"]),
        (_origin(model, about, path),),
    )


def _proof(model: Published, said: str, scores: pl.DataFrame, level: float) -> Proof:
    """What is known of a model, with the headline and the scores of its run."""
    looked_at = tuple(grouped(list(model.seen)))
    return Proof(said, scores, model.trained_through, looked_at, level)


def _shown(run: Path, own: DictConfig) -> tuple[str, pl.DataFrame]:
    """What a run found of the model that it published, and its scores."""
    file = run / "metrics.csv"
    if not file.is_file():
        return "", pl.DataFrame()
    metrics = pl.read_csv(file, infer_schema_length=None)
    return said(own, metrics), metrics.filter(pl.col("stratum") == "all")


def _as_run(about: About) -> dict[str, Any]:
    """Settings of a file as a run's configuration has them."""

    def call(target: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"_target_": target, "_partial_": True, **arguments}

    groups: dict[str, dict[str, dict[str, Any]]] = {
        "features": about["features"],
        "baseline_features": about["baseline_features"],
    }
    return {
        "name": about["experiment"],
        "seed": about["seed"],
        "collapse": call(f"forecast.collapse.{about['label']}", about["rule"]),
        "panel": about["panel"],
    } | {
        group: {
            name: call(f"forecast.features.{name}.{name}", arguments)
            for name, arguments in chosen.items()
        }
        for group, chosen in groups.items()
    }


def _origin(model: Published, about: About, path: Path) -> str:
    of = about["training"]
    card = path.parent / "README.md"
    more = f"; what it does not know: {card}" if card.is_file() else ""
    return (
        f"{model.name} was fitted by experiments={about['experiment']} through "
        f"{model.trained_through} on {of['origins']} origins of {of['truces']} truces, "
        f"{of['collapses']} of which collapsed ({', '.join(of['files'])}){more}"
    )


def _settings(config: DictConfig, own: DictConfig) -> DictConfig:
    """The model's own settings, with what this command sets otherwise."""
    _same_rule(config, own)
    for key in ("events", "truces"):
        if config.get(key):
            own[key] = shown(config)[key]
    if config.get("events"):
        # those of the run are not among them
        own.features_from = own.outcomes_from = None
    changed = {key: v for key, v in config.panel.items() if v is not None}
    own.panel = OmegaConf.merge(own.panel, changed)
    for key in ("as_of", "level", "max_rejected", "actors", "cache", "reasons"):
        own[key] = config[key]
    return own


def _same_rule(config: DictConfig, own: DictConfig) -> None:
    """Refuse another collapse rule than that of the outcomes the model learnt from."""
    asked = config.get("collapse")
    if asked is None:
        return
    wanted = OmegaConf.to_container(OmegaConf.merge(own.collapse, asked), resolve=True)
    if wanted != OmegaConf.to_container(own.collapse, resolve=True):
        rule = {k: v for k, v in own.collapse.items() if not str(k).startswith("_")}
        name = str(own.collapse._target_).rpartition(".")[2]
        said = ", ".join(f"{key} {value}" for key, value in rule.items())
        raise InputError(
            f"collapse: the model foretells {name} ({said}) and no other collapse; fit "
            "one with `forecast run`"
        )
