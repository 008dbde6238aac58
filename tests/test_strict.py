"""JSON taken only as what it must be."""

import json
from collections.abc import Sequence
from typing import Any, Literal, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.rawfile import InputError
from forecast.strict import Day, arguments, check, keys, parse

INF, NAN = float("inf"), float("nan")


class Inner(TypedDict):
    day: Day
    word: Literal["a", "b"]


class Outer(TypedDict):
    number: float
    count: int
    flag: bool
    name: str
    maybe: Inner | None
    rows: list[list[float] | float]
    by_name: dict[str, Inner]


GOOD: dict[str, Any] = {
    "number": 1,
    "count": 2,
    "flag": True,
    "name": "n",
    "maybe": None,
    "rows": [[1.5, 2], 3],
    "by_name": {"x": {"day": "2016-04-07", "word": "a"}},
}


def test_what_is_as_it_must_be_is_taken() -> None:
    check(GOOD, Outer)
    check(GOOD | {"maybe": {"day": "2000-02-29", "word": "b"}}, Outer)
    check({"any": [None, {}]}, dict[str, Any])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("number", NAN, "number: expected a finite number, not nan"),
        ("number", -INF, "number: expected a finite number"),
        ("number", 10**400, "number: expected a finite number"),
        ("number", True, "number: expected a finite number, not True"),
        ("number", "1", "number: expected a finite number, not '1'"),
        ("number", None, "number: expected a finite number, not None"),
        ("count", 2.0, "count: expected a whole number, not 2.0"),
        ("count", False, "count: expected a whole number"),
        ("flag", 1, "flag: expected true or false, not 1"),
        ("name", 3, "name: expected text, not 3"),
        ("name", ["n"], "name: expected text, not a list"),
        ("maybe", [], "maybe: expected keys or null, not a list"),
        ("maybe", {}, "maybe: the key 'day' is missing"),
        ("rows", {}, "rows: expected a list, not keys"),
        ("rows", [[1, None]], "rows.0.1: expected a finite number, not None"),
        ("rows", [0, "x"], "rows.1: expected a list or a finite number, not 'x'"),
        ("by_name", {"x": {}}, "by_name.x: the key 'day' is missing"),
        (
            "by_name",
            {"x": {"day": "2016-02-30", "word": "a"}},
            "by_name.x.day: expected a day, YYYY-MM-DD, not '2016-02-30'",
        ),
        (
            "by_name",
            {"x": {"day": "2016-02-29", "word": "c"}},
            "by_name.x.word: expected 'a' or 'b', not 'c'",
        ),
        ("extra", 1, "the key 'extra' is unknown"),
    ],
)
def test_a_fault_is_refused_and_its_place_named(
    key: str, value: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        check(GOOD | {key: value}, Outer)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("key", GOOD)
def test_every_key_must_be_there(key: str) -> None:
    with pytest.raises(InputError, match=f"the key '{key}' is missing"):
        check({k: v for k, v in GOOD.items() if k != key}, Outer)


def test_the_whole_may_be_wrong() -> None:
    with pytest.raises(InputError, match="the whole: expected keys, not a list"):
        check([], Outer)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "day", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def refusal(value: Any) -> str:
    try:
        check(value, Outer)
    except InputError as error:
        return str(error)
    return ""


@given(values, st.sampled_from([*GOOD]))
def test_a_value_is_taken_or_refused_and_nothing_else(value: Any, key: str) -> None:
    """Whatever stands there, it never fails in another way."""
    said = refusal(GOOD | {key: value})
    assert said.startswith(key) if said else json.dumps(value, allow_nan=False)


def rule(
    truces: int, *, window_days: int = 30, shares: Sequence[float] = (), at: Any = None
) -> None:
    """A function with settings."""


def test_settings_are_those_of_the_function() -> None:
    arguments(rule, {"window_days": 7, "shares": [0.5, 1]}, without=["at"])
    arguments(rule, {"window_days": 7, "shares": [], "at": "anything"})
    for settings, message in (
        ({"window_days": 7}, "rule: the key 'shares' is missing"),
        ({"window_days": 7, "shares": [], "truces": 1}, "rule: the key 'truces' is"),
        ({"window_days": 7, "shares": [None]}, "rule.shares.0: expected a finite"),
    ):
        with pytest.raises(InputError, match=message):
            arguments(rule, settings, "rule", without=["at"])


def test_keys_are_checked_before_what_they_hold() -> None:
    with pytest.raises(InputError, match="at: the key 'b' is unknown"):
        keys({"a": "no number", "b": 1}, {"a": float}, "at")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1} x', "not JSON: Extra data"),
        ('{"b": {"a": 1, "c": 2, "a": 1}}', "the key 'a' is there twice"),
        ("[" * 100_000, "not JSON"),
        ("1" * 5_000, "not JSON"),
    ],
)
def test_what_is_no_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text)


@given(st.recursive(st.floats(allow_nan=False), lambda x: st.lists(x, max_size=3)))
def test_numbers_come_back_to_the_last_bit(value: Any) -> None:
    assert repr(parse(json.dumps(value))) == repr(value)
