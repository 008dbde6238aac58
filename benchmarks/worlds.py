"""How much of each built-in world deaths and age foretell, and how much can be known.

    python benchmarks/worlds.py [--small] [--kinds rich null]

Fits the naive baselines on a large world of each kind and forecasts another, larger
one, whose true risk is known. Prints expected Brier scores under the true risk, so that
the luck of outcomes is not in them. Models are left out: these worlds are fixed before
any has seen them.
"""

import argparse
import time
from typing import NamedTuple

import dataframely as dy
import polars as pl

from forecast.backtest import rows, target
from forecast.collapse import resumption
from forecast.features.age import age
from forecast.features.recent import recent
from forecast.link import link, linked
from forecast.models.baselines import Age, BaseRate, Ewma, Trail
from forecast.panel import panel
from forecast.schema import Events, Panel
from forecast.simulated import world
from forecast.simulated_kinds import KINDS
from forecast.simulated_truth import true_risk
from forecast.truth import expected_scores

HORIZONS = (7, 14, 30, 90)
NAIVE = {"base_rate": BaseRate, "age": Age, "trail": Trail, "ewma": Ewma}
KEYS = ["truce_id", "origin"]


class Size(NamedTuple):
    """Conflicts that models are fitted on and tested on, years, and copies."""

    training: int = 80
    test: int = 400
    years: int = 10
    draws: int = 40


def laid_out(
    kind: str, seed: int, conflicts: int, years: int
) -> tuple[dy.DataFrame[Panel], pl.DataFrame, float]:
    """Origins of a world, what naive models see of them, and seconds to make it.

    Of processor time, which other work on the machine does not lengthen.
    """
    began = time.process_time()
    made = world(seed, conflicts, years, kind=kind)
    seconds = time.process_time() - began
    origins, _ = panel(made.truces, made.events, made.covered_through, resumption)
    # the naive look at the parties alone
    of_parties = made.events.join(made.truces, on="dyad_id", how="semi")
    events = Events.validate(of_parties)
    known = linked(events, link(made.truces, events))
    seen = recent(origins, known, made.truces).join(
        age(origins, known, made.truces), on=KEYS
    )
    return origins, seen, seconds


def measure(kind: str, size: Size) -> pl.DataFrame:
    """Prevalence, expected Brier scores, and what is gained on the best naive one."""
    learnt, seen, _ = laid_out(kind, 1, size.training, size.years)
    # each eighth origin: two months of a truce are much alike
    origins, new, seconds = laid_out(kind, 2, size.test, size.years)
    asked = Panel.validate(origins.gather_every(8))
    truth = true_risk(
        asked,
        seed=2,
        conflicts=size.test,
        years=size.years,
        kind=kind,
        horizons=HORIZONS,
        draws=size.draws,
    )
    y, inputs, wanted = target(learnt), rows(seen, learnt), rows(new, asked)
    parts = []
    for name, make in NAIVE.items():
        risk = make(horizons=HORIZONS).fit(inputs, y).predict_risk(wanted)
        parts += [
            asked.select(
                pl.lit(name).alias("model"),
                "truce_id",
                "dyad_id",
                "origin",
                pl.lit(horizon, pl.Int32).alias("horizon"),
                pl.Series("risk", risk[:, i]),
            )
            for i, horizon in enumerate(HORIZONS)
        ]
    print(
        f"{kind}: {learnt['truce_id'].n_unique():,} truces and {learnt.height:,} "
        f"origins to fit on; {origins['truce_id'].n_unique():,} truces and "
        f"{asked.height:,} origins to test on, made in {seconds:.1f} s of "
        "processor time"
    )
    return expected_scores(
        pl.concat(parts), truth, draws=size.draws, named_baseline="trail"
    )


def table(scores: pl.DataFrame) -> pl.DataFrame:
    """One row a horizon: prevalence, Brier scores, and the gain in percent."""
    wide = scores.pivot(on="model", index="horizon", values="brier").sort("horizon")
    best = pl.min_horizontal(*NAIVE)
    truths = scores.filter(model="truth").select("horizon", prevalence="mean_truth")
    return wide.join(truths, on="horizon", maintain_order="left").select(
        "horizon",
        pl.col("prevalence", *NAIVE, "truth").round(4),
        gain=(100 * (1 - pl.col("truth") / best)).round(1),
    )


def main() -> None:
    """Print a table a kind of world."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="tiny worlds")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    asked = parser.parse_args()
    size = Size(6, 6, 5, 4) if asked.small else Size()
    with pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        for kind in asked.kinds:
            print(table(measure(kind, size)))


if __name__ == "__main__":
    main()
