"""Risk scores as files: a CSV always, and what else was asked for."""

from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy
import polars.selectors as cs
from omegaconf import ListConfig

from forecast import hub, record, reference, sheets
from forecast.schema import RiskScores

CSV, JSON, PARQUET, HUB = "csv", "json", "parquet", "hub"
FORMATS = (CSV, JSON, PARQUET, HUB)


def asked(value: Any) -> list[str]:
    """Formats of ``format=NAME`` or ``format=[NAME,NAME]``, the CSV first.

    Examples
    --------
    >>> asked("hub"), asked(["parquet", "csv"])
    (['csv', 'hub'], ['csv', 'parquet'])
    """
    names = list(value) if isinstance(value, list | ListConfig) else [value]
    return [CSV, *(name for name in FORMATS[1:] if name in names)]


def known(value: Any) -> bool:
    """Whether a value is a format, or a list of them."""
    names = list(value) if isinstance(value, list | ListConfig) else [value]
    return bool(names) and all(name in FORMATS for name in names)


def write(
    scores: dy.DataFrame[RiskScores],
    formats: list[str],
    as_of: date,
    model: str,
    folder: Path,
) -> dict[str, str]:
    """Write risk scores in every format that was asked for.

    Parameters
    ----------
    scores : dy.DataFrame[RiskScores]
        They have passed their schema, as has what is made of them here.
    formats : list of str
        From :func:`asked`.
    as_of : date
        Morning of the scores.
    model : str
        Whose they are.
    folder : Path
        To write to.

    Returns
    -------
    dict of str to str
        Names of files by format.
    """
    names = {
        CSV: "risk_scores.csv",
        JSON: "risk_scores.json",
        PARQUET: "risk_scores.parquet",
        HUB: hub.file_name(as_of, model),
    }
    for name in formats:
        path = folder / names[name]
        if name == CSV:
            sheets.write(scores, path)
        elif name == JSON:
            rows = scores.with_columns(cs.date().dt.to_string()).to_dicts()
            path.write_text(f"{reference.text(rows)}\n", encoding="utf-8")
        elif name == PARQUET:
            record.write_parquet(scores, path)
        else:
            sheets.write(hub.model_output(scores), path)
    return {name: names[name] for name in formats}
