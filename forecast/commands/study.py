"""The frames of a run: panels, folds, features and models of a configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig

from forecast import cache
from forecast.backtest import KEYS, Model, rows
from forecast.commands import linking, settings
from forecast.commands.data import Data
from forecast.commands.stages import Stages
from forecast.gone import gone
from forecast.panel import censor, known, panel
from forecast.raw import InputError
from forecast.report.figures import many
from forecast.report.words import listed
from forecast.schema import Actors, LeftOut, Panel
from forecast.scored import Metric
from forecast.split import Fold

#: events that end this long before the morning of the scores are called stale
STALE_DAYS = 14

#: why truces are not scored, in the account of what was left out
NOT_FOLLOWED, NOT_IN_FORCE = "truces not followed", "truces not in force"

#: rows of features that a run keeps to show how its model is called
EXAMPLES = 5


@dataclass(frozen=True)
class Frames:
    """The panel now, at each cutoff, and on the day to score; and its features."""

    now: dy.DataFrame[Panel]
    at: dict[date, dy.DataFrame[Panel]]
    in_force: dy.DataFrame[Panel]
    as_of: date
    folds: list[Fold]
    features: pl.DataFrame
    baseline_features: pl.DataFrame
    left_out: dy.DataFrame[LeftOut]
    #: what the names of events without UCDP ids were taken for
    actors: dy.DataFrame[Actors]
    #: how many events of each source and kind bear on how many truces, by relation
    reach: pl.DataFrame
    #: which features were computed, and which came from the cache
    account: cache.Account
    notes: list[str]


def prepare(config: DictConfig, data: Data, stages: Stages) -> Frames:
    """Lay out panels and folds, and compute the features of every origin in them.

    Parameters
    ----------
    config : DictConfig
        Of `forecast run`.
    data : Data
        Events and truces.
    stages : Stages
        Times the work.

    Returns
    -------
    Frames

    Raises
    ------
    forecast.raw.InputError
        If no truce can be followed, or no cutoff fits the data.
    """
    as_of = day(config.as_of) or data.covered_through + timedelta(days=1)
    with stages("panel"):
        try:
            folds = instantiate(config.split).folds(data.covered_through)
        except ValueError as error:
            raise InputError(str(error)) from error
        now, not_followed = lay_out(config, data)
        if not now.height:
            why = [f"{n} {reason}" for reason, n in _counts(not_followed)]
            begun = data.truces.height - not_followed.height
            if begun:
                why.append(f"{begun} over, or the data, before its first morning")
            raise InputError(
                f"none of {data.truces.height} truces can be followed: "
                + "; ".join(why)
            )
        mornings = sorted({*(fold.known for fold in folds), as_of})
        at = {
            morning: censor(lay_out(config, data, through=morning)[0], morning)
            for morning in mornings
        }
        in_force, _ = in_force_on(config, data, as_of)
    with stages("features"):
        every = pl.concat([now, *at.values(), in_force]).unique(KEYS, keep="first")
        origins = Panel.validate(every.sort(KEYS))
        names = linking.actors(config, data)
        events = linking.linked_events(config, data, origins, names)
        features, naive, account = compute_features(config, data, origins, events)
    return Frames(
        now,
        at,
        in_force,
        as_of,
        folds,
        features,
        naive,
        left_out(data, not_followed),
        names,
        linking.reach(events),
        account,
        [
            *_notes(now, not_followed),
            *_roles(config),
            *linking.notes(data, names),
            *stale(as_of, data),
            *account.notes,
        ],
    )


def lay_out(
    config: DictConfig, data: Data, through: date | None = None
) -> tuple[dy.DataFrame[Panel], pl.DataFrame]:
    """Build the weekly panel from what is known now, or was on an earlier morning."""
    events = data.decisive if through is None else known(data.decisive, through)
    rule = instantiate(config.collapse)
    return panel(data.truces, events, data.covered_through, rule, **config.panel)


def in_force_on(
    config: DictConfig, data: Data, as_of: date
) -> tuple[dy.DataFrame[Panel], pl.DataFrame]:
    """One origin for each followed truce that is in force on a morning."""
    events, rule = known(data.decisive, as_of), instantiate(config.collapse)
    frame, not_followed = panel(
        data.truces, events, as_of, rule, as_of=as_of, **config.panel
    )
    # a truce that is still to come is not one that cannot be followed
    begun = data.truces.filter(pl.col("start").is_null() | (pl.col("start") < as_of))
    return frame, not_followed.join(begun, on="truce_id", how="semi")


def gone_on(config: DictConfig, data: Data, as_of: date) -> pl.DataFrame:
    """Followed truces that have begun and are in force no more on a morning, and why.

    See :func:`forecast.gone.gone`.
    """
    return gone(
        data.truces,
        known(data.decisive, as_of),
        as_of,
        instantiate(config.collapse),
        label(config),
        **config.panel,
    )


def compute_features(
    config: DictConfig,
    data: Data,
    origins: dy.DataFrame[Panel],
    events: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame, cache.Account]:
    """Features for the models, and those that the baselines need."""
    # runs of earlier versions have neither key
    without, folder = config.get("leave_out") or (), config.get("cache")
    groups = [
        [(str(name), settings) for name, settings in group.items() if name not in left]
        for group, left in ((config.features, without), (config.baseline_features, ()))
    ]
    # a feature that both groups hold, with the same settings, is computed once
    wanted = {str(feature): feature for group in groups for feature in group}
    computed, account = cache.compute(
        [(name, instantiate(settings)) for name, settings in wanted.values()],
        origins,
        events,
        data.truces,
        Path(folder).resolve() if folder else None,
    )
    done = dict(zip(wanted, computed, strict=True))
    for_models, for_baselines = (
        pl.concat(
            [origins.select(KEYS), *(done[str(f)].drop(KEYS) for f in group)],
            how="horizontal",
        )
        for group in groups
    )
    return for_models, for_baselines, account


def seen(frames: Frames) -> pl.DataFrame:
    """All that was computed: features of the models, and what baselines see beside."""
    beside = frames.baseline_features.drop(frames.features.columns, strict=False)
    return pl.concat([frames.features, beside], how="horizontal")


def reused(account: cache.Account) -> str:
    """How many features were computed, in words."""
    return (
        f"features: {len(account.computed)} computed, "
        f"{len(account.cached)} from the cache"
    )


def models(config: DictConfig, frames: Frames) -> dict[str, tuple[Model, pl.DataFrame]]:
    """Models and baselines by name, each with the features it sees."""
    groups = (
        (config.models, frames.features),
        (config.baselines, frames.baseline_features),
    )
    return {
        str(name): (model(config, group[name]), features)
        for group, features in groups
        for name in group
    }


def model(config: DictConfig, own: DictConfig) -> Any:
    """A model of its configuration, with the horizons and the seed of the run."""
    settings: Any = {"horizons": tuple(config.horizons), "random_state": config.seed}
    try:
        return instantiate(own).set_params(**settings)
    except ValueError as error:
        raise InputError(
            f"{own.get('_target_')}: {error}; expected a model with horizons and "
            "random_state"
        ) from error


def taken(config: Mapping[str, Any], frames: Frames) -> pl.DataFrame:
    """A few rows as the published model takes them, of truces in force if any are."""
    naive = config["published"] in config["baselines"]
    features = frames.baseline_features if naive else frames.features
    of = frames.in_force if frames.in_force.height else frames.at[frames.as_of]
    return rows(features, pl.DataFrame(of).tail(EXAMPLES))


def metrics(config: DictConfig) -> Mapping[str, Metric]:
    """Metrics by name."""
    return {str(name): instantiate(config.metrics[name]) for name in config.metrics}


def label(config: DictConfig) -> str:
    """Name of the collapse rule."""
    return str(config.collapse._target_).rpartition(".")[2]


def day(text: Any) -> date | None:
    """A day given on the command line.

    Raises
    ------
    forecast.raw.InputError
        If it is none.
    """
    try:
        return None if text is None else date.fromisoformat(str(text))
    except ValueError as error:
        raise InputError(f"{text!r} is no day; expected YYYY-MM-DD") from error


def stale(as_of: date, data: Data) -> list[str]:
    """A warning where the events end long before the morning of the scores."""
    days = (as_of - data.covered_through).days
    if days <= STALE_DAYS:
        return []
    return [f"the events end {days} days before {as_of}: quiet may be unseen"]


def left_out(
    data: Data, not_followed: pl.DataFrame, gone: pl.DataFrame | None = None
) -> dy.DataFrame[LeftOut]:
    """Rows that definitions left out, and truces that are not scored, by reason."""
    apart = {NOT_FOLLOWED: not_followed}
    apart |= {} if gone is None else {NOT_IN_FORCE: gone}
    truces = pl.DataFrame(
        [(why, *row) for why, frame in apart.items() for row in _counts(frame)],
        schema=LeftOut.create_empty().schema,
        orient="row",
    )
    return LeftOut.validate(pl.concat([data.left_out, truces]))


def _roles(config: DictConfig) -> list[str]:
    """Which sources of events are for what, where they do not all serve for all."""
    every = [str(name) for name in config.events]
    said = [
        f"{key.partition('_')[0]} are from {listed(names)} alone"
        for key, names in settings.roles(config).items()
        if names and set(names) != set(every)
    ]
    return [f"of the events of {listed(every)}: {', '.join(said)}"] if said else []


def _counts(not_followed: pl.DataFrame) -> list[tuple[str, int]]:
    return not_followed.group_by("reason").len().sort("reason").rows()


def _notes(now: pl.DataFrame, not_followed: pl.DataFrame) -> list[str]:
    truces, dyads = (now[key].n_unique() for key in ("truce_id", "dyad_id"))
    return [
        f"{many(truces, 'truce')} of {many(dyads, 'dyad')} followed over "
        f"{many(now.height, 'origin')}; {many(not_followed.height, 'record')} not "
        "followed"
    ]
