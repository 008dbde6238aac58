"""The search of `forecast run`: which settings of a model, by inner folds alone.

What is typed: ``forecast run experiments=search``, or a ``search`` of one's own in a
YAML. The run then holds a model more, `searched`: the one that was named, with the
settings that were found. It is forecast and judged like the others, once.

Trials are kept in ``outputs/.searches`` of the home, by the digest of all that decides
them, so that the same line goes on with a search that was cut.
"""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast import provenance, record, storage
from forecast.backtest import ROWS, Model, rows, target
from forecast.choices import Choice, choice
from forecast.commands import study
from forecast.commands.alone import alone
from forecast.commands.data import Data
from forecast.commands.settings import SEARCHED
from forecast.commands.stages import Stages
from forecast.models.given import Given, given
from forecast.models.inner import Plan
from forecast.raw import InputError
from forecast.schema import Trials
from forecast.search import Found, search
from forecast.threads import one_thread

#: where the trials of a home lie, a folder a search
PLACE = Path("outputs", ".searches")


@dataclass(frozen=True)
class Search:
    """A model with the settings that were found, and how they were."""

    model: tuple[Model, pl.DataFrame]
    trials: dy.DataFrame[Trials]
    choice: Choice
    notes: list[str]


def find(
    config: DictConfig, data: Data, frames: study.Frames, stages: Stages
) -> Search | None:
    """Search for settings on what was known at the first cutoff.

    Parameters
    ----------
    config : DictConfig
        Of `forecast run`.
    data, frames
        What it read, and laid out.
    stages : Stages
        Times the work.

    Returns
    -------
    Search or None
        None where the configuration asks for none.

    Raises
    ------
    forecast.raw.InputError
        If the space or the split cannot be searched, another process is at the same
        search, or its storage cannot be used.
    """
    if not config.search:
        return None
    check(config)
    first = frames.folds[0]
    if first.by:
        raise InputError(
            f"search: the split holds out {first.by} whose early rows it would see; "
            "expected a split in time alone"
        )
    train = first.train(frames.at[first.known])
    known = given(rows(frames.features, train), target(train), train.select(ROWS))
    with stages("search", config.search.trials) as done:
        found = _search(config, data, known, done)
    test = first.test(frames.now)
    return Search(
        (_model(config, found.settings or {}), frames.features),
        found.trials,
        _choice(found, first.cutoff, train, test),
        _said(config, found, first.cutoff),
    )


def check(config: DictConfig) -> None:
    """Refuse a search that names no chosen model, or settings that it does not have.

    Raises
    ------
    forecast.raw.InputError
        That names the key.
    """
    name = config.search.model
    if name not in config.models:
        chosen = ", ".join(map(str, config.models))
        raise InputError(f"search.model={name}: not among those chosen: {chosen}")
    own = config.models[name]
    for key, spec in config.search.space.items():
        parts = str(key).split(".")
        # what a configuration calls is no setting
        if any(p.startswith("_") for p in parts) or OmegaConf.select(own, key) is None:
            there = ", ".join(k for k in map(str, own) if not k.startswith("_"))
            raise InputError(f"search.space.{key}: {name} has {there}")
        for value in spec.get("choices") or []:
            if not isinstance(value, str | int | float | bool):
                raise InputError(f"search.space.{key}: {value} is no single value")


def _model(config: DictConfig, settings: Mapping[str, Any]) -> Model:
    """The searched model with other settings than the declared ones."""
    own = settled(config.models[config.search.model], settings)
    made: Model = study.model(config, own)
    return made


def settled(own: Any, settings: Mapping[str, Any]) -> DictConfig:
    """Configuration of a model with other settings.

    Examples
    --------
    >>> settled({"C": 1.0, "inner": {"parts": 2}}, {"inner.parts": 3})
    {'C': 1.0, 'inner': {'parts': 3}}
    """
    other = OmegaConf.create(own)
    assert isinstance(other, DictConfig)
    for key, value in settings.items():
        OmegaConf.update(other, key, value)
    return other


def _search(
    config: DictConfig, data: Data, known: Given, done: Callable[..., None]
) -> Found:
    wanted = config.search
    plan = Plan(
        tuple(wanted.quantiles), wanted.parts, wanted.least, tuple(config.horizons)
    )
    space: Any = OmegaConf.to_container(wanted.space, resolve=True)
    name = _name(config, data)
    folder = Path(config.home).resolve() / PLACE / name
    if not folder.is_dir():
        record.make(folder)
    with alone(folder), one_thread():
        try:
            return search(
                lambda settings: _model(config, settings),
                space,
                known,
                plan,
                storage.opened(config.storage, folder),
                name,
                trials=wanted.trials,
                seed=config.seed,
                host=platform.node(),
                jobs=config.jobs,
                done=done,
            )
        except (LookupError, OSError) as error:
            raise InputError(f"storage={config.storage}: {error}") from error
        except ValueError as error:
            raise InputError(f"search: {error}") from error


def _name(config: DictConfig, data: Data) -> str:
    """Name of a search: the same one for the same trials, however many."""
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    # these change what is made of the trials, and none of them
    later = ("published", "named_baseline", "draws", "refits", "level", "metrics")
    decides = {k: v for k, v in record.placeless(resolved).items() if k not in later}
    decides["search"] = {k: v for k, v in resolved["search"].items() if k != "trials"}
    decides["data"] = data.digest
    decides["code"] = provenance.digest()
    text = json.dumps(decides, sort_keys=True, default=str)
    return f"{config.search.model}-{sha256(text.encode()).hexdigest()[:16]}"


def _choice(
    found: Found, cutoff: date, train: pl.DataFrame, test: pl.DataFrame
) -> Choice:
    picked = json.dumps(found.settings) if found.settings else "as declared"
    said = (picked, found.trials.height)
    return choice(SEARCHED, cutoff, train, test, "search", found.rows, *said)


def _said(config: DictConfig, found: Found, cutoff: date) -> list[str]:
    """What the search came to, a sentence."""
    name = config.search.model
    if not found.trials.height:
        return [
            f"search: too few truces collapsed before {cutoff} to choose settings of "
            f"{name} by; the declared ones stay"
        ]
    counts = dict(found.trials.group_by("state").len().iter_rows())
    parts = [
        f"{counts[s]} {s}" for s in ("complete", "pruned", "failed") if s in counts
    ]
    tried = found.trials.height - 1
    within = f"on inner folds of {len(found.rows)} origins before {cutoff}"
    begun = f"search: {tried} settings of {name} were tried {within}"
    verdict = "none can be told apart from the declared ones, which stay"
    if found.settings:
        words = ", ".join(f"{k} {_short(v)}" for k, v in sorted(found.settings.items()))
        verdict = f"taken is {words}"
    return [f"{begun} ({', '.join(parts)}): {verdict}"]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
