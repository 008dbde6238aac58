"""Event kinds, and the map from each coding system's codes to them.

A kind is what an event *does* to a truce. Every event keeps its raw code beside the
kind, because mapping loses information (CAMEO 196 "violate ceasefire" becomes a plain
assault in PLOVER, and that is the signal).
"""

from functools import lru_cache
from importlib.resources import files

import polars as pl

KINDS = (
    "strike",  # air strikes, artillery, rockets, drones, bombs
    "offensive",  # a ground attack to take or hold ground
    "clash",  # any other fighting between armed groups
    "violation",  # coded as a breach of a ceasefire
    "abuse",  # violence against civilians
    "threat",  # threats, ultimatums, accusations that precede them
    "rupture",  # walk-out, suspension, expulsion of monitors
    "talks",  # negotiation, mediation, and its announcement
    "deal",  # an agreement or a promise
    "relief",  # withdrawal, release, access
    "other",
)
HOSTILE = ("strike", "offensive", "clash", "violation", "abuse")
SYSTEMS = ("ucdp", "acled", "cameo", "plover", "hand", "simulated")


@lru_cache
def codes(system: str) -> pl.DataFrame:
    """The code table of one coding system.

    Parameters
    ----------
    system : str
        Name of a table in ``forecast/codes``.

    Returns
    -------
    pl.DataFrame
        Columns ``code``, ``kind``, ``hostile``, ``label``, ``note``.

    Raises
    ------
    ValueError
        If there is no table for the system.

    Examples
    --------
    >>> codes("ucdp").select("code", "kind").rows()
    [('1', 'clash'), ('2', 'clash'), ('3', 'abuse')]
    """
    folder = files("forecast") / "codes"
    names = sorted(f.name.removesuffix(".csv") for f in folder.iterdir())
    if system not in names:
        raise ValueError(
            f"no code table for the coding system {system!r}; there are: "
            + ", ".join(names)
        )
    table = pl.read_csv((folder / f"{system}.csv").read_bytes(), infer_schema=False)
    return table.with_columns(pl.col("hostile") == "true")
