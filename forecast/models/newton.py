"""Coefficients of largest penalised likelihood, and how far they can be trusted.

For any statsmodels model that gives ``loglike``, ``score`` and ``hessian`` of its
coefficients, and a log-likelihood that bends downward everywhere: binomial and
multinomial regression, Cox regression. Its own ``fit`` knows no L2 penalty for the last
two, and for the first one only a slow one.
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from forecast.ipcw import Array

#: steps after which a likelihood that still grows is given up
MOST_STEPS = 100
#: log-likelihood still to be gained at which coefficients have arrived
CLOSE = 1e-9


def maximise(model: Any, penalty: Array) -> Array:
    """Newton's method with halved steps on log-likelihood less ½ Σ penalty · coef².

    Parameters
    ----------
    model : statsmodels model
        Has ``loglike``, ``score`` and ``hessian``.
    penalty : float array, shape (p,)
        Weight of each squared coefficient, 0 for none. It is the inverse of the
        variance of a normal prior around 0.

    Returns
    -------
    float array, shape (p,)

    Warns
    -----
    ConvergenceWarning
        If there is still something to be gained after 100 steps.

    Notes
    -----
    Where a column tells the outcomes apart without error, and nothing is penalised,
    there is no maximum: coefficients grow until less than 10⁻⁹ is left to be gained.

    Examples
    --------
    >>> from statsmodels.genmod.generalized_linear_model import GLM
    >>> from statsmodels.genmod.families import Binomial
    >>> model = GLM([0, 0, 0, 1], np.ones((4, 1)), family=Binomial())
    >>> np.exp(maximise(model, np.zeros(1))).round(4).tolist()
    [0.3333]
    """

    def worth(place: Array) -> float:
        return float(model.loglike(place) - penalty @ place**2 / 2)

    coef = np.zeros(len(penalty))
    # far out on a trial step a probability may round to 0 and its logarithm be -inf
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        reached = worth(coef)
        for _ in range(MOST_STEPS):
            slope = model.score(coef) - penalty * coef
            bend = np.diag(penalty) - model.hessian(coef)
            # least squares, for two columns may say the same where nothing is penalised
            step = np.linalg.lstsq(bend, slope, rcond=1e-12)[0]
            if slope @ step < CLOSE:
                return np.asarray(coef + step)
            while not worth(coef + step) >= reached and np.abs(step).max() > 1e-12:
                step /= 2
            coef = coef + step
            reached = worth(coef)
    message = f"the likelihood still grows after {MOST_STEPS} steps: penalise"
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return coef


def contributions(model: Any, coef: Array, row: npt.NDArray[np.intp], n: int) -> Array:
    """Sum up the score, the slope of the log-likelihood, by the row it comes from.

    Parameters
    ----------
    model : statsmodels model
        Has ``score_obs``.
    coef : float array, shape (p,)
        Coefficients.
    row : int array, shape (m,)
        For each observation of the model, its row or group, from 0.
    n : int
        Rows or groups.

    Returns
    -------
    float array, shape (n, p)

    Examples
    --------
    >>> from statsmodels.genmod.generalized_linear_model import GLM
    >>> from statsmodels.genmod.families import Binomial
    >>> model = GLM([0, 0, 0, 1], np.ones((4, 1)), family=Binomial())
    >>> contributions(model, np.zeros(1), np.array([0, 0, 1, 1]), 2).tolist()
    [[-1.0], [0.0]]
    """
    scores = model.score_obs(coef).T
    return np.column_stack([np.bincount(row, part, minlength=n) for part in scores])
