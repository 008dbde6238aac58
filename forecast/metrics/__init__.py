"""Scores of risks against outcomes, weighted, for one sample or many resamples at once.

Every metric is ``f(outcome, risk, weight)``. ``weight`` holds one weight a row, or one
row of weights for each draw of a resampling: drawing dyads with replacement only
changes weights, so a thousand resamples are one matrix and no loop.

A row without weight is not there, and only such a row may have an unknown outcome
(NaN). Where a metric is not defined, as with no collapse to rank, it is NaN.
"""

from forecast.metrics.calibration import (
    calibration_intercept,
    calibration_slope,
    expected_observed,
)
from forecast.metrics.proper import brier, log_score, skill
from forecast.metrics.ranking import auroc, average_precision, precision_at
from forecast.metrics.weighted import Array, Score

__all__ = [
    "Array",
    "Score",
    "auroc",
    "average_precision",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "expected_observed",
    "log_score",
    "precision_at",
    "skill",
]
