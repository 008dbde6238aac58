"""Every frame of the project, each a dataframely schema that reads as its definition.

Dates are calendar days, ids are strings, deaths are counts of people. Bounds are
realistic on purpose: they catch a latitude of 912 or a truce of the year 20016.
"""

from forecast.schema.account import (
    ACTOR_METHODS,
    Actors,
    LeftOut,
    Loaded,
    Rejected,
    Schema,
    Unmapped,
)
from forecast.schema.beside import Beside
from forecast.schema.hub import CATEGORIES, TASK, Hub
from forecast.schema.records import (
    CLASSES,
    DEATHS_MAX,
    END_REASONS,
    FIRST,
    LAST,
    LAST_DAY,
    PRECISIONS,
    RELATIONS,
    SIDES,
    Events,
    Links,
    Panel,
    Truces,
)
from forecast.schema.results import (
    ALARM_RULES,
    AUDIT_VERDICTS,
    TRIAL_STATES,
    VERDICTS,
    Alarms,
    Audits,
    Coefficients,
    Comparison,
    Costs,
    Effects,
    Importance,
    KnownTruth,
    Metrics,
    Predictions,
    RiskScores,
    Trials,
)

__all__ = [
    "ACTOR_METHODS",
    "ALARM_RULES",
    "AUDIT_VERDICTS",
    "CATEGORIES",
    "CLASSES",
    "DEATHS_MAX",
    "END_REASONS",
    "FIRST",
    "LAST",
    "LAST_DAY",
    "PRECISIONS",
    "RELATIONS",
    "SIDES",
    "TASK",
