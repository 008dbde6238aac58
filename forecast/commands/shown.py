"""A configuration as it is written: resolved, but for what the environment holds."""

import os
from typing import Any

from omegaconf import Container, DictConfig, ListConfig, OmegaConf
from omegaconf.resolvers import oc

from forecast import withheld

#: variables asked for since this was last emptied
_asked: list[str] = []


def watch() -> None:
    """From now on remember what configurations take from the environment."""
    withheld.taken.clear()
    OmegaConf.register_new_resolver("oc.env", _env, use_cache=False, replace=True)


def _env(*words: Any) -> Any:
    """OmegaConf's own ``oc.env``, which remembers what was taken."""
    value = oc.env(*words)
    if words[0] in os.environ:
        withheld.take(words[0], str(value))
        _asked.append(words[0])
    return value


def shown(config: DictConfig) -> dict[str, Any]:
    """Resolve a configuration, and leave values from the environment as expressions.

    Parameters
    ----------
    config : DictConfig
        Composed.

    Returns
    -------
    dict
        Can be saved and read again where the same variables are set.

    Examples
    --------
    >>> watch()
    >>> os.environ["DB_WORD"] = "hunter2"
    >>> config = OmegaConf.create(
    ...     {"uri": "db://me:${oc.env:DB_WORD}@host", "copy": "${uri}", "seed": 1}
    ... )
    >>> shown(config)
    {'uri': 'db://me:${oc.env:DB_WORD}@host', 'copy': '${uri}', 'seed': 1}
    >>> del os.environ["DB_WORD"], withheld.taken["DB_WORD"]
    """
    return {str(key): _shown(config, key) for key in config}


def _shown(parent: DictConfig | ListConfig, key: Any) -> Any:
    node = parent._get_node(key)
    if isinstance(node, DictConfig) and not node._is_interpolation() and node:
        return {inner: _shown(node, inner) for inner in node}
    if isinstance(node, ListConfig) and not node._is_interpolation():
        return [_shown(node, i) for i in range(len(node))]
    _asked.clear()
    value: Any = parent[key]
    if isinstance(value, Container):
        value = OmegaConf.to_container(value, resolve=True)
    if set(_asked) - set(withheld.PLAIN):
        whole: Any = OmegaConf.to_container(parent, resolve=False)
        return withheld.text(str(whole[key]))
    if not isinstance(value, str):
        return value
    # what is no expression must not be read as one
    return withheld.text(value.replace("${", r"\${"))
