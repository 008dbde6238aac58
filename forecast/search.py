"""Search: settings of a model by which inner folds of the training are forecast best.

All trials (:mod:`forecast.trials`) see rows that end before the first test fold, and
forecast inner folds of them: see :mod:`forecast.models.inner`. The best of many is
lucky too, so it must beat the declared settings by more than a standard error, or they
stay.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import dataframely as dy
import numpy as np
from joblib import delayed

from forecast.ipcw import Array
from forecast.models.evidence import Evidence, Places, one_standard_error
from forecast.models.given import Given, fit
from forecast.models.inner import Fold, Plan, folds, seen
from forecast.schema import Trials
from forecast.threads import one_thread, side_by_side
from forecast.trials import (
    REASON,
    ask,
    begun,
    distribution,
    ended,
    queue_again,
    table,
    whole,
)

if TYPE_CHECKING:  # which costs .8 s
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import Trial

Make = Callable[[Mapping[str, Any]], Any]
#: forecasts of the rows of one inner cutoff: their places, and risks
Step = tuple[Places, Array]


class Found(NamedTuple):
    """What a search came to."""

    #: None where the declared settings stay
    settings: dict[str, Any] | None
    #: of the best trial, whether it was taken or not; None where none ended
    best: dict[str, Any] | None
    trials: dy.DataFrame[Trials]
    #: places of the training rows that the choice rests on
    rows: Places


def search(
    make: Make,
    space: Mapping[str, Mapping[str, Any]],
    data: Given,
    plan: Plan,
    storage: "BaseStorage",
    name: str,
    *,
    trials: int,
    seed: int,
    host: str = "",
    jobs: int = 1,
    done: Callable[..., None] = lambda *_: None,
) -> Found:
    """Try settings until so many trials have ended, and pick.

    Parameters
    ----------
    make : callable
        From settings, those that differ from the declared ones, to a model.
    space : mapping
        Of each setting what it may be, see :func:`forecast.trials.distribution`.
    data : Given
        Training rows, none of which is ever tested.
    plan : Plan
        Where their inner folds are cut.
    storage : optuna.storages.BaseStorage
        Keeps the trials. Those that it holds under the name count.
    name : str
        Of the search: what gives other trials has another.
    trials : int
        How many are to end, pruned and failed ones among them.
    seed : int
        Of the proposals.
    host : str
        This machine. What another one runs at the moment is left to it.
    jobs : int
        Processes that fit inner folds side by side; it changes no forecast.
    done : callable
        Told of each trial that ended.

    Returns
    -------
    Found
        Without enough collapses to choose by, no trial is made.

    Raises
    ------
    ValueError
        If the space cannot be searched, or the declared model cannot be fitted.
    """
    spaces = {key: distribution(key, spec) for key, spec in space.items()}
    steps = _steps(folds(data, plan))
    at = np.concatenate([f.test for step in steps for f in step] or [np.zeros(0, int)])
    at = np.sort(at).astype(np.intp)
    horizons = len(plan.horizons)
    judged = seen(np.zeros((0, len(at), horizons)), data.y[at], at, data, plan)
    if not judged.enough:
        return Found(None, None, Trials.create_empty(), np.arange(len(data.y)))

    def losses(settings: Mapping[str, Any]) -> Array:
        risk = np.full((len(data.y), horizons), np.nan)
        for places, step in _forecast(make(settings), data, steps, jobs):
            risk[places] = step
        return judged.losses(risk[at])

    declared = losses({})
    study = begun(storage, name)
    queue_again(study, host)
    while len(ended(study)) < trials:
        trial = ask(study, spaces, seed, host)
        _try(study, trial, make, data, steps, judged, at, jobs)
        done()
    complete = [trial for trial in ended(study) if whole(trial)]
    if not complete:
        return Found(None, None, table(float(declared.mean()), study, None), at)
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    picked, _ = one_standard_error(
        np.stack([declared, losses(best.params)]), judged.dyad
    )
    taken = dict(best.params) if picked else None
    return Found(
        taken, dict(best.params), table(float(declared.mean()), study, taken), at
    )


def _try(
    study: "Study",
    trial: "Trial",
    make: Make,
    data: Given,
    steps: Sequence[Sequence[Fold]],
    judged: Evidence,
    at: Places,
    jobs: int,
) -> None:
    """Forecast cutoff by cutoff, to the end or until it is clear that it is no good."""
    from optuna.trial import TrialState

    risk = np.full((len(data.y), judged.outcome.shape[1]), 0.5)
    known = np.zeros(len(data.y), bool)
    loss, state = np.nan, TrialState.COMPLETE
    try:
        forecasts = _forecast(make(trial.params), data, steps, jobs)
        for i, (places, step) in enumerate(forecasts):
            risk[places], known[places] = step, True
            loss = float(judged.losses(risk[at])[known[at]].mean())
            if not np.isfinite(loss):
                raise ValueError("its risks are no numbers")
            trial.report(loss, i)
            if i + 1 < len(steps) and trial.should_prune():
                state = TrialState.PRUNED
                break
    # settings of any kind may fail in any way; the others go on
    except Exception as error:
        trial.set_user_attr(REASON, str(error) or type(error).__name__)
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, loss if state == TrialState.COMPLETE else None, state)


def _steps(every: Sequence[Fold]) -> list[list[Fold]]:
    """Inner folds by cutoff."""
    return [list(group) for _, group in groupby(every, key=lambda fold: fold.cutoff)]


def _forecast(
    model: Any, data: Given, steps: Sequence[Sequence[Fold]], jobs: int
) -> Iterator[Step]:
    """Forecasts of one inner cutoff after another, its parts side by side."""
    for step in steps:
        tasks = (delayed(_fold)(model, data, fold) for fold in step)
        parts = list(side_by_side(tasks, jobs))
        yield np.concatenate([fold.test for fold in step]), np.concatenate(parts)


def _fold(model: Any, data: Given, fold: Fold) -> Array:
    with one_thread():
        rows = data.keys[fold.train]
        fitted = fit(model, data.X[fold.train], fold.y, rows)
        return np.asarray(fitted.predict_risk(data.X[fold.test]))
