"""Rows, weights and sums that all metrics share."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Score = float | Array


def rows(
    outcome: Array, risk: Array, weight: Array
) -> tuple[Array, Array, Array, bool]:
    """Outcome, risk and (draws, n) weights of the rows that weigh something."""
    outcome, risk, weight = (np.asarray(a, float) for a in (outcome, risk, weight))
    rows = outcome.shape[0] if outcome.ndim == 1 else -1
    if risk.shape != (rows,) or weight.shape[-1:] != (rows,) or weight.ndim > 2:
        raise ValueError(
            "outcome and risk must be (n,) and weight (n,) or (draws, n), not "
            f"{outcome.shape}, {risk.shape} and {weight.shape}"
        )
    if not (weight >= 0).all():
        raise ValueError("weights must be numbers, none below 0")
    weights = np.atleast_2d(weight)
    kept = (weights > 0).any(axis=0)
    outcome, risk, weights = outcome[kept], risk[kept], weights[:, kept]
    if np.isnan(outcome).any():
        raise ValueError("a row of unknown outcome must weigh nothing")
    return outcome, risk, weights, weight.ndim == 1


def by_risk(outcome: Array, risk: Array, weights: Array) -> tuple[Array, Array]:
    """Weight of both outcomes at each distinct risk, lowest first: (draws, risks)."""
    order = np.argsort(risk, kind="stable")
    outcome, risk, weights = outcome[order], risk[order], weights[:, order]
    if not len(risk):
        return np.zeros((len(weights), 0)), np.zeros((len(weights), 0))
    first = np.flatnonzero(np.concatenate([[True], risk[1:] != risk[:-1]]))
    collapsed = np.add.reduceat(weights * outcome, first, axis=1)
    return collapsed, np.add.reduceat(weights * (1 - outcome), first, axis=1)


def ratio(above: Array, below: Array) -> Array:
    """Quotient that is NaN, without a warning, where the denominator is 0."""
    unknown = np.full(below.shape, np.nan)
    return np.asarray(np.divide(above, below, out=unknown, where=below != 0))


def finish(values: Array, plain: bool) -> Score:
    """One number where one row of weights was given, else one a draw."""
    return float(values[0]) if plain else values
