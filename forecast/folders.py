"""Folders of two runs held against each other, value by value, without tolerance.

What differs by time and place alone is left out by its name, and stands here.
"""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import polars as pl

from forecast import schema
from forecast.differences import flatten
from forecast.raw import InputError

#: files that bear times and places, or addresses in memory as a stored model does;
#: what is in them is compared too: settings by their digest, risks of the model by
#: the risk scores, figures of the report by the tables
FILES = ("config.yaml", "report.html", "model.skops", "code.diff")
#: columns that say which run it was
COLUMNS = ("run_id",)
#: columns that hold paths, of which the names alone count
PATHS = ("file",)
#: of run.json: which run, when, where, by what; what it read has a digest that stays
ACCOUNT = (
    *("run_id", "command", "started", "finished", "seconds", "peak_memory_mib"),
    *("inputs", "features", "notes"),
    *("git_commit", "git_dirty", "git_diff", "code_digest"),
    *("packages", "python", "platform", "blas"),
)
KEYS = {
    "predictions.parquet": schema.Predictions.primary_key(),
    "metrics.csv": schema.Metrics.primary_key(),
    "risk_scores.csv": schema.RiskScores.primary_key(),
    "reasons.csv": schema.Reasons.primary_key(),
    "alarms.csv": schema.Alarms.primary_key(),
    "costs.csv": schema.Costs.primary_key(),
    "audits.csv": schema.Audits.primary_key(),
    "truth.csv": schema.KnownTruth.primary_key(),
    "effects.csv": schema.Effects.primary_key(),
    "importance.csv": schema.Importance.primary_key(),
    "actors.csv": schema.Actors.primary_key(),
    "coefficients.csv": ["model", "horizon", "term"],
    "choices.csv": ["model", "cutoff", "what"],
    "reach.csv": ["system", "relation", "kind"],
    "strata.parquet": ["truce_id", "origin"],
}
#: columns of what is found
FOUND = ("file", "row", "column", "first", "second")
HERE, MISSING = "there", "missing"
NUMBER = "row"


def differences(first: Path, second: Path) -> pl.DataFrame:
    """Find every value in which two folders differ.

    Parameters
    ----------
    first, second : Path
        Folders of finished runs.

    Returns
    -------
    pl.DataFrame
        A row for each value: ``file``, ``row`` (its key), ``column``, ``first``,
        ``second``, all text. A row or a file that one side lacks is one row, without a
        column. Floats are the same if they are equal to the last bit; null is the same
        as null.

    Raises
    ------
    forecast.raw.InputError
        If a file cannot be read.
    """
    names = {p.name for folder in (first, second) for p in folder.iterdir()}
    parts = [
        _of_file(first / name, second / name)
        for name in sorted(names - set(FILES))
        if name.endswith((".csv", ".parquet", ".json"))
    ]
    return pl.concat([_found([]), *parts])


def between(
    first: pl.DataFrame, second: pl.DataFrame, keys: Sequence[str], file: str = ""
) -> pl.DataFrame:
    """Find every value in which two tables differ.

    Parameters
    ----------
    first, second : pl.DataFrame
        Tables.
    keys : sequence of str
        Columns that tell rows apart. Where they are missing or do not, rows are told
        apart by their number.
    file : str
        What both are called.

    Returns
    -------
    pl.DataFrame
        As in :func:`differences`.

    Examples
    --------
    >>> ours = pl.DataFrame({"model": ["a", "b"], "risk": [0.1, None]})
    >>> theirs = pl.DataFrame({"model": ["a", "c"], "risk": [0.2, None]})
    >>> between(ours, theirs, ["model"], "metrics.csv").rows()
    [('metrics.csv', 'model=b', '', 'there', 'missing'),
     ('metrics.csv', 'model=c', '', 'missing', 'there'),
     ('metrics.csv', 'model=a', 'risk', '0.1', '0.2')]
    """
    if not all(_tells_apart(frame, keys) for frame in (first, second)):
        first, second = (f.with_row_index(NUMBER, 1) for f in (first, second))
        keys = [NUMBER]
    kinds = [
        (file, "", name, str(first.schema.get(name)), str(second.schema.get(name)))
        for name in dict.fromkeys([*first.columns, *second.columns])
        if first.schema.get(name) != second.schema.get(name)
    ]
    if kinds:
        return _found(kinds)
    lonely = [
        frame.join(other, on=keys, how="anti", nulls_equal=True)
        .sort(keys)
        .select(
            pl.lit(file).alias("file"),
            _key(keys).alias("row"),
            pl.lit("").alias("column"),
            pl.lit(mine).alias("first"),
            pl.lit(yours).alias("second"),
        )
        for frame, other, mine, yours in (
            (first, second, HERE, MISSING),
            (second, first, MISSING, HERE),
        )
    ]
    both = first.join(second, on=keys, nulls_equal=True, suffix=" ").sort(keys)
    values = [
        both.filter(pl.col(name).ne_missing(pl.col(f"{name} "))).select(
            pl.lit(file).alias("file"),
            _key(keys).alias("row"),
            pl.lit(name).alias("column"),
            _text(name).alias("first"),
            _text(f"{name} ").alias("second"),
        )
        for name in first.columns
        if name not in keys
    ]
    return pl.concat([*lonely, *values])


def _of_file(first: Path, second: Path) -> pl.DataFrame:
    there = [HERE if path.is_file() else MISSING for path in (first, second)]
    if MISSING in there:
        return _found([(first.name, "", "", *there)])
    keys = ["key"] if first.suffix == ".json" else KEYS.get(first.name, [])
    return between(_table(first), _table(second), keys, first.name)


def _table(path: Path) -> pl.DataFrame:
    """A file as a table, without what says when and where it was made."""
    try:
        content = path.read_bytes()
        if path.suffix == ".json":
            flat = flatten(
                {
                    key: value
                    for key, value in json.loads(content).items()
                    if path.name != "run.json" or key not in ACCOUNT
                }
            )
            return pl.DataFrame({"key": list(flat), "value": list(flat.values())})
        if path.suffix == ".parquet":
            frame = pl.read_parquet(BytesIO(content))
        else:  # as text: what was written is what is compared
            frame = pl.read_csv(content, infer_schema=False)
    # what reads JSON, CSV and Parquet has no common base
    except Exception as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    paths = [name for name in PATHS if name in frame.columns]
    return frame.drop(COLUMNS, strict=False).with_columns(
        pl.col(paths).str.extract(r"([^/\\]*)$", 1)
    )


def _tells_apart(frame: pl.DataFrame, keys: Sequence[str]) -> bool:
    return (
        bool(keys)
        and set(keys) <= set(frame.columns)
        and not frame.select(keys).is_duplicated().any()
    )


def _key(keys: Sequence[str]) -> pl.Expr:
    """Key of a row in words; of JSON the key alone."""
    if list(keys) == ["key"]:
        return _text("key")
    said = [pl.format("{}={}", pl.lit(key), _text(key)) for key in keys]
    return pl.concat_str(said, separator=", ")


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("null")


def _found(rows: Sequence[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(FOUND, pl.String), orient="row")
