"""The models `core` and `trail` written as numbers that can be read, and restored.

A fitted model is some eighty numbers a horizon, which say the same in any version of
any library. What is restored was never pickled, and saw no training data.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypedDict

import polars as pl

from forecast.models.baselines import Trail
from forecast.models.core import NEEDED, Core, columns
from forecast.models.horizon import HorizonClassifier
from forecast.models.sums import Curve, Logit, Sum, Term, check_sum, of_pipeline
from forecast.raw import InputError
from forecast.strict import arguments

FAMILIES: dict[str, type[Any]] = {"core": Core, "trail": Trail}
#: a refit: for each horizon the numbers of its sum, or a constant risk
Packed = list[list[float] | float]


class Written(TypedDict):
    """A fitted model: its settings, and a sum or a constant risk by horizon."""

    family: Literal["core", "trail"]
    settings: dict[str, Any]
    horizons: dict[str, Sum | float]


def write(model: Any) -> Written:
    """Put a fitted model into numbers.

    Parameters
    ----------
    model : Core or Trail
        Fitted, or restored by :func:`restore`.

    Returns
    -------
    Written
        Ready for JSON; numbers as they are, to the last bit.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"recent_filled": [0.0, 0.1, 0.8], "age_days": [9, 2, 5]})
    >>> fitted = Trail(horizons=(7,)).fit(X, target([0, 0, 1], [90, 90, 3]))
    >>> content = write(fitted)
    >>> content["settings"], [*content["horizons"]["7"]["fill"]]
    ({'C': 1.0, 'n_knots': 4, 'random_state': 0}, ['filled', 'age_log'])
    >>> again = restore(content).predict_risk(X)
    >>> bool(np.allclose(again, fitted.predict_risk(X), rtol=0, atol=1e-12))
    True
    """
    family: Literal["core", "trail"] = "core" if isinstance(model, Core) else "trail"
    parts = [_only(p) for p in model.fitted_] if family == "core" else _parts(model)
    settings = {k: v for k, v in model.get_params().items() if k != "horizons"}
    names = _columns(family)
    return Written(
        family=family,
        settings=settings,
        horizons={
            str(horizon): _content(part, names)
            for horizon, part in zip(model.horizons, parts, strict=True)
        },
    )


def restore(content: Written) -> Any:
    """Make the model of its numbers.

    Parameters
    ----------
    content : Written
        That :func:`check` found sound.

    Returns
    -------
    Core or Trail
        As it was fitted, but for the last bits of its risks.
    """
    horizons = tuple(map(int, content["horizons"]))
    parts = [
        Logit(part) if isinstance(part, dict) else float(part)
        for part in content["horizons"].values()
    ]
    model = FAMILIES[content["family"]](**content["settings"], horizons=horizons)
    names = _columns(content["family"])
    if content["family"] == "trail":
        model.model_ = _classifier(parts, horizons, names)
        return model
    model.fitted_ = [
        part if isinstance(part, float) else _classifier([part], (horizon,), names)
        for part, horizon in zip(parts, horizons, strict=True)
    ]
    return model


def check(content: Written, place: str) -> None:
    """Refuse numbers of the right types that make no model.

    Parameters
    ----------
    content : Written
        Of which :func:`forecast.strict.check` has seen the types.
    place : str
        Where it stands in its file.

    Raises
    ------
    forecast.raw.InputError
        That names the place.
    """
    settings, names = content["settings"], [*content["horizons"]]
    takes = FAMILIES[content["family"]].__init__
    arguments(takes, settings, f"{place}.settings", without=["horizons"])
    days = sorted({int(name) for name in names if name.isdecimal()})
    if not days or [*map(str, days)] != names or days[0] < 1:
        raise InputError(f"{place}.horizons: expected days that ascend, not {names}")
    for name, part in content["horizons"].items():
        at = f"{place}.horizons.{name}"
        if isinstance(part, dict):
            check_sum(part, _columns(content["family"]), settings["n_knots"], at)
        elif not 0 <= part <= 1:
            raise InputError(f"{at}: expected a risk from 0 to 1, not {part}")


def pack(content: Written, like: Written) -> Packed:
    """Numbers of a refit, in the order in which they stand in the model.

    Parameters
    ----------
    content : Written
        The refit.
    like : Written
        The model, fitted on all the rows that those of the refit were drawn from: it
        has every term that the refit has. What the refit has not becomes zeros.

    Returns
    -------
    list
        For each horizon a list of numbers, or a constant risk.

    Raises
    ------
    ValueError
        If the refit has a term that the model has not.
    """
    packed: Packed = []
    for horizon, whole in like["horizons"].items():
        part = content["horizons"][horizon]
        if not isinstance(part, dict):
            packed.append(part)
            continue
        found = _numbers(_laid_out(part, whole)) if isinstance(whole, dict) else []
        if len(found) != len(_numbers(whole)):
            raise ValueError(f"the refit has terms of its own at {horizon} days")
        packed.append(found)
    return packed


def unpack(packed: Packed, like: Written, place: str) -> Written:
    """Make a refit of its numbers.

    Parameters
    ----------
    packed : list
        From :func:`pack`.
    like : Written
        The model.
    place : str
        Where the numbers stand in their file.

    Raises
    ------
    forecast.raw.InputError
        If they are more or fewer than those of the model.
    """
    whole = like["horizons"]
    if len(packed) != len(whole):
        raise InputError(f"{place}: expected {len(whole)} horizons, not {len(packed)}")
    parts: dict[str, Sum | float] = {}
    for number, (name, content) in enumerate(whole.items()):
        part = packed[number]
        if isinstance(part, list):
            expected = len(_numbers(content)) if isinstance(content, dict) else 0
            if len(part) != expected:
                raise InputError(
                    f"{place}.{number}: expected {expected} numbers, as the model has "
                    f"at {name} days, not {len(part)}"
                )
            parts[name] = _like(content, iter(part))
        else:
            parts[name] = part
    return Written(family=like["family"], settings=like["settings"], horizons=parts)


def _columns(family: str) -> list[str]:
    """Columns that the sums of a family are made of."""
    if family == "trail":
        return ["filled", "age_log"]
    return columns(pl.DataFrame(schema=dict.fromkeys(NEEDED, pl.Float64)), 7).columns


def _only(part: Any) -> Any:
    """The single part of what `core` holds for a horizon."""
    return part if isinstance(part, float) else part.fitted_[0]


def _parts(model: Any) -> list[Any]:
    return list(model.model_.fitted_)


def _content(part: Any, names: Sequence[str]) -> Sum | float:
    if isinstance(part, float):
        return part
    return part.content if isinstance(part, Logit) else of_pipeline(part, names)


def _classifier(
    parts: Sequence[Logit | float], horizons: tuple[int, ...], names: list[str]
) -> HorizonClassifier:
    # nothing is left to be fitted, so there is no estimator to clone
    found = HorizonClassifier(None, horizons)
    found.columns_, found.fitted_ = names, [*parts]
    return found


def _laid_out(part: Sum, like: Sum) -> Sum:
    """A refit with all terms of the model; what it has not is zeros."""
    terms = {
        name: _term(part["terms"].get(name), t) for name, t in like["terms"].items()
    }
    own = {name: term for name, term in part["terms"].items() if name not in terms}
    return Sum(**{**part, "terms": terms | own})


def _term(own: Term | None, like: Term) -> Term:
    term = own or Term(mean=0.0, scale=1.0, line=0.0, curve=None)
    if term["curve"] or not like["curve"]:
        return term
    flat = [0.0] * len(like["curve"]["heights"])
    return Term(**{**term, "curve": Curve(low=0.0, high=1.0, heights=flat)})


def _numbers(content: Any) -> list[float]:
    """All numbers, in the order in which they stand."""
    if isinstance(content, dict | list):
        inner = content.values() if isinstance(content, dict) else content
        return [number for value in inner for number in _numbers(value)]
    return [] if content is None or isinstance(content, bool) else [content]


def _like(content: Any, numbers: Iterator[float]) -> Any:
    """The same with other numbers."""
    if isinstance(content, dict):
        return {key: _like(value, numbers) for key, value in content.items()}
    if isinstance(content, list):
        return [_like(value, numbers) for value in content]
    keep = content is None or isinstance(content, bool)
    return content if keep else next(numbers)
