"""Bytes of a file, and whether they are what its name says."""

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path

#: number of a record in its file, from 1
ROW = "_row"


class InputError(ValueError):
    """Input that cannot be used as it is; the message says where and why."""


def content_of(path: Path) -> tuple[bytes, str]:
    """Unpacked bytes of a file, and the digest of the file as it lies there."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    packed = data[:2] == b"\x1f\x8b"
    if packed != (path.suffix == ".gz"):
        kind = "gzip" if packed else "not gzip"
        raise InputError(f"{path}: the content is {kind}; its name says otherwise")
    if packed:
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
            raise InputError(f"{path}: damaged gzip file: {error}") from error
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected a table with a header")
    if (data[:4] == b"PAR1") != (path.suffix == ".parquet"):
        kind = "Parquet" if data[:4] == b"PAR1" else "not Parquet"
        raise InputError(f"{path}: the content is {kind}; its name says otherwise")
    if data[:4] == b"PK\x03\x04":
        raise InputError(f"{path}: a zip or Excel file; expected CSV text or Parquet")
    return data, sha256


def decode(data: bytes, path: Path) -> tuple[str, bool]:
    """Text of a file, and whether all of it is UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: UTF-16 text; expected UTF-8")
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise InputError(f"{path}: a NUL byte in line {line}; expected UTF-8 text")
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", errors="replace"), False


def check_header(header: Sequence[str], path: Path) -> None:
    """Refuse a header that is empty or names a column twice."""
    if not header:
        raise InputError(f"{path}: the file is empty; expected a table with a header")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice == [""]:
        nameless = [str(i) for i, name in enumerate(header, 1) if not name]
        raise InputError(
            f"{path}: columns {', '.join(nameless)[:80]} have no name in the header; "
            "expected a name for each, or no such columns"
        )
    if twice:
        raise InputError(f"{path}: column {twice[0][:80]!r} stands twice in the header")
    if ROW in header:
        raise InputError(f"{path}: column {ROW!r}: no column may have this name")
