"""Events beside the truces they bear on, and what was guessed to bring them there."""

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast.actors import resolve, without_ids
from forecast.commands.data import Data
from forecast.link import bearing
from forecast.schema import Actors


def linked_events(
    config: DictConfig,
    data: Data,
    origins: pl.DataFrame,
    names: dy.DataFrame[Actors],
) -> pl.DataFrame:
    """Events that bear on the truces of a panel, for as long as it follows them."""
    # a run of before there were such settings has none
    own = {"after_days": config.panel.max_age_days} | dict(config.get("link") or {})
    return bearing(data.truces, origins, data.events, names, **own)


def actors(config: DictConfig, data: Data) -> dy.DataFrame[Actors]:
    """What the names of events without UCDP ids stand for."""
    return resolve(without_ids(data.events), data.truces, **config.actors)


def reach(events: pl.DataFrame) -> pl.DataFrame:
    """How many events of each system and kind bear on how many truces, by relation."""
    return (
        events.group_by("system", "relation", "kind")
        .agg(
            events=pl.struct("event_id", "known_from").n_unique(),
            truces=pl.col("truce_id").n_unique(),
        )
        .sort("system", "relation", "kind")
    )


def notes(data: Data, names: dy.DataFrame[Actors]) -> list[str]:
    """What of the coding was guessed or left, so that nobody takes it for known."""
    said = [
        f"{row['source']}: {row['n']} events have the {row['system']} code "
        f"{row['code']}, which the map does not hold; they count as "
        f"{row['used'] or 'other'}"
        for row in data.unmapped.iter_rows(named=True)
    ]
    if names.height:
        left = names["party"].null_count()
        said.append(
            f"{names.height} names of actors come without UCDP ids: "
            f"{names.height - left} stand for a party of a truce, {left} for none "
            "(actors.csv)"
        )
    return said
