"""Damaged files of every format end in a correct frame or in a clear error."""

import time
import zlib
from pathlib import Path
from typing import Any

import dataframely as dy
import pytest
from formats import FORMATS, Format
from mutations import Variant, variants

from forecast.raw import InputError
from forecast.schema import Events, Loaded, Rejected, Truces

SCHEMAS: dict[str, type[dy.Schema]] = {"events": Events, "truces": Truces}
#: seconds that the variants of a test may take, and a single one
#: a variant that takes longer hangs; nothing here is a measurement
SINGLE = 60.0
NONE = Rejected.create_empty()
Rows = list[tuple[Any, ...]]


def alone(of: Format, folder: Path) -> list[Rows]:
    """Rows of the frame that each row of the example makes by itself."""
    found = []
    for row in of.rows:
        path = folder / of.file.removesuffix(".gz")
        path.write_bytes(of.encode(of.columns, [list(row.values())]))
        found.append(of.source(path).frame.rows())
    return found


def account(of: Format, loaded: Loaded[Any], path: Path) -> None:
    schema = SCHEMAS[of.kind]
    assert schema.is_valid(loaded.frame), "the frame is not valid"
    assert loaded.frame.columns == schema.column_names()
    # without rows there is nothing to look at but columns and types
    rejected = loaded.rejected
    assert rejected.schema == NONE.schema
    assert rejected.is_empty() or Rejected.is_valid(rejected)
    assert set(loaded.rejected["file"]) <= {str(path)}
    told = loaded.accepted + loaded.rejected.height + loaded.left_out["n"].sum()
    assert loaded.read == told, f"{loaded.read} rows read, {told} accounted for"
    # of truces several rows may make one, and one row several: one a dyad
    assert of.kind == "truces" or loaded.frame.height == loaded.accepted


def cell(of: Format, variant: Variant, loaded: Loaded[Any], new: Rows) -> None:
    """What one damaged cell became: itself, nothing, or the reason of a refusal."""
    assert variant.cell is not None
    column, value = variant.cell
    tidy = value.strip()
    if loaded.rejected.height:
        assert loaded.rejected.height == 1
        # as in the file, where a line may end with CR and LF too
        assert loaded.rejected["reason"][0]
        assert tidy not in of.styles or column not in of.dates, "a good day refused"
        return
    to = {**of.texts, **of.numbers, **of.dates}.get(column)
    if to is None or not new:
        return
    found = new[0][loaded.frame.columns.index(to)]
    if column in of.texts:
        plain = " ".join(tidy.split()) if column in ("Agt", "relation") else tidy
        assert plain in ("", "NA", "None") or words(found) == words(plain), found
    elif tidy == "":
        # a default may stand in its place
        assert found is None or column in of.dates
    elif column in of.numbers:
        assert tidy == "NA" or found == float(tidy), found
    else:
        assert tidy in of.styles, f"read as {found}"
        # events of a single day need no second date
        assert found in (of.styles[tidy], None)


def words(text: str) -> str:
    return "".join(text.replace("_", " ").split())


def outcome(of: Format, variant: Variant, folder: Path, whole: list[Rows]) -> None:
    path = folder / variant.file
    path.write_bytes(variant.data)
    try:
        loaded = of.source(path)
    except InputError as error:
        message = str(error)
        assert str(path) in message, "the message does not name the file"
        assert len(message) < len(str(path)) + 2500, "the message is too long"
        assert variant.ends != "frame", f"refused: {message[:300]}"
        return
    finally:
        path.unlink()
    assert variant.ends != "error", f"read, with {loaded.accepted} rows"
    account(of, loaded, path)
    assert variant.read in (None, loaded.read), f"{loaded.read} rows read"
    if variant.touched is None:
        return
    rows = loaded.frame.rows()
    kept = [r for i, rs in enumerate(whole) if i not in variant.touched for r in rs]
    lost = [row for row in kept if row not in rows]
    assert not lost, f"sound rows are gone or not the same: {str(lost)[:300]}"
    new = [row for row in rows if row not in kept]
    if not variant.touched and variant.read == len(of.rows):
        assert not new, f"rows that the file does not hold: {str(new)[:300]}"
    assert loaded.rejected.height == 1 or not variant.refused, "it is not set aside"
    if variant.cell:
        cell(of, variant, loaded, new)


def run(of: Format, chosen: list[Variant], folder: Path) -> None:
    """All at once, so that a failure lists every variant that failed."""
    whole, failed = alone(of, folder), []
    for variant in chosen:
        before = time.perf_counter()
        try:
            outcome(of, variant, folder, whole)
        except BaseException as error:  # a panic of Polars is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            told = f"{type(error).__name__}: {str(error)[:400]}"
            failed.append(f"{variant.family}: {variant.name}: {told}")
        spent = time.perf_counter() - before
        if spent > SINGLE:
            failed.append(f"{variant.family}: {variant.name}: {spent:.1f} s")
    assert not failed, f"{len(failed)} of {len(chosen)}:\n" + "\n".join(failed[:40])


def by_default(variant: Variant) -> bool:
    """Whether it is one of the one in sixteen that always run; always the same ones."""
    return zlib.crc32(f"{variant.family} {variant.name}".encode()) % 16 == 0


@pytest.fixture(scope="module", params=FORMATS)
def made(request: pytest.FixtureRequest) -> tuple[Format, list[Variant]]:
    """A format and its variants, made once: pytest runs the tests format by format."""
    of = FORMATS[request.param]
    return of, variants(of)


def test_there_are_200_variants_and_more(made: tuple[Format, list[Variant]]) -> None:
    of, found = made
    different = {(v.data, v.file) for v in found} - {(of.data, of.file)}
    assert len(different) >= 200


@pytest.mark.parametrize("name", FORMATS)
def test_rows_of_the_examples_do_not_bear_on_each_other(
    name: str, tmp_path: Path
) -> None:
    """Else the tests below could not say what is left of them."""
    of = FORMATS[name]
    loaded = of.source(of.write(tmp_path))
    assert sorted(map(str, loaded.frame.rows())) == sorted(
        str(row) for rows in alone(of, tmp_path) for row in rows
    )
    assert loaded.rejected.is_empty()
    assert loaded.read == len(of.rows)


def test_some_variants(made: tuple[Format, list[Variant]], tmp_path: Path) -> None:
    of, found = made
    run(of, [v for v in found if by_default(v)], tmp_path)


@pytest.mark.slow
def test_the_other_variants(made: tuple[Format, list[Variant]], tmp_path: Path) -> None:
    of, found = made
    run(of, [v for v in found if not by_default(v)], tmp_path)
