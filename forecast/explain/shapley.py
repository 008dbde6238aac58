"""Exact Shapley values: what each player adds, on average over all orders of joining.

Shapley (1953), in *Contributions to the Theory of Games* II. Of *k* players, player *i*
gets the sum over all sets *S* without it of |S|! (k − |S| − 1)! / k! times what it adds
to *S*. The values add up to what all are worth beyond none (efficiency), are nothing
for a player who never adds anything, the same for two who always add the same, and of a
sum of games the sum.
"""

from math import comb

import numpy as np
import numpy.typing as npt

from forecast.ipcw import Array

Sets = npt.NDArray[np.int64]


def members(players: int) -> npt.NDArray[np.bool_]:
    """Who is in each set of players.

    Parameters
    ----------
    players : int
        How many.

    Returns
    -------
    bool array, shape (2 ** players, players)
        Set number *s* holds player *i* where bit *i* of *s* is 1.

    Examples
    --------
    >>> members(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    sets: Sets = np.arange(2**players)
    return (sets[:, None] >> np.arange(players) & 1).astype(bool)


def shapley(worth: Array) -> Array:
    """Shapley values of the players of a game, or of many games at once.

    Parameters
    ----------
    worth : float array, shape (2 ** players, ...)
        Worth of each set of players, in the order of :func:`members`.

    Returns
    -------
    float array, shape (players, ...)

    Examples
    --------
    The first is worth 1, the second 2, and both together one more, which they share:

    >>> shapley(np.array([0.0, 1.0, 2.0, 4.0])).tolist()
    [1.5, 2.5]
    """
    players = len(worth).bit_length() - 1
    sets: Sets = np.arange(len(worth))
    size = members(players).sum(axis=1)
    # 1 / k for each size of a set, shared by the sets of that size
    weight = np.array([1 / (players * comb(players - 1, n)) for n in range(players)])
    found = np.empty((players, *worth.shape[1:]))
    for player in range(players):
        without = sets[sets >> player & 1 == 0]
        # differences first: who adds nothing gets nothing, to the last bit
        added = worth[without | 1 << player] - worth[without]
        of_size = weight[size[without]].reshape(-1, *[1] * (worth.ndim - 1))
        found[player] = (of_size * added).sum(axis=0)
    return found
