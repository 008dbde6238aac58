"""Forecasts out of sample: every model at rolling cutoffs, by what was known then.

Every model is fitted on the panel as it stood on the morning of a cutoff and forecasts
the origins from there to the next cutoff.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import dataframely as dy
import numpy as np
import polars as pl
from joblib import delayed

from forecast import ipcw
from forecast.choices import Choice, Told, choices
from forecast.ipcw import Array, Target
from forecast.panel import COLLAPSE, outcomes
from forecast.schema import Panel, Predictions
from forecast.split import Fold, Overlap, overlaps
from forecast.threads import one_thread, side_by_side

KEYS = ["truce_id", "origin"]
#: by which a risk may fall from a horizon to the next, as sums of floats do
ROUNDING = 1e-9
#: what a model that asks for its ``rows`` is told of them
ROWS = [*KEYS, "dyad_id"]
Training = Callable[[date], dy.DataFrame[Panel]]


class NothingToLearn(ValueError):
    """The data hold nothing that any model could be fitted on."""


class Model(Protocol):
    """What every model can do; see the contract in the tests.

    One that splits its training rows once more takes a third argument when fitted,
    ``rows``: their ``truce_id``, ``origin`` and ``dyad_id``. See :func:`fitted`.
    """

    horizons: Sequence[int]

    def fit(self, X: pl.DataFrame, y: Target) -> Any:
        """Fit on features and structured outcomes."""
        ...

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Cumulative incidence of collapse, shape (n, horizons)."""
        ...


#: by name: an estimator, and the keyed frame of features that it sees
Models = Mapping[str, tuple[Model, pl.DataFrame]]
#: of a fold: test rows, risks by model, notes, and choices that models made
Found = tuple[pl.DataFrame, dict[str, Array], list[str], list[Choice]]


def target(panel: pl.DataFrame) -> Target:
    """Event and duration of panel rows, as models learn from them."""
    return ipcw.target(panel["event"], panel["duration"])


def rows(features: pl.DataFrame, panel: pl.DataFrame) -> pl.DataFrame:
    """Feature columns of the rows of a panel, in its order."""
    return (
        panel.select(KEYS)
        .join(features, on=KEYS, how="left", maintain_order="left")
        .drop(KEYS)
    )


def fitted(model: Any, features: pl.DataFrame, known: pl.DataFrame) -> Any:
    """Clone of a model, fitted on rows of a panel.

    Parameters
    ----------
    model : estimator
        Told of truces, origins and dyads if its ``fit`` takes ``rows``.
    features : pl.DataFrame
        Keyed features that cover the rows.
    known : pl.DataFrame
        Panel rows.
    """
    from sklearn.base import clone
    from sklearn.utils.validation import has_fit_parameter

    told = {"rows": known.select(ROWS)} if has_fit_parameter(model, "rows") else {}
    # in a process of its own too
    with one_thread():
        return clone(model).fit(rows(features, known), target(known), **told)


def backtest(
    models: Models,
    panel: dy.DataFrame[Panel],
    training: Training,
    folds: Sequence[Fold],
    horizons: Sequence[int],
    done: Callable[[str], None] = lambda _: None,
    chosen: Told = lambda _: None,
    jobs: int = 1,
) -> tuple[dy.DataFrame[Predictions], list[str]]:
    """Forecast each fold by models fitted on what was known at its cutoff.

    Parameters
    ----------
    models : mapping of str to (model, features)
        By name: an estimator and the keyed frame of features it sees, which covers
        the rows of ``panel`` and of every training panel.
    panel : dy.DataFrame[Panel]
        All origins with their outcomes.
    training : callable
        The panel as it stood on a morning: that of a cutoff, or a gap before it.
    folds : sequence of Fold
        See :mod:`forecast.split`.
    horizons : sequence of int
        Days.
    done : callable
        Told of each fold and model that is finished.
    chosen : callable
        Told of each choice that a model says it made, see :mod:`forecast.choices`.
    jobs : int
        Processes that fit folds side by side; -1: one a core. It changes no forecast.

    Returns
    -------
    predictions : dy.DataFrame[Predictions]
        Sorted by key.
    notes : list of str
        Folds that could not be fitted and models that failed, in plain words.

    Raises
    ------
    NothingToLearn
        If no model could be fitted in any fold.
    forecast.split.Overlap
        If a fold trains on what it tests.
    """
    found = _by_fold(models, panel, training, folds, len(horizons), jobs)
    parts, notes = [], []
    for fold, (test, risks, said, made) in zip(folds, found, strict=True):
        notes += said
        for name in models:
            if name in risks:
                parts.append(_long(test, risks[name], horizons, name, fold.cutoff))
            done(name)
        for choice in made:
            chosen(choice)
    if not parts:
        raise NothingToLearn(
            "no model could be fitted in any fold: " + "; ".join(notes)
        )
    predictions = _weighted(pl.concat(parts), panel, horizons)
    return predictions, [*notes, *_unfollowed(predictions, horizons)]


def _by_fold(
    models: Models,
    panel: pl.DataFrame,
    training: Training,
    folds: Sequence[Fold],
    horizons: int,
    jobs: int,
) -> Iterator[Found]:
    """What each fold comes to, in their order, on so many processes."""
    sides = ((fold, *_sides(fold, training(fold.known), panel)) for fold in folds)
    # a fold is one task, so that what models share in it is fitted once
    tasks = (delayed(_one_fold)(models, *side, horizons) for side in sides)
    return side_by_side(tasks, jobs)


def _one_fold(
    models: Models, fold: Fold, known: pl.DataFrame, test: pl.DataFrame, horizons: int
) -> Found:
    """Test rows, risks by model, notes, and choices."""
    why = _unfit(known, test, fold)
    if why:
        return test, {}, [why], []
    risks: dict[str, Array] = {}
    notes: list[str] = []
    made: list[Choice] = []
    for name, (model, features) in models.items():
        try:
            learned = fitted(model, features, known)
            risk = forecast(learned, features, test, horizons)
            own = choices(learned, name, fold.cutoff, known, test)
        # a model of any make may fail in any way; the others go on
        except Exception as error:
            said = str(error) or type(error).__name__
            notes.append(f"{name} failed at the cutoff {fold.cutoff}: {said}")
        else:
            risks[name] = risk
            made += own
    return test, risks, notes, made


def _sides(
    fold: Fold, then: pl.DataFrame, panel: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows to learn from and rows to forecast, if the fold keeps them apart."""
    test = fold.test(panel)
    train = fold.train(then, test)
    wrong = overlaps(fold, train, test)
    if wrong:
        raise Overlap(f"the fold {fold.cutoff} overlaps: " + "; ".join(wrong))
    return train, test


def _unfit(known: pl.DataFrame, test: pl.DataFrame, fold: Fold) -> str | None:
    if not test.height:
        return f"fold {fold.cutoff}: no origin to forecast"
    if not (known["event"] == COLLAPSE).any():
        return (
            f"fold {fold.cutoff}: no collapse among its {known.height} training "
            f"origins; its {test.height} origins are not forecast"
        )
    return None


def forecast(
    learned: Any, features: pl.DataFrame, test: pl.DataFrame, horizons: int
) -> Array:
    """Risks by a fitted model, if they are risks.

    Parameters
    ----------
    learned : Model
        Fitted.
    features : pl.DataFrame
        Keyed features that cover the rows.
    test : pl.DataFrame
        Panel rows.
    horizons : int
        How many.

    Returns
    -------
    float array, shape (n, horizons)

    Raises
    ------
    ValueError
        If they have another shape, one is no number between 0 and 1, or one falls
        from a horizon to the next.
    """
    with one_thread():
        risk = np.asarray(learned.predict_risk(rows(features, test)), np.float64)
    return sound(risk, (test.height, horizons))


def sound(risk: Array, shape: tuple[int, int]) -> Array:
    """Risks as they are, if a model may say them.

    Parameters
    ----------
    risk : float array
        By a model.
    shape : (int, int)
        Rows, and horizons.

    Raises
    ------
    ValueError
        See :func:`forecast`.

    Examples
    --------
    >>> sound(np.array([[0.1, 0.2]]), (1, 2)).tolist()
    [[0.1, 0.2]]
    >>> sound(np.array([[0.2, 0.1]]), (1, 2))
    Traceback (most recent call last):
        ...
    ValueError: a risk of it is smaller within more days than within fewer
    """
    if risk.shape != shape:
        raise ValueError(f"its risks have the shape {risk.shape}, not {shape}")
    if not ((risk >= 0) & (risk <= 1)).all():
        raise ValueError("a risk of it is no number between 0 and 1")
    if (np.diff(risk, axis=1) < -ROUNDING).any():
        raise ValueError("a risk of it is smaller within more days than within fewer")
    return risk


def _long(
    test: pl.DataFrame, risk: Array, horizons: Sequence[int], name: str, cutoff: date
) -> pl.DataFrame:
    return pl.concat(
        test.select(
            pl.lit(name).alias("model"),
            pl.lit(cutoff).alias("cutoff"),
            "truce_id",
            "origin",
            pl.lit(horizon, pl.Int32).alias("horizon"),
            "conflict_id",
            "dyad_id",
            pl.Series("risk", risk[:, i]),
        )
        for i, horizon in enumerate(horizons)
    )


def _weighted(
    parts: pl.DataFrame, panel: dy.DataFrame[Panel], horizons: Sequence[int]
) -> dy.DataFrame[Predictions]:
    """Add outcomes, and weights estimated on the rows that are scored.

    Where no row was followed through a horizon, early ends are all that is known of it,
    and they weigh nothing: it is not scored.
    """
    scored = panel.join(parts.select(KEYS).unique(), on=KEYS, how="semi")
    y = target(scored)
    weights = pl.concat(
        scored.select(
            *KEYS,
            pl.lit(horizon, pl.Int32).alias("horizon"),
            pl.Series(
                "weight", ipcw.weights(y, horizon)[1] * ipcw.followed(y, horizon)
            ),
        )
        for horizon in horizons
    )
    keys = [*KEYS, "horizon"]
    return Predictions.validate(
        parts.join(outcomes(panel, tuple(horizons)), on=keys)
        .join(weights, on=keys)
        .select(Predictions.column_names())
        .sort("model", "cutoff", "truce_id", "origin", "horizon"),
        cast=True,
    )


def _unfollowed(predictions: pl.DataFrame, horizons: Sequence[int]) -> list[str]:
    """A remark for each horizon that is forecast and cannot be scored."""
    weighed = predictions.group_by("horizon").agg(pl.col("weight").max())
    scored = set(weighed.filter(pl.col("weight") > 0)["horizon"])
    return [
        f"no origin that is forecast was followed for {horizon} days: risks within "
        "them are not scored"
        for horizon in horizons
        if horizon not in scored
    ]
