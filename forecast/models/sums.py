"""A fitted logit as numbers that can be read: what each column adds to the log odds.

A column that is null counts as its ``fill``; where nulls were seen in fitting, another
column says whether it was null. Each column is put in standard deviations from its mean
(after a signed square root, if ``root``), held within ``clip`` of them, and adds its
``line`` times that and the height of its ``curve`` there.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
from sklearn.pipeline import Pipeline

from forecast.ipcw import Array
from forecast.models.logit import Curves, clipped, signed_root
from forecast.raw import InputError

#: after the name of a column, that of the one that says whether it was null
UNKNOWN = "_unknown"


class Curve(TypedDict):
    """Cubic B-spline: heights of its bumps, the last of them centred on ``high``.

    There are bumps on even knots from ``low`` to ``high``, and one a step below.
    """

    low: float
    high: float
    heights: list[float]


class Term(TypedDict):
    """What a column adds; a line of 0 was left out, as it did not vary."""

    mean: float
    scale: float
    line: float
    curve: Curve | None


class Sum(TypedDict):
    """Log odds of a collapse within one horizon."""

    intercept: float
    clip: float
    root: bool
    fill: dict[str, float]
    terms: dict[str, Term]


class Logit:
    """A sum as a classifier, for a :class:`HorizonClassifier` to hold.

    Parameters
    ----------
    content : Sum
        Its numbers.

    Examples
    --------
    >>> term = Term(mean=1.0, scale=2.0, line=0.5, curve=None)
    >>> part = Logit(Sum(intercept=-0.5, clip=6.0, root=False, fill={"a": 1.0},
    ...                  terms={"a": term}))
    >>> part.predict_proba(np.array([[3.0], [np.nan]]))[:, 1].round(3).tolist()
    [0.5, 0.378]
    """

    classes_ = (0, 1)

    def __init__(self, content: Sum) -> None:
        self.content = content
        names, terms = [*content["fill"]], [*content["terms"].values()]
        further = [*content["terms"]][len(names) :]
        curves = {i: t["curve"] for i, t in enumerate(terms) if t["curve"]}
        heights = [curve["heights"] for curve in curves.values()]
        self._unknown = [names.index(name.removesuffix(UNKNOWN)) for name in further]
        self._fill = np.array([*content["fill"].values()], float)
        self._mean = np.array([term["mean"] for term in terms], float)
        self._scale = np.array([term["scale"] for term in terms], float)
        self._line = np.array([term["line"] for term in terms], float)
        self._bent, self._heights = [*curves], np.array(heights, float).ravel()
        self._curves = Curves(len(heights[0]) - 1 if heights else 2)
        self._curves.low_ = np.array([c["low"] for c in curves.values()], float)
        self._curves.high_ = np.array([c["high"] for c in curves.values()], float)

    def predict_proba(self, values: Array) -> Array:
        """Chance of no collapse and of one, shape (n, 2); NaN is not known."""
        from scipy.special import expit

        null = np.isnan(values)
        filled = np.where(null, self._fill, values)
        wide = np.hstack([filled, null[:, self._unknown]])
        if self.content["root"]:
            wide = signed_root(wide)
        scaled = clipped((wide - self._mean) / self._scale, self.content["clip"])
        curves = self._curves.transform(scaled[:, self._bent])
        odds = scaled @ self._line + curves @ self._heights + self.content["intercept"]
        return np.column_stack([expit(-odds), expit(odds)])


def of_pipeline(pipeline: Pipeline, names: Sequence[str]) -> Sum:
    """Numbers of a fitted pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        That of :func:`forecast.models.logit.spline_logit`.
    names : sequence of str
        Its columns.

    Returns
    -------
    Sum

    Examples
    --------
    >>> from forecast.models.logit import spline_logit
    >>> rows = np.array([[0.0], [1.0], [np.nan], [4.0]])
    >>> found = of_pipeline(spline_logit(1.0, 4, 6.0).fit(rows, [0, 0, 1, 1]), ["a"])
    >>> found["fill"], [*found["terms"]], found["terms"]["a"]["curve"]
    ({'a': 1.0}, ['a', 'a_unknown'], None)
    """
    steps = pipeline.named_steps
    imputer, scaler, logit = steps["impute"], steps["scale"], steps["logit"]
    unknown = [f"{names[i]}{UNKNOWN}" for i in imputer.indicator_.features_]
    lines, curves = _shapes(steps["shape"], logit.coef_[0])
    return Sum(
        intercept=float(logit.intercept_[0]),
        clip=float(steps["clip"].kw_args["limit"]),
        root="root" in steps,
        fill=dict(zip(names, imputer.statistics_.tolist(), strict=True)),
        terms={
            name: Term(
                mean=float(scaler.mean_[place]),
                scale=float(scaler.scale_[place]),
                line=lines.get(place, 0.0),
                curve=curves.get(place),
            )
            for place, name in enumerate([*names, *unknown])
        },
    )


def _shapes(shape: Any, coef: Array) -> tuple[dict[int, float], dict[int, Curve]]:
    """Lines and curves by the place of their column."""
    chosen = {n: np.flatnonzero(mask).tolist() for n, _, mask in shape.transformers_}
    lines, bent = chosen["line"], chosen.get("curve", [])
    curves: dict[int, Curve] = {}
    if bent:
        ends = shape.named_transformers_["curve"]
        heights = coef[len(lines) :].reshape(len(bent), -1)
        curves = {
            place: Curve(low=float(low), high=float(high), heights=row.tolist())
            for place, low, high, row in zip(
                bent, ends.low_, ends.high_, heights, strict=True
            )
        }
    return dict(zip(lines, coef[: len(lines)].tolist(), strict=True)), curves


def check_sum(part: Sum, names: Sequence[str], n_knots: int, place: str) -> None:
    """Refuse numbers of the right types that make no sum.

    Parameters
    ----------
    part : Sum
        Of which :func:`forecast.strict.check` has seen the types.
    names : sequence of str
        Columns that it must have.
    n_knots : int
        Knots of its curves.
    place : str
        Where it stands in its file.

    Raises
    ------
    forecast.raw.InputError
        That names the place.
    """
    _expect([*part["fill"]], [*names], f"{place}.fill")
    terms = [*part["terms"]]
    further = [f"{name}{UNKNOWN}" for name in names if f"{name}{UNKNOWN}" in terms]
    _expect(terms, [*names, *further], f"{place}.terms")
    _positive(part["clip"], f"{place}.clip")
    for name, term in part["terms"].items():
        _positive(term["scale"], f"{place}.terms.{name}.scale")
        curve, at = term["curve"], f"{place}.terms.{name}.curve"
        if curve:
            _positive(curve["high"] - curve["low"], f"{at}: high less low")
            _expect(len(curve["heights"]), n_knots + 1, f"{at}.heights: how many")


def _expect(found: object, expected: object, place: str) -> None:
    if found != expected:
        raise InputError(f"{place}: expected {expected}, not {found}")


def _positive(number: float, place: str) -> None:
    if not number > 0:
        raise InputError(f"{place}: expected more than 0, not {number}")
