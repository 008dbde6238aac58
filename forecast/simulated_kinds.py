"""The kinds of simulated world, by name.

- `default`: :mod:`forecast.simulated_process`, where much is hidden: how fierce a
  conflict is by nature, busy and quiet spells, and that a truce is over before the dead
  show it.
- `rich`: :mod:`forecast.simulated_legible`, where much besides deaths foretells
  collapse, and the record shows all of it.
- `changing`: the same, but at a day what the events do is turned round.
- `null`: :mod:`forecast.simulated_null`, where deaths and age say all there is to say.
"""

import numpy as np

from forecast.simulated_legible import NEVER, Legible
from forecast.simulated_null import Null
from forecast.simulated_process import Run

KINDS = ("default", "rich", "null", "changing")


def begin(
    kind: str | None, rng: np.random.Generator, days: int, conflicts: int, flip: float
) -> Run:
    """Begin a world of a kind, to be lived through from day 0.

    Parameters
    ----------
    kind : str or None
        One of ``KINDS``; None is `null`, which is how YAML reads that word.
    rng : Generator
        All its randomness.
    days, conflicts : int
        Length and size.
    flip : float
        Share of the days after which the relations of `changing` turn round.

    Returns
    -------
    Run
        The morning of the first day.

    Raises
    ------
    ValueError
        If the kind is unknown, or the flip no share.

    Examples
    --------
    >>> type(begin("rich", np.random.default_rng(1), 2, 3, 0.5)).__name__
    'Legible'
    """
    kind = kind or "null"
    if kind not in KINDS or not 0 <= flip <= 1:
        raise ValueError(
            f"a simulated world is one of {', '.join(KINDS)}, and flips after a share "
            f"of its days from 0 to 1; got kind={kind!r}, flip={flip}"
        )
    if kind == "default":
        return Run(rng, days, conflicts)
    if kind == "null":
        return Null(rng, days, conflicts)
    flip_day = round(flip * days) if kind == "changing" else NEVER
    return Legible(rng, days, conflicts, flip_day)
