"""What comes from the environment and may be a secret is used, and never written.

A password that a configuration takes from a variable must not lie in the folder of a
run for all who read it. In its place stands the expression that takes it.
"""

import os
import re

#: variables that say where things lie, and are no secret
PLAIN = ("FORECAST_HOME", "FORECAST_ROOT")
#: names of variables that are secrets even where no configuration asks for them
SECRET = re.compile(
    r"passw|secret|token|credential|api_?key|access_?key|private|_pw$", re.IGNORECASE
)
#: characters that a value must have to be found in a text: "1" stands everywhere
ASKED, NOT_ASKED = 4, 8
#: the password of an address
ADDRESS = re.compile(r"(://[^/:@\s]*):(?!\$\{)[^/@\s]+@")
#: values that a configuration took from the environment, by variable
taken: dict[str, str] = {}
#: other texts that nothing may hold
hidden: set[str] = set()


def take(name: str, value: str) -> None:
    """Remember that a configuration took the value of a variable."""
    if name not in PLAIN:
        taken[name] = value


def hide(secret: str) -> None:
    """Let nothing that is written hold a text, of whatever length."""
    hidden.add(secret)


def text(said: str) -> str:
    """A text without secrets: values of variables as expressions, no passwords.

    Parameters
    ----------
    said : str
        Any text that is about to be written.

    Examples
    --------
    >>> text("no answer from postgresql://forecast:hunter2@db/runs")
    'no answer from postgresql://forecast:***@db/runs'
    >>> take("DB_WORD", "hunter2")
    >>> text("no answer from postgresql://forecast:hunter2@db/runs")
    'no answer from postgresql://forecast:${oc.env:DB_WORD}@db/runs'
    >>> del taken["DB_WORD"]
    """
    found = {value: name for name, value in taken.items() if len(value) >= ASKED}
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= NOT_ASKED:
            found.setdefault(value, name)
    # the longest first: one may lie within another
    for value in sorted(found, key=len, reverse=True):
        said = said.replace(value, "${oc.env:" + found[value] + "}")
    for secret in hidden:
        said = said.replace(secret, "***")
    return ADDRESS.sub(r"\1:***@", said)
