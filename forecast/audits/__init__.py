"""Audits: what a sceptic would try on a run before believing it.

An audit is a function ``f(run, **settings)`` of what a run had and what it made. It
returns findings, at least one: what was looked at, whether it held, and a sentence. A
fault is something that would make the scores untrue, or say something else than they
seem to say. An audit that holds has found nothing; what it cannot see is in its
docstring.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import dataframely as dy
import polars as pl

from forecast.backtest import Model, Training
from forecast.choices import Choice
from forecast.schema import Audits, Events, Panel, Predictions, Truces
from forecast.split import Fold

HELD: Literal["held"] = "held"
FAULT: Literal["fault"] = "fault"
NOT_APPLICABLE: Literal["not applicable"] = "not applicable"
Frames = Mapping[str, pl.DataFrame]


class Finding(NamedTuple):
    """What an audit found: of what, the verdict, and a sentence."""

    subject: str
    verdict: Literal["held", "fault", "not applicable"]
    said: str


@dataclass(frozen=True)
class Run:
    """What a run had and what it made, as audits look at it.

    Parameters
    ----------
    models : mapping of str to (model, features)
        Models and baselines by name, as :func:`forecast.backtest.backtest` has them.
    published : str
        The model that was declared for the risk scores.
    panel : dy.DataFrame[Panel]
        All origins with their outcomes.
    training : callable
        The panel as it stood on a morning.
    folds, horizons : sequence
        Of the backtest.
    predictions, notes, choices
        What the backtest returned, and the choices it told of.
    features : mapping of str to pl.DataFrame
        Keyed features by group: those of the models, those of the baselines.
    events, truces : frames
        The data that the run was given.
    recompute : callable
        ``recompute(panel, events, truces)``: the groups of ``features`` at the origins
        of a panel, made anew from other data.
    """

    models: Mapping[str, tuple[Model, pl.DataFrame]]
    published: str
    panel: dy.DataFrame[Panel]
    training: Training
    folds: Sequence[Fold]
    horizons: Sequence[int]
    predictions: dy.DataFrame[Predictions]
    notes: Sequence[str]
    choices: Sequence[Choice]
    features: Frames
    events: dy.DataFrame[Events]
    truces: dy.DataFrame[Truces]
    recompute: Callable[
        [dy.DataFrame[Panel], dy.DataFrame[Events], dy.DataFrame[Truces]], Frames
    ]


Audit = Callable[[Run], Sequence[Finding]]


def audit(
    audits: Mapping[str, Audit], run: Run, done: Callable[[str], None] = lambda _: None
) -> dy.DataFrame[Audits]:
    """Try all audits on a run.

    Parameters
    ----------
    audits : mapping of str to callable
        By name.
    run : Run
        See there.
    done : callable
        Told of each audit that is finished.

    Returns
    -------
    dy.DataFrame[Audits]
        Sorted by key. An audit that breaks off is a fault: it has not held.
    """
    found = []
    for name, function in audits.items():
        try:
            findings = list(function(run))
        # models and features of any make run inside; the other audits go on
        except Exception as error:
            why = str(error) or type(error).__name__
            findings = [Finding("the audit", FAULT, f"it broke off: {why}")]
        found += [(name, *finding) for finding in findings]
        done(name)
    return Audits.validate(
        pl.DataFrame(found, Audits.create_empty().schema, orient="row").sort(
            Audits.primary_key()
        )
    )
