"""Risk scores as they were written, with what lies beside them."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from omegaconf import DictConfig

from forecast import record, sheets
from forecast.commands import finished, study
from forecast.raw import InputError
from forecast.schema import RiskScores

FILE = "risk_scores.csv"
#: what is read of reasons
REASONS = ("truce_id", "horizon_days", "group", "points")


@dataclass(frozen=True)
class Scores:
    """A table of risk scores, and the folder of its scoring, if it lies in one."""

    place: Path
    table: dy.DataFrame[RiskScores]
    #: morning; unknown of a table without rows that no account tells of
    as_of: date | None
    #: of the scoring, and digest of the data it read; None of a mere table
    config: DictConfig | None
    data_digest: str | None
    reasons: pl.DataFrame | None

    def only(self, column: str) -> Any:
        """The value that all rows have; None where there are no rows."""
        return self.table[column].first() if self.table.height else None


def read(place: Path) -> Scores:
    """Read the risk scores of a folder, or a CSV file of them.

    Parameters
    ----------
    place : Path
        Folder of `forecast score` or of `forecast run`, or a file.

    Returns
    -------
    Scores

    Raises
    ------
    forecast.raw.InputError
        If there are none, they cannot be read, break their schema, or are of several
        mornings or models; it names the place.
    """
    file = place / FILE if place.is_dir() else place
    if not file.is_file():
        what = f"no {FILE} in it" if place.is_dir() else "not there"
        raise InputError(
            f"{place}: {what}; expected the folder of a scoring, or a CSV of its scores"
        )
    table = _table(file)
    for column, what in (("as_of", "mornings"), ("model", "models")):
        several = table[column].unique().sort().to_list()
        if len(several) > 1:
            raise InputError(
                f"{file}: of several {what}: {', '.join(map(str, several))}; expected "
                "one"
            )
    morning: Any = table["as_of"].first()
    if not place.is_dir():
        return Scores(file, table, morning, None, None, None)
    account = record.read_json(place / "run.json")
    as_of = morning or study.day(account.get("as_of"))
    digest = account.get("data_digest")
    own = (place / "config.yaml").is_file()
    config = finished.configuration(place) if own else None
    return Scores(place, table, as_of, config, digest, _reasons(place))


def typed(texts: pl.DataFrame, kinds: pl.Schema) -> pl.DataFrame:
    """Columns of text as what they are.

    Parameters
    ----------
    texts : pl.DataFrame
        Read without guessing: an id that looks like a number stays what it is.
    kinds : pl.Schema
        Columns that are wanted.

    Examples
    --------
    >>> kinds = pl.Schema({"as_of": pl.Date, "risk": pl.Float64, "id": pl.String})
    >>> texts = pl.DataFrame({"id": "007", "as_of": "2016-04-07", "risk": "0.5"})
    >>> typed(texts, kinds).row(0)
    (datetime.date(2016, 4, 7), 0.5, '007')
    """
    return texts.select(
        pl.col(name).str.to_date() if kind == pl.Date else pl.col(name).cast(kind)
        for name, kind in kinds.items()
    )


def _table(file: Path) -> dy.DataFrame[RiskScores]:
    try:
        texts = sheets.read(file, infer_schema=False)
        found = typed(texts, RiskScores.create_empty().schema)
        return RiskScores.validate(
            found.with_columns(pl.col("drivers", "truce").fill_null(""))
        )
    # what reads CSV and checks frames has no common base
    except Exception as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"{file}: no table of risk scores: {first}") from error


def _reasons(folder: Path) -> pl.DataFrame | None:
    path = folder / "reasons.csv"
    if not path.is_file():
        return None
    try:
        found = sheets.read(path, infer_schema=False).select(REASONS)
        return found.with_columns(
            pl.col("horizon_days").cast(pl.Int32), pl.col("points").cast(pl.Float64)
        )
    # as above
    except Exception as error:
        raise InputError(f"{path}: no table of reasons: {error}") from error
