"""How much of what can be known the models find, in a world whose true risk is known.

The models are fitted on the whole panel of a run and forecast a second simulated world,
of another seed and larger, that no model has seen. There the score of the true risk is
the ceiling, that of the named baseline the floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from omegaconf import DictConfig, OmegaConf

from forecast.backtest import Model, fitted, forecast
from forecast.commands import linking, study
from forecast.commands.data import Data, load
from forecast.commands.stages import Stages
from forecast.raw import InputError
from forecast.schema import Events, KnownTruth, Metrics, Panel, Truces
from forecast.simulated_truth import true_risk
from forecast.truth import TRUTH, calibration, expected_scores


@dataclass(frozen=True)
class Laid:
    """A world laid out: its origins, and what each model sees of them."""

    panel: dy.DataFrame[Panel]
    #: keyed frames of features, by model
    features: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Known:
    """Shares of the attainable skill, calibration against the truth, and remarks."""

    scores: dy.DataFrame[KnownTruth]
    #: see :func:`forecast.truth.calibration`
    calibration: pl.DataFrame
    notes: list[str]


def find(config: DictConfig, frames: study.Frames, stages: Stages) -> Known | None:
    """Judge the models of a run against the truth of the world that ``truth`` names.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast run``, checked.
    frames : study.Frames
        Of the run; its panel is what the models are fitted on.
    stages : Stages
        Times the work.

    Returns
    -------
    Known or None
        None where ``truth`` is null.

    Raises
    ------
    forecast.raw.InputError
        If no truce of that world can be followed.
    """
    if config.truth is None:
        return None
    chosen = study.models(config, frames)
    with stages("test world"):
        test = second_world(config)
    with stages("true risk"):
        truth = true_risk(
            test.panel,
            seed=config.truth.seed,
            conflicts=config.truth.conflicts,
            years=config.truth.years,
            kind=config.events.simulated.kind,
            flip=config.events.simulated.flip,
            horizons=tuple(config.horizons),
            window_days=config.collapse.window_days,
            draws=config.truth.draws,
        )
    with stages("shares", len(chosen)):
        return known_truth(
            {name: model for name, (model, _) in chosen.items()},
            Laid(frames.now, {name: seen for name, (_, seen) in chosen.items()}),
            test,
            truth,
            horizons=tuple(config.horizons),
            draws=config.truth.draws,
            named_baseline=config.named_baseline,
            resamples=config.draws,
            level=config.level,
            seed=config.seed,
        )


def known_truth(
    models: Mapping[str, Model],
    training: Laid,
    test: Laid,
    truth: pl.DataFrame,
    *,
    horizons: Sequence[int],
    draws: int,
    named_baseline: str,
    resamples: int = 500,
    level: float = 0.9,
    seed: int = 1,
) -> Known:
    """Fit models on one world, and score them on another against its true risk.

    Parameters
    ----------
    models : mapping of str to Model
        Estimators by name, baselines among them.
    training, test : Laid
        The two worlds; the outcomes of the test world are not looked at.
    truth : pl.DataFrame
        True risk at every origin of the test world and every horizon.
    horizons : sequence of int
        Days.
    draws, named_baseline, resamples, level, seed
        As in :func:`forecast.truth.expected_scores`.

    Returns
    -------
    Known
        Without scores where the named baseline failed; of a model that failed there
        is a note.
    """
    risks, notes = forecasts(models, training, test, horizons)
    if named_baseline not in risks["model"]:
        said = f"{named_baseline} failed, so there is no floor for shares of skill"
        return Known(KnownTruth.create_empty(), risks.clear(), [*notes, said])
    scores = expected_scores(
        risks,
        truth,
        draws=draws,
        named_baseline=named_baseline,
        resamples=resamples,
        level=level,
        seed=seed,
    )
    return Known(scores, calibration(risks, truth, list(models)), notes)


def forecasts(
    models: Mapping[str, Model], training: Laid, test: Laid, horizons: Sequence[int]
) -> tuple[pl.DataFrame, list[str]]:
    """Risks in the test world by models fitted on all of the training world.

    Parameters
    ----------
    models, training, test, horizons
        As in :func:`known_truth`.

    Returns
    -------
    risks : pl.DataFrame
        ``model``, ``truce_id``, ``dyad_id``, ``origin``, ``horizon``, ``risk``.
    notes : list of str
        Models that failed, in plain words.
    """
    keys = test.panel.select("truce_id", "dyad_id", "origin")
    empty = _long(keys.clear(), np.empty((0, len(horizons))), horizons, "")
    parts, notes = [empty], []
    for name, model in models.items():
        try:
            learned = fitted(model, training.features[name], training.panel)
            risk = forecast(learned, test.features[name], test.panel, len(horizons))
            parts.append(_long(keys, risk, horizons, name))
        # a model of any make may fail in any way; the others go on
        except Exception as error:
            said = str(error) or type(error).__name__
            notes.append(f"{name} failed on the world of known truth: {said}")
    return pl.concat(parts), notes


def _long(
    keys: pl.DataFrame, risk: Any, horizons: Sequence[int], name: str
) -> pl.DataFrame:
    return pl.concat(
        keys.select(
            pl.lit(name).alias("model"),
            pl.all(),
            pl.lit(horizon, pl.Int32).alias("horizon"),
            pl.Series("risk", risk[:, i], pl.Float64),
        )
        for i, horizon in enumerate(horizons)
    )


def second_world(config: DictConfig) -> Laid:
    """Lay out the world that ``truth`` names, with the features of the run.

    Of its origins each ``truth.every``-th is kept, counted through the whole panel and
    not anew in each truce, so that every age has the same chance.
    """
    other, data = second_data(config)
    panel = study.lay_out(other, data)[0].gather_every(config.truth.every)
    if not panel.height:
        raise InputError("truth: no truce of the world that it names can be followed")
    size = config.events.simulated.conflicts
    features, naive = features_on_maps(other, data, panel, size)
    groups = ((config.models, features), (config.baselines, naive))
    return Laid(
        Panel.validate(panel), {str(name): f for group, f in groups for name in group}
    )


def second_data(config: DictConfig) -> tuple[DictConfig, Data]:
    """Data of the world that ``truth`` names, and the configuration that reads them."""
    made_by = {key: config.truth[key] for key in ("seed", "conflicts", "years")}
    simulated = {"simulated": made_by}
    other = OmegaConf.merge(config, {"events": simulated, "truces": simulated})
    assert isinstance(other, DictConfig)
    return other, load(other.events, other.truces, 0, Path("rejected.csv"))


def features_on_maps(
    config: DictConfig, data: Data, panel: pl.DataFrame, conflicts: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features of the models and of the baselines, map by map, see :func:`maps`."""
    parts = [
        _features(
            config,
            part,
            Panel.validate(panel.join(part.truces, on="truce_id", how="semi")),
        )
        for part in maps(data, conflicts)
    ]
    features, naive = (pl.concat(group) for group in zip(*parts, strict=True))
    return features, naive


def maps(data: Data, conflicts: int) -> list[Data]:
    """Cut a simulated world into maps that hold about so many conflicts each.

    All conflicts of a world lie on one map, however many they are: four hundred have
    far more neighbours within 300 km, and a steadier mean over all truces, than the
    thirty that models are fitted on. Conflicts know nothing of each other, so a part of
    a large world is a small world, and as crowded as one.
    """
    countries = data.events["country"].unique().sort()
    number = max(1, round(len(countries) / conflicts))
    inside = [
        pl.col("country").is_in(part) for part in np.array_split(countries, number)
    ]
    return [
        replace(
            data,
            events=Events.validate(data.events.filter(here)),
            truces=Truces.validate(data.truces.filter(here)),
        )
        for here in inside
    ]


def _features(
    config: DictConfig, data: Data, origins: dy.DataFrame[Panel]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    names = linking.actors(config, data)
    events = linking.linked_events(config, data, origins, names)
    return study.compute_features(config, data, origins, events)[:2]


def beside(
    metrics: dy.DataFrame[Metrics], known: dy.DataFrame[KnownTruth] | None
) -> dy.DataFrame[Metrics]:
    """Metrics of a run with the ``share`` of each model in them, for its tracker."""
    if known is None:
        return metrics
    shares = known.filter(pl.col("model") != TRUTH).select(
        "model",
        "horizon",
        pl.lit("all").alias("stratum"),
        pl.lit("share").alias("metric"),
        pl.col("share").alias("value"),
        "lower",
        "upper",
        "n",
        pl.lit(0).alias("n_events"),
    )
    # a model that failed in the run has no row of its own there, and gets none here
    scored = shares.join(metrics, on="model", how="semi")
    return Metrics.validate(pl.concat([metrics, scored], how="vertical_relaxed"))
