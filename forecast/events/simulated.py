"""Events of the built-in simulated world."""

from forecast.schema import Events, Loaded
from forecast.simulated import world


def simulated(
    seed: int = 1,
    conflicts: int = 40,
    years: int = 12,
    kind: str | None = "default",
    flip: float = 0.5,
) -> Loaded[Events]:
    """Events of the world of a seed; its truces are :mod:`forecast.truces.simulated`.

    Parameters
    ----------
    seed, conflicts, years, kind, flip
        Settings of :func:`forecast.simulated.world`; equal settings for events and
        truces make them one world.

    Returns
    -------
    Loaded[Events]
        One row an event, none rejected, speaking for every day of the world.

    Examples
    --------
    >>> loaded = simulated(seed=3, conflicts=2, years=3)
    >>> loaded.read == loaded.accepted == loaded.frame.height
    True
    >>> loaded.covered_through
    datetime.date(2002, 12, 31)
    """
    built = world(seed, conflicts, years, kind=kind, flip=flip)
    rows = built.events.height
    return Loaded(
        built.events, read=rows, accepted=rows, covered_through=built.covered_through
    )
