"""Inner forecasts of members beside what happened, and how much to believe them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast import ipcw
from forecast.ipcw import Array, Target
from forecast.metrics.proper import log_losses

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Evidence:
    """Forecasts of training rows by fits that did not know them, and the outcomes.

    Parameters
    ----------
    risk : float array, shape (members, n, horizons)
    outcome, weight : float array, shape (n, horizons)
        From :func:`forecast.ipcw.weights`; an unknown outcome is 0 and weighs nothing,
        nor does any at a horizon that no row was followed through.
    dyad : int array, shape (n,)
        Number of the dyad of each row.
    truces, collapsed : int
        How many truces there are, and how many of them collapsed within the longest
        horizon of a row.
    enough : bool
        Whether enough collapsed to choose by.
    """

    risk: Array
    outcome: Array
    weight: Array
    dyad: Places
    truces: int
    collapsed: int
    enough: bool

    def losses(self, risk: Array) -> Array:
        """Log score of each row, weighted and summed over horizons, shape (n,).

        Parameters
        ----------
        risk : float array, shape (n, horizons)
        """
        return np.asarray((self.weight * log_losses(self.outcome, risk)).sum(axis=1))


def evidence(
    risk: Array,
    y: Target,
    truce: Places,
    dyad: Places,
    horizons: tuple[int, ...],
    least: int,
) -> Evidence:
    """Lay forecasts and outcomes side by side.

    Parameters
    ----------
    risk : float array, shape (members, n, horizons)
    y : structured array, shape (n,)
        ``event`` and ``duration``, as far as known when the choice is made.
    truce, dyad : int array, shape (n,)
        Numbers of the truce and the dyad of each row.
    horizons : tuple of int
        Days.
    least : int
        Truces that must have collapsed for a choice; of two dyads at least.

    Returns
    -------
    Evidence
    """
    pairs = [ipcw.weights(y, horizon) for horizon in horizons]
    outcome, weight = (np.column_stack(side) for side in zip(*pairs, strict=True))
    weight = weight * [ipcw.followed(y, horizon) for horizon in horizons]
    outcome, truces = np.nan_to_num(outcome), len(np.unique(truce))
    broken = collapsed(y, truce, horizons[-1])
    enough = broken >= max(least, 1) and len(np.unique(dyad)) > 1
    enough = enough and bool(weight.any())
    return Evidence(risk, outcome, weight, dyad, truces, broken, enough)


def collapsed(y: Target, truce: Places, longest: int) -> int:
    """Number of truces that collapse within the longest horizon of a row.

    Examples
    --------
    >>> y = ipcw.target([1, 1, 1, 0], [9, 2, 95, 90])
    >>> collapsed(y, np.array([0, 0, 1, 2]), 90)
    1
    """
    return len(np.unique(truce[(y["event"] == 1) & (y["duration"] <= longest)]))


def one_standard_error(losses: Array, dyad: Places) -> tuple[int, list[dict[str, Any]]]:
    """Pick the simplest candidate that is not told apart from the best.

    Parameters
    ----------
    losses : float array, shape (candidates, n)
        Of each row, candidates from simple to rich.
    dyad : int array, shape (n,)
        Rows of one dyad share their luck: they are one difference, not many.

    Returns
    -------
    picked : int
        The first candidate whose loss exceeds the least by no more than the standard
        error of the difference between the two.
    table : list of dict
        For each candidate ``loss`` (mean over rows), ``behind`` (mean loss above that
        of the best) and ``error`` (its standard error).

    Notes
    -----
    Breiman, Friedman, Olshen and Stone (1984), *Classification and Regression Trees*,
    section 3.4.3; the error is that of paired differences, so that what all candidates
    find hard does not hide who is better.

    Examples
    --------
    >>> simple, rich, lucky = np.ones(4), [0.5, 0.7, 0.5, 0.7], [2.0, 0.0, 0.0, 0.8]
    >>> one_standard_error(np.array([simple, rich]), np.arange(4))[0]
    1
    >>> one_standard_error(np.array([simple, lucky]), np.arange(4))[0]
    0
    """
    rows, numbers = losses.shape[1], np.unique(dyad, return_inverse=True)[1]
    best = int(losses.sum(axis=1).argmin())
    sums = np.stack([np.bincount(numbers, loss) for loss in losses - losses[best]])
    behind = sums.sum(axis=1)
    error = np.sqrt(sums.shape[1]) * sums.std(axis=1, ddof=1)
    table = [
        {"loss": float(a), "behind": float(b), "error": float(c)}
        for a, b, c in zip(
            losses.mean(axis=1), behind / rows, error / rows, strict=True
        )
    ]
    return int((behind <= error).argmax()), table
