"""What stands beside the numbers of a written model: all that a scoring must know.

The collapse rule, which truces were followed, the settings of features, what the model
was fitted on, and how it scored.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

import polars as pl

from forecast import __version__, collapse
from forecast.features.age import age
from forecast.features.design import design
from forecast.features.recent import recent
from forecast.panel import COLLAPSE, panel
from forecast.raw import InputError
from forecast.strict import Day, arguments

Rule = Literal["resumption", "threshold", "first_fatal", "declared", "violations"]
#: features that `core` looks at, and those that `trail` does
FEATURES: dict[str, Callable[..., Any]] = {
    "age": age,
    "recent": recent,
    "design": design,
}
BASELINE_FEATURES = ("age", "recent")
#: scores that are written, and those over baselines
SCORES = ("brier", "log_score", "auroc", "calibration_slope", "expected_observed")
OVER = "skill_over_"


class Training(TypedDict):
    """What the model was fitted on, counted; the data themselves are not in here."""

    trained_through: Day
    data_digest: str
    files: dict[str, str]
    truces: int
    dyads: int
    origins: int
    collapses: int


class Scored(TypedDict):
    """A score out of sample with its interval, as in ``metrics.csv``."""

    model: str
    horizon: int
    metric: str
    value: float | None
    lower: float | None
    upper: float | None
    n: int
    n_events: int


class About(TypedDict):
    """What stands beside the numbers of a model."""

    version: str
    experiment: str
    question: str
    said: str
    seed: int
    level: float
    label: Rule
    rule: dict[str, Any]
    panel: dict[str, Any]
    features: dict[str, dict[str, Any]]
    baseline_features: dict[str, dict[str, Any]]
    training: Training
    scores: list[Scored]


def known(config: Mapping[str, Any]) -> bool:
    """Whether the rule and the features of a run are those of this package.

    Only these can be named in a file; a file that could name any function would be a
    program.

    Parameters
    ----------
    config : mapping
        Of the run, resolved.
    """
    module, _, rule = config["collapse"]["_target_"].rpartition(".")
    return (module, rule in get_args(Rule)) == ("forecast.collapse", True) and all(
        choice["_target_"] == f"forecast.features.{name}.{name}"
        for group in ("features", "baseline_features")
        for name, choice in config[group].items()
        if name in FEATURES
    )


def describe(
    config: Mapping[str, Any],
    rows: pl.DataFrame,
    metrics: pl.DataFrame,
    *,
    trained_through: date,
    data_digest: str,
    inputs: Mapping[str, str],
    said: str,
) -> About:
    """Gather what a scoring, and who reads the file, must know of a run.

    Parameters
    ----------
    config : mapping
        Of the run, resolved.
    rows : pl.DataFrame
        The panel that the model was fitted on.
    metrics : pl.DataFrame
        Scores of the run.
    trained_through : date
        Last day whose events the panel knows.
    data_digest, inputs
        Digest of the data, and of each file.
    said : str
        What the intervals allow to say of the model.

    Returns
    -------
    About
    """
    left = set(config.get("leave_out") or ())
    models = [config["published"], config["named_baseline"]]
    of_collapses = rows.filter(pl.col("event") == COLLAPSE)
    return About(
        version=__version__,
        experiment=config["name"],
        question=config["question"],
        said=said,
        seed=config["seed"],
        level=config["level"],
        label=config["collapse"]["_target_"].split(".")[-1],
        rule=_settings(config["collapse"]),
        panel=dict(config["panel"]),
        features=_features(config["features"], [f for f in FEATURES if f not in left]),
        baseline_features=_features(config["baseline_features"], BASELINE_FEATURES),
        training=Training(
            trained_through=Day(trained_through.isoformat()),
            data_digest=data_digest,
            files={Path(file).name: digest for file, digest in inputs.items()},
            truces=rows["truce_id"].n_unique(),
            dyads=rows["dyad_id"].n_unique(),
            origins=rows.height,
            collapses=of_collapses["truce_id"].n_unique(),
        ),
        scores=_scores(metrics, models),
    )


def check(about: About) -> None:
    """Refuse settings that their functions do not take, or of two rules.

    Parameters
    ----------
    about : About
        Of which :func:`forecast.check` has seen the types.

    Raises
    ------
    forecast.raw.InputError
        That names the place.
    """
    rule = about["rule"]
    arguments(getattr(collapse, about["label"]), rule, "about.rule")
    arguments(panel, about["panel"], "about.panel", without=["as_of"])
    for group in ("features", "baseline_features"):
        chosen, place = about[group], f"about.{group}"
        for name in BASELINE_FEATURES:
            if name not in chosen:
                raise InputError(f"{place}: the key {name!r} is missing")
        for name, settings in chosen.items():
            if name not in FEATURES:
                raise InputError(f"{place}: the key {name!r} is unknown")
            arguments(FEATURES[name], settings, f"{place}.{name}")
        _check_rule(chosen["recent"], rule, f"{place}.recent")


def _check_rule(settings: Mapping[str, Any], rule: Mapping[str, Any], at: str) -> None:
    """Refuse features of the window of another rule than that of the collapses."""
    for name in ("window_days", "kinds"):
        if settings[f"rule_{name}"] != rule.get(name):
            raise InputError(
                f"{at}.rule_{name}: {settings[f'rule_{name}']}, but about.rule has "
                f"{name} {rule.get(name)}"
            )


def _settings(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a choice, without what Hydra must know of it."""
    return {key: v for key, v in choice.items() if not key.startswith("_")}


def _features(
    group: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    return {name: _settings(group[name]) for name in names if name in group}


def _scores(metrics: pl.DataFrame, models: Sequence[str]) -> list[Scored]:
    """Main scores of the model and its baseline over all forecasts."""
    metric = pl.col("metric")
    over = metric.str.starts_with(OVER) & ~metric.str.ends_with("_by_conflict")
    chosen = metrics.filter(
        pl.col("model").is_in(models)
        & (pl.col("stratum") == "all")
        & (metric.is_in(SCORES) | over)
    )
    found: Any = (
        chosen.with_columns(pl.col("value", "lower", "upper").fill_nan(None))
        .select([*Scored.__annotations__])
        .sort("model", "horizon", "metric")
        .to_dicts()
    )
    return list(found)
