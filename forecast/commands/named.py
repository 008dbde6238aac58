"""Runs that are named on a command line, before and between its overrides."""

from collections.abc import Sequence
from pathlib import Path

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
