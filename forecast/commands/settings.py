"""What settings must be: found out before the work begins, not at its end."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from omegaconf import DictConfig, ListConfig, OmegaConf

from forecast.commands.values import ROLES, RULES
from forecast.raw import InputError

#: groups of which a run needs one choice at least, and the words that choose
GROUPS = {
    "events": "events",
    "truces": "truces",
    "models": "models",
    "baselines": "models@baselines",
    "features": "features",
    "baseline_features": "features@baseline_features",
    "metrics": "metrics",
}
#: name of the model that has the settings which a search found
SEARCHED = "searched"
#: what ``truth`` holds, and the rules whose true risk the simulated world can tell:
#: those that count deaths since the start in a trailing window
TRUTH = ("seed", "conflicts", "years", "draws", "every")
KNOWN_RULES = ("resumption", "threshold", "first_fatal")


def settle(config: DictConfig, words: Iterable[str]) -> None:
    """Publish the only model, where one was typed and none to publish.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast run``; it is changed. Others are left as they are.
    words : iterable of str
        Overrides as they were typed.
    """
    typed = {word.lstrip("+").partition("=")[0] for word in words}
    models = list(config.get("models") or {})
    if typed & {"models", "published"} == {"models"} and len(models) == 1:
        config.published = models[0]


def check(config: DictConfig) -> None:
    """Refuse settings that could not work.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast run``, ``score`` or ``check``; keys that it lacks are not asked
        for.

    Raises
    ------
    forecast.raw.InputError
        That names the key, its value and what was expected.
    """
    missing = object()
    if config.get("truth") is not None:
        _shape_of_truth(config.truth)
    _no_secret(OmegaConf.select(config, "tracking.uri"))
    for key, (holds, expected) in RULES.items():
        value = OmegaConf.select(config, key, default=missing)
        given = value is not missing and not (value is None and key[:6] == "panel.")
        if given and not holds(value):
            raise InputError(f"{key}={value}: expected {expected}")
    _weekly(config)
    if config.get("register") and config.tracking.uri is None:
        raise InputError("register=true: expected a store, not tracking=none")
    if "published" in config:
        _some_of_each(config)
        _names(config)
        _left_out(config)
        _roles(config)
        if config.get("truth") is not None:
            _truth(config)


def _weekly(config: DictConfig) -> None:
    """Refuse origins on one day of the week that are not whole weeks apart."""
    day, step = (
        OmegaConf.select(config, f"panel.{key}", default=None)
        for key in ("weekday", "step_days")
    )
    if day is not None and step is not None and step % 7:
        raise InputError(
            f"panel.step_days={step}: expected whole weeks, as panel.weekday={day}"
        )


def roles(config: DictConfig) -> dict[str, list[str] | None]:
    """What sources of events are for; a run of before there were such keys has none."""
    named = {key: config.get(key) for key in ROLES}
    return {key: names and list(names) for key, names in named.items()}


def anchor(config: DictConfig) -> None:
    """Make the paths of data absolute, so that a run can be used from anywhere."""
    config.data_root = str(Path(config.data_root).resolve())
    for group in ("events", "truces"):
        for source in (config.get(group) or {}).values():
            _anchor(source, [key for key in source if key != "_target_"])
    if config.get("actors"):
        _anchor(config.actors, ["corrections"])


def _anchor(settings: DictConfig, keys: Sequence[Any]) -> None:
    for key in keys:
        anchored = _anchored(settings[key])
        # what is no path stays the expression that it may be
        if anchored != settings[key]:
            settings[key] = anchored


def _anchored(value: Any) -> Any:
    if isinstance(value, ListConfig):
        return [_anchored(inner) for inner in value]
    if isinstance(value, str) and Path(value).exists():
        return str(Path(value).resolve())
    return value


def _no_secret(uri: str | None) -> None:
    """Refuse a password, which would reach files and logs, without repeating it."""
    try:
        password = urlsplit(uri or "").password
    except ValueError as error:
        raise InputError(f"tracking.uri: not an address: {error}") from error
    if password:
        raise InputError(
            "tracking.uri holds a password; expected it in an environment variable "
            "that is named instead, as in tracking.uri=env:MLFLOW_TRACKING_URI"
        )


def _some_of_each(config: DictConfig) -> None:
    """Refuse an empty choice, of which Hydra leaves no key."""
    for group, word in GROUPS.items():
        if not config.get(group):
            raise InputError(f"{word}=[]: expected at least one")


def _names(config: DictConfig) -> None:
    both = set(config.models) & set(config.baselines)
    if both:
        raise InputError(f"{', '.join(sorted(both))}: both a model and a baseline")
    searched = [SEARCHED] if config.get("search") else []
    for key, names in (
        ("published", [*config.models, *searched, *config.baselines]),
        ("named_baseline", list(config.baselines)),
    ):
        if config[key] not in names:
            raise InputError(
                f"{key}={config[key]}: not among those chosen: {', '.join(names)}"
            )


def _left_out(config: DictConfig) -> None:
    chosen, left = list(config.features), config.get("leave_out") or []
    for name in left:
        if name not in chosen:
            raise InputError(
                f"leave_out={name}: not among those chosen: {', '.join(chosen)}"
            )
    if set(left) >= set(chosen):
        raise InputError(f"leave_out=[{','.join(left)}]: no features are left")


def _roles(config: DictConfig) -> None:
    there = [str(name) for name in config.events]
    for key, names in roles(config).items():
        for name in names or []:
            if name not in there:
                raise InputError(
                    f"{key}={name}: not among the events chosen: {', '.join(there)}"
                )


def _shape_of_truth(truth: Any) -> None:
    if not isinstance(truth, DictConfig) or set(truth) != set(TRUTH):
        raise InputError(f"truth={truth}: expected null, or {', '.join(TRUTH)}")


def _truth(config: DictConfig) -> None:
    """Refuse a known truth where there is none."""
    for group in ("events", "truces"):
        made_by = f"forecast.{group}.simulated.simulated"
        others = [
            str(name)
            for name, source in config[group].items()
            if name != "simulated" or source._target_ != made_by
        ]
        if others or not config[group]:
            chosen = ",".join(str(name) for name in config[group])
            raise InputError(
                "truth: the true risk is known in the simulated world alone, not with "
                f"{group}=[{chosen}]; truth=null leaves it out"
            )
    rule = str(config.collapse._target_)
    if rule not in [f"forecast.collapse.{name}" for name in KNOWN_RULES]:
        raise InputError(
            f"truth: the true risk is known under {', '.join(KNOWN_RULES)}, not under "
            f"collapse={rule.rpartition('.')[2]}; truth=null leaves it out"
        )
    if config.truth.seed == config.events.simulated.seed:
        raise InputError(
            f"truth.seed={config.truth.seed}: expected another than that of the world "
            "that models are fitted on"
        )
