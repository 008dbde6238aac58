"""Identical predictions: two models that never differ are one."""

from itertools import combinations

import polars as pl

from forecast.audits import FAULT, HELD, NOT_APPLICABLE, Finding, Run
from forecast.backtest import KEYS


def identical(run: Run, *, tolerance: float = 1e-12) -> list[Finding]:
    """Look for pairs of models whose risks agree on every row of a horizon.

    Parameters
    ----------
    run : Run
        See :class:`forecast.audits.Run`.
    tolerance : float
        Largest difference of two risks that are taken to agree.

    Returns
    -------
    list of Finding
        One a pair that agrees at some horizon, on the rows that both forecast. It is
        no fault of a model that says what it picked among others.
    """
    names = run.predictions["model"].unique().sort().to_list()
    pairs = list(combinations(names, 2))
    if not pairs:
        return [Finding("models", NOT_APPLICABLE, "there is one model only")]
    wide = run.predictions.pivot(
        on="model", index=[*KEYS, "cutoff", "horizon"], values="risk"
    )
    agree = wide.group_by("horizon").agg(
        ((pl.col(a) - pl.col(b)).abs().max() <= tolerance).alias(str(i))
        for i, (a, b) in enumerate(pairs)
    )
    faults = []
    choosers = {choice.model for choice in run.choices if choice.picked}
    for i, (a, b) in enumerate(pairs):
        horizons = agree.filter(str(i))["horizon"].sort()
        if horizons.len():
            days = ", ".join(map(str, horizons))
            said = f"their risks are the same in every row at {days} days"
            picks = [name for name in (a, b) if name in choosers]
            if picks:
                said += f"; {picks[0]} picks or weighs others, see choices.csv"
            faults.append(Finding(f"{a}, {b}", HELD if picks else FAULT, said))
    held = f"no two of {len(names)} models give the same risks at any horizon"
    return faults or [Finding("models", HELD, held)]
