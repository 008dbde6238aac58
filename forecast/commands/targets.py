"""What a configuration may call: functions and classes on a list, and nothing else.

Hydra calls whatever ``_target_`` names, as soon as it meets it. So every one in a
configuration is looked up before Hydra starts, and what it turns out to be is judged by
where it was defined, not by the name that leads there: ``forecast.ui.subprocess.run``
starts like ours, and is not.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from forecast.provenance import TRUSTED, trusted
from forecast.raw import InputError

TARGET = "_target_"
#: where this package keeps what can be chosen
OURS = tuple(
    f"forecast.{kind}"
    for kind in (
        *("audits", "collapse", "commands.launchers", "events", "features"),
        *("metrics", "models", "split", "truces"),
    )
)
#: classifiers that tell a risk and can be stored without pickle, whose settings are
#: numbers, words and each other; no pipeline, whose ``memory`` is a folder of pickles
SKLEARN = frozenset(
    {
        "sklearn.ensemble.AdaBoostClassifier",
        "sklearn.ensemble.BaggingClassifier",
        "sklearn.ensemble.ExtraTreesClassifier",
        "sklearn.ensemble.GradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.linear_model.LogisticRegression",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.tree.DecisionTreeClassifier",
    }
)
#: what Hydra ships to run jobs
HYDRA = frozenset(
    {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
        "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher",
    }
)
NAME = re.compile(r"[a-zA-Z]\w*(\.[a-zA-Z]\w*)+")
ALLOWED = (
    "allowed are what forecast."
    "{" + ",".join(o.partition(".")[2] for o in OURS) + "} "
    "define, some scikit-learn estimators, Hydra's own launchers, and modules that the "
    f"environment variable {TRUSTED} names"
)


def trust() -> None:
    """Let trusted modules be imported from the project's home, after all others."""
    home = os.environ.get("FORECAST_HOME")
    if trusted() and home and home not in sys.path:
        sys.path.append(home)


def problem(config: Any, at: str = "") -> str | None:
    """Why a configuration calls what it may not, in a sentence; None: it does not.

    Parameters
    ----------
    config : Any
        Mappings, lists and values, resolved.
    at : str
        Its key.

    Examples
    --------
    >>> problem({"models": {"age": {"_target_": "forecast.models.baselines.Age"}}})
    >>> problem({"on": [{"_target_": "os.system"}]}).partition(";")[0]
    'on[0]._target_=os.system: it may not be called'
    """
    for key, target in named(config, at):
        why = refused(target)
        if why:
            return f"{key}={target}: {why}; {ALLOWED}"
    return None


def check(config: DictConfig, place: Path) -> None:
    """Refuse a configuration that was read from a file, if it calls what it may not.

    Raises
    ------
    forecast.raw.InputError
        That names the file, the key, the target, and what is allowed.
    """
    try:
        resolved = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise InputError(f"{place}: {error}") from error
    why = problem(resolved)
    if why:
        raise InputError(f"{place}: {why}")


def named(config: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every target in a configuration, with its key."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            place = f"{at}.{key}" if at else str(key)
            if key == TARGET:
                yield place, value
            else:
                yield from named(value, place)
    elif isinstance(config, Sequence) and not isinstance(config, str | bytes):
        for i, value in enumerate(config):
            yield from named(value, f"{at}[{i}]")


def refused(target: Any) -> str | None:
    """Why a target may not be called; None: it may.

    Nothing is imported unless its name is on the list.

    Examples
    --------
    >>> refused("forecast.metrics.brier")
    >>> refused("forecast.metrics.proper.np.load")
    'it leads to numpy, which may not be called'
    >>> refused("forecast.metrics.birer")
    'there is none'
    """
    if not isinstance(target, str):
        return "expected a dotted name"
    if target in HYDRA:
        return None
    roots = _roots(target)
    if not roots:
        return "it may not be called"
    return _followed(target, roots)


def _roots(target: str) -> tuple[str, ...]:
    """Packages that a target must stay in; none: it may not even be imported."""
    if not NAME.fullmatch(target):
        return ()
    if target in SKLEARN:
        return ("sklearn",)
    roots = [*OURS, *trusted()]
    return tuple(root for root in roots if target.startswith(f"{root}."))


def _followed(target: str, roots: Sequence[str]) -> str | None:
    """Where a target leads, step by step as Hydra goes, if it leaves its packages."""
    first, *parts = target.split(".")
    name = first
    try:
        found: Any = import_module(first)
        for part in parts:
            above, name = found, f"{name}.{part}"
            if isinstance(above, ModuleType) and not hasattr(above, part):
                found = import_module(name)
            else:
                found = getattr(above, part)
            home = _home(found)
            if not _inside(home, roots, isinstance(found, ModuleType)):
                return f"it leads to {home}, which may not be called"
    except (ImportError, AttributeError):
        return "there is none"
    return None if callable(found) else "it cannot be called"


def _home(found: Any) -> str:
    """Module that something was defined in; of a module, its own name."""
    if isinstance(found, ModuleType):
        return found.__name__
    return str(getattr(found, "__module__", None) or type(found).__name__)


def _inside(home: str, roots: Sequence[str], module: bool) -> bool:
    """Whether a module is one of some packages, or on the way to one."""
    return any(
        home == root
        or home.startswith(f"{root}.")
        or (module and root.startswith(f"{home}."))
        for root in roots
    )
