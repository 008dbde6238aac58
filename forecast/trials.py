"""Trials of a search: proposed, kept, gone on with, and laid out as a table.

Proposals are those of a tree-structured Parzen estimator (Bergstra, Bardenet, Bengio
and Kégl 2011, *NIPS* 24), and a trial that is worse than the median of those before it
at the same inner cutoff is pruned (Golovin et al. 2017, *KDD*). Each trial is seeded by
the number of trials that ended before it. So a search that was cut and goes on proposes
what it would have proposed, and repeats nothing.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dataframely as dy
import numpy as np
import polars as pl

from forecast.schema import Trials

if TYPE_CHECKING:  # which costs .8 s
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

#: trials that are drawn at random and never pruned, before the search learns from them
RANDOM, UNPRUNED = 10, 5
#: notes at a trial: the machine that it runs on, and why it failed
HOST, REASON = "host", "reason"


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


def begun(storage: "BaseStorage", name: str) -> "Study":
    """Open the trials of a name, or begin them."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(UNPRUNED)
    return optuna.create_study(
        storage=storage, study_name=name, load_if_exists=True, pruner=pruner
    )


def queue_again(study: "Study", host: str) -> None:
    """End trials of this machine that no process runs any more; they come first."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(HOST, host) == host:
            study.tell(trial.number, state=TrialState.FAIL)
            if trial.params:
                study.enqueue_trial(trial.params)


def ask(
    study: "Study", spaces: "dict[str, BaseDistribution]", seed: int, host: str
) -> "Trial":
    """Propose settings, by a seed for as many trials as ended before.

    Parameters
    ----------
    study : optuna.Study
        From :func:`begun`.
    spaces : mapping
        Of each setting, from :func:`distribution`.
    seed : int
        Of the search.
    host : str
        This machine.
    """
    from optuna.samplers import TPESampler

    drawn = np.random.SeedSequence([seed, len(ended(study))]).generate_state(1)
    study.sampler = TPESampler(n_startup_trials=RANDOM, seed=int(drawn[0]))
    trial = study.ask(fixed_distributions=spaces)
    trial.set_user_attr(HOST, host)
    return trial


def ended(study: "Study") -> "list[FrozenTrial]":
    """Trials that ended by themselves: complete, pruned, or failed for a reason."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if whole(trial) or trial.state.name == "PRUNED" or REASON in trial.user_attrs
    ]


def whole(trial: "FrozenTrial") -> bool:
    """Whether a trial forecast every inner cutoff."""
    return trial.state.name == "COMPLETE"


def table(
    declared: float, study: "Study", taken: Mapping[str, Any] | None
) -> dy.DataFrame[Trials]:
    """The declared settings, and each trial that ended, in order.

    Parameters
    ----------
    declared : float
        Mean loss of the declared settings.
    study : optuna.Study
        From :func:`begun`.
    taken : mapping or None
        Settings that were picked; None where the declared ones stay.
    """
    rows: list[dict[str, Any]] = [
        {
            "trial": 0,
            "state": "declared",
            "loss": declared,
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
