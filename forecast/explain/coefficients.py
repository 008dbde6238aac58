"""Coefficients of models that have them, with intervals that let whole dyads vary.

An interval comes from the sandwich (Liang and Zeger 1986, *Biometrika* 73) around the
fit as it stands, penalty and all, with Student's t of one degree fewer than there are
dyads. Refits on resampled dyads would be the other way. They answer less clearly: each
refit standardises anew, picks other columns that vary and other knots, so that a term
of one refit is not that term of the next, and twenty refits of every model cost twenty
fits where the sandwich costs one.

What the interval speaks of is the shrunken target: the coefficient that this penalty
would give on average over histories like this one, which lies nearer to zero than the
effect without a penalty. A term that leaves out zero is told apart from nothing; its
size is a floor rather than an estimate. Which columns entered, their medians and scales
are taken as given, and where terms outnumber dyads by far the sandwich is too narrow.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from forecast import ipcw
from forecast.ipcw import Array, Target
from forecast.models.core import Core, columns
from forecast.models.cox import Cox
from forecast.models.elastic_net import ElasticNetLogit
from forecast.models.exits import Exits
from forecast.models.hazard import Hazard
from forecast.models.horizon import HorizonClassifier, matrix
from forecast.models.newton import clustered
from forecast.schema import Coefficients
from forecast.scored import FEWEST_GROUPS

Codes = npt.NDArray[np.intp]


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
        left the term out. No interval from fewer than five dyads.

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
    [2.0, 1.0, 3.1]
    """
    reader = _reader(fitted)
    if reader is None:
        raise NoCoefficients(f"{name} has no coefficients that can be named")
    codes = (dyads.rank("dense").to_numpy() - 1).astype(np.intp)
    n = dyads.n_unique()
    reach = t.ppf((1 + level) / 2, n - 1) if n >= FEWEST_GROUPS else np.nan
    with threadpool_limits(1):
        parts = [_frame(part, reach) for part in reader(fitted, X, y, codes)]
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
    if isinstance(model, Hazard | Exits):
        return _weekly
    if isinstance(model, Cox):
        return _cox
    if isinstance(model, Core):
        return _core
    if isinstance(model, HorizonClassifier) and _nameable(model.estimator):
        return _logits
    return None


def _nameable(estimator: Any) -> bool:
    """Whether an estimator is a logit, alone or behind steps of ours."""
    if isinstance(estimator, Pipeline):
        known = {"impute", "shape"} <= estimator.named_steps.keys()
        return known and _nameable(estimator[-1])
    return isinstance(estimator, LogisticRegression | ElasticNetLogit)


def _frame(part: Linear, reach: float) -> pl.DataFrame:
    """Rows of one linear predictor, each term taken by its standard deviation."""
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
        coef, share = np.ravel(logit.coef_), logit.l1_ratio or 0.0
        error = np.full(len(coef), np.nan)
        # a lasso's own choice is taken as given: what it left out has no error
        kept = (coef != 0) | (share == 0)
        at = np.append(logit.intercept_, coef[kept])
        ones = np.ones((len(design), 1))
        likelihood = weighted_logit(
            np.hstack([ones, design[:, kept]]), outcome[known], weight[known]
        )
        penalty = np.append(0, np.full(kept.sum(), (1 - share) / logit.C))
        groups = np.unique(codes[known], return_inverse=True)[1]
        error[kept] = _errors(clustered(likelihood, at, penalty, groups))[1:]
        yield Linear(horizon, list(terms), coef, design.std(axis=0), error)


def _core(model: Core, X: pl.DataFrame, y: Target, codes: Codes) -> Iterator[Linear]:
    """One logit for each horizon, on columns of its own."""
    for horizon, part in zip(model.horizons, model.fitted_, strict=True):
        if not isinstance(part, float):
            yield from _logits(part, columns(X, horizon), y, codes)


def _weekly(
    model: Hazard | Exits, X: pl.DataFrame, y: Target, codes: Codes
) -> Iterator[Linear]:
    """Weekly hazards: of collapse, and with `exits` of other ends too."""
    spread = model.likelihood(X, y)[0].exog.std(axis=0)
    error = _errors(model.covariance(X, y, codes)).reshape(-1, len(spread))
    ends = zip(model.coef_.reshape(len(spread), -1).T, error, strict=True)
    # the intercept comes first
    for before, (coef, own) in zip(("", "exit: "), ends, strict=False):
        terms = [before + name for name in model.names_[1:]]
        yield Linear(None, terms, coef[1:], spread[1:], own[1:])


def _cox(model: Cox, X: pl.DataFrame, y: Target, codes: Codes) -> Iterator[Linear]:
    """The partial likelihood, whose score residuals are the rows' part in its slope.

    Lin and Wei (1989), *Journal of the American Statistical Association* 84.
    """
    from statsmodels.duration.hazard_regression import PHReg

    origins, last = model.design_.transform(X), model.horizons[-1]
    values = model.design_.at(origins, np.zeros(X.height, np.intp))[:, 1:]
    collapsed = ((y["event"] == 1) & (y["duration"] <= last)).astype(int)
    days = np.minimum(y["duration"], last)
    likelihood = PHReg(days, values, status=collapsed, ties="breslow")

    def slopes(coef: Array) -> Array:
        # rows that were gone before the first collapse have no part in it
        return np.asarray(np.nan_to_num(likelihood.score_residuals(coef)))

    seen = SimpleNamespace(score_obs=slopes, hessian=likelihood.hessian)
    penalty = model.design_.penalty(model.penalty)[1:]
    error = _errors(clustered(seen, model.coef_, penalty, codes))
    yield Linear(None, model.names_, model.coef_, values.std(axis=0), error)


def weighted_logit(design: Array, outcome: Array, weight: Array) -> SimpleNamespace:
    """Likelihood of a weighted logit, as :func:`clustered` asks for it.

    Parameters
    ----------
    design : float array, shape (n, p)
        With a column of ones.
    outcome, weight : float array, shape (n,)

    Returns
    -------
    namespace
        ``score_obs(coef)``, shape (n, p), and ``hessian(coef)``, shape (p, p).

    Examples
    --------
    >>> model = weighted_logit(np.ones((2, 1)), np.array([0.0, 1.0]), np.ones(2))
    >>> model.score_obs(np.zeros(1)).ravel().tolist(), model.hessian(np.zeros(1)).item()
    ([-0.5, 0.5], -0.5)
    """

    def score_obs(coef: Array) -> Array:
        return np.asarray((weight * (outcome - expit(design @ coef)))[:, None] * design)

    def hessian(coef: Array) -> Array:
        risk = expit(design @ coef)
        return np.asarray(-(design.T * (weight * risk * (1 - risk))) @ design)

    return SimpleNamespace(score_obs=score_obs, hessian=hessian)


def _errors(covariance: Array) -> Array:
    # rounding may leave a variance of nothing a little below it
    return np.asarray(np.sqrt(np.maximum(np.diag(covariance), 0)))


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
