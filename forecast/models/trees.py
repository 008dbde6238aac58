"""Boosted trees that may not contradict what theory is sure of."""

import re
from collections.abc import Sequence
from typing import Self

import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from forecast.ipcw import Array, Target
from forecast.models.binned import boosted
from forecast.models.horizon import HorizonClassifier

UP, DOWN, FREE = 1, -1, 0
#: signs by pattern of a column's name; the first that fits the whole name holds
SIGNS: tuple[tuple[str, int], ...] = (
    # A collapse is a number of deaths (or breaches) in a window: what is in it already
    # need not come any more, however it is weighed or carried on.
    (r"recent_(filled|(carried|share|fading|decayed)_.*)", UP),
    # A longer window than the rule's holds the war before the start of most truces, and
    # that war sets the threshold: the more it killed, the more a collapse takes. And
    # what was long ago is what the truce has outlived, a warning or a proof. No sign.
    (r"recent_(deaths|events)_((3[1-9]|[4-9]\d|\d{3,})d|since_start)", FREE),
    # Attack brings attack for weeks (Lewis et al. 2012), and each counts at once. The
    # deadliest day has none: with the sum held, it tells a massacre from a war.
    (r"recent_(deaths|events)_\d+d", UP),
    (r"recent_violent_share_30d", UP),
    # The other side of the same: quiet feeds on itself.
    (r"recent_days_since_last", DOWN),
    # A process that excites itself is as likely to go off as it is excited now. Its
    # branching ratio is fitted on a year that lies before the start of young truces,
    # and is no statement of now: no sign.
    (r"excitation_(intensity|deaths|expected)_.*", UP),
    # Each hostile kind is a step towards the end of a truce, threats and walk-outs
    # among them (Wiehler 2021); relief is a promise that was kept (Lundgren et al.
    # 2023). Talks are called in crises as much as they end them: no sign.
    (r"kinds_(strike|offensive|clash|violation|threat|rupture)_\d+d", UP),
    (r"kinds_decayed_(strike|offensive|clash|violation|threat|rupture)_.*", UP),
    (r"kinds_relief_.*", DOWN),
    # Violence in excess of the reference since the start: Page's sum is a record of
    # what the rule is about to notice. Slopes and ratios say nothing with the level
    # held: if it rises to the same height, it was lower before.
    (r"trend_cusum_(height|worth)", UP),
    # All else has no sign that holds with the rest held: age (truces die young, and
    # when terms run out), the term itself, third parties who go where peace is hard
    # (Fortna 2004), outsiders and neighbours who may unite the parties or divide them,
    # past truces (practice or rancour), and how much is reported.
    (r".*", FREE),
)


class Trees(BaseEstimator):  # type: ignore[misc]
    """Gradient boosting with signs, one for each horizon.

    Trees find interactions and thresholds that no line has. Left alone they also find
    that an eighth death makes a truce safer, if it did in two truces. Signs forbid
    that wherever theory is sure of the direction, and where it is not they leave the
    trees alone: see ``SIGNS`` for each rule and its argument. A sign is a promise that
    an analyst can rely on: what raises a column of deaths never lowers the risk.

    The fit is held back on purpose, for weekly origins of one truce share its
    outcome: some nine rows are one observation. A leaf of 60 rows holds six or seven
    truces; six leaves are trees of two or three questions; and ``l2_regularization``
    shrinks a leaf of 60 rows, whose curvature is about 9 at a risk of 17%, to a third.

    Parameters
    ----------
    max_iter : int
        Trees.
    learning_rate : float
        Share of each tree that is taken.
    max_leaf_nodes, min_samples_leaf : int
        Leaves of a tree at most, and rows of a leaf at least.
    l2_regularization : float
        Curvature added to that of each leaf, which draws its value to 0.
    max_bins : int
        Steps that a column is cut into, and one for what is unknown.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Attributes
    ----------
    model_ : HorizonClassifier
        The fitted trees.

    Notes
    -----
    Friedman (2001), *Annals of Statistics* 29, on boosting; Ke et al. (2017), *NeurIPS*
    30, on binned columns. Sill (1998), *NeurIPS* 10, on monotonic constraints.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> X = pl.DataFrame({"recent_filled": [0.0, 0.1, 0.2, 0.9, 0.6, 0.4] * 20})
    >>> y = target([0, 0, 1, 1, 1, 2] * 20, [90, 90, 20, 3, 5, 40] * 20)
    >>> risk = Trees(min_samples_leaf=20, horizons=(7, 30)).fit(X, y).predict_risk(X)
    >>> risk[[0, 3]].round(2).tolist()
    [[0.07, 0.13], [0.84, 0.87]]
    """

    def __init__(
        self,
        max_iter: int = 100,
        learning_rate: float = 0.05,
        max_leaf_nodes: int = 6,
        min_samples_leaf: int = 60,
        l2_regularization: float = 20.0,
        max_bins: int = 63,
        horizons: Sequence[int] = (7, 14, 30, 90),
        random_state: int = 0,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_bins = max_bins
        self.horizons = horizons
        self.random_state = random_state

    def fit(self, X: pl.DataFrame, y: Target) -> Self:
        """Fit on all columns; see :meth:`HorizonClassifier.fit`."""
        trees = boosted(
            self.max_bins,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            monotonic_cst=[sign(column) for column in X.columns],
        )
        model = HorizonClassifier(trees, self.horizons, self.random_state)
        self.model_ = model.fit(X, y)
        return self

    def predict_risk(self, X: pl.DataFrame) -> Array:
        """Risk by horizon, shape (n, n_horizons)."""
        check_is_fitted(self, "model_")
        return self.model_.predict_risk(X)


def sign(column: str) -> int:
    """Direction in which a column may move the risk.

    Parameters
    ----------
    column : str
        Name of a feature column.

    Returns
    -------
    int
        1 up, -1 down, 0 either.

    Examples
    --------
    >>> names = ["recent_deaths_7d", "recent_days_since_last", "age_days"]
    >>> [sign(name) for name in names]
    [1, -1, 0]
    """
    return next(found for rule, found in SIGNS if re.fullmatch(rule, column))
