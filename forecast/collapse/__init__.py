"""When a truce broke, and its other exits.

A collapse rule is a function ``rule(truces, events, **settings)`` that returns one row
a truce: ``truce_id``, ``level`` (what the rule counts in the days before the start, per
window), ``threshold`` and ``collapse`` (the day, null while it holds). It may also
return ``lost``, the day after which the rule cannot tell any more: follow-up is
censored there. Among its settings is ``window_days``, by which features that tell how
near a truce is to its collapse look back. The rule's name stands in the ``label``
column of everything that is scored by it.

Level and threshold are set by what was known on the morning after the start, so that
no later revision of the time before it can reach back into a forecast.
"""

from forecast.collapse.deaths import first_fatal, resumption, threshold
from forecast.collapse.declared import declared
from forecast.collapse.followed import EXITS, follow_up, followed
from forecast.collapse.violations import violations

__all__ = [
    "EXITS",
    "declared",
    "first_fatal",
    "follow_up",
    "followed",
    "resumption",
    "threshold",
    "violations",
]
