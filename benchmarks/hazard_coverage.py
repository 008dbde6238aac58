"""How often intervals of `hazard` hold the effects that a world was made with.

    python benchmarks/hazard_coverage.py

Worlds of the form that `hazard` assumes: the weekly hazard of collapse falls with the
logarithm of age, two covariates set in at the start and really halve every 14 days, one
lasts, and truces leave otherwise with a constant hazard. Dyads have two truces each,
which share what lasts; every truce gives its weekly origins, so that each collapse is
counted from up to thirteen of them. Fits are unpenalised. Intervals of 90%, once as
`explain=true` prints them, which lets whole dyads vary, and once by Wald as if
person-weeks were independent, which shows what that is for. What does not last has a
lasting effect of 0, which is an effect to be covered as well.
"""

import argparse
from typing import Any

import numpy as np
import polars as pl

from forecast.explain.terms import coefficients
from forecast.ipcw import Target, target
from forecast.models.hazard import Hazard

#: Effects on the complementary log-log of the weekly hazard, of a unit of the root.
EFFECTS = {
    "recent_strikes_fading_14d": 0.8,
    "recent_rounds_fading_14d": -0.5,
    "design_strength": 0.4,
    "recent_strikes": 0.0,
    "recent_rounds": 0.0,
}
COLUMNS = ("recent_strikes", "recent_rounds", "design_strength")
#: Weeks that a truce is followed at most, and hazard of other exits in each.
LONGEST, LEAVE = 40, 0.01
#: Half-width of a 90% interval in standard errors.
WIDE = 1.6449


def world(seed: int, dyads: int) -> tuple[pl.DataFrame, Target, np.ndarray]:
    """Origins, their outcomes and their dyads.

    Columns are signed squares, for `hazard` takes their signed roots.
    """
    rng = np.random.default_rng(seed)
    dyad = np.repeat(np.arange(dyads), 2)
    truces, week = len(dyad), np.arange(LONGEST)
    # within the six standard deviations at which `hazard` holds a covariate
    begin = rng.uniform(-1.5, 1.5, (2, truces, 1))
    strikes, rounds = begin * 0.5 ** (7 * week / 14)
    strength = np.broadcast_to(rng.normal(size=dyads)[dyad, None], strikes.shape)
    known = np.stack([strikes, rounds, strength])
    linear = -1.8 - 0.4 * np.log(1 + 7 * week)
    linear = linear + np.tensordot(list(EFFECTS.values())[:3], known, 1)
    hazard = -np.expm1(-np.exp(linear))
    draw = rng.random(hazard.shape)
    ends = draw < hazard + LEAVE
    first = np.where(ends.any(axis=1), ends.argmax(axis=1), LONGEST)
    seen = rng.integers(LONGEST // 2, LONGEST, truces)
    last = np.minimum(first, seen)
    place = np.arange(truces), last
    kind = np.where(first > seen, 0, np.where(draw[place] < hazard[place], 1, 2))
    day = np.where(kind == 0, 7, rng.integers(1, 8, truces))
    truce, origin = np.nonzero(week <= last[:, None])
    roots = known[:, truce, origin]
    values = dict(zip(COLUMNS, np.sign(roots) * roots**2, strict=True))
    X = pl.DataFrame({"age_days": 1 + 7 * origin, **values})
    return X, target(kind[truce], 7 * (last[truce] - origin) + day[truce]), dyad[truce]


def held(seed: int, dyads: int, link: str = "cloglog") -> tuple[np.ndarray, ...]:
    """Estimates, and half widths by dyads and as if independent, of one world."""
    X, y, dyad = world(seed, dyads)
    model = Hazard(link, penalty=0, columns=COLUMNS).fit(X, y)
    place = [model.names_.index(name) for name in EFFECTS]
    estimate = model.coef_[place] / model.scale_[place]
    information = -model.likelihood(X, y)[0].hessian(model.coef_)
    naive = WIDE * np.sqrt(np.diag(np.linalg.inv(information)))[place]
    return estimate, by_dyads(model, X, y, dyad), naive / model.scale_[place]


def by_dyads(model: Hazard, X: pl.DataFrame, y: Target, dyad: np.ndarray) -> np.ndarray:
    """Half widths of what `explain` prints, for a unit of each effect."""
    said = coefficients("hazard", model, X, y, pl.Series(dyad.astype(str)))
    rows = pl.DataFrame({"term": list(EFFECTS)}).join(
        said, on="term", maintain_order="left"
    )
    place = [model.names_.index(name) for name in EFFECTS]
    # it is told for a standard deviation of the term
    unit = rows["coefficient"] / (model.coef_[place] / model.scale_[place])
    return ((rows["upper"] - rows["lower"]) / 2 / unit).to_numpy()


def table(found: np.ndarray) -> pl.DataFrame:
    """What intervals came to; ``found`` has (worlds, 3, effects) from :func:`held`."""
    truth = np.array(list(EFFECTS.values()))
    estimate, clustered, naive = found.transpose(1, 0, 2)
    off = np.abs(estimate - truth)
    rows: dict[str, Any] = {
        "effect": [*EFFECTS, "pooled"],
        "true": [*truth, None],
        "mean": [*estimate.mean(axis=0), None],
        "spread": [*estimate.std(axis=0, ddof=1), None],
        "half_width": [*clustered.mean(axis=0), None],
        "covered": _with_mean((off <= clustered).mean(axis=0)),
        "half_width_naive": [*naive.mean(axis=0), None],
        "covered_naive": _with_mean((off <= naive).mean(axis=0)),
    }
    return pl.DataFrame(rows)


def _with_mean(shares: np.ndarray) -> np.ndarray:
    return np.append(shares, shares.mean())


def main() -> None:
    """Make the worlds, fit them and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--dyads", type=int, default=300)
    given = parser.parse_args()
    found = np.array([held(seed, given.dyads) for seed in range(given.seeds)])
    print(f"{given.seeds} worlds of {given.dyads} dyads, intervals of 90%")
    with pl.Config(float_precision=3, tbl_cols=-1, tbl_width_chars=120, tbl_rows=-1):
        print(table(found))


if __name__ == "__main__":
    main()
