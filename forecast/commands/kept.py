"""Which jobs of a sweep have a finished result already, of what they would compute."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from forecast import provenance, record
from forecast.commands import settings
from forecast.commands.data import by_kind, corrections, inputs, sources
from forecast.raw import InputError

#: digest of a configuration, what computed, and digest of the data
Made = tuple[str, str, str]
#: packages whose versions decide what is computed
COMPUTING = (
    *("joblib", "numpy", "polars", "rapidfuzz", "scikit-learn", "scipy"),
    "statsmodels",
)


def kept(folder: Path, configs: Sequence[DictConfig]) -> dict[int, Path]:
    """Find the finished results of jobs in the folder of a sweep.

    A result is finished if its folder was renamed whole. It counts if configuration,
    code and data have the digests that a run would find now, and the packages that
    compute their versions: data are read again, and only where the rest agrees.

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
    results = _results(folder)
    code = _code(provenance.code().facts | provenance.machine())
    digests: dict[str, str | None] = {}
    found: dict[int, Path] = {}
    for i, config in enumerate(configs):
        plain = _plain(config)
        if not plain:
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
            config, data = (
                str(account.get(key) or "") for key in ("config_digest", "data_digest")
            )
            found[config, _code(account), data] = file.parent
    return found


def _code(account: Mapping[str, Any]) -> str:
    """What computed a run: the digest of its code, and versions."""
    packages = account.get("packages") or {}
    versions = [packages.get(name) for name in COMPUTING]
    return json.dumps([account.get("code_digest"), account.get("python"), versions])


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
        return record.data_digest(inputs(everything) | corrections(config))
    except (InputError, InstantiationException, OSError):
        return None
