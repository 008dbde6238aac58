"""From words on the command line to a configuration, or to a message that helps."""

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra import main as hydra_main
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from forecast import withheld
from forecast.commands import (
    composed,
    hydra_node,
    keys,
    settings,
    shown,
    targets,
    words,
)
from forecast.raw import InputError

Task = Callable[[DictConfig], int]
#: the words of each job of a sweep, and the configuration that they make
Jobs = list[tuple[list[str], DictConfig]]
#: overrides of Hydra itself that a job needs no more: it is one run, started by us
OF_SWEEPS = ("hydra.mode", "hydra.sweep", "hydra.sweeper", "hydra/sweeper")
#: what would print a line for each job of a sweep, before it runs
ANNOUNCES = "hydra._internal.core_plugins.basic_launcher"


def call(
    verb: str,
    overrides: Sequence[str],
    task: Task,
    sweep: Callable[[Jobs], int] | None = None,
) -> int:
    """Run a task on the configuration that a verb and overrides make.

    Parameters
    ----------
    verb : str
        Name of the file in ``conf/``.
    overrides : sequence of str
        Hydra's overrides and flags.
    task : callable
        Takes the configuration, returns an exit code.
    sweep : callable, optional
        Takes the jobs of a sweep, of which Hydra then only makes the list. Without it
        the task is run on one after another.

    Returns
    -------
    int
        2 where the words make no configuration, 1 where the data cannot be used,
        else what the task returned; of a sweep, the worst.
    """
    if {"-h", "--help"} & set(overrides):
        print(usage(verb))
        return 0
    home = Path(os.environ["FORECAST_HOME"])
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"forecast: {home}: cannot be made: {error.strerror}", file=sys.stderr)
        return 1
    targets.trust()
    shown.watch()
    overrides, problem, single = _checked(verb, overrides, ours=sweep is not None)
    if problem:
        _say(verb, problem)
        return 2
    codes = [0]
    jobs: Jobs = []

    def each(config: DictConfig) -> None:
        hydra = HydraConfig.get()
        settings.settle(config, hydra.overrides.task)
        # a sweep can make what no choice of it makes alone
        called = targets.problem(OmegaConf.to_container(config, resolve=True))
        if called:
            _say(verb, called)
            codes.append(2)
        elif sweep and hydra.mode == RunMode.MULTIRUN:
            own = [w for w in hydra.overrides.hydra if not w.startswith(OF_SWEEPS)]
            jobs.append(([*hydra.overrides.task, *own, "hydra.mode=RUN"], config))
        else:
            codes.append(_guarded(verb, partial(task, config)))

    _start(verb, overrides, single, each)
    if sweep and jobs and not max(codes):
        codes.append(_guarded(verb, partial(sweep, jobs)))
    return max(codes)


def _start(
    verb: str,
    overrides: Sequence[str],
    single: DictConfig | None,
    each: Callable[[DictConfig], None],
) -> None:
    """Do a task once on a configuration that is there, or as often as Hydra says."""
    if single is not None:
        composed.run(single, str(conf()), each)
        return
    sys.argv = [f"forecast {verb}", *overrides]
    logging.getLogger(ANNOUNCES).setLevel(logging.WARNING)
    hydra_main(version_base="1.3", config_path=str(conf()), config_name=verb)(each)()


def _guarded(verb: str, work: Callable[[], int]) -> int:
    """What the work returns, or 1 with the reason where its data cannot be used."""
    try:
        return work()
    except Exception as error:
        # Hydra wraps what a source raises
        wrapped = isinstance(error, InstantiationException)
        reason = error.__cause__ if wrapped else error
        if isinstance(reason, (InputError, TypeError) if wrapped else InputError):
            _say(verb, str(reason))
            return 1
        said = "".join(traceback.format_exception(error))
        if withheld.text(said) == said:
            raise
        _say(verb, said)
        return 1


def quoted(value: str) -> str:
    r"""A value as a person would type it in an override: in quotes where they matter.

    Examples
    --------
    >>> print(quoted("outputs/it's here"))
    'outputs/it\'s here'
    """
    if re.fullmatch(r"[\w./-]+", value):
        return value
    return words.in_quotes(value)


def conf() -> Path:
    """Folder of the configuration."""
    return Path(os.environ["FORECAST_ROOT"]) / "conf"


def choices() -> dict[str, list[str]]:
    """Options of every group, experiments among them."""
    groups = {g.name: _names(g) for g in sorted(conf().iterdir()) if g.is_dir()}
    found = {n for place in _places() for n in _names(place / "experiments")}
    return groups | {"experiments": sorted(found)}


def usage(verb: str) -> str:
    """What a verb takes: keys, groups with their choices, and experiments."""
    with initialize_config_dir(str(conf()), version_base="1.3"):
        config = compose(verb)
    groups = choices()
    taken = {name: groups[name.partition("@")[0]] for name in _taken(verb)}
    own = [str(k) for k in config if str(k) not in taken and str(k) != "hydra"]
    own = [k for k in own if not any(name.endswith(f"@{k}") for name in taken)]
    width = max(map(len, taken))
    lines = [f"  {name:{width}}  {', '.join(names)}" for name, names in taken.items()]
    return "\n".join(
        [
            f"forecast {verb} [GROUP=CHOICE | GROUP=[A,B] | KEY=VALUE]...",
            "",
            "groups and their choices",
            *lines,
            "",
            "keys",
            f"  {', '.join(own)}",
            "",
            "Any key of a choice can be set too: panel.min_events=3. Hydra's own flags",
            "work as well: --cfg job prints the configuration, -m sweeps over lists of",
            "values: -m seed=1,2,3 models=[logit],[hgb].",
        ]
    )


def _taken(verb: str) -> list[str]:
    """Groups that a verb takes, as they are written on the command line."""
    defaults = OmegaConf.load(conf() / f"{verb}.yaml").defaults
    names = [
        str(key) for line in defaults if isinstance(line, DictConfig) for key in line
    ]
    groups = [name.removeprefix("optional ") for name in names]
    return [name for name in groups if not name.startswith("override ")]


def _names(folder: Path) -> list[str]:
    return sorted(p.stem for p in folder.glob("*.yaml"))


def _say(verb: str, said: str) -> None:
    """Say what is wrong, and no secret with it."""
    print(f"forecast {verb}: {withheld.text(said)}", file=sys.stderr)


def _checked(
    verb: str, typed: Sequence[str], *, ours: bool
) -> tuple[list[str], str | None, DictConfig | None]:
    """Words as Hydra is given them, why they may not be used, and what they make.

    The last is none where Hydra has more to do than to run once. Of sweeps that are
    ours it launches nothing.
    """
    try:
        given = words.searched(typed, [str(place) for place in _places()])
    except ValueError as error:
        return [], str(error), None
    problem, made = words.unknown(given), None
    if problem is None:
        problem, made = _composed(verb, words.overrides(given))
    launched = (w.lstrip("+").startswith("hydra/launcher") for w in given)
    if ours and any(launched):
        problem = "hydra/launcher: launcher=NAME says where the jobs of a sweep run"
    if "--resolve" in given and withheld.taken:
        problem = problem or "--resolve: it would print " + ", ".join(withheld.taken)
    plain = words.plain(given) and composed.once(made)
    return words.in_order(given), problem, made if plain else None


def _places() -> list[Path]:
    """Folders whose configuration is found beside our own."""
    return [Path(os.environ[name]) for name in ("FORECAST_HOME", "FORECAST_ROOT")]


def _composed(
    verb: str, overrides: Sequence[str]
) -> tuple[str | None, DictConfig | None]:
    """Why these words make no configuration that may be used, or the last they make."""
    reason, config = words.acts_on_hydra(overrides), None
    if reason:
        return reason, None
    for attempt in words.attempts(overrides):
        try:
            with initialize_config_dir(str(conf()), version_base="1.3"):
                config = compose(verb, list(attempt), return_hydra_config=True)
            reason = hydra_node.problem(config)
            ours = OmegaConf.masked_copy(
                config, [str(k) for k in config if k != "hydra"]
            )
            resolved = OmegaConf.to_container(ours, resolve=True, throw_on_missing=True)
            reason = reason or targets.problem(resolved)
        # a null for a group is a ValueError of Hydra's
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            reason = _explained(verb, attempt, str(error))
        if reason:
            return reason, None
    return None, config


def _explained(verb: str, overrides: Sequence[str], error: str) -> str:
    first = error.strip().splitlines()[0]
    groups = choices()
    for word in overrides:
        name, _, value = word.partition("=")
        chosen = [v.strip() for v in value.strip("[]").split(",")]
        unknown = [v for v in chosen if v not in (*groups.get(name, ()), "", "null")]
        if name in groups and unknown:
            return f"no {name}={unknown[0]}; there are: {', '.join(groups[name])}"
    if "Missing mandatory value" in first:
        key = re.search(r"full_key: (\S+)", error)
        return f"a value is missing: {key[1] if key else first}=VALUE"
    key = re.match(r"Could not override '([^']+)'", first)
    said = keys.missing(verb, overrides, key[1], str(conf())) if key else None
    if said:
        return said
    return f"{first}\n\n{usage(verb)}"
