"""What the report of a scoring tells of each truce, beside its risks and reasons."""

from datetime import date
from typing import NamedTuple

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.backtest import rows
from forecast.commands import linking, study
from forecast.commands.data import Data
from forecast.explain.typical import seen
from forecast.lives import late, lives, mornings, prompt
from forecast.panel import censor, usable
from forecast.publish import Published
from forecast.report.words import nearest
from forecast.schema import LAST_DAY, Actors, Lives, Panel, Similar
from forecast.similar import similar


class Told(NamedTuple):
    """Risk so far, events behind it, and past truces that were like it."""

    lives: dy.DataFrame[Lives]
    #: versions that hold on the morning of the scores, of parties and outsiders
    events: pl.DataFrame
    similar: dy.DataFrame[Similar]


def told(
    config: DictConfig,
    data: Data,
    model: Published,
    in_force: dy.DataFrame[Panel],
    events: pl.DataFrame,
    names: dy.DataFrame[Actors],
    as_of: date,
) -> Told:
    """Look back on the lives of truces in force, and on past truces.

    Parameters
    ----------
    config : DictConfig
        Settings of the model, with those of the scoring.
    data : Data
        What was loaded.
    model : Published
        The model that scores.
    in_force : dy.DataFrame[Panel]
        One origin a truce, on the morning ``as_of``.
    events : pl.DataFrame
        Linked to these truces, see :func:`forecast.link.linked`.
    names : dy.DataFrame[Actors]
        What names in the events stand for.
    as_of : date
        The morning; nothing that became known later is used.

    Returns
    -------
    Told
    """
    origins = mornings(in_force)
    features, naive, _ = study.compute_features(config, data, origins, events)
    hindsight = None
    if late(events, as_of):
        then = prompt(events, as_of)
        hindsight, _, _ = study.compute_features(config, data, origins, then)
    own = events.filter(usable(as_of)).join(
        in_force.select("truce_id", "start"), on="truce_id"
    )
    return Told(
        lives(model, origins, features, naive, hindsight),
        own.filter((pl.col("relation") != "neighbour") & (pl.col("start") <= LAST_DAY)),
        _alike(config, data, model, in_force, names, as_of),
    )


def _alike(
    config: DictConfig,
    data: Data,
    model: Published,
    in_force: dy.DataFrame[Panel],
    names: dy.DataFrame[Actors],
    as_of: date,
) -> dy.DataFrame[Similar]:
    """Past truces of these data that were like those in force, as known by then."""
    past = censor(study.lay_out(config, data, through=as_of)[0], as_of)
    others = past.join(in_force, on="truce_id", how="anti")
    if not others.height:
        return Similar.create_empty()
    both = Panel.validate(
        pl.concat([others, in_force]).sort("truce_id", "origin"), cast=True
    )
    events = linking.linked_events(config, data, both, names)
    features, _, _ = study.compute_features(config, data, both, events)
    return similar(
        in_force,
        Panel.validate(others),
        features,
        seen(model.model, rows(features, both).columns),
        data.truces,
        nearest(model.horizons),
    )
