"""JSON taken only as what it must be: a fault is refused, and its place is named.

What a file must hold is said by type hints: a ``TypedDict`` for an object whose keys
are known, ``dict[str, X]`` for one whose keys are names, ``list[X]``, ``X | None``, and
the signature of a function for an object of its settings.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as known_keys

from forecast.rawfile import InputError

Test = Callable[[Any], bool]
#: text, YYYY-MM-DD
Day = NewType("Day", str)


def parse(text: str) -> Any:
    """Read JSON, in which no object names a key twice.

    Raises
    ------
    InputError
        If it is no JSON, or a key recurs: readers differ in which of the two they take.

    Examples
    --------
    >>> parse('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    forecast.rawfile.InputError: the key 'a' is there twice in one object
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except InputError:
        raise
    # beside what is no JSON: numbers too long to be read, brackets too deep
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error


def check(value: Any, kind: Any, place: str = "") -> None:
    """Refuse a value that is not of a kind.

    Parameters
    ----------
    value : object
        From :func:`parse`.
    kind : type hint
        What it must be. A float may be written as a whole number; none may be infinite
        or NaN. A :data:`Day` is text, YYYY-MM-DD.
    place : str
        Where the value stands, keys joined by dots.

    Raises
    ------
    InputError
        That names the first fault and its place.

    Examples
    --------
    >>> check({"a": [1, 2.5]}, dict[str, list[float]])
    >>> check({"a": [1, "2"]}, dict[str, list[float]])
    Traceback (most recent call last):
    ...
    forecast.rawfile.InputError: a.1: expected a finite number, not '2'
    """
    several = get_origin(kind) in (Union, UnionType)
    ways = [(way, *_shape(way)) for way in (get_args(kind) if several else (kind,))]
    fitting = [way for way, fits, _ in ways if fits(value)]
    if not fitting:
        expected = " or ".join(words for _, _, words in ways)
        at = place or "the whole"
        raise InputError(f"{at}: expected {expected}, not {_brief(value)}")
    _inside(value, fitting[0], place)


def keys(value: Mapping[str, Any], kinds: Mapping[str, Any], place: str = "") -> None:
    """Refuse an object that lacks a key, has another, or holds what it must not.

    Raises
    ------
    InputError
        That names the key and its place.

    Examples
    --------
    >>> keys({"low": 1}, {"low": float, "high": float}, "curve")
    Traceback (most recent call last):
    ...
    forecast.rawfile.InputError: curve: the key 'high' is missing
    """
    at = f"{place}: " if place else ""
    for name in value:
        if name not in kinds:
            raise InputError(f"{at}the key {name!r} is unknown")
    for name, kind in kinds.items():
        if name not in value:
            raise InputError(f"{at}the key {name!r} is missing")
        check(value[name], kind, _joined(place, name))


def arguments(
    function: Callable[..., Any],
    value: Mapping[str, Any],
    place: str = "",
    without: Sequence[str] = (),
) -> None:
    """Refuse settings that a function does not take, or does not take so.

    Parameters
    ----------
    function : callable
        With type hints. All its parameters that have a default must be there.
    value : mapping
        Settings by name.
    place : str
        Where they stand.
    without : sequence of str
        Parameters that are no settings.

    Raises
    ------
    InputError
        That names the setting and its place.

    Examples
    --------
    >>> def rule(events, *, window_days: int = 30): ...
    >>> arguments(rule, {"window_days": "30"}, "rule")
    Traceback (most recent call last):
    ...
    forecast.rawfile.InputError: rule.window_days: expected a whole number, not '30'
    """
    hints = get_type_hints(function)
    taken = inspect.signature(function).parameters.values()
    own = [p.name for p in taken if p.default is not p.empty and p.name not in without]
    keys(value, {name: hints[name] for name in own}, place)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"the key {twice!r} is there twice in one object")
    return found


def _is(kind: type, *others: type) -> Test:
    """Whether a value is of a type; a truth value is no number."""
    return lambda v: isinstance(v, (kind, *others)) and not isinstance(v, bool)


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


#: what a value of each plain kind is, in a test and in words
PLAIN: dict[Any, tuple[Test, str]] = {
    Any: (lambda _: True, "anything"),
    NoneType: (lambda v: v is None, "null"),
    bool: (lambda v: isinstance(v, bool), "true or false"),
    int: (_is(int), "a whole number"),
    # a comparison with NaN is false
    float: (lambda v: _is(int, float)(v) and abs(v) <= 1e308, "a finite number"),
    str: (_is(str), "text"),
    Day: (_day, "a day, YYYY-MM-DD"),
}


def _shape(kind: Any) -> tuple[Test, str]:
    """What a value of a kind is at first sight."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin = get_origin(kind)
    if origin is Literal:
        # True is 1 in Python, but not in JSON
        words = [*map(repr, get_args(kind))]
        return lambda v: repr(v) in words, " or ".join(words)
    return (_is(list), "a list") if origin in (list, Sequence) else (_is(dict), "keys")


def _inside(value: Any, kind: Any, place: str) -> None:
    if known_keys(kind):
        keys(value, get_type_hints(kind), place)
    elif get_origin(kind) is dict:
        for name, inner in value.items():
            check(inner, get_args(kind)[1], _joined(place, name))
    elif get_origin(kind) in (list, Sequence):
        for number, inner in enumerate(value):
            check(inner, get_args(kind)[0], _joined(place, str(number)))


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _brief(value: Any) -> str:
    if isinstance(value, dict | list):
        return "keys" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
