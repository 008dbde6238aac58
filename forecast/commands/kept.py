"""Which jobs of a sweep have a finished result already, of what they would compute."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from forecast import record
from forecast.commands import settings
from forecast.commands.data import by_kind, inputs, sources
from forecast.raw import InputError

#: digests of a configuration, of the code and of the data
Made = tuple[str, str, str]


def kept(folder: Path, configs: Sequence[DictConfig]) -> dict[int, Path]:
    """Find the finished results of jobs in the folder of a sweep.

    A result is finished if its folder was renamed whole. It counts if configuration,
    code and data have the digests that a run would find now: data are read again, and
    only where configuration and code agree.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    configs : sequence of DictConfig
        Of the jobs.

    Returns
    -------
    dict of int to Path
        Folders of results, by the place of the job in the sequence.
    """
    results, code = _results(folder), record.code_digest()
    digests: dict[str, str | None] = {}
    found: dict[int, Path] = {}
    for i, config in enumerate(configs):
        plain = _plain(config)
        if not plain or not code:
            continue
        own = record.config_digest(plain)
        if not any(made[:2] == (own, code) for made in results):
            continue
        key = json.dumps([plain[k] for k in ("events", "truces", "actors")])
        if key not in digests:
            digests[key] = _data_digest(config)
        result = results.get((own, code, digests[key] or ""))
        if result:
            found[i] = result
    return found


def _results(folder: Path) -> dict[Made, Path]:
    found: dict[Made, Path] = {}
    for file in sorted(folder.glob("*/run.json")):
        if not file.parent.name.startswith("."):
            account = record.read_json(file)
            keys = ("config_digest", "code_digest", "data_digest")
            config, code, data = (str(account.get(key) or "") for key in keys)
            found[config, code, data] = file.parent
    return found


def _plain(config: DictConfig) -> Mapping[str, Any] | None:
    """The configuration as a run records it; None where it is none."""
    own = deepcopy(config)
    try:
        settings.anchor(own)
        plain: Any = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException:
        return None
    return dict(plain)


def _data_digest(config: DictConfig) -> str | None:
    """Digest of the data that a configuration names; None if they cannot be read."""
    try:
        everything = by_kind(sources(config.events), sources(config.truces))
    except (InputError, InstantiationException, OSError):
        return None
    return record.data_digest(inputs(everything, config.actors.corrections))
