"""Concordance: whether truces that collapse sooner were given the higher risks."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.ipcw import Target, censoring_survival
from forecast.metrics.weighted import Array

#: rows compared with all others at once: some 30 MB
ROWS_AT_ONCE = 500


class Pairs(NamedTuple):
    """Weight of comparable pairs, and of those in the right order, by group."""

    comparable: Array
    concordant: Array

    def concordance(self, counts: Array | None = None) -> Array:
        """Concordance when groups are drawn so often, shape (draws,); or as it is."""
        n = len(self.comparable)
        drawn = np.ones((1, n)) if counts is None else np.asarray(counts, float)
        right = np.einsum("da,ab,db->d", drawn, self.concordant, drawn, optimize=True)
        whole = np.einsum("da,ab,db->d", drawn, self.comparable, drawn, optimize=True)
        unknown = np.full(len(drawn), np.nan)
        return np.asarray(np.divide(right, whole, out=unknown, where=whole > 0))


def pairs(
    y: Target,
    risk: Array,
    horizon: int,
    group: npt.NDArray[np.int64] | None = None,
) -> Pairs:
    """Compare each collapse within the horizon with all that did not come before it.

    Parameters
    ----------
    y : structured array, shape (n,)
        ``event`` (0 censored, 1 collapse, 2 other exit) and ``duration``.
    risk : float array, shape (n,)
        Risks of collapse within the horizon.
    horizon : int
        Days.
    group : int array, shape (n,), optional
        Group of each row, from 0: pairs are summed by their two groups, so that
        groups can be redrawn without comparing rows again. All one group without it.

    Returns
    -------
    Pairs
        Matrices, group of the collapse × group of the other. Equal risks count half.

    Notes
    -----
    Wolbers, Blanche, Koller, Witteman & Gerds (2014), *Biostatistics* 15(3): a collapse
    at ``t`` compares with every row whose time is later, and with those that left by
    another exit before (they will never collapse); both weighted by the inverse
    probability of being observed, ``1 / G(t)²`` and ``1 / (G(t) G(s))``.

    Examples
    --------
    >>> from forecast.ipcw import target
    >>> y = target([1, 0, 2], [3, 90, 2])
    >>> pairs(y, np.array([0.5, 0.5, 0.1]), 30).concordance().tolist()
    [0.75]
    """
    event, duration = y["event"], y["duration"].astype(np.int64)
    group = np.zeros(len(y), np.int64) if group is None else group
    size = int(group.max(initial=0)) + 1
    weight = 1 / censoring_survival(y)(duration)
    comparable, concordant = np.zeros((size, size)), np.zeros((size, size))
    cases = np.flatnonzero((event == 1) & (duration <= horizon))
    for start in range(0, len(cases), ROWS_AT_ONCE):
        here = cases[start : start + ROWS_AT_ONCE]
        t, w = duration[here, None], weight[here, None]
        later = (duration > t) | ((duration == t) & (event == 0))
        left = (event == 2) & (duration <= t)
        mass = np.where(later, w * w, np.where(left, w * weight, 0.0))
        gap = risk[here, None] - risk
        right = mass * np.where(gap > 0, 1.0, np.where(gap == 0, 0.5, 0.0))
        for sums, of in ((comparable, mass), (concordant, right)):
            by_other = np.zeros((len(here), size))
            np.add.at(by_other.T, group, of.T)
            np.add.at(sums, group[here], by_other)
    return Pairs(comparable, concordant)
