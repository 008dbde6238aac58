"""Search: settings of a model by which inner folds of the training are forecast best.

Trials are proposed by a tree-structured Parzen estimator (Bergstra, Bardenet, Bengio
and Kégl 2011, *NIPS* 24), and one that is worse than the median of those before it at
the same inner cutoff is pruned (Golovin et al. 2017, *KDD*). All of them see rows that
end before the first test fold: see :mod:`forecast.models.inner`. The best of many is
lucky too, so it must beat the declared settings by more than a standard error, or they
stay.

Each trial is seeded by the number of trials that ended before it. So a search that was
cut and goes on proposes what it would have proposed, and repeats nothing.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import dataframely as dy
import numpy as np
import polars as pl
from joblib import delayed

from forecast.ipcw import Array
from forecast.models.evidence import Evidence, Places, one_standard_error
from forecast.models.given import Given, fit
from forecast.models.inner import Fold, Plan, folds, seen
from forecast.schema import Trials
from forecast.threads import one_thread, side_by_side

if TYPE_CHECKING:  # which costs .8 s
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

#: trials that are drawn at random and never pruned, before the search learns from them
RANDOM, UNPRUNED = 10, 5
#: notes at a trial: the machine that it runs on, and why it failed
HOST, REASON = "host", "reason"
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
        Of each setting what it may be, see :func:`distribution`.
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
    study = _study(storage, name)
    _queue_again(study, host)
    while len(ended(study)) < trials:
        trial = _ask(study, spaces, seed, host)
        _try(study, trial, make, data, steps, judged, at, jobs)
        done()
    complete = [trial for trial in ended(study) if _whole(trial)]
    if not complete:
        return Found(None, None, _table(declared, study, None), at)
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    picked, _ = one_standard_error(
        np.stack([declared, losses(best.params)]), judged.dyad
    )
    taken = dict(best.params) if picked else None
    return Found(taken, dict(best.params), _table(declared, study, taken), at)


def distribution(key: str, spec: Mapping[str, Any]) -> "BaseDistribution":
    """What a setting may be, in the words of a configuration.

    Parameters
    ----------
    key : str
        Name of the setting, for the message.
    spec : mapping
        ``low`` and ``high``, both within, and ``log: true`` where ratios matter more
        than differences; whole numbers make whole numbers. Or ``choices``, a list.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> distribution("C", {"low": 0.01, "high": 1.0, "log": True})
    FloatDistribution(high=1.0, log=True, low=0.01, step=None)
    >>> distribution("C", {"low": 1})
    Traceback (most recent call last):
    ValueError: C: {'low': 1}; expected low and high, with log or not, or choices
    """
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    given = dict(spec)
    try:
        if set(given) == {"choices"}:
            return CategoricalDistribution(given["choices"])
        if {"low", "high"} <= set(given) <= {"low", "high", "log"}:
            ends = given["low"], given["high"]
            whole = all(isinstance(end, int) for end in ends)
            kind = IntDistribution if whole else FloatDistribution
            return kind(*ends, log=bool(given.get("log")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key}: {given}: {error}") from error
    raise ValueError(
        f"{key}: {given}; expected low and high, with log or not, or choices"
    )


def ended(study: "Study") -> "list[FrozenTrial]":
    """Trials that ended by themselves: complete, pruned, or failed for a reason."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if _whole(trial) or trial.state.name == "PRUNED" or REASON in trial.user_attrs
    ]


def _whole(trial: "FrozenTrial") -> bool:
    return trial.state.name == "COMPLETE"


def _study(storage: "BaseStorage", name: str) -> "Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(UNPRUNED)
    return optuna.create_study(
        storage=storage, study_name=name, load_if_exists=True, pruner=pruner
    )


def _queue_again(study: "Study", host: str) -> None:
    """End trials of this machine that no process runs any more; they come first."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(HOST, host) == host:
            study.tell(trial.number, state=TrialState.FAIL)
            if trial.params:
                study.enqueue_trial(trial.params)


def _ask(
    study: "Study", spaces: "dict[str, BaseDistribution]", seed: int, host: str
) -> "Trial":
    from optuna.samplers import TPESampler

    drawn = np.random.SeedSequence([seed, len(ended(study))]).generate_state(1)
    study.sampler = TPESampler(n_startup_trials=RANDOM, seed=int(drawn[0]))
    trial = study.ask(fixed_distributions=spaces)
    trial.set_user_attr(HOST, host)
    return trial


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


def _table(
    declared: Array, study: "Study", taken: Mapping[str, Any] | None
) -> dy.DataFrame[Trials]:
    """The declared settings, and each trial that ended, in order."""
    rows: list[dict[str, Any]] = [
        {
            "trial": 0,
            "state": "declared",
            "loss": float(declared.mean()),
            "cutoffs": None,
            "picked": taken is None,
            "settings": "{}",
            "reason": None,
        }
    ]
    for number, trial in enumerate(ended(study), 1):
        failed = REASON in trial.user_attrs
        reached = trial.intermediate_values
        rows.append(
            {
                "trial": number,
                "state": "failed" if failed else trial.state.name.lower(),
                "loss": reached[max(reached)] if reached and not failed else None,
                "cutoffs": len(reached),
                "picked": False,
                "settings": json.dumps(trial.params, sort_keys=True),
                "reason": trial.user_attrs.get(REASON),
            }
        )
    frame = pl.DataFrame(rows, schema=Trials.create_empty().schema)
    if taken is not None:
        same = json.dumps(dict(taken), sort_keys=True)
        first = (pl.col("settings") == same).cum_sum() == 1
        frame = frame.with_columns(picked=first & (pl.col("settings") == same))
    return Trials.validate(frame)
