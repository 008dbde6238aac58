"""Words of the command line: Hydra's flags that are taken, and overrides."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

CONFIG_DIR = ("--config-dir", "-cd")
#: flags of Hydra that take the next word
TAKES_A_WORD = ("--cfg", "-c", "--package", "-p", "--info", "-i", *CONFIG_DIR)
#: all that are taken: of the others one reads a pickle, and two read a configuration
#: other than the one that is looked at before Hydra starts
FLAGS = (
    *("--help", "-h", "--hydra-help", "--version", "--resolve"),
    *("--multirun", "-m", "--run", "-r"),
    *TAKES_A_WORD,
)
SEARCHPATH = "hydra.searchpath"


def overrides(words: Sequence[str]) -> list[str]:
    """The overrides among words, without Hydra's own flags and what belongs to them.

    Examples
    --------
    >>> overrides(["seed=2", "--cfg", "job", "-m"])
    ['seed=2']
    """
    before = ["", *words]
    return [
        word
        for last, word in zip(before, words, strict=False)
        if not word.startswith("-") and last not in TAKES_A_WORD
    ]


def in_order(words: Sequence[str]) -> list[str]:
    """Words with the overrides first, for Hydra takes them in one piece only.

    Examples
    --------
    >>> in_order(["seed=1,2", "-m", "level=0.9"])
    ['seed=1,2', 'level=0.9', '-m']
    """
    first = overrides(words)
    rest = list(words)
    for word in first:
        rest.remove(word)
    return [*first, *rest]


def unknown(words: Sequence[str]) -> str | None:
    """Why a flag among words is not taken, in a sentence; None: all are.

    Examples
    --------
    >>> unknown(["seed=1", "--cfg=job", "-m"])
    >>> unknown(["--experimental-rerun=config.pickle"]).partition(";")[0]
    'no flag --experimental-rerun'
    """
    for word in words:
        name, equals, _ = word.partition("=")
        if word.startswith("-") and name not in (TAKES_A_WORD if equals else FLAGS):
            return f"no flag {name}; there are: {', '.join(FLAGS)}"
    return None


def searched(words: Sequence[str], places: Sequence[str]) -> list[str]:
    """Words with a folder of configuration as an override instead of a flag.

    What is looked at before Hydra starts, and what Hydra reads, is then one thing.

    Parameters
    ----------
    words : sequence of str
        As typed.
    places : sequence of str
        Folders that are searched after it.

    Raises
    ------
    ValueError
        If there is no such folder, or the override is there already.

    Examples
    --------
    >>> searched(["seed=1", "--config-dir", "/tmp"], ["/home"])
    ['seed=1', "hydra.searchpath=['file:///tmp','file:///home']"]
    """
    rest: list[str] = []
    folders: list[str] = []
    for last, word in zip(["", *words], words, strict=False):
        name, equals, value = word.partition("=")
        if last in CONFIG_DIR:
            folders.append(word)
        elif name in CONFIG_DIR and equals:
            folders.append(value)
        elif word not in CONFIG_DIR:
            rest.append(word)
    if not folders:
        return rest
    if any(SEARCHPATH in word for word in rest):
        raise ValueError(f"{CONFIG_DIR[0]} and {SEARCHPATH}: expected one of them")
    if not Path(folders[-1]).is_dir():
        raise ValueError(f"{CONFIG_DIR[0]} {folders[-1]}: no such folder")
    found = [str(Path(folders[-1]).resolve()), *places]
    quoted = (in_quotes(f"file://{folder}") for folder in found)
    return [*rest, f"{SEARCHPATH}=[{','.join(quoted)}]"]


def in_quotes(value: str) -> str:
    r"""A value as an override has it, whatever its characters.

    Examples
    --------
    >>> print(in_quotes("outputs/it's here"))
    'outputs/it\'s here'
    """
    return "'" + value.replace("'", r"\'") + "'"


def parsed(words: Sequence[str]) -> list[Override]:
    """Overrides as Hydra reads them; none where one cannot be read.

    Examples
    --------
    >>> [override.key_or_group for override in parsed(["seed=1", "+a.b=2"])]
    ['seed', 'a.b']
    """
    try:
        return OverridesParser.create().parse_overrides(list(words))
    except HydraException:
        return []


def attempts(words: Sequence[str]) -> list[list[str]]:
    """The words with every choice of a sweep in turn, the others at their first.

    Examples
    --------
    >>> attempts(["seed=1,2", "level=0.9"])
    [['seed=1', 'level=0.9'], ['seed=2', 'level=0.9']]
    """
    found = parsed(words)
    if not found:
        return [list(words)]
    options = [
        [f"{word.split('=')[0]}={value}" for value in o.sweep_string_iterator()]
        if o.is_sweep_override()
        else [word]
        for o, word in zip(found, words, strict=True)
    ]
    first = [option[0] for option in options]
    return [first] + [
        [*first[:i], value, *first[i + 1 :]]
        for i, option in enumerate(options)
        for value in option[1:]
    ]


def plain(words: Sequence[str]) -> bool:
    """Whether words are overrides of a single run, without a flag and without a sweep.

    Examples
    --------
    >>> plain(["seed=1"]), plain(["seed=1,2"]), plain(["seed=1", "--cfg", "job"])
    (True, False, False)
    """
    return list(words) == overrides(words) and attempts(words) == [list(words)]


def acts_on_hydra(words: Sequence[str]) -> str | None:
    """Why overrides may not even be composed, in a sentence; None: they may.

    Examples
    --------
    >>> acts_on_hydra(["hydra.searchpath=[pkg://antigravity]"])
    'hydra.searchpath=pkg://antigravity: expected a folder, file://PATH'
    >>> acts_on_hydra(["hydra/launcher=basic,joblib"])
    'hydra/launcher: a sweep may not vary Hydra itself'
    """
    for override in parsed(words):
        key = override.key_or_group
        if key.startswith("hydra") and override.is_sweep_override():
            return f"{key}: a sweep may not vary Hydra itself"
        value = override.value() if key == SEARCHPATH else []
        for place in value if isinstance(value, list) else [value]:
            if not str(place).startswith("file://"):
                return f"{key}={place}: expected a folder, file://PATH"
    return None
