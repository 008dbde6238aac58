"""Coefficients of models that have them, with intervals that let whole dyads vary.

An interval comes from the jackknife of dyads around the fit as it stands, penalty and
all (:mod:`forecast.explain.jackknife`), with Student's t of one degree fewer than there
are dyads. Refits on resampled dyads would be the other way. They answer less clearly:
each refit standardises anew, picks other columns that vary and other knots, so that a
term of one refit is not that of the next, and twenty refits cost twenty fits.

What an interval speaks of is the shrunken target: the coefficient that this penalty
would give on average over histories like this one, which lies nearer to zero than the
effect without a penalty. A term that leaves out zero is told apart from nothing; its
size is a floor rather than an estimate. Which columns entered, their medians and scales
are taken as given.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import dataframely as dy
import numpy as np
import polars as pl
from scipy.special import expit
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from forecast import ipcw
from forecast.explain.jackknife import Codes, errors, newton, steps
from forecast.ipcw import Array, Target
from forecast.models.core import Core, columns
from forecast.models.cox import Cox
from forecast.models.elastic_net import ElasticNetLogit
from forecast.models.exits import Exits
from forecast.models.hazard import Hazard
from forecast.models.horizon import HorizonClassifier, matrix
from forecast.schema import Coefficients
from forecast.scored import FEWEST_GROUPS


class NoCoefficients(ValueError):
    """A model is of a kind that has no coefficients, or none that can be named."""


class Linear(NamedTuple):
    """A linear predictor as it was fitted, without its intercept."""

    #: days; None where one predictor serves all horizons
    horizon: int | None
    terms: list[str]
    coef: Array
    #: standard deviation of each term over the rows fitted on
    spread: Array
    #: standard error of each coefficient; NaN where the model left the term out
    error: Array
    #: how many dyads the errors come from: those with a row fitted on
    dyads: int


Reader = Callable[[Any, pl.DataFrame, Target, Codes], Iterator[Linear]]


def coefficients(
    name: str,
    fitted: Any,
    X: pl.DataFrame,
    y: Target,
    dyads: pl.Series,
    level: float = 0.9,
) -> dy.DataFrame[Coefficients]:
    """Coefficients of a fitted model, each for a standard deviation of its term.

    Parameters
    ----------
    name : str
        Of the model, in the frame.
    fitted : Model
        A logit behind a :class:`HorizonClassifier`, ``Core``, ``Hazard``, ``Exits`` or
        ``Cox``.
    X, y
        The rows that it was fitted on, shape (n, p) and (n,).
    dyads : pl.Series, shape (n,)
        Rows of one dyad depend on each other.
    level : float
        What the intervals aim to cover.

    Returns
    -------
    dy.DataFrame[Coefficients]
        Sorted by model, horizon and term. ``term`` is a column; ``COLUMN_curve_1`` …
        are the bumps of its spline, ``COLUMN_unknown`` whether it was null,
        ``COLUMN_fading_14d`` what of it fades, ``exit: TERM`` what it does to other
        exits. ``coefficient`` is in log odds (logits, ``exits``, ``hazard`` with that
        link) or log hazard (``hazard``, ``cox``); 0 without an interval where the model
        left the term out. No interval from fewer than five dyads of known outcome.

    Raises
    ------
    NoCoefficients
        If the model has none.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"deaths": [0.0, 1.0, 2.0, 9.0, 8.0, 3.0]})
    >>> y = target([0, 0, 1, 1, 1, 2], [90, 90, 20, 3, 5, 40])
    >>> model = HorizonClassifier(LogisticRegression(), horizons=(30,)).fit(X, y)
    >>> found = coefficients("mine", model, X, y, pl.Series(list("abcdef")))
    >>> [round(value, 1) for value in found.row(0)[3:]]
    [2.0, 0.8, 3.2]
    """
    reader = _reader(fitted)
    if reader is None:
        raise NoCoefficients(f"{name} has no coefficients that can be named")
    codes = (dyads.rank("dense").to_numpy() - 1).astype(np.intp)
    with threadpool_limits(1):
        parts = [_frame(part, level) for part in reader(fitted, X, y, codes)]
    found = pl.concat([Coefficients.create_empty().drop("model"), *parts])
    named = found.select(pl.lit(name).alias("model"), pl.all())
    return Coefficients.validate(named.sort("model", "horizon", "term"), cast=True)


def has_coefficients(model: Any) -> bool:
    """Whether a model, fitted or not, is of a kind that has coefficients.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> has_coefficients(Cox()), has_coefficients(RandomForestClassifier())
    (True, False)
    """
    return _reader(model) is not None


def _reader(model: Any) -> Reader | None:
    """How the coefficients of a kind of model are read; None where there are none."""
    if isinstance(model, HorizonClassifier):
        return _logits if _nameable(model.estimator) else None
    kinds: dict[type, Reader] = {Core: _core, Hazard: _hazard, Exits: _exits, Cox: _cox}
    return kinds.get(type(model))


def _nameable(estimator: Any) -> bool:
    """Whether an estimator is a logit, alone or behind steps of ours."""
    if isinstance(estimator, Pipeline):
        known = {"impute", "shape"} <= estimator.named_steps.keys()
        return known and _nameable(estimator[-1])
    return isinstance(estimator, LogisticRegression | ElasticNetLogit)


def _frame(part: Linear, level: float) -> pl.DataFrame:
    """Rows of one linear predictor, each term taken by its standard deviation."""
    few = part.dyads < FEWEST_GROUPS
    reach = np.nan if few else t.ppf((1 + level) / 2, part.dyads - 1)
    value, far = part.coef * part.spread, reach * part.error * part.spread
    return pl.DataFrame(
        {
            "term": part.terms,
            "coefficient": value,
            "lower": value - far,
            "upper": value + far,
        }
    ).select(
        pl.lit(part.horizon, pl.Int32).alias("horizon"),
        "term",
        "coefficient",
        pl.col("lower", "upper").fill_nan(None),
    )


def _logits(
    model: HorizonClassifier, X: pl.DataFrame, y: Target, codes: Codes
) -> Iterator[Linear]:
    """One logit for each horizon; a horizon with a constant risk has none."""
    values = matrix(X.select(model.columns_))
    for horizon, part in zip(model.horizons, model.fitted_, strict=True):
        if isinstance(part, float):
            continue
        outcome, weight = ipcw.weights(y, horizon)
        known = weight > 0
        logit, terms, design = part, model.columns_, values[known]
        if isinstance(part, Pipeline):
            logit, terms = part[-1], _terms(part, model.columns_)
            design = part[:-1].transform(design)
        own = np.unique(codes[known], return_inverse=True)[1]
        error = _logit_errors(logit, design, outcome[known], weight[known], own)
        yield Linear(
            horizon,
            list(terms),
            np.ravel(logit.coef_),
            design.std(axis=0),
            error,
            own.max() + 1,
        )


def _logit_errors(
    logit: Any, design: Array, outcome: Array, weight: Array, codes: Codes
) -> Array:
    """Standard errors of a weighted logit, NaN for what a lasso left out."""
    coef, lasso = np.ravel(logit.coef_), logit.l1_ratio or 0.0
    # a lasso's own choice is taken as given
    kept = (coef != 0) | (lasso == 0)
    risk = expit(logit.intercept_ + design @ coef)
    moved = steps(
        np.column_stack([np.ones(len(design)), design[:, kept]]),
        (weight * (outcome - risk))[:, None],
        (weight * risk * (1 - risk))[:, None, None],
        np.append(0, np.full(kept.sum(), (1 - lasso) / logit.C)),
        codes,
    )
    found = np.full(len(coef), np.nan)
    found[kept] = errors(moved)[1:]
    return found


def _core(model: Core, X: pl.DataFrame, y: Target, codes: Codes) -> Iterator[Linear]:
    """One logit for each horizon, on columns of its own."""
    for horizon, part in zip(model.horizons, model.fitted_, strict=True):
        if not isinstance(part, float):
            yield from _logits(part, columns(X, horizon), y, codes)


def _hazard(
    model: Hazard, X: pl.DataFrame, y: Target, codes: Codes
) -> Iterator[Linear]:
    """Weekly hazard of collapse."""
    likelihood, row = model.likelihood(X, y)
    slopes = likelihood.score_factor(model.coef_)[:, None]
    bends = likelihood.hessian_factor(model.coef_, observed=True)[:, None, None]
    yield from _weekly(model, likelihood.exog, slopes, bends, codes[row])


def _exits(model: Exits, X: pl.DataFrame, y: Target, codes: Codes) -> Iterator[Linear]:
    """Weekly odds of collapse, and of other exits, against staying."""
    likelihood, row = model.likelihood(X, y)
    ends = model.coef_.shape[1]
    risk = likelihood.predict(model.coef_)[:, 1:]
    slopes = likelihood.wendog[:, 1:] - risk
    bends = risk[:, :, None] * (np.eye(ends) - risk[:, None, :])
    yield from _weekly(model, likelihood.exog, slopes, bends, codes[row])


def _weekly(
    model: Hazard | Exits, design: Array, slopes: Array, bends: Array, codes: Codes
) -> Iterator[Linear]:
    """Predictors of person-weeks, one for each end."""
    ends, p = slopes.shape[1], design.shape[1]
    penalty = np.tile(model.design_.penalty(model.penalty), ends)
    groups = np.unique(codes, return_inverse=True)[1]
    error = errors(steps(design, slopes, bends, penalty, groups)).reshape(ends, p)
    coef, spread = model.coef_.reshape(p, ends).T, design.std(axis=0)
    # the intercept comes first
    for end, before in zip(range(ends), ("", "exit: "), strict=False):
        terms = [before + name for name in model.names_[1:]]
        parts = coef[end, 1:], spread[1:], error[end, 1:]
        yield Linear(None, terms, *parts, groups.max() + 1)


def _cox(model: Cox, X: pl.DataFrame, y: Target, codes: Codes) -> Iterator[Linear]:
    """The partial likelihood, which is no sum over rows: taken anew for each dyad."""
    from statsmodels.duration.hazard_regression import PHReg

    origins, last = model.design_.transform(X), model.horizons[-1]
    values = model.design_.at(origins, np.zeros(X.height, np.intp))[:, 1:]
    collapsed = ((y["event"] == 1) & (y["duration"] <= last)).astype(int)
    days, penalty = (
        np.minimum(y["duration"], last),
        model.design_.penalty(model.penalty)[1:],
    )
    moved = []
    for dyad in range(codes.max() + 1):
        rest = codes != dyad
        if not collapsed[rest].any():
            moved.append(np.full(len(penalty), np.nan))
            continue
        part = PHReg(days[rest], values[rest], status=collapsed[rest], ties="breslow")
        slope = part.score(model.coef_) - penalty * model.coef_
        moved.append(newton(np.diag(penalty) - part.hessian(model.coef_), slope))
    error, spread = errors(np.array(moved)), values.std(axis=0)
    yield Linear(None, model.names_, model.coef_, spread, error, len(moved))


def _terms(pipeline: Pipeline, names: list[str]) -> list[str]:
    """Names of what reaches the last step of a pipeline of ours."""
    filled = pipeline["impute"].get_feature_names_out(names)
    start = "missingindicator_"
    known = np.array(
        [
            f"{name.removeprefix(start)}_unknown" if name.startswith(start) else name
            for name in filled
        ]
    )
    found: list[str] = []
    for kind, shape, chosen in pipeline["shape"].transformers_:
        if kind == "line":
            found += known[chosen].tolist()
        elif kind == "curve":
            bumps = range(1, shape.n_knots + 2)
            found += [f"{name}_curve_{i}" for name in known[chosen] for i in bumps]
    return found
