"""What a configuration may say to Hydra itself, which acts on it before anything else.

Beside ``_target_``, Hydra's logging calls factories and imports classes by name, its
search path can import packages, and its jobs can set the environment of programs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from forecast.commands import targets

LOGGING = ("job_logging", "hydra_logging")
#: parts that are called or carried out; no other part of a configuration reaches in
ACTED_ON = ("callbacks", "launcher", "sweeper", *LOGGING)
OWN = re.compile(r"\$\{hydra[.:][\w.]+\}")
CLASSES = (
    *("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler"),
    "logging.Formatter",
)
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
#: parameters of a cluster that are lines of shell
SHELL = ("setup", "srun_args", "python")


def problem(config: DictConfig) -> str | None:
    """Why a node ``hydra`` may not be acted on, in a sentence; None: it may.

    Parameters
    ----------
    config : DictConfig
        Composed, with the node.
    """
    node: Any = OmegaConf.to_container(config.hydra, resolve=False)
    called = targets.problem(node, "hydra")
    return called or next(_problems(node), None)


def _problems(node: Mapping[str, Any]) -> Iterator[str]:
    for part in ACTED_ON:
        for key, value in leaves(node.get(part), f"hydra.{part}"):
            yield from _elsewhere(key, value)
            if part in LOGGING:
                yield from _logging(key, value)
            if part == "launcher":
                yield from shell(key, value)
    if node["job"].get("env_set"):
        yield "hydra.job.env_set: set the environment where forecast is started"
    yield from (
        f"hydra.searchpath={place}: expected a folder, file://PATH"
        for place in node.get("searchpath") or ()
        if not str(place).startswith("file://")
    )
    yield from (
        f"hydra.sweeper.params.{key}: a sweep may not vary Hydra itself"
        for key in (node["sweeper"] or {}).get("params") or {}
        if str(key).lstrip("+~").startswith("hydra")
    )


def _elsewhere(key: str, value: Any) -> Iterator[str]:
    """Values that lie elsewhere, where they would be looked at as something else."""
    if not isinstance(value, str):
        return
    # a whole part, and anything of logging, must stand here itself
    whole = key.startswith(tuple(f"hydra.{part}" for part in LOGGING))
    rest = value if whole or key.count(".") == 1 else OWN.sub("", value)
    if "${" in rest:
        yield f"{key}={value}: expected a plain value"


def _logging(key: str, value: Any) -> Iterator[str]:
    """Classes and factories that Python's logging would import and call."""
    elsewhere = isinstance(value, str) and re.match("(ext|cfg)://", value)
    if "()" in key:
        yield f"{key}={value}: nothing may be called here"
    elif key.endswith(".class") and value not in CLASSES:
        yield f"{key}={value}: expected one of {', '.join(CLASSES)}"
    elif elsewhere and value not in STREAMS:
        yield f"{key}={value}: expected one of {', '.join(STREAMS)}"


def shell(key: str, value: Any) -> Iterator[str]:
    """Why a parameter of a cluster is a line of shell, or would become one.

    Parameters
    ----------
    key, value
        Of :func:`leaves`.

    Examples
    --------
    >>> list(shell("more.slurm_setup[0]", "rm x"))
    ['more.slurm_setup[0]=rm x: commands belong in the shell that starts forecast']
    >>> list(shell("more.slurm_partition", "short"))
    []
    """
    names = {name.removeprefix("slurm_") for name in re.split(r"[.\[]", key)}
    if names & set(SHELL) and value not in (None, [], {}):
        yield f"{key}={value}: commands belong in the shell that starts forecast"
    if isinstance(value, str) and not value.isprintable():
        yield f"{key}={value!r}: expected one line"


def leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Values below a key, each with its key, and the keys that hold nothing.

    Examples
    --------
    >>> list(leaves({"a": [1, {"b": 2}], "c": {}}, "x"))
    [('x.a[0]', 1), ('x.a[1].b', 2), ('x.c', {})]
    """
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{at}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{at}[{i}]")
    else:
        yield at, value
