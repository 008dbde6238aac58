"""Explanations of a run: which models and rows they take."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.backtest import Models, fitted, rows, target
from forecast.commands import study
from forecast.explain.effects import moves, partial_effects
from forecast.explain.shuffling import forecast_rows, importance, shuffled_losses
from forecast.explain.terms import coefficients, has_coefficients
from forecast.publish import Published
from forecast.report.words import nearest
from forecast.schema import Coefficients, Effects, Importance, Predictions

#: columns whose partial effects are shown, and shuffles behind an importance
SHOWN_COLUMNS, REPEATS = 6, 10


@dataclass(frozen=True)
class Explained:
    """What explains a run; empty frames where nobody asked."""

    coefficients: dy.DataFrame[Coefficients] = field(
        default_factory=Coefficients.create_empty
    )
    effects: dy.DataFrame[Effects] = field(default_factory=Effects.create_empty)
    importance: dy.DataFrame[Importance] = field(
        default_factory=Importance.create_empty
    )
    notes: list[str] = field(default_factory=list)


def find(
    config: DictConfig,
    frames: study.Frames,
    predictions: dy.DataFrame[Predictions],
    published: Published | None,
    stage: Callable[[str, int], AbstractContextManager[Callable[..., None]]],
) -> Explained:
    """Explain the models of a run, if ``explain`` asks for it.

    Coefficients are those of every model of the choice that has some, fitted on all
    that is known; effects and importance those of the published model.

    Parameters
    ----------
    config : DictConfig
        Of ``forecast run``, checked.
    frames : study.Frames
        Panels, folds and features.
    predictions : dy.DataFrame[Predictions]
        Of the backtest.
    published : Published or None
        None: nothing could be published, and nothing is explained.
    stage : callable
        Times the work.
    """
    if not config.get("explain") or published is None:
        return Explained()
    models = study.models(config, frames)
    with stage("explain", len(frames.folds) + len(config.models)) as done:
        terms, notes = _coefficients(config, frames, models, published, done)
        name = published.name
        model, features = models[name]
        X = rows(features, frames.at[frames.as_of])
        at = nearest(published.horizons)
        moved = moves(published.model, X, at, config.seed)
        columns = moved.filter(pl.col("moved") > 0)["column"].head(SHOWN_COLUMNS)
        losses = shuffled_losses(
            model,
            features,
            forecast_rows(frames.now, predictions, name),
            frames.at.__getitem__,
            frames.folds,
            repeats=REPEATS,
            seed=config.seed,
            done=done,
        )
        return Explained(
            terms,
            partial_effects(name, published.model, X, columns.to_list()),
            importance(
                losses,
                predictions,
                name,
                config.named_baseline,
                draws=config.draws,
                level=config.level,
                seed=config.seed,
            ),
            notes,
        )


def _coefficients(
    config: DictConfig,
    frames: study.Frames,
    models: Models,
    published: Published,
    done: Callable[..., None],
) -> tuple[dy.DataFrame[Coefficients], list[str]]:
    """Coefficients of the models that have some, and a note of those that have none."""
    panel = frames.at[frames.as_of]
    y, found, notes = target(panel), [Coefficients.create_empty()], []
    for name in map(str, config.models):
        model, features = models[name]
        try:
            if name == published.name:
                model = published.model
            elif has_coefficients(model):
                model = fitted(model, features, panel)
            X, dyads = rows(features, panel), panel["dyad_id"]
            found.append(coefficients(name, model, X, y, dyads, config.level))
        except ValueError as error:
            notes.append(f"explain: {error}")
        done(name)
    return Coefficients.validate(pl.concat(found)), notes
