"""How often intervals hold the truth: skill over `trail` in studies of few dyads.

    make bench-coverage

A population of simulated dyads stands for all there are. `logit` and `trail`, fitted
once on another world and held fixed, forecast every origin of it: one minus the ratio
of their Brier scores over the whole population is the true skill. Each study draws some
dyads without replacement and computes the skill and its intervals from them alone, with
weights for censoring of its own, as `forecast run` does. Coverage is the share of
studies whose interval holds the truth; its standard error is binomial.

Dyads are redrawn, and our interval is taken, by forecast.resample. Redrawing dyads only
changes weights, so sums of losses by dyad are all that a draw needs, not the rows.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from forecast import ipcw
from forecast.backtest import Model, rows, target
from forecast.collapse import resumption
from forecast.features import compute
from forecast.features.age import age
from forecast.features.design import design
from forecast.features.history import history
from forecast.features.outsiders import outsiders
from forecast.features.recent import recent
from forecast.ipcw import Array
from forecast.link import link, linked
from forecast.metrics import skill
from forecast.models.baselines import Trail
from forecast.models.logit import logit
from forecast.panel import panel
from forecast.resample import interval, redrawn
from forecast.schema import Panel
from forecast.simulated import world

HORIZONS = (7, 30, 90)
LEVEL = 0.9
#: the families of `ged_ethprio`
FEATURES = {
    "age": age,
    "recent": recent,
    "outsiders": outsiders,
    "design": design,
    "history": history,
}
FITTED_ON = {"seed": 1, "conflicts": 40}


@dataclass(frozen=True)
class Size:
    """Worlds and conflicts of the population; dyads of a study, studies and draws."""

    worlds: int
    conflicts: int
    years: int
    dyads: tuple[int, ...]
    studies: int
    draws: int


FULL = Size(75, 40, 12, (15, 30, 60, 120), 200, 2_000)
SMALL = Size(2, 12, 8, (5, 10), 10, 100)


def laid_out(seed: int, conflicts: int, years: int) -> tuple[pl.DataFrame, Any]:
    """Features and panel of a simulated world."""
    made = world(seed, conflicts, years)
    found, _ = panel(made.truces, made.events, made.covered_through, resumption)
    # without outcomes: no feature may see them
    origins = Panel.validate(found.with_columns(event=0, duration=1), cast=True)
    events = linked(made.events, link(made.truces, made.events))
    return rows(compute(FEATURES, origins, events, made.truces), found), found


def fitted(years: int) -> dict[str, Model]:
    """The two models, on a world that is none of the population's."""
    X, found = laid_out(**FITTED_ON, years=years)
    settings: dict[str, Any] = {"horizons": HORIZONS, "random_state": 1}
    models = {"logit": logit().set_params(**settings), "trail": Trail(**settings)}
    return {name: model.fit(X, target(found)) for name, model in models.items()}


def population(size: Size) -> pl.DataFrame:
    """Every origin of the population: dyad (a number), outcome, risks of both models.

    Returns
    -------
    pl.DataFrame
        ``dyad``, ``event``, ``duration``, ``logit`` and ``trail`` (a risk a horizon).
        Sorted by dyad.
    """
    models, parts = fitted(size.years), []
    for number in range(size.worlds):
        X, found = laid_out(101 + number, size.conflicts, size.years)
        risks = {name: model.predict_risk(X) for name, model in models.items()}
        dyad = found["dyad_id"].rank("dense") + number * size.conflicts
        parts.append(found.select("event", "duration", dyad=dyad, **_lists(risks)))
    return pl.concat(parts).sort("dyad", maintain_order=True)


def _lists(risks: dict[str, Array]) -> dict[str, pl.Series]:
    width = len(HORIZONS)
    kind = pl.Array(pl.Float64, width)
    return {name: pl.Series(risk, dtype=kind) for name, risk in risks.items()}


def losses(part: pl.DataFrame, first: Array, horizon: int) -> tuple[Array, Array]:
    """Weighted squared error of both models, summed by dyad: two of shape (dyads,)."""
    outcome, weight = ipcw.weights(target(part), HORIZONS[horizon])
    known = np.where(weight > 0, outcome, 0)
    ours, theirs = (
        np.add.reduceat(
            weight * (part[name].to_numpy()[:, horizon] - known) ** 2, first
        )
        for name in ("logit", "trail")
    )
    return ours, theirs


def intervals(ours: Array, theirs: Array, counts: Array) -> dict[str, Any]:
    """Interval of the skill by each method; `counts` says how often a dyad is drawn."""
    drawn = np.asarray(skill(counts @ ours, counts @ theirs))
    known = drawn[np.isfinite(drawn)]
    tail = (1 - LEVEL) / 2
    return {
        "percentile": np.quantile(known, [tail, 1 - tail]),
        "student t": interval(drawn, len(ours), LEVEL),
        "BCa": np.quantile(known, corrected(ours, theirs, known)),
    }


def corrected(ours: Array, theirs: Array, drawn: Array) -> Array:
    """Which quantiles of the draws are the ends of a BCa interval.

    Notes
    -----
    Bias from the share of draws below the estimate, acceleration from leaving each
    dyad out (Efron 1987, *Journal of the American Statistical Association* 82(397)).
    """
    from scipy.stats import norm

    estimate = skill(ours.sum(), theirs.sum())
    without = np.asarray(skill(ours.sum() - ours, theirs.sum() - theirs))
    pull = without.mean() - without
    cubes, squares = (pull**3).sum(), (pull**2).sum()
    acceleration = cubes / (6 * squares**1.5) if squares else 0.0
    # never all of the draws on one side: the quantile must be finite
    below = np.clip((drawn < estimate).mean(), 1 / drawn.size, 1 - 1 / drawn.size)
    bias = norm.ppf(below)
    z = bias + norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return np.asarray(norm.cdf(bias + z / (1 - acceleration * z)))


def studied(whole: pl.DataFrame, truth: Array, size: Size) -> Iterator[dict[str, Any]]:
    """Whether the interval of each study, method and horizon holds the truth."""
    of_dyad = whole.with_row_index().group_by("dyad", maintain_order=True)
    places = [part.to_numpy() for part in of_dyad.agg("index")["index"]]
    rng = np.random.default_rng(1)
    for dyads in size.dyads:
        for study in range(size.studies):
            chosen = [places[i] for i in rng.choice(len(places), dyads, replace=False)]
            part = whole[np.concatenate(chosen)]
            first = np.cumsum([0, *map(len, chosen[:-1])])
            _, counts = redrawn(pl.Series(range(dyads)), size.draws, study)
            for i, horizon in enumerate(HORIZONS):
                ends = intervals(*losses(part, first, i), counts)
                for method, (lower, upper) in ends.items():
                    yield {
                        "horizon": horizon,
                        "dyads": dyads,
                        "method": method,
                        "holds": lower <= truth[i] <= upper,
                        "width": upper - lower,
                    }


def table(cells: Iterator[dict[str, Any]]) -> pl.DataFrame:
    """Coverage, its binomial standard error, and mean width in points of skill."""
    holds = pl.col("holds").mean()
    return (
        pl.DataFrame(cells)
        .group_by("horizon", "dyads", "method", maintain_order=True)
        .agg(
            coverage=holds,
            error=(holds * (1 - holds) / pl.len()).sqrt(),
            width=pl.col("width").mean(),
        )
        .sort("horizon", maintain_order=True)
    )


def show(found: pl.DataFrame, truth: Array) -> None:
    """Print a line a horizon, number of dyads and method."""
    said = dict(zip(HORIZONS, truth, strict=True))
    for horizon, block in found.group_by("horizon", maintain_order=True):
        days = int(str(horizon[0]))
        print(f"\n{days} days, true skill {said[days]:+.1%}")
        print(f"{'dyads':>5}  {'method':10} {'coverage':>8} {'s.e.':>6} {'width':>6}")
        for row in block.iter_rows(named=True):
            print(
                f"{row['dyads']:5}  {row['method']:10} {row['coverage']:8.1%} "
                f"{row['error']:6.1%} {row['width']:6.1%}"
            )


def main() -> None:
    """Make the population, study it, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    size = SMALL if parser.parse_args().small else FULL
    whole = population(size)
    first = whole["dyad"].rle_id().arg_unique().to_numpy()
    sums = [losses(whole, first, i) for i in range(len(HORIZONS))]
    truth = np.array([skill(ours.sum(), theirs.sum()) for ours, theirs in sums])
    print(f"{whole.height:,} origins of {len(first):,} dyads in {size.worlds} worlds")
    print(f"{size.studies} studies of each size, {size.draws:,} draws, aim {LEVEL:.0%}")
    show(table(studied(whole, truth, size)), truth)


if __name__ == "__main__":
    main()
