"""How often intervals from refits hold the true risk, in worlds where it is known.

    python benchmarks/intervals.py OUT [--small] [--kinds default rich null changing]
        [--models core logit] [--refits 10 20 50] [--seeds 5] [--table CSV]

Publishes a model on a training world of some 250 truces, as `forecast run` does, and
makes the intervals of origins of another world, whose dyads it has not seen: by all its
refits, and by the first so many of them, which are those that a run with fewer would
have. A row a fit, number of refits and horizon goes to OUT as soon as a fit is done, so
that a run that is cut goes on where it was: the share of origins whose true risk lies
inside the interval, and how wide it is. Means over training worlds, and the least and
most of any of them, are printed at the end. With `--table` they are written, too: what
the report says is read from `forecast/report/interval_coverage.csv`.

The worlds are those of `learning.py`; in the changing kind relations turn round half
through the training world, and all of the test world follows the change. A true risk is
the share of copies that collapse, and is kept beside OUT.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from hydra.utils import instantiate
from joblib import Parallel, delayed
from learning import ROOT, TEST_SEED, TRUCES, Size, configured, truth_of

from forecast.backtest import rows
from forecast.commands.truth import Laid, second_world
from forecast.ipcw import Array
from forecast.publish import Published, publish
from forecast.refits import with_interval

#: those of a run that chooses none
FEATURES = "age,recent,war,kinds,outsiders,talks,history,design"
KINDS = ["default", "rich", "null", "changing"]
LEVEL, FLIP = 0.9, 0.5
KEYS = ["kind", "model", "seed", "refits"]
#: of a file that was begun
READ = {"refits": pl.Int64, "seed": pl.Int64, "horizon": pl.Int32}


class Job(NamedTuple):
    """A fit: its kind of world, its model, its seed, and how many refits are used."""

    kind: str
    model: str
    seed: int
    refits: tuple[int, ...]


class Test(NamedTuple):
    """Origins of a test world, and their true risk, of shape (origins, horizons)."""

    laid: Laid
    risk: Array


def covered(truth: Array, lower: Array, upper: Array) -> Array:
    """Share of the rows whose true value lies inside the interval, for each column.

    Parameters
    ----------
    truth, lower, upper : float arrays, shape (n, horizons)
        The ends belong to the interval.

    Returns
    -------
    float array, shape (horizons,)
    """
    return np.mean((lower <= truth) & (truth <= upper), axis=0)


def tested(kind: str, size: Size, models: Sequence[str], out: Path) -> Test:
    """The test world of a kind, and its true risk, which is read where it is kept."""
    some = (size.conflicts, size.every, ",".join(models), FEATURES)
    config = configured(kind, 0.0, TEST_SEED, *some)
    laid = second_world(config)
    path = out.with_suffix(f".{kind}.parquet")
    if not path.exists():
        truth_of(laid, kind, size, config).write_parquet(path)
    wide = pl.read_parquet(path).pivot("horizon", index=["truce_id", "origin"])
    keys = laid.panel.select("truce_id", "origin")
    risk = keys.join(wide, on=keys.columns, how="left", maintain_order="left")
    return Test(laid, risk.drop(keys.columns).to_numpy())


def published_on(job: Job, truces: int) -> Published:
    """The model of a job, with the most refits, on its training world."""
    conflicts = max(2, round(truces / TRUCES[job.kind]))
    config = configured(job.kind, FLIP, job.seed, conflicts, 1, job.model, FEATURES)
    training = second_world(config)
    settings: Any = {"horizons": tuple(config.horizons), "random_state": 1}
    groups = {job.model: config.models, "trail": config.baselines}
    asked: list[Any] = []
    for name, group in groups.items():
        model = instantiate(group[name]).set_params(**settings)
        asked += [name, model, training.features[name]]
    return publish(
        *asked,
        training.panel,
        label="resumption",
        horizons=settings["horizons"],
        trained_through=training.panel["origin"].max(),  # type: ignore[arg-type]
        refits=max(job.refits),
        seed=job.seed,
    )


def held(job: Job, test: Test, truces: int) -> pl.DataFrame:
    """Coverage and width of the intervals of one published model."""
    published = published_on(job, truces)
    X = rows(test.laid.features[job.model], test.laid.panel)
    parts = []
    for number in job.refits:
        refits = published.refits[:number]
        _, lower, upper = with_interval(published.model, refits, X, LEVEL)
        found = {
            "horizon": published.horizons,
            "coverage": covered(test.risk, lower, upper),
            "width": (upper - lower).mean(axis=0),
        }
        parts.append(
            pl.DataFrame(found, schema_overrides=READ).select(
                pl.lit(job.kind).alias("kind"),
                pl.lit(job.model).alias("model"),
                pl.lit(job.seed, pl.Int64).alias("seed"),
                pl.lit(number, pl.Int64).alias("refits"),
                pl.all(),
                pl.lit(X.height, pl.Int64).alias("origins"),
            )
        )
    return pl.concat(parts)


def summary(found: pl.DataFrame) -> pl.DataFrame:
    """Coverage: its mean over training worlds, and the least and most of any."""
    keys, share = ["kind", "model", "refits", "horizon"], pl.col("coverage")
    return (
        found.group_by(keys)
        .agg(
            level=pl.lit(LEVEL),
            coverage=share.mean().round(3),
            lower=share.min().round(3),
            upper=share.max().round(3),
            width=pl.col("width").mean().round(4),
            seeds=pl.len(),
        )
        .sort(keys)
    )


def measured(
    out: Path, jobs: Sequence[Job], size: Size, truces: int, workers: int
) -> pl.DataFrame:
    """All rows: those that were there, and those of jobs that were still to do."""
    done = pl.read_csv(out, schema_overrides=READ) if out.exists() else None
    had = set() if done is None else set(done.select(KEYS).unique().rows())
    todo = [job for job in jobs if (*job[:3], max(job.refits)) not in had]
    models = sorted({job.model for job in todo})
    kinds = dict.fromkeys(job.kind for job in todo)
    tests = {kind: tested(kind, size, models, out) for kind in kinds}
    run = Parallel(n_jobs=workers, return_as="generator_unordered")
    for found in run(delayed(held)(job, tests[job.kind], truces) for job in todo):
        done = found if done is None else pl.concat([done, found])
        done.sort(*KEYS, "horizon").write_csv(out)
    assert done is not None
    return done


def main() -> None:
    """Measure, print the table, and write it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--models", nargs="+", default=["core", "logit"])
    parser.add_argument("--refits", nargs="+", type=int, default=[10, 20, 50])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("FORECAST_ROOT", str(ROOT))
    os.environ.setdefault("FORECAST_HOME", str(ROOT))
    size, truces = (Size(8, 4, 40), 60) if given.small else (Size(90, 1200, 70), 250)
    # all kinds and models of a seed before the next: a run that is cut has some of each
    jobs = [
        Job(kind, model, seed, tuple(given.refits))
        for seed in range(1, given.seeds + 1)
        for model in given.models
        for kind in given.kinds
    ]
    found = summary(measured(given.out, jobs, size, truces, given.workers))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True):
        print(found)
    if given.table:
        found.write_csv(given.table)


if __name__ == "__main__":
    main()
