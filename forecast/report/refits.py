"""What intervals from refits can be trusted for, in words, from where it was measured.

`interval_coverage.csv` beside this file is written by `benchmarks/intervals.py`: how
often such intervals held the true risk in simulated worlds, by kind of world, model,
refits and horizon; `lower` and `upper` are the least and most of any training world.
"""

from importlib.resources import files

import polars as pl

from forecast.report.words import listed

FILE = "interval_coverage.csv"


def measured(refits: int | None = None) -> pl.DataFrame:
    """What was measured of each model, from the nearest number of refits.

    Parameters
    ----------
    refits : int, optional
        How many an interval comes from; without it, the most that were measured.

    Returns
    -------
    pl.DataFrame
        `kind`, `model`, `refits`, `horizon`, `level`, `coverage`, `lower`, `upper`,
        `width`, `seeds`.

    Examples
    --------
    >>> measured().columns[:5]
    ['kind', 'model', 'refits', 'horizon', 'level']
    """
    path = files("forecast.report") / FILE
    found = pl.read_csv(path.read_bytes())
    away = -pl.col("refits") if refits is None else (pl.col("refits") - refits).abs()
    return found.filter(away == away.min().over("model"))


def trust(
    model: str,
    level: float,
    refits: int | None = None,
    found: pl.DataFrame | None = None,
) -> str:
    """How often such intervals held the true risk where it is known.

    Parameters
    ----------
    model : str
        The published one.
    level : float
        Of its intervals.
    refits : int, optional
        How many they come from.
    found : pl.DataFrame, optional
        Like that of :func:`measured`, which it is if not given.

    Returns
    -------
    str
        One to three sentences. Of a model that was not measured, the range over those
        that were, and that it was not. Where refits are so few that even the outermost
        do not reach as far as the level asks, that too.

    Examples
    --------
    >>> row = {"refits": 50, "level": 0.9, "horizon": 30}
    >>> found = pl.DataFrame([
    ...     row | {"model": "core", "kind": "rich", "coverage": 0.504},
    ...     row | {"model": "core", "kind": "null", "coverage": 0.819},
    ... ])
    >>> trust("core", 0.9, 50, found)
    'In simulated worlds, where the true risk is known, such 90% intervals of core from
    50 refits held it in 50 to 82% of cases, by kind of world and horizon.'
    >>> trust("hgb", 0.8, 50, found)
    'In simulated worlds, where the true risk is known, 90% intervals of core from 50
    refits held it in 50 to 82% of cases, by kind of world and horizon. Intervals of hgb
    and of 80% were not measured.'
    """
    frame = measured(refits) if found is None else found
    own = frame.filter(pl.col("model") == model)
    here = frame if own.is_empty() else own
    known = float(here["level"].max())  # type: ignore[arg-type]
    gaps = [f"of {model}"] if own.is_empty() else []
    gaps += [] if abs(level - known) < 1e-9 else [f"of {100 * level:.6g}%"]
    low, high = (f"{100 * share:.0f}" for share in _ends(here["coverage"]))
    models, numbers = (here[name].unique().sort() for name in ("model", "refits"))
    said = (
        "In simulated worlds, where the true risk is known, "
        f"{'' if gaps else 'such '}{known:.0%} intervals of {listed(models)} from "
        f"{listed(numbers, 'or')} refits held it in "
        f"{low if low == high else f'{low} to {high}'}% of cases, by kind of world and "
        "horizon."
    )
    said += f" Intervals {listed(gaps)} were not measured." if gaps else ""
    return said + _few(refits, level)


def _few(refits: int | None, level: float) -> str:
    if refits is None or (1 - level) / 2 * (refits + 1) > 1 - 1e-9:
        return ""
    here = "is 1 refit" if refits == 1 else f"are {refits} refits"
    return (
        f" Here there {here}, too few for {level:.0%}: the range ends at the outermost."
    )


def _ends(values: pl.Series) -> list[float]:
    return values.sort().gather([0, -1]).to_list()
