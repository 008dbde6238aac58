"""JSON as an interface returns it, read as text like any other table.

:mod:`forecast.cells` then parses it by the same descriptions as a CSV.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from forecast.raw import ROW, InputError, Raw, check_columns
from forecast.rawfile import content_of, decode
from forecast.schema import Rejected


def is_json(path: str | Path) -> bool:
    """Whether a file is JSON by its name, ``.json`` or ``.json.gz``.

    Examples
    --------
    >>> is_json("pull.json.gz"), is_json("pull.csv.gz")
    (True, False)
    """
    return ".json" in Path(path).suffixes[-2:]


def read_json(
    path: str | Path, required: Sequence[str], optional: Sequence[str] = ()
) -> Raw:
    """Read a JSON list of records, or an object that holds one under ``data``.

    The "line" of a refused row is the number of its record, from 1.

    Parameters
    ----------
    path : str or Path
        The file, plain or gzip.
    required, optional : sequences of str
        As in :func:`forecast.raw.read`; a name counts as there if any record has it.

    Returns
    -------
    Raw

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, no JSON, or holds no records.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.json")
    ...     _ = path.write_text('{"data": [{"id": 7, "name": "a"}, {"id": 8}]}')
    ...     table = read_json(path, ["id"], ["name"])
    >>> table.frame.rows()
    [(0, '7', 'a'), (1, '8', None)]
    """
    path = Path(path)
    data, sha256 = content_of(path)
    content, clean = decode(data, path)
    if not clean:
        raise InputError(f"{path}: not UTF-8 text; expected JSON")
    records = _records(content, path)
    # only an escape can smuggle in half a character
    escaped = re.search(r"\\u[dD]", content) is not None
    known = list(dict.fromkeys([*required, *optional]))
    bad, good = [], []
    for number, record in enumerate(records):
        wrong = _wrong(record, known, escaped)
        if wrong:
            column, value, reason = wrong
            bad.append((str(path), number + 1, column, _plain(value[:80]), reason))
        elif isinstance(record, dict):
            good.append((number, record))
    names = dict.fromkeys(name for _, record in good for name in record)
    if good:
        check_columns(path, list(names), required, None)
    frame = pl.DataFrame(
        {ROW: [number for number, _ in good]}
        | {name: [_text(record.get(name)) for _, record in good] for name in known},
        schema={ROW: pl.UInt32} | dict.fromkeys(known, pl.String),
    )
    rejected = pl.DataFrame(bad, schema=Rejected.create_empty().schema, orient="row")
    return Raw(str(path), sha256, "", ",", frame, Rejected.validate(rejected))


def _records(content: str, path: Path) -> list[object]:
    try:
        found = json.loads(content, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: line {error.lineno}, character {error.colno}: no JSON: "
            f"{error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON that can be used: {error}") from error
    if isinstance(found, dict):
        if found.get("success") is False:
            raise InputError(f"{path}: the answer of a failed request: {content[:200]}")
        found = found.get("data")
    if not isinstance(found, list):
        raise InputError(
            f"{path}: no list of records; expected one, alone or under 'data'"
        )
    if not found:
        raise InputError(f"{path}: an empty list; expected at least one record")
    return found


def _object(pairs: list[tuple[str, object]]) -> object:
    """An object, or its bare list where a name stands twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else pairs


def _wrong(
    record: object, known: Sequence[str], escaped: bool
) -> tuple[str, str, str] | None:
    """Column, value and reason where a record is none that can be used."""
    if not isinstance(record, dict):
        return "", str(record), "expected an object that names each value once"
    if escaped and not _valid(record):
        return "", str(record), "expected text that is valid Unicode"
    for name in known:
        if isinstance(record.get(name), list | dict):
            return name, json.dumps(record[name]), "expected text or a number"
    return None


def _valid(record: dict[str, object]) -> bool:
    texts = [t for t in (*record, *record.values()) if isinstance(t, str)]
    return all(_plain(t) == t for t in texts)


def _plain(value: str) -> str:
    """Text without the halves of characters that JSON can hold and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value)
