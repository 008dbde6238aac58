"""Which keys a configuration has, where one was typed that it has not."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException


def missing(verb: str, overrides: Sequence[str], key: str, conf: str) -> str | None:
    """Say what stands where a key was looked for.

    Parameters
    ----------
    verb : str
        Name of the file in the folder of the configuration.
    overrides : sequence of str
        As they were typed; those that choose are followed.
    key : str
        With points, as in ``events.table.path``.
    conf : str
        Folder of the configuration.

    Returns
    -------
    str or None
        Nothing of a key without a point, or where the other words make nothing.
    """
    group, *inner = key.split(".")
    if not inner:
        return None
    choices = [w for w in overrides if "." not in w.partition("=")[0]]
    place: list[str] = []
    try:
        with initialize_config_dir(conf, version_base="1.3"):
            node = compose(verb, choices)
        for part in (group, *inner):
            if not isinstance(node, DictConfig) or part not in node:
                break
            node = node[part]
            place.append(part)
    except (HydraException, OmegaConfBaseException, ValueError):
        return None
    if isinstance(node, DictConfig) and node and place:
        return f"no key {key}; {'.'.join(place)} has: {', '.join(map(str, node))}"
    if Path(conf, group).is_dir() and len(place) < 2:
        return f"no key {key}: nothing is chosen for {group}; {group}={inner[0]} would"
    return None
