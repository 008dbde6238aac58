"""What a function is made of: its code, all code behind it, and what it was given.

Modules are found from the text of import statements. Two things are not seen: what a
module reads without importing it, and names that are rebound while it runs.
"""

import ast
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import Any

#: where this package lies
HOME = Path(__file__).parent
#: folders of many packages, which are known by their versions
INSTALLED = ("site-packages", "dist-packages")
#: a file that changed since may not be what this process has loaded
BEGAN = time.time()


def code_digest(function: Callable[..., Any]) -> str | None:
    """Digest of a function's code and settings.

    Parameters
    ----------
    function : callable
        A function, or a partial of one.

    Returns
    -------
    str or None
        64 hexadecimal digits of: the text of all :func:`modules` behind the function,
        the tables of this package, the place of the function in its module, its
        settings, its defaults, and what it holds from around it. None where one of
        them cannot be known: there is no text, it changed since this process began,
        or a setting is no plain value.

    Examples
    --------
    >>> from forecast.features.recent import recent
    >>> week, month = (partial(recent, windows=[days]) for days in (7, 30))
    >>> code_digest(week) == code_digest(month)
    False
    >>> code_digest(partial(recent, windows=print)) is None
    True
    """
    bound = function if isinstance(function, partial) else partial(function)
    inner = bound.func
    if not isinstance(inner, FunctionType):
        return None
    code = inner.__code__
    try:
        around = [cell.cell_contents for cell in inner.__closure__ or ()]
        defaults = [inner.__defaults__, inner.__kwdefaults__]
        given = _plain([bound.args, bound.keywords, defaults, around])
        texts = _texts(inner.__module__, Path(code.co_filename))
    except (OSError, SyntaxError, TypeError, ValueError):
        return None
    # two lambdas of one line differ in where they stand
    place = [inner.__qualname__, list(code.co_positions())]
    said = json.dumps([texts, place, given])
    return None if texts is None else sha256(said.encode()).hexdigest()


def modules(name: str, path: Path) -> dict[str, Path]:
    """Find the files of a module, and of all modules behind it that may change.

    These are what it imports, directly or through others, anywhere in its text: from
    this package, and from its own folder unless that is one of installed packages.

    Parameters
    ----------
    name : str
        Name of the module, with dots.
    path : Path
        Its file.

    Returns
    -------
    dict of str to Path
        Files by name of module.

    Raises
    ------
    OSError, SyntaxError, ValueError
        If a file cannot be read, or is no Python.

    Examples
    --------
    >>> sorted(modules("forecast.windows", HOME / "windows.py"))
    ['forecast', 'forecast.spans', 'forecast.windows']
    """
    own = name.partition(".")[0]
    depth = name.count(".") + (path.name == "__init__.py")
    root = path.parents[min(depth, len(path.parents) - 1)]
    found: dict[str, Path] = {}
    ahead = _located(_lineage(name), own, root) | {name: path}
    while ahead:
        name, path = ahead.popitem()
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        behind = _imported(path.read_bytes(), package)
        ahead |= _located(behind - found.keys(), own, root)
    return found


def _texts(name: str, path: Path) -> list[tuple[str, str]] | None:
    """Digests of all modules behind one and of the package's tables, sorted by name."""
    files = modules(name, path)
    files |= {str(table.relative_to(HOME)): table for table in HOME.rglob("*.csv")}
    if any(file.stat().st_mtime > BEGAN for file in files.values()):
        return None
    return [(n, sha256(files[n].read_bytes()).hexdigest()) for n in sorted(files)]


@lru_cache(maxsize=1024)
def _imported(text: bytes, package: str) -> frozenset[str]:
    """Every module that a text may import, and names that may turn out to be none."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if node.level else []
            above = above[: len(above) + 1 - node.level]
            base = [*above, *([node.module] if node.module else [])]
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return frozenset().union(*map(_lineage, found))


def _lineage(name: str) -> frozenset[str]:
    """A module and the packages that it lies in: an import runs them all."""
    parts = name.split(".")
    return frozenset(".".join(parts[: i + 1]) for i in range(len(parts)))


def _located(names: frozenset[str], own: str, root: Path) -> dict[str, Path]:
    """Files of those modules that lie in this package or in one's own folder."""
    found = {}
    for name in names:
        top, *_ = parts = name.split(".")
        ours = top == HOME.name
        if not ours and root.name in INSTALLED and top != own:
            continue
        stem = (HOME.parent if ours else root).joinpath(*parts)
        for path in (stem.parent / f"{stem.name}.py", stem / "__init__.py"):
            if path.is_file():
                found[name] = path
    return found


def _plain(value: Any) -> Any:
    """A setting as JSON holds it; a mapping keeps its order, for columns may follow it.

    Raises TypeError if the setting is no plain value.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Mapping):
        return {"mapping": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} is no plain value")
