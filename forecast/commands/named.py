"""Runs that are named on a command line, before and between its overrides."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from forecast.commands import options
from forecast.commands.words import TAKES_A_WORD, in_quotes


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Runs, and everything else that was typed.

    Examples
    --------
    >>> split(["outputs/a/1", "seed=2", "outputs/a/2", "--cfg", "job"])
    (['outputs/a/1', 'outputs/a/2'], ['seed=2', '--cfg', 'job'])
    """
    runs: list[str] = []
    rest: list[str] = []
    for last, word in zip(["", *words], words, strict=False):
        flag = word.startswith("-") or last in TAKES_A_WORD
        override = "=" in word and not Path(word).is_dir()
        (rest if flag or override else runs).append(word)
    return runs, rest


def override(runs: Sequence[str]) -> str:
    r"""The override by which a configuration holds them.

    Examples
    --------
    >>> override(["outputs/a/1", "it's"])
    "runs=['outputs/a/1','it\\'s']"
    """
    return f"runs=[{','.join(map(in_quotes, runs))}]"


def call(
    verb: str,
    overrides: Sequence[str],
    usage: Callable[[], str],
    problem: Callable[[Sequence[str]], str | None],
    task: options.Task,
    held: Callable[[Sequence[str]], str] = override,
) -> int:
    """Run a task on runs that are named, and on the overrides beside them.

    Parameters
    ----------
    verb, overrides, task
        See :func:`forecast.commands.options.call`.
    usage : callable
        What is printed for ``--help``, and after a problem.
    problem : callable
        Of the runs that are named: what is wrong with their number, if anything is.
    held : callable
        The override by which a configuration holds them.

    Returns
    -------
    int
        2 where other runs were expected, else what the task returns.
    """
    runs, words = split(overrides)
    if {"-h", "--help"} & set(words):
        print(usage())
        return 0
    said = problem(runs)
    if said:
        print(f"forecast {verb}: {said}\n\n{usage()}", file=sys.stderr)
        return 2
    return options.call(verb, [*words, held(runs)], task)


def usage(verb: str, explained: str) -> str:
    """What a verb is for, and what it takes."""
    _, *rest = options.usage(verb).splitlines()
    return "\n".join([explained, *rest])
