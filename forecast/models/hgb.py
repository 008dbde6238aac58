"""Gradient-boosted trees, one for each horizon."""

from collections.abc import Sequence

from forecast.models.binned import boosted
from forecast.models.horizon import HorizonClassifier


def hgb(
    max_iter: int = 60,
    learning_rate: float = 0.07,
    max_leaf_nodes: int = 8,
    max_bins: int = 63,
    min_samples_leaf: int = 40,
    l2_regularization: float = 5.0,
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> HorizonClassifier:
    """Boosted trees that nothing is told of the columns; see `trees` for signs.

    Parameters
    ----------
    max_iter : int
        Trees.
    learning_rate : float
        Share of each tree that is taken.
    max_leaf_nodes, min_samples_leaf : int
        Leaves of a tree at most, and rows of a leaf at least.
    max_bins : int
        Steps that a column is cut into, and one for what is unknown.
    l2_regularization : float
        Curvature added to that of each leaf, which draws its value to 0.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Kept for the common contract; nothing here is drawn at random.

    Returns
    -------
    HorizonClassifier

    Examples
    --------
    >>> [name for name, _ in hgb().estimator.steps]
    ['bin', 'trees']
    """
    trees = boosted(
        max_bins,
        max_iter=max_iter,
        learning_rate=learning_rate,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2_regularization,
    )
    return HorizonClassifier(trees, horizons, random_state)
