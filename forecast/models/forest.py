"""Random forest of large leaves: near neighbours, found by what matters."""

from collections.abc import Sequence

from sklearn.ensemble import RandomForestClassifier

from forecast.models.horizon import HorizonClassifier


def forest(
    n_estimators: int = 100,
    min_samples_leaf: int = 30,
    max_features: str | float | None = "sqrt",
    horizons: Sequence[int] = (7, 14, 30, 90),
    random_state: int = 0,
) -> HorizonClassifier:
    """Random forest of probabilities, one for each horizon.

    The method by which the field first beat its logits (Muchlinski et al. 2016, whose
    margin owed much to how it was validated). Its risk is a weighted share of
    collapses among past origins that are alike, so it cannot be more extreme than what
    was seen. Leaves are large because weekly origins of one truce share its outcome: 30
    rows hold three or four truces, and a share among fewer is no probability. Leaves
    hold shares that are averaged, not votes. Nulls go down the side that suits them.

    Trees draw rows one by one, not truces: a tree sees most truces, some origins of
    each. That costs diversity, and no validity, for nothing is judged by rows left out.

    Parameters
    ----------
    n_estimators : int
        Trees.
    min_samples_leaf : int
        Rows of a leaf at least.
    max_features : str, float or None
        Columns that are tried at each split, as scikit-learn has it.
    horizons : sequence of int
        Horizons in days, ascending.
    random_state : int
        Seed of rows and columns drawn.

    Returns
    -------
    HorizonClassifier

    Notes
    -----
    Breiman (2001), *Machine Learning* 45. Malley et al. (2012), *Methods of Information
    in Medicine* 51, on forests of probabilities. Muchlinski, Siroky, He and Kocher
    (2016), *Political Analysis* 24.

    Examples
    --------
    >>> forest().estimator.n_estimators
    100
    """
    trees = RandomForestClassifier(
        n_estimators=n_estimators,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        n_jobs=1,
    )
    return HorizonClassifier(trees, horizons, random_state)
