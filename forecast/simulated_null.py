"""The world `null`, where deaths in the rule's window and age say all there is to say.

Events of every kind happen, at rates of their own, and foretell nothing. While a truce
holds, the chance of a decisive day depends on age and on the deaths that the rule's
window holds already, and so do the deaths to come: every death is avenged 29 days
later, when it is about to fall out of the window, life for life, and now and then
another is killed beside. So the deaths in the window never fall while a truce holds,
and their next number depends on their present one alone. Any other law would give a
meaning to the *days* of the deaths: a sum over a sliding window falls when a day drops
out of it, and when that will be, the sum does not say. It is a Markov process only if
what drops out is made up for.

War is slow, so that half its level does not exceed the floor of the rule: the threshold
of every truce is 5 deaths.
"""

import numpy as np
from numpy.typing import ArrayLike

from forecast.simulated_legible import Legible
from forecast.simulated_process import CAP, NAMES, TRUCE, WAR, Array, Flags

#: log hazard of a decisive day: a constant, per root of the deaths in the window, and
#: per log(1 + age / 30)
INTERCEPT, DEATHS, AGE = -6.0, 1.5, -0.4
#: daily chance of a death in war, and of one more in a truce
IN_WAR, IN_TRUCE = 0.12, 0.02
#: deaths in the window that no truce exceeds short of a decisive day: twice as many,
#: on a day of revenge, are still below the threshold
MOST = 2
#: who kills is drawn anew each time
KILLERS = [NAMES.index(name) for name in ("strike", "offensive", "clash")]


def null_hazard(deaths: ArrayLike, age_days: ArrayLike) -> Array:
    """Probability that today is decisive for a truce, in the world `null`.

    Parameters
    ----------
    deaths : array_like
        Since the start and in the 29 days before today.
    age_days : array_like
        Days since the start, from 1.

    Returns
    -------
    ndarray
        Daily hazard in (0, ``CAP``].

    Examples
    --------
    >>> null_hazard([0, 1, 2], 30).round(4)
    array([0.0019, 0.0084, 0.0157])
    """
    predictor = (
        INTERCEPT
        + DEATHS * np.sqrt(deaths)
        + AGE * np.log1p(np.asarray(age_days) / 30.0)
    )
    return np.asarray(np.minimum(CAP, np.exp(predictor)), dtype=np.float64)


class Null(Legible):
    """A world of deaths and age alone, amid events that foretell nothing."""

    def _hazard(self) -> Array:
        return null_hazard(self._in_window(), np.maximum(self.since, 0))

    def _kill(self, day: int, decisive: Flags) -> None:
        """Deaths of the day: those of four weeks ago again, and now and then one."""
        luck = self.rng.random(self.conflicts)
        held = (self.phase == TRUCE) & (self.since > 0)
        more = held & (luck < IN_TRUCE) & (self._in_window() < MOST)
        killed = np.where(held, self.toll[:, 1] + more, 0)
        killed += (self.phase == WAR) & (luck < IN_WAR)
        excess = self.rng.uniform(1, 2, decisive.sum())
        killed[decisive] += np.ceil(excess * self.need[decisive])
        where = np.flatnonzero(killed)
        stream = self.rng.choice(KILLERS, len(where))
        self.happened[day, where, stream] = True
        self.died[day, where, stream] = killed[where]
