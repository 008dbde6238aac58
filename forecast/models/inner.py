"""Inner folds: how a model that chooses sees its members forecast the unseen.

A model that weighs, picks or recalibrates others has to judge them on rows that they
were not fitted on, and may take these from its training rows only. So the training is
split once more, in time and by dyad: at each inner cutoff, and for each part of the
dyads, the members are fitted on the other parts as they stood on that morning, and
forecast the origins of this part up to the next cutoff.

A model that chooses may be a member in its turn. Its forecast of an inner fold is what
it would have forecast by what it would have chosen then, from the earlier forecasts of
the fold's training rows (prequential: Dawid 1984, *JRSS A* 147). So whoever chooses
above it is not misled by choices that knew the outcomes; and however deep models are
nested, each one that learns from features is fitted once an inner fold.

Inner fits know fewer dyads and fewer years than the fit that forecasts in the end. That
favours simple members a little, which is the side on which to err.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from forecast import ipcw
from forecast.ipcw import Array, Target
from forecast.models.evidence import Evidence, Places, collapsed, evidence
from forecast.models.given import Given, described, fit, once
from forecast.split import part_of

Days = npt.NDArray[np.datetime64]
NEVER = np.datetime64("9999-12-31")
#: digits of a digest that are looked at to part dyads
DIGITS = 8


class Chooser(Protocol):
    """A model that chooses by inner forecasts of its members."""

    quantiles: Sequence[float]
    parts: int
    least: int
    horizons: Sequence[int]

    def seeded(self) -> list[Any]:
        """Members, unfitted, with the horizons and the seed of the model."""
        ...

    def settle(self, seen: Evidence) -> Any:
        """What is chosen by forecasts of the members; the safe choice by too few."""
        ...

    def combine(self, risk: Array, settled: Any) -> Array:
        """Risks, (n, horizons), from those of the members, (members, n, horizons)."""
        ...


class Plan(NamedTuple):
    """Where inner folds are cut.

    Parameters
    ----------
    quantiles : tuple of float
        Each cutoff is the day by which this share of the truces that collapse had done
        so: collapses are what is learned from, and not spread evenly over the years.
    parts : int
        Parts of the dyads, at least 2; each is tested on a fit on the others.
    least : int
        Truces that must collapse in the training of a fold, else it is left out; and
        in all that is tested, else nothing is chosen. Ten by default: with fewer, not
        even the error of a difference can be told (Peduzzi et al. 1996, *Journal of
        Clinical Epidemiology* 49, asked ten cases of a coefficient).
    horizons : tuple of int
        Days.
    """

    quantiles: tuple[float, ...]
    parts: int
    least: int
    horizons: tuple[int, ...]


class Fold(NamedTuple):
    """Places of the rows to learn from and to test, and what was known of the first."""

    cutoff: np.datetime64
    train: Places
    y: Target
    test: Places


def settled(model: Chooser, data: Given) -> tuple[Any, Evidence, Places]:
    """Choose by inner forecasts of the members.

    Parameters
    ----------
    model : Chooser
    data : Given
        Training rows.

    Returns
    -------
    chosen
        Whatever the model settles on.
    seen : Evidence
        What it went by.
    places : int array
        The rows behind the choice: those that were forecast, or all of them where too
        few truces collapsed, because that is what they were looked at for.

    Raises
    ------
    ValueError
        If nothing is known of the truces and dyads of the rows.
    """
    plan = _plan(model)
    risk = np.stack([forecasts(member, data, plan) for member in model.seeded()])
    at = np.flatnonzero(_tested(risk))
    found = seen(risk[:, at], data.y[at], at, data, plan)
    return model.settle(found), found, at if found.enough else np.arange(len(data.y))


def forecasts(model: Any, data: Given, plan: Plan) -> Array:
    """Forecast training rows by fits that knew neither their dyads nor their days.

    Parameters
    ----------
    model : estimator
        One that chooses is not fitted: its members are, on the folds of this plan.
    data : Given
        Training rows.
    plan : Plan
        Where the folds are cut.

    Returns
    -------
    float array, shape (n, horizons)
        Risks; NaN for rows that no inner fold tests.
    """
    if hasattr(model, "settle"):
        return _as_chosen_then(model, data, plan)

    def make() -> Array:
        risk = np.full((len(data.y), len(plan.horizons)), np.nan)
        for fold in folds(data, plan):
            rows = data.keys[fold.train]
            known = fit(model, data.X[fold.train], fold.y, rows)
            risk[fold.test] = known.predict_risk(data.X[fold.test])
        return risk

    return np.asarray(once(data, ("forecasts", described(model), plan), make))


def _as_chosen_then(model: Chooser, data: Given, plan: Plan) -> Array:
    """Forecast each fold by what would have been chosen on its morning."""
    within = np.stack([forecasts(member, data, plan) for member in model.seeded()])
    tested, risk = _tested(within), np.full(within.shape[1:], np.nan)
    for fold in folds(data, plan):
        # of the rows to learn from, earlier folds had forecast these
        before = tested[fold.train]
        at = fold.train[before]
        then = seen(within[:, at], fold.y[before], at, data, plan)
        risk[fold.test] = model.combine(within[:, fold.test], model.settle(then))
    return risk


def folds(data: Given, plan: Plan) -> list[Fold]:
    """Split training rows in time and by dyad.

    Parameters
    ----------
    data : Given
        Training rows.
    plan : Plan
        Where the folds are cut.

    Returns
    -------
    list of Fold
        By time, every part of the dyads at each cutoff. Outcomes of the rows to learn
        from are censored at the cutoff.
    """
    return list(once(data, ("folds", plan), lambda: _folds(data, plan)))


def _folds(data: Given, plan: Plan) -> list[Fold]:
    if plan.parts < 2 or not all(0 < share < 1 for share in plan.quantiles):
        raise ValueError(f"parts are 2 or more and quantiles within (0, 1): {plan}")
    origin = data.keys["origin"].to_numpy().astype("datetime64[D]")
    part = _shared_out(data.keys["dyad_id"], plan.parts)
    truce = _numbered(data.keys["truce_id"])
    found = []
    cutoffs = _cutoffs(data.y, origin, truce, plan.quantiles)
    for cutoff, end in pairwise([*cutoffs, NEVER]):
        ahead = (origin >= cutoff) & (origin < end)
        for own in range(plan.parts):
            train = np.flatnonzero((origin < cutoff) & (part != own))
            test = np.flatnonzero(ahead & (part == own))
            known = as_known(data.y[train], origin[train], cutoff)
            n = collapsed(known, truce[train], plan.horizons[-1])
            if test.size and n >= max(plan.least, 1):
                found.append(Fold(cutoff, train, known, test))
    return found


def _shared_out(dyads: pl.Series, parts: int) -> Places:
    """Part of each row's dyad, by a digit of its digest to the base of the parts.

    A split that holds out dyads by the last digit may have left those of one part
    alone. A digit before it parts these.
    """
    found = np.zeros(len(dyads), np.intp)
    for digit in range(DIGITS):
        own = (part_of(dyad, parts ** (digit + 1)) for dyad in dyads)
        found = np.fromiter(own, np.intp, len(dyads)) // parts**digit
        if len(np.unique(found)) > 1:
            break
    return found


def as_known(y: Target, origin: Days, cutoff: np.datetime64) -> Target:
    """Outcomes as they were known on the morning of a cutoff, after all the origins.

    Examples
    --------
    >>> origin = np.array(["2020-01-01", "2020-01-01"], "datetime64[D]")
    >>> y = ipcw.target([1, 1], [9, 10])
    >>> as_known(y, origin, np.datetime64("2020-01-10")).tolist()
    [(1, 9), (0, 9)]
    """
    through = (cutoff - origin).astype(np.int64)
    late = y["duration"] > through
    event = np.where(late, 0, y["event"])
    return ipcw.target(event, np.where(late, through, y["duration"]))


def _cutoffs(
    y: Target, origin: Days, truce: Places, quantiles: Sequence[float]
) -> list[np.datetime64]:
    """Days by which shares of the truces that collapse had collapsed, ascending."""
    broken = y["event"] == 1
    day = origin[broken] + (y["duration"][broken] - 1)
    _, first = np.unique(truce[broken], return_index=True)
    days = np.sort(day[first])
    return sorted({days[int(share * len(days))] for share in quantiles if len(days)})


def seen(risk: Array, y: Target, at: Places, data: Given, plan: Plan) -> Evidence:
    """Lay forecasts of some training rows beside what happened.

    Parameters
    ----------
    risk : float array, shape (members, n, horizons)
    y : structured array, shape (n,)
        As far as known when the choice is made.
    at : int array, shape (n,)
        Places of the rows.
    data : Given
        Training rows.
    plan : Plan
        Where the folds are cut.

    Returns
    -------
    Evidence
    """
    names = (data.keys[name].gather(at) for name in ("truce_id", "dyad_id"))
    truce, dyad = map(_numbered, names)
    return evidence(risk, y, truce, dyad, plan.horizons, plan.least)


def _numbered(names: pl.Series) -> Places:
    return np.asarray(np.unique(names.to_numpy(), return_inverse=True)[1])


def _tested(risk: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(risk).all(axis=(0, 2)))


def _plan(model: Chooser) -> Plan:
    quantiles, horizons = tuple(model.quantiles), tuple(model.horizons)
    return Plan(quantiles, model.parts, model.least, horizons)
