"""Shuffled labels: a model that learns from noise must lose all its skill."""

from collections.abc import Sequence
from datetime import date

import dataframely as dy
import numpy as np
import polars as pl

from forecast import metrics
from forecast.audits import FAULT, HELD, NOT_APPLICABLE, Finding, Run
from forecast.backtest import KEYS, NothingToLearn, backtest
from forecast.ipcw import Array
from forecast.models.baselines import BaseRate
from forecast.panel import censor
from forecast.schema import Panel
from forecast.split import Fold


def labels(
    run: Run,
    *,
    shuffles: int = 5,
    last_folds: int = 3,
    margin: float = 0.01,
    level: float = 0.99,
    seed: int = 1,
) -> list[Finding]:
    """Fit the published model on shuffled labels; it must not beat the base rate.

    A skill that outlives the labels did not come from them: the model carries outcomes
    with it, or a rule that nobody fitted. Given the test rows, a model of shuffled
    labels is off the base rate by chance alone, which costs it on average; so the
    shuffles, not the test rows, are what luck is measured on.

    It cannot see a feature that leaks: the shuffle breaks that too. For this there is
    :func:`forecast.audits.future.future`.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.
    shuffles : int
        Number of shuffles, at least 2.
    last_folds : int
        How many of the last folds with test rows are fitted.
    margin : float
        Skill that is let pass: a model with hardly any spread may be nearer to the
        test's prevalence than the base rate is, in every shuffle.
    level : float
        Of the one-sided interval over shuffles, by Student's t.
    seed : int
        Of the shuffles.

    Returns
    -------
    list of Finding
        One, of the published model.
    """
    model, features = run.models[run.published]
    both = {
        "model": (model, features),
        "base": (BaseRate(tuple(run.horizons)), features),
    }
    folds = [fold for fold in run.folds if fold.test(run.panel).height][-last_folds:]
    rng = np.random.default_rng(seed)

    def noise(morning: date) -> dy.DataFrame[Panel]:
        return censor(shuffled(run.training(morning), rng), morning)

    try:
        skill = np.array(
            [
                _skills(backtest(both, run.panel, noise, folds, run.horizons)[0], run)
                for _ in range(shuffles)
            ]
        )
    except NothingToLearn as error:
        return [Finding(run.published, NOT_APPLICABLE, str(error))]
    return [_finding(run, skill, folds, margin, level)]


def shuffled(
    panel: dy.DataFrame[Panel], rng: np.random.Generator
) -> dy.DataFrame[Panel]:
    """Give the labels of whole truces to others.

    Labels are laid end to end, truce by truce in an order that is drawn, turned by a
    number of rows that is drawn too, and handed out anew. So every row is as likely to
    get any label, while neighbouring weeks still share theirs: there are as few
    independent cases as there were.
    """
    truces = panel["truce_id"].unique().sort()
    place = pl.DataFrame([truces, pl.Series("place", rng.permutation(truces.len()))])
    label = (
        panel.select(*KEYS, "event", "duration")
        .join(place, on="truce_id")
        .sort("place", "origin")
        .select("event", "duration")
    )
    turn = int(rng.integers(max(label.height, 1)))
    turned = pl.concat([label[turn:], label[:turn]])
    return Panel.validate(panel.with_columns(turned.get_columns()))


def _skills(predictions: pl.DataFrame, run: Run) -> list[float]:
    """Skill over the base rate at each horizon, on the rows that both forecast."""
    wide = predictions.filter(pl.col("outcome").is_not_null()).pivot(
        on="model", index=[*KEYS, "horizon", "outcome", "weight"], values="risk"
    )
    if not {"model", "base"} <= set(wide.columns):
        raise NothingToLearn(f"{run.published} cannot be fitted on shuffled labels")
    return [_skill(wide.filter(pl.col("horizon") == h)) for h in run.horizons]


def _skill(wide: pl.DataFrame) -> float:
    columns = ("outcome", "weight", "model", "base")
    y, w, ours, theirs = (
        wide.drop_nulls()[name].cast(pl.Float64).to_numpy() for name in columns
    )
    if not y.size:
        return np.nan
    return float(metrics.skill(metrics.brier(y, ours, w), metrics.brier(y, theirs, w)))


def _finding(
    run: Run, skill: Array, folds: Sequence[Fold], margin: float, level: float
) -> Finding:
    from scipy.stats import t

    n = len(skill)
    mean, error = skill.mean(axis=0), skill.std(axis=0, ddof=1) / np.sqrt(n)
    least = mean - t.ppf(level, n - 1) * error
    told = ", ".join(
        f"{value:+.1%} at {h}" for h, value in zip(run.horizons, mean, strict=True)
    )
    beyond = [h for h, low in zip(run.horizons, least, strict=True) if low > margin]
    said = (
        f"on {n} shuffles of the labels, over the last {len(folds)} folds, it has a "
        f"skill over the base rate of {told} days"
    )
    if beyond:
        days = ", ".join(map(str, beyond))
        more = f"{said}: more than luck allows at {days} days"
        return Finding(run.published, FAULT, more)
    return Finding(run.published, HELD, f"{said}: none of it beyond luck")
