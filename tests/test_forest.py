"""The forest: shares in large leaves, drawn by a seed."""

import numpy as np
import polars as pl
import pytest

from forecast.ipcw import target
from forecast.models.forest import forest

RNG = np.random.default_rng(8)
X = pl.DataFrame(RNG.gamma(1, 2, (600, 5)), list("abcde"))
COLLAPSE = RNG.geometric((0.01 * np.exp(0.4 * X["a"].to_numpy())).clip(max=0.9))
Y = target(COLLAPSE <= 120, np.minimum(COLLAPSE, 120))


@pytest.mark.parametrize("leaf", [10, 60])
def test_larger_leaves_bring_the_risks_nearer_to_the_mean(leaf: int) -> None:
    near, far = (
        forest(30, min_samples_leaf=n).fit(X, Y).predict_risk(X) for n in (leaf, 200)
    )
    assert (near.std(axis=0) > far.std(axis=0)).all()


def test_a_leaf_of_all_rows_is_the_mean_of_rows_drawn() -> None:
    """Which is near the base rate, and the same for all."""
    risk = forest(400, min_samples_leaf=600).fit(X, Y).predict_risk(X)
    assert (risk == risk[0]).all()
    shares = [(horizon >= COLLAPSE).mean() for horizon in (7, 14, 30, 90)]
    np.testing.assert_allclose(risk[0], shares, atol=0.01)


def test_it_depends_on_its_seed_alone() -> None:
    one, same, other = (
        forest(5, random_state=seed).fit(X, Y).predict_risk(X) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
