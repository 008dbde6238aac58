"""Truces of the built-in simulated world."""

from forecast.schema import Loaded, Truces
from forecast.simulated import world


def simulated(
    seed: int = 1,
    conflicts: int = 40,
    years: int = 12,
    kind: str | None = "default",
    flip: float = 0.5,
) -> Loaded[Truces]:
    """Truces of the world of a seed; its events are :mod:`forecast.events.simulated`.

    Parameters
    ----------
    seed, conflicts, years, kind, flip
        Settings of :func:`forecast.simulated.world`; equal settings for events and
        truces make them one world.

    Returns
    -------
    Loaded[Truces]
        One row a truce, none rejected.

    Examples
    --------
    >>> loaded = simulated(seed=3, conflicts=2, years=3)
    >>> loaded.read == loaded.accepted == loaded.frame.height
    True
    """
    truces = world(seed, conflicts, years, kind=kind, flip=flip).truces
    return Loaded(truces, read=truces.height, accepted=truces.height)
