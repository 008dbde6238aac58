"""How much of what can be known models find, by the number of truces they learn from.

    python benchmarks/learning.py OUT [--small] [--kinds rich null changing]
        [--truces 50 200 800] [--seeds 5] [--models core,chosen,hedged] [--flips .5]
        [--chart PNG]

Fits the models on training worlds of each kind and size, one of each seed, and scores
them on one large test world of the kind by its true risk (see forecast.truth). A row a
fit, model and horizon goes to OUT as soon as a fit is done, so that a run that is cut
goes on where it was; the means are printed at the end. In the changing kind all of the
test world follows the change, and of the training worlds what is after their flip.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from joblib import Parallel, delayed
from omegaconf import DictConfig

from forecast.commands import truth
from forecast.simulated_truth import true_risk

ROOT = Path(__file__).parent.parent
#: followed truces of a conflict in ten years, by kind
TRUCES = {"rich": 8.1, "changing": 8.0, "null": 11.1, "default": 8.1}
YEARS, MAP = 10, 30
TEST_SEED = 1001
#: those of a run, and who answers whom
FEATURES = "age,recent,war,kinds,outsiders,talks,reciprocity,history,design"
KEYS = ["kind", "flip", "truces", "seed"]
#: of a file that was begun
READ = {"seed": pl.Int64, "horizon": pl.Int32}


class Size(NamedTuple):
    """Conflicts of the test world, copies at each origin, which origins are kept."""

    conflicts: int = 390
    draws: int = 20
    every: int = 2


class Job(NamedTuple):
    """A training world."""

    kind: str
    flip: float
    truces: int
    seed: int


def configured(
    kind: str,
    flip: float,
    seed: int,
    conflicts: int,
    every: int,
    models: str,
    features: str = FEATURES,
) -> DictConfig:
    """The configuration of a run whose second world is the one that is wanted."""
    words = [
        f"world.kind='{kind}'",
        f"world.flip={flip}",
        f"world.conflicts={MAP}",
        f"models=[{models.partition(' ')[0]}]",
        *models.split()[1:],
        f"features=[{features}]",
        f"truth={{seed:{seed},conflicts:{conflicts},years:{YEARS},draws:2,every:{every}}}",
    ]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("run", words)


def tested(kind: str, size: Size, models: str) -> tuple[truth.Laid, pl.DataFrame]:
    """The test world of a kind, and its true risk."""
    config = configured(kind, 0.0, TEST_SEED, size.conflicts, size.every, models)
    laid = truth.second_world(config)
    return laid, truth_of(laid, kind, size, config)


def truth_of(
    laid: truth.Laid, kind: str, size: Size, config: DictConfig
) -> pl.DataFrame:
    """True risk of the origins of a test world."""
    return true_risk(
        laid.panel,
        seed=TEST_SEED,
        conflicts=size.conflicts,
        years=YEARS,
        kind=kind,
        flip=0.0,
        horizons=tuple(config.horizons),
        draws=size.draws,
    )


def learned_from(job: Job, models: str) -> tuple[DictConfig, truth.Laid]:
    """A training world, and the configuration that lays it out."""
    conflicts = max(2, round(job.truces / TRUCES[job.kind]))
    config = configured(job.kind, job.flip, job.seed, conflicts, 1, models)
    return config, truth.second_world(config)


def learned(
    job: Job, test: tuple[truth.Laid, pl.DataFrame], size: Size, models: str
) -> pl.DataFrame:
    """Scores of models that learned from one training world."""
    config, training = learned_from(job, models)
    known = truth.known_truth(
        estimators(config, config.models, {"trail": config.baselines.trail}),
        training,
        test[0],
        test[1],
        horizons=tuple(config.horizons),
        draws=size.draws,
        named_baseline="trail",
        resamples=1,
    )
    if known.notes:
        raise RuntimeError("; ".join(known.notes))
    return known.scores.select(
        pl.lit(job.kind).alias("kind"),
        pl.lit(job.flip).alias("flip"),
        pl.lit(job.truces, pl.Int64).alias("truces"),
        pl.lit(job.seed, pl.Int64).alias("seed"),
        "model",
        "horizon",
        "brier",
        learned_from=pl.lit(training.panel["truce_id"].n_unique(), pl.Int64),
    )


def estimators(config: DictConfig, *groups: Any) -> dict[str, Any]:
    """Models of some groups of a configuration, by name."""
    settings: Any = {"horizons": tuple(config.horizons), "random_state": 1}
    return {
        str(name): instantiate(group[name]).set_params(**settings)
        for group in groups
        for name in group
    }


def summary(scores: pl.DataFrame) -> pl.DataFrame:
    """Mean share of the attainable skill, and what is lost to `trail`, by horizon.

    The share of a group of seeds is of its summed scores: a mean of ratios would hang
    on the seeds in which there was little to attain.
    """
    keys = [*KEYS, "horizon"]
    floor = scores.filter(pl.col("model") == "trail").select(*keys, floor="brier")
    best = scores.filter(pl.col("model") == "truth").select(*keys, best="brier")
    both = scores.join(floor, on=keys).join(best, on=keys)
    gained, loss = pl.col("floor") - pl.col("brier"), pl.col("brier") - pl.col("floor")
    return (
        both.filter(~pl.col("model").is_in(["trail", "truth"]))
        .group_by("kind", "flip", "truces", "model", "horizon")
        .agg(
            seeds=pl.len(),
            share=gained.sum() / (pl.col("floor") - pl.col("best")).sum(),
            loss=loss.sum() / pl.col("floor").sum(),
            worst=(loss / pl.col("floor")).max(),
        )
        .sort("kind", "flip", "truces", "model", "horizon")
    )


def measured(
    out: Path, jobs: Sequence[Job], size: Size, models: str, workers: int
) -> pl.DataFrame:
    """All scores: those that were there, and those of jobs that were still to do."""
    done = pl.read_csv(out, schema_overrides=READ) if out.exists() else None
    for kind in dict.fromkeys(job.kind for job in jobs):
        had = set() if done is None else set(done.select(KEYS).unique().rows())
        todo = [job for job in jobs if job.kind == kind and tuple(job) not in had]
        if not todo:
            continue
        test = tested(kind, size, models)
        run = Parallel(n_jobs=workers, return_as="generator_unordered")
        for found in run(delayed(learned)(job, test, size, models) for job in todo):
            done = found if done is None else pl.concat([done, found])
            done.sort([*KEYS, "model", "horizon"]).write_csv(out)
    assert done is not None
    return done


def chart(table: pl.DataFrame, path: Path, days: int = 30) -> None:
    """Draw shares of `rich`, and losses of the other kinds, by size of the training."""
    import altair as alt
    import vl_convert

    order = ["core", "stacked", "chosen", "hedged"]
    here = table.filter(
        (pl.col("horizon") == days)
        & pl.col("model").is_in(order)
        & (pl.col("kind").is_in(["rich", "null"]) | (pl.col("flip") == 0.5))
    ).with_columns(gain=-pl.col("loss"))
    width = {"width": 210, "height": 210}
    panels = []
    for kind, column, title in (
        ("rich", "share", "rich: share of what can be known"),
        ("null", "gain", "null: gained on trail"),
        ("changing", "gain", "changing half-way: gained on trail"),
    ):
        rows = here.filter(pl.col("kind") == kind)
        lines = alt.Chart(rows, title=title, **width).encode(
            alt.X("truces:Q", title="truces to learn from")
            .scale(type="log", domain=[40, 4000], nice=False)
            .axis(values=[50, 200, 800, 3200], grid=False),
            alt.Y(f"{column}:Q", title=None).axis(format="%"),
            alt.Color("model:N", sort=order).scale(
                domain=order, range=["#5C6B78", "#009E73", "#0072B2", "#D55E00"]
            ),
        )
        floor = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(y=alt.datum(0))
        panels.append(floor + lines.mark_line() + lines.mark_point(filled=True))
    whole = alt.hconcat(*panels).configure_view(strokeOpacity=0)
    path.write_bytes(vl_convert.vegalite_to_png(whole.to_json(), scale=2))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=["rich", "null", "changing"])
    parser.add_argument("--truces", nargs="+", type=int, default=[50, 200, 800])
    parser.add_argument("--flips", nargs="+", type=float, default=[0.5])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1)
    # names of models; after a space their settings: "chosen models.chosen.parts=4"
    parser.add_argument("--models", default="core,chosen,hedged")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chart", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("FORECAST_ROOT", str(ROOT))
    os.environ.setdefault("FORECAST_HOME", str(ROOT))
    size = Size(20, 4, 4) if given.small else Size()
    jobs = [
        Job(kind, flip, truces, seed)
        for kind in given.kinds
        for flip in (given.flips if kind == "changing" else [0.5])
        for truces in given.truces
        for seed in range(given.first, given.first + given.seeds)
    ]
    found = measured(given.out, jobs, size, given.models, given.workers)
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, float_precision=3):
        print(summary(found))
    if given.chart:
        chart(summary(found), given.chart)


if __name__ == "__main__":
    main()
