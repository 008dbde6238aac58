"""Feature frames kept by content: what is made of the same is computed once.

A frame is known by all that decides it: the rows of the inputs, the feature's code and
settings (:func:`forecast.imports.code_digest`), and the versions of what computes. It
is not known by the name or the date of any file.

A file is named by the feature, by the digest of what its frame was made of, and by the
digest of its own bytes: unless these agree, they are not even read as a frame.
"""

import json
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl

from forecast import features as contract
from forecast.features import OUTCOME, Feature
from forecast.imports import code_digest
from forecast.schema import Panel, Truces

#: bytes that a folder may hold; what was used least lately goes first
LIMIT = 2**30
#: seconds after which a half-written file is taken for a killed run's
ABANDONED = 86_400
VERSIONS = (pl.__version__, np.__version__, platform.python_version())
FRAME = re.compile(r".+-[0-9a-f]{64}-[0-9a-f]{64}\.parquet")
PART = re.compile(r"\..+-[0-9a-f]{64}\.part-[0-9a-f]{16}")
#: types whose values are all of one length
FIXED = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Float32, pl.Float64, pl.Boolean),
)


@dataclass(frozen=True)
class Account:
    """Features that were computed, those that were found, and what went wrong."""

    computed: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compute(
    features: Sequence[tuple[str, Feature]],
    panel: dy.DataFrame[Panel],
    events: pl.DataFrame,
    truces: dy.DataFrame[Truces],
    folder: Path | None,
    limit: int = LIMIT,
) -> tuple[list[pl.DataFrame], Account]:
    """Compute features, but for those whose frames a folder holds.

    Parameters
    ----------
    features : sequence of (str, callable)
        Names and functions; a name may come twice, with other settings.
    panel, events, truces
        See :func:`forecast.features.compute`.
    folder : Path or None
        Where frames are kept; None computes all. A folder that cannot be read or
        written costs time and no results.
    limit : int
        Bytes that the folder may hold afterwards.

    Returns
    -------
    list of pl.DataFrame
        What :func:`forecast.features.compute` returns, for each feature.
    Account
        Which features were computed and which were found; at most one note.

    Raises
    ------
    ValueError
        If a feature breaks its contract.
    """
    account, frames, trouble = Account(), [], ""
    # digested once, and with the outcome left out as it is for features
    inputs = [digest(f) for f in (panel.drop(OUTCOME), events, truces) if folder]
    for name, feature in features:
        code = code_digest(feature) if folder else None
        made_of = json.dumps([name, inputs, code, VERSIONS]).encode()
        stem = f"{name}-{sha256(made_of).hexdigest()}"
        frame = _recall(folder, stem) if folder and code else None
        (account.computed if frame is None else account.cached).append(name)
        if frame is None:
            frame = contract.compute({name: feature}, panel, events, truces)
            if folder and code and not trouble:
                trouble = _keep(folder, stem, frame)
        frames.append(frame)
    if folder and account.computed:
        _trim(folder, limit)
    account.notes.extend([trouble] if trouble else [])
    return frames, account


def digest(frame: pl.DataFrame) -> str:
    """Digest of a frame's content: names, types, values, and the order of both ways.

    Parameters
    ----------
    frame : pl.DataFrame
        Of numbers, days, truth values, texts, and lists of them.

    Returns
    -------
    str
        64 hexadecimal digits, the same however the frame lies in memory. Floats
        count by their bits, so 0.0 is not -0.0.

    Examples
    --------
    >>> whole = pl.DataFrame({"deaths": [1, None, 3]})
    >>> digest(whole) == digest(pl.concat([whole[:1], whole[1:]], rechunk=False))
    True
    >>> digest(whole) == digest(whole.cast(pl.Int32))
    False
    """
    whole = sha256(json.dumps(frame.shape).encode())
    for column in frame.iter_columns():
        for part in _parts(column):
            whole.update(part)
    return whole.hexdigest()


def _parts(column: pl.Series) -> Iterator[bytes]:
    """A column as bytes; those before a run of them tell how long it is."""
    # what lies in memory under a null is left to chance
    there, kind = column.drop_nulls(), column.dtype
    head = json.dumps([column.name, repr(kind), column.len(), there.len()]).encode()
    yield len(head).to_bytes(8, "little") + head
    if there.len() < column.len():
        yield column.is_null().to_numpy().tobytes()
    if isinstance(kind, pl.List):
        lengths = there.list.len()
        yield lengths.to_numpy().tobytes()
        yield from _parts(there.filter(lengths > 0).explode())
    elif kind in FIXED or kind.is_temporal() or isinstance(kind, pl.Enum):
        yield there.to_physical().to_numpy().tobytes()
    else:
        texts = there.cast(pl.String)
        yield texts.str.len_bytes().to_numpy().tobytes()
        yield texts.str.join("").item().encode()


def _recall(folder: Path, stem: str) -> pl.DataFrame | None:
    """A frame that was kept, if its bytes are still those that were written."""
    for path in folder.glob(f"*{stem[-64:]}-*.parquet"):
        with suppress(OSError, pl.exceptions.PolarsError):
            content = path.read_bytes()
            if path.stem == f"{stem}-{sha256(content).hexdigest()}":
                frame = pl.read_parquet(BytesIO(content))
                with suppress(OSError):
                    os.utime(path)  # it was of use today
                return frame
            path.unlink()
    return None


def _keep(folder: Path, stem: str, frame: pl.DataFrame) -> str:
    """Write a frame whole or not at all; returns what stood in the way, if anything."""
    buffer = BytesIO()
    frame.write_parquet(buffer)
    content = buffer.getvalue()
    # two runs may write one frame at once: each has a half-written file of its own
    part = folder / f".{stem}.part-{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(folder / f"{stem}-{sha256(content).hexdigest()}.parquet")
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        return f"features are not cached: {folder}: {error.strerror}"
    return ""


def _trim(folder: Path, limit: int) -> None:
    """Delete frames beyond the limit, and half-written files of runs long gone."""
    kept: list[tuple[int, int, Path]] = []
    for path in folder.glob("*"):
        # another run may delete the same files; whatever else lies here is not ours
        with suppress(OSError):
            stat = path.stat()
            if FRAME.fullmatch(path.name):
                kept.append((stat.st_mtime_ns, stat.st_size, path))
            elif PART.fullmatch(path.name) and stat.st_mtime < time.time() - ABANDONED:
                path.unlink()
    total = 0
    for _, size, path in sorted(kept, reverse=True):
        total += size
        if total > limit:
            with suppress(OSError):
                path.unlink()
