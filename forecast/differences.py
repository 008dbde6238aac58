"""What differs between two configurations: every key, and a few words for a chart."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

#: keys that say what a run is called, and change nothing that it computes
NAMES = ("name", "question")
#: entries, and characters of an entry, that a short label holds
ENTRIES, CHARACTERS = 2, 36

Flat = dict[str, str]
Differences = dict[str, tuple[str | None, str | None]]


def flatten(params: Mapping[str, Any]) -> Flat:
    """Nested parameters as one level of text, keys joined with dots.

    Parameters
    ----------
    params : mapping
        Values may be mappings, lists, numbers, text, None.

    Returns
    -------
    dict of str to str
        Text as it is, everything else as JSON would write it.

    Examples
    --------
    >>> flatten({"seed": 1, "split": {"first": 1996, "last": None}, "days": [7, 14]})
    {'seed': '1', 'split.first': '1996', 'split.last': 'null', 'days': '[7, 14]'}
    """
    return dict(_flat(params, ""))


def _flat(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and (value or not key):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, str):
        yield key, value
    else:
        yield key, json.dumps(value, default=str, ensure_ascii=False)


def differences(reference: Mapping[str, Any], run: Mapping[str, Any]) -> Differences:
    """Keys whose values differ, flattened, in alphabetical order.

    Parameters
    ----------
    reference, run : mapping
        Configurations, nested as they are.

    Returns
    -------
    dict of str to (str or None, str or None)
        Value of the reference and value of the run; None: it has no such key.

    Examples
    --------
    >>> differences({"seed": 1, "days": [7]}, {"seed": 2, "days": [7], "draws": 9})
    {'draws': (None, '9'), 'seed': ('1', '2')}
    """
    ours, theirs = flatten(reference), flatten(run)
    return {
        key: (ours.get(key), theirs.get(key))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    }


def table(found: Mapping[str, Differences], titles: Mapping[str, str]) -> pl.DataFrame:
    """Settings that differ between runs and a reference, a row each.

    Parameters
    ----------
    found : mapping of str to Differences
        By name of the run.
    titles : mapping of str to str
        What each run is called.

    Returns
    -------
    pl.DataFrame
        ``run``, ``title``, ``key``, ``reference``, ``value``: all text, null where a
        side has no such key.

    Examples
    --------
    >>> table({"a/2": {"seed": ("1", "2")}}, {"a/2": "seed=2"}).rows()
    [('a/2', 'seed=2', 'seed', '1', '2')]
    """
    return pl.DataFrame(
        [
            (name, titles[name], key, ours, theirs)
            for name, settings in found.items()
            for key, (ours, theirs) in settings.items()
        ],
        schema=dict.fromkeys(("run", "title", "key", "reference", "value"), pl.String),
        orient="row",
    )


def short(reference: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """What differs in a few words, to tell the runs of a sweep apart in a chart.

    Parameters
    ----------
    reference, run : mapping
        Configurations, nested as they are.

    Returns
    -------
    str
        At most two entries, those nearest to the root first, then how many more.
        A branch that one side lacks is one entry. An entry that follows from another
        is left out: ``leave_out=kinds`` says that the feature ``kinds`` is not there.
        Empty where nothing but names differ.

    Examples
    --------
    >>> full = {"leave_out": None, "features": {"age": {}, "kinds": {"days": [7]}}}
    >>> short(full, {"leave_out": "kinds", "features": {"age": {}}})
    'leave_out=kinds'
    >>> short(full, {"leave_out": None, "features": {"age": {}, "kinds": {"days": 9}}})
    'features.kinds.days=9'
    >>> short(full, {"leave_out": None, "features": {"age": {}}})
    'without features.kinds'
    >>> rolling = {"split": {"_target_": "forecast.split.Rolling"}}
    >>> unseen = {"split": {"_target_": "forecast.split.Unseen", "by": "dyad_id"}}
    >>> short(rolling, unseen)
    'split=Unseen + split.by=dyad_id'
    """
    said: list[tuple[str, str, str]] = []
    for key, value, entry in sorted(
        _entries(flatten(reference), flatten(run)), key=lambda e: (e[0].count("."), e)
    ):
        if not any(_follows(key, value, *other[:2]) for other in said):
            said.append((key, value, entry))
    words = [_cut(entry) for _, _, entry in said]
    more = len(words) - ENTRIES
    tail = [f"{more} more"] if more > 0 else []
    return " + ".join([*words[:ENTRIES], *tail])


def _entries(reference: Flat, run: Flat) -> set[tuple[str, str, str]]:
    """Key, value and words of each difference; a branch of one side is one of them."""
    found = set()
    for key in reference.keys() | run.keys():
        if key in NAMES or reference.get(key) == run.get(key):
            continue
        if key not in run:
            branch = _branch(key, run)
            found.add((branch, "", f"without {branch}"))
        elif key in reference or (branch := _branch(key, reference)) == key:
            found.add((key, run[key], _said(key, run[key])))
        else:
            found.add((branch, "", f"with {branch}"))
    return found


def _said(key: str, value: str) -> str:
    """A setting; another choice of a group by the name of what it calls."""
    if key.endswith("._target_"):
        return f"{key.removesuffix('._target_')}={value.rpartition('.')[2]}"
    return f"{key}={value}"


def _branch(key: str, other: Flat) -> str:
    """The shortest start of a key below which the other side has nothing."""
    parts = key.split(".")
    starts = [".".join(parts[:i]) for i in range(1, len(parts) + 1)]
    return next(
        start
        for start in starts
        if not any(k == start or k.startswith(f"{start}.") for k in other)
        or start == key
    )


def _follows(key: str, value: str, cause: str, of_cause: str) -> bool:
    """Whether a difference follows from one nearer to the root."""
    last = key.rpartition(".")[2]
    if not value:
        return last in re.findall(r"\w+", of_cause)
    return (last, value) == (cause.rpartition(".")[2], of_cause)


def _cut(entry: str) -> str:
    entry = entry.replace('"', "")
    return entry if len(entry) <= CHARACTERS else f"{entry[: CHARACTERS - 1]}…"
