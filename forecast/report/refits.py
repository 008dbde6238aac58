"""What intervals from refits can be trusted for, in words, from where it was measured.

`interval_coverage.csv` beside this file is written by `benchmarks/intervals.py`: how
often such intervals held the true risk in simulated worlds, by kind of world, model,
refits and horizon; `lower` and `upper` are the least and most of any training world.
"""

from importlib.resources import files

import polars as pl

from forecast.report.words import listed

FILE = "interval_coverage.csv"


def measured() -> pl.DataFrame:
    """What was measured, by the most refits of each model.

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
    return found.filter(pl.col("refits") == pl.col("refits").max().over("model"))


def trust(model: str, level: float, found: pl.DataFrame | None = None) -> str:
    """How often such intervals held the true risk where it is known.

    Parameters
    ----------
    model : str
        The published one.
    level : float
        Of its intervals.
    found : pl.DataFrame, optional
        Like that of :func:`measured`, which it is if not given.

    Returns
    -------
    str
        One or two sentences. Of a model that was not measured, the range over those
        that were, and that it was not.

    Examples
    --------
    >>> row = {"refits": 50, "level": 0.9, "horizon": 30}
    >>> found = pl.DataFrame([
    ...     row | {"model": "core", "kind": "rich", "coverage": 0.504},
    ...     row | {"model": "core", "kind": "null", "coverage": 0.819},
    ... ])
    >>> trust("core", 0.9, found)
    'In simulated worlds, where the true risk is known, such 90% intervals of core from
    50 refits held it in 50 to 82% of cases, by kind of world and horizon.'
    >>> trust("hgb", 0.8, found)
    'In simulated worlds, where the true risk is known, 90% intervals of core from 50
    refits held it in 50 to 82% of cases, by kind of world and horizon. Intervals of hgb
    and of 80% were not measured.'
    """
    frame = measured() if found is None else found
    own = frame.filter(pl.col("model") == model)
    here = frame if own.is_empty() else own
    known = float(here["level"].max())  # type: ignore[arg-type]
    gaps = [f"of {model}"] if own.is_empty() else []
    gaps += [] if abs(level - known) < 1e-9 else [f"of {100 * level:.6g}%"]
    low, high = (f"{100 * share:.0f}" for share in _ends(here["coverage"]))
    models, refits = (here[name].unique().sort() for name in ("model", "refits"))
    said = (
        "In simulated worlds, where the true risk is known, "
        f"{'' if gaps else 'such '}{known:.0%} intervals of {listed(models)} from "
        f"{listed(refits, 'or')} refits held it in "
        f"{low if low == high else f'{low} to {high}'}% of cases, by kind of world and "
        "horizon."
    )
    return said + (f" Intervals {listed(gaps)} were not measured." if gaps else "")


def _ends(values: pl.Series) -> list[float]:
    return values.sort().gather([0, -1]).to_list()
