"""Damaged variants of the examples of every format, always the same ones."""

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from formats import Format

#: row that is damaged where it is one; the second row is the one with é
ROW, ACCENTS = 2, 1
BIG = 1_000_000
CELLS = (
    *("", "   ", "NA", "None", "null", "=1+1", "+1", "-1", "@x", "=HYPERLINK(1)"),
    *("1e400", "nan", "inf", "-inf", "1,000", "12.5", "912", "0x1F", "1e3", "--1"),
    *('"', '"x', 'x"y"z', "'", "\\", "\\N", "a\x0bb", "a\u2028b", "a\x85b", "🕊 é"),
    *("2100-12-31", "0000-00-00", "9" * 400, "x;y;;z", "true"),
)
DAYS = (
    *("2016-02-03", "2016-02-03 00:00:00", "03/02/2016", "02/03/2016", "03.02.2016"),
    *("3 February 2016", "03 Feb 2016", "03-Feb-2016", "Feb 3, 2016", "20160203"),
    *("2016/02/03", "2016-2-3", "42403", "1454457600", "16-02-03", "2016-02-30"),
    *("2016-13-01", "2016-02", "2100-12-31", "9999-12-31", "1899-12-31", "31/12/2100"),
    *("21001231", "31 December 2100", "20161301", "0001-01-01"),
)


@dataclass(frozen=True)
class Variant:
    """A file, and what may follow from it."""

    family: str
    name: str
    data: bytes
    file: str
    #: rows that may read differently now; None: any of them
    touched: frozenset[int] | None = frozenset()
    #: rows that the loader must count, where that can be said
    read: int | None = None
    #: error: it must be refused as a whole; frame: it must not be
    ends: str = ""
    #: whether the damaged row must be set aside
    refused: bool = False
    #: text of one cell, by its column
    cell: tuple[str, str] | None = None


def variants(of: Format) -> list[Variant]:
    """All variants of a format."""
    made = [*_columns(of), *_rows(of), *_cells(of), *_packing(of), *_bytes(of)]
    if of.shape == "text":
        made += [*_lines(of), *_text(of), *_encodings(of), *_flips(of)]
    elif of.shape == "json":
        made += [*_json(of), *_records(of), *_encodings(of), *_flips(of)]
    else:
        made += [*_parquet(of)]
    return made


def _lay(of: Format, family: str, name: str, data: bytes, **rest: object) -> Variant:
    data = gzip.compress(data, 1, mtime=0) if of.packed else data
    return Variant(family, name, data, of.file, **rest)  # type: ignore[arg-type]


def _table(of: Format) -> tuple[list[str], list[list[str]]]:
    return of.columns, [list(row.values()) for row in of.rows]


def _columns(of: Format) -> Iterator[Variant]:
    """Columns that are gone, renamed, swapped, twice there, or too many."""
    names, rows = _table(of)
    n = len(rows)

    def lay(name: str, columns: list[str], cells: list[list[str]], **rest: object):
        return _lay(of, "columns", name, of.encode(columns, cells), **rest)

    for i, name in enumerate(names):
        needed = "error" if name in of.required or not of.headed else ""
        rest = {"touched": None, "ends": needed, "read": None if needed else n}
        less = [r[:i] + r[i + 1 :] for r in rows]
        yield lay(f"no {name}", names[:i] + names[i + 1 :], less, **rest)
        renamed = (name.upper() + "_", f" {name}", f"{name}\u200b", name[:-1] + "ß")
        for new in renamed[i % 2 :: 2]:
            if of.headed:
                wrong = "error" if of.closed else needed
                header = [*names[:i], new, *names[i + 1 :]]
                yield lay(f"{name} is {new!r}", header, rows, **rest | {"ends": wrong})
        if of.headed and of.shape == "text":
            twice = [[*r, r[i]] for r in rows]
            yield lay(f"{name} twice", [*names, name], twice, ends="error")
        if of.headed:
            order = [*names[i:], *names[:i]]
            yield lay(f"order {i}", order, [r[i:] + r[:i] for r in rows], read=n)
            other = (i + 1) % len(names)
            swapped = list(names)
            swapped[i], swapped[other] = names[other], names[i]
            yield lay(f"{name} swapped", swapped, rows, touched=None)
    more = [[*r, str(k)] for k, r in enumerate(rows)]
    ends = "error" if of.closed or not of.headed else "frame"
    yield lay("one more", [*names, "more"], more, ends=ends)
    wide = [f"w{k}" for k in range(2000)]
    yield lay("2000 more", names + wide, [r + [""] * 2000 for r in rows], ends=ends)
    long = "w" * BIG
    yield lay("a long name", [*names, long], [[*r, ""] for r in rows], ends=ends)


def _rows(of: Format) -> Iterator[Variant]:
    """Rows that are gone, twice there, in another order."""
    names, rows = _table(of)
    n, everyone = len(rows), frozenset(range(len(rows)))

    def lay(name: str, cells: list[list[str]], **rest: object) -> Variant:
        return _lay(of, "rows", name, of.encode(names, cells), **rest)

    for i in range(n):
        less = rows[:i] + rows[i + 1 :]
        yield lay(f"without {i}", less, touched=frozenset({i}), read=n - 1)
        yield lay(f"{i} twice", [*rows, rows[i]], touched=frozenset({i}), read=n + 1)
        again = [rows[i][0], *rows[(i + 1) % n][1:]]
        yield lay(f"id of {i}", [*rows, again], touched=everyone, read=n + 1)
    yield lay("backwards", rows[::-1], read=n)
    yield lay("many times", rows * 50, touched=None, read=n * 50)
    yield lay("names again", [*rows, names], read=n + 1)
    yield lay("an empty row", [*rows, [""] * len(names)], touched=None, read=n + 1)
    yield lay("no rows", [], ends="error")


def _cells(of: Format) -> Iterator[Variant]:
    """One cell that holds something else."""
    known = [name for name in of.columns if name in (*of.required, *of.optional)]
    long = ("x" * BIG, "[" * BIG, ";" * BIG, "a\u00a0 " * (BIG // 3), "-" * BIG)
    for i, name in enumerate(known):
        extra = DAYS if name in of.dates or "date" in name.lower() else ()
        # neighbours share the work: a quarter of the texts each
        for value in (*CELLS[i % 4 :: 4], *extra):
            yield _cell(of, "cells", name, value)
        for value in long if name in (*of.texts, "Part") else long[:1]:
            yield _cell(of, "long cells", name, value)
        if of.quote:
            for value in ("a\nb", "a\r\nb", f"a{of.separator}b"):
                yield _cell(of, "cells", name, value)
            if name in (*of.texts, "Part"):
                yield _cell(of, "long cells", name, "\n- ;" * (BIG // 4) + "x")


def _cell(of: Format, family: str, name: str, value: str) -> Variant:
    names, rows = _table(of)
    damaged = [list(row) for row in rows]
    damaged[ROW][names.index(name)] = value
    return _lay(
        of,
        family,
        f"{name} is {value[:20]!r}",
        of.encode(names, damaged),
        touched=frozenset({ROW}),
        read=len(rows),
        ends="frame",
        cell=(name, value),
    )


def _packing(of: Format) -> Iterator[Variant]:
    """Gzip that is cut, damaged, or not there where its name says so."""
    plain, name = of.data, of.file.removesuffix(".gz")
    data, packed = gzip.compress(plain, mtime=0), f"{name}.gz"
    suffix = {"touched": None} if of.shape == "parquet" else {}

    def lay(what: str, content: bytes, file: str, ends: str = "error") -> Variant:
        return Variant("packing", what, content, file, ends=ends, **suffix)  # type: ignore[arg-type]

    for cut in np.linspace(1, len(data) - 1, 12).astype(int).tolist():
        yield lay(f"gz cut at {cut}", data[:cut], packed)
    for at in np.linspace(10, len(data) - 1, 12).astype(int).tolist():
        hurt = bytearray(data)
        hurt[at] ^= 0xFF
        yield lay(f"gz hurt at {at}", bytes(hurt), packed)
    yield lay("gz named plain", data, name)
    yield lay("plain named gz", plain, packed)
    yield lay("gz twice", gzip.compress(data), packed)
    yield lay("gz of garbage", gzip.compress(bytes(range(256)) * 9), packed)
    yield lay("gz and garbage", data + b"garbage", packed)
    yield lay("gz of nothing", gzip.compress(b""), packed)
    if of.shape != "parquet":
        half = len(plain) // 2
        parts = gzip.compress(plain[:half]) + gzip.compress(plain[half:])
        yield lay("gz in two", parts, packed, "frame")
        yield lay("zip", b"PK\x03\x04" + plain, name)
        yield lay("Parquet by its name", plain, name.rsplit(".", 1)[0] + ".parquet")
        yield lay("Parquet by content", b"PAR1" + plain + b"PAR1", name)


def _bytes(of: Format) -> Iterator[Variant]:
    """Files without a table in them."""
    rng = np.random.default_rng(4)
    nothing = {
        "empty": b"",
        "a line end": b"\n",
        "blanks": b"  \n \t \n",
        "a BOM": b"\xef\xbb\xbf",
        "a NUL": b"\0",
        "NULs": b"\0" * 5000,
        "a quote": b'"',
        "quotes": b'"' * 999,
        "commas": b"," * 999,
        "a line": b"x" * BIG,
        "HTML": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n",
        "PAR1": b"PAR1",
        "PAR1PAR1": b"PAR1\x04\0\0\0PAR1",
    }
    nothing |= {f"random {k}": rng.bytes(200 + 100 * k) for k in range(10)}
    for name, data in nothing.items():
        yield _lay(of, "no table", name, data, ends="error")


def _lines(of: Format) -> Iterator[Variant]:
    """Line ends of other systems, and lines without a row."""
    data, n = of.data, len(of.rows)
    lines = data.splitlines(keepends=True)
    head = int(of.headed) + bool(of.second)

    def lay(name: str, content: bytes, **rest: object) -> Variant:
        return _lay(of, "text", name, content, **rest)

    for name, end in {"CRLF": b"\r\n", "CR": b"\r", "two": b"\n\n"}.items():
        yield lay(name, data.replace(b"\n", end), read=n, ends="frame")
    mixed = b"".join(
        x.rstrip(b"\n") + (b"\r\n", b"\n", b"\r")[i % 3] for i, x in enumerate(lines)
    )
    yield lay("mixed line ends", mixed, read=n, ends="frame")
    yield lay("no last line end", data.rstrip(b"\n"), read=n, ends="frame")
    for k in range(head, len(lines) + 1):
        blank = b"".join([*lines[:k], b"\n\n", *lines[k:]])
        yield lay(f"blank lines at {k}", blank, read=n, ends="frame")
        spaces = b"".join([*lines[:k], b"  \n", *lines[k:]])
        yield lay(f"a line of blanks at {k}", spaces, read=n + 1)


def _text(of: Format) -> Iterator[Variant]:
    """Separators, quotes and NUL in text."""
    data, n, sep = of.data, len(of.rows), of.separator.encode()
    lines = data.splitlines(keepends=True)
    head = int(of.headed) + bool(of.second)
    one, target = frozenset({ROW}), head + ROW

    def lay(name: str, content: bytes, **rest: object) -> Variant:
        return _lay(of, "text", name, content, **rest)

    def line(name: str, old: bytes, new: bytes, **rest: object) -> Variant:
        changed = [*lines[:target], lines[target].replace(old, new, 1)]
        content = b"".join(changed + lines[target + 1 :])
        return lay(name, content, **{"touched": one} | rest)

    for other in (b";", b"\t", b"|", b",", b":", b" ", b"\x01"):
        if other != sep:
            yield lay(f"between {other!r}", data.replace(sep, other), ends="error")
            yield line(f"row between {other!r}", sep, other, read=n)
    for mark in (sep, sep * 3, b'"', b'"x', b'""', b"\\", b"\\\n", b"\r", b"\n", b"\t"):
        yield line(f"{mark!r} at the end", b"\n", mark + b"\n")
        yield line(f"{mark!r} in front", sep, mark + sep)
    yield lay("separators at the end", data.replace(b"\n", sep + b"\n"), touched=None)
    for at in np.linspace(0, len(data) - 1, 8).astype(int).tolist():
        yield lay(f"NUL at {at}", data[:at] + b"\0" + data[at:], ends="error")
    for at in np.linspace(1, len(data) - 1, 25).astype(int).tolist():
        whole = data[:at].count(b"\n") - head
        gone = frozenset(range(max(whole, 0), n))
        yield lay(f"cut at {at}", data[:at], touched=gone)
    yield lay("twice the file", data + data, touched=None)


def _encodings(of: Format) -> Iterator[Variant]:
    """Text that is no UTF-8, or has a mark in front."""
    text, accents = of.data.decode(), frozenset({ACCENTS})
    if of.shape == "json":
        text = json.dumps(json.loads(text), ensure_ascii=False)

    def lay(name: str, data: bytes, **rest: object) -> Variant:
        return _lay(of, "encodings", name, data, **rest)

    n, bad = len(of.rows), "error" if of.shape == "json" else "frame"
    for code in ("latin-1", "cp1252", "cp1254", "iso8859-15", "mac-roman", "cp850"):
        data = text.encode(code)
        yield lay(code, data, touched=accents, ends=bad, read=n)
    for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        yield lay(code, text.encode(code), ends="error")
    yield lay("BOM", text.encode("utf-8-sig"), read=n, ends="frame")
    yield lay("two BOM", "\ufeff".encode() + text.encode("utf-8-sig"), touched=None)
    half = "É".encode()[:1]
    yield lay(
        "half a letter", text.encode().replace("É".encode(), half), touched=accents
    )


def _flips(of: Format) -> Iterator[Variant]:
    """Bytes that changed, came or went."""
    rng, data = np.random.default_rng(5), of.data
    head = int(of.headed) + bool(of.second)
    for k in range(60):
        at, byte = int(rng.integers(len(data))), bytes([int(rng.integers(1, 256))])
        new = (byte + data[at : at + 1], b"", byte, b'"', b"\n", b"\xff")[k % 6]
        content = data[:at] + new + data[at + 1 :]
        row = data[:at].count(b"\n") - head
        hit = frozenset({row, row + 1}) if row >= 0 and of.shape == "text" else None
        yield _lay(of, "bytes", f"{new!r} at {at}", content, touched=hit)


def _json(of: Format) -> Iterator[Variant]:
    """JSON that is cut, nested or another thing."""
    text, records = of.data.decode(), json.loads(of.data)["data"]
    n = len(records)

    def lay(name: str, content: str, **rest: object) -> Variant:
        return _lay(of, "json", name, content.encode(), **rest)

    for at in np.linspace(1, len(text) - 2, 40).astype(int).tolist():
        yield lay(f"cut at {at}", text[:at], ends="error")
    for mark in '{}[]":,':
        for at in (text.find(mark), text.rfind(mark), text.find(mark, len(text) // 2)):
            content = text[:at] + text[at + 1 :]
            yield lay(f"no {mark} at {at}", content, touched=None)
    deep = {"x": "[" * 5000 + "]" * 5000, "y": '{"a":' * 5000 + "1" + "}" * 5000}
    for name, nested in deep.items():
        yield lay(f"deep {name}", f'{{"data": {nested}}}', ends="error")
        for levels in (100, 300, 600, 900, 990):
            thin = "[" * levels + "]" * levels
            content = json.dumps(records)[:-1] + f", {thin}]"
            yield lay(f"{levels} deep {name}", content, read=n + 1)
    for half in (r"\ud800", r"\udfff", r"\u0000"):
        content = json.dumps(records).replace("A raid.", half)
        yield lay(f"letter {half}", content, touched=frozenset({ROW}), read=n)
    failed = '{"success": false, "error": "no access"}'
    yield lay("a failed request", failed, ends="error")
    yield lay("in lines", "\n".join(json.dumps(r) for r in records), ends="error")
    yield lay("alone", json.dumps(records), read=n, ends="frame")


def _records(of: Format) -> Iterator[Variant]:
    """JSON with a record of another shape."""
    records, one = json.loads(of.data)["data"], frozenset({ROW})
    n = len(records)

    def lay(name: str, content: str, **rest: object) -> Variant:
        return _lay(of, "json", name, content.encode(), **rest)

    def put(name: str, value: object, **rest: object) -> Variant:
        changed = [*records[:ROW], value, *records[ROW + 1 :]]
        rest = {"touched": one, "read": n, "ends": "frame"} | rest
        return lay(name, json.dumps(changed), **rest)

    wrong = (1, 1.5, True, None, "x", [], [1], {}, {"a": 1}, ["x"] * 999)
    for value in wrong:
        yield put(f"record {value!r:.30}", value)
        yield lay(f"data {value!r:.30}", json.dumps({"data": value}), ends="error")
        yield lay(f"all {value!r:.30}", json.dumps(value), ends="error")
        for name in (*of.required, *of.optional):
            nested = isinstance(value, list | dict)
            changed = records[ROW] | {name: value}
            yield put(f"{name} {value!r:.30}", changed, refused=nested)
    good = json.dumps(records[ROW])
    for number in ("1e400", "-1e400", "NaN", "Infinity", "9" * 400, "9" * 5000, "-0"):
        for name in ("fatalities", "latitude", "timestamp", "event_id_cnty"):
            changed = good[:-1].replace(f'"{name}"', '"z"') + f', "{name}": {number}}}'
            content = json.dumps(records).replace(good, changed)
            yield lay(f"{name} {number[:9]}", content, touched=one)
    for name in ("fatalities", "event_date", "actor1"):
        changed = good[:-1] + f', "{name}": "7"}}'
        content = json.dumps(records).replace(good, changed)
        what = f"{name} named twice"
        yield lay(what, content, touched=one, read=n, refused=True)


def _parquet(of: Format) -> Iterator[Variant]:
    """Columns of other types, and damaged bytes."""
    data, n = of.data, len(of.rows)
    frame, rng = pl.read_parquet(io.BytesIO(data)), np.random.default_rng(6)
    clock = datetime(2016, 2, 3, 4, 5)
    types: dict[str, object] = {
        **{"whole": 7, "real": 7.5, "nan": float("nan"), "bool": True, "null": None},
        **{"day": date(2016, 2, 3), "clock": clock, "hour": clock.time()},
        **{"span": timedelta(days=1), "bytes": b"\xff\x00", "list": ["x", "y"]},
        **{"map": {"a": 1}, "lists": [["x"]], "maps": [{"a": 1}]},
    }
    for name in frame.columns:
        for what, value in types.items():
            buffer = io.BytesIO()
            frame.with_columns(pl.Series(name, [value] * n)).write_parquet(buffer)
            cells = buffer.getvalue()
            yield _lay(of, "types", f"{name} {what}", cells, touched=None)
    for at in np.linspace(4, len(data) - 1, 30).astype(int).tolist():
        yield _lay(of, "bytes", f"cut at {at}", data[:at], ends="error")
    for _ in range(80):
        at, hurt = int(rng.integers(4, len(data) - 4)), bytearray(data)
        hurt[at] = int(rng.integers(256))
        yield _lay(of, "bytes", f"hurt at {at}", bytes(hurt), touched=None)
