"""Which way models move a risk when something more happens, where the way is known.

    python benchmarks/signs.py [--truces 800] [--seeds 3] [--models core,hazard,trees]
        [--conflicts 150]

In `rich` the hazard rises by construction with strikes, offensives, attacks by
outsiders, threats and answered attacks, and falls with talks and with age
(:mod:`forecast.simulated_legible`). Models learn from a training world of each seed. In
one more world one origin of each conflict is taken, some events that killed nobody are
written into its record on the days before, its features are computed anew, and it is
forecast again. Answered attacks are clashes by turns, held against the same clashes by
one side alone; age is two months more of it, all else left as it was.

Prints for each model and driver how many points of risk within 30 days are added, on
average over origins and training worlds, and in brackets the share of origins, in
percent, whose risk moved as it should.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from learning import MAP, TEST_SEED, Job, configured, estimators, learned_from
from omegaconf import DictConfig

from forecast.backtest import fitted, forecast
from forecast.commands import study, truth
from forecast.commands.data import Data
from forecast.schema import Events, Panel

DAYS = 30
FAMILIES = "core,hazard,exits,elastic_net,logit,trees,hedged"
#: the way of each driver: kind of the events, whose they are, days before the origin
DRIVERS = {
    "strike": (1, "strike", "parties", (2, 6, 10)),
    "offensive": (1, "offensive", "parties", (2, 6, 10)),
    "outsiders": (1, "strike", "outsiders", (2, 6, 10)),
    "threat": (1, "threat", "parties", (2, 6, 10)),
    "answers": (1, "clash", "parties", (4, 6, 8, 10)),
    "talks": (-1, "talks", "parties", (2, 6, 10)),
}
#: what is done to age
OLDER = 60
AGE = ["age_days", "age_log"]


def test_world(conflicts: int, models: str) -> tuple[DictConfig, Data, Any]:
    """Data of the test world, and one origin of each of its conflicts."""
    config = configured("rich", 0.0, TEST_SEED, conflicts, 1, models)
    other, data = truth.second_data(config)
    rows = study.lay_out(other, data)[0].filter(pl.col("age_days") > 14)
    one = rows.sample(fraction=1.0, shuffle=True, seed=1).unique(
        "dyad_id", keep="first", maintain_order=True
    )
    return other, data, Panel.validate(one.sort("truce_id", "origin"))


def added(
    events: dy.DataFrame[Events], rows: pl.DataFrame, driver: str, turns: bool = True
) -> dy.DataFrame[Events]:
    """Events with some more of a driver before each row's origin.

    Each is like one that the conflict has had, on another day and without deaths.
    """
    _, kind, dyad, ago = DRIVERS[driver]
    like = events.filter(kind=kind).filter(pl.col("dyad_id").str.starts_with(dyad))
    conflict = pl.col("dyad_id").str.split("-").list.get(1)
    more = (
        rows.select("origin", conflict=conflict)
        .join(
            like.with_columns(conflict=conflict).unique("conflict", keep="first"),
            on="conflict",
        )
        .join(pl.DataFrame({"ago": ago, "turn": range(len(ago))}), how="cross")
        .with_columns(date=pl.col("origin") - pl.duration(days="ago"))
        .with_columns(
            pl.format("{}-{}-{}", pl.lit("added"), "conflict", "ago").alias("event_id"),
            known_from=pl.col("date").dt.offset_by("1d"),
            **dict.fromkeys(("deaths", "deaths_low", "deaths_high"), 0),
        )
    )
    if driver == "answers":
        other = (pl.col("turn") % 2 == 1) & turns
        more = more.with_columns(
            actor_a=pl.when(other).then("actor_b").otherwise("actor_a"),
            actor_b=pl.when(other).then("actor_a").otherwise("actor_b"),
        )
    return Events.validate(
        pl.concat([events, more.select(events.columns)], how="vertical_relaxed"),
        cast=True,
    )


def features(
    config: DictConfig, data: Data, events: dy.DataFrame[Events], rows: Any
) -> pl.DataFrame:
    """Features of the rows on maps of the size that models learn from."""
    changed = replace(data, events=events)
    return truth.features_on_maps(config, changed, rows, MAP)[0]


def pairs(
    config: DictConfig, data: Data, rows: Any
) -> dict[str, tuple[int, pl.DataFrame, pl.DataFrame]]:
    """Of each driver: its sign, and features before and after."""
    plain = features(config, data, data.events, rows)
    found = {}
    for driver, (sign, *_) in DRIVERS.items():
        before = plain
        if driver == "answers":
            alone = added(data.events, rows, driver, turns=False)
            before = features(config, data, alone, rows)
        after = features(config, data, added(data.events, rows, driver), rows)
        found[driver] = (sign, before, after)
    older = (pl.col("age_days") + OLDER).alias("age_days")
    aged = plain.with_columns(older).with_columns(
        age_log=pl.col("age_days").cast(pl.Float64).log()
    )
    return found | {"age": (-1, plain, aged)}


def learned(seed: int, truces: int, models: str) -> dict[str, Any]:
    """Models fitted on a training world."""
    config, training = learned_from(Job("rich", 0.0, truces, seed), models)
    return {
        name: fitted(model, training.features[name], training.panel)
        for name, model in estimators(config, config.models).items()
    }


def moved(
    models: dict[str, Any],
    cases: dict[str, tuple[int, pl.DataFrame, pl.DataFrame]],
    rows: Any,
    horizons: Sequence[int],
) -> pl.DataFrame:
    """Change of each risk within 30 days, by model, driver and origin."""
    at = list(horizons).index(DAYS)
    parts = []
    for name, model in models.items():
        for driver, (sign, before, after) in cases.items():
            low, high = (
                forecast(model, seen, rows, len(horizons))[:, at]
                for seen in (before, after)
            )
            change = {"points": 100 * (high - low)}
            heads = [
                pl.lit(v).alias(n) for n, v in (("model", name), ("driver", driver))
            ]
            parts.append(pl.DataFrame(change).select(*heads, pl.all(), sign=sign))
    return pl.concat(parts)


def summary(changes: pl.DataFrame) -> pl.DataFrame:
    """Mean points by model and driver, and the share of origins that moved rightly."""
    way = (pl.col("points") * pl.col("sign")).round(6)
    return changes.group_by("model", "driver", maintain_order=True).agg(
        pl.col("points").mean(), right=(way > 0).mean()
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--truces", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--conflicts", type=int, default=150)
    parser.add_argument("--models", default=FAMILIES)
    given = parser.parse_args()
    config, data, rows = test_world(given.conflicts, given.models)
    cases = pairs(config, data, rows)
    changes = [
        moved(learned(seed, given.truces, given.models), cases, rows, config.horizons)
        for seed in range(1, given.seeds + 1)
    ]
    print(f"{rows.height} origins, {given.seeds} training worlds")
    print(f"{'':12}", *(f"{driver:>13}" for driver in cases))
    for (model,), told in summary(pl.concat(changes)).group_by(
        "model", maintain_order=True
    ):
        cells = zip(told["points"], told["right"], strict=True)
        row = [f"{points:+.1f} ({100 * right:.0f})" for points, right in cells]
        print(f"{model:12}", *(f"{cell:>13}" for cell in row))


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
