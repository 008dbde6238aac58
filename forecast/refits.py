"""Refits on resampled dyads, and the intervals that they give.

An interval says how far a fit depends on which dyads history happened to hold. Of what
the model leaves out it knows nothing: how often it holds the true risk, where that is
known, is measured by `benchmarks/intervals.py`.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from forecast.backtest import Model
from forecast.ipcw import Array


def resampled(
    panel: pl.DataFrame, near: pl.Series, rng: np.random.Generator
) -> pl.DataFrame:
    """Rows of dyads drawn with replacement, a collapse near ahead among them.

    Parameters
    ----------
    panel : pl.DataFrame
        Panel rows.
    near : pl.Series
        Which of them see a collapse within the longest horizon; one at least. A draw
        without any is drawn again.
    rng : Generator
        Of the draws.

    Returns
    -------
    pl.DataFrame
        All rows of a dyad as often as it was drawn.

    Examples
    --------
    >>> panel = pl.DataFrame({"dyad_id": ["a", "a", "b"], "row": [1, 2, 3]})
    >>> near = pl.Series([False, True, False])
    >>> resampled(panel, near, np.random.default_rng(1))["row"].to_list()
    [1, 2, 3]
    """
    dyads = panel["dyad_id"].unique().sort()
    broken = panel.filter(near)["dyad_id"].unique()
    while True:
        drawn = pl.DataFrame(
            {"dyad_id": dyads.gather(rng.integers(0, len(dyads), len(dyads)))}
        )
        if drawn["dyad_id"].is_in(broken.implode()).any():
            return drawn.join(panel, on="dyad_id", maintain_order="left_right")


def with_interval(
    model: Model, refits: Sequence[Model], X: pl.DataFrame, level: float
) -> tuple[Array, Array, Array]:
    """Risks, and the ends of the intervals that are shown beside them.

    Parameters
    ----------
    model : Model
        Fitted on all rows.
    refits : sequence of Model
        Fitted on resampled dyads; without any an interval is the risk alone.
    X : pl.DataFrame, shape (n, p)
        Feature columns.
    level : float
        Chance that one more refit would lie inside the interval, which is widened to
        hold the risk.

    Returns
    -------
    risk, lower, upper : float arrays, shape (n, horizons)

    Notes
    -----
    The ends are quantiles by Weibull's definition, the sixth of Hyndman and Fan (1996),
    *The American Statistician* 50: beyond the k-th of n refits one more lies with the
    probability k / (n + 1). By the common definition an interval of 90% from ten refits
    holds 76% of further ones, from fifty 87%. With fewer than 19 refits the outermost
    are as far as it can go.

    Examples
    --------
    >>> class Constant:
    ...     def __init__(self, risk):
    ...         self.risk = risk
    ...
    ...     def predict_risk(self, X):
    ...         return np.full((X.height, 1), self.risk)
    >>> refits = [Constant(k / 20) for k in range(1, 20)]
    >>> X = pl.DataFrame({"age_log": [1.0]})
    >>> ends = with_interval(Constant(0.3), refits, X, 0.9)
    >>> [end.round(3).item() for end in ends]
    [0.3, 0.05, 0.95]
    """
    risk = model.predict_risk(X)
    again = [refit.predict_risk(X) for refit in refits] or [risk]
    tail = (1 - level) / 2
    lower, upper = np.quantile(
        np.stack(again), [tail, 1 - tail], axis=0, method="weibull"
    )
    return risk, np.minimum(lower, risk), np.maximum(upper, risk)
